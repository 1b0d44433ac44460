//! `Unpacker`: objects from bytes that are fed to it or come from a file.

use cannery_core::{Container, Error, ErrorKind};
use cannery_msgpack::{ReadOptions, Scanner, Sizes, read_header};
use pyo3::exceptions::{PyAssertionError, PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use super::Data;
use super::errors::{buffer_full, out_of_data, unpack_error};
use super::truth;
use super::unpack::{build, build_typed, checked, read_options, size_or, timestamp_as};
use crate::construct::UnpackOptions;
use crate::memory::{self, Name};
use crate::typed::{TypeOptions, TypePlan, as_exception};

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<MsgpackUnpacker>()
}

const MOST_IN_BUFFER: usize = 100 << 20;
const READ_SIZE: usize = 1 << 20;

/// Unpacks a stream of objects.
///
/// - ``file_like``: where to read from; else bytes are given to ``feed()``.
/// - ``read_size``: bytes to read at a time.
/// - ``use_list``: arrays become lists, else tuples.
/// - ``raw``: strings become ``bytes``, whatever is in them.
/// - ``timestamp``: timestamps become 0 ``Timestamp``, 1 seconds (``float``), 2 nanoseconds
///   (``int``), 3 ``datetime`` in UTC.
/// - ``strict_map_key``: refuse keys that are neither ``str`` nor ``bytes``.
/// - ``object_hook``, ``object_pairs_hook``, ``list_hook``: called with each ``dict``, with the
///   pairs of each map, with each list; give what takes its place.
/// - ``ext_hook``: called with the code and the data of each extension; by default ``ExtType``.
/// - ``unicode_errors``: the error handler for strings that are not UTF-8.
/// - ``max_buffer_size``: bytes that may wait; ``BufferFull`` is raised beyond (0: 2**31 - 1).
/// - ``max_str_len``, ``max_bin_len``, ``max_array_len``, ``max_map_len``, ``max_ext_len``: the
///   largest values to accept; by default what fits the buffer.
/// - ``type``, ``unknown``: what each object shall be, as in ``decode``; not together with hooks and
///   ``raw``. An object of another type raises ``MismatchError``, and the next one follows it.
#[pyclass(subclass, module = "cannery.msgpack", name = "Unpacker")]
#[derive(Default)]
struct MsgpackUnpacker {
    hooks: UnpackOptions,
    options: ReadOptions,
    /// What each object shall be.
    plan: Option<Py<TypePlan>>,
    /// Where in the rest of the buffer to go on behind an object that is of another type.
    behind: Option<usize>,
    /// The method `read` of the file, until its end was met.
    read: Option<Py<PyAny>>,
    read_size: usize,
    most: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next object begins.
    head: usize,
    /// Where the stream's next object begins.
    offset: u64,
    /// What was seen of an object of which not all had come.
    scanner: Option<Scanner>,
}

impl MsgpackUnpacker {
    fn rest(&self) -> &[u8] {
        &self.buffer[self.head..]
    }

    fn advance(&mut self, used: usize) {
        self.head += used;
        self.offset += used as u64;
        self.scanner = None;
        if self.head == self.buffer.len() {
            self.buffer.clear();
            self.head = 0;
        }
    }

    fn append(&mut self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        if bytes.len() > self.most.saturating_sub(self.rest().len()) {
            return Err(buffer_full(py, self.most));
        }
        if self.head > self.buffer.len() / 2 {
            self.buffer.drain(..self.head);
            self.head = 0;
        }
        self.buffer.try_reserve(bytes.len()).map_err(|_| memory::error())?;
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads more from the file; whether there was any.
    fn fill(&mut self, py: Python<'_>) -> PyResult<bool> {
        let Some(read) = &self.read else { return Ok(false) };
        let room = self.most - self.rest().len().min(self.most);
        if room == 0 {
            return Err(buffer_full(py, self.most));
        }
        let most = memory::unsigned(py, room.min(self.read_size) as u64)?;
        let bytes = read.bind(py).call1((most,))?;
        let data = Data::of(&bytes)?;
        if data.bytes().is_empty() {
            self.read = None;
            return Ok(false);
        }
        self.append(py, data.bytes())?;
        Ok(true)
    }

    /// Repeats `attempt` until it has got what it wants, or nothing more comes.
    fn take<'py, T>(
        &mut self,
        py: Python<'py>,
        attempt: impl Fn(&mut Self, Python<'py>) -> Result<Option<(T, usize)>, Error>,
    ) -> PyResult<Option<T>> {
        loop {
            match attempt(self, py) {
                Ok(Some((taken, used))) => {
                    self.advance(used);
                    return Ok(Some(taken));
                }
                Ok(None) => {}
                Err(error) => return Err(self.fail(py, error)),
            }
            if !self.fill(py)? {
                return Ok(None);
            }
        }
    }

    /// The stream goes on behind the bytes that were at fault.
    #[cold]
    fn fail(&mut self, py: Python<'_>, error: Error) -> PyErr {
        let start = self.offset;
        let within = error.pos().map_or(0, |pos| usize::try_from(pos.offset).unwrap_or(0));
        let within = self.behind.take().unwrap_or(within);
        self.advance(within.min(self.rest().len()));
        let mut error = error.map_pos(|pos| cannery_core::Pos::offset(pos.offset + start));
        as_exception(py, &mut error).unwrap_or_else(|| unpack_error(py, error))
    }

    fn try_build<'py>(
        &mut self,
        py: Python<'py>,
    ) -> Result<Option<(Bound<'py, PyAny>, usize)>, Error> {
        if let Some(plan) = &self.plan {
            let plan = plan.bind(py).clone();
            return self.try_build_typed(&plan);
        }
        // No hook shall be called twice for an object of which not all has come: those are
        // looked through first.
        if self.scanner.is_none() && !self.hooks.calls_python() {
            match build(py, self.rest(), &self.hooks, &self.options) {
                Err(error) if error.kind() == ErrorKind::Truncated => {}
                other => return other.map(Some),
            }
        }
        let Some((_, end)) = self.try_skip()? else { return Ok(None) };
        build(py, &self.rest()[..end], &self.hooks, &self.options).map(Some)
    }

    fn try_build_typed<'py>(
        &mut self,
        plan: &Bound<'py, TypePlan>,
    ) -> Result<Option<(Bound<'py, PyAny>, usize)>, Error> {
        let Some((_, end)) = self.try_skip()? else { return Ok(None) };
        self.behind = Some(end);
        let built = build_typed(plan, &self.rest()[..end], &self.options)?;
        self.behind = None;
        Ok(Some(built))
    }

    fn try_skip(&mut self) -> Result<Option<(Passed, usize)>, Error> {
        let mut scanner = self.scanner.take().unwrap_or_default();
        let end = scanner.scan(self.rest(), &self.options)?;
        self.scanner = Some(scanner);
        Ok(end.map(|end| (Passed, end)))
    }

    fn try_header(&mut self, wanted: Container) -> Result<Option<(usize, usize)>, Error> {
        match read_header(self.rest(), &self.options) {
            Ok((container, length, used)) if container == wanted => Ok(Some((length, used))),
            Ok(_) => Err(unexpected(wanted)),
            Err(error) => match error.kind() {
                ErrorKind::Truncated => Ok(None),
                ErrorKind::Type => Err(unexpected(wanted)),
                _ => Err(error),
            },
        }
    }
}

/// An object was passed over.
struct Passed;

#[cold]
fn unexpected(wanted: Container) -> Error {
    let name = if wanted == Container::Map { "map" } else { "array" };
    Error::new(ErrorKind::Value, format!("expected {name}"))
}

#[pymethods]
impl MsgpackUnpacker {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs), text_signature = None)]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self { most: MOST_IN_BUFFER, read_size: READ_SIZE, ..Self::default() }
    }

    #[pyo3(signature = (file_like=None, *, read_size=0, use_list=true, raw=false, timestamp=0,
        strict_map_key=true, object_hook=None, object_pairs_hook=None, list_hook=None,
        unicode_errors=None, max_buffer_size=104_857_600, ext_hook=None, max_str_len=-1,
        max_bin_len=-1, max_array_len=-1, max_map_len=-1, max_ext_len=-1, r#type=None,
        unknown="ignore"))]
    #[expect(clippy::too_many_arguments, reason = "the signature of the package")]
    fn __init__(
        &mut self,
        py: Python<'_>,
        file_like: Option<&Bound<'_, PyAny>>,
        read_size: usize,
        #[pyo3(from_py_with = truth)] use_list: bool,
        #[pyo3(from_py_with = truth)] raw: bool,
        timestamp: u8,
        #[pyo3(from_py_with = truth)] strict_map_key: bool,
        object_hook: Option<Py<PyAny>>,
        object_pairs_hook: Option<Py<PyAny>>,
        list_hook: Option<Py<PyAny>>,
        unicode_errors: Option<String>,
        max_buffer_size: usize,
        ext_hook: Option<Py<PyAny>>,
        max_str_len: isize,
        max_bin_len: isize,
        max_array_len: isize,
        max_map_len: isize,
        max_ext_len: isize,
        r#type: Option<&Bound<'_, PyAny>>,
        unknown: &str,
    ) -> PyResult<()> {
        let hooks = UnpackOptions {
            object_hook,
            object_pairs_hook,
            list_hook,
            ext_hook,
            tuples: !use_list,
            timestamp: timestamp_as(timestamp)?,
            unicode_errors,
        };
        let plan =
            TypeOptions { annotation: r#type, unknown, strict: true, binary: true }.plan(py)?;
        if plan.is_some() && (raw || !hooks.is_plain()) {
            let message = "Unpacker takes type= or hooks and raw, not both";
            return Err(PyTypeError::new_err(message));
        }
        let most = if max_buffer_size == 0 { i32::MAX as usize } else { max_buffer_size };
        if read_size > most {
            let message = "read_size should be less or equal to max_buffer_size";
            return Err(PyValueError::new_err(message));
        }
        let sizes = Sizes {
            text: size_or(max_str_len, most),
            bytes: size_or(max_bin_len, most),
            array: size_or(max_array_len, most),
            map: size_or(max_map_len, most / 2),
            extension: size_or(max_ext_len, most),
        };
        *self = Self {
            hooks: checked(py, hooks)?,
            options: read_options(raw, strict_map_key).sizes(sizes),
            plan: plan.map(Bound::unbind),
            read: file_like.map(method_read).transpose()?,
            read_size: if read_size == 0 { READ_SIZE.min(most) } else { read_size },
            most,
            ..Self::default()
        };
        Ok(())
    }

    /// Append bytes to those that wait to be unpacked.
    fn feed(&mut self, next_bytes: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.read.is_some() {
            let message = "unpacker.feed() is not be able to use with `file_like`.";
            return Err(PyAssertionError::new_err(message));
        }
        self.append(next_bytes.py(), Data::of(next_bytes)?.bytes())
    }

    /// Unpack one object; ``OutOfData`` if not all of it has come.
    fn unpack<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.take(py, Self::try_build)?.ok_or_else(|| out_of_data(py))
    }

    /// Pass over one object.
    fn skip(&mut self, py: Python<'_>) -> PyResult<()> {
        match self.take(py, |unpacker, _| unpacker.try_skip())? {
            Some(Passed) => Ok(()),
            None => Err(out_of_data(py)),
        }
    }

    /// Read the header of an array and return its length: that many objects follow.
    fn read_array_header(&mut self, py: Python<'_>) -> PyResult<usize> {
        let header = |unpacker: &mut Self, _| unpacker.try_header(Container::List);
        self.take(py, header)?.ok_or_else(|| out_of_data(py))
    }

    /// Read the header of a map and return its length: that many keys and values follow.
    fn read_map_header(&mut self, py: Python<'_>) -> PyResult<usize> {
        let header = |unpacker: &mut Self, _| unpacker.try_header(Container::Map);
        self.take(py, header)?.ok_or_else(|| out_of_data(py))
    }

    /// Read bytes as they are; fewer if there are no more.
    fn read_bytes<'py>(&mut self, py: Python<'py>, nbytes: usize) -> PyResult<Bound<'py, PyBytes>> {
        while self.rest().len() < nbytes && self.fill(py)? {}
        let length = nbytes.min(self.rest().len());
        let bytes = memory::new_bytes(py, &self.rest()[..length])?;
        self.advance(length);
        Ok(bytes)
    }

    /// Return how many bytes of the stream come before the next object.
    fn tell(&self) -> u64 {
        self.offset
    }

    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.take(py, Self::try_build)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.read)?;
        visit.call(&self.plan)?;
        self.hooks.held().try_for_each(|hook| visit.call(hook))
    }

    fn __clear__(&mut self) {
        self.read = None;
        self.hooks = UnpackOptions::default();
    }
}

fn method_read(file: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let read = file.getattr(Name("read"))?;
    if !read.is_callable() {
        return Err(PyTypeError::new_err("`file_like.read` must be a callable."));
    }
    Ok(read.unbind())
}
