//! Bytes: kept once, proven on demand, repaired when they come again.

use std::fs;
use std::io::Write;
use std::path::Path;

use cannery_store::{Blob, Description, Digest, Durability, ErrorKind, Store, StoreOptions};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// Replaces what a blob's file holds, as a broken disk would.
fn damage(store: &Store, digest: Digest, bytes: &[u8]) {
    let path = store.blobs().path_of(digest);
    fs::remove_file(&path).unwrap();
    fs::write(path, bytes).unwrap();
}

fn files_below(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .fold(0, |count, path| count + if path.is_dir() { files_below(&path) } else { 1 })
}

#[test]
fn all_ways_in_give_one_blob() {
    let (folder, store) = store();
    let bytes = vec![7; 300_000];
    let expected = Blob { digest: Digest::of(&bytes), size: 300_000 };
    let file = folder.path().join("file");
    fs::write(&file, &bytes).unwrap();
    let mut writer = store.blobs().writer().unwrap();
    bytes.chunks(999).for_each(|chunk| writer.write_all(chunk).unwrap());

    assert_eq!(writer.finish().unwrap(), expected);
    assert_eq!(store.blobs().put_bytes(&bytes).unwrap(), expected);
    assert_eq!(store.blobs().put_file(&file).unwrap(), expected);
    assert_eq!(store.blobs().take_file(&file).unwrap(), expected);
    assert_eq!(store.blobs().read(expected.digest).unwrap(), bytes);
    assert_eq!(files_below(&store.root().join("objects")), 1);
    assert_eq!(files_below(&store.root().join("tmp")), 1, "nothing but the lock");
}

#[test]
fn either_durability_keeps_bytes() {
    for durability in [Durability::Process, Durability::Power] {
        let folder = tempfile::tempdir().unwrap();
        let store = StoreOptions::default().durability(durability).open(folder.path()).unwrap();
        let blob = store.blobs().put_bytes(b"abc").unwrap();
        assert_eq!(store.blobs().verify(blob.digest).unwrap(), 3);
    }
}

#[test]
fn taking_moves_a_file_and_copies_a_linked_one() {
    let (_folder, store) = store();
    let scratch = store.scratch_folder().unwrap();
    let (alone, linked) = (scratch.path().join("alone"), scratch.path().join("linked"));
    fs::write(&alone, "alone").unwrap();
    fs::write(&linked, "linked").unwrap();
    fs::hard_link(&linked, scratch.path().join("other name")).unwrap();

    store.blobs().take_file(&alone).unwrap();
    let blob = store.blobs().take_file(&linked).unwrap();
    assert!(!alone.exists() && linked.exists());
    fs::write(scratch.path().join("other name"), "changed").unwrap();
    assert_eq!(store.blobs().read(blob.digest).unwrap(), b"linked");
}

#[test]
fn an_unfinished_write_leaves_nothing() {
    let (_folder, store) = store();
    let mut writer = store.blobs().writer().unwrap();
    writer.write_all(b"half").unwrap();
    drop(writer);
    assert_eq!(files_below(&store.root().join("objects")), 0);
    assert_eq!(files_below(&store.root().join("tmp")), 1);
}

#[cfg(unix)]
#[test]
fn nobody_writes_to_a_blob_by_mistake() {
    let (_folder, store) = store();
    let blob = store.blobs().put_bytes(b"abc").unwrap();
    let found = fs::metadata(store.blobs().path_of(blob.digest)).unwrap();
    assert!(found.permissions().readonly());
}

#[test]
fn damage_is_named() {
    let (_folder, store) = store();
    let blobs = store.blobs();
    let [cut, changed, gone] =
        [&b"cut short"[..], b"changed", b"gone"].map(|bytes| blobs.put_bytes(bytes).unwrap());
    damage(&store, cut.digest, b"cut");
    damage(&store, changed.digest, b"CHANGED");
    fs::remove_file(blobs.path_of(gone.digest)).unwrap();

    let contained = [cut, changed, gone].map(|blob| blobs.contains(blob));
    assert_eq!(contained, [false, true, false], "only the length is looked at");
    for blob in [cut, changed, gone] {
        let error = blobs.verify(blob.digest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_eq!(blobs.read(blob.digest).unwrap_err().message(), error.message());
    }
    insta::assert_snapshot!(
        blobs.verify(cut.digest).unwrap_err().message(),
        @"object `5d42a3ca` holds other bytes than were written: its 3 bytes have digest `f2d9a4ce`"
    );
    insta::assert_snapshot!(
        blobs.verify(gone.digest).unwrap_err().message(),
        @"object `afae16e5` is not in the store"
    );
    let found = store.verify().unwrap();
    assert_eq!(
        (found.objects, found.damage.len()),
        (2, 2),
        "nothing speaks of the one that is gone"
    );
}

#[test]
fn bytes_that_come_again_repair_a_short_blob() {
    let (_folder, store) = store();
    let blob = store.blobs().put_bytes(b"abc").unwrap();
    damage(&store, blob.digest, b"a");
    store.blobs().put_bytes(b"abc").unwrap();
    assert_eq!(store.blobs().read(blob.digest).unwrap(), b"abc");
}

#[test]
fn folders_come_back_as_they_were() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join("a/b")).unwrap();
    fs::create_dir_all(source.join("empty/deep")).unwrap();
    fs::write(source.join("a/b/ü.txt"), "deep").unwrap();
    fs::write(source.join("a/nothing"), "").unwrap();
    let about = Description::new("Folder", "folder/1").with_metadata(r#"{"files": 2}"#);

    let content = store.put_folder(&source, &about).unwrap();
    let scratch = store.scratch_folder().unwrap();
    fs::rename(&source, scratch.path().join("same")).unwrap();
    assert_eq!(store.take_folder(&scratch.path().join("same"), &about).unwrap(), content);

    let view = store.view(content).unwrap();
    assert_eq!(store.view(content).unwrap(), view);
    assert_eq!(fs::read(view.join("a/b/ü.txt")).unwrap(), b"deep");
    assert_eq!(fs::read(view.join("a/nothing")).unwrap(), b"");
    assert!(view.join("empty/deep").is_dir());
    assert_eq!(store.put_folder(&view, &about).unwrap(), content, "a view is the same again");

    let path = store.path_of(content, "a/b/ü.txt").unwrap();
    assert_eq!(fs::read(path).unwrap(), b"deep");
    insta::assert_snapshot!(store.read(content, "b").unwrap_err().report(), @"
    artifact `5e471cce` has no file `b`

    hint: it has: a/b/ü.txt, a/nothing
    ");
}

#[test]
fn a_view_is_not_made_of_damaged_files() {
    let (_folder, store) = store();
    let content = store.put_bytes("a.txt", b"abc", &Description::default()).unwrap();
    assert!(store.is_whole(content));
    damage(&store, Digest::of(b"abc"), b"ab");
    assert!(!store.is_whole(content));
    assert_eq!(store.view(content).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.path_of(content, "a.txt").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[cfg(unix)]
#[test]
fn only_files_and_folders_are_kept() {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;

    let (folder, store) = store();
    let about = Description::default();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    std::os::unix::fs::symlink(&source, source.join("loop")).unwrap();
    assert!(store.put_folder(&source, &about).is_err());
    fs::remove_file(source.join("loop")).unwrap();

    let _listener = UnixListener::bind(source.join("socket")).unwrap();
    let error = store.put_folder(&source, &about).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().starts_with("neither file nor folder"), "{error}");
    fs::remove_file(source.join("socket")).unwrap();

    fs::write(source.join(std::ffi::OsStr::from_bytes(b"\xff")), "").unwrap();
    let error = store.put_folder(&source, &about).unwrap_err();
    assert!(error.message().starts_with("file name is not UTF-8"), "{error}");
}
