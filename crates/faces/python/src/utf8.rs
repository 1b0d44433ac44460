//! Valid UTF-8, in which surrogates may occur too: measured, and decoded into units of any width.

/// What there is in a text.
pub(crate) struct Measure {
    /// Its largest byte, which tells the widest character.
    pub(crate) largest: u8,
    /// How many characters it has.
    pub(crate) characters: usize,
}

/// Looks through a whole text.
#[inline]
pub(crate) fn measure(bytes: &[u8]) -> Measure {
    #[cfg(target_arch = "x86_64")]
    if bytes.len() >= 64 && is_x86_feature_detected!("avx2") {
        // SAFETY: just asked.
        return unsafe { vectors::measure(bytes) };
    }
    measure_blocks(bytes)
}

fn measure_blocks(bytes: &[u8]) -> Measure {
    let (blocks, rest) = bytes.as_chunks();
    let mut tally = Tally::default();
    for block in blocks {
        tally.add(block);
    }
    if !rest.is_empty() {
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        tally.add(&last);
    }
    let (largest, continuations) = tally.totals();
    Measure { largest, characters: bytes.len() - continuations }
}

#[cfg(target_arch = "x86_64")]
mod tally {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi64, _mm_and_si128, _mm_cmplt_epi8, _mm_cvtsi128_si64, _mm_loadu_si128,
        _mm_max_epu8, _mm_sad_epu8, _mm_set1_epi8, _mm_setzero_si128, _mm_srli_si128,
    };

    /// The largest byte at each place of blocks, and how many continue characters.
    pub(super) struct Tally {
        largest: __m128i,
        continuations: __m128i,
    }

    impl Default for Tally {
        fn default() -> Self {
            // SAFETY: SSE2 belongs to x86-64.
            unsafe { Self { largest: _mm_setzero_si128(), continuations: _mm_setzero_si128() } }
        }
    }

    impl Tally {
        #[inline(always)]
        pub(super) fn add(&mut self, block: &[u8; 16]) {
            // SAFETY: SSE2 belongs to x86-64; the load reads the 16 bytes of `block`.
            unsafe {
                let bytes = _mm_loadu_si128(block.as_ptr().cast());
                self.largest = _mm_max_epu8(self.largest, bytes);
                let continues = _mm_cmplt_epi8(bytes, _mm_set1_epi8(-64));
                let ones = _mm_and_si128(continues, _mm_set1_epi8(1));
                let sums = _mm_sad_epu8(ones, _mm_setzero_si128());
                self.continuations = _mm_add_epi64(self.continuations, sums);
            }
        }

        #[inline(always)]
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "bytes, sums")]
        pub(super) fn totals(&self) -> (u8, usize) {
            // SAFETY: SSE2 belongs to x86-64.
            unsafe {
                let mut largest = self.largest;
                largest = _mm_max_epu8(largest, _mm_srli_si128::<8>(largest));
                largest = _mm_max_epu8(largest, _mm_srli_si128::<4>(largest));
                largest = _mm_max_epu8(largest, _mm_srli_si128::<2>(largest));
                largest = _mm_max_epu8(largest, _mm_srli_si128::<1>(largest));
                let sums = self.continuations;
                let upper = _mm_cvtsi128_si64(_mm_srli_si128::<8>(sums)) as usize;
                (_mm_cvtsi128_si64(largest) as u8, upper + _mm_cvtsi128_si64(sums) as usize)
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod tally {
    /// The largest byte of blocks, and how many continue characters.
    #[derive(Default)]
    pub(super) struct Tally {
        largest: u8,
        continuations: usize,
    }

    impl Tally {
        pub(super) fn add(&mut self, block: &[u8; 16]) {
            self.largest = block.iter().fold(self.largest, |largest, &byte| largest.max(byte));
            self.continuations += block.iter().filter(|&&byte| byte & 0xc0 == 0x80).count();
        }

        pub(super) fn totals(&self) -> (u8, usize) {
            (self.largest, self.continuations)
        }
    }
}

use tally::Tally;

/// A unit of a string's memory.
pub(crate) trait Unit: Copy {
    /// The unit for a character that fits.
    fn from_character(character: u32) -> Self;

    /// Decodes the next eight characters if each takes three bytes.
    ///
    /// # Safety
    /// The processor has AVX2; 32 bytes can be read from `from`, which are valid, and if so many
    /// characters are left, eight units be written to `to`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn eight_of_three_bytes(_to: *mut Self, _from: *const u8) -> bool {
        false
    }

    /// Writes 32 bytes as that many units.
    ///
    /// # Safety
    /// The processor has AVX2, and that many units can be written to `to`.
    #[cfg(target_arch = "x86_64")]
    unsafe fn widen(to: *mut Self, bytes: std::arch::x86_64::__m256i);
}

#[expect(clippy::cast_possible_truncation, reason = "the width holds the widest character")]
impl Unit for u8 {
    #[inline(always)]
    fn from_character(character: u32) -> Self {
        character as u8
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen(to: *mut Self, bytes: std::arch::x86_64::__m256i) {
        // SAFETY: the caller's promise.
        unsafe { vectors::store_bytes(to, bytes) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the width holds the widest character")]
impl Unit for u16 {
    #[inline(always)]
    fn from_character(character: u32) -> Self {
        character as u16
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn eight_of_three_bytes(to: *mut Self, from: *const u8) -> bool {
        // SAFETY: the caller's promise.
        unsafe { vectors::eight_of_three_bytes(to, from) }
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen(to: *mut Self, bytes: std::arch::x86_64::__m256i) {
        // SAFETY: the caller's promise.
        unsafe { vectors::store_as_words(to, bytes) }
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn from_character(character: u32) -> Self {
        character
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn widen(to: *mut Self, bytes: std::arch::x86_64::__m256i) {
        // SAFETY: the caller's promise.
        unsafe { vectors::store_as_double_words(to, bytes) }
    }
}

/// Decodes all of `bytes`.
///
/// # Safety
/// They are valid, and as many units as they have characters can be written to `to`.
pub(crate) unsafe fn fill<U: Unit>(to: *mut U, bytes: &[u8]) {
    // SAFETY: the caller's promise, and what the processor has was asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if bytes.len() >= 32 && is_x86_feature_detected!("avx2") {
            return vectors::fill(to, bytes);
        }
        fill_with::<U, false>(to, bytes);
    }
}

/// # Safety
/// As for [`fill`]; `VECTORS` says that the processor has AVX2.
#[inline(always)]
unsafe fn fill_with<U: Unit, const VECTORS: bool>(mut to: *mut U, bytes: &[u8]) {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let mut from = bytes.as_ptr();
    // SAFETY: characters are whole, so that as many bytes can be read as the first one says; a
    // unit is written for each, and no more.
    unsafe {
        let end = from.add(bytes.len());
        while from < end {
            #[cfg(target_arch = "x86_64")]
            if VECTORS && *from < 0x80 {
                while end.offset_from(from) >= 32
                    && let Some(bytes) = vectors::ascii(from)
                {
                    U::widen(to, bytes);
                    (from, to) = (from.add(32), to.add(32));
                }
                if from == end {
                    return;
                }
            }
            let first = *from;
            if (0xe0..0xf0).contains(&first) {
                #[cfg(target_arch = "x86_64")]
                if VECTORS && end.offset_from(from) >= 32 && U::eight_of_three_bytes(to, from) {
                    (from, to) = (from.add(24), to.add(8));
                    continue;
                }
                to.write(U::from_character(three(from)));
                (from, to) = (from.add(3), to.add(1));
            } else if first >= 0x80 {
                let left = end.offset_from(from).cast_unsigned();
                let (character, size) = next_character(std::slice::from_raw_parts(from, left));
                to.write(U::from_character(character));
                (from, to) = (from.add(size), to.add(1));
            } else if end.offset_from(from) >= 16 && from.cast::<[u8; 16]>().read().is_ascii() {
                for (index, &byte) in from.cast::<[u8; 16]>().read().iter().enumerate() {
                    to.add(index).write(U::from_character(u32::from(byte)));
                }
                (from, to) = (from.add(16), to.add(16));
            } else if end.offset_from(from) >= 8 {
                let block = from.cast::<[u8; 8]>().read();
                let high = u64::from_le_bytes(block) & HIGH;
                if high == 0 {
                    for (index, &byte) in block.iter().enumerate() {
                        to.add(index).write(U::from_character(u32::from(byte)));
                    }
                    (from, to) = (from.add(8), to.add(8));
                    continue;
                }
                let run = high.trailing_zeros() as usize / 8;
                for &byte in &block[..run] {
                    to.write(U::from_character(u32::from(byte)));
                    to = to.add(1);
                }
                from = from.add(run);
            } else {
                to.write(U::from_character(u32::from(first)));
                (from, to) = (from.add(1), to.add(1));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm_packus_epi32, _mm_srli_si128, _mm_storeu_si128,
        _mm256_add_epi64, _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi8,
        _mm256_cmpgt_epi8, _mm256_cvtepu8_epi16, _mm256_cvtepu8_epi32, _mm256_extracti128_si256,
        _mm256_loadu_si256, _mm256_max_epu8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_sad_epu8, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi8,
        _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_srli_epi32, _mm256_storeu_si256,
    };

    use super::{Measure, Unit};

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn measure(bytes: &[u8]) -> Measure {
        let (blocks, rest) = bytes.as_chunks::<32>();
        let mut largest = _mm256_setzero_si256();
        let mut continuations = _mm256_setzero_si256();
        for block in blocks {
            // SAFETY: the load reads the 32 bytes of `block`.
            let bytes = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
            largest = _mm256_max_epu8(largest, bytes);
            let continues = _mm256_cmpgt_epi8(_mm256_set1_epi8(-64), bytes);
            let ones = _mm256_and_si256(continues, _mm256_set1_epi8(1));
            let sums = _mm256_sad_epu8(ones, _mm256_setzero_si256());
            continuations = _mm256_add_epi64(continuations, sums);
        }
        let mut all = [[0; 32]; 2];
        // SAFETY: each has room for a block.
        unsafe {
            _mm256_storeu_si256(all[0].as_mut_ptr().cast(), largest);
            _mm256_storeu_si256(all[1].as_mut_ptr().cast(), continuations);
        }
        let sums = all[1].as_chunks::<8>().0.iter().map(|sum| u64::from_le_bytes(*sum));
        let count = usize::try_from(sums.sum::<u64>()).unwrap_or(0);
        let rest = super::measure_blocks(rest);
        Measure {
            largest: all[0].iter().fold(rest.largest, |largest, &byte| largest.max(byte)),
            characters: blocks.len() * 32 - count + rest.characters,
        }
    }

    /// The next 32 bytes, if all are ASCII.
    ///
    /// # Safety
    /// The processor has AVX2, and they can be read.
    #[inline(always)]
    pub(super) unsafe fn ascii(from: *const u8) -> Option<__m256i> {
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm256_loadu_si256(from.cast());
            (_mm256_movemask_epi8(bytes) == 0).then_some(bytes)
        }
    }

    #[inline(always)]
    pub(super) unsafe fn store_bytes(to: *mut u8, bytes: __m256i) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to.cast(), bytes) };
    }

    #[inline(always)]
    pub(super) unsafe fn store_as_words(to: *mut u16, bytes: __m256i) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
            _mm256_storeu_si256(to.cast(), _mm256_cvtepu8_epi16(low));
            _mm256_storeu_si256(to.add(16).cast(), _mm256_cvtepu8_epi16(high));
        }
    }

    #[inline(always)]
    pub(super) unsafe fn store_as_double_words(to: *mut u32, bytes: __m256i) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256::<1>(bytes));
            for (at, eight) in
                [low, _mm_srli_si128::<8>(low), high, _mm_srli_si128::<8>(high)].iter().enumerate()
            {
                _mm256_storeu_si256(to.add(8 * at).cast(), _mm256_cvtepu8_epi32(*eight));
            }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    pub(super) unsafe fn fill<U: Unit>(to: *mut U, bytes: &[u8]) {
        // SAFETY: the caller's promise.
        unsafe { super::fill_with::<U, true>(to, bytes) }
    }

    /// See [`Unit::eight_of_three_bytes`].
    #[inline(always)]
    pub(super) unsafe fn eight_of_three_bytes(to: *mut u16, from: *const u8) -> bool {
        /// A bit for every third byte, eight of them.
        const FIRSTS: i32 = 0x0024_9249;
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = _mm256_loadu_si256(from.cast());
            let class = _mm256_and_si256(bytes, _mm256_set1_epi8(0xf0_u8.cast_signed()));
            let three = _mm256_cmpeq_epi8(class, _mm256_set1_epi8(0xe0_u8.cast_signed()));
            if _mm256_movemask_epi8(three) & FIRSTS != FIRSTS {
                return false;
            }
            // Four characters in each half, and each in four bytes, the last of its three first.
            let halves = _mm256_set_m128i(
                _mm_loadu_si128(from.add(12).cast()),
                _mm_loadu_si128(from.cast()),
            );
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
            _mm_storeu_si128(to.cast(), _mm_packus_epi32(low, high));
        }
        true
    }
}

/// # Safety
/// Three bytes can be read.
#[inline(always)]
unsafe fn three(from: *const u8) -> u32 {
    // SAFETY: the caller's promise.
    let [a, b, c] = unsafe { from.cast::<[u8; 3]>().read() };
    u32::from(a & 0x0f) << 12 | u32::from(b & 0x3f) << 6 | u32::from(c & 0x3f)
}

/// The first character of a text that is not empty, and its size in bytes.
#[inline(always)]
pub(crate) fn next_character(bytes: &[u8]) -> (u32, usize) {
    let tail = |byte: u8| u32::from(byte & 0x3f);
    match *bytes {
        [a, b, c, ..] if (0xe0..0xf0).contains(&a) => {
            (u32::from(a & 0x0f) << 12 | tail(b) << 6 | tail(c), 3)
        }
        [a, b, ..] if (0xc0..0xe0).contains(&a) => (u32::from(a & 0x1f) << 6 | tail(b), 2),
        [a, b, c, d, ..] if a >= 0xf0 => {
            (u32::from(a & 0x07) << 18 | tail(b) << 12 | tail(c) << 6 | tail(d), 4)
        }
        [a, ..] => (u32::from(a), 1),
        [] => (0xfffd, 0),
    }
}
