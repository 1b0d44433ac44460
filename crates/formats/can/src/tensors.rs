//! Arrays of types that NPY lacks: members that are safetensors files of one tensor.

use std::io::Write;

use cannery_core::{
    ArrayBuf, ArraySource, ArrayView, ByteOrder, Dtype, Error, Order, Result, TensorDtype,
};
use cannery_npy::Bytes;
use cannery_safetensors::{Header, Layout, dtype_code};

use crate::errors::corrupt;

/// The name of the one tensor.
const NAME: &str = "array";

/// What the header says beside it of an array whose first index ran fastest in memory.
const ORDER: (&str, &str) = ("order", "F");

/// Whether a `.can` file has a member for arrays of this type: those of NPY, and of what NPY lacks the
/// types that safetensors has.
#[must_use]
pub fn has_member(dtype: &Dtype) -> bool {
    cannery_npy::dtype_to_descr(dtype).is_ok() || is_tensor(dtype)
}

/// Whether arrays of this type are kept as safetensors.
pub(crate) fn is_tensor(dtype: &Dtype) -> bool {
    dtype.byte_order == ByteOrder::Little
        && cannery_npy::dtype_to_descr(dtype).is_err()
        && dtype_code(&TensorDtype::of(dtype)).is_some()
}

/// Writes an array as a safetensors file: little-endian, the last index runs fastest.
pub(crate) fn to_writer(array: &dyn ArraySource, writer: &mut impl Write) -> Result<()> {
    let is_fortran = array.order() == Order::Fortran;
    let order = [(ORDER.0.to_owned(), ORDER.1.to_owned())];
    let metadata = if is_fortran { &order[..] } else { &[] };
    let dtype = TensorDtype::of(array.dtype());
    let layout = Layout::new([(NAME, &dtype, array.shape())], metadata)?;
    let mut put =
        |bytes: &[u8]| writer.write_all(bytes).map_err(|e| Error::io(e, "cannot write the array"));
    put(&layout.header)?;
    if !is_fortran {
        return cannery_npy::read_pieces(array, 1 << 20, &mut put);
    }
    let whole = ArrayBuf::from_source(array)?;
    let view = whole.as_view();
    let mut data = Vec::new();
    cannery_core::reserve(&mut data, view.data().len())?;
    let itemsize = view.dtype().itemsize();
    for_each_place(view.shape(), |place| {
        data.extend_from_slice(&view.data()[place * itemsize..][..itemsize]);
    });
    put(&data)
}

/// Calls `take`, index after index with the last running fastest, with the place that the element
/// has where the first runs fastest.
fn for_each_place(shape: &[u64], mut take: impl FnMut(usize)) {
    let sides: Vec<usize> =
        shape.iter().map(|&side| usize::try_from(side).unwrap_or(usize::MAX)).collect();
    if sides.contains(&0) {
        return;
    }
    let strides: Vec<usize> = sides
        .iter()
        .scan(1_usize, |stride, &side| Some(std::mem::replace(stride, stride.saturating_mul(side))))
        .collect();
    let mut index = vec![0; sides.len()];
    let mut place = 0;
    loop {
        take(place);
        let Some(axis) = (0..sides.len()).rev().find(|&axis| index[axis] + 1 < sides[axis]) else {
            return;
        };
        for (later, stride) in index.iter_mut().zip(&strides).skip(axis + 1) {
            place -= std::mem::take(later) * stride;
        }
        index[axis] += 1;
        place += strides[axis];
    }
}

/// An array of such a member.
pub(crate) struct TensorArray {
    dtype: Dtype,
    shape: Vec<u64>,
    order: Order,
    data: Bytes,
    /// Where the elements lie in the member, if they do as they are.
    pub(crate) start: Option<u64>,
}

impl TensorArray {
    /// The array in the bytes of a member.
    pub(crate) fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let header = Header::from_slice(bytes)?;
        let [entry] = &header.tensors[..] else {
            let message = format!("expected one tensor, found {}", header.tensors.len());
            return Err(corrupt(message));
        };
        let dtype = entry.dtype.to_dtype(ByteOrder::Little).filter(is_tensor);
        let Some(dtype) = dtype.filter(|_| entry.name == NAME) else {
            let (name, dtype) = (&entry.name, &entry.dtype);
            let message = format!(
                "expected a tensor `{NAME}` of a type that NPY lacks, found `{name}` of {dtype}"
            );
            return Err(corrupt(message));
        };
        let start = header.data_start + entry.start;
        let range =
            usize::try_from(start).ok().zip(usize::try_from(header.data_start + entry.end).ok());
        let (from, to) = range.ok_or_else(Error::out_of_memory)?;
        let data = bytes.slice(from..to);
        let shape = entry.shape.clone();
        if !header.metadata.iter().any(|(key, value)| (&**key, &**value) == ORDER) {
            return Ok(Self { dtype, shape, order: Order::C, data, start: Some(start) });
        }
        let data = Bytes::from(to_fortran(&data, &shape, dtype.itemsize())?);
        Ok(Self { dtype, shape, order: Order::Fortran, data, start: None })
    }

    fn as_view(&self) -> Result<ArrayView<'_>> {
        ArrayView::new(&self.dtype, &self.shape, self.order, &self.data)
    }
}

fn to_fortran(data: &[u8], shape: &[u64], itemsize: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    cannery_core::reserve(&mut out, data.len())?;
    out.resize(data.len(), 0);
    let mut elements = data.chunks_exact(itemsize);
    for_each_place(shape, |place| {
        if let Some(element) = elements.next() {
            out[place * itemsize..][..itemsize].copy_from_slice(element);
        }
    });
    Ok(out)
}

impl ArraySource for TensorArray {
    fn dtype(&self) -> &Dtype {
        &self.dtype
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn order(&self) -> Order {
        self.order
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        self.as_view().ok()
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.as_view()?.read(start, out)
    }
}
