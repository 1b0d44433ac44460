//! Strings: found to be ASCII, UTF-8 or neither, in one look at most of them.
#![expect(unsafe_code, reason = "ASCII is UTF-8: short strings are not looked at twice")]

use cannery_core::{Text, is_ascii};

/// The text in `bytes`, if they are UTF-8.
#[inline(always)]
pub(crate) fn from_utf8(bytes: &[u8]) -> Option<Text<'_>> {
    if is_ascii(bytes) {
        // SAFETY: every ASCII character is one byte of UTF-8.
        return Some(Text::Ascii(unsafe { std::str::from_utf8_unchecked(bytes) }));
    }
    wide(bytes)
}

fn wide(bytes: &[u8]) -> Option<Text<'_>> {
    simdutf8::basic::from_utf8(bytes).ok().map(Text::Utf8)
}

/// UTF-8 but for surrogates: with each surrogate's three bytes taken out, the rest is UTF-8.
pub(crate) fn is_utf8_with_surrogates(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        match bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ref rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
}
