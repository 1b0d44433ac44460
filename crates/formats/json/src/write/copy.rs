//! Copying text up to the first character that must be escaped, in one pass.
#![expect(unsafe_code, reason = "vector stores into capacity that is not initialized")]

/// Bytes of room that copying may touch behind the last one that it copies.
pub(super) const SLACK: usize = 32;

/// What copying stops at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stops {
    /// Quotes, backslashes and control characters.
    Special,
    /// Those, and whatever is not a printable ASCII character.
    SpecialAndBeyondAscii,
}

impl Stops {
    /// Whether `byte` is one.
    pub(super) fn contains(self, byte: u8) -> bool {
        let beyond = self == Stops::SpecialAndBeyondAscii && byte >= 0x7f;
        byte < 0x20 || byte == b'"' || byte == b'\\' || beyond
    }
}

/// Copies `bytes` to `to` up to the first of `stops`; returns how many that are.
///
/// # Safety
/// As many bytes as `bytes` has, and [`SLACK`], can be written to `to`.
#[inline(always)]
pub(super) unsafe fn copy_until(bytes: &[u8], to: *mut u8, stops: Stops) -> usize {
    let length = bytes.len();
    let from = bytes.as_ptr();
    // SAFETY: what is read lies between `from` and `from + length`, as each branch's condition
    // says; what is written lies no more than `SLACK` behind that.
    unsafe {
        if length < 4 {
            return copy_few(bytes, to, stops);
        }
        if length < 8 {
            let (first, last) = (word::<4>(from), word::<4>(from.add(length - 4)));
            store::<8>(to, first);
            store::<4>(to.add(length - 4), last);
            return halves(simd::stops_in([first | last << 32, 0], stops) & 0xff, 4, length);
        }
        if length < 16 {
            let (first, last) = (word::<8>(from), word::<8>(from.add(length - 8)));
            store::<8>(to, first);
            store::<8>(to.add(length - 8), last);
            return halves(simd::stops_in([first, last], stops), 8, length);
        }
        copy_blocks(from, length, to, stops)
    }
}

/// The index of the first stop among two overlapping halves of `length` bytes.
#[inline(always)]
fn halves(found: u32, half: usize, length: usize) -> usize {
    if found == 0 {
        return length;
    }
    let index = found.trailing_zeros() as usize;
    if index < half { index } else { length + index - 2 * half }
}

/// # Safety
/// As that of [`copy_until`].
#[inline(always)]
unsafe fn copy_few(bytes: &[u8], to: *mut u8, stops: Stops) -> usize {
    let length = bytes.len();
    if length == 0 {
        return 0;
    }
    // Three bytes that may be one and the same.
    let byte = |index: usize| u64::from(bytes[index]) << (8 * index);
    let all = byte(0) | byte(length / 2) | byte(length - 1);
    // SAFETY: four bytes are within the slack.
    unsafe { store::<4>(to, all) };
    let found = simd::stops_in([all, 0], stops) & ((1 << length) - 1);
    if found == 0 { length } else { found.trailing_zeros() as usize }
}

/// # Safety
/// `length` bytes can be read from `from`, at least 16, and `length + SLACK` be written to `to`.
#[inline(always)]
unsafe fn copy_blocks(from: *const u8, length: usize, to: *mut u8, stops: Stops) -> usize {
    // SAFETY: each block begins at least its size before the end.
    unsafe {
        let mut pos = 0;
        while pos + simd::BLOCK <= length {
            let found = simd::copy_block(from.add(pos), to.add(pos), stops);
            if found != 0 {
                return pos + found.trailing_zeros() as usize;
            }
            pos += simd::BLOCK;
        }
        // The last block overlaps the one before it, in which there was nothing to find.
        pos = length - simd::BLOCK;
        let found = simd::copy_block(from.add(pos), to.add(pos), stops);
        if found == 0 { length } else { pos + found.trailing_zeros() as usize }
    }
}

/// # Safety
/// `N` bytes can be read from `from`.
#[inline(always)]
unsafe fn word<const N: usize>(from: *const u8) -> u64 {
    // SAFETY: an array of bytes has no alignment.
    let bytes = unsafe { from.cast::<[u8; N]>().read() };
    let mut word = [0; 8];
    word[..N].copy_from_slice(&bytes);
    u64::from_le_bytes(word)
}

/// # Safety
/// `N` bytes can be written to `to`.
#[inline(always)]
unsafe fn store<const N: usize>(to: *mut u8, word: u64) {
    let bytes = word.to_le_bytes();
    // SAFETY: an array of bytes has no alignment.
    unsafe { to.cast::<[u8; N]>().write(*bytes.first_chunk().expect("at most eight")) };
}

#[cfg(target_arch = "x86_64")]
mod simd {
    //! 16 bytes at a time with SSE2, which every x86-64 has.
    #![expect(clippy::cast_ptr_alignment, reason = "loads and stores for unaligned addresses")]

    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8,
        _mm_or_si128, _mm_set_epi64x, _mm_set1_epi8, _mm_storeu_si128,
    };

    use super::Stops;

    pub(super) const BLOCK: usize = 16;

    /// Copies a block and returns a bit for each stop in it, the first in the lowest.
    ///
    /// # Safety
    /// A block can be read from `from` and written to `to`.
    #[inline(always)]
    pub(super) unsafe fn copy_block(from: *const u8, to: *mut u8, stops: Stops) -> u32 {
        // SAFETY: SSE2 belongs to x86-64; the caller answers for the pointers.
        unsafe {
            let bytes = _mm_loadu_si128(from.cast::<__m128i>());
            _mm_storeu_si128(to.cast::<__m128i>(), bytes);
            mask(bytes, stops)
        }
    }

    /// A bit for each stop among the bytes of two words, the first in the lowest.
    #[inline(always)]
    pub(super) fn stops_in(words: [u64; 2], stops: Stops) -> u32 {
        // SAFETY: SSE2 belongs to x86-64.
        unsafe { mask(_mm_set_epi64x(words[1].cast_signed(), words[0].cast_signed()), stops) }
    }

    /// # Safety
    /// None but SSE2, which belongs to x86-64.
    #[inline(always)]
    #[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
    unsafe fn mask(bytes: __m128i, stops: Stops) -> u32 {
        // SAFETY: as this function's.
        unsafe {
            let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
            let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
            let others = if stops == Stops::SpecialAndBeyondAscii {
                // As signed numbers, what is beyond ASCII is below zero.
                let below = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
                _mm_or_si128(below, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)))
            } else {
                let last_control = _mm_set1_epi8(0x1f);
                _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control)
            };
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), others)) as u32
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod simd {
    //! Plain loops, which compilers turn into what vectors they have.

    use super::Stops;

    pub(super) const BLOCK: usize = 16;

    /// Copies a block and returns a bit for each stop in it, the first in the lowest.
    ///
    /// # Safety
    /// A block can be read from `from` and written to `to`.
    #[inline(always)]
    pub(super) unsafe fn copy_block(from: *const u8, to: *mut u8, stops: Stops) -> u32 {
        // SAFETY: the caller answers for the pointers; an array of bytes has no alignment.
        let block = unsafe { from.cast::<[u8; BLOCK]>().read() };
        // SAFETY: as above.
        unsafe { to.cast::<[u8; BLOCK]>().write(block) };
        mask(block, stops)
    }

    /// A bit for each stop among the bytes of two words, the first in the lowest.
    #[inline(always)]
    pub(super) fn stops_in(words: [u64; 2], stops: Stops) -> u32 {
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&words[0].to_le_bytes());
        block[8..].copy_from_slice(&words[1].to_le_bytes());
        mask(block, stops)
    }

    fn mask(block: [u8; BLOCK], stops: Stops) -> u32 {
        let bits = block.iter().enumerate().map(|(i, &b)| u32::from(stops.contains(b)) << i);
        bits.fold(0, |all, bit| all | bit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn copies_up_to_the_first_stop(
            plain in prop::collection::vec(b'a'..=b'z', 0..80),
            end in prop::collection::vec(any::<u8>(), 0..20),
            cut in 0..100usize,
        ) {
            let mut bytes = [plain, end].concat();
            bytes.truncate(cut);
            for stops in [Stops::Special, Stops::SpecialAndBeyondAscii] {
                let first = bytes.iter().position(|&b| stops.contains(b)).unwrap_or(bytes.len());
                let mut room = vec![0; bytes.len() + SLACK];
                // SAFETY: there is as much room as it takes.
                let copied = unsafe { copy_until(&bytes, room.as_mut_ptr(), stops) };
                prop_assert_eq!(copied, first);
                prop_assert_eq!(&room[..first], &bytes[..first]);
            }
        }
    }
}
