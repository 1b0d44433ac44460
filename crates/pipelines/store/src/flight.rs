//! One computation for each cache key at a time, across threads and processes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::{Digest, Result, Store, failure, plain};

/// How the names of their locks begin in `tmp/`; no session is called so.
pub(crate) const PREFIX: &str = "flight-";

/// The right to compute the result of one cache key; given back when dropped, and by the operating
/// system when the process dies.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    // Held, not used: the lock goes when the file is closed.
    _lock: File,
}

impl Store {
    /// Claims the computation of a cache key; nothing while another thread or process has it.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn claim(&self, key: Digest) -> Result<Option<Claim>> {
        let path = self.scratch().folder().join(format!("{PREFIX}{key}.lock"));
        lock(&path).map_err(|error| failure::io(error, "lock", &path))
    }
}

fn lock(path: &Path) -> io::Result<Option<Claim>> {
    loop {
        let lock = match open(path) {
            // It was removed by its last holder between being opened and being looked at.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file?,
        };
        if lock.try_lock().is_err() {
            return Ok(None);
        }
        // Its last holder may have removed it before it was locked here.
        if plain::is_same(&lock, path) {
            return Ok(Some(Claim { path: path.to_owned(), _lock: lock }));
        }
    }
}

/// Opens the lock, also one that another user has made.
fn open(path: &Path) -> io::Result<File> {
    match plain::open_with(path, File::options().create(true).append(true)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => plain::open(path),
        file => file,
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap());
        let (key, other) = (Digest::of(b"key"), Digest::of(b"other"));
        let claim = one.claim(key).unwrap().expect("it is free");
        assert!(two.claim(key).unwrap().is_none());
        assert!(one.claim(key).unwrap().is_none(), "not even for another thread of its holder");
        let another = two.claim(other).unwrap().expect("of another key");
        drop(claim);
        assert!(two.claim(key).unwrap().is_some());
        drop(another);
        let left = fs::read_dir(folder.path().join("tmp")).unwrap();
        let is_claim =
            |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
        assert_eq!(left.flatten().map(is_claim).filter(|is| *is).count(), 0);
    }
}
