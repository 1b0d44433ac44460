//! LZF, as h5py writes it.

use cannery_core::Result;

use crate::bytes::malformed;

pub(super) fn decode(data: &[u8], _values: &[u32], most: usize) -> Result<Vec<u8>> {
    // 3 bytes make at most 264.
    let mut out = Vec::with_capacity(most.min(data.len().saturating_mul(88)));
    let ends = || malformed("the stream ends early");
    let mut at = 0;
    while let Some(&control) = data.get(at) {
        at += 1;
        if control < 32 {
            let len = usize::from(control) + 1;
            let run = data.get(at..at + len).ok_or_else(ends)?;
            if out.len() + len > most {
                return Err(super::too_long(most));
            }
            out.extend_from_slice(run);
            at += len;
            continue;
        }
        let mut len = usize::from(control >> 5);
        if len == 7 {
            len += usize::from(*data.get(at).ok_or_else(ends)?);
            at += 1;
        }
        let low = usize::from(*data.get(at).ok_or_else(ends)?);
        at += 1;
        let distance = (usize::from(control & 31) << 8 | low) + 1;
        if out.len() + len + 2 > most {
            return Err(super::too_long(most));
        }
        repeat(&mut out, distance, len + 2)?;
    }
    Ok(out)
}

/// Bits of the table of places where the next bytes were seen last.
const TABLE_BITS: u32 = 14;

/// The longest run of literals, and the longest and farthest match.
const MAX_LITERALS: usize = 32;
const MAX_MATCH: usize = 264;
const MAX_DISTANCE: usize = 1 << 13;

/// How many steps without a match make the next ones longer, as a power of two: more where short
/// matches are looked for, which are soon passed by.
const PATIENCE: [usize; 2] = [8, 5];

/// By how much steps become longer at most: behind what does not repeat may lie what does.
const MAX_SKIP: usize = 16;

/// The bytes of each piece of a chunk that is tried, how many pieces there are at most, about, and in
/// how many bytes there is one.
const PIECE: usize = 4096;
const PIECES: usize = 4;
const PIECE_IN: usize = 1 << 16;

/// Compresses a chunk; nothing if it would not become shorter.
///
/// Matches of four bytes and more are found in a fraction of the time, and are most there is in
/// numbers. Those of three are looked for where others save little.
pub(super) fn encode(data: &[u8]) -> Option<Vec<u8>> {
    let found = encode_with::<4>(data);
    let len = found.as_ref().map_or(data.len(), Vec::len);
    if len < data.len() / 8 * 7 || !short_matches_pay(data, len) {
        return found;
    }
    encode_with::<3>(data).or(found)
}

/// Whether matches of three bytes save a sixteenth of what others have left, in a few pieces.
fn short_matches_pay(data: &[u8], left: usize) -> bool {
    let parts = data.chunks((data.len() / PIECES).max(PIECE_IN));
    let pieces = parts.map(|part| part.get(..PIECE).unwrap_or(part));
    let (all, short) = pieces.fold((0, 0), |(all, short), piece| {
        let found = encode_with::<3>(piece);
        (all + piece.len(), short + found.map_or(piece.len(), |found| found.len()))
    });
    (short as u128 * 16) * (data.len() as u128) < (left as u128 * 15) * (all as u128)
}

fn eight_bytes(data: &[u8], at: usize) -> u64 {
    data[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The next `LEAST` bytes, 3 or 4, above zeros.
fn key<const LEAST: usize>(data: &[u8], at: usize) -> u64 {
    eight_bytes(data, at) << (64 - 8 * LEAST)
}

fn slot(key: u64) -> usize {
    // The key has its bits on top.
    ((key >> 32).wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize & ((1 << TABLE_BITS) - 1)
}

/// The lowest bits of a place: those above follow, for matches reach less far.
fn short_place(at: usize) -> u16 {
    u16::from_le_bytes([at.to_le_bytes()[0], at.to_le_bytes()[1]])
}

/// Compresses with matches of `LEAST` bytes and more, 3 or 4.
fn encode_with<const LEAST: usize>(data: &[u8]) -> Option<Vec<u8>> {
    let mut table = vec![0; 1 << TABLE_BITS];
    let table: &mut [u16; 1 << TABLE_BITS] = table.as_mut_slice().try_into().ok()?;
    let mut out = Output { bytes: vec![0; data.len() + 2 * MAX_LITERALS], len: 0 };
    // The table is of zeros: the first place of all is found in it without being put there.
    let (mut at, mut literals) = (1, 0);
    // Eight bytes are looked at, of which three or four count.
    let last = data.len().saturating_sub(8);
    while at < last {
        let key_here = key::<LEAST>(data, at);
        let before = &mut table[slot(key_here)];
        let distance = usize::from(short_place(at).wrapping_sub(*before));
        *before = short_place(at);
        let start = at.wrapping_sub(distance);
        let is_near = distance.wrapping_sub(1) < MAX_DISTANCE && start < at;
        if !is_near || key::<LEAST>(data, start) != key_here {
            at += 1 + ((at - literals) >> PATIENCE[LEAST - 3]).min(MAX_SKIP);
            continue;
        }
        let most = MAX_MATCH.min(data.len() - at);
        let len = LEAST + common(&data[start + LEAST..], &data[at + LEAST..at + most]);
        if out.len + (at - literals) + (at - literals) / MAX_LITERALS + 4 >= data.len() {
            return None;
        }
        out.put_literals(data, literals, at);
        out.put_match(distance - 1, len - 2);
        at += len;
        literals = at;
        if at < last {
            // The end of a match is a place from which others go on.
            for place in at - 3..at {
                table[slot(key::<LEAST>(data, place))] = short_place(place);
            }
        }
    }
    let rest = data.len() - literals;
    if out.len + rest + rest.div_ceil(MAX_LITERALS) >= data.len() {
        return None;
    }
    out.put_literals(data, literals, data.len());
    out.bytes.truncate(out.len);
    Some(out.bytes)
}

/// What is compressed so far: the first `len` bytes, with room for more behind them.
struct Output {
    bytes: Vec<u8>,
    len: usize,
}

impl Output {
    /// Puts `data[from..to]`, in runs.
    fn put_literals(&mut self, data: &[u8], mut from: usize, to: usize) {
        while from < to {
            let count = (to - from).min(MAX_LITERALS);
            self.bytes[self.len] = (count - 1).to_le_bytes()[0];
            let room = &mut self.bytes[self.len + 1..];
            // A copy of a fixed length is quicker; what it writes too much is written again.
            let whole = data[from..].first_chunk::<MAX_LITERALS>();
            match (room.first_chunk_mut::<MAX_LITERALS>(), whole) {
                (Some(room), Some(whole)) => *room = *whole,
                _ => room[..count].copy_from_slice(&data[from..from + count]),
            }
            self.len += 1 + count;
            from += count;
        }
    }

    fn put_match(&mut self, distance: usize, len: usize) {
        let (high, low) = ((distance >> 8).to_le_bytes()[0], distance.to_le_bytes()[0]);
        let room = &mut self.bytes[self.len..];
        if len < 7 {
            room[..2].copy_from_slice(&[len.to_le_bytes()[0] << 5 | high, low]);
            self.len += 2;
        } else {
            room[..3].copy_from_slice(&[7 << 5 | high, (len - 7).to_le_bytes()[0], low]);
            self.len += 3;
        }
    }
}

/// How many bytes two places have in common, of all of `here`.
fn common(before: &[u8], here: &[u8]) -> usize {
    let pairs = before.as_chunks::<8>().0.iter().zip(here.as_chunks::<8>().0);
    let mut len = 0;
    for (one, other) in pairs {
        let differs = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if differs != 0 {
            return len + differs.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    len + before[len..].iter().zip(&here[len..]).take_while(|(one, other)| one == other).count()
}

/// Appends `len` bytes that begin `distance` bytes before the end.
pub(super) fn repeat(out: &mut Vec<u8>, distance: usize, len: usize) -> Result<()> {
    let start = out.len().checked_sub(distance).filter(|_| distance > 0);
    let start = start.ok_or_else(|| malformed("a match begins before the data"))?;
    if distance >= len {
        out.extend_from_within(start..start + len);
        return Ok(());
    }
    // The match overlaps itself: it is copied in pieces that grow.
    let mut left = len;
    while left > 0 {
        let piece = (out.len() - start).min(left);
        out.extend_from_within(start..start + piece);
        left -= piece;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::lookup3;

    #[test]
    fn what_is_compressed_comes_back() {
        let noise = |i: usize| (lookup3(&i.to_le_bytes()) >> 9).to_le_bytes()[0];
        for period in [1, 2, 3, 7, 100, 9000] {
            for len in [0, 3, 10, 264, 300, 20_000, 200_000] {
                let data: Vec<u8> = (0..len).map(|i| noise(i % period)).collect();
                if let Some(stored) = encode(&data) {
                    assert!(stored.len() < len);
                    assert_eq!(decode(&stored, &[], len).ok(), Some(data), "{len} of {period}");
                }
            }
        }
        assert_eq!(encode(&(0..1000).map(noise).collect::<Vec<_>>()), None);
    }

    #[test]
    fn three_bytes_that_repeat_are_found() {
        // Colours out of a thousand: what repeats is seldom longer.
        let colour = |i: usize| lookup3(&(lookup3(&i.to_le_bytes()) % 1000).to_le_bytes());
        let data: Vec<u8> =
            (0..60_000).flat_map(|i| colour(i).to_le_bytes()[..3].to_vec()).collect();
        let stored = encode(&data).unwrap();
        assert!(stored.len() * 6 < data.len() * 5, "{}", stored.len());
        assert!(encode_with::<4>(&data).is_none_or(|long| long.len() * 10 > data.len() * 9));
        assert_eq!(decode(&stored, &[], data.len()).ok(), Some(data));
    }
}
