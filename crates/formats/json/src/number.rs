//! Numbers: one pass over the digits, many at a time.

use cannery_core::BigInt;

use crate::float;
use crate::scan::Scan;
use crate::syntax::{Failure, SyntaxError};

/// An integer, in the event that will carry it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Integer<'a> {
    Small(i64),
    Big(BigInt<'a>),
}

/// The most decimal digits of which all fit a `u64`.
const MAX_DIGITS: usize = 19;

/// Bytes behind a number that may have to be looked at to know that it is over: `e`, `+`, a digit.
const LOOKAHEAD: usize = 3;

/// The integer part of a number, and where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole {
    start: usize,
    first: usize,
    /// The index behind its last digit.
    pub(crate) end: usize,
    /// Its digits, as far as they fit.
    value: u64,
}

impl Whole {
    /// Reads the integer part at `start`, where there is a digit or a minus sign.
    #[inline(always)]
    pub(crate) fn read<V: Scan>(scan: V, data: &[u8], start: usize) -> Result<Self, Failure> {
        let first = start + usize::from(data[start] == b'-');
        let (mut value, mut end) = scan.digits(data, first, 0);
        if end == first {
            return Err(no_digit(data, start, first));
        }
        if end > first + 1 && data[first] == b'0' {
            (value, end) = (0, first + 1);
        }
        Ok(Self { start, first, end, value })
    }

    /// Whether a fraction or an exponent seems to follow.
    #[inline(always)]
    pub(crate) fn goes_on(self, data: &[u8]) -> bool {
        matches!(data.get(self.end), Some(b'.' | b'e' | b'E'))
    }

    #[inline(always)]
    fn is_negative(self, data: &[u8]) -> bool {
        data[self.start] == b'-'
    }

    /// The number, if there is nothing more to it.
    #[inline(always)]
    pub(crate) fn integer(self, data: &[u8]) -> Integer<'_> {
        let value = self.value.cast_signed();
        if self.end - self.first <= MAX_DIGITS && value >= 0 {
            return Integer::Small(if self.is_negative(data) { -value } else { value });
        }
        large_integer(text(data, self.start, self.end))
    }

    /// The number with the fraction and exponent behind it, and where it ends; `None` if what is
    /// behind it is neither.
    #[inline(always)]
    pub(crate) fn real<V: Scan>(self, scan: V, data: &[u8]) -> Option<(f64, usize)> {
        let (mut value, mut end) = (self.value, self.end);
        let (mut scale, mut count) = (0, end - self.first);
        if data[end] == b'.' {
            let fraction = end + 1;
            (value, end) = scan.digits(data, fraction, value);
            if end == fraction {
                return None;
            }
            scale = end - fraction;
            count += scale - usize::from(data[self.first] == b'0');
        }
        let mut exponent = -i32::try_from(scale).unwrap_or(i32::MAX);
        if matches!(data.get(end), Some(b'e' | b'E')) {
            match exponent_at(data, end + 1) {
                Some((shift, exponent_end)) => {
                    exponent = exponent.saturating_add(shift);
                    end = exponent_end;
                }
                None if scale == 0 => return None,
                None => {}
            }
        }
        let nearest = if count <= MAX_DIGITS { float::nearest(value, exponent) } else { None };
        let magnitude = match nearest {
            Some(magnitude) => magnitude,
            None => undecided(text(data, self.first, end)),
        };
        Some((if self.is_negative(data) { -magnitude } else { magnitude }, end))
    }
}

/// Whether the number that ends at `end` could be longer if there were more data.
#[inline(always)]
pub(crate) fn may_go_on(data: &[u8], end: usize) -> bool {
    end + LOOKAHEAD > data.len() && matches!(data[end..], [] | [b'.' | b'e' | b'E', ..])
}

#[cold]
fn no_digit(data: &[u8], start: usize, first: usize) -> Failure {
    Failure { what: SyntaxError::ExpectedValue, at: start, end: first == data.len() }
}

#[cold]
fn large_integer(text: &str) -> Integer<'_> {
    if let Ok(value) = text.parse() {
        return Integer::Small(value);
    }
    Integer::Big(text.parse().map_or(BigInt::Decimal(text), BigInt::U64))
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
