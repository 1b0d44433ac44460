//! Tensors and storages as a file describes them, and the proof that they lie within it.

use std::borrow::Cow;
use std::ops::Range;

use cannery_archive::Member;
use cannery_core::{Error, ErrorKind, Result, reserve};

use crate::dtype::TorchDtype;
use crate::node_id::NodeId;

/// Sides of a tensor, at most: what `NumPy` can hold.
pub const MOST_SIDES: usize = 64;

/// The bytes that tensors lie in.
#[derive(Clone, Debug)]
pub struct Storage {
    /// Its name in the file.
    pub key: String,
    /// The device that it was on: `cpu`, `cuda:0`, `meta`.
    pub location: String,
    /// How many bytes it has.
    pub len: u64,
    /// The type by which it was named first.
    pub dtype: TorchDtype,
    /// Where its bytes are.
    pub data: StorageData,
}

/// Where the bytes of a storage are.
#[derive(Clone, Debug)]
pub enum StorageData {
    /// Nowhere: it is on the device `meta`, or was not read yet.
    None,
    /// In the file, as they are.
    InFile(Range<usize>),
    /// In memory: they are other than those of the file.
    InMemory(Vec<u8>),
    /// In the file, but packed or in another byte order.
    Packed(Box<Packed>),
}

/// Bytes of a storage that do not lie in the file as they are.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The member of the archive that they are.
    pub member: Member,
    /// How many bytes of it are turned around together.
    pub word: usize,
}

impl Packed {
    /// Fills `out` with the first bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are not what was written.
    pub fn read(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.member.read(data, out)?;
        if self.word > 1 {
            out.chunks_exact_mut(self.word).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}

impl Storage {
    /// Its bytes; none if it has none.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they were packed, and are not what was written.
    pub fn bytes<'a>(&'a self, data: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        Ok(match &self.data {
            StorageData::None => Cow::Borrowed(&[]),
            StorageData::InFile(place) => {
                Cow::Borrowed(data.get(place.clone()).unwrap_or_default())
            }
            StorageData::InMemory(bytes) => Cow::Borrowed(bytes),
            StorageData::Packed(packed) => {
                let size = usize::try_from(self.len).map_err(|_| Error::out_of_memory())?;
                let mut bytes = Vec::new();
                reserve(&mut bytes, size)?;
                bytes.resize(size, 0);
                packed.read(data, &mut bytes)?;
                Cow::Owned(bytes)
            }
        })
    }
}

/// A part of a storage, seen as elements of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageView {
    /// The storage, by its number.
    pub storage: usize,
    /// The type of its elements.
    pub dtype: TorchDtype,
    /// Bytes before the part.
    pub start: u64,
    /// Bytes in the part.
    pub len: u64,
}

/// A tensor's elements: a view of a part of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The storage, by its number; `None` on the device `meta`.
    pub storage: Option<usize>,
    /// The type of the elements.
    pub dtype: TorchDtype,
    /// Its sides.
    pub shape: Vec<u64>,
    /// Elements from one index to the next of each side.
    pub strides: Vec<u64>,
    /// Elements before the first, from the beginning of the part of the storage.
    pub offset: u64,
    /// Bytes before the part of the storage.
    pub start: u64,
}

/// A tensor, in one of `PyTorch`'s layouts.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// How its elements are kept.
    pub layout: Layout,
    /// The name of its class, if it is another than `torch.Tensor`.
    pub class: Option<String>,
    /// Whether gradients are wanted.
    pub requires_grad: bool,
    /// Whether its values are the complex conjugates of its elements.
    pub is_conjugate: bool,
    /// Whether its values are the negatives of its elements.
    pub is_negative: bool,
    /// Its attributes: a dictionary, or a tuple of a dictionary and slots.
    pub states: Vec<NodeId>,
}

/// How a tensor's elements are kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Layout {
    /// All of them, in a storage.
    Strided(View),
    /// Integers that stand for numbers.
    Quantized(View, Box<Quantizer>),
    /// Those that are not zero.
    Sparse(Box<Sparse>),
    /// Several tensors of different shapes, one after the other.
    Nested {
        /// The tensor of all elements.
        buffer: NodeId,
        /// The tensors of their shapes, their strides and their offsets.
        places: [NodeId; 3],
        /// Each of them.
        parts: Vec<View>,
    },
    /// Several tensors whose shapes differ in one side.
    Jagged {
        /// The tensor of all elements.
        values: NodeId,
        /// Where each begins.
        offsets: NodeId,
    },
}

/// How the numbers of a quantized tensor are computed.
#[derive(Clone, Debug)]
pub enum Quantizer {
    /// In one way.
    PerTensor {
        /// What an integer is multiplied by.
        scale: f64,
        /// The integer that stands for zero.
        zero_point: i64,
    },
    /// In one way along a side.
    PerChannel {
        /// `per_channel_affine`, or the same with parameters that are floats.
        scheme: &'static str,
        /// The tensor of factors.
        scales: NodeId,
        /// The tensor of the integers that stand for zero.
        zero_points: NodeId,
        /// The side.
        axis: i64,
    },
}

/// A sparse tensor.
#[derive(Clone, Debug)]
pub struct Sparse {
    /// `sparse_coo`, `sparse_csr` and so on.
    pub layout: &'static str,
    /// Its sides.
    pub shape: Vec<u64>,
    /// The tensor of indices, or of the compressed ones.
    pub indices: NodeId,
    /// The tensor of the other indices, where there are two.
    pub plain_indices: Option<NodeId>,
    /// The tensor of values.
    pub values: NodeId,
    /// Whether each place is listed once, if that is said.
    pub is_coalesced: Option<bool>,
}

impl Tensor {
    pub(crate) fn new(layout: Layout) -> Self {
        Self {
            layout,
            class: None,
            requires_grad: false,
            is_conjugate: false,
            is_negative: false,
            states: Vec::new(),
        }
    }
}

impl View {
    /// How many elements it has.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if their number does not fit 63 bits.
    pub fn elements(&self) -> Result<u64> {
        elements(&self.shape)
    }

    /// Proves that it lies within that many bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it does not.
    pub fn check(&self, len: u64) -> Result<()> {
        let (sides, steps) = (self.shape.len(), self.strides.len());
        if sides != steps {
            return Err(wrong(format!("a tensor of {sides} sides has {steps} strides")));
        }
        if sides > MOST_SIDES {
            return Err(wrong(format!("a tensor has {sides} sides, more than {MOST_SIDES}")));
        }
        if self.elements()? == 0 {
            return Ok(());
        }
        let steps = self.shape.iter().zip(&self.strides);
        let last = steps.into_iter().try_fold(self.offset, |at, (&side, &stride)| {
            at.checked_add((side - 1).checked_mul(stride)?)
        });
        // The last word is read whole, however many elements it packs.
        let words = last.and_then(|last| (last / self.dtype.packed()).checked_add(1));
        let bytes = words.and_then(|words| words.checked_mul(self.dtype.itemsize()));
        match bytes.filter(|&bytes| bytes <= len) {
            Some(_) => Ok(()),
            None => Err(wrong(format!(
                "a tensor of shape {:?}, strides {:?} and offset {} reaches beyond its storage of \
                 {len} bytes",
                self.shape, self.strides, self.offset
            ))),
        }
    }
}

/// How many elements a shape has.
pub(crate) fn elements(shape: &[u64]) -> Result<u64> {
    if shape.contains(&0) {
        return Ok(0);
    }
    let count = shape.iter().try_fold(1_u64, |count, &side| count.checked_mul(side));
    count
        .filter(|&count| i64::try_from(count).is_ok())
        .ok_or_else(|| wrong(format!("a tensor of shape {shape:?} has more elements than can be")))
}

/// The strides of elements without gaps.
pub(crate) fn contiguous_strides(shape: &[u64]) -> Vec<u64> {
    let mut step = 1_u64;
    let mut strides = vec![0; shape.len()];
    for (stride, &side) in strides.iter_mut().zip(shape).rev() {
        *stride = step;
        step = step.saturating_mul(side.max(1));
    }
    strides
}

#[cold]
pub(crate) fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(shape: &[u64], strides: &[u64], offset: u64) -> View {
        let dtype = TorchDtype::from_name("float32").unwrap();
        let (shape, strides) = (shape.to_vec(), strides.to_vec());
        View { storage: Some(0), dtype, shape, strides, offset, start: 0 }
    }

    #[test]
    fn views_lie_within_their_storage() {
        for (shape, strides, offset, is_within) in [
            (&[2, 3][..], &[3, 1][..], 0, true),
            (&[2, 3], &[3, 1], 1, false),
            (&[], &[], 5, true),
            (&[], &[], 6, false),
            (&[0, 9], &[100, 100], 100, true),
            (&[1 << 40], &[0], 5, true),
            (&[3], &[1 << 63], 0, false),
            (&[1 << 32, 1 << 32], &[0, 0], 0, false),
            (&[2], &[1, 1], 0, false),
        ] {
            let checked = view(shape, strides, offset).check(24);
            assert_eq!(checked.is_ok(), is_within, "{shape:?} {strides:?} {offset}: {checked:?}");
        }
    }

    #[test]
    fn messages_say_what_is_wrong() {
        let message = |shape: &[u64], strides: &[u64], offset| {
            view(shape, strides, offset).check(24).unwrap_err().to_string()
        };
        insta::assert_snapshot!(message(&[6], &[1], 1), @"a tensor of shape [6], strides [1] and offset 1 reaches beyond its storage of 24 bytes");
        insta::assert_snapshot!(message(&[6], &[], 0), @"a tensor of 1 sides has 0 strides");
    }
}
