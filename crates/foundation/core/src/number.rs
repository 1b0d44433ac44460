//! Integers of any size, and numbers as text.

use std::borrow::Cow;

use num_bigint::BigUint;

/// A borrowed integer in the form its source has at hand.
#[derive(Clone, Copy, Debug)]
pub enum BigInt<'a> {
    /// An unsigned machine word.
    U64(u64),
    /// Decimal digits, with a `-` before them where negative; no leading zeros.
    Decimal(&'a str),
    /// Two's complement, least significant byte first.
    LittleEndian(&'a [u8]),
}

impl<'a> BigInt<'a> {
    /// The integer in decimal digits.
    #[must_use]
    pub fn to_decimal(self) -> Cow<'a, str> {
        match self {
            BigInt::Decimal(text) => Cow::Borrowed(text),
            BigInt::U64(value) => Cow::Owned(value.to_string()),
            BigInt::LittleEndian(_) => Cow::Owned(self.to_big_int().to_string()),
        }
    }

    /// The integer as an owned number.
    ///
    /// # Panics
    /// If [`BigInt::Decimal`] holds anything but an integer.
    #[must_use]
    pub fn to_big_int(self) -> num_bigint::BigInt {
        match self {
            BigInt::U64(value) => value.into(),
            BigInt::Decimal(text) => match text.strip_prefix('-') {
                Some(digits) => -num_bigint::BigInt::from(from_digits(digits)),
                None => from_digits(text).into(),
            },
            BigInt::LittleEndian(bytes) => num_bigint::BigInt::from_signed_bytes_le(bytes),
        }
    }
}

/// The number of some decimal digits, in less than quadratic time: halves are multiplied, not
/// single digits, so that a long number is no bomb.
fn from_digits(digits: &str) -> BigUint {
    const PIECE: u16 = 1000;
    let pieces = digits.as_bytes().rchunks(PIECE.into());
    let mut numbers: Vec<BigUint> =
        pieces.map(|piece| BigUint::parse_bytes(piece, 10).expect("decimal digits")).collect();
    let mut scale = BigUint::from(10_u8).pow(PIECE.into());
    while numbers.len() > 1 {
        let joined = numbers.chunks(2).map(|pair| match pair {
            [low, high] => high * &scale + low,
            rest => rest.iter().sum(),
        });
        numbers = joined.collect();
        scale = &scale * &scale;
    }
    numbers.pop().expect("at least one digit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Result, Sink, Value, ValueBuilder};

    fn sent(text: &str) -> Result<Value> {
        let mut builder = ValueBuilder::new(Limits::default());
        builder.number(text)?;
        builder.finish()
    }

    #[test]
    fn numbers_become_what_holds_them_exactly() {
        let cases = [
            ("0", Value::Int(0)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            ("9223372036854775808", Value::from(1_u64 << 63)),
            ("-9223372036854775809", Value::BigInt(num_bigint::BigInt::from(i64::MIN) - 1)),
            ("1.0", Value::Float(1.0)),
            ("1E3", Value::Float(1000.0)),
            ("-0.0", Value::Float(-0.0)),
            ("1e999", Value::Float(f64::INFINITY)),
        ];
        for (text, value) in cases {
            assert_eq!(sent(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn what_is_no_number() {
        for text in ["", "-", "x", "1e", "0x1", "--1"] {
            assert!(sent(text).is_err(), "{text}");
        }
        insta::assert_snapshot!(sent("1e5x").unwrap_err(), @"expected a number, found `1e5x`");
    }

    #[test]
    fn digits_are_read_in_any_number() {
        for len in [1, 999, 1000, 1001, 1999, 2000, 2001, 3000, 7777] {
            let digits: String =
                (0..len).map(|i| char::from(b'1' + u8::try_from(i % 9).unwrap())).collect();
            for text in [digits.clone(), format!("-{digits}")] {
                assert_eq!(BigInt::Decimal(&text).to_big_int().to_string(), text);
            }
        }
    }

    #[test]
    fn a_long_number_is_no_bomb() {
        // Digit by digit this would take minutes.
        let digits = "7".repeat(4_000_000);
        assert_eq!(BigInt::Decimal(&digits).to_big_int().bits(), 13_287_713);
    }

    #[test]
    fn every_form_is_the_same_number() {
        let expected = num_bigint::BigInt::from(u64::MAX);
        let little = [255, 255, 255, 255, 255, 255, 255, 255, 0];
        for form in [
            BigInt::U64(u64::MAX),
            BigInt::Decimal("18446744073709551615"),
            BigInt::LittleEndian(&little),
        ] {
            assert_eq!(form.to_big_int(), expected);
            assert_eq!(form.to_decimal(), "18446744073709551615");
        }
    }
}
