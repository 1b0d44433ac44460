//! Steps that fail, panic, are stopped or misused.

use std::error::Error as _;
use std::fmt;

use cannery_pipeline::{
    Description, Error, ErrorKind, FnStep, Output, Outputs, RunStatus, StepCall, StepContext,
};

use cannery_store::RunFilter;

use crate::helpers::{Bench, finish, join, statuses, step, submit, text, wait};

/// Stands for Python's exception.
#[derive(Debug)]
struct HostException(u32);

impl fmt::Display for HostException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception number {}", self.0)
    }
}

impl std::error::Error for HostException {}

fn status(bench: &Bench) -> (RunStatus, Option<String>) {
    let run = bench.store().runs(&RunFilter::default()).unwrap().remove(0);
    (run.status, run.error)
}

#[test]
fn a_failure_skips_what_needs_it_and_keeps_what_was_done() {
    for workers in [0, 2] {
        let bench = Bench::with_workers(workers);
        let run = bench.begin();
        let good = submit(&run, join("good").literal("x", "1"), &[]);
        wait(&run, good).unwrap();
        let bad = submit(&run, step("bad", |_| Err(Error::host(HostException(7)))), &[good]);
        let after = submit(&run, join("after"), &[bad]);
        let last = submit(&run, join("last"), &[after]);

        for waited in [bad, last, bad] {
            let error = wait(&run, waited).unwrap_err();
            assert_eq!((error.step(), error.kind()), (Some("bad"), ErrorKind::Host));
            let host = error.error().source().unwrap().downcast_ref::<HostException>();
            assert_eq!(host.unwrap().0, 7, "the original exception");
        }
        let late = submit(&run, join("late"), &[bad]);
        assert!(run.outcome(late).unwrap().is_err());
        assert_eq!(finish(&run).unwrap_err().step(), Some("bad"));
        assert_eq!(
            statuses(&run),
            ["good completed", "bad failed", "after skipped", "last skipped", "late skipped"]
        );
        insta::allow_duplicates! {
            insta::assert_snapshot!(status(&bench).1.unwrap(), @"step `bad` failed: exception number 7");
        }
        assert_eq!(status(&bench).0, RunStatus::Failed);

        let again = bench.begin();
        submit(&again, join("good").literal("x", "1"), &[]);
        finish(&again).unwrap();
        assert_eq!(statuses(&again), ["good cached"], "it goes on from there");
    }
}

#[test]
fn a_pipeline_may_live_with_a_failure_but_its_run_has_failed() {
    let bench = Bench::new();
    let run = bench.begin();
    let bad = submit(&run, step("bad", |_| Err(Error::host(HostException(1)))), &[]);
    wait(&run, bad).unwrap_err();
    let instead = submit(&run, join("instead").literal("x", "fine"), &[]);
    assert_eq!(wait(&run, instead).unwrap(), "fine");
    submit(&run, join("never asked for").literal("x", ""), &[]);
    finish(&run).unwrap_err();
    assert_eq!(statuses(&run), ["bad failed", "instead completed", "never asked for skipped"]);
}

#[test]
fn a_panic_is_a_failure() {
    let bench = Bench::with_workers(1);
    let run = bench.begin();
    let number = 3;
    let panics = [
        submit(&run, step("words", |_| panic!("out of cheese")), &[]),
        submit(&run, step("format", move |_| panic!("out of {number} cheeses")), &[]),
    ];
    let messages = panics.map(|step| wait(&run, step).unwrap_err().to_string());
    insta::assert_snapshot!(messages.join("\n"), @"
    step `words` failed: it panicked: out of cheese
    step `format` failed: it panicked: out of 3 cheeses
    ");
    finish(&run).unwrap_err();
}

#[test]
fn outputs_that_cannot_be_kept_fail_the_step() {
    type Make = fn() -> Outputs;
    let bench = Bench::new();
    let outputs: [(&str, Make); 3] = [
        ("twice", || Outputs::new().with(text("a")).with(text("b"))),
        ("missing", || Output::folder("/no/such/folder", Description::default()).into()),
        ("escaping", || Output::bytes("../out", "", Description::default()).into()),
    ];
    let mut messages = Vec::new();
    for (name, make) in outputs {
        let run = bench.begin();
        let step = run.submit(StepCall::new(name, FnStep::new("1", move |_| Ok(make())))).unwrap();
        messages.push(wait(&run, step).unwrap_err().to_string());
        finish(&run).unwrap_err();
        assert_eq!(statuses(&run), [format!("{name} failed")]);
    }
    insta::assert_snapshot!(messages.join("\n"), @"
    step `twice` failed: step has two outputs named ``
    step `missing` failed: cannot read `/no/such/folder`: No such file or directory (os error 2)
    step `escaping` failed: artifact has a file path that leaves its folder: `../out`
    ");
}

#[test]
fn a_step_is_told_what_it_was_given() {
    type Ask = fn(&StepContext) -> Error;
    let bench = Bench::new();
    let run = bench.begin();
    let asks: [(&str, Ask); 3] = [
        ("a", |context| context.literal("missing").unwrap_err()),
        ("b", |context| context.artifact("number").unwrap_err()),
        ("c", |context| context.read("missing", "value.txt").unwrap_err()),
    ];
    let mut messages = Vec::new();
    for (name, ask) in asks {
        let call = step(name, move |context| Err(ask(context))).literal("number", "3");
        messages.push(wait(&run, run.submit(call).unwrap()).unwrap_err().report());
    }
    insta::assert_snapshot!(messages.join("\n"), @"
    step `a` failed: step `a` was given no argument `missing`

    hint: its arguments are: number
    step `b` failed: step `b` was given no artifact `number`

    hint: its arguments are: number
    step `c` failed: step `c` was given no argument `missing`

    hint: its arguments are: number
    ");
}

#[test]
fn calls_that_make_no_sense_are_refused() {
    let bench = Bench::new();
    let (run, other) = (bench.begin(), bench.begin());
    let first = submit(&run, join("first"), &[]);
    let twice = run.submit(join("twice").literal("x", "1").input("x", first)).unwrap_err();
    let foreign = other.submit(join("foreign").input("x", first)).unwrap_err();
    finish(&run).unwrap();
    let late = run.submit(join("late")).unwrap_err();
    let reports = [twice, foreign, late].map(|error| error.report());
    insta::assert_snapshot!(reports.join("\n"), @"
    step `twice` gets the argument `x` twice
    step `foreign` gets the output of another run's step

    hint: pass the stored artifact instead
    run 1 has ended: step `late` is too late
    ");
}

#[test]
fn an_error_between_the_steps_ends_the_run() {
    let bench = Bench::new();
    let run = bench.begin();
    submit(&run, join("never"), &[]);
    run.fail(&Error::host(HostException(3)).into(), &mut || Ok(()));
    assert_eq!(status(&bench), (RunStatus::Failed, Some("exception number 3".into())));
    assert_eq!(statuses(&run), ["never skipped"]);
}

#[test]
fn a_run_that_is_given_up_is_interrupted() {
    let bench = Bench::new();
    let run = bench.begin();
    submit(&run, join("never"), &[]);
    drop(run);
    let (status, error) = status(&bench);
    assert_eq!(status, RunStatus::Interrupted);
    insta::assert_snapshot!(error.unwrap(), @"the run was given up before it was finished");
}

#[test]
fn a_step_that_is_interrupted_ends_the_run() {
    let bench = Bench::new();
    let run = bench.begin();
    let stopped = step("stopped", |context| {
        assert!(!context.is_cancelled());
        Err(Error::new(ErrorKind::Interrupted, "Ctrl-C"))
    });
    let stopped = submit(&run, stopped, &[]);
    submit(&run, join("never"), &[]);
    assert_eq!(wait(&run, stopped).unwrap_err().kind(), ErrorKind::Interrupted);
    finish(&run).unwrap_err();
    assert_eq!(statuses(&run), ["stopped interrupted", "never skipped"]);
    assert_eq!(status(&bench).0, RunStatus::Interrupted);
}
