//! JSON text, strictly by RFC 8259.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind, Result};

pub(super) struct JsonCursor<'a> {
    whole: &'a str,
    text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> JsonCursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { whole: text, text: text.as_bytes(), at: 0 }
    }

    /// The next byte that is no white space; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    pub(super) fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    pub(super) fn consume(&mut self, byte: u8) -> Result<()> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{}`", char::from(byte))))
        }
    }

    #[cold]
    pub(super) fn expected(&mut self, what: &str) -> Error {
        self.peek();
        let rest = String::from_utf8_lossy(&self.text[self.at..]);
        let found = match rest.chars().next() {
            Some(c) => format!("`{c}`"),
            None => "the end of the text".to_owned(),
        };
        self.error(ErrorKind::Syntax, format!("expected {what}, found {found}"))
    }

    #[cold]
    pub(super) fn error(&self, kind: ErrorKind, message: String) -> Error {
        Error::new(kind, message).at_offset(self.at as u64)
    }

    pub(super) fn word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.text[self.at..].starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    pub(super) fn end(&mut self) -> Result<()> {
        match self.peek() {
            0 if self.at == self.text.len() => Ok(()),
            _ => Err(self.expected("the end of the text")),
        }
    }

    pub(super) fn number(&mut self) -> Result<&'a str> {
        self.peek();
        let start = self.at;
        self.at += usize::from(self.text.get(self.at) == Some(&b'-'));
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => drop(self.digits()),
            _ => return Err(self.expected("a number")),
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.expected("digits of the fraction"));
            }
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.text.get(self.at), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.expected("digits of the exponent"));
            }
        }
        Ok(self.piece(start, self.at))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.consume(b'"')?;
        let start = self.at;
        let rest = &self.text[start..];
        let plain = rest.iter().take_while(|b| **b >= 0x20 && **b != b'"' && **b != b'\\').count();
        if rest.get(plain) == Some(&b'"') {
            self.at += plain + 1;
            return Ok(Cow::Borrowed(self.piece(start, start + plain)));
        }
        self.escaped_string().map(Cow::Owned)
    }

    /// A piece of the text between two ASCII characters.
    fn piece(&self, start: usize, end: usize) -> &'a str {
        self.whole.get(start..end).unwrap_or_default()
    }

    fn escaped_string(&mut self) -> Result<String> {
        let mut out = Vec::new();
        loop {
            let start = self.at;
            while self.text.get(self.at).is_some_and(|b| *b >= 0x20 && *b != b'"' && *b != b'\\') {
                self.at += 1;
            }
            out.extend_from_slice(&self.text[start..self.at]);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    // Pieces of a `str` and whole characters.
                    return Ok(String::from_utf8(out).unwrap_or_default());
                }
                Some(b'\\') => {
                    self.at += 1;
                    let c = self.escape()?;
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(self.expected("the rest of the string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let byte = self.text.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.expected("an escape"));
            }
        })
    }

    fn unicode(&mut self) -> Result<char> {
        let start = self.at;
        let first = self.hex()?;
        let code = if (0xd800..0xdc00).contains(&first) && self.text[self.at..].starts_with(b"\\u")
        {
            self.at += 2;
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
            } else {
                first
            }
        } else {
            first
        };
        char::from_u32(code).ok_or_else(|| {
            self.at = start;
            self.error(
                ErrorKind::Syntax,
                "expected a character, found half a surrogate pair".into(),
            )
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        let all = digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).unwrap_or_default();
        match u32::from_str_radix(text, 16) {
            Ok(value) if all => {
                self.at += 4;
                Ok(value)
            }
            _ => Err(self.expected("four hexadecimal digits")),
        }
    }

    /// Passes over one value.
    pub(super) fn skip(&mut self, depth: usize) -> Result<()> {
        if depth == 0 {
            return Err(self.error(ErrorKind::Depth, "nested deeper than the limit".to_owned()));
        }
        match self.peek() {
            b'{' => {
                self.at += 1;
                if self.accept(b'}') {
                    return Ok(());
                }
                loop {
                    self.string()?;
                    self.consume(b':')?;
                    self.skip(depth - 1)?;
                    if self.accept(b'}') {
                        return Ok(());
                    }
                    self.consume(b',')?;
                }
            }
            b'[' => {
                self.at += 1;
                if self.accept(b']') {
                    return Ok(());
                }
                loop {
                    self.skip(depth - 1)?;
                    if self.accept(b']') {
                        return Ok(());
                    }
                    self.consume(b',')?;
                }
            }
            b'"' => self.string().map(drop),
            _ if self.word("null") || self.word("true") || self.word("false") => Ok(()),
            _ => self.number().map(drop),
        }
    }
}
