//! Dataspaces: the shapes of datasets and attributes.

use cannery_core::Result;

use crate::bytes::{Cursor, Sizes, UNDEFINED, malformed, wrong_version};

/// Dimensions, at most.
pub const MAX_RANK: usize = 32;

/// The shape of a dataset or an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dataspace {
    /// No elements, and no shape.
    Null,
    /// One element.
    Scalar,
    /// An array.
    Simple {
        /// Its dimensions.
        shape: Vec<u64>,
        /// How far each may grow; `None` without bound.
        max_shape: Vec<Option<u64>>,
    },
}

impl Dataspace {
    pub(crate) fn parse(sizes: Sizes, data: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        let version = cursor.u8()?;
        let rank = usize::from(cursor.u8()?);
        let flags = cursor.u8()?;
        let kind = match version {
            1 => {
                cursor.skip(5)?;
                u8::from(rank > 0)
            }
            2 => cursor.u8()?,
            _ => return Err(wrong_version("a dataspace", version)),
        };
        if rank > MAX_RANK {
            return Err(malformed(format!("expected at most 32 dimensions, found {rank}")));
        }
        match (kind, rank) {
            (0, 0) => Ok(Self::Scalar),
            (2, 0) => Ok(Self::Null),
            (1, _) => Self::parse_simple(sizes, &mut cursor, rank, flags),
            _ => Err(malformed(format!(
                "unknown kind `{kind}` of a dataspace with {rank} dimensions"
            ))),
        }
    }

    fn parse_simple(sizes: Sizes, cursor: &mut Cursor<'_>, rank: usize, flags: u8) -> Result<Self> {
        let length = |cursor: &mut Cursor<'_>| cursor.uint(usize::from(sizes.length));
        let shape = (0..rank).map(|_| length(cursor)).collect::<Result<Vec<u64>>>()?;
        let max_shape = if flags & 1 == 0 {
            shape.iter().copied().map(Some).collect()
        } else {
            // All ones mean no bound. libhdf5 misses that where lengths take 2 or 4 bytes, and so
            // do the numbers that are shown; the indexes of chunks know better.
            let max = (0..rank).map(|_| Ok(Some(length(cursor)?).filter(|n| *n != UNDEFINED)));
            max.collect::<Result<Vec<_>>>()?
        };
        if shape.iter().zip(&max_shape).any(|(now, max)| max.is_some_and(|max| *now > max)) {
            return Err(malformed("a dimension is larger than its maximum"));
        }
        product(&shape).ok_or_else(|| malformed("the shape has 2^64 elements or more"))?;
        if rank == 0 {
            return Ok(Self::Scalar);
        }
        Ok(Self::Simple { shape, max_shape })
    }

    /// The dimensions: none for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        match self {
            Self::Simple { shape, .. } => shape,
            _ => &[],
        }
    }

    /// How many elements there are.
    #[must_use]
    pub fn elements(&self) -> u64 {
        match self {
            Self::Null => 0,
            // Checked when it was read.
            _ => product(self.shape()).unwrap_or(0),
        }
    }
}

/// The product of dimensions, unless it is too large.
pub(crate) fn product(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().try_fold(1_u64, |all, &n| all.checked_mul(n))
}
