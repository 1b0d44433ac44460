//! Integers of any size, and numbers as text.

use std::borrow::Cow;

use crate::{Error, ErrorKind, Result, Sink};

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
            BigInt::Decimal(text) => text.parse().expect("decimal digits"),
            BigInt::LittleEndian(bytes) => num_bigint::BigInt::from_signed_bytes_le(bytes),
        }
    }
}

/// Sends a number that follows JSON's grammar as the event that holds it exactly.
///
/// Without fraction and exponent it is an integer of any size, else the nearest binary64.
pub(crate) fn send<S: Sink + ?Sized>(text: &str, sink: &mut S) -> Result<()> {
    if text.bytes().any(|b| matches!(b, b'.' | b'e' | b'E')) {
        let value = text.parse().map_err(|_| not_a_number(text))?;
        return sink.float(value);
    }
    match text.parse() {
        Ok(value) => sink.int(value),
        Err(_) if is_integer(text) => sink.big_int(BigInt::Decimal(text)),
        Err(_) => Err(not_a_number(text)),
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cold]
fn not_a_number(text: &str) -> Error {
    Error::new(ErrorKind::Syntax, format!("expected a number, found `{text}`"))
}
