//! The cannery command inside of Python's process.

use std::ffi::OsString;

use cannery_cli::{Console, ExitStatus, Host, RunRequest};
use cannery_core::Result;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::from_exception;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(cli_main, module)?)
}

/// Runs a command line, whose first word is the program's name; returns its exit status.
#[pyfunction]
fn cli_main(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    let status = py.detach(|| {
        let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
        cannery_cli::main(argv, &mut ThisProcess, &mut Console::standard(&mut out, &mut err))
    });
    status.code()
}

/// Pipelines run in the interpreter that is there already.
struct ThisProcess;

impl Host for ThisProcess {
    fn run(&mut self, request: &RunRequest) -> Result<ExitStatus> {
        let code = Python::attach(|py| run(py, request)).map_err(from_exception)?;
        Ok(ExitStatus::from_code(code))
    }
}

fn run(py: Python<'_>, request: &RunRequest) -> PyResult<u8> {
    let params = PyDict::new(py);
    for (name, value) in &request.params {
        params.set_item(name, value)?;
    }
    let arguments = (&request.file, &request.pipeline, params, request.json);
    py.import("cannery._run")?.call_method1("run_file", arguments)?.extract()
}
