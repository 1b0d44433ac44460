//! Containers and instances of the values that wait on the builder's stack.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PySet, PyTuple, PyType};

use super::plan::{Absent, Field, MakeRecord, Record};
use crate::compat;
use crate::memory;

/// A value that waits; `None` for a field that the document did not have.
pub(super) type Slot<'py> = Option<Bound<'py, PyAny>>;

/// Why a record could not be made.
pub(super) enum MakeError {
    /// The document does not have the required field of this number.
    Missing(usize),
    Raised(PyErr),
}

impl From<PyErr> for MakeError {
    fn from(exception: PyErr) -> Self {
        Self::Raised(exception)
    }
}

/// A `list` of the values from `base` on, which leave the stack.
#[inline]
pub(super) fn list<'py>(
    py: Python<'py>,
    values: &mut Vec<Slot<'py>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let len = values.len() - base;
    // SAFETY: a new list of `len` has that many empty places, and each is filled with a reference
    // that the stack gives up; in containers all values are there.
    unsafe {
        let list = Bound::from_owned_ptr_or_err(py, ffi::PyList_New(len.cast_signed()))?;
        for (index, value) in values.drain(base..).enumerate() {
            let value = value.expect("an item is there");
            ffi::PyList_SET_ITEM(list.as_ptr(), index.cast_signed(), value.into_ptr());
        }
        Ok(list)
    }
}

/// A `tuple` of the values from `base` on, which leave the stack.
pub(super) fn tuple<'py>(
    py: Python<'py>,
    values: &mut Vec<Slot<'py>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let items = values.drain(base..).map(|value| value.expect("an item is there"));
    let items = items.collect::<Vec<_>>();
    memory::new_tuple(py, &items).map(Bound::into_any)
}

/// A `set` or `frozenset` of the values from `base` on, which leave the stack.
pub(super) fn set<'py>(
    py: Python<'py>,
    values: &mut Vec<Slot<'py>>,
    base: usize,
    frozen: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let items = values.drain(base..).flatten().collect::<Vec<_>>();
    if frozen {
        return PyFrozenSet::new(py, items).map(Bound::into_any);
    }
    PySet::new(py, items).map(Bound::into_any)
}

/// A `dict` of the keys and values, taking turns, from `base` on, which leave the stack.
#[inline]
pub(super) fn dict<'py>(
    py: Python<'py>,
    values: &mut Vec<Slot<'py>>,
    base: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let len = (values.len() - base) / 2;
    // SAFETY: the interpreter is held.
    let dict = unsafe { Bound::from_owned_ptr_or_err(py, compat::new_dict(len))? };
    let (entries, _) = values[base..].as_chunks::<2>();
    for entry in entries {
        let [Some(key), Some(value)] = entry else { unreachable!("a key is followed by a value") };
        // SAFETY: all three are live, and the dictionary is ours.
        let status = unsafe { compat::set_entry(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
        if status < 0 {
            return Err(PyErr::fetch(py));
        }
    }
    values.truncate(base);
    Ok(dict)
}

/// An object of the record's class of the fields from `base` on, which leave the stack.
#[inline]
pub(super) fn record<'py>(
    py: Python<'py>,
    record: &Record,
    values: &mut Vec<Slot<'py>>,
    base: usize,
) -> Result<Bound<'py, PyAny>, MakeError> {
    let made = match record.make {
        MakeRecord::Instance | MakeRecord::Struct => {
            let object = new_instance(py, record)?;
            set_fields(&object, record, &mut values[base..])?;
            object
        }
        MakeRecord::Tuple => named_tuple(py, record, &mut values[base..])?,
        MakeRecord::Dict => dict_of(py, record, &mut values[base..])?.into_any(),
        MakeRecord::Call => {
            let arguments = dict_of(py, record, &mut values[base..])?;
            record.class.bind(py).call((), Some(&arguments))?
        }
    };
    values.truncate(base);
    if let Some(after) = &record.after {
        let after = after.bind(py).cast::<pyo3::types::PyString>().map_err(PyErr::from)?;
        made.call_method0(after)?;
    }
    Ok(made)
}

fn new_instance<'py>(py: Python<'py>, record: &Record) -> PyResult<Bound<'py, PyAny>> {
    let class = record.class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: the record's class is a type; `object.__new__` and the type's own allocation both
    // give a new instance of it, or null. A `Struct` is nothing but its slots, which are empty.
    unsafe {
        let made = if record.make == MakeRecord::Struct {
            (*class).tp_alloc.map(|alloc| alloc(class, 0))
        } else {
            let new = ffi::PyBaseObject_Type.tp_new;
            new.map(|new| new(class, PyTuple::empty(py).as_ptr(), std::ptr::null_mut()))
        };
        Bound::from_owned_ptr_or_err(py, made.unwrap_or(std::ptr::null_mut()))
    }
}

#[inline]
fn set_fields<'py>(
    object: &Bound<'py, PyAny>,
    record: &Record,
    values: &mut [Slot<'py>],
) -> Result<(), MakeError> {
    for (at, (field, value)) in record.fields.iter().zip(values).enumerate() {
        let value = match value.take() {
            Some(value) => value,
            None => match default(object.py(), field, at)? {
                Some(value) => value,
                None => continue,
            },
        };
        if field.is_kept {
            set_field(object, field, value)?;
        }
    }
    Ok(())
}

#[inline]
fn set_field<'py>(
    object: &Bound<'py, PyAny>,
    field: &Field,
    value: Bound<'py, PyAny>,
) -> PyResult<()> {
    if let Some(offset) = field.slot {
        // SAFETY: the class has a slot for an object at this offset, as was checked when the plan was
        // made, with a reference or null in it; whatever that was is let go of afterwards.
        unsafe {
            let slot = object.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>();
            let former = slot.replace(value.into_ptr());
            if !former.is_null() {
                ffi::Py_DECREF(former);
            }
        }
        return Ok(());
    }
    let name = field.attribute.as_ptr();
    // SAFETY: all three are live. This sets what `__setattr__` of a frozen class would refuse to.
    let status = unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name, value.as_ptr()) };
    if status < 0 { Err(PyErr::fetch(object.py())) } else { Ok(()) }
}

/// The value of a field that the document did not have; `None` if it is left out.
fn default<'py>(py: Python<'py>, field: &Field, at: usize) -> Result<Slot<'py>, MakeError> {
    Ok(match &field.default {
        Absent::Refused => return Err(MakeError::Missing(at)),
        Absent::LeftOut => None,
        Absent::Value(value) => Some(value.bind(py).clone()),
        Absent::List => Some(memory::new_list(py)?.into_any()),
        Absent::Dict => Some(memory::new_dict(py)?.into_any()),
        Absent::Set => Some(PySet::empty(py)?.into_any()),
        Absent::Call(factory) => Some(factory.bind(py).call0()?),
    })
}

fn named_tuple<'py>(
    py: Python<'py>,
    record: &Record,
    values: &mut [Slot<'py>],
) -> Result<Bound<'py, PyAny>, MakeError> {
    let mut items = Vec::with_capacity(values.len());
    for (at, (field, value)) in record.fields.iter().zip(values).enumerate() {
        items.extend(match value.take() {
            Some(value) => Some(value),
            None => default(py, field, at)?,
        });
    }
    let items = memory::new_tuple(py, &[memory::new_tuple(py, &items)?.into_any()])?;
    let class = record.class.bind(py).cast::<PyType>().map_err(PyErr::from)?.as_type_ptr();
    // SAFETY: the class is a subclass of `tuple`, whose `tp_new` makes one of any iterable.
    unsafe {
        let new = ffi::PyTuple_Type.tp_new;
        let made = new.map(|new| new(class, items.as_ptr(), std::ptr::null_mut()));
        Ok(Bound::from_owned_ptr_or_err(py, made.unwrap_or(std::ptr::null_mut()))?)
    }
}

fn dict_of<'py>(
    py: Python<'py>,
    record: &Record,
    values: &mut [Slot<'py>],
) -> Result<Bound<'py, PyDict>, MakeError> {
    let dict = memory::new_dict(py)?;
    for (at, (field, value)) in record.fields.iter().zip(values).enumerate() {
        let Some(value) = value.take() else {
            default(py, field, at)?;
            continue;
        };
        // SAFETY: all three are live, and the dictionary is ours.
        let status =
            unsafe { compat::set_entry(dict.as_ptr(), field.attribute.as_ptr(), value.as_ptr()) };
        if status < 0 {
            return Err(PyErr::fetch(py).into());
        }
    }
    Ok(dict)
}
