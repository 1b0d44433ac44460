//! Blosc 2: frames of chunks, which may hold multidimensional blocks.

use cannery_core::Result;

use super::blosc::{ChunkHead, decode_part, starts};
use super::{Buffers, bitshuffle, shuffle};
use crate::bytes::{Cursor, index, malformed, unsupported};

/// The length of the header of a chunk of version 2.
const LONG_HEAD: usize = 32;

/// The fixed part of a frame's header.
const FRAME_HEAD: usize = 87;

pub(super) fn decode(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    if data.get(2..9) != Some(b"b2frame") {
        return decode_chunk(data, most, buffers);
    }
    let frame = BloscFrame::parse(data, most)?;
    let out = frame.chunks(data, buffers)?;
    match frame.blocks(data)? {
        Some(blocks) => blocks.to_rows(&out, frame.type_size),
        None => Ok(out),
    }
}

struct BloscFrame {
    head_len: usize,
    len: usize,
    stored: usize,
    type_size: usize,
    chunk: usize,
}

fn big_endian(data: &[u8], at: usize, len: usize) -> Result<usize> {
    let bytes = data.get(at..at + len).ok_or_else(|| malformed("the frame ends early"))?;
    Ok(index(bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte))))
}

impl BloscFrame {
    fn parse(data: &[u8], most: usize) -> Result<Self> {
        let frame = Self {
            head_len: big_endian(data, 11, 4)?,
            len: big_endian(data, 30, 8)?,
            stored: big_endian(data, 39, 8)?,
            type_size: big_endian(data, 48, 4)?,
            chunk: big_endian(data, 58, 4)?,
        };
        if frame.head_len < FRAME_HEAD || frame.head_len > data.len() || frame.type_size == 0 {
            return Err(malformed("the frame's header is not possible"));
        }
        // Multidimensional blocks may be filled up.
        if frame.len > most.saturating_mul(8) {
            return Err(super::too_long(most));
        }
        Ok(frame)
    }

    fn chunks(&self, data: &[u8], buffers: &mut Buffers) -> Result<Vec<u8>> {
        if self.len == 0 {
            return Ok(Vec::new());
        }
        if self.chunk == 0 {
            return Err(unsupported("Blosc 2 frames of chunks of different sizes"));
        }
        let count = self.len.div_ceil(self.chunk);
        let table = data.get(self.head_len..).and_then(|rest| rest.get(self.stored..));
        let table = table.ok_or_else(|| malformed("the frame ends early"))?;
        let table = decode_chunk(table, count * 8, buffers)?;
        let mut out = Vec::new();
        for offset in table.as_chunks::<8>().0 {
            let want = self.chunk.min(self.len - out.len());
            let offset = i64::from_le_bytes(*offset);
            let chunk = self.chunk_at(data, offset, want, buffers)?;
            if count == 1 {
                out = chunk;
                break;
            }
            out.extend_from_slice(&chunk);
            buffers.give(chunk);
        }
        if out.len() != self.len {
            return Err(malformed("the frame's chunks are not as long as the frame"));
        }
        Ok(out)
    }

    fn chunk_at(
        &self,
        data: &[u8],
        offset: i64,
        want: usize,
        buffers: &mut Buffers,
    ) -> Result<Vec<u8>> {
        let Ok(offset) = usize::try_from(offset) else {
            // The highest byte says which value a chunk has that is not stored.
            return match offset >> 56 & 0x7f {
                1 | 4 => crate::bytes::zeroed(want),
                _ => Err(unsupported("a Blosc 2 chunk of a special value")),
            };
        };
        let chunk = data.get(self.head_len..).and_then(|rest| rest.get(offset..));
        let chunk = chunk.ok_or_else(|| malformed("a chunk lies outside the frame"))?;
        decode_chunk(chunk, want.max(self.chunk), buffers)
    }

    /// The multidimensional blocks, if the frame has some.
    fn blocks(&self, data: &[u8]) -> Result<Option<BlockedArray>> {
        let head = &data[..self.head_len];
        let meta = &head[FRAME_HEAD..];
        // An array of 3: the length, a map of names to offsets, an array of contents.
        let Some(at) = meta.windows(5).position(|name| name == b"\xa4b2nd") else {
            return Ok(None);
        };
        // After the name: 0xd2 and where in the header the contents are: 0xc6 and their length.
        let offset = big_endian(meta, at + 6, 4)?;
        let body = head.get(offset..).and_then(|rest| rest.get(5..));
        BlockedArray::parse(body.ok_or_else(|| malformed("the frame's metadata end early"))?)
            .map(Some)
    }
}

/// How a multidimensional array is cut into chunks and these into blocks.
struct BlockedArray {
    shape: Vec<usize>,
    chunk: Vec<usize>,
    block: Vec<usize>,
}

impl BlockedArray {
    fn parse(meta: &[u8]) -> Result<Self> {
        let rank = usize::from(*meta.get(2).unwrap_or(&0));
        if rank == 0 || rank > 16 {
            return Err(malformed("the rank of a multidimensional chunk is not possible"));
        }
        let numbers = |at: usize, len: usize| {
            // After the array's head, each number has one byte before it.
            (0..rank)
                .map(|i| big_endian(meta, at + 1 + i * (len + 1) + 1, len))
                .collect::<Result<Vec<_>>>()
        };
        let shape = numbers(3, 8)?;
        let chunk = numbers(4 + rank * 9, 4)?;
        let block = numbers(5 + rank * 14, 4)?;
        if chunk.iter().chain(&block).any(|&n| n == 0) {
            return Err(malformed("a multidimensional chunk has blocks without elements"));
        }
        let mut found = Self { shape, chunk, block };
        while found.merge_last()? {}
        Ok(found)
    }

    /// Makes one dimension of the last two, where the last is not cut: rows are longer then.
    fn merge_last(&mut self) -> Result<bool> {
        let last = self.shape.len() - 1;
        let whole = self.shape[last];
        if last == 0 || self.chunk[last] != whole || self.block[last] != whole {
            return Ok(false);
        }
        for dims in [&mut self.shape, &mut self.chunk, &mut self.block] {
            dims.pop();
            let merged = dims[last - 1].checked_mul(whole);
            dims[last - 1] = merged.ok_or_else(|| {
                malformed("the shape of a multidimensional chunk is not possible")
            })?;
        }
        Ok(true)
    }

    /// Puts the elements in the order of rows.
    fn to_rows(&self, data: &[u8], size: usize) -> Result<Vec<u8>> {
        let product = |dims: &[usize]| dims.iter().try_fold(1_usize, |all, &n| all.checked_mul(n));
        let bytes = |dims: &[usize]| product(dims).and_then(|n| n.checked_mul(size));
        let impossible = || malformed("the shape of a multidimensional chunk is not possible");
        let grid: Vec<usize> =
            self.shape.iter().zip(&self.chunk).map(|(n, c)| n.div_ceil(*c)).collect();
        let inner: Vec<usize> =
            self.chunk.iter().zip(&self.block).map(|(c, b)| c.div_ceil(*b)).collect();
        let block_len = bytes(&self.block).ok_or_else(impossible)?;
        let blocks = product(&grid).zip(product(&inner)).and_then(|(a, b)| a.checked_mul(b));
        let total = blocks.and_then(|n| n.checked_mul(block_len));
        let out_len = bytes(&self.shape).ok_or_else(impossible)?;
        if total != Some(data.len()) || out_len > data.len() {
            return Err(impossible());
        }
        let mut out = crate::bytes::zeroed(out_len)?;
        let mut rest = data;
        for chunk in Counter::new(&grid) {
            for block in Counter::new(&inner) {
                let (now, later) = rest.split_at(block_len);
                rest = later;
                self.place(now, size, (&chunk, &block), &mut out);
            }
        }
        Ok(out)
    }

    /// Copies the rows of a block to where they belong, but for what fills it up.
    fn place(
        &self,
        data: &[u8],
        size: usize,
        (chunk, block): (&[usize], &[usize]),
        out: &mut [u8],
    ) {
        let last = self.shape.len() - 1;
        let row = self.block[last];
        for (number, position) in Counter::new(&self.block[..last]).enumerate() {
            let mut at = 0;
            let mut inside = true;
            let mut room = 0;
            for i in 0..=last {
                let in_chunk = block[i] * self.block[i] + position.get(i).copied().unwrap_or(0);
                let place = chunk[i] * self.chunk[i] + in_chunk;
                inside &= in_chunk < self.chunk[i] && place < self.shape[i];
                at = at * self.shape[i] + place;
                if i == last && inside {
                    room = (self.chunk[i] - in_chunk).min(self.shape[i] - place);
                }
            }
            if inside {
                let len = row.min(room) * size;
                out[at * size..at * size + len]
                    .copy_from_slice(&data[number * row * size..][..len]);
            }
        }
    }
}

/// Counts through all positions of a shape, the last dimension first.
struct Counter<'a> {
    shape: &'a [usize],
    next: Option<Vec<usize>>,
}

impl<'a> Counter<'a> {
    fn new(shape: &'a [usize]) -> Self {
        let next = (!shape.contains(&0)).then(|| vec![0; shape.len()]);
        Self { shape, next }
    }
}

impl Iterator for Counter<'_> {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let now = self.next.take()?;
        let mut after = now.clone();
        for i in (0..after.len()).rev() {
            after[i] += 1;
            if after[i] < self.shape[i] {
                self.next = Some(after);
                break;
            }
            after[i] = 0;
        }
        Some(now)
    }
}

/// Decodes one chunk, of version 1 or 2.
fn decode_chunk(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    let head = ChunkHead::parse(data, most)?;
    if head.flags & 5 != 5 {
        return super::blosc::decode(data, most, buffers);
    }
    let long = data.get(..LONG_HEAD).ok_or_else(|| malformed("the chunk ends early"))?;
    let (filters, meta, flags) = (&long[16..22], &long[24..30], long[31]);
    match flags >> 4 & 7 {
        0 => {}
        1 | 4 => return crate::bytes::zeroed(head.len),
        2 => return nan(&head),
        3 => return repeated(&data[LONG_HEAD..], &head),
        other => return Err(unsupported(format!("special value `{other}` of a Blosc 2 chunk"))),
    }
    if head.flags & ChunkHead::STORED != 0 {
        let stored = data[LONG_HEAD..].get(..head.len);
        return Ok(stored.ok_or_else(|| malformed("the chunk ends early"))?.to_vec());
    }
    if flags & 1 != 0 {
        return Err(unsupported("Blosc 2 chunks with a dictionary"));
    }
    if head.len == 0 {
        return Ok(Vec::new());
    }
    let starts = starts(data, LONG_HEAD, head.len.div_ceil(head.block))?;
    let mut out = buffers.take(head.len)?;
    let mut buffer = buffers.take(head.block.min(head.len))?;
    // Differences are taken from the first block.
    let mut first = None;
    for (block, start) in out.chunks_mut(head.block).zip(starts) {
        let stream =
            data.get(start..).ok_or_else(|| malformed("a block lies outside the chunk"))?;
        let buffer = &mut buffer[..block.len()];
        // Each way of shuffling goes from one of the two to the other.
        let shuffles = filters.iter().filter(|filter| matches!(filter, 1 | 2)).count();
        let (from, to) =
            if shuffles % 2 == 1 { (buffer, &mut *block) } else { (&mut *block, buffer) };
        decode_block(&head, stream, from)?;
        undo_filters(&head, filters, meta, first.as_deref(), from, to)?;
        if first.is_none() && filters.contains(&DELTA) {
            first = Some(block.to_vec());
        }
    }
    buffers.give(buffer);
    Ok(out)
}

fn nan(head: &ChunkHead) -> Result<Vec<u8>> {
    match head.type_size {
        4 => Ok(f32::NAN.to_le_bytes().repeat(head.len / 4)),
        8 => Ok(f64::NAN.to_le_bytes().repeat(head.len / 8)),
        _ => Err(malformed("a chunk of NaN has no numbers of 4 or 8 bytes")),
    }
}

fn repeated(data: &[u8], head: &ChunkHead) -> Result<Vec<u8>> {
    let value = data.get(..head.type_size).ok_or_else(|| malformed("the chunk ends early"))?;
    Ok(value.repeat(head.len / head.type_size))
}

fn decode_block(head: &ChunkHead, mut stream: &[u8], out: &mut [u8]) -> Result<()> {
    let splits = head.flags & ChunkHead::WHOLE_BLOCKS == 0 && out.len() == head.block;
    let parts = if splits { head.type_size } else { 1 };
    let part_len = out.len() / parts;
    if part_len == 0 {
        return Err(malformed("a block is smaller than an element"));
    }
    for part in out.chunks_mut(part_len).take(parts) {
        let mut cursor = Cursor::new(stream);
        let len = cursor.u32()?.cast_signed();
        match len {
            0 => part.fill(0),
            // A run of one byte: its value, negated, and a token.
            ..0 => {
                if cursor.u8()? & 1 == 0 || len < -255 {
                    return Err(malformed("unknown encoding of a block"));
                }
                part.fill(u8::try_from(len.unsigned_abs()).unwrap_or(0));
            }
            _ => decode_part(head.codec(), cursor.take(len.unsigned_abs() as usize)?, part)?,
        }
        stream = cursor.rest();
    }
    // What is left at the end belongs to no part.
    out[parts * part_len..].fill(0);
    Ok(())
}

/// The number of the filter that stores differences.
const DELTA: u8 = 3;

/// Undoes differences: from the element before, or from the same place of the first block.
fn undo_delta(type_size: usize, first: Option<&[u8]>, block: &mut [u8]) {
    let size = match type_size {
        1 | 2 | 4 | 8 => type_size,
        other if other.is_multiple_of(8) => 8,
        _ => 1,
    };
    let whole = block.len() / size * size;
    match first {
        Some(first) => {
            block[..whole].iter_mut().zip(first).for_each(|(byte, other)| *byte ^= other);
        }
        None => (size..whole).for_each(|i| block[i] ^= block[i - size]),
    }
}

/// Undoes the filters of a block, the last first; shuffling goes to `spare`, which is then the block.
fn undo_filters<'b>(
    head: &ChunkHead,
    filters: &[u8],
    meta: &[u8],
    first: Option<&[u8]>,
    mut block: &'b mut [u8],
    mut spare: &'b mut [u8],
) -> Result<()> {
    for (&filter, &meta) in filters.iter().zip(meta).rev() {
        match filter {
            // 4 cuts off bits of mantissas, for good.
            0 | 4 => {}
            1 | 2 => {
                let size = if filter == 1 && meta > 0 { usize::from(meta) } else { head.type_size };
                if filter == 1 {
                    shuffle::unshuffle(block, size, spare);
                } else {
                    let whole = block.len() / size / 8 * 8 * size;
                    bitshuffle::unshuffle(&block[..whole], size, &mut spare[..whole]);
                    spare[whole..].copy_from_slice(&block[whole..]);
                }
                std::mem::swap(&mut block, &mut spare);
            }
            DELTA => undo_delta(head.type_size, first, block),
            other => {
                return Err(unsupported(format!("filter `{other}` inside Blosc 2 is not known")));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_that_are_not_cut_are_merged() {
        for (shape, chunk, block, merged) in [
            ([5, 3], [5, 3], [2, 3], 1),
            ([5, 3], [4, 3], [2, 3], 1),
            ([5, 3], [5, 3], [2, 2], 2),
            ([5, 3], [5, 2], [2, 2], 2),
        ] {
            let make = || BlockedArray {
                shape: shape.to_vec(),
                chunk: chunk.to_vec(),
                block: block.to_vec(),
            };
            let mut found = make();
            while found.merge_last().unwrap() {}
            assert_eq!(found.shape.len(), merged);
            let blocks = |n: usize, c: usize, b: usize| n.div_ceil(c) * c.div_ceil(b) * b;
            let len: usize = (0..2).map(|i| blocks(shape[i], chunk[i], block[i])).product();
            let data: Vec<u8> = (0..len).map(|i| u8::try_from(i).unwrap()).collect();
            assert_eq!(found.to_rows(&data, 1).unwrap(), make().to_rows(&data, 1).unwrap());
        }
    }
}
