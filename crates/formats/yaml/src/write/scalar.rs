//! Scalars as they are written.

use std::fmt::Write as _;
use std::io::Write as _;

use cannery_core::{BigInt, Text};

use super::plain::{Quotes, quotes};
use super::{Next, Writer};
use crate::ScalarStyle;
use crate::chars::{is_blank, is_special};
use crate::schema::{Scalar, Schema};

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

    /// Text as a key: on one line.
    #[inline]
    pub(super) fn write_key_text(&mut self, text: Text<'_>, flow: bool) {
        match text.to_str() {
            Some(text) => self.write_on_line(&text, self.quotes(&text, flow)),
            None => self.write_double(&text.to_utf8()),
        }
    }

    fn write_on_line(&mut self, text: &str, quotes: Quotes) {
        match quotes {
            Quotes::None => self.out.extend_from_slice(text.as_bytes()),
            Quotes::Single => self.write_single(text),
            Quotes::Lines | Quotes::Double => self.write_double(text.as_bytes()),
        }
    }

    /// What text needs around it, and what the options want there.
    #[inline]
    fn quotes(&self, text: &str, flow: bool) -> Quotes {
        let needed = quotes(text, flow, self.options.unicode);
        needed.max(match self.options.style {
            ScalarStyle::SingleQuoted => Quotes::Single,
            ScalarStyle::DoubleQuoted => Quotes::Double,
            _ => Quotes::None,
        })
    }

    /// Text as an item or a value: over several lines after `|` where it has some.
    #[inline]
    pub(super) fn write_text(&mut self, text: Text<'_>) {
        self.write_open();
        let Some(content) = text.to_str() else {
            return self.scalar(|writer| writer.write_double(&text.to_utf8()));
        };
        let frame = self.open.last();
        let flow = frame.map_or(self.options.flow, |frame| frame.flow);
        let is_key = frame.is_some_and(|frame| frame.next == Next::Key);
        let mut quotes = self.quotes(&content, flow);
        if self.tag.is_some() && !flow && quotes == Quotes::Single && self.is_moment(&content) {
            quotes = Quotes::None;
        }
        if flow || is_key || !self.is_block(&content, quotes) {
            return self.scalar(|writer| {
                let start = writer.out.len();
                writer.write_on_line(&content, quotes);
                if !is_key {
                    writer.fold(start);
                }
            });
        }
        self.begin_scalar();
        self.write_block(&content);
        self.end_node();
    }

    /// Whether the text is a date behind its tag, which needs no quotes.
    #[cold]
    fn is_moment(&self, text: &str) -> bool {
        self.options.style == ScalarStyle::Plain
            && matches!(Schema::Legacy.resolve(text), Scalar::Date | Scalar::DateTime)
    }

    /// Whether text is written below its indicator, `|` or `>`.
    #[inline]
    fn is_block(&self, text: &str, quotes: Quotes) -> bool {
        let wanted = match self.options.style {
            ScalarStyle::Plain => quotes == Quotes::Lines,
            ScalarStyle::Literal | ScalarStyle::Folded => quotes <= Quotes::Lines,
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => false,
        };
        wanted && is_block(text)
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

    fn write_block(&mut self, text: &str) {
        let trimmed = text.trim_end_matches('\n');
        let folded = self.options.style == ScalarStyle::Folded && may_fold(text);
        self.out.push(if folded { b'>' } else { b'|' });
        self.out.extend_from_slice(match text.len() - trimmed.len() {
            0 => b"-",
            1 => b"",
            _ => b"+",
        });
        let indent = self.inner_indent();
        let mut is_first = true;
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', trimmed.as_bytes()).chain([trimmed.len()]);
        for end in ends {
            let line = &trimmed[start..end];
            start = end + 1;
            self.out.push(b'\n');
            if folded && !std::mem::take(&mut is_first) && !line.is_empty() {
                // One break alone would be read as a blank.
                self.out.push(b'\n');
            }
            if !line.is_empty() {
                self.pad(indent);
                let start = self.out.len();
                self.out.extend_from_slice(line.as_bytes());
                if folded {
                    self.fold(start);
                }
            }
        }
        let more = (text.len() - trimmed.len()).saturating_sub(1);
        self.out.resize(self.out.len() + more, b'\n');
    }

    /// The column of lines that belong to the node that is being written.
    pub(super) fn inner_indent(&self) -> usize {
        self.open.last().map_or(self.options.indent, |frame| frame.indent + self.options.indent)
    }

    pub(super) fn pad(&mut self, columns: usize) {
        self.out.resize(self.out.len() + columns, b' ');
    }
}

/// Whether lines can be written after `|` without an indication of their indentation, and read
/// back the same everywhere.
fn is_block(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    // Blanks at the end of a line are kept by `|`, but not by editors.
    let is_kept = |at: usize| at == 0 || !is_blank(bytes[at - 1]);
    *first != b'\n'
        && !is_blank(*first)
        && !is_blank(*last)
        && memchr::memchr_iter(b'\n', bytes).all(is_kept)
}

/// Whether each of the lines can be broken and put together again: none begins with a blank.
fn may_fold(text: &str) -> bool {
    !text.split('\n').any(|line| line.starts_with([' ', '\t']))
}
