//! Runs, steps, artifact versions and lineage.

use std::time::Duration;

use cannery_store::{
    ArtifactFilter, ArtifactRecord, CachedStep, Description, Digest, Direction, ErrorKind, KeyPart,
    NewRun, NewStep, RunFilter, RunId, RunStatus, SkippedStep, StepEnd, StepId, StepOutput,
    StepReport, StepStatus, Store, Timestamp, Usage, artifact_path,
};
use tempfile::TempDir;

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

fn begin_run(store: &Store, pipeline: &str) -> RunId {
    let run = NewRun { pipeline: pipeline.into(), params: "{}".into(), ..NewRun::default() };
    store.begin_run(&run).unwrap()
}

fn new_step(run: RunId, name: &str, position: u32, inputs: &[&ArtifactRecord]) -> NewStep {
    let inputs = inputs.iter().enumerate().map(|(i, input)| (format!("x{i}"), input.id));
    NewStep {
        run,
        name: name.into(),
        invocation: 1,
        position,
        cache_key: Some(Digest::of(name.as_bytes())),
        key_parts: vec![KeyPart {
            label: "code".into(),
            digest: Digest::of(b"1"),
            shown: Some("1".into()),
        }],
        inputs: inputs.collect(),
        started: Timestamp::now(),
    }
}

fn cached(store: &Store, key: Digest) -> Option<CachedStep> {
    store.cached_step(key).unwrap()
}

/// Does a step whose output is `text`.
fn perform(store: &Store, step: &NewStep, text: &str) -> (StepId, ArtifactRecord) {
    let id = store.begin_step(step).unwrap();
    let about = Description::new("str", "text/1");
    let output = StepOutput {
        output: String::new(),
        artifact: step.name.clone(),
        content: store.put_bytes("value.txt", text.as_bytes(), &about).unwrap(),
    };
    let mut outputs =
        store.end_step(id, &StepEnd::Completed(vec![output]), &StepReport::default()).unwrap();
    (id, outputs.remove(0).1)
}

#[test]
fn a_run_is_told_from_beginning_to_end() {
    let (_folder, store) = store();
    let new = NewRun {
        pipeline: "train".into(),
        params: r#"{"depth": 3}"#.into(),
        code_version: Some("abc".into()),
        tags: vec!["nightly".into(), "50% \"quoted\"".into()],
    };
    let id = store.begin_run(&new).unwrap();
    let run = store.run(id).unwrap();
    assert_eq!((run.status, run.ended, run.pid), (RunStatus::Running, None, std::process::id()));
    assert_eq!((run.params, run.code_version), (new.params, new.code_version));
    assert_eq!((run.tags, run.output), (new.tags, None));
    assert!(!run.host.is_empty());

    store.end_run(id, RunStatus::Failed, Some("boom")).unwrap();
    let run = store.run(id).unwrap();
    assert_eq!((run.status, run.error.as_deref()), (RunStatus::Failed, Some("boom")));
    assert!(run.duration().is_some());
    insta::assert_snapshot!(store.run(RunId(9)).unwrap_err().report(), @"
    the store has no run 9

    hint: `cannery runs` lists them
    ");
}

#[test]
fn runs_are_listed_newest_first_and_filtered() {
    let (_folder, store) = store();
    let ids = ["a", "b", "a"].map(|pipeline| begin_run(&store, pipeline));
    store.end_run(ids[0], RunStatus::Completed, None).unwrap();
    let listed =
        |filter| -> Vec<i64> { store.runs(&filter).unwrap().iter().map(|run| run.id.0).collect() };
    let all = RunFilter::default;
    assert_eq!(listed(all()), [3, 2, 1]);
    assert_eq!(listed(all().limit(1)), [3]);
    assert_eq!(listed(all().pipeline("a")), [3, 1]);
    assert_eq!(listed(all().pipeline("a").status(RunStatus::Running)), [3]);
    assert_eq!(listed(all().status(RunStatus::Completed)), [1]);
}

#[test]
fn a_run_whose_store_was_closed_has_crashed() {
    let (folder, store) = store();
    let run = begin_run(&store, "lost");
    store.begin_step(&new_step(run, "half", 0, &[])).unwrap();
    assert_eq!(store.run(run).unwrap().status, RunStatus::Running);
    drop(store);

    let store = Store::open(folder.path()).unwrap();
    let check = || {
        assert_eq!(store.run(run).unwrap().status, RunStatus::Crashed);
        assert_eq!(store.steps(run).unwrap()[0].status, StepStatus::Crashed);
        let filter = RunFilter::default();
        assert_eq!(store.runs(&filter.clone().status(RunStatus::Crashed)).unwrap().len(), 1);
        assert!(store.runs(&filter.status(RunStatus::Running)).unwrap().is_empty());
    };
    check();
    let next = begin_run(&store, "next");
    store.end_run(next, RunStatus::Completed, None).unwrap();
    check();
}

#[test]
fn steps_keep_what_is_known_of_them() {
    let (_folder, store) = store();
    let run = begin_run(&store, "p");
    let second = new_step(run, "second", 1, &[]);
    let (id, _) = perform(&store, &new_step(run, "first", 0, &[]), "x");
    let failed = store.begin_step(&second).unwrap();
    let log = store.blobs().put_bytes(b"the log").unwrap().digest;
    store
        .end_step(
            failed,
            &StepEnd::Failed("boom".into()),
            &StepReport { log: Some(log), ..StepReport::default() },
        )
        .unwrap();
    let skipped = NewStep { invocation: 2, position: 2, cache_key: None, ..second };
    let needs = vec![("rows".to_owned(), "second".to_owned())];
    store.record_skipped_steps(&[SkippedStep { step: skipped, needs }]).unwrap();

    let steps = store.steps(run).unwrap();
    let told: Vec<_> = steps.iter().map(|step| (step.label(), step.status)).collect();
    assert_eq!(
        told,
        [
            ("first".to_owned(), StepStatus::Completed),
            ("second".to_owned(), StepStatus::Failed),
            ("second-2".to_owned(), StepStatus::Skipped)
        ]
    );
    assert_eq!((steps[1].error.as_deref(), steps[1].log), (Some("boom"), Some(log)));
    assert_eq!(store.step(id).unwrap(), steps[0]);
    let parts = store.key_parts(steps[0].cache_key.unwrap()).unwrap();
    assert_eq!(parts[0].shown.as_deref(), Some("1"));
    assert_eq!(store.step(StepId(99)).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_version_is_new_when_content_or_origin_is() {
    let (_folder, store) = store();
    let source = |text: &str| {
        let about = Description::new("str", "text/1");
        let content = store.put_bytes("a", text.as_bytes(), &about).unwrap();
        store.add_artifact("source", content).unwrap()
    };
    let (old, new) = (source("old"), source("new"));
    assert_eq!([old.version, new.version], [1, 2]);
    assert_eq!(source("new").version, 2, "added again, it is the same");

    let cases = [
        ("x", &old, 1, "the first"),
        ("x", &old, 1, "the same from the same"),
        ("y", &old, 2, "other content"),
        ("x", &old, 3, "the first content again: the latest is another"),
        ("x", &new, 4, "the same from something else"),
    ];
    for (text, input, version, why) in cases {
        let run = begin_run(&store, "p");
        let (step, artifact) = perform(&store, &new_step(run, "result", 0, &[input]), text);
        assert_eq!(artifact.version, version, "{why}");
        let outputs = store.step_outputs(step).unwrap();
        assert_eq!(outputs, [(String::new(), artifact)], "{why}");
        assert_eq!(store.step_inputs(step).unwrap()[0].1.id, input.id);
    }
    assert_eq!(store.artifact("result", None).unwrap().version, 4);
    let all = ArtifactFilter::default().name("result").all_versions();
    assert_eq!(store.artifacts(&all).unwrap().len(), 4);
    assert_eq!(store.artifacts(&ArtifactFilter::default()).unwrap().len(), 2, "one of each name");
}

#[test]
fn artifacts_are_found_by_what_people_type() {
    let (_folder, store) = store();
    let run = begin_run(&store, "p");
    let (_, one) = perform(&store, &new_step(run, "page", 0, &[]), "1");
    let (_, two) =
        perform(&store, &NewStep { invocation: 2, ..new_step(run, "page", 1, &[]) }, "2");
    assert_eq!(store.find_artifact("page").unwrap(), two);
    assert_eq!(store.find_artifact("page@1").unwrap(), one);
    assert_eq!(store.find_artifact(&one.digest.to_string()).unwrap(), one);
    assert_eq!(store.find_artifact(&one.digest.short()).unwrap(), one);
    assert_eq!(store.find_artifact(&one.digest.to_string()[..4].to_uppercase()).unwrap(), one);

    let message = |text: &str| store.find_artifact(text).unwrap_err().report();
    insta::assert_snapshot!(message("pages"), @"
    the store has no artifact `pages`

    hint: the store has, newest first: `page`
    ");
    insta::assert_snapshot!(message("page@7"), @"
    artifact `page` has no version 7

    hint: its versions are 1 to 2
    ");
    let (_folder, empty) = self::store();
    insta::assert_snapshot!(empty.find_artifact("ffff").unwrap_err().report(), @"
    the store has no artifact `ffff`

    hint: the store is empty: run a pipeline first
    ");
}

#[test]
fn lineage_leads_up_and_down() {
    let (_folder, store) = store();
    let run = begin_run(&store, "p");
    let (_, data) = perform(&store, &new_step(run, "data", 0, &[]), "data");
    let (_, left) = perform(&store, &new_step(run, "left", 1, &[&data]), "left");
    let (_, right) = perform(&store, &new_step(run, "right", 2, &[&data]), "right");
    let (_, end) = perform(&store, &new_step(run, "end", 3, &[&left, &right, &left]), "end");

    let names = |artifacts: Vec<ArtifactRecord>| -> Vec<String> {
        artifacts.into_iter().map(|artifact| artifact.name).collect()
    };
    assert_eq!(names(store.upstream(end.id).unwrap()), ["left", "right"]);
    assert_eq!(names(store.downstream(data.id).unwrap()), ["left", "right"]);
    let up = store.lineage(end.id, Direction::Up).unwrap();
    assert_eq!(up.edges.len(), 5);
    assert_eq!(names(up.artifacts), ["end", "left", "right", "data"]);
    let down = store.lineage(data.id, Direction::Down).unwrap();
    assert_eq!(names(down.artifacts), ["data", "left", "right", "end"]);
    assert_eq!(end.producer.unwrap().name, "end");
}

#[test]
fn a_cached_step_leads_down_from_what_went_into_it() {
    let (_folder, store) = store();
    let first = begin_run(&store, "p");
    let (_, data) = perform(&store, &new_step(first, "data", 0, &[]), "data");
    let (_, result) = perform(&store, &new_step(first, "result", 1, &[&data]), "result");
    let other = store.add_artifact("copy", data.digest).unwrap();

    let second = begin_run(&store, "p");
    let known = cached(&store, Digest::of(b"result")).unwrap();
    let step = new_step(second, "result", 0, &[&other]);
    store.record_cached_steps(&[(step, known)]).unwrap();
    assert!(store.steps(second).unwrap()[0].cached);
    assert_eq!(store.downstream(other.id).unwrap(), std::slice::from_ref(&result));
    assert_eq!(store.upstream(result.id).unwrap(), [data]);
    assert_eq!(store.artifacts(&ArtifactFilter::default().run(second)).unwrap(), [result]);
}

#[test]
fn a_result_is_known_only_while_its_bytes_are_there() {
    let (_folder, store) = store();
    let run = begin_run(&store, "p");
    let key = Digest::of(b"result");
    assert!(cached(&store, key).is_none());
    let (step, artifact) = perform(&store, &new_step(run, "result", 0, &[]), "bytes");
    assert_eq!(cached(&store, key).unwrap().step, step);
    std::fs::remove_file(store.blobs().path_of(Digest::of(b"bytes"))).unwrap();
    assert!(cached(&store, key).is_none());

    let found = store.verify().unwrap();
    assert_eq!(found.damage.len(), 1, "a catalogued artifact lacks its bytes");
    assert_eq!(found.damage[0].digest, Digest::of(b"bytes"));
    store.blobs().put_bytes(b"bytes").unwrap();
    std::fs::remove_file(store.blobs().path_of(artifact.digest)).unwrap();
    assert!(cached(&store, key).is_none(), "nor without its manifest");
    assert_eq!(store.verify().unwrap().damage[0].digest, artifact.digest);
}

#[test]
fn tags_outputs_and_aliases_are_found_again_and_survive_a_lost_catalog() {
    let (folder, store) = store();
    let new = NewRun { pipeline: "p".into(), tags: vec!["nightly".into()], ..NewRun::default() };
    let run = store.begin_run(&new).unwrap();
    let other = NewRun { pipeline: "p".into(), tags: vec!["Nightly".into()], ..NewRun::default() };
    let other = store.begin_run(&other).unwrap();
    let step = store.begin_step(&new_step(run, "train", 0, &[])).unwrap();
    let report = StepReport {
        usage: Usage { cpu: Some(Duration::from_millis(3)), memory: Some(1 << 20) },
        attempts: 2,
        ..StepReport::default()
    };
    let content = store.put_bytes("a", b"model", &Description::new("m", "m/1")).unwrap();
    let output = StepOutput { output: String::new(), artifact: "train".into(), content };
    store.end_step(step, &StepEnd::Completed(vec![output]), &report).unwrap();
    store.set_run_output(run, "[1]").unwrap();
    let model = store.artifact("train", None).unwrap();
    store.set_alias("production", &model).unwrap();
    store.end_run(run, RunStatus::Completed, None).unwrap();
    store.end_run(other, RunStatus::Completed, None).unwrap();
    store.set_run_tags(other, &["weekly".into()]).unwrap();
    let check = |store: &Store| {
        let tagged = |tag| {
            let found = store.runs(&RunFilter::default().tag(tag)).unwrap();
            found.iter().map(|run| run.id).collect::<Vec<_>>()
        };
        assert_eq!((tagged("nightly"), tagged("weekly")), (vec![run], vec![other]));
        assert_eq!((tagged("Nightly"), tagged("night")), (vec![], vec![]));
        assert_eq!(store.run(run).unwrap().output.as_deref(), Some("[1]"));
        assert_eq!(store.find_artifact("train@production").unwrap().id, model.id);
        let step = &store.steps(run).unwrap()[0];
        assert_eq!((step.usage, step.attempts), (report.usage, 2));
    };
    check(&store);
    for wrong in ["", "3", "a b", "a@b"] {
        assert_eq!(store.set_alias(wrong, &model).unwrap_err().kind(), ErrorKind::Value);
    }
    assert_eq!(store.set_run_tags(run, &["a\nb".into()]).unwrap_err().kind(), ErrorKind::Value);
    let root = store.root().to_owned();
    drop(store);
    std::fs::remove_file(root.join("catalog.sqlite")).unwrap();
    Store::rebuild(&root).unwrap();
    check(&Store::open(&root).unwrap());
    drop(folder);
}

/// Does a step of a pipeline, whose output is `text`.
fn perform_in(store: &Store, pipeline: &str, step: &str, output: &str, text: &str) -> StepId {
    let run = begin_run(store, pipeline);
    let id = store.begin_step(&new_step(run, step, 0, &[])).unwrap();
    let about = Description::new("str", "text/1");
    let made = StepOutput {
        output: output.into(),
        artifact: artifact_path(pipeline, step, output),
        content: store.put_bytes("value.txt", text.as_bytes(), &about).unwrap(),
    };
    store.end_step(id, &StepEnd::Completed(vec![made]), &StepReport::default()).unwrap();
    id
}

#[test]
fn an_artifact_is_found_by_its_path_and_by_what_only_it_is_called() {
    let (_folder, store) = store();
    perform_in(&store, "daily", "train", "", "one");
    perform_in(&store, "daily", "split", "low", "two");
    let path = |name: &str| store.find_artifact(name).unwrap().name;
    assert_eq!(path("train"), "daily/train");
    assert_eq!(path("daily/train@1"), "daily/train");
    assert_eq!(path("split.low"), "daily/split.low");

    perform_in(&store, "weekly", "train", "", "three");
    assert_eq!(store.artifact("weekly/train", None).unwrap().version, 1);
    let filter = |name: &str| store.artifacts(&ArtifactFilter::default().name(name));
    assert_eq!(filter("daily/train").unwrap().len(), 1);
    assert_eq!(filter("ain").unwrap(), []);
    let message = |name: &str| store.artifact(name, None).unwrap_err().report();
    insta::assert_snapshot!(message("train"), @"
    several artifacts are called `train`: `daily/train`, `weekly/train`

    hint: give the path of one of them
    ");
    insta::assert_snapshot!(filter("train").unwrap_err().report(), @"
    several artifacts are called `train`: `daily/train`, `weekly/train`

    hint: give the path of one of them
    ");
    insta::assert_snapshot!(message("daily/split"), @"
    `daily/split` has an artifact for each of its outputs

    hint: they are: `daily/split.low`
    ");
    insta::assert_snapshot!(message("split"), @"
    `split` has an artifact for each of its outputs

    hint: they are: `daily/split.low`
    ");
}

#[test]
fn a_known_result_of_another_pipeline_becomes_an_artifact_of_this_one() {
    let (_folder, store) = store();
    let first = perform_in(&store, "daily", "train", "", "one");
    let key = Digest::of(b"train");
    let adopt = |pipeline: &str| {
        let known = cached(&store, key).unwrap();
        store.adopt(known, "train", pipeline).unwrap().outputs.remove(0).1
    };
    let own = adopt("daily");
    assert_eq!((own.name.as_str(), own.version), ("daily/train", 1));
    let other = adopt("weekly");
    assert_eq!((other.name.as_str(), other.version), ("weekly/train", 1));
    assert_eq!(other.digest, own.digest);
    assert_eq!(other.producer.as_ref().unwrap().step, first);
    assert_eq!(adopt("weekly"), other, "once");
    perform_in(&store, "daily", "train", "", "two");
    assert_eq!(adopt("weekly").version, 2);
    assert_eq!(store.artifact("weekly/train", Some(1)).unwrap(), other);
}

#[test]
fn files_are_proven_one_by_one() {
    let (_folder, store) = store();
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.txt", "b.txt"] {
        std::fs::write(folder.path().join(name), name).unwrap();
    }
    let content = store.put_folder(folder.path(), &Description::new("str", "text/1")).unwrap();
    let files = store.files(content).unwrap();
    let rotten = files.path("b.txt").unwrap();
    std::fs::remove_file(&rotten).unwrap();
    std::fs::write(&rotten, "c.txt").unwrap();
    let whole = std::fs::read(files.path("a.txt").unwrap()).unwrap();
    assert_eq!(whole, b"a.txt");
    assert_eq!(files.path("b.txt").unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(files.path("c.txt").unwrap_err().kind(), ErrorKind::NotFound);
}
