//! Checks a file: every structure, checksum and chunk that its root leads to.
//!
//! What is damaged is named and passed over, so that one look finds all of it. What is found lost
//! is what a repaired file does without; see [`Checkup::repair_to`].

mod elements;
mod report;
mod walk;

use std::path::Path;
use std::sync::Arc;

use cannery_core::Result;
use cannery_places::ByteSource;

pub(crate) use self::elements::check as check_elements;
pub use self::report::{Checkup, Finding};
pub(crate) use self::report::{ChunkRepair, ObjectRepair, Repairs};
use crate::core::FileCore;
use crate::source;
use crate::superblock::Superblock;

impl Checkup {
    /// Checks the file at a path, its chunks by `threads` threads: 0 means as many as there are
    /// processors.
    ///
    /// # Errors
    /// Those of the operating system; if the file is one of several parts.
    pub fn of_path(path: impl AsRef<Path>, threads: usize) -> Result<Self> {
        let path = path.as_ref();
        let source = source::open(path)?;
        Self::of(Arc::new(source), threads).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// Checks a file in a source.
    ///
    /// # Errors
    /// Those of the source; if the file is one of several parts.
    pub fn of(source: Arc<dyn ByteSource>, threads: usize) -> Result<Self> {
        let mut damage = Vec::new();
        let superblock = Superblock::read_damaged(source.as_ref(), &mut damage)?;
        let core = FileCore::open_damaged(source, superblock, damage)?;
        walk::check(&core, threads)
    }
}
