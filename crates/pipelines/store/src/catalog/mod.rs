//! The catalog: runs, steps, artifact versions and what was made from what, in SQLite.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tempfile::TempDir;

use crate::{ErrorKind, Result, failure, store};

mod artifacts;
mod hardened;
mod lineage;
mod observations;
mod read_only;
mod records;
mod rows;
mod runs;
mod steps;

pub use artifacts::ArtifactFilter;
pub use lineage::{Direction, Edge, Lineage};
pub use records::{
    ArtifactId, ArtifactRecord, CachedStep, KeyPart, NewRun, NewStep, Observation, Producer, RunId,
    RunRecord, RunStatus, StepEnd, StepId, StepOutput, StepRecord, StepStatus, step_label,
};
pub use runs::RunFilter;

/// The n-th migration leads from schema version n to n + 1.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// How long a writer waits for another one; a transaction here takes far less than a millisecond.
const PATIENCE: Duration = Duration::from_secs(60);

/// SQLite's log beside the catalog, and from how many bytes on it is emptied at the end.
const LOG: &str = "catalog.sqlite-wal";
const LONG_LOG: u64 = 1 << 20;

/// An open catalog.
pub(crate) struct Catalog {
    connection: Mutex<Connection>,
    clock: hardened::Clock,
    root: PathBuf,
    access: Access,
}

enum Access {
    Full,
    /// The copy is what is read where SQLite cannot open the original; it goes at the end.
    ReadOnly {
        _copy: Option<TempDir>,
    },
}

impl Catalog {
    /// Opens the catalog of a finished store and migrates it when it is older.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let (mut connection, access) = match open_for_writing(root) {
            Ok(connection) => (connection, Access::Full),
            Err(error) if error.kind() == ErrorKind::Permission => {
                let (connection, copy) = read_only::open(&catalog_path(root)).map_err(|_| error)?;
                check_version(&connection, root)?;
                (connection, Access::ReadOnly { _copy: copy })
            }
            Err(error) => return Err(error),
        };
        let clock = hardened::watch(&mut connection)
            .map_err(|error| failure::catalog(error, "open the catalog"))?;
        clock.start();
        hardened::check_schema(&connection)?;
        clock.stop();
        Ok(Self { connection: Mutex::new(connection), clock, root: root.to_owned(), access })
    }

    /// Makes the catalog of a new store; the caller holds the store's lock.
    pub(crate) fn create(root: &Path) -> Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_READ_WRITE;
        let mut connection = connect(root, flags)?;
        // It stays with the file; switching needs a moment without other connections.
        connection
            .pragma_update(None, "journal_mode", "WAL")
            .map_err(|error| failure::catalog(error, "make the catalog"))?;
        migrate(&mut connection)
    }

    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self.access, Access::ReadOnly { .. })
    }

    /// Reads from the catalog.
    pub(crate) fn read<T>(
        &self,
        doing: &str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let connection = self.connection();
        self.clock.start();
        let result = query(&connection);
        self.clock.stop();
        result.map_err(|error| failure::catalog(error, doing))
    }

    /// Changes the catalog: all of it or nothing.
    pub(crate) fn write<T>(
        &self,
        doing: &str,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        if self.is_read_only() {
            return Err(failure::read_only(&self.root));
        }
        let mut connection = self.connection();
        // Immediate: a reader that turns writer would be refused at once when another one writes.
        let run = || {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            // Only now: it may have waited for other writers.
            self.clock.start();
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        let result = run();
        self.clock.stop();
        result.map_err(|error| failure::catalog(error, doing))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic while it was held has rolled its transaction back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Catalog {
    /// Empties a long log: the next process to open the catalog would have to read all of it.
    fn drop(&mut self) {
        let log = self.root.join(LOG);
        if self.is_read_only() || fs::metadata(log).map_or(0, |found| found.len()) < LONG_LOG {
            return;
        }
        let connection = self.connection();
        // Whoever holds it up now does it later.
        let _ = connection.busy_timeout(Duration::ZERO);
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog({})", self.root.display())
    }
}

fn catalog_path(root: &Path) -> PathBuf {
    root.join("catalog.sqlite")
}

fn open_for_writing(root: &Path) -> Result<Connection> {
    let mut connection = connect(root, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly("main").unwrap_or(false) || !can_write_beside(root) {
        return Err(failure::read_only(root));
    }
    if check_version(&connection, root)? < MIGRATIONS.len() {
        let _guard = store::lock(root)?;
        migrate(&mut connection)?;
    }
    Ok(connection)
}

/// Whether SQLite may make its log and its index beside the catalog.
fn can_write_beside(root: &Path) -> bool {
    let log = root.join(LOG);
    fs::metadata(&log).is_ok() || tempfile::tempfile_in(root).is_ok()
}

fn connect(root: &Path, flags: OpenFlags) -> Result<Connection> {
    let path = catalog_path(root);
    let doing = || format!("open the catalog `{}`", path.display());
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(&path, flags)
        .and_then(configure)
        .map_err(|error| failure::catalog(error, &doing()))
}

fn configure(connection: Connection) -> rusqlite::Result<Connection> {
    hardened::harden(&connection)?;
    connection.busy_timeout(PATIENCE)?;
    // In WAL mode a commit then waits for no disk: after a loss of power the last ones may be
    // missing, but the catalog is whole, and the bytes it names were written before.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Closing would wait for the disk even after a run that found everything in the cache.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// The version of the catalog's schema, which must not be newer than this release.
fn check_version(connection: &Connection, root: &Path) -> Result<usize> {
    let version = schema_version(connection)
        .map_err(|error| failure::catalog(error, "read the catalog's version"))?;
    if version > MIGRATIONS.len() {
        return Err(failure::newer(root, "catalog", &version.to_string(), MIGRATIONS.len()));
    }
    Ok(version)
}

fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let mut run = || {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for migration in &MIGRATIONS[schema_version(&transaction)?.min(MIGRATIONS.len())..] {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "user_version", MIGRATIONS.len())?;
        transaction.commit()
    };
    run().map_err(|error| failure::catalog(error, "migrate the catalog"))
}
