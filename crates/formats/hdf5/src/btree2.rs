//! Version 2 B-trees: records in order, of links, attributes, heap objects and chunks.

use std::collections::HashSet;

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, bytes_for, corrupt, cycle, malformed};
use crate::checksum::ends_with_lookup3;
use crate::core::FileCore;

/// Bytes of a node beside its records: signature, version, kind, checksum.
const NODE_FRAME: u64 = 10;

/// Levels above the leaves, at most: with two children a node, more records than bytes exist.
const MAX_DEPTH: u16 = 48;

/// A tree's header.
pub(crate) struct BTree2 {
    pub(crate) kind: u8,
    node_size: u64,
    record_size: u64,
    depth: u16,
    root: u64,
    root_records: u64,
    /// For each level from the leaves: how many bytes the count of all records below takes.
    total_sizes: Vec<usize>,
    /// How many bytes the count of records in a child takes.
    count_size: usize,
}

impl BTree2 {
    pub(crate) fn read(core: &FileCore, address: u64) -> Result<Self> {
        let len = 22 + u64::from(core.sizes.offset) + u64::from(core.sizes.length);
        let block = core.read(address, len)?;
        let mut cursor = Cursor::new(&block);
        cursor.signature(*b"BTHD", "a B-tree")?;
        cursor.version(0, "a B-tree")?;
        if !ends_with_lookup3(&block) {
            return Err(corrupt("a B-tree"));
        }
        let kind = cursor.u8()?;
        let node_size = u64::from(cursor.u32()?);
        let record_size = u64::from(cursor.u16()?);
        let depth = cursor.u16()?;
        cursor.skip(2)?;
        let root = cursor.address(core.sizes)?;
        let root_records = u64::from(cursor.u16()?);
        if record_size == 0 || node_size < NODE_FRAME + record_size || depth > MAX_DEPTH {
            return Err(malformed("the sizes of a B-tree's nodes are not possible"));
        }
        let (total_sizes, count_size) = (Vec::new(), 0);
        let mut tree = Self {
            kind,
            node_size,
            record_size,
            depth,
            root,
            root_records,
            total_sizes,
            count_size,
        };
        tree.measure(core);
        Ok(tree)
    }

    /// Computes how wide the pointers of each level are.
    fn measure(&mut self, core: &FileCore) {
        let leaf = (self.node_size - NODE_FRAME) / self.record_size;
        self.count_size = bytes_for(leaf);
        self.total_sizes = vec![0];
        let mut total = leaf;
        for level in 1..=usize::from(self.depth) {
            let pointer = u64::from(core.sizes.offset)
                + (self.count_size + self.total_sizes[level - 1]) as u64;
            let room = self.node_size.saturating_sub(NODE_FRAME + pointer);
            let records = room / (self.record_size + pointer);
            total = (records + 1).saturating_mul(total).saturating_add(records);
            self.total_sizes.push(bytes_for(total));
        }
    }

    /// Calls `visit` with the kind and bytes of each record, in order.
    pub(crate) fn records(
        &self,
        core: &FileCore,
        mut visit: impl FnMut(u8, &[u8]) -> Result<()>,
    ) -> Result<()> {
        if self.root == UNDEFINED {
            return Ok(());
        }
        let mut seen = HashSet::new();
        // Nodes whose records were visited in part, with the children that come between them.
        let root = self.node(core, self.root, self.root_records, self.depth, &mut seen);
        let mut stack = match root {
            Ok(root) => vec![root],
            Err(error) => return core.tolerate(error, self.root),
        };
        while let Some(node) = stack.last_mut() {
            if let Some(child) = node.next_child() {
                let (address, count) = child;
                let depth = node.depth - 1;
                match self.node(core, address, count, depth, &mut seen) {
                    Ok(child) => stack.push(child),
                    Err(error) => core.tolerate(error, address)?,
                }
            } else if let Some(record) = node.next_record(self.record_size) {
                if let Err(error) = visit(self.kind, record) {
                    core.tolerate(error, self.root)?;
                }
            } else {
                stack.pop();
            }
        }
        Ok(())
    }

    /// Calls `visit` with each record that begins with `key`, in a tree sorted by such keys.
    pub(crate) fn find(
        &self,
        core: &FileCore,
        key: u32,
        mut visit: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut seen = HashSet::new();
        let mut pending = vec![(self.root, self.root_records, self.depth)];
        while let Some((address, count, depth)) = pending.pop() {
            if address == UNDEFINED {
                continue;
            }
            let node = self.node(core, address, count, depth, &mut seen)?;
            let records = node.records.chunks_exact(crate::bytes::index(self.record_size));
            let key_of = |record: &[u8]| Cursor::new(record).u32();
            let (mut before, mut up_to) = (0, 0);
            for record in records {
                let found = key_of(record)?;
                before += usize::from(found < key);
                up_to += usize::from(found <= key);
                if found == key {
                    visit(record)?;
                }
            }
            // Records of the key may lie in the children around and between those found here.
            let children = node.children.iter().rev().take(up_to + 1).skip(before);
            pending.extend(children.map(|&(address, count)| (address, count, depth - 1)));
        }
        Ok(())
    }

    fn node(
        &self,
        core: &FileCore,
        address: u64,
        count: u64,
        depth: u16,
        seen: &mut HashSet<u64>,
    ) -> Result<TreeNode> {
        if !seen.insert(address) {
            return Err(cycle("a B-tree's node", address));
        }
        let records = count * self.record_size;
        let pointer = usize::from(core.sizes.offset)
            + self.count_size
            + if depth > 1 { self.total_sizes[usize::from(depth) - 1] } else { 0 };
        let pointers = if depth == 0 { 0 } else { (count + 1) * pointer as u64 };
        let len = NODE_FRAME + records + pointers;
        if len > self.node_size {
            return Err(malformed("a B-tree's node has more records than fit"));
        }
        let block = core.read(address, len)?;
        let mut cursor = Cursor::new(&block);
        let (signature, what) = if depth == 0 {
            (*b"BTLF", "a B-tree's leaf")
        } else {
            (*b"BTIN", "a B-tree's inner node")
        };
        cursor.signature(signature, what)?;
        cursor.version(0, what)?;
        if cursor.u8()? != self.kind {
            return Err(malformed("a node belongs to another kind of B-tree"));
        }
        if !ends_with_lookup3(&block) {
            return Err(corrupt("a B-tree's node"));
        }
        let records = cursor.take_long(records)?.to_vec();
        let mut children = Vec::new();
        if depth > 0 {
            for _ in 0..=count {
                let mut pointer = Cursor::new(cursor.take(pointer)?);
                children.push((pointer.address(core.sizes)?, pointer.uint(self.count_size)?));
            }
        }
        children.reverse();
        Ok(TreeNode { records, at: 0, children, depth, child_is_next: true })
    }
}

/// A node that is being visited.
struct TreeNode {
    records: Vec<u8>,
    at: usize,
    /// The children that are left, the next one last.
    children: Vec<(u64, u64)>,
    depth: u16,
    child_is_next: bool,
}

impl TreeNode {
    fn next_child(&mut self) -> Option<(u64, u64)> {
        if !std::mem::take(&mut self.child_is_next) {
            return None;
        }
        self.children.pop()
    }

    fn next_record(&mut self, size: u64) -> Option<&[u8]> {
        let size = crate::bytes::index(size);
        let record = self.records.get(self.at..self.at + size)?;
        self.at += size;
        self.child_is_next = true;
        Some(record)
    }
}
