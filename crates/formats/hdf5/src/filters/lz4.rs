//! LZ4 blocks, as the registered filter frames them.

use cannery_core::Result;

use super::Buffers;
use crate::bytes::{index, malformed};

/// Decompresses a block into a slice, which it fills.
pub(super) fn block_into(data: &[u8], out: &mut [u8]) -> Result<usize> {
    let len = lz4_flex::block::decompress_into(data, out);
    let len = len.map_err(|e| malformed(format!("cannot decompress: {e}")))?;
    if len < out.len() {
        return Err(malformed("an LZ4 block ends early"));
    }
    Ok(len)
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// Takes a number of `len` bytes, big-endian.
pub(super) fn take_number(data: &mut &[u8], len: usize) -> Result<u64> {
    let Some((number, rest)) = data.split_at_checked(len) else {
        return Err(malformed("the stream ends early"));
    };
    *data = rest;
    Ok(big_endian(number))
}

pub(super) fn take<'a>(data: &mut &'a [u8], len: u64) -> Result<&'a [u8]> {
    let Some((taken, rest)) = data.split_at_checked(index(len)) else {
        return Err(malformed("the stream ends early"));
    };
    *data = rest;
    Ok(taken)
}

pub(super) fn decode(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    let mut rest = data;
    let total = take_number(&mut rest, 8)?;
    let block = index(take_number(&mut rest, 4)?);
    if total > most as u64 {
        return Err(super::too_long(most));
    }
    if block == 0 && total > 0 {
        return Err(malformed("expected blocks of more than 0 bytes"));
    }
    // A block expands at most 255 times.
    if total / 256 > data.len() as u64 {
        return Err(malformed("the stream is too short for its length"));
    }
    let mut out = buffers.take(index(total))?;
    for part in out.chunks_mut(block.max(1)) {
        let len = take_number(&mut rest, 4)?;
        let stored = take(&mut rest, len)?;
        if stored.len() == part.len() {
            part.copy_from_slice(stored);
        } else {
            block_into(stored, part)?;
        }
    }
    Ok(out)
}

/// The bytes of a block where the parameters say nothing.
const USUAL_BLOCK: usize = 1 << 30;

/// Compresses a chunk: its length, that of a block, then the blocks.
pub(super) fn encode(data: &[u8], block: u32) -> Result<Vec<u8>> {
    let block = if block == 0 { USUAL_BLOCK } else { block as usize }.min(data.len().max(1));
    let mut out = (data.len() as u64).to_be_bytes().to_vec();
    out.extend_from_slice(&super::encode::short_length(block)?.to_be_bytes());
    for part in data.chunks(block) {
        let packed = lz4_flex::block::compress(part);
        let stored = if packed.len() < part.len() { packed.as_slice() } else { part };
        out.extend_from_slice(&super::encode::short_length(stored.len())?.to_be_bytes());
        out.extend_from_slice(stored);
    }
    Ok(out)
}
