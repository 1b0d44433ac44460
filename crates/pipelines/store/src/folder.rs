//! Artifacts as folders: taken from one.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{
    Blob, Description, Digest, Error, ErrorKind, FileEntry, Manifest, Result, Store, failure,
};

/// Deeper than anybody nests folders, and shallow enough for every stack.
pub(crate) const MAX_DEPTH: usize = 128;

impl Store {
    /// Keeps a copy of all files below `folder` as one artifact; returns its content's digest.
    pub fn put_folder(&self, folder: &Path, description: &Description) -> Result<Digest> {
        self.keep_folder(folder, description, |path| self.blobs().put_file(path))
    }

    /// Keeps all files below `folder` as one artifact by moving them; see
    /// [`Blobs::take_file`](crate::Blobs::take_file).
    pub fn take_folder(&self, folder: &Path, description: &Description) -> Result<Digest> {
        self.keep_folder(folder, description, |path| self.blobs().take_file(path))
    }

    /// Keeps one file, given as bytes, as an artifact; returns its content's digest.
    pub fn put_bytes(&self, path: &str, bytes: &[u8], about: &Description) -> Result<Digest> {
        self.keep_file(path, self.blobs().put_bytes(bytes)?, about)
    }

    /// Keeps a copy of the file `from`, under the name `path`, as an artifact; returns its
    /// content's digest.
    pub fn put_file(&self, path: &str, from: &Path, about: &Description) -> Result<Digest> {
        self.keep_file(path, self.blobs().put_file(from)?, about)
    }

    fn keep_file(&self, path: &str, blob: Blob, about: &Description) -> Result<Digest> {
        let Blob { digest, size } = blob;
        let files = vec![FileEntry { path: path.into(), digest, size }];
        self.put_manifest(&Manifest::new(about.clone(), files, Vec::new())?)
    }

    /// Keeps a manifest whose files are kept already; its digest names the artifact's content.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<Digest> {
        Ok(self.blobs().put_bytes(manifest.to_text().as_bytes())?.digest)
    }

    /// The manifest of an artifact's content.
    pub fn manifest(&self, content: Digest) -> Result<Manifest> {
        let bytes = self.blobs().read_most(content, Manifest::MOST_BYTES)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = format!("object `{}` is no artifact manifest", content.short());
            Error::new(ErrorKind::Syntax, message)
        })?;
        Manifest::from_text(&text)
    }

    /// Reads one file of an artifact and proves it.
    pub fn read(&self, content: Digest, path: &str) -> Result<Vec<u8>> {
        self.blobs().read_recorded(self.file(content, path)?.blob())
    }

    /// Where one file of an artifact lies, for memory mapping. It must not be written to.
    pub fn path_of(&self, content: Digest, path: &str) -> Result<PathBuf> {
        let file = self.file(content, path)?;
        let proven = self.blobs().prove(file.blob());
        proven.map_err(|error| self.blame(error, content, Some(path)))?;
        Ok(self.blobs().path_of(file.digest))
    }

    fn file(&self, content: Digest, path: &str) -> Result<FileEntry> {
        let manifest = self.manifest(content)?;
        manifest.file(path).cloned().ok_or_else(|| {
            let names: Vec<_> = manifest.files.iter().map(|file| file.path.as_str()).collect();
            let message = format!("artifact `{}` has no file `{path}`", content.short());
            Error::new(ErrorKind::NotFound, message)
                .with_hint(format!("it has: {}", names.join(", ")))
        })
    }

    /// Whether an artifact's manifest and all its files are there as they were written.
    #[must_use]
    pub fn is_whole(&self, content: Digest) -> bool {
        self.manifest(content).is_ok_and(|manifest| self.has_files(&manifest))
    }

    /// Whether all files of a manifest are there as they were written.
    pub(crate) fn has_files(&self, manifest: &Manifest) -> bool {
        manifest.files.iter().all(|file| self.blobs().is_sound(file.blob()))
    }

    fn keep_folder(
        &self,
        folder: &Path,
        description: &Description,
        keep: impl Fn(&Path) -> Result<Blob>,
    ) -> Result<Digest> {
        let mut found = Found::default();
        found.walk(folder, "", 0)?;
        let files = found.files.into_iter().map(|(path, at)| {
            let Blob { digest, size } = keep(&at)?;
            Ok(FileEntry { path, digest, size })
        });
        let files = files.collect::<Result<Vec<_>>>()?;
        self.put_manifest(&Manifest::new(description.clone(), files, found.empty_folders)?)
    }
}

/// What lies below a folder.
#[derive(Default)]
struct Found {
    files: Vec<(String, PathBuf)>,
    empty_folders: Vec<String>,
}

impl Found {
    fn walk(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            let message = format!("folders are nested deeper than {MAX_DEPTH}");
            return Err(Error::new(ErrorKind::Depth, message).in_file(folder.display().to_string()));
        }
        let cannot = |error| failure::io(error, "read", folder);
        let mut is_empty = true;
        for entry in fs::read_dir(folder).map_err(cannot)? {
            is_empty = false;
            self.take(&entry.map_err(cannot)?.path(), prefix, depth)?;
        }
        if is_empty && depth > 0 {
            self.empty_folders.push(prefix.trim_end_matches('/').to_owned());
        }
        Ok(())
    }

    fn take(&mut self, at: &Path, prefix: &str, depth: usize) -> Result<()> {
        let name = at.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            let message = format!("file name is not UTF-8: `{}`", at.display());
            Error::new(ErrorKind::Unsupported, message)
        })?;
        let path = format!("{prefix}{name}");
        // Links are followed: what counts is the content, not where it lies.
        let found = fs::metadata(at).map_err(|error| failure::io(error, "read", at))?;
        if found.is_dir() {
            self.walk(at, &format!("{path}/"), depth + 1)
        } else if found.is_file() {
            self.files.push((path, at.to_owned()));
            Ok(())
        } else {
            let message = format!("neither file nor folder: `{}`", at.display());
            Err(Error::new(ErrorKind::Unsupported, message))
        }
    }
}
