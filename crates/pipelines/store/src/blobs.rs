//! Bytes named by their digest, written once and never changed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use crate::proof::Proofs;
use crate::quota::Quota;
use crate::scratch::{Scratch, Session};
use crate::{Digest, Error, ErrorKind, Hasher, Result, failpoint, failure, plain};

/// What a finished write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The death of the process: bytes are left to the operating system to write out.
    Process,
    /// The loss of power: what [`Store::settle`](crate::Store::settle) has returned for is on the
    /// disk. Before, bytes may be missing that records name: they are held against their digests
    /// when they are read, and are no result that is used again.
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
/// A partially written blob is never seen: bytes are written to a file of their own on the
/// same file system and renamed to their name when they are whole.
#[derive(Clone, Debug)]
pub struct Blobs {
    objects: PathBuf,
    scratch: Arc<Scratch>,
    durability: Durability,
    pending: Arc<Mutex<Pending>>,
    settling: Arc<Mutex<()>>,
    quota: Arc<Quota>,
    proofs: Proofs,
}

/// What was kept and may not have reached the disk.
#[derive(Debug, Default)]
struct Pending {
    files: Vec<PathBuf>,
    bytes: u64,
    /// Folders with new names.
    folders: BTreeSet<PathBuf>,
}

impl Pending {
    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.bytes += other.bytes;
        self.folders.extend(other.folders);
    }
}

/// From this number of files on, all of the file system is brought to the disk at once: a wait for the
/// disk for each of them would take longer.
const MANY_FILES: usize = 8;

/// Files up to this size are read whatever was recorded: the error then says what they hold.
const SMALL: u64 = 1 << 20;

/// Files and bytes that wait for the disk, at most: what would be lost with the power is bounded,
/// and so is the wait at the end.
const MOST_PENDING: (usize, u64) = (4096, 1 << 30);

impl Blobs {
    pub(crate) fn new(root: &Path, scratch: Arc<Scratch>, durability: Durability) -> Self {
        let (pending, settling, proofs) = (Arc::default(), Arc::default(), Proofs::default());
        let (objects, quota) = (root.join("objects"), Arc::new(Quota::new(root)));
        Self { objects, scratch, durability, pending, settling, quota, proofs }
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
        // The session that the file is in lives as long as the file.
        let session = self.scratch.session()?;
        let file = session.file()?;
        Ok(BlobWriter { blobs: self, file, session, hasher: Hasher::new(), size: 0 })
    }

    /// Keeps `bytes`.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Blob> {
        let blob = Blob { digest: Digest::of(bytes), size: bytes.len() as u64 };
        if self.is_kept(blob) {
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
    /// file that also has another name is copied, for another program may write to it there.
    pub fn take_file(&self, path: &Path) -> Result<Blob> {
        self.check_writable()?;
        if has_other_names(path) {
            return self.put_file(path);
        }
        let mut file = File::open(path).map_err(|e| failure::io(e, "read", path))?;
        let mut hasher = Hasher::new();
        let size = hasher.update_reader(&mut file).map_err(|e| failure::io(e, "read", path))?;
        let blob = Blob { digest: hasher.digest(), size };
        if !self.is_kept(blob) {
            make_read_only(path).map_err(|e| failure::io(e, "change", path))?;
            failpoint::reach("file taken");
            self.publish(blob, |to| fs::rename(path, to))?;
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

    /// Whether the bytes are there, and stay: they count as new to `gc` from now on.
    fn is_kept(&self, blob: Blob) -> bool {
        self.is_sound(blob) && self.renew(blob.digest).is_ok()
    }

    fn renew(&self, digest: Digest) -> io::Result<()> {
        let path = self.path_of(digest);
        let file = plain::open(&path)?;
        // What is as old as the session, or younger, is leased by it.
        let session = self.scratch.session().map_err(io::Error::other)?;
        if file.metadata()?.modified()? >= session.began() {
            return Ok(());
        }
        file.set_modified(SystemTime::now().max(session.began()))?;
        // It may have been moved away before it was marked.
        plain::check(&path)?;
        self.proofs.note(&path, digest);
        Ok(())
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

    /// Reads a blob of a known size and proves it.
    ///
    /// # Errors
    /// As for [`read`](Self::read), and when there are more bytes than were recorded.
    pub(crate) fn read_recorded(&self, blob: Blob) -> Result<Vec<u8>> {
        let file = self.open(blob.digest)?;
        let found = file.metadata().map_err(|error| self.unreadable(error, blob.digest))?.len();
        if found > blob.size.max(SMALL) {
            return Err(other_size(blob, found));
        }
        self.read_most(blob.digest, found)
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
        let file = self.open(digest)?;
        let about = file.metadata().map_err(|error| self.unreadable(error, digest))?;
        if crate::plain::is_hollow(&about) {
            return Err(hollow(digest));
        }
        let mut hasher = Hasher::new();
        let size = hasher.update_reader(file).map_err(|error| self.unreadable(error, digest))?;
        self.compare(digest, hasher.digest(), size)?;
        Ok(size)
    }

    /// Proves a blob that is about to be used: a large one once, and again when its file changed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] when the bytes are gone or are not those that were written.
    pub fn prove(&self, blob: Blob) -> Result<()> {
        let file = self.open(blob.digest)?;
        let found = file.metadata().map_err(|error| self.unreadable(error, blob.digest))?.len();
        if found > blob.size.max(SMALL) {
            return Err(other_size(blob, found)); // without reading what may have no end
        }
        let (digest, size) = self
            .proofs
            .digest(&self.path_of(blob.digest), &file)
            .map_err(|error| self.unreadable(error, blob.digest))?;
        self.compare(blob.digest, digest, size)?;
        if size == blob.size { Ok(()) } else { Err(other_size(blob, size)) }
    }

    fn check_writable(&self) -> Result<()> {
        match self.scratch.substitute() {
            Some(_) => Err(failure::read_only(self.objects.parent().unwrap_or(&self.objects))),
            None => Ok(()),
        }
    }

    pub(crate) fn quota(&self) -> &Quota {
        &self.quota
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
    fn publish(&self, blob: Blob, rename: impl Fn(&Path) -> io::Result<()>) -> Result<()> {
        self.quota.claim(blob.size)?;
        let path = self.path_of(blob.digest);
        let shard = path.parent().unwrap_or(&self.objects);
        let publish = || -> io::Result<()> {
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
        self.note_pending(blob, path)
    }

    /// Has the bytes wait for the disk with others.
    fn note_pending(&self, blob: Blob, path: PathBuf) -> Result<()> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        let mut pending = self.pending();
        pending.folders.extend(path.parent().map(Path::to_owned));
        pending.files.push(path);
        pending.bytes += blob.size;
        let is_much = pending.files.len() >= MOST_PENDING.0 || pending.bytes >= MOST_PENDING.1;
        drop(pending);
        if is_much { self.settle().map(drop) } else { Ok(()) }
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

    /// Brings all that was kept to the disk; says whether anything had to be.
    pub(crate) fn settle(&self) -> Result<bool> {
        // Held to the end: another thread must not believe it done before it is.
        let _settling = self.settling.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = std::mem::take(&mut *self.pending());
        if pending.files.is_empty() {
            return Ok(false);
        }
        let settled = self.sync(&pending);
        if settled.is_err() {
            // It waits for the disk still, with what was kept since.
            self.pending().add(pending);
        }
        settled.map(|()| true)
    }

    fn sync(&self, pending: &Pending) -> Result<()> {
        if pending.files.len() >= MANY_FILES && sync_file_system(&self.objects) {
            return Ok(());
        }
        for file in &pending.files {
            sync_file(file).map_err(|error| failure::io(error, "write", file))?;
        }
        for folder in &pending.folders {
            sync_folder(folder).map_err(|error| failure::io(error, "write", folder))?;
        }
        Ok(())
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a blob; see [`Blobs::writer`]. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    blobs: &'a Blobs,
    file: NamedTempFile,
    session: Arc<Session>,
    hasher: Hasher,
    size: u64,
}

impl BlobWriter<'_> {
    /// Names the bytes and makes them visible to everybody.
    pub fn finish(self) -> Result<Blob> {
        let blob = Blob { digest: self.hasher.digest(), size: self.size };
        if !self.blobs.is_kept(blob) {
            let (_, path) = self.file.into_parts();
            failpoint::reach("blob written");
            self.blobs.publish(blob, |to| fs::rename(&path, to))?;
            failpoint::reach("blob published");
        }
        drop(self.session);
        Ok(blob)
    }
}

impl BlobWriter<'_> {
    /// Like [`finish`](Self::finish), if the bytes are those of this name; returns how many.
    pub(crate) fn finish_as(self, digest: Digest) -> Result<u64> {
        self.blobs.compare(digest, self.hasher.digest(), self.size)?;
        self.finish().map(|blob| blob.size)
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

/// The error for an object that is almost nothing but a length.
#[cold]
pub(crate) fn hollow(digest: Digest) -> Error {
    let message = format!("object `{}` is a length without bytes", digest.short());
    Error::new(ErrorKind::Corrupt, message)
}

#[cold]
fn other_size(blob: Blob, found: u64) -> Error {
    let (name, expected) = (blob.digest.short(), blob.size);
    damaged(format!("object `{name}` has {found} bytes where {expected} were recorded"))
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

/// Brings a file's bytes to the disk, unless it has been removed since.
pub(crate) fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        file => file?.sync_data(),
    }
}

/// Brings a whole file system to the disk; says whether it did.
#[cfg(target_os = "linux")]
fn sync_file_system(of: &Path) -> bool {
    File::open(of).is_ok_and(|folder| rustix::fs::syncfs(folder).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
