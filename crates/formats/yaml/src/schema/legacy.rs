//! YAML 1.1 as PyYAML's resolver has it, so that its users' files mean what they meant.

use super::core_schema::{all, infinity, split_sign};
use super::scalar::{Scalar, integer};

pub(super) fn resolve(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        _ if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) => {
            number(text)
        }
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Scalar<'_> {
    let (negative, unsigned) = split_sign(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return infinity(negative);
    }
    integer_of(negative, unsigned)
        .or_else(|| float_of(negative, unsigned).filter(|_| !bare_point(text)))
        .or_else(|| date_of(text))
        .unwrap_or(Scalar::Text)
}

/// Whether a sign stands before a point: `-.5` is text to PyYAML.
fn bare_point(text: &str) -> bool {
    matches!(text.as_bytes(), [b'+' | b'-', b'.', ..])
}

fn integer_of(negative: bool, unsigned: &str) -> Option<Scalar<'_>> {
    let part = |prefix: &str, test: fn(u8) -> bool| {
        unsigned.strip_prefix(prefix).filter(|digits| all(digits, |b| b == b'_' || test(b)))
    };
    if let Some(digits) = part("0b", |b| matches!(b, b'0' | b'1')) {
        return digits_of(negative, digits, 2);
    }
    if let Some(digits) = part("0x", |b| b.is_ascii_hexdigit()) {
        return digits_of(negative, digits, 16);
    }
    if let Some(digits) = part("0", |b| matches!(b, b'0'..=b'7')) {
        return digits_of(negative, digits, 8);
    }
    if unsigned.contains(':') && !unsigned.contains('.') && !unsigned.starts_with('0') {
        return sexagesimal(unsigned).map(|n| signed_int(negative, n));
    }
    let decimal = unsigned == "0" || unsigned.starts_with(|c: char| matches!(c, '1'..='9'));
    if decimal && all(unsigned, |b| b == b'_' || b.is_ascii_digit()) {
        return digits_of(negative, unsigned, 10);
    }
    None
}

/// The number of digits with underscores among them; behind `0` there may be nothing else.
fn digits_of(negative: bool, digits: &str, radix: u32) -> Option<Scalar<'_>> {
    if !digits.contains('_') {
        return Some(integer(negative, digits, radix));
    }
    let bare = digits.replace('_', "");
    if bare.is_empty() {
        return (radix == 8).then_some(Scalar::Int(0));
    }
    match i64::from_str_radix(&bare, radix) {
        Ok(number) => Some(Scalar::Int(if negative { -number } else { number })),
        Err(_) => Some(Scalar::Digits { negative, digits, radix }),
    }
}

fn signed_int(negative: bool, number: i64) -> Scalar<'static> {
    Scalar::Int(if negative { -number } else { number })
}

/// `1:30` is 90: digits to the base of sixty.
fn sexagesimal(unsigned: &str) -> Option<i64> {
    let mut parts = unsigned.split(':');
    let first = parts.next().filter(|part| all(part, |b| b == b'_' || b.is_ascii_digit()))?;
    let mut number: i64 = first.replace('_', "").parse().ok()?;
    for part in parts {
        number = number.checked_mul(60)?.checked_add(sixtieth(part)?)?;
    }
    Some(number)
}

/// One or two digits, below sixty.
fn sixtieth(part: &str) -> Option<i64> {
    let valid = part.len() <= 2 && all(part, |byte| byte.is_ascii_digit());
    valid.then(|| part.parse().ok()).flatten().filter(|&number| number < 60)
}

fn float_of(negative: bool, unsigned: &str) -> Option<Scalar<'_>> {
    let sign = if negative { -1.0 } else { 1.0 };
    if let Some((whole, fraction)) =
        unsigned.split_once('.').filter(|(whole, _)| whole.contains(':'))
    {
        let valid = fraction.bytes().all(|b| b == b'_' || b.is_ascii_digit());
        let fraction: f64 = format!("0.{}0", fraction.replace('_', "")).parse().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "as PyYAML computes it")]
        return valid
            .then(|| sexagesimal(whole))
            .flatten()
            .map(|whole| Scalar::Float(sign * (whole as f64 + fraction)));
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], &unsigned[at + 1..]),
        None => (unsigned, "+0"),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    let is_digits = |text: &str| text.bytes().all(|b| b == b'_' || b.is_ascii_digit());
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let valid = is_digits(whole)
        && is_digits(fraction)
        && (begins(whole) || (whole.is_empty() && begins(fraction)));
    // PyYAML wants a sign in the exponent: `1.0e3` is text to it.
    let exponent_digits = exponent.strip_prefix(['+', '-'])?;
    if !valid || !all(exponent_digits, |byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: f64 = unsigned.replace('_', "").parse().ok()?;
    Some(Scalar::Float(sign * number))
}

/// `2001-12-14`, or with a time: `2001-12-14t21:59:43.10-05:00`.
fn date_of(text: &str) -> Option<Scalar<'_>> {
    let bytes = text.as_bytes();
    let digits = |from: usize, count: usize| {
        bytes.get(from..from + count).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let strict = bytes.len() == 10 && digits(0, 4) && digits(5, 2) && digits(8, 2);
    if strict && bytes[4] == b'-' && bytes[7] == b'-' {
        return Some(Scalar::Date);
    }
    crate::timestamp::parse(text).map(|_| Scalar::DateTime)
}
