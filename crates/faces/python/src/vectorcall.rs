//! A short way into functions that are called with little: past the parsing of their arguments.
//!
//! Looking through a dozen optional arguments takes longer than reading or writing a small document.
//! So the function that users see tries a quick one first, which knows the calls that are usual and
//! leaves the others, and whatever goes wrong, to the whole function: that begins anew.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyCFunction;

/// The arguments of a call: those without a name, then those with one.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a, 'py> {
    py: Python<'py>,
    values: &'a [*mut ffi::PyObject],
    named: usize,
    names: *mut ffi::PyObject,
}

impl<'a, 'py> Call<'a, 'py> {
    /// # Safety
    /// They are those of a call that goes on as long as `'a`: `positional` values, and behind them
    /// one for each of `names`.
    unsafe fn new(
        py: Python<'py>,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> Self {
        // SAFETY: the caller's promise; names are a tuple, or null.
        unsafe {
            let with_name = if names.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(names) };
            let count = (positional + with_name).cast_unsigned();
            let values = if count == 0 { &[] } else { std::slice::from_raw_parts(values, count) };
            Self { py, values, named: with_name.cast_unsigned(), names }
        }
    }

    /// The argument without a name, if there is exactly one.
    #[inline]
    pub(crate) fn only(self) -> Option<Borrowed<'a, 'py, PyAny>> {
        if self.values.len() != self.named + 1 {
            return None;
        }
        // SAFETY: the caller keeps its arguments alive.
        Some(unsafe { Borrowed::from_ptr(self.py, self.values[0]) })
    }

    /// The arguments with a name, and their names.
    pub(crate) fn named(
        self,
    ) -> impl Iterator<Item = (Borrowed<'a, 'py, PyAny>, Borrowed<'a, 'py, PyAny>)> {
        let values = &self.values[self.values.len() - self.named..];
        values.iter().zip(0..).map(move |(&value, index)| {
            // SAFETY: the caller keeps names and arguments alive, and there are as many of each.
            unsafe {
                let name = ffi::PyTuple_GET_ITEM(self.names, index);
                (Borrowed::from_ptr(self.py, name), Borrowed::from_ptr(self.py, value))
            }
        })
    }

    /// The only argument with a name, if it is this one, and all others are the one without.
    #[inline]
    pub(crate) fn only_named(self, wanted: &str) -> Option<Borrowed<'a, 'py, PyAny>> {
        let mut named = self.named();
        let (name, value) = named.next().filter(|_| self.named == 1)?;
        // SAFETY: the interpreter names arguments by texts, which live as long as the call.
        let name = unsafe { crate::compat::compact_ascii(name.as_ptr()) }?;
        (name == wanted).then_some(value)
    }

    /// The argument without a name, and one that has its place behind it or this name; nothing if
    /// there are others.
    #[inline]
    pub(crate) fn one_and(
        self,
        wanted: &str,
    ) -> Option<(Borrowed<'a, 'py, PyAny>, Option<Borrowed<'a, 'py, PyAny>>)> {
        if let [first, second] = *self.values
            && self.named == 0
        {
            // SAFETY: the caller keeps its arguments alive.
            let second = unsafe { Borrowed::from_ptr(self.py, second) };
            // SAFETY: as above.
            return Some((unsafe { Borrowed::from_ptr(self.py, first) }, Some(second)));
        }
        let first = self.only()?;
        if self.named == 0 {
            return Some((first, None));
        }
        Some((first, Some(self.only_named(wanted)?)))
    }

    /// Whether no argument has a name.
    #[inline]
    pub(crate) fn is_bare(self) -> bool {
        self.named == 0
    }
}

/// Answers a call quickly, or leaves it to the whole function, which null says.
///
/// Called by [`fast_call!`], which no code but the interpreter can call.
///
/// # Safety
/// The last three arguments are those of a vectorcall.
#[inline(always)]
#[expect(clippy::unnecessary_wraps, reason = "as `answer_or_raise`, and what PyO3 calls, return")]
pub(crate) unsafe fn answer<'py>(
    quick: impl for<'a> FnOnce(Call<'a, 'py>) -> Option<Bound<'py, PyAny>>,
    py: Python<'py>,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller's promise.
    let call = unsafe { Call::new(py, values, positional, names) };
    // Nothing has happened yet that anybody could notice: the whole function may begin anew.
    let answered = catch_unwind(AssertUnwindSafe(|| quick(call).map(Bound::into_ptr)));
    Ok(answered.ok().flatten().unwrap_or(ptr::null_mut()))
}

/// Answers a call quickly, or with its exception, or leaves it to the whole function: for functions
/// that may run code of others, which must not run twice.
///
/// # Safety
/// As for [`answer`].
#[inline(always)]
pub(crate) unsafe fn answer_or_raise<'py>(
    quick: impl for<'a> FnOnce(Call<'a, 'py>) -> Option<PyResult<Bound<'py, PyAny>>>,
    py: Python<'py>,
    values: *const *mut ffi::PyObject,
    positional: ffi::Py_ssize_t,
    names: *mut ffi::PyObject,
) -> PyResult<*mut ffi::PyObject> {
    // SAFETY: the caller's promise.
    let call = unsafe { Call::new(py, values, positional, names) };
    quick(call).transpose().map(|answer| answer.map_or(ptr::null_mut(), Bound::into_ptr))
}

/// A function like `whole`, with its name, its signature and its documentation, that enters by
/// `fast_call`.
pub(crate) fn open<'py>(
    whole: &Bound<'py, PyCFunction>,
    fast_call: ffi::PyCFunctionFastWithKeywords,
) -> PyResult<Bound<'py, PyCFunction>> {
    let function = whole.as_ptr().cast::<ffi::PyCFunctionObject>();
    // SAFETY: `PyCFunction` has this layout. What a definition points to stays, for PyO3 keeps those
    // of its functions for ever; ours must stay as long, and is made once.
    unsafe {
        let definition = (*function).m_ml;
        let ours = Box::leak(Box::new(ffi::PyMethodDef {
            ml_name: (*definition).ml_name,
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: fast_call },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: (*definition).ml_doc,
        }));
        let made = ffi::PyCFunction_NewEx(ours, (*function).m_self, (*function).m_module);
        Ok(Bound::from_owned_ptr_or_err(whole.py(), made)?.cast_into::<PyCFunction>()?)
    }
}

/// Adds to a module a function that tries `$quick` first (a function of a [`Call`]), then `$whole`.
///
/// With `or_raise` before it, `$quick` may fail with an exception.
macro_rules! fast_call {
    ($module:expr, $whole:ident, $quick:path) => {
        $crate::vectorcall::fast_call!($module, $whole, $quick, answer)
    };
    ($module:expr, $whole:ident, or_raise $quick:path) => {
        $crate::vectorcall::fast_call!($module, $whole, $quick, answer_or_raise)
    };
    ($module:expr, $whole:ident, $quick:path, $answer:ident) => {{
        use $crate::vectorcall::{open, $answer};

        static WHOLE: std::sync::OnceLock<pyo3::Py<pyo3::types::PyCFunction>> =
            std::sync::OnceLock::new();

        unsafe fn attempt(
            py: pyo3::Python<'_>,
            _module: *mut pyo3::ffi::PyObject,
            values: *const *mut pyo3::ffi::PyObject,
            positional: pyo3::ffi::Py_ssize_t,
            names: *mut pyo3::ffi::PyObject,
        ) -> pyo3::PyResult<*mut pyo3::ffi::PyObject> {
            // SAFETY: the interpreter calls, with the arguments of a vectorcall.
            unsafe { $answer($quick, py, values, positional, names) }
        }

        unsafe extern "C" fn enter(
            module: *mut pyo3::ffi::PyObject,
            values: *const *mut pyo3::ffi::PyObject,
            positional: pyo3::ffi::Py_ssize_t,
            names: *mut pyo3::ffi::PyObject,
        ) -> *mut pyo3::ffi::PyObject {
            // PyO3's own way in: what is dropped inside it is dropped at once, and a panic becomes
            // an exception.
            let attempt = pyo3::impl_::trampoline::get_trampoline_function!(
                fastcall_cfunction_with_keywords,
                attempt
            );
            // SAFETY: the interpreter calls, and means the whole function, which takes the same.
            unsafe {
                let answer = attempt(module, values, positional, names);
                if !answer.is_null() || !pyo3::ffi::PyErr_Occurred().is_null() {
                    return answer;
                }
                let whole = WHOLE.get().map_or(std::ptr::null_mut(), pyo3::Py::as_ptr);
                pyo3::ffi::PyObject_Vectorcall(whole, values, positional.cast_unsigned(), names)
            }
        }

        let whole = pyo3::wrap_pyfunction!($whole, $module)?;
        let function = open(&whole, enter)?;
        WHOLE.get_or_init(|| whole.unbind());
        $module.add_function(function)
    }};
}

pub(crate) use fast_call;
