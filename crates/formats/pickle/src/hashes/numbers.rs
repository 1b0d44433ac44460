//! Python's hashes of numbers: equal ones have the same, of whatever type they are.

use std::net::{Ipv4Addr, Ipv6Addr};

use num_bigint::BigInt;

/// A Mersenne prime: numbers are hashed modulo this one.
pub(super) const MODULUS: u64 = (1 << 61) - 1;
const INFINITY: u64 = 314_159;
/// Digits from which on a text is taken for a number, and those that Python reads.
const MIN_DIGITS: usize = 15;
const MAX_DIGITS: usize = 4300;
/// What `hash` gives in place of -1, which means an error in C.
const NO_ERROR: u64 = 2_u64.wrapping_neg();

/// A number that was read from text: its hash, and what equal numbers have the same of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TextNumber {
    pub(super) hash: u64,
    pub(super) canonical: (String, i64),
}

pub(super) fn of_int(value: i64) -> u64 {
    signed(value.unsigned_abs() % MODULUS, value < 0)
}

pub(super) fn of_big_int(value: &BigInt) -> u64 {
    signed(residue(value), value.sign() == num_bigint::Sign::Minus)
}

/// `None` for what is no number: each has a hash of its own.
pub(super) fn of_float(value: f64) -> Option<u64> {
    if value.is_nan() {
        return None;
    }
    if value.is_infinite() {
        return Some(signed(INFINITY, value < 0.0));
    }
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let biased = (bits >> 52) & 0x7ff;
    let mantissa = if biased == 0 { fraction } else { fraction | 1 << 52 };
    // value = mantissa * 2^(biased - 1075), and 2^61 is 1 here.
    let shift = (biased.max(1) + 61 * 20 - 1075) % 61;
    Some(signed(multiply(mantissa, 1 << shift), value < 0.0))
}

pub(super) fn of_complex(real: f64, imaginary: f64) -> Option<u64> {
    let imaginary = of_float(imaginary)?.wrapping_mul(1_000_003);
    Some(without_error(of_float(real)?.wrapping_add(imaginary)))
}

pub(super) fn of_fraction(numerator: &BigInt, denominator: &BigInt) -> u64 {
    let is_negative = numerator.sign() != denominator.sign() && residue(numerator) != 0;
    match residue(denominator) {
        0 => signed(INFINITY, is_negative),
        denominator => signed(multiply(residue(numerator), inverse(denominator)), is_negative),
    }
}

/// The hash of a text that may be a number or an identifier to those who say its type.
pub(super) fn of_text(text: &str) -> Option<TextNumber> {
    if !(3..=MAX_DIGITS).contains(&text.len()) || !text.is_ascii() {
        return None;
    }
    let of_bits = |bits| TextNumber { hash: of_bits(bits), canonical: (bits.to_string(), 0) };
    let is_long = text.len() >= MIN_DIGITS || text.contains(['e', 'E']);
    let identifier = || uuid(text).map(of_bits);
    let address = || Some(of_bits(address(text).filter(|_| text.contains(':'))?.bits));
    identifier()
        .or_else(address)
        .or_else(|| decimal(text).filter(|_| is_long))
        .or_else(|| fraction(text).filter(|_| is_long))
}

/// The hash of 128 bits: those of an identifier or an address.
pub(super) fn of_bits(bits: u128) -> u64 {
    u64::try_from(bits % u128::from(MODULUS)).unwrap_or(0)
}

/// `1/3`.
pub(super) fn fraction(text: &str) -> Option<TextNumber> {
    let Some((numerator, denominator)) = text.split_once('/') else { return decimal(text) };
    let number = |text: &str| {
        (text.len() <= MAX_DIGITS).then(|| text.trim().parse::<BigInt>().ok()).flatten()
    };
    let hash = of_fraction(&number(numerator)?, &number(denominator)?);
    Some(TextNumber { hash, canonical: (text.to_owned(), 0) })
}

/// `12`, `-1.5`, `3e-7`, as `Decimal` and `int` read them.
pub(super) fn decimal(text: &str) -> Option<TextNumber> {
    let text = text.trim();
    let (is_negative, text) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat().replace('_', "");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    let scale = i64::try_from(fraction.replace('_', "").len()).ok()?;
    let short = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - short.len()).ok()?;
    if short.is_empty() {
        return Some(TextNumber { hash: 0, canonical: ("0".to_owned(), 0) });
    }
    let exponent = exponent.checked_sub(scale)?.checked_add(zeros)?;
    let ten = if exponent < 0 { inverse(10) } else { 10 };
    let mantissa = short.bytes().fold(0, |left, digit| {
        let next = u128::from(left) * 10 + u128::from(digit - b'0');
        u64::try_from(next % u128::from(MODULUS)).unwrap_or(0)
    });
    let hash = signed(multiply(mantissa, power(ten, exponent.unsigned_abs())), is_negative);
    let sign = if is_negative { "-" } else { "" };
    Some(TextNumber { hash, canonical: (format!("{sign}{short}"), exponent) })
}

/// An address of either version, with or without a prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) bits: u128,
    pub(super) width: u32,
    pub(super) prefix: Option<u32>,
}

impl Address {
    /// The bits that its prefix stands for.
    pub(super) fn mask(self) -> u128 {
        let all = u128::MAX >> (128 - self.width);
        let prefix = self.prefix.unwrap_or(self.width).min(self.width);
        all & !all.checked_shr(prefix).unwrap_or(0)
    }
}

pub(super) fn address(text: &str) -> Option<Address> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix.parse().ok()?)),
        None => (text, None),
    };
    let address = address.split('%').next()?;
    let (bits, width) = if address.contains(':') {
        (u128::from(address.parse::<Ipv6Addr>().ok()?), 128)
    } else {
        (u128::from(u32::from(address.parse::<Ipv4Addr>().ok()?)), 32)
    };
    Some(Address { bits, width, prefix })
}

/// `00000000-0000-0000-0000-000000000000`, in braces, with `urn:uuid:` or without hyphens, too.
pub(super) fn uuid(text: &str) -> Option<u128> {
    let text = text.trim_start_matches("urn:").trim_start_matches("uuid:");
    let text = text.trim_matches(['{', '}']);
    let is_written = matches!(text.len(), 32 | 36);
    let digits = text.replace('-', "");
    (is_written && digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok()).flatten()
}

/// What is left of a number without its sign.
fn residue(value: &BigInt) -> u64 {
    let digits: Vec<u64> = value.iter_u64_digits().collect();
    let left = digits.iter().rev().fold(0_u128, |left, &digit| {
        // 2^64 is 8 here, so that nothing overflows.
        (left * 8 + u128::from(digit)) % u128::from(MODULUS)
    });
    u64::try_from(left).unwrap_or(0)
}

fn signed(hash: u64, is_negative: bool) -> u64 {
    without_error(if is_negative { hash.wrapping_neg() } else { hash })
}

pub(super) fn without_error(hash: u64) -> u64 {
    if hash == u64::MAX { NO_ERROR } else { hash }
}

fn multiply(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other) % u128::from(MODULUS);
    u64::try_from(product).unwrap_or(0)
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

/// By Fermat's little theorem.
fn inverse(value: u64) -> u64 {
    power(value, MODULUS - 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `hash` of Python 3.11 says.
    #[test]
    fn numbers_have_the_hashes_of_python() {
        let python = |value: i64| value.cast_unsigned();
        assert_eq!(of_int(-1), python(-2));
        assert_eq!(of_int(i64::MAX), python(3));
        assert_eq!(of_int(i64::MIN), python(-4));
        let big: BigInt = "123456789012345678901234567890".parse().expect("digits");
        assert_eq!(of_big_int(&big), python(248_789_772_095_949_448));
        assert_eq!(of_big_int(&-big), python(-248_789_772_095_949_448));
        assert_eq!(of_float(1.5), Some(python(1_152_921_504_606_846_977)));
        assert_eq!(of_float(-1e300), Some(python(-1_224_995_262_755_759_164)));
        assert_eq!(of_float(5e-324), Some(python(16_777_216)));
        assert_eq!(of_float(f64::NEG_INFINITY), Some(python(-314_159)));
        assert_eq!(of_complex(1.0, 2.0), Some(python(2_000_007)));
        let [one, three] = [BigInt::from(1), BigInt::from(3)];
        assert_eq!(of_fraction(&one, &three), python(1_537_228_672_809_129_301));
        assert_eq!(of_fraction(&-one, &three), python(-1_537_228_672_809_129_301));
    }

    #[test]
    fn texts_of_numbers_have_their_hashes() {
        let hash = |text: &str| of_text(text).map(|number| number.hash.cast_signed());
        assert_eq!(hash("9223372036854775807"), Some(3));
        assert_eq!(hash("-9223372036854775.807e3"), Some(-3));
        assert_eq!(hash("1.5e0"), Some(1_152_921_504_606_846_977));
        assert_eq!(hash("1000000000000001/3000000000000003"), Some(1_537_228_672_809_129_301));
        assert_eq!(hash("::2000:0:0:4"), Some(5));
        assert_eq!(hash("00000000-0000-0000-2000-000000000004"), Some(5));
        for no_number in ["", "abc", "12", "a.b", "e", "1e", "::x", "1/x", "é12345678901234567"] {
            assert_eq!(hash(no_number), None, "{no_number}");
        }
    }

    #[test]
    fn masks_are_those_of_prefixes() {
        let mask = |text: &str| address(text).map(Address::mask);
        assert_eq!(mask("1.2.3.0/24"), Some(0xffff_ff00));
        assert_eq!(mask("1.2.3.4"), Some(0xffff_ffff));
        assert_eq!(mask("::1/0"), Some(0));
        assert_eq!(mask("::1/128"), Some(u128::MAX));
    }

    #[test]
    fn equal_numbers_have_one_canonical_form() {
        let form = |text: &str| decimal(text).map(|number| number.canonical);
        assert_eq!(form("1500"), form("+01.5e3"));
        assert_eq!(form("0.0"), form("0"));
        assert_ne!(form("15"), form("-15"));
    }
}
