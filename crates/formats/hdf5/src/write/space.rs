//! Where new bytes go: to the end of the file, or where bytes were given up.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::{MutexGuard, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use super::edits::Edits;
use crate::bytes::Sizes;
use crate::core::FileCore;

/// Data of as many bytes, or more, begin at the start of a page.
const LONG: u64 = 1 << 20;
const PAGE: u64 = 4096;

/// Less than this is not kept when a larger piece is used.
const LEAST: u64 = 64;

/// Pieces of the file: those in use since the last commit, and those that can be used again.
#[derive(Default)]
pub(super) struct Allocator {
    end: u64,
    limit: u64,
    /// Addresses that no committed structure leads to: free as soon as they are given up.
    fresh: HashSet<u64>,
    /// Length and address of pieces that can be used.
    free: BTreeSet<(u64, u64)>,
    /// Pieces that the file on disk still leads to, until the next commit.
    later: Vec<(u64, u64)>,
}

impl Allocator {
    pub(super) fn new(end: u64, sizes: Sizes) -> Self {
        let limit = u64::MAX >> (64 - 8 * u32::from(sizes.offset.min(8)));
        Self { end, limit, ..Self::default() }
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    fn take(&mut self, len: u64) -> Result<u64> {
        let found = self.free.range((len, 0)..).next().copied();
        let found = found.filter(|(size, _)| *size <= 2 * len + LEAST);
        let address = if let Some((size, address)) = found {
            self.free.remove(&(size, address));
            if size - len >= LEAST {
                self.free.insert((size - len, address + len));
            }
            address
        } else {
            // Structures begin at multiples of eight, as libhdf5 has them; long data at a page, which
            // is quicker to write.
            let address = self.end.next_multiple_of(if len < LONG { 8 } else { PAGE });
            let end = address.checked_add(len).filter(|end| *end < self.limit);
            self.end = end.ok_or_else(|| {
                Error::new(ErrorKind::Limit, "the file would be longer than its addresses")
            })?;
            address
        };
        self.fresh.insert(address);
        Ok(address)
    }

    fn give_up(&mut self, address: u64, len: u64) {
        if self.fresh.remove(&address) {
            self.free.insert((len, address));
        } else {
            self.later.push((address, len));
        }
    }

    /// All structures of the file on disk are those in memory.
    pub(super) fn commit(&mut self) {
        self.fresh.clear();
        self.free.extend(self.later.drain(..).map(|(address, len)| (len, address)));
    }
}

/// Room in a file, and which pieces were taken for what is being written.
pub(super) struct Space<'a> {
    edits: &'a Edits,
    core: &'a FileCore,
    taken: RefCell<Vec<(u64, u64)>>,
}

impl<'a> Space<'a> {
    pub(super) fn new(edits: &'a Edits, core: &'a FileCore) -> Self {
        Self { edits, core, taken: RefCell::default() }
    }

    pub(super) fn edits(&self) -> &'a Edits {
        self.edits
    }

    pub(super) fn core(&self) -> &'a FileCore {
        self.core
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.core.sizes
    }

    /// Half of the children that a node of a B-tree of chunks has room for.
    pub(super) fn chunk_node(&self) -> usize {
        usize::from(self.core.superblock.chunk_node)
    }

    /// Takes `len` bytes.
    pub(super) fn take(&self, len: u64) -> Result<u64> {
        let address = allocate(self.edits, self.core, len)?;
        self.taken.borrow_mut().push((address, len));
        Ok(address)
    }

    pub(super) fn write(&self, address: u64, data: &[u8]) -> Result<()> {
        write(self.edits, self.core, address, data)
    }

    /// Takes room for `data` and writes it there.
    pub(super) fn append(&self, data: &[u8]) -> Result<u64> {
        let address = self.take(data.len() as u64)?;
        self.write(address, data)?;
        Ok(address)
    }

    /// A collection of a global heap was written again.
    pub(super) fn forget_heap(&self, address: u64) {
        self.core.heaps.forget(address);
    }

    /// The pieces that were taken.
    pub(super) fn taken(self) -> Vec<(u64, u64)> {
        self.taken.into_inner()
    }
}

fn allocator(edits: &Edits) -> MutexGuard<'_, Allocator> {
    edits.allocator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes `len` bytes; several threads may.
pub(super) fn allocate(edits: &Edits, core: &FileCore, len: u64) -> Result<u64> {
    let mut allocator = allocator(edits);
    let address = allocator.take(len.max(1))?;
    core.set_end(allocator.end());
    Ok(address)
}

/// Gives bytes up that nothing in memory leads to any more.
pub(super) fn give_up(edits: &Edits, address: u64, len: u64) {
    allocator(edits).give_up(address, len.max(1));
}

/// Writes bytes at an address; several threads may.
pub(super) fn write(edits: &Edits, core: &FileCore, address: u64, data: &[u8]) -> Result<()> {
    edits.target.write_at(address + core.superblock.base, data)?;
    core.forget(address, data.len() as u64);
    Ok(())
}
