//! Where the writer's bytes go: straight into the object that is handed out.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use cannery_core::{Buffer, InlineBytes, Result};
use cannery_json::Output;
use pyo3::ffi;
use pyo3::prelude::*;

use crate::compat::KNOWN_LAYOUT;
use crate::memory;
use crate::text;

unsafe extern "C" {
    #[cfg(any(Py_3_14, Py_GIL_DISABLED))]
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
    pub(super) fn PyUnicode_Resize(text: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// The first room for output: most documents are small.
const FIRST: usize = 1024;

/// No object is longer.
const MOST: usize = isize::MAX as usize / 2;

/// A kind of object that is nothing but a header and bytes.
pub(crate) trait Memory {
    /// Whether it is a `str`, which may have to become one of wider characters.
    const IS_TEXT: bool;

    /// Whether what JSON cannot say is written in tags.
    const TAGS: bool = false;

    /// A new object with room for `len` bytes, or null.
    ///
    /// # Safety
    /// The interpreter must be held.
    unsafe fn allocate(len: isize) -> *mut ffi::PyObject;

    /// Makes it longer or shorter; on failure it stays as it was, or is freed and null.
    ///
    /// # Safety
    /// The interpreter must be held, and the object be ours alone.
    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int;

    /// Makes it shorter by what it has too much, and leaves its memory as it is.
    ///
    /// # Safety
    /// As for `resize`, and there are more than `len` bytes.
    unsafe fn cut(object: *mut ffi::PyObject, len: usize);

    /// Where its bytes begin.
    ///
    /// # Safety
    /// The object must have been made by `allocate`.
    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8;

    /// A new object of these bytes, which are fit for it.
    fn copy<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>>;
}

/// `bytes`.
pub(crate) type BytesMemory = Utf8Memory<false>;

/// The `bytes` of a tagged document.
pub(super) type TaggedMemory = Utf8Memory<true>;

/// `bytes`, with tags or without.
pub(crate) struct Utf8Memory<const TAGS: bool>;

impl<const TAGS: bool> Memory for Utf8Memory<TAGS> {
    const IS_TEXT: bool = false;
    const TAGS: bool = TAGS;

    unsafe fn allocate(len: isize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise; without a source the bytes are not initialized.
        unsafe { ffi::PyBytes_FromStringAndSize(std::ptr::null(), len) }
    }

    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int {
        // What the interpreter's function cannot make longer it frees, with all that was written.
        #[cfg(all(not(Py_3_14), not(Py_GIL_DISABLED)))]
        // SAFETY: the caller's promise: the object is the header and the bytes, and no other code
        // knows where it lies. What cannot be made longer stays.
        unsafe {
            const HEADER: usize = std::mem::offset_of!(ffi::PyBytesObject, ob_sval);
            if len.cast_unsigned() > MOST {
                ffi::PyErr_NoMemory();
                return -1;
            }
            let longer = ffi::PyObject_Realloc((*object).cast(), HEADER + len.cast_unsigned() + 1);
            if longer.is_null() {
                ffi::PyErr_NoMemory();
                return -1;
            }
            *object = longer.cast();
            Self::cut(*object, len.cast_unsigned());
            0
        }
        #[cfg(any(Py_3_14, Py_GIL_DISABLED))]
        // SAFETY: the caller's promise.
        unsafe {
            _PyBytes_Resize(object, len)
        }
    }

    unsafe fn cut(object: *mut ffi::PyObject, len: usize) {
        // SAFETY: the caller's promise; bytes end in a NUL.
        unsafe {
            (*object.cast::<ffi::PyVarObject>()).ob_size = len.cast_signed();
            Self::data(object).add(len).write(0);
        }
    }

    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyBytes_AsString(object).cast() }
    }

    #[inline]
    fn copy<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        memory::new_bytes(py, bytes).map(Bound::into_any)
    }
}

/// A `str` of ASCII characters.
pub(super) struct AsciiMemory;

impl Memory for AsciiMemory {
    const IS_TEXT: bool = true;

    unsafe fn allocate(len: isize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len, 0x7f) }
    }

    unsafe fn resize(object: &mut *mut ffi::PyObject, len: isize) -> c_int {
        // SAFETY: the caller's promise.
        unsafe { PyUnicode_Resize(object, len) }
    }

    unsafe fn cut(object: *mut ffi::PyObject, len: usize) {
        // SAFETY: the caller's promise; texts end in a NUL.
        unsafe {
            (*object.cast::<ffi::PyASCIIObject>()).length = len.cast_signed();
            Self::data(object).add(len).write(0);
        }
    }

    unsafe fn data(object: *mut ffi::PyObject) -> *mut u8 {
        // SAFETY: an ASCII text has its characters right behind the header.
        unsafe { object.cast::<ffi::PyASCIIObject>().add(1).cast() }
    }

    #[inline]
    fn copy<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        text::from_ascii(py, bytes)
    }
}

/// An object that grows while it is written, and is cut to length at the end.
pub(crate) struct Growing<'py, M: Memory> {
    py: Python<'py>,
    object: *mut ffi::PyObject,
    data: *mut u8,
    len: usize,
    capacity: usize,
    memory: PhantomData<M>,
}

impl<'py, M: Memory> Growing<'py, M> {
    /// An empty object.
    pub(crate) fn new(py: Python<'py>) -> PyResult<Self> {
        Self::with_capacity(py, FIRST)
    }

    /// An empty object with room for that many bytes.
    pub(crate) fn with_capacity(py: Python<'py>, capacity: usize) -> PyResult<Self> {
        memory::put_by();
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
    pub(crate) fn start(&self) -> *mut u8 {
        self.data
    }

    /// From where to where there is room.
    pub(crate) fn free(&self) -> (*mut u8, *mut u8) {
        // SAFETY: the object has `capacity` bytes, of which `len` were written.
        unsafe { (self.data.add(self.len), self.data.add(self.capacity)) }
    }

    /// Says how many bytes were written.
    ///
    /// # Safety
    /// They were.
    pub(crate) unsafe fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    /// The object, in its final length.
    pub(crate) fn finish(mut self) -> PyResult<Bound<'py, PyAny>> {
        let (len, excess) = (self.len, self.capacity - self.len);
        if KNOWN_LAYOUT && excess > 0 && excess < len / 16 {
            // The allocator learns from what is given back how much is asked for the next time: memory
            // that was cut would be asked for as if it had never been seen.
            // SAFETY: no other code has seen the object yet, and it is longer.
            unsafe { M::cut(self.object, len) };
        } else {
            self.resize(len)?;
        }
        let object = std::mem::replace(&mut self.object, std::ptr::null_mut());
        // SAFETY: the reference is ours, and we forget it.
        Ok(unsafe { Bound::from_owned_ptr(self.py, object) })
    }

    fn resize(&mut self, capacity: usize) -> PyResult<()> {
        if self.object.is_null() {
            return Err(memory::error());
        }
        // SAFETY: no other code has seen the object yet.
        let status = unsafe { M::resize(&mut self.object, capacity.cast_signed()) };
        if status < 0 {
            if self.object.is_null() {
                // Nothing is there any more that could be read or written.
                (self.data, self.len, self.capacity) = (std::ptr::dangling_mut(), 0, 0);
            }
            return Err(PyErr::fetch(self.py));
        }
        self.capacity = capacity;
        // SAFETY: a resized object is of the same kind.
        self.data = unsafe { M::data(self.object) };
        Ok(())
    }

    /// Makes room for `len` bytes more.
    #[cold]
    pub(crate) fn grow(&mut self, len: usize) -> Result<()> {
        let wanted = self.len.saturating_add(len);
        let capacity = self.capacity.saturating_mul(2).max(wanted).min(MOST.max(wanted));
        // Twice as much may not be there where enough is.
        if self.resize(capacity).is_ok() {
            return Ok(());
        }
        self.resize(wanted).map_err(crate::errors::from_exception)
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

/// Room behind what is written, so that a word can be stored of which only a part counts.
const SLACK: usize = size_of::<u64>();

impl<M: Memory> Growing<'_, M> {
    /// # Safety
    /// `len` bytes and [`SLACK`] fit behind what was written.
    #[inline(always)]
    unsafe fn store(&mut self, few: InlineBytes) {
        // SAFETY: the caller made room; an array of bytes has no alignment.
        unsafe {
            let end = self.data.add(self.len);
            end.cast::<[u8; SLACK]>().write(few.word.to_le_bytes());
        }
        self.len += few.len;
    }

    /// # Safety
    /// As many bytes as there are fit behind what was written.
    #[inline(always)]
    unsafe fn copy(&mut self, bytes: &[u8]) {
        // SAFETY: the caller made room, and the object is not what the bytes are borrowed from.
        unsafe { copy_bytes(bytes, self.data.add(self.len)) };
        self.len += bytes.len();
    }
}

/// Copies `bytes`, few of them without a call: two halves that may overlap.
///
/// # Safety
/// As many bytes can be written to `to`, and are not among `bytes`.
#[inline(always)]
unsafe fn copy_bytes(bytes: &[u8], to: *mut u8) {
    /// # Safety
    /// There are `N` to `2 * N` bytes.
    #[inline(always)]
    unsafe fn halves<const N: usize>(bytes: &[u8], to: *mut u8) {
        // SAFETY: each half lies within the bytes; an array of bytes has no alignment.
        unsafe {
            let from = bytes.as_ptr();
            let first = from.cast::<[u8; N]>().read();
            let last = from.add(bytes.len() - N).cast::<[u8; N]>().read();
            to.cast::<[u8; N]>().write(first);
            to.add(bytes.len() - N).cast::<[u8; N]>().write(last);
        }
    }
    // SAFETY: the lengths are those of the halves; the rest is the caller's promise.
    unsafe {
        match bytes.len() {
            8..=16 => halves::<8>(bytes, to),
            4..8 => halves::<4>(bytes, to),
            17..=32 => halves::<16>(bytes, to),
            2..4 => halves::<2>(bytes, to),
            len => std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, len),
        }
    }
}

impl<M: Memory> Buffer for Growing<'_, M> {
    #[inline]
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.capacity - self.len < bytes.len() {
            self.grow(bytes.len())?;
        }
        // SAFETY: there is room for them.
        unsafe { self.copy(bytes) };
        Ok(())
    }

    #[inline(always)]
    fn append_few(&mut self, few: InlineBytes) -> Result<()> {
        if self.capacity - self.len < SLACK {
            self.grow(SLACK)?;
        }
        // SAFETY: there is room for a word.
        unsafe { self.store(few) };
        Ok(())
    }

    #[inline(always)]
    fn append_both(&mut self, header: InlineBytes, bytes: &[u8]) -> Result<()> {
        let room = bytes.len() + SLACK;
        if self.capacity - self.len < room {
            self.grow(room)?;
        }
        // SAFETY: there is room for a word, of which the first bytes count, and for the rest.
        unsafe {
            self.store(header);
            self.copy(bytes);
        }
        Ok(())
    }

    #[inline]
    fn written(&mut self) -> &mut [u8] {
        // SAFETY: that many bytes were written.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }

    fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl<M: Memory> Drop for Growing<'_, M> {
    fn drop(&mut self) {
        // SAFETY: null, or a reference of our own.
        unsafe { ffi::Py_XDECREF(self.object) };
    }
}
