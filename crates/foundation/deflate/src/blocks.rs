//! The blocks of a DEFLATE stream: finding the last one, so that another stream can follow it.
//!
//! Follows RFC 1951. Only the lengths of codes matter here: nothing is unpacked.

use cannery_core::{Error, ErrorKind, Result};

/// Bytes that [`open_end`] adds at most.
pub(super) const JOINT: usize = 5;

/// The last bytes of a joint: the length of an empty block of stored bytes.
pub(super) const JOINT_END: [u8; 4] = [0, 0, 0xff, 0xff];

/// Bits that are looked at together.
const WORD: usize = 56;

/// The longest code.
const MAX_BITS: usize = 15;

/// The order in which the lengths of the codes for lengths are stored.
pub(super) const LENGTH_ORDER: [usize; 19] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// What a symbol is, in the upper bits of a table's entry; the lower ones are the bits it takes.
const LITERAL: u16 = 0;
const MATCH: u16 = 1 << 8;
const END: u16 = 2 << 8;

/// Makes the last block of a stream one that others may follow, and ends it at a whole byte.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is no DEFLATE stream.
pub(super) fn open_end(stream: &mut Vec<u8>) -> Result<()> {
    let (last, end) = last_block(stream)
        .ok_or_else(|| Error::new(ErrorKind::Corrupt, "the compressor wrote no DEFLATE stream"))?;
    stream[last / 8] &= !(1 << (last % 8));
    // An empty block of stored bytes: three bits of zeros, zeros up to a whole byte, its length.
    stream.resize((end + 3).div_ceil(8), 0);
    stream.extend_from_slice(&JOINT_END);
    Ok(())
}

/// The bits before the header of the last block, and those before the end of the stream.
fn last_block(stream: &[u8]) -> Option<(usize, usize)> {
    let mut bits = Bits { stream, at: 0 };
    loop {
        let start = bits.at;
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => skip_stored(&mut bits)?,
            1 => skip_symbols(&mut bits, &fixed_codes())?,
            2 => {
                let codes = read_codes(&mut bits)?;
                skip_symbols(&mut bits, &codes)?;
            }
            _ => return None,
        }
        if is_last {
            return Some((start, bits.at));
        }
    }
}

/// A stream that is read bit by bit.
struct Bits<'a> {
    stream: &'a [u8],
    /// Bits that were read.
    at: usize,
}

impl Bits<'_> {
    /// The next bits, 56 at least; zeros behind the end.
    fn peek(&self) -> u64 {
        let byte = self.at / 8;
        let word = match self.stream.get(byte..byte + 8) {
            Some(bytes) => bytes.try_into().map_or(0, u64::from_le_bytes),
            None => self.rest(byte),
        };
        word >> (self.at % 8)
    }

    fn rest(&self, byte: usize) -> u64 {
        let rest = self.stream.get(byte..).unwrap_or_default();
        rest.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
    }

    fn take(&mut self, count: usize) -> Option<usize> {
        let bits = self.peek() & ((1 << count) - 1);
        self.skip(count)?;
        usize::try_from(bits).ok()
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at += count;
        (self.at <= self.stream.len() * 8).then_some(())
    }
}

fn skip_stored(bits: &mut Bits<'_>) -> Option<()> {
    bits.at = bits.at.next_multiple_of(8);
    let len = bits.take(16)?;
    bits.skip(16 + 8 * len)
}

/// For the next bits, what symbol begins with them and how many bits it takes with those behind it.
struct Codes {
    literals: Table,
    distances: Table,
}

struct Table {
    entries: Vec<u16>,
    mask: u64,
}

fn skip_symbols(bits: &mut Bits<'_>, codes: &Codes) -> Option<()> {
    loop {
        let symbol = skip_literals(bits, &codes.literals);
        let word = bits.peek();
        let taken = usize::from(symbol & 0xff);
        match symbol & 0xff00 {
            LITERAL if taken > 0 => bits.at += taken,
            MATCH => {
                let distance = codes.distances.entry(word >> taken);
                if distance == 0 {
                    return None;
                }
                bits.at += taken + usize::from(distance & 0xff);
            }
            END => return bits.skip(taken),
            _ => return None,
        }
        if bits.at > bits.stream.len() * 8 {
            return None;
        }
    }
}

/// Skips bytes as long as there are enough bits in a word; gives the entry of what comes then.
fn skip_literals(bits: &mut Bits<'_>, literals: &Table) -> u16 {
    let mut word = bits.peek();
    let mut left = WORD;
    let mut symbol = literals.entry(word);
    while symbol & 0xff00 == LITERAL && symbol > 0 && left >= 2 * MAX_BITS {
        let taken = usize::from(symbol);
        word >>= taken;
        left -= taken;
        symbol = literals.entry(word);
    }
    bits.at += WORD - left;
    symbol
}

impl Table {
    fn entry(&self, word: u64) -> u16 {
        // The mask keeps it within the table.
        self.entries[usize::try_from(word & self.mask).unwrap_or(0)]
    }

    /// The table of codes of these lengths; `describe` says what a symbol is, and how many bits
    /// follow its code.
    fn new(lengths: &[u8], describe: impl Fn(u16) -> (u16, u16)) -> Option<Self> {
        let longest = lengths.iter().copied().max().map_or(1, |longest| longest.max(1));
        let size = 1_usize << longest;
        let mut entries = vec![0; size];
        let mut next = first_codes(lengths);
        for (symbol, &length) in (0_u16..).zip(lengths).filter(|(_, length)| **length > 0) {
            let code = next[usize::from(length)];
            next[usize::from(length)] += 1;
            if code >> length != 0 {
                return None;
            }
            let reversed = usize::from(code.reverse_bits() >> (16 - u16::from(length)));
            let (kind, extra) = describe(symbol);
            let entry = kind | (u16::from(length) + extra);
            entries[reversed..].iter_mut().step_by(1 << length).for_each(|slot| *slot = entry);
        }
        Some(Self { entries, mask: size as u64 - 1 })
    }
}

/// The first code of each length.
pub(super) fn first_codes(lengths: &[u8]) -> [u16; MAX_BITS + 1] {
    let mut counts = [0_u16; MAX_BITS + 1];
    for &length in lengths.iter().filter(|length| **length > 0) {
        counts[usize::from(length)] += 1;
    }
    let mut next = [0_u16; MAX_BITS + 1];
    for length in 1..=MAX_BITS {
        next[length] = next[length - 1].wrapping_add(counts[length - 1]) << 1;
    }
    next
}

fn codes(literals: &[u8], distances: &[u8]) -> Option<Codes> {
    let literal = |symbol: u16| match symbol {
        0..256 => (LITERAL, 0),
        256 => (END, 0),
        257..265 | 285 => (MATCH, 0),
        other => (MATCH, (other - 261) / 4),
    };
    let distance = |symbol: u16| (LITERAL, (symbol / 2).saturating_sub(1));
    Some(Codes {
        literals: Table::new(literals, literal)?,
        distances: Table::new(distances, distance)?,
    })
}

fn fixed_codes() -> Codes {
    let literals: Vec<u8> = (0..288)
        .map(|symbol| match symbol {
            144..256 => 9,
            256..280 => 7,
            _ => 8,
        })
        .collect();
    let empty = || Table { entries: vec![0; 2], mask: 1 };
    codes(&literals, &[5; 30]).unwrap_or_else(|| Codes { literals: empty(), distances: empty() })
}

/// The codes that a block describes.
fn read_codes(bits: &mut Bits<'_>) -> Option<Codes> {
    let (literals, distances, described) =
        (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    let mut lengths = [0; 19];
    for &symbol in &LENGTH_ORDER[..described] {
        lengths[symbol] = u8::try_from(bits.take(3)?).ok()?;
    }
    let of_lengths = Table::new(&lengths, |symbol| (symbol << 8, 0))?;
    let mut all: Vec<u8> = Vec::new();
    while all.len() < literals + distances {
        let entry = of_lengths.entry(bits.peek());
        if entry.trailing_zeros() >= 8 {
            return None;
        }
        bits.skip(usize::from(entry & 0xff))?;
        let (repeated, count) = match entry >> 8 {
            length @ 0..16 => (u8::try_from(length).ok()?, 1),
            16 => (*all.last()?, bits.take(2)? + 3),
            17 => (0, bits.take(3)? + 3),
            _ => (0, bits.take(7)? + 11),
        };
        all.resize(all.len() + count, repeated);
    }
    let (literals, rest) = all.split_at(literals);
    codes(literals, rest.get(..distances)?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use crate::pieces::compress;
    use crate::unpack::decompress;

    fn joined(pieces: &[Vec<u8>], level: u8) -> Vec<u8> {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        compress(&pieces, level, true).unwrap().into_iter().flat_map(|piece| piece.packed).collect()
    }

    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(stream).read_to_end(&mut out).unwrap();
        out
    }

    /// Bytes that compress to blocks of every kind.
    fn bytes(kind: u8, len: usize, seed: u32) -> Vec<u8> {
        let mut state = seed | 1;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_le_bytes()[3]
        };
        (0..len)
            .map(|at| match kind {
                0 => random(),
                1 => random() % 4,
                2 => 7,
                _ => {
                    if at % 5000 < 2500 {
                        random()
                    } else {
                        at.to_le_bytes()[1]
                    }
                }
            })
            .collect()
    }

    proptest! {
        #[test]
        fn joined_pieces_are_one_stream(
            pieces in prop::collection::vec((0_u8..4, 0_usize..60_000, any::<u32>()), 1..4),
            level in 1_u8..=12,
        ) {
            let pieces: Vec<_> = pieces.into_iter().map(|(k, len, seed)| bytes(k, len, seed)).collect();
            let stream = joined(&pieces, level);
            let whole = pieces.concat();
            prop_assert_eq!(&unpacked(&stream), &whole);
            let mut out = vec![0; whole.len()];
            decompress(&stream, &mut out).unwrap();
            prop_assert_eq!(out, whole);
        }

        #[test]
        fn other_streams_end_or_are_none(mut stream in prop::collection::vec(any::<u8>(), 0..300)) {
            // Never beyond the end, and never forever.
            let _ = super::open_end(&mut stream);
        }
    }
}
