//! joblib's files: pickles between whose instructions the raw numbers of arrays lie.

use cannery::pickle::analyzer::{AnalyzerOptions, analyze};
use cannery::{Compression, Contents, Input, default_limits};
use cannery_core::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::OrRaise;
use crate::memory;
use crate::npy::Buffer;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(expanded, module)?)?;
    module.add_function(wrap_pyfunction!(joblib_raw_parts, module)?)
}

/// What compressed bytes expand to, within the limits; `None` if they are not compressed in a way
/// that their beginning tells.
#[pyfunction]
fn expanded<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let buffer = Buffer::of(data)?;
    if Compression::of_start(buffer.as_slice()).is_none() {
        return Ok(None);
    }
    let whole =
        || match Input::from_memory(buffer.as_slice().to_vec())?.into_whole(&default_limits())? {
            Contents::Memory(bytes) => Ok(bytes),
            Contents::File(_) => Err(Error::new(ErrorKind::Unsupported, "memory that is a file")),
        };
    let bytes = py.detach(whole).or_raise(py)?;
    Ok(Some(memory::new_bytes(py, &bytes)?))
}

/// Where the raw parts of a pickle begin and end, and where it ends itself.
#[pyfunction]
fn joblib_raw_parts(
    py: Python<'_>,
    data: &Bound<'_, PyAny>,
) -> PyResult<(Vec<(usize, usize)>, usize)> {
    let buffer = Buffer::of(data)?;
    let analyzed = py.detach(|| analyze(buffer.as_slice(), 0, &AnalyzerOptions::default()));
    let parts = analyzed.raw.iter().map(|part| (part.start, part.end)).collect();
    match analyzed.error {
        // Only what follows raw numbers cannot be read without knowing where they end.
        Some(error) if !analyzed.raw.is_empty() => Err(error).or_raise(py),
        _ => Ok((parts, analyzed.end)),
    }
}
