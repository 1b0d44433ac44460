//! Copying text up to the first character that must be escaped, in one pass.
#![expect(unsafe_code, reason = "vector stores into capacity that is not initialized")]
#![cfg_attr(
    target_arch = "x86_64",
    expect(clippy::cast_ptr_alignment, reason = "loads and stores for unaligned addresses")
)]

use std::mem::MaybeUninit;

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

/// Copies `bytes` to the start of `room` up to the first of `stops`; returns how many that are.
///
/// # Panics
/// If `room` does not have [`SLACK`] more bytes than `bytes`.
#[inline(always)]
pub(super) fn copy_until(bytes: &[u8], room: &mut [MaybeUninit<u8>], stops: Stops) -> usize {
    assert!(room.len() >= bytes.len() + SLACK, "no room for what copying may touch");
    if bytes.len() < BLOCK {
        return copy_short(bytes, room, stops);
    }
    let mut pos = 0;
    // SAFETY: each block begins at least `BLOCK` bytes before the end of `bytes`, and the room is
    // longer than `bytes`.
    unsafe {
        while pos + BLOCK <= bytes.len() {
            let found = copy_block(bytes.as_ptr().add(pos), room.as_mut_ptr().add(pos), stops);
            if found != 0 {
                return pos + found.trailing_zeros() as usize;
            }
            pos += BLOCK;
        }
        if pos < bytes.len() {
            // The last block overlaps the one before it, in which there was nothing to find.
            pos = bytes.len() - BLOCK;
            let found = copy_block(bytes.as_ptr().add(pos), room.as_mut_ptr().add(pos), stops);
            if found != 0 {
                return pos + found.trailing_zeros() as usize;
            }
        }
    }
    bytes.len()
}

/// The same for less than a block: as two words at most, that may overlap.
#[inline(always)]
fn copy_short(bytes: &[u8], room: &mut [MaybeUninit<u8>], stops: Stops) -> usize {
    let Some(&first) = bytes.first_chunk::<8>() else {
        let word = short_word(bytes);
        fill(&mut room[..8], &word.to_le_bytes());
        return first_stop(word, stops).min(bytes.len());
    };
    let last = bytes.last_chunk::<8>().expect("as long as the first");
    fill(&mut room[..8], &first);
    fill(&mut room[bytes.len() - 8..bytes.len()], last);
    let stop = first_stop(u64::from_le_bytes(first), stops);
    if stop < 8 {
        return stop;
    }
    bytes.len() - 8 + first_stop(u64::from_le_bytes(*last), stops)
}

/// Fewer than eight bytes as the lower ones of a word.
#[inline(always)]
fn short_word(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if let (Some(&first), Some(&last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let last = u64::from(u32::from_le_bytes(last)) << (8 * (length - 4));
        return u64::from(u32::from_le_bytes(first)) | last;
    }
    match *bytes {
        [a, b, c] => u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]),
        [a, b] => u64::from_le_bytes([a, b, 0, 0, 0, 0, 0, 0]),
        [a] => u64::from(a),
        _ => 0,
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGH: u64 = ONES << 7;

/// The index of the first stop among the bytes of a word, the lowest being the first; or 8.
#[inline(always)]
fn first_stop(word: u64, stops: Stops) -> usize {
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = zero(word ^ (ONES * u64::from(b'"')));
    let backslash = zero(word ^ (ONES * u64::from(b'\\')));
    let mut found = control | quote | backslash;
    if stops == Stops::SpecialAndBeyondAscii {
        found |= word | zero(word ^ (ONES * 0x7f));
    }
    (found & HIGH).trailing_zeros() as usize / 8
}

/// Copies `bytes` to `room`, which is as long.
#[inline(always)]
pub(super) fn fill(room: &mut [MaybeUninit<u8>], bytes: &[u8]) {
    assert_eq!(room.len(), bytes.len(), "as much room as bytes");
    // SAFETY: both are as long, and a borrowed slice and a mutably borrowed one do not overlap.
    unsafe {
        room.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
}

const BLOCK: usize = 16;

/// Copies a block and returns a bit for each stop in it, the first in the lowest.
///
/// # Safety
/// A block can be read from `from` and written to `to`.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[expect(clippy::cast_sign_loss, reason = "a mask of bits")]
unsafe fn copy_block(from: *const u8, to: *mut MaybeUninit<u8>, stops: Stops) -> u32 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_loadu_si128, _mm_max_epu8, _mm_movemask_epi8,
        _mm_or_si128, _mm_set1_epi8, _mm_storeu_si128,
    };
    // SAFETY: SSE2 belongs to x86-64; the caller vouches for the pointers.
    unsafe {
        let bytes = _mm_loadu_si128(from.cast::<__m128i>());
        _mm_storeu_si128(to.cast::<__m128i>(), bytes);
        let quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"'.cast_signed()));
        let backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\'.cast_signed()));
        let control = if stops == Stops::SpecialAndBeyondAscii {
            // As signed numbers, what is beyond ASCII is below zero.
            let printable = _mm_cmpgt_epi8(bytes, _mm_set1_epi8(0x1f));
            let del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
            let not = _mm_cmpeq_epi8(printable, _mm_set1_epi8(0));
            _mm_or_si128(not, del)
        } else {
            let last_control = _mm_set1_epi8(0x1f);
            _mm_cmpeq_epi8(_mm_max_epu8(bytes, last_control), last_control)
        };
        _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, backslash), control)) as u32
    }
}

/// Copies a block and returns a bit for each stop in it, the first in the lowest.
///
/// # Safety
/// A block can be read from `from` and written to `to`.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn copy_block(from: *const u8, to: *mut MaybeUninit<u8>, stops: Stops) -> u32 {
    // SAFETY: the caller vouches for the pointers; an array of bytes has no alignment.
    let block = unsafe { from.cast::<[u8; BLOCK]>().read() };
    // SAFETY: as above.
    unsafe { to.cast::<[u8; BLOCK]>().write(block) };
    let bits = block.iter().enumerate().map(|(i, &b)| u32::from(stops.contains(b)) << i);
    bits.fold(0, |all, bit| all | bit)
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
        ) {
            let bytes = [plain, end].concat();
            for stops in [Stops::Special, Stops::SpecialAndBeyondAscii] {
                let first = bytes.iter().position(|&b| stops.contains(b)).unwrap_or(bytes.len());
                let mut room = vec![MaybeUninit::new(0); bytes.len() + SLACK];
                prop_assert_eq!(copy_until(&bytes, &mut room, stops), first);
                // SAFETY: it was initialized at once.
                let copied = room[..first].iter().map(|b| unsafe { b.assume_init() });
                prop_assert_eq!(&copied.collect::<Vec<_>>()[..], &bytes[..first]);
            }
        }
    }
}
