//! Opening what is not there, not ours, or not of our time.

use std::fs;
use std::path::Path;

use cannery_store::{Error, ErrorKind, Store};

fn message(error: &Error, root: &Path) -> String {
    error.report().replace(&root.display().to_string(), "ROOT")
}

#[test]
fn a_new_store_is_made_with_all_that_belongs_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("deep/.cannery");
    let store = Store::open(&root).unwrap();
    assert!(!store.is_read_only());
    assert_eq!(fs::read_to_string(root.join("version")).unwrap(), "1\n");
    assert!(fs::read_to_string(root.join(".gitignore")).unwrap().contains('*'));
    assert!(root.join("objects").is_dir() && root.join("catalog.sqlite").is_file());
}

#[test]
fn a_half_made_store_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    fs::remove_file(folder.path().join("version")).unwrap();
    fs::remove_dir(folder.path().join("views")).unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.blobs().put_bytes(b"abc").unwrap();
    assert!(folder.path().join("version").exists());
}

#[test]
fn a_later_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    fs::write(folder.path().join("version"), "2\n").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Version);
    insta::assert_snapshot!(message(&error, folder.path()), @"
    the store `ROOT` has layout version 2, this release knows version 1

    hint: update cannery (`pip install -U cannery`), or name another store with the environment variable CANNERY_STORE
    ");
}

#[test]
fn a_later_catalog_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    let catalog = rusqlite::Connection::open(folder.path().join("catalog.sqlite")).unwrap();
    catalog.pragma_update(None, "user_version", 7).unwrap();
    drop(catalog);
    let error = Store::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Version);
    insta::assert_snapshot!(message(&error, folder.path()).lines().next().unwrap(), @"the store `ROOT` has catalog version 7, this release knows version 3");
}

#[test]
fn damage_to_the_store_itself_is_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    for beside in ["catalog.sqlite-wal", "catalog.sqlite-shm"] {
        fs::remove_file(folder.path().join(beside)).unwrap();
    }
    fs::write(folder.path().join("catalog.sqlite"), "no database at all ".repeat(300)).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");

    fs::write(folder.path().join("version"), "one\n").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    insta::assert_snapshot!(message(&error, folder.path()), @"ROOT: expected a version number in `version`, found `one`");
}

#[test]
fn other_peoples_folders_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "").unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    insta::assert_snapshot!(message(&error, folder.path()), @"
    cannot make a store in `ROOT`: it holds something else (`thesis.tex`)

    hint: name an empty folder, such as `ROOT/.cannery`
    ");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_is_no_store() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = Store::open(file.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
}
