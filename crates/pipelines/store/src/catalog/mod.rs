//! The catalog: runs, steps, artifact versions and what was made from what, in SQLite.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tempfile::TempDir;

use self::connection::Connected;
pub(crate) use self::connection::{check_there, unwatched};
use crate::{Result, failure};

mod aliases;
mod artifacts;
mod connection;
mod hardened;
mod lineage;
mod observations;
mod read_only;
mod records;
mod rows;
mod runs;
mod steps;

pub use aliases::Alias;
pub use artifacts::{ArtifactFilter, artifact_path};
pub use lineage::{Direction, Edge, Lineage};
pub use records::{
    ArtifactId, ArtifactRecord, CachedStep, KeyPart, NEEDS, NewRun, NewStep, Observation, Producer,
    Reuse, RunId, RunRecord, RunStatus, SkippedStep, StepEnd, StepId, StepOutput, StepRecord,
    StepReport, StepStatus, Usage, step_label,
};
pub use runs::RunFilter;

/// The n-th migration leads from schema version n to n + 1.
const MIGRATIONS: &[&str] =
    &[include_str!("schema.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")];

/// How long a writer waits for another one; a transaction here takes far less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(60);

/// SQLite's log beside the catalog, and from how many bytes on it is emptied at the end.
pub(crate) const LOG: &str = "catalog.sqlite-wal";
const LONG_LOG: u64 = 1 << 20;

/// A catalog, and the connection to it while there is one.
///
/// While it is held it stays open; else it is opened for each question, so that nothing of a store
/// that is only remembered stays open in the process.
pub(crate) struct Catalog {
    root: PathBuf,
    state: Mutex<State>,
    is_read_only: AtomicBool,
    holds: AtomicUsize,
}

#[derive(Default)]
struct State {
    /// The catalog's file, as the system tells files apart.
    place: Option<(u64, u64)>,
    connected: Option<Connected>,
    /// A copy that takes what is recorded on a catalog that can only be read.
    overlay: Option<TempDir>,
}

impl Catalog {
    /// Opens the catalog of a finished store and migrates it when it is older.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let connected = Connected::new(root)?;
        let is_read_only = AtomicBool::new(connected.is_read_only);
        let place = connection::place_of(root);
        let state = State { place, connected: Some(connected), overlay: None };
        let (root, holds) = (root.to_owned(), AtomicUsize::new(0));
        Ok(Self { root, state: Mutex::new(state), is_read_only, holds })
    }

    /// Makes the catalog of a new store; the caller holds the store's lock.
    pub(crate) fn create(root: &Path) -> Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut connection = connection::connect(root, flags)?;
        // It stays with the file; switching needs a moment without other connections.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(|error| failure::catalog(error, "make the catalog"))?;
        connection::migrate(&mut connection)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only.load(Ordering::Relaxed)
    }

    /// Whether the catalog's file is still the one that was opened.
    pub(crate) fn is_in_place(&self) -> bool {
        self.state().place == connection::place_of(&self.root)
    }

    /// Keeps the connection open until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::AcqRel);
    }

    /// Takes back a [`hold`](Self::hold); the last one closes the connection.
    pub(crate) fn release(&self) {
        if self.holds.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.close_idle(&mut self.state());
        }
    }

    fn is_held(&self) -> bool {
        self.holds.load(Ordering::Acquire) > 0
    }

    /// Reads from the catalog.
    pub(crate) fn read<T>(
        &self,
        doing: &str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut state = self.state();
        let connected = self.connect(&mut state)?;
        connected.clock.start();
        let result = query(&connected.connection);
        connected.clock.stop();
        self.close_idle(&mut state);
        result.map_err(|error| failure::catalog(error, doing))
    }

    /// Changes the catalog: all of it or nothing. Of a catalog that can only be read, a copy is
    /// changed, which goes with the handle.
    pub(crate) fn write<T>(
        &self,
        doing: &str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut state = self.state();
        if state.overlay.is_none() && state.place != connection::place_of(&self.root) {
            // It was made anew, and what is written to the old one would be lost.
            state.connected = None;
        }
        if self.connect(&mut state)?.is_read_only {
            self.lay_over(&mut state)?;
        }
        let result = write(self.connect(&mut state)?, change);
        self.close_idle(&mut state);
        result.map_err(|error| failure::catalog(error, doing))
    }

    /// Copies the catalog into a folder, as it is at one moment.
    pub(crate) fn copy_to(&self, folder: &Path) -> Result<()> {
        let mut state = self.state();
        let copied = read_only::copy_to(&self.connect(&mut state)?.connection, folder);
        self.close_idle(&mut state);
        copied
    }

    /// The connection, opened if it is not there.
    fn connect<'a>(&self, state: &'a mut State) -> Result<&'a mut Connected> {
        let of_parent = |connected: &Connected| connected.process != process::id();
        if state.connected.as_ref().is_some_and(of_parent) {
            // Closing it would end what the parent holds by it.
            std::mem::forget(state.connected.take());
        }
        if state.connected.is_none() {
            let root = state.overlay.as_ref().map_or(&*self.root, TempDir::path);
            state.connected = Some(Connected::new(root)?);
            state.place = connection::place_of(&self.root);
        }
        Ok(state.connected.as_mut().expect("it was made above"))
    }

    /// Goes on with a copy that can be written.
    fn lay_over(&self, state: &mut State) -> Result<()> {
        let overlay = read_only::copy(&self.connect(state)?.connection)?;
        state.connected = None;
        state.overlay = Some(overlay);
        Ok(())
    }

    fn close_idle(&self, state: &mut State) {
        if !self.is_held()
            && let Some(connected) = state.connected.take()
        {
            connected.close();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held has rolled its transaction back.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write<T>(
    connected: &mut Connected,
    change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    // Immediate: a reader that turns writer would be refused at once when another one writes.
    let behavior = TransactionBehavior::Immediate;
    let transaction = connected.connection.transaction_with_behavior(behavior)?;
    // Only now: it may have waited for other writers.
    connected.clock.start();
    let result = change(&transaction).and_then(|result| transaction.commit().map(|()| result));
    connected.clock.stop();
    result
}

impl Drop for Catalog {
    fn drop(&mut self) {
        if let Some(connected) = self.state().connected.take()
            && connected.process == process::id()
        {
            connected.close();
        }
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog({})", self.root.display())
    }
}
