//! The state of instances that are nothing but their attributes.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::compat;

type Object<'py> = Bound<'py, PyAny>;

/// Gives an instance its attributes as `vars(object).update(state)` would, or does nothing and says
/// false.
///
/// An instance that was never asked for its `__dict__` has none, which saves an object for each of
/// many. So the attributes are set one by one, where no code can tell the difference: the class
/// sets attributes as `object` does, and describes none of these.
pub(super) fn set_plainly<'py>(object: &Object<'py>, state: &Bound<'py, PyDict>) -> PyResult<bool> {
    // SAFETY: an object, which keeps its type.
    let class = unsafe { ffi::Py_TYPE(object.as_ptr()) };
    if !compat::KNOWN_LAYOUT || !sets_as_object_does(object.py(), class) {
        return Ok(false);
    }
    let mut position = 0;
    while let Some((name, _)) = next_entry(state, &mut position) {
        if !name.is_exact_instance_of::<PyString>() || is_described(class, &name) {
            return Ok(false);
        }
    }
    position = 0;
    while let Some((name, value)) = next_entry(state, &mut position) {
        let name = interned(name);
        // SAFETY: three objects.
        let failed =
            unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if failed != 0 {
            return Err(PyErr::fetch(object.py()));
        }
    }
    Ok(true)
}

fn sets_as_object_does(py: Python<'_>, class: *mut ffi::PyTypeObject) -> bool {
    const MANAGED_DICT: std::ffi::c_ulong = 1 << 4;
    // SAFETY: a type, of a version whose flags are known; what it has is compared only.
    unsafe {
        let set = (*class).tp_setattro.map(|set| set as usize);
        let get = (*class).tp_getattro.map(|get| get as usize);
        let dict = compat::type_attribute(class, intern!(py, "__dict__").as_ptr());
        set == Some(ffi::PyObject_GenericSetAttr as *const () as usize)
            && get == Some(ffi::PyObject_GenericGetAttr as *const () as usize)
            && compat::type_flags(class) & MANAGED_DICT != 0
            && !dict.is_null()
            && ffi::Py_TYPE(dict) == &raw mut ffi::PyGetSetDescr_Type
    }
}

/// Whether the class has something by that name that setting would reach.
fn is_described(class: *mut ffi::PyTypeObject, name: &Object<'_>) -> bool {
    // SAFETY: a type and a `str`; what is found is looked at while the class keeps it.
    unsafe {
        let found = compat::type_attribute(class, name.as_ptr());
        !found.is_null() && (*ffi::Py_TYPE(found)).tp_descr_set.is_some()
    }
}

/// The next entry of a dictionary, which may change meanwhile.
#[inline]
pub(super) fn next_entry<'py>(
    dict: &Bound<'py, PyDict>,
    position: &mut isize,
) -> Option<(Object<'py>, Object<'py>)> {
    let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
    let py = dict.py();
    // SAFETY: an exact dictionary; what comes is borrowed, and owned from here on.
    unsafe {
        if ffi::PyDict_Next(dict.as_ptr(), position, &raw mut key, &raw mut value) == 0 {
            return None;
        }
        Some((Object::from_borrowed_ptr(py, key), Object::from_borrowed_ptr(py, value)))
    }
}

/// Names of attributes are shared by all instances.
pub(super) fn interned(name: Object<'_>) -> Object<'_> {
    if !name.is_exact_instance_of::<PyString>() {
        return name;
    }
    let py = name.py();
    let mut pointer = name.into_ptr();
    // SAFETY: the reference is given up and one to an equal text comes back.
    unsafe {
        ffi::PyUnicode_InternInPlace(&raw mut pointer);
        Bound::from_owned_ptr(py, pointer)
    }
}
