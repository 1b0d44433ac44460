//! Scalars in quotes (chapters 7.3.1 and 7.3.2).

use cannery_core::Result;
use memchr::{memchr, memchr2};

use super::{Content, Parser, Scanned};
use crate::ScalarStyle;
use crate::chars::{is_blank, is_break};

impl Parser<'_> {
    /// Scans the scalar in single quotes that begins here.
    pub(super) fn single_quoted(&mut self, parent: isize) -> Result<Scanned> {
        let start = self.cursor.at;
        let rest = &self.cursor.bytes[start + 1..];
        let Some(length) = memchr(b'\'', rest) else { return Err(self.unclosed_quote(start)) };
        let simple = rest.get(length + 1) != Some(&b'\'') && is_one_line(&rest[..length]);
        if simple {
            return Ok(self.quoted_source(start, length, ScalarStyle::SingleQuoted));
        }
        self.scratch.clear();
        self.cursor.at += 1;
        let mut kept = 0;
        loop {
            match self.cursor.peek() {
                None => return Err(self.unclosed_quote(start)),
                Some(b'\'') if self.cursor.peek_at(1) == Some(b'\'') => {
                    self.scratch.push(b'\'');
                    self.cursor.at += 2;
                }
                Some(b'\'') => break,
                Some(byte) if is_break(byte) => kept = self.fold_line(kept, start, parent)?,
                Some(_) => self.copy_run(b'\''),
            }
        }
        Ok(self.quoted_scratch(start, ScalarStyle::SingleQuoted, false))
    }

    /// Scans the scalar in double quotes that begins here.
    pub(super) fn double_quoted(&mut self, parent: isize) -> Result<Scanned> {
        let start = self.cursor.at;
        let rest = &self.cursor.bytes[start + 1..];
        match memchr2(b'"', b'\\', rest) {
            None => return Err(self.unclosed_quote(start)),
            Some(length) if rest[length] == b'"' && is_one_line(&rest[..length]) => {
                return Ok(self.quoted_source(start, length, ScalarStyle::DoubleQuoted));
            }
            Some(_) => {}
        }
        self.scratch.clear();
        self.cursor.at += 1;
        let mut surrogates = false;
        // Bytes that trailing blanks are not trimmed from: escapes stay.
        let mut kept = 0;
        loop {
            match self.cursor.peek() {
                None => return Err(self.unclosed_quote(start)),
                Some(b'"') => break,
                Some(b'\\') if self.cursor.peek_at(1).is_some_and(is_break) => {
                    self.cursor.at += 1;
                    self.cursor.skip_break();
                    kept = self.scratch.len();
                    self.joined_lines(start, parent)?;
                }
                Some(b'\\') => {
                    surrogates |= self.escape()?;
                    kept = self.scratch.len();
                }
                Some(byte) if is_break(byte) => kept = self.fold_line(kept, start, parent)?,
                Some(_) => self.copy_run(b'"'),
            }
        }
        Ok(self.quoted_scratch(start, ScalarStyle::DoubleQuoted, surrogates))
    }

    fn quoted_source(&mut self, start: usize, length: usize, style: ScalarStyle) -> Scanned {
        self.cursor.at = start + length + 2;
        Scanned::source(start, start + 1, start + 1 + length, style)
    }

    fn quoted_scratch(&mut self, start: usize, style: ScalarStyle, surrogates: bool) -> Scanned {
        let multi_line = self.cursor.line > start;
        self.cursor.at += 1;
        let content = if surrogates { Content::Surrogates } else { Content::Scratch };
        Scanned { start, content, style, multi_line }
    }

    /// Copies what stands for itself: up to a quote, an escape or a line break.
    fn copy_run(&mut self, quote: u8) {
        let rest = &self.cursor.bytes[self.cursor.at..];
        let ends = |&byte: &u8| byte == quote || is_break(byte) || (quote == b'"' && byte == b'\\');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.scratch.extend_from_slice(&rest[..length]);
        self.cursor.at += length;
    }

    /// Goes past a line break and what is blank around it; says what must not be trimmed any more.
    fn fold_line(&mut self, kept: usize, start: usize, parent: isize) -> Result<usize> {
        while self.scratch.len() > kept && self.scratch.last().copied().is_some_and(is_blank) {
            self.scratch.pop();
        }
        self.cursor.skip_break();
        let breaks = 1 + self.blank_lines(start, parent)?;
        self.fold(breaks);
        Ok(self.scratch.len())
    }

    /// After an escaped line break: the blanks before the text go, empty lines stay.
    fn joined_lines(&mut self, start: usize, parent: isize) -> Result<()> {
        let breaks = self.blank_lines(start, parent)?;
        self.scratch.resize(self.scratch.len() + breaks, b'\n');
        Ok(())
    }

    /// Goes to the text of the next line that has some; says how many lines were empty.
    fn blank_lines(&mut self, start: usize, parent: isize) -> Result<usize> {
        let mut empty = 0;
        loop {
            if self.cursor.is_marker() {
                return Err(self.unclosed_quote(start));
            }
            self.cursor.skip_blanks();
            match self.cursor.peek() {
                Some(byte) if is_break(byte) => {
                    self.cursor.skip_break();
                    empty += 1;
                }
                Some(_) if self.cursor.spaces.cast_signed() <= parent => {
                    let error = self.error("this line of a quoted text is not indented enough");
                    return Err(
                        error.with_hint("indent it more than the key or entry it belongs to")
                    );
                }
                _ => return Ok(empty),
            }
        }
    }

    #[cold]
    fn unclosed_quote(&self, start: usize) -> cannery_core::Error {
        let quote = char::from(self.cursor.bytes[start]);
        let mut here = self.cursor;
        here.at = start;
        let hint = match quote {
            '"' => "close it; a quote inside the text is written `\\\"`",
            _ => "close it, or put a text that begins with an apostrophe in double quotes",
        };
        here.error(format!("this `{quote}` has no closing `{quote}`")).with_hint(hint)
    }

    /// Appends what the escape that begins here stands for; says whether it is a surrogate.
    fn escape(&mut self) -> Result<bool> {
        let Some(letter) = self.cursor.peek_at(1) else { return Err(self.bad_escape()) };
        let character = match letter {
            b'0' => '\0',
            b'a' => '\x07',
            b'b' => '\x08',
            b't' | b'\t' => '\t',
            b'n' => '\n',
            b'v' => '\x0b',
            b'f' => '\x0c',
            b'r' => '\r',
            b'e' => '\x1b',
            b' ' | b'"' | b'/' | b'\\' => char::from(letter),
            b'N' => '\u{85}',
            b'_' => '\u{a0}',
            b'L' => '\u{2028}',
            b'P' => '\u{2029}',
            b'x' => return self.code_point(2),
            b'u' => return self.code_point(4),
            b'U' => return self.code_point(8),
            _ => return Err(self.bad_escape()),
        };
        self.cursor.at += 2;
        self.scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(false)
    }

    #[cold]
    fn bad_escape(&self) -> cannery_core::Error {
        let mut next = self.cursor;
        next.at += 1;
        self.error(format!("`\\` does not begin an escape before {}", next.found()))
            .with_hint("write `\\\\` for a backslash, or use single quotes")
    }

    /// An escape of that many hexadecimal digits. Two that are halves of a pair, as JSON writes
    /// them, are one character.
    fn code_point(&mut self, digits: usize) -> Result<bool> {
        let Some(number) = self.hexadecimal(self.cursor.at + 2, digits) else {
            let message = format!("expected {digits} hexadecimal digits");
            return Err(self.error(message).with_hint("write `\\\\` for a backslash"));
        };
        let mut character = char::from_u32(number);
        let mut length = 2 + digits;
        if digits == 4 && (0xd800..0xdc00).contains(&number) {
            let next = self.cursor.at + 6;
            let escape = self.cursor.bytes.get(next..next + 2) == Some(b"\\u");
            let low = escape.then(|| self.hexadecimal(next + 2, 4)).flatten();
            if let Some(low) = low.filter(|low| (0xdc00..0xe000).contains(low)) {
                character = char::from_u32(0x1_0000 + ((number - 0xd800) << 10) + (low - 0xdc00));
                length += 6;
            }
        }
        let surrogate = character.is_none();
        match character {
            Some(character) => {
                self.scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None if number < 0x1_0000 => {
                let text = cannery_core::Text::Ucs4(&[number]).to_utf8().into_owned();
                self.scratch.extend_from_slice(&text);
            }
            None => return Err(self.error("expected a code point up to 10FFFF")),
        }
        self.cursor.at += length;
        Ok(surrogate)
    }

    fn hexadecimal(&self, from: usize, digits: usize) -> Option<u32> {
        let text = self.cursor.text.get(from..from + digits)?;
        let valid = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        valid.then(|| u32::from_str_radix(text, 16).ok()).flatten()
    }
}

fn is_one_line(bytes: &[u8]) -> bool {
    memchr2(b'\n', b'\r', bytes).is_none()
}
