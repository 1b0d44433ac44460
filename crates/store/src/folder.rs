//! Artifacts as folders: taken from one, and shown as one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{
    Blob, Description, Digest, Error, ErrorKind, FileEntry, Manifest, Result, Store, failure,
};

/// Deeper than anybody nests folders, and shallow enough for every stack.
const MAX_DEPTH: usize = 128;

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
        let bytes = self.blobs().read(content)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = format!("object `{}` is no artifact manifest", content.short());
            Error::new(ErrorKind::Syntax, message)
        })?;
        Manifest::from_text(&text)
    }

    /// Reads one file of an artifact and proves it.
    pub fn read(&self, content: Digest, path: &str) -> Result<Vec<u8>> {
        self.blobs().read(self.file(content, path)?.digest)
    }

    /// Where one file of an artifact lies, for memory mapping. It must not be written to.
    pub fn path_of(&self, content: Digest, path: &str) -> Result<PathBuf> {
        let file = self.file(content, path)?;
        self.require(&file)?;
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

    /// Whether an artifact's manifest and all its files are there in full length.
    #[must_use]
    pub fn is_whole(&self, content: Digest) -> bool {
        self.manifest(content).is_ok_and(|manifest| {
            manifest.files.iter().all(|file| self.blobs().contains(file.blob()))
        })
    }

    /// An artifact as a folder, with the names its files had.
    ///
    /// The files are links to the store's own and must not be written to. The folder stays: it is
    /// made once for each content and shared by everybody. Only for a store that cannot be
    /// written it is a copy elsewhere, and goes when the store is closed.
    pub fn view(&self, content: Digest) -> Result<PathBuf> {
        let manifest = self.manifest(content)?;
        for file in &manifest.files {
            self.require(file)?;
        }
        let target = view_path(self.root(), content);
        if target.is_dir() {
            return Ok(target);
        }
        match self.scratch().substitute() {
            None => self.make_view(&manifest, target),
            Some(elsewhere) => self.make_view(&manifest, view_path(elsewhere, content)),
        }
    }

    fn make_view(&self, manifest: &Manifest, target: PathBuf) -> Result<PathBuf> {
        if target.is_dir() {
            return Ok(target);
        }
        let scratch = self.scratch_folder()?;
        let folder = scratch.path().join("view");
        let build = || {
            fs::create_dir(&folder)?;
            self.fill_view(manifest, &folder)?;
            fs::create_dir_all(target.parent().unwrap_or(&target))?;
            match fs::rename(&folder, &target) {
                // Somebody else was faster, and made the same.
                Err(_) if target.is_dir() => Ok(()),
                result => result,
            }
        };
        build().map_err(|error| failure::io(error, "make the folder", &target))?;
        Ok(target)
    }

    fn fill_view(&self, manifest: &Manifest, folder: &Path) -> io::Result<()> {
        for file in &manifest.files {
            let to = folder.join(&file.path);
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            let from = self.blobs().path_of(file.digest);
            // A link cannot lead to another file system, and some have no links.
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to)?;
            }
        }
        manifest.empty_folders.iter().try_for_each(|path| fs::create_dir_all(folder.join(path)))
    }

    /// Refuses a file whose bytes are gone or cut short.
    fn require(&self, file: &FileEntry) -> Result<()> {
        if self.blobs().contains(file.blob()) {
            return Ok(());
        }
        // Reading says what is wrong with it.
        self.blobs().verify(file.digest).map(|_| ())
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

fn view_path(root: &Path, content: Digest) -> PathBuf {
    let hex = content.to_string();
    root.join("views").join(&hex[..2]).join(&hex[2..])
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
