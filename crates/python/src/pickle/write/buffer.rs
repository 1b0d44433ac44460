//! Buffers, in the stream or beside it.

use pyo3::ffi;
use pyo3::prelude::*;

use super::{Object, Pickler, Raised, Saved, code};

impl<'py> Pickler<'_, 'py> {
    /// Writes a buffer: out of band if the caller takes it, else like bytes.
    pub(super) fn save_buffer(&mut self, object: &Object<'py>) -> Saved {
        if self.protocol < 5 {
            return Err(self.pickling_error("PickleBuffer can only pickled with protocol >= 5"));
        }
        let view = View::get(object)?;
        if !view.is_contiguous() {
            return Err(self.pickling_error(
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        }
        let in_band = match &self.options.buffer_callback {
            Some(callback) => callback.call1((object,))?.is_truthy()?,
            None => true,
        };
        if in_band {
            return match view.0.readonly {
                0 => self.save_bytearray_data(object, view.bytes(), None),
                _ => self.save_bytes_data(object, view.bytes(), None),
            };
        }
        self.op(code!(NextBuffer))?;
        if view.0.readonly == 0 { Ok(()) } else { self.op(code!(ReadonlyBuffer)) }
    }
}

/// A buffer as it is, strides and all; released when dropped.
struct View(Box<ffi::Py_buffer>);

impl View {
    fn get(object: &Object<'_>) -> Result<Self, Raised> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: a place for a buffer, filled on success.
        let failed = unsafe {
            ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *buffer, ffi::PyBUF_FULL_RO)
        };
        if failed == 0 { Ok(Self(buffer)) } else { Err(Raised) }
    }

    fn is_contiguous(&self) -> bool {
        // SAFETY: the buffer was filled.
        unsafe { ffi::PyBuffer_IsContiguous(&raw const *self.0, b'A'.cast_signed() as _) != 0 }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the buffer is contiguous and held.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast(), self.0.len.cast_unsigned()) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the buffer was filled.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
    }
}
