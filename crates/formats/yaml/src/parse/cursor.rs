//! Where the parser is: an offset, its line, and the spaces that line begins with.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind};

use crate::chars::{is_blank, is_break, is_separator};

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// Where the current line begins.
    pub(super) line: usize,
    /// How many spaces it begins with.
    pub(super) spaces: usize,
    /// Where its first byte is that is neither space nor tab.
    text_start: usize,
}

/// How many spaces the bytes begin with.
#[inline]
pub(super) fn leading_spaces(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut count = 0;
    for word in words {
        let other = u64::from_le_bytes(*word) ^ u64::from_le_bytes([b' '; 8]);
        if other != 0 {
            return count + other.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count + rest.iter().take_while(|&&byte| byte == b' ').count()
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut cursor =
            Self { text, bytes: text.as_bytes(), at: 0, line: 0, spaces: 0, text_start: 0 };
        cursor.begin_line(0);
        cursor.skip_byte_order_mark();
        cursor
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    /// Bytes between the beginning of the line and here.
    #[inline]
    pub(super) fn column(&self) -> isize {
        (self.at - self.line).cast_signed()
    }

    /// Whether nothing but spaces stands before, on this line.
    #[inline]
    pub(super) fn is_indented(&self) -> bool {
        self.at - self.line == self.spaces
    }

    /// Whether nothing but spaces and tabs stands before, on this line.
    #[inline]
    pub(super) fn is_first(&self) -> bool {
        self.at <= self.text_start
    }

    /// Whether the indicator here is one: a separator follows it.
    #[inline]
    pub(super) fn is_indicator(&self, indicator: u8) -> bool {
        self.peek() == Some(indicator) && is_separator(self.peek_at(1))
    }

    #[inline]
    pub(super) fn begin_line(&mut self, at: usize) {
        self.at = at;
        self.line = at;
        self.spaces = leading_spaces(&self.bytes[at..]);
        self.text_start = at + self.spaces;
        while self.bytes.get(self.text_start).is_some_and(|&byte| is_blank(byte)) {
            self.text_start += 1;
        }
    }

    /// Where the line after the break at `at` begins.
    #[inline]
    pub(super) fn after_break(&self, at: usize) -> usize {
        let crlf = self.bytes[at] == b'\r' && self.bytes.get(at + 1) == Some(&b'\n');
        at + 1 + usize::from(crlf)
    }

    #[inline]
    pub(super) fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// Goes past the line break that is here.
    #[inline]
    pub(super) fn skip_break(&mut self) {
        self.begin_line(self.after_break(self.at));
    }

    /// Goes to the end of this line.
    #[inline]
    pub(super) fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    }

    /// Goes past blanks, comments and line breaks; says whether a line begins before what comes.
    #[inline]
    pub(super) fn skip(&mut self) -> bool {
        let mut fresh = self.is_first();
        loop {
            self.skip_blanks();
            match self.peek() {
                Some(b'#') if self.may_comment() => self.skip_line(),
                Some(byte) if is_break(byte) => {
                    self.skip_break();
                    fresh = true;
                }
                None => return true,
                _ => return fresh,
            }
        }
    }

    /// A comment begins a line or stands behind a blank.
    #[inline]
    fn may_comment(&self) -> bool {
        self.at == self.line || is_blank(self.bytes[self.at - 1])
    }

    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.text[self.at..].starts_with('\u{feff}') {
            self.begin_line(self.at + '\u{feff}'.len_utf8());
        }
    }

    /// Whether `---` or `...` stands here, at the beginning of a line.
    #[inline]
    pub(super) fn is_marker(&self) -> bool {
        self.at == self.line && self.is_marker_at(self.at)
    }

    #[inline]
    pub(super) fn is_marker_at(&self, line: usize) -> bool {
        matches!(self.bytes[line..], [b'-', b'-', b'-', ..] | [b'.', b'.', b'.', ..])
            && is_separator(self.bytes.get(line + 3).copied())
    }

    #[cold]
    pub(super) fn error(&self, message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(ErrorKind::Syntax, message).at_offset(self.at as u64)
    }

    /// What stands here, for a message.
    #[cold]
    pub(super) fn found(&self) -> String {
        match self.text[self.at..].chars().next() {
            None => "the end of the input".to_owned(),
            Some('\n' | '\r') => "the end of the line".to_owned(),
            Some('\t') => "a tab".to_owned(),
            Some(character) => format!("`{}`", character.escape_debug()),
        }
    }
}
