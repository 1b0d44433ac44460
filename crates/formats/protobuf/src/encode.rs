//! The encoder.

use crate::decode::Scalar;
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Cardinality, Field, Pool};
use crate::wire::{
    END_GROUP, LENGTH, START_GROUP, VARINT, fix_length, put_tag, put_varint, zigzag,
};

/// Writes the value of a number, a bool or an enum, without its tag.
#[inline]
fn put_number(out: &mut Vec<u8>, of: u8, value: &Value) {
    match value {
        Value::I32(value) => match of {
            kind::SFIXED32 => out.extend(value.to_le_bytes()),
            kind::SINT32 => put_varint(out, u64::from(zigzag((*value).into()) as u32)),
            _ => put_varint(out, i64::from(*value).cast_unsigned()),
        },
        Value::I64(value) => match of {
            kind::SFIXED64 => out.extend(value.to_le_bytes()),
            kind::SINT64 => put_varint(out, zigzag(*value)),
            _ => put_varint(out, value.cast_unsigned()),
        },
        Value::U32(value) => match of {
            kind::FIXED32 => out.extend(value.to_le_bytes()),
            _ => put_varint(out, (*value).into()),
        },
        Value::U64(value) => match of {
            kind::FIXED64 => out.extend(value.to_le_bytes()),
            _ => put_varint(out, *value),
        },
        Value::F32(value) => out.extend(value.to_le_bytes()),
        Value::F64(value) => out.extend(value.to_le_bytes()),
        Value::Bool(value) => out.push((*value).into()),
        Value::Enum(value) => put_varint(out, i64::from(*value).cast_unsigned()),
        _ => {}
    }
}

/// Writes the value of a scalar field, and its tag if `tagged`: what is inside a packed field has
/// none.
///
/// For encoders of other trees than [`Message`]s.
#[inline]
pub fn write_scalar(out: &mut Vec<u8>, field: &Field, value: Scalar<'_>, tagged: bool) {
    if tagged {
        put_tag(out, field.number, kind::wire_type(field.kind));
    }
    let value = match value {
        Scalar::Text(text) => return write_bytes(out, text.as_bytes()),
        Scalar::LooseText(bytes) | Scalar::Bytes(bytes) => return write_bytes(out, bytes),
        Scalar::I32(value) => Value::I32(value),
        Scalar::I64(value) => Value::I64(value),
        Scalar::U32(value) => Value::U32(value),
        Scalar::U64(value) => Value::U64(value),
        Scalar::F32(value) => Value::F32(value),
        Scalar::F64(value) => Value::F64(value),
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Enum(value) => Value::Enum(value),
    };
    put_number(out, field.kind, &value);
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes a tag, a length and what `body` appends: a message, a map's entry or packed numbers. A
/// group stands between two tags instead.
///
/// # Errors
/// Those of `body`.
#[inline]
pub fn write_nested<E>(
    out: &mut Vec<u8>,
    field: &Field,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    if field.kind == kind::GROUP {
        put_tag(out, field.number, START_GROUP);
        body(out)?;
        put_tag(out, field.number, END_GROUP);
        return Ok(());
    }
    put_tag(out, field.number, LENGTH);
    let start = out.len();
    out.push(0);
    body(out)?;
    fix_length(out, start);
    Ok(())
}

/// Writes an extension of a message set.
///
/// # Errors
/// Those of `body`.
pub fn write_message_set_item<E>(
    out: &mut Vec<u8>,
    field: &Field,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    put_tag(out, 1, START_GROUP);
    put_tag(out, 2, VARINT);
    put_varint(out, field.number.into());
    put_tag(out, 3, LENGTH);
    let start = out.len();
    out.push(0);
    body(out)?;
    fix_length(out, start);
    put_tag(out, 1, END_GROUP);
    Ok(())
}

/// Puts the entries of a map, each with its key, into the order of deterministic encoding.
pub fn sort_entries<T>(entries: &mut [(Value, T)]) {
    entries.sort_by_cached_key(|(key, _)| key.sort_key());
}

/// How to encode.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EncodeOptions {
    /// Write the entries of maps in the order of their keys, so that equal messages become equal
    /// bytes.
    pub deterministic: bool,
}

impl EncodeOptions {
    /// Sets [`deterministic`](Self::deterministic).
    #[must_use]
    pub fn deterministic(mut self, yes: bool) -> Self {
        self.deterministic = yes;
        self
    }
}

struct Encoder<'p> {
    pool: &'p Pool,
    out: Vec<u8>,
    options: EncodeOptions,
}

impl Message {
    /// The bytes of the message: known fields by number, then the unknown ones.
    #[must_use]
    pub fn encode(&self, pool: &Pool, options: EncodeOptions) -> Vec<u8> {
        let mut encoder = Encoder { pool, out: Vec::new(), options };
        encoder.message(self);
        encoder.out
    }
}

impl Encoder<'_> {
    fn message(&mut self, message: &Message) {
        let is_set = self.pool.message_type(message.of).is_message_set;
        for (number, value) in &message.fields {
            let Some(field) = self.pool.field(message.of, *number) else { continue };
            if is_set && field.is_extension {
                self.message_set_item(field, value);
            } else {
                self.field(field, value);
            }
        }
        self.out.extend_from_slice(&message.unknown);
    }

    fn message_set_item(&mut self, field: &Field, value: &Value) {
        let Value::Message(child) = value else { return };
        put_tag(&mut self.out, 1, START_GROUP);
        put_tag(&mut self.out, 2, VARINT);
        put_varint(&mut self.out, field.number.into());
        put_tag(&mut self.out, 3, LENGTH);
        self.with_length(|encoder| encoder.message(child));
        put_tag(&mut self.out, 1, END_GROUP);
    }

    fn with_length(&mut self, body: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.out.push(0);
        body(self);
        fix_length(&mut self.out, start);
    }

    fn field(&mut self, field: &Field, value: &Value) {
        match (field.cardinality, value) {
            (Cardinality::Map, Value::Map(entries)) => self.map(field, entries),
            (Cardinality::Repeated, Value::List(items)) if field.is_packed => {
                self.packed(field, items);
            }
            (Cardinality::Repeated, Value::List(items)) => {
                items.iter().for_each(|item| self.single(field, item));
            }
            _ => self.single(field, value),
        }
    }

    fn packed(&mut self, field: &Field, items: &[Value]) {
        if items.is_empty() {
            return;
        }
        put_tag(&mut self.out, field.number, LENGTH);
        self.with_length(|encoder| {
            items.iter().for_each(|item| put_number(&mut encoder.out, field.kind, item));
        });
    }

    fn single(&mut self, field: &Field, value: &Value) {
        put_tag(&mut self.out, field.number, kind::wire_type(field.kind));
        match value {
            Value::Bytes(bytes) => {
                put_varint(&mut self.out, bytes.len() as u64);
                self.out.extend_from_slice(bytes);
            }
            Value::Message(child) if field.kind == kind::GROUP => {
                self.message(child);
                put_tag(&mut self.out, field.number, END_GROUP);
            }
            Value::Message(child) => self.with_length(|encoder| encoder.message(child)),
            number => put_number(&mut self.out, field.kind, number),
        }
    }

    fn map(&mut self, field: &Field, entries: &[(Value, Value)]) {
        let pool = self.pool;
        let (key_field, value_field) = pool.entry_of(field);
        let mut order: Vec<&(Value, Value)> = entries.iter().collect();
        if self.options.deterministic {
            order.sort_by_cached_key(|(key, _)| key.sort_key());
        }
        for (key, value) in order {
            put_tag(&mut self.out, field.number, LENGTH);
            self.with_length(|encoder| {
                encoder.single(key_field, key);
                encoder.single(value_field, value);
            });
        }
    }
}
