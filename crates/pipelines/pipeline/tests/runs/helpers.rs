//! Small pipelines to run.

use std::sync::atomic::{AtomicUsize, Ordering};

use cannery_pipeline::{
    Description, Engine, FnStep, Input, Output, Result, Run, RunError, StepCall, StepContext,
    StepRef, Store,
};
use tempfile::TempDir;

/// A store in a folder of its own, and how often steps were executed on it.
pub(crate) struct Bench {
    _folder: TempDir,
    pub(crate) engine: Engine,
    pub(crate) executed: AtomicUsize,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with_workers(0)
    }

    pub(crate) fn with_workers(workers: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(Store::open(folder.path()).unwrap()).workers(workers);
        Self { _folder: folder, engine, executed: AtomicUsize::new(0) }
    }

    pub(crate) fn store(&self) -> &Store {
        self.engine.store()
    }

    pub(crate) fn begin(&self) -> Run {
        self.engine.begin_run("pipeline", "{}", None).unwrap()
    }

    /// Counts an execution.
    pub(crate) fn count(&self) {
        self.executed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn executed(&self) -> usize {
        self.executed.load(Ordering::Relaxed)
    }
}

pub(crate) fn text(value: impl Into<Vec<u8>>) -> Output {
    Output::bytes("value.txt", value, Description::new("str", "text/1"))
}

/// A step that joins the texts of all its arguments.
pub(crate) fn join(name: &str) -> StepCall {
    step(name, |context| Ok(text(joined(context)?)))
}

pub(crate) fn step(
    name: &str,
    function: impl Fn(&StepContext) -> Result<Output> + Send + Sync + 'static,
) -> StepCall {
    StepCall::new(name, FnStep::new("version 1", move |context| Ok(function(context)?.into())))
}

pub(crate) fn joined(context: &StepContext) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for (name, argument) in context.arguments() {
        match argument {
            cannery_pipeline::Argument::Literal(bytes) => all.extend_from_slice(bytes),
            _ => all.extend(context.read(name, "value.txt")?),
        }
    }
    Ok(all)
}

pub(crate) fn submit(run: &Run, call: StepCall, inputs: &[StepRef]) -> StepRef {
    let call = inputs
        .iter()
        .enumerate()
        .fold(call, |call, (i, input)| call.input(format!("x{i}"), Input::from(*input)));
    run.submit(call).unwrap()
}

pub(crate) fn wait(run: &Run, step: StepRef) -> std::result::Result<String, RunError> {
    let outcome = run.wait(step, &mut || Ok(()))?;
    let bytes = run.store().read(outcome.output("").unwrap().digest, "value.txt")?;
    Ok(String::from_utf8(bytes).unwrap())
}

pub(crate) fn finish(run: &Run) -> std::result::Result<(), RunError> {
    run.finish(&mut || Ok(()))
}

/// Each step of a run and how it stands, `cached` included.
pub(crate) fn statuses(run: &Run) -> Vec<String> {
    let steps = run.store().steps(run.id()).unwrap();
    let status = |cached: bool, status: &str| if cached { "cached" } else { status }.to_owned();
    steps
        .iter()
        .map(|step| format!("{} {}", step.label(), status(step.cached, step.status.as_str())))
        .collect()
}
