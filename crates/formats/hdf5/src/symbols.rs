//! Groups of old files: a version 1 B-tree of symbol tables, and names in a local heap.

use std::collections::HashSet;

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, cycle, malformed};
use crate::core::FileCore;
use crate::links::{FoundLink, Link, LinkTarget, Visit};

/// A local heap: names that end with a NUL.
pub(crate) struct LocalHeap {
    data: Vec<u8>,
}

impl LocalHeap {
    pub(crate) fn read(core: &FileCore, address: u64) -> Result<Self> {
        let len = 8 + 2 * u64::from(core.sizes.length) + u64::from(core.sizes.offset);
        let prefix = core.read(address, len)?;
        let mut cursor = Cursor::new(&prefix);
        cursor.signature(*b"HEAP", "a local heap")?;
        cursor.version(0, "a local heap")?;
        cursor.skip(3)?;
        let size = cursor.length(core.sizes)?;
        let free = cursor.length(core.sizes)?;
        let data = cursor.address(core.sizes)?;
        let heap = Self { data: if size == 0 { Vec::new() } else { core.read(data, size)? } };
        heap.check_free_list(core, free)?;
        Ok(heap)
    }

    /// Walks the list of free blocks, as libhdf5 does: it refuses heaps whose list is broken.
    fn check_free_list(&self, core: &FileCore, mut free: u64) -> Result<()> {
        let least = 2 * u64::from(core.sizes.length);
        let mut left = self.data.len() as u64;
        // 1 ends the list; no block begins at an odd offset.
        while free != 1 && free != UNDEFINED {
            let mut cursor =
                Cursor::new(self.data.get(crate::bytes::index(free)..).unwrap_or_default());
            let (next, size) = (cursor.length(core.sizes)?, cursor.length(core.sizes)?);
            left = left
                .checked_sub(size.max(least))
                .ok_or_else(|| malformed("the free list of a local heap does not end"))?;
            if free.checked_add(size).is_none_or(|end| end > self.data.len() as u64) {
                return Err(malformed("a free block lies outside its local heap"));
            }
            free = next;
        }
        Ok(())
    }

    /// The name at an offset.
    pub(crate) fn name(&self, offset: u64) -> Result<&[u8]> {
        let rest = self.data.get(crate::bytes::index(offset)..);
        let rest = rest.filter(|rest| !rest.is_empty());
        Cursor::new(rest.ok_or_else(|| malformed("a name lies outside its local heap"))?).text()
    }
}

/// Calls `visit` with each link of a group, by the addresses of its tree and its heap.
pub(crate) fn visit_links(core: &FileCore, tree: u64, heap: u64, visit: Visit<'_>) -> Result<()> {
    let mut tables = SymbolTables::new(core, heap)?;
    let mut seen = HashSet::new();
    let mut pending = vec![(tree, None)];
    while let Some((address, level)) = pending.pop() {
        if !seen.insert(address) {
            return Err(cycle("a group's B-tree node", address));
        }
        if level == Some(0) {
            if let Err(error) = tables.visit(address, visit) {
                core.tolerate(error, address)?;
            }
            continue;
        }
        let (found, children) = match node(core, address) {
            Ok(found) => found,
            Err(error) => {
                core.tolerate(error, address)?;
                continue;
            }
        };
        check_level(found, level)?;
        pending.extend(children.into_iter().rev().map(|(_, child)| (child, Some(found))));
    }
    Ok(())
}

/// Looks for one link of a group without reading all of them; `None` if the tree does not lead to it.
pub(crate) fn find_link(
    core: &FileCore,
    tree: u64,
    heap: u64,
    name: &[u8],
) -> Result<Option<Link>> {
    let mut tables = SymbolTables::new(core, heap)?;
    let mut budget = core.heap_budget();
    let (mut address, mut level) = (tree, None);
    while level != Some(0) {
        let (found, children) = node(core, address)?;
        check_level(found, level)?;
        // A child has the names behind its own key, up to that of the next.
        let mut next = None;
        for &(key, child) in &children {
            let before = tables.heap.name(key)?;
            budget.spend(before.len())?;
            if next.is_some() && before >= name {
                break;
            }
            next = Some(child);
        }
        let Some(child) = next else { return Ok(None) };
        (address, level) = (child, Some(found));
    }
    let mut link = None;
    tables.visit(address, &mut |found| {
        if link.is_none() && found.name == name {
            link = Some(found.into_link());
            return Ok(());
        }
        budget.spend(found.name.len())
    })?;
    Ok(link)
}

fn check_level(level: u8, parent: Option<u8>) -> Result<()> {
    if parent.is_some_and(|parent| level.checked_add(1) != Some(parent)) {
        return Err(malformed("a B-tree's node is not of the level below its parent"));
    }
    Ok(())
}

/// The level of a node, and its children with the key before each.
fn node(core: &FileCore, address: u64) -> Result<(u8, Vec<(u64, u64)>)> {
    let (offset, length) = (u64::from(core.sizes.offset), u64::from(core.sizes.length));
    let prefix = core.read(address, 8 + 2 * offset)?;
    let mut cursor = Cursor::new(&prefix);
    cursor.signature(*b"TREE", "a B-tree's node")?;
    if cursor.u8()? != 0 {
        return Err(malformed("expected a B-tree of a group, found one of chunks"));
    }
    let level = cursor.u8()?;
    let count = u64::from(cursor.u16()?);
    let body = core.read(address + prefix.len() as u64, count * (length + offset))?;
    let mut cursor = Cursor::new(&body);
    let mut children = Vec::new();
    for _ in 0..count {
        children.push((cursor.length(core.sizes)?, cursor.address(core.sizes)?));
    }
    Ok((level, children))
}

/// Reads the symbol tables of a group.
struct SymbolTables<'a> {
    core: &'a FileCore,
    heap: LocalHeap,
    /// The entries of the table that was read last: the memory serves them all.
    entries: Vec<u8>,
}

impl<'a> SymbolTables<'a> {
    fn new(core: &'a FileCore, heap: u64) -> Result<Self> {
        Ok(Self { core, heap: LocalHeap::read(core, heap)?, entries: Vec::new() })
    }

    fn visit(&mut self, address: u64, visit: Visit<'_>) -> Result<()> {
        let core = self.core;
        let mut prefix = [0; 8];
        core.read_into(address, &mut prefix)?;
        let mut cursor = Cursor::new(&prefix);
        cursor.signature(*b"SNOD", "a symbol table")?;
        cursor.version(1, "a symbol table")?;
        cursor.skip(1)?;
        let count = usize::from(cursor.u16()?);
        let entry = usize::from(core.sizes.length) + usize::from(core.sizes.offset) + 24;
        self.entries.resize(count * entry, 0);
        core.read_into(address + 8, &mut self.entries)?;
        for bytes in self.entries.chunks_exact(entry) {
            let found = read_symbol(core, bytes, &self.heap).and_then(&mut *visit);
            if let Err(error) = found {
                core.tolerate(error, address)?;
            }
        }
        Ok(())
    }
}

fn read_symbol<'a>(core: &FileCore, bytes: &[u8], heap: &'a LocalHeap) -> Result<FoundLink<'a>> {
    let mut cursor = Cursor::new(bytes);
    let name = heap.name(cursor.length(core.sizes)?)?;
    let header = cursor.address(core.sizes)?;
    let cached = cursor.u32()?;
    cursor.skip(4)?;
    let target = match cached {
        2 => LinkTarget::Soft(heap.name(u64::from(cursor.u32()?))?.to_vec()),
        0 | 1 => LinkTarget::Hard(header),
        other => {
            return Err(malformed(format!("unknown kind `{other}` of a symbol table's entry")));
        }
    };
    Ok(FoundLink { name, order: None, target, is_utf8: false })
}
