//! Elements of compound types as structs, by way of serde.

use std::fmt::Display;

use cannery_core::{Error, ErrorKind, Result};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::element::{Elements, as_f64, is_truth, text, widened};
use crate::convert::NumberKind;
use crate::datatype::{Datatype, Member, TypeClass};
use crate::node::Node;

/// Types inside of one another that are followed.
const MAX_DEPTH: u32 = 64;

pub(super) fn read<T: DeserializeOwned>(elements: &Elements<'_>) -> Result<Vec<T>> {
    let &Elements { node, datatype, bytes } = elements;
    let size = (datatype.size as usize).max(1);
    let one = |(at, bytes)| {
        let element = Element { node, datatype, shape: &[], bytes, depth: 0 };
        T::deserialize(element).map_err(|Failed(error)| {
            Error::new(error.kind(), format!("element {at}: {}", error.message()))
        })
    };
    bytes.chunks_exact(size).enumerate().map(one).collect()
}

/// Our error, as serde wants it.
#[derive(Debug)]
struct Failed(Error);

impl Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl serde::de::Error for Failed {
    fn custom<T: Display>(message: T) -> Self {
        Self(Error::new(ErrorKind::Type, message.to_string()))
    }
}

/// One element, or a part of it.
#[derive(Clone, Copy)]
struct Element<'a> {
    node: &'a Node,
    datatype: &'a Datatype,
    /// The dimensions of an array of such elements; none for one of them.
    shape: &'a [u32],
    bytes: &'a [u8],
    depth: u32,
}

impl<'a> Element<'a> {
    fn part(self, datatype: &'a Datatype, bytes: &'a [u8]) -> Self {
        Self { node: self.node, datatype, shape: &[], bytes, depth: self.depth + 1 }
    }

    fn visit_number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        let number = self.datatype.number().filter(|number| number.size <= 8);
        let number =
            number.ok_or_else(|| Failed::custom("elements of a type that no value has"))?;
        let mut converted = [0; 8];
        let bytes = if number.is_stored {
            self.bytes
        } else {
            let out = &mut converted[..number.size];
            self.datatype.convert_numbers(self.bytes, out).map_err(Failed)?;
            out
        };
        match number.kind {
            NumberKind::Int => visitor.visit_i64(i64::from_le_bytes(widened(bytes, number))),
            NumberKind::Uint => visitor.visit_u64(u64::from_le_bytes(widened(bytes, number))),
            NumberKind::Float => visitor.visit_f64(as_f64(bytes, number)),
        }
    }

    /// The name of a value, if its type has one for it.
    fn name(self) -> Result<&'a str, Failed> {
        let TypeClass::Enum { members, .. } = &self.datatype.class else {
            return Err(Failed::custom("expected elements of an enumeration"));
        };
        let found = members.iter().find(|(_, value)| value == self.bytes);
        let (name, _) =
            found.ok_or_else(|| Failed::custom("a value of an enumeration has no name"))?;
        std::str::from_utf8(name).map_err(|_| Failed::custom("the name of a value is not UTF-8"))
    }
}

impl<'de> Deserializer<'de> for Element<'_> {
    type Error = Failed;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failed> {
        if self.depth > MAX_DEPTH {
            return Err(Failed(Error::new(ErrorKind::Depth, "types are nested too deeply")));
        }
        if let Some((_, inner)) = self.shape.split_first() {
            return visitor.visit_seq(Items::new(self, self.datatype, inner, self.bytes));
        }
        match &self.datatype.class {
            TypeClass::Compound(members) => {
                visitor.visit_map(Members { record: self, left: members.iter(), value: None })
            }
            TypeClass::Array { base, shape } => {
                Self { shape, ..self.part(base, self.bytes) }.deserialize_any(visitor)
            }
            TypeClass::Complex(base) => visitor.visit_seq(Items::new(self, base, &[], self.bytes)),
            TypeClass::Sequence(base) => {
                let (_, data) = self.node.sequence(self.bytes, base.size).map_err(Failed)?;
                visitor.visit_seq(Items::new(self, base, &[], &data))
            }
            TypeClass::String { .. } | TypeClass::VarString { .. } => {
                visitor.visit_string(text(self.node, self.datatype, self.bytes).map_err(Failed)?)
            }
            TypeClass::Enum { .. } if is_truth(self.datatype) => {
                visitor.visit_bool(self.bytes != [0])
            }
            TypeClass::Enum { base, .. } => self.part(base, self.bytes).visit_number(visitor),
            TypeClass::Opaque { .. } => visitor.visit_bytes(self.bytes),
            TypeClass::Reference(_) => Err(Failed::custom("a reference is no value of a struct")),
            _ => self.visit_number(visitor),
        }
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

    /// A variant without content, by the name that the type has for the value, or by a text.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failed> {
        if let TypeClass::String { .. } | TypeClass::VarString { .. } = self.datatype.class {
            let name = text(self.node, self.datatype, self.bytes).map_err(Failed)?;
            return visitor.visit_enum(name.into_deserializer());
        }
        let name: StrDeserializer<'_, Failed> = self.name()?.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The members of a compound, by their names.
struct Members<'a> {
    record: Element<'a>,
    left: std::slice::Iter<'a, Member>,
    value: Option<&'a Member>,
}

impl<'de> MapAccess<'de> for Members<'_> {
    type Error = Failed;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failed> {
        self.value = self.left.next();
        let Some(member) = self.value else { return Ok(None) };
        let name = String::from_utf8_lossy(&member.name);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failed> {
        let member =
            self.value.ok_or_else(|| Failed::custom("a value was asked for before its key"))?;
        let (at, len) = (member.offset as usize, member.datatype.size as usize);
        let bytes = self.record.bytes.get(at..).and_then(|rest| rest.get(..len));
        let bytes = bytes.ok_or_else(|| Failed::custom("a member lies outside its compound"))?;
        let name = String::from_utf8_lossy(&member.name);
        seed.deserialize(self.record.part(&member.datatype, bytes)).map_err(|Failed(error)| {
            Failed(Error::new(
                error.kind(),
                format!("`{}`: {}", name.escape_debug(), error.message()),
            ))
        })
    }
}

/// Elements, or arrays of them, one after the other.
struct Items<'a, 'b> {
    array: Element<'a>,
    datatype: &'a Datatype,
    shape: &'a [u32],
    size: usize,
    left: &'b [u8],
}

impl<'a, 'b> Items<'a, 'b> {
    fn new(array: Element<'a>, datatype: &'a Datatype, shape: &'a [u32], left: &'b [u8]) -> Self {
        let sides = shape.iter().map(|&side| side as usize);
        let size = sides.fold(datatype.size as usize, usize::saturating_mul).max(1);
        Self { array, datatype, shape, size, left }
    }
}

impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Failed;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failed> {
        if self.left.is_empty() {
            return Ok(None);
        }
        let Some((bytes, rest)) = self.left.split_at_checked(self.size) else {
            return Err(Failed::custom("an array ends within an element"));
        };
        self.left = rest;
        let Self { datatype, shape, array: Element { node, depth, .. }, .. } = *self;
        seed.deserialize(Element { node, datatype, shape, bytes, depth: depth + 1 }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len() / self.size)
    }
}
