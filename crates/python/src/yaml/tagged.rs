//! `Tagged`: a value with a tag that nothing was made of.

use pyo3::PyTraverseError;
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

/// A value with a tag that has no meaning here: data, whatever the tag names.
///
/// `tag` is the tag with its handle resolved (`!point`, `tag:yaml.org,2002:python/tuple`), `value`
/// what it stands at: text, a `list` or a `dict`.
#[pyclass(module = "cannery.yaml", name = "Tagged")]
pub(crate) struct Tagged {
    pub(crate) tag: Py<PyString>,
    pub(crate) value: Py<PyAny>,
}

#[pymethods]
impl Tagged {
    #[new]
    fn new(tag: Bound<'_, PyString>, value: Py<PyAny>) -> PyResult<Self> {
        if tag.is_empty()? {
            return Err(PyTypeError::new_err("a tag has at least one character"));
        }
        Ok(Self { tag: tag.unbind(), value })
    }

    #[classattr]
    #[pyo3(name = "__match_args__")]
    const MATCH_ARGS: (&'static str, &'static str) = ("tag", "value");

    #[getter]
    fn tag(&self, py: Python<'_>) -> Py<PyString> {
        self.tag.clone_ref(py)
    }

    #[getter]
    fn value(&self, py: Python<'_>) -> Py<PyAny> {
        self.value.clone_ref(py)
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        // SAFETY: the object is live, and what is entered is left.
        let entered = unsafe { ffi::Py_ReprEnter(slf.as_ptr()) };
        match entered {
            0 => {
                let text = slf.borrow().show(slf.py());
                // SAFETY: entered above.
                unsafe { ffi::Py_ReprLeave(slf.as_ptr()) };
                text
            }
            1.. => Ok("Tagged(...)".to_owned()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented()) };
        let other = other.borrow();
        let equal = self.tag.bind(py).as_any().eq(other.tag.bind(py))?
            && self.value.bind(py).eq(other.value.bind(py))?;
        Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyTuple::new(py, [self.tag.bind(py).as_any(), self.value.bind(py)])?.hash()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (Py<PyString>, Py<PyAny>)) {
        let (py, this) = (slf.py(), slf.borrow());
        (slf.get_type().into_any(), (this.tag.clone_ref(py), this.value.clone_ref(py)))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.value)
    }

    fn __clear__(&mut self, py: Python<'_>) {
        self.value = py.None();
    }
}

impl Tagged {
    fn show(&self, py: Python<'_>) -> PyResult<String> {
        let (tag, value) = (self.tag.bind(py).repr()?, self.value.bind(py).repr()?);
        Ok(format!("Tagged({tag}, {value})"))
    }
}
