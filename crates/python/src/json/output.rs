//! Where the writer's bytes go: straight into the object that is handed out, or to a file object.

use std::ffi::c_int;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use cannery_core::{Error, ErrorKind, Result};
use cannery_json::Output;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::text;

unsafe extern "C" {
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
    fn PyUnicode_Resize(text: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// The first room for output: most documents are small.
const FIRST: usize = 1024;

/// A kind of object that is nothing but a header and bytes.
pub(super) trait Memory {
    /// A new object with room for `len` bytes, or null.
    ///
    /// # Safety
    /// The interpreter must be held.
    unsafe fn new(len: isize) -> *mut ffi::PyObject;

    /// Makes it longer or shorter; on failure it is freed, and null.
    ///
    /// # Safety
    /// The interpreter must be held, and the object be ours alone.
    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int;

    /// Where its bytes begin.
    ///
    /// # Safety
    /// The object must have been made by `new`.
    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8;
}

/// `bytes`.
pub(super) struct BytesMemory;

impl Memory for BytesMemory {
    unsafe fn new(len: isize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise; without a source the bytes are not initialized.
        unsafe { ffi::PyBytes_FromStringAndSize(std::ptr::null(), len) }
    }

    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int {
        // SAFETY: the caller's promise.
        unsafe { _PyBytes_Resize(object, len) }
    }

    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyBytes_AsString(object).cast() }
    }
}

/// A `str` of ASCII characters.
pub(super) struct AsciiMemory;

impl Memory for AsciiMemory {
    unsafe fn new(len: isize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len, 0x7f) }
    }

    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int {
        // SAFETY: the caller's promise.
        unsafe { PyUnicode_Resize(object, len) }
    }

    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8 {
        // SAFETY: an ASCII text has its characters right behind the header.
        unsafe { object.cast::<ffi::PyASCIIObject>().add(1).cast() }
    }
}

/// An object that grows while it is written, and is cut to length at the end.
pub(super) struct Growing<'py, M: Memory> {
    py: Python<'py>,
    object: *mut ffi::PyObject,
    data: *mut u8,
    len: usize,
    capacity: usize,
    memory: PhantomData<M>,
}

impl<'py, M: Memory> Growing<'py, M> {
    /// An empty object.
    pub(super) fn new(py: Python<'py>) -> PyResult<Self> {
        // SAFETY: the interpreter is held.
        let object = unsafe { M::new(FIRST.cast_signed()) };
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: just made.
        let data = unsafe { M::data(object) };
        Ok(Self { py, object, data, len: 0, capacity: FIRST, memory: PhantomData })
    }

    /// The object, in its final length.
    pub(super) fn finish(mut self) -> PyResult<Bound<'py, PyAny>> {
        let len = self.len;
        self.resize(len)?;
        let object = std::mem::replace(&mut self.object, std::ptr::null_mut());
        // SAFETY: the reference is ours, and we forget it.
        Ok(unsafe { Bound::from_owned_ptr(self.py, object) })
    }

    fn resize(&mut self, capacity: usize) -> PyResult<()> {
        // SAFETY: nobody else has seen the object yet.
        let status = unsafe { M::resize(&mut self.object, capacity.cast_signed()) };
        if status < 0 {
            return Err(PyErr::fetch(self.py));
        }
        self.capacity = capacity;
        // SAFETY: a resized object is of the same kind.
        self.data = unsafe { M::data(self.object) };
        Ok(())
    }

    #[cold]
    fn grow(&mut self, len: usize) -> Result<()> {
        let capacity = (self.capacity * 2).max(self.len + len);
        self.resize(capacity).map_err(crate::errors::from_exception)
    }
}

impl<M: Memory> Output for Growing<'_, M> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]> {
        if self.capacity - self.len < len {
            self.grow(len)?;
        }
        // SAFETY: the object has `capacity` bytes, of which `len` were written.
        Ok(unsafe {
            let start = self.data.add(self.len).cast::<MaybeUninit<u8>>();
            std::slice::from_raw_parts_mut(start, self.capacity - self.len)
        })
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        self.len += len;
    }
}

impl<M: Memory> Drop for Growing<'_, M> {
    fn drop(&mut self) {
        // SAFETY: null, or a reference of our own.
        unsafe { ffi::Py_XDECREF(self.object) };
    }
}

/// A Python file object: its `write` is called with `str`, or with `bytes`.
pub(super) struct PyFile<'py> {
    write: Bound<'py, PyAny>,
    binary: bool,
    // The bytes of a character whose others come with the next chunk.
    carried: Vec<u8>,
    raised: Option<PyErr>,
}

impl<'py> PyFile<'py> {
    /// The file object `fp`.
    pub(super) fn new(fp: &Bound<'py, PyAny>) -> PyResult<Self> {
        let abc = fp.py().import("io")?;
        let binary = fp.is_instance(&abc.getattr("RawIOBase")?)?
            || fp.is_instance(&abc.getattr("BufferedIOBase")?)?;
        Ok(Self { write: fp.getattr("write")?, binary, carried: Vec::new(), raised: None })
    }

    /// The exception that stopped the writing.
    pub(super) fn take_exception(&mut self) -> Option<PyErr> {
        self.raised.take()
    }

    fn call(&self, chunk: &[u8]) -> PyResult<()> {
        let py = self.write.py();
        let chunk = match self.binary {
            true => PyBytes::new(py, chunk).into_any(),
            false => text::from_utf8(py, chunk)?,
        };
        self.write.call1((chunk,)).map(drop)
    }
}

impl io::Write for PyFile<'_> {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let mut bytes = std::mem::take(&mut self.carried);
        bytes.extend_from_slice(chunk);
        if !self.binary {
            self.carried = bytes.split_off(whole_characters(&bytes));
        }
        match self.call(&bytes) {
            Ok(()) => Ok(chunk.len()),
            Err(exception) => {
                self.raised = Some(exception);
                Err(io::Error::other("the file object's `write` raised an exception"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many of the bytes make whole characters.
fn whole_characters(bytes: &[u8]) -> usize {
    let back = bytes.iter().rev().take(4).position(|&b| b & 0xc0 != 0x80);
    let Some(back) = back else { return bytes.len() };
    let start = bytes.len() - 1 - back;
    let size = match bytes[start] {
        0..0xc0 => 1,
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        _ => 4,
    };
    if start + size > bytes.len() { start } else { bytes.len() }
}

/// The exception behind an error of a [`PyFile`].
pub(super) fn raised(file: &mut PyFile<'_>, error: Error) -> Error {
    match file.take_exception() {
        Some(exception) if error.kind() == ErrorKind::Io => Error::host(exception),
        _ => error,
    }
}
