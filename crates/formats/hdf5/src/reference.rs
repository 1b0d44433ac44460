//! References: to objects, and to regions of datasets.

use std::sync::Arc;

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, malformed};
use crate::core::FileCore;
use crate::global_heap::HeapId;
use crate::node::Node;
use crate::region::Region;

impl Node {
    /// The object that a reference's bytes refer to; `None` for the null reference.
    ///
    /// # Errors
    /// If the bytes are no reference to an object.
    pub fn dereference(&self, bytes: &[u8]) -> Result<Option<Self>> {
        let core = self.core();
        let address = Cursor::new(bytes).address(core.sizes)?;
        if address == 0 || address == UNDEFINED {
            return Ok(None);
        }
        let node = Self::at(core, address);
        node.kind()?;
        Ok(Some(node))
    }

    /// The dataset and the region that a reference's bytes refer to; `None` for the null
    /// reference.
    ///
    /// # Errors
    /// If the bytes are no reference to a region.
    pub fn dereference_region(&self, bytes: &[u8]) -> Result<Option<(Self, Region)>> {
        let core = self.core();
        let id = HeapId::parse(core, &mut Cursor::new(bytes))?;
        if id.address == 0 || id.address == UNDEFINED {
            return Ok(None);
        }
        let object = id.get(core)?;
        let mut cursor = Cursor::new(&object);
        let node = Self::at(core, cursor.address(core.sizes)?);
        let region = Region::parse(&mut cursor)?;
        let dataset = node.dataset()?;
        if region.rank().is_some_and(|rank| rank != dataset.space().shape().len()) {
            return Err(malformed("a region has another rank than its dataset"));
        }
        region.check(dataset.space().shape())?;
        Ok(Some((node, region)))
    }

    /// The elements of variable length that an element's bytes lead to: how many, and theirs.
    ///
    /// # Errors
    /// If the heap has no such object, or it is shorter than that.
    pub fn sequence(&self, bytes: &[u8], base: u32) -> Result<(u32, Vec<u8>)> {
        read_sequence(self.core(), bytes, base)
    }
}

/// Reads a sequence: its length, and the heap object that holds it.
pub(crate) fn read_sequence(
    core: &Arc<FileCore>,
    bytes: &[u8],
    base: u32,
) -> Result<(u32, Vec<u8>)> {
    let mut cursor = Cursor::new(bytes);
    let count = cursor.u32()?;
    let id = HeapId::parse(core, &mut cursor)?;
    if count == 0 || id.address == 0 || id.address == UNDEFINED {
        return Ok((0, Vec::new()));
    }
    let collection = core.heaps.collection(core, id.address)?;
    let object = collection.get(id.number)?;
    let len = u64::from(count) * u64::from(base);
    let found = object.get(..crate::bytes::index(len));
    let found = found.ok_or_else(|| malformed("a sequence is longer than its heap object"))?;
    Ok((count, found.to_vec()))
}
