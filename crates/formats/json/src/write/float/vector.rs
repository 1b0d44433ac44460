//! Floats in decimal with vector instructions, which compilers may not use unless they are asked.
//!
//! The digits are found as the crate `zmij` finds them: Raffaello Giulietti, *The Schubfach way to
//! render doubles*, 2022, with the improvements of Victor Zverovich and Xiang Jun Bo: scaled so that
//! the whole part has one digit less than a number may need, and the fraction tells the last one.
#![expect(clippy::cast_possible_truncation, reason = "parts of words, and numbers of few digits")]
#![expect(clippy::cast_sign_loss, reason = "exponents that were seen to be positive")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi64, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_mul_epu32,
    _mm_mulhi_epu16, _mm_mullo_epi16, _mm_mullo_epi32, _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8,
    _mm_set1_epi16, _mm_set1_epi32, _mm_set1_epi64x, _mm_shuffle_epi8, _mm_srli_epi32,
    _mm_srli_epi64, _mm_storeu_si128,
};
use std::hint::select_unpredictable;

use crate::float::{LIMBS, divided_by_five, split, times_five, upper_bits};

/// The most bytes that [`write`] touches: a sign, and two vectors of which the second begins up to
/// 15 bytes behind the first; what is longer has its exponent behind 17 digits and a point.
pub(super) const ROOM: usize = 1 + 15 + 16 + 8;

const FRACTION_BITS: u32 = 52;
const BIAS: i32 = 1023 + FRACTION_BITS.cast_signed();

/// The powers of ten that floats are multiplied by, but for subnormal ones.
const SMALLEST_POWER: i32 = -293;
const LARGEST_POWER: i32 = 323;
const POWERS: usize = (LARGEST_POWER - SMALLEST_POWER + 1) as usize;

/// The upper 128 bits of each power, the highest bit set, what is below them cut off.
static TENS: [(u64, u64); POWERS] = powers_of_ten();

const fn powers_of_ten() -> [(u64, u64); POWERS] {
    let mut table = [(0, 0); POWERS];
    let zero = (-SMALLEST_POWER) as usize;
    // The bits are those of a power of five; see the reader's table.
    let mut inverse = [0; LIMBS];
    inverse[LIMBS - 1] = 1 << 63;
    let mut power = [0; LIMBS];
    power[0] = 1;
    let mut step = 0;
    while zero + step < POWERS {
        table[zero + step] = split(upper_bits(&power));
        power = times_five(power);
        if step <= zero {
            table[zero - step] = split(upper_bits(&inverse));
            inverse = divided_by_five(inverse);
        }
        step += 1;
    }
    table
}

/// Whether this processor has the instructions.
#[inline(always)]
pub(super) fn is_supported() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi2")
}

/// Writes what `float.__repr__` returns for a finite `value`; returns its length, or `None` if it
/// left the number to others.
///
/// # Safety
/// [`ROOM`] bytes can be written to `to`.
#[target_feature(enable = "avx2,bmi2")]
pub(super) unsafe fn write(value: f64, to: *mut u8) -> Option<usize> {
    // SAFETY: as this function's.
    unsafe { Found::new::<true>(value).write(to) }
}

/// What there is to know about a number before it is written.
#[derive(Clone, Copy)]
pub(in super::super) struct Found {
    digits: Digits,
    negative: bool,
    /// Zeros before the first digit.
    skipped: u8,
    /// Those that count.
    count: u8,
    /// The one behind the 16, if it counts.
    last: u8,
    /// The exponent of the first digit.
    exponent: i16,
}

/// The exponent of zero and of what is left to others.
const UNKNOWN: i16 = i16::MAX;

impl Found {
    /// Finds the digits of a finite number: one of a few, or one that is written at once, whose length
    /// the processor had better guess than wait for.
    ///
    /// # Safety
    /// The function that it becomes a part of has the instructions.
    #[inline(always)]
    pub(in super::super) unsafe fn new<const ALONE: bool>(value: f64) -> Self {
        let bits = value.to_bits();
        let biased = (bits >> FRACTION_BITS & 0x7ff) as i32;
        let fraction = bits & ((1 << FRACTION_BITS) - 1);
        let negative = bits >> 63 == 1;
        if biased == 0 {
            let (digits, count) = (Digits::new(0), u8::from(fraction == 0));
            return Self { digits, negative, skipped: 0, count, last: 0, exponent: UNKNOWN };
        }
        let decimal = match fraction {
            0 => of_power_of_two(biased - BIAS),
            _ => shortest(fraction | 1 << FRACTION_BITS, biased - BIAS),
        };
        let skipped = u8::from(decimal.upper < SIXTEEN);
        let digits = Digits::new(decimal.upper);
        let count = match decimal.has_last {
            true if ALONE => 17,
            has_last => select_unpredictable(has_last, 17, digits.count()),
        };
        Self {
            digits,
            negative,
            skipped,
            count: count - skipped,
            last: b'0' + decimal.last,
            exponent: (decimal.exponent + 16) as i16 - i16::from(skipped),
        }
    }

    /// Writes digits with a point, and with an exponent where Python writes one; returns the
    /// length, or `None` if the number is left to others.
    ///
    /// # Safety
    /// As that of [`new`](Found::new), and [`ROOM`] bytes can be written to `to`.
    #[inline(always)]
    pub(in super::super) unsafe fn write(&self, to: *mut u8) -> Option<usize> {
        let negative = usize::from(self.negative);
        let (skipped, count) = (usize::from(self.skipped), usize::from(self.count));
        // SAFETY: as this function's. In each case the vectors are written before what lies on them.
        let length = unsafe {
            to.write(b'-');
            let to = to.add(negative);
            match self.exponent {
                0..14 => {
                    let point = self.exponent as usize + 1;
                    self.digits.write(skipped, to);
                    self.digits.write(skipped + point, to.add(point + 1));
                    to.add(point).write(b'.');
                    to.add(17 - skipped).write(self.last);
                    count.max(point + 1) + 1
                }
                -4..0 => {
                    to.cast::<[u8; 8]>().write(*b"0.000000");
                    let start = (1 - self.exponent) as usize;
                    self.digits.write(skipped, to.add(start));
                    to.add(start + 16 - skipped).write(self.last);
                    start + count
                }
                14..16 => return None,
                UNKNOWN if count == 0 => return None,
                UNKNOWN => {
                    to.cast::<[u8; 4]>().write(*b"0.0\0");
                    3
                }
                _ => {
                    self.digits.write(skipped, to);
                    self.digits.write(skipped + 1, to.add(2));
                    to.add(1).write(b'.');
                    to.add(17 - skipped).write(self.last);
                    let end = if count == 1 { 1 } else { count + 1 };
                    end + write_exponent(self.exponent, to.add(end))
                }
            }
        };
        Some(negative + length)
    }
}

/// Digits with a decimal exponent.
struct Decimal {
    /// All but the last digit: 15 or 16 of them.
    upper: u64,
    /// The last one, if there is one more.
    last: u8,
    has_last: bool,
    /// That of the last digit.
    exponent: i32,
}

/// Additional bits between the whole part of a scaled number and its fraction's upper word.
const EXTRA: u32 = 6;

/// The whole part and the fraction of a scaled number, and half the distance to its neighbours.
struct Scaled {
    whole: u64,
    fraction: u64,
    half: u64,
}

/// `mantissa` times two to the `exponent` in units of ten to the `decimal` + 1.
#[inline(always)]
fn scaled(mantissa: u64, exponent: i32, decimal: i32) -> Scaled {
    // The upper bits of the power: how far the product is from having its point where we want it.
    let power_exponent = ((-decimal - 1) * 217_707) >> 16;
    let shift = (exponent + power_exponent + 1 + EXTRA.cast_signed()).cast_unsigned();
    // SAFETY: floats that are not subnormal have no others.
    let (high, low) = unsafe { *TENS.get_unchecked((-decimal - 1 - SMALLEST_POWER) as usize) };
    let factor = u128::from(mantissa << shift);
    let product = u128::from(high) * factor + ((u128::from(low) * factor) >> 64);
    let (upper, lower) = ((product >> 64) as u64, product as u64);
    Scaled {
        whole: upper >> EXTRA,
        fraction: (upper << (64 - EXTRA)) | (lower >> EXTRA),
        half: high >> (EXTRA + 1 - shift),
    }
}

/// The upper word of `fraction * 10 + more`.
#[inline(always)]
fn next_digit(fraction: u64, more: u64) -> u8 {
    ((u128::from(fraction) * 10 + u128::from(more)) >> 64) as u8
}

#[inline(always)]
fn shortest(mantissa: u64, exponent: i32) -> Decimal {
    let decimal = (exponent * 315_653) >> 20;
    let Scaled { whole, fraction, half } = scaled(mantissa, exponent, decimal);
    // An even number may lie on the edge of what is read as it.
    let half = half + (1 - (mantissa & 1));
    let (_, rounds_up) = fraction.overflowing_add(half);
    let rounds_down = half > fraction;
    // What was cut off the power is made up for; and two and a half become two.
    let last = next_digit(fraction, (1 << 63) + 6);
    Decimal {
        upper: whole + u64::from(rounds_up),
        last: if fraction == 1 << 62 { 2 } else { last },
        has_last: !(rounds_up || rounds_down),
        exponent: decimal,
    }
}

/// Its lower neighbour is nearer than its upper one.
#[cold]
fn of_power_of_two(exponent: i32) -> Decimal {
    let decimal = (exponent * 315_653 - 131_072) >> 20;
    let Scaled { whole, fraction, half } = scaled(1 << FRACTION_BITS, exponent, decimal);
    let rounds_up = half > u64::MAX - fraction;
    let rounds_down = half / 2 > fraction;
    let lowest = next_digit(fraction.wrapping_sub(half / 2), u64::MAX);
    Decimal {
        upper: whole + u64::from(rounds_up),
        last: next_digit(fraction, (1 << 63) - 1).max(lowest),
        has_last: !(rounds_up || rounds_down),
        exponent: decimal,
    }
}

/// The least number of 16 digits.
const SIXTEEN: u64 = 1_000_000_000_000_000;

/// Writes an exponent with its sign and two digits or three.
///
/// # Safety
/// Eight bytes can be written to `to`.
#[inline(always)]
unsafe fn write_exponent(exponent: i16, to: *mut u8) -> usize {
    let sign = if exponent < 0 { b'-' } else { b'+' };
    let size = exponent.unsigned_abs();
    let digit = |power: u16| b'0' + (size / power % 10) as u8;
    let (hundreds, tens, ones) = (digit(100), digit(10), digit(1));
    let (bytes, length) = if size < 100 {
        ([b'e', sign, tens, ones, 0, 0, 0, 0], 4)
    } else {
        ([b'e', sign, hundreds, tens, ones, 0, 0, 0], 5)
    };
    // SAFETY: as this function's; an array of bytes has no alignment.
    unsafe { to.cast::<[u8; 8]>().write(bytes) };
    length
}

/// Sixteen digits as text, the last one in the lowest byte.
#[derive(Clone, Copy)]
struct Digits(__m128i);

/// Turns digits round and leaves out the first ones: as many as bytes are skipped here.
static TURN: [u8; 48] = {
    let mut bytes = [0x80; 48];
    let mut at = 0;
    while at < 16 {
        bytes[at] = 15 - at as u8;
        at += 1;
    }
    bytes
};

impl Digits {
    /// Divides all parts of a vector at once: by 10,000, by 100, by ten.
    #[inline(always)]
    fn new(value: u64) -> Self {
        const EIGHT: u64 = 100_000_000;
        let (upper, lower) = (value / EIGHT, value % EIGHT);
        // SAFETY: the caller's function has the instructions.
        unsafe {
            // Each quotient goes to the upper half of a part; what is added takes as much from it.
            let eights = _mm_set_epi64x(upper.cast_signed(), lower.cast_signed());
            let quotients = _mm_srli_epi64::<40>(_mm_mul_epu32(
                eights,
                _mm_set1_epi64x((1 << 40) / 10_000 + 1),
            ));
            let fours = _mm_add_epi64(
                eights,
                _mm_mul_epu32(quotients, _mm_set1_epi64x((1 << 32) - 10_000)),
            );
            let hundredth = _mm_set1_epi32((1 << 19) / 100 + 1);
            let quotients = _mm_srli_epi32::<3>(_mm_mulhi_epu16(fours, hundredth));
            let rest = _mm_set1_epi32((1 << 16) - 100);
            let twos = _mm_add_epi64(fours, _mm_mullo_epi32(quotients, rest));
            let quotients = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554));
            let rest = _mm_set1_epi16((1 << 8) - 10);
            let ones = _mm_add_epi64(twos, _mm_mullo_epi16(quotients, rest));
            Self(_mm_or_si128(ones, _mm_set1_epi8(b'0'.cast_signed())))
        }
    }

    /// How many there are up to the last that is not zero.
    #[inline(always)]
    fn count(self) -> u8 {
        // SAFETY: the caller's function has the instructions.
        let nonzero =
            unsafe { _mm_movemask_epi8(_mm_cmpgt_epi8(self.0, _mm_set1_epi8(b'0'.cast_signed()))) };
        16 - nonzero.trailing_zeros() as u8
    }

    /// Writes a vector: the digits but for the first ones, and anything behind them.
    ///
    /// # Safety
    /// 16 bytes can be written to `to`, and `skipped` is 32 at most.
    #[inline(always)]
    unsafe fn write(self, skipped: usize, to: *mut u8) {
        // SAFETY: as this function's.
        unsafe {
            let turn = _mm_loadu_si128(TURN.as_ptr().add(skipped).cast());
            _mm_storeu_si128(to.cast(), _mm_shuffle_epi8(self.0, turn));
        }
    }
}
