//! Stores that a stranger made, or changed: nothing outside of them is read, and nothing hangs.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use cannery_store::{
    ArtifactFilter, Blob, Description, Digest, Error, ErrorKind, FsckOptions, NewRun, RunFilter,
    RunStatus, Store,
};
use rusqlite::Connection;
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// A store with the artifact `note`, one file `a.txt` that holds `abc`.
fn with_note() -> (TempDir, Store, Digest) {
    let (folder, store) = store();
    let content = store.put_bytes("a.txt", b"abc", &Description::new("Note", "note/1")).unwrap();
    store.add_artifact("note", content).unwrap();
    (folder, store, content)
}

fn sql(root: &Path, statements: &str) {
    let catalog = Connection::open(root.join("catalog.sqlite")).unwrap();
    catalog.execute_batch(statements).unwrap();
}

fn reopened(root: &Path, statements: &str) -> Error {
    sql(root, statements);
    Store::open(root).unwrap_err()
}

fn remove(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        fs::remove_dir_all(path).unwrap();
    } else if path.symlink_metadata().is_ok() {
        fs::remove_file(path).unwrap();
    }
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

type Forgery = (&'static str, Box<dyn Fn(&Path)>);

/// What can be put in the place of a file.
fn forgeries(outside: &Path) -> [Forgery; 6] {
    let (a, b) = (outside.to_owned(), outside.to_owned());
    [
        ("a symbolic link", Box::new(move |path| symlink(&a, path).unwrap())),
        ("another name", Box::new(move |path| fs::hard_link(&b, path).unwrap())),
        ("a folder", Box::new(|path| fs::create_dir(path).unwrap())),
        ("neither file nor folder", Box::new(pipe)),
        ("a symbolic link", Box::new(|path| symlink("/dev/zero", path).unwrap())),
        ("other bytes", Box::new(|path| fs::write(path, "cba").unwrap())),
    ]
}

#[test]
fn a_blob_is_a_file_of_its_own_and_is_repaired() {
    let (folder, store, content) = with_note();
    let blob = Blob { digest: Digest::of(b"abc"), size: 3 };
    let path = store.blobs().path_of(blob.digest);
    let outside = folder.path().join("outside");
    // The very bytes that belong there: it is the link that is refused.
    fs::write(&outside, "abc").unwrap();
    for (reason, forge) in forgeries(&outside) {
        remove(&path);
        forge(&path);
        for error in [
            store.blobs().read(blob.digest).unwrap_err(),
            store.blobs().verify(blob.digest).unwrap_err(),
            store.view(content).unwrap_err(),
            store.linked_view(content).unwrap_err(),
            store.path_of(content, "a.txt").unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{reason}: {error}");
            assert!(error.to_string().contains(reason), "{reason}: {error}");
        }
        assert!(!store.is_whole(content), "{reason}");
        store.blobs().put_bytes(b"abc").unwrap();
        assert!(store.is_whole(content), "{reason}");
        assert_eq!(store.read(content, "a.txt").unwrap(), b"abc");
        assert_eq!(fs::read(&outside).unwrap(), b"abc");
    }
}

#[test]
fn a_shard_is_a_folder_of_its_own_and_is_repaired() {
    let (folder, store, content) = with_note();
    let path = store.blobs().path_of(Digest::of(b"abc"));
    let (shard, outside) = (path.parent().unwrap(), folder.path().join("outside"));
    fs::rename(shard, &outside).unwrap();
    symlink(&outside, shard).unwrap();
    assert_eq!(store.read(content, "a.txt").unwrap_err().kind(), ErrorKind::Corrupt);
    store.blobs().put_bytes(b"abc").unwrap();
    assert_eq!(store.read(content, "a.txt").unwrap(), b"abc");
    assert!(!shard.is_symlink() && outside.is_dir());
}

#[test]
fn damage_names_the_artifact_the_file_and_the_runs() {
    let (_folder, store, content) = with_note();
    store.add_artifact("same", content).unwrap();
    let path = store.blobs().path_of(Digest::of(b"abc"));
    remove(&path);
    fs::write(&path, "cba").unwrap();
    insta::assert_snapshot!(
        store.view(content).unwrap_err().message(),
        @"artifact `note@1`, `same@1`, file `a.txt`: object `6437b3ac` holds other bytes than were written: its 3 bytes have digest `23ec8b1c`"
    );
}

#[test]
fn an_object_without_end_is_not_read_to_its_end() {
    let (folder, store, content) = with_note();
    let path = store.blobs().path_of(Digest::of(b"abc"));
    remove(&path);
    // 64 GiB that take no room on the disk.
    fs::File::create(&path).unwrap().set_len(1 << 36).unwrap();
    let error = store.read(content, "a.txt").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let message = "object `6437b3ac` has 68719476736 bytes where 3 were recorded";
    assert!(error.message().contains(message), "{error}");
    assert_eq!(store.view(content).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.copy_to(folder.path().join("copy")).unwrap().damaged, 1);
}

#[test]
fn a_copy_takes_whole_records_only_and_follows_no_link() {
    let (folder, store, _) = with_note();
    let records = store.root().join("runs");
    let outside = folder.path().join("secret");
    fs::write(&outside, "secret").unwrap();
    symlink(&outside, records.join("7")).unwrap();
    fs::write(records.join("8"), "cannery run 1\nend 00\n").unwrap();
    // 64 GiB that take no room on the disk.
    fs::File::create(records.join("9")).unwrap().set_len(1 << 36).unwrap();
    assert!(Command::new("mkfifo").arg(records.join("10")).status().unwrap().success());
    let copy = folder.path().join("copy");
    store.copy_to(&copy).unwrap();
    let names = fs::read_dir(copy.join("runs")).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["artifact-1"]);
    assert_eq!(
        fs::read(copy.join("runs/artifact-1")).unwrap(),
        fs::read(records.join("artifact-1")).unwrap()
    );
}

#[test]
fn a_large_file_that_changes_is_hashed_again() {
    let (_folder, store) = store();
    let mut bytes = vec![7; 3 << 20];
    let blob = store.blobs().put_bytes(&bytes).unwrap();
    store.blobs().prove(blob).unwrap();
    let path = store.blobs().path_of(blob.digest);
    bytes[1_234_567] ^= 1;
    // The clock of some file systems is slow.
    std::thread::sleep(std::time::Duration::from_millis(30));
    remove(&path);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(store.blobs().prove(blob).unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!store.blobs().is_sound(blob));
}

#[test]
fn a_view_is_a_copy_and_is_made_anew_where_it_differs() {
    let (folder, store, content) = with_note();
    let view = store.view(content).unwrap();
    let file = view.join("a.txt");
    let outside = folder.path().join("outside");
    fs::write(&outside, "abc").unwrap();
    for (_, forge) in forgeries(&outside) {
        remove(&file);
        forge(&file);
        assert_eq!(store.view(content).unwrap(), view);
        assert_eq!(fs::read(&file).unwrap(), b"abc");
        assert!(!file.is_symlink());
    }
    fs::write(view.join("more"), "").unwrap();
    fs::create_dir(view.join("folder")).unwrap();
    assert_eq!(store.view(content).unwrap(), view);
    assert_eq!(fs::read_dir(&view).unwrap().count(), 1);
    // Whoever may write to it, as root may, does not write to the store.
    remove(&file);
    fs::write(&file, "changed").unwrap();
    assert_eq!(store.read(content, "a.txt").unwrap(), b"abc");
}

#[test]
fn a_view_does_not_lie_behind_a_link() {
    let (folder, store, content) = with_note();
    let view = store.view(content).unwrap();
    let outside = folder.path().join("outside");
    for place in [view.clone(), view.parent().unwrap().to_owned(), store.root().join("views")] {
        remove(&outside);
        fs::rename(&place, &outside).unwrap();
        symlink(&outside, &place).unwrap();
        assert_eq!(store.view(content).unwrap(), view);
        assert!(!place.is_symlink() && outside.is_dir(), "{}", place.display());
    }
}

#[test]
fn a_linked_view_goes_with_its_value() {
    let (_folder, store, content) = with_note();
    let view = store.linked_view(content).unwrap();
    assert_eq!(fs::read(view.path().join("a.txt")).unwrap(), b"abc");
    let path = view.path().to_owned();
    drop(view);
    assert!(!path.exists() && store.is_whole(content));
}

#[test]
fn files_of_the_store_itself_are_no_links() {
    for name in ["version", "lock", "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let (folder, root) = closed();
        let (path, outside) = (root.join(name), folder.path().join("outside"));
        if path.exists() {
            fs::rename(&path, &outside).unwrap();
        }
        for forge in [
            Box::new(|path: &Path| symlink(&outside, path).unwrap()) as Box<dyn Fn(&Path)>,
            Box::new(pipe),
            Box::new(|path: &Path| fs::create_dir(path).unwrap()),
        ] {
            remove(&path);
            forge(&path);
            let error = Store::open(&root).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name}: {error}");
            assert!(error.message().contains(name), "{error}");
        }
    }
}

#[test]
fn folders_of_the_store_are_no_links() {
    for name in ["objects", "tmp", "views"] {
        let (folder, root) = closed();
        let outside = folder.path().join("outside");
        fs::rename(root.join(name), &outside).unwrap();
        // What a sweep of leftovers would remove.
        fs::write(outside.join("mine.lock"), "").unwrap();
        fs::create_dir(outside.join("mine")).unwrap();
        symlink(&outside, root.join(name)).unwrap();
        assert_eq!(Store::open(&root).unwrap_err().kind(), ErrorKind::Corrupt, "{name}");
        assert!(outside.join("mine").exists());
    }
}

#[test]
fn a_journal_that_would_delete_files_is_refused() {
    let (_folder, root) = closed();
    fs::write(root.join("catalog.sqlite-journal"), "").unwrap();
    insta::assert_snapshot!(
        Store::open(&root).unwrap_err().message(),
        @"the store has a `catalog.sqlite-journal` that is refused: no finished store has such a file"
    );
    fs::remove_file(root.join("version")).unwrap();
    Store::open(&root).unwrap();
    assert!(!root.join("catalog.sqlite-journal").exists());
}

fn closed() -> (TempDir, PathBuf) {
    let (folder, store) = store();
    let root = store.root().to_owned();
    (folder, root)
}

#[test]
fn a_schema_that_does_more_than_hold_data_is_refused() {
    let hang = "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let cases = [
        format!("ALTER TABLE artifacts RENAME TO other; CREATE VIEW artifacts AS {hang}"),
        format!("ALTER TABLE runs RENAME TO other; CREATE VIEW runs AS {hang}"),
        "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM steps; END".to_owned(),
        "CREATE INDEX slow ON artifacts (hex(name))".to_owned(),
        "CREATE VIRTUAL TABLE v USING fts5(x)".to_owned(),
        "ALTER TABLE runs ADD COLUMN made TEXT GENERATED ALWAYS AS (hex(host))".to_owned(),
        "DROP TABLE observations".to_owned(),
        "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '')"
            .to_owned(),
    ];
    for statements in cases {
        let (_folder, root) = closed();
        let error = reopened(&root, &statements);
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{statements}: {error}");
        let reading = fs::metadata(root.join("catalog.sqlite")).unwrap();
        assert!(reading.is_file());
    }
    let (_folder, root) = closed();
    insta::assert_snapshot!(
        reopened(&root, "CREATE VIEW peek AS SELECT 1").report(),
        @"
    the catalog has the view `peek`: no catalog of ours has such a thing

    hint: it was made or changed by another program; it is not read
    "
    );
    let (_folder, root) = closed();
    sql(&root, "ANALYZE");
    Store::open(&root).unwrap();
}

#[test]
fn texts_that_are_no_text_are_shown_as_far_as_they_are() {
    let (_folder, store, _) = with_note();
    sql(store.root(), "UPDATE artifacts SET name = CAST(x'61ff62' AS TEXT)");
    let found = store.artifacts(&ArtifactFilter::default()).unwrap();
    assert_eq!(found[0].name, "a\u{fffd}b");
}

#[test]
fn texts_that_are_enormous_are_an_error_or_cut() {
    let (_folder, store, _) = with_note();
    sql(store.root(), "UPDATE artifacts SET name = hex(zeroblob(100000))");
    let error = store.artifacts(&ArtifactFilter::default()).unwrap_err();
    assert!(error.to_string().contains("200000 bytes"), "{error}");

    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&new).unwrap();
    sql(store.root(), "UPDATE runs SET error = hex(zeroblob(5000000))");
    let runs = store.runs(&RunFilter::default()).unwrap();
    assert_eq!(runs[0].error.as_ref().unwrap().len(), 1 << 20);
    sql(store.root(), "UPDATE runs SET params = hex(zeroblob(50000000))");
    assert_eq!(store.runs(&RunFilter::default()).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn a_session_names_no_file_elsewhere() {
    let (folder, store, _) = with_note();
    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&new).unwrap();
    pipe(&folder.path().join("x.lock"));
    for session in ["../../x", "/tmp/x", "..", "a/b", ""] {
        sql(store.root(), &format!("UPDATE runs SET session = '{session}'"));
        let runs = store.runs(&RunFilter::default()).unwrap();
        assert_eq!(runs[0].status.as_str(), "crashed", "{session}");
    }
}

#[test]
fn numbers_out_of_range_do_not_stop_the_reader() {
    let (_folder, store, content) = with_note();
    sql(store.root(), "UPDATE artifacts SET version = 4294967295, created = 253402300799000000");
    let found = store.artifact("note", None).unwrap();
    assert_eq!(found.created.to_string(), "9999-12-31T23:59:59Z");
    assert_eq!(store.add_artifact("note", content).unwrap().version, u32::MAX);
    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&new).unwrap();
    sql(store.root(), "UPDATE runs SET started = -9, ended = 253402300799000000");
    assert!(store.runs(&RunFilter::default()).unwrap()[0].duration().is_some());
    sql(store.root(), "UPDATE runs SET pid = -1");
    assert_eq!(store.runs(&RunFilter::default()).unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_time_that_no_calendar_has_is_damage_that_is_repaired() {
    let cases = [("artifacts", "created"), ("runs", "started"), ("runs", "ended")];
    for (table, column) in cases {
        for micros in [i64::MAX, i64::MIN, 253_402_300_800_000_000] {
            let (_folder, store, _) = with_note();
            let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
            let run = store.begin_run(&new).unwrap();
            store.end_run(run, RunStatus::Completed, None).unwrap();
            sql(store.root(), &format!("UPDATE {table} SET {column} = {micros}"));
            let error = match table {
                "runs" => store.runs(&RunFilter::default()).unwrap_err(),
                _ => store.artifacts(&ArtifactFilter::default()).unwrap_err(),
            };
            assert_eq!(error.kind(), ErrorKind::Corrupt);
            let told = format!("a `{column}` of {micros}, a time outside of the years 1 to 9999");
            assert!(error.to_string().ends_with(&told), "{error}");

            let root = store.root().to_owned();
            drop(store);
            let found = FsckOptions::default().repair(true).check(&root).unwrap();
            assert!(found.findings[0].message.ends_with(&told), "{:?}", found.findings);
            let store = Store::open(root).unwrap();
            assert_eq!(store.artifacts(&ArtifactFilter::default()).unwrap().len(), 1);
            assert_eq!(store.runs(&RunFilter::default()).unwrap().len(), 1);
        }
    }
}

#[test]
fn the_manifest_says_what_an_artifact_is() {
    let (_folder, store, _) = with_note();
    let other = store.put_bytes("b", b"xyz", &Description::new("Other", "other/1")).unwrap();
    store.add_artifact("other", other).unwrap();
    let whole = |name| store.manifest_of(&store.artifact(name, None).unwrap());
    assert_eq!(whole("note").unwrap().description.type_name, "Note");

    sql(store.root(), "UPDATE artifacts SET type_name = 'subprocess.Popen' WHERE name = 'note'");
    insta::assert_snapshot!(
        whole("note").unwrap_err().message(),
        @"the catalog says the type `subprocess.Popen` of artifact `note@1`, its manifest `Note`"
    );
    let found = "(SELECT digest FROM artifacts WHERE name = 'note')";
    sql(store.root(), &format!("UPDATE artifacts SET digest = {found} WHERE name = 'other'"));
    assert_eq!(whole("other").unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn a_manifest_leads_nowhere_else() {
    let (_folder, store) = store();
    let blob = store.blobs().put_bytes(b"abc").unwrap();
    for path in ["../x", "/etc/x", "a/../../x", "a//b", ".", "a/\\n/../x"] {
        let text = format!(
            "cannery artifact 1\ntype T\nformat f/1\nmetadata {{}}\nfile {} 3 {path}\n",
            blob.digest
        );
        let content = store.blobs().put_bytes(text.as_bytes()).unwrap().digest;
        assert_eq!(store.view(content).unwrap_err().kind(), ErrorKind::Value, "{path}");
        assert_eq!(store.linked_view(content).unwrap_err().kind(), ErrorKind::Value, "{path}");
    }
    assert_eq!(store.view(blob.digest).unwrap_err().kind(), ErrorKind::Syntax);
}

#[test]
fn another_users_store_must_be_named() {
    let (folder, root) = closed();
    let found = folder.path().join(".cannery");
    fs::rename(&root, &found).unwrap();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    assert_eq!(Store::nearest(&below).unwrap(), Some(found.clone()));
    // Only root can give it away.
    if std::os::unix::fs::chown(&found, Some(65534), None).is_err() {
        return;
    }
    for refused in [Store::nearest(&below).unwrap_err(), Store::find(&below).unwrap_err()] {
        assert_eq!(refused.kind(), ErrorKind::Permission);
        assert!(refused.hint().unwrap().contains("CANNERY_STORE"), "{refused}");
    }
    Store::open(&found).unwrap();
}
