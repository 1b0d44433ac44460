//! Processes that are killed.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use cannery_store::{Digest, RunFilter, RunStatus, StepStatus, Store};

use crate::child;

fn scratch_files(root: &Path) -> usize {
    fs::read_dir(root.join("tmp")).unwrap().count()
}

#[test]
fn a_store_is_whole_after_any_kill() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0_u64..15 {
        let mut worker = child::start("work until killed", folder.path());
        assert_eq!(worker.next_word().as_deref(), Some("working"));
        thread::sleep(Duration::from_micros(1700 * round * round));
        worker.kill();

        let store = Store::open(folder.path()).unwrap();
        let found = store.verify().unwrap();
        assert!(found.damage.is_empty(), "after kill {round}: {:?}", found.damage);
        for run in store.runs(&RunFilter::default()).unwrap() {
            assert_ne!(run.status, RunStatus::Running, "after kill {round}");
            let steps = store.steps(run.id).unwrap();
            assert!(steps.iter().all(|step| step.status != StepStatus::Running));
            for step in steps.iter().filter(|step| step.status == StepStatus::Completed) {
                let outputs = store.step_outputs(step.id).unwrap();
                assert!(outputs.len() == 1 && store.is_whole(outputs[0].1.digest));
            }
        }
        child::perform_step(&store, child::begin_run(&store), 0, b"and it goes on");
    }
}

#[test]
fn what_was_half_written_goes_and_its_run_has_crashed() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let mut worker = child::start("stop half way", root);
    assert_eq!(worker.next_word().as_deref(), Some("half way"));
    let store = Store::open(root).unwrap();
    let status = || store.runs(&RunFilter::default()).unwrap()[0].status;
    assert_eq!(status(), RunStatus::Running, "another process sees that it lives");
    drop(store.scratch_folder().unwrap());
    assert_eq!(scratch_files(root), 4, "two locks, two folders");

    worker.kill();
    assert_eq!(status(), RunStatus::Crashed);
    let run = &store.runs(&RunFilter::default()).unwrap()[0];
    let told = run.error.clone().unwrap();
    assert!(
        told.contains("ended without a word; completed by then: 0 steps; at work: step"),
        "{told}"
    );
    assert_eq!(run.ended, Some(store.steps(run.id).unwrap()[0].started), "the last that is known");
    drop(store);
    let store = Store::open(root).unwrap();
    store.blobs().put_bytes(b"new").unwrap();
    assert_eq!(scratch_files(root), 2, "the dead one's are gone");
    let half = Digest::of(&[1; 10_000]);
    assert!(!store.blobs().path_of(half).exists());
    assert!(store.verify().unwrap().damage.is_empty());
}
