//! Numbers and bytes as protoc and the text format write them.

use std::fmt::Write;

/// `printf`'s `%.{precision}g`.
pub(crate) fn general(value: f64, precision: usize) -> String {
    let scientific = format!("{value:.*e}", precision - 1);
    let (mantissa, exponent) = scientific.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let precision = i32::try_from(precision).unwrap_or(17);
    if exponent < -4 || exponent >= precision {
        let mantissa = trim_zeros(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let decimals = usize::try_from(precision - 1 - exponent).unwrap_or(0);
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        f64::INFINITY => Some("inf"),
        f64::NEG_INFINITY => Some("-inf"),
        _ => value.is_nan().then_some("nan"),
    }
}

/// A double with as few of 15 or 17 digits as give it back.
pub(crate) fn double_text(value: f64) -> String {
    if let Some(text) = special(value) {
        return text.to_owned();
    }
    let short = general(value, 15);
    if short.parse() == Ok(value) { short } else { general(value, 17) }
}

/// A float with as few of 6 to 9 digits as give it back.
pub(crate) fn float_text(value: f64) -> String {
    let value = value as f32;
    if let Some(text) = special(value.into()) {
        return text.to_owned();
    }
    let texts = [6, 9].map(|precision| general(value.into(), precision));
    let [short, long] = texts;
    if short.parse() == Ok(value) { short } else { long }
}

/// Bytes with escapes for all that is not printable ASCII, as C writes them.
pub(crate) fn c_escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        escape_byte(byte, &mut out);
    }
    out
}

pub(crate) fn escape_byte(byte: u8, out: &mut String) {
    match byte {
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        b'"' => out.push_str("\\\""),
        b'\'' => out.push_str("\\'"),
        b'\\' => out.push_str("\\\\"),
        0x20..0x7f => out.push(char::from(byte)),
        _ => drop(write!(out, "\\{byte:03o}")),
    }
}

/// The bytes that a C-escaped text stands for.
pub(crate) fn c_unescape(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 1);
    quoted.push(b'"');
    quoted.extend_from_slice(text);
    crate::compile::unquote(&quoted)
}
