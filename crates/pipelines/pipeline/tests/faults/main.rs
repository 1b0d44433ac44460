//! Seeded faults: processes that die at every named place, many processes at once, bytes that rot
//! and a catalog that is locked. What was acknowledged is never lost, and nothing partial is seen.
//!
//! A short slice is part of the tests; `CANNERY_FAULT_CYCLES=1000` and `CANNERY_FAULT_SEED` make it
//! longer and another.

#![cfg(unix)]

mod child;
mod invariants;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use cannery_pipeline::Store;
use cannery_store::{ArtifactFilter, failpoint};

use crate::child::{Job, Random, number};

/// The way in for child processes; on its own it has nothing to do.
#[test]
fn child() {
    if let Some(job) = Job::of_this_process() {
        job.perform();
    }
}

fn cycles(short: u64) -> u64 {
    number("CANNERY_FAULT_CYCLES").unwrap_or(short)
}

fn random() -> Random {
    Random::new(number("CANNERY_FAULT_SEED").unwrap_or(1))
}

#[test]
fn a_process_may_die_at_any_named_place() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let mut random = random();
    let names = failpoint::NAMES;
    let mut died = 0;
    for cycle in 0..cycles(2 * names.len() as u64) {
        let name = names[usize::try_from(cycle).unwrap() % names.len()];
        let point = format!("{name}:{}", 1 + random.below(6));
        let job = Job { root: root.clone(), seed: random.below(4), runs: 3, versions: false };
        let (acknowledged, survived) = job.run(Some(&point));
        died += u64::from(!survived);
        let about = format!("cycle {cycle}, {point}");
        let store = Store::open(&root).unwrap();
        invariants::check(&store, &about);
        invariants::check_acknowledged(&store, &acknowledged, &about);
    }
    assert!(died > 0, "no failpoint was reached");
    // What is left behind is finished by the next run, which nothing kills.
    let job = Job { root: root.clone(), seed: 0, runs: 1, versions: false };
    assert!(job.run(None).1);
    invariants::check_clean(&root);
}

#[test]
fn many_processes_make_many_versions() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let (processes, runs) = if cycles(0) == 0 { (4, 6) } else { (8, 200) };
    let workers: Vec<_> = (0..processes)
        .map(|seed| {
            let job = Job { root: root.clone(), seed, runs, versions: true };
            thread::spawn(move || job.run(None))
        })
        .collect();
    let store = Store::open(&root).unwrap();
    let mut made = 0;
    for worker in workers {
        let (acknowledged, survived) = worker.join().unwrap();
        assert!(survived);
        made += acknowledged.len();
        invariants::check_acknowledged(&store, &acknowledged, "many processes");
    }
    invariants::check(&store, "many processes");
    let filter = ArtifactFilter::default().name("last").all_versions();
    let versions: Vec<_> =
        store.artifacts(&filter).unwrap().iter().rev().map(|artifact| artifact.version).collect();
    let expected: Vec<u32> = (1..=u32::try_from(made).unwrap()).collect();
    assert_eq!(versions, expected, "each run made one, and no number comes twice");
}

#[test]
fn rotten_bytes_are_never_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let mut random = random();
    for cycle in 0..cycles(20).min(200) {
        let job = Job { root: root.clone(), seed: cycle % 3, runs: 1, versions: false };
        let (acknowledged, survived) = job.run(None);
        assert!(survived, "cycle {cycle}");
        // It holds what was acknowledged against what it must be.
        invariants::check_acknowledged(&Store::open(&root).unwrap(), &acknowledged, "rot");
        rot(&root, &mut random);
    }
}

/// Changes a byte of some object, cuts it or removes it.
fn rot(root: &Path, random: &mut Random) {
    let shards = fs::read_dir(root.join("objects")).unwrap().flatten();
    let mut objects: Vec<_> = shards
        .flat_map(|shard| fs::read_dir(shard.path()).unwrap().flatten())
        .map(|object| object.path())
        .collect();
    objects.sort();
    let path = &objects[usize::try_from(random.below(objects.len() as u64)).unwrap()];
    let mut bytes = fs::read(path).unwrap();
    fs::remove_file(path).unwrap();
    match random.below(3) {
        0 => {}
        1 => fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        _ => {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] ^= 1 << random.below(8);
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn a_locked_catalog_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    drop(Store::open(&root).unwrap());
    let mut catalog = rusqlite::Connection::open(root.join("catalog.sqlite")).unwrap();
    let lock = catalog.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
    let job = Job { root: root.clone(), seed: 0, runs: 1, versions: false };
    let worker = thread::spawn(move || job.run(None));
    thread::sleep(Duration::from_millis(300));
    drop(lock);
    let (acknowledged, survived) = worker.join().unwrap();
    assert!(survived && acknowledged.len() == 1);
}
