//! LZF, as h5py writes it.

use std::cell::RefCell;

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

/// Bits of the table of places where three bytes were seen last.
const TABLE_BITS: u32 = 15;

/// The longest run of literals, and the longest and farthest match.
const MAX_LITERALS: usize = 32;
const MAX_MATCH: usize = 264;
const MAX_DISTANCE: usize = 1 << 13;

/// How many steps without a match make the next ones longer, as a power of two.
const PATIENCE: usize = 8;

thread_local! {
    /// The table, which is kept from chunk to chunk.
    static TABLE: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Compresses a chunk; nothing if it would not become shorter.
pub(super) fn encode(data: &[u8]) -> Option<Vec<u8>> {
    TABLE.with_borrow_mut(|table| {
        table.clear();
        table.resize(1 << TABLE_BITS, 0);
        encode_with(data, table.as_mut_slice().try_into().ok()?)
    })
}

fn four_bytes(data: &[u8], at: usize) -> u32 {
    data[at..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn slot(three: u32) -> usize {
    (three.wrapping_mul(0x9e37_79b1) >> (32 - TABLE_BITS)) as usize
}

fn encode_with(data: &[u8], table: &mut [u32; 1 << TABLE_BITS]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(data.len() + MAX_LITERALS + 8);
    let (mut at, mut literals) = (0, 0);
    // Four bytes are looked at, of which three count.
    let last = data.len().saturating_sub(4);
    while at < last {
        let three = four_bytes(data, at) & 0x00ff_ffff;
        let before = &mut table[slot(three)];
        let start = *before as usize;
        // Places count from 1: 0 stands for none.
        *before = u32::try_from(at + 1).ok()?;
        let distance = (at + 1).wrapping_sub(start);
        if start == 0
            || distance > MAX_DISTANCE
            || four_bytes(data, start - 1) & 0x00ff_ffff != three
        {
            at += 1 + ((at - literals) >> PATIENCE);
            continue;
        }
        let most = MAX_MATCH.min(data.len() - at);
        let len = common(&data[start - 1..], &data[at..at + most]);
        put_literals(&mut out, &data[literals..at]);
        put_match(&mut out, distance - 1, len - 2);
        if out.len() >= data.len() {
            return None;
        }
        at += len;
        literals = at;
        if at < last {
            // The end of a match is a place from which others go on.
            table[slot(four_bytes(data, at - 1) & 0x00ff_ffff)] = u32::try_from(at).ok()?;
        }
    }
    put_literals(&mut out, &data[literals..]);
    Some(out).filter(|out| out.len() < data.len())
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

fn put_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for part in literals.chunks(MAX_LITERALS) {
        out.push((part.len() - 1).to_le_bytes()[0]);
        out.extend_from_slice(part);
    }
}

fn put_match(out: &mut Vec<u8>, distance: usize, len: usize) {
    let high = (distance >> 8).to_le_bytes()[0];
    if len < 7 {
        out.push(len.to_le_bytes()[0] << 5 | high);
    } else {
        out.extend_from_slice(&[7 << 5 | high, (len - 7).to_le_bytes()[0]]);
    }
    out.push(distance.to_le_bytes()[0]);
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
            for len in [3, 10, 264, 300, 20_000] {
                let data: Vec<u8> = (0..len).map(|i| noise(i % period)).collect();
                if let Some(stored) = encode(&data) {
                    assert!(stored.len() < len);
                    assert_eq!(decode(&stored, &[], len).ok(), Some(data), "{len} of {period}");
                }
            }
        }
        assert_eq!(encode(&(0..1000).map(noise).collect::<Vec<_>>()), None);
    }
}
