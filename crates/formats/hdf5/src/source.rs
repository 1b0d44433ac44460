//! Where the bytes of a file come from.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, Result};
use cannery_places::{ByteSource, FileSource, ends_early};

use crate::lock::{LockKind, lock};

/// Opens a file, which no other program writes at this moment.
///
/// # Errors
/// Those of the operating system; [`ErrorKind::Io`](cannery_core::ErrorKind::Io) for what is no
/// regular file.
pub(crate) fn open(path: &Path) -> Result<FileSource> {
    let doing = || format!("cannot open `{}`", path.display().to_string().escape_debug());
    let file = File::open(path).map_err(|e| Error::io(e, doing()))?;
    // Looked at only: what is opened for reading may stay open for long.
    lock(&file, path, LockKind::Shared)?;
    let _ = file.unlock();
    FileSource::new(file).map_err(|e| e.in_file(path.display().to_string()))
}

/// Bytes read at a time where metadata is looked at.
const BLOCK: u64 = 16 << 10;

/// The same where each read takes its time to travel.
const REMOTE_BLOCK: u64 = 64 << 10;

/// Blocks that are kept, at most.
const KEPT: u64 = 512;

/// Blocks with their numbers, each at the place of its number modulo [`KEPT`].
type Blocks = Vec<Option<(u64, Arc<[u8]>)>>;

/// A source whose small reads are served from blocks that are kept.
pub(crate) struct Cached {
    source: Arc<dyn ByteSource>,
    blocks: Mutex<Blocks>,
    block_len: u64,
}

/// The place of a block.
fn place(number: u64) -> usize {
    crate::bytes::index(number % KEPT)
}

impl Cached {
    pub(crate) fn new(source: Arc<dyn ByteSource>) -> Self {
        let block_len = if source.is_remote() { REMOTE_BLOCK } else { BLOCK };
        Self { source, blocks: Mutex::default(), block_len }
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.source.is_remote()
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
        if out.len() as u64 > self.block_len {
            return self.source.read_at(offset, out);
        }
        let mut at = offset;
        while !out.is_empty() {
            let block = self.block(at / self.block_len)?;
            let start = usize::try_from(at % self.block_len).unwrap_or(usize::MAX);
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
        let (first, last) = (offset / self.block_len, (offset + len.max(1) - 1) / self.block_len);
        let is_written = |(number, _): &mut (u64, _)| (first..=last).contains(number);
        for kept in blocks.iter_mut() {
            kept.take_if(is_written);
        }
    }

    fn block(&self, number: u64) -> Result<Arc<[u8]>> {
        let lock = || self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Some((found, block))) = lock().get(place(number))
            && *found == number
        {
            return Ok(Arc::clone(block));
        }
        let start = number * self.block_len;
        let len = self.source.len().saturating_sub(start).min(self.block_len);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        self.source.read_at(start, &mut bytes)?;
        let block: Arc<[u8]> = bytes.into();
        let mut blocks = lock();
        if blocks.is_empty() {
            blocks.resize(place(KEPT - 1) + 1, None);
        }
        blocks[place(number)] = Some((number, Arc::clone(&block)));
        Ok(block)
    }
}
