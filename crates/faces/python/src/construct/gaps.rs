//! Places that wait for values which are still being read.

use cannery_core::Container;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A place that waits for a value which cannot be made before its parts: a cycle through a tuple.
pub(super) struct Gap<'py> {
    pub(super) holder: Bound<'py, PyAny>,
    pub(super) kind: Holder,
    pub(super) place: Bound<'py, PyAny>,
    pub(super) id: u64,
}

/// What has a gap.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Container(Container),
    /// An object: the place is the name of an attribute.
    Object,
}

/// Stands in a gap.
#[pyclass(frozen, module = "cannery._native")]
pub(crate) struct Placeholder {
    pub(super) id: u64,
}

impl<'py> Gap<'py> {
    /// Whether the gap in its parts is one in an attribute of the object, and is filled there.
    pub(super) fn moves_to(&mut self, object: &Bound<'py, PyAny>) -> bool {
        let name = self.place.cast::<PyString>().ok();
        let attribute = name.and_then(|name| object.getattr(name).ok());
        let is_there = attribute.is_some_and(|found| {
            found.cast_exact::<Placeholder>().is_ok_and(|found| found.get().id == self.id)
        });
        (self.holder, self.kind) = (object.clone(), Holder::Object);
        is_there
    }

    pub(super) fn fill(self, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let container = match self.kind {
            Holder::Container(container) => container,
            Holder::Object => return set_attribute(&self.holder, &self.place, value),
        };
        match container {
            Container::List | Container::Map => self.holder.set_item(self.place, value),
            Container::Set => {
                self.holder.call_method1("discard", (&self.place,))?;
                self.holder.call_method1("add", (value,)).map(drop)
            }
            Container::Tuple => {
                replace_in_tuple(&self.holder, self.place.extract()?, value.clone());
                Ok(())
            }
            Container::FrozenSet => unreachable!("refused when it was found"),
        }
    }
}

/// Sets an attribute past the methods of the class: a frozen one has some that refuse.
fn set_attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    // SAFETY: all three are live, and the interpreter is held.
    let status =
        unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if status < 0 { Err(PyErr::fetch(object.py())) } else { Ok(()) }
}

/// Puts a value where a placeholder was.
fn replace_in_tuple<'py>(tuple: &Bound<'py, PyAny>, index: usize, value: Bound<'py, PyAny>) {
    // SAFETY: the tuple was made by this builder and the index was taken from it. No other code has seen
    // it yet, so that no code can notice that it changes; the placeholder is let go of.
    unsafe {
        let place = (&raw mut (*tuple.as_ptr().cast::<ffi::PyTupleObject>()).ob_item)
            .cast::<*mut ffi::PyObject>()
            .add(index);
        let placeholder = std::ptr::replace(place, value.into_ptr());
        ffi::Py_DECREF(placeholder);
    }
}
