//! Messages as JSON.

use std::fmt::Write;

use cannery_core::{Error, ErrorKind, Result, Segment};

use super::base64;
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Cardinality, Field, Pool};
use crate::well_known::WellKnown;

/// How to write JSON.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct JsonOptions {
    /// Write fields that are not set, too, unless they have presence.
    pub defaults: bool,
    /// Names as in the schema, not `lowerCamelCase`.
    pub proto_names: bool,
    /// Enums as their numbers.
    pub enum_numbers: bool,
    /// Spaces for each level; 0 writes all on one line.
    pub indent: usize,
}

impl JsonOptions {
    /// Sets [`defaults`](Self::defaults).
    #[must_use]
    pub fn defaults(mut self, yes: bool) -> Self {
        self.defaults = yes;
        self
    }

    /// Sets [`proto_names`](Self::proto_names).
    #[must_use]
    pub fn proto_names(mut self, yes: bool) -> Self {
        self.proto_names = yes;
        self
    }

    /// Sets [`enum_numbers`](Self::enum_numbers).
    #[must_use]
    pub fn enum_numbers(mut self, yes: bool) -> Self {
        self.enum_numbers = yes;
        self
    }

    /// Sets [`indent`](Self::indent).
    #[must_use]
    pub fn indent(mut self, spaces: usize) -> Self {
        self.indent = spaces;
        self
    }
}

impl Message {
    /// The message as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for what JSON cannot say: times out of range, an `Any` of a type that is
    /// not known.
    pub fn to_json(&self, pool: &Pool, options: JsonOptions) -> Result<String> {
        let mut writer = JsonWriter { pool, out: String::new(), options, level: 0, depth: 200 };
        writer.message(self)?;
        Ok(writer.out)
    }
}

pub(super) struct JsonWriter<'p> {
    pub(super) pool: &'p Pool,
    pub(super) out: String,
    options: JsonOptions,
    level: usize,
    /// Messages that may still be inside each other; an `Any` can hide any number of them.
    pub(super) depth: usize,
}

impl JsonWriter<'_> {
    pub(super) fn message(&mut self, message: &Message) -> Result<()> {
        if self.depth == 0 {
            return Err(Error::new(ErrorKind::Depth, "messages are nested deeper than 200 levels"));
        }
        self.depth -= 1;
        match self.pool.message_type(message.of).well_known {
            WellKnown::None | WellKnown::Empty => {
                self.open('{');
                let mut is_first = true;
                self.fields(message, &mut is_first)?;
                self.close('}', is_first);
            }
            well_known => self.special(well_known, message)?,
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.level += 1;
    }

    pub(super) fn close(&mut self, bracket: char, is_empty: bool) {
        self.level -= 1;
        if !is_empty {
            self.new_line();
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self) {
        if self.options.indent > 0 {
            self.out.push('\n');
            (0..self.level * self.options.indent).for_each(|_| self.out.push(' '));
        }
    }

    pub(super) fn separate(&mut self, is_first: &mut bool) {
        if !std::mem::take(is_first) {
            self.out.push(',');
        }
        self.new_line();
    }

    pub(super) fn key(&mut self, key: &str, is_first: &mut bool) {
        self.separate(is_first);
        self.text(key);
        self.out.push(':');
        if self.options.indent > 0 {
            self.out.push(' ');
        }
    }

    pub(super) fn fields(&mut self, message: &Message, is_first: &mut bool) -> Result<()> {
        for (number, value) in message.fields() {
            let Some(field) = self.pool.field(message.of, number) else { continue };
            self.field(field, value, is_first)?;
        }
        if self.options.defaults {
            self.unset(message, is_first)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &Field, value: &Value, is_first: &mut bool) -> Result<()> {
        let name = if field.is_extension {
            &field.json_name
        } else if self.options.proto_names {
            &field.name
        } else {
            &field.json_name
        };
        self.key(name, is_first);
        self.field_value(field, value)
            .map_err(|error| error.inside(Segment::Key((&*field.name).into())))
    }

    /// The fields without presence that are not set.
    fn unset(&mut self, message: &Message, is_first: &mut bool) -> Result<()> {
        let message_type = self.pool.message_type(message.of);
        for field in &message_type.fields {
            if field.has_presence || message.get(field.number).is_some() {
                continue;
            }
            let value = match field.cardinality {
                Cardinality::Repeated => Value::List(Vec::new()),
                Cardinality::Map => Value::Map(Vec::new()),
                _ => self.pool.zero_of(field),
            };
            self.field(field, &value, is_first)?;
        }
        Ok(())
    }

    fn field_value(&mut self, field: &Field, value: &Value) -> Result<()> {
        match value {
            Value::List(items) => {
                self.open('[');
                let mut is_first = true;
                for (index, item) in items.iter().enumerate() {
                    self.separate(&mut is_first);
                    self.value(field, item)
                        .map_err(|error| error.inside(Segment::Index(index as u64)))?;
                }
                self.close(']', is_first);
                Ok(())
            }
            Value::Map(entries) => self.map(field, entries),
            value => self.value(field, value),
        }
    }

    fn map(&mut self, field: &Field, entries: &[(Value, Value)]) -> Result<()> {
        let (_, value_field) = self.pool.entry_of(field);
        self.open('{');
        let mut is_first = true;
        for (key, value) in entries {
            let mut buffer = itoa::Buffer::new();
            let text = match key {
                Value::Bytes(bytes) => utf8(bytes)?,
                Value::Bool(true) => "true",
                Value::Bool(false) => "false",
                Value::I32(value) => buffer.format(*value),
                Value::I64(value) => buffer.format(*value),
                Value::U32(value) => buffer.format(*value),
                Value::U64(value) => buffer.format(*value),
                _ => "",
            };
            self.key(text, &mut is_first);
            self.value(value_field, value)?;
        }
        self.close('}', is_first);
        Ok(())
    }

    pub(super) fn value(&mut self, field: &Field, value: &Value) -> Result<()> {
        let mut buffer = itoa::Buffer::new();
        match value {
            Value::I32(value) => self.out.push_str(buffer.format(*value)),
            Value::U32(value) => self.out.push_str(buffer.format(*value)),
            Value::I64(value) => self.quoted(buffer.format(*value)),
            Value::U64(value) => self.quoted(buffer.format(*value)),
            Value::F32(value) if is_plain_single(*value) => {
                self.out.push_str(zmij::Buffer::new().format_finite(*value));
            }
            Value::F64(value) if is_plain(*value) => {
                self.out.push_str(zmij::Buffer::new().format_finite(*value));
            }
            Value::F32(value) => self.float((*value).into(), || single_digits(*value)),
            Value::F64(value) => {
                self.float(*value, || scientific(zmij::Buffer::new().format_finite(*value)));
            }
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Enum(number) => self.enumeration(field, *number),
            Value::Bytes(bytes) if field.kind == kind::BYTES => {
                self.out.push('"');
                base64::encode(bytes, &mut self.out);
                self.out.push('"');
            }
            Value::Bytes(bytes) => {
                let text = utf8(bytes)?;
                self.text(text);
            }
            Value::Message(message) => self.message(message)?,
            Value::List(_) | Value::Map(_) => {}
        }
        Ok(())
    }

    pub(super) fn quoted(&mut self, text: &str) {
        self.out.push('"');
        self.out.push_str(text);
        self.out.push('"');
    }

    fn enumeration(&mut self, field: &Field, number: i32) {
        let enumeration = field.enumeration.map(|id| self.pool.enum_type(id));
        if enumeration.is_some_and(|e| &*e.full_name == "google.protobuf.NullValue") {
            self.out.push_str("null");
            return;
        }
        let name = enumeration.and_then(|enumeration| enumeration.name_of(number));
        match name.filter(|_| !self.options.enum_numbers) {
            Some(name) => self.quoted(name),
            None => self.out.push_str(itoa::Buffer::new().format(number)),
        }
    }

    /// A number as Python writes it, from its shortest digits.
    pub(super) fn float(&mut self, value: f64, digits: impl FnOnce() -> String) {
        if !value.is_finite() {
            let name = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "Infinity"
            } else {
                "-Infinity"
            };
            self.quoted(name);
            return;
        }
        self.out.push_str(&decimal(&digits()));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.reserve(text.len() + 2);
        self.out.push('"');
        let (bytes, mut from, mut at) = (text.as_bytes(), 0, 0);
        loop {
            at += plain_bytes(&bytes[at..]);
            let Some(&byte) = bytes.get(at) else { break };
            self.out.push_str(&text[from..at]);
            at += 1;
            from = at;
            match byte {
                b'"' => self.out.push_str("\\\""),
                b'\\' => self.out.push_str("\\\\"),
                b'\n' => self.out.push_str("\\n"),
                b'\r' => self.out.push_str("\\r"),
                b'\t' => self.out.push_str("\\t"),
                8 => self.out.push_str("\\b"),
                12 => self.out.push_str("\\f"),
                _ => write!(self.out, "\\u{byte:04x}").expect("a string takes everything"),
            }
        }
        self.out.push_str(&text[from..]);
        self.out.push('"');
    }
}

/// How many bytes at the beginning of a text need no escape.
fn plain_bytes(bytes: &[u8]) -> usize {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    let mut at = 0;
    // Blocks without a branch in them, which become vector instructions.
    while let Some(block) = bytes[at..].first_chunk::<16>() {
        if !block.iter().fold(true, |all, &byte| all & is_plain(byte)) {
            break;
        }
        at += 16;
    }
    at + bytes[at..].iter().take_while(|&&byte| is_plain(byte)).count()
}

/// Whether the shortest digits of a number stand without an exponent, here and as `zmij` writes
/// them.
fn is_plain(value: f64) -> bool {
    (1e-3..1e15).contains(&value.abs())
}

fn is_plain_single(value: f32) -> bool {
    (1e-3..1e9).contains(&value.abs())
}

/// The digits of a float: six, or as many more as give it back, the even ones of two as near.
fn single_digits(value: f32) -> String {
    let digits = (5..8).map(|digits| format!("{value:.digits$e}"));
    let found = digits.into_iter().find(|digits| digits.parse() == Ok(value));
    let digits = found.unwrap_or_else(|| format!("{value:.8e}"));
    let (mantissa, exponent) = digits.split_once('e').expect("an exponent");
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{mantissa}e{exponent}")
}

/// The digits of a number in any form as one before the point, the others behind it, and an exponent.
pub(super) fn scientific(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let zeros = all.len() - digits.len();
    let digits = digits.trim_end_matches('0');
    let Some(first) = digits.get(..1) else { return format!("{sign}0e0") };
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    // A number has a few hundred digits at most.
    let places = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let exponent = exponent + places(whole.len()) - 1 - places(zeros);
    let point = if digits.len() > 1 { "." } else { "" };
    format!("{sign}{first}{point}{}e{exponent}", &digits[1..])
}

/// `1.5e3` as `1500.0`; with an exponent below 1e-4 and from 1e16 on.
fn decimal(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    if !(-4..16).contains(&exponent) {
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{mark}{:02}", exponent.abs());
    }
    if exponent < 0 {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent.unsigned_abs() as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}.0", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

fn utf8(bytes: &[u8]) -> Result<&str> {
    let wrong = |_| Error::new(ErrorKind::Encoding, "expected a string in UTF-8");
    std::str::from_utf8(bytes).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_python_writes_them() {
        let cases = [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-2.5e-7, "-2.5e-07"),
            (123.456, "123.456"),
            (-0.0, "-0.0"),
            (1.5e300, "1.5e+300"),
        ];
        for (value, text) in cases {
            assert_eq!(decimal(&scientific(zmij::Buffer::new().format_finite(value))), text);
        }
    }

    #[test]
    fn the_quick_way_writes_the_same() {
        let mut state = 1_u64;
        // As few digits as give a number back, the even ones of two as near: so does Python.
        let shortest = |value: f64| {
            let digits = (0..17).map(|digits| format!("{value:.digits$e}"));
            let mut digits = digits.filter(|digits| digits.parse() == Ok(value));
            decimal(&scientific(&digits.next().expect("seventeen are enough")))
        };
        for round in 0..30_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round);
            let exponent = 1023 - 12 + state % 65;
            let value = f64::from_bits(exponent << 52 | state >> 12) * 0.5;
            let single = value as f32;
            for value in [value, -value, value.round(), (value * 100.0).round() / 100.0] {
                if is_plain(value) {
                    let quick = zmij::Buffer::new().format_finite(value).to_owned();
                    assert_eq!(quick, shortest(value));
                }
            }
            for single in [single, single.round(), (single * 8.0).round() / 8.0] {
                if is_plain_single(single) {
                    let quick = zmij::Buffer::new().format_finite(single).to_owned();
                    assert_eq!(quick, decimal(&single_digits(single)));
                }
            }
        }
    }

    #[test]
    fn what_needs_no_escape() {
        for len in 0..40 {
            for at in 0..len {
                for byte in [b'"', b'\\', 0, 0x1f] {
                    let mut bytes = vec![b'a'; len];
                    bytes[at] = byte;
                    assert_eq!(plain_bytes(&bytes), at);
                }
            }
            assert_eq!(plain_bytes(&vec![0xc3; len]), len);
        }
    }
}
