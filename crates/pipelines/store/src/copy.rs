//! A store copied to another place, proven on the way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use crate::{
    ArtifactFilter, Digest, Error, ErrorKind, Manifest, Result, Store, catalog, failure, run_record,
};

/// What was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that are damaged or missing and were left out.
    pub damaged: u64,
}

impl Store {
    /// Copies the store to the folder `target`, which must be empty or not there: all records as
    /// they are at this moment and all objects that they name, each held against its digest.
    ///
    /// Others may go on using the store in the meantime.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] for a folder in which there is something already.
    pub fn copy_to(&self, target: impl AsRef<Path>) -> Result<Copied> {
        let target = target.as_ref();
        if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) {
            let message =
                format!("cannot copy the store to `{}`: it is not empty", target.display());
            return Err(Error::new(ErrorKind::Conflict, message).with_hint("name a new folder"));
        }
        drop(Self::open(target)?);
        self.copy_catalog(target)?;
        let copy = Self::open(target)?;
        let mut copied = Copied::default();
        for (digest, most) in self.named_objects(&copy)? {
            match self.copy_object(digest, most, &copy) {
                Ok(size) => {
                    copied.objects += 1;
                    copied.bytes += size;
                }
                Err(error) if error.kind() == ErrorKind::Corrupt => copied.damaged += 1,
                Err(error) => return Err(error),
            }
        }
        self.copy_records(target)?;
        copy.settle()?;
        Ok(copied)
    }

    /// Puts a copy of the catalog in the place of the new store's, which nothing uses yet.
    fn copy_catalog(&self, target: &Path) -> Result<()> {
        let folder = tempfile::Builder::new()
            .prefix(".tmp")
            .tempdir_in(target)
            .map_err(|error| failure::io(error, "write to", target))?;
        self.catalog().copy_to(folder.path())?;
        for name in [catalog::LOG, "catalog.sqlite-shm"] {
            let _ = fs::remove_file(target.join(name));
        }
        let (from, to) = (folder.path().join("catalog.sqlite"), target.join("catalog.sqlite"));
        fs::rename(&from, &to).map_err(|error| failure::io(error, "write", &to))
    }

    /// All objects that a copy of the catalog names, and how many bytes each has at most.
    fn named_objects(&self, copy: &Self) -> Result<BTreeMap<Digest, u64>> {
        let logs = copy.all_logs()?.into_iter().map(|log| (log, u64::MAX));
        let mut named: BTreeMap<_, _> = logs.collect();
        for artifact in copy.artifacts(&ArtifactFilter::default().all_versions())? {
            if named.insert(artifact.digest, Manifest::MOST_BYTES).is_none()
                && let Ok(manifest) = self.manifest(artifact.digest)
            {
                named.extend(manifest.files.iter().map(|file| (file.digest, file.size)));
            }
        }
        Ok(named)
    }

    /// Copies an object; one that has become longer than `most` is damaged before its end is read.
    fn copy_object(&self, digest: Digest, most: u64, copy: &Self) -> Result<u64> {
        let mut from = self.blobs().open(digest)?.take(most.saturating_add(1));
        let mut writer = copy.blobs().writer()?;
        io::copy(&mut from, &mut writer)
            .map_err(|error| failure::io(error, "copy", &self.blobs().path_of(digest)))?;
        writer.finish_as(digest)
    }

    fn copy_records(&self, target: &Path) -> Result<()> {
        let (from, to) = (self.root().join(run_record::FOLDER), target.join(run_record::FOLDER));
        let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
        let copy = || -> io::Result<()> {
            fs::create_dir_all(&to)?;
            for entry in entries {
                run_record::copy(&entry?.path(), &to)?;
            }
            Ok(())
        };
        copy().map_err(|error| failure::io(error, "copy the records of runs to", &to))
    }
}
