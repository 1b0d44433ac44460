//! Bytes shared between the handles of one file, mapped or in memory.

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use cannery_core::{Error, Result};

use crate::map;

/// A range of bytes of a mapped file or of memory; cheap to clone and to cut.
#[derive(Clone)]
pub struct Bytes {
    whole: Arc<Whole>,
    range: Range<usize>,
}

enum Whole {
    Mapped(memmap2::Mmap),
    Memory(Vec<u8>),
    Owned(Box<dyn AsRef<[u8]> + Send + Sync>),
}

impl Bytes {
    /// The contents of a file: mapped where it can be, read where it cannot (a pipe, a device).
    ///
    /// A mapping shows what the file holds when it is looked at. Another program that cuts the
    /// file shorter while it is mapped makes the operating system stop this one at the next look
    /// (`SIGBUS`); files that cannery writes are replaced, never cut.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn open(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let file =
            File::open(path).map_err(|e| Error::io(e, "cannot open the file").in_file(name()))?;
        Self::from_file(&file).map_err(|e| e.in_file(name()))
    }

    /// The contents of an open file, as [`Bytes::open`].
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn from_file(file: &File) -> Result<Self> {
        let metadata = file.metadata().map_err(cannot_read)?;
        if metadata.is_file() && metadata.len() > 0 {
            return map::map(file).map(Whole::Mapped).map(Self::new).map_err(cannot_read);
        }
        let mut bytes = Vec::new();
        let mut file = file;
        cannery_core::read_to_end(&mut file, &mut bytes).map_err(cannot_read)?;
        Ok(Self::from(bytes))
    }

    /// The bytes of anything that has some, which must always be the same.
    #[must_use]
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::new(Whole::Owned(Box::new(owner)))
    }

    fn new(whole: Whole) -> Self {
        let len = match &whole {
            Whole::Mapped(map) => map.len(),
            Whole::Memory(bytes) => bytes.len(),
            Whole::Owned(owner) => (**owner).as_ref().len(),
        };
        Self { whole: Arc::new(whole), range: 0..len }
    }

    /// A part, which keeps the whole alive.
    ///
    /// # Panics
    /// If `range` reaches beyond the end.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len(), "a range within the bytes");
        let start = self.range.start + range.start;
        Self { whole: Arc::clone(&self.whole), range: start..start + range.len() }
    }

    /// Whether the bytes lie in a mapped file.
    #[must_use]
    pub fn is_mapped(&self) -> bool {
        matches!(*self.whole, Whole::Mapped(_))
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let whole: &[u8] = match &*self.whole {
            Whole::Mapped(map) => map,
            Whole::Memory(bytes) => bytes,
            Whole::Owned(owner) => (**owner).as_ref(),
        };
        &whole[self.range.clone()]
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(Whole::Memory(bytes))
    }
}

#[cold]
fn cannot_read(error: std::io::Error) -> Error {
    Error::io(error, "cannot read the file")
}
