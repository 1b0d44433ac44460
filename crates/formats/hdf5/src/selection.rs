//! Which elements of a dataset are wanted.

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{index, malformed};
use crate::dataset::fill_with;
use crate::dataspace::product;

/// Which positions of one dimension are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DimSelection {
    /// `count` positions from `start` on, `step` apart.
    Range {
        /// The first position.
        start: u64,
        /// How far it is to the next.
        step: u64,
        /// How many.
        count: u64,
    },
    /// These positions, in this order.
    List(Vec<u64>),
}

/// Which elements of a dataset are wanted: all combinations of the positions of its dimensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(pub Vec<DimSelection>);

impl DimSelection {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Range { count, .. } => *count,
            Self::List(list) => list.len() as u64,
        }
    }

    /// The last position, if there is one.
    fn last(&self) -> Option<u64> {
        match self {
            Self::Range { count: 0, .. } => None,
            Self::Range { start, step, count } => Some(
                (count - 1)
                    .checked_mul(*step)
                    .and_then(|n| n.checked_add(*start))
                    .unwrap_or(u64::MAX),
            ),
            Self::List(list) => list.iter().copied().max(),
        }
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = u64> {
        let (start, step, count, list) = match self {
            Self::Range { start, step, count } => (*start, *step, *count, None),
            Self::List(list) => (0, 0, list.len() as u64, Some(list)),
        };
        (0..count).map(move |i| list.map_or(start + i * step, |list| list[index(i)]))
    }

    /// What is wanted of the positions from `from` on, `len` of them.
    pub(crate) fn within(&self, from: u64, len: u64) -> Option<Piece> {
        let end = from.saturating_add(len);
        let piece = match self {
            Self::Range { start, step, count } => {
                let step = (*step).max(1);
                let first = from.saturating_sub(*start).div_ceil(step);
                let behind = end.saturating_sub(*start).div_ceil(step).min(*count);
                let count = behind.saturating_sub(first);
                let at = (first.saturating_mul(step)).saturating_add(*start).saturating_sub(from);
                Piece::Range { from: at, step, to: first, count }
            }
            Self::List(list) => {
                let inside = list.iter().zip(0..).filter(|(at, _)| (from..end).contains(*at));
                Piece::Pairs(inside.map(|(&at, to)| (at - from, to)).collect())
            }
        };
        Some(piece).filter(|piece| piece.count() > 0)
    }

    /// Cuts the positions into pieces of `width`: where each lies, and what of it is wanted.
    fn pieces(&self, width: u64) -> Vec<(u64, Piece)> {
        match self {
            Self::Range { start, step, count } => range_pieces((*start, *step, *count), width),
            Self::List(list) => list_pieces(list, width),
        }
    }
}

fn range_pieces((start, step, count): (u64, u64, u64), width: u64) -> Vec<(u64, Piece)> {
    let mut pieces = Vec::new();
    let mut done = 0;
    while done < count {
        let first = start + done * step;
        let piece = first / width;
        let from = first % width;
        let here = ((width - from - 1) / step.max(1) + 1).min(count - done);
        pieces.push((piece, Piece::Range { from, step, to: done, count: here }));
        done += here;
    }
    pieces
}

fn list_pieces(list: &[u64], width: u64) -> Vec<(u64, Piece)> {
    let mut sorted: Vec<(u64, u64, u64)> =
        list.iter().zip(0..).map(|(&at, to)| (at / width, at % width, to)).collect();
    sorted.sort_by_key(|(piece, ..)| *piece);
    sorted
        .chunk_by(|one, other| one.0 == other.0)
        .map(|group| {
            (group[0].0, Piece::Pairs(group.iter().map(|&(_, from, to)| (from, to)).collect()))
        })
        .collect()
}

/// What is wanted of a piece of one dimension: from which places in it, to which in the result.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Range { from: u64, step: u64, to: u64, count: u64 },
    Pairs(Vec<(u64, u64)>),
}

impl Piece {
    pub(crate) fn count(&self) -> u64 {
        match self {
            Self::Range { count, .. } => *count,
            Self::Pairs(pairs) => pairs.len() as u64,
        }
    }

    /// Whether all of the first `len` positions are wanted.
    pub(crate) fn covers(&self, len: u64) -> bool {
        match self {
            Self::Range { from, step, count, .. } => {
                *from == 0 && *count == len && (*step == 1 || *count == 1)
            }
            Self::Pairs(pairs) => {
                let mut places: Vec<u64> = pairs.iter().map(|(from, _)| *from).collect();
                places.sort_unstable();
                places.dedup();
                places.len() as u64 == len
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (u64, u64)> {
        let (from, step, to, count, pairs) = match self {
            Self::Range { from, step, to, count } => (*from, *step, *to, *count, None),
            Self::Pairs(pairs) => (0, 0, 0, pairs.len() as u64, Some(pairs)),
        };
        (0..count).map(move |i| pairs.map_or((from + i * step, to + i), |pairs| pairs[index(i)]))
    }
}

impl Selection {
    /// Everything of a shape.
    #[must_use]
    pub fn all(shape: &[u64]) -> Self {
        Self(shape.iter().map(|&count| DimSelection::Range { start: 0, step: 1, count }).collect())
    }

    /// Checks that the selection lies within a shape.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if it does not.
    pub fn check(&self, shape: &[u64]) -> Result<()> {
        if self.0.len() != shape.len() {
            let message = format!(
                "expected a selection of {} dimensions, found {}",
                shape.len(),
                self.0.len()
            );
            return Err(malformed(message));
        }
        for (wanted, &len) in self.0.iter().zip(shape) {
            if wanted.last().is_some_and(|last| last >= len) {
                return Err(malformed(format!("a position lies beyond a dimension of {len}")));
            }
            if matches!(wanted, DimSelection::Range { step: 0, count: 2.., .. }) {
                return Err(malformed("expected a step above 0"));
            }
        }
        Ok(())
    }

    /// The shape of what is wanted.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        self.0.iter().map(DimSelection::count).collect()
    }

    /// How many elements are wanted.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] for 2^64 or more.
    pub fn elements(&self) -> Result<u64> {
        product(&self.shape())
            .ok_or_else(|| Error::new(ErrorKind::Limit, "the selection has too many elements"))
    }

    /// The pieces of each dimension.
    pub(crate) fn pieces(&self, widths: &[u64]) -> Vec<Vec<(u64, Piece)>> {
        self.0.iter().zip(widths).map(|(wanted, &width)| wanted.pieces(width)).collect()
    }
}

/// A copy from a block of elements to a place in another, dimension by dimension.
pub(crate) struct BlockCopy<'a> {
    /// The pieces that are copied, and the lengths of both blocks.
    pub(crate) dims: Vec<(&'a Piece, u64, u64)>,
    pub(crate) element: usize,
}

/// How far apart the elements of one dimension are, in bytes.
struct Stride<'a> {
    piece: &'a Piece,
    from: u64,
    to: u64,
}

impl BlockCopy<'_> {
    /// Copies from `source`; `skip` bytes of the target come before `out`.
    pub(crate) fn run(&self, source: &[u8], out: &mut [u8], skip: u64) {
        self.runs(|from, to, len| {
            let (from, to, len) = (index(from), index(to - skip), index(len));
            out[to..][..len].copy_from_slice(&source[from..][..len]);
        });
    }

    /// Copies back: from the other block to this one.
    pub(crate) fn scatter(&self, chunk: &mut [u8], data: &[u8]) {
        self.runs(|to, from, len| {
            let (from, to, len) = (index(from), index(to), index(len));
            chunk[to..][..len].copy_from_slice(&data[from..][..len]);
        });
    }

    /// Fills the target with an element, or zeros.
    pub(crate) fn fill(&self, element: Option<&[u8]>, out: &mut [u8], skip: u64) {
        self.runs(|_, to, len| fill_with(&mut out[index(to - skip)..][..index(len)], element));
    }

    /// Calls `copy` for each run of bytes: from where, to where, how many.
    fn runs(&self, mut copy: impl FnMut(u64, u64, u64)) {
        let mut strides = Vec::with_capacity(self.dims.len());
        let mut run = self.element as u64;
        let (mut from, mut to) = (run, run);
        let mut base = (0, 0);
        for &(piece, source_len, out_len) in self.dims.iter().rev() {
            match piece {
                // What lies below is whole in both blocks: these rows are one run.
                Piece::Range { from: start, step: 1, to: target, count }
                    if from == run && to == run =>
                {
                    base = (start * from, target * to);
                    run *= count;
                }
                _ => strides.push(Stride { piece, from, to }),
            }
            from *= source_len;
            to *= out_len;
        }
        strides.reverse();
        walk(&strides, base, run, &mut copy);
    }
}

fn walk(
    strides: &[Stride<'_>],
    (from, to): (u64, u64),
    run: u64,
    copy: &mut impl FnMut(u64, u64, u64),
) {
    match strides {
        [] => copy(from, to, run),
        [last] => {
            for (i, j) in last.piece.pairs() {
                copy(from + i * last.from, to + j * last.to, run);
            }
        }
        [first, rest @ ..] => {
            for (i, j) in first.piece.pairs() {
                walk(rest, (from + i * first.from, to + j * first.to), run, copy);
            }
        }
    }
}
