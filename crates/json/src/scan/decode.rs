//! UTF-8 to units of two bytes, validated on the way, with AVX2.
#![expect(unsafe_code, reason = "vector loads and stores")]
#![expect(clippy::cast_ptr_alignment, reason = "they are those for unaligned addresses")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_and_si128, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_min_epu16,
    _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi32, _mm_set1_epi16, _mm_storeu_si128,
    _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpeq_epi16,
    _mm256_cvtepu8_epi16, _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_min_epu16,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi16,
    _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_srli_epi16,
    _mm256_srli_epi32, _mm256_storeu_si256,
};
use std::ops::Range;

/// Bytes that are looked at together; as many units may be written at once.
const BLOCK: usize = 32;

/// Every third bit, from the first on.
const THIRDS: u32 = 0x4924_9249;

/// Every other bit, from the first on.
const SECONDS: u32 = 0x5555_5555;

/// Decodes a string into `to`, if it is UTF-8 with no character beyond U+FFFF; if not, or where it
/// is at the very end of the data, says no.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) fn decode(data: &[u8], string: Range<usize>, to: &mut Vec<u16>) -> bool {
    to.clear();
    // A character has a byte at least.
    to.reserve(string.len() + BLOCK);
    let mut count = 0;
    let mut pos = string.start;
    while pos < string.end {
        let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<BLOCK>()) else {
            return false;
        };
        // SAFETY: so far a unit at most was written for each byte, so that there is room for a
        // block more.
        let run = unsafe { run(block, to.as_mut_ptr().add(count)) };
        // Runs of wide characters end with the string, for a quote is behind it.
        let left = string.end - pos;
        pos += run.bytes.min(left);
        count += run.units.min(left);
        if run.bytes == 0 {
            return false;
        }
    }
    // SAFETY: there is room for more, and so many were written.
    unsafe { to.set_len(count) };
    true
}

/// Characters of the same size.
struct Run {
    bytes: usize,
    units: usize,
}

impl Run {
    const NONE: Self = Self { bytes: 0, units: 0 };
}

/// Decodes the run that a block begins with; none if it begins with something else.
///
/// # Safety
/// There is room for 32 units.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn run(block: &[u8; BLOCK], to: *mut u16) -> Run {
    // SAFETY: the caller's promise; the load reads the block.
    unsafe {
        let bytes = _mm256_loadu_si256(block.as_ptr().cast());
        match block[0] {
            0..0x80 => one(bytes, to),
            0xc0..0xe0 => two(bytes, to),
            0xe0..0xf0 => three(block, bytes, to),
            _ => Run::NONE,
        }
    }
}

/// A bit for each byte that is `class` where `mask` has ones.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn of_class(bytes: __m256i, mask: u8, class: u8) -> u32 {
    let classes = _mm256_and_si256(bytes, _mm256_set1_epi8(mask.cast_signed()));
    let equal = _mm256_cmpeq_epi8(classes, _mm256_set1_epi8(class.cast_signed()));
    _mm256_movemask_epi8(equal).cast_unsigned()
}

/// How many bytes from the beginning are a first one (as `firsts` says) where `at` has ones, and
/// continue a character elsewhere.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn well_formed(firsts: u32, at: u32, bytes: __m256i) -> usize {
    let others = of_class(bytes, 0xc0, 0x80);
    (!(firsts & at | others & !at)).trailing_zeros() as usize
}

/// Decodes ASCII.
///
/// # Safety
/// As for [`run`].
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn one(bytes: __m256i, to: *mut u16) -> Run {
    let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
    // SAFETY: the caller's promise.
    unsafe {
        _mm256_storeu_si256(to.cast(), _mm256_cvtepu8_epi16(low));
        _mm256_storeu_si256(to.add(16).cast(), _mm256_cvtepu8_epi16(high));
    }
    let count = _mm256_movemask_epi8(bytes).trailing_zeros() as usize;
    Run { bytes: count, units: count }
}

/// Decodes up to 16 characters of two bytes.
///
/// # Safety
/// As for [`run`].
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn two(bytes: __m256i, to: *mut u16) -> Run {
    let count = well_formed(of_class(bytes, 0xe0, 0xc0), SECONDS, bytes) / 2;
    let first = _mm256_slli_epi16::<6>(_mm256_and_si256(bytes, _mm256_set1_epi16(0x1f)));
    let second = _mm256_and_si256(_mm256_srli_epi16::<8>(bytes), _mm256_set1_epi16(0x3f));
    let units = _mm256_or_si256(first, second);
    let short = _mm256_cmpeq_epi16(_mm256_min_epu16(units, _mm256_set1_epi16(0x7f)), units);
    if is_among(_mm256_movemask_epi8(short), count) {
        return Run::NONE;
    }
    // SAFETY: the caller's promise.
    unsafe { _mm256_storeu_si256(to.cast(), units) };
    Run { bytes: 2 * count, units: count }
}

/// Decodes up to 8 characters of three bytes.
///
/// # Safety
/// As for [`run`].
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn three(block: &[u8; BLOCK], bytes: __m256i, to: *mut u16) -> Run {
    let count = (well_formed(of_class(bytes, 0xf0, 0xe0), THIRDS, bytes) / 3).min(8);
    // SAFETY: the load reads a part of the block.
    let later = unsafe { _mm_loadu_si128(block.as_ptr().add(12).cast()) };
    // Four characters in each half, and each in four bytes, the last of its three first.
    let halves = _mm256_set_m128i(later, _mm256_castsi256_si128(bytes));
    let apart = _mm256_setr_epi8(
        2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1, //
        2, 1, 0, -1, 5, 4, 3, -1, 8, 7, 6, -1, 11, 10, 9, -1,
    );
    let wide = _mm256_shuffle_epi8(halves, apart);
    let third = _mm256_and_si256(wide, _mm256_set1_epi32(0x3f));
    let second = _mm256_and_si256(_mm256_srli_epi32::<2>(wide), _mm256_set1_epi32(0xfc0));
    let first = _mm256_and_si256(_mm256_srli_epi32::<4>(wide), _mm256_set1_epi32(0xf000));
    let characters = _mm256_or_si256(_mm256_or_si256(first, second), third);
    let (low, high) =
        (_mm256_castsi256_si128(characters), _mm256_extracti128_si256::<1>(characters));
    let units = _mm_packus_epi32(low, high);
    if is_among(_mm_movemask_epi8(not_three(units)), count) {
        return Run::NONE;
    }
    // SAFETY: the caller's promise.
    unsafe { _mm_storeu_si128(to.cast(), units) };
    Run { bytes: 3 * count, units: count }
}

/// Units that three bytes may not stand for: shorter ones, and surrogates.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn not_three(units: __m128i) -> __m128i {
    let short = _mm_cmpeq_epi16(_mm_min_epu16(units, _mm_set1_epi16(0x7ff)), units);
    let class = _mm_and_si128(units, _mm_set1_epi16(0xf800_u16.cast_signed()));
    let surrogate = _mm_cmpeq_epi16(class, _mm_set1_epi16(0xd800_u16.cast_signed()));
    _mm_or_si128(short, surrogate)
}

/// Whether one of the first `count` units is marked by its two bits.
#[inline(always)]
fn is_among(marks: i32, count: usize) -> bool {
    u64::from(marks.cast_unsigned()) & ((1 << (2 * count)) - 1) != 0
}
