//! What can be wrong with a JSON text, in this crate's words and in those of Python's `json`.

use std::borrow::Cow;
use std::fmt;

use cannery_core::{Container, Error, ErrorKind};

/// What is wrong with a JSON text.
///
/// Every [`Error`] about JSON's grammar carries one; [`SyntaxError::of`] takes a look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyntaxError {
    /// No value where one must be.
    ExpectedValue,
    /// Not-a-number or an infinity, where that is refused.
    NonFinite,
    /// No value, but the end of a container, behind the comma at this offset.
    TrailingComma {
        /// The list or map that ends.
        container: Container,
        /// Bytes before the comma.
        comma: u64,
    },
    /// No key where one must be.
    ExpectedKey,
    /// No colon behind a key.
    ExpectedColon,
    /// Neither a comma nor the end of the container behind a value.
    ExpectedComma(Container),
    /// A control character in a string.
    ControlCharacter,
    /// A backslash with an unknown character behind it.
    InvalidEscape,
    /// `\u` without four hexadecimal digits behind it.
    InvalidUnicodeEscape,
    /// Half of a surrogate pair, where that is refused.
    LoneSurrogate,
    /// A string without an end.
    UnterminatedString,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// Something behind the document.
    ExtraData,
    /// A byte order mark, where that is refused.
    ByteOrderMark,
}

impl SyntaxError {
    /// What is wrong with the text, if that is what `error` is about.
    #[must_use]
    pub fn of(error: &Error) -> Option<Self> {
        std::error::Error::source(error)?.downcast_ref().copied()
    }

    /// The message and the position of Python's own `json` (`python` is its version, such as
    /// `(3, 13)`) for this error, which [`Error::pos`] puts at `offset`.
    ///
    /// ```
    /// use cannery_core::{Limits, ValueBuilder};
    /// use cannery_json::{ReadOptions, SyntaxError, from_slice};
    ///
    /// let options = ReadOptions::default();
    /// let mut sink = ValueBuilder::new(Limits::default());
    /// let error = from_slice(b"[1,]", &options, &mut sink).unwrap_err();
    /// let offset = error.pos().unwrap().offset;
    /// let syntax = SyntaxError::of(&error).unwrap();
    /// assert_eq!(syntax.in_python(offset, (3, 11)), ("Expecting value", 3));
    /// let message = "Illegal trailing comma before the end of array";
    /// assert_eq!(syntax.in_python(offset, (3, 13)), (message, 2));
    /// ```
    #[must_use]
    pub fn in_python(self, offset: u64, python: (u8, u8)) -> (&'static str, u64) {
        let message = match self {
            Self::TrailingComma { container, comma } if python >= (3, 13) => {
                return (illegal_comma(container), comma);
            }
            Self::TrailingComma { container: Container::Map, .. } | Self::ExpectedKey => {
                "Expecting property name enclosed in double quotes"
            }
            Self::TrailingComma { .. } | Self::ExpectedValue | Self::NonFinite => "Expecting value",
            Self::ExpectedColon => "Expecting ':' delimiter",
            Self::ExpectedComma(_) => "Expecting ',' delimiter",
            Self::ControlCharacter => "Invalid control character at",
            Self::InvalidEscape => "Invalid \\escape",
            Self::InvalidUnicodeEscape | Self::LoneSurrogate => "Invalid \\uXXXX escape",
            Self::UnterminatedString => "Unterminated string starting at",
            // There it is an error of decoding, before parsing begins.
            Self::NotUtf8 => "Invalid UTF-8",
            Self::ExtraData => "Extra data",
            Self::ByteOrderMark => "Unexpected UTF-8 BOM (decode using utf-8-sig)",
        };
        (message, offset)
    }

    /// The way on in the words of `cannery.json` in Python, where the hint names an option of Rust.
    #[must_use]
    pub fn hint_in_python(self) -> Option<&'static str> {
        match self {
            Self::NonFinite => Some("NaN and infinities are not JSON; `json.loads` reads them"),
            Self::ControlCharacter => {
                Some("escape it; or `json.loads` takes it with `strict=False`")
            }
            Self::LoneSurrogate => Some("`json.loads` reads it"),
            Self::ByteOrderMark => Some("decode the bytes with `utf-8-sig`"),
            _ => None,
        }
    }

    /// The error for this, where `rest` is what the text holds from its position on.
    #[cold]
    pub(crate) fn error(self, rest: &[u8], truncated: bool) -> Error {
        let kind = match self {
            _ if truncated => ErrorKind::Truncated,
            Self::LoneSurrogate | Self::NotUtf8 => ErrorKind::Encoding,
            _ => ErrorKind::Syntax,
        };
        let is_number = matches!(rest, [b'N', b'a', ..] | [b'I', b'n', ..] | [b'-', b'I', ..]);
        let this = if self == Self::ExpectedValue && is_number { Self::NonFinite } else { self };
        let error = Error::new(kind, this.message(rest)).with_source(this);
        match this.hint(rest) {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn message(self, rest: &[u8]) -> Cow<'static, str> {
        let expected = match self {
            Self::ControlCharacter => {
                return format!("control character {} in a string", found(rest)).into();
            }
            Self::InvalidEscape => {
                return format!("unknown escape `\\{}` in a string", shown(&rest[1..])).into();
            }
            Self::InvalidUnicodeEscape => {
                return "expected four hexadecimal digits behind `\\u`".into();
            }
            Self::LoneSurrogate => return lone_surrogate(rest).into(),
            Self::UnterminatedString => return "string without a closing quote".into(),
            Self::NotUtf8 => return not_utf8(rest).into(),
            Self::ByteOrderMark => return "byte order mark before the document".into(),
            Self::ExpectedValue
            | Self::NonFinite
            | Self::TrailingComma { container: Container::List, .. } => "a value",
            Self::ExpectedKey | Self::TrailingComma { .. } => "a key in double quotes",
            Self::ExpectedColon => "`:`",
            Self::ExpectedComma(Container::Map) => "`,` or `}`",
            Self::ExpectedComma(_) => "`,` or `]`",
            Self::ExtraData => "the end of the document",
        };
        format!("expected {expected}, found {}", found(rest)).into()
    }

    fn hint(self, rest: &[u8]) -> Option<&'static str> {
        Some(match (self, rest) {
            (Self::TrailingComma { .. }, _) => "remove the comma before it",
            (Self::ExpectedValue | Self::ExpectedKey, [b'\'', ..]) => {
                "JSON writes text in double quotes"
            }
            (Self::ExpectedValue, [b'N', b'o', ..] | [b'T' | b'F', ..]) => {
                "JSON writes `null`, `true` and `false`"
            }
            (Self::NonFinite, _) => {
                "NaN and infinities are not JSON; allow them with the option `nan`"
            }
            (Self::ExpectedValue | Self::ExpectedKey | Self::ExpectedComma(_), [b'/', ..]) => {
                "JSON has no comments"
            }
            (Self::ExpectedValue, [b'+' | b'.', ..]) => {
                "a number begins with a digit, or `-` and a digit"
            }
            (Self::ControlCharacter, _) => {
                "escape it, or allow it with the option `control_characters`"
            }
            (Self::InvalidEscape, _) => "write `\\\\` for a backslash",
            (Self::NotUtf8, _) => "JSON is written in UTF-8: convert the text first",
            (Self::LoneSurrogate, _) => "allow it with the option `surrogates`",
            (Self::ExtraData, [b'{' | b'[' | b'"', ..]) => {
                "read several documents in one text as JSONL"
            }
            (Self::ByteOrderMark, _) => "allow it with the option `byte_order_mark`",
            _ => return None,
        })
    }
}

fn illegal_comma(container: Container) -> &'static str {
    match container {
        Container::Map => "Illegal trailing comma before the end of object",
        _ => "Illegal trailing comma before the end of array",
    }
}

fn lone_surrogate(rest: &[u8]) -> String {
    match rest {
        [b'\\', ..] => format!("lone surrogate `{}` in a string", shown_str(&rest[..6])),
        _ => "lone surrogate in a string".to_owned(),
    }
}

fn not_utf8(rest: &[u8]) -> String {
    format!("byte `0x{:02x}` is not UTF-8", rest.first().copied().unwrap_or_default())
}

/// The first character of `rest`, as it is called in a message.
fn found(rest: &[u8]) -> String {
    match rest {
        [] => "the end of the input".to_owned(),
        _ => format!("`{}`", shown(rest)),
    }
}

fn shown(rest: &[u8]) -> String {
    let first = &rest[..rest.len().min(4)];
    let character = String::from_utf8_lossy(first).chars().next();
    character.map_or_else(String::new, |c| match c {
        '\'' | '"' | '\\' => c.to_string(),
        _ => c.escape_debug().to_string(),
    })
}

fn shown_str(text: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(text)
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ExpectedValue => "no value where one must be",
            Self::TrailingComma { .. } => "trailing comma",
            Self::ExpectedKey => "no key where one must be",
            Self::ExpectedColon => "no colon behind a key",
            Self::ExpectedComma(_) => "no comma behind a value",
            Self::ControlCharacter => "control character in a string",
            Self::InvalidEscape => "unknown escape",
            Self::InvalidUnicodeEscape => "incomplete Unicode escape",
            Self::LoneSurrogate => "lone surrogate",
            Self::UnterminatedString => "string without an end",
            Self::NotUtf8 => "not UTF-8",
            Self::ExtraData => "something behind the document",
            Self::NonFinite => "not-a-number or infinity",
            Self::ByteOrderMark => "byte order mark",
        })
    }
}

impl std::error::Error for SyntaxError {}

/// Why a token could not be read: turned into an [`Error`] where it is known what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) what: SyntaxError,
    /// The index that the error points at.
    pub(crate) at: usize,
    /// Whether more data behind the end could have made the token valid.
    pub(crate) end: bool,
}

impl Failure {
    #[cold]
    pub(crate) fn new(what: SyntaxError, at: usize) -> Self {
        Self { what, at, end: false }
    }

    #[cold]
    pub(crate) fn at_end(what: SyntaxError, at: usize) -> Self {
        Self { what, at, end: true }
    }
}
