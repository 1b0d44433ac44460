//! Messages without their schema: what the wire says, and what it may mean.

use cannery_core::Result;

use crate::wire::{Cursor, END_GROUP, FIXED32, FIXED64, LENGTH, START_GROUP, VARINT, unzigzag};

/// One field as the wire has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspected {
    /// The number of the field.
    pub number: u32,
    /// `varint`, `fixed32`, `fixed64`, `length` or `group`.
    pub wire: &'static str,
    /// Its value.
    pub value: InspectedValue,
    /// What it may mean.
    pub likely: &'static str,
    /// How sure that is, from 0 to 1.
    pub sure: f64,
}

/// A value, by what it most likely is.
#[derive(Clone, Debug, PartialEq)]
pub enum InspectedValue {
    /// An integer without a sign.
    Unsigned(u64),
    /// An integer with a sign.
    Signed(i64),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A message or group.
    Message(Vec<Inspected>),
    /// Packed varints.
    Packed(Vec<u64>),
}

/// The fields of a message whose schema is not at hand.
///
/// # Errors
/// If the bytes are no message: [`Truncated`](cannery_core::ErrorKind::Truncated) or
/// [`Syntax`](cannery_core::ErrorKind::Syntax), with the offset.
pub fn inspect(data: &[u8], depth: usize) -> Result<Vec<Inspected>> {
    fields(&mut Cursor::new(data), 0, depth)
}

fn fields(cursor: &mut Cursor<'_>, group: u32, depth: usize) -> Result<Vec<Inspected>> {
    let mut found = Vec::new();
    loop {
        if cursor.is_empty() {
            return if group == 0 { Ok(found) } else { Err(cursor.truncated()) };
        }
        let (number, wire) = cursor.tag()?;
        let field = match wire {
            VARINT => varint(number, cursor.varint()?),
            FIXED64 => fixed64(number, u64::from_le_bytes(cursor.fixed()?)),
            FIXED32 => fixed32(number, u32::from_le_bytes(cursor.fixed()?)),
            LENGTH => length(number, cursor.bytes()?, depth),
            START_GROUP if depth > 0 => {
                let value = InspectedValue::Message(fields(cursor, number, depth - 1)?);
                Inspected { number, wire: "group", value, likely: "group", sure: 1.0 }
            }
            END_GROUP if number == group && group != 0 => return Ok(found),
            _ => return Err(cursor.bad("expected a field with a known wire type")),
        };
        found.push(field);
    }
}

fn varint(number: u32, value: u64) -> Inspected {
    let (value, likely, sure) = if value < 2 {
        (InspectedValue::Unsigned(value), "bool, enum or integer", 0.4)
    } else if value >> 63 == 1 {
        // Ten bytes are what a negative number takes; nothing else needs so many.
        (InspectedValue::Signed(value.cast_signed()), "negative int32 or int64", 0.9)
    } else if value > 1 << 40 && unzigzag(value) < 0 {
        (InspectedValue::Unsigned(value), "int64, uint64 or sint64", 0.4)
    } else {
        (InspectedValue::Unsigned(value), "integer or enum", 0.6)
    };
    Inspected { number, wire: "varint", value, likely, sure }
}

fn fixed64(number: u32, bits: u64) -> Inspected {
    let float = f64::from_bits(bits);
    // Numbers that people write have an exponent near 0; integers look like tiny fractions.
    let is_float = float == 0.0 || (1e-9..1e15).contains(&float.abs());
    let (value, likely, sure) = if is_float {
        (InspectedValue::Float(float), "double", 0.8)
    } else {
        (InspectedValue::Unsigned(bits), "fixed64 or sfixed64", 0.7)
    };
    Inspected { number, wire: "fixed64", value, likely, sure }
}

fn fixed32(number: u32, bits: u32) -> Inspected {
    let float = f32::from_bits(bits);
    let is_float = float == 0.0 || (1e-7..1e9).contains(&float.abs());
    let (value, likely, sure) = if is_float {
        (InspectedValue::Float(float.into()), "float", 0.8)
    } else {
        (InspectedValue::Unsigned(bits.into()), "fixed32 or sfixed32", 0.7)
    };
    Inspected { number, wire: "fixed32", value, likely, sure }
}

fn length(number: u32, bytes: &[u8], depth: usize) -> Inspected {
    let (value, likely, sure) = meaning(bytes, depth);
    Inspected { number, wire: "length", value, likely, sure }
}

/// Text that can be read is text; then messages, whose structure chance rarely has.
fn meaning(bytes: &[u8], depth: usize) -> (InspectedValue, &'static str, f64) {
    if bytes.is_empty() {
        return (InspectedValue::Bytes(Vec::new()), "empty string, bytes or message", 0.3);
    }
    let text = std::str::from_utf8(bytes).ok();
    let is_readable =
        |text: &&str| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    if let Some(text) = text.filter(is_readable) {
        let sure = if bytes.len() > 3 { 0.9 } else { 0.6 };
        return (InspectedValue::Text(text.to_owned()), "string", sure);
    }
    if depth > 0
        && let Ok(inner) = inspect(bytes, depth - 1)
    {
        let sure = if inner.iter().all(|field| field.number < 1000) { 0.8 } else { 0.4 };
        return (InspectedValue::Message(inner), "message", sure);
    }
    if let Some(numbers) = packed(bytes) {
        return (InspectedValue::Packed(numbers), "packed integers, or bytes", 0.4);
    }
    (InspectedValue::Bytes(bytes.to_vec()), "bytes", 0.7)
}

fn packed(bytes: &[u8]) -> Option<Vec<u64>> {
    let mut cursor = Cursor::new(bytes);
    let mut numbers = Vec::new();
    while !cursor.is_empty() {
        numbers.push(cursor.varint().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fields_look_like() {
        let data =
            b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01\x29\x00\x00\x00\x00\x00\x00\xf8\x3f\
            \x32\x03\x8e\x02\x07\x38\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
        let shown: Vec<String> = inspect(data, 5)
            .unwrap()
            .iter()
            .map(|field| {
                format!("{} {} {:?} {}", field.number, field.wire, field.value, field.likely)
            })
            .collect();
        let expected = [
            "1 varint Unsigned(150) integer or enum",
            "2 length Text(\"testing\") string",
            "3 length Message([Inspected { number: 1, wire: \"varint\", value: Unsigned(150), likely: \"integer or enum\", sure: 0.6 }]) message",
            "5 fixed64 Float(1.5) double",
            "6 length Packed([270, 7]) packed integers, or bytes",
            "7 varint Signed(-1) negative int32 or int64",
        ];
        assert_eq!(shown, expected);
        assert!(inspect(b"\x0b", 5).is_err() && inspect(b"\x0a\x05a", 5).is_err());
    }
}
