//! Version 1 B-trees of chunks.

use std::collections::HashSet;

use cannery_core::Result;

use super::{Chunk, ChunkIndex, Grid};
use crate::bytes::{Cursor, cycle, malformed};
use crate::core::FileCore;

pub(super) fn read(core: &FileCore, grid: &Grid<'_>, index: &mut ChunkIndex) -> Result<()> {
    let mut seen = HashSet::new();
    let mut pending = vec![(grid.layout.address, None)];
    while let Some((address, level)) = pending.pop() {
        let read = if seen.insert(address) {
            read_node(core, grid, (address, level), &mut pending, index)
        } else {
            Err(cycle("a node of a B-tree of chunks", address))
        };
        if let Err(error) = read {
            core.tolerate(error, address)?;
        }
    }
    Ok(())
}

fn read_node(
    core: &FileCore,
    grid: &Grid<'_>,
    (address, expected): (u64, Option<u8>),
    pending: &mut Vec<(u64, Option<u8>)>,
    index: &mut ChunkIndex,
) -> Result<()> {
    let offset = u64::from(core.sizes.offset);
    let head = core.read(address, 8 + 2 * offset)?;
    let mut cursor = Cursor::new(&head);
    cursor.signature(*b"TREE", "a B-tree's node")?;
    if cursor.u8()? != 1 {
        return Err(malformed("expected a B-tree of chunks, found one of a group"));
    }
    let level = cursor.u8()?;
    if expected.is_some_and(|expected| expected != level) {
        return Err(malformed("a B-tree's node is not of the level below its parent"));
    }
    let count = u64::from(cursor.u16()?);
    let rank = grid.layout.shape.len();
    let key = 8 + 8 * (rank as u64 + 1);
    let body = core.read(address + head.len() as u64, count * (key + offset))?;
    let mut cursor = Cursor::new(&body);
    for _ in 0..count {
        let (len, mask) = (u64::from(cursor.u32()?), cursor.u32()?);
        let mut place = Vec::with_capacity(rank);
        for &chunk in &grid.layout.shape {
            let at = cursor.u64()?;
            if at % chunk != 0 {
                return Err(malformed("a chunk begins inside another"));
            }
            place.push(at / chunk);
        }
        cursor.skip(8)?;
        let child = cursor.address(core.sizes)?;
        match level.checked_sub(1) {
            Some(below) => pending.push((child, Some(below))),
            None => index.add(grid, &place, Chunk { address: child, len, mask }),
        }
    }
    Ok(())
}
