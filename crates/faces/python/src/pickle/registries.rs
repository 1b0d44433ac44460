//! The tables of the standard library that pickling looks into, found once.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// Dictionaries that others add to and that, as for CPython, stay the same objects.
pub(super) struct Registries {
    /// `copyreg.dispatch_table`: from types to reducers.
    pub(super) dispatch_table: Py<PyDict>,
    /// `copyreg._extension_registry`: from pairs of module and name to codes.
    pub(super) extensions: Py<PyDict>,
    /// `copyreg._inverted_registry`: from codes to pairs.
    pub(super) inverted: Py<PyDict>,
    /// `copyreg._extension_cache`: from codes to what they stand for.
    pub(super) cache: Py<PyDict>,
    /// `_compat_pickle`: names and modules of Python 2, and back.
    pub(super) names: Py<PyDict>,
    pub(super) modules: Py<PyDict>,
    pub(super) old_names: Py<PyDict>,
    pub(super) old_modules: Py<PyDict>,
    /// `pickle.PickleBuffer`.
    pub(super) buffer: Py<PyAny>,
}

/// The tables.
pub(super) fn registries(py: Python<'_>) -> PyResult<&'static Registries> {
    static FOUND: PyOnceLock<Registries> = PyOnceLock::new();
    FOUND.get_or_try_init(py, || {
        let copyreg = py.import("copyreg")?;
        let compat = py.import("_compat_pickle")?;
        let table = |module: &Bound<'_, PyModule>, name: &str| -> PyResult<Py<PyDict>> {
            Ok(module.getattr(name)?.cast_into::<PyDict>()?.unbind())
        };
        Ok(Registries {
            dispatch_table: table(&copyreg, "dispatch_table")?,
            extensions: table(&copyreg, "_extension_registry")?,
            inverted: table(&copyreg, "_inverted_registry")?,
            cache: table(&copyreg, "_extension_cache")?,
            names: table(&compat, "NAME_MAPPING")?,
            modules: table(&compat, "IMPORT_MAPPING")?,
            old_names: table(&compat, "REVERSE_NAME_MAPPING")?,
            old_modules: table(&compat, "REVERSE_IMPORT_MAPPING")?,
            buffer: py.import("_pickle")?.getattr("PickleBuffer")?.unbind(),
        })
    })
}

/// A module that was imported before, by its name.
pub(super) fn imported<'py>(
    py: Python<'py>,
    name: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    // SAFETY: a `str`; what comes back is a new reference, null if there is none or with an error.
    let found = unsafe {
        let found = pyo3::ffi::PyImport_GetModule(name.as_ptr());
        Bound::from_owned_ptr_or_opt(py, found)
    };
    match found {
        Some(module) => Ok(Some(module).filter(|module| !module.is_none())),
        None => PyErr::take(py).map_or(Ok(None), Err),
    }
}

/// `sys.modules`, as it is now.
pub(super) fn modules(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))
}
