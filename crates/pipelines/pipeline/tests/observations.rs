//! A result is used again only while what its step looked at outside is as it was.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use cannery_pipeline::{
    Description, Engine, KeyParts, Observation, Output, Outputs, Result, RunId, StepBody, StepCall,
    StepContext, Store, why,
};

/// A step that reads a file outside of the store.
#[derive(Clone, Default)]
struct Reads {
    file: Arc<Mutex<String>>,
    executions: Arc<AtomicU32>,
}

impl StepBody for Reads {
    fn key_parts(&self, _: &StepContext) -> Result<KeyParts> {
        Ok(KeyParts::new())
    }

    fn execute(&self, _: &StepContext) -> Result<Outputs> {
        self.executions.fetch_add(1, Ordering::Relaxed);
        let text = self.file.lock().unwrap().clone();
        let output = Output::bytes("text", text.clone(), Description::new("str", "text/1"));
        Ok(Outputs::from(output).observed("file pages.csv", text))
    }

    fn is_unchanged(&self, seen: &[Observation]) -> Result<bool> {
        let text = self.file.lock().unwrap();
        Ok(seen.iter().all(|observation| observation.state == *text))
    }
}

fn run(engine: &Engine, step: &Reads, text: &str) -> (bool, String) {
    text.clone_into(&mut step.file.lock().unwrap());
    let run = engine.begin_run("reading", "{}", None).unwrap();
    let read = run.submit(StepCall::new("read", step.clone())).unwrap();
    let outcome = run.wait(read, &mut || Ok(())).unwrap();
    run.finish(&mut || Ok(())).unwrap();
    let bytes = engine.store().read(outcome.output("").unwrap().digest, "text").unwrap();
    (outcome.cached, String::from_utf8(bytes).unwrap())
}

#[test]
fn a_changed_file_runs_the_step_again_and_a_restored_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(Store::open(folder.path()).unwrap());
    let step = Reads::default();
    let table = [("a", false), ("a", true), ("b", false), ("b", true), ("a", true)];
    for (text, cached) in table {
        assert_eq!(run(&engine, &step, text), (cached, text.to_owned()));
    }
    assert_eq!(step.executions.load(Ordering::Relaxed), 2);
}

#[test]
fn why_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::new(Store::open(folder.path()).unwrap());
    let step = Reads::default();
    for text in ["a", "a", "b"] {
        run(&engine, &step, text);
    }
    insta::assert_snapshot!(why(engine.store(), RunId(3), "read").unwrap(), @r"
    step `read` of run 3 ran: since run 2
      file pages.csv changed from `a` to `b`
    ");
}
