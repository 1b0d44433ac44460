//! How much of its stack a thread has left: what recurses asks before it goes deeper.

use std::cell::Cell;

use pyo3::exceptions::PyRecursionError;
use pyo3::ffi;
use pyo3::prelude::*;

/// What is left for the interpreter and the code that it calls, which do not ask.
const KEPT: usize = 48 << 10;

thread_local! {
    /// Where the stack of the thread ends; none if that was not asked yet.
    static END: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Bytes that the thread may still use; more than there are where the system does not say.
#[inline]
pub(crate) fn room() -> usize {
    let marker = 0_u8;
    let here = std::hint::black_box(&raw const marker).addr();
    let end = END.get().unwrap_or_else(|| {
        let end = end();
        END.set(Some(end));
        end
    });
    here.saturating_sub(end).saturating_sub(KEPT)
}

/// Stops a recursion of Python code where the stack of the thread ends before the interpreter's own
/// limit is reached.
///
/// # Errors
/// `RecursionError`.
#[pyfunction]
pub(crate) fn check_stack() -> PyResult<()> {
    const LEAST: usize = 16 << 10;
    if room() < LEAST {
        return Err(PyRecursionError::new_err("no room is left on the stack"));
    }
    Ok(())
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(check_stack, module)?)
}

/// Calls code that may come back here, if there is room for it, and the interpreter's own limit allows.
///
/// # Errors
/// `RecursionError`.
pub(crate) fn guarded<T>(py: Python<'_>, call: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    check_stack()?;
    // SAFETY: the interpreter is held; the text ends in a NUL; what is entered is left.
    unsafe {
        if ffi::Py_EnterRecursiveCall(c" in a nested value".as_ptr()) != 0 {
            return Err(PyErr::fetch(py));
        }
        let outcome = call();
        ffi::Py_LeaveRecursiveCall();
        outcome
    }
}

#[cfg(target_os = "linux")]
#[cold]
fn end() -> usize {
    use std::ffi::{c_int, c_ulong, c_void};

    /// As large as the largest that there is, glibc's; its fields are not looked at.
    #[repr(C, align(16))]
    struct Attributes([u8; 128]);

    unsafe extern "C" {
        fn pthread_self() -> c_ulong;
        fn pthread_getattr_np(thread: c_ulong, attributes: *mut Attributes) -> c_int;
        fn pthread_attr_getstack(
            attributes: *const Attributes,
            start: *mut *mut c_void,
            size: *mut usize,
        ) -> c_int;
        fn pthread_attr_destroy(attributes: *mut Attributes) -> c_int;
    }

    let mut attributes = Attributes([0; 128]);
    let (mut start, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes are filled in before they are read, and given back; the two places are
    // written to only.
    unsafe {
        if pthread_getattr_np(pthread_self(), &raw mut attributes) != 0 {
            return 0;
        }
        pthread_attr_getstack(&raw const attributes, &raw mut start, &raw mut size);
        pthread_attr_destroy(&raw mut attributes);
    }
    start.addr()
}

#[cfg(not(target_os = "linux"))]
#[cold]
fn end() -> usize {
    0
}
