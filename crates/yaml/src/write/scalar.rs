//! Scalars as they are written.

use std::fmt::Write as _;
use std::io::Write as _;

use cannery_core::{BigInt, Text};

use super::plain::{Quotes, quotes};
use super::{Next, Writer};

impl Writer {
    pub(super) fn write_int(&mut self, value: i64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    pub(super) fn write_big_int(&mut self, value: BigInt<'_>) {
        self.out.extend_from_slice(value.to_decimal().as_bytes());
    }

    /// With a point and with a sign in the exponent, so that readers of YAML 1.1 see a float.
    pub(super) fn write_float(&mut self, value: f64) {
        if value.is_nan() {
            self.out.extend_from_slice(b".nan");
            return;
        }
        if value.is_infinite() {
            self.out.extend_from_slice(if value < 0.0 { b"-.inf" } else { b".inf" });
            return;
        }
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        let Some((mantissa, exponent)) = text.split_once('e') else {
            return self.out.extend_from_slice(text.as_bytes());
        };
        self.out.extend_from_slice(mantissa.as_bytes());
        self.out.extend_from_slice(if mantissa.contains('.') { b"e" } else { b".0e" });
        if !exponent.starts_with(['-', '+']) {
            self.out.push(b'+');
        }
        self.out.extend_from_slice(exponent.as_bytes());
    }

    /// Text as a key or where there is no room for lines.
    pub(super) fn write_short_text(&mut self, text: Text<'_>, flow: bool) {
        match text.to_str() {
            Some(text) => match quotes(&text, flow, self.options.unicode) {
                Quotes::None => self.out.extend_from_slice(text.as_bytes()),
                Quotes::Single => self.write_single(&text),
                Quotes::Lines | Quotes::Double => self.write_double(text.as_bytes()),
            },
            None => self.write_double(&text.to_utf8()),
        }
    }

    /// Text as an item or a value: over several lines after `|` where it has some.
    pub(super) fn write_text(&mut self, text: Text<'_>) {
        let flow = self.open.last().is_some_and(|frame| frame.flow) || self.options.flow;
        if let Some(content) = text.to_str()
            && !flow
            && self.open.last().is_none_or(|frame| frame.next != Next::Key)
            && quotes(&content, false, self.options.unicode) == Quotes::Lines
            && is_block(&content)
        {
            self.begin_scalar();
            self.write_literal(&content);
            self.end_node();
            return;
        }
        self.scalar(|writer| writer.write_short_text(text, flow));
    }

    fn write_single(&mut self, text: &str) {
        self.out.push(b'\'');
        let mut parts = text.split('\'');
        self.out.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
        for part in parts {
            self.out.extend_from_slice(b"''");
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.push(b'\'');
    }

    /// Double quotes, everything in escapes that a reader could stumble on; `text` is UTF-8, with
    /// surrogates perhaps.
    fn write_double(&mut self, mut text: &[u8]) {
        self.out.push(b'"');
        loop {
            let length = std::str::from_utf8(text).map_or_else(|e| e.valid_up_to(), str::len);
            let (valid, rest) = text.split_at(length);
            let valid = std::str::from_utf8(valid).unwrap_or_default();
            valid.chars().for_each(|character| self.write_escaped(character));
            let [0xed, second, third, rest @ ..] = rest else { break };
            self.write_surrogate(*second, *third);
            text = rest;
        }
        self.out.push(b'"');
    }

    fn write_surrogate(&mut self, second: u8, third: u8) {
        let unit = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
        let _ = write!(self.out, "\\u{unit:04x}");
    }

    fn write_escaped(&mut self, character: char) {
        let short = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\t' => "\\t",
            '\r' => "\\r",
            '\0' => "\\0",
            '\x1b' => "\\e",
            _ => {
                let code = u32::from(character);
                let printable = matches!(character, ' '..='~')
                    || (self.options.unicode && code > 0xa0 && !is_special(character));
                if printable {
                    self.out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                } else {
                    self.write_code(code);
                }
                return;
            }
        };
        self.out.extend_from_slice(short.as_bytes());
    }

    fn write_code(&mut self, code: u32) {
        let mut escape = String::with_capacity(10);
        let _ = match code {
            0..0x100 => write!(escape, "\\x{code:02x}"),
            0x100..0x1_0000 => write!(escape, "\\u{code:04x}"),
            _ => write!(escape, "\\U{code:08x}"),
        };
        self.out.extend_from_slice(escape.as_bytes());
    }

    fn write_literal(&mut self, text: &str) {
        let trimmed = text.trim_end_matches('\n');
        self.out.extend_from_slice(match text.len() - trimmed.len() {
            0 => b"|-",
            1 => b"|",
            _ => b"|+",
        });
        let indent = self.literal_indent();
        let kept = if text.len() - trimmed.len() > 1 { &text[..text.len() - 1] } else { trimmed };
        for line in kept.split('\n') {
            self.out.push(b'\n');
            if !line.is_empty() {
                self.pad(indent);
                self.out.extend_from_slice(line.as_bytes());
            }
        }
    }

    fn literal_indent(&self) -> usize {
        self.open.last().map_or(self.options.indent, |frame| frame.indent + self.options.indent)
    }

    pub(super) fn pad(&mut self, columns: usize) {
        self.out.resize(self.out.len() + columns, b' ');
    }
}

/// Whether lines can be written after `|` without an indication of their indentation, and read
/// back the same everywhere.
fn is_block(text: &str) -> bool {
    let first = text.trim_start_matches('\n');
    !text.starts_with('\n') && !first.starts_with([' ', '\t']) && !first.is_empty() && {
        // Blanks at the end of a line are kept by `|`, but not by editors.
        !text.contains(" \n") && !text.contains("\t\n") && !text.ends_with([' ', '\t'])
    }
}

fn is_special(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}
