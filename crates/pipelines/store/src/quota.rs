//! How much a store holds, and how much it may hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::{ArtifactFilter, Error, ErrorKind, Result, Store, failure, plain, store, verify};

/// The file that says how many bytes a store may hold.
const FILE: &str = "quota";

/// How long a count is believed: other processes write too.
const BELIEVED: Duration = Duration::from_secs(30);

/// The quota of a store, and what is known of how much of it is used.
#[derive(Debug)]
pub(crate) struct Quota {
    root: PathBuf,
    known: Mutex<Option<Known>>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    at: Instant,
    /// When the quota was set.
    set_at: Option<SystemTime>,
    limit: Option<u64>,
    used: u64,
}

impl Quota {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), known: Mutex::default() }
    }

    /// Counts bytes that are about to be kept.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] when they are too many.
    pub(crate) fn claim(&self, bytes: u64) -> Result<()> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match *known {
            // Another process may set a quota at any time.
            Some(known) if known.at.elapsed() < BELIEVED && known.set_at == self.set_at() => known,
            _ => self.count()?,
        };
        let used = current.used.saturating_add(bytes);
        if current.limit.is_some_and(|limit| used > limit) {
            // Something may have been removed since.
            let fresh = self.count()?;
            *known = Some(fresh);
            if let Some(limit) =
                fresh.limit.filter(|limit| fresh.used.saturating_add(bytes) > *limit)
            {
                return Err(self.exceeded(limit, fresh.used, bytes));
            }
            return Ok(());
        }
        *known = Some(Known { used, ..current });
        Ok(())
    }

    /// Forgets what is known.
    fn forget(&self) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn set_at(&self) -> Option<SystemTime> {
        fs::symlink_metadata(self.root.join(FILE)).and_then(|found| found.modified()).ok()
    }

    fn count(&self) -> Result<Known> {
        let set_at = self.set_at();
        let limit = read(&self.root)?;
        let used = if limit.is_some() { size_of_objects(&self.root)? } else { 0 };
        Ok(Known { at: Instant::now(), set_at, limit, used })
    }

    #[cold]
    fn exceeded(&self, limit: u64, used: u64, bytes: u64) -> Error {
        let message = format!(
            "the store `{}` may hold {limit} bytes: it holds {used}, and {bytes} more were to be kept",
            self.root.display()
        );
        Error::new(ErrorKind::Limit, message).with_hint(
            "remove old runs (`cannery gc --keep-last 5`), or allow more (`cannery store quota`)",
        )
    }
}

fn read(root: &Path) -> Result<Option<u64>> {
    let path = root.join(FILE);
    let text = match plain::read_text(&path, 100) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|error| failure::io(error, "read", &path))?,
    };
    text.trim().parse().map(Some).map_err(|_| {
        let message = format!("expected a number of bytes in `quota`, found `{}`", text.trim());
        Error::new(ErrorKind::Corrupt, message).in_file(path.display().to_string())
    })
}

fn size_of_objects(root: &Path) -> Result<u64> {
    let sizes = verify::objects(root)?.into_iter().filter_map(|(_, path)| {
        // What goes in the meantime holds nothing.
        fs::symlink_metadata(path).ok().map(|found| found.len())
    });
    Ok(sizes.sum())
}

/// How much a store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreSize {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many it may hold.
    pub quota: Option<u64>,
    /// Bytes of all versions of each artifact, by name: the most first. Versions with files of
    /// the same content share them, so that these are more than the objects' bytes.
    pub artifacts: Vec<(String, u64)>,
}

impl Store {
    /// How much the store holds.
    pub fn size(&self) -> Result<StoreSize> {
        let mut size = StoreSize { quota: self.quota()?, ..StoreSize::default() };
        for (_, path) in verify::objects(self.root())? {
            size.objects += 1;
            size.bytes += fs::symlink_metadata(path).map_or(0, |found| found.len());
        }
        let mut by_name = BTreeMap::new();
        for artifact in self.artifacts(&ArtifactFilter::default().all_versions())? {
            let bytes: &mut u64 = by_name.entry(artifact.name).or_default();
            *bytes = bytes.saturating_add(artifact.size);
        }
        size.artifacts = by_name.into_iter().collect();
        size.artifacts.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        Ok(size)
    }

    /// How many bytes of objects the store may hold.
    pub fn quota(&self) -> Result<Option<u64>> {
        read(self.root())
    }

    /// Sets how many bytes of objects the store may hold, for all that use it; other processes
    /// may take half a minute to notice.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] for a store that can only be read.
    pub fn set_quota(&self, bytes: Option<u64>) -> Result<()> {
        self.check_writable()?;
        let path = self.root().join(FILE);
        match bytes {
            Some(bytes) => store::write_whole(self.root(), FILE, &format!("{bytes}\n"))?,
            None => match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(failure::io(error, "remove", &path));
                }
                _ => {}
            },
        }
        self.blobs().quota().forget();
        Ok(())
    }
}
