//! Values as Python's `repr` writes them.

use std::borrow::Cow;
use std::fmt::Write;

use cannery_core::Text;

/// Whether a character that is not ASCII is printed as it is.
///
/// Python's answer depends on its version's Unicode; this is a good guess without Python.
#[must_use]
pub fn is_printable(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && c.escape_debug().count() == 1
}

/// A text of a file as it may be printed: what would steer a terminal, or change the order or the
/// lines of what is shown, is escaped as Python's `repr` does.
///
/// ```
/// use cannery_pickle::repr::printable;
///
/// assert_eq!(printable("os.system"), "os.system");
/// assert_eq!(printable("a\x1b[2J\u{202e}b\n"), "a\\x1b[2J\\u202eb\\n");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_fine = |c: char| c == ' ' || c.is_ascii_graphic() || (!c.is_ascii() && is_shown(c));
    if text.chars().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        // A backslash stays one: it is no delimiter here.
        if is_fine(c) { shown.push(c) } else { character(c, '\0', &|_| false, &mut shown) }
    }
    Cow::Owned(shown)
}

/// Whether a character is shown, and shown where it stands.
fn is_shown(c: char) -> bool {
    is_printable(c)
        && !matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Writes a text in quotes.
pub fn text(text: Text<'_>, printable: &dyn Fn(char) -> bool, out: &mut String) {
    let utf8 = text.to_utf8();
    let quote = quote_for(&utf8);
    out.push(quote);
    let mut rest = &*utf8;
    while !rest.is_empty() {
        let valid = match std::str::from_utf8(rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let (text, tail) = rest.split_at(valid);
        let text = String::from_utf8_lossy(text);
        text.chars().for_each(|c| character(c, quote, printable, out));
        rest = surrogate(tail, out);
    }
    out.push(quote);
}

/// Writes bytes as Python does, `b` and quotes included.
pub fn bytes(data: &[u8], out: &mut String) {
    let quote = quote_for(data);
    out.push('b');
    out.push(quote);
    for &byte in data {
        match byte {
            0x20..=0x7e => character(char::from(byte), quote, &|_| true, out),
            b'\t' | b'\n' | b'\r' => character(char::from(byte), quote, &|_| true, out),
            _ => hex(2, u32::from(byte), 'x', out),
        }
    }
    out.push(quote);
}

/// Double quotes only if that saves escapes.
fn quote_for(data: &[u8]) -> char {
    if data.contains(&b'\'') && !data.contains(&b'"') { '"' } else { '\'' }
}

fn character(c: char, quote: char, printable: &dyn Fn(char) -> bool, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\t' => out.push_str("\\t"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        _ if c == quote => {
            out.push('\\');
            out.push(c);
        }
        ' '..='~' => out.push(c),
        _ if !c.is_ascii() && printable(c) => out.push(c),
        _ => match u32::from(c) {
            code @ ..=0xff => hex(2, code, 'x', out),
            code @ ..=0xffff => hex(4, code, 'u', out),
            code => hex(8, code, 'U', out),
        },
    }
}

fn hex(digits: usize, code: u32, letter: char, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\{letter}{code:0digits$x}");
}

/// Writes the surrogate that stands here as three bytes; the rest is returned.
fn surrogate<'a>(bytes: &'a [u8], out: &mut String) -> &'a [u8] {
    if let [0xed, second, third, rest @ ..] = bytes {
        let code = 0xd000 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f);
        hex(4, code, 'u', out);
        return rest;
    }
    // Nothing else can be there.
    &[]
}

/// Writes a float.
pub fn float(value: f64, out: &mut String) {
    if !value.is_finite() {
        out.push_str(if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        });
        return;
    }
    let shortest = format!("{value:e}");
    let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let _ = write!(out, "{value:?}");
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "{digits}e{sign}{:02}", exponent.abs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_python_writes_them() {
        for (value, expected) in [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456_789.123, "123456789.123"),
            (f64::INFINITY, "inf"),
        ] {
            let mut out = String::new();
            float(value, &mut out);
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn texts_and_bytes_as_python_writes_them() {
        let quoted = |value: &str| {
            let mut out = String::new();
            text(value.into(), &is_printable, &mut out);
            out
        };
        assert_eq!(quoted("it's"), "\"it's\"");
        assert_eq!(quoted("it's \"so\""), "'it\\'s \"so\"'");
        assert_eq!(quoted("a\tb\x07é\u{200b}\u{1f600}"), "'a\\tb\\x07é\\u200b\u{1f600}'");
        let mut out = String::new();
        bytes(b"a'\x00\xff", &mut out);
        assert_eq!(out, "b\"a'\\x00\\xff\"");
    }
}
