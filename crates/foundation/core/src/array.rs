//! Arrays of numbers: their shapes, their bytes, and handles that read only when asked.

use crate::{Dtype, Error, ErrorKind, Result};

/// How the elements of an array lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The last index runs fastest.
    #[default]
    C,
    /// The first index runs fastest.
    Fortran,
}

/// Bytes of all elements of a shape.
///
/// # Errors
/// [`ErrorKind::Limit`] if they do not fit 63 bits.
pub fn size_in_bytes(dtype: &Dtype, shape: &[u64]) -> Result<u64> {
    // A zero among huge sizes makes an empty array, whatever the others multiply to.
    if shape.contains(&0) {
        return Ok(0);
    }
    let size = shape.iter().try_fold(dtype.itemsize() as u64, |n, &side| n.checked_mul(side));
    size.filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| {
        Error::new(ErrorKind::Limit, format!("an array of shape {shape:?} is too large"))
    })
}

/// An array that may lie in memory, in a mapped file, or somewhere it must be fetched from.
///
/// Elements are counted in storage order, the order in which `read` hands them out. Sinks read
/// from front to back in pieces of their own choosing, and large pieces where they can: a source
/// may decode one on all cores.
pub trait ArraySource {
    /// The type of the elements.
    fn dtype(&self) -> &Dtype;

    /// The sides of the array, outermost first; empty for a single element.
    fn shape(&self) -> &[u64];

    /// How the elements follow each other.
    fn order(&self) -> Order;

    /// The whole array, if it lies in memory.
    fn view(&self) -> Option<ArrayView<'_>>;

    /// Fills `out` with whole elements, from element `start` on.
    ///
    /// # Errors
    /// Those of the place it is read from; [`ErrorKind::Value`] beyond the end.
    fn read(&self, start: u64, out: &mut [u8]) -> Result<()>;

    /// Bytes of all elements.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if they do not fit 63 bits.
    fn size_in_bytes(&self) -> Result<u64> {
        size_in_bytes(self.dtype(), self.shape())
    }

    /// Where the first element lies in the file that is being read, if all lie there in a row: a
    /// host that has the file can map it and need not copy.
    fn file_offset(&self) -> Option<u64> {
        None
    }
}

/// A whole array in memory, contiguous, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrayView<'a> {
    dtype: &'a Dtype,
    shape: &'a [u64],
    order: Order,
    data: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// A view of `data`.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if `data` has another length than type and shape say.
    pub fn new(
        dtype: &'a Dtype,
        shape: &'a [u64],
        order: Order,
        data: &'a [u8],
    ) -> Result<ArrayView<'a>> {
        let expected = size_in_bytes(dtype, shape)?;
        if data.len() as u64 != expected {
            let found = data.len();
            let message =
                format!("expected {expected} bytes for shape {shape:?}, found {found} bytes");
            return Err(Error::new(ErrorKind::Value, message));
        }
        Ok(Self { dtype, shape, order, data })
    }

    /// The type of the elements.
    #[must_use]
    pub fn dtype(&self) -> &'a Dtype {
        self.dtype
    }

    /// The sides of the array, outermost first.
    #[must_use]
    pub fn shape(&self) -> &'a [u64] {
        self.shape
    }

    /// How the elements lie in `data`.
    #[must_use]
    pub fn order(&self) -> Order {
        self.order
    }

    /// All elements, without gaps.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }
}

impl ArraySource for ArrayView<'_> {
    fn dtype(&self) -> &Dtype {
        self.dtype
    }

    fn shape(&self) -> &[u64] {
        self.shape
    }

    fn order(&self) -> Order {
        self.order
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        Some(*self)
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let start = usize::try_from(start).ok().and_then(|s| s.checked_mul(self.dtype.itemsize()));
        let end = start.and_then(|s| s.checked_add(out.len()));
        let part = start.zip(end).and_then(|(start, end)| self.data.get(start..end));
        let part = part.ok_or_else(|| Error::new(ErrorKind::Value, "read beyond the array"))?;
        out.copy_from_slice(part);
        Ok(())
    }
}

/// A whole array in memory, owned.
#[derive(Clone, Debug, PartialEq)]
pub struct ArrayBuf {
    dtype: Dtype,
    shape: Vec<u64>,
    order: Order,
    data: Vec<u8>,
}

impl ArrayBuf {
    /// An array of `data`.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if `data` has another length than type and shape say.
    pub fn new(dtype: Dtype, shape: Vec<u64>, order: Order, data: Vec<u8>) -> Result<Self> {
        ArrayView::new(&dtype, &shape, order, &data)?;
        Ok(Self { dtype, shape, order, data })
    }

    /// Reads a whole source into memory.
    ///
    /// # Errors
    /// Those of the source.
    pub fn from_source(source: &dyn ArraySource) -> Result<Self> {
        let data = match source.view() {
            Some(view) => view.data().to_vec(),
            None => read_all(source)?,
        };
        Self::new(source.dtype().clone(), source.shape().to_vec(), source.order(), data)
    }

    /// The array, borrowed.
    #[must_use]
    pub fn as_view(&self) -> ArrayView<'_> {
        ArrayView { dtype: &self.dtype, shape: &self.shape, order: self.order, data: &self.data }
    }
}

impl ArraySource for ArrayBuf {
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
        Some(self.as_view())
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.as_view().read(start, out)
    }
}

fn read_all(source: &dyn ArraySource) -> Result<Vec<u8>> {
    let size =
        usize::try_from(source.size_in_bytes()?).map_err(|_| too_large_for_memory(source))?;
    let mut data = Vec::new();
    data.try_reserve_exact(size).map_err(|_| too_large_for_memory(source))?;
    data.resize(size, 0);
    source.read(0, &mut data)?;
    Ok(data)
}

#[cold]
fn too_large_for_memory(source: &dyn ArraySource) -> Error {
    let shape = source.shape();
    Error::new(ErrorKind::Limit, format!("an array of shape {shape:?} does not fit in memory"))
        .with_hint("read it in parts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DtypeKind;

    /// An array that is not in memory; its bytes count upwards.
    struct Lazy(Dtype, Vec<u64>);

    impl ArraySource for Lazy {
        fn dtype(&self) -> &Dtype {
            &self.0
        }

        fn shape(&self) -> &[u64] {
            &self.1
        }

        fn order(&self) -> Order {
            Order::Fortran
        }

        fn view(&self) -> Option<ArrayView<'_>> {
            None
        }

        fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
            let first = start * self.0.itemsize() as u64;
            out.iter_mut().zip(first..).for_each(|(byte, at)| *byte = at.to_le_bytes()[0]);
            Ok(())
        }
    }

    fn shorts() -> Dtype {
        Dtype::new(DtypeKind::Int(2))
    }

    #[test]
    fn lazy_arrays_are_read_whole() {
        let array = ArrayBuf::from_source(&Lazy(shorts(), vec![2, 2])).unwrap();
        assert_eq!(array.as_view().data(), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((array.shape(), array.order()), (&[2, 2][..], Order::Fortran));
    }

    #[test]
    fn parts_are_read_in_elements() {
        let array = ArrayBuf::new(shorts(), vec![3], Order::C, vec![1, 2, 3, 4, 5, 6]).unwrap();
        let mut out = [0; 4];
        array.read(1, &mut out).unwrap();
        assert_eq!(out, [3, 4, 5, 6]);
        for beyond in [2, 3, u64::MAX, u64::MAX / 2] {
            assert_eq!(array.read(beyond, &mut out).unwrap_err().kind(), ErrorKind::Value);
        }
        insta::assert_snapshot!(array.read(2, &mut out).unwrap_err(), @"read beyond the array");
    }

    #[test]
    fn sizes_are_checked() {
        let made = |shape: &[u64], len| {
            let made = ArrayBuf::new(shorts(), shape.to_vec(), Order::C, vec![0; len]);
            made.map_or_else(|error| error.report(), |array| format!("{:?}", array.shape()))
        };
        insta::assert_snapshot!(made(&[], 2), @"[]");
        insta::assert_snapshot!(made(&[u64::MAX, 0, u64::MAX], 0), @"[18446744073709551615, 0, 18446744073709551615]");
        insta::assert_snapshot!(made(&[3], 5), @"expected 6 bytes for shape [3], found 5 bytes");
        insta::assert_snapshot!(made(&[1 << 62], 0), @"an array of shape [4611686018427387904] is too large");
        insta::assert_snapshot!(made(&[1 << 32, 1 << 32], 0), @"an array of shape [4294967296, 4294967296] is too large");
        let huge = Lazy(shorts(), vec![1 << 61]);
        insta::assert_snapshot!(ArrayBuf::from_source(&huge).unwrap_err().report(), @r"
        an array of shape [2305843009213693952] does not fit in memory

        hint: read it in parts
        ");
    }
}
