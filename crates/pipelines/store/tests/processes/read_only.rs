//! A store that another user made: it can be read and not written.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use cannery_store::{RunStatus, Store};
use tempfile::TempDir;

use crate::child::{self, Running};

/// Root may write everywhere, so for root the reader is somebody else.
const NOBODY: u32 = 65534;

/// Takes away the right to write below a folder; gives it back when dropped.
struct Locked(PathBuf);

impl Locked {
    fn new(root: &Path) -> Self {
        set_modes(root, 0o555, 0o444);
        Self(root.to_owned())
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        set_modes(&self.0, 0o755, 0o644);
    }
}

fn set_modes(path: &Path, folder_mode: u32, file_mode: u32) {
    let mode = if path.is_dir() { folder_mode } else { file_mode };
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            set_modes(&entry.unwrap().path(), folder_mode, file_mode);
        }
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A folder that everybody may read, with this program in it.
fn public_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    (folder, program)
}

fn look_around(program: &Path, root: &Path) -> Vec<String> {
    let mut command = child::command(program, "look around", root);
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut child: Running = child::start_command(&mut command);
    let root = root.display().to_string();
    std::iter::from_fn(|| child.next_word()).map(|word| word.replace(&root, "ROOT")).collect()
}

fn fill(root: &Path) -> Store {
    let store = Store::open(root).unwrap();
    let run = child::begin_run(&store);
    child::perform_step(&store, run, 0, b"the value");
    store.end_run(run, RunStatus::Completed, None).unwrap();
    store
}

#[test]
fn a_read_only_store_can_be_read() {
    let (folder, program) = public_folder();
    let root = folder.path().join("store");
    drop(fill(&root));
    let _locked = Locked::new(&root);
    insta::assert_snapshot!(look_around(&program, &root).join("\n"), @"
    completed
    the value
    0 damaged
    run 2 completed
    Permission cannot write to the store `ROOT`: it is read-only / make the folder writable, or name another store with the environment variable CANNERY_STORE
    completed
    ");
}

#[test]
fn a_read_only_store_whose_writer_was_killed_is_read_to_its_last_record() {
    let (folder, program) = public_folder();
    let root = folder.path().join("store");
    drop(fill(&root));
    let mut worker = child::start("stop half way", &root);
    assert_eq!(worker.next_word().as_deref(), Some("half way"));
    worker.kill();
    // What a copy onto other media has.
    fs::remove_file(root.join("catalog.sqlite-shm")).unwrap();
    assert!(fs::metadata(root.join("catalog.sqlite-wal")).unwrap().len() > 0);
    let _locked = Locked::new(&root);
    let words = look_around(&program, &root);
    assert_eq!(words[..2], ["crashed completed", "the value"]);
}

#[test]
fn a_store_is_read_while_its_owner_writes() {
    let (folder, program) = public_folder();
    let root = folder.path().join("store");
    let store = fill(&root);
    child::begin_run(&store);
    if fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        let words = look_around(&program, &root);
        assert_eq!(words[..2], ["running completed", "the value"]);
    } else {
        println!("not root: nobody else could be asked");
    }
}

#[test]
fn a_store_is_not_made_where_nothing_can_be_written() {
    let (folder, program) = public_folder();
    let parent = folder.path().join("parent");
    fs::create_dir(&parent).unwrap();
    let _locked = Locked::new(&parent);
    insta::assert_snapshot!(look_around(&program, &parent.join(".cannery")).join("\n"), @"Permission cannot make the store `ROOT`: Permission denied (os error 13) / make the folder writable, or name another store with the environment variable CANNERY_STORE");
}
