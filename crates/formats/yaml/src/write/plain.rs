//! Whether text can stand without quotes, in block and in brackets, for every reader.

use crate::chars::is_special;
use crate::schema::{Scalar, Schema};

/// The least that text needs around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Quotes {
    None,
    /// Single ones: nothing in it needs an escape.
    Single,
    /// Lines of ordinary characters: `|` does where there is room, double quotes elsewhere.
    Lines,
    /// Double ones: something in it needs an escape.
    Double,
}

/// What a byte means for the quotes of the text that it is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Ordinary,
    /// `,[]{}?`: matters in brackets only.
    Bracket,
    /// `:`, `#`: matters beside a blank.
    Mark,
    /// Quotes are needed, but no escape: a tab.
    Quote,
    Break,
    Escape,
    /// The first byte of a character beyond ASCII, or one of its others.
    Wide,
    /// The first byte of characters beyond ASCII, some of which need an escape.
    Doubtful,
}

static CLASSES: [Class; 256] = {
    let mut table = [Class::Ordinary; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = match byte {
            b'\n' => Class::Break,
            0..0x20 | 0x7f => Class::Escape,
            b',' | b'[' | b']' | b'{' | b'}' | b'?' => Class::Bracket,
            b':' | b'#' => Class::Mark,
            0xc2 | 0xd8 | 0xe2 | 0xef => Class::Doubtful,
            0x80.. => Class::Wide,
            _ => Class::Ordinary,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table[b'\t' as usize] = Class::Quote;
    table
};

/// What `text` needs around it; `unicode` says whether characters beyond ASCII may stand as they
/// are.
pub(super) fn quotes(text: &str, flow: bool, unicode: bool) -> Quotes {
    let bytes = text.as_bytes();
    let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) else { return Quotes::Single };
    let mut found = Quotes::None;
    let mut at = 0;
    while at < bytes.len() {
        let end = bytes.len().min(at + CHUNK);
        if flow || !is_smooth(&bytes[at..end]) {
            found = found.max(quotes_of(text, at..end, flow, unicode));
            if found == Quotes::Double {
                return found;
            }
        }
        at = end;
    }
    if found == Quotes::None && (begins_badly(bytes) || last == b' ' || is_no_text(text, first)) {
        return Quotes::Single;
    }
    found
}

/// Bytes that are looked at together.
const CHUNK: usize = 32;

/// Whether all of the bytes are ordinary in block style: no class but that and brackets.
#[inline]
fn is_smooth(bytes: &[u8]) -> bool {
    let rough = |&byte: &u8| !matches!(byte, b' '..=b'"' | b'$'..=b'9' | b';'..=b'~');
    match bytes.first_chunk::<CHUNK>() {
        // Without a way out of the loop, it is done on many bytes at once.
        Some(chunk) => !chunk.iter().fold(false, |any, byte| any | rough(byte)),
        None => !bytes.iter().any(rough),
    }
}

/// What the bytes of `range` need.
#[inline]
fn quotes_of(text: &str, range: std::ops::Range<usize>, flow: bool, unicode: bool) -> Quotes {
    let bytes = text.as_bytes();
    let mut found = Quotes::None;
    for at in range {
        let needed = match CLASSES[usize::from(bytes[at])] {
            Class::Quote => Quotes::Single,
            Class::Bracket if flow => Quotes::Single,
            Class::Mark if flow || is_marked(bytes, at) => Quotes::Single,
            Class::Break => Quotes::Lines,
            Class::Escape => return Quotes::Double,
            Class::Wide | Class::Doubtful if !unicode => return Quotes::Double,
            Class::Doubtful if needs_escape(&text[at..]) => return Quotes::Double,
            _ => continue,
        };
        found = found.max(needed);
    }
    found
}

/// A `:` before a blank or the end, a `#` behind a blank.
fn is_marked(bytes: &[u8], at: usize) -> bool {
    if bytes[at] == b':' {
        bytes.get(at + 1).is_none_or(|&next| matches!(next, b' ' | b'\t' | b'\n'))
    } else {
        at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n')
    }
}

/// Whether the character that `text` begins with is not printable in YAML 1.1 or 1.2, breaks lines
/// in 1.1, or changes the direction of text.
fn needs_escape(text: &str) -> bool {
    text.chars().next().is_some_and(|character| character == '\u{a0}' || is_special(character))
}

fn begins_badly(bytes: &[u8]) -> bool {
    match bytes[0] {
        b' ' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>'
        | b'\'' | b'"' | b'%' | b'@' | b'`' => true,
        b'-' | b'?' | b':' => {
            bytes.len() == 1 || matches!(bytes[1], b' ' | b'-') || bytes[0] != b'-'
        }
        b'.' => bytes.starts_with(b"..."),
        _ => false,
    }
}

/// Whether some schema takes it for something else than text.
fn is_no_text(text: &str, first: u8) -> bool {
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => {
            is_number_like(text)
                || [Schema::Core, Schema::Legacy]
                    .iter()
                    .any(|s| !matches!(s.resolve(text), Scalar::Text))
        }
        b'~' | b'=' => text.len() == 1,
        b'<' => text == "<<",
        b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O' => {
            text.len() <= 5 && is_word(text)
        }
        _ => false,
    }
}

/// Digits with `_` among them, what may stand beside digits, and `0o` and `0x` behind a sign:
/// readers differ on which of these are numbers, and some fail on those that have no digit at all,
/// such as `0x_`.
fn is_number_like(text: &str) -> bool {
    let signed = text.starts_with(['+', '-']);
    if !signed && !text.contains('_') {
        return false;
    }
    let unsigned = text.trim_start_matches(['+', '-']);
    let based = unsigned
        .strip_prefix('0')
        .and_then(|rest| rest.strip_prefix(['x', 'X', 'o', 'O', 'b', 'B']));
    let of_base = |byte: u8| byte == b'_' || byte.is_ascii_hexdigit();
    let of_number = |byte: u8| byte.is_ascii_digit() || b"_+-.:eE".contains(&byte);
    based.is_some_and(|digits| digits.bytes().all(of_base))
        || text.contains('_') && unsigned.bytes().all(of_number)
}

/// The words of YAML 1.1, `y` and `n` among them, which PyYAML leaves out.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}
