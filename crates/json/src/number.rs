//! Numbers: one pass over the digits, eight at a time.

use cannery_core::BigInt;

use crate::float;
use crate::syntax::{Failure, SyntaxError};

/// A number, in the event that will carry it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number<'a> {
    Int(i64),
    Big(BigInt<'a>),
    Float(f64),
}

/// The most decimal digits of which all fit a `u64`.
const MAX_DIGITS: usize = 19;

/// Bytes behind a number that may have to be looked at to know that it is over: `e`, `+`, a digit.
const LOOKAHEAD: usize = 3;

const TENS: [u64; 9] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Reads the number at `start`, where there is a digit or a minus sign; returns where it ends.
///
/// As much is taken for the number as makes one: of `1.x` it is the `1`.
#[inline(always)]
pub(crate) fn read(data: &[u8], start: usize, last: bool) -> Result<(Number<'_>, usize), Failure> {
    let negative = data[start] == b'-';
    let first = start + usize::from(negative);
    let (mut value, mut end) = digits(data, first, 0);
    if end == first {
        return Err(no_digit(data, start, first));
    }
    if end > first + 1 && data[first] == b'0' {
        (value, end) = (0, first + 1);
    }
    let next = data.get(end).copied().unwrap_or_default();
    let (number, end) = if matches!(next, b'.' | b'e' | b'E') {
        real(data, start, first, value, end)
    } else {
        (integer(data, start, value, end), end)
    };
    if !last && end + LOOKAHEAD > data.len() && may_go_on(&data[end..]) {
        return Err(Failure::at_end(SyntaxError::ExpectedValue, start));
    }
    Ok((number, end))
}

/// Whether the number before `rest` could be longer if there were more.
#[cold]
fn may_go_on(rest: &[u8]) -> bool {
    matches!(rest, [] | [b'.' | b'e' | b'E', ..])
}

#[cold]
fn no_digit(data: &[u8], start: usize, first: usize) -> Failure {
    Failure { what: SyntaxError::ExpectedValue, at: start, end: first == data.len() }
}

/// Adds the digits from `pos` on to `value`, wrapping around; returns it and where they end.
#[inline(always)]
fn digits(data: &[u8], mut pos: usize, mut value: u64) -> (u64, usize) {
    while let Some(&chunk) = data.get(pos..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(chunk) ^ 0x3030_3030_3030_3030;
        // The high bit of each byte above 9; carries only disturb bytes behind the first of them.
        let stops = (word.wrapping_add(0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080;
        if stops != 0 {
            let count = stops.trailing_zeros() / 8;
            // Two shifts, for a shift by all 64 bits is not one.
            let aligned = (word << 1) << (63 - 8 * count);
            let scaled = value.wrapping_mul(TENS[count as usize]);
            return (scaled.wrapping_add(eight_digits(aligned)), pos + count as usize);
        }
        value = value.wrapping_mul(TENS[8]).wrapping_add(eight_digits(word));
        pos += 8;
    }
    while let Some(digit) = data.get(pos).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        pos += 1;
    }
    (value, pos)
}

/// The number whose digits are the bytes of `word`, the first one lowest.
#[inline(always)]
fn eight_digits(word: u64) -> u64 {
    const PAIRS: u64 = 0x0000_00ff_0000_00ff;
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let upper = (pairs & PAIRS).wrapping_mul(100 + (1_000_000 << 32));
    let lower = (pairs >> 16 & PAIRS).wrapping_mul(1 + (10_000 << 32));
    upper.wrapping_add(lower) >> 32
}

#[inline(always)]
fn integer(data: &[u8], start: usize, value: u64, end: usize) -> Number<'_> {
    // 18 digits and a sign.
    if end - start < MAX_DIGITS {
        let value = value.cast_signed();
        return Number::Int(if data[start] == b'-' { -value } else { value });
    }
    large_integer(text(data, start, end))
}

#[cold]
fn large_integer(text: &str) -> Number<'_> {
    if let Ok(value) = text.parse() {
        return Number::Int(value);
    }
    Number::Big(text.parse().map_or(BigInt::Decimal(text), BigInt::U64))
}

/// The rest of a number behind its integer part, which ends at `point`: a fraction, an exponent.
#[inline(always)]
fn real(data: &[u8], start: usize, first: usize, value: u64, point: usize) -> (Number<'_>, usize) {
    let (mut value, mut end, mut scale) = (value, point, 0);
    let mut count = point - first;
    if data[point] == b'.' {
        let (with_fraction, fraction_end) = digits(data, point + 1, value);
        if fraction_end == point + 1 {
            return (integer(data, start, value, point), point);
        }
        (value, end) = (with_fraction, fraction_end);
        scale = end - point - 1;
        count += scale - usize::from(data[first] == b'0');
    }
    let mut exponent = -i32::try_from(scale).unwrap_or(i32::MAX);
    if matches!(data.get(end), Some(b'e' | b'E')) {
        match exponent_at(data, end + 1) {
            Some((shift, exponent_end)) => {
                exponent = exponent.saturating_add(shift);
                end = exponent_end;
            }
            None if end == point => return (integer(data, start, value, point), point),
            None => {}
        }
    }
    let nearest = if count <= MAX_DIGITS { float::nearest(value, exponent) } else { None };
    let value = match nearest {
        Some(value) if data[start] == b'-' => -value,
        Some(value) => value,
        None => undecided(text(data, start, end)),
    };
    (Number::Float(value), end)
}

#[cold]
fn undecided(text: &str) -> f64 {
    text.parse().expect("a number by JSON's grammar is one by Rust's")
}

/// The exponent behind an `e`, and where it ends; `None` if it has no digits.
#[inline(always)]
fn exponent_at(data: &[u8], pos: usize) -> Option<(i32, usize)> {
    let sign = data.get(pos).copied().filter(|b| matches!(b, b'+' | b'-'));
    let first = pos + usize::from(sign.is_some());
    let (mut value, mut end) = (0_i32, first);
    while let Some(digit) = data.get(end).map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10) {
        // Kept far from overflow: beyond 10^5 powers of ten all numbers are zero or infinite, and
        // their digits would have to be as many to make up for it.
        value = value.saturating_mul(10).saturating_add(i32::from(digit)).min(1 << 29);
        end += 1;
    }
    (end > first).then_some((if sign == Some(b'-') { -value } else { value }, end))
}

/// The text of a number, which is ASCII.
pub(crate) fn text(data: &[u8], start: usize, end: usize) -> &str {
    std::str::from_utf8(&data[start..end]).expect("a number is ASCII")
}
