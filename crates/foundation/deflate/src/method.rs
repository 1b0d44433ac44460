//! How a piece is best compressed, by what a part of it is like.

use crate::compressor::packed_size;
use crate::literals;

/// The level that stands for the quickest one that makes files about as small as NumPy's.
pub const BALANCED: u8 = 0;

/// The level of data that all levels make equally small.
const FAST: u8 = 2;

/// The level of other data.
const SMALL: u8 = 5;

/// The level of data that become very small, in which longer searches find more.
const SMALLEST: u8 = 7;

/// Bytes out of a piece that tell what it is like: a match reaches back half as far.
const SAMPLE: usize = 1 << 16;

/// The same of a small piece.
const QUICK_SAMPLE: usize = 1 << 13;

/// Pieces below this size are compressed well rather than tried.
const WORTH_A_SAMPLE: usize = 1 << 13;

/// How a piece is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Without a search for bytes that came before.
    Literals,
    /// By libdeflate, at one of its levels.
    Matches(u8),
}

/// The quickest method that makes a piece about as small as NumPy does, by what a part of it is like; of a
/// level that was asked for, just that.
pub(crate) fn method_for(piece: &[u8], level: u8) -> Method {
    if level != BALANCED {
        return Method::Matches(level);
    }
    if piece.len() < WORTH_A_SAMPLE {
        return Method::Matches(SMALLEST);
    }
    let sample = sample_of(piece, SAMPLE);
    let fast = packed_size(sample, FAST);
    if literals::are_enough(piece, sample, fast) {
        return Method::Literals;
    }
    // What hardly becomes smaller does so at no level.
    let small = if fast < sample.len() / 8 { SMALLEST } else { SMALL };
    let is_worth_more = fast < sample.len() / 2 && packed_size(sample, small) < fast / 100 * 97;
    Method::Matches(if is_worth_more { small } else { FAST })
}

/// The quickest method that makes bytes of one weight about as small as libdeflate does at a level.
pub(crate) fn quick_method(plane: &[u8], level: u8) -> Method {
    let sample = sample_of(plane, QUICK_SAMPLE);
    if literals::are_all_alike(plane, sample) && !repeats(plane) {
        return Method::Literals;
    }
    if plane.len() < WORTH_A_SAMPLE {
        return Method::Matches(level);
    }
    let fast = level.min(FAST);
    let size = packed_size(sample, fast);
    if size < sample.len() / 2 {
        return Method::Matches(level); // a longer search finds more
    }
    // Where matches pay in few bytes, they do in all; if not, more may tell.
    let more = sample_of(plane, (plane.len() / 8).clamp(QUICK_SAMPLE, SAMPLE));
    let are_enough = literals::are_enough(plane, sample, size)
        && (more.len() == sample.len()
            || literals::are_enough(plane, more, packed_size(more, fast)))
        && !repeats(plane);
    if are_enough { Method::Literals } else { Method::Matches(fast) }
}

/// The bytes in the middle.
fn sample_of(piece: &[u8], most: usize) -> &[u8] {
    let start = (piece.len() / 2).min(piece.len().saturating_sub(most));
    &piece[start..piece.len().min(start + most)]
}

/// Whether what comes in a piece has often come before, farther back than a small sample tells.
fn repeats(piece: &[u8]) -> bool {
    const STEP: usize = 8;
    const EVERY: usize = 8;
    let words = piece.as_chunks::<STEP>().0;
    let word_at = |at: usize| {
        let bytes = piece.get(at..at + STEP).and_then(|bytes| bytes.first_chunk::<STEP>());
        bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    // Where a word is kept, and what tells it from others that are kept there.
    let hash = |word: u64| {
        let hash = word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let [_, _, a, b, c, d, low, high] = hash;
        (usize::from(u16::from_le_bytes([low, high]) >> 4), u32::from_le_bytes([a, b, c, d]))
    };
    let mut before = [0_u32; 1 << 12];
    let (mut looked, mut found) = (0, 0);
    for (at, word) in words.iter().enumerate() {
        // One of the next places begins like a word that was kept, if all of them come again.
        if at % EVERY == 0 && at > 0 {
            looked += 1;
            let is_here = |place: usize| {
                let (slot, mark) = hash(word_at(place));
                before[slot] == mark
            };
            found += usize::from((at * STEP..(at + 1) * STEP).any(is_here));
        }
        let (slot, mark) = hash(u64::from_le_bytes(*word));
        before[slot] = mark;
    }
    found > looked / 16
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pieces::PIECE;

    /// Numbers that look random.
    pub(crate) fn noise(count: usize) -> impl Iterator<Item = u8> {
        let mut state = 1_u64;
        (0..count).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_le_bytes()[6]
        })
    }

    #[test]
    fn methods_follow_what_a_piece_is_like() {
        let bytes: Vec<u8> = noise(PIECE / 4 * 3).collect();
        let floats = bytes.chunks_exact(3).flat_map(|three| [three[0], three[1], three[2], 60]);
        let floats: Vec<u8> = floats.collect();
        let steps: Vec<u8> = (0..PIECE as u64 / 8).flat_map(u64::to_le_bytes).collect();
        let few: Vec<u8> =
            noise(PIECE / 8).flat_map(|byte| [byte % 10, 0, 0, 0, 0, 0, 0, 0]).collect();
        let again = noise(20_000).collect::<Vec<_>>().repeat(PIECE / 20_000);
        let half = [&floats[..PIECE / 2], &vec![0; PIECE / 2]].concat();
        let integers = bytes.chunks_exact(2).flat_map(|two| [two[0], two[1] & 3, 0, 0]);
        let integers: Vec<u8> = integers.take(PIECE).collect();
        let pieces = [&floats, &steps, &few, &again, &half, &integers];
        let methods = pieces.map(|piece| method_for(piece, BALANCED));
        let [fast, small, smallest] = [FAST, SMALL, SMALLEST].map(Method::Matches);
        assert_eq!(methods, [Method::Literals, fast, smallest, fast, fast, small]);
        assert_eq!(method_for(&floats, 9), Method::Matches(9));
    }
}
