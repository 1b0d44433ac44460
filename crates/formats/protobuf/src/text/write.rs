//! Writing the text format.

use std::fmt::Write;

use crate::DecodeOptions;
use crate::kind;
use crate::message::{Message, Value};
use crate::numbers::{double_text, escape_byte, float_text};
use crate::pool::{Field, Pool};
use crate::well_known::WellKnown;
use crate::wire::{Cursor, END_GROUP, FIXED32, FIXED64, LENGTH, START_GROUP, VARINT};

/// How to write text.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct TextOptions {
    /// Write unknown fields by their numbers.
    pub unknown_fields: bool,
    /// Write all on one line.
    pub single_line: bool,
}

impl TextOptions {
    /// Sets [`unknown_fields`](Self::unknown_fields).
    #[must_use]
    pub fn unknown_fields(mut self, yes: bool) -> Self {
        self.unknown_fields = yes;
        self
    }

    /// Sets [`single_line`](Self::single_line).
    #[must_use]
    pub fn single_line(mut self, yes: bool) -> Self {
        self.single_line = yes;
        self
    }
}

impl Message {
    /// The message as text, a field a line.
    #[must_use]
    pub fn to_text(&self, pool: &Pool, options: TextOptions) -> String {
        let mut writer = TextWriter { pool, out: String::new(), depth: 0, options };
        writer.message(self);
        if options.single_line {
            writer.out.truncate(writer.out.trim_end().len());
        }
        writer.out
    }
}

/// Messages inside each other in which an `Any` is still shown as the message that it holds.
const DEEPEST: usize = 100;

struct TextWriter<'p> {
    pool: &'p Pool,
    out: String,
    depth: usize,
    options: TextOptions,
}

impl TextWriter<'_> {
    fn indent(&mut self) {
        if !self.options.single_line {
            (0..self.depth).for_each(|_| self.out.push_str("  "));
        }
    }

    fn end_line(&mut self) {
        self.out.push(if self.options.single_line { ' ' } else { '\n' });
    }

    fn message(&mut self, message: &Message) {
        let message_type = self.pool.message_type(message.of);
        if message_type.well_known == WellKnown::Any && self.any(message) {
            return;
        }
        for (number, value) in message.fields() {
            let Some(field) = self.pool.field(message.of, number) else { continue };
            match value {
                Value::List(items) => items.iter().for_each(|item| self.field(field, item)),
                Value::Map(entries) => self.map(field, entries),
                value => self.field(field, value),
            }
        }
        if self.options.unknown_fields {
            let mut cursor = Cursor::new(&message.unknown);
            // Records that were kept are whole; what is not is left out.
            let _ = self.unknown(&mut cursor, 0, 10);
        }
    }

    fn map(&mut self, field: &Field, entries: &[(Value, Value)]) {
        let (key_field, value_field) = self.pool.entry_of(field);
        let mut order: Vec<&(Value, Value)> = entries.iter().collect();
        order.sort_by_cached_key(|(key, _)| key.sort_key());
        for (key, value) in order {
            self.open(&field.name);
            self.field(key_field, key);
            self.field(value_field, value);
            self.close();
        }
    }

    fn any(&mut self, message: &Message) -> bool {
        // Each is decoded by itself, with a limit on depth of its own.
        if self.depth >= DEEPEST {
            return false;
        }
        let url = message.text(1).unwrap_or_default();
        let Some((_, name)) = url.rsplit_once('/') else { return false };
        let Some(of) = self.pool.message(name) else { return false };
        let bytes = message.get(2).map_or(&[][..], Value::bytes);
        let Ok(child) = Message::decode(self.pool, of, bytes, &DecodeOptions::default()) else {
            return false;
        };
        self.open(&format!("[{url}]"));
        self.message(&child);
        self.close();
        true
    }

    fn open(&mut self, name: &str) {
        self.indent();
        self.out.push_str(name);
        self.out.push_str(" {");
        self.end_line();
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.indent();
        self.out.push('}');
        self.end_line();
    }

    fn field(&mut self, field: &Field, value: &Value) {
        let name = match &field.group_name {
            Some(name) => name.to_string(),
            None if field.is_extension => format!("[{}]", field.full_name),
            None => field.name.to_string(),
        };
        if let Value::Message(child) = value {
            self.open(&name);
            self.message(child);
            self.close();
            return;
        }
        self.indent();
        self.out.push_str(&name);
        self.out.push_str(": ");
        self.scalar(field, value);
        self.end_line();
    }

    fn scalar(&mut self, field: &Field, value: &Value) {
        let out = &mut self.out;
        let written = match value {
            Value::I32(value) => write!(out, "{value}"),
            Value::I64(value) => write!(out, "{value}"),
            Value::U32(value) => write!(out, "{value}"),
            Value::U64(value) => write!(out, "{value}"),
            Value::F32(value) => write!(out, "{}", float_text((*value).into())),
            Value::F64(value) => write!(out, "{}", double_text(*value)),
            Value::Bool(value) => write!(out, "{value}"),
            Value::Enum(number) => {
                let enumeration = field.enumeration.map(|id| self.pool.enum_type(id));
                match enumeration.and_then(|enumeration| enumeration.name_of(*number)) {
                    Some(name) => write!(out, "{name}"),
                    None => write!(out, "{number}"),
                }
            }
            Value::Bytes(bytes) => {
                quote(out, bytes, field.kind == kind::STRING);
                Ok(())
            }
            Value::Message(_) | Value::List(_) | Value::Map(_) => Ok(()),
        };
        written.expect("a string takes everything");
    }

    fn unknown(
        &mut self,
        cursor: &mut Cursor<'_>,
        group: u32,
        depth: usize,
    ) -> cannery_core::Result<()> {
        while !cursor.is_empty() {
            let (number, wire) = cursor.tag()?;
            match wire {
                END_GROUP if number == group => return Ok(()),
                START_GROUP => {
                    self.open(&number.to_string());
                    self.unknown(cursor, number, depth.saturating_sub(1))?;
                    self.close();
                }
                LENGTH => {
                    let bytes = cursor.bytes()?;
                    self.unknown_bytes(number, bytes, depth);
                }
                VARINT => {
                    let value = cursor.varint()?;
                    self.line(&format!("{number}: {value}"));
                }
                FIXED32 => {
                    let value = u32::from_le_bytes(cursor.fixed()?);
                    self.line(&format!("{number}: 0x{value:08x}"));
                }
                FIXED64 => {
                    let value = u64::from_le_bytes(cursor.fixed()?);
                    self.line(&format!("{number}: 0x{value:016x}"));
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &str) {
        self.indent();
        self.out.push_str(text);
        self.end_line();
    }

    /// Bytes that look like a message are shown as one.
    fn unknown_bytes(&mut self, number: u32, bytes: &[u8], depth: usize) {
        if depth > 0 && !bytes.is_empty() && is_message(bytes, depth) {
            self.open(&number.to_string());
            let _ = self.unknown(&mut Cursor::new(bytes), 0, depth - 1);
            self.close();
            return;
        }
        let mut quoted = String::new();
        quote(&mut quoted, bytes, false);
        self.line(&format!("{number}: {quoted}"));
    }
}

fn is_message(bytes: &[u8], depth: usize) -> bool {
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        let Ok((number, wire)) = cursor.tag() else { return false };
        if wire == END_GROUP || cursor.skip(number, wire, depth).is_err() {
            return false;
        }
    }
    true
}

/// A string in quotes; characters beyond ASCII stay in text, and are escaped in bytes.
fn quote(out: &mut String, bytes: &[u8], is_text: bool) {
    out.push('"');
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => {
            for c in text.chars() {
                match u8::try_from(c) {
                    Ok(byte) if c.is_ascii() => escape_byte(byte, out),
                    _ => out.push(c),
                }
            }
        }
        _ => bytes.iter().for_each(|&byte| escape_byte(byte, out)),
    }
    out.push('"');
}
