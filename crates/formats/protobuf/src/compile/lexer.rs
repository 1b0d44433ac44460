//! Tokens of schemas and of the text format.

use std::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    End,
    Identifier,
    Integer,
    Float,
    Text,
    Symbol,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Range<usize>,
}

/// What differs between the two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `//` and `/* */` begin comments.
    Schema,
    /// `#` begins a comment; `f` may end a float.
    TextFormat,
}

/// An error at a byte.
pub(crate) type LexError = (usize, &'static str);

#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    dialect: Dialect,
    pub(crate) errors: Vec<LexError>,
    after_identifier: bool,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a [u8], dialect: Dialect) -> Self {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Self { text, at, dialect, errors: Vec::new(), after_identifier: false }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn error(&mut self, at: usize, message: &'static str) {
        self.errors.push((at, message));
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) -> usize {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.at += 1;
        }
        self.at - start
    }

    /// Passes over white space and comments.
    fn skip_blanks(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t'..=b'\r' => self.at += 1,
                b'/' if self.dialect == Dialect::Schema && self.peek_at(1) == Some(b'/') => {
                    self.skip_while(|b| b != b'\n');
                }
                b'/' if self.dialect == Dialect::Schema && self.peek_at(1) == Some(b'*') => {
                    self.block_comment();
                }
                b'#' if self.dialect == Dialect::TextFormat => {
                    self.skip_while(|b| b != b'\n');
                }
                0..=0x1f | 0x7f => {
                    self.error(self.at, "expected no control characters in the text");
                    self.skip_while(|b| matches!(b, 0..=8 | 0x0e..=0x1f | 0x7f));
                }
                _ => return,
            }
            self.after_identifier = false;
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        self.at += 2;
        loop {
            match (self.peek(), self.peek_at(1)) {
                (None, _) => {
                    self.error(self.at, "expected `*/`, found the end of the file");
                    self.error(start, "the comment that has no end begins here");
                    return;
                }
                (Some(b'*'), Some(b'/')) => {
                    self.at += 2;
                    return;
                }
                (Some(b'/'), Some(b'*')) => {
                    self.error(self.at, "found `/*` inside a comment; comments do not nest");
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    pub(crate) fn next(&mut self) -> Token {
        self.skip_blanks();
        let start = self.at;
        let Some(byte) = self.peek() else {
            return Token { kind: TokenKind::End, span: start..start };
        };
        let glued = std::mem::take(&mut self.after_identifier);
        let kind = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.skip_while(|b| b.is_ascii_alphanumeric() || b == b'_');
                self.after_identifier = true;
                TokenKind::Identifier
            }
            b'0'..=b'9' => self.number(),
            b'.' if self.peek_at(1).is_some_and(|b| b.is_ascii_digit()) => {
                if glued && self.dialect == Dialect::Schema {
                    self.error(start, "expected a space between identifier and decimal point");
                }
                self.number()
            }
            b'"' | b'\'' => self.quoted(byte),
            _ => {
                if byte >= 0x80 {
                    self.error(start, "expected ASCII outside of strings and comments");
                    self.skip_while(|b| b >= 0x80);
                } else {
                    self.at += 1;
                }
                TokenKind::Symbol
            }
        };
        Token { kind, span: start..self.at }
    }

    fn number(&mut self) -> TokenKind {
        let mut is_float = false;
        let mut is_whole = false;
        if self.peek() == Some(b'0') && matches!(self.peek_at(1), Some(b'x' | b'X')) {
            self.at += 2;
            is_whole = true;
            if self.skip_while(|b| b.is_ascii_hexdigit()) == 0 {
                self.error(self.at, "expected hexadecimal digits behind `0x`");
            }
        } else if self.peek() == Some(b'0') && self.peek_at(1).is_some_and(|b| b.is_ascii_digit()) {
            is_whole = true;
            self.skip_while(|b| matches!(b, b'0'..=b'7'));
            if self.peek().is_some_and(|b| b.is_ascii_digit()) {
                self.error(self.at, "expected octal digits behind a leading zero");
                self.skip_while(|b| b.is_ascii_digit());
            }
        } else {
            is_float = self.decimal();
        }
        match self.peek() {
            Some(b) if b.is_ascii_alphabetic() || b == b'_' => {
                let suffix = self.dialect == Dialect::TextFormat && matches!(b, b'f' | b'F');
                let ends = !self.peek_at(1).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
                if suffix && ends && !is_whole {
                    self.at += 1;
                    return TokenKind::Float;
                }
                self.error(self.at, "expected a space between number and identifier");
            }
            Some(b'.') if is_float => {
                self.error(self.at, "expected one decimal point in a number");
            }
            Some(b'.') if is_whole => {
                self.error(self.at, "expected an integer: hexadecimal and octal have no fraction");
            }
            _ => {}
        }
        if is_float { TokenKind::Float } else { TokenKind::Integer }
    }

    /// Digits, a fraction and an exponent; says whether it is more than digits.
    fn decimal(&mut self) -> bool {
        let mut is_float = false;
        self.skip_while(|b| b.is_ascii_digit());
        if self.peek() == Some(b'.') {
            is_float = true;
            self.at += 1;
            self.skip_while(|b| b.is_ascii_digit());
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_float = true;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.skip_while(|b| b.is_ascii_digit()) == 0 {
                self.error(self.at, "expected digits of the exponent behind `e`");
            }
        }
        is_float
    }

    fn quoted(&mut self, quote: u8) -> TokenKind {
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    self.error(
                        self.at,
                        "expected the end of the string, found the end of the file",
                    );
                    break;
                }
                Some(b'\n') => {
                    self.error(
                        self.at,
                        "expected the end of the string, found the end of the line",
                    );
                    break;
                }
                Some(b'\\') => self.escape(),
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        break;
                    }
                }
            }
        }
        TokenKind::Text
    }

    fn escape(&mut self) {
        self.at += 1;
        let hex = |lexer: &Self, from: usize, to: usize| {
            (from..to).all(|i| lexer.peek_at(i).is_some_and(|b| b.is_ascii_hexdigit()))
        };
        match self.peek() {
            Some(b'a' | b'b' | b'f' | b'n' | b'r' | b't' | b'v' | b'\\' | b'?' | b'\'' | b'"') => {
                self.at += 1;
            }
            Some(b'0'..=b'7') => self.at += 1,
            Some(b'x' | b'X') => {
                self.at += 1;
                if !hex(self, 0, 1) {
                    self.error(self.at, "expected hexadecimal digits in the escape");
                }
            }
            Some(b'u') => {
                self.at += 1;
                if !hex(self, 0, 4) {
                    self.error(self.at, "expected four hexadecimal digits behind `\\u`");
                }
            }
            Some(b'U') => {
                self.at += 1;
                let zeros = self.text[self.at..].starts_with(b"00");
                if !(zeros && matches!(self.peek_at(2), Some(b'0' | b'1')) && hex(self, 3, 8)) {
                    self.error(self.at, "expected eight digits up to 10ffff behind `\\U`");
                }
            }
            _ => self.error(self.at, "expected a known escape in the string"),
        }
    }
}

/// The bytes that a quoted token stands for.
pub(crate) fn unquote(token: &[u8]) -> Vec<u8> {
    let quote = token[0];
    let mut rest = &token[1..];
    if let Some(inner) = rest.strip_suffix(&[quote]) {
        rest = inner;
    }
    let mut out = Vec::with_capacity(rest.len());
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'\\' && !rest.is_empty() {
            rest = unescape(rest, &mut out);
        } else {
            out.push(byte);
        }
    }
    out
}

/// Writes what the escape behind a backslash stands for, and returns what follows.
fn unescape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let simple = |byte| match byte {
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        other => other,
    };
    match text[0] {
        b'0'..=b'7' => {
            let (value, length) = digits(text, 8, 3);
            out.push((value & 0xff) as u8);
            &text[length..]
        }
        b'x' | b'X' => {
            let (value, length) = digits(&text[1..], 16, 2);
            out.push((value & 0xff) as u8);
            &text[1 + length..]
        }
        b'u' | b'U' => {
            let most = if text[0] == b'u' { 4 } else { 8 };
            let (head, length) = digits(&text[1..], 16, most);
            let rest = &text[1 + length..];
            if (0xd800..0xdc00).contains(&head) && rest.starts_with(b"\\u") {
                let (trail, length) = digits(&rest[2..], 16, 4);
                if (0xdc00..0xe000).contains(&trail) {
                    push_code_point(0x1_0000 + ((head - 0xd800) << 10) + (trail - 0xdc00), out);
                    return &rest[2 + length..];
                }
            }
            push_code_point(head, out);
            rest
        }
        other => {
            out.push(simple(other));
            &text[1..]
        }
    }
}

fn digits(text: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let digit = |byte: &u8| char::from(*byte).to_digit(radix);
    let found: Vec<u32> = text.iter().take(most).map_while(digit).collect();
    (found.iter().fold(0, |value, digit| value * radix + digit), found.len())
}

/// The general scheme of UTF-8, for surrogates too; beyond U+10FFFF the escape itself.
fn push_code_point(code: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| 0x80 | (code >> shift & 0x3f) as u8;
    match code {
        0..0x80 => out.push(code as u8),
        0x80..0x800 => out.extend([0xc0 | (code >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([0xe0 | (code >> 12) as u8, tail(6), tail(0)]),
        0x1_0000..0x11_0000 => {
            out.extend([0xf0 | (code >> 18) as u8, tail(12), tail(6), tail(0)]);
        }
        _ => out.extend(format!("\\U{code:08x}").into_bytes()),
    }
}

/// The value of an integer token, if it is at most `max`.
pub(crate) fn integer(token: &[u8], max: u64) -> Option<u64> {
    let text = std::str::from_utf8(token).ok()?;
    let value = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        if hex.is_empty() { 0 } else { u64::from_str_radix(hex, 16).ok()? }
    } else if text.len() > 1 && text.starts_with('0') {
        u64::from_str_radix(text, 8).ok()?
    } else {
        text.parse().ok()?
    };
    (value <= max).then_some(value)
}

/// The value of a float token, or of an integer's digits.
pub(crate) fn float(token: &[u8]) -> f64 {
    let text = std::str::from_utf8(token).unwrap_or_default();
    let text = text.trim_end_matches(['f', 'F']);
    // An exponent without digits was reported by the lexer.
    text.parse()
        .unwrap_or_else(|_| text.trim_end_matches(['e', 'E', '+', '-']).parse().unwrap_or(0.0))
}
