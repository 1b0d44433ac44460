//! A file whose header was read: a container of tensors.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use cannery_core::{Error, ErrorKind, Result, StorageInfo, TensorContainer, TensorInfo};
use cannery_places::{ByteSource, FileSource};

use crate::Header;
use crate::header::LENGTH_SIZE;

/// A safetensors file; its tensors are read when they are asked for.
pub struct SafetensorsFile {
    header: Header,
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    data: Arc<dyn ByteSource>,
}

impl SafetensorsFile {
    /// Opens a file; its name is in every error.
    ///
    /// # Errors
    /// Those of the operating system and of the header.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|e| Error::io(e, "cannot open the file"));
        file.and_then(Self::from_file).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// The tensors of an open file.
    ///
    /// # Errors
    /// As [`SafetensorsFile::open`].
    pub fn from_file(file: File) -> Result<Self> {
        let cannot_read = |error| Error::io(error, "cannot read the file");
        if !file.metadata().map_err(cannot_read)?.is_file() {
            // A pipe has no place to come back to.
            let mut bytes = Vec::new();
            cannery_core::read_to_end(&mut &file, &mut bytes).map_err(cannot_read)?;
            return Self::from_bytes(bytes);
        }
        Self::from_source(Arc::new(FileSource::new(file)?))
    }

    /// The tensors in the bytes of a file.
    ///
    /// # Errors
    /// Those of the header.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::from_source(Arc::new(bytes))
    }

    /// The tensors of a file that can be read at any place.
    ///
    /// # Errors
    /// Those of the source and of the header.
    pub fn from_source(data: Arc<dyn ByteSource>) -> Result<Self> {
        let len = data.len();
        let start_len = usize::try_from(len.min(LENGTH_SIZE)).unwrap_or(0);
        let mut start = [0; 8];
        data.read_at(0, &mut start[..start_len])?;
        let header_len = Header::length(&start[..start_len], len)?;
        let mut text = vec![0; usize::try_from(header_len).map_err(|_| Error::out_of_memory())?];
        data.read_at(LENGTH_SIZE, &mut text)?;
        Ok(Self::new(Header::parse(&text, len)?, data))
    }

    fn new(header: Header, data: Arc<dyn ByteSource>) -> Self {
        let tensors = header.tensors.iter().enumerate().map(|(index, entry)| {
            let (name, shape) = (entry.name.clone(), entry.shape.clone());
            TensorInfo::contiguous(name, entry.dtype.clone(), shape, index)
        });
        let storages = header.tensors.iter().map(|entry| StorageInfo {
            len: entry.end - entry.start,
            file_offset: Some(header.data_start + entry.start),
        });
        let (tensors, storages) = (tensors.collect(), storages.collect());
        Self { header, tensors, storages, data }
    }

    /// What the header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Fills `out` with the bytes of the file from `start` on.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Truncated`] beyond the end.
    pub fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.data.read_at(start, out).map_err(|error| match error.kind() {
            ErrorKind::Truncated => cut_off(),
            _ => error,
        })
    }
}

/// Bytes that a thread reads at once.
const PIECE: usize = 4 << 20;

/// Pieces that a service is asked for at once.
const REQUESTS: usize = 8;

/// Bytes that are worth another thread.
const WORTH_A_THREAD: usize = 8 << 20;

impl SafetensorsFile {
    /// Fills many buffers, each with the bytes of the file from an offset on, on all cores.
    ///
    /// # Errors
    /// As [`SafetensorsFile::read_at`]; what was read by then is in the buffers.
    pub fn read_many(&self, buffers: Vec<(u64, &mut [u8])>) -> Result<()> {
        let len: usize = buffers.iter().map(|(_, out)| out.len()).sum();
        let pieces = buffers.into_iter().flat_map(|(start, out)| {
            let starts = (start..).step_by(PIECE);
            starts.zip(out.chunks_mut(PIECE))
        });
        let pieces = Mutex::new(pieces);
        let next = || pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some((start, out)) = next() {
                self.read_at(start, out)?;
            }
            Ok(())
        };
        let threads = if self.data.is_remote() {
            REQUESTS
        } else {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            cores.min(len / WORTH_A_THREAD)
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                // Without another thread, this one does it all.
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let mine = work();
            let join = |other: thread::ScopedJoinHandle<'_, Result<()>>| {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).fold(mine, Result::and)
        })
    }
}

impl TensorContainer for SafetensorsFile {
    fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.storages
    }

    fn metadata(&self) -> &[(String, String)] {
        &self.header.metadata
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let info = self.storages.get(storage).ok_or_else(beyond)?;
        let end = start.checked_add(out.len() as u64).filter(|end| *end <= info.len);
        end.ok_or_else(beyond)?;
        self.read_at(info.file_offset.unwrap_or(0) + start, out)
    }
}

#[cold]
fn cut_off() -> Error {
    Error::new(ErrorKind::Truncated, "the file ends before its tensors do")
        .with_hint("it was cut off while it was open")
}

#[cold]
fn beyond() -> Error {
    Error::new(ErrorKind::Value, "read beyond the tensor")
}
