//! The tags of YAML's type repository, and all others.

use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Result, Sink, Text};

const STANDARD: &str = "tag:yaml.org,2002:";

/// The name of a tag of the repository that is read as what it says; `!` for the non-specific tag.
///
/// Tags that name code (`!!python/object` and its like) are in the repository's name space but not
/// among them: they are data like any other.
pub(crate) fn standard(tag: &str) -> Option<&str> {
    match tag.strip_prefix(STANDARD).unwrap_or(tag) {
        "!" => Some("!"),
        name @ ("str" | "null" | "bool" | "int" | "float" | "binary" | "timestamp" | "seq"
        | "map" | "set")
            if name.len() < tag.len() =>
        {
            Some(name)
        }
        _ => None,
    }
}

/// Begins the object that stands for a node with a tag: the node is its only part.
pub(crate) fn begin<S: Sink + ?Sized>(tag: &str, sink: &mut S) -> Result<()> {
    sink.begin_object(Text::Utf8(tag), Some(1))?;
    sink.key(Text::Ascii("value"))
}

/// A tag as it is written: with `!!` for the repository's, `!` for local ones, `!<...>` for those
/// that no handle stands for.
///
/// `handles` are the document's own, with their prefixes.
pub(crate) fn written(tag: &str, handles: &[(String, String)]) -> String {
    let short = |(handle, prefix): &(String, String)| {
        let suffix = tag.strip_prefix(&**prefix).filter(|suffix| !suffix.is_empty())?;
        Some(format!("{handle}{}", escaped(suffix)))
    };
    if let Some(short) = handles.iter().find_map(short) {
        return short;
    }
    let is_own = |name: &str| handles.iter().all(|(handle, _)| handle != name);
    if let Some(name) = tag.strip_prefix(STANDARD).filter(|n| !n.is_empty() && is_own("!!")) {
        return format!("!!{}", escaped(name));
    }
    if let Some(name) = tag.strip_prefix('!').filter(|_| is_own("!")) {
        return format!("!{}", escaped(name));
    }
    format!("!<{tag}>")
}

/// The suffix of a tag with everything in escapes that would end it or is no character of a URI.
fn escaped(suffix: &str) -> String {
    let mut out = String::with_capacity(suffix.len());
    for byte in suffix.bytes() {
        if byte.is_ascii_alphanumeric() || b"-#;/?:@&=+$.~*'()_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Appends `bytes` in base64.
pub(crate) fn encode_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if bytes.is_empty() {
        out.extend_from_slice(b"\"\"");
    }
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0_usize, |word, &byte| word << 8 | usize::from(byte));
        let word = word << (8 * (3 - chunk.len()));
        let digits = (0..4).map(|at| DIGITS[word >> (18 - 6 * at) & 63]);
        out.extend(digits.take(chunk.len() + 1));
        out.extend(std::iter::repeat_n(b'=', 3 - chunk.len()));
    }
}

/// Decodes the content of a `!!binary`: base64 with white space anywhere.
pub(crate) fn decode_base64(content: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    cannery_core::reserve(&mut bytes, content.len() / 4 * 3 + 3)?;
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in content.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        bits = bits << 6 | digit(byte)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "the upper bits were taken")]
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}

fn digit(byte: u8) -> Result<u32> {
    Ok(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => {
            let message = format!("`{}` is no digit of base64", char::from(byte).escape_debug());
            return Err(Error::new(ErrorKind::Syntax, message));
        }
    }))
}
