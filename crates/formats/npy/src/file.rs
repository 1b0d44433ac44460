//! A lazy handle on an array file: the header is read, the data is there when asked for.

use std::path::Path;

use cannery_core::{ArraySource, ArrayView, Dtype, Error, ErrorKind, Order, Result};

use crate::header::MAGIC;
use crate::{Bytes, Header};

/// An array in a file, mapped into memory where possible.
///
/// Opening costs the header; the data is read when it is looked at, and only the part that is.
///
/// ```
/// use cannery_core::{ArrayBuf, ArraySource, Dtype, DtypeKind, Order};
/// use cannery_npy::{Bytes, NpyFile};
///
/// let dtype = Dtype::new(DtypeKind::Uint(1));
/// let array = ArrayBuf::new(dtype, vec![2, 2], Order::C, vec![1, 2, 3, 4])?;
/// let file = NpyFile::from_bytes(&Bytes::from(cannery_npy::to_vec(&array.as_view())?))?;
/// assert_eq!(file.shape(), [2, 2]);
/// assert_eq!(file.data(), [1, 2, 3, 4]);
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[derive(Clone)]
pub struct NpyFile {
    header: Header,
    data: Bytes,
}

impl NpyFile {
    /// Opens a file; its name is in every error.
    ///
    /// # Errors
    /// Those of the operating system, of the header, and [`ErrorKind::Truncated`] if the file is
    /// shorter than its header says.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(&Bytes::open(path)?).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// The array in the bytes of a file.
    ///
    /// # Errors
    /// As [`NpyFile::open`].
    pub fn from_bytes(bytes: &Bytes) -> Result<Self> {
        let (header, start) = Header::from_slice(bytes)?;
        let end = header.data_end(start, bytes.len() as u64)?;
        // Both lie within bytes in memory, so they fit.
        let index = |at: u64| usize::try_from(at).unwrap_or(bytes.len());
        let data = bytes.slice(index(start)..index(end));
        let rest = &bytes[index(end)..];
        check_rest(rest, rest.len() as u64, end)?;
        Ok(Self { header, data })
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The elements, in storage order.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The elements, to be kept longer than this handle.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.data
    }
}

/// Checks what follows the array that ends at `end`: the first bytes of it, `len` in all.
///
/// `NumPy` appends further arrays to a file; anything else behind the array means that the header
/// does not belong to the data.
///
/// # Errors
/// [`ErrorKind::Value`] for anything else.
pub fn check_rest(rest: &[u8], len: u64, end: u64) -> Result<()> {
    if len == 0 || rest.starts_with(MAGIC) {
        return Ok(());
    }
    let message = format!("expected the end of the file, found {len} more bytes");
    let hint = "the header describes a smaller array than the file holds";
    Err(Error::new(ErrorKind::Value, message).at_offset(end).with_hint(hint))
}

impl ArraySource for NpyFile {
    fn dtype(&self) -> &Dtype {
        &self.header.dtype
    }

    fn shape(&self) -> &[u64] {
        &self.header.shape
    }

    fn order(&self) -> Order {
        self.header.order
    }

    fn view(&self) -> Option<ArrayView<'_>> {
        let Header { dtype, shape, order } = &self.header;
        ArrayView::new(dtype, shape, *order, &self.data).ok()
    }

    fn read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let Header { dtype, shape, order } = &self.header;
        ArrayView::new(dtype, shape, *order, &self.data)?.read(start, out)
    }
}
