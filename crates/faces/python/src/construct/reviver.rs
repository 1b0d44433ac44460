//! The Python side of objects, as the builder calls it.

use std::cell::OnceCell;

use pyo3::call::PyCallArgs;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use super::weight::free_of;

use crate::compat::with_collector;

/// The Python side of objects: `begin(type_name)` and `finish(type_name, instance, parts)`.
///
/// `begin` gives an empty instance of a type that can be filled later, or `None`; `finish` fills
/// it, or makes one of the parts.
pub(crate) struct Reviver<'py> {
    /// Itself, or what makes one when the first object shows up.
    source: Bound<'py, PyAny>,
    /// What it is made with, if it is not there yet.
    arguments: Option<Bound<'py, PyTuple>>,
    made: OnceCell<Bound<'py, PyAny>>,
}

impl<'py> Reviver<'py> {
    /// One that is there already.
    pub(crate) fn new(reviver: Bound<'py, PyAny>) -> Self {
        Self { source: reviver.clone(), arguments: None, made: OnceCell::from(reviver) }
    }

    /// One that `open` makes of the arguments when the first object shows up, and that is closed in
    /// the end.
    pub(crate) fn lazy(open: Bound<'py, PyAny>, arguments: Bound<'py, PyTuple>) -> Self {
        Self { source: open, arguments: Some(arguments), made: OnceCell::new() }
    }

    fn get(&self) -> PyResult<&Bound<'py, PyAny>> {
        if let (None, Some(arguments)) = (self.made.get(), &self.arguments) {
            let made = with_collector(self.source.py(), || self.source.call1(arguments))?;
            let _ = self.made.set(made);
        }
        Ok(self.made.get().expect("it was just made"))
    }

    /// How it is freed, as all instances of classes written in Python are.
    pub(super) fn free_of_instances(&self) -> Option<usize> {
        self.made.get().map(free_of)
    }

    /// Calls a method, with the collector as the caller has it.
    fn call<A: PyCallArgs<'py>>(
        &self,
        name: &Bound<'py, PyString>,
        arguments: A,
    ) -> PyResult<Bound<'py, PyAny>> {
        let reviver = self.get()?;
        with_collector(reviver.py(), || reviver.call_method1(name, arguments))
    }

    pub(super) fn begin(
        &self,
        type_name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let instance = self.call(intern!(self.source.py(), "begin"), (type_name,))?;
        Ok((!instance.is_none()).then_some(instance))
    }

    /// Whether an object can be made while its parts have gaps: nothing looks into them.
    pub(super) fn can_wait(&self, type_name: &Bound<'py, PyAny>) -> PyResult<bool> {
        self.call(intern!(self.source.py(), "can_wait"), (type_name,))?.extract()
    }

    /// An instance made of parts that have gaps, which is filled when they have none any more.
    pub(super) fn shell(
        &self,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let shell = self.call(intern!(self.source.py(), "shell"), (type_name, parts))?;
        Ok((!shell.is_none()).then_some(shell))
    }

    /// The class of a name whose instances are made of their attributes alone.
    pub(super) fn plain_class(
        &self,
        type_name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyType>>> {
        let found = self.call(intern!(self.source.py(), "plain_class"), (type_name,))?;
        Ok(if found.is_none() { None } else { Some(found.cast_into::<PyType>()?) })
    }

    /// A record of the parts, instead of an object that is too deep to be made.
    pub(super) fn record(
        &self,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(self.source.py(), "record"), (type_name, parts))
    }

    /// Refuses an attribute by which libraries ask an object what it is.
    pub(super) fn check_name(
        &self,
        type_name: &Bound<'py, PyAny>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        self.call(intern!(self.source.py(), "check_name"), (type_name, name)).map(drop)
    }

    /// What has a hash and the same content as a list, a set or a dictionary.
    pub(super) fn immutable(&self, container: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(self.source.py(), "immutable"), (container,))
    }

    pub(super) fn finish(
        &self,
        type_name: &Bound<'py, PyAny>,
        instance: Option<&Bound<'py, PyAny>>,
        parts: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.call(intern!(self.source.py(), "finish"), (type_name, instance, parts))
    }
}

impl Drop for Reviver<'_> {
    fn drop(&mut self) {
        if let Some(made) = self.made.get().filter(|_| self.arguments.is_some()) {
            let _ = made.call_method0("close");
        }
    }
}
