//! Runs of pipelines: Python's functions as step bodies of the engine.

use std::path::PathBuf;
use std::time::Duration;

use cannery_pipeline::{
    Argument, Description, Digest, Engine, Error, ErrorKind, KeyPart, KeyParts, Observation,
    Output, Outputs, Result, RunError, StepBody, StepCall, StepContext, StepOutcome, StepRef,
};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{self, OrRaise};
use crate::store::{Artifact, Store};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Session>()?;
    module.add_class::<Submitted>()?;
    module.add_class::<Watch>()
}

/// Who opens files of a project's folders.
#[pyclass(module = "cannery._native", frozen)]
struct Watch {
    inner: cannery_pipeline::Watch,
}

/// A path; how often it was opened, and closed by who could write; whether it was made, whether
/// it was changed, and whether it is a folder.
type Seen = (PathBuf, u32, u32, bool, bool, bool);

#[pymethods]
impl Watch {
    #[new]
    fn new(py: Python<'_>, skipped: Vec<PathBuf>, most_folders: usize) -> PyResult<Self> {
        let inner = cannery_pipeline::Watch::new(skipped, most_folders).or_raise(py)?;
        Ok(Self { inner })
    }

    /// Watches a file, or a folder; with `deep`, all folders in it, too.
    fn add(&self, py: Python<'_>, path: PathBuf, deep: bool) {
        py.detach(|| self.inner.add(&path, deep));
    }

    /// Takes what was seen since the last look, and why something may have been missed.
    fn take(&self, py: Python<'_>) -> (Vec<Seen>, Option<String>) {
        let taken = py.detach(|| self.inner.take());
        let files = taken.files.into_iter().map(|(path, seen)| {
            let (opened, closed) = (seen.opened, seen.write_closed);
            (path, opened, closed, seen.created, seen.modified, seen.is_folder)
        });
        (files.collect(), taken.problem)
    }
}

/// A run that has begun.
#[pyclass(module = "cannery._native", frozen)]
struct Session {
    run: cannery_pipeline::Run,
}

/// A step that was submitted to a run.
#[pyclass(module = "cannery._native", frozen)]
struct Submitted(StepRef);

/// What a step gets: one of a step's outputs, of which the only one has no name, or a parameter's
/// bytes.
#[derive(FromPyObject)]
enum Given<'py> {
    Output(PyRef<'py, Submitted>, String),
    Literal(Bound<'py, PyBytes>),
}

/// Whether a step was cached, and its outputs by name.
type Outcome = (bool, Vec<(String, Artifact)>);

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (store, pipeline, params, *, workers=None))]
    fn begin(
        py: Python<'_>,
        store: &Store,
        pipeline: String,
        params: String,
        workers: Option<usize>,
    ) -> PyResult<Self> {
        let mut engine = Engine::new(store.get().or_raise(py)?);
        if let Some(workers) = workers {
            engine = engine.workers(workers);
        }
        let run = py.detach(|| engine.begin_run(pipeline, params, None)).or_raise(py)?;
        Ok(Self { run })
    }

    #[getter]
    fn id(&self) -> i64 {
        self.run.id().0
    }

    /// Adds a step whose body has the methods `key_parts` and `execute`.
    ///
    /// With `force` it runs although its result is known; `ttl` says how many seconds old a known
    /// result may be.
    #[pyo3(signature = (name, body, inputs, *, use_cache=true, force=false, ttl=None))]
    #[expect(clippy::too_many_arguments, reason = "the options have names in Python")]
    fn submit(
        &self,
        py: Python<'_>,
        name: String,
        body: Py<PyAny>,
        inputs: Vec<(String, Given<'_>)>,
        use_cache: bool,
        force: bool,
        ttl: Option<f64>,
    ) -> PyResult<Submitted> {
        // What is longer than a `Duration` is for ever.
        let ttl = ttl.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
        let call = StepCall::new(name, PythonBody(body)).use_cache(use_cache);
        let mut call = call.force(force).ttl(ttl);
        for (argument, given) in inputs {
            call = match given {
                Given::Output(step, output) => call.output_of(argument, step.0, output),
                Given::Literal(bytes) => call.literal(argument, bytes.as_bytes()),
            };
        }
        py.detach(|| self.run.submit(call)).map(Submitted).or_raise(py)
    }

    fn label(&self, step: &Submitted) -> String {
        self.run.label(step.0)
    }

    /// Waits until a step has ended, doing steps in the meantime.
    fn wait(&self, py: Python<'_>, step: &Submitted) -> PyResult<Outcome> {
        let step = step.0;
        let outcome = py.detach(|| self.run.wait(step, &mut check_signals));
        outcome.map(outputs).map_err(|error| raise(py, &error))
    }

    /// Does all steps that are left and records the run's end.
    fn finish(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.run.finish(&mut check_signals)).map_err(|error| raise(py, &error))
    }

    /// Ends the run because the pipeline itself raised an exception.
    fn fail(&self, py: Python<'_>, exception: &Bound<'_, PyAny>) {
        let error = RunError::from(carry(py, PyErr::from_value(exception.clone())));
        py.detach(|| self.run.fail(&error, &mut check_signals));
    }
}

fn outputs(outcome: StepOutcome) -> Outcome {
    let outputs = outcome.outputs.into_iter().map(|(name, record)| (name, Artifact(record)));
    (outcome.cached, outputs.collect())
}

/// Lets Python handle Ctrl-C while a thread of the engine waits.
fn check_signals() -> Result<()> {
    Python::attach(|py| py.check_signals().map_err(|exception| carry(py, exception)))
}

/// An exception on its way through the engine; Ctrl-C is no failure of the step.
fn carry(py: Python<'_>, exception: PyErr) -> Error {
    if exception.is_instance_of::<PyKeyboardInterrupt>(py) {
        return Error::new(ErrorKind::Interrupted, "the run was interrupted")
            .with_hint("run it again: finished steps are not repeated")
            .with_source(exception);
    }
    errors::from_exception(exception)
}

/// The exception that a step raised, itself; or the engine's error as one.
fn raise(py: Python<'_>, error: &RunError) -> PyErr {
    let original = std::error::Error::source(error.error())
        .and_then(|source| source.downcast_ref::<PyErr>())
        .map(|exception| exception.clone_ref(py));
    original.unwrap_or_else(|| errors::shared_to_exception(py, error.error()))
}

/// What a step's function gave, and what it looked at outside.
#[derive(FromPyObject)]
struct Made {
    outputs: Vec<MadeOutput>,
    observations: Vec<(String, String)>,
}

/// One output: its name, the folder that it was written to, and what is in it.
#[derive(FromPyObject)]
struct MadeOutput {
    name: String,
    folder: PathBuf,
    type_name: String,
    format: String,
    metadata: String,
}

impl From<MadeOutput> for Output {
    fn from(made: MadeOutput) -> Self {
        let about = Description::new(made.type_name, made.format).with_metadata(made.metadata);
        Output::folder(made.folder, about).named(made.name)
    }
}

/// A Python object with the methods `key_parts`, `notes`, `execute` and `is_unchanged`.
struct PythonBody(Py<PyAny>);

impl StepBody for PythonBody {
    fn key_parts(&self, context: &StepContext) -> Result<KeyParts> {
        with_python(|py| {
            let parts = self.0.call_method1(py, "key_parts", (inputs(context),))?;
            let mut key = KeyParts::new();
            for (label, part) in parts.bind(py).cast::<PyDict>()? {
                key.add(label.extract::<String>()?, part.extract::<String>()?);
            }
            Ok(key)
        })
    }

    fn execute(&self, context: &StepContext) -> Result<Outputs> {
        let folder = context.output_folder()?;
        with_python(|py| {
            let arguments = (inputs(context), &folder, run_label(context));
            let made: Made = self.0.call_method1(py, "execute", arguments)?.extract(py)?;
            let outputs = made.outputs.into_iter().map(Output::from).collect();
            let observe = |all: Outputs, (label, state)| all.observed(label, state);
            Ok(made.observations.into_iter().fold(outputs, observe))
        })
    }

    fn notes(&self) -> Result<Vec<KeyPart>> {
        with_python(|py| {
            let notes = self.0.call_method0(py, "notes")?;
            let notes: Vec<(String, String, Option<String>)> = notes.extract(py)?;
            let notes = notes.into_iter().map(|(label, state, shown)| {
                let digest = Digest::of(state.as_bytes());
                KeyPart { label, digest, shown }
            });
            Ok(notes.collect())
        })
    }

    fn poll(&self) -> Result<()> {
        check_signals()
    }

    fn is_unchanged(&self, seen: &[Observation]) -> Result<bool> {
        let seen: Vec<_> = seen.iter().map(|seen| (&seen.label, &seen.state)).collect();
        with_python(|py| self.0.call_method1(py, "is_unchanged", (seen,))?.extract(py))
    }
}

/// Calls Python from the engine.
fn with_python<T>(call: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    Python::attach(|py| call(py).map_err(|exception| carry(py, exception)))
}

/// The artifacts among a step's arguments.
fn inputs(context: &StepContext) -> Vec<(String, Artifact)> {
    let artifacts = context.arguments().iter().filter_map(|(name, argument)| match argument {
        Argument::Artifact(record) => Some((name.clone(), Artifact((**record).clone()))),
        _ => None,
    });
    artifacts.collect()
}

fn run_label(context: &StepContext) -> String {
    match context.invocation() {
        1 => format!("step `{}` of run {}", context.step(), context.run()),
        nth => format!("step `{}-{nth}` of run {}", context.step(), context.run()),
    }
}
