//! Global heaps: the elements of variable length, references to regions, virtual mappings.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::Result;

use crate::bytes::{Cursor, index, malformed};
use crate::core::FileCore;

/// The bytes of collections that are kept, at most.
const KEPT: usize = 32 << 20;

/// A collection of objects.
pub(crate) struct Collection {
    block: Vec<u8>,
    /// Where each object stands in the block.
    objects: HashMap<u32, (usize, usize)>,
}

impl Collection {
    fn read(core: &FileCore, address: u64) -> Result<Self> {
        let length = usize::from(core.sizes.length);
        let head = core.read(address, 8 + length as u64)?;
        let mut cursor = Cursor::new(&head);
        cursor.signature(*b"GCOL", "a global heap")?;
        cursor.version(1, "a global heap")?;
        cursor.skip(3)?;
        let size = cursor.length(core.sizes)?;
        let block = core.read(address, size)?;
        let mut cursor = Cursor::new(&block);
        cursor.skip((8 + length).next_multiple_of(8))?;
        let mut objects = HashMap::new();
        let prefix = (8 + length).next_multiple_of(8);
        while cursor.remaining() >= prefix {
            let number = u32::from(cursor.u16()?);
            cursor.skip(6)?;
            let len = cursor.length(core.sizes)?;
            // Object 0 is the free space at the end.
            if number == 0 {
                break;
            }
            cursor.skip(prefix - 8 - length)?;
            let at = cursor.position();
            cursor.take_long(len)?;
            objects.insert(number, (at, index(len)));
            cursor.skip(index(len.next_multiple_of(8) - len).min(cursor.remaining()))?;
        }
        Ok(Self { block, objects })
    }

    /// An object by its number.
    pub(crate) fn get(&self, number: u32) -> Result<&[u8]> {
        let found = self.objects.get(&number).map(|&(at, len)| &self.block[at..at + len]);
        found.ok_or_else(|| malformed(format!("a global heap has no object `{number}`")))
    }
}

/// The collections that were read last.
#[derive(Default)]
pub(crate) struct GlobalHeaps(Mutex<(usize, HashMap<u64, Arc<Collection>>)>);

impl GlobalHeaps {
    /// Forgets a collection that has been written again.
    pub(crate) fn forget(&self, address: u64) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = kept.1.remove(&address) {
            kept.0 -= old.block.len();
        }
    }

    /// The collection at an address.
    pub(crate) fn collection(&self, core: &FileCore, address: u64) -> Result<Arc<Collection>> {
        if let Some(edits) = &core.edits {
            edits.flush_heap(core)?;
        }
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().1.get(&address) {
            return Ok(Arc::clone(found));
        }
        let new = Arc::new(Collection::read(core, address).map_err(|e| e.at_offset(address))?);
        let mut kept = lock();
        if kept.0 + new.block.len() > KEPT {
            *kept = Default::default();
        }
        kept.0 += new.block.len();
        kept.1.insert(address, Arc::clone(&new));
        Ok(new)
    }
}

/// Where an object of a global heap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeapId {
    pub(crate) address: u64,
    pub(crate) number: u32,
}

impl HeapId {
    pub(crate) fn parse(core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Self> {
        Ok(Self { address: cursor.address(core.sizes)?, number: cursor.u32()? })
    }

    pub(crate) fn get(self, core: &FileCore) -> Result<Vec<u8>> {
        let collection = core.heaps.collection(core, self.address)?;
        Ok(collection.get(self.number)?.to_vec())
    }
}
