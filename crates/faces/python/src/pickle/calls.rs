//! The steps of a pickle that make objects by their classes, exactly as CPython takes them.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyString, PyTuple, PyType};

use super::attributes::{interned, next_entry, set_plainly};
use super::load::unpickling_error;
use super::registries::imported;
use crate::compat;

type Object<'py> = Bound<'py, PyAny>;

/// `callable(*arguments)`.
pub(super) fn reduce<'py>(
    callable: &Object<'py>,
    arguments: &Object<'py>,
) -> PyResult<Object<'py>> {
    let py = callable.py();
    // SAFETY: both are objects; arguments that are no tuple are an exception.
    unsafe {
        let result = ffi::PyObject_CallObject(callable.as_ptr(), arguments.as_ptr());
        Bound::from_owned_ptr_or_err(py, result)
    }
}

/// `class.__new__(class, *arguments, **keywords)`.
pub(super) fn new_object<'py>(
    class: &Object<'py>,
    arguments: &Object<'py>,
    keywords: Option<&Object<'py>>,
) -> PyResult<Object<'py>> {
    let (py, opcode) = (class.py(), if keywords.is_some() { "NEWOBJ_EX" } else { "NEWOBJ" });
    let wrong = |what: &str, expected: &str, found: &Object<'py>| {
        let found =
            found.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        unpickling_error(py, &format!("{opcode} {what} must be a {expected}, not {found}"))
    };
    if !class.is_instance_of::<PyType>() {
        return Err(wrong("class argument", "type", class));
    }
    if !arguments.is_instance_of::<PyTuple>() {
        return Err(wrong("args argument", "tuple", arguments));
    }
    if let Some(keywords) = keywords
        && !keywords.is_instance_of::<PyDict>()
    {
        return Err(wrong("kwargs argument", "dict", keywords));
    }
    let type_object = class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: the three were looked at above.
    unsafe {
        let Some(new) = (*type_object).tp_new else {
            return Err(unpickling_error(py, &format!("{opcode} class argument has NULL tp_new")));
        };
        let keywords = keywords.map_or(std::ptr::null_mut(), Bound::as_ptr);
        Bound::from_owned_ptr_or_err(py, new(type_object, arguments.as_ptr(), keywords))
    }
}

/// An instance of what was an old-style class in Python 2.
pub(super) fn instance<'py>(
    class: &Object<'py>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Object<'py>> {
    let py = class.py();
    let plain = arguments.is_empty()
        && class.is_instance_of::<PyType>()
        && !class.hasattr(intern!(py, "__getinitargs__"))?;
    if plain {
        return class.call_method1(intern!(py, "__new__"), (class,));
    }
    class.call1(arguments)
}

/// Gives an instance its state: by its `__setstate__`, or by its attributes.
pub(super) fn build<'py>(
    object: &Object<'py>,
    state: Object<'py>,
    slots_checked: impl Fn(&Object<'py>) -> PyResult<()>,
) -> PyResult<()> {
    let py = object.py();
    if let Some(set_state) = compat::attribute(object, intern!(py, "__setstate__"))? {
        return set_state.call1((state,)).map(drop);
    }
    let (state, slots) = match state.cast::<PyTuple>() {
        Ok(pair) if pair.len() == 2 => (pair.get_item(0)?, Some(pair.get_item(1)?)),
        _ => (state, None),
    };
    if !state.is_none() {
        let Ok(state) = state.cast::<PyDict>() else {
            return Err(unpickling_error(py, "state is not a dictionary"));
        };
        if !set_plainly(object, state)? {
            let attributes = object.getattr(intern!(py, "__dict__"))?;
            update(&attributes, state)?;
        }
    }
    let Some(slots) = slots.filter(|slots| !slots.is_none()) else { return Ok(()) };
    let Ok(slots) = slots.cast::<PyDict>() else {
        return Err(unpickling_error(py, "slot state is not a dictionary"));
    };
    let (slots, mut position) = (slots.clone(), 0);
    while let Some((name, value)) = next_entry(&slots, &mut position) {
        slots_checked(&name)?;
        // SAFETY: three objects.
        if unsafe { ffi::PyObject_SetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) } != 0 {
            return Err(PyErr::fetch(py));
        }
    }
    Ok(())
}

fn update<'py>(attributes: &Object<'py>, state: &Bound<'py, PyDict>) -> PyResult<()> {
    let py = state.py();
    let is_dict = attributes.is_exact_instance_of::<PyDict>();
    let mut position = 0;
    while let Some((name, value)) = next_entry(state, &mut position) {
        let name = interned(name);
        // SAFETY: three objects, the first a dictionary in the first case.
        let failed = unsafe {
            if is_dict {
                compat::set_entry(attributes.as_ptr(), name.as_ptr(), value.as_ptr())
            } else {
                ffi::PyObject_SetItem(attributes.as_ptr(), name.as_ptr(), value.as_ptr())
            }
        };
        if failed != 0 {
            return Err(PyErr::fetch(py));
        }
    }
    Ok(())
}

/// `numpy._core.numeric._frombuffer` without its three calls of Python and NumPy; `None` if the
/// arguments are not what arrays are pickled with.
pub(super) fn array_of_buffer<'py>(
    class: &Object<'py>,
    arguments: &Object<'py>,
) -> PyResult<Option<Object<'py>>> {
    let Ok((buffer, dtype, shape, order)) =
        arguments
            .extract::<(Object<'py>, Object<'py>, Bound<'py, PyTuple>, Bound<'py, PyString>)>()
    else {
        return Ok(None);
    };
    let len = match (buffer.cast_exact::<PyBytes>(), buffer.cast_exact::<PyByteArray>()) {
        (Ok(bytes), _) => bytes.as_bytes().len(),
        (_, Ok(bytes)) => bytes.len(),
        _ => return Ok(None),
    };
    if len == 0 || (order != "C" && order != "F") {
        return Ok(None);
    }
    let py = class.py();
    if !is_of_numbers(&dtype)? {
        return Ok(None);
    }
    let made = class.call1((shape, dtype, buffer, 0, py.None(), order));
    // What does not fit is for the function itself to refuse.
    let Ok(made) = made else { return Ok(None) };
    let size: usize = made.getattr(intern!(py, "nbytes"))?.extract()?;
    Ok((size == len && is_of_numbers(&made.getattr(intern!(py, "dtype"))?)?).then_some(made))
}

/// Whether a dtype is exactly one of NumPy's, and its elements hold no addresses of objects: the
/// one condition under which an array may be made of bytes.
pub(super) fn is_of_numbers(dtype: &Object<'_>) -> PyResult<bool> {
    let py = dtype.py();
    let base = py.import(intern!(py, "numpy"))?.getattr(intern!(py, "dtype"))?;
    Ok(dtype.is_instance(&base)? && !dtype.getattr(intern!(py, "hasobject"))?.is_truthy()?)
}

/// Raises `ValueError` unless the dtype may be given bytes: see [`is_of_numbers`].
#[pyfunction]
#[pyo3(signature = (dtype, /))]
pub(super) fn refuse_objects(dtype: &Object<'_>) -> PyResult<()> {
    if is_of_numbers(dtype)? {
        return Ok(());
    }
    Err(pyo3::exceptions::PyValueError::new_err("an array of objects cannot be made of bytes"))
}

/// What a module, imported if it must be, has by a name, which may have dots.
pub(super) fn find<'py>(
    py: Python<'py>,
    module: &Bound<'py, PyString>,
    name: &Bound<'py, PyString>,
    dotted: bool,
) -> PyResult<Object<'py>> {
    let found = if let Some(found) = imported(py, module)? {
        found
    } else {
        // SAFETY: a `str`.
        let imported = unsafe { ffi::PyImport_Import(module.as_ptr()) };
        // SAFETY: a new reference, or an exception.
        unsafe { Bound::from_owned_ptr_or_err(py, imported)? }
    };
    if !dotted {
        return found.getattr(name);
    }
    let missing = || {
        let message = format!("Can't get attribute {} on {}", quoted(name), quoted(&found));
        pyo3::exceptions::PyAttributeError::new_err(message)
    };
    let mut value = found.clone();
    for part in name.to_cow()?.split('.') {
        if part == "<locals>" {
            let message =
                format!("Can't get local attribute {} on {}", quoted(name), quoted(&found));
            return Err(pyo3::exceptions::PyAttributeError::new_err(message));
        }
        value = value.getattr_opt(part)?.ok_or_else(missing)?;
    }
    Ok(value)
}

fn quoted(object: &Bound<'_, PyAny>) -> String {
    object.repr().map_or_else(|_| "?".to_owned(), |text| text.to_string())
}
