//! From serde's types to events.

use ::serde::Serialize;
use ::serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use cannery_core::{BigInt, Container, Sink, Text};

use super::failed::Failed;

type Outcome = Result<(), Failed>;

/// Sends a value to a sink.
pub(super) struct SinkSerializer<'s, S: ?Sized> {
    pub(super) sink: &'s mut S,
    pub(super) text_keys: bool,
}

impl<S: Sink + ?Sized> SinkSerializer<'_, S> {
    fn again(&mut self) -> SinkSerializer<'_, S> {
        SinkSerializer { sink: self.sink, text_keys: self.text_keys }
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome {
        value.serialize(self.again())
    }

    fn begin(self, container: Container, len: Option<usize>) -> Result<Compound<Self>, Failed> {
        self.sink.begin(container, len)?;
        Ok(Compound { serializer: self, in_variant: false, container })
    }

    /// Begins the map of a variant, whose only value is a container.
    fn begin_variant(
        self,
        variant: &'static str,
        container: Container,
        len: usize,
    ) -> Result<Compound<Self>, Failed> {
        self.sink.begin(Container::Map, Some(1))?;
        self.sink.key(Text::Utf8(variant))?;
        self.sink.begin(container, Some(len))?;
        Ok(Compound { serializer: self, in_variant: true, container })
    }
}

macro_rules! scalars {
    ($($name:ident($type:ty) => |$sink:ident, $value:ident| $send:expr;)*) => {$(
        fn $name(self, $value: $type) -> Outcome {
            let $sink = self.sink;
            Ok($send?)
        }
    )*};
}

impl<S: Sink + ?Sized> Serializer for SinkSerializer<'_, S> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Compound<Self>;
    type SerializeTuple = Compound<Self>;
    type SerializeTupleStruct = Compound<Self>;
    type SerializeTupleVariant = Compound<Self>;
    type SerializeMap = Compound<Self>;
    type SerializeStruct = Compound<Self>;
    type SerializeStructVariant = Compound<Self>;

    scalars! {
        serialize_bool(bool) => |sink, value| sink.bool(value);
        serialize_i8(i8) => |sink, value| sink.int(value.into());
        serialize_i16(i16) => |sink, value| sink.int(value.into());
        serialize_i32(i32) => |sink, value| sink.int(value.into());
        serialize_i64(i64) => |sink, value| sink.int(value);
        serialize_u8(u8) => |sink, value| sink.int(value.into());
        serialize_u16(u16) => |sink, value| sink.int(value.into());
        serialize_u32(u32) => |sink, value| sink.int(value.into());
        serialize_u64(u64) => |sink, value| match i64::try_from(value) {
            Ok(value) => sink.int(value),
            Err(_) => sink.big_int(BigInt::U64(value)),
        };
        serialize_i128(i128) => |sink, value| match i64::try_from(value) {
            Ok(value) => sink.int(value),
            Err(_) => sink.big_int(BigInt::LittleEndian(&value.to_le_bytes())),
        };
        serialize_u128(u128) => |sink, value| match i64::try_from(value) {
            Ok(value) => sink.int(value),
            Err(_) => sink.big_int(BigInt::Decimal(&value.to_string())),
        };
        serialize_f32(f32) => |sink, value| sink.float(value.into());
        serialize_f64(f64) => |sink, value| sink.float(value);
        serialize_char(char) => |sink, value| sink.text(Text::Utf8(value.encode_utf8(&mut [0; 4])));
        serialize_str(&str) => |sink, value| sink.text(value.into());
        serialize_bytes(&[u8]) => |sink, value| sink.bytes(value);
    }

    fn serialize_none(self) -> Outcome {
        Ok(self.sink.null()?)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Outcome {
        Ok(self.sink.null()?)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Outcome {
        Ok(self.sink.null()?)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome {
        Ok(self.sink.text(Text::Utf8(variant))?)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome {
        self.sink.begin(Container::Map, Some(1))?;
        self.sink.key(Text::Utf8(variant))?;
        self.value(value)?;
        Ok(self.sink.end(Container::Map)?)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<Self>, Failed> {
        self.begin(Container::List, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<Self>, Failed> {
        self.begin(Container::List, Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<Self>, Failed> {
        self.begin(Container::List, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<Self>, Failed> {
        self.begin_variant(variant, Container::List, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Compound<Self>, Failed> {
        self.begin(Container::Map, len)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Compound<Self>, Failed> {
        self.begin(Container::Map, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<Self>, Failed> {
        self.begin_variant(variant, Container::Map, len)
    }
}

/// A container that is open.
pub(super) struct Compound<Z> {
    serializer: Z,
    in_variant: bool,
    container: Container,
}

impl<S: Sink + ?Sized> Compound<SinkSerializer<'_, S>> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome {
        self.serializer.value(value)
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Outcome {
        self.serializer.sink.key(Text::Utf8(key))?;
        self.serializer.value(value)
    }

    fn finish(self) -> Outcome {
        self.serializer.sink.end(self.container)?;
        if self.in_variant {
            self.serializer.sink.end(Container::Map)?;
        }
        Ok(())
    }
}

macro_rules! compounds {
    ($($trait:ident: $method:ident($($key:ident: $type:ty)?) => $by:ident;)*) => {$(
        impl<S: Sink + ?Sized> $trait for Compound<SinkSerializer<'_, S>> {
            type Ok = ();
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, $($key: $type,)? value: &T) -> Outcome {
                self.$by($($key,)? value)
            }

            fn end(self) -> Outcome {
                self.finish()
            }
        }
    )*};
}

compounds! {
    SerializeSeq: serialize_element() => item;
    SerializeTuple: serialize_element() => item;
    SerializeTupleStruct: serialize_field() => item;
    SerializeTupleVariant: serialize_field() => item;
    SerializeStruct: serialize_field(key: &'static str) => field;
    SerializeStructVariant: serialize_field(key: &'static str) => field;
}

impl<S: Sink + ?Sized> SerializeMap for Compound<SinkSerializer<'_, S>> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Outcome {
        key.serialize(KeySerializer(self.serializer.again()))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Outcome {
        self.serializer.value(value)
    }

    fn end(self) -> Outcome {
        self.finish()
    }
}

/// Sends a key: text as such, anything else as an entry.
struct KeySerializer<'s, S: ?Sized>(SinkSerializer<'s, S>);

impl<'s, S: Sink + ?Sized> KeySerializer<'s, S> {
    fn text(self, text: &str) -> Outcome {
        Ok(self.0.sink.key(text.into())?)
    }

    /// A key that is as good as text where all must be.
    fn short<T: Serialize + ToString>(self, value: &T) -> Outcome {
        if self.0.text_keys {
            return self.text(&value.to_string());
        }
        value.serialize(self.entry()?)
    }

    fn entry(self) -> Result<SinkSerializer<'s, S>, Failed> {
        self.0.sink.entry()?;
        Ok(self.0)
    }
}

macro_rules! short_keys {
    ($($name:ident($type:ty);)*) => {$(
        fn $name(self, value: $type) -> Outcome {
            self.short(&value)
        }
    )*};
}

macro_rules! entry_keys {
    ($($name:ident($($arg:ident: $type:ty),*) -> $kind:ident;)*) => {$(
        fn $name(self, $($arg: $type),*) -> Result<Self::$kind, Failed> {
            self.entry()?.$name($($arg),*)
        }
    )*};
}

impl<'s, S: Sink + ?Sized> Serializer for KeySerializer<'s, S> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = Compound<SinkSerializer<'s, S>>;
    type SerializeTuple = Compound<SinkSerializer<'s, S>>;
    type SerializeTupleStruct = Compound<SinkSerializer<'s, S>>;
    type SerializeTupleVariant = Compound<SinkSerializer<'s, S>>;
    type SerializeMap = Compound<SinkSerializer<'s, S>>;
    type SerializeStruct = Compound<SinkSerializer<'s, S>>;
    type SerializeStructVariant = Compound<SinkSerializer<'s, S>>;

    short_keys! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
    }

    entry_keys! {
        serialize_bytes(value: &[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit() -> Ok;
        serialize_unit_struct(name: &'static str) -> Ok;
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, len: usize)
            -> SerializeStructVariant;
    }

    fn serialize_char(self, value: char) -> Outcome {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Outcome {
        self.text(value)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Outcome {
        self.text(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Outcome {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Outcome {
        self.entry()?.serialize_newtype_variant(name, index, variant, value)
    }
}
