//! Strings: found to be ASCII, UTF-8 or neither, in one look at most of them.
#![expect(unsafe_code, reason = "ASCII is UTF-8: short strings are not looked at twice")]

use cannery_core::Text;

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

/// As `[u8]::is_ascii`, but without a call: most strings are short.
#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
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
