//! Who runs Python pipelines: this program starts an interpreter, the Python package is in one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use cannery::{Error, ErrorKind, Result, Value, json};

use crate::{ExitStatus, interrupt};

/// What is to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct RunRequest {
    /// The Python file.
    pub file: PathBuf,
    /// The pipeline in it; the only one if it is not said.
    pub pipeline: Option<String>,
    /// The pipeline's parameters, as they were typed.
    pub params: Vec<(String, String)>,
    /// Files of parameters; those that were typed come before theirs.
    pub params_files: Vec<PathBuf>,
    /// Steps that run although their results are known; `*` for all.
    pub force: Vec<String>,
    /// Whether no known result is used.
    pub no_cache: bool,
    /// How old a result may be that is used.
    pub ttl: Option<Duration>,
    /// How many steps run at a time.
    pub workers: Option<u16>,
    /// Where steps run: `threads` or `processes`.
    pub executor: Option<String>,
    /// Whether steps run that do not need one that has failed.
    pub keep_going: bool,
    /// Whether it is only said what would run.
    pub dry_run: bool,
    /// What the run is called by.
    pub tags: Vec<String>,
    /// Parameters whose values say which partition it is.
    pub partition: Vec<String>,
    /// The run that is taken up; 0 for the last.
    pub resume: Option<i64>,
    /// Parameters, and the values for each of which there is a run.
    pub backfill: Vec<(String, String)>,
    /// The store's folder.
    pub store: Option<PathBuf>,
    /// Whether only what went wrong is told while it runs.
    pub quiet: bool,
    /// Whether the run is reported as JSON.
    pub json: bool,
}

impl RunRequest {
    /// All of it but the file and the store, as JSON: the keyword arguments of the function
    /// `run_file` in Python.
    ///
    /// # Errors
    /// When a path is no UTF-8.
    pub fn to_json(&self) -> Result<String> {
        let texts =
            |texts: &[String]| texts.iter().map(|text| Value::from(text.as_str())).collect();
        let files = self.params_files.iter().map(|file| {
            let no_text = || format!("no UTF-8 path: `{}`", file.display());
            file.to_str()
                .map(Value::from)
                .ok_or_else(|| Error::new(ErrorKind::Unsupported, no_text()))
        });
        let map = |pairs: &[(String, String)]| -> Value {
            pairs.iter().map(|(name, text)| (name.as_str(), Value::from(text.as_str()))).collect()
        };
        let options: Value = [
            ("name", self.pipeline.clone().into()),
            ("params", map(&self.params)),
            ("params_files", files.collect::<Result<Vec<Value>>>()?.into_iter().collect()),
            ("force", texts(&self.force)),
            ("cache", (!self.no_cache).into()),
            ("ttl", self.ttl.map(|age| age.as_secs_f64()).into()),
            ("workers", self.workers.map(u32::from).into()),
            ("executor", self.executor.clone().into()),
            ("keep_going", self.keep_going.into()),
            ("dry_run", self.dry_run.into()),
            ("tags", texts(&self.tags)),
            ("partition", texts(&self.partition)),
            ("resume", self.resume.into()),
            ("backfill", map(&self.backfill)),
            ("quiet", self.quiet.into()),
            ("json", self.json.into()),
        ]
        .into_iter()
        .collect();
        Ok(String::from_utf8_lossy(&json::to_vec(&options)?).into_owned())
    }
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
    /// Whether no progress is shown.
    pub quiet: bool,
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
    from cannery._run import run_command
except ModuleNotFoundError:
    sys.exit(127)
file, options, *store = sys.argv[1:]
sys.exit(run_command(file, options, *store))
";

/// The same for a map.
const MAP_BOOTSTRAP: &str = "\
import sys
try:
    from cannery._map._command import map_file
except ModuleNotFoundError:
    sys.exit(127)
file, function, source, target, rows, bytes, workers, *flags = sys.argv[1:]
numbers = [int(text) if text else None for text in (rows, bytes, workers)]
sys.exit(map_file(file, function, source, target, *numbers, *map(bool, flags)))
";

impl Host for PythonProcess {
    fn run(&mut self, request: &RunRequest) -> Result<ExitStatus> {
        let options = request.to_json()?;
        start(BOOTSTRAP, |command| {
            command.arg(&request.file).arg(options).args(&request.store);
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
            command.arg(if request.quiet { "quiet" } else { "" });
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
