//! The choices of `msgpack.unpackb`: what arrays, maps, extensions and timestamps become.

use cannery_core::{Container, Result};
use cannery_msgpack::{EXT, STR};
use pyo3::exceptions::{PyOverflowError, PyUnicodeDecodeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDelta;

use super::collisions::Collisions;
use super::hooks::{Hooks, pairs};
use super::make;
use crate::errors::{from_exception, to_exception};
use crate::msgpack::classes;
use crate::text;

/// What the caller of `msgpack.unpackb` chose.
#[derive(Default)]
pub(crate) struct UnpackOptions {
    /// Called with every `dict`.
    pub(crate) object_hook: Option<Py<PyAny>>,
    /// Called with every map as a list of pairs.
    pub(crate) object_pairs_hook: Option<Py<PyAny>>,
    /// Called with every array.
    pub(crate) list_hook: Option<Py<PyAny>>,
    /// Called with the code and the data of every extension.
    pub(crate) ext_hook: Option<Py<PyAny>>,
    /// Arrays become tuples.
    pub(crate) tuples: bool,
    /// What timestamps become.
    pub(crate) timestamp: TimestampAs,
    /// What to do about strings that are not UTF-8; `None` for `"strict"`.
    pub(crate) unicode_errors: Option<String>,
}

/// What a timestamp becomes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum TimestampAs {
    /// A `Timestamp`.
    #[default]
    Timestamp,
    /// Seconds, a `float`.
    Seconds,
    /// Nanoseconds, an `int`.
    Nanoseconds,
    /// A `datetime` in UTC.
    DateTime,
}

impl UnpackOptions {
    /// Whether everything becomes what it does by default.
    pub(crate) fn is_plain(&self) -> bool {
        !self.calls_python() && !self.tuples && self.timestamp == TimestampAs::Timestamp
    }

    /// Whether Python code may run while a document is built.
    pub(crate) fn calls_python(&self) -> bool {
        let hooks = [&self.object_hook, &self.object_pairs_hook, &self.list_hook, &self.ext_hook];
        hooks.iter().any(|hook| hook.is_some()) || self.unicode_errors.is_some()
    }

    /// The objects it holds, for the cyclic collector.
    pub(crate) fn held(&self) -> impl Iterator<Item = &Py<PyAny>> {
        let hooks = [&self.object_hook, &self.object_pairs_hook, &self.list_hook, &self.ext_hook];
        hooks.into_iter().flatten()
    }
}

/// Follows the [`UnpackOptions`].
pub(crate) struct MsgpackHooks<'a, const CALLS_PYTHON: bool> {
    options: &'a UnpackOptions,
    kind: MsgpackKind,
    collisions: Collisions,
}

/// The objects that MessagePack knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MsgpackKind {
    Extension,
    Timestamp,
    InvalidText,
}

impl<'a, const CALLS_PYTHON: bool> MsgpackHooks<'a, CALLS_PYTHON> {
    /// Hooks for any number of documents.
    pub(crate) fn new(options: &'a UnpackOptions) -> Self {
        Self { options, kind: MsgpackKind::Extension, collisions: Collisions::default() }
    }

    fn sequence<'py>(
        &self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let sequence = if self.options.tuples {
            make::tuple(py, values, base)?
        } else {
            make::list(py, values, base)?
        };
        match &self.options.list_hook {
            Some(hook) if CALLS_PYTHON => hook.bind(py).call1((sequence,)),
            _ => Ok(sequence),
        }
    }

    fn map<'py>(
        &mut self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        if CALLS_PYTHON && let Some(hook) = &self.options.object_pairs_hook {
            return hook.bind(py).call1((pairs(py, values, base)?,));
        }
        let keys = values[base..].iter().step_by(2);
        self.collisions.check(keys).map_err(|error| to_exception(py, error))?;
        let dict = make::dict(py, values, base)?;
        match &self.options.object_hook {
            Some(hook) if CALLS_PYTHON => hook.bind(py).call1((dict,)),
            _ => Ok(dict),
        }
    }

    fn object<'py>(
        &self,
        py: Python<'py>,
        parts: &[Bound<'py, PyAny>],
    ) -> PyResult<Bound<'py, PyAny>> {
        match (self.kind, parts) {
            (MsgpackKind::Timestamp, [_, seconds, _, nanoseconds]) => {
                self.timestamp(seconds, nanoseconds)
            }
            (MsgpackKind::Extension, [_, code, _, data]) => match &self.options.ext_hook {
                Some(hook) => hook.bind(py).call1((code, data)),
                None => ext_type(code, data),
            },
            (MsgpackKind::InvalidText, [_, data]) => self.decode(data),
            _ => unreachable!("the reader sends all parts"),
        }
    }

    fn timestamp<'py>(
        &self,
        seconds: &Bound<'py, PyAny>,
        nanoseconds: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = seconds.py();
        let (whole, part): (i64, u32) = (seconds.extract()?, nanoseconds.extract()?);
        match self.options.timestamp {
            TimestampAs::Timestamp => timestamp(seconds, nanoseconds),
            TimestampAs::Seconds =>
            {
                #[expect(clippy::cast_precision_loss, reason = "as `int` becomes `float`")]
                make::float(py, whole as f64 + f64::from(part) / 1e9)
            }
            TimestampAs::Nanoseconds => {
                let sum = i128::from(whole) * 1_000_000_000 + i128::from(part);
                Ok(sum.into_pyobject(py)?.into_any())
            }
            TimestampAs::DateTime => utc_datetime(py, whole, part),
        }
    }

    /// A string that is not UTF-8, as the caller wants such to be decoded.
    #[cold]
    fn decode<'py>(&self, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let errors = self.options.unicode_errors.as_deref().unwrap_or("strict");
        let decoded = data.call_method1("decode", ("utf-8", errors));
        decoded.map_err(|error| {
            if error.is_instance_of::<PyUnicodeDecodeError>(data.py()) {
                return own_error(data.py(), &error, "TextDecodeError").unwrap_or_else(|e| e);
            }
            error
        })
    }
}

/// The same exception as one of cannery's classes.
pub(crate) fn own_error(py: Python<'_>, error: &PyErr, class: &str) -> PyResult<PyErr> {
    let class = py.import("cannery.errors")?.getattr(class)?;
    let arguments = error.value(py).getattr("args")?;
    Ok(PyErr::from_value(class.call1(arguments.cast::<pyo3::types::PyTuple>()?)?))
}

/// An `ExtType`, as its class makes it, without running Python code.
pub(crate) fn ext_type<'py>(
    code: &Bound<'py, PyAny>,
    data: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let class = classes(code.py())?.ext_type(code.py());
    if code.extract::<i8>()? < 0 {
        return class.call1((code, data)); // refused, in the words of the class
    }
    let parts = (code, data).into_pyobject(code.py())?;
    let arguments = (parts,).into_pyobject(code.py())?;
    // SAFETY: the class derives from `tuple` and adds no fields.
    unsafe {
        let new = ffi::PyTuple_Type.tp_new.expect("`tuple` can be made");
        let made = new(class.as_type_ptr(), arguments.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(code.py(), made)
    }
}

/// A `Timestamp`, as its class makes it, without running Python code.
pub(crate) fn timestamp<'py>(
    seconds: &Bound<'py, PyAny>,
    nanoseconds: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = seconds.py();
    let class = classes(py)?.timestamp(py);
    let none = pyo3::types::PyTuple::empty(py);
    // SAFETY: the class derives from `object`, and its fields are slots.
    let made = unsafe {
        let new = ffi::PyBaseObject_Type.tp_new.expect("`object` can be made");
        let made = new(class.as_type_ptr(), none.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(py, made)?
    };
    made.setattr(pyo3::intern!(py, "seconds"), seconds)?;
    made.setattr(pyo3::intern!(py, "nanoseconds"), nanoseconds)?;
    Ok(made)
}

/// A `datetime` in UTC; it has microseconds only.
pub(crate) fn utc_datetime(
    py: Python<'_>,
    seconds: i64,
    nanoseconds: u32,
) -> PyResult<Bound<'_, PyAny>> {
    const DAY: i64 = 86_400;
    let days = i32::try_from(seconds.div_euclid(DAY))
        .map_err(|_| PyOverflowError::new_err("date value out of range"))?;
    let second = i32::try_from(seconds.rem_euclid(DAY))?;
    let microsecond = i32::try_from(nanoseconds / 1000)?;
    let delta = PyDelta::new(py, days, second, microsecond, true)?;
    epoch(py)?.add(delta)
}

/// 1970-01-01T00:00:00Z as a `datetime`.
pub(crate) fn epoch(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let epoch = EPOCH.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let arguments = (0, utc);
        module.getattr("datetime")?.call_method1("fromtimestamp", arguments).map(Bound::unbind)
    })?;
    Ok(epoch.bind(py))
}

impl<'py, const CALLS_PYTHON: bool> Hooks<'py> for MsgpackHooks<'_, CALLS_PYTHON> {
    const CALLS_PYTHON: bool = CALLS_PYTHON;

    // Of its containers, only lists may become something else without a hook.
    const PLAIN_CONTAINERS: bool = !CALLS_PYTHON;

    #[inline]
    fn end(
        &mut self,
        py: Python<'py>,
        container: Container,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let made = match container {
            Container::Map => self.map(py, values, base),
            _ => self.sequence(py, values, base),
        };
        made.map_err(from_exception)
    }

    fn begin_object(&mut self, type_name: Bound<'py, PyAny>) -> Result<()> {
        let name = text::of_python(&type_name).map_err(from_exception)?;
        self.kind = match () {
            () if name == *EXT => MsgpackKind::Extension,
            () if name == *STR => MsgpackKind::InvalidText,
            () => MsgpackKind::Timestamp,
        };
        Ok(())
    }

    fn end_object(
        &mut self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let made = self.object(py, &values[base..]).map_err(from_exception);
        values.truncate(base);
        made
    }
}
