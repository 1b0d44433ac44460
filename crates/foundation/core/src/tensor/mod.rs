//! Files of named tensors: what is in them, and how their bytes are read.
//!
//! Model files of several formats implement [`TensorContainer`]; what looks into them, converts
//! and compares them works on that.

mod dtype;
mod gather;

pub use dtype::TensorDtype;

use crate::{ByteOrder, Error, ErrorKind, Order, Result};

/// A tensor of a file: a view of a part of one of its storages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name, or the path to it: `layers.0.weight`.
    pub name: String,
    /// The type of its elements.
    pub dtype: TensorDtype,
    /// How the words of its elements lie in the storage.
    pub byte_order: ByteOrder,
    /// Its sides, outermost first.
    pub shape: Vec<u64>,
    /// Elements from one index to the next of each side.
    pub strides: Vec<i64>,
    /// Elements before its first one in the storage.
    pub offset: u64,
    /// The storage that it lies in, an index into [`TensorContainer::storages`]: tensors with one
    /// storage share memory. `None` for a tensor without data (on the device `meta`).
    pub storage: Option<usize>,
}

/// A stretch of bytes of a file that tensors lie in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageInfo {
    /// Its length in bytes.
    pub len: u64,
    /// Where it begins in the file, if it lies there as it is.
    pub file_offset: Option<u64>,
}

/// A file of named tensors; opening one reads no tensor.
pub trait TensorContainer: Send + Sync {
    /// Its tensors, in the order of the file. Tied tensors are listed under every name.
    fn tensors(&self) -> &[TensorInfo];

    /// The storages that tensors lie in.
    fn storages(&self) -> &[StorageInfo];

    /// What the file says about itself, texts by name.
    fn metadata(&self) -> &[(String, String)] {
        &[]
    }

    /// What the file holds besides tensors, each thing with the path to it: a converter must leave
    /// it out.
    fn others(&self) -> &[String] {
        &[]
    }

    /// Fills `out` with the bytes of a storage from `start` on.
    ///
    /// # Errors
    /// Those of the place it is read from; [`ErrorKind::Value`] beyond the end.
    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()>;
}

impl TensorInfo {
    /// A tensor whose elements follow each other in the order of their indices, from the beginning
    /// of a storage.
    #[must_use]
    pub fn contiguous(name: String, dtype: TensorDtype, shape: Vec<u64>, storage: usize) -> Self {
        let strides = contiguous_strides(&shape, Order::C);
        let (byte_order, storage) = (ByteOrder::Little, Some(storage));
        Self { name, dtype, byte_order, shape, strides, offset: 0, storage }
    }

    /// The same in another order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.strides = contiguous_strides(&self.shape, order);
        self
    }

    /// The same in another byte order.
    #[must_use]
    pub fn with_byte_order(mut self, byte_order: ByteOrder) -> Self {
        self.byte_order = byte_order;
        self
    }

    /// How many elements it has.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if they do not fit 63 bits.
    pub fn elements(&self) -> Result<u64> {
        elements(&self.shape)
    }

    /// Bytes of its elements without gaps.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if they do not fit 63 bits.
    pub fn len_in_bytes(&self) -> Result<u64> {
        let bits = self.elements()?.checked_mul(self.dtype.bits());
        bits.map(|bits| bits.div_ceil(8))
            .filter(|&n| i64::try_from(n).is_ok())
            .ok_or_else(|| too_large(&self.shape))
    }

    /// Whether its elements follow each other in this order.
    #[must_use]
    pub fn is_contiguous(&self, order: Order) -> bool {
        let expected = contiguous_strides(&self.shape, order);
        let pairs = self.strides.iter().zip(&expected).zip(&self.shape);
        // Along a side of one there is no step to be taken.
        self.shape.contains(&0) || pairs.into_iter().all(|((a, b), &side)| side == 1 || a == b)
    }
}

/// How many elements a shape has.
///
/// # Errors
/// [`ErrorKind::Limit`] if they do not fit 63 bits.
fn elements(shape: &[u64]) -> Result<u64> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let count = shape.iter().try_fold(1_u64, |n, &side| n.checked_mul(side));
    count.filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| too_large(shape))
}

/// The strides of elements without gaps. They are only steps: for a shape too large to exist they
/// saturate.
fn contiguous_strides(shape: &[u64], order: Order) -> Vec<i64> {
    let mut step = 1_i64;
    let mut next = |side: &u64| {
        let this = step;
        step = step.saturating_mul(i64::try_from(*side).unwrap_or(i64::MAX).max(1));
        this
    };
    match order {
        Order::Fortran => shape.iter().map(next).collect(),
        Order::C => {
            let mut strides: Vec<_> = shape.iter().rev().map(&mut next).collect();
            strides.reverse();
            strides
        }
    }
}

#[cold]
fn too_large(shape: &[u64]) -> Error {
    Error::new(ErrorKind::Limit, format!("a tensor of shape {shape:?} is too large"))
}
