//! Bytes named by their digest, written once and never changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::NamedTempFile;

use crate::proof::Proofs;
use crate::scratch::Scratch;
use crate::{Digest, Error, ErrorKind, Hasher, Result, failure, plain};

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
    proofs: Proofs,
}

impl Blobs {
    pub(crate) fn new(root: &Path, scratch: Arc<Scratch>, durability: Durability) -> Self {
        let (unsettled, proofs) = (Arc::default(), Proofs::default());
        Self { objects: root.join("objects"), scratch, durability, unsettled, proofs }
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
        if self.is_sound(blob) {
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
        if !self.is_sound(blob) {
            make_read_only(path).map_err(|e| failure::io(e, "change", path))?;
            self.publish(blob, &file, |to| fs::rename(path, to))?;
        }
        Ok(blob)
    }

    /// Whether the bytes are there in full length, in a plain file; it does not read them.
    #[must_use]
    pub fn contains(&self, blob: Blob) -> bool {
        let path = self.path_of(blob.digest);
        plain::check(&path).is_ok()
            && fs::symlink_metadata(path).is_ok_and(|found| found.len() == blob.size)
    }

    /// Whether the bytes are there and are those that were written.
    #[must_use]
    pub fn is_sound(&self, blob: Blob) -> bool {
        self.prove(blob).is_ok()
    }

    /// Opens a blob for reading: a plain file, not a link.
    pub fn open(&self, digest: Digest) -> Result<File> {
        let path = self.path_of(digest);
        self.check_shard(&path)
            .and_then(|()| plain::open(&path))
            .map_err(|error| self.unreadable(error, digest))
    }

    fn check_shard(&self, path: &Path) -> io::Result<()> {
        let shard = path.parent().unwrap_or(&self.objects);
        let found = fs::symlink_metadata(shard)?;
        let refused = || io::Error::new(io::ErrorKind::InvalidData, "its folder is a link or file");
        if found.is_dir() { Ok(()) } else { Err(refused()) }
    }

    /// Reads a blob and proves it.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the bytes are gone or are not those that were written.
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>> {
        self.read_most(digest, u64::MAX)
    }

    /// Like [`read`](Self::read), but refuses a blob of more than `most` bytes.
    pub(crate) fn read_most(&self, digest: Digest, most: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(digest)?
            .take(most.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreadable(error, digest))?;
        if bytes.len() as u64 > most {
            let message = format!("object `{}` has more than {most} bytes", digest.short());
            return Err(Error::new(ErrorKind::Limit, message));
        }
        self.compare(digest, Digest::of(&bytes), bytes.len() as u64)?;
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
        self.compare(digest, hasher.digest(), size)?;
        Ok(size)
    }

    /// Proves a blob that is about to be used: a large one once, and again when its file changed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the bytes are gone or are not those that were written.
    pub fn prove(&self, blob: Blob) -> Result<()> {
        let file = self.open(blob.digest)?;
        let (digest, size) = self
            .proofs
            .digest(&self.path_of(blob.digest), &file)
            .map_err(|error| self.unreadable(error, blob.digest))?;
        self.compare(blob.digest, digest, size)?;
        if size == blob.size {
            return Ok(());
        }
        let (name, expected) = (blob.digest.short(), blob.size);
        Err(damaged(format!("object `{name}` has {size} bytes where {expected} were recorded")))
    }

    fn check_writable(&self) -> Result<()> {
        match self.scratch.substitute() {
            Some(_) => Err(failure::read_only(self.objects.parent().unwrap_or(&self.objects))),
            None => Ok(()),
        }
    }

    pub(crate) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    fn compare(&self, expected: Digest, found: Digest, size: u64) -> Result<()> {
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
        let name = digest.short();
        let message = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                format!("object `{name}` is not in the store")
            }
            io::ErrorKind::InvalidData => format!("object `{name}` is no file of its own: {error}"),
            _ => return failure::io(error, "read", &self.path_of(digest)),
        };
        damaged(message).in_file(self.path_of(digest).display().to_string())
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
            self.clear_way(shard, &path)?;
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
        self.proofs.note(&path, blob.digest);
        if self.durability == Durability::Power {
            self.unsettled().insert(shard.to_owned());
        }
        Ok(())
    }

    /// Takes away what is in a blob's place and cannot be replaced by a rename: a folder, or a link
    /// in the place of its own folder.
    fn clear_way(&self, shard: &Path, path: &Path) -> io::Result<()> {
        let aside = |path: &Path| -> io::Result<()> {
            let folder = self.scratch.session().and_then(|session| session.folder());
            let folder = folder.map_err(io::Error::other)?;
            fs::rename(path, folder.path().join("aside"))
        };
        match fs::symlink_metadata(shard) {
            Ok(found) if !found.is_dir() => aside(shard)?,
            _ => {}
        }
        if plain::is_folder(path) { aside(path) } else { Ok(()) }
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
        if !self.blobs.is_sound(blob) {
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

fn has_other_names(path: &Path) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| found.is_symlink() || plain::has_other_names(&found))
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
