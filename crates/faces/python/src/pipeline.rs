//! Runs of pipelines: Python's functions as step bodies of the engine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cannery_pipeline::{
    Argument, Description, Digest, Engine, Error, ErrorKind, KeyPart, KeyParts, NewRun,
    Observation, Observer, Output, Outputs, Plan, Processes, Result, Retries, RunError, StepBody,
    StepCall, StepContext, StepEvent, StepOutcome, StepRef, Task, TaskBody, WorkerCommand,
};
use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{self, OrRaise};
use crate::store::{Artifact, Store};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Session>()?;
    module.add_class::<Submitted>()?;
    module.add_function(wrap_pyfunction!(serve_worker, module)?)?;
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

/// What a step gets: one of a step's outputs, of which the only one has no name, a stored artifact,
/// or a parameter's bytes.
#[derive(FromPyObject)]
enum Given<'py> {
    Output(PyRef<'py, Submitted>, String),
    Stored(PyRef<'py, Artifact>),
    Literal(Bound<'py, PyBytes>),
}

/// Whether a step was cached, and its outputs by name.
type Outcome = (bool, Vec<(String, Artifact)>);

#[pymethods]
impl Session {
    #[new]
    #[pyo3(signature = (
        store, pipeline, params, *, workers=None, processes=None, observer=None, keep_going=false,
        dry_run=false, code_version=None, tags=Vec::new(),
    ))]
    #[expect(clippy::too_many_arguments, reason = "the options have names in Python")]
    fn begin(
        py: Python<'_>,
        store: &Store,
        pipeline: String,
        params: String,
        workers: Option<usize>,
        processes: Option<(Vec<OsString>, Vec<u8>)>,
        observer: Option<Py<PyAny>>,
        keep_going: bool,
        dry_run: bool,
        code_version: Option<String>,
        tags: Vec<String>,
    ) -> PyResult<Self> {
        let mut engine = Engine::new(store.get().or_raise(py)?).keep_going(keep_going);
        if let Some(workers) = workers {
            engine = engine.workers(workers);
        }
        if let Some(observer) = observer {
            engine = engine.observer(Arc::new(PythonObserver(observer)));
        }
        if let Some((mut arguments, setup)) = processes {
            let program = if arguments.is_empty() { OsString::new() } else { arguments.remove(0) };
            let command = WorkerCommand { program, arguments, setup };
            engine = engine.executor(Arc::new(Processes::new(command)));
        }
        if dry_run {
            return Ok(Self { run: engine.rehearse() });
        }
        let run = NewRun { pipeline, params, code_version, tags };
        let run = py.detach(|| engine.begin(&run)).or_raise(py)?;
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
    #[pyo3(signature = (name, body, inputs, *, use_cache=true, force=false, ttl=None,
        timeout=None, retries=(0, 0.0, 1.0)))]
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
        timeout: Option<f64>,
        retries: (u32, f64, f64),
    ) -> PyResult<Submitted> {
        // What is longer than a `Duration` is for ever.
        let duration = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        let ttl = ttl.and_then(duration);
        let (count, delay, backoff) = retries;
        let retries = Retries { count, delay: duration(delay).unwrap_or_default(), backoff };
        let call = StepCall::new(name, PythonBody(body)).use_cache(use_cache);
        let call = call.force(force).ttl(ttl).retries(retries);
        let mut call = call.timeout(timeout.and_then(duration));
        for (argument, given) in inputs {
            call = match given {
                Given::Output(step, output) => call.output_of(argument, step.0, output),
                Given::Stored(artifact) => call.input(argument, artifact.0.clone()),
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

    /// How a step has ended; nothing while it has not, or if it has failed.
    fn outcome(&self, step: &Submitted) -> Option<Outcome> {
        self.run.outcome(step.0)?.ok().map(outputs)
    }

    /// What would become of each step of a dry run, by its label.
    fn plan(&self) -> Vec<(String, &'static str)> {
        let name = |plan| match plan {
            Plan::Known => "cached",
            Plan::Runs => "runs",
            Plan::Depends => "depends",
            _ => "fails",
        };
        self.run.plan().into_iter().map(|(label, plan)| (label, name(plan))).collect()
    }

    /// Does all steps that are left.
    fn finish_steps(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.run.finish_steps(&mut check_signals)).map_err(|error| raise(py, &error))
    }

    /// Keeps what the pipeline returned, as JSON.
    fn set_output(&self, py: Python<'_>, output: &str) -> PyResult<()> {
        py.detach(|| self.run.set_output(output)).or_raise(py)
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

/// The exception that an error carries.
fn exception_of(error: &Error) -> Option<&PyErr> {
    std::error::Error::source(error).and_then(|source| source.downcast_ref::<PyErr>())
}

/// The exception that a step raised, itself; or the engine's error as one.
fn raise(py: Python<'_>, error: &RunError) -> PyErr {
    let original = exception_of(error.error()).map(|exception| exception.clone_ref(py));
    original.unwrap_or_else(|| {
        let raised = errors::shared_to_exception(py, error.error());
        let is_of_worker =
            matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Worker | ErrorKind::Conflict);
        if let Some(step) = error.step().filter(|_| is_of_worker) {
            // The exception tells enough without it.
            let _ = raised.value(py).call_method1("add_note", (format!("in step `{step}`"),));
        }
        raised
    })
}

/// A Python callable that is told of steps: label, event, seconds, and text or bytes.
struct PythonObserver(Py<PyAny>);

impl Observer for PythonObserver {
    fn notice(&self, label: &str, event: StepEvent<'_>) {
        Python::attach(|py| {
            let told = match event {
                StepEvent::Began => self.0.call1(py, (label, "began")),
                StepEvent::Cached => self.0.call1(py, (label, "cached")),
                StepEvent::Completed(took) => {
                    self.0.call1(py, (label, "completed", took.as_secs_f64()))
                }
                StepEvent::Failed(error) => {
                    let kind = match error.kind() {
                        ErrorKind::Interrupted => "interrupted",
                        _ => "failed",
                    };
                    let exception = exception_of(error).map(|exception| exception.clone_ref(py));
                    let exception =
                        exception.unwrap_or_else(|| errors::shared_to_exception(py, error));
                    self.0.call1(py, (label, kind, 0.0, error.to_string(), exception))
                }
                StepEvent::Retrying(attempt, pause, error) => {
                    let text = format!("attempt {attempt} failed: {error}");
                    self.0.call1(py, (label, "retrying", pause.as_secs_f64(), text))
                }
                StepEvent::Late(timeout) => {
                    self.0.call1(py, (label, "late", timeout.as_secs_f64()))
                }
                StepEvent::Printed(bytes) => {
                    self.0.call1(py, (label, "printed", 0.0, PyBytes::new(py, bytes)))
                }
                _ => return,
            };
            // A display that fails is no failure of the step.
            drop(told);
        });
    }
}

/// Does the tasks of a run in another process; see `cannery/_worker.py`.
#[pyfunction]
fn serve_worker(py: Python<'_>, begin: &Bound<'_, PyAny>, find: &Bound<'_, PyAny>) -> PyResult<()> {
    let (begin, find) = (begin.clone().unbind(), find.clone().unbind());
    let open = |setup: &[u8]| {
        let store = with_python(|py| {
            let store = begin.call1(py, (PyBytes::new(py, setup),))?;
            Ok(store.extract::<PyRef<'_, Store>>(py)?.get())
        });
        store?
    };
    let find = |task: &Task| {
        with_python(|py| {
            let (body, payload) = (&task.body, PyBytes::new(py, &task.body.payload));
            find.call1(py, (&body.module, &body.function, payload)).map(PythonBody)
        })
    };
    py.detach(|| cannery_pipeline::serve(open, find)).or_raise(py)
}

/// What a step's function gave, and what it looked at outside.
#[derive(FromPyObject)]
struct Made {
    outputs: Vec<MadeOutput>,
    observations: Vec<(String, String)>,
    /// What the process of the run is to be told.
    notes: Vec<u8>,
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
        let log = context.log_path()?;
        with_python(|py| {
            let arguments = (inputs(context), &folder, run_label(context), &log);
            let made: Made = self.0.call_method1(py, "execute", arguments)?.extract(py)?;
            let outputs: Outputs = made.outputs.into_iter().map(Output::from).collect();
            let observe = |all: Outputs, (label, state)| all.observed(label, state);
            let outputs = outputs.with_notes(made.notes);
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

    fn task(&self, _: &StepContext) -> Result<TaskBody> {
        with_python(|py| {
            let task = self.0.call_method0(py, "task")?;
            let (module, function, materializers, payload) = task.extract(py)?;
            Ok(TaskBody { module, function, materializers, payload })
        })
    }

    fn take_notes(&self, notes: &[u8]) -> Result<()> {
        with_python(|py| {
            self.0.call_method1(py, "take_notes", (PyBytes::new(py, notes),)).map(drop)
        })
    }

    fn error_to_bytes(&self, error: &Error) -> Vec<u8> {
        let Some(exception) = exception_of(error) else { return Vec::new() };
        let dumped = with_python(|py| {
            self.0.call_method1(py, "dump_error", (exception.clone_ref(py),))?.extract(py)
        });
        dumped.unwrap_or_default()
    }

    fn error_from_bytes(&self, bytes: &[u8]) -> Option<Error> {
        let loaded = with_python(|py| {
            let exception = self.0.call_method1(py, "load_error", (PyBytes::new(py, bytes),))?;
            let is_there = !exception.is_none(py);
            Ok(is_there.then(|| carry(py, PyErr::from_value(exception.into_bound(py)))))
        });
        loaded.ok().flatten()
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
