//! Parts of datasets: what is wanted of each dimension, and blocks that are read one by one.

use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use cannery_core::{Error, ErrorKind, Result};

use super::element::Element;
use crate::dataset::Dataset;
use crate::selection::{DimSelection, Selection};

/// What is wanted of one dimension; [`s!`](crate::s) writes it. Negative positions count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SliceDim {
    /// One position: the result lacks the dimension.
    Index(i64),
    /// Positions from one on to before another, or to the end.
    Range {
        /// The first position.
        start: i64,
        /// The position behind the last; `None` for the end.
        end: Option<i64>,
        /// How far it is to the next: at least 1.
        step: u64,
    },
    /// These positions, in this order.
    List(Vec<u64>),
}

impl SliceDim {
    /// The same range, but of its positions every `step`th; a position or a list stays as it is.
    #[must_use]
    pub fn every(self, step: u64) -> Self {
        match self {
            Self::Range { start, end, step: before } => {
                Self::Range { start, end, step: before.saturating_mul(step) }
            }
            other => other,
        }
    }

    /// What is wanted of a dimension of `len`, and whether the result has the dimension.
    fn select(&self, len: u64) -> Result<(DimSelection, bool)> {
        let outside = |position: i64| {
            let message = format!("position {position} is out of range for a dimension of {len}");
            Error::new(ErrorKind::Value, message)
        };
        let from_end = |position: i64| match u64::try_from(position) {
            Ok(position) => Some(position),
            Err(_) => len.checked_sub(position.unsigned_abs()),
        };
        match self {
            Self::Index(position) => {
                let start = from_end(*position).filter(|&at| at < len);
                let start = start.ok_or_else(|| outside(*position))?;
                Ok((DimSelection::Range { start, step: 1, count: 1 }, false))
            }
            Self::Range { step: 0, .. } => {
                Err(Error::new(ErrorKind::Value, "expected a step of at least 1"))
            }
            Self::Range { start, end, step } => {
                let first = from_end(*start).filter(|&at| at <= len);
                let first = first.ok_or_else(|| outside(*start))?;
                let behind = match end {
                    None => len,
                    Some(end) => {
                        let behind = from_end(*end).filter(|&at| at <= len);
                        behind.ok_or_else(|| outside(*end))?
                    }
                };
                let count = behind.saturating_sub(first).div_ceil(*step);
                Ok((DimSelection::Range { start: first, step: *step, count }, true))
            }
            Self::List(positions) => Ok((DimSelection::List(positions.clone()), true)),
        }
    }
}

impl From<RangeFull> for SliceDim {
    fn from(_: RangeFull) -> Self {
        Self::Range { start: 0, end: None, step: 1 }
    }
}

impl From<Vec<u64>> for SliceDim {
    fn from(positions: Vec<u64>) -> Self {
        Self::List(positions)
    }
}

/// Positions from integers; what no dimension reaches is the largest.
macro_rules! positions {
    ($($name:ident)+) => {$(
        impl From<$name> for SliceDim {
            fn from(position: $name) -> Self {
                Self::Index(i64::try_from(position).unwrap_or(i64::MAX))
            }
        }

        impl From<Range<$name>> for SliceDim {
            fn from(range: Range<$name>) -> Self {
                Self::from(range.start..).until(i64::try_from(range.end).ok())
            }
        }

        impl From<RangeInclusive<$name>> for SliceDim {
            fn from(range: RangeInclusive<$name>) -> Self {
                let (start, last) = range.into_inner();
                Self::from(start..).until_after(i64::try_from(last).ok())
            }
        }

        impl From<RangeTo<$name>> for SliceDim {
            fn from(range: RangeTo<$name>) -> Self {
                Self::from(..).until(i64::try_from(range.end).ok())
            }
        }

        impl From<RangeToInclusive<$name>> for SliceDim {
            fn from(range: RangeToInclusive<$name>) -> Self {
                Self::from(..).until_after(i64::try_from(range.end).ok())
            }
        }

        impl From<RangeFrom<$name>> for SliceDim {
            fn from(range: RangeFrom<$name>) -> Self {
                let start = i64::try_from(range.start).unwrap_or(i64::MAX);
                Self::Range { start, end: None, step: 1 }
            }
        }
    )+};
}

positions! { i32 i64 u32 u64 usize }

impl SliceDim {
    fn until(self, behind: Option<i64>) -> Self {
        match self {
            Self::Range { start, step, .. } => {
                Self::Range { start, end: Some(behind.unwrap_or(i64::MAX)), step }
            }
            other => other,
        }
    }

    fn until_after(self, last: Option<i64>) -> Self {
        match last {
            // Behind the last position is the end.
            Some(-1) => self,
            last => self.until(last.and_then(|last| last.checked_add(1))),
        }
    }
}

/// What is wanted of each dimension: a position, a range, or a range and a step.
///
/// `s![0, 10..20, ..;2, -1]` is the first position, ten positions, every second, and the last one. A position
/// takes its dimension away; negative ones count from the end.
#[macro_export]
macro_rules! s {
    (@dims [$($done:expr,)*]) => { [$($done),*] };
    (@dims [$($done:expr,)*] $range:expr; $step:expr) => {
        [$($done,)* $crate::SliceDim::from($range).every($step)]
    };
    (@dims [$($done:expr,)*] $range:expr) => { [$($done,)* $crate::SliceDim::from($range)] };
    (@dims [$($done:expr,)*] $range:expr; $step:expr, $($rest:tt)*) => {
        $crate::s!(@dims [$($done,)* $crate::SliceDim::from($range).every($step),] $($rest)*)
    };
    (@dims [$($done:expr,)*] $range:expr, $($rest:tt)*) => {
        $crate::s!(@dims [$($done,)* $crate::SliceDim::from($range),] $($rest)*)
    };
    ($($dims:tt)*) => { $crate::s!(@dims [] $($dims)*) };
}

/// A part of a dataset, which is read when it is asked for.
pub struct Slice<'d> {
    dataset: &'d Dataset,
    selection: Selection,
    shape: Vec<u64>,
}

impl<'d> Slice<'d> {
    pub(super) fn new(dataset: &'d Dataset, dims: &[SliceDim]) -> Result<Self> {
        let space = dataset.space().shape();
        if dims.len() != space.len() {
            let (expected, found) = (space.len(), dims.len());
            let message = format!("expected {expected} dimensions in a slice, found {found}");
            return Err(Error::new(ErrorKind::Value, message));
        }
        let (mut wanted, mut shape) = (Vec::new(), Vec::new());
        for (dim, &len) in dims.iter().zip(space) {
            let (selection, is_kept) = dim.select(len)?;
            if is_kept {
                shape.push(selection.count());
            }
            wanted.push(selection);
        }
        let selection = Selection(wanted);
        selection.check(space)?;
        Ok(Self { dataset, selection, shape })
    }

    /// How many positions of each dimension, but for those of which one was chosen.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Which elements of the dataset they are.
    #[must_use]
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Reads the elements, in the order of rows.
    ///
    /// # Errors
    /// Those of [`Dataset::read`].
    pub fn read<T: Element>(&self) -> Result<Vec<T>> {
        self.dataset.values_at(&self.selection)
    }

    /// Reads the elements as the file has them.
    ///
    /// # Errors
    /// Those of [`Dataset::read_into`].
    pub fn read_bytes(&self) -> Result<Vec<u8>> {
        self.dataset.bytes_at(&self.selection)
    }

    /// Reads elements of a compound type as structs.
    ///
    /// # Errors
    /// Those of [`Dataset::records`].
    #[cfg(feature = "serde")]
    pub fn records<T: serde::de::DeserializeOwned>(&self) -> Result<Vec<T>> {
        let node = self.dataset.node();
        super::records::read(&self.dataset.elements(&self.read_bytes()?, &node))
    }
}

/// Bytes of a block of a dataset without chunks, about.
const BLOCK: u64 = 4 << 20;

/// The blocks of a dataset, in the order of rows: see [`Dataset::blocks`].
pub struct Blocks<'d> {
    dataset: &'d Dataset,
    shape: Vec<u64>,
    widths: Vec<u64>,
    /// Where the next block begins; `None` behind the last.
    next: Option<Vec<u64>>,
}

impl<'d> Blocks<'d> {
    pub(super) fn new(dataset: &'d Dataset) -> Self {
        let shape = dataset.space().shape().to_vec();
        let widths = match dataset.chunks() {
            Some(chunks) => chunks.iter().map(|&width| width.max(1)).collect(),
            None => rows(&shape, u64::from(dataset.datatype().size)),
        };
        let is_empty = shape.contains(&0) || dataset.space().elements() == 0;
        let next = (!is_empty).then(|| vec![0; shape.len()]);
        Self { dataset, shape, widths, next }
    }
}

/// The shape of blocks of as many rows as take some megabytes.
fn rows(shape: &[u64], element: u64) -> Vec<u64> {
    let mut widths = shape.to_vec();
    let mut bytes = element.max(1);
    for (at, width) in widths.iter_mut().enumerate().rev() {
        let most = (BLOCK / bytes).max(1);
        bytes = bytes.saturating_mul(shape[at].max(1));
        *width = (*width).clamp(1, most);
    }
    widths
}

impl<'d> Iterator for Blocks<'d> {
    type Item = Slice<'d>;

    fn next(&mut self) -> Option<Slice<'d>> {
        let start = self.next.take()?;
        let ends = start.iter().zip(&self.widths).zip(&self.shape);
        let shape: Vec<u64> = ends.map(|((at, width), len)| (*width).min(len - at)).collect();
        let dims = start.iter().zip(&shape);
        let dims = dims.map(|(&start, &count)| DimSelection::Range { start, step: 1, count });
        let selection = Selection(dims.collect());
        // The last dimension moves first.
        let mut after = start;
        for at in (0..after.len()).rev() {
            after[at] += self.widths[at];
            if after[at] < self.shape[at] {
                self.next = Some(after);
                break;
            }
            after[at] = 0;
        }
        Some(Slice { dataset: self.dataset, selection, shape })
    }
}
