//! Reading a catalog in a folder that cannot be written.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

use crate::{Result, failure, plain};

/// Opens a catalog for reading; also returns the copy, if one had to be made.
///
/// SQLite wants to write an index beside the catalog even for reading. Where it cannot, it must
/// be told that no other process writes (`immutable`), but then it does not look into the log of a
/// process that was killed: with such a log, a copy is read.
pub(super) fn open(path: &Path) -> Result<(Connection, Option<TempDir>)> {
    if let Ok(connection) = connect(path, "mode=ro") {
        return Ok((connection, None));
    }
    let log = path.with_extension("sqlite-wal");
    if fs::metadata(&log).map_or(0, |found| found.len()) == 0 {
        return Ok((connect(path, "immutable=1")?, None));
    }
    let copy = copy_beside(path, &log).map_err(|error| failure::io(error, "copy", path))?;
    let connection = connect(&copy.path().join("catalog.sqlite"), "mode=rw")?;
    Ok((connection, Some(copy)))
}

/// A copy of a catalog, in a folder of its own, that can be written.
pub(super) fn copy(from: &Connection) -> Result<TempDir> {
    let folder = tempfile::tempdir()
        .map_err(|error| failure::io(error, "write to", &std::env::temp_dir()))?;
    copy_to(from, folder.path())?;
    Ok(folder)
}

/// Copies a catalog into a folder, as it is at one moment.
pub(super) fn copy_to(from: &Connection, folder: &Path) -> Result<()> {
    let copy = || {
        let mut to = Connection::open(folder.join("catalog.sqlite"))?;
        Backup::new(from, &mut to)?.run_to_completion(1 << 12, Duration::ZERO, None)?;
        to.pragma_update(None, "journal_mode", "WAL")
    };
    copy().map_err(|error| failure::catalog(error, "copy the catalog"))
}

fn copy_beside(catalog: &Path, log: &Path) -> std::io::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for (from, name) in [(catalog, "catalog.sqlite"), (log, "catalog.sqlite-wal")] {
        let to = folder.path().join(name);
        // Not `fs::copy`, which would copy that they are read-only.
        io::copy(&mut plain::open(from)?, &mut fs::File::create(to)?)?;
    }
    Ok(folder)
}

fn connect(path: &Path, mode: &str) -> Result<Connection> {
    let uri = format!("file:{}?{mode}", percent_encode(path));
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(&uri, flags)?;
        super::hardened::harden(&connection)?;
        connection.busy_timeout(super::PATIENCE)?;
        // SQLite opens lazily: only a query tells whether it can.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    };
    open().map_err(|error| failure::catalog(error, "open the catalog for reading"))
}

/// A path as SQLite's URIs want it.
fn percent_encode(path: &Path) -> String {
    let path = path.to_string_lossy().replace('\\', "/");
    path.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}
