//! Reading the elements of a tensor in the order of their indices, wherever they lie.

use super::{TensorContainer, TensorInfo};
use crate::{ByteOrder, Error, ErrorKind, Order, Result, reserve};

/// Bytes handed on at once; a multiple of every size of a word.
const PIECE: usize = 1 << 20;

impl TensorInfo {
    /// Hands its elements to `take`, little-endian and in the order of their indices, in pieces.
    ///
    /// Memory is bounded for a tensor whose elements follow each other in the file; of any other
    /// the stretch that it lies in is read first. A tensor without data has no pieces.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if it reaches beyond its storage; those of the container and of `take`.
    pub fn read_pieces(
        &self,
        container: &dyn TensorContainer,
        take: &mut dyn FnMut(&mut [u8]) -> Result<()>,
    ) -> Result<()> {
        pieces(self, container, take)
    }

    /// All its elements, little-endian and in the order of their indices.
    ///
    /// # Errors
    /// As [`TensorInfo::read_pieces`].
    pub fn read(&self, container: &dyn TensorContainer) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        self.read_pieces(container, &mut |piece| {
            reserve(&mut all, piece.len())?;
            all.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(all)
    }
}

/// Reads a tensor in pieces of whole elements.
fn pieces(
    info: &TensorInfo,
    container: &dyn TensorContainer,
    take: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<()> {
    let len = info.len_in_bytes()?;
    let (Some(storage), true) = (info.storage, len > 0) else { return Ok(()) };
    let storage_len = container.storages().get(storage).ok_or_else(|| beyond(info))?.len;
    let word = if info.byte_order == ByteOrder::Big { info.dtype.word_size() } else { 1 };
    let take = &mut |piece: &mut [u8]| {
        swap(piece, word);
        take(piece)
    };
    if info.is_contiguous(Order::C) {
        let start = info.offset.checked_mul(info.dtype.bits()).map(|bits| bits / 8);
        let start = start.filter(|start| start.checked_add(len).is_some_and(|e| e <= storage_len));
        let start = start.ok_or_else(|| beyond(info))?;
        return contiguous(container, storage, start, len, info, take);
    }
    strided(info, container, storage, storage_len, take)
}

fn contiguous(
    container: &dyn TensorContainer,
    storage: usize,
    start: u64,
    len: u64,
    info: &TensorInfo,
    take: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<()> {
    // Elements of records may be of any size.
    let itemsize = info.dtype.itemsize().unwrap_or(1).max(1);
    let per_piece = (PIECE / itemsize).max(1) * itemsize;
    let mut piece = Vec::new();
    let mut done = 0;
    while done < len {
        let size = usize::try_from(len - done).map_or(per_piece, |left| left.min(per_piece));
        let missing = size.saturating_sub(piece.len());
        reserve(&mut piece, missing)?;
        piece.resize(size, 0);
        container.read_storage(storage, start + done, &mut piece)?;
        take(&mut piece)?;
        done += size as u64;
    }
    Ok(())
}

fn strided(
    info: &TensorInfo,
    container: &dyn TensorContainer,
    storage: usize,
    storage_len: u64,
    take: &mut dyn FnMut(&mut [u8]) -> Result<()>,
) -> Result<()> {
    let itemsize = info.dtype.itemsize().filter(|&size| size > 0).ok_or_else(|| {
        let message = format!("a tensor of {} has strides that are not contiguous", info.dtype);
        Error::new(ErrorKind::Unsupported, message)
    })?;
    let (first, last) = extent(info).ok_or_else(|| beyond(info))?;
    let start = first.checked_mul(itemsize as u64);
    let end = last.checked_add(1).and_then(|end| end.checked_mul(itemsize as u64));
    let (start, end) =
        start.zip(end).filter(|(_, e)| *e <= storage_len).ok_or_else(|| beyond(info))?;
    let len = usize::try_from(end - start).map_err(|_| Error::out_of_memory())?;
    let mut bytes = Vec::new();
    reserve(&mut bytes, len)?;
    bytes.resize(len, 0);
    container.read_storage(storage, start, &mut bytes)?;
    let mut rows = Rows::new(info, info.offset - first);
    let mut piece = Vec::with_capacity(PIECE.min(len) + itemsize);
    while let Some(row) = rows.next() {
        for index in 0..rows.side {
            let at = row.wrapping_add_signed(rows.step.wrapping_mul(index.cast_signed()));
            // The extent was checked, so every element lies within the bytes.
            let at = usize::try_from(at).unwrap_or(usize::MAX).wrapping_mul(itemsize);
            piece.extend_from_slice(bytes.get(at..at + itemsize).ok_or_else(|| beyond(info))?);
            if piece.len() >= PIECE {
                take(&mut piece)?;
                piece.clear();
            }
        }
    }
    if piece.is_empty() { Ok(()) } else { take(&mut piece) }
}

/// The least and the greatest element of the storage that the tensor reaches.
fn extent(info: &TensorInfo) -> Option<(u64, u64)> {
    if info.strides.len() != info.shape.len() {
        return None;
    }
    let (mut first, mut last) = (info.offset, info.offset);
    for (&side, &stride) in info.shape.iter().zip(&info.strides) {
        let reach = side.checked_sub(1)?.checked_mul(stride.unsigned_abs())?;
        if stride < 0 {
            first = first.checked_sub(reach)?;
        } else {
            last = last.checked_add(reach)?;
        }
    }
    Some((first, last))
}

/// The rows along the last side: where each begins, in elements.
struct Rows<'a> {
    shape: &'a [u64],
    strides: &'a [i64],
    index: Vec<u64>,
    at: Option<u64>,
    side: u64,
    step: i64,
}

impl<'a> Rows<'a> {
    fn new(info: &'a TensorInfo, start: u64) -> Self {
        let (side, shape) = info.shape.split_last().map_or((1, &[][..]), |(s, rest)| (*s, rest));
        let (step, strides) =
            info.strides.split_last().map_or((0, &[][..]), |(s, rest)| (*s, rest));
        Self { shape, strides, index: vec![0; shape.len()], at: Some(start), side, step }
    }

    /// Where the next row begins.
    fn next(&mut self) -> Option<u64> {
        let this = self.at?;
        let mut at = this;
        for axis in (0..self.shape.len()).rev() {
            self.index[axis] += 1;
            at = at.wrapping_add_signed(self.strides[axis]);
            if self.index[axis] < self.shape[axis] {
                self.at = Some(at);
                return Some(this);
            }
            at = at.wrapping_add_signed(
                self.strides[axis].wrapping_mul(self.index[axis].cast_signed()).wrapping_neg(),
            );
            self.index[axis] = 0;
        }
        self.at = None;
        Some(this)
    }
}

/// Turns the words of elements around.
fn swap(bytes: &mut [u8], word: usize) {
    if word > 1 {
        bytes.chunks_exact_mut(word).for_each(<[u8]>::reverse);
    }
}

#[cold]
fn beyond(info: &TensorInfo) -> Error {
    Error::new(ErrorKind::Value, format!("the tensor `{}` reaches beyond its storage", info.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{StorageInfo, TensorDtype};

    struct Memory(Vec<u8>, [StorageInfo; 1]);

    impl TensorContainer for Memory {
        fn tensors(&self) -> &[TensorInfo] {
            &[]
        }

        fn storages(&self) -> &[StorageInfo] {
            &self.1
        }

        fn read_storage(&self, _storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
            let start = usize::try_from(start).unwrap();
            out.copy_from_slice(&self.0[start..start + out.len()]);
            Ok(())
        }
    }

    fn read(shape: &[u64], strides: &[i64], offset: u64) -> std::result::Result<Vec<u8>, String> {
        let memory = Memory((0..24).collect(), [StorageInfo { len: 24, file_offset: None }]);
        let mut info =
            TensorInfo::contiguous("t".to_owned(), TensorDtype::Int(2), shape.to_vec(), 0);
        (info.strides, info.offset) = (strides.to_vec(), offset);
        info.byte_order = ByteOrder::Big;
        info.read(&memory).map_err(|e| e.to_string())
    }

    #[test]
    fn elements_come_in_the_order_of_their_indices() {
        assert_eq!(read(&[2, 2], &[1, 2], 1).unwrap(), [3, 2, 7, 6, 5, 4, 9, 8]);
        assert_eq!(read(&[3], &[-2], 4).unwrap(), [9, 8, 5, 4, 1, 0]);
        assert_eq!(read(&[2, 2], &[0, 1], 0).unwrap(), [1, 0, 3, 2, 1, 0, 3, 2]);
        assert_eq!(read(&[], &[], 11).unwrap(), [23, 22]);
        assert_eq!(read(&[0, 9], &[7, 7], 99).unwrap(), [0; 0]);
    }

    #[test]
    fn what_lies_beyond_the_storage_is_an_error() {
        let beyond = "the tensor `t` reaches beyond its storage";
        assert_eq!(read(&[2, 2], &[10, 2], 0).unwrap_err(), beyond);
        assert_eq!(read(&[3], &[-2], 3).unwrap_err(), beyond);
        assert_eq!(read(&[12], &[1], 1).unwrap_err(), beyond);
        assert_eq!(read(&[2, 2], &[i64::MAX, 1], u64::MAX).unwrap_err(), beyond);
    }
}
