//! What is being written: one folder in `tmp/` for each open store, locked while its process lives.
//!
//! The lock is the operating system's, so it ends with the process however the process ends. It
//! tells two things: which leftovers may be removed, and whether a run that says `running` still
//! is. A process id could tell neither, for ids are used again and mean nothing in a container.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::SystemTime;

use tempfile::{NamedTempFile, TempDir};

use crate::{Result, failure, flight, plain};

/// The `tmp/` folder of a store and this store's own, lazily made, folder in it.
#[derive(Debug)]
pub(crate) struct Scratch {
    tmp: PathBuf,
    /// Takes the place of `tmp`, for our own folder, where that cannot be written.
    elsewhere: Option<TempDir>,
    session: Mutex<Held>,
    /// Handles that keep the session once it is there.
    holds: AtomicUsize,
}

/// The session that is there, and what lets it stay while nothing uses it.
#[derive(Debug, Default)]
struct Held {
    current: Weak<Session>,
    kept: Option<Arc<Session>>,
}

/// A folder of which this process holds the lock.
#[derive(Debug)]
pub(crate) struct Session {
    token: String,
    folder: PathBuf,
    lock_path: PathBuf,
    began: SystemTime,
    process: u32,
    // Held, not used: the lock goes when the file is closed.
    _lock: File,
}

impl Scratch {
    pub(crate) fn new(tmp: PathBuf) -> Self {
        Self { tmp, elsewhere: None, session: Mutex::default(), holds: AtomicUsize::new(0) }
    }

    /// For a store that can only be read: what must be written is written elsewhere.
    pub(crate) fn elsewhere(tmp: PathBuf) -> Result<Self> {
        let folder =
            TempDir::new().map_err(|e| failure::io(e, "write to", &std::env::temp_dir()))?;
        Ok(Self { elsewhere: Some(folder), ..Self::new(tmp) })
    }

    /// The folder that takes the place of the store's, where that cannot be written.
    pub(crate) fn substitute(&self) -> Option<&Path> {
        self.elsewhere.as_ref().map(TempDir::path)
    }

    /// The folder for what is being written.
    pub(crate) fn folder(&self) -> &Path {
        self.substitute().unwrap_or(&self.tmp)
    }

    /// This store's session; the first call makes it and clears away what dead ones left. While
    /// the store is held it stays, else as long as it is used.
    pub(crate) fn session(&self) -> Result<Arc<Session>> {
        let mut held = self.held();
        let session = match held.current.upgrade().filter(|found| found.is_of_this_process()) {
            Some(session) => session,
            None => self.make_session()?,
        };
        held.current = Arc::downgrade(&session);
        if self.holds.load(Ordering::Acquire) > 0 {
            held.kept = Some(Arc::clone(&session));
        }
        Ok(session)
    }

    /// Keeps the session until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes back a [`hold`](Self::hold): after the last the session goes as soon as it is not
    /// used any more.
    pub(crate) fn release(&self) {
        if self.holds.fetch_sub(1, Ordering::AcqRel) == 1 {
            let kept = self.held().kept.take();
            drop(kept);
        }
    }

    fn make_session(&self) -> Result<Arc<Session>> {
        self.sweep();
        let tmp = self.folder();
        let made = fs::create_dir_all(tmp)
            .and_then(|()| Session::make(tmp))
            .map_err(|e| failure::io(e, "write to", tmp))?;
        Ok(Arc::new(made))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of a session of any process, if its name can be one.
    pub(crate) fn folder_of(&self, token: &str) -> Option<PathBuf> {
        is_token(token).then(|| self.tmp.join(token))
    }

    /// Whether the process that made the session `token` still holds it.
    pub(crate) fn is_alive(&self, token: &str) -> bool {
        // It is the catalog that says it, which a stranger may have made.
        if !is_token(token) {
            return false;
        }
        if self.held().current.upgrade().is_some_and(|session| session.token == token) {
            return true;
        }
        match plain::open(&lock_path(&self.tmp, token)) {
            Ok(lock) => matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(error) => {
                !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData)
            }
        }
    }

    /// Whether a session lives that is not this store's own.
    pub(crate) fn is_living_other(&self, token: &str) -> bool {
        let own = self.held().current.upgrade();
        own.is_none_or(|session| session.token != token) && self.is_alive(token)
    }

    /// When the oldest session began that still lives, this store's own left out: what is being
    /// written, or used again, by others is not older.
    pub(crate) fn oldest_living(&self) -> Option<SystemTime> {
        let entries = fs::read_dir(&self.tmp).ok()?;
        let began = entries.flatten().filter_map(|entry| {
            let name = entry.file_name();
            let token = name.to_str()?.strip_suffix(".lock")?;
            let is_session = !token.starts_with(flight::PREFIX);
            (is_session && self.is_living_other(token))
                .then(|| entry.metadata().ok()?.modified().ok())
                .flatten()
        });
        began.min()
    }

    /// Removes the folders of sessions that no process holds; what cannot be removed waits for later.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(&self.tmp) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if let Some(token) = name.to_str().and_then(|name| name.strip_suffix(".lock")) {
                let _ = self.remove_if_dead(token);
            }
        }
    }

    fn remove_if_dead(&self, token: &str) -> io::Result<()> {
        let path = lock_path(&self.tmp, token);
        let lock = plain::open_with(&path, OpenOptions::new().write(true))?;
        // What has another file in its place by now is in use again.
        if lock.try_lock().is_err() || !plain::is_same(&lock, &path) {
            return Ok(());
        }
        remove_folder(&self.tmp.join(token))?;
        fs::remove_file(path)
    }
}

impl Session {
    fn make(tmp: &Path) -> io::Result<Self> {
        loop {
            let mut builder = tempfile::Builder::new();
            let (lock, lock_path) =
                with_mode(&mut builder, 0o644).suffix(".lock").tempfile_in(tmp)?.keep()?;
            lock.lock()?;
            // A sweeper may have seen the file before it was locked and removed it.
            if lock_path.exists() {
                let folder = lock_path.with_extension("");
                fs::create_dir(&folder)?;
                let token = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (began, process) = (lock.metadata()?.modified()?, process::id());
                return Ok(Self { token, folder, lock_path, began, process, _lock: lock });
            }
        }
    }

    /// The session's name, by which others ask whether it [`is_alive`](Scratch::is_alive).
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// When it began, by the clock of the store's file system.
    pub(crate) fn began(&self) -> SystemTime {
        self.began
    }

    fn is_of_this_process(&self) -> bool {
        self.process == process::id()
    }

    /// Its folder.
    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// A new file that is gone unless it is renamed.
    pub(crate) fn file(&self) -> Result<NamedTempFile> {
        with_mode(&mut tempfile::Builder::new(), 0o444)
            .tempfile_in(&self.folder)
            .map_err(|e| failure::io(e, "write to", &self.folder))
    }

    /// A new, empty folder that is removed when the value is dropped.
    pub(crate) fn folder(self: &Arc<Self>) -> Result<ScratchFolder> {
        let folder =
            TempDir::new_in(&self.folder).map_err(|e| failure::io(e, "write to", &self.folder))?;
        Ok(ScratchFolder { folder, _session: Arc::clone(self) })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A process that was forked from the one that made it does not end it.
        if !self.is_of_this_process() {
            return;
        }
        // Should it fail, the next session's sweep does it.
        let _ = remove_folder(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// An empty folder on the store's file system; removed, with all that is in it, when dropped.
#[derive(Debug)]
pub struct ScratchFolder {
    folder: TempDir,
    _session: Arc<Session>,
}

impl ScratchFolder {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Lets others read the file as far as the user's mask allows it; by itself a temporary file is
/// for its maker's eyes only.
#[cfg(unix)]
pub(crate) fn with_mode<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
    mode: u32,
) -> &'a mut tempfile::Builder<'b, 'c> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(crate) fn with_mode<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
    _: u32,
) -> &'a mut tempfile::Builder<'b, 'c> {
    builder
}

/// Whether any process, this one included, has a session in the store at `root`.
pub(crate) fn is_used(root: &Path) -> bool {
    let scratch = Scratch::new(root.join("tmp"));
    let Ok(entries) = fs::read_dir(&scratch.tmp) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let token = name.to_str().and_then(|name| name.strip_suffix(".lock"));
        token.is_some_and(|token| scratch.is_alive(token))
    })
}

/// Whether it can be the name of a session's folder.
fn is_token(token: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
    token.bytes().all(is_part) && !token.is_empty() && token.len() < 64 && !token.contains("..")
}

fn lock_path(tmp: &Path, token: &str) -> PathBuf {
    tmp.join(format!("{token}.lock"))
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_as_long_as_its_lock() {
        let tmp = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(tmp.path().to_owned());
        scratch.hold();
        let session = scratch.session().unwrap();
        let token = session.token().to_owned();
        let observer = Scratch::new(tmp.path().to_owned());
        assert!(observer.is_alive(&token));
        drop((session, scratch));
        assert!(!observer.is_alive(&token));
        assert_eq!(fs::read_dir(tmp.path()).unwrap().count(), 0);
    }

    #[test]
    fn leftovers_of_dead_sessions_go_and_living_ones_stay() {
        let tmp = tempfile::tempdir().unwrap();
        let living = Scratch::new(tmp.path().to_owned());
        living.hold();
        let living_folder = living.session().unwrap().folder.clone();
        fs::write(tmp.path().join(".tmpdead.lock"), "").unwrap();
        fs::create_dir(tmp.path().join(".tmpdead")).unwrap();
        fs::write(tmp.path().join(".tmpdead/half"), "half a fi").unwrap();

        let other = Scratch::new(tmp.path().to_owned());
        other.session().unwrap();
        assert!(living_folder.exists());
        assert!(
            !tmp.path().join(".tmpdead").exists() && !tmp.path().join(".tmpdead.lock").exists()
        );
    }
}
