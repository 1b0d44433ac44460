//! Copies of files of services, for readers that need a path.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cannery_core::{Error, Result};
use tempfile::TempDir;

use super::{Opened, RemoteReader, open};
use crate::Url;

/// A copy of a file that a service keeps, under the same name, for as long as this value lives.
pub struct LocalCopy {
    path: PathBuf,
    etag: Option<String>,
    len: u64,
    /// Removed with what is in it.
    _folder: TempDir,
}

impl LocalCopy {
    /// Copies a file as it is, compressed or not.
    ///
    /// # Errors
    /// Those of the service and of the operating system, with the address.
    pub fn of(url: &Url) -> Result<Self> {
        Self::make(url).map_err(|e| e.in_file(url.to_string()))
    }

    fn make(url: &Url) -> Result<Self> {
        let cannot_keep = |error| Error::io(error, "cannot keep a copy");
        let (mut reader, etag): (Box<dyn Read>, _) = match open(url)? {
            Opened::File(file) => {
                let etag = file.etag.clone();
                (Box::new(RemoteReader::new(file)), etag)
            }
            Opened::Stream(stream, _) => (stream, None),
        };
        let folder = TempDir::with_prefix("cannery-").map_err(cannot_keep)?;
        let name = match url.file_name() {
            "" | "." | ".." => "file",
            name => name,
        };
        // Backslashes and colons mean something elsewhere.
        let path = folder.path().join(name.replace(['\\', ':', '\0'], "_"));
        let mut file = File::create_new(&path).map_err(cannot_keep)?;
        let len = io::copy(&mut reader, &mut file).map_err(cannot_keep)?;
        Ok(Self { path, etag, len, _folder: folder })
    }

    /// Where the copy is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What names this state of the file, if the service says so.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.etag.as_deref()
    }

    /// The bytes of the copy.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}
