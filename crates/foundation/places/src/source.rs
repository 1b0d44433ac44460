//! Bytes that can be read at any place.

use std::fs::File;

use cannery_core::{Error, ErrorKind, Result};

/// Bytes that can be read at any place, by many threads at once.
pub trait ByteSource: Send + Sync {
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

    /// Whether each read waits for a service far away, so that several at once are quicker.
    fn is_remote(&self) -> bool {
        false
    }
}

impl ByteSource for Vec<u8> {
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

/// The error of a read beyond the end.
#[cold]
#[must_use]
pub fn ends_early(offset: u64, len: usize) -> Error {
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

impl ByteSource for FileSource {
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
///
/// # Errors
/// As [`ByteSource::read_at`].
#[cfg(windows)]
pub fn seek_read_exact(file: &File, offset: u64, out: &mut [u8]) -> Result<()> {
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
