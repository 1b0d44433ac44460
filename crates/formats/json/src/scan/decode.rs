//! UTF-8 to units of two and of four bytes, validated on the way, with AVX2.
#![expect(unsafe_code, reason = "vector loads and stores")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_and_si128, _mm_cmpeq_epi16, _mm_loadl_epi64, _mm_loadu_si128,
    _mm_min_epu16, _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi32, _mm_set1_epi16,
    _mm_storeu_si128, _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi8,
    _mm256_cmpeq_epi16, _mm256_cvtepu8_epi16, _mm256_cvtepu8_epi32, _mm256_extracti128_si256,
    _mm256_loadu_si256, _mm256_min_epu16, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set_m128i,
    _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_srli_epi16, _mm256_srli_epi32, _mm256_storeu_si256, _pext_u32,
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
    if to.try_reserve(string.len() + BLOCK).is_err() {
        return false;
    }
    let (mut pos, mut count) = (string.start, 0);
    while pos < string.end {
        let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<BLOCK>()) else {
            return false;
        };
        let left = string.end - pos;
        // SAFETY: so far a unit at most was written for each byte, so that there is room for a
        // block more; the load reads the block.
        let (bytes, to) =
            unsafe { (_mm256_loadu_si256(block.as_ptr().cast()), to.as_mut_ptr().add(count)) };
        // A whole block of one kind is taken without counting: where the next one begins is then
        // known before this one is done.
        // SAFETY: there is room for 32 units.
        unsafe {
            match block[0] {
                0..0x80 => {
                    let others = one(bytes, to);
                    if others == 0 && left >= 32 {
                        (pos, count) = (pos + 32, count + 32);
                        continue;
                    }
                    let run = run::<1>(others).min(left);
                    (pos, count) = (pos + run, count + run);
                }
                0xc0..0xe0 => {
                    let Some(others) = two(bytes, to) else { return false };
                    if others == 0 {
                        (pos, count) = (pos + 32, count + 16);
                        continue;
                    }
                    let run = run::<2>(others);
                    (pos, count) = (pos + 2 * run, count + run);
                }
                0xe0..0xf0 => {
                    let Some(others) = three(block, bytes, to) else { return false };
                    if others & ((1 << 24) - 1) == 0 {
                        (pos, count) = (pos + 24, count + 8);
                        continue;
                    }
                    let run = run::<3>(others);
                    (pos, count) = (pos + 3 * run, count + run);
                }
                _ => return false,
            }
        }
    }
    // SAFETY: there is room for more, and that many were written.
    unsafe { to.set_len(count) };
    true
}

/// How a character of several bytes is put together, which stand in a word, the first one on top.
struct Pattern {
    /// The bits that count.
    bits: u32,
    /// Those that say that the later bytes continue it, and what they are then.
    marks: u32,
    marked: u32,
    /// The first character that takes that many bytes, and the last.
    least: u32,
    most: u32,
}

/// By the number of bytes; nothing fits the first two.
static PATTERNS: [Pattern; 5] = [
    Pattern { bits: 0, marks: 0, marked: 1, least: 0, most: 0 },
    Pattern { bits: 0, marks: 0, marked: 1, least: 0, most: 0 },
    Pattern {
        bits: 0x1f3f_0000,
        marks: 0x00c0_0000,
        marked: 0x0080_0000,
        least: 0x80,
        most: 0x7ff,
    },
    Pattern {
        bits: 0x0f3f_3f00,
        marks: 0x00c0_c000,
        marked: 0x0080_8000,
        least: 0x800,
        most: 0xffff,
    },
    Pattern {
        bits: 0x073f_3f3f,
        marks: 0x00c0_c0c0,
        marked: 0x0080_8080,
        least: 0x1_0000,
        most: 0x10_ffff,
    },
];

/// The number of bytes of a character by the upper five bits of its first one.
static SIZES: [u8; 32] = [
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, //
    0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 4, 0,
];

/// Decodes a string into `to`, if it is UTF-8; where it is at the very end of the data, says no.
///
/// What kind of character comes next is not asked for by branches, which would often be predicted
/// wrongly: eight bytes are taken for ASCII, as many as are count, and one other character is put
/// together by a pattern.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
#[expect(clippy::needless_bitwise_bool, reason = "one branch for all that is asked")]
pub(super) fn decode_characters(data: &[u8], string: Range<usize>, to: &mut Vec<u32>) -> bool {
    const ASCII: usize = 8;
    const HIGH: u64 = u64::from_ne_bytes([0x80; ASCII]);
    to.clear();
    // A character has a byte at least.
    if to.try_reserve(string.len() + ASCII + 1).is_err() {
        return false;
    }
    let (mut pos, mut count) = (string.start, 0);
    while pos < string.end {
        let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<{ ASCII + 4 }>())
        else {
            return false;
        };
        // SAFETY: so far a character at most was written for each byte, so that there is room for
        // eight more and one; the load reads eight bytes of the block.
        let at = unsafe {
            let at = to.as_mut_ptr().add(count);
            let bytes = _mm_loadl_epi64(block.as_ptr().cast());
            _mm256_storeu_si256(at.cast(), _mm256_cvtepu8_epi32(bytes));
            at
        };
        let word = block.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let ascii = (word & HIGH).trailing_zeros() as usize / 8;
        let left = string.end - pos;
        if ascii >= left {
            count += left;
            break;
        }
        (pos, count) = (pos + ascii, count + ascii);
        if ascii == ASCII {
            continue;
        }
        let bytes = block[ascii..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let size = SIZES[bytes as usize >> 27];
        let pattern = &PATTERNS[usize::from(size)];
        let character = _pext_u32(bytes, pattern.bits);
        let is_good = (bytes & pattern.marks == pattern.marked)
            & (pattern.least <= character)
            & (character <= pattern.most)
            & (character & 0xffff_f800 != 0xd800);
        if !is_good {
            return false;
        }
        // SAFETY: as above.
        unsafe { at.add(ascii).write(character) };
        (pos, count) = (pos + usize::from(size), count + 1);
    }
    // SAFETY: there is room for more, and that many were written.
    unsafe { to.set_len(count) };
    true
}

/// How many characters of a size there are before the first byte that belongs to none.
#[inline(never)]
fn run<const SIZE: usize>(others: u32) -> usize {
    others.trailing_zeros() as usize / SIZE
}

/// A bit for each byte that is `class` where `mask` has ones.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn of_class(bytes: __m256i, mask: u8, class: u8) -> u32 {
    let classes = _mm256_and_si256(bytes, _mm256_set1_epi8(mask.cast_signed()));
    let equal = _mm256_cmpeq_epi8(classes, _mm256_set1_epi8(class.cast_signed()));
    _mm256_movemask_epi8(equal).cast_unsigned()
}

/// A bit for each byte that is not a first one (as `firsts` says) where `at` has ones, or does not
/// continue a character elsewhere.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn misplaced(firsts: u32, at: u32, bytes: __m256i) -> u32 {
    let others = of_class(bytes, 0xc0, 0x80);
    !(firsts & at | others & !at)
}

/// Decodes 32 characters of one byte; returns a bit for each byte that is none.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn one(bytes: __m256i, to: *mut u16) -> u32 {
    let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
    // SAFETY: the caller's promise.
    unsafe {
        _mm256_storeu_si256(to.cast(), _mm256_cvtepu8_epi16(low));
        _mm256_storeu_si256(to.add(16).cast(), _mm256_cvtepu8_epi16(high));
    }
    _mm256_movemask_epi8(bytes).cast_unsigned()
}

/// Decodes 16 characters of two bytes; returns a bit for each byte from the first one on that
/// belongs to none, or nothing if what comes before that is not UTF-8.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn two(bytes: __m256i, to: *mut u16) -> Option<u32> {
    let others = misplaced(of_class(bytes, 0xe0, 0xc0), SECONDS, bytes);
    let first = _mm256_slli_epi16::<6>(_mm256_and_si256(bytes, _mm256_set1_epi16(0x1f)));
    let second = _mm256_and_si256(_mm256_srli_epi16::<8>(bytes), _mm256_set1_epi16(0x3f));
    let units = _mm256_or_si256(first, second);
    let short = _mm256_cmpeq_epi16(_mm256_min_epu16(units, _mm256_set1_epi16(0x7f)), units);
    // SAFETY: the caller's promise.
    unsafe { _mm256_storeu_si256(to.cast(), units) };
    let is_good = others & 2 == 0 && !is_before(_mm256_movemask_epi8(short), others, 2);
    is_good.then_some(others)
}

/// Decodes 8 characters of three bytes; returns as [`two`] does.
///
/// # Safety
/// There is room for them.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn three(block: &[u8; BLOCK], bytes: __m256i, to: *mut u16) -> Option<u32> {
    let others = misplaced(of_class(bytes, 0xf0, 0xe0), THIRDS, bytes);
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
    // SAFETY: the caller's promise.
    unsafe { _mm_storeu_si128(to.cast(), units) };
    let is_good = others & 6 == 0 && !is_before(_mm_movemask_epi8(not_three(units)), others, 3);
    is_good.then_some(others)
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

/// Whether a unit is marked (by two bits) of a character of `size` bytes that ends before the first
/// of `others`.
#[inline(always)]
fn is_before(marks: i32, others: u32, size: u32) -> bool {
    // Rarely is any, and only behind the run: its length does not matter before.
    marks != 0 && {
        let units = others.trailing_zeros() / size;
        u64::from(marks.cast_unsigned()) & ((1 << (2 * units)) - 1) != 0
    }
}
