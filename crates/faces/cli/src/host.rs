//! Who runs Python pipelines: this program starts an interpreter, the Python package is in one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use cannery::{Error, ErrorKind, Result};

use crate::{ExitStatus, interrupt};

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRequest {
    /// The Python file.
    pub file: PathBuf,
    /// The pipeline in it; the only one if it is not said.
    pub pipeline: Option<String>,
    /// The pipeline's parameters, as they were typed.
    pub params: Vec<(String, String)>,
    /// Steps that run although their results are known; `*` for all.
    pub force: Vec<String>,
    /// Whether the run is reported as JSON.
    pub json: bool,
}

/// A function that is to be called with each chunk of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MapRequest {
    /// The Python file.
    pub file: PathBuf,
    /// The function in it.
    pub function: String,
    /// The file that is read.
    pub source: OsString,
    /// The file that is written.
    pub target: OsString,
    /// Rows of a chunk.
    pub rows: Option<u64>,
    /// Bytes of a chunk.
    pub bytes: Option<u64>,
    /// Processes that call the function.
    pub workers: Option<u64>,
    /// Whether what an interrupted run has done is forgotten.
    pub restart: bool,
    /// Whether what was done is reported as JSON.
    pub json: bool,
}

/// Who runs what is written in Python.
pub trait Host {
    /// Runs a pipeline, which reports to standard output and error.
    ///
    /// # Errors
    /// When it could not be started at all; a pipeline that fails is a status.
    fn run(&mut self, request: &RunRequest) -> Result<ExitStatus>;

    /// Calls a function with each chunk of a file; progress and errors go to standard error.
    ///
    /// # Errors
    /// When it could not be started at all; a function that fails is a status.
    fn map_chunks(&mut self, request: &MapRequest) -> Result<ExitStatus>;
}

/// The host of the program: an interpreter in a process of its own.
pub struct PythonProcess;

/// Ends with this status if the package is not installed.
const MISSING: i32 = 127;

/// Hands the arguments on to the package, if there is one.
const BOOTSTRAP: &str = "\
import sys
try:
    from cannery._run import run_file
except ModuleNotFoundError:
    sys.exit(127)
file, name, json, forced, *rest = sys.argv[1:]
force, params = rest[:int(forced)], rest[int(forced):]
params = dict(param.split('=', 1) for param in params)
sys.exit(run_file(file, name or None, params, json == 'json', force))
";

/// The same for a map.
const MAP_BOOTSTRAP: &str = "\
import sys
try:
    from cannery._map._command import map_file
except ModuleNotFoundError:
    sys.exit(127)
file, function, source, target, rows, bytes, workers, restart, json = sys.argv[1:]
numbers = [int(text) if text else None for text in (rows, bytes, workers)]
sys.exit(map_file(file, function, source, target, *numbers, bool(restart), bool(json)))
";

impl Host for PythonProcess {
    fn run(&mut self, request: &RunRequest) -> Result<ExitStatus> {
        start(BOOTSTRAP, |command| {
            command.arg(&request.file).arg(request.pipeline.as_deref().unwrap_or_default());
            command.arg(if request.json { "json" } else { "" });
            command.arg(request.force.len().to_string()).args(&request.force);
            command.args(request.params.iter().map(|(name, value)| format!("{name}={value}")));
        })
    }

    fn map_chunks(&mut self, request: &MapRequest) -> Result<ExitStatus> {
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        start(MAP_BOOTSTRAP, |command| {
            command.arg(&request.file).arg(&request.function);
            command.arg(&request.source).arg(&request.target);
            command.args([request.rows, request.bytes, request.workers].map(number));
            command.arg(if request.restart { "restart" } else { "" });
            command.arg(if request.json { "json" } else { "" });
        })
    }
}

/// Starts an interpreter on a program of ours, and waits for it.
fn start(program: &str, add_arguments: impl FnOnce(&mut Command)) -> Result<ExitStatus> {
    let python = interpreter();
    let mut command = Command::new(&python);
    command.arg("-c").arg(program);
    add_arguments(&mut command);
    // The interpreter gets Ctrl-C too, and needs the time to record what was interrupted.
    interrupt::ignore_ctrl_c();
    let status = command.status().map_err(|e| {
        Error::io(e, format!("cannot start `{}`", Path::new(&python).display()))
            .with_hint("install Python, or name its interpreter in `CANNERY_PYTHON`")
    })?;
    match status.code() {
        Some(MISSING) => Err(not_installed(&python)),
        Some(code) => Ok(ExitStatus::from_code(u8::try_from(code).unwrap_or(u8::MAX))),
        // Ended by a signal.
        None => Ok(ExitStatus::Interrupted),
    }
}

/// The interpreter of `CANNERY_PYTHON`, of the active environment, or of the system.
fn interpreter() -> OsString {
    let of_environment = || {
        let folder = PathBuf::from(std::env::var_os("VIRTUAL_ENV")?);
        Some(folder.join("bin").join("python").into_os_string())
    };
    std::env::var_os("CANNERY_PYTHON").or_else(of_environment).unwrap_or_else(|| "python3".into())
}

#[cold]
fn not_installed(python: &OsString) -> Error {
    let python = Path::new(python).display();
    let message = format!("`{python}` does not have the package `cannery`");
    let hint = "`pip install cannery`, or name another interpreter in `CANNERY_PYTHON`";
    Error::new(ErrorKind::NotFound, message).with_hint(hint)
}
