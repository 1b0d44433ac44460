//! The same pipeline in several processes: this test program starts itself as them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs, thread, time::Duration};

use cannery_pipeline::{Engine, Store};
use cannery_store::{ArtifactFilter, RunFilter, RunStatus};

use crate::helpers::{finish, join, step, submit, text, wait};

const ROOT: &str = "CANNERY_TEST_ROOT";
const PROCESSES: usize = 4;

/// The way in for child processes; on its own it has nothing to do.
#[test]
fn child() {
    let Some(root) = env::var_os(ROOT).map(PathBuf::from) else { return };
    let go = root.with_extension("go");
    fs::write(root.with_extension(std::process::id().to_string()), "ready").unwrap();
    while !go.exists() {
        thread::sleep(Duration::from_micros(200));
    }
    let run = Engine::new(Store::open(root).unwrap()).begin_run("same", "{}", None).unwrap();
    let slow = step("slow", |_| {
        thread::sleep(Duration::from_millis(20));
        Ok(text("slow"))
    });
    let slow = submit(&run, slow, &[]);
    let end = submit(&run, join("end"), &[slow]);
    assert_eq!(wait(&run, end).unwrap(), "slow");
    finish(&run).unwrap();
}

#[test]
fn identical_steps_at_the_same_moment_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let start = || {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "processes::child"])
            .env(ROOT, &root)
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut children: Vec<_> = (0..PROCESSES).map(|_| start()).collect();
    while fs::read_dir(folder.path()).unwrap().count() < PROCESSES {
        thread::sleep(Duration::from_millis(1));
    }
    fs::write(root.with_extension("go"), "").unwrap();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));

    let store = Store::open(&root).unwrap();
    let completed = store.runs(&RunFilter::default().status(RunStatus::Completed)).unwrap();
    assert_eq!(completed.len(), PROCESSES);
    let versions = store.artifacts(&ArtifactFilter::default().all_versions()).unwrap();
    assert_eq!(versions.len(), 2, "equal results are one version: {versions:?}");
    assert!(store.verify().unwrap().damage.is_empty());
}
