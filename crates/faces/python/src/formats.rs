//! The registry of formats, for Python.

use std::ffi::OsString;
use std::io::Write;

use cannery::{Compression, Error, ErrorKind, Input, LocalCopy, Location, Output};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::OrRaise;
use crate::memory;
use crate::objects::contents_of;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(formats, module)?)?;
    module.add_function(wrap_pyfunction!(format_of_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(read_file, module)?)?;
    module.add_function(wrap_pyfunction!(write_file, module)?)?;
    module.add_class::<PyLocalCopy>()
}

/// A format: its short name, its name for people, its extensions, what it holds, and whether that is
/// any value.
type FormatRow = (&'static str, &'static str, Vec<&'static str>, &'static str, bool);

/// The formats, and the extensions of compressions.
#[pyfunction]
fn formats() -> (Vec<FormatRow>, Vec<&'static str>) {
    let formats = cannery::formats().into_iter();
    let rows = formats.map(|one| {
        let extensions = one.extensions().to_vec();
        (one.id(), one.title(), extensions, one.holds(), one.capabilities().documents)
    });
    let compressions = Compression::ALL.into_iter().flat_map(Compression::extensions);
    (rows.collect(), compressions.copied().collect())
}

/// The short name of the format that bytes look like; `None` if they look like none.
#[pyfunction]
fn format_of_bytes(py: Python<'_>, start: Vec<u8>) -> PyResult<Option<&'static str>> {
    let input = Input::from_memory(start).or_raise(py)?;
    Ok(cannery::format_of(&input).ok().map(cannery::Format::id))
}

/// Reads a whole file, expanded if it is compressed.
#[pyfunction]
fn read_file(py: Python<'_>, path: OsString) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = contents_of(py, &Location::parse(&path)).or_raise(py)?;
    memory::new_bytes(py, &bytes)
}

/// Writes a file, which appears whole; its name says how it is compressed.
#[pyfunction]
fn write_file(py: Python<'_>, path: OsString, data: &[u8]) -> PyResult<()> {
    let write = || {
        let mut output = Output::create(&Location::parse(&path))?;
        output.write_all(data).map_err(|e| Error::io(e, "cannot write the file"))?;
        output.finish()
    };
    py.detach(write).or_raise(py)
}

/// A copy of a file that a service keeps, there as long as this object.
#[pyclass(frozen, name = "LocalCopy", module = "cannery._native")]
struct PyLocalCopy {
    copy: LocalCopy,
    name: String,
}

#[pymethods]
impl PyLocalCopy {
    #[new]
    fn new(py: Python<'_>, address: &str) -> PyResult<Self> {
        let Location::Url(url) = Location::parse(address) else {
            let error = Error::new(ErrorKind::Value, "expected an address, found a path");
            return Err(crate::errors::to_exception(py, error));
        };
        let copy = py.detach(|| LocalCopy::of(&url)).or_raise(py)?;
        Ok(Self { copy, name: url.to_string() })
    }

    /// Where it is.
    #[getter]
    fn path(&self) -> &std::ffi::OsStr {
        self.copy.path().as_os_str()
    }

    /// The address without what may be secret in it.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// What names this state of the file, if the service says so, and its size in bytes.
    #[getter]
    fn state(&self) -> (Option<&str>, u64) {
        (self.copy.etag(), self.copy.len())
    }
}
