//! References: to objects, and to regions of datasets.

use std::sync::Arc;

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, index, malformed, unsupported};
use crate::core::FileCore;
use crate::global_heap::HeapId;
use crate::node::Node;
use crate::region::Region;

/// Kinds of references of HDF5 1.12 and later.
const OBJECT: u8 = 2;
const REGION: u8 = 3;
const ATTRIBUTE: u8 = 4;

/// A flag of such a reference: it leads to another file.
const IS_EXTERNAL: u8 = 1;

/// What a reference of HDF5 1.12 and later refers to.
#[non_exhaustive]
pub struct ReferenceTarget {
    /// The object.
    pub node: Node,
    /// The object itself, or what of it.
    pub part: ReferencePart,
}

/// What of an object a reference refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferencePart {
    /// The object itself.
    Object,
    /// A region of the dataset.
    Region(Region),
    /// An attribute, by its name.
    Attribute(Vec<u8>),
}

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
        let region = region_of(&node, &mut cursor)?;
        Ok(Some((node, region)))
    }

    /// What the bytes of a reference of HDF5 1.12 and later refer to; `None` for the null reference.
    ///
    /// # Errors
    /// If the bytes are no such reference, and [`cannery_core::ErrorKind::Unsupported`] if it leads
    /// to another file.
    pub fn dereference_new(&self, bytes: &[u8]) -> Result<Option<ReferenceTarget>> {
        let core = self.core();
        let mut cursor = Cursor::new(bytes);
        let (kind, flags) = (cursor.u8()?, cursor.u8()?);
        if bytes.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if flags & IS_EXTERNAL != 0 {
            return Err(unsupported("a reference to an object of another file"));
        }
        if kind == OBJECT {
            return Ok(Some(ReferenceTarget {
                node: token(core, &mut cursor)?,
                part: ReferencePart::Object,
            }));
        }
        let len = cursor.u32()?;
        let object = HeapId::parse(core, &mut cursor)?.get(core)?;
        let object = object.get(..index(u64::from(len)));
        let object =
            object.ok_or_else(|| malformed("a reference is longer than its heap object"))?;
        let mut cursor = Cursor::new(object);
        let node = token(core, &mut cursor)?;
        let part = match kind {
            REGION => {
                cursor.skip(8)?;
                ReferencePart::Region(region_of(&node, &mut cursor)?)
            }
            ATTRIBUTE => {
                let len = usize::from(cursor.u16()?);
                ReferencePart::Attribute(cursor.take(len)?.to_vec())
            }
            kind => return Err(malformed(format!("unknown kind `{kind}` of a reference"))),
        };
        Ok(Some(ReferenceTarget { node, part }))
    }

    /// The elements of variable length that an element's bytes lead to: how many, and theirs.
    ///
    /// # Errors
    /// If the heap has no such object, or it is shorter than that.
    pub fn sequence(&self, bytes: &[u8], base: u32) -> Result<(u32, Vec<u8>)> {
        read_sequence(self.core(), bytes, base)
    }
}

/// A selection that a reference holds, checked against the dataset.
fn region_of(node: &Node, cursor: &mut Cursor<'_>) -> Result<Region> {
    let region = Region::parse(cursor)?;
    let dataset = node.dataset()?;
    if region.rank().is_some_and(|rank| rank != dataset.space().shape().len()) {
        return Err(malformed("a region has another rank than its dataset"));
    }
    region.check(dataset.space().shape())?;
    Ok(region)
}

/// The object of a token: its length, and an address in the file.
fn token(core: &Arc<FileCore>, cursor: &mut Cursor<'_>) -> Result<Node> {
    let len = usize::from(cursor.u8()?);
    let address = Cursor::new(cursor.take(len)?).address(core.sizes)?;
    let node = Node::at(core, address);
    node.kind()?;
    Ok(node)
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
    let found = object.get(..index(len));
    let found = found.ok_or_else(|| malformed("a sequence is longer than its heap object"))?;
    Ok((count, found.to_vec()))
}
