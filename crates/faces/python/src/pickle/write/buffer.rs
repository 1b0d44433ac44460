//! Buffers, in the stream or beside it.

use pyo3::ffi;
use pyo3::prelude::*;

use super::output::Payload;
use super::{Object, Pickler, Raised, Saved, code};

impl<'py> Pickler<'_, 'py> {
    /// Writes a buffer: out of band if the caller takes it, else like bytes.
    pub(super) fn save_buffer(&mut self, object: &Object<'py>) -> Saved {
        if self.protocol < 5 {
            return Err(self.pickling_error("PickleBuffer can only pickled with protocol >= 5"));
        }
        if !view(object)?.is_contiguous() {
            return Err(self.pickling_error(
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        }
        let in_band = match &self.options.buffer_callback {
            Some(callback) => callback.call1((object,))?.is_truthy()?,
            None => true,
        };
        let view = view(object)?; // again: the callback may have released it
        if in_band {
            let payload = Payload::Buffer(object);
            return match view.readonly() {
                0 => self.save_bytearray_data(object, view.bytes(), payload),
                _ => self.save_bytes_data(object, view.bytes(), payload),
            };
        }
        self.op(code!(NextBuffer))?;
        if view.readonly() == 0 { Ok(()) } else { self.op(code!(ReadonlyBuffer)) }
    }
}

/// What a `PickleBuffer` shows, strides and all; it holds it until it is released.
#[derive(Clone, Copy)]
struct View<'a>(&'a ffi::Py_buffer);

unsafe extern "C" {
    fn PyPickleBuffer_GetBuffer(buffer: *mut ffi::PyObject) -> *const ffi::Py_buffer;
}

/// Fails if a `PickleBuffer` was released.
pub(super) fn check_held(object: &Object<'_>) -> Saved {
    view(object).map(drop)
}

fn view<'a>(object: &'a Object<'_>) -> Result<View<'a>, Raised> {
    // SAFETY: an exact `PickleBuffer`, whose view stays where it is; null is an exception. What it
    // shows is only good until other code runs, which may release it: `Payload` copies it before.
    unsafe { PyPickleBuffer_GetBuffer(object.as_ptr()).as_ref().map(View).ok_or(Raised) }
}

impl<'a> View<'a> {
    fn is_contiguous(self) -> bool {
        // SAFETY: a buffer that is held.
        unsafe { ffi::PyBuffer_IsContiguous(self.0, b'A'.cast_signed() as _) != 0 }
    }

    fn readonly(self) -> i32 {
        self.0.readonly
    }

    fn bytes(self) -> &'a [u8] {
        if self.0.len == 0 {
            return &[];
        }
        // SAFETY: the buffer is contiguous and held.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast(), self.0.len.cast_unsigned()) }
    }
}
