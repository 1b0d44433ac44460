//! A tensor of a container as an array that is read in pieces, of another type if that is asked for.

use cannery_core::{
    ArraySource, ArrayView, ByteOrder, Dtype, Error, ErrorKind, Order, Result, TensorContainer,
    TensorDtype, TensorInfo,
};

use super::values;

/// A tensor that is about to be written.
pub(super) struct TensorArray<'a> {
    container: &'a dyn TensorContainer,
    info: &'a TensorInfo,
    /// What its elements become.
    dtype: TensorDtype,
    /// The same as arrays have it; raw bytes where they do not.
    array_dtype: Dtype,
    order: Order,
    /// The elements in their order, where they do not lie in the file like that.
    gathered: Option<Vec<u8>>,
}

impl<'a> TensorArray<'a> {
    /// A tensor whose elements become those of `dtype`. With `keeps_order`, an
    /// array in Fortran order stays one.
    ///
    /// # Errors
    /// Those of reading it, where its elements do not follow each other in the file.
    pub(super) fn new(
        container: &'a dyn TensorContainer,
        info: &'a TensorInfo,
        dtype: TensorDtype,
        keeps_order: bool,
    ) -> Result<Self> {
        let is_c = info.is_contiguous(Order::C);
        let order = if !is_c && keeps_order && info.is_contiguous(Order::Fortran) {
            Order::Fortran
        } else {
            Order::C
        };
        let gathered =
            if is_c || order == Order::Fortran { None } else { Some(info.read(container)?) };
        let raw = || Dtype::new(cannery_core::DtypeKind::Void(dtype.itemsize().unwrap_or(1)));
        let array_dtype = dtype.to_dtype(ByteOrder::Little).unwrap_or_else(raw);
        Ok(Self { container, info, dtype, array_dtype, order, gathered })
    }

    /// Hands all its bytes on, in pieces.
    pub(super) fn read_pieces(&self, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if let Some(all) = &self.gathered {
            return match self.converted(all) {
                Some(converted) => take(&converted),
                None => take(all),
            };
        }
        self.info.read_pieces(self.container, &mut |piece| match self.converted(piece) {
            Some(converted) => take(&converted),
            None => take(piece),
        })
    }

    /// Elements as those of the type that they become, if that is another.
    fn converted(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        (self.dtype != self.info.dtype).then(|| {
            let mut out = Vec::new();
            values::convert(&self.info.dtype, bytes, &self.dtype, &mut out);
            out
        })
    }

    /// Fills `out` with bytes of the tensor as they are now, little-endian.
    pub(super) fn read_bytes(&self, start: u64, out: &mut [u8]) -> Result<()> {
        if let Some(all) = &self.gathered {
            let start = usize::try_from(start).unwrap_or(usize::MAX);
            let part = all.get(start..start.saturating_add(out.len()));
            out.copy_from_slice(part.ok_or_else(beyond)?);
            return Ok(());
        }
        let storage = self.info.storage.ok_or_else(beyond)?;
        let first = self.info.offset.checked_mul(self.info.dtype.bits()).ok_or_else(beyond)? / 8;
        self.container.read_storage(storage, first + start, out)?;
        let word = self.info.dtype.word_size();
        if self.info.byte_order == ByteOrder::Big && word > 1 {
            out.chunks_exact_mut(word).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}

impl ArraySource for TensorArray<'_> {
    fn dtype(&self) -> &Dtype {
        &self.array_dtype
    }

    fn shape(&self) -> &[u64] {
        &self.info.shape
    }

    fn order(&self) -> Order {
        self.order
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        None
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let from = self.info.dtype.itemsize().unwrap_or(1) as u64;
        let to = self.array_dtype.itemsize().max(1);
        if self.dtype == self.info.dtype {
            return self.read_bytes(start.checked_mul(from).ok_or_else(beyond)?, out);
        }
        let count = (out.len() / to) as u64;
        let len = usize::try_from(count * from).map_err(|_| Error::out_of_memory())?;
        let mut bytes = vec![0; len];
        self.read_bytes(start.checked_mul(from).ok_or_else(beyond)?, &mut bytes)?;
        let converted = self.converted(&bytes).unwrap_or(bytes);
        out.copy_from_slice(converted.get(..out.len()).ok_or_else(beyond)?);
        Ok(())
    }
}

#[cold]
fn beyond() -> Error {
    Error::new(ErrorKind::Value, "read beyond the tensor")
}
