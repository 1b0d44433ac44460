//! Which steps run, and which versions come of it.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cannery_pipeline::{
    Description, FnStep, KeyParts, Observation, Output, Outputs, Result, StepBody, StepCall,
    StepContext,
};

use crate::helpers::{Bench, finish, join, statuses, submit, text, wait};

/// The pipeline of the first acceptance story; returns its output and how its steps stand.
fn document(bench: &Bench, prefix: &str) -> (String, Vec<String>) {
    let run = bench.begin();
    let number = submit(&run, join("read_integer").literal("value", "3"), &[]);
    let page = submit(&run, join("make_page").literal("prefix", prefix), &[number]);
    let output = submit(&run, join("describe"), &[page]);
    let output = wait(&run, output).unwrap();
    finish(&run).unwrap();
    (output, statuses(&run))
}

#[test]
fn only_what_changed_runs_again() {
    let bench = Bench::new();
    let cases = [
        ("page", "page3", ["completed", "completed", "completed"]),
        ("page", "page3", ["cached", "cached", "cached"]),
        ("sheet", "sheet3", ["cached", "completed", "completed"]),
        ("page", "page3", ["cached", "cached", "cached"]),
    ];
    for (prefix, expected, [one, two, three]) in cases {
        let (output, statuses) = document(&bench, prefix);
        assert_eq!(output, expected);
        let expected = [
            format!("read_integer {one}"),
            format!("make_page {two}"),
            format!("describe {three}"),
        ];
        assert_eq!(statuses, expected);
    }
    let page = bench.store().artifact("make_page", None).unwrap();
    assert_eq!(page.version, 2, "cached steps make no versions");
    let upstream = bench.store().upstream(page.id).unwrap();
    assert_eq!(
        upstream.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(),
        ["pipeline/read_integer"]
    );
    assert_eq!(page.producer.unwrap().name, "make_page");
}

#[test]
fn an_equal_output_stops_the_cascade() {
    let bench = Bench::new();
    for (value, second) in [("a", "completed"), ("b", "cached")] {
        let run = bench.begin();
        let constant = StepCall::new("constant", FnStep::new("1", |_| Ok(text("same").into())));
        let first = submit(&run, constant.literal("value", value), &[]);
        submit(&run, join("second"), &[first]);
        finish(&run).unwrap();
        assert_eq!(statuses(&run), ["constant completed".into(), format!("second {second}")]);
    }
}

#[test]
fn lost_bytes_are_made_anew() {
    let bench = Bench::new();
    document(&bench, "page");
    let page = bench.store().artifact("make_page", None).unwrap();
    fs::remove_file(bench.store().path_of(page.digest, "value.txt").unwrap()).unwrap();
    let (output, statuses) = document(&bench, "page");
    assert_eq!(output, "page3");
    assert_eq!(statuses, ["read_integer cached", "make_page completed", "describe cached"]);
    assert_eq!(bench.store().artifact("make_page", None).unwrap(), page, "the same version");
}

#[test]
fn a_step_may_refuse_the_cache() {
    let bench = Bench::new();
    for _ in 0..2 {
        let run = bench.begin();
        submit(&run, join("now").literal("x", "1").use_cache(false), &[]);
        finish(&run).unwrap();
        assert_eq!(statuses(&run), ["now completed"]);
    }
    assert_eq!(bench.store().artifact("now", None).unwrap().version, 1);
}

#[test]
fn a_key_holds_all_that_matters() {
    let call = |name: &str, version: &str| {
        StepCall::new(name, FnStep::new(version, |_| Ok(text("x").into())))
    };
    let bench = Bench::new();
    let stored = {
        let run = bench.begin();
        submit(&run, call("stored", "1"), &[]);
        finish(&run).unwrap();
        bench.store().artifact("stored", None).unwrap()
    };
    let different: [fn(StepCall) -> StepCall; 6] = [
        |call| call,
        |call| call.literal("n", "1"),
        |call| call.literal("n", "\"1\""),
        |call| call.literal("m", "1"),
        |call| call.literal("n", "1").literal("m", ""),
        |call| call.literal("nm", "1"),
    ];
    for vary in different {
        for name in ["a", "b"] {
            for version in ["1", "2"] {
                let run = bench.begin();
                submit(&run, vary(call(name, version)), &[]);
                submit(&run, vary(call(name, version)).input("input", stored.clone()), &[]);
                finish(&run).unwrap();
                let labels = [format!("{name} completed"), format!("{name}-2 completed")];
                assert_eq!(statuses(&run), labels);
            }
        }
    }
}

#[test]
fn several_outputs_have_names() {
    let bench = Bench::new();
    for cached in [false, true] {
        let run = bench.begin();
        let split = FnStep::new("1", |context: &StepContext| {
            let folder = context.output_folder()?;
            fs::write(folder.join("value.txt"), "left").unwrap();
            let about = Description::new("str", "text/1");
            Ok(Outputs::new()
                .with(Output::folder(folder, about).named("left"))
                .with(text("right").named("right")))
        });
        let split = run.submit(StepCall::new("split", split)).unwrap();
        let both = join("both").output_of("b", split, "right").output_of("a", split, "left");
        let both = run.submit(both).unwrap();
        assert_eq!(wait(&run, both).unwrap(), "rightleft");
        assert_eq!(run.outcome(split).unwrap().unwrap().cached, cached);
        finish(&run).unwrap();
    }
    assert_eq!(bench.store().artifact("split.left", None).unwrap().version, 1);
    let error = {
        let run = bench.begin();
        let split = submit(&run, join("single").literal("x", "1"), &[]);
        let user = run.submit(join("user").output_of("a", split, "middle")).unwrap();
        wait(&run, user).unwrap_err()
    };
    insta::assert_snapshot!(error.report(), @"
    step `user` failed: step `single` has no output `middle`

    hint: its only output has no name
    ");
}

#[test]
fn files_and_logs_are_kept() {
    let bench = Bench::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "from a file").unwrap();
    let path = file.path().to_owned();
    let run = bench.begin();
    let body = FnStep::new("1", move |context: &StepContext| {
        context.log("first line\n")?;
        context.log("second line\n")?;
        Ok(Output::file(&path, Description::new("str", "text/1")).into())
    });
    let step = run.submit(StepCall::new("copy", body)).unwrap();
    let outcome = run.wait(step, &mut || Ok(())).unwrap();
    let name = file.path().file_name().unwrap().to_str().unwrap();
    let kept = bench.store().read(outcome.output("").unwrap().digest, name).unwrap();
    assert_eq!(kept, b"from a file");
    let log = bench.store().steps(run.id()).unwrap()[0].log.unwrap();
    assert_eq!(bench.store().blobs().read(log).unwrap(), b"first line\nsecond line\n");
    finish(&run).unwrap();
}

/// Reads a number from outside of the store, and says so.
struct Outside(Arc<AtomicU32>);

impl StepBody for Outside {
    fn key_parts(&self, _: &StepContext) -> Result<KeyParts> {
        Ok(KeyParts::new().with("code", "1"))
    }

    fn execute(&self, _: &StepContext) -> Result<Outputs> {
        let seen = self.0.load(Ordering::Relaxed).to_string();
        Ok(Outputs::from(text(seen.as_str())).observed("number", seen))
    }

    fn is_unchanged(&self, seen: &[Observation]) -> Result<bool> {
        let now = self.0.load(Ordering::Relaxed).to_string();
        Ok(seen.iter().all(|one| one.label == "number" && one.state == now))
    }
}

#[test]
fn what_a_step_looked_at_outside_is_looked_at_again() {
    let bench = Bench::new();
    let outside = Arc::new(AtomicU32::new(0));
    for (number, cached) in [(1, false), (1, true), (2, false), (1, true), (2, true)] {
        outside.store(number, Ordering::Relaxed);
        let run = bench.begin();
        let step = run.submit(StepCall::new("outside", Outside(Arc::clone(&outside)))).unwrap();
        assert_eq!(wait(&run, step).unwrap(), number.to_string());
        assert_eq!(run.outcome(step).unwrap().unwrap().cached, cached);
        finish(&run).unwrap();
    }
}
