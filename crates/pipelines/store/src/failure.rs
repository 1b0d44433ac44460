//! Errors of the file system and of SQLite, told in the store's words.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use crate::{Error, ErrorKind};

/// What to do about a folder that cannot be written.
const WRITABLE_HINT: &str =
    "make the folder writable, or name another store with the environment variable CANNERY_STORE";

/// What to do about a catalog that is gone or damaged.
pub(crate) const REBUILD_HINT: &str =
    "`cannery fsck --repair` makes the catalog anew from the records of runs in the store";

/// An operating system's error met while `doing` something to `path`.
#[cold]
pub(crate) fn io(error: io::Error, doing: &str, path: &Path) -> Error {
    let error = Error::io(error, format!("cannot {doing} `{}`", path.display()));
    match error.kind() {
        ErrorKind::Permission => error.with_hint(WRITABLE_HINT),
        _ => error,
    }
}

/// A caller wants to write to a store that can only be read.
#[cold]
pub(crate) fn read_only(root: &Path) -> Error {
    let message = format!("cannot write to the store `{}`: it is read-only", root.display());
    Error::new(ErrorKind::Permission, message).with_hint(WRITABLE_HINT)
}

/// The store was written by a later release.
#[cold]
pub(crate) fn newer(root: &Path, what: &str, found: &str, known: usize) -> Error {
    let message = format!(
        "the store `{}` has {what} version {found}, this release knows version {known}",
        root.display()
    );
    Error::new(ErrorKind::Version, message)
        .with_hint("update cannery (`pip install -U cannery`), or name another store with the environment variable CANNERY_STORE")
}

/// An error of SQLite met while `doing` something.
#[cold]
pub(crate) fn catalog(error: rusqlite::Error, doing: &str) -> Error {
    let kind = kind_of(&error);
    let message = match &error {
        // Its own text tells a number of the column, which is of no use.
        rusqlite::Error::FromSqlConversionFailure(_, _, cause) => {
            format!("cannot {doing}: {cause}")
        }
        _ => format!("cannot {doing}: {error}"),
    };
    let wrapped = Error::new(kind, message).with_source(error);
    match kind {
        ErrorKind::Permission => wrapped.with_hint(WRITABLE_HINT),
        ErrorKind::Conflict => {
            wrapped.with_hint("another process has held the catalog for long; try again")
        }
        ErrorKind::Limit => wrapped.with_hint(
            "`catalog.sqlite` holds more than any of ours; it may have been made to hold readers up",
        ),
        ErrorKind::Corrupt => wrapped.with_hint(REBUILD_HINT),
        _ => wrapped,
    }
}

fn kind_of(error: &rusqlite::Error) -> ErrorKind {
    use rusqlite::Error as Sqlite;

    // A value that none of our columns has.
    match error {
        Sqlite::FromSqlConversionFailure(_, _, cause) => {
            let is_limit = |cause: &Error| cause.kind() == ErrorKind::Limit;
            let is_limit = cause.downcast_ref().is_some_and(is_limit);
            return if is_limit { ErrorKind::Limit } else { ErrorKind::Corrupt };
        }
        Sqlite::InvalidColumnType(..)
        | Sqlite::IntegralValueOutOfRange(..)
        | Sqlite::Utf8Error(..) => return ErrorKind::Corrupt,
        _ => {}
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => ErrorKind::Conflict,
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            ErrorKind::Permission
        }
        Some(ErrorCode::OperationInterrupted | ErrorCode::TooBig) => ErrorKind::Limit,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => ErrorKind::Corrupt,
        _ => ErrorKind::Io,
    }
}
