//! What is said of a step that ran, or did not.

use cannery_pipeline::{
    Digest, Error, ErrorKind, FnStep, KeyPart, KeyParts, Outputs, Reason, Result, RunId, StepBody,
    StepCall, StepContext, why, why_against,
};

use crate::helpers::{Bench, finish, joined, step, submit, text};

fn call(name: &str, version: &str) -> StepCall {
    let body = FnStep::new(version, |context: &StepContext| Ok(text(joined(context)?).into()));
    StepCall::new(name, body)
}

#[test]
fn what_changed_is_named() {
    let bench = Bench::new();
    let pipeline = |version: &str, prefix: &str, long: &[u8], use_cache: bool| {
        let run = bench.begin();
        let data = submit(&run, call("data", "1").literal("prefix", prefix), &[]);
        let model = call("model", version).literal("table", long).use_cache(use_cache);
        let model = if version == "4" { model } else { model.literal("depth", "3") };
        submit(&run, model, &[data]);
        finish(&run).unwrap();
        why(bench.store(), run.id(), "model").unwrap().to_string()
    };
    let told = [
        pipeline("1", "page", &[1; 300], true),
        pipeline("1", "page", &[1; 300], true),
        pipeline("1", "sheet", &[2; 300], true),
        pipeline("1", "page", &[1; 300], true),
        pipeline("1", "page", &[1; 300], false),
        pipeline("2", "page", &[1; 300], true),
        pipeline("4", "page", &[1; 300], true),
        pipeline("2", "page", &[1; 300], true),
    ];
    insta::assert_snapshot!(told.join("\n"), @"
    step `model` of run 1 ran: no earlier run had completed it
    step `model` of run 2 did not run: its result was known from run 1
    step `model` of run 3 ran: since run 2
      input x0 changed from `3b04fd40` to `d88a39c1`
      parameter table changed from `c0fecc75` to `f5ef2093`
    step `model` of run 4 did not run: its result was known from run 1
    step `model` of run 5 ran although nothing had changed since run 4: its cache is off, or its outputs, or files that it had written for others, were changed
    step `model` of run 6 ran: since run 5
      code changed from `1` to `2`
    step `model` of run 7 ran: since run 6
      code changed from `2` to `4`
      parameter depth is gone: `3`
    step `model` of run 8 did not run: its result was known from run 6
    ");
}

#[test]
fn a_step_after_a_failure_was_skipped() {
    let bench = Bench::new();
    let run = bench.begin();
    let bad = submit(&run, step("bad", |_| Err(Error::new(ErrorKind::Host, "boom"))), &[]);
    submit(&run, call("after", "1"), &[bad]);
    finish(&run).unwrap_err();
    let told = ["bad", "after"].map(|step| why(bench.store(), run.id(), step).unwrap());
    assert_eq!((&told[0].reason, &told[1].reason), (&Reason::First, &Reason::Skipped));
    insta::assert_snapshot!(told.map(|one| one.to_string()).join("\n"), @"
    step `bad` of run 1 ran: no earlier run had completed it
    step `after` of run 1 did not run: something before it failed
    ");
}

#[test]
fn who_asks_for_what_is_not_there_is_told_what_is() {
    let bench = Bench::new();
    let run = bench.begin();
    submit(&run, call("data", "1"), &[]);
    submit(&run, call("data", "2"), &[]);
    finish(&run).unwrap();
    assert_eq!(why(bench.store(), run.id(), "data-2").unwrap().step.invocation, 2);
    let missing = why(bench.store(), run.id(), "dada").unwrap_err();
    let no_run = why(bench.store(), RunId(7), "data").unwrap_err();
    insta::assert_snapshot!(format!("{}\n{}", missing.report(), no_run.report()), @"
    run 1 has no step `dada`

    hint: its steps are: `data`, `data-2`
    the store has no run 7

    hint: `cannery runs` lists them
    ");
}

/// A step whose code is kept beside its key, and which reads a file and a variable.
struct Noted(&'static str);

impl StepBody for Noted {
    fn key_parts(&self, _: &StepContext) -> Result<KeyParts> {
        Ok(KeyParts::new().with("code", self.0))
    }

    fn notes(&self) -> Result<Vec<KeyPart>> {
        let label = "function pages.clean".to_owned();
        let shown = Some(format!("def clean(x):\n    return {}", self.0));
        Ok(vec![KeyPart { label, digest: Digest::of(self.0.as_bytes()), shown }])
    }

    fn execute(&self, _: &StepContext) -> Result<Outputs> {
        let variable = format!("set {}", self.0);
        let file = format!("{}\none\n{}\nthree\n", self.0, self.0);
        let outputs = Outputs::from(text(self.0));
        Ok(outputs.observed("environment API_KEY", variable).observed("file a.txt", file))
    }
}

#[test]
fn lines_that_changed_are_shown_and_variables_are_not() {
    let bench = Bench::new();
    for version in ["1", "2", "2"] {
        let run = bench.begin();
        submit(&run, StepCall::new("clean", Noted(version)).use_cache(false), &[]);
        finish(&run).unwrap();
    }
    let (one, two, three) = (RunId(1), RunId(2), RunId(3));
    insta::assert_snapshot!(why(bench.store(), two, "clean").unwrap(), @"
    step `clean` of run 2 ran: since run 1
      environment API_KEY changed
      file a.txt changed:
         one
        -1
        +2
         three
      function pages.clean changed:
         def clean(x):
        -    return 1
        +    return 2
    ");
    let told = [(three, one), (three, two)]
        .map(|(run, other)| why_against(bench.store(), run, "clean", other).unwrap().reason);
    assert!(matches!(&told[0], Reason::Changed(changes) if changes.len() == 3));
    assert_eq!(told[1], Reason::Same);
}
