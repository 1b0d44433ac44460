//! Which files were held against their digests: large ones once, as long as they stay as they are.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Digest, Hasher};

/// Files from this size on are hashed once; smaller ones whenever they are used.
const LARGE: u64 = 1 << 20;

/// What tells a file that was changed from one that was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    digest: Digest,
    size: u64,
    #[cfg(unix)]
    place: (u64, u64),
    #[cfg(unix)]
    times: [(i64, i64); 2],
    #[cfg(not(unix))]
    modified: Option<std::time::SystemTime>,
}

impl Stamp {
    #[cfg(unix)]
    fn new(digest: Digest, found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;

        Self {
            digest,
            size: found.len(),
            place: (found.dev(), found.ino()),
            // The second cannot be set back by who changes a file.
            times: [(found.mtime(), found.mtime_nsec()), (found.ctime(), found.ctime_nsec())],
        }
    }

    #[cfg(not(unix))]
    fn new(digest: Digest, found: &Metadata) -> Self {
        Self { digest, size: found.len(), modified: found.modified().ok() }
    }
}

/// The large files that this process has proven.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proofs(Arc<Mutex<HashMap<PathBuf, Stamp>>>);

impl Proofs {
    /// The digest of an open file's bytes and how many they are, computed now unless it is a large
    /// file that has not changed since.
    ///
    /// # Errors
    /// Those of the operating system.
    pub(crate) fn digest(&self, path: &Path, file: &File) -> std::io::Result<(Digest, u64)> {
        let before = file.metadata()?;
        if let Some(stamp) = self.all().get(path)
            && *stamp == Stamp::new(stamp.digest, &before)
        {
            return Ok((stamp.digest, stamp.size));
        }
        let mut hasher = Hasher::new();
        let size = hasher.update_reader(file)?;
        let digest = hasher.digest();
        let stamp = Stamp::new(digest, &before);
        if size == before.len() && stamp == Stamp::new(digest, &file.metadata()?) {
            self.insert(path, stamp);
        }
        Ok((digest, size))
    }

    /// Notes that a file has just been written with these bytes.
    pub(crate) fn note(&self, path: &Path, digest: Digest) {
        if let Ok(found) = std::fs::symlink_metadata(path) {
            self.insert(path, Stamp::new(digest, &found));
        }
    }

    fn insert(&self, path: &Path, stamp: Stamp) {
        if stamp.size >= LARGE {
            self.all().insert(path.to_owned(), stamp);
        }
    }

    fn all(&self) -> MutexGuard<'_, HashMap<PathBuf, Stamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
