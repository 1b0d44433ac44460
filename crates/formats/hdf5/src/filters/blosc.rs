//! Blosc 1: blocks of shuffled bytes, each compressed in parts.

use cannery_core::Result;

use super::{Buffers, bitshuffle, blosclz, deflate, lz4, shuffle};
use crate::bytes::{Cursor, malformed, unsupported};

/// The length of a chunk's header.
pub(super) const HEAD: usize = 16;

/// Element sizes up to this are compressed a byte of the elements at a time.
const MAX_SPLITS: usize = 16;
const LEAST_SPLIT: usize = 128;

/// What a chunk's header says.
pub(super) struct ChunkHead {
    pub(super) flags: u8,
    pub(super) type_size: usize,
    pub(super) len: usize,
    pub(super) block: usize,
}

impl ChunkHead {
    pub(super) const STORED: u8 = 2;
    /// Of bytes or of bits.
    const SHUFFLES: u8 = 1 | 4;
    pub(super) const WHOLE_BLOCKS: u8 = 16;

    pub(super) fn parse(data: &[u8], most: usize) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        cursor.skip(2)?;
        let (flags, type_size) = (cursor.u8()?, usize::from(cursor.u8()?));
        let (len, block) = (cursor.u32()? as usize, cursor.u32()? as usize);
        cursor.u32()?;
        if len > most {
            return Err(super::too_long(most));
        }
        if type_size == 0 || (block == 0 && len > 0) {
            return Err(malformed("the sizes in the header are not possible"));
        }
        Ok(Self { flags, type_size, len, block })
    }

    fn shuffles_bytes(&self) -> bool {
        self.flags & 1 != 0 && self.type_size > 1
    }

    pub(super) fn codec(&self) -> u8 {
        self.flags >> 5
    }
}

/// Where the blocks of a chunk begin.
pub(super) fn starts(data: &[u8], at: usize, count: usize) -> Result<Vec<usize>> {
    let table = data.get(at..).and_then(|rest| rest.get(..count.checked_mul(4)?));
    let table = table.ok_or_else(|| malformed("the table of blocks ends early"))?;
    let (starts, _) = table.as_chunks::<4>();
    Ok(starts.iter().map(|start| u32::from_le_bytes(*start) as usize).collect())
}

pub(super) fn decode(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    let head = ChunkHead::parse(data, most)?;
    if head.flags & ChunkHead::STORED != 0 {
        let stored = data.get(HEAD..).and_then(|rest| rest.get(..head.len));
        return Ok(stored.ok_or_else(|| malformed("the chunk ends early"))?.to_vec());
    }
    if head.len == 0 {
        return Ok(Vec::new());
    }
    let starts = starts(data, HEAD, head.len.div_ceil(head.block))?;
    let mut out = buffers.take(head.len)?;
    let mut buffer = buffers.take(head.block.min(head.len))?;
    for (block, start) in out.chunks_mut(head.block).zip(starts) {
        let stream =
            data.get(start..).ok_or_else(|| malformed("a block lies outside the chunk"))?;
        decode_block(&head, stream, &mut buffer[..block.len()], block)?;
    }
    buffers.give(buffer);
    Ok(out)
}

/// Decodes a block by way of a buffer of its length.
fn decode_block(
    head: &ChunkHead,
    mut stream: &[u8],
    buffer: &mut [u8],
    out: &mut [u8],
) -> Result<()> {
    let splits = head.flags & ChunkHead::WHOLE_BLOCKS == 0
        && head.type_size <= MAX_SPLITS
        && head.block / head.type_size >= LEAST_SPLIT
        && out.len() == head.block;
    let parts = if splits { head.type_size } else { 1 };
    let part_len = out.len() / parts;
    let mut take_part = || {
        let mut cursor = Cursor::new(stream);
        let len = cursor.u32()? as usize;
        let stored = cursor.take(len)?;
        stream = cursor.rest();
        Ok(stored)
    };
    if head.shuffles_bytes() && parts * part_len == out.len() && matches!(parts, 2 | 4 | 8) {
        // Each part is a plane: one that was stored as it is can stay where it is.
        let mut planes = [[].as_slice(); MAX_SPLITS];
        for (plane, part) in planes.iter_mut().zip(buffer.chunks_exact_mut(part_len)) {
            let stored = take_part()?;
            *plane = stored;
            if stored.len() != part_len {
                decode_part(head.codec(), stored, part)?;
                *plane = part;
            }
        }
        shuffle::unshuffle_planes(&planes[..parts], out);
        return Ok(());
    }
    let is_shuffled = head.flags & ChunkHead::SHUFFLES != 0;
    let decoded = if is_shuffled { &mut *buffer } else { &mut *out };
    for part in decoded.chunks_mut(part_len.max(1)).take(parts) {
        decode_part(head.codec(), take_part()?, part)?;
    }
    // What is left at the end belongs to no part.
    decoded[parts * part_len..].fill(0);
    if is_shuffled {
        undo_shuffle(head, buffer, out);
    }
    Ok(())
}

/// Decompresses a part, or copies it where it was stored.
pub(super) fn decode_part(codec: u8, stored: &[u8], out: &mut [u8]) -> Result<()> {
    if stored.len() == out.len() {
        out.copy_from_slice(stored);
        return Ok(());
    }
    match codec {
        0 => blosclz::decode_into(stored, out),
        1 => lz4::block_into(stored, out).map(drop),
        2 => snappy(stored, out),
        3 => deflate::decode_into(stored, out),
        4 => super::zstd_into(stored, out),
        other => Err(unsupported(format!("codec `{other}` of Blosc is not known"))),
    }
}

fn snappy(stored: &[u8], out: &mut [u8]) -> Result<()> {
    let len = snap::raw::Decoder::new().decompress(stored, out);
    if len.map_err(|e| malformed(format!("cannot decompress: {e}")))? < out.len() {
        return Err(malformed("a block ends early"));
    }
    Ok(())
}

fn undo_shuffle(head: &ChunkHead, data: &[u8], out: &mut [u8]) {
    let size = head.type_size;
    if head.shuffles_bytes() {
        shuffle::unshuffle(data, size, out);
    } else if head.flags & 4 != 0 && data.len() >= size && (data.len() / size).is_multiple_of(8) {
        let whole = data.len() / size * size;
        bitshuffle::unshuffle(&data[..whole], size, &mut out[..whole]);
        out[whole..].copy_from_slice(&data[whole..]);
    } else {
        out.copy_from_slice(data);
    }
}

/// The bytes of a block, about.
const BLOCK: usize = 128 << 10;

/// Compresses a chunk: each block as one part, shuffled as the parameters say.
pub(super) fn encode(data: &[u8], values: &[u32]) -> Result<Vec<u8>> {
    let value = |i: usize, usual: u32| values.get(i).copied().unwrap_or(usual);
    let size = (value(2, 1) as usize).clamp(1, 255);
    let (level, shuffling) = (value(4, 5), value(5, 1));
    // BloscLZ and Snappy are not written: LZ4 stands in for them, as the header says.
    let codec: u8 = match value(6, 0) {
        4 => 3,
        5 => 4,
        _ => 1,
    };
    let shuffling: u8 = match shuffling {
        1 if size > 1 => 1,
        2 => 4,
        _ => 0,
    };
    let block = (BLOCK / (8 * size) * 8 * size).max(8 * size).min(data.len().max(1));
    let count = data.len().div_ceil(block);
    let mut out = vec![0; HEAD + 4 * count];
    let mut buffer = Vec::new();
    for (i, part) in data.chunks(block).enumerate() {
        let start = super::encode::short_length(out.len())?;
        out[HEAD + 4 * i..][..4].copy_from_slice(&start.to_le_bytes());
        buffer.clear();
        buffer.extend_from_slice(part);
        match shuffling {
            1 => shuffle::shuffle(part, size, &mut buffer),
            4 if (part.len() / size).is_multiple_of(8) => {
                let whole = part.len() / size * size;
                bitshuffle::shuffle(&part[..whole], size, &mut buffer[..whole]);
            }
            _ => {}
        }
        let packed = match codec {
            3 => super::encode::deflate(&buffer, 1, level)?,
            4 => super::encode::zstd_compress(&buffer, level.saturating_mul(2).max(1))?,
            _ => lz4_flex::block::compress(&buffer),
        };
        let stored = if packed.len() < buffer.len() { &packed } else { &buffer };
        out.extend_from_slice(&super::encode::short_length(stored.len())?.to_le_bytes());
        out.extend_from_slice(stored);
    }
    let is_stored = level == 0 || out.len() >= data.len() + HEAD;
    let mut flags = shuffling | codec << 5 | ChunkHead::WHOLE_BLOCKS;
    if is_stored {
        out.truncate(HEAD);
        out.extend_from_slice(data);
        flags |= ChunkHead::STORED;
    }
    let sizes = [data.len(), block, out.len()];
    // The versions of the format and of the codec.
    out[..4].copy_from_slice(&[2, 1, flags, size.to_le_bytes()[0]]);
    for (i, size) in sizes.into_iter().enumerate() {
        let size = super::encode::short_length(size)?;
        out[4 + 4 * i..][..4].copy_from_slice(&size.to_le_bytes());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        for codec in [0, 1, 4, 5] {
            for shuffling in [0, 1, 2] {
                for (size, len) in [(1, 100), (4, 4000), (8, 300_008), (3, 500_001), (16, 16)] {
                    let data: Vec<u8> = (0..len).map(|i: usize| (i / 9).to_le_bytes()[0]).collect();
                    let values = [2, 2, size, 0, 5, shuffling, codec];
                    let stored = encode(&data, &values).expect("compressed");
                    let found = decode(&stored, len, &mut Buffers::default()).ok();
                    assert_eq!(found, Some(data), "{codec} {shuffling} {size} {len}");
                }
            }
        }
    }
}
