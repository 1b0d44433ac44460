//! The Python side of objects, as the builder calls it.

use pyo3::call::PyCallArgs;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::compat::with_collector;

/// The Python side of objects: `begin(type_name)` and `finish(type_name, instance, parts)`.
///
/// `begin` gives an empty instance of a type that can be filled later, or `None`; `finish` fills
/// it, or makes one of the parts.
pub(crate) struct Reviver<'py>(pub(crate) Bound<'py, PyAny>);

impl<'py> Reviver<'py> {
    /// Calls a method, with the collector as the caller has it.
    fn call<A: PyCallArgs<'py>>(&self, name: &str, arguments: A) -> PyResult<Bound<'py, PyAny>> {
        with_collector(self.0.py(), || self.0.call_method1(name, arguments))
    }

    pub(super) fn begin(
        &self,
        type_name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let instance = self.call("begin", (type_name,))?;
        Ok((!instance.is_none()).then_some(instance))
    }

    /// Whether an object can be made while its parts have gaps: nothing looks into them.
    pub(super) fn can_wait(&self, type_name: &Bound<'py, PyAny>) -> PyResult<bool> {
        self.call("can_wait", (type_name,))?.extract()
    }

    /// An instance made of parts that have gaps, which is filled when they have none any more.
    pub(super) fn shell(
        &self,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shell = self.call("shell", (type_name, parts))?;
        Ok((!shell.is_none()).then_some(shell))
    }

    /// The class of a name whose instances are made of their attributes alone.
    pub(super) fn plain_class(
        &self,
        type_name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyType>>> {
        let found = self.call("plain_class", (type_name,))?;
        Ok(if found.is_none() { None } else { Some(found.cast_into::<PyType>()?) })
    }

    /// A record of the parts, instead of an object that is too deep to be made.
    pub(super) fn record(
        &self,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call("record", (type_name, parts))
    }

    /// Refuses an attribute by which libraries ask an object what it is.
    pub(super) fn check_name(
        &self,
        type_name: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        self.call("check_name", (type_name, name)).map(drop)
    }

    pub(super) fn finish(
        &self,
        type_name: &Bound<'py, PyAny>,
        instance: Option<&Bound<'py, PyAny>>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call("finish", (type_name, instance, parts))
    }
}
