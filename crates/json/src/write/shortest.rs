//! The shortest digits of numbers that are neither tiny nor huge, in whole numbers alone.
//!
//! A binary64 is `c` times 2^-`shift`, and for the numbers here 10^`places` times that has fewer than
//! 128 bits. So the rule of Raffaello Giulietti, *The Schubfach way to render doubles* (2021, section
//! 8), is followed exactly, with one multiplication and no table of rounded powers.
#![expect(unsafe_code, reason = "digits are written as words, more of them than count")]

use super::integer::{eight_digits, write_unsigned, write_word};

/// The most bytes that [`write`] touches: a sign, 16 digits, a point, and 24 bytes for 20 digits.
pub(super) const ROOM: usize = 48;

const MANTISSA_BITS: u32 = 52;
const EIGHT: u64 = 100_000_000;

/// Numbers from here on are written without an exponent, and have at most 20 places.
const SMALLEST: f64 = 1e-4;

/// From here on all numbers are whole.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Powers of five and of ten; those of ten that do not fit are not needed.
static FIVES: [u64; 21] = powers(5);
static TENS: [u64; 21] = powers(10);

const fn powers(base: u64) -> [u64; 21] {
    let mut powers = [1; 21];
    let mut at = 1;
    while at < 21 {
        powers[at] = base.wrapping_mul(powers[at - 1]);
        at += 1;
    }
    powers
}

/// Writes what `float.__repr__` returns and gives its length, if the number is one of those.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
#[inline(always)]
pub(super) unsafe fn write(value: f64, to: *mut u8) -> Option<usize> {
    if !(SMALLEST..WHOLE).contains(&value.abs()) {
        return None;
    }
    let bits = value.to_bits();
    let sign = (bits >> 63) as usize;
    let shift = 1075 - (bits >> MANTISSA_BITS & 0x7ff) as u32;
    let fraction = bits & ((1 << MANTISSA_BITS) - 1);
    let c = fraction | 1 << MANTISSA_BITS;
    let whole = c.checked_shr(shift).unwrap_or(0);
    // SAFETY: the sign is one byte; the rest is the caller's promise.
    unsafe {
        to.write(b'-');
        let start = to.add(sign);
        if whole << (shift % 64) == c {
            return Some(sign + write_parts(whole, 0, 1, start));
        }
        // The number below a power of two is nearer than the one above: a rule of its own.
        if fraction == 0 {
            return None;
        }
        let places = places(shift);
        let digits = shortest(c, shift, places);
        // There are 17 digits at most, so that only numbers below one have more places.
        let part = digits - if whole == 0 { 0 } else { whole * TENS[places as usize] };
        if places < 20 && part == TENS[places as usize] {
            return Some(sign + write_parts(whole + 1, 0, 1, start));
        }
        Some(sign + write_parts(whole, part, places as usize, start))
    }
}

/// The places behind the point with which neighbours differ by less than ten units of the last one,
/// and by one at least.
#[inline(always)]
const fn places(shift: u32) -> u32 {
    // The logarithm of two: near enough for so small numbers.
    (shift * 1233 >> 12) + 1
}

/// The shortest number of units, 10^-`places` each, that reads back as `c` times 2^-`shift`, and of
/// those the nearest.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lower bits are meant; few are above")]
fn shortest(c: u64, shift: u32, places: u32) -> u64 {
    let width = FIVES[places as usize];
    let product = u128::from(c) * u128::from(width);
    // All lengths from here on are in halves of 2^(`places` - `shift`) units.
    let unit = 2_u64 << (shift - places);
    let below = (product >> (shift - places)) as u64;
    let rest = (product as u64) << 1 & (unit - 1);
    // What lies on the border reads back as the even neighbour.
    let reach = width - (c & 1);
    let tens_rest = below % 10 * unit + rest;
    let (down, up) = (tens_rest <= reach, 10 * unit - tens_rest <= reach);
    let ten = below - below % 10 + 10 * u64::from(up);
    let ten_fits = down != up;
    let (down, up) = (rest <= reach, unit - rest <= reach);
    let nearer_up = rest + (below & 1) > unit / 2;
    let one = below + u64::from((down != up) & up | (down == up) & nearer_up);
    // No branch: which it is nobody can foresee.
    let chosen = u64::from(ten_fits).wrapping_neg();
    ten & chosen | one & !chosen
}

/// Writes a number of so many places, without zeros at the end but for the first place.
///
/// # Safety
/// [`ROOM`] bytes, less one, can be written to `to`.
#[inline(always)]
unsafe fn write_parts(whole: u64, part: u64, places: usize, to: *mut u8) -> usize {
    // SAFETY: at most 16 digits, a point, and three words.
    unsafe {
        let mut length = write_unsigned(whole, to);
        to.add(length).write(b'.');
        length += 1;
        let mut last = part;
        if places > 16 {
            let first = places - 16;
            let ten = TENS[16];
            write_word(eight_digits(part / ten) >> (64 - 8 * first), to.add(length));
            length += first;
            last = part % ten;
        } else {
            last *= TENS[16 - places];
        }
        let (upper, lower) = (eight_digits(last / EIGHT), eight_digits(last % EIGHT));
        write_word(upper, to.add(length));
        write_word(lower, to.add(length + 8));
        let zeros = if lower != 0 { lower.leading_zeros() } else { 64 + upper.leading_zeros() };
        // The first place counts even if it is a zero. Behind more than 16 places stand no others.
        let kept = 16 - (zeros / 8) as usize;
        length + if places > 16 { kept } else { kept.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(value: f64) {
        let mut room = [0; ROOM];
        // SAFETY: there is as much room as it takes.
        let Some(length) = (unsafe { write(value, room.as_mut_ptr()) }) else { return };
        let expected = zmij::Buffer::new().format_finite(value).to_owned();
        assert_eq!(std::str::from_utf8(&room[..length]), Ok(&*expected));
    }

    #[test]
    fn places_are_those_of_the_logarithm() {
        for shift in 1..=66 {
            let exact = (f64::from(shift) * 2_f64.log10()).floor();
            assert_eq!(f64::from(places(shift)), exact + 1.0, "{shift}");
        }
    }

    #[test]
    fn borders_and_short_numbers_are_right() {
        for power in -14..54 {
            let value = 2_f64.powi(power);
            for steps in -3..=3_i64 {
                check(f64::from_bits(value.to_bits().wrapping_add_signed(steps)));
            }
        }
        for power in -4..16 {
            let value = 10_f64.powi(power);
            for steps in -3..=3_i64 {
                check(f64::from_bits(value.to_bits().wrapping_add_signed(steps)));
            }
        }
        for hundredths in 0..200_000 {
            check(f64::from(hundredths) / 100.0);
            check(f64::from(hundredths) / -10_000.0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn any_number_is_right(fraction: u64, exponent in 1000..1080_u64, negative: bool) {
            let fraction = fraction >> 12;
            check(f64::from_bits(u64::from(negative) << 63 | exponent << 52 | fraction));
        }

        #[test]
        fn numbers_of_few_digits_are_right(digits in 0..u64::MAX, drop in 0..64_u32, places in 0..20) {
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            check((digits >> drop) as f64 / 10_f64.powi(places));
        }
    }
}
