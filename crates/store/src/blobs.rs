//! Bytes named by their digest, written once and never changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::scratch::Scratch;
use crate::{Digest, Error, ErrorKind, Hasher, Result, failure};

/// What a finished write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The death of the process: bytes are left to the operating system to write out.
    Process,
    /// The loss of power: bytes reach the disk before anything names them.
    #[default]
    Power,
}

/// Kept bytes: their name and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Their name.
    pub digest: Digest,
    /// How many they are.
    pub size: u64,
}

/// The bytes of a store.
///
/// Nobody ever sees a partially written blob: bytes are written to a file of their own on the
/// same file system and renamed to their name when they are whole.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: PathBuf,
    scratch: Arc<Scratch>,
    durability: Durability,
    /// Folders with names that may not have reached the disk.
    unsettled: Arc<Mutex<BTreeSet<PathBuf>>>,
}

impl Blobs {
    pub(crate) fn new(root: &Path, scratch: Arc<Scratch>, durability: Durability) -> Self {
        Self { objects: root.join("objects"), scratch, durability, unsettled: Arc::default() }
    }

    /// The file of a blob, for memory mapping; it need not exist.
    #[must_use]
    pub fn path_of(&self, digest: Digest) -> PathBuf {
        let hex = digest.to_string();
        self.objects.join(&hex[..2]).join(&hex[2..])
    }

    /// Keeps bytes that come in pieces.
    pub fn writer(&self) -> Result<BlobWriter<'_>> {
        self.check_writable()?;
        let file = self.scratch.session()?.file()?;
        Ok(BlobWriter { blobs: self, file, hasher: Hasher::new(), size: 0 })
    }

    /// Keeps `bytes`.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Blob> {
        let blob = Blob { digest: Digest::of(bytes), size: bytes.len() as u64 };
        if self.contains(blob) {
            return Ok(blob);
        }
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(|e| failure::io(e, "write to", writer.file.path()))?;
        writer.finish()
    }

    /// Keeps a copy of a file.
    pub fn put_file(&self, path: &Path) -> Result<Blob> {
        let mut source = File::open(path).map_err(|e| failure::io(e, "read", path))?;
        let mut writer = self.writer()?;
        io::copy(&mut source, &mut writer).map_err(|e| failure::io(e, "copy", path))?;
        writer.finish()
    }

    /// Keeps a file that was written for the store, by moving it: its bytes are read once, to
    /// name them, and not written again.
    ///
    /// The file must be on the store's file system (see
    /// [`Store::scratch_folder`](crate::Store::scratch_folder)) and must not change any more. A
    /// file that also has another name is copied, for somebody may write to it there.
    pub fn take_file(&self, path: &Path) -> Result<Blob> {
        self.check_writable()?;
        if has_other_names(path) {
            return self.put_file(path);
        }
        let mut file = File::open(path).map_err(|e| failure::io(e, "read", path))?;
        let mut hasher = Hasher::new();
        let size = hasher.update_reader(&mut file).map_err(|e| failure::io(e, "read", path))?;
        let blob = Blob { digest: hasher.digest(), size };
        if !self.contains(blob) {
            make_read_only(path).map_err(|e| failure::io(e, "change", path))?;
            self.publish(blob, &file, |to| fs::rename(path, to))?;
        }
        Ok(blob)
    }

    /// Whether the bytes are there in full length; it does not read them.
    #[must_use]
    pub fn contains(&self, blob: Blob) -> bool {
        fs::metadata(self.path_of(blob.digest)).is_ok_and(|found| found.len() == blob.size)
    }

    /// Opens a blob for reading.
    pub fn open(&self, digest: Digest) -> Result<File> {
        File::open(self.path_of(digest)).map_err(|error| self.unreadable(error, digest))
    }

    /// Reads a blob and proves it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the bytes are gone or are not those that were written.
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(digest)?
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreadable(error, digest))?;
        self.prove(digest, Digest::of(&bytes), bytes.len() as u64)?;
        Ok(bytes)
    }

    /// Proves a blob without keeping its bytes; returns how many they are.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the bytes are gone or are not those that were written.
    pub fn verify(&self, digest: Digest) -> Result<u64> {
        let mut hasher = Hasher::new();
        let size = hasher
            .update_reader(self.open(digest)?)
            .map_err(|error| self.unreadable(error, digest))?;
        self.prove(digest, hasher.digest(), size)?;
        Ok(size)
    }

    fn check_writable(&self) -> Result<()> {
        match self.scratch.substitute() {
            Some(_) => Err(failure::read_only(self.objects.parent().unwrap_or(&self.objects))),
            None => Ok(()),
        }
    }

    fn prove(&self, expected: Digest, found: Digest, size: u64) -> Result<()> {
        if found == expected {
            return Ok(());
        }
        let message = format!(
            "object `{}` holds other bytes than were written: its {size} bytes have digest `{}`",
            expected.short(),
            found.short()
        );
        Err(damaged(message).in_file(self.path_of(expected).display().to_string()))
    }

    #[cold]
    fn unreadable(&self, error: io::Error, digest: Digest) -> Error {
        if error.kind() == io::ErrorKind::NotFound {
            return damaged(format!("object `{}` is not in the store", digest.short()))
                .in_file(self.path_of(digest).display().to_string());
        }
        failure::io(error, "read", &self.path_of(digest))
    }

    /// Gives written bytes their name. A damaged file of that name is replaced.
    fn publish(
        &self,
        blob: Blob,
        file: &File,
        rename: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<()> {
        let path = self.path_of(blob.digest);
        let shard = path.parent().unwrap_or(&self.objects);
        let publish = || -> io::Result<()> {
            if self.durability == Durability::Power {
                file.sync_data()?;
            }
            match rename(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    fs::create_dir_all(shard)?;
                    rename(&path)?;
                }
                result => result?,
            }
            Ok(())
        };
        publish().map_err(|error| failure::io(error, "write", &path))?;
        if self.durability == Durability::Power {
            self.unsettled().insert(shard.to_owned());
        }
        Ok(())
    }

    /// Brings the names of all that was kept to the disk; to be called before the catalog speaks
    /// of it. Most file systems write all names that
    /// are pending with the first.
    pub(crate) fn settle(&self) -> Result<()> {
        // Held to the end: another thread must not believe it done before it is.
        let mut unsettled = self.unsettled();
        while let Some(folder) = unsettled.pop_first() {
            sync_folder(&folder).map_err(|error| failure::io(error, "write", &folder))?;
        }
        Ok(())
    }

    fn unsettled(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a blob; see [`Blobs::writer`]. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    blobs: &'a Blobs,
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
}

impl BlobWriter<'_> {
    /// Names the bytes and makes them visible to everybody.
    pub fn finish(self) -> Result<Blob> {
        let blob = Blob { digest: self.hasher.digest(), size: self.size };
        if !self.blobs.contains(blob) {
            let (file, path) = self.file.into_parts();
            self.blobs.publish(blob, &file, |to| fs::rename(&path, to))?;
        }
        Ok(blob)
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cold]
fn damaged(message: String) -> Error {
    Error::new(ErrorKind::Corrupt, message)
        .with_hint("run the pipeline again: steps whose results are damaged are computed anew")
}

#[cfg(unix)]
fn has_other_names(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink() || found.nlink() > 1)
}

#[cfg(not(unix))]
fn has_other_names(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink())
}

#[cfg(unix)]
fn make_read_only(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}

// Windows would refuse to remove a read-only file.
#[cfg(not(unix))]
fn make_read_only(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
