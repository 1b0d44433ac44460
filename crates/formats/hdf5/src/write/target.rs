//! Where the bytes of a file go.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cannery_core::{Error, Result};
use cannery_places::ByteSource;

use crate::lock::{LockKind, lock};

/// Bytes that can be written at any place, by many threads at once, and read again.
pub trait Target: ByteSource {
    /// Writes bytes at `offset`; what lies between the end and `offset` becomes zeros.
    ///
    /// # Errors
    /// Those of the storage.
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()>;

    /// Makes the storage as long as `len`, if it is shorter.
    ///
    /// # Errors
    /// Those of the storage.
    fn grow(&self, len: u64) -> Result<()>;

    /// Waits until what was written so far would survive a loss of power, before what refers to it
    /// is written.
    ///
    /// # Errors
    /// Those of the storage.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// Makes what was written so far the file that readers find, and waits until it would survive
    /// a loss of power.
    ///
    /// # Errors
    /// Those of the storage.
    fn publish(&self) -> Result<()>;

    /// Says that nothing more will be written.
    fn release(&self) {}
}

/// A file of the operating system; a new one appears by its name when it is published.
#[derive(Debug)]
pub struct FileTarget {
    file: File,
    path: PathBuf,
    len: AtomicU64,
    /// Bytes behind the end of the file that are written together, before all that is written
    /// elsewhere later.
    tail: Mutex<Vec<u8>>,
    /// Where the tail begins: what lies before is in the file, or being written there.
    tail_start: AtomicU64,
    /// The name under which a new file is written before it is published.
    temporary: Mutex<Option<PathBuf>>,
    /// Whether something was written that may not have reached the disk.
    is_unsettled: AtomicBool,
    /// Whether to wait for the disk.
    waits: bool,
}

/// The longest tail, and the longest piece that is kept in it.
const LONGEST_TAIL: u64 = 4 << 20;
const LONGEST_PIECE: usize = 1 << 16;

static TEMPORARY: AtomicU64 = AtomicU64::new(0);

impl FileTarget {
    /// A new file, written under another name in the same folder until it is published.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn create(path: &Path) -> Result<Self> {
        // A file that another program has open with a lock is not replaced beneath it.
        if let Ok(old) = File::open(path) {
            lock(&old, path, LockKind::Exclusive)?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        loop {
            let number = TEMPORARY.fetch_add(1, Ordering::Relaxed);
            let temporary = folder.join(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    lock(&file, path, LockKind::Exclusive)?;
                    let temporary = Mutex::new(Some(temporary));
                    return Ok(Self::of(file, 0, path, temporary));
                }
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(cannot(error, "create", path)),
            }
        }
    }

    /// A file that exists.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Conflict`](cannery_core::ErrorKind::Conflict) if another
    /// program writes it.
    pub fn edit(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path);
        let file = file.map_err(|e| cannot(e, "open", path))?;
        lock(&file, path, LockKind::Exclusive)?;
        let len = file.metadata().map_err(|e| cannot(e, "open", path))?.len();
        Ok(Self::of(file, len, path, Mutex::new(None)))
    }

    fn of(file: File, len: u64, path: &Path, temporary: Mutex<Option<PathBuf>>) -> Self {
        Self {
            file,
            path: path.into(),
            len: AtomicU64::new(len),
            tail: Mutex::default(),
            tail_start: AtomicU64::new(len),
            temporary,
            is_unsettled: AtomicBool::new(false),
            waits: true,
        }
    }

    /// Sets whether flushing and closing wait for the disk; without, what was written survives
    /// the end of this process, and not always a loss of power.
    #[must_use]
    pub fn waits(mut self, yes: bool) -> Self {
        self.waits = yes;
        self
    }

    fn tail(&self) -> MutexGuard<'_, Vec<u8>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the tail, and makes the file as long as it is to be.
    fn flush(&self, tail: &mut Vec<u8>) -> Result<()> {
        let start = self.tail_start.load(Ordering::Acquire);
        let len = self.len.load(Ordering::Acquire);
        if len == start {
            return Ok(());
        }
        self.is_unsettled.store(true, Ordering::Release);
        let end = start + tail.len() as u64;
        self.write_file(start, tail)?;
        tail.clear();
        if end < len {
            self.file.set_len(len).map_err(|e| cannot(e, "write", &self.path))?;
        }
        self.tail_start.store(len, Ordering::Release);
        Ok(())
    }

    #[cfg(unix)]
    fn write_file(&self, offset: u64, data: &[u8]) -> Result<()> {
        use std::os::unix::fs::FileExt;
        self.file.write_all_at(data, offset).map_err(|e| cannot(e, "write", &self.path))
    }

    #[cfg(windows)]
    fn write_file(&self, offset: u64, data: &[u8]) -> Result<()> {
        use std::os::windows::fs::FileExt;
        let mut done = 0;
        while done < data.len() {
            let written = self.file.seek_write(&data[done..], offset + done as u64);
            done += written.map_err(|e| cannot(e, "write", &self.path))?;
        }
        Ok(())
    }

    #[cfg(unix)]
    fn read_file(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        use std::os::unix::fs::FileExt;
        let read = self.file.read_exact_at(out, offset);
        read.map_err(|e| Error::io(e, "cannot read the file").at_offset(offset))
    }

    #[cfg(windows)]
    fn read_file(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        cannery_places::seek_read_exact(&self.file, offset, out)
    }

    fn sync(&self) -> Result<()> {
        self.flush(&mut self.tail())?;
        if self.waits && self.is_unsettled.swap(false, Ordering::AcqRel) {
            self.file.sync_data().map_err(|e| cannot(e, "write", &self.path))?;
        }
        Ok(())
    }
}

/// Waits until the name of a new file is on the disk; folders of some file systems cannot be
/// waited for.
#[cfg(unix)]
fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}

#[cold]
fn cannot(error: std::io::Error, what: &str, path: &Path) -> Error {
    let path = path.display().to_string();
    Error::io(error, format!("cannot {what} `{}`", path.escape_debug()))
}

impl ByteSource for FileTarget {
    fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.tail_start.load(Ordering::Acquire) && end <= self.len() {
            self.flush(&mut self.tail())?;
        }
        self.read_file(offset, out)
    }
}

impl Target for FileTarget {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut tail = self.tail();
        let start = self.tail_start.load(Ordering::Acquire);
        let end = offset + data.len() as u64;
        if let Some(from) = offset.checked_sub(start)
            && data.len() <= LONGEST_PIECE
            && end - start <= LONGEST_TAIL
        {
            let (from, to) = (crate::bytes::index(from), crate::bytes::index(end - start));
            if tail.len() < to {
                tail.resize(to, 0);
            }
            tail[from..to].copy_from_slice(data);
            self.len.fetch_max(end, Ordering::AcqRel);
            return Ok(());
        }
        self.flush(&mut tail)?;
        // What other threads put into the tail meanwhile lies behind these bytes.
        self.len.fetch_max(end, Ordering::AcqRel);
        self.tail_start.fetch_max(end, Ordering::AcqRel);
        drop(tail);
        self.is_unsettled.store(true, Ordering::Release);
        self.write_file(offset, data)
    }

    fn grow(&self, len: u64) -> Result<()> {
        self.len.fetch_max(len, Ordering::AcqRel);
        Ok(())
    }

    fn settle(&self) -> Result<()> {
        let temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        // A new file is not found before it is published.
        if temporary.is_some() { Ok(()) } else { self.sync() }
    }

    fn publish(&self) -> Result<()> {
        let mut temporary = self.temporary.lock().unwrap_or_else(PoisonError::into_inner);
        self.sync()?;
        if let Some(from) = temporary.as_ref() {
            std::fs::rename(from, &self.path).map_err(|e| cannot(e, "create", &self.path))?;
            #[cfg(unix)]
            if self.waits {
                sync_folder(&self.path);
            }
        }
        *temporary = None;
        Ok(())
    }

    fn release(&self) {
        // Readers of objects that are still there need no lock.
        let _ = self.file.unlock();
    }
}

impl Drop for FileTarget {
    fn drop(&mut self) {
        let temporary = self.temporary.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = temporary.take() {
            // What was never published is of no use.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Bytes in memory.
#[derive(Debug, Default)]
pub struct MemoryTarget {
    data: std::sync::RwLock<Vec<u8>>,
    published: AtomicBool,
}

impl MemoryTarget {
    /// A target that holds the bytes of a file.
    #[must_use]
    pub fn new(data: Vec<u8>) -> Self {
        Self { data: std::sync::RwLock::new(data), published: AtomicBool::new(false) }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.data.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the file was made complete.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.published.load(Ordering::Acquire)
    }
}

impl ByteSource for MemoryTarget {
    fn len(&self) -> u64 {
        self.data.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.data.read().unwrap_or_else(PoisonError::into_inner).read_at(offset, out)
    }
}

impl Target for MemoryTarget {
    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut bytes = self.data.write().unwrap_or_else(PoisonError::into_inner);
        let (start, end) = (crate::bytes::index(offset), crate::bytes::index(offset) + data.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(data);
        Ok(())
    }

    fn grow(&self, len: u64) -> Result<()> {
        let mut bytes = self.data.write().unwrap_or_else(PoisonError::into_inner);
        if (bytes.len() as u64) < len {
            bytes.resize(crate::bytes::index(len), 0);
        }
        Ok(())
    }

    fn publish(&self) -> Result<()> {
        self.published.store(true, Ordering::Release);
        Ok(())
    }
}
