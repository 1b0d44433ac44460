//! JSON as headers have it: strict, with the offset of each fault, and never deeper than a bound.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind, Result};

/// Containers inside of one another, as the library bounds them.
const MAX_DEPTH: usize = 127;

/// A position in a text that is being parsed.
pub(crate) struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// At the beginning of a text, which must be UTF-8.
    ///
    /// # Errors
    /// [`ErrorKind::Encoding`] at the first byte that is not.
    pub(crate) fn new(text: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(text) {
            Ok(_) => Ok(Self { text, at: 0, depth: 0 }),
            Err(error) => {
                let error_at = error.valid_up_to() as u64;
                Err(Error::new(ErrorKind::Encoding, "the header is not UTF-8").at_offset(error_at))
            }
        }
    }

    /// Where the next value begins.
    pub(crate) fn position(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The next byte that is no white space, if there is one.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.text.get(self.at).copied()
    }

    /// Takes an object; `entry` must take each value, whose key and its offset it is given.
    pub(crate) fn object(
        &mut self,
        mut entry: impl FnMut(&mut Self, Cow<'a, str>, usize) -> Result<()>,
    ) -> Result<()> {
        self.open(b'{', "an object")?;
        let mut first = true;
        while self.next_item(b'}', &mut first)? {
            let key_at = self.position();
            let key = self.string()?;
            self.expect(b':')?;
            entry(self, key, key_at)?;
        }
        Ok(())
    }

    /// Takes a list; `item` must take each value.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.open(b'[', "a list")?;
        let mut first = true;
        while self.next_item(b']', &mut first)? {
            item(self)?;
        }
        Ok(())
    }

    /// Takes a size: a number without sign, fraction and exponent.
    pub(crate) fn size(&mut self) -> Result<u64> {
        let start = self.position();
        let number = self.number("a size")?;
        number.parse().map_err(|_| {
            let message = format!("expected a size below 2^64, found `{number}`");
            Error::new(ErrorKind::Syntax, message).at_offset(start as u64)
        })
    }

    /// Takes a number; gives it if it is a size.
    pub(crate) fn integer(&mut self) -> Result<Option<u64>> {
        Ok(self.number("a number")?.parse().ok())
    }

    /// Takes a string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.open_string()?;
        let start = self.at;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => return self.escaped(start).map(Cow::Owned),
                Some(..b' ') => return Err(self.unexpected("no control character")),
                Some(_) => self.at += 1,
                None => return Err(self.ended()),
            }
        }
        let text = self.utf8(start, self.at);
        self.at += 1;
        Ok(Cow::Borrowed(text))
    }

    /// Takes `null`, if it comes next.
    pub(crate) fn null(&mut self) -> bool {
        self.skip_space();
        let is_null = self.text[self.at..].starts_with(b"null");
        self.at += if is_null { 4 } else { 0 };
        is_null
    }

    /// Takes any value.
    pub(crate) fn skip(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'{') => self.object(|parser, _, _| parser.skip()),
            Some(b'[') => self.list(Self::skip),
            Some(b'"') => self.string().map(drop),
            Some(b'n') => self.word("null"),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            _ => self.number("a value").map(drop),
        }
    }

    /// Checks that nothing follows but white space.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the header")),
        }
    }

    /// The error for something else than what is due here.
    #[cold]
    pub(crate) fn unexpected(&self, expected: &str) -> Error {
        let Some(byte) = self.text.get(self.at) else { return self.ended() };
        let found = byte.escape_ascii();
        let message = format!("expected {expected} in the header, found `{found}`");
        Error::new(ErrorKind::Syntax, message).at_offset(self.at as u64)
    }

    #[cold]
    fn ended(&self) -> Error {
        let message = "the text of the header ends in the middle of a value";
        Error::new(ErrorKind::Truncated, message).at_offset(self.text.len() as u64)
    }

    fn skip_space(&mut self) {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn open(&mut self, bracket: u8, expected: &str) -> Result<()> {
        if self.peek() != Some(bracket) {
            return Err(self.unexpected(expected));
        }
        if self.depth == MAX_DEPTH {
            let message = format!("the header is nested more than {MAX_DEPTH} deep");
            return Err(Error::new(ErrorKind::Depth, message).at_offset(self.at as u64));
        }
        (self.at, self.depth) = (self.at + 1, self.depth + 1);
        Ok(())
    }

    /// Whether another item follows; takes the comma or the closing bracket before it.
    fn next_item(&mut self, close: u8, first: &mut bool) -> Result<bool> {
        match self.peek() {
            Some(byte) if byte == close => {
                (self.at, self.depth) = (self.at + 1, self.depth - 1);
                return Ok(false);
            }
            _ if std::mem::take(first) => return Ok(true),
            Some(b',') => self.at += 1,
            _ => return Err(self.unexpected("`,` or a closing bracket")),
        }
        if self.peek() == Some(close) {
            return Err(self.unexpected("a value behind the comma"));
        }
        Ok(true)
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(&format!("`{}`", char::from(byte))));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a number and checks its grammar and that it is not beyond all floats.
    fn number(&mut self, expected: &str) -> Result<&'a str> {
        let start = self.position();
        if self.text.get(start) == Some(&b'-') {
            self.at += 1;
        }
        match self.text.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected(expected)),
        }
        if matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a number without leading zeros"));
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let number = self.utf8(start, self.at);
        if number.parse::<f64>().is_ok_and(f64::is_finite) {
            return Ok(number);
        }
        let message = "a number in the header is out of range";
        Err(Error::new(ErrorKind::Value, message).at_offset(start as u64))
    }

    fn digits(&mut self) {
        while matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<()> {
        if !matches!(self.text.get(self.at), Some(b'0'..=b'9')) {
            return Err(self.unexpected("a digit"));
        }
        self.digits();
        Ok(())
    }

    fn open_string(&mut self) -> Result<()> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a string"));
        }
        self.at += 1;
        Ok(())
    }

    /// The rest of a string that has escapes, of which the part from `start` on was seen.
    fn escaped(&mut self, start: usize) -> Result<String> {
        let mut text = self.utf8(start, self.at).to_owned();
        loop {
            let start = self.at;
            while !matches!(self.text.get(self.at), None | Some(b'"' | b'\\' | ..b' ')) {
                self.at += 1;
            }
            text.push_str(self.utf8(start, self.at));
            match self.text.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.unexpected("no control character")),
                None => return Err(self.ended()),
            }
        }
        self.at += 1;
        Ok(text)
    }

    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 2;
        Ok(match self.text.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(start),
            Some(_) => {
                self.at = start + 1;
                return Err(self.unexpected("an escape"));
            }
            None => return Err(self.ended()),
        })
    }

    /// The character of `\uXXXX`, or of two of these that are surrogates.
    fn code_point(&mut self, start: usize) -> Result<char> {
        let lone = || {
            let message = "a name in the header has half a surrogate pair";
            Error::new(ErrorKind::Encoding, message).at_offset(start as u64)
        };
        let high = self.hex4()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or_else(lone);
        }
        if !self.text[self.at..].starts_with(b"\\u") {
            return Err(lone());
        }
        self.at += 2;
        let low = self.hex4()?.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or_else(lone)?;
        char::from_u32(0x10000 + ((high - 0xd800) << 10) + low).ok_or_else(lone)
    }

    fn hex4(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(|| self.ended())?;
        let value = digits
            .iter()
            .try_fold(0, |value, &digit| Some(value << 4 | char::from(digit).to_digit(16)?));
        let value = value.ok_or_else(|| self.unexpected("four hexadecimal digits"))?;
        self.at += 4;
        Ok(value)
    }

    fn utf8(&self, start: usize, end: usize) -> &'a str {
        // The whole text was checked; the ends lie before and behind ASCII characters.
        std::str::from_utf8(&self.text[start..end]).unwrap_or_default()
    }
}

/// Writes a string as JSON.
pub(crate) fn push_string(text: &str, out: &mut String) {
    use std::fmt::Write;
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Writing to a string does not fail.
            c if c < ' ' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
