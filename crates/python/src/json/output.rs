//! Where the writer's bytes go: straight into the object that is handed out.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use cannery_core::Result;
use cannery_json::Output;
use pyo3::ffi;
use pyo3::prelude::*;

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
    unsafe fn allocate(len: isize) -> *mut ffi::PyObject;

    /// Makes it longer or shorter; on failure it is freed, and null.
    ///
    /// # Safety
    /// The interpreter must be held, and the object be ours alone.
    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int;

    /// Where its bytes begin.
    ///
    /// # Safety
    /// The object must have been made by `allocate`.
    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8;
}

/// `bytes`.
pub(super) struct BytesMemory;

impl Memory for BytesMemory {
    unsafe fn allocate(len: isize) -> *mut ffi::PyObject {
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
    unsafe fn allocate(len: isize) -> *mut ffi::PyObject {
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
        Self::with_capacity(py, FIRST)
    }

    /// An empty object with room for so many bytes.
    pub(super) fn with_capacity(py: Python<'py>, capacity: usize) -> PyResult<Self> {
        // SAFETY: the interpreter is held.
        let object = unsafe { M::allocate(capacity.cast_signed()) };
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: just made.
        let data = unsafe { M::data(object) };
        Ok(Self { py, object, data, len: 0, capacity, memory: PhantomData })
    }

    /// Where the bytes begin.
    pub(super) fn start(&self) -> *mut u8 {
        self.data
    }

    /// From where to where there is room.
    pub(super) fn free(&self) -> (*mut u8, *mut u8) {
        // SAFETY: the object has `capacity` bytes, of which `len` were written.
        unsafe { (self.data.add(self.len), self.data.add(self.capacity)) }
    }

    /// Says how many bytes were written.
    ///
    /// # Safety
    /// They were.
    pub(super) unsafe fn set_len(&mut self, len: usize) {
        self.len = len;
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

    /// Makes room for `len` bytes more.
    #[cold]
    pub(super) fn grow(&mut self, len: usize) -> Result<()> {
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
