//! Bitshuffle: all first bits of the elements, then all second bits, and so on, in blocks.

#![expect(clippy::inline_always, reason = "only what is inlined gets the vectors of `dispatch`")]

use cannery_core::Result;
use fearless_simd::{Level, dispatch};

use super::lz4::{block_into, take, take_number};
use crate::bytes::{index, malformed};

/// Blocks are made of 8 elements or a multiple.
const GROUP: usize = 8;

/// Bytes of a block where the stream does not say how many, and elements at least.
const TARGET: usize = 8192;
const LEAST: usize = 128;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Lz4,
    Zstd,
}

pub(super) fn decode(data: &[u8], values: &[u32], most: usize) -> Result<Vec<u8>> {
    // Two version numbers, the size of an element, the elements of a block, the compression.
    let &[_, _, size, ref rest @ ..] = values else {
        return Err(malformed("expected at least three parameters"));
    };
    let size = size as usize;
    if size == 0 || size > 1 << 16 {
        return Err(malformed("the size of an element is not possible"));
    }
    let compression = match rest.get(1) {
        None | Some(0) => Compression::None,
        Some(2) => Compression::Lz4,
        Some(3) => Compression::Zstd,
        Some(other) => return Err(malformed(format!("unknown compression `{other}`"))),
    };
    let mut stream = data;
    let (total, block) = if compression == Compression::None {
        (data.len(), rest.first().map_or(0, |&block| block as usize))
    } else {
        let total = take_number(&mut stream, 8)?;
        if total > most as u64 {
            return Err(super::too_long(most));
        }
        (index(total), index(take_number(&mut stream, 4)?) / size)
    };
    let block = if block == 0 { default_block(size) } else { block };
    if !block.is_multiple_of(GROUP) {
        return Err(malformed("expected blocks of a multiple of 8 elements"));
    }
    if total / 70000 > data.len() {
        return Err(malformed("the stream is too short for its length"));
    }
    let mut out = crate::bytes::zeroed(total)?;
    decode_blocks(stream, compression, (size, block), &mut out)?;
    Ok(out)
}

/// Shuffles the bits of a chunk, and compresses the blocks.
pub(super) fn encode(data: &[u8], values: &[u32]) -> Result<Vec<u8>> {
    let &[_, _, size, ref rest @ ..] = values else {
        return Err(malformed("expected at least three parameters"));
    };
    let size = (size as usize).max(1);
    let block = rest.first().map_or(0, |&block| block as usize);
    let block = if block == 0 { default_block(size) } else { block };
    if !block.is_multiple_of(GROUP) {
        return Err(malformed("expected blocks of a multiple of 8 elements"));
    }
    let compression = rest.get(1).copied().unwrap_or(0);
    let mut out = Vec::with_capacity(data.len() / 2);
    if compression != 0 {
        out.extend_from_slice(&(data.len() as u64).to_be_bytes());
        out.extend_from_slice(&super::encode::short_length(block * size)?.to_be_bytes());
    }
    let shuffled = data.len() / size / GROUP * GROUP * size;
    let mut buffer = Vec::new();
    for part in data[..shuffled].chunks(block.saturating_mul(size)) {
        buffer.resize(part.len(), 0);
        shuffle(part, size, &mut buffer);
        let packed = match compression {
            0 => {
                out.extend_from_slice(&buffer);
                continue;
            }
            2 => lz4_flex::block::compress(&buffer),
            3 => super::encode::zstd_compress(&buffer, rest.get(2).copied().unwrap_or(3))?,
            other => return Err(malformed(format!("unknown compression `{other}`"))),
        };
        out.extend_from_slice(&super::encode::short_length(packed.len())?.to_be_bytes());
        out.extend_from_slice(&packed);
    }
    out.extend_from_slice(&data[shuffled..]);
    Ok(out)
}

/// Puts the bits at the same place of all elements side by side.
pub(super) fn shuffle(data: &[u8], size: usize, out: &mut [u8]) {
    let row = data.len() / size / 8;
    if row == 0 {
        return;
    }
    let mut planes = vec![0; data.len()];
    super::shuffle::shuffle(data, size, &mut planes);
    dispatch!(Level::new(), _simd => split_bits(&planes, row, out));
}

#[inline(always)]
fn split_bits(planes: &[u8], row: usize, out: &mut [u8]) {
    for (bytes, bits) in planes.chunks_exact(8 * row).zip(out.chunks_exact_mut(8 * row)) {
        for (at, group) in bytes.as_chunks::<8>().0.iter().enumerate() {
            let columns = transpose(u64::from_le_bytes(*group)).to_le_bytes();
            for (i, byte) in columns.into_iter().enumerate() {
                bits[i * row + at] = byte;
            }
        }
    }
}

fn default_block(size: usize) -> usize {
    (TARGET / size / GROUP * GROUP).max(LEAST)
}

fn decode_blocks(
    mut stream: &[u8],
    compression: Compression,
    (size, block): (usize, usize),
    out: &mut [u8],
) -> Result<()> {
    let elements = out.len() / size;
    // The last block is shorter, and what is left of eight elements is stored as it is.
    let shuffled = elements / GROUP * GROUP * size;
    let (body, tail) = out.split_at_mut(shuffled);
    let mut buffer = Vec::new();
    for part in body.chunks_mut(block.saturating_mul(size)) {
        if compression == Compression::None {
            unshuffle(take(&mut stream, part.len() as u64)?, size, part);
            continue;
        }
        let len = take_number(&mut stream, 4)?;
        let stored = take(&mut stream, len)?;
        buffer.resize(part.len(), 0);
        decompress(compression, stored, &mut buffer)?;
        unshuffle(&buffer, size, part);
    }
    tail.copy_from_slice(take(&mut stream, tail.len() as u64)?);
    Ok(())
}

fn decompress(compression: Compression, stored: &[u8], out: &mut [u8]) -> Result<()> {
    if compression == Compression::Lz4 {
        return block_into(stored, out).map(drop);
    }
    super::zstd_into(stored, out)
}

/// Puts the bits of each element side by side: `data` holds a multiple of eight elements.
pub(super) fn unshuffle(data: &[u8], size: usize, out: &mut [u8]) {
    let row = data.len() / size / 8;
    if row == 0 {
        return;
    }
    // First whole bytes, all first ones before all second ones, then elements.
    let mut planes = vec![0; data.len()];
    dispatch!(Level::new(), _simd => join_bits(data, row, &mut planes));
    super::shuffle::unshuffle(&planes, size, out);
}

#[inline(always)]
fn join_bits(data: &[u8], row: usize, planes: &mut [u8]) {
    for (bits, bytes) in data.chunks_exact(8 * row).zip(planes.chunks_exact_mut(8 * row)) {
        let groups = bytes.as_chunks_mut::<8>().0.iter_mut();
        for (group, bits) in groups.zip(super::shuffle::columns(super::shuffle::planes(bits, row)))
        {
            *group = transpose(bits).to_le_bytes();
        }
    }
}

/// Transposes a matrix of 8 by 8 bits (Hacker's Delight, 7-3).
#[inline(always)]
fn transpose(mut x: u64) -> u64 {
    for (shift, mask) in
        [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)]
    {
        let swap = (x ^ x >> shift) & mask;
        x = x ^ swap ^ swap << shift;
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffling_undoes_shuffling() {
        for size in [1, 2, 3, 4, 8] {
            let data: Vec<u8> =
                (0..32 * size).map(|i: usize| (i * 37 + 11).to_le_bytes()[0]).collect();
            let mut shuffled = vec![0; data.len()];
            for element in 0..32 {
                for bit in 0..8 * size {
                    let value = data[element * size + bit / 8] >> (bit % 8) & 1;
                    shuffled[bit * 4 + element / 8] |= value << (element % 8);
                }
            }
            let mut out = vec![0; data.len()];
            unshuffle(&shuffled, size, &mut out);
            assert_eq!(out, data, "elements of {size} bytes");
            shuffle(&data, size, &mut out);
            assert_eq!(out, shuffled, "elements of {size} bytes");
        }
    }
}
