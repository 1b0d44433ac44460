//! Connections to a catalog: opening, hardening and migrating it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tempfile::TempDir;

use super::{LOG, LONG_LOG, MIGRATIONS, PATIENCE, hardened, read_only};
use crate::{Error, ErrorKind, Result, failure, store};

/// An open connection.
pub(super) struct Connected {
    pub(super) connection: Connection,
    pub(super) clock: hardened::Clock,
    pub(super) is_read_only: bool,
    /// The process that opened it; one that was forked from it must leave it alone.
    pub(super) process: u32,
    root: PathBuf,
    /// What is read where SQLite cannot open the original; it goes at the end.
    _copy: Option<TempDir>,
}

impl Connected {
    /// Connects to the catalog of a finished store and migrates it when it is older.
    pub(super) fn new(root: &Path) -> Result<Self> {
        check_there(root)?;
        match open_for_writing(root) {
            Ok(connection) => Self::watched(connection, root, false, None),
            Err(error) if error.kind() == ErrorKind::Permission => {
                let (connection, copy) = read_only::open(&catalog_path(root)).map_err(|_| error)?;
                if check_version(&connection, root)? < MIGRATIONS.len() {
                    hardened::check_schema(&connection, check_version(&connection, root)?)?;
                    return Self::migrated_copy(&connection, root);
                }
                Self::watched(connection, root, true, copy)
            }
            Err(error) => Err(error),
        }
    }

    /// Connects to a copy that has what an older catalog lacks, which cannot be written.
    fn migrated_copy(older: &Connection, root: &Path) -> Result<Self> {
        let copy = read_only::copy(older)?;
        let mut connection = connect(copy.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        migrate(&mut connection)?;
        Self::watched(connection, root, true, Some(copy))
    }

    fn watched(
        mut connection: Connection,
        root: &Path,
        is_read_only: bool,
        copy: Option<TempDir>,
    ) -> Result<Self> {
        let clock = hardened::watch(&mut connection)
            .map_err(|error| failure::catalog(error, "open the catalog"))?;
        clock.start();
        let version = check_version(&connection, root)?;
        hardened::check_schema(&connection, version)?;
        clock.stop();
        let (root, process) = (root.to_owned(), process::id());
        Ok(Self { connection, clock, is_read_only, process, root, _copy: copy })
    }

    /// Empties a long log: the next process to open the catalog would have to read all of it.
    pub(super) fn close(self) {
        let log = self.root.join(LOG);
        if self.is_read_only || fs::metadata(log).map_or(0, |found| found.len()) < LONG_LOG {
            return;
        }
        // A process that reads now does it later.
        let _ = self.connection.busy_timeout(std::time::Duration::ZERO);
        let _ = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

/// A connection for questions that may take long, such as whether the catalog is whole.
pub(crate) fn unwatched(root: &Path) -> Result<Connection> {
    connect(root, OpenFlags::SQLITE_OPEN_READ_WRITE)
}

pub(super) fn catalog_path(root: &Path) -> PathBuf {
    root.join("catalog.sqlite")
}

/// The file of a catalog, as the system tells files apart.
#[cfg(unix)]
pub(super) fn place_of(root: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let found = fs::symlink_metadata(catalog_path(root)).ok()?;
    Some((found.dev(), found.ino()))
}

// An open file cannot be replaced there.
#[cfg(not(unix))]
pub(super) fn place_of(root: &Path) -> Option<(u64, u64)> {
    catalog_path(root).exists().then_some((0, 0))
}

/// Refuses a catalog that is gone, of which SQLite says only that it cannot open it, or empty, which
/// SQLite takes for a new one.
pub(crate) fn check_there(root: &Path) -> Result<()> {
    let what = match fs::symlink_metadata(catalog_path(root)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "has no `catalog.sqlite`",
        Ok(found) if found.len() == 0 && !root.join(LOG).exists() => {
            "has an empty `catalog.sqlite`"
        }
        _ => return Ok(()),
    };
    Err(lost(root, what))
}

#[cold]
fn lost(root: &Path, what: &str) -> Error {
    let message = format!("the store `{}` {what}", root.display());
    Error::new(ErrorKind::Corrupt, message).with_hint(failure::REBUILD_HINT)
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

pub(super) fn connect(root: &Path, flags: OpenFlags) -> Result<Connection> {
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
    // missing, but the catalog is whole. The end of a run waits for it (`Store::settle`).
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
    if version == 0 {
        return Err(lost(root, "has a `catalog.sqlite` in which there is nothing"));
    }
    if version > MIGRATIONS.len() {
        return Err(failure::newer(root, "catalog", &version.to_string(), MIGRATIONS.len()));
    }
    Ok(version)
}

fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
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
