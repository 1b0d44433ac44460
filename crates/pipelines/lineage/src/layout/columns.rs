//! Nodes and edges in columns, with a place for each edge in every column that it passes.

use std::collections::HashMap;

use super::ranks::ranks;

/// A node to be placed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Size {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// An edge to be drawn, with the heights within its nodes at which it leaves and arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) from: usize,
    pub(crate) leaves: f64,
    pub(crate) to: usize,
    pub(crate) arrives: f64,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Where everything is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) nodes: Vec<Rect>,
    /// Of each edge, the points that it passes; between an odd one and the next it is straight.
    pub(crate) edges: Vec<Vec<(f64, f64)>>,
}

/// Space between columns, more where many edges pass.
const COLUMN_GAP: f64 = 52.0;
const GAP_OF_EDGE: f64 = 1.5;
const MOST_GAP: f64 = 110.0;

/// Passages through columns, at most; beyond that edges go straight to their ends.
const MOST_PASSAGES: usize = 20_000;

/// A node, or the passage of edges through a column.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) rank: usize,
    pub(super) height: f64,
    pub(super) node: Option<usize>,
    pub(super) y: f64,
}

/// A piece of an edge between two neighbouring columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) from: usize,
    pub(super) leaves: f64,
    pub(super) to: usize,
    pub(super) arrives: f64,
}

#[derive(Debug, Default)]
pub(super) struct Columns {
    pub(super) items: Vec<Item>,
    pub(super) segments: Vec<Segment>,
    /// The items of each column, from top to bottom.
    pub(super) layers: Vec<Vec<usize>>,
    /// Of each item, its segments to the left and to the right.
    pub(super) before: Vec<Vec<usize>>,
    pub(super) after: Vec<Vec<usize>>,
    /// Of each edge, the items that it passes on its way.
    pub(super) passages: Vec<Vec<usize>>,
}

impl Columns {
    pub(super) fn new(sizes: &[Size], links: &[Link]) -> Self {
        let pairs: Vec<_> = links.iter().map(|link| (link.from, link.to)).collect();
        let ranks = ranks(sizes.len(), &pairs);
        let item = |(node, size): (usize, &Size)| Item {
            rank: ranks[node],
            height: size.height,
            node: Some(node),
            y: 0.0,
        };
        let items = sizes.iter().enumerate().map(item).collect();
        let mut columns = Self { items, ..Self::default() };
        // Edges from one output share their way as far as they go together.
        let mut shared = HashMap::new();
        for link in links {
            columns.add_edge(link, &ranks, &mut shared);
        }
        columns.collect();
        columns
    }

    fn add_edge(
        &mut self,
        link: &Link,
        ranks: &[usize],
        shared: &mut HashMap<(usize, u64, usize), usize>,
    ) {
        let mut passages = Vec::new();
        let (first, last) = (ranks[link.from], ranks[link.to]);
        if first < last && self.items.len() < MOST_PASSAGES {
            let (mut at, mut leaves) = (link.from, link.leaves);
            for rank in first + 1..last {
                let key = (link.from, link.leaves.to_bits(), rank);
                let next = *shared.entry(key).or_insert_with(|| {
                    self.items.push(Item { rank, height: 0.0, node: None, y: 0.0 });
                    let to = self.items.len() - 1;
                    self.segments.push(Segment { from: at, leaves, to, arrives: 0.0 });
                    to
                });
                passages.push(next);
                (at, leaves) = (next, 0.0);
            }
            let (to, arrives) = (link.to, link.arrives);
            self.segments.push(Segment { from: at, leaves, to, arrives });
        }
        self.passages.push(passages);
    }

    fn collect(&mut self) {
        let count = self.items.iter().map(|item| item.rank + 1).max().unwrap_or(0);
        self.layers = vec![Vec::new(); count];
        for (index, item) in self.items.iter().enumerate() {
            self.layers[item.rank].push(index);
        }
        self.before = vec![Vec::new(); self.items.len()];
        self.after = vec![Vec::new(); self.items.len()];
        for (index, segment) in self.segments.iter().enumerate() {
            self.after[segment.from].push(index);
            self.before[segment.to].push(index);
        }
    }

    pub(super) fn finish(self, sizes: &[Size], links: &[Link]) -> Layout {
        let (lefts, widths) = self.horizontal(sizes);
        let mut layout = Layout { nodes: vec![Rect::default(); sizes.len()], ..Layout::default() };
        for item in &self.items {
            if let Some(node) = item.node {
                let (x, width) = (lefts[item.rank], widths[item.rank]);
                layout.nodes[node] = Rect { x, y: item.y, width, height: item.height };
                layout.height = layout.height.max(item.y + item.height);
            }
            layout.height = layout.height.max(item.y);
        }
        layout.width = lefts.last().zip(widths.last()).map_or(0.0, |(left, width)| left + width);
        for (link, passages) in links.iter().zip(&self.passages) {
            let (from, to) = (layout.nodes[link.from], layout.nodes[link.to]);
            let mut points = vec![(from.x + from.width, from.y + link.leaves)];
            for passage in passages {
                let item = &self.items[*passage];
                let (left, width) = (lefts[item.rank], widths[item.rank]);
                points.extend([(left, item.y), (left + width, item.y)]);
            }
            points.push((to.x, to.y + link.arrives));
            layout.edges.push(points);
        }
        layout
    }

    /// Where each column begins, and how wide it is.
    #[expect(clippy::cast_precision_loss, reason = "edges are counted in thousands")]
    fn horizontal(&self, sizes: &[Size]) -> (Vec<f64>, Vec<f64>) {
        let mut widths = vec![0.0_f64; self.layers.len()];
        let mut passing = vec![0_usize; self.layers.len()];
        for item in &self.items {
            if let Some(node) = item.node {
                widths[item.rank] = widths[item.rank].max(sizes[node].width);
            }
        }
        for segment in &self.segments {
            passing[self.items[segment.from].rank] += 1;
        }
        let mut left = 0.0;
        let mut lefts = Vec::new();
        for (width, edges) in widths.iter().zip(passing) {
            lefts.push(left);
            left += width + (COLUMN_GAP + GAP_OF_EDGE * edges as f64).min(MOST_GAP);
        }
        (lefts, widths)
    }
}
