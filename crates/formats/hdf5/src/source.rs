//! Where the bytes of a file come from.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use crate::lock::{LockKind, lock};

/// Bytes that can be read at any place, by many threads at once.
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if there are not as many, and those of the storage.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()>;
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let start = usize::try_from(offset).ok().filter(|start| *start <= Vec::len(self));
        let found = start.and_then(|start| self[start..].get(..out.len()));
        out.copy_from_slice(found.ok_or_else(|| ends_early(offset, out.len()))?);
        Ok(())
    }
}

#[cold]
fn ends_early(offset: u64, len: usize) -> Error {
    let message = format!("expected {len} bytes, found the end of the file");
    Error::new(ErrorKind::Truncated, message).at_offset(offset)
}

/// A file of the operating system.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(path: &Path) -> Result<Self> {
        let doing = || format!("cannot open `{}`", path.display().to_string().escape_debug());
        let file = File::open(path).map_err(|e| Error::io(e, doing()))?;
        // Looked at only: what is opened for reading may stay open for long.
        lock(&file, path, LockKind::Shared)?;
        let _ = file.unlock();
        Self::new(file).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// Reads an open file.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Io`] for what is no regular file.
    pub fn new(file: File) -> Result<Self> {
        let metadata = file.metadata().map_err(|e| Error::io(e, "cannot look at the file"))?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::Io, "expected a regular file"));
        }
        Ok(Self { file, len: metadata.len() })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        use std::os::unix::fs::FileExt;
        let read = self.file.read_exact_at(out, offset);
        read.map_err(|e| Error::io(e, "cannot read the file").at_offset(offset))
    }

    #[cfg(windows)]
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        seek_read_exact(&self.file, offset, out)
    }
}

/// Fills `out` with the bytes of a file from `offset` on.
#[cfg(windows)]
pub(crate) fn seek_read_exact(file: &File, offset: u64, out: &mut [u8]) -> Result<()> {
    use std::os::windows::fs::FileExt;
    let mut done = 0;
    while done < out.len() {
        let read = file.seek_read(&mut out[done..], offset + done as u64);
        match read.map_err(|e| Error::io(e, "cannot read the file").at_offset(offset))? {
            0 => return Err(ends_early(offset, out.len())),
            some => done += some,
        }
    }
    Ok(())
}

/// Bytes read at a time where metadata is looked at.
const BLOCK: u64 = 16 << 10;

/// Blocks that are kept, at most.
const KEPT: usize = 512;

type Blocks = HashMap<u64, Arc<[u8]>>;

/// A source whose small reads are served from blocks that are kept.
pub(crate) struct Cached {
    source: Arc<dyn Source>,
    blocks: Mutex<Blocks>,
}

impl Cached {
    pub(crate) fn new(source: Arc<dyn Source>) -> Self {
        Self { source, blocks: Mutex::default() }
    }

    pub(crate) fn len(&self) -> u64 {
        self.source.len()
    }

    /// Reads data, which is not kept.
    pub(crate) fn read_data(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out)
    }

    /// Reads metadata.
    pub(crate) fn read_at(&self, offset: u64, mut out: &mut [u8]) -> Result<()> {
        if out.len() as u64 > BLOCK {
            return self.source.read_at(offset, out);
        }
        let mut at = offset;
        while !out.is_empty() {
            let block = self.block(at / BLOCK)?;
            let start = usize::try_from(at % BLOCK).unwrap_or(usize::MAX);
            let found = block.get(start..).unwrap_or_default();
            let len = found.len().min(out.len());
            if len == 0 {
                return Err(ends_early(offset, out.len()));
            }
            let (now, later) = out.split_at_mut(len);
            now.copy_from_slice(&found[..len]);
            out = later;
            at += len as u64;
        }
        Ok(())
    }

    /// Forgets blocks whose bytes have been written again.
    pub(crate) fn forget(&self, offset: u64, len: u64) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.is_empty() {
            return;
        }
        let (first, last) = (offset / BLOCK, (offset + len.max(1) - 1) / BLOCK);
        if last - first > KEPT as u64 {
            blocks.clear();
            return;
        }
        for number in first..=last {
            blocks.remove(&number);
        }
    }

    fn block(&self, number: u64) -> Result<Arc<[u8]>> {
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = lock().get(&number) {
            return Ok(Arc::clone(block));
        }
        let start = number * BLOCK;
        let len = self.source.len().saturating_sub(start).min(BLOCK);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.source.read_at(start, &mut bytes)?;
        let block: Arc<[u8]> = bytes.into();
        let mut blocks = lock();
        if blocks.len() >= KEPT {
            blocks.clear();
        }
        blocks.insert(number, Arc::clone(&block));
        Ok(block)
    }
}
