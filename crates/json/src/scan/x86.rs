//! [`Scan`] on x86-64: 16 bytes at a time anywhere, 32 where AVX2 is found at run time.
#![expect(unsafe_code, reason = "vector loads, and calls into code compiled for AVX2")]
#![expect(clippy::cast_ptr_alignment, reason = "the loads are those for unaligned addresses")]
#![expect(clippy::unused_self, reason = "a token stands for the instructions")]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8,
    _mm_or_si128, _mm_set1_epi8, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_max_epu8,
    _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setr_epi8, _mm256_shuffle_epi8,
};

use super::{Run, Scan, Task, Words};

/// Runs `task` with AVX2, or with SSE2, which every x86-64 has.
#[inline]
pub(super) fn with_best<T: Task>(task: T) -> T::Output {
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the features were detected just now.
        unsafe { with_avx2(task) }
    } else {
        task.run(Sse2)
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

impl Scan for Avx2 {
    scan_blocks!(32);

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
