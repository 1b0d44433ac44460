//! The version 1 B-tree that finds the chunks of a dataset: after a change only the nodes are
//! written that the change touches.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use cannery_core::Result;

use super::chunks::Place;
use super::encode::Encoder;
use super::space::{Space, allocate, give_up, write};
use crate::bytes::{UNDEFINED, unsupported};
use crate::chunks::Chunk;

/// The nodes of a level by the place of the first chunk below each: where they stand.
type Level = BTreeMap<Place, u64>;

/// Chunks by their place in the grid.
pub(super) type Index = BTreeMap<Place, Chunk>;

/// The tree as it stands in the file.
#[derive(Default)]
pub(super) struct ChunkTree {
    /// The levels from the leaves on; the last one has one node.
    levels: Vec<Level>,
    /// The chunks that were stored, moved or removed since the tree was written.
    changed: BTreeSet<Place>,
}

/// What a tree is made of, beside its chunks.
pub(super) struct TreeShape<'a> {
    pub(super) chunk: &'a [u64],
    pub(super) element: u64,
}

impl ChunkTree {
    /// Notes that a chunk is another one, or none.
    pub(super) fn change(&mut self, place: &Place) {
        // A tree that was never written is written whole.
        if !self.levels.is_empty() {
            self.changed.insert(place.clone());
        }
    }

    /// Writes what has changed; gives back where the root stands.
    pub(super) fn write(
        &mut self,
        space: &Space<'_>,
        shape: &TreeShape<'_>,
        index: &Index,
    ) -> Result<u64> {
        let mut changed = std::mem::take(&mut self.changed);
        let mut number = 0;
        let is_new = self.levels.is_empty();
        while is_new || !changed.is_empty() {
            if self.levels.len() == number {
                self.levels.push(Level::new());
            }
            let (below, rest) = self.levels.split_at_mut(number);
            let level = LevelEdit { space, shape, index, below: below.last(), number };
            changed = level.update(&mut rest[0], &changed)?;
            if rest[0].len() <= 1 {
                for node in self.levels.drain(number + 1..).flat_map(Level::into_values) {
                    give_up(space.edits(), node, level_len(space, shape)?);
                }
                break;
            }
            number += 1;
        }
        let root = self.levels.last().and_then(|level| level.values().next());
        Ok(root.copied().unwrap_or(UNDEFINED))
    }
}

/// The bytes of a node.
fn level_len(space: &Space<'_>, shape: &TreeShape<'_>) -> Result<u64> {
    let offset = usize::from(space.sizes().offset);
    let key = 16 + 8 * shape.chunk.len();
    let len = 8 + 2 * offset + 2 * space.chunk_node() * (key + offset) + key;
    u64::try_from(len).map_err(|_| unsupported("nodes of B-trees are too large"))
}

/// A level that is brought to the state of the one below it.
struct LevelEdit<'a> {
    space: &'a Space<'a>,
    shape: &'a TreeShape<'a>,
    index: &'a Index,
    /// The level below; none below the leaves.
    below: Option<&'a Level>,
    number: usize,
}

impl LevelEdit<'_> {
    /// Replaces the nodes that hold changed children: which nodes are other ones now.
    fn update(&self, nodes: &mut Level, changed: &BTreeSet<Place>) -> Result<BTreeSet<Place>> {
        let len = level_len(self.space, self.shape)?;
        let mut dirty: BTreeSet<Option<Place>> = BTreeSet::new();
        for key in changed {
            let node = nodes.range(..=key.clone()).next_back().or_else(|| nodes.first_key_value());
            dirty.insert(node.map(|(first, _)| first.clone()));
        }
        if nodes.is_empty() {
            dirty.insert(None);
        }
        let (mut written, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for first in dirty {
            let (from, to) = bounds(nodes, first.as_ref());
            let is_last = matches!(to, Bound::Unbounded);
            let children = self.children((from, to));
            if let Some(first) = first {
                if let Some(old) = nodes.remove(&first) {
                    give_up(self.space.edits(), old, len);
                }
                touched.insert(first);
            }
            for group in groups(&children, 2 * self.space.chunk_node(), is_last) {
                let address = allocate(self.space.edits(), self.space.core(), len)?;
                nodes.insert(group[0].clone(), address);
                written.insert(group[0].clone());
            }
        }
        for first in &written {
            let block = self.node(nodes, first, len)?;
            write(self.space.edits(), self.space.core(), nodes[first], &block)?;
        }
        touched.extend(written.iter().cloned());
        self.join(nodes, &touched, &written)?;
        Ok(touched)
    }

    fn children(&self, range: (Bound<Place>, Bound<Place>)) -> Vec<Place> {
        match self.below {
            Some(below) => below.range(range).map(|(key, _)| key.clone()).collect(),
            None => self.index.range(range).map(|(key, _)| key.clone()).collect(),
        }
    }

    fn node(&self, nodes: &Level, first: &Place, len: u64) -> Result<Vec<u8>> {
        let (_, to) = bounds(nodes, Some(first));
        let children = self.children((Bound::Included(first.clone()), to.clone()));
        let mut out = Encoder::new(self.space.sizes());
        let level = u8::try_from(self.number).unwrap_or(u8::MAX);
        out.bytes(b"TREE").u8(1).u8(level);
        out.u16(u16::try_from(children.len()).unwrap_or(u16::MAX));
        let (left, right) = neighbours(nodes, first);
        out.address(left).address(right);
        for place in &children {
            self.key(&mut out, place)?;
            out.address(match self.below {
                Some(below) => below[place],
                None => self.index[place].address,
            });
        }
        match to {
            Bound::Excluded(next) => self.key(&mut out, &next)?,
            _ => self.end(&mut out),
        }
        let fill = crate::bytes::index(len) - out.data.len();
        Ok(out.zeros(fill).finish())
    }

    /// The key of a chunk: stored length, filters that were skipped, position.
    fn key(&self, out: &mut Encoder, place: &Place) -> Result<()> {
        let (len, mask) = self.index.get(place).map_or((0, 0), |chunk| (chunk.len, chunk.mask));
        let len = u32::try_from(len);
        out.u32(len.map_err(|_| unsupported("a chunk takes 4 GiB or more"))?).u32(mask);
        for (at, chunk) in place.iter().zip(self.shape.chunk) {
            out.u64(at * chunk);
        }
        out.u64(0);
        Ok(())
    }

    /// The key behind the last chunk.
    fn end(&self, out: &mut Encoder) {
        out.u32(0).u32(0);
        let last = self.index.keys().next_back();
        for (at, chunk) in last.into_iter().flat_map(|place| place.iter()).zip(self.shape.chunk) {
            out.u64((at + 1) * chunk);
        }
        out.u64(self.shape.element);
    }

    /// Says to nodes that stay where their new neighbours are. Readers of the old tree go from the
    /// root down, so it is whole at every moment.
    fn join(
        &self,
        nodes: &Level,
        touched: &BTreeSet<Place>,
        written: &BTreeSet<Place>,
    ) -> Result<()> {
        let mut beside = BTreeSet::new();
        for key in touched {
            beside.extend(nodes.range(..key.clone()).next_back().map(|(first, _)| first));
            let after = (Bound::Excluded(key.clone()), Bound::Unbounded);
            beside.extend(nodes.range(after).next().map(|(first, _)| first));
        }
        for first in beside.into_iter().filter(|first| !written.contains(*first)) {
            let (left, right) = neighbours(nodes, first);
            let mut out = Encoder::new(self.space.sizes());
            let both = out.address(left).address(right).finish();
            write(self.space.edits(), self.space.core(), nodes[first] + 8, &both)?;
        }
        Ok(())
    }
}

/// Between which keys the children of a node lie.
fn bounds(nodes: &Level, first: Option<&Place>) -> (Bound<Place>, Bound<Place>) {
    let Some(first) = first else { return (Bound::Unbounded, Bound::Unbounded) };
    let is_first = nodes.first_key_value().is_none_or(|(key, _)| key == first);
    let from = if is_first { Bound::Unbounded } else { Bound::Included(first.clone()) };
    let next = nodes.range((Bound::Excluded(first.clone()), Bound::Unbounded)).next();
    (from, next.map_or(Bound::Unbounded, |(key, _)| Bound::Excluded(key.clone())))
}

fn neighbours(nodes: &Level, first: &Place) -> (u64, u64) {
    let left = nodes.range(..first.clone()).next_back();
    let right = nodes.range((Bound::Excluded(first.clone()), Bound::Unbounded)).next();
    let address = |node: Option<(&Place, &u64)>| node.map_or(UNDEFINED, |(_, address)| *address);
    (address(left), address(right))
}

/// Children by node: at the end of a tree nodes are filled one by one, since more chunks are
/// likely to follow; elsewhere they are filled alike.
fn groups(children: &[Place], most: usize, is_last: bool) -> impl Iterator<Item = &[Place]> {
    let nodes = children.len().div_ceil(most).max(1);
    let each = if is_last { most } else { children.len().div_ceil(nodes).max(1) };
    children.chunks(each)
}
