//! Arguments that are text: integers, floats and strings of protocols 0 and 1.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind, Result, Text, TextBuf};
use num_bigint::BigInt;

/// Decimal digits that are converted; as many as `CPython` does, whose time grows faster than these.
const MAX_DIGITS: usize = 4300;

/// An integer of protocol 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Integer {
    /// `I00` and `I01`.
    Bool(bool),
    /// One that fits 64 bits.
    Small(i64),
    /// Any other.
    Big(BigInt),
}

/// The argument of `INT`.
///
/// # Errors
/// [`ErrorKind::Syntax`] if it is none, [`ErrorKind::Limit`] beyond 4,300 decimal digits.
pub fn short_integer(line: &[u8]) -> Result<Integer> {
    match line {
        b"00" => Ok(Integer::Bool(false)),
        b"01" => Ok(Integer::Bool(true)),
        // CPython's reader in C takes any 0 or 1 of two characters for a truth value.
        [b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c' | b'+' | b'-', b'0' | b'1'] if line != b"-1" => {
            Err(disputed(line))
        }
        _ => integer(line),
    }
}

#[cold]
fn disputed(line: &[u8]) -> Error {
    let line = String::from_utf8_lossy(line);
    Error::new(ErrorKind::Syntax, format!("readers disagree whether `{line}` is a truth value"))
}

/// The argument of `LONG`.
///
/// # Errors
/// As [`short_integer`].
pub fn long_integer(line: &[u8]) -> Result<Integer> {
    integer(line.strip_suffix(b"L").unwrap_or(line))
}

/// An integer as Python's `int(text, 0)` reads it.
fn integer(line: &[u8]) -> Result<Integer> {
    if let Some(value) = short_decimal(line) {
        return Ok(Integer::Small(value));
    }
    let malformed = || {
        let line = String::from_utf8_lossy(&line[..line.len().min(40)]);
        Error::new(ErrorKind::Syntax, format!("expected an integer, found `{line}`"))
    };
    let text = line.trim_ascii();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, prefixed(rest)),
        [b'0', b'o' | b'O', rest @ ..] => (8, prefixed(rest)),
        [b'0', b'b' | b'B', rest @ ..] => (2, prefixed(rest)),
        digits => (10, digits),
    };
    let digits = without_underscores(digits).ok_or_else(malformed)?;
    if radix == 10 && digits.len() > 1 && digits[0] == b'0' && digits.iter().any(|&b| b != b'0') {
        // C's `strtol` takes it as octal and Python refuses it.
        return Err(malformed().with_hint("readers disagree about integers that begin with 0"));
    }
    if radix == 10 && digits.len() > MAX_DIGITS {
        return Err(too_long(digits.len()));
    }
    let value = BigInt::parse_bytes(&digits, radix).ok_or_else(malformed)?;
    let value = if negative { -value } else { value };
    Ok(i64::try_from(&value).map_or(Integer::Big(value), Integer::Small))
}

/// Nearly every integer: a few digits that do not begin with 0.
fn short_decimal(line: &[u8]) -> Option<i64> {
    let digits = line.strip_prefix(b"-").unwrap_or(line);
    let is_short = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= 18;
    let add = |value: i64, &digit: &u8| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    };
    let value = is_short.then(|| digits.iter().try_fold(0, add))??;
    Some(if digits.len() < line.len() { -value } else { value })
}

/// Digits behind `0x` may have an underscore before them.
fn prefixed(digits: &[u8]) -> &[u8] {
    digits.strip_prefix(b"_").unwrap_or(digits)
}

/// Digits without the underscores between them; `None` if there are others.
fn without_underscores(digits: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !digits.first()?.is_ascii_alphanumeric() || !digits.last()?.is_ascii_alphanumeric() {
        return None;
    }
    if !digits.contains(&b'_') {
        return Some(Cow::Borrowed(digits));
    }
    let doubled = digits.windows(2).any(|pair| pair == b"__");
    (!doubled).then(|| digits.iter().copied().filter(|&b| b != b'_').collect())
}

/// An integer of little-endian two's complement.
#[must_use]
pub fn binary_integer(bytes: &[u8]) -> Integer {
    if bytes.len() > 8 {
        let value = BigInt::from_signed_bytes_le(bytes);
        return i64::try_from(&value).map_or(Integer::Big(value), Integer::Small);
    }
    let fill = if bytes.last().is_some_and(|&b| b >= 0x80) { 0xff } else { 0 };
    let mut word = [fill; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    Integer::Small(i64::from_le_bytes(word))
}

/// The argument of `FLOAT`.
///
/// # Errors
/// [`ErrorKind::Syntax`] if it is none.
pub fn float(line: &[u8]) -> Result<f64> {
    let parsed = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
    // One of `CPython`'s readers makes infinity of a number that is too large, the other refuses.
    let overflows = |value: &f64| value.is_infinite() && line.iter().any(u8::is_ascii_digit);
    parsed.filter(|value| !overflows(value)).ok_or_else(|| {
        let line = String::from_utf8_lossy(&line[..line.len().min(40)]);
        Error::new(ErrorKind::Syntax, format!("expected a float, found `{line}`"))
    })
}

/// The index of `GET` and `PUT`.
///
/// # Errors
/// [`ErrorKind::Syntax`] if it is none.
pub fn index(line: &[u8]) -> Result<u64> {
    match integer(line)? {
        Integer::Small(index) => u64::try_from(index).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::new(ErrorKind::Syntax, "expected the index of a memo"))
}

/// The bytes of `STRING`: quotes and escapes taken off, as Python 2 wrote them.
///
/// # Errors
/// [`ErrorKind::Syntax`] without quotes or with a bad escape.
pub fn quoted(line: &[u8]) -> Result<Cow<'_, [u8]>> {
    match line {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => unescape(inner),
        _ => Err(Error::new(ErrorKind::Syntax, "expected a string in quotes")),
    }
}

fn unescape(text: &[u8]) -> Result<Cow<'_, [u8]>> {
    if !text.contains(&b'\\') {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first == b'\\' {
            rest = escape(rest, &mut bytes)?;
        } else {
            bytes.push(*first);
        }
    }
    Ok(Cow::Owned(bytes))
}

/// What follows a backslash; the rest is returned.
fn escape<'a>(rest: &'a [u8], bytes: &mut Vec<u8>) -> Result<&'a [u8]> {
    let bad = || Error::new(ErrorKind::Syntax, "a string has a bad escape");
    let (&letter, rest) = rest.split_first().ok_or_else(bad)?;
    let plain = match letter {
        b'\n' => return Ok(rest),
        b'\\' | b'\'' | b'"' => letter,
        b'a' => 7,
        b'b' => 8,
        b't' => b'\t',
        b'n' => b'\n',
        b'v' => 11,
        b'f' => 12,
        b'r' => b'\r',
        b'x' => {
            let digits = rest.get(..2).ok_or_else(bad)?;
            bytes.push(u8::try_from(radix(digits, 16).ok_or_else(bad)?).map_err(|_| bad())?);
            return Ok(&rest[2..]);
        }
        b'0'..=b'7' => return Ok(octal(letter, rest, bytes)),
        _ => {
            bytes.extend([b'\\', letter]);
            return Ok(rest);
        }
    };
    bytes.push(plain);
    Ok(rest)
}

#[expect(clippy::cast_possible_truncation, reason = "Python cuts octal escapes to a byte")]
fn octal<'a>(first: u8, rest: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    let more = rest.iter().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
    let value =
        rest[..more].iter().fold(u32::from(first - b'0'), |n, &b| n * 8 + u32::from(b - b'0'));
    bytes.push(value as u8);
    &rest[more..]
}

fn radix(digits: &[u8], radix: u32) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_alphanumeric);
    let text = std::str::from_utf8(digits).ok().filter(|_| all)?;
    u32::from_str_radix(text, radix).ok()
}

/// The text of `UNICODE`.
///
/// # Errors
/// [`ErrorKind::Encoding`] for a bad escape.
pub fn escaped(line: &[u8]) -> Result<TextBuf> {
    let bad = || Error::new(ErrorKind::Encoding, "a text has a bad `\\u` escape");
    let mut units = Vec::with_capacity(line.len());
    let mut rest = line;
    while let [first, tail @ ..] = rest {
        let digits = match (first, tail.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            (b'\\', Some(&other)) => {
                units.extend([u32::from(b'\\'), u32::from(other)]);
                rest = &tail[1..];
                continue;
            }
            _ => {
                units.push(u32::from(*first));
                rest = tail;
                continue;
            }
        };
        let value = tail.get(1..=digits).and_then(|digits| radix(digits, 16)).ok_or_else(bad)?;
        units.push(Some(value).filter(|&v| v <= 0x10_ffff).ok_or_else(bad)?);
        rest = &tail[1 + digits..];
    }
    Ok(Text::Ucs4(&units).into())
}

/// Text in UTF-8, surrogates allowed.
///
/// # Errors
/// [`ErrorKind::Encoding`].
#[inline]
pub fn utf8(bytes: &[u8]) -> Result<Text<'_>> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(Text::Utf8(text)),
        Err(_) if is_utf8_with_surrogates(bytes) => Ok(Text::Surrogates(bytes)),
        Err(_) => Err(Error::new(ErrorKind::Encoding, "text is not UTF-8")),
    }
}

/// Whether only surrogates keep it from being UTF-8.
fn is_utf8_with_surrogates(mut bytes: &[u8]) -> bool {
    while let Err(error) = std::str::from_utf8(bytes) {
        match bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ref rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
    true
}

#[cold]
fn too_long(digits: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("an integer of {digits} digits"))
        .with_hint("CPython refuses more than 4,300 decimal digits, too")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        let small = |n| Some(Integer::Small(n));
        let cases: &[(&[u8], Option<Integer>)] = &[
            (b"0", small(0)),
            (b"-5", small(-5)),
            (b" 5 ", small(5)),
            (b"1_0", small(10)),
            (b"0x10", small(16)),
            (b"0x_f", small(15)),
            (b"0b101", small(5)),
            (b"00", small(0)),
            (b"9223372036854775807", small(i64::MAX)),
            (b"9223372036854775808", Some(Integer::Big(BigInt::from(1_u64 << 63)))),
            (b"010", None),
            (b"", None),
            (b"-", None),
            (b"1__0", None),
            (b"_1", None),
            (b"5L", None),
            (b"--1", None),
            (b"0x", None),
            (b"0x+1", None),
        ];
        for (line, value) in cases {
            assert_eq!(integer(line).ok(), *value, "{}", line.escape_ascii());
        }
        assert_eq!(short_integer(b"01").unwrap(), Integer::Bool(true));
        assert_eq!(long_integer(b"5L").unwrap(), Integer::Small(5));
        assert_eq!(integer(&[b'1'; 4301]).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn binary_integers() {
        let cases: &[(&[u8], i64)] = &[
            (b"", 0),
            (b"\xff", -1),
            (b"\xff\x00", 255),
            (b"\x00\x80", -32768),
            (b"\x01\0\0\0\0\0\0\0\0\0", 1),
        ];
        for (bytes, value) in cases {
            assert_eq!(binary_integer(bytes), Integer::Small(*value));
        }
    }

    #[test]
    fn strings_and_texts() {
        assert_eq!(&*quoted(br"'a\n\x41\101\q\\'").unwrap(), b"a\nAA\\q\\");
        for bad in [&b"a"[..], b"'a\"", b"'", b"'\\x4'", b"'\\'"] {
            assert!(quoted(bad).is_err(), "{}", bad.escape_ascii());
        }
        assert_eq!(
            escaped(b"a\\u00e9\\\\u0041\xe9\\U0001f600").unwrap().as_str(),
            Some("aé\\\\u0041é😀")
        );
        assert!(escaped(b"\\u00").is_err() && escaped(b"\\U00110000").is_err());
        assert!(utf8(b"\xed\xa0\x80").is_ok() && utf8(b"\xff").is_err());
    }
}
