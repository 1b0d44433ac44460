//! What must be true of a store, whatever happened to the processes that used it.

use std::collections::HashMap;
use std::path::Path;

use cannery_pipeline::{RunStatus, StepStatus, Store};
use cannery_store::{ArtifactFilter, FsckOptions, RunFilter};

use crate::child::Acknowledged;

/// Nothing is damaged or partial, dead runs say so, and a key has one value.
pub(crate) fn check(store: &Store, about: &str) {
    let damage = store.verify().unwrap().damage;
    assert!(damage.is_empty(), "{about}: {damage:?}");
    let mut values = HashMap::new();
    for run in store.runs(&RunFilter::default()).unwrap() {
        assert_ne!(run.status, RunStatus::Running, "{about}: run {}", run.id);
        if run.status == RunStatus::Crashed {
            let told = run.error.expect("what is known of it");
            assert!(told.contains("ended without a word"), "{about}: {told}");
        }
        for step in store.steps(run.id).unwrap() {
            assert_ne!(step.status, StepStatus::Running, "{about}: run {}", run.id);
            if step.status != StepStatus::Completed {
                continue;
            }
            let outputs = store.step_outputs(step.id).unwrap();
            assert_eq!(outputs.len(), 1, "{about}: a completed step has its output");
            let digest = outputs[0].1.digest;
            assert!(store.is_whole(digest), "{about}");
            if let Some(key) = step.cache_key {
                assert_eq!(*values.entry(key).or_insert(digest), digest, "{about}: two values");
            }
        }
    }
}

/// What a process was told is so, and stays so.
pub(crate) fn check_acknowledged(store: &Store, acknowledged: &[Acknowledged], about: &str) {
    for Acknowledged { run, value } in acknowledged {
        let record = store.run(*run).unwrap();
        assert_eq!(record.status, RunStatus::Completed, "{about}: run {run}");
        let outputs = store.artifacts(&ArtifactFilter::default().run(*run)).unwrap();
        let last = outputs.iter().find(|artifact| artifact.name.ends_with("/last")).unwrap();
        let bytes = store.read(last.digest, "value.txt").unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), *value, "{about}: run {run}");
    }
}

/// After what can be repaired is, nothing is left to say, and nothing lies about.
pub(crate) fn check_clean(root: &Path) {
    let options = FsckOptions::default().read_data(true);
    let repaired = options.repair(true).check(root).unwrap();
    assert!(repaired.is_ok(), "{:?}", repaired.findings);
    let found = options.check(root).unwrap();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let store = Store::open(root).unwrap();
    drop(store.scratch_folder().unwrap());
    drop(store);
    assert_eq!(std::fs::read_dir(root.join("tmp")).unwrap().count(), 0);
}
