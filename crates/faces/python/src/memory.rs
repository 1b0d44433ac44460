//! Memory that may not be there: what is asked for in a size that comes from outside is asked for in
//! a way that can fail, and small things are not what fails first.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, Seek, SeekFrom, Write};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyString, PyTuple};

/// Whether bytes lie in one page of memory, so that all of them can be read if the first can.
///
/// `AddressSanitizer` cannot know this of reads behind the end of what was allocated; extensions that
/// are built for it make none.
#[inline(always)]
pub(crate) fn is_within_page<T>(from: *const T, bytes: usize) -> bool {
    const PAGE: usize = 4096;
    const IS_SANITIZED: bool = option_env!("CANNERY_ADDRESS_SANITIZER").is_some();
    !IS_SANITIZED && from as usize % PAGE <= PAGE - bytes
}

/// The system's allocator, with something put by.
///
/// Rust ends the process when there is no memory for a thing of a fixed size. Large requests are made
/// fallibly and fail first; what is put by then serves the small ones, such as the error that tells
/// of it, until the exception is raised.
struct WithReserve;

#[global_allocator]
static ALLOCATOR: WithReserve = WithReserve;

/// What is put by. It is never written to, and so takes addresses and no memory.
static RESERVE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

const RESERVED: Layout = match Layout::from_size_align(32 << 20, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two is an alignment"),
};

/// Larger requests are not served from the reserve.
const SMALL: usize = 16 << 20;

/// Puts memory by, if there is none.
#[inline]
pub(crate) fn put_by() {
    if RESERVE.load(Ordering::Relaxed).is_null() {
        put_by_anew();
    }
}

#[cold]
fn put_by_anew() {
    // SAFETY: the layout has a size.
    let block = unsafe { System.alloc(RESERVED) };
    if block.is_null() {
        return;
    }
    if RESERVE
        .compare_exchange(ptr::null_mut(), block, Ordering::AcqRel, Ordering::Relaxed)
        .is_err()
    {
        // SAFETY: allocated above, with this layout, and seen by no other.
        unsafe { System.dealloc(block, RESERVED) };
    }
}

/// Gives back what was put by; whether there was any.
#[cold]
fn release(layout: Layout) -> bool {
    if layout.size() > SMALL {
        return false;
    }
    let block = RESERVE.swap(ptr::null_mut(), Ordering::AcqRel);
    if block.is_null() {
        return false;
    }
    // SAFETY: `put_by` allocated it with this layout, and the exchange made it ours alone.
    unsafe { System.dealloc(block, RESERVED) };
    true
}

// SAFETY: every call is passed on to the system's allocator, whose promises hold; a request is only
// repeated if it has failed.
unsafe impl GlobalAlloc for WithReserve {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let block = System.alloc(layout);
            if block.is_null() && release(layout) { System.alloc(layout) } else { block }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe {
            let block = System.alloc_zeroed(layout);
            if block.is_null() && release(layout) { System.alloc_zeroed(layout) } else { block }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise; a block that could not be made larger is still there.
        unsafe {
            let larger = System.realloc(block, layout, size);
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            if larger.is_null() && release(wanted) {
                System.realloc(block, layout, size)
            } else {
                larger
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The exception for what there is no memory for.
#[cold]
pub(crate) fn error() -> PyErr {
    put_by();
    Python::attach(|py| {
        // One that there is already: there may be no memory for another.
        // SAFETY: the interpreter is held.
        unsafe { ffi::PyErr_NoMemory() };
        PyErr::fetch(py)
    })
}

/// New `bytes`. [`PyBytes::new`] panics where there is no memory for them.
///
/// # Errors
/// `MemoryError`.
#[inline]
pub(crate) fn new_bytes<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    // SAFETY: that many bytes lie there; the result is a new reference to `bytes`, or null.
    unsafe {
        let made = ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), bytes.len().cast_signed());
        Ok(Bound::from_owned_ptr_or_err(py, made)?.cast_into_unchecked())
    }
}

/// A new, empty `dict`. [`PyDict::new`] panics where there is no memory for it.
///
/// # Errors
/// `MemoryError`.
#[inline]
pub(crate) fn new_dict(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    // SAFETY: the interpreter is held; the result is a new reference to a dictionary, or null.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyDict_New())?.cast_into_unchecked()) }
}

/// A new, empty `list`. [`PyList::empty`] panics where there is no memory for it.
///
/// # Errors
/// `MemoryError`.
#[inline]
pub(crate) fn new_list(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    // SAFETY: the interpreter is held; the result is a new reference to a list, or null.
    unsafe { Ok(Bound::from_owned_ptr_or_err(py, ffi::PyList_New(0))?.cast_into_unchecked()) }
}

/// A new `tuple`. [`PyTuple::new`] panics where there is no memory for it.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn new_tuple<'py>(
    py: Python<'py>,
    items: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyTuple>> {
    // SAFETY: a new tuple has as many empty places, and each is filled before others see it.
    unsafe {
        let tuple = ffi::PyTuple_New(items.len().cast_signed());
        let tuple = Bound::from_owned_ptr_or_err(py, tuple)?;
        for (index, item) in items.iter().enumerate() {
            let item = item.clone().into_ptr();
            ffi::PyTuple_SET_ITEM(tuple.as_ptr(), index.cast_signed(), item);
        }
        Ok(tuple.cast_into_unchecked())
    }
}

/// A new `tuple` of the lengths of an array's axes.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn new_shape<'py>(py: Python<'py>, lengths: &[u64]) -> PyResult<Bound<'py, PyTuple>> {
    let lengths = lengths.iter().map(|&length| unsigned(py, length));
    new_tuple(py, &lengths.collect::<PyResult<Vec<_>>>()?)
}

/// A new `bytearray`. [`PyByteArray::new`] panics where there is no memory for it.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn new_byte_array<'py>(
    py: Python<'py>,
    bytes: &[u8],
) -> PyResult<Bound<'py, PyByteArray>> {
    // SAFETY: that many bytes lie there; the result is a new reference to a `bytearray`, or null.
    unsafe {
        let (start, len) = (bytes.as_ptr().cast(), bytes.len().cast_signed());
        let made = ffi::PyByteArray_FromStringAndSize(start, len);
        Ok(Bound::from_owned_ptr_or_err(py, made)?.cast_into_unchecked())
    }
}

/// A new `str`. [`PyString::new`] panics where there is no memory for it.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn new_text<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyString>> {
    PyString::from_bytes(py, text.as_bytes())
}

/// An `int` of 64 bits without a sign.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn unsigned(py: Python<'_>, value: u64) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the interpreter is held; the result is a new reference, or null.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyLong_FromUnsignedLongLong(value)) }
}

/// A name to look up or to set. One that is given as a `str` of Rust panics where there is no memory
/// for the interpreter's.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(pub(crate) &'a str);

impl<'py> IntoPyObject<'py> for Name<'_> {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        new_text(py, self.0)
    }
}

/// A copy of bytes of any number.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn copied(bytes: &[u8]) -> PyResult<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| error())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A copy of what is in a `bytearray` now.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn copied_array(array: &Bound<'_, PyByteArray>) -> PyResult<Vec<u8>> {
    // SAFETY: nothing else runs while it is copied.
    copied(unsafe { array.as_bytes() })
}

/// What a file in memory takes at first.
const FIRST: usize = 1024;

/// A file in memory, whose growth can fail.
#[derive(Default)]
pub(crate) struct MemoryFile {
    bytes: Vec<u8>,
    at: usize,
}

impl MemoryFile {
    /// What was written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = self.at.checked_add(bytes.len()).ok_or(io::ErrorKind::OutOfMemory)?;
        if end > self.bytes.len() {
            let more = end - self.bytes.len();
            // The first bytes of a file are not the last.
            let more = if self.bytes.capacity() == 0 { more.max(FIRST) } else { more };
            self.bytes.try_reserve(more).map_err(|_| io::ErrorKind::OutOfMemory)?;
            self.bytes.truncate(self.at);
            self.bytes.resize(self.at, 0);
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes[self.at..end].copy_from_slice(bytes);
        }
        self.at = end;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for MemoryFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at as u64, by),
            SeekFrom::End(by) => (self.bytes.len() as u64, by),
        };
        let at = base.checked_add_signed(by).and_then(|at| usize::try_from(at).ok());
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at as u64)
    }
}
