//! Selections as the format stores them: of virtual datasets and of references to regions.

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{Cursor, malformed, wrong_version};
use crate::dataspace::MAX_RANK;

/// No bound, where a count or a block has none.
pub(crate) const UNLIMITED: u64 = u64::MAX;

/// Elements of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Region {
    /// No elements.
    None,
    /// All elements.
    All,
    /// These points.
    Points(Vec<Vec<u64>>),
    /// Blocks: the first and the last position of each.
    Blocks(Vec<(Vec<u64>, Vec<u64>)>),
    /// Blocks at equal distances: for each dimension start, stride, count and block.
    Regular(Vec<RegularDim>),
}

/// One dimension of blocks at equal distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegularDim {
    /// Where the first block begins.
    pub start: u64,
    /// From one block to the next.
    pub stride: u64,
    /// How many blocks.
    pub count: u64,
    /// How long each is.
    pub block: u64,
}

impl Region {
    /// Reads a selection from what follows in a heap object.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self> {
        let kind = cursor.u32()?;
        let version = cursor.u32()?;
        match kind {
            0 | 3 => {
                cursor.skip(8)?;
                Ok(if kind == 0 { Self::None } else { Self::All })
            }
            1 => points(cursor, version),
            2 => blocks(cursor, version),
            kind => Err(malformed(format!("unknown kind `{kind}` of a selection"))),
        }
    }

    /// The rank, where the selection says it.
    #[must_use]
    pub fn rank(&self) -> Option<usize> {
        match self {
            Self::None | Self::All => None,
            Self::Points(points) => points.first().map(Vec::len),
            Self::Blocks(blocks) => blocks.first().map(|(first, _)| first.len()),
            Self::Regular(dims) => Some(dims.len()),
        }
    }
}

fn rank(cursor: &mut Cursor<'_>) -> Result<usize> {
    let rank = cursor.u32()? as usize;
    if rank == 0 || rank > MAX_RANK {
        return Err(malformed(format!("expected a selection of 1 to 32 dimensions, found {rank}")));
    }
    Ok(rank)
}

fn width(cursor: &mut Cursor<'_>) -> Result<usize> {
    match cursor.u8()? {
        width @ (2 | 4 | 8) => Ok(usize::from(width)),
        width => Err(malformed(format!(
            "expected numbers of 2, 4 or 8 bytes in a selection, found {width}"
        ))),
    }
}

fn coordinates(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<Vec<u64>> {
    (0..rank).map(|_| cursor.uint(width)).collect()
}

fn points(cursor: &mut Cursor<'_>, version: u32) -> Result<Region> {
    let width = match version {
        1 => {
            cursor.skip(8)?;
            4
        }
        2 => width(cursor)?,
        _ => {
            return Err(wrong_version(
                "a selection of points",
                u8::try_from(version).unwrap_or(u8::MAX),
            ));
        }
    };
    let rank = rank(cursor)?;
    let count = cursor.uint(width)?;
    check_count(count, rank * width, cursor)?;
    let points = (0..count).map(|_| coordinates(cursor, rank, width)).collect::<Result<_>>()?;
    Ok(Region::Points(points))
}

/// Checks that the bytes can hold `count` entries before any is made.
fn check_count(count: u64, size: usize, cursor: &Cursor<'_>) -> Result<()> {
    if count.checked_mul(size as u64).is_none_or(|len| len > cursor.remaining() as u64) {
        return Err(malformed("a selection has more parts than bytes"));
    }
    Ok(())
}

fn blocks(cursor: &mut Cursor<'_>, version: u32) -> Result<Region> {
    let (regular, width) = match version {
        1 => {
            cursor.skip(8)?;
            (false, 4)
        }
        2 => {
            let flags = cursor.u8()?;
            cursor.skip(4)?;
            (flags & 1 != 0, 8)
        }
        3 => (cursor.u8()? & 1 != 0, width(cursor)?),
        _ => {
            return Err(wrong_version(
                "a selection of blocks",
                u8::try_from(version).unwrap_or(u8::MAX),
            ));
        }
    };
    let rank = rank(cursor)?;
    if regular {
        return regular_blocks(cursor, rank, width);
    }
    let count = cursor.uint(width)?;
    check_count(count, 2 * rank * width, cursor)?;
    let block = |cursor: &mut Cursor<'_>| {
        let (first, last) = (coordinates(cursor, rank, width)?, coordinates(cursor, rank, width)?);
        if first.iter().zip(&last).any(|(first, last)| first > last) {
            return Err(malformed("a block of a selection ends before it begins"));
        }
        Ok((first, last))
    };
    Ok(Region::Blocks((0..count).map(|_| block(cursor)).collect::<Result<_>>()?))
}

fn regular_blocks(cursor: &mut Cursor<'_>, rank: usize, width: usize) -> Result<Region> {
    let unlimited = if width == 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
    let number = |cursor: &mut Cursor<'_>| {
        Ok::<u64, Error>(Some(cursor.uint(width)?).filter(|n| *n != unlimited).unwrap_or(UNLIMITED))
    };
    let dim = |cursor: &mut Cursor<'_>| {
        let start = cursor.uint(width)?;
        let dim = RegularDim {
            start,
            stride: cursor.uint(width)?,
            count: number(cursor)?,
            block: number(cursor)?,
        };
        if dim.stride == 0 && dim.count > 1 || dim.count == 0 || dim.block == 0 {
            return Err(malformed("a block of a selection is empty"));
        }
        if dim.count > 1 && dim.stride < dim.block {
            return Err(malformed("the blocks of a selection overlap"));
        }
        Ok(dim)
    };
    Ok(Region::Regular((0..rank).map(|_| dim(cursor)).collect::<Result<_>>()?))
}

/// The product of counts, unless one is too large or all are.
fn all(mut counts: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    counts.try_fold(1_u64, |n, count| n.checked_mul(count?))
}

/// A box of elements: for each dimension the first position and how many.
pub(crate) type Part = Vec<(u64, u64)>;

/// What is done with each box.
type Visit<'a> = &'a mut dyn FnMut(&[(u64, u64)]) -> Result<()>;

impl Region {
    /// How many elements there are in a dataset of this shape.
    pub(crate) fn elements(&self, shape: &[u64]) -> Result<u64> {
        let count = match self {
            Self::None => Some(0),
            Self::All => crate::dataspace::product(shape),
            Self::Points(points) => Some(points.len() as u64),
            Self::Blocks(blocks) => blocks.iter().try_fold(0_u64, |sum, (first, last)| {
                sum.checked_add(all(first
                    .iter()
                    .zip(last)
                    .map(|(first, last)| (last - first).checked_add(1)))?)
            }),
            Self::Regular(dims) => all(dims.iter().map(|dim| dim.count.checked_mul(dim.block))),
        };
        count.ok_or_else(|| Error::new(ErrorKind::Limit, "a selection has too many elements"))
    }

    /// Checks that all elements lie within a shape.
    pub(crate) fn check(&self, shape: &[u64]) -> Result<()> {
        let within = |position: &[u64]| {
            position.len() == shape.len() && position.iter().zip(shape).all(|(at, n)| at < n)
        };
        let fits = match self {
            Self::None | Self::All => true,
            Self::Points(points) => points.iter().all(|point| within(point)),
            Self::Blocks(blocks) => blocks.iter().all(|(_, last)| within(last)),
            Self::Regular(dims) => {
                dims.len() == shape.len()
                    && dims.iter().zip(shape).all(|(dim, n)| dim.end().is_some_and(|end| end <= *n))
            }
        };
        if fits { Ok(()) } else { Err(malformed("a selection lies outside its dataset")) }
    }

    /// Calls `visit` with boxes that together hold all elements, in the order of rows: one after
    /// the other, they are how the elements are counted.
    pub(crate) fn rows(&self, shape: &[u64], visit: Visit<'_>) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::All => visit(&shape.iter().map(|&n| (0, n)).collect::<Part>()),
            Self::Points(points) => points
                .iter()
                .try_for_each(|point| visit(&point.iter().map(|&at| (at, 1)).collect::<Part>())),
            Self::Blocks(blocks) => block_rows(blocks, visit),
            Self::Regular(dims) => regular_rows(dims, &mut Vec::new(), visit),
        }
    }
}

impl RegularDim {
    /// The position behind the last.
    pub(crate) fn end(&self) -> Option<u64> {
        (self.count - 1).checked_mul(self.stride)?.checked_add(self.start)?.checked_add(self.block)
    }

    /// Whether all positions are one run.
    fn is_run(&self) -> bool {
        self.count == 1 || self.stride == self.block
    }
}

/// Blocks at equal distances: inner dimensions that are whole runs stay together.
fn regular_rows(dims: &[RegularDim], before: &mut Part, visit: Visit<'_>) -> Result<()> {
    if dims.iter().all(RegularDim::is_run) {
        let part: Part = before
            .iter()
            .copied()
            .chain(dims.iter().map(|dim| (dim.start, dim.count * dim.block)))
            .collect();
        return visit(&part);
    }
    let (first, rest) = (dims[0], &dims[1..]);
    // Rows of a block come one by one if what lies within is in pieces.
    let inner_is_run = rest.iter().all(RegularDim::is_run);
    for number in 0..first.count {
        let start = first.start + number * first.stride;
        let pieces = if inner_is_run {
            vec![(start, first.block)]
        } else {
            (0..first.block).map(|i| (start + i, 1)).collect()
        };
        for piece in pieces {
            before.push(piece);
            regular_rows(rest, before, visit)?;
            before.pop();
        }
    }
    Ok(())
}

/// Any blocks: rows of all of them, sorted as elements are counted.
fn block_rows(blocks: &[(Vec<u64>, Vec<u64>)], visit: Visit<'_>) -> Result<()> {
    if let [(first, last)] = blocks {
        return visit(
            &first
                .iter()
                .zip(last)
                .map(|(first, last)| (*first, last - first + 1))
                .collect::<Part>(),
        );
    }
    let mut rows: Vec<Part> = Vec::new();
    for (first, last) in blocks {
        let mut row: Vec<u64> = first.clone();
        let inner = first.len() - 1;
        loop {
            if rows.len() > 1 << 22 {
                return Err(Error::new(ErrorKind::Limit, "a selection has too many rows"));
            }
            let mut part: Part = row[..inner].iter().map(|&at| (at, 1)).collect();
            part.push((first[inner], last[inner] - first[inner] + 1));
            rows.push(part);
            let Some(i) = (0..inner).rev().find(|&i| row[i] < last[i]) else { break };
            row[i] += 1;
            row[i + 1..inner].copy_from_slice(&first[i + 1..inner]);
        }
    }
    rows.sort();
    rows.iter().try_for_each(|row| visit(row))
}
