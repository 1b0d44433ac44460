//! `cannery.jsonl`: documents one after another, read and written in constant memory.

use std::collections::VecDeque;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use cannery::{Input, Location, Output};
use cannery_core::{Error, Result, Sink};
use cannery_json::lines::{Reader, Writer};
use cannery_json::{ReadOptions, WriteOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyTuple};

use crate::construct::{Hooks, Plain, PyBuilder, Watched};
use crate::errors::{OrRaise, to_exception};
use crate::file::PyFile;
use crate::json::{Lines, encode_error};
use crate::memory;
use crate::memory::MemoryFile;
use crate::typed::{TypeOptions, TypePlan, TypedBuilder};
use crate::walk::{JsonDialect, JsonOptions, PyWalker};

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<JsonLines>()?;
    module.add_function(wrap_pyfunction!(jsonl_open, module)?)?;
    module.add_function(wrap_pyfunction!(jsonl_loads, module)?)?;
    module.add_function(wrap_pyfunction!(jsonl_write, module)?)?;
    module.add_function(wrap_pyfunction!(jsonl_dumps, module)?)
}

/// What happens with a document that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OnError {
    Raise,
    Skip,
    Collect,
}

/// An iterator over the documents of a file.
///
/// ``errors`` holds the exceptions of the documents that were left out, with
/// ``on_error="collect"``.
#[pyclass(module = "cannery._native", frozen)]
struct JsonLines {
    rows: Mutex<Rows>,
    name: String,
    on_error: OnError,
    /// Whether reading calls Python code: a file object's `read`.
    calls_python: bool,
    /// What the documents shall be.
    plan: Option<Py<TypePlan>>,
    #[pyo3(get)]
    errors: Py<PyList>,
}

/// What was read, and what there is to read.
struct Rows {
    /// Documents that were read ahead: as many as the text at hand held, within `AHEAD`.
    ready: VecDeque<Py<PyAny>>,
    /// What came behind them, if it was no document.
    failed: Option<Error>,
    source: Reader<Box<dyn BufRead + Send>>,
}

/// Documents that are read ahead, so that preparing for it is done once for all of them.
const AHEAD: usize = 64;

#[pymethods]
impl JsonLines {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __enter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close()
    }

    /// Let go of the file; there are no more documents then.
    fn close(&self) -> PyResult<()> {
        let mut rows = self.rows()?;
        let nothing: Box<dyn BufRead + Send> = Box::new(std::io::empty());
        rows.source = Reader::new(nothing, ReadOptions::default());
        rows.failed = None;
        rows.ready.clear();
        Ok(())
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let mut rows = self.rows()?;
        loop {
            if let Some(row) = rows.ready.pop_front() {
                return Ok(Some(row));
            }
            let error = match rows.failed.take().map_or_else(|| self.read(py, &mut rows), Err) {
                Ok(()) if rows.ready.is_empty() => return Ok(None),
                Ok(()) => continue,
                Err(error) => self.raised(py, error, rows.source.has_failed()),
            };
            match self.on_error {
                OnError::Raise => return Err(error),
                // A file that cannot be read is no bad document, nor is what Python code raised.
                _ if rows.source.has_failed() || !is_data_error(py, &error) => return Err(error),
                OnError::Skip => {}
                OnError::Collect => self.errors.bind(py).append(error)?,
            }
            py.check_signals()?;
        }
    }
}

impl JsonLines {
    fn rows(&self) -> PyResult<MutexGuard<'_, Rows>> {
        let busy = |_| PyValueError::new_err("the lines are already being read");
        self.rows.try_lock().map_err(busy)
    }

    fn read(&self, py: Python<'_>, rows: &mut Rows) -> Result<()> {
        if let Some(plan) = &self.plan {
            let mut builder = TypedBuilder::new(plan.bind(py), self.calls_python);
            let count = rows.read(&mut builder)?;
            rows.ready.extend(builder.take_first(count).map(Bound::unbind));
        } else if self.calls_python {
            rows.read_plain(PyBuilder::new(py, Watched))?;
        } else {
            rows.read_plain(PyBuilder::new(py, Plain))?;
        }
        Ok(())
    }

    fn raised(&self, py: Python<'_>, error: Error, is_the_end: bool) -> PyErr {
        let goes_on = self.on_error == OnError::Raise && !is_the_end;
        let error = if goes_on { with_ways_on(error) } else { error };
        to_exception(py, if self.name.is_empty() { error } else { error.in_file(&*self.name) })
    }
}

impl Rows {
    fn read_plain<'py, H: Hooks<'py>>(&mut self, mut builder: PyBuilder<'py, H>) -> Result<()> {
        let count = self.read(&mut builder)?;
        self.ready.extend(builder.take_first(count).map(Bound::unbind));
        Ok(())
    }

    /// Reads a document, and those behind it that are at hand; gives their number.
    fn read<S: Sink>(&mut self, builder: &mut S) -> Result<usize> {
        match self.source.read_ahead(builder, AHEAD) {
            (0, Err(error)) => Err(error),
            (count, outcome) => {
                self.failed = outcome.err();
                Ok(count)
            }
        }
    }
}

/// Says besides what to do about a bad document how to go on without it.
#[cold]
fn with_ways_on(error: Error) -> Error {
    const WAYS: &str = "to go on without such documents, pass `on_error=\"skip\"`, or `\"collect\"` \
        to keep their errors in `.errors`";
    let hint = match error.hint() {
        None => WAYS.to_owned(),
        Some(hint) => format!("{hint}; {WAYS}"),
    };
    error.with_hint(hint)
}

fn is_data_error(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyValueError>(py)
        || error.is_instance_of::<pyo3::exceptions::PyRecursionError>(py)
}

fn parse_on_error(name: &str) -> PyResult<OnError> {
    match name {
        "raise" => Ok(OnError::Raise),
        "skip" => Ok(OnError::Skip),
        "collect" => Ok(OnError::Collect),
        _ => Err(PyValueError::new_err(format!(
            "on_error must be \"raise\", \"skip\" or \"collect\", not {name:?}"
        ))),
    }
}

/// Opens a path, or a file object, for reading.
#[pyfunction]
#[pyo3(signature = (path, file, on_error, r#type, unknown))]
fn jsonl_open(
    py: Python<'_>,
    path: Option<PathBuf>,
    file: Option<&Bound<'_, PyAny>>,
    on_error: &str,
    r#type: Option<&Bound<'_, PyAny>>,
    unknown: &str,
) -> PyResult<JsonLines> {
    let plan = TypeOptions { annotation: r#type, unknown, strict: true, binary: false }.plan(py)?;
    let plan = plan.map(Bound::unbind);
    let on_error = parse_on_error(on_error)?;
    let (input, calls_python) = match (path, file) {
        (Some(path), _) => (py.detach(|| Input::open(&Location::parse(&path))), false),
        (None, Some(file)) => (Input::from_stream(PyFile::new(file)?), true),
        (None, None) => return Err(PyValueError::new_err("nothing to read from")),
    };
    let input = input.or_raise(py)?;
    let name = input.name().to_owned();
    let source = Reader::new(input.into_reader(), ReadOptions::default());
    let rows = Mutex::new(Rows { ready: VecDeque::new(), failed: None, source });
    let errors = memory::new_list(py)?.unbind();
    Ok(JsonLines { rows, name, on_error, calls_python, plan, errors })
}

/// Reads all documents of a text.
#[pyfunction]
#[pyo3(signature = (data, r#type, unknown))]
fn jsonl_loads<'py>(
    py: Python<'py>,
    data: &Bound<'py, PyAny>,
    r#type: Option<&Bound<'py, PyAny>>,
    unknown: &str,
) -> PyResult<Bound<'py, PyList>> {
    let plan = TypeOptions { annotation: r#type, unknown, strict: true, binary: false }.plan(py)?;
    let document = crate::json::utf8(data)?;
    let mut reader = Reader::new(document.bytes(), ReadOptions::default());
    if let Some(plan) = &plan {
        let mut builder = TypedBuilder::new(plan, false);
        read_all(&mut reader, &mut builder).or_raise(py)?;
        return builder.take_all();
    }
    let mut builder = PyBuilder::new(py, Plain);
    read_all(&mut reader, &mut builder).or_raise(py)?;
    builder.take_all()
}

fn read_all<S: Sink>(reader: &mut Reader<&[u8]>, builder: &mut S) -> Result<()> {
    loop {
        let (count, outcome) = reader.read_ahead(builder, usize::MAX);
        outcome?;
        if count == 0 {
            return Ok(());
        }
    }
}

/// Writes each row as a line; gives the number of rows.
#[pyfunction]
#[pyo3(signature = (path, file, rows, append, default))]
fn jsonl_write<'py>(
    py: Python<'py>,
    path: Option<PathBuf>,
    file: Option<&Bound<'py, PyAny>>,
    rows: &Bound<'py, PyAny>,
    append: bool,
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<u64> {
    let output = match (path, file) {
        (Some(path), _) if append => Output::append_lines(&Location::parse(&path)),
        (Some(path), _) => Output::create(&Location::parse(&path)),
        (None, Some(file)) => Ok(Output::to_stream(PyFile::new(file)?)),
        (None, None) => return Err(PyValueError::new_err("nothing to write to")),
    };
    let mut writer = Writer::new(output.or_raise(py)?, WriteOptions::default());
    let outcome = write_rows(rows, default.as_ref(), &mut writer);
    if append && outcome.is_err() {
        // The lines before the bad one are as good as those of an earlier call.
        writer.finish().and_then(Output::finish).or_raise(py)?;
        return outcome;
    }
    let count = outcome?;
    writer.finish().and_then(Output::finish).or_raise(py)?;
    Ok(count)
}

/// The rows as text, one to a line.
#[pyfunction]
fn jsonl_dumps<'py>(
    rows: &Bound<'py, PyAny>,
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = rows.py();
    let mut writer = Writer::new(MemoryFile::default(), WriteOptions::default());
    write_rows(rows, default.as_ref(), &mut writer)?;
    crate::text::from_utf8(py, &writer.finish().or_raise(py)?.into_bytes())
}

fn write_rows<'py, W: std::io::Write>(
    rows: &Bound<'py, PyAny>,
    default: Option<&Bound<'py, PyAny>>,
    writer: &mut Writer<W>,
) -> PyResult<u64> {
    let py = rows.py();
    let mut count = 0;
    let mut lines = Lines::new(py);
    for row in PyIterator::from_object(rows)? {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                // The rows before it are as good as any.
                hand_over(&mut lines, writer)?;
                return Err(error);
            }
        };
        if lines.as_mut().is_none_or(|lines| lines.add(&row).is_err()) {
            hand_over(&mut lines, writer)?;
            write_row(&row, count, default, writer)?;
        }
        if lines.as_ref().is_some_and(|lines| lines.bytes().len() > ENOUGH) {
            hand_over(&mut lines, writer)?;
        }
        count += 1;
        if count % 4096 == 0 {
            py.check_signals()?;
        }
    }
    hand_over(&mut lines, writer)?;
    Ok(count)
}

/// Bytes of lines that are handed over at a time.
const ENOUGH: usize = 60 << 10;

/// Hands the lines that were written directly to the writer.
fn hand_over<W: std::io::Write>(
    lines: &mut Option<Lines<'_>>,
    writer: &mut Writer<W>,
) -> PyResult<()> {
    let Some(lines) = lines else { return Ok(()) };
    let written = writer.write_lines(lines.bytes());
    lines.clear();
    Python::attach(|py| written.or_raise(py))
}

/// Writes a row of any kind.
fn write_row<'py, W: std::io::Write>(
    row: &Bound<'py, PyAny>,
    count: u64,
    default: Option<&Bound<'py, PyAny>>,
    writer: &mut Writer<W>,
) -> PyResult<()> {
    let py = row.py();
    let options = JsonOptions::strict().with_default(default.cloned());
    let dialect = JsonDialect::<false>::new(options);
    let limits = cannery_core::Limits::default();
    PyWalker::new(writer.sink(), dialect, limits).walk(row).map_err(|error| {
        writer.discard();
        let error = encode_error(py, error);
        let _ = error.value(py).call_method1("add_note", (format!("in row {count}"),));
        error
    })
}
