//! The documents of a stream, one after the other, in memory for the longest of them.

use std::io::{self, Cursor, Read};
use std::sync::Mutex;

use cannery_core::Error;
use cannery_yaml::{Chunk, Documents, Reader};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::errors::{BEGINNING, raise};
use super::read::{Reading, wrap};
use super::source::Source;
use crate::file::PyFile;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<YamlDocuments>()?;
    module.add_function(wrap_pyfunction!(yaml_load_all, module)?)
}

/// Where a stream comes from.
enum Stream {
    Text(Cursor<Vec<u8>>),
    File(PyFile),
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Text(text) => text.read(out),
            Stream::File(file) => file.read(out),
        }
    }
}

/// An iterator over the documents of a stream.
#[pyclass(module = "cannery._native", frozen)]
struct YamlDocuments {
    // `None` at the end of the stream, and after an error.
    reader: Mutex<Option<Reader<Stream>>>,
    reading: Reading,
}

#[pymethods]
impl YamlDocuments {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut reader = self
            .reader
            .try_lock()
            .map_err(|_| PyValueError::new_err("the documents are already being read"))?;
        let found = self.next(py, &mut reader);
        if !matches!(found, Ok(Some(_))) {
            *reader = None;
        }
        found
    }
}

impl YamlDocuments {
    fn next<'py>(
        &self,
        py: Python<'py>,
        reader: &mut Option<Reader<Stream>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(reader) = reader else { return Ok(None) };
        let refused = |error: Error| raise(py, error, "", BEGINNING);
        while let Some(Chunk { text, pos }) = reader.next_chunk().map_err(refused)? {
            let mut documents = Documents::new(text, self.reading.options());
            let read = self.reading.read(py, text, &mut documents, pos);
            let read = read.map_err(|error| self.reading.raise(py, error, text, pos))?;
            if let Some(read) = read {
                return wrap(py, read).map(Some);
            }
        }
        Ok(None)
    }
}

/// The documents of a `str`, of `bytes` in UTF-8, or of a file object with either.
#[pyfunction]
fn yaml_load_all(
    stream: &Bound<'_, PyAny>,
    schema: &str,
    duplicates: &str,
    constructors: Option<Bound<'_, PyDict>>,
    positions: bool,
    depth: usize,
) -> PyResult<YamlDocuments> {
    let reading = Reading::new(schema, duplicates, constructors, positions, depth)?;
    let whole = stream.is_instance_of::<PyString>() || stream.is_instance_of::<PyBytes>();
    let stream = if whole {
        Stream::Text(Cursor::new(Source::new(stream)?.as_str().as_bytes().to_vec()))
    } else {
        Stream::File(PyFile::new(stream)?)
    };
    let reader = Reader::new(stream, reading.options());
    Ok(YamlDocuments { reader: Mutex::new(Some(reader)), reading })
}
