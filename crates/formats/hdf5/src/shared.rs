//! Messages that several headers share: in committed types, or in the file's table.

use std::borrow::Cow;

use cannery_core::Result;

use crate::bytes::{Cursor, corrupt, malformed, wrong_version};
use crate::checksum::ends_with_lookup3;
use crate::core::FileCore;
use crate::fractal_heap::FractalHeap;
use crate::header::{Header, Message};

/// The table of shared messages: for each index, which kinds it holds and in which heap.
pub(crate) struct SharedTable {
    heaps: Vec<(u16, FractalHeap)>,
}

impl SharedTable {
    pub(crate) fn read(core: &FileCore, address: u64, count: u8) -> Result<Self> {
        if !(1..=8).contains(&count) {
            return Err(malformed(format!(
                "expected 1 to 8 indexes of shared messages, found {count}"
            )));
        }
        let entry = 14 + 2 * u64::from(core.sizes.offset);
        let block = core.read(address, 8 + entry * u64::from(count))?;
        let mut cursor = Cursor::new(&block);
        cursor.signature(*b"SMTB", "the table of shared messages")?;
        if !ends_with_lookup3(&block) {
            return Err(corrupt("the table of shared messages"));
        }
        let mut heaps = Vec::new();
        for _ in 0..count {
            cursor.version(0, "an index of shared messages")?;
            cursor.skip(1)?;
            let kinds = cursor.u16()?;
            cursor.skip(4 + 2 + 2 + 2)?;
            cursor.address(core.sizes)?;
            let heap = cursor.address(core.sizes)?;
            // An index that was never used has no heap.
            if heap != crate::bytes::UNDEFINED {
                heaps.push((kinds, FractalHeap::read(core, heap)?));
            }
        }
        Ok(Self { heaps })
    }

    fn get(&self, core: &FileCore, kind: u16, id: &[u8]) -> Result<Vec<u8>> {
        let heap = self.heaps.iter().find(|(kinds, _)| kinds >> kind & 1 != 0);
        let (_, heap) =
            heap.ok_or_else(|| malformed("no index has shared messages of this kind"))?;
        heap.get(core, id)
    }
}

/// Where a shared message is.
pub(crate) enum SharedAt {
    /// In the header of a committed type.
    Header(u64),
    /// In the heap of the file's table.
    Heap([u8; 8]),
}

impl SharedAt {
    pub(crate) fn parse(core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Self> {
        match cursor.u8()? {
            1 => {
                cursor.skip(7)?;
                cursor.length(core.sizes)?;
                Ok(Self::Header(cursor.address(core.sizes)?))
            }
            2 => {
                cursor.skip(1)?;
                Ok(Self::Header(cursor.address(core.sizes)?))
            }
            3 if cursor.u8()? == 1 => {
                let mut id = [0; 8];
                id.copy_from_slice(cursor.take(8)?);
                Ok(Self::Heap(id))
            }
            3 => Ok(Self::Header(cursor.address(core.sizes)?)),
            version => Err(wrong_version("a shared message", version)),
        }
    }

    /// The message that is shared.
    pub(crate) fn get(&self, core: &FileCore, kind: u16) -> Result<Vec<u8>> {
        match self {
            Self::Heap(id) => core.shared()?.get(core, kind, id),
            Self::Header(address) => {
                let header = Header::read(core, *address)?;
                let found = header.messages.into_iter().find(|m| m.kind == kind && !m.is_shared());
                Ok(found
                    .ok_or_else(|| malformed("a shared message is not where it should be"))?
                    .data)
            }
        }
    }
}

/// The data of a message, from where it is shared if it is.
pub(crate) fn resolve<'a>(core: &FileCore, message: &'a Message) -> Result<Cow<'a, [u8]>> {
    if !message.is_shared() {
        return Ok(Cow::Borrowed(&message.data));
    }
    let at = SharedAt::parse(core, &mut Cursor::new(&message.data))?;
    Ok(Cow::Owned(at.get(core, message.kind)?))
}
