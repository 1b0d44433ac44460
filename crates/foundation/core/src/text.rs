//! Text as its source holds it, so that no sink pays for an encoding it does not need.

use std::borrow::Cow;
use std::fmt;

/// Borrowed text in one of the encodings that sources have at hand.
///
/// Formats send `Ascii` or `Utf8`; Python's strings lie in memory as ASCII, Latin-1, UCS-2 or UCS-4
/// and are sent as they are. Use [`to_utf8`](Text::to_utf8) where the encoding does not matter.
#[derive(Clone, Copy)]
pub enum Text<'a> {
    /// Only characters below U+0080.
    Ascii(&'a str),
    /// Any characters. May be ASCII all the same, where the source did not look.
    Utf8(&'a str),
    /// UTF-8 in which surrogate code points (U+D800 to U+DFFF) also occur, each as the three bytes
    /// of the general scheme (Python's `surrogatepass`). Adjacent ones are never joined.
    Surrogates(&'a [u8]),
    /// One byte a character, U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// One unit a character, surrogate code points standing for themselves.
    Ucs2(&'a [u16]),
    /// One unit a character, surrogate code points standing for themselves.
    Ucs4(&'a [u32]),
}

/// As `[u8]::is_ascii`, but without a call: most strings are short.
#[inline(always)]
#[must_use]
pub fn is_ascii(bytes: &[u8]) -> bool {
    const BEYOND: u64 = 0x8080_8080_8080_8080;
    let any = match (bytes.last_chunk(), bytes.first_chunk(), bytes.last_chunk()) {
        (Some(last), ..) => {
            let (words, _) = bytes.as_chunks::<8>();
            let words = words.iter().map(|word| u64::from_le_bytes(*word));
            words.fold(u64::from_le_bytes(*last), |any, word| any | word)
        }
        (None, Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first) | u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(0, |any, &byte| any | u64::from(byte)),
    };
    any & BEYOND == 0
}

impl<'a> Text<'a> {
    /// The text as UTF-8, or as UTF-8 with surrogates in the sense of [`Text::Surrogates`].
    #[must_use]
    pub fn to_utf8(self) -> Cow<'a, [u8]> {
        match self {
            Text::Ascii(text) | Text::Utf8(text) => Cow::Borrowed(text.as_bytes()),
            Text::Surrogates(bytes) => Cow::Borrowed(bytes),
            Text::Latin1(units) => Cow::Owned(encode(units.iter().map(|&u| u32::from(u)))),
            Text::Ucs2(units) => Cow::Owned(encode(units.iter().map(|&u| u32::from(u)))),
            Text::Ucs4(units) => Cow::Owned(encode(units.iter().copied())),
        }
    }

    /// The text as a `str`, unless it has a surrogate code point in it.
    #[must_use]
    pub fn to_str(self) -> Option<Cow<'a, str>> {
        match self {
            Text::Ascii(text) | Text::Utf8(text) => Some(Cow::Borrowed(text)),
            other => match other.to_utf8() {
                Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
                Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
            },
        }
    }

    /// The text as a `str`, with U+FFFD for each byte sequence that is not UTF-8.
    #[must_use]
    pub fn to_str_lossy(self) -> Cow<'a, str> {
        match self.to_utf8() {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(
                String::from_utf8(bytes)
                    .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
            ),
        }
    }
}

/// For escapes, which are made of ASCII characters at the front.
impl Text<'_> {
    /// Whether its first character is this one, below U+0080.
    pub(crate) fn starts_with(self, ascii: u8) -> bool {
        match self {
            Text::Ascii(text) | Text::Utf8(text) => text.as_bytes().first() == Some(&ascii),
            Text::Surrogates(bytes) | Text::Latin1(bytes) => bytes.first() == Some(&ascii),
            Text::Ucs2(units) => units.first() == Some(&ascii.into()),
            Text::Ucs4(units) => units.first() == Some(&ascii.into()),
        }
    }

    /// Whether a high surrogate stands before a low one: two characters, which UTF-16 and JSON's
    /// escapes join to one.
    pub(crate) fn has_surrogate_pair(self) -> bool {
        match self {
            Text::Ascii(_) | Text::Utf8(_) | Text::Latin1(_) => false,
            Text::Surrogates(bytes) => bytes
                .windows(6)
                .any(|six| matches!(six, [0xed, 0xa0..=0xaf, _, 0xed, 0xb0..=0xbf, _])),
            Text::Ucs2(units) => has_pair(units.iter().map(|&unit| u32::from(unit))),
            Text::Ucs4(units) => has_pair(units.iter().copied()),
        }
    }

    /// The text behind its first character, which is below U+0080.
    pub(crate) fn without_first(self) -> Self {
        match self {
            Text::Ascii(text) => Text::Ascii(&text[1..]),
            Text::Utf8(text) => Text::Utf8(&text[1..]),
            Text::Surrogates(bytes) => Text::Surrogates(&bytes[1..]),
            Text::Latin1(units) => Text::Latin1(&units[1..]),
            Text::Ucs2(units) => Text::Ucs2(&units[1..]),
            Text::Ucs4(units) => Text::Ucs4(&units[1..]),
        }
    }

    /// The text with one more character in front.
    pub(crate) fn with_first(self, ascii: char) -> TextBuf {
        let mut bytes = String::from(ascii).into_bytes();
        bytes.extend_from_slice(&self.to_utf8());
        Text::Surrogates(&bytes).into()
    }
}

fn has_pair(mut units: impl Iterator<Item = u32> + Clone) -> bool {
    // Most texts have no surrogate at all, which is faster to see.
    if !units.clone().any(|unit| unit & !0x7ff == 0xd800) {
        return false;
    }
    let mut before = 0;
    units.any(|unit| {
        let is_pair = before & !0x3ff == 0xd800 && unit & !0x3ff == 0xdc00;
        before = unit;
        is_pair
    })
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Text::Utf8(text)
    }
}

impl PartialEq for Text<'_> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        use Text::{Ascii, Utf8};
        match (self, other) {
            (Ascii(text) | Utf8(text), Ascii(other) | Utf8(other)) => text == other,
            _ => self.to_utf8() == other.to_utf8(),
        }
    }
}

impl Eq for Text<'_> {}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        *self.to_utf8() == *other.as_bytes()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.to_str_lossy(), f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.to_str_lossy(), f)
    }
}

/// Owned text: UTF-8, or UTF-8 with surrogates where Python or JSON had some.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TextBuf(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Utf8(Box<str>),
    // Holds at least one surrogate, so that equal texts have equal representations.
    Surrogates(Box<[u8]>),
}

impl TextBuf {
    /// The text as a `str`, unless it has a surrogate code point in it.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Repr::Utf8(text) => Some(text),
            Repr::Surrogates(_) => None,
        }
    }

    /// Text of the bytes that [`Text::to_utf8`] gives; `None` if they are none.
    #[must_use]
    pub fn from_utf8_with_surrogates(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        while let Err(error) = std::str::from_utf8(rest) {
            rest = &rest[error.valid_up_to()..];
            let [0xed, 0xa0..=0xbf, 0x80..=0xbf, behind @ ..] = rest else { return None };
            rest = behind;
        }
        Some(Text::Surrogates(bytes).into())
    }

    /// Bytes of its UTF-8, a surrogate counting three.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Utf8(text) => text.len(),
            Repr::Surrogates(bytes) => bytes.len(),
        }
    }

    /// Whether there are no characters in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text, borrowed.
    #[must_use]
    pub fn as_text(&self) -> Text<'_> {
        match &self.0 {
            Repr::Utf8(text) => Text::Utf8(text),
            Repr::Surrogates(bytes) => Text::Surrogates(bytes),
        }
    }
}

impl From<Text<'_>> for TextBuf {
    fn from(text: Text<'_>) -> Self {
        match text {
            Text::Ascii(text) | Text::Utf8(text) => TextBuf(Repr::Utf8(text.into())),
            other => match String::from_utf8(other.to_utf8().into_owned()) {
                Ok(text) => TextBuf(Repr::Utf8(text.into())),
                Err(error) => TextBuf(Repr::Surrogates(error.into_bytes().into())),
            },
        }
    }
}

impl From<&str> for TextBuf {
    fn from(text: &str) -> Self {
        TextBuf(Repr::Utf8(text.into()))
    }
}

impl From<String> for TextBuf {
    fn from(text: String) -> Self {
        TextBuf(Repr::Utf8(text.into()))
    }
}

impl PartialEq<str> for TextBuf {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == Some(other)
    }
}

impl fmt::Debug for TextBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_text(), f)
    }
}

impl fmt::Display for TextBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_text(), f)
    }
}

fn encode(units: impl Iterator<Item = u32>) -> Vec<u8> {
    // Room for three bytes each: most texts that are not ASCII need no more.
    let mut bytes = Vec::with_capacity(units.size_hint().0 * 3);
    for unit in units {
        push_code_point(&mut bytes, unit);
    }
    bytes
}

/// Appends one code point, a surrogate included, in the general scheme of UTF-8.
///
/// Units above U+10FFFF do not occur in any source; they would be cut to 21 bits.
#[expect(clippy::cast_possible_truncation, reason = "each byte is masked to its bits")]
#[inline]
fn push_code_point(bytes: &mut Vec<u8>, unit: u32) {
    let tail = |shift: u32| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x80 => bytes.push(unit as u8),
        0x80..0x800 => bytes.extend([0xc0 | (unit >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => bytes.extend([0xe0 | (unit >> 12) as u8, tail(6), tail(0)]),
        _ => bytes.extend([0xf0 | (unit >> 18 & 0x07) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_hold_the_same_text() {
        let forms = [
            Text::Utf8("é"),
            Text::Surrogates("é".as_bytes()),
            Text::Latin1(&[0xe9]),
            Text::Ucs2(&[0xe9]),
            Text::Ucs4(&[0xe9]),
        ];
        for form in forms {
            assert_eq!(form, Text::Utf8("é"));
            assert_eq!(TextBuf::from(form), TextBuf::from("é"));
            assert_eq!(form.to_str().as_deref(), Some("é"));
        }
        assert_eq!(
            Text::Ucs4(&[0x41, 0x7ff, 0xffff, 0x1_f600]).to_str().unwrap(),
            "A\u{7ff}\u{ffff}😀"
        );
    }

    #[test]
    fn a_pair_of_surrogates_is_seen_in_every_encoding() {
        let pair = "a\u{65e5}".encode_utf16().chain([0xd83d, 0xde00]).collect::<Vec<_>>();
        let wide = pair.iter().map(|&unit| u32::from(unit)).collect::<Vec<_>>();
        let bytes = Text::Ucs2(&pair).to_utf8().into_owned();
        for form in [Text::Ucs2(&pair), Text::Ucs4(&wide), Text::Surrogates(&bytes)] {
            assert!(form.has_surrogate_pair());
            assert_eq!(TextBuf::from_utf8_with_surrogates(&bytes).unwrap().as_text(), form);
        }
        for form in [Text::Ucs2(&[0xde00, 0xd83d, 0x41, 0xde00]), Text::Ucs4(&[0x1_f600, 0xde00])] {
            assert!(!form.has_surrogate_pair());
        }
        for bad in [&b"\xff"[..], b"\xed\xa0", b"\xed\xa0A", b"\x80"] {
            assert_eq!(TextBuf::from_utf8_with_surrogates(bad), None);
        }
    }

    #[test]
    fn lone_surrogates_are_kept_and_shown_as_replaced() {
        for form in [
            Text::Ucs2(&[97, 0xd800]),
            Text::Ucs4(&[97, 0xd800]),
            Text::Surrogates(b"a\xed\xa0\x80"),
        ] {
            let text = TextBuf::from(form);
            assert_eq!((text.as_str(), text.len(), form.to_str()), (None, 4, None));
            assert_eq!(text.as_text(), form);
            assert_eq!(text.to_string(), "a\u{fffd}\u{fffd}\u{fffd}");
        }
    }

    #[test]
    fn characters_at_the_front() {
        let forms = [
            Text::Ascii("$a"),
            Text::Utf8("$a"),
            Text::Surrogates(b"$a"),
            Text::Latin1(b"$a"),
            Text::Ucs2(&[36, 97]),
            Text::Ucs4(&[36, 97]),
        ];
        for form in forms {
            assert!(form.starts_with(b'$') && !form.starts_with(b'a'));
            assert_eq!(form.without_first(), *"a");
            assert_eq!(form.with_first('$'), *"$$a");
        }
        assert!(!Text::Ascii("").starts_with(b'$'));
    }
}
