//! The cannery command inside of Python's process.

use std::ffi::OsString;

use cannery_cli::{Console, ExitStatus, Host, MapRequest, RunRequest};
use cannery_core::Result;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::{OrRaise, from_exception};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(cli_main, module)?)?;
    module.add_function(wrap_pyfunction!(printable, module)?)
}

/// Runs a command line, whose first word is the program's name; returns its exit status.
#[pyfunction]
fn cli_main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    let status = py.detach(|| {
        let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
        cannery_cli::main(&argv, &mut ThisProcess, &mut Console::standard(&mut out, &mut err))
    });
    status.code()
}

/// A text whose control characters, bidirectional controls and lone surrogates are written as
/// escapes; with `lines`, line feeds and tabs stay.
#[pyfunction]
#[pyo3(signature = (text, *, lines=false))]
fn printable(text: &Bound<'_, PyString>, lines: bool) -> PyResult<String> {
    let text = if let Ok(text) = text.to_str() {
        text.to_owned()
    } else {
        let bytes = text.call_method1("encode", ("utf-8", "backslashreplace"))?;
        String::from_utf8_lossy(bytes.extract()?).into_owned()
    };
    let shown =
        if lines { cannery_core::printable_lines(&text) } else { cannery_core::printable(&text) };
    Ok(shown.into_owned())
}

/// Pipelines run in the interpreter that is there already.
struct ThisProcess;

impl Host for ThisProcess {
    fn run(&mut self, request: &RunRequest) -> Result<ExitStatus> {
        let code = Python::attach(|py| run(py, request)).map_err(from_exception)?;
        Ok(ExitStatus::from_code(code))
    }

    fn map_chunks(&mut self, request: &MapRequest) -> Result<ExitStatus> {
        let code = Python::attach(|py| map_file(py, request)).map_err(from_exception)?;
        Ok(ExitStatus::from_code(code))
    }
}

fn map_file(py: Python<'_>, request: &MapRequest) -> PyResult<u8> {
    let MapRequest { file, function, source, target, .. } = request;
    let (rows, bytes, workers) = (request.rows, request.bytes, request.workers);
    let (restart, json, quiet) = (request.restart, request.json, request.quiet);
    let arguments = (file, function, source, target, rows, bytes, workers, restart, json, quiet);
    py.import("cannery._map._command")?.call_method1("map_file", arguments)?.extract()
}

fn run(py: Python<'_>, request: &RunRequest) -> PyResult<u8> {
    let options = request.to_json().or_raise(py)?;
    let arguments = (&request.file, options, &request.store);
    py.import("cannery._run")?.call_method1("run_command", arguments)?.extract()
}
