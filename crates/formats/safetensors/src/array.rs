//! The bytes of an array as safetensors has them.

use cannery_core::{
    ArrayBuf, ArraySource, Error, ErrorKind, Result, StorageInfo, TensorContainer, TensorDtype,
    TensorInfo,
};

/// The elements of an array, little-endian and in the order of their indices.
///
/// # Errors
/// [`ErrorKind::Limit`] if its shape is too large to exist.
pub(crate) fn bytes_of(array: &ArrayBuf) -> Result<Vec<u8>> {
    let dtype = TensorDtype::of(array.dtype());
    let info = TensorInfo::contiguous(String::new(), dtype, array.shape().to_vec(), 0)
        .with_order(array.order())
        .with_byte_order(array.dtype().byte_order);
    let len = array.size_in_bytes()?;
    info.read(&InMemory(array, [StorageInfo { len, file_offset: None }]))
}

/// An array in memory as the only storage there is.
struct InMemory<'a>(&'a ArrayBuf, [StorageInfo; 1]);

impl TensorContainer for InMemory<'_> {
    fn tensors(&self) -> &[TensorInfo] {
        &[]
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.1
    }

    fn read_storage(&self, _storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let view = self.0.as_view();
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let part = view.data().get(start..start.saturating_add(out.len()));
        out.copy_from_slice(part.ok_or_else(beyond)?);
        Ok(())
    }
}

#[cold]
fn beyond() -> Error {
    Error::new(ErrorKind::Value, "read beyond the array")
}
