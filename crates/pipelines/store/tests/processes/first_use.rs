//! Several processes meet a store that is not there yet.

use std::fs;

use cannery_store::{ArtifactFilter, RunFilter, RunStatus, Store};

use crate::child;

const PROCESSES: usize = 6;

#[test]
fn processes_that_start_at_the_same_moment_all_succeed() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        let mut children: Vec<_> = (0..PROCESSES).map(|_| child::start("one run", &root)).collect();
        for child in &mut children {
            assert_eq!(child.next_word().as_deref(), Some("ready"));
        }
        fs::write(root.with_extension("go"), "").unwrap();
        assert!(children.iter_mut().all(child::Running::ended_well));

        let store = Store::open(&root).unwrap();
        let completed = RunFilter::default().status(RunStatus::Completed);
        assert_eq!(store.runs(&completed).unwrap().len(), PROCESSES);
        let all = ArtifactFilter::default().name("step").all_versions();
        let artifacts = store.artifacts(&all).unwrap();
        let mut versions: Vec<_> = artifacts.iter().map(|a| a.version as usize).collect();
        versions.reverse();
        assert_eq!(versions, (1..=PROCESSES).collect::<Vec<_>>());
        assert!(store.verify().unwrap().damage.is_empty());
    }
}
