//! Fixed and extensible arrays of chunks.

use cannery_core::Result;

use super::{ChunkIndex, Grid};
use crate::bytes::{Cursor, UNDEFINED, corrupt, cycle, index, log2, malformed};
use crate::checksum::ends_with_lookup3;
use crate::core::FileCore;

/// What all blocks of both arrays begin with: signature, version, client, the header's address.
fn check_prefix(
    core: &FileCore,
    cursor: &mut Cursor<'_>,
    (signature, what): ([u8; 4], &str),
    grid: &Grid<'_>,
) -> Result<()> {
    cursor.signature(signature, what)?;
    cursor.version(0, what)?;
    let client = cursor.u8()?;
    if client != u8::from(grid.filtered) {
        return Err(malformed(format!("{what} is of another kind than its dataset")));
    }
    if signature[2] != b'H' && cursor.address(core.sizes)? != grid.layout.address {
        return Err(malformed(format!("{what} belongs to another array")));
    }
    Ok(())
}

fn checked(core: &FileCore, address: u64, len: u64, what: &str) -> Result<Vec<u8>> {
    let block = core.read(address, len)?;
    if ends_with_lookup3(&block) { Ok(block) } else { Err(corrupt(what)) }
}

/// Adds entries that stand one after the other.
fn add_entries(
    core: &FileCore,
    grid: &Grid<'_>,
    (first, count): (u64, u64),
    bytes: &[u8],
    chunks: &mut ChunkIndex,
) -> Result<()> {
    let unlimited = grid.unlimited().unwrap_or(0);
    let mut cursor = Cursor::new(bytes);
    for number in first..first + count {
        let chunk = grid.entry(core, &mut cursor)?;
        if chunk.address != UNDEFINED
            && let Some(place) = grid.place_of(number, unlimited)
        {
            chunks.add(grid, &place, chunk);
        }
    }
    Ok(())
}

/// Adds the entries of pages that were written, each with its checksum.
fn add_pages(
    core: &FileCore,
    grid: &Grid<'_>,
    (address, first, count, page): (u64, u64, u64, u64),
    written: impl Fn(u64) -> bool,
    chunks: &mut ChunkIndex,
) -> Result<()> {
    let entry = grid.entry_len(core);
    let whole = page * entry + 4;
    for number in 0..count.div_ceil(page) {
        if !written(number) {
            continue;
        }
        let here = page.min(count - number * page);
        let at = number.checked_mul(whole).and_then(|skip| address.checked_add(skip));
        let at = at.ok_or_else(|| malformed("a page lies outside the file"))?;
        match checked(core, at, here * entry + 4, "a page of an array") {
            Ok(bytes) => add_entries(core, grid, (first + number * page, here), &bytes, chunks)?,
            Err(error) => core.tolerate(error, at)?,
        }
    }
    Ok(())
}

/// Bit `number`, the highest of each byte first.
fn bit(bits: &[u8], number: u64) -> bool {
    bits.get(index(number / 8)).is_some_and(|byte| byte >> (7 - number % 8) & 1 != 0)
}

pub(super) fn read_fixed(core: &FileCore, grid: &Grid<'_>, chunks: &mut ChunkIndex) -> Result<()> {
    let (offset, length) = (u64::from(core.sizes.offset), u64::from(core.sizes.length));
    let head = checked(core, grid.layout.address, 12 + length + offset, "a fixed array")?;
    let mut cursor = Cursor::new(&head);
    check_prefix(core, &mut cursor, (*b"FAHD", "a fixed array"), grid)?;
    let entry = u64::from(cursor.u8()?);
    let page_bits = cursor.u8()?;
    let count = cursor.length(core.sizes)?;
    let address = cursor.address(core.sizes)?;
    if entry != grid.entry_len(core) || page_bits > 32 {
        return Err(malformed("the sizes of a fixed array are not possible"));
    }
    if address == UNDEFINED {
        return Ok(());
    }
    let page = 1_u64 << page_bits;
    let prefix = 6 + offset;
    let too_many = || malformed("a fixed array claims more chunks than the file has room for");
    if count <= page {
        let len = count
            .checked_mul(entry)
            .and_then(|len| len.checked_add(prefix + 4))
            .ok_or_else(too_many)?;
        let block = checked(core, address, len, "the block of a fixed array")?;
        let mut cursor = Cursor::new(&block);
        check_prefix(core, &mut cursor, (*b"FADB", "the block of a fixed array"), grid)?;
        return add_entries(core, grid, (0, count), cursor.rest(), chunks);
    }
    let bitmap = count.div_ceil(page).div_ceil(8);
    let len = bitmap.checked_add(prefix + 4).ok_or_else(too_many)?;
    let block = checked(core, address, len, "the block of a fixed array")?;
    let mut cursor = Cursor::new(&block);
    check_prefix(core, &mut cursor, (*b"FADB", "the block of a fixed array"), grid)?;
    let bits = cursor.take_long(bitmap)?;
    add_pages(core, grid, (address + len, 0, count, page), |number| bit(bits, number), chunks)
}

/// The header of an extensible array.
struct ExtensibleArray {
    max_bits: u32,
    in_index: u64,
    least: u64,
    pointers: u64,
    page: u64,
    /// Entries beyond are not set.
    used: u64,
    index: u64,
}

impl ExtensibleArray {
    fn read(core: &FileCore, grid: &Grid<'_>) -> Result<Self> {
        let (offset, length) = (u64::from(core.sizes.offset), u64::from(core.sizes.length));
        let head =
            checked(core, grid.layout.address, 16 + 6 * length + offset, "an extensible array")?;
        let mut cursor = Cursor::new(&head);
        check_prefix(core, &mut cursor, (*b"EAHD", "an extensible array"), grid)?;
        let entry = u64::from(cursor.u8()?);
        let max_bits = u32::from(cursor.u8()?);
        let (in_index, least) = (u64::from(cursor.u8()?), u64::from(cursor.u8()?));
        let (pointers, page_bits) = (u64::from(cursor.u8()?), u32::from(cursor.u8()?));
        cursor.skip(4 * usize::from(core.sizes.length))?;
        let used = cursor.length(core.sizes)?;
        cursor.length(core.sizes)?;
        let index = cursor.address(core.sizes)?;
        let powers = least.is_power_of_two() && pointers.is_power_of_two();
        let possible =
            powers && pointers >= 2 && max_bits <= 64 && page_bits <= 32 && log2(least) < max_bits;
        if entry != grid.entry_len(core) || !possible {
            return Err(malformed("the sizes of an extensible array are not possible"));
        }
        Ok(Self { max_bits, in_index, least, pointers, page: 1 << page_bits, used, index })
    }

    /// How many super blocks there can be.
    fn levels(&self) -> u32 {
        1 + self.max_bits - log2(self.least)
    }

    /// How many super blocks have their pointers in the index block.
    fn inner_levels(&self) -> u32 {
        2 * log2(self.pointers)
    }

    /// How many data blocks a super block has, and how many entries each of them.
    fn level(&self, number: u32) -> (u64, u64) {
        let blocks = 1_u64.checked_shl(number / 2).unwrap_or(0);
        let entries = 1_u64.checked_shl(number.div_ceil(2)).and_then(|n| n.checked_mul(self.least));
        (blocks, entries.unwrap_or(0))
    }

    fn offset_len(&self) -> usize {
        self.max_bits.div_ceil(8) as usize
    }
}

pub(super) fn read_extensible(
    core: &FileCore,
    grid: &Grid<'_>,
    chunks: &mut ChunkIndex,
) -> Result<()> {
    let array = ExtensibleArray::read(core, grid)?;
    if array.index == UNDEFINED {
        return Ok(());
    }
    let (offset, entry) = (u64::from(core.sizes.offset), grid.entry_len(core));
    let direct = 2 * (array.pointers - 1);
    let supers = u64::from(array.levels().saturating_sub(array.inner_levels()));
    let len = 6 + offset + array.in_index * entry + (direct + supers) * offset + 4;
    let block = checked(core, array.index, len, "the index of an extensible array")?;
    let mut cursor = Cursor::new(&block);
    check_prefix(core, &mut cursor, (*b"EAIB", "the index of an extensible array"), grid)?;
    add_entries(
        core,
        grid,
        (0, array.in_index),
        cursor.take_long(array.in_index * entry)?,
        chunks,
    )?;
    let mut seen = std::collections::HashSet::new();
    let mut first = array.in_index;
    for level in 0..array.levels() {
        if first > array.used {
            break;
        }
        let (blocks, entries) = array.level(level);
        if level >= array.inner_levels() {
            let address = cursor.address(core.sizes)?;
            if address != UNDEFINED {
                if !seen.insert(address) {
                    return Err(cycle("a super block", address));
                }
                if let Err(error) = read_super(core, grid, &array, (address, first, level), chunks)
                {
                    core.tolerate(error, address)?;
                }
            }
        } else {
            for number in 0..blocks {
                let address = cursor.address(core.sizes)?;
                let start = first + number * entries;
                if address != UNDEFINED {
                    let at = (address, start, entries);
                    if let Err(error) = read_block(core, grid, &array, at, None, chunks) {
                        core.tolerate(error, address)?;
                    }
                }
            }
        }
        first = blocks.checked_mul(entries).and_then(|n| n.checked_add(first)).unwrap_or(u64::MAX);
    }
    Ok(())
}

fn read_super(
    core: &FileCore,
    grid: &Grid<'_>,
    array: &ExtensibleArray,
    (address, first, level): (u64, u64, u32),
    chunks: &mut ChunkIndex,
) -> Result<()> {
    let (blocks, entries) = array.level(level);
    let offset = u64::from(core.sizes.offset);
    let bitmap = if entries > array.page { (entries / array.page).div_ceil(8) } else { 0 };
    let prefix = 6 + offset + array.offset_len() as u64;
    let each = bitmap.checked_add(offset).and_then(|each| each.checked_mul(blocks));
    let len = each.and_then(|each| each.checked_add(prefix + 4));
    let len = len.ok_or_else(|| malformed("a super block is too large"))?;
    let block = checked(core, address, len, "a super block")?;
    let mut cursor = Cursor::new(&block);
    check_prefix(core, &mut cursor, (*b"EASB", "a super block"), grid)?;
    cursor.skip(array.offset_len())?;
    let bits = cursor.take_long(bitmap * blocks)?;
    for number in 0..blocks {
        let address = cursor.address(core.sizes)?;
        if address != UNDEFINED {
            let start = first + number * entries;
            let bits = &bits[index(number * bitmap)..index((number + 1) * bitmap)];
            let at = (address, start, entries);
            if let Err(error) = read_block(core, grid, array, at, Some(bits), chunks) {
                core.tolerate(error, address)?;
            }
        }
    }
    Ok(())
}

fn read_block(
    core: &FileCore,
    grid: &Grid<'_>,
    array: &ExtensibleArray,
    (address, first, count): (u64, u64, u64),
    bits: Option<&[u8]>,
    chunks: &mut ChunkIndex,
) -> Result<()> {
    let prefix = 6 + u64::from(core.sizes.offset) + array.offset_len() as u64;
    let what = (*b"EADB", "a data block");
    if count <= array.page {
        let body =
            count.checked_mul(grid.entry_len(core)).and_then(|len| len.checked_add(prefix + 4));
        let len = body.ok_or_else(|| malformed("a data block is too large"))?;
        let block = checked(core, address, len, "a data block")?;
        let mut cursor = Cursor::new(&block);
        check_prefix(core, &mut cursor, what, grid)?;
        cursor.skip(array.offset_len())?;
        return add_entries(core, grid, (first, count), cursor.rest(), chunks);
    }
    let block = checked(core, address, prefix + 4, "a data block")?;
    check_prefix(core, &mut Cursor::new(&block), what, grid)?;
    let written = |number| bits.is_none_or(|bits| bit(bits, number));
    add_pages(core, grid, (address + prefix + 4, first, count, array.page), written, chunks)
}
