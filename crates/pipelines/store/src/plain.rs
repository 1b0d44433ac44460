//! Opening files of a store that a stranger may have made: plain files only, links not followed.
//!
//! A link could lead to any file of the reader's, a pipe would make the reader wait for ever, and a
//! file with a second name can be changed by it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use crate::scratch::with_mode;
use crate::{Error, ErrorKind, Result, failure};

/// Files beside the folders of a store, and what SQLite keeps beside its catalog.
const FILES: [&str; 7] = [
    "version",
    "lock",
    "quota",
    ".gitignore",
    "catalog.sqlite",
    "catalog.sqlite-wal",
    "catalog.sqlite-shm",
];

/// SQLite would delete files that this names; the catalog has one only while it is made.
const JOURNAL: &str = "catalog.sqlite-journal";

const FOLDERS: [&str; 5] = ["objects", "tmp", "views", "runs", "damaged"];

/// Length from which a file without bytes takes too long to read.
const HOLLOW: u64 = 16 << 30;

/// Whether a file is almost nothing but a length: reading it takes as long as if it had bytes.
///
/// Files of zeros on a file system that packs them look the same, hence the length that it takes.
pub(crate) fn is_hollow(about: &Metadata) -> bool {
    #[cfg(unix)]
    let stored = std::os::unix::fs::MetadataExt::blocks(about).saturating_mul(512);
    #[cfg(not(unix))]
    let stored = about.len();
    about.len() > HOLLOW && stored < about.len() / 1000
}

/// Opens a plain file for reading.
///
/// # Errors
/// Those of the operating system, and [`io::ErrorKind::InvalidData`] with the reason for what is no
/// plain file of its own.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    open_with(path, File::options().read(true))
}

/// Opens a plain file as `options` say.
pub(crate) fn open_with(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = no_follow(options).open(path).map_err(|error| match check(path) {
        // What is no plain file fails in words of its own: too many links, no such device.
        Err(refused) if refused.kind() == io::ErrorKind::InvalidData => refused,
        _ => error,
    })?;
    check_found(&file.metadata()?)?;
    Ok(file)
}

/// Reads a small plain file of text.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    use std::io::Read;

    let mut text = String::new();
    let file = open(path)?;
    if file.metadata()?.len() > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than such files are"));
    }
    file.take(most).read_to_string(&mut text)?;
    Ok(text)
}

/// Writes a file that is never seen half written.
pub(crate) fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;

    let mut builder = tempfile::Builder::new();
    let mut file = with_mode(&mut builder, 0o644).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Refuses what is there and is no plain file.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    check_found(&fs::symlink_metadata(path)?)
}

/// Whether a path still leads to an open file.
#[cfg(unix)]
pub(crate) fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;

    let place = |found: fs::Metadata| (found.dev(), found.ino());
    let there = fs::symlink_metadata(path).ok().map(place);
    there.is_some() && file.metadata().ok().map(place) == there
}

// Windows does not remove a file that is open.
#[cfg(not(unix))]
pub(crate) fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}

/// Whether it is a folder, and no link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn check_found(found: &Metadata) -> io::Result<()> {
    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidData, what));
    if found.is_symlink() {
        refuse("it is a symbolic link")
    } else if found.is_dir() {
        refuse("it is a folder")
    } else if !found.is_file() {
        refuse("it is neither file nor folder")
    } else if has_other_names(found) {
        refuse("the file has another name, a hard link, by which it can be changed")
    } else {
        Ok(())
    }
}

#[cfg(unix)]
pub(crate) fn has_other_names(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
pub(crate) fn has_other_names(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // Without blocking: opening a pipe would wait for who writes to it.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    options.custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
}

#[cfg(not(unix))]
fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Refuses a store whose own files are links or no plain files.
///
/// # Errors
/// [`ErrorKind::Corrupt`] that names the first.
pub(crate) fn check_store(root: &Path) -> Result<()> {
    for name in FILES {
        let path = root.join(name);
        match check(&path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(refused(&path, &error));
            }
            _ => {}
        }
    }
    for name in FOLDERS {
        let path = root.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_dir()) {
            return Err(refused(&path, &"it is no folder of its own"));
        }
    }
    Ok(())
}

/// Refuses a finished store with a journal.
///
/// # Errors
/// [`ErrorKind::Corrupt`].
pub(crate) fn check_journal(root: &Path) -> Result<()> {
    let journal = root.join(JOURNAL);
    match fs::symlink_metadata(&journal) {
        Ok(_) => Err(refused(&journal, &"no finished store has such a file")),
        Err(_) => Ok(()),
    }
}

/// Takes away the catalog of a store that was never finished, if SQLite would go back by a journal
/// to finish it. The caller holds the store's lock.
pub(crate) fn clear_unfinished(root: &Path) {
    if fs::symlink_metadata(root.join(JOURNAL)).is_ok() {
        for name in FILES.into_iter().filter(|name| name.starts_with("catalog")).chain([JOURNAL]) {
            let _ = fs::remove_file(root.join(name));
        }
    }
}

#[cold]
fn refused(path: &Path, why: &dyn std::fmt::Display) -> Error {
    let message = format!("the store has a `{}` that is refused: {why}", name(path));
    Error::new(ErrorKind::Corrupt, message)
        .in_file(path.display().to_string())
        .with_hint("copy the store (`cp -rL`), or take the file away if it is not yours")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Refuses a store that was found, not named, if another user owns it.
///
/// # Errors
/// [`ErrorKind::Permission`].
#[cfg(unix)]
pub(crate) fn check_owner(root: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt;

    let found = fs::metadata(root).map_err(|error| failure::io(error, "open", root))?;
    let user = rustix::process::geteuid().as_raw();
    // Who works by `sudo` works for another user.
    let behind = std::env::var("SUDO_UID").ok().filter(|_| user == 0);
    if found.uid() == user || behind.is_some_and(|uid| uid == found.uid().to_string()) {
        return Ok(());
    }
    let root = root.display();
    let message =
        format!("the store `{root}`, found upwards, belongs to another user ({})", found.uid());
    Err(Error::new(ErrorKind::Permission, message).with_hint(format!(
        "if you trust what is in it, name it: `--store {root}`, or CANNERY_STORE={root}"
    )))
}

#[cfg(not(unix))]
pub(crate) fn check_owner(_: &Path) -> Result<()> {
    Ok(())
}
