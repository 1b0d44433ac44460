//! `Tagged`: a value with a tag that nothing was made of.

use std::fmt::Write;

use pyo3::PyTraverseError;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::stack;

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
                let text = show(slf);
                // SAFETY: entered above.
                unsafe { ffi::Py_ReprLeave(slf.as_ptr()) };
                text
            }
            1.. => Ok("Tagged(...)".to_owned()),
            _ => Err(PyErr::fetch(slf.py())),
        }
    }

    fn __eq__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented()) };
        let equal = are_equal(slf.clone(), other.clone())?;
        Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
    }

    fn __hash__(slf: &Bound<'_, Self>) -> PyResult<isize> {
        let py = slf.py();
        let (tags, value) = chain(slf);
        let mut hash = stack::guarded(py, || value.hash())?;
        for tag in tags.iter().rev() {
            hash = PyTuple::new(py, [tag.as_any(), hash.into_pyobject(py)?.as_any()])?.hash()?;
        }
        Ok(hash)
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

impl Drop for Tagged {
    /// Lets go of a chain of them one by one: each would end the next, deeper and deeper.
    fn drop(&mut self) {
        Python::attach(|py| {
            let mut value = std::mem::replace(&mut self.value, py.None()).into_bound(py);
            while let Some(next) = value_of_last_reference(&value) {
                value = next;
            }
        });
    }
}

/// Takes the value out of a `Tagged` that ends with this reference.
fn value_of_last_reference<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let tagged = object.cast_exact::<Tagged>().ok()?;
    // SAFETY: the object is live.
    if unsafe { ffi::Py_REFCNT(tagged.as_ptr()) } != 1 {
        return None;
    }
    let none = object.py().None();
    Some(std::mem::replace(&mut tagged.try_borrow_mut().ok()?.value, none).into_bound(object.py()))
}

/// The tags of a `Tagged` whose value is one, and so on, and the value of the last.
fn chain<'py>(first: &Bound<'py, Tagged>) -> (Vec<Bound<'py, PyString>>, Bound<'py, PyAny>) {
    let py = first.py();
    let (mut tags, mut at) = (Vec::new(), first.clone());
    loop {
        let value = {
            let tagged = at.borrow();
            tags.push(tagged.tag.bind(py).clone());
            tagged.value.bind(py).clone()
        };
        match value.cast_into::<Tagged>() {
            Ok(next) => at = next,
            Err(other) => return (tags, other.into_inner()),
        }
    }
}

fn are_equal<'py>(one: Bound<'py, Tagged>, other: Bound<'py, Tagged>) -> PyResult<bool> {
    let py = one.py();
    let (mut one, mut other) = (one, other);
    loop {
        let parts = |of: &Bound<'py, Tagged>| {
            let tagged = of.borrow();
            (tagged.tag.bind(py).clone(), tagged.value.bind(py).clone())
        };
        let ((tag, value), (other_tag, other_value)) = (parts(&one), parts(&other));
        if !tag.as_any().eq(other_tag)? {
            return Ok(false);
        }
        match (value.cast::<Tagged>(), other_value.cast::<Tagged>()) {
            (Ok(next), Ok(other_next)) => (one, other) = (next.clone(), other_next.clone()),
            _ => return stack::guarded(py, || value.eq(other_value)),
        }
    }
}

fn show(first: &Bound<'_, Tagged>) -> PyResult<String> {
    let (tags, value) = chain(first);
    let mut text = String::new();
    for tag in &tags {
        write!(text, "Tagged({}, ", tag.repr()?).map_err(|_| PyValueError::new_err("no text"))?;
    }
    let value = stack::guarded(first.py(), || value.repr())?;
    text.push_str(&value.to_cow()?);
    text.extend(std::iter::repeat_n(')', tags.len()));
    Ok(text)
}
