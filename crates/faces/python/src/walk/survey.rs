//! Which values occur more than once, found out without events: for values of plain containers,
//! scalars, dates and times, which are most of all values.

use cannery_core::{Error, Result};
use pyo3::ffi;
use pyo3::prelude::*;

use super::addresses::Addresses;
use super::moments::{self, MomentKind};

/// What was found out about a value; by default nothing.
#[derive(Default)]
pub(crate) struct Surveyed {
    /// The addresses of the values that occur more than once; `None` if there is anything else among
    /// them, or other threads may change them meanwhile.
    pub(super) shared: Option<Addresses>,
    has_moments: bool,
}

impl Surveyed {
    /// Whether it is made of containers and scalars only, each in one place.
    pub(crate) fn is_plain_tree(&self) -> bool {
        !self.has_moments && self.shared.as_ref().is_some_and(Addresses::is_empty)
    }
}

/// Looks at a value and all that is in it.
pub(crate) fn survey(root: &Bound<'_, PyAny>) -> Result<Surveyed> {
    if cfg!(Py_GIL_DISABLED) {
        return Ok(Surveyed::default());
    }
    let mut survey = Survey::default();
    // SAFETY: no Python code runs meanwhile, so that what is live stays so.
    let is_plain = unsafe { survey.run(root) }?;
    let shared = is_plain.then_some(survey.shared);
    Ok(Surveyed { shared, has_moments: survey.has_moments })
}

#[derive(Default)]
struct Survey {
    has_moments: bool,
    met: Addresses,
    shared: Addresses,
    /// Values that were not looked at yet, which their containers keep alive.
    rest: Vec<*mut ffi::PyObject>,
}

impl Survey {
    /// Looks at everything; `false` if it met a value of another type.
    ///
    /// # Safety
    /// The interpreter is held, and runs no code meanwhile.
    unsafe fn run(&mut self, root: &Bound<'_, PyAny>) -> Result<bool> {
        // SAFETY: as promised; the types of all pointers are looked at before they are used.
        unsafe {
            self.put_by(root.as_ptr())?;
            while let Some(value) = self.rest.pop() {
                let class = ffi::Py_TYPE(value);
                let is_container = std::ptr::eq(class, &raw const ffi::PyDict_Type)
                    || std::ptr::eq(class, &raw const ffi::PyList_Type)
                    || std::ptr::eq(class, &raw const ffi::PyTuple_Type);
                if !is_container {
                    let value = Bound::from_borrowed_ptr(root.py(), value);
                    let kind = MomentKind::of(&value);
                    if !kind.is_some_and(|kind| moments::is_plain(&value, kind)) {
                        return Ok(false);
                    }
                    self.has_moments = true;
                }
                if self.meet(value)? || !is_container {
                    continue;
                }
                if std::ptr::eq(class, &raw const ffi::PyDict_Type) {
                    self.enter_dict(value)?;
                } else if std::ptr::eq(class, &raw const ffi::PyList_Type) {
                    for index in 0..ffi::PyList_GET_SIZE(value) {
                        self.put_by(ffi::PyList_GET_ITEM(value, index))?;
                    }
                } else {
                    for index in 0..ffi::PyTuple_GET_SIZE(value) {
                        self.put_by(ffi::PyTuple_GET_ITEM(value, index))?;
                    }
                }
            }
        }
        Ok(true)
    }

    /// # Safety
    /// As for `run`; the value is a dictionary.
    unsafe fn enter_dict(&mut self, dict: *mut ffi::PyObject) -> Result<()> {
        let (mut at, mut key, mut value) = (0, std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: as promised.
        unsafe {
            while ffi::PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) != 0 {
                self.put_by(key)?;
                self.put_by(value)?;
            }
        }
        Ok(())
    }

    /// Takes note of a value; whether it was met before.
    ///
    /// # Safety
    /// The value is live.
    unsafe fn meet(&mut self, value: *mut ffi::PyObject) -> Result<bool> {
        // SAFETY: as promised. With one reference there is only one place that it can be in.
        if unsafe { ffi::Py_REFCNT(value) } <= 1 {
            return Ok(false);
        }
        self.met.try_reserve(1).map_err(|_| Error::out_of_memory())?;
        let again = !self.met.insert(value as usize);
        if again {
            self.shared.try_reserve(1).map_err(|_| Error::out_of_memory())?;
            self.shared.insert(value as usize);
        }
        Ok(again)
    }

    /// # Safety
    /// The value is live.
    #[inline(always)]
    unsafe fn put_by(&mut self, value: *mut ffi::PyObject) -> Result<()> {
        // SAFETY: as promised.
        if unsafe { is_scalar(value) } {
            return Ok(());
        }
        cannery_core::reserve(&mut self.rest, 1)?;
        self.rest.push(value);
        Ok(())
    }
}

/// Whether a value is of a type whose sharing cannot be seen.
///
/// # Safety
/// The value is live.
#[inline(always)]
unsafe fn is_scalar(value: *mut ffi::PyObject) -> bool {
    // SAFETY: as promised.
    unsafe {
        let class = ffi::Py_TYPE(value);
        std::ptr::eq(class, &raw const ffi::PyUnicode_Type)
            || std::ptr::eq(class, &raw const ffi::PyLong_Type)
            || std::ptr::eq(class, &raw const ffi::PyFloat_Type)
            || std::ptr::eq(class, &raw const ffi::PyBool_Type)
            || std::ptr::eq(class, &raw const ffi::PyBytes_Type)
            || std::ptr::eq(value, ffi::Py_None())
    }
}
