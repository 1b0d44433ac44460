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
        let mut reader: Box<dyn Read> = match open(url)? {
            Opened::File(file) => Box::new(RemoteReader::new(file)),
            Opened::Stream(stream, _) => stream,
        };
        let folder = TempDir::with_prefix("cannery-").map_err(cannot_keep)?;
        let name = match url.file_name() {
            "" | "." | ".." => "file",
            name => name,
        };
        // Backslashes and colons mean something elsewhere.
        let path = folder.path().join(name.replace(['\\', ':', '\0'], "_"));
        let mut file = File::create_new(&path).map_err(cannot_keep)?;
        io::copy(&mut reader, &mut file).map_err(cannot_keep)?;
        Ok(Self { path, _folder: folder })
    }

    /// Where the copy is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
