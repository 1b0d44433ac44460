//! Artifacts shown as folders, with the names that their files had.
//!
//! A view is a copy: writing to it, even as root, does not write to the store. It is kept
//! in `views/` and used again, and since a stranger may have made that, it is compared with the
//! manifest first and made anew where it differs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::folder::MAX_DEPTH;
use crate::{
    Digest, Error, ErrorKind, FileEntry, Manifest, Result, ScratchFolder, Store, failure, plain,
};

/// How often a view is put in its place while other processes do the same.
const TRIES: usize = 4;

impl Store {
    /// An artifact as a folder, with the names its files had: proven copies of the store's own.
    ///
    /// The folder stays: it is made once for each content and shared by all processes; what was
    /// changed in it is made anew. Only for a store that cannot be written it lies elsewhere, and
    /// goes when the store is closed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt), which names the artifact, the file and
    /// the runs that made and used it.
    pub fn view(&self, content: Digest) -> Result<PathBuf> {
        let manifest = self.proven_manifest(content)?;
        let target = view_path(self.root(), content);
        if self.is_view(&target, &manifest) {
            return Ok(target);
        }
        match self.scratch().substitute() {
            None => self.make_view(&manifest, target),
            Some(elsewhere) => self.make_view(&manifest, view_path(elsewhere, content)),
        }
    }

    /// An artifact as a folder of links to the store's own files, proven, for readers that do not
    /// write: it costs no copy, and goes when the value is dropped.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn linked_view(&self, content: Digest) -> Result<ScratchFolder> {
        let manifest = self.proven_manifest(content)?;
        let folder = self.scratch_folder()?;
        let link = |file: &FileEntry, to: &Path| link(&self.blobs().path_of(file.digest), to);
        fill(&manifest, folder.path(), link)
            .map_err(|error| failure::io(error, "make the folder", folder.path()))?;
        Ok(folder)
    }

    /// The files of an artifact, of which only those are proven that are asked for: for what is
    /// larger than what is read of it.
    ///
    /// # Errors
    /// As [`view`](Self::view).
    pub fn files(&self, content: Digest) -> Result<Files> {
        let manifest = self.manifest(content).map_err(|error| self.blame(error, content, None))?;
        Ok(Files { store: self.dormant(), content, manifest })
    }

    /// Removes the view of a content that is gone; one that cannot be removed is never used.
    pub(crate) fn remove_view(&self, content: Digest) {
        let _ = fs::remove_dir_all(view_path(self.root(), content));
    }

    /// An artifact's manifest, whose files have all been proven.
    pub(crate) fn proven_manifest(&self, content: Digest) -> Result<Manifest> {
        let manifest = self.manifest(content).map_err(|error| self.blame(error, content, None))?;
        for file in &manifest.files {
            let proven = self.blobs().prove(file.blob());
            proven.map_err(|error| self.blame(error, content, Some(&file.path)))?;
        }
        Ok(manifest)
    }

    fn make_view(&self, manifest: &Manifest, target: PathBuf) -> Result<PathBuf> {
        if self.is_view(&target, manifest) {
            return Ok(target);
        }
        let scratch = self.scratch_folder()?;
        let folder = scratch.path().join("view");
        let copy = |file: &FileEntry, to: &Path| self.copy_blob(file, to);
        fs::create_dir(&folder)
            .and_then(|()| fill(manifest, &folder, copy))
            .and_then(|()| self.publish_view(manifest, &folder, &target, scratch.path()))
            .map_err(|error| failure::io(error, "make the folder", &target))?;
        Ok(target)
    }

    /// Puts a view in its place, and aside what is there and is no such view.
    fn publish_view(
        &self,
        manifest: &Manifest,
        folder: &Path,
        target: &Path,
        scratch: &Path,
    ) -> io::Result<()> {
        make_shard(target.parent().unwrap_or(target), scratch)?;
        for number in 0..TRIES {
            match fs::rename(folder, target) {
                // Another process was faster, and made the same.
                Err(_) if self.is_view(target, manifest) => return Ok(()),
                Err(_) if number + 1 < TRIES => {
                    let _ = fs::rename(target, scratch.join(format!("aside{number}")));
                }
                result => return result,
            }
        }
        Ok(())
    }

    fn copy_blob(&self, file: &FileEntry, to: &Path) -> io::Result<()> {
        let mut from = plain::open(&self.blobs().path_of(file.digest))?;
        let mut copy = File::create_new(to)?;
        io::copy(&mut from, &mut copy)?;
        make_read_only(&copy)
    }

    /// Whether a folder holds what the manifest says, in files of its own, and nothing else.
    fn is_view(&self, folder: &Path, manifest: &Manifest) -> bool {
        let shard = folder.parent().unwrap_or(folder);
        if !plain::is_folder(shard.parent().unwrap_or(shard)) || !plain::is_folder(shard) {
            return false;
        }
        let expected = expected(manifest);
        let mut seen = 0;
        self.is_as_expected(folder, "", 0, &expected, &mut seen) && seen == expected.len()
    }

    fn is_as_expected(
        &self,
        folder: &Path,
        prefix: &str,
        depth: usize,
        expected: &BTreeMap<&str, Option<&FileEntry>>,
        seen: &mut usize,
    ) -> bool {
        if depth > MAX_DEPTH || !plain::is_folder(folder) {
            return false;
        }
        let Ok(entries) = fs::read_dir(folder) else { return false };
        entries.into_iter().all(|entry| {
            let Ok(entry) = entry else { return false };
            let name = entry.file_name();
            let Some(name) = name.to_str() else { return false };
            let path = format!("{prefix}{name}");
            *seen += 1;
            match expected.get(path.as_str()) {
                Some(Some(file)) => self.is_copy(&entry.path(), file),
                Some(None) => {
                    let below = format!("{path}/");
                    self.is_as_expected(&entry.path(), &below, depth + 1, expected, seen)
                }
                None => false,
            }
        })
    }

    fn is_copy(&self, path: &Path, file: &FileEntry) -> bool {
        let found = plain::open(path).and_then(|open| self.blobs().proofs().digest(path, &open));
        found.is_ok_and(|found| found == (file.digest, file.size))
    }
}

/// The files of an artifact; see [`Store::files`].
#[derive(Debug)]
pub struct Files {
    store: Store,
    content: Digest,
    manifest: Manifest,
}

impl Files {
    /// The store's own file of this name, proven. It must not be written to.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the artifact has none of this name, and as
    /// [`view`](Store::view).
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        let Some(file) = self.manifest.file(name) else {
            let message = format!("artifact `{}` has no file `{name}`", self.content.short());
            return Err(Error::new(ErrorKind::NotFound, message));
        };
        let blobs = self.store.blobs();
        let proven = blobs.prove(file.blob());
        proven.map_err(|error| self.store.blame(error, self.content, Some(name)))?;
        Ok(blobs.path_of(file.digest))
    }
}

fn view_path(root: &Path, content: Digest) -> PathBuf {
    let hex = content.to_string();
    root.join("views").join(&hex[..2]).join(&hex[2..])
}

/// The paths of a manifest's files, and of all folders that are above them or empty.
fn expected(manifest: &Manifest) -> BTreeMap<&str, Option<&FileEntry>> {
    let mut expected = BTreeMap::new();
    let folders = manifest.empty_folders.iter().map(String::as_str);
    for path in folders.clone().chain(manifest.files.iter().map(|file| file.path.as_str())) {
        for (end, _) in path.match_indices('/') {
            expected.insert(&path[..end], None);
        }
    }
    expected.extend(folders.map(|path| (path, None)));
    expected.extend(manifest.files.iter().map(|file| (file.path.as_str(), Some(file))));
    expected
}

/// Makes the folders and files of a manifest below `folder`.
fn fill(
    manifest: &Manifest,
    folder: &Path,
    mut make: impl FnMut(&FileEntry, &Path) -> io::Result<()>,
) -> io::Result<()> {
    for file in &manifest.files {
        let to = folder.join(&file.path);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        make(file, &to)?;
    }
    manifest.empty_folders.iter().try_for_each(|path| fs::create_dir_all(folder.join(path)))
}

/// The folder that a view lies in, a real one: what else is there goes.
fn make_shard(shard: &Path, scratch: &Path) -> io::Result<()> {
    for (name, folder) in [("views", shard.parent().unwrap_or(shard)), ("shard", shard)] {
        if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
            fs::rename(folder, scratch.join(name))?;
        }
        fs::create_dir_all(folder)?;
    }
    Ok(())
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to).map(drop)
}

#[cfg(unix)]
fn make_read_only(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

#[cfg(not(unix))]
fn make_read_only(_: &File) -> io::Result<()> {
    Ok(())
}
