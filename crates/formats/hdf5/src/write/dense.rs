//! Many links or attributes: a fractal heap of one block, and version 2 B-trees.

use cannery_core::Result;

use super::encode::Encoder;
use super::space::Space;
use crate::bytes::{UNDEFINED, bytes_for, unsupported};
use crate::checksum::lookup3;

/// What a heap holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DenseKind {
    Links,
    Attributes,
}

impl DenseKind {
    /// The bytes of an object's identifier.
    fn id_len(self) -> usize {
        match self {
            Self::Links => 7,
            Self::Attributes => 8,
        }
    }
}

/// Bits of an offset in a heap.
const OFFSET_BITS: u16 = 32;

/// The longest object that libhdf5 keeps in the blocks of its own heaps.
const USUAL_OBJECT: usize = 4096;

/// The longest object whose length fits into an attribute's identifier.
const LONGEST_OBJECT: usize = (1 << 24) - 1;

/// Writes objects to a new heap: its address, and the identifier of each.
pub(super) fn write_heap<'a>(
    space: &Space<'_>,
    kind: DenseKind,
    objects: impl Iterator<Item = &'a [u8]> + Clone,
) -> Result<(u64, Vec<Vec<u8>>)> {
    let sizes = space.sizes();
    let longest = objects.clone().map(<[u8]>::len).max().unwrap_or(0);
    let max_object = match kind {
        _ if longest <= USUAL_OBJECT => USUAL_OBJECT,
        DenseKind::Links if longest < 1 << 16 => (1 << 16) - 1,
        DenseKind::Attributes if longest <= LONGEST_OBJECT => LONGEST_OBJECT,
        _ => return Err(unsupported(format!("an attribute of {longest} bytes is too long"))),
    };
    let header_len = 26 + 12 * usize::from(sizes.length) + 3 * usize::from(sizes.offset);
    let header_at = space.take(header_len as u64)?;
    let mut block = Encoder::new(sizes);
    block.bytes(b"FHDB").u8(0).address(header_at).uint(0, usize::from(OFFSET_BITS) / 8);
    let sum_at = block.data.len();
    block.u32(0);
    let length_size = bytes_for(max_object as u64);
    let mut ids = Vec::new();
    for object in objects {
        let mut id = Encoder::new(sizes);
        id.u8(0).uint(block.data.len() as u64, usize::from(OFFSET_BITS) / 8);
        id.uint(object.len() as u64, length_size);
        let mut id = id.finish();
        id.resize(kind.id_len(), 0);
        ids.push(id);
        block.bytes(object);
    }
    let used = block.data.len();
    let size = used.next_power_of_two().max(512);
    block.zeros(size - used);
    let mut block = block.finish();
    let sum = lookup3(&block);
    block[sum_at..sum_at + 4].copy_from_slice(&sum.to_le_bytes());
    let root = space.append(&block)?;
    let max_direct = size.max(1 << 16).max((max_object + 64).next_power_of_two());
    let mut header = Encoder::new(sizes);
    header.bytes(b"FRHP").u8(0).u16(u16::try_from(kind.id_len()).unwrap_or(8)).u16(0);
    // Bit 1: direct blocks have checksums.
    header.u8(2).u32(u32::try_from(max_object).unwrap_or(u32::MAX));
    header.length(0).address(UNDEFINED).length((size - used) as u64).address(UNDEFINED);
    header.length(size as u64).length(size as u64).length(size as u64).length(ids.len() as u64);
    header.length(0).length(0).length(0).length(0);
    header.u16(4).length(size as u64).length(max_direct as u64).u16(OFFSET_BITS).u16(1);
    header.address(root).u16(0).checksum();
    space.write(header_at, &header.finish())?;
    Ok((header_at, ids))
}

/// Records of a leaf, at most.
const LEAF: usize = 40_000;

/// Writes a version 2 B-tree of records in order.
pub(super) fn write_tree(space: &Space<'_>, kind: u8, records: &[Vec<u8>]) -> Result<u64> {
    let sizes = space.sizes();
    let record_size = records.first().map_or(11, Vec::len);
    let is_deep = records.len() > LEAF;
    let in_leaf = if is_deep { LEAF } else { records.len() };
    let node_size = (10 + in_leaf * record_size).next_power_of_two().max(512);
    let (depth, root, root_count);
    if is_deep {
        // Between two leaves stands a record in the node above.
        let count_size = bytes_for(((node_size - 10) / record_size) as u64);
        let leaves = records.len().div_ceil(LEAF + 1).max(2);
        let each = (records.len() + 1 - leaves).div_ceil(leaves).max(1);
        let (mut between, mut pointers) = (Vec::new(), Encoder::new(sizes));
        let mut rest = records;
        while !rest.is_empty() {
            // The last leaf is not left without records.
            let len = if rest.len() <= each + 1 { rest.len() } else { each };
            let (leaf, after) = rest.split_at(len);
            pointers.address(write_leaf(space, kind, leaf, node_size)?);
            pointers.uint(leaf.len() as u64, count_size);
            rest = after;
            if let Some((record, after)) = rest.split_first() {
                between.push(record.as_slice());
                rest = after;
            }
        }
        let mut node = Encoder::new(sizes);
        node.bytes(b"BTIN").u8(0).u8(kind);
        for record in &between {
            node.bytes(record);
        }
        node.bytes(&pointers.finish()).checksum();
        if node.data.len() > node_size {
            return Err(unsupported("there are too many links or attributes"));
        }
        let fill = node_size - node.data.len();
        root = space.append(&node.zeros(fill).finish())?;
        (depth, root_count) = (1_u16, between.len());
    } else {
        root = if records.is_empty() {
            UNDEFINED
        } else {
            write_leaf(space, kind, records, node_size)?
        };
        (depth, root_count) = (0, records.len());
    }
    let mut header = Encoder::new(sizes);
    header.bytes(b"BTHD").u8(0).u8(kind).u32(u32::try_from(node_size).unwrap_or(u32::MAX));
    header.u16(u16::try_from(record_size).unwrap_or(0)).u16(depth).u8(100).u8(40).address(root);
    header.u16(u16::try_from(root_count).unwrap_or(0)).length(records.len() as u64).checksum();
    space.append(&header.finish())
}

fn write_leaf(space: &Space<'_>, kind: u8, records: &[Vec<u8>], size: usize) -> Result<u64> {
    let mut node = Encoder::new(space.sizes());
    node.bytes(b"BTLF").u8(0).u8(kind);
    for record in records {
        node.bytes(record);
    }
    node.checksum();
    let fill = size - node.data.len();
    space.append(&node.zeros(fill).finish())
}

/// The hash by which names are found.
pub(super) fn name_hash(name: &[u8]) -> u32 {
    lookup3(name)
}
