//! [`Scan`] on x86-64: 16 bytes at a time anywhere, 32 where AVX2 is found at run time.
#![expect(unsafe_code, reason = "vector loads, and calls into code compiled for AVX2")]
#![expect(clippy::cast_ptr_alignment, reason = "the loads are those for unaligned addresses")]
#![expect(clippy::unused_self, reason = "a token stands for the instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_cvtsi128_si64, _mm_loadu_si128, _mm_madd_epi16,
    _mm_maddubs_epi16, _mm_max_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_packus_epi32,
    _mm_set1_epi8, _mm_set1_epi16, _mm_set1_epi32, _mm_shuffle_epi8, _mm_sub_epi8,
    _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
};

use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

use super::decode::{decode, decode_characters};
use super::{Run, Scan, TENS, Task, Words};

/// Runs `task` with AVX2, or with SSE2, which every x86-64 has.
#[inline(always)]
pub(super) fn with_best<T: Task>(task: T) -> T::Output {
    if has_avx2() {
        // SAFETY: the features were detected.
        unsafe { with_avx2(task) }
    } else {
        task.run(Sse2)
    }
}

/// Whether the processor has what [`Avx2`] stands for. Asked once, for short documents' sake.
#[inline]
fn has_avx2() -> bool {
    const YES: u8 = 1;
    const NO: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(0);
    #[cold]
    fn detect() -> bool {
        let detected = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt");
        KNOWN.store(if detected { YES } else { NO }, Ordering::Relaxed);
        detected
    }
    match KNOWN.load(Ordering::Relaxed) {
        YES => true,
        NO => false,
        _ => detect(),
    }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn with_avx2<T: Task>(task: T) -> T::Output {
    // SAFETY: this function's own features are those that the token stands for.
    task.run(unsafe { Avx2::new() })
}

/// 16 bytes at a time.
#[derive(Clone, Copy)]
pub(super) struct Sse2;

/// 32 bytes at a time; exists only where AVX2 does.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// # Safety
    /// The processor has AVX2, BMI1, BMI2, LZCNT and POPCNT.
    unsafe fn new() -> Self {
        Self(())
    }
}

/// Adds the first `count` bytes of a block.
#[inline(always)]
fn append<const WIDTH: usize>(to: &mut Vec<u8>, block: &[u8; WIDTH], count: usize) {
    to.reserve(WIDTH);
    // SAFETY: there is room for the whole block, of which that many bytes at most count.
    unsafe {
        to.as_mut_ptr().add(to.len()).cast::<[u8; WIDTH]>().write(*block);
        to.set_len(to.len() + count.min(WIDTH));
    }
}

macro_rules! scan_blocks {
    ($width:literal) => {
        #[inline(always)]
        fn plain(self, data: &[u8], start: usize) -> Run {
            let (mut pos, mut ascii) = (start, true);
            while let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<$width>()) {
                let (stops, high) = self.specials(block);
                if stops != 0 {
                    let before = stops ^ stops.wrapping_sub(1);
                    let end = pos + stops.trailing_zeros() as usize;
                    return Run { end, ascii: ascii && high & before == 0 };
                }
                ascii &= high == 0;
                pos += $width;
            }
            let rest = Words.plain_outlined(data, pos);
            Run { ascii: ascii && rest.ascii, ..rest }
        }

        #[inline(always)]
        fn plain_into(self, data: &[u8], start: usize, to: &mut Vec<u8>) -> Run {
            let (mut pos, mut ascii) = (start, true);
            while let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<$width>()) {
                let (stops, high) = self.specials(block);
                if stops != 0 {
                    let before = stops ^ stops.wrapping_sub(1);
                    let count = stops.trailing_zeros() as usize;
                    append(to, block, count);
                    return Run { end: pos + count, ascii: ascii && high & before == 0 };
                }
                append(to, block, $width);
                ascii &= high == 0;
                pos += $width;
            }
            let rest = Words.plain_into(data, pos, to);
            Run { ascii: ascii && rest.ascii, ..rest }
        }

        #[inline(always)]
        fn whitespace(self, data: &[u8], start: usize) -> usize {
            let mut pos = start;
            while let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<$width>()) {
                let stops = self.not_white(block);
                if stops != 0 {
                    return pos + stops.trailing_zeros() as usize;
                }
                pos += $width;
            }
            Words.whitespace(data, pos)
        }
    };
}

impl Sse2 {
    /// A bit for each byte that ends a plain stretch, and one for each that is not ASCII.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    fn specials(self, block: &[u8; 16]) -> (u32, u32) {
        // SAFETY: SSE2 belongs to x86-64; the load reads the 16 bytes of `block`.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().cast::<__m128i>());
            let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
            let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
            let last_control = _mm_set1_epi8(0x1f);
            let control = _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control);
            let stops = _mm_or_si128(_mm_or_si128(quote, backslash), control);
            (_mm_movemask_epi8(stops) as u32, _mm_movemask_epi8(bytes) as u32)
        }
    }

    /// A bit for each byte that is not whitespace.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    fn not_white(self, block: &[u8; 16]) -> u32 {
        // SAFETY: SSE2 belongs to x86-64; the load reads the 16 bytes of `block`.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().cast::<__m128i>());
            let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte.cast_signed()));
            let white =
                _mm_or_si128(_mm_or_si128(is(b' '), is(b'\n')), _mm_or_si128(is(b'\r'), is(b'\t')));
            !(_mm_movemask_epi8(white) as u32) & 0xffff
        }
    }
}

impl Scan for Sse2 {
    scan_blocks!(16);

    #[inline(never)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn digits(self, data: &[u8], start: usize, value: u64) -> (u64, usize) {
        Words.digits(data, start, value)
    }

    #[inline(never)]
    fn plain_outlined(self, data: &[u8], start: usize) -> Run {
        self.plain(data, start)
    }
}

impl Avx2 {
    /// A bit for each byte that ends a plain stretch, and one for each that is not ASCII.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    fn specials(self, block: &[u8; 32]) -> (u32, u32) {
        // SAFETY: an `Avx2` exists only where AVX2 does; the load reads the 32 bytes of `block`.
        unsafe {
            let bytes = _mm256_loadu_si256(block.as_ptr().cast::<__m256i>());
            let quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'"'.cast_signed()));
            let backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\\'.cast_signed()));
            let last_control = _mm256_set1_epi8(0x1f);
            let control = _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last_control), last_control);
            let stops = _mm256_or_si256(_mm256_or_si256(quote, backslash), control);
            (_mm256_movemask_epi8(stops) as u32, _mm256_movemask_epi8(bytes) as u32)
        }
    }

    /// A bit for each byte that is not whitespace.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    fn not_white(self, block: &[u8; 32]) -> u32 {
        const SPACE: i8 = b' '.cast_signed();
        // SAFETY: an `Avx2` exists only where AVX2 does; the load reads the 32 bytes of `block`.
        unsafe {
            let bytes = _mm256_loadu_si256(block.as_ptr().cast::<__m256i>());
            // The whitespace character with the same low four bits, or one that is not equal.
            let table = _mm256_setr_epi8(
                SPACE, 0, 0, 0, 0, 0, 0, 0, 0, 9, 10, 0, 0, 13, 0, 0, //
                SPACE, 0, 0, 0, 0, 0, 0, 0, 0, 9, 10, 0, 0, 13, 0, 0,
            );
            let white = _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(table, bytes));
            !(_mm256_movemask_epi8(white) as u32)
        }
    }
}

/// Sixteen indices of "nothing", then those of sixteen bytes: read from index `n` on, it moves the
/// first `n` bytes to the end.
static TO_THE_END: [u8; 32] = {
    let mut indices = [0x80; 32];
    let mut index = 0;
    while index < 16 {
        indices[16 + index as usize] = index;
        index += 1;
    }
    indices
};

impl Avx2 {
    /// How many digits `block` begins with, and their number.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits, and a number that was unsigned")]
    fn leading_digits(self, block: &[u8; 16]) -> (usize, u64) {
        // SAFETY: an `Avx2` exists only where AVX2 and what is older do; the loads read the 16
        // bytes of `block` and 16 of the 32 bytes of the table, from an index of at most 16 on.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().cast::<__m128i>());
            let digits = _mm_sub_epi8(bytes, _mm_set1_epi8(b'0'.cast_signed()));
            let nine = _mm_set1_epi8(9);
            let is_digit = _mm_cmpeq_epi8(_mm_max_epu8(digits, nine), nine);
            let count = (!(_mm_movemask_epi8(is_digit) as u32)).trailing_zeros() as usize;
            let indices = _mm_loadu_si128(TO_THE_END.as_ptr().add(count).cast::<__m128i>());
            let aligned = _mm_shuffle_epi8(digits, indices);
            let twos = _mm_maddubs_epi16(aligned, _mm_set1_epi16(0x010a));
            let fours = _mm_madd_epi16(twos, _mm_set1_epi32(0x0001_0064));
            let packed = _mm_packus_epi32(fours, fours);
            let eights = _mm_madd_epi16(packed, _mm_set1_epi32(0x0001_2710));
            let both = _mm_cvtsi128_si64(eights) as u64;
            (count, (both & 0xffff_ffff) * 100_000_000 + (both >> 32))
        }
    }
}

impl Scan for Avx2 {
    scan_blocks!(32);

    #[inline(never)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        // SAFETY: an `Avx2` exists only where these features do.
        unsafe { with_avx2(task) }
    }

    #[inline(always)]
    fn digits(self, data: &[u8], start: usize, mut value: u64) -> (u64, usize) {
        let mut pos = start;
        while let Some(block) = data.get(pos..).and_then(|rest| rest.first_chunk::<16>()) {
            let (count, number) = self.leading_digits(block);
            value = value.wrapping_mul(TENS[count]).wrapping_add(number);
            pos += count;
            if count < 16 {
                return (value, pos);
            }
        }
        Words.digits(data, pos, value)
    }

    #[inline]
    fn decode(self, data: &[u8], string: Range<usize>, to: &mut Vec<u16>) -> bool {
        // SAFETY: an `Avx2` exists only where these features do.
        unsafe { decode(data, string, to) }
    }

    #[inline]
    fn decode_characters(self, data: &[u8], string: Range<usize>, to: &mut Vec<u32>) -> bool {
        // SAFETY: an `Avx2` exists only where these features do.
        unsafe { decode_characters(data, string, to) }
    }

    #[inline(never)]
    fn plain_outlined(self, data: &[u8], start: usize) -> Run {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
        fn plain(scan: Avx2, data: &[u8], start: usize) -> Run {
            scan.plain(data, start)
        }
        // SAFETY: an `Avx2` exists only where these features do.
        unsafe { plain(self, data, start) }
    }
}
