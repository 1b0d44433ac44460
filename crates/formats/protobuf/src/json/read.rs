//! Messages from JSON.

use cannery_core::{Error, ErrorKind, Result, Segment};

use super::base64;
use super::cursor::JsonCursor;
use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Field, MessageId, Pool};
use crate::well_known::WellKnown;

/// How to read JSON.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct JsonReadOptions {
    /// Pass over fields and enum values that the schema does not have.
    pub ignore_unknown: bool,
}

impl JsonReadOptions {
    /// Sets [`ignore_unknown`](Self::ignore_unknown).
    #[must_use]
    pub fn ignore_unknown(mut self, yes: bool) -> Self {
        self.ignore_unknown = yes;
        self
    }
}

impl Message {
    /// Reads a message from JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`], [`ErrorKind::Type`], [`ErrorKind::Value`] and [`ErrorKind::Depth`],
    /// with line, column and path.
    pub fn from_json(
        pool: &Pool,
        of: MessageId,
        text: &str,
        options: JsonReadOptions,
    ) -> Result<Self> {
        let cursor = JsonCursor::new(text);
        let mut reader = JsonReader { pool, cursor, options, depth: 100, ahead: 0 };
        let read = reader.message(of).and_then(|message| {
            reader.cursor.end()?;
            Ok(message)
        });
        read.map_err(|error| error.locate(text.as_bytes()))
    }
}

pub(super) struct JsonReader<'a> {
    pub(super) pool: &'a Pool,
    pub(super) cursor: JsonCursor<'a>,
    pub(super) options: JsonReadOptions,
    pub(super) depth: usize,
    /// The position of the field that is expected next.
    ahead: usize,
}

impl<'a> JsonReader<'a> {
    pub(super) fn message(&mut self, of: MessageId) -> Result<Message> {
        if self.depth == 0 {
            let text = "nested deeper than 100 messages".to_owned();
            return Err(self.cursor.error(ErrorKind::Depth, text));
        }
        self.depth -= 1;
        let ahead = std::mem::take(&mut self.ahead);
        let mut message = Message::new(of);
        match self.pool.message_type(of).well_known {
            WellKnown::None | WellKnown::Empty => self.object(&mut message)?,
            well_known => self.special(well_known, &mut message)?,
        }
        (self.depth, self.ahead) = (self.depth + 1, ahead);
        Ok(message)
    }

    /// The keys and values of an object, whose `{` was not read yet.
    fn object(&mut self, message: &mut Message) -> Result<()> {
        self.cursor.consume(b'{')?;
        if self.cursor.accept(b'}') {
            return Ok(());
        }
        loop {
            self.cursor.peek();
            let at = self.cursor.at;
            let name = self.cursor.string()?;
            self.cursor.consume(b':')?;
            self.member(message, &name, at)?;
            if self.cursor.accept(b'}') {
                return Ok(());
            }
            self.cursor.consume(b',')?;
        }
    }

    /// One member of an object, behind its colon.
    pub(super) fn member(&mut self, message: &mut Message, name: &str, at: usize) -> Result<()> {
        match self.find(message.of, name) {
            Some(field) => self
                .field(message, field, at)
                .map_err(|error| error.inside(Segment::Key((&*field.name).into()))),
            None if self.options.ignore_unknown => self.cursor.skip(100),
            None => {
                let of = &self.pool.message_type(message.of).full_name;
                let text = format!("`{of}` has no field `{name}`");
                Err(Error::new(ErrorKind::Value, text).at_offset(at as u64))
            }
        }
    }

    fn find(&mut self, of: MessageId, name: &str) -> Option<&'a Field> {
        let message_type = self.pool.message_type(of);
        if let Some(extension) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let found = self.pool.extension(extension);
            return found.filter(|field| field.containing == Some(of));
        }
        // Fields mostly come in the order of the schema, others are looked up.
        if let Some(ahead) = message_type.fields.get(self.ahead)
            && &*ahead.json_name == name
        {
            self.ahead += 1;
            return Some(ahead);
        }
        let position =
            message_type.by_json_name.get(name).or_else(|| message_type.by_name.get(name));
        let position = *position? as usize;
        self.ahead = position + 1;
        Some(&message_type.fields[position])
    }
}

impl JsonReader<'_> {
    fn field(&mut self, message: &mut Message, field: &Field, at: usize) -> Result<()> {
        let takes_null = !field.is_list() && !field.is_map() && self.takes_null(field);
        if self.cursor.peek() == b'n' && !takes_null {
            if self.cursor.word("null") {
                return Ok(());
            }
            return Err(self.cursor.expected("a value"));
        }
        if message.get(field.number).is_some() || self.oneof_is_set(message, field) {
            let text = format!("field `{}` or another of its oneof is set already", field.name);
            return Err(Error::new(ErrorKind::Value, text).at_offset(at as u64));
        }
        if field.is_map() {
            return self.map(message, field);
        }
        if !field.is_list() {
            let value = self.value(field)?;
            if let Some(value) = value.filter(|value| field.has_presence || !value.is_zero()) {
                message.set(field.number, value);
            }
            return Ok(());
        }
        self.cursor.consume(b'[')?;
        if self.cursor.accept(b']') {
            return Ok(());
        }
        for index in 0.. {
            let value = self.item(field).map_err(|error| error.inside(Segment::Index(index)))?;
            if let Some(value) = value {
                message.put(field, value);
            }
            if self.cursor.accept(b']') {
                break;
            }
            self.cursor.consume(b',')?;
        }
        Ok(())
    }

    fn item(&mut self, field: &Field) -> Result<Option<Value>> {
        if self.cursor.peek() == b'n' && !self.takes_null(field) {
            return Err(self.cursor.expected("a value"));
        }
        self.value(field)
    }

    fn oneof_is_set(&self, message: &Message, field: &Field) -> bool {
        let Some(oneof) = field.oneof else { return false };
        let message_type = self.pool.message_type(message.of);
        let members = message_type.oneofs[oneof as usize].fields.iter();
        let mut numbers = members.map(|&position| message_type.fields[position as usize].number);
        numbers.any(|number| message.get(number).is_some())
    }

    /// Whether `null` is a value of the field's type.
    fn takes_null(&self, field: &Field) -> bool {
        let is_value = field
            .message
            .is_some_and(|id| self.pool.message_type(id).well_known == WellKnown::Value);
        is_value || is_null_value(self.pool, field)
    }

    fn map(&mut self, message: &mut Message, field: &Field) -> Result<()> {
        let (key_field, value_field) = self.pool.entry_of(field);
        self.cursor.consume(b'{')?;
        if self.cursor.accept(b'}') {
            return Ok(());
        }
        let mut seen = std::collections::HashSet::new();
        loop {
            self.cursor.peek();
            let at = self.cursor.at;
            let name = self.cursor.string()?;
            let key = Self::key(key_field, &name, at)?;
            if !seen.insert(key.sort_key()) {
                let text = format!("the key `{name}` is set already");
                return Err(Error::new(ErrorKind::Value, text).at_offset(at as u64));
            }
            self.cursor.consume(b':')?;
            let value = self
                .item(value_field)
                .map_err(|error| error.inside(Segment::Key((&*name).into())))?;
            if let Some(value) = value {
                message.map_entry(field.number, key, value);
            }
            if self.cursor.accept(b'}') {
                return Ok(());
            }
            self.cursor.consume(b',')?;
        }
    }

    fn key(field: &Field, name: &str, at: usize) -> Result<Value> {
        let wrong = || {
            let text =
                format!("expected a key of type `{}`, found `{name}`", kind::name(field.kind));
            Error::new(ErrorKind::Type, text).at_offset(at as u64)
        };
        match field.kind {
            kind::STRING => Ok(Value::Bytes(name.as_bytes().to_vec())),
            kind::BOOL => match name {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(wrong()),
            },
            of => integer(of, name).ok_or_else(wrong),
        }
    }

    /// A value; `None` for the name of an enum value that is to be passed over.
    pub(super) fn value(&mut self, field: &Field) -> Result<Option<Value>> {
        Ok(Some(match field.kind {
            kind::MESSAGE | kind::GROUP => {
                let of = field.message.expect("a field of messages has their type");
                Value::Message(Box::new(self.message(of)?))
            }
            kind::STRING => Value::Bytes(self.cursor.string()?.into_owned().into_bytes()),
            kind::BYTES => {
                let at = self.cursor.at;
                let text = self.cursor.string()?;
                let wrong = || Error::new(ErrorKind::Value, "expected Base64").at_offset(at as u64);
                Value::Bytes(base64::decode(&text).ok_or_else(wrong)?)
            }
            kind::BOOL => {
                if self.cursor.word("true") {
                    Value::Bool(true)
                } else if self.cursor.word("false") {
                    Value::Bool(false)
                } else {
                    return Err(self.cursor.expected("`true` or `false`"));
                }
            }
            kind::ENUM => return self.enumeration(field),
            of => self.number(of)?,
        }))
    }

    fn enumeration(&mut self, field: &Field) -> Result<Option<Value>> {
        if is_null_value(self.pool, field) && self.cursor.word("null") {
            return Ok(Some(Value::Enum(0)));
        }
        let id = field.enumeration.expect("a field of an enum has its type");
        let enumeration = self.pool.enum_type(id);
        if self.cursor.peek() != b'"' {
            let Value::I32(number) = self.number(kind::INT32)? else { unreachable!("asked for") };
            return Ok(Some(Value::Enum(number)));
        }
        let at = self.cursor.at;
        let name = self.cursor.string()?;
        let number = enumeration.number_of(&name).or_else(|| name.parse().ok());
        match number {
            Some(number) => Ok(Some(Value::Enum(number))),
            None if self.options.ignore_unknown => Ok(None),
            None => {
                let text = format!("enum `{}` has no value called `{name}`", enumeration.full_name);
                Err(Error::new(ErrorKind::Value, text).at_offset(at as u64))
            }
        }
    }

    fn number(&mut self, of: u8) -> Result<Value> {
        let is_quoted = self.cursor.peek() == b'"';
        let at = self.cursor.at;
        let quoted;
        let text = if is_quoted {
            quoted = self.cursor.string()?;
            &*quoted
        } else {
            self.cursor.number()?
        };
        let value = match of {
            kind::DOUBLE | kind::FLOAT => float(of, text, is_quoted),
            of => integer(of, text),
        };
        value.ok_or_else(|| {
            let text = format!("expected a value of type `{}`, found `{text}`", kind::name(of));
            Error::new(ErrorKind::Type, text).at_offset(at as u64)
        })
    }
}

pub(super) fn is_null_value(pool: &Pool, field: &Field) -> bool {
    let name = field.enumeration.map(|id| &pool.enum_type(id).full_name);
    name.is_some_and(|name| &**name == "google.protobuf.NullValue")
}

/// Whether a text is a number by JSON's grammar.
fn is_number(text: &str) -> bool {
    let mut cursor = JsonCursor::new(text);
    !text.starts_with([' ', '\t', '\n', '\r'])
        && cursor.number().is_ok_and(|n| n.len() == text.len())
}

fn float(of: u8, text: &str, is_quoted: bool) -> Option<Value> {
    let value = match text {
        "NaN" if is_quoted => f64::NAN,
        "Infinity" if is_quoted => f64::INFINITY,
        "-Infinity" if is_quoted => f64::NEG_INFINITY,
        _ if is_number(text) => {
            let value: f64 = text.parse().ok()?;
            if value.is_infinite() {
                return None;
            }
            if of == kind::FLOAT {
                // By way of the double, as elsewhere; what rounds to infinity is out of range.
                let single = value as f32;
                return single.is_finite().then_some(Value::F32(single));
            }
            value
        }
        _ => return None,
    };
    Some(if of == kind::FLOAT { Value::F32(value as f32) } else { Value::F64(value) })
}

/// An integer, also with a fraction of zeros or an exponent.
fn integer(of: u8, text: &str) -> Option<Value> {
    let (min, max) = kind::integer_range(of);
    let value = exact(text)?;
    if !(-i128::from(min)..=i128::from(max)).contains(&value) {
        return None;
    }
    Some(match of {
        kind::UINT32 | kind::FIXED32 => Value::U32(value as u32),
        kind::UINT64 | kind::FIXED64 => Value::U64(value as u64),
        kind::INT64 | kind::SINT64 | kind::SFIXED64 => Value::I64(value as i64),
        _ => Value::I32(value as i32),
    })
}

fn exact(text: &str) -> Option<i128> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let is_short = (1..=18).contains(&digits.len()) && (digits[0] != b'0' || digits.len() == 1);
    if is_short && digits.iter().all(u8::is_ascii_digit) {
        let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
        return Some(if digits.len() < text.len() { -value } else { value }.into());
    }
    if !is_number(text) {
        return None;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(value.into());
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).ok()?;
    let scale = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?.checked_add(zeros)?;
    if significant.is_empty() {
        return Some(0);
    }
    if !(0..40).contains(&scale) || significant.len() > 30 {
        return None;
    }
    let value = significant.parse::<i128>().ok()?;
    value.checked_mul(10_i128.checked_pow(scale.unsigned_abs())?).map(|value| sign * value)
}
