//! Python's types as the package `msgpack` sees them.

use cannery_core::{Container, Error, ErrorKind, Result, Sink, Text};
use cannery_msgpack::{EXT, TIMESTAMP, WriteOptions};
use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyByteArray, PyBytes, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyInt, PyList, PyMemoryView,
    PyTuple, PyTzInfoAccess,
};

use super::frame::OpenContainer;
use super::{Dialect, Frames, Key, WalkStep, is_exactly, scalar};
use crate::construct::epoch;
use crate::errors::from_exception;
use crate::msgpack::classes;

/// What the caller of `msgpack.packb` chose.
#[derive(Default)]
pub(crate) struct PackOptions {
    /// Called for values of other types.
    pub(crate) default: Option<Py<PyAny>>,
    /// Write only the types themselves, no subclasses, and no tuples.
    pub(crate) strict_types: bool,
    /// Write aware datetimes as timestamps.
    pub(crate) datetime: bool,
    /// What to do about surrogates in text; `None` for `"strict"`.
    pub(crate) unicode_errors: Option<String>,
    /// How to encode.
    pub(crate) write: WriteOptions,
}

impl PackOptions {
    /// Whether plain objects are written as in every other case.
    pub(crate) fn is_plain(&self) -> bool {
        !self.strict_types && self.write == WriteOptions::default()
    }
}

/// The types that MessagePack has, and those that the package counts among them.
pub(crate) struct MsgpackDialect<'a> {
    options: &'a PackOptions,
}

impl<'a> MsgpackDialect<'a> {
    /// The dialect with its options.
    pub(crate) fn new(options: &'a PackOptions) -> Self {
        Self { options }
    }

    /// Whatever is neither a `list` nor a `dict`.
    fn other<'py, S: Sink>(
        &self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        let lenient = !self.options.strict_types;
        if send_bytes(&value, lenient, sink)?
            || lenient && !is_int(&value) && scalar::send_subclass(&value, sink)?
            || lenient && is_int(&value) && scalar::send_int(&value, sink)?
            || self.extension(&value, sink)?
        {
            return Ok(WalkStep::Done);
        }
        match self.container(&value, sink)? {
            Some(frame) => {
                frames.enter(frame)?;
                Ok(WalkStep::Entered)
            }
            None => self.call_default(value, frames),
        }
    }

    /// `ExtType`, `Timestamp`, and datetimes if they are wanted as such.
    fn extension<S: Sink>(&self, value: &Bound<'_, PyAny>, sink: &mut S) -> Result<bool> {
        let extension = self.extension_of(value).map_err(from_exception)?;
        match extension {
            Some(Extension::Code(code, data)) => send_ext(code, data.as_bytes(), sink)?,
            Some(Extension::Moment(seconds, nanoseconds)) => {
                send_timestamp(seconds, nanoseconds, sink)?;
            }
            None => return Ok(false),
        }
        Ok(true)
    }

    fn extension_of<'py>(&self, value: &Bound<'py, PyAny>) -> PyResult<Option<Extension<'py>>> {
        let py = value.py();
        let known = classes(py)?;
        let is_ext = if self.options.strict_types {
            value.get_type().is(known.ext_type(py))
        } else {
            value.is_instance(known.ext_type(py))?
        };
        if is_ext {
            let data = value.getattr("data")?.cast_into::<PyBytes>()?;
            return Ok(Some(Extension::Code(value.getattr("code")?.extract()?, data)));
        }
        if value.get_type().is(known.timestamp(py)) {
            let seconds = value.getattr("seconds")?.extract()?;
            return Ok(Some(Extension::Moment(seconds, value.getattr("nanoseconds")?.extract()?)));
        }
        if self.options.datetime
            && let Ok(when) = value.cast_exact::<PyDateTime>()
            && when.get_tzinfo().is_some()
        {
            return moment(when).map(Some);
        }
        Ok(None)
    }

    fn container<'py, S: Sink>(
        &self,
        value: &Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<Option<OpenContainer<'py>>> {
        if self.options.strict_types {
            return Ok(None);
        }
        let frame = if value.is_instance_of::<PyDict>() {
            let pairs = items(value).map_err(from_exception)?;
            sink.begin(Container::Map, Some(pairs.len()))?;
            OpenContainer::pairs(value.clone(), pairs)
        } else if let Ok(list) = value.cast::<PyList>() {
            sink.begin(Container::List, Some(list.len()))?;
            OpenContainer::list(list.clone())
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            sink.begin(Container::List, Some(tuple.len()))?;
            OpenContainer::tuple(tuple.clone(), Container::List)
        } else {
            return Ok(None);
        };
        Ok(Some(frame))
    }

    fn call_default<'py>(
        &self,
        value: Bound<'py, PyAny>,
        frames: &Frames<'py>,
    ) -> Result<WalkStep<'py>> {
        // What the function gave is not given to it again.
        let is_its_own = frames.open().last().is_some_and(OpenContainer::is_instead);
        match &self.options.default {
            Some(default) if !is_its_own => {
                let other = default.bind(value.py()).call1((&value,)).map_err(from_exception)?;
                Ok(WalkStep::Instead(value, other))
            }
            _ => Err(self.refuse(&value)),
        }
    }

    #[cold]
    fn refuse(&self, value: &Bound<'_, PyAny>) -> Error {
        if is_int(value) && (!self.options.strict_types || value.is_exact_instance_of::<PyInt>()) {
            return Error::new(ErrorKind::Value, "Integer value out of range").with_hint(
                "MessagePack's integers have 64 bits: pass `default=`, or use `cannery.dump`",
            );
        }
        let class = class_name(value);
        if self.options.datetime && value.is_instance_of::<PyDateTime>() {
            let message = format!("can not serialize '{class}' object where tzinfo=None");
            return from_exception(PyValueError::new_err(message));
        }
        let message = format!("can not serialize '{class}' object");
        Error::new(ErrorKind::Type, message)
            .with_hint("pass `default=`, or save any object with `cannery.dump`")
    }
}

enum Extension<'py> {
    Code(i8, Bound<'py, PyBytes>),
    Moment(i64, u32),
}

/// The moment of an aware datetime.
fn moment<'py>(when: &Bound<'py, PyDateTime>) -> PyResult<Extension<'py>> {
    let delta = when.sub(epoch(when.py())?)?.cast_into::<PyDelta>()?;
    let seconds = i64::from(delta.get_days()) * 86_400 + i64::from(delta.get_seconds());
    Ok(Extension::Moment(seconds, u32::try_from(delta.get_microseconds())? * 1000))
}

impl<'py> Dialect<'py> for MsgpackDialect<'_> {
    const PLAIN_CONTAINERS: bool = true;

    #[inline]
    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        if is_exactly(&value, &raw mut ffi::PyDict_Type) {
            // SAFETY: the type was looked at above.
            let dict = unsafe { value.cast_into_unchecked::<PyDict>() };
            sink.begin(Container::Map, Some(dict.len()))?;
            frames.enter(OpenContainer::dict(dict))?;
        } else if is_exactly(&value, &raw mut ffi::PyList_Type) {
            // SAFETY: as above.
            let list = unsafe { value.cast_into_unchecked::<PyList>() };
            sink.begin(Container::List, Some(list.len()))?;
            frames.enter(OpenContainer::list(list))?;
        } else {
            return self.other(value, frames, sink);
        }
        Ok(WalkStep::Entered)
    }

    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, _sink: &mut S) -> Result<Key<'py>> {
        Ok(Key::Value(key.clone()))
    }
}

/// Sends `bytes`, `bytearray` and `memoryview`.
fn send_bytes<S: Sink>(value: &Bound<'_, PyAny>, lenient: bool, sink: &mut S) -> Result<bool> {
    if let Ok(bytes) = value.cast::<PyBytes>()
        && (lenient || value.is_exact_instance_of::<PyBytes>())
    {
        sink.bytes(bytes.as_bytes())?;
    } else if let Ok(bytes) = value.cast::<PyByteArray>()
        && (lenient || value.is_exact_instance_of::<PyByteArray>())
    {
        sink.bytes(&crate::memory::copied_array(bytes).map_err(from_exception)?)?;
    } else if value.is_instance_of::<PyMemoryView>() {
        let class = value.py().get_type::<PyBytes>();
        let bytes = class.call1((value,)).and_then(|copy| Ok(copy.cast_into::<PyBytes>()?));
        sink.bytes(bytes.map_err(from_exception)?.as_bytes())?;
    } else {
        return Ok(false);
    }
    Ok(true)
}

fn send_ext<S: Sink>(code: i8, data: &[u8], sink: &mut S) -> Result<()> {
    sink.begin_object(Text::Ascii(EXT), Some(2))?;
    sink.key(Text::Ascii("code"))?;
    sink.int(code.into())?;
    sink.key(Text::Ascii("data"))?;
    sink.bytes(data)?;
    sink.end_object()
}

fn send_timestamp<S: Sink>(seconds: i64, nanoseconds: u32, sink: &mut S) -> Result<()> {
    sink.begin_object(Text::Ascii(TIMESTAMP), Some(2))?;
    sink.key(Text::Ascii("seconds"))?;
    sink.int(seconds)?;
    sink.key(Text::Ascii("nanoseconds"))?;
    sink.int(nanoseconds.into())?;
    sink.end_object()
}

/// The entries of a subclass of `dict`, by its own `items`.
fn items<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    let items = value.call_method0("items")?;
    Ok(value.py().get_type::<PyList>().call1((items,))?.cast_into()?)
}

fn is_int(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyInt>()
}

fn class_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
