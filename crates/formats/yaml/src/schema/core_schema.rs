//! The schemas of YAML 1.2: core and JSON.

use super::scalar::{Scalar, integer};

#[inline]
pub(super) fn resolve(text: &str) -> Scalar<'_> {
    match text.as_bytes() {
        [] => Scalar::Null,
        // Everything but text begins with one of these.
        [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => number(text),
        [b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'~', ..] => word(text),
        _ => Scalar::Text,
    }
}

fn word(text: &str) -> Scalar<'_> {
    match text {
        "null" | "Null" | "NULL" | "~" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => Scalar::Text,
    }
}

fn number(text: &str) -> Scalar<'_> {
    let (negative, unsigned) = split_sign(text);
    if let Some(digits) = text.strip_prefix("0x").filter(|d| all(d, |b| b.is_ascii_hexdigit())) {
        return integer(false, digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o").filter(|d| all(d, |b| matches!(b, b'0'..=b'7'))) {
        return integer(false, digits, 8);
    }
    if all(unsigned, |byte| byte.is_ascii_digit()) {
        return integer(negative, unsigned, 10);
    }
    match unsigned {
        ".inf" | ".Inf" | ".INF" => infinity(negative),
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => Scalar::Float(f64::NAN),
        _ if is_float(unsigned, true) => float(text),
        _ => Scalar::Text,
    }
}

pub(super) fn resolve_json(text: &str) -> Scalar<'_> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let leading_zero = unsigned.len() > 1 && unsigned.as_bytes()[0] == b'0';
    let second_is_digit = unsigned.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    match text {
        "null" => Scalar::Null,
        "true" => Scalar::Bool(true),
        "false" => Scalar::Bool(false),
        _ if leading_zero && second_is_digit => Scalar::Text,
        _ if all(unsigned, |byte| byte.is_ascii_digit()) => integer(negative, unsigned, 10),
        _ if is_float(unsigned, false) => float(text),
        _ => Scalar::Text,
    }
}

pub(super) fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

pub(super) fn infinity(negative: bool) -> Scalar<'static> {
    Scalar::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
}

pub(super) fn all(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(allowed)
}

fn float(text: &str) -> Scalar<'_> {
    text.parse().map_or(Scalar::Text, Scalar::Float)
}

/// Digits, a point and digits, an exponent; a bare point before or behind the digits is allowed in
/// the core schema, behind them in JSON's.
fn is_float(unsigned: &str, leading_point: bool) -> bool {
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let valid_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => leading_point && !fraction.is_empty() && is_digits(fraction),
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => !mantissa.is_empty() && is_digits(mantissa),
    };
    valid_mantissa
        && exponent.is_none_or(|exponent| {
            let digits = split_sign(exponent).1;
            !digits.is_empty() && is_digits(digits)
        })
}
