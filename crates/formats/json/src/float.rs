//! Decimal digits to the nearest binary64: Clinger's exact cases, then Eisel and Lemire's.
//!
//! Daniel Lemire, *Number parsing at a gigabyte per second*, Software: Practice and Experience
//! 51 (8), 2021, section 5; the few numbers it cannot decide are left to the standard library.

const SMALLEST_POWER: i32 = -342;
const LARGEST_POWER: i32 = 308;
const POWERS: usize = (LARGEST_POWER - SMALLEST_POWER + 1) as usize;

/// The upper 128 bits of 5^q for each power q that a binary64 can need, the highest bit set.
///
/// Those of a negative q are rounded down, but for the few whose products are exact, rounded up.
static FIVES: [(u64, u64); POWERS] = powers_of_five();

static EXACT_TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

const MANTISSA_BITS: u32 = 52;
const INFINITE_POWER: i32 = 0x7ff;

/// The binary64 nearest to `digits` times ten to the `exponent`, unless it is too close to call.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "below 2^53 nothing is lost")]
pub(crate) fn nearest(digits: u64, exponent: i32) -> Option<f64> {
    if digits < 1 << 53 && (-22..=22).contains(&exponent) {
        let power = EXACT_TENS[exponent.unsigned_abs() as usize];
        let digits = digits as f64;
        return Some(if exponent < 0 { digits / power } else { digits * power });
    }
    eisel_lemire(digits, exponent)
}

#[inline(always)]
fn eisel_lemire(digits: u64, exponent: i32) -> Option<f64> {
    if digits == 0 || exponent < SMALLEST_POWER {
        return Some(0.0);
    }
    if exponent > LARGEST_POWER {
        return Some(f64::INFINITY);
    }
    let zeros = digits.leading_zeros();
    let (low, high) = product(digits << zeros, exponent);
    if low == u64::MAX && !(-27..=55).contains(&exponent) {
        return None;
    }
    let upper = (high >> 63) as u32;
    let shift = upper + 64 - MANTISSA_BITS - 3;
    let mantissa = high >> shift;
    let power = binary_exponent(exponent) + upper.cast_signed() - zeros.cast_signed() + 1023;
    if power <= 0 {
        return Some(subnormal(mantissa, power));
    }
    let tie =
        low <= 1 && (-4..=23).contains(&exponent) && mantissa & 3 == 1 && mantissa << shift == high;
    Some(rounded(if tie { mantissa & !1 } else { mantissa }, power))
}

/// Rounds a mantissa with one bit too many to the nearest, a half upwards.
#[inline(always)]
fn rounded(mantissa: u64, mut power: i32) -> f64 {
    let mut mantissa = (mantissa + (mantissa & 1)) >> 1;
    if mantissa >= 2 << MANTISSA_BITS {
        mantissa = 1 << MANTISSA_BITS;
        power += 1;
    }
    if power >= INFINITE_POWER {
        return f64::INFINITY;
    }
    let fraction = mantissa & !(1 << MANTISSA_BITS);
    f64::from_bits(fraction | u64::from(power.cast_unsigned()) << MANTISSA_BITS)
}

#[cold]
fn subnormal(mantissa: u64, power: i32) -> f64 {
    let shift = 1 - power;
    if shift >= 64 {
        return 0.0;
    }
    let mantissa = mantissa >> shift;
    // A carry into the exponent's lowest bit makes the smallest normal number: as it should be.
    f64::from_bits((mantissa + (mantissa & 1)) >> 1)
}

/// The upper 128 bits of `digits` times 5^`exponent`, in as much of the power as it takes.
#[inline(always)]
fn product(digits: u64, exponent: i32) -> (u64, u64) {
    let (power_high, power_low) = FIVES[(exponent - SMALLEST_POWER).cast_unsigned() as usize];
    let (low, high) = multiply(digits, power_high);
    let undecided = u64::MAX >> (MANTISSA_BITS + 3);
    if high & undecided != undecided {
        return (low, high);
    }
    let (_, more) = multiply(digits, power_low);
    let (low, carry) = low.overflowing_add(more);
    (low, high + u64::from(carry))
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
fn multiply(a: u64, b: u64) -> (u64, u64) {
    let product = u128::from(a) * u128::from(b);
    (product as u64, (product >> 64) as u64)
}

/// The binary exponent of ten to the `exponent`: its floor of log2, plus 63.
fn binary_exponent(exponent: i32) -> i32 {
    ((exponent * 217_706) >> 16) + 63
}

const fn powers_of_five() -> [(u64, u64); POWERS] {
    let mut table = [(0, 0); POWERS];
    let zero = (-SMALLEST_POWER) as usize;
    // 2^1023, divided by five again and again, keeps over 200 bits to the end; what the divisions
    // cut off does not reach the upper 128.
    let mut inverse = [0; LIMBS];
    inverse[LIMBS - 1] = 1 << 63;
    let mut power = [0; LIMBS];
    power[0] = 1;
    let mut step = 0;
    while step <= zero {
        let upper = upper_bits(&inverse);
        table[zero - step] = split(if step > 0 && step <= 27 { upper + 1 } else { upper });
        inverse = divided_by_five(inverse);
        if zero + step < POWERS {
            table[zero + step] = split(upper_bits(&power));
            power = times_five(power);
        }
        step += 1;
    }
    table
}

/// Enough for 2^1023 and for 5^324.
pub(crate) const LIMBS: usize = 16;

#[expect(clippy::cast_possible_truncation, reason = "the two halves")]
pub(crate) const fn split(bits: u128) -> (u64, u64) {
    ((bits >> 64) as u64, bits as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the quotient of a limb is a limb")]
pub(crate) const fn divided_by_five(mut number: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut remainder = 0;
    let mut at = LIMBS;
    while at > 0 {
        at -= 1;
        let part = (remainder << 64) | number[at] as u128;
        number[at] = (part / 5) as u64;
        remainder = part % 5;
    }
    number
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
pub(crate) const fn times_five(mut number: [u64; LIMBS]) -> [u64; LIMBS] {
    let mut carry = 0;
    let mut at = 0;
    while at < LIMBS {
        let part = number[at] as u128 * 5 + carry;
        number[at] = part as u64;
        carry = part >> 64;
        at += 1;
    }
    number
}

/// The 128 bits from the highest set one on, zeros behind the last.
pub(crate) const fn upper_bits(number: &[u64; LIMBS]) -> u128 {
    let mut top = LIMBS - 1;
    while number[top] == 0 {
        top -= 1;
    }
    let high = number[top] as u128;
    let middle = if top > 0 { number[top - 1] as u128 } else { 0 };
    let low = if top > 1 { number[top - 2] as u128 } else { 0 };
    let zeros = number[top].leading_zeros();
    let bits = ((high << 64) | middle) << zeros;
    if zeros == 0 { bits } else { bits | (low >> (64 - zeros)) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_powers_are_those_of_the_paper() {
        let at = |q: i32| FIVES[(q - SMALLEST_POWER).cast_unsigned() as usize];
        assert_eq!(at(-342), (0xeef4_53d6_923b_d65a, 0x113f_aa29_06a1_3b3f));
        assert_eq!(at(-27), (0x9e74_d1b7_91e0_7e48, 0x775e_a264_cf55_347e));
        assert_eq!(at(-1), (0xcccc_cccc_cccc_cccc, 0xcccc_cccc_cccc_cccd));
        assert_eq!(at(0), (1 << 63, 0));
        assert_eq!(at(1), (0xa000_0000_0000_0000, 0));
        assert_eq!(at(308), (0x8e67_9c2f_5e44_ff8f, 0x570f_09ea_a7ea_7648));
    }

    fn check(digits: u64, exponent: i32) {
        let expected: f64 = format!("{digits}e{exponent}").parse().unwrap();
        if let Some(found) = nearest(digits, exponent) {
            assert_eq!(found.to_bits(), expected.to_bits(), "{digits}e{exponent}");
        }
    }

    #[test]
    fn hard_cases_are_exact() {
        // Halfway cases, the borders of the normal and the subnormal, and overflow.
        let cases = [
            (9_007_199_254_740_993, 0),
            (9_007_199_254_740_991, 0),
            (9_223_372_036_854_776_833, 0),
            (17_976_931_348_623_157, 292),
            (17_976_931_348_623_159, 292),
            (1_797_693_134_862_315_808, 290),
            (22_250_738_585_072_014, -324),
            (22_250_738_585_072_011, -324),
            (2_225_073_858_507_201_136, -326),
            (49_406_564_584_124_654, -340),
            (24_703_282_292_062_327, -340),
            (24_703_282_292_062_328, -340),
            (1, -400),
            (1, 400),
            (u64::MAX, -342),
            (u64::MAX, 308),
            (65_613_616_999_999_977, -15),
        ];
        for (digits, exponent) in cases {
            check(digits, exponent);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn agrees_with_the_standard_library(digits: u64, exponent in -360..330, bits in 0..64u32) {
            check(digits >> bits, exponent);
        }

        #[test]
        fn agrees_close_to_halfway(bits: u64) {
            let value = f64::from_bits(bits & !(1 << 63));
            prop_assume!(value.is_finite());
            let text = format!("{value:.16e}");
            let (digits, exponent) = text.split_once('e').unwrap();
            let digits: u64 = digits.replace('.', "").parse().unwrap();
            let exponent = exponent.parse::<i32>().unwrap() - 16;
            check(digits, exponent);
            check(digits * 10 + 5, exponent - 1);
        }
    }
}
