//! Checking, repairing, cleaning and copying stores.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cannery_store::{
    ArtifactFilter, Blob, Description, Digest, ErrorKind, FsckOptions, GcOptions, NewRun, NewStep,
    Reuse, RunFilter, RunId, RunStatus, StepEnd, StepOutput, StepReport, Store, Timestamp,
};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

/// A run of two steps: `data`, whose value is `text`, and `result`, which is made from it.
fn run(store: &Store, pipeline: &str, text: &str) -> RunId {
    let new = NewRun { pipeline: pipeline.into(), params: "{}".into(), ..NewRun::default() };
    let run = store.begin_run(&new).unwrap();
    let data = perform(store, run, 0, "data", text, Vec::new());
    perform(store, run, 1, "result", &format!("of {text}"), vec![("data".into(), data)]);
    store.end_run(run, RunStatus::Completed, None).unwrap();
    run
}

fn perform(
    store: &Store,
    run: RunId,
    position: u32,
    name: &str,
    text: &str,
    inputs: Vec<(String, cannery_store::ArtifactId)>,
) -> cannery_store::ArtifactId {
    let step = NewStep {
        run,
        name: name.into(),
        invocation: 1,
        position,
        cache_key: Some(Digest::of(text.as_bytes())),
        key_parts: Vec::new(),
        inputs,
        started: Timestamp::now(),
    };
    if let Some(known) = store.cached_step(Digest::of(text.as_bytes())).unwrap() {
        let artifact = known.outputs[0].1.id;
        store.record_cached_steps(&[(step, known)]).unwrap();
        return artifact;
    }
    let id = store.begin_step(&step).unwrap();
    let about = Description::new("str", "text/1");
    let content = store.put_bytes("value.txt", text.as_bytes(), &about).unwrap();
    let output = StepOutput { output: String::new(), artifact: name.into(), content };
    let ended =
        store.end_step(id, &StepEnd::Completed(vec![output]), &StepReport::default()).unwrap();
    ended[0].1.id
}

/// The file system's clock goes in steps: what is written in one of them has one age.
fn pass_a_tick() {
    std::thread::sleep(Duration::from_millis(20));
}

fn blob(text: &str) -> Blob {
    Blob { digest: Digest::of(text.as_bytes()), size: text.len() as u64 }
}

fn overwrite(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}

/// Lets all objects look as if they had been written so long ago.
fn age(root: &Path, by: Duration) {
    for shard in fs::read_dir(root.join("objects")).unwrap().flatten() {
        for object in fs::read_dir(shard.path()).unwrap().flatten() {
            let file = File::open(object.path()).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        }
    }
}

fn messages(root: &Path, options: FsckOptions) -> Vec<String> {
    let found = options.check(root).unwrap().findings;
    let told = found.into_iter().map(|finding| {
        let repair = finding.repair.map(|done| format!(" -> {done}")).unwrap_or_default();
        format!("{}{repair}", finding.message)
    });
    told.collect()
}

/// All that the catalog says, as text.
fn told(store: &Store) -> String {
    let mut lines = Vec::new();
    for run in store.runs(&RunFilter::default()).unwrap() {
        lines.push(format!("{run:?}"));
        for step in store.steps(run.id).unwrap() {
            let (inputs, outputs) =
                (store.step_inputs(step.id).unwrap(), store.step_outputs(step.id).unwrap());
            lines.push(format!("{step:?} {inputs:?} {outputs:?}"));
        }
    }
    let all = store.artifacts(&ArtifactFilter::default().all_versions()).unwrap();
    lines.extend(all.iter().map(|artifact| format!("{artifact:?}")));
    lines.join("\n")
}

fn remove_catalog(root: &Path) {
    for name in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        let _ = fs::remove_file(root.join(name));
    }
}

#[test]
fn a_whole_store_is_ok() {
    let (folder, store) = store();
    run(&store, "p", "a");
    run(&store, "p", "a");
    let found = FsckOptions::default().read_data(true).check(folder.path()).unwrap();
    assert!(found.is_ok() && found.findings.is_empty(), "{found:?}");
    assert_eq!((found.objects, found.artifacts, found.runs, found.unreferenced), (4, 2, 2, 0));
}

#[test]
fn damage_is_named_and_its_step_runs_again() {
    let (folder, store) = store();
    run(&store, "p", "a");
    overwrite(&store.blobs().path_of(blob("of a").digest), "fo a");
    fs::remove_file(store.blobs().path_of(blob("a").digest)).unwrap();
    let quick = messages(folder.path(), FsckOptions::default());
    assert_eq!(quick.len(), 1, "{quick:?}");
    assert!(quick[0].contains("artifact `data@1`, file `value.txt`: object"), "{quick:?}");
    let full = messages(folder.path(), FsckOptions::default().read_data(true).repair(true));
    assert_eq!(full.len(), 2, "{full:?}");
    assert!(full[0].contains("`result@1`") && full[0].contains("moved to `damaged/`"), "{full:?}");
    assert!(full[0].contains("made by run 1 (step result)"), "{full:?}");

    run(&store, "p", "a");
    let found = FsckOptions::default().read_data(true).check(folder.path()).unwrap();
    assert!(found.is_ok(), "the same bytes are there again: {found:?}");
}

#[test]
fn a_damaged_result_is_not_replaced_by_an_older_one() {
    let (_folder, store) = store();
    let key = Digest::of(b"key");
    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    for text in ["old", "new"] {
        let run = store.begin_run(&new).unwrap();
        let step = NewStep {
            run,
            name: "step".into(),
            invocation: 1,
            position: 0,
            cache_key: Some(key),
            key_parts: Vec::new(),
            inputs: Vec::new(),
            started: Timestamp::now(),
        };
        let id = store.begin_step(&step).unwrap();
        let about = Description::new("str", "text/1");
        let content = store.put_bytes("value.txt", text.as_bytes(), &about).unwrap();
        let output = StepOutput { output: String::new(), artifact: "step".into(), content };
        store.end_step(id, &StepEnd::Completed(vec![output]), &StepReport::default()).unwrap();
    }
    assert_eq!(store.cached_step(key).unwrap().unwrap().outputs[0].1.version, 2);
    overwrite(&store.blobs().path_of(blob("new").digest), "xxx");
    assert!(store.cached_step(key).unwrap().is_none());
}

#[test]
fn results_are_used_again_while_they_are_young_enough() {
    let (folder, store) = store();
    run(&store, "p", "a");
    let key = Digest::of(b"a");
    let known = |reuse: Reuse| store.cached_step_if(key, &reuse, &mut |_| Ok(true)).unwrap();
    let hour = Reuse::default().not_older_than(Duration::from_secs(3600));
    assert!(known(hour).is_some());
    assert!(known(Reuse::default().of_run(RunId(7))).is_none());
    let catalog = rusqlite::Connection::open(folder.path().join("catalog.sqlite")).unwrap();
    // Made two hours ago, or by a clock that is a day ahead.
    for hours in [-2_i64, 24] {
        let ended = Timestamp::now().as_micros() + hours * 3_600_000_000;
        catalog.execute("UPDATE steps SET ended = ?", [ended]).unwrap();
        assert!(known(hour).is_none(), "{hours} hours from now");
        assert!(known(Reuse::default()).is_some());
    }
}

#[test]
fn the_catalog_is_made_anew_from_the_records_of_runs() {
    let (folder, store) = store();
    run(&store, "p", "a\ttab\nline\\");
    run(&store, "p", "b");
    run(&store, "q", "b");
    store.put_bytes("note.txt", b"by hand", &Description::new("Note", "text/1")).unwrap();
    let note = Digest::of(b"by hand");
    let content = store.put_bytes("n", b"by hand", &Description::new("Note", "text/1")).unwrap();
    store.add_artifact("note", content).unwrap();
    let before = told(&store);
    drop(store);
    remove_catalog(folder.path());
    assert_eq!(Store::open(folder.path()).unwrap_err().kind(), ErrorKind::Corrupt);
    let found = messages(folder.path(), FsckOptions::default());
    assert_eq!(found.len(), 1, "{found:?}");

    let found = FsckOptions::default().repair(true).check(folder.path()).unwrap();
    assert!(found.is_ok(), "{found:?}");
    let store = Store::open(folder.path()).unwrap();
    let after = told(&store);
    // The other manifest that was never given a name has one now.
    let recovered = store.artifacts(&ArtifactFilter::default()).unwrap();
    let recovered: Vec<_> =
        recovered.iter().filter(|artifact| artifact.name.starts_with("recovered-")).collect();
    assert_eq!(recovered.len(), 1);
    assert!(
        store.read(recovered[0].digest, "note.txt").is_ok_and(|read| Digest::of(&read) == note)
    );
    let without = after.replace(&format!("{:?}\n", recovered[0]), "");
    assert_eq!(without, before);
    let next = run(&store, "p", "b");
    assert_eq!(next, RunId(4));
    assert!(store.steps(next).unwrap().iter().all(|step| step.cached));
}

#[test]
fn a_damaged_catalog_and_a_damaged_record_cost_only_what_they_held() {
    let (folder, store) = store();
    for text in ["a", "b", "c"] {
        run(&store, "p", text);
    }
    drop(store);
    let record = folder.path().join("runs/2");
    let text = fs::read_to_string(&record).unwrap();
    overwrite(&record, &text.replace("completed", "complated"));
    remove_catalog(folder.path());
    fs::write(folder.path().join("catalog.sqlite"), "no database at all ".repeat(300)).unwrap();
    let found = messages(folder.path(), FsckOptions::default().repair(true));
    assert!(
        found.iter().any(|message| message.contains("runs/2` of a run is damaged")),
        "{found:?}"
    );
    let store = Store::open(folder.path()).unwrap();
    let runs: Vec<_> =
        store.runs(&RunFilter::default()).unwrap().iter().map(|run| run.id.0).collect();
    assert_eq!(runs, [3, 1]);
    let names = store.artifacts(&ArtifactFilter::default().all_versions()).unwrap();
    let recovered = names.iter().filter(|artifact| artifact.name.starts_with("recovered-")).count();
    assert_eq!((names.len(), recovered), (6, 2));
}

#[test]
fn a_catalog_in_use_is_not_made_anew() {
    let (folder, store) = store();
    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&new).unwrap();
    let error = Store::rebuild(folder.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

#[test]
fn only_what_nothing_names_and_is_old_goes() {
    let (folder, store) = store();
    run(&store, "p", "a");
    store.blobs().put_bytes(b"garbage").unwrap();
    let collected = GcOptions::default().collect(&store).unwrap();
    assert_eq!((collected.objects, collected.too_new), (0, 1));
    age(folder.path(), Duration::from_secs(7200));
    let collected = GcOptions::default().dry_run(true).collect(&store).unwrap();
    assert_eq!((collected.objects, collected.bytes), (1, 7));
    assert!(store.blobs().contains(blob("garbage")));
    // Used again, it counts as new.
    store.blobs().put_bytes(b"garbage").unwrap();
    assert_eq!(GcOptions::default().collect(&store).unwrap().objects, 0);
    age(folder.path(), Duration::from_secs(7200));
    assert_eq!(GcOptions::default().collect(&store).unwrap().objects, 1);
    assert!(!store.blobs().contains(blob("garbage")) && store.blobs().contains(blob("a")));
}

#[test]
fn a_session_is_a_lease() {
    let (folder, store) = store();
    let other = Store::open(folder.path()).unwrap();
    let new = NewRun { pipeline: "p".into(), params: "{}".into(), ..NewRun::default() };
    let run = other.begin_run(&new).unwrap();
    pass_a_tick();
    other.blobs().put_bytes(b"not yet recorded").unwrap();
    let all = GcOptions::default().grace(Duration::ZERO).keep_last(0);
    let collected = all.collect(&store).unwrap();
    assert!(collected.is_busy, "a run is going on");
    assert_eq!((collected.objects, collected.too_new), (0, 1));
    other.end_run(run, RunStatus::Completed, None).unwrap();
    pass_a_tick();
    let collected = all.collect(&store).unwrap();
    assert_eq!((collected.runs.len(), collected.objects), (0, 0), "its process goes on");
    drop(other);
    let collected = all.collect(&store).unwrap();
    assert_eq!((collected.runs.len(), collected.objects), (1, 1));
}

#[test]
fn old_runs_go_and_what_newer_ones_use_stays() {
    let (folder, store) = store();
    let (first, second) = (run(&store, "p", "a"), run(&store, "p", "b"));
    let third = run(&store, "p", "a");
    let other = run(&store, "q", "c");
    pass_a_tick();
    let options = GcOptions::default().keep_last(1).grace(Duration::ZERO);
    let young = GcOptions::default().keep_last(1).collect(&store).unwrap();
    assert!(young.runs.is_empty(), "within the grace period");
    let planned = options.dry_run(true).collect(&store).unwrap();
    let collected = options.collect(&store).unwrap();
    assert_eq!((&planned.runs, &planned.artifacts), (&collected.runs, &collected.artifacts));
    assert_eq!(collected.runs, [second], "the first made what the third uses");
    assert_eq!(collected.artifacts, ["data@2", "result@2"]);
    assert_eq!((collected.steps, collected.objects), (2, 4));
    let left: Vec<_> =
        store.runs(&RunFilter::default()).unwrap().iter().map(|run| run.id).collect();
    assert_eq!(left, [other, third, first]);
    let found = FsckOptions::default().read_data(true).check(folder.path()).unwrap();
    assert!(found.findings.is_empty() && found.unreferenced == 0, "{found:?}");
    let old = GcOptions::default().older_than(Duration::from_secs(60)).collect(&store).unwrap();
    assert!(old.runs.is_empty());
    let all = GcOptions::default().older_than(Duration::ZERO).grace(Duration::ZERO);
    assert_eq!(all.collect(&store).unwrap().runs.len(), 3);
    assert_eq!(FsckOptions::default().check(folder.path()).unwrap().objects, 0);
}

#[test]
fn a_copy_is_a_store_of_its_own() {
    let (folder, store) = store();
    run(&store, "p", "a");
    run(&store, "p", "b");
    overwrite(&store.blobs().path_of(blob("of b").digest), "fo b");
    let target = folder.path().join("copy");
    let copied = store.copy_to(&target).unwrap();
    assert_eq!((copied.objects, copied.damaged), (7, 1));
    let copy = Store::open(&target).unwrap();
    assert_eq!(told(&copy), told(&store));
    run(&copy, "p", "b");
    assert!(FsckOptions::default().read_data(true).check(&target).unwrap().is_ok());
    assert_eq!(store.copy_to(&target).unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_store_holds_no_more_than_its_quota() {
    let (_folder, store) = store();
    run(&store, "p", "a");
    let size = store.size().unwrap();
    assert_eq!((size.objects, size.quota), (4, None));
    store.set_quota(Some(size.bytes + 10)).unwrap();
    store.blobs().put_bytes(b"12345678").unwrap();
    let error = store.blobs().put_bytes(b"123").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    store.blobs().put_bytes(b"12").unwrap();
    store.set_quota(None).unwrap();
    store.blobs().put_bytes(&[0; 1000]).unwrap();
}

#[test]
fn an_older_catalog_is_migrated() {
    let (folder, store) = store();
    run(&store, "p", "a");
    let before = told(&store);
    drop(store);
    let catalog = rusqlite::Connection::open(folder.path().join("catalog.sqlite")).unwrap();
    let newer = "DROP INDEX artifacts_by_step; DROP TABLE run_notes; DROP TABLE step_usage;
                 DROP TABLE aliases; PRAGMA user_version = 1";
    catalog.execute_batch(newer).unwrap();
    drop(catalog);
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(told(&store), before);
    run(&store, "p", "b");
}

#[test]
fn handles_that_are_dormant_keep_nothing_open() {
    let descriptors = |root: &Path| {
        let links = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let targets = links.filter_map(|link| fs::read_link(link.path()).ok());
        targets.filter(|target: &PathBuf| target.starts_with(root)).count()
    };
    let (folder, store) = store();
    let root = folder.path().canonicalize().unwrap();
    run(&store, "p", "a");
    assert!(descriptors(&root) > 0 || !cfg!(target_os = "linux"));
    let dormant = store.dormant();
    drop(store);
    assert_eq!(descriptors(&root), 0);
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    assert_eq!(dormant.runs(&RunFilter::default()).unwrap().len(), 1);
    run(&dormant, "p", "b");
    assert_eq!(descriptors(&root), 0);
    let (one, two) = (Store::shared(&root).unwrap(), Store::shared(&root).unwrap());
    let open = descriptors(&root);
    let three = Store::shared(&root).unwrap();
    assert_eq!(descriptors(&root), open, "handles share their files");
    drop((one, two, three));
    assert_eq!(descriptors(&root), 0);
}

#[test]
fn a_catalog_that_was_emptied_is_no_new_one() {
    for has_version in [true, false] {
        let (folder, store) = store();
        run(&store, "p", "a");
        let before = told(&store);
        drop(store);
        remove_catalog(folder.path());
        fs::write(folder.path().join("catalog.sqlite"), "").unwrap();
        if !has_version {
            fs::remove_file(folder.path().join("version")).unwrap();
        }
        assert_eq!(Store::open(folder.path()).unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(FsckOptions::default().repair(true).check(folder.path()).unwrap().is_ok());
        assert_eq!(told(&Store::open(folder.path()).unwrap()), before);
    }
}

#[test]
fn folders_that_were_removed_come_back() {
    let (folder, store) = store();
    run(&store, "p", "a");
    drop(store);
    for name in ["objects", "tmp", "views", "runs"] {
        let _ = fs::remove_dir_all(folder.path().join(name));
    }
    let missing = messages(folder.path(), FsckOptions::default());
    assert_eq!(missing.len(), 3, "two manifests and a record: {missing:?}");
    let store = Store::open(folder.path()).unwrap();
    run(&store, "p", "a");
    assert!(FsckOptions::default().repair(true).check(folder.path()).unwrap().is_ok());
}
