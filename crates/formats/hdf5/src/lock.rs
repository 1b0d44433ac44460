//! The locks by which programs that have a file open know of each other.

use std::fs::{File, TryLockError};
use std::path::Path;

use cannery_core::{Error, ErrorKind, Result};

/// Who else may have a file open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// Other readers.
    Shared,
    /// Nothing else.
    Exclusive,
}

/// Takes the lock that libhdf5 takes, unless its environment variable says that there are none.
pub(crate) fn lock(file: &File, path: &Path, kind: LockKind) -> Result<()> {
    let setting = std::env::var_os("HDF5_USE_FILE_LOCKING");
    if setting.is_some_and(|value| value.eq_ignore_ascii_case("false") || value == "0") {
        return Ok(());
    }
    let locked = match kind {
        LockKind::Shared => file.try_lock_shared(),
        LockKind::Exclusive => file.try_lock(),
    };
    match locked {
        // File systems without locks are used without them.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let path = path.display().to_string();
            let doing = if kind == LockKind::Shared { "writes" } else { "has opened" };
            let message = format!("another program {doing} `{}`", path.escape_debug());
            let hint = "close it there first; with HDF5_USE_FILE_LOCKING=FALSE locks are ignored";
            Err(Error::new(ErrorKind::Conflict, message).with_hint(hint))
        }
    }
}
