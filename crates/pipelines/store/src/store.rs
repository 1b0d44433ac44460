//! Finding, opening and creating stores.

use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::catalog::{self, Catalog};
use crate::scratch::{Scratch, Session};
use crate::{
    Blobs, Durability, Error, ErrorKind, Result, ScratchFolder, blobs, failpoint, failure, plain,
    verify,
};

/// The version of the folder's layout; the catalog has its own.
const VERSION: usize = 1;

/// The folder that [`Store::find`] looks for.
const FOLDER: &str = ".cannery";

/// The environment variable that names a store.
const VARIABLE: &str = "CANNERY_STORE";

/// How a store is opened.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct StoreOptions {
    /// What a finished write survives.
    pub durability: Durability,
}

impl StoreOptions {
    /// Sets what a finished write survives.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Opens the store at `root`; makes it when it is not there.
    pub fn open(self, root: impl AsRef<Path>) -> Result<Store> {
        Store::open_with(root.as_ref(), self)
    }
}

/// A folder with bytes by digest and a catalog of runs, steps and artifacts.
///
/// Cloning gives another handle to the same open store. It may be used by many threads, and many
/// processes may open the same folder.
///
/// While there is a handle its files stay open, but for those that are
/// [`dormant`](Self::dormant).
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    hold: Option<Arc<Hold>>,
}

struct Inner {
    root: PathBuf,
    blobs: Blobs,
    catalog: Catalog,
    scratch: Arc<Scratch>,
    process: u32,
}

/// Keeps the files of a store open.
struct Hold(Arc<Inner>);

impl Hold {
    fn new(inner: &Arc<Inner>) -> Arc<Self> {
        inner.catalog.hold();
        inner.scratch.hold();
        Arc::new(Self(Arc::clone(inner)))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.catalog.release();
        self.0.scratch.release();
    }
}

/// The stores that this process has open, for [`Store::shared`].
static OPEN: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

impl Store {
    /// Opens the store at `root`; makes it when it is not there.
    ///
    /// A folder that cannot be written is opened for reading.
    ///
    /// # Errors
    /// [`ErrorKind::Version`] when a later release made it, [`ErrorKind::Permission`] when it can
    /// be neither opened nor made.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        StoreOptions::default().open(root)
    }

    /// Opens the store that belongs to the folder `from`: the one that the environment variable
    /// `CANNERY_STORE` names, else the `.cannery` in `from` or the nearest folder above it, else a
    /// new `.cannery` in `from`.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] when the store that was found, not named, is another user's.
    pub fn find(from: impl AsRef<Path>) -> Result<Self> {
        Self::open(Self::place(from)?)
    }

    /// Where the store that belongs to the folder `from` is, or is to be made; see
    /// [`find`](Self::find).
    ///
    /// # Errors
    /// Those of [`find`](Self::find).
    pub fn place(from: impl AsRef<Path>) -> Result<PathBuf> {
        locate(from.as_ref(), env::var_os(VARIABLE).map(PathBuf::from))
    }

    /// The `.cannery` in `from` or the nearest folder above it.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`] when it is another user's: what is in a store is data, but whose
    /// data it is, only who names it knows.
    pub fn nearest(from: impl AsRef<Path>) -> Result<Option<PathBuf>> {
        let from = from.as_ref();
        let from = std::path::absolute(from).map_err(|error| failure::io(error, "find", from))?;
        let found = from.ancestors().map(|folder| folder.join(FOLDER)).find(|path| path.is_dir());
        found.iter().try_for_each(|root| plain::check_owner(root))?;
        Ok(found)
    }

    fn open_with(root: &Path, options: StoreOptions) -> Result<Self> {
        plain::check_store(root)?;
        if !is_current(root)? {
            create(root)?;
        }
        plain::check_journal(root)?;
        // Absolute, for the process may change its folder while the store is open.
        let root = root.canonicalize().map_err(|error| failure::io(error, "open", root))?;
        let catalog = Catalog::open(&root)?;
        let tmp = root.join("tmp");
        let scratch =
            if catalog.is_read_only() { Scratch::elsewhere(tmp)? } else { Scratch::new(tmp) };
        let scratch = Arc::new(scratch);
        let blobs = Blobs::new(&root, Arc::clone(&scratch), options.durability);
        let inner = Arc::new(Inner { root, blobs, catalog, scratch, process: process::id() });
        Ok(Self { hold: Some(Hold::new(&inner)), inner })
    }

    /// Opens the store at `root` like [`open`](Self::open), or gives another handle to the one
    /// that this process has open there, so that many handles cost no more files than one.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn shared(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        if let Some(store) = root.canonicalize().ok().and_then(|root| already_open(&root)) {
            return Ok(store);
        }
        let store = Self::open(root)?;
        if !store.is_read_only() {
            let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|inner| inner.strong_count() > 0);
            open.push(Arc::downgrade(&store.inner));
        }
        Ok(store)
    }

    /// A handle that keeps no file open: while no other does, the catalog is opened for each
    /// question. What was recorded can be asked for through it for as long as one likes.
    #[must_use]
    pub fn dormant(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), hold: None }
    }

    /// A handle that keeps the files open.
    #[must_use]
    pub fn held(&self) -> Self {
        let hold = self.hold.clone().unwrap_or_else(|| Hold::new(&self.inner));
        Self { inner: Arc::clone(&self.inner), hold: Some(hold) }
    }

    /// The store's folder, as an absolute path.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// The store's bytes.
    #[must_use]
    pub fn blobs(&self) -> &Blobs {
        &self.inner.blobs
    }

    /// Whether it can only be read.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.inner.catalog.is_read_only()
    }

    /// A new, empty folder on the store's file system (elsewhere, for a store that can only be
    /// read), removed when the value is dropped.
    pub fn scratch_folder(&self) -> Result<ScratchFolder> {
        self.session()?.folder()
    }

    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        self.inner.scratch.session()
    }

    /// Brings all bytes that were kept, and what the catalog says of them, to the disk. Steps and
    /// runs are safe from the death of the process at once, and from a loss of power after this.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn settle(&self) -> Result<()> {
        if self.inner.blobs.settle()? {
            let log = self.inner.root.join(catalog::LOG);
            blobs::sync_file(&log).map_err(|error| failure::io(error, "write", &log))?;
        }
        failpoint::reach("settled");
        Ok(())
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.inner.scratch
    }

    /// Refuses a store that can only be read.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`].
    pub fn check_writable(&self) -> Result<()> {
        if self.is_read_only() { Err(failure::read_only(self.root())) } else { Ok(()) }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.root().display())
    }
}

/// The store at a canonical path, if this process has it open and it is still that one.
fn already_open(root: &Path) -> Option<Store> {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let inner = open.iter().filter_map(Weak::upgrade).find(|inner| {
        inner.root == root && inner.process == process::id() && inner.catalog.is_in_place()
    })?;
    drop(open);
    Some(Store { hold: Some(Hold::new(&inner)), inner })
}

/// Where the store of the folder `from` is, or is to be made.
fn locate(from: &Path, named: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(named) = named.filter(|path| !path.as_os_str().is_empty()) {
        return refuse_url(named);
    }
    match Store::nearest(from)? {
        Some(found) => Ok(found),
        None => std::path::absolute(from)
            .map(|from| from.join(FOLDER))
            .map_err(|error| failure::io(error, "find", from)),
    }
}

fn refuse_url(named: PathBuf) -> Result<PathBuf> {
    if !named.to_string_lossy().contains("://") {
        return Ok(named);
    }
    let message = format!("{VARIABLE} names `{}`: only folders can be stores", named.display());
    Err(Error::new(ErrorKind::Unsupported, message).with_hint("name a folder on this machine"))
}

/// Whether the folder is a finished store that this release can read.
fn is_current(root: &Path) -> Result<bool> {
    let text = match plain::read_text(&root.join("version"), 100) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        result => result.map_err(|error| failure::io(error, "read", &root.join("version")))?,
    };
    let version = text.trim();
    match version.parse::<usize>() {
        Ok(VERSION) => Ok(true),
        Ok(known) if known < VERSION => Ok(false),
        Ok(_) => Err(failure::newer(root, "layout", version, VERSION)),
        Err(_) => {
            let message = format!("expected a version number in `version`, found `{version}`");
            Err(Error::new(ErrorKind::Corrupt, message).in_file(root.display().to_string()))
        }
    }
}

/// Makes a store. Of many processes at once, one makes it and the others wait.
fn create(root: &Path) -> Result<()> {
    refuse_foreign_folder(root)?;
    fs::create_dir_all(root).map_err(|error| failure::io(error, "make the store", root))?;
    let _guard = lock(root)?;
    if is_current(root)? {
        return Ok(());
    }
    for folder in ["objects", "tmp", "views"] {
        let path = root.join(folder);
        fs::create_dir_all(&path).map_err(|error| failure::io(error, "make", &path))?;
    }
    plain::clear_unfinished(root);
    if verify::list(&root.join("objects")).is_ok_and(|found| !found.is_empty()) {
        // It has been finished before: a new catalog would know nothing of what is there.
        catalog::check_there(root)?;
    }
    Catalog::create(root)?;
    write_whole(root, ".gitignore", "# made by cannery\n*\n")?;
    // Last: it says that everything else is there.
    write_whole(root, "version", &format!("{VERSION}\n"))
}

/// A store is not made among other people's files.
fn refuse_foreign_folder(root: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(root) else { return Ok(()) };
    let ours = |name: &str| {
        name.starts_with("catalog.sqlite")
            || name.starts_with(".tmp")
            || [
                "lock",
                "objects",
                "tmp",
                "views",
                "runs",
                "damaged",
                "quota",
                ".gitignore",
                "version",
            ]
            .contains(&name)
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !ours(&name) {
            let message = format!(
                "cannot make a store in `{}`: it holds something else (`{name}`)",
                root.display()
            );
            return Err(Error::new(ErrorKind::Value, message).with_hint(format!(
                "name an empty folder, such as `{}`",
                root.join(FOLDER).display()
            )));
        }
    }
    Ok(())
}

/// Waits until no other process makes or migrates this store.
pub(crate) fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let lock = || {
        let file = plain::open_with(&path, File::options().create(true).append(true))?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error| failure::io(error, "lock", &path))
}

/// Writes a small file that is never seen half written.
pub(crate) fn write_whole(root: &Path, name: &str, text: &str) -> Result<()> {
    let path = root.join(name);
    plain::write_whole(root, &path, text.as_bytes())
        .and_then(|()| blobs::sync_file(&path))
        .map_err(|error| failure::io(error, "write", &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_store_is_found() {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join("project");
        let deep = project.join("src/deep");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(home.path().join(".cannery")).unwrap();
        assert_eq!(locate(&deep, None).unwrap(), home.path().join(".cannery"));
        fs::create_dir(project.join(".cannery")).unwrap();
        assert_eq!(locate(&deep, None).unwrap(), project.join(".cannery"));
        let named = Some("elsewhere".into());
        assert_eq!(locate(&deep, named).unwrap(), Path::new("elsewhere"));
        assert_eq!(locate(&deep, Some("".into())).unwrap(), project.join(".cannery"));
        let top = deep.ancestors().last().unwrap();
        assert_eq!(locate(top, None).unwrap(), top.join(".cannery"), "found or to be made");
    }

    #[test]
    fn a_url_is_no_folder() {
        let error = locate(Path::new("."), Some("s3://bucket/store".into())).unwrap_err();
        insta::assert_snapshot!(error.report(), @"
        CANNERY_STORE names `s3://bucket/store`: only folders can be stores

        hint: name a folder on this machine
        ");
    }
}
