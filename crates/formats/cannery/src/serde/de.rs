//! From a tree to serde's types.

use std::vec::IntoIter;

use ::serde::de::value::StringDeserializer;
use ::serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use ::serde::forward_to_deserialize_any;
use cannery_core::{Result, Segment, Text, TextBuf, Value};

use super::failed::Failed;

/// A value of a serde type from a tree without references and arrays.
pub(super) fn from_plain<T: DeserializeOwned>(value: Value) -> Result<T> {
    T::deserialize(ValueDeserializer(value)).map_err(|Failed(error)| error)
}

struct ValueDeserializer(Value);

impl ValueDeserializer {
    /// An object that stands for its part `value`, as that.
    fn bare(self) -> Value {
        match self.0 {
            Value::Object(mut object) => {
                let at = object.parts.iter().position(|(name, _)| name == "value");
                match at {
                    Some(at) => object.parts.swap_remove(at).1,
                    None => Value::Object(object),
                }
            }
            other => other,
        }
    }
}

fn visit<'de, V: Visitor<'de>>(value: Value, visitor: V) -> Result<V::Value, Failed> {
    match value {
        Value::Null => visitor.visit_unit(),
        Value::Bool(value) => visitor.visit_bool(value),
        Value::Int(value) => visitor.visit_i64(value),
        Value::BigInt(value) => match (u64::try_from(&value), i128::try_from(&value)) {
            (Ok(value), _) => visitor.visit_u64(value),
            (_, Ok(value)) => visitor.visit_i128(value),
            _ => match u128::try_from(&value) {
                Ok(value) => visitor.visit_u128(value),
                Err(_) => {
                    Err(Failed::invalid_type(Unexpected::Other("a larger integer"), &visitor))
                }
            },
        },
        Value::Float(value) => visitor.visit_f64(value),
        Value::Text(text) => visitor.visit_string(string(&text)?),
        Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) | Value::FrozenSet(items) => {
            visit_items(items, visitor)
        }
        Value::Map(entries) => visit_entries(entries, visitor),
        Value::Object(object) => {
            let parts = object.parts.into_iter();
            visit_entries(parts.map(|(name, value)| (Value::Text(name), value)).collect(), visitor)
        }
        other => Err(Failed::invalid_type(Unexpected::Other(&format!("{other:?}")), &visitor)),
    }
}

fn visit_items<'de, V: Visitor<'de>>(items: Vec<Value>, visitor: V) -> Result<V::Value, Failed> {
    let mut access = Items { items: items.into_iter(), index: 0 };
    let value = visitor.visit_seq(&mut access)?;
    match access.items.len() {
        0 => Ok(value),
        left => {
            let len = usize::try_from(access.index).unwrap_or(usize::MAX);
            Err(Failed::invalid_length(len + left, &format!("{len} items").as_str()))
        }
    }
}

fn visit_entries<'de, V: Visitor<'de>>(
    entries: Vec<(Value, Value)>,
    visitor: V,
) -> Result<V::Value, Failed> {
    visitor.visit_map(Entries { entries: entries.into_iter(), value: None })
}

fn string(text: &TextBuf) -> Result<String, Failed> {
    text.as_str().map(str::to_owned).ok_or_else(|| {
        Failed::custom("the text has half of a surrogate pair, which Rust's strings cannot have")
    })
}

macro_rules! bare {
    ($($name:ident)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
            visit(self.bare(), visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDeserializer {
    type Error = Failed;

    bare! {
        deserialize_any
        deserialize_bool
        deserialize_i8
        deserialize_i16
        deserialize_i32
        deserialize_i64
        deserialize_i128
        deserialize_u8
        deserialize_u16
        deserialize_u32
        deserialize_u64
        deserialize_u128
        deserialize_f32
        deserialize_f64
        deserialize_char
        deserialize_str
        deserialize_string
        deserialize_bytes
        deserialize_byte_buf
        deserialize_unit
        deserialize_identifier
    }

    /// Bytes too: that is how serde reads a `Vec<u8>`.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.bare() {
            Value::Bytes(bytes) => {
                let items = bytes.into_iter().map(|byte| Value::Int(byte.into()));
                visit_items(items.collect(), visitor)
            }
            other => visit(other, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(ValueDeserializer(value)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visit(self.bare(), visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visit(self.0, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visit(self.0, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        match self.bare() {
            Value::Text(name) => visitor.visit_enum(string(&name)?.into_deserializer()),
            Value::Map(mut entries) if entries.len() == 1 => match entries.pop() {
                Some((Value::Text(name), value)) => {
                    visitor.visit_enum(Variant { name: string(&name)?, value })
                }
                _ => Err(Failed::custom("expected the name of a variant as the key")),
            },
            other => visit(other, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_unit()
    }
}

struct Items {
    items: IntoIter<Value>,
    index: u64,
}

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failed> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        let item = seed.deserialize(ValueDeserializer(item));
        item.map(Some).map_err(|error| inside(error, || Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries {
    entries: IntoIter<(Value, Value)>,
    /// The value that is due, and the name of its key.
    value: Option<(Segment, Value)>,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failed> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let segment = match &key {
            Value::Text(text) => Segment::Key(text.clone()),
            other => Segment::Entry(format!("{other:?}")),
        };
        let key = match key {
            Value::Text(text) => seed.deserialize(KeyDeserializer(string(&text)?)),
            other => seed.deserialize(ValueDeserializer(other)),
        };
        let key = key.map_err(|error| inside(error, || segment.clone()))?;
        self.value = Some((segment, value));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        let Some((segment, value)) = self.value.take() else {
            return Err(Failed::custom("a value was asked for before its key"));
        };
        seed.deserialize(ValueDeserializer(value)).map_err(|error| inside(error, || segment))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

#[cold]
fn inside(Failed(error): Failed, segment: impl FnOnce() -> Segment) -> Failed {
    Failed(error.inside(segment()))
}

/// A key that is text: a number in it is one where the type asks for it.
struct KeyDeserializer(String);

macro_rules! parsed {
    ($($name:ident: $visit:ident;)*) => {$(
        fn $name<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_string(self.0),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyDeserializer {
    type Error = Failed;

    parsed! {
        deserialize_bool: visit_bool;
        deserialize_i8: visit_i8;
        deserialize_i16: visit_i16;
        deserialize_i32: visit_i32;
        deserialize_i64: visit_i64;
        deserialize_i128: visit_i128;
        deserialize_u8: visit_u8;
        deserialize_u16: visit_u16;
        deserialize_u32: visit_u32;
        deserialize_u64: visit_u64;
        deserialize_u128: visit_u128;
        deserialize_f32: visit_f32;
        deserialize_f64: visit_f64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// A variant with something in it.
struct Variant {
    name: String,
    value: Value,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Failed;
    type Variant = Content;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content), Failed> {
        let name: StringDeserializer<Failed> = self.name.clone().into_deserializer();
        Ok((seed.deserialize(name)?, Content { name: self.name, value: self.value }))
    }
}

/// What is in a variant.
struct Content {
    name: String,
    value: Value,
}

impl Content {
    fn within<T>(
        self,
        read: impl FnOnce(ValueDeserializer) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let Self { name, value } = self;
        let key = || Segment::Key(TextBuf::from(Text::Utf8(&name)));
        read(ValueDeserializer(value)).map_err(|error| inside(error, key))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = Failed;

    fn unit_variant(self) -> Result<(), Failed> {
        match &self.value {
            Value::Null => Ok(()),
            _ => self.within(|_| Err(Failed::custom("expected nothing in this variant"))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failed> {
        self.within(|value| seed.deserialize(value))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failed> {
        self.within(|value| value.deserialize_tuple(len, visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        self.within(|value| value.deserialize_struct("", fields, visitor))
    }
}
