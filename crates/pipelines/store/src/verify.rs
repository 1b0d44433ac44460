//! Proving that every byte is the one that was written.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Digest, Error, Result, Store, failure, plain};

/// What a proof of all bytes found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Verification {
    /// Objects that were read.
    pub objects: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is not as it was written.
    pub damage: Vec<Damage>,
}

/// An object that is not as it was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Damage {
    /// Its name.
    pub digest: Digest,
    /// What is wrong with it.
    pub error: Error,
}

impl Store {
    /// Reads every object and every artifact version of the catalog and reports what is damaged.
    ///
    /// # Errors
    /// When the store cannot be read at all; damage is reported, not raised.
    pub fn verify(&self) -> Result<Verification> {
        let mut found = Verification::default();
        for (digest, _) in objects(self.root())? {
            found.objects += 1;
            match self.blobs().verify(digest) {
                Ok(size) => found.bytes += size,
                Err(error) => found.damage.push(Damage { digest, error }),
            }
        }
        for digest in self.all_contents()? {
            self.verify_references(digest, &mut found);
        }
        Ok(found)
    }

    /// Reports what a catalog entry needs and is not there; what is there was read before.
    fn verify_references(&self, content: Digest, found: &mut Verification) {
        let is_known = |digest| found.damage.iter().any(|damage| damage.digest == digest);
        if is_known(content) {
            return;
        }
        let missing = match self.manifest(content) {
            Err(error) => vec![Damage { digest: content, error }],
            Ok(manifest) => manifest
                .files
                .iter()
                .filter(|file| !is_known(file.digest) && !self.blobs().contains(file.blob()))
                .filter_map(|file| {
                    let error = self.blobs().prove(file.blob()).err()?;
                    Some(Damage { digest: file.digest, error })
                })
                .collect(),
        };
        found.damage.extend(missing);
    }
}

/// All objects of a store, by name.
pub(crate) fn objects(root: &Path) -> Result<Vec<(Digest, PathBuf)>> {
    let objects = root.join("objects");
    let mut found = Vec::new();
    if fs::symlink_metadata(&objects).is_err() {
        return Ok(found); // All that belongs there is reported as missing.
    }
    for shard in list(&objects)? {
        let folder = objects.join(&shard);
        if !plain::is_folder(&folder) {
            continue; // What belongs there is reported as missing.
        }
        for name in list(&folder)? {
            if let Ok(digest) = format!("{shard}{name}").parse() {
                found.push((digest, folder.join(name)));
            }
        }
    }
    Ok(found)
}

/// The names in a folder, sorted.
pub(crate) fn list(folder: &Path) -> Result<Vec<String>> {
    let cannot = |error| failure::io(error, "read", folder);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        names.push(entry.map_err(cannot)?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(names)
}
