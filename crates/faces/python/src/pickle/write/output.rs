//! The bytes of a pickle on their way: in memory that stays warm, or a growing `bytes` object; in
//! frames.

use std::cell::Cell;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::Raised;
use super::buffer::check_held;
use crate::compat;
use crate::memory;

unsafe extern "C" {
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, len: ffi::Py_ssize_t) -> std::ffi::c_int;
}

/// Frames of fewer bytes are not worth their header.
const FRAME_SIZE_MIN: usize = 4;
/// Frames end when they have that many bytes; what is as large itself lies between frames.
pub(super) const FRAME_SIZE_TARGET: usize = 64 * 1024;
const FRAME_HEADER_SIZE: usize = 9;
/// What fits is written into memory that was used before, and copied: new memory costs more.
const SCRATCH: usize = 256 * 1024;
const FIRST_CAPACITY: usize = 4096;

thread_local! {
    static SCRATCHES: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What was written and not handed on yet.
pub(super) struct Output<'py> {
    py: Python<'py>,
    /// The first byte: of `bytes`, or of `scratch`.
    start: *mut u8,
    capacity: usize,
    len: usize,
    /// A `bytes` object that no other code has seen, or null.
    bytes: *mut ffi::PyObject,
    scratch: Vec<u8>,
    /// Where the current frame begins.
    frame_start: Option<usize>,
    pub(super) framing: bool,
    /// The file's `write`.
    write: Option<Bound<'py, PyAny>>,
}

impl<'py> Output<'py> {
    pub(super) fn new(py: Python<'py>, write: Option<Bound<'py, PyAny>>) -> Self {
        let mut scratch = SCRATCHES.take();
        let (start, capacity) = (scratch.as_mut_ptr(), scratch.capacity());
        let bytes = std::ptr::null_mut();
        Self {
            py,
            start,
            capacity,
            len: 0,
            bytes,
            scratch,
            frame_start: None,
            framing: false,
            write,
        }
    }

    /// Bytes that were written and not handed on yet.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), Raised> {
        let new_frame = self.framing && self.frame_start.is_none();
        let needed = self.len + data.len() + if new_frame { FRAME_HEADER_SIZE } else { 0 };
        if needed > self.capacity {
            self.grow(needed)?;
        }
        if new_frame {
            self.frame_start = Some(self.len);
            self.len += FRAME_HEADER_SIZE;
        }
        // SAFETY: there is room for `needed` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(data.as_ptr(), self.start.add(self.len), data.len());
        }
        self.len += data.len();
        Ok(())
    }

    #[cold]
    fn grow(&mut self, needed: usize) -> Result<(), Raised> {
        let capacity = (needed + needed / 2).max(FIRST_CAPACITY);
        if self.bytes.is_null() && capacity <= SCRATCH {
            let mut larger = Vec::new();
            larger.try_reserve_exact(capacity).map_err(|_| memory::error())?;
            larger.extend_from_slice(self.written());
            self.scratch = larger;
            (self.start, self.capacity) = (self.scratch.as_mut_ptr(), self.scratch.capacity());
            return Ok(());
        }
        self.grow_bytes(capacity)
    }

    fn grow_bytes(&mut self, capacity: usize) -> Result<(), Raised> {
        // SAFETY: the object is ours alone, as resizing asks; a new one has room for what the
        // scratch holds.
        unsafe {
            if self.bytes.is_null() {
                let new = ffi::PyBytes_FromStringAndSize(std::ptr::null(), capacity.cast_signed());
                if new.is_null() {
                    return Err(Raised);
                }
                std::ptr::copy_nonoverlapping(self.start, first_byte(new), self.len);
                self.bytes = new;
            } else if _PyBytes_Resize(&raw mut self.bytes, capacity.cast_signed()) != 0 {
                self.restart();
                return Err(Raised);
            }
            self.start = first_byte(self.bytes);
        }
        self.capacity = capacity;
        // SAFETY: `len` bytes of `capacity` are filled.
        compat::expect_large(unsafe { self.start.add(self.len) }, capacity - self.len);
        Ok(())
    }

    fn written(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: that many bytes were written, and borrowing them keeps others from being.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }

    /// Goes back to the scratch, with nothing written.
    fn restart(&mut self) {
        (self.start, self.capacity) = (self.scratch.as_mut_ptr(), self.scratch.capacity());
        (self.len, self.frame_start) = (0, None);
    }

    /// Ends the frame: its size is known now.
    pub(super) fn commit_frame(&mut self) {
        let Some(start) = self.frame_start.take() else { return };
        let len = self.len - start - FRAME_HEADER_SIZE;
        // SAFETY: the frame, with room for its header, was written into the buffer.
        unsafe {
            let header = self.start.add(start);
            if len >= FRAME_SIZE_MIN {
                *header = 0x95;
                let size = (len as u64).to_le_bytes();
                std::ptr::copy_nonoverlapping(size.as_ptr(), header.add(1), size.len());
            } else {
                std::ptr::copy(header.add(FRAME_HEADER_SIZE), header, len);
                self.len -= FRAME_HEADER_SIZE;
            }
        }
    }

    /// Called between opcodes: frames end here when they are long enough.
    #[inline]
    pub(super) fn boundary(&mut self) -> Result<(), Raised> {
        match self.frame_start {
            Some(start) if self.len - start - FRAME_HEADER_SIZE >= FRAME_SIZE_TARGET => {
                self.commit_frame();
                if self.write.is_some() { self.flush() } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Hands what was written on to the file.
    pub(super) fn flush(&mut self) -> Result<(), Raised> {
        let bytes = self.take()?;
        let Some(write) = &self.write else { return Ok(()) };
        write.call1((bytes,))?;
        Ok(())
    }

    /// What was written, which leaves.
    pub(super) fn take(&mut self) -> Result<Bound<'py, PyBytes>, Raised> {
        if self.bytes.is_null() {
            let bytes = memory::new_bytes(self.py, self.written())?;
            self.restart();
            return Ok(bytes);
        }
        let (mut bytes, len) = (std::mem::replace(&mut self.bytes, std::ptr::null_mut()), self.len);
        self.restart();
        // SAFETY: the object is ours alone until here; a failure leaves null and an exception.
        unsafe {
            if _PyBytes_Resize(&raw mut bytes, len.cast_signed()) != 0 {
                return Err(Raised);
            }
            Ok(Bound::from_owned_ptr(self.py, bytes).cast_into_unchecked())
        }
    }

    /// Writes an opcode with its data: if those are large, between frames and around the buffer.
    #[inline]
    pub(super) fn push_data(
        &mut self,
        header: &[u8],
        data: &[u8],
        payload: Payload<'_, 'py>,
    ) -> Result<(), Raised> {
        if data.len() < FRAME_SIZE_TARGET {
            self.push(header)?;
            return self.push(data);
        }
        self.push_large(header, data, payload)
    }

    #[cold]
    fn push_large(
        &mut self,
        header: &[u8],
        data: &[u8],
        payload: Payload<'_, 'py>,
    ) -> Result<(), Raised> {
        self.commit_frame();
        let framing = std::mem::replace(&mut self.framing, false);
        let result = self.push(header).and_then(|()| self.push_payload(data, payload));
        self.framing = framing;
        result
    }

    fn push_payload(&mut self, data: &[u8], payload: Payload<'_, 'py>) -> Result<(), Raised> {
        if self.write.is_none() {
            return self.push(data);
        }
        let payload_object = payload.own(self.py, data)?;
        self.flush()?;
        if let Payload::Buffer(buffer) = payload {
            check_held(buffer)?;
        }
        let Some(write) = &self.write else { return Ok(()) };
        write.call1((payload_object,))?;
        Ok(())
    }
}

/// What a large piece of data belongs to, and so what the file's `write` gets.
///
/// Before it gets the data it gets what comes before, and its code may do anything with what the data
/// lies in: so an object of its own is made first.
#[derive(Clone, Copy)]
pub(super) enum Payload<'a, 'py> {
    /// `bytes`, to be handed on as they are.
    Bytes(&'a Bound<'py, PyAny>),
    /// A `PickleBuffer`, which must not be released meanwhile.
    Buffer(&'a Bound<'py, PyAny>),
    /// Something else.
    Lent,
}

impl<'py> Payload<'_, 'py> {
    fn own(self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Payload::Bytes(bytes) => Ok(bytes.clone()),
            Payload::Buffer(_) | Payload::Lent => memory::new_bytes(py, data).map(Bound::into_any),
        }
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        // SAFETY: the object is ours, or there is none; the interpreter is held.
        unsafe { ffi::Py_XDECREF(self.bytes) };
        SCRATCHES.set(std::mem::take(&mut self.scratch));
    }
}

/// Where the bytes of a `bytes` object begin.
///
/// # Safety
/// It must be one.
unsafe fn first_byte(bytes: *mut ffi::PyObject) -> *mut u8 {
    // SAFETY: the caller's promise; the place of the bytes is fixed.
    unsafe { std::ptr::addr_of_mut!((*bytes.cast::<ffi::PyBytesObject>()).ob_sval).cast() }
}
