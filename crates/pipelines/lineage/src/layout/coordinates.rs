//! How high items stand, so that edges are nearly straight and nothing overlaps.

use super::columns::{Columns, Item};

/// Space between two nodes, and beside the passage of an edge.
const NODE_GAP: f64 = 20.0;
const PASSAGE_GAP: f64 = 12.0;

/// Sweeps to one side in turn, and then to both.
const SWEEPS: usize = 12;
const LAST_SWEEPS: usize = 40;

/// How much a segment pulls: those of long edges more, that they run straight.
const PULLS: [f64; 3] = [1.0, 3.0, 8.0];

pub(super) fn place(columns: &mut Columns) {
    for rank in 0..columns.layers.len() {
        columns.stack(rank);
    }
    for sweep in 0..SWEEPS + LAST_SWEEPS {
        let count = columns.layers.len();
        let is_last = sweep >= SWEEPS;
        for step in 0..count {
            let rank = if sweep % 2 == 0 { step } else { count - 1 - step };
            columns.align(rank, sweep % 2 == 0 || is_last, sweep % 2 == 1 || is_last);
        }
    }
    let top = columns.items.iter().map(|item| item.y).fold(f64::INFINITY, f64::min);
    columns.items.iter_mut().for_each(|item| item.y -= top);
}

impl Columns {
    /// Puts the items of a column one below the other.
    fn stack(&mut self, rank: usize) {
        let mut y = 0.0;
        let mut above: Option<usize> = None;
        for place in 0..self.layers[rank].len() {
            let item = self.layers[rank][place];
            if let Some(above) = above {
                y += distance(&self.items[above], &self.items[item]);
            }
            self.items[item].y = y;
            above = Some(item);
        }
    }

    /// Moves the items of a column as near as possible to where their edges are straight.
    fn align(&mut self, rank: usize, to_left: bool, to_right: bool) {
        let layer = &self.layers[rank];
        let mut blocks: Vec<Block> = Vec::with_capacity(layer.len());
        let mut offset = 0.0;
        let mut offsets = Vec::with_capacity(layer.len());
        for (place, &item) in layer.iter().enumerate() {
            if place > 0 {
                offset += distance(&self.items[layer[place - 1]], &self.items[item]);
            }
            offsets.push(offset);
            let (wanted, weight) = self.wanted(item, to_left, to_right);
            let mut block = Block { sum: (wanted - offset) * weight, weight, count: 1 };
            // Those that would overlap move together.
            while blocks.last().is_some_and(|last| last.at() > block.at()) {
                let Some(last) = blocks.pop() else { break };
                block = Block {
                    sum: last.sum + block.sum,
                    weight: last.weight + block.weight,
                    count: last.count + block.count,
                };
            }
            blocks.push(block);
        }
        let at = blocks.iter().flat_map(|block| std::iter::repeat_n(block.at(), block.count));
        let heights: Vec<_> = at.zip(offsets).map(|(at, offset)| at + offset).collect();
        for (&item, y) in layer.iter().zip(heights) {
            self.items[item].y = y;
        }
    }

    /// Where an item's edges would be straight, and how much that counts.
    fn wanted(&self, item: usize, to_left: bool, to_right: bool) -> (f64, f64) {
        let (mut sum, mut weight) = (0.0, 0.0);
        let mut pull = |other: usize, height: f64| {
            let passages = [item, other].iter().filter(|i| self.items[**i].node.is_none()).count();
            sum += PULLS[passages] * (self.items[other].y + height);
            weight += PULLS[passages];
        };
        if to_left {
            for segment in self.before[item].iter().map(|index| self.segments[*index]) {
                pull(segment.from, segment.leaves - segment.arrives);
            }
        }
        if to_right {
            for segment in self.after[item].iter().map(|index| self.segments[*index]) {
                pull(segment.to, segment.arrives - segment.leaves);
            }
        }
        if weight == 0.0 { (self.items[item].y, 0.1) } else { (sum / weight, weight) }
    }
}

/// Neighbouring items that move as one.
struct Block {
    sum: f64,
    weight: f64,
    count: usize,
}

impl Block {
    fn at(&self) -> f64 {
        self.sum / self.weight
    }
}

/// From the top of an item to that of the next.
fn distance(upper: &Item, lower: &Item) -> f64 {
    let is_passage = upper.node.is_none() || lower.node.is_none();
    upper.height + if is_passage { PASSAGE_GAP } else { NODE_GAP }
}
