//! Checking a store from the ground up, and repairing what can be repaired.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rusqlite::Connection;

use crate::{
    Blob, Digest, Error, ErrorKind, Result, RunFilter, RunStatus, Store, blame, catalog, failure,
    plain, rebuild, verify,
};

/// How a store is checked.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FsckOptions {
    /// Whether every byte is read and held against its digest; else files need only be there, in
    /// their full length.
    pub read_data: bool,
    /// Whether what can be repaired is.
    pub repair: bool,
}

impl FsckOptions {
    /// Sets whether every byte is read.
    #[must_use]
    pub fn read_data(mut self, read_data: bool) -> Self {
        self.read_data = read_data;
        self
    }

    /// Sets whether what can be repaired is.
    #[must_use]
    pub fn repair(mut self, repair: bool) -> Self {
        self.repair = repair;
        self
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong, and with what.
    pub message: String,
    /// What was done about it.
    pub repair: Option<String>,
}

/// What was found in a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkup {
    /// Objects that are there.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether these were read.
    pub has_read_data: bool,
    /// Versions of artifacts.
    pub artifacts: u64,
    /// Runs.
    pub runs: u64,
    /// Objects that nothing refers to; `gc` removes them.
    pub unreferenced: u64,
    /// Their bytes.
    pub unreferenced_bytes: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// Whether all is as it should be, by now.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.findings.iter().all(|finding| finding.repair.is_some())
    }

    fn add(&mut self, message: impl Into<String>, repair: Option<&str>) {
        let repair = repair.map(str::to_owned);
        self.findings.push(Finding { message: message.into(), repair });
    }
}

impl FsckOptions {
    /// Checks the store at `root`; what is wrong is reported, not raised.
    ///
    /// # Errors
    /// When there is no store, it is of a later release, or it cannot be read; with `repair`, when
    /// it cannot be written.
    pub fn check(self, root: impl AsRef<Path>) -> Result<Checkup> {
        let root = root.as_ref();
        plain::check_store(root)?;
        let mut checkup = Checkup { has_read_data: self.read_data, ..Checkup::default() };
        let store = self.open(root, &mut checkup)?;
        let objects = self.check_objects(root, store.as_ref(), &mut checkup)?;
        if let Some(store) = store {
            if self.repair {
                store.check_writable()?;
            }
            check_references(&store, &objects, &mut checkup)?;
            self.check_runs(&store, &mut checkup)?;
        }
        Ok(checkup)
    }

    /// Opens the store, with a catalog that is made anew if it is damaged and may be repaired.
    fn open(self, root: &Path, checkup: &mut Checkup) -> Result<Option<Store>> {
        let damage = match Store::open(root) {
            Err(error) if error.kind() == ErrorKind::Corrupt => error.to_string(),
            Err(error) => return Err(error),
            Ok(store) => match integrity(&store)? {
                None => return Ok(Some(store)),
                Some(damage) => damage,
            },
        };
        let message = format!("the catalog is damaged: {damage}");
        if !self.repair {
            checkup.add(message, None);
            return Ok(None);
        }
        let rebuilt = rebuild::rebuild(root)?;
        let done = format!(
            "made anew from the records of {} runs and {} other artifacts",
            rebuilt.runs, rebuilt.recovered
        );
        checkup.add(message, Some(&done));
        for path in rebuilt.damaged {
            checkup.add(format!("the record `{}` of a run is damaged", path.display()), None);
        }
        Store::open(root).map(Some)
    }

    /// Checks the objects by themselves.
    fn check_objects(
        self,
        root: &Path,
        store: Option<&Store>,
        checkup: &mut Checkup,
    ) -> Result<Objects> {
        let (mut whole, mut damaged) = (BTreeMap::new(), BTreeSet::new());
        for (digest, path) in verify::objects(root)? {
            match self.check_object(digest, &path) {
                Ok(size) => {
                    checkup.objects += 1;
                    checkup.bytes += size;
                    whole.insert(digest, size);
                }
                Err(error) => {
                    self.report(root, store, digest, &error, checkup)?;
                    damaged.insert(digest);
                }
            }
        }
        Ok(Objects { whole, damaged })
    }

    /// Reports a damaged object. What an artifact consists of cannot be repaired from here: without
    /// it, the step that made it runs again when it is needed.
    fn report(
        self,
        root: &Path,
        store: Option<&Store>,
        digest: Digest,
        error: &Error,
        checkup: &mut Checkup,
    ) -> Result<()> {
        let told = store.and_then(|store| store.tell(error, digest));
        let is_lost = told.is_some() || store.is_none();
        let mut message = told.unwrap_or_else(|| error.to_string());
        if !self.repair {
            checkup.add(message, None);
            return Ok(());
        }
        let hex = digest.to_string();
        rebuild::set_aside(root, &[&format!("objects/{}/{}", &hex[..2], &hex[2..])])?;
        if is_lost {
            message.push_str("; moved to `damaged/`, its step runs again when it is needed");
            checkup.add(message, None);
        } else {
            checkup.add(message, Some("moved to `damaged/`; no artifact uses it"));
        }
        Ok(())
    }

    fn check_object(self, digest: Digest, path: &Path) -> Result<u64> {
        let cannot = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::InvalidData => {
                let message = format!("object `{}` is no file of its own: {error}", digest.short());
                Error::new(ErrorKind::Corrupt, message)
            }
            _ => failure::io(error, "read", path),
        };
        let file = plain::open(path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        let size = about.len();
        if crate::plain::is_hollow(&about) {
            return Err(crate::blobs::hollow(digest));
        }
        if !self.read_data {
            return Ok(size);
        }
        let mut hasher = crate::Hasher::new();
        hasher.update_reader(file).map_err(cannot)?;
        if hasher.digest() == digest {
            return Ok(size);
        }
        let message = format!("object `{}` holds other bytes than were written", digest.short());
        Err(Error::new(ErrorKind::Corrupt, message))
    }

    /// Checks that each run that has ended has its record.
    fn check_runs(self, store: &Store, checkup: &mut Checkup) -> Result<()> {
        if self.repair {
            store.catalog().write("record which runs are gone", |catalog| {
                store.record_gone_runs(catalog).map(drop)
            })?;
        }
        for run in store.runs(&RunFilter::default())? {
            checkup.runs += 1;
            if run.status == RunStatus::Running || store.has_run_record(run.id) {
                continue;
            }
            // A run of a release that kept none, or one whose process died before it was written.
            if self.repair {
                store.write_run_record(run.id)?;
            }
            let message = format!("run {} has no record to make the catalog anew from", run.id);
            checkup.add(message, self.repair.then_some("written"));
        }
        Ok(())
    }
}

/// The objects of a store.
struct Objects {
    /// The size of each that is as it should be.
    whole: BTreeMap<Digest, u64>,
    /// Those that are not, which have been reported.
    damaged: BTreeSet<Digest>,
}

/// What SQLite itself finds wrong with a catalog.
fn integrity(store: &Store) -> Result<Option<String>> {
    let found = catalog::unwatched(store.root()).and_then(|connection| {
        problems(&connection).map_err(|error| failure::catalog(error, "check the catalog"))
    });
    match found {
        Ok(problems) => match problems.into_iter().next() {
            Some(problem) => Ok(Some(problem)),
            None => unreadable(store),
        },
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(error.to_string())),
        // What can only be read by way of a copy was looked through when that was made.
        Err(_) if store.is_read_only() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first row that says what no run writes, such as a time after the year 9999.
fn unreadable(store: &Store) -> Result<Option<String>> {
    let read = || -> Result<()> {
        store.artifacts(&crate::ArtifactFilter::default().all_versions())?;
        store
            .runs(&crate::RunFilter::default())?
            .iter()
            .try_for_each(|run| store.steps(run.id).map(drop))
    };
    match read() {
        Ok(()) => Ok(None),
        Err(error) if error.kind() == ErrorKind::Corrupt => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare("PRAGMA integrity_check(1)")?;
    let found: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut loose = connection.prepare("PRAGMA foreign_key_check")?;
    let loose = loose.query_map([], |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        Ok(format!("a row of `{table}` names one of `{parent}` that is not there"))
    })?;
    let loose: Vec<String> = loose.take(1).collect::<Result<_, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").chain(loose).collect())
}

/// Checks that what the catalog names is there.
fn check_references(store: &Store, objects: &Objects, checkup: &mut Checkup) -> Result<()> {
    let mut referenced = store.all_logs()?;
    for artifact in store.artifacts(&crate::ArtifactFilter::default().all_versions())? {
        checkup.artifacts += 1;
        let content = artifact.digest;
        let is_new = referenced.insert(content);
        let manifest = match store.manifest(content) {
            Ok(manifest) => manifest,
            Err(error) => {
                if is_new && !objects.damaged.contains(&content) {
                    checkup.add(store.blame(error, content, None).to_string(), None);
                }
                continue;
            }
        };
        if !blame::agrees(&artifact, &manifest) {
            let (name, version) = (&artifact.name, artifact.version);
            checkup.add(
                format!("the catalog says of `{name}@{version}` what its manifest does not"),
                None,
            );
        }
        for file in &manifest.files {
            let is_new = referenced.insert(file.digest);
            if is_new && let Some(error) = missing(file.blob(), objects) {
                checkup.add(store.blame(error, content, Some(&file.path)).to_string(), None);
            }
        }
    }
    count_unreferenced(&objects.whole, &referenced, checkup);
    Ok(())
}

fn missing(blob: Blob, objects: &Objects) -> Option<Error> {
    let message = match objects.whole.get(&blob.digest) {
        None if objects.damaged.contains(&blob.digest) => return None,
        None => format!("object `{}` is not in the store", blob.digest.short()),
        Some(size) if *size != blob.size => {
            format!("object `{}` has {size} bytes instead of {}", blob.digest.short(), blob.size)
        }
        Some(_) => return None,
    };
    Some(Error::new(ErrorKind::Corrupt, message))
}

fn count_unreferenced(
    whole: &BTreeMap<Digest, u64>,
    referenced: &BTreeSet<Digest>,
    checkup: &mut Checkup,
) {
    for (_, size) in whole.iter().filter(|(digest, _)| !referenced.contains(digest)) {
        checkup.unreferenced += 1;
        checkup.unreferenced_bytes += size;
    }
}

impl Store {
    /// Says of a damaged object which artifacts it belongs to; nothing if it belongs to none.
    fn tell(&self, error: &Error, object: Digest) -> Option<String> {
        let users = self.users_of(object).unwrap_or_default();
        let (content, file) = users.into_iter().next()?;
        let error = Error::new(ErrorKind::Corrupt, error.message().to_owned());
        Some(self.blame(error, content, file.as_deref()).to_string())
    }

    /// The contents that an object is part of, and as which file.
    fn users_of(&self, object: Digest) -> Result<Vec<(Digest, Option<String>)>> {
        let mut users = Vec::new();
        for content in self.all_contents()? {
            if content == object {
                users.push((content, None));
            } else if let Ok(manifest) = self.manifest(content) {
                let file = manifest.files.into_iter().find(|file| file.digest == object);
                users.extend(file.map(|file| (content, Some(file.path))));
            }
        }
        Ok(users)
    }
}
