//! Global heaps: new elements of variable length go to collections that are filled one by one.

use cannery_core::Result;

use super::encode::Encoder;
use super::space::Space;
use crate::bytes::{Sizes, index};
use crate::global_heap::HeapId;

/// The smallest collection that libhdf5 reads.
const LEAST: usize = 4096;

/// Collections after the first have room for more, since more is likely to come.
const USUAL: usize = 1 << 16;

/// Objects of a collection, at most.
const MOST: u32 = 0xfff0;

/// The collection that new objects go to.
#[derive(Default)]
pub(super) struct HeapWriter {
    open: Option<Collection>,
    is_later: bool,
}

struct Collection {
    address: u64,
    data: Vec<u8>,
    size: usize,
    count: u32,
    is_written: bool,
}

fn prefix(sizes: Sizes) -> usize {
    (8 + usize::from(sizes.length)).next_multiple_of(8)
}

impl HeapWriter {
    /// Adds an object.
    pub(super) fn add(&mut self, space: &Space<'_>, data: &[u8]) -> Result<HeapId> {
        let need = prefix(space.sizes()) + data.len().next_multiple_of(8);
        let fits = |c: &Collection| c.data.len() + need <= c.size && c.count < MOST;
        if !self.open.as_ref().is_some_and(fits) {
            self.flush(space)?;
            self.open = Some(self.start(space, need)?);
        }
        let Some(open) = &mut self.open else { return Err(crate::bytes::malformed("no heap")) };
        open.count += 1;
        open.is_written = false;
        let mut out = Encoder::new(space.sizes());
        // Not counted: libhdf5 sets 0 as well.
        out.u16(u16::try_from(open.count).unwrap_or(0)).u16(0).u32(0).length(data.len() as u64);
        out.align().bytes(data).align();
        open.data.extend_from_slice(&out.finish());
        Ok(HeapId { address: open.address, number: open.count })
    }

    fn start(&mut self, space: &Space<'_>, need: usize) -> Result<Collection> {
        let least = if self.is_later { USUAL } else { LEAST };
        self.is_later = true;
        let size = (prefix(space.sizes()) + need).next_multiple_of(8).max(least);
        let address = space.take(size as u64)?;
        let mut out = Encoder::new(space.sizes());
        out.bytes(b"GCOL").u8(1).zeros(3).length(size as u64).align();
        Ok(Collection { address, data: out.finish(), size, count: 0, is_written: false })
    }

    /// Writes the collection as it is, so that it can be read; more may be added.
    pub(super) fn flush(&mut self, space: &Space<'_>) -> Result<()> {
        let Some(open) = self.open.as_mut().filter(|open| !open.is_written) else { return Ok(()) };
        let mut out = Encoder::new(space.sizes());
        out.bytes(&open.data);
        let left = open.size - open.data.len();
        if left >= prefix(space.sizes()) {
            // Object 0 is the room that is left.
            out.u16(0).u16(0).u32(0).length(left as u64);
        }
        let mut block = out.finish();
        block.resize(open.size, 0);
        space.write(open.address, &block)?;
        space.forget_heap(open.address);
        open.is_written = true;
        Ok(())
    }
}

/// The bytes of an element of variable length.
pub(super) fn descriptor(sizes: Sizes, count: u32, id: Option<HeapId>) -> Vec<u8> {
    let mut out = Encoder::new(sizes);
    match id {
        Some(id) => out.u32(count).address(id.address).u32(id.number),
        None => out.zeros(index(8 + u64::from(sizes.offset))),
    };
    out.finish()
}
