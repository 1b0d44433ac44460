//! Strings: made, and read, where they lie.

use pyo3::ffi;

known_layout! {
    use super::new_object;

    /// What the header of such a text says of it: one byte a character, in one piece, ASCII, and,
    /// where there are others, ready.
    const ASCII_STATE: u32 = 1 << 2 | 1 << 5 | 1 << 6 | if cfg!(Py_3_12) { 0 } else { 1 << 7 };

    /// A new ASCII text whose `len` characters, more than one, are still to be written; null with an
    /// exception set if there is no memory for it.
    ///
    /// # Safety
    /// The interpreter must be held.
    #[inline(always)]
    pub(crate) unsafe fn new_ascii(len: usize) -> *mut ffi::PyObject {
        const HEADER: usize = size_of::<ffi::PyASCIIObject>();
        // SAFETY: the memory is the header's, the characters' and a NUL's, and comes from where
        // strings go back to.
        unsafe {
            let object = new_object(&raw mut ffi::PyUnicode_Type, HEADER + len + 1);
            if object.is_null() {
                return object;
            }
            let text = object.cast::<ffi::PyASCIIObject>();
            (*text).length = len.cast_signed();
            (*text).hash = -1;
            (*text).state = ASCII_STATE;
            #[cfg(not(Py_3_12))]
            {
                (*text).wstr = std::ptr::null_mut();
            }
            text.add(1).cast::<u8>().add(len).write(0);
            object
        }
    }

    /// A new text of units of 1, 2 or 4 bytes, not all of which will be ASCII; they, more than one,
    /// are still to be written. Null with an exception set if there is no memory for it.
    ///
    /// # Safety
    /// The interpreter must be held; `widest` is the largest unit of the size.
    #[inline(always)]
    pub(crate) unsafe fn new_wide(len: usize, size: u8, widest: u32) -> *mut ffi::PyObject {
        const HEADER: usize = size_of::<ffi::PyCompactUnicodeObject>();
        // Until 3.11, what has the width of C's wide characters is shared with them.
        if size == 4 {
            // SAFETY: the caller's promise.
            return unsafe { ffi::PyUnicode_New(len.cast_signed(), widest) };
        }
        // SAFETY: the memory is the header's, the units' and a NUL's, and comes from where strings
        // go back to. Zeros stand for the copies that the header has no use for yet.
        unsafe {
            let object = new_object(&raw mut ffi::PyUnicode_Type, HEADER + (len + 1) * usize::from(size));
            if object.is_null() {
                return object;
            }
            let text = object.cast::<ffi::PyCompactUnicodeObject>();
            let behind_head = object.add(1).cast::<u8>();
            behind_head.write_bytes(0, HEADER - size_of::<ffi::PyObject>());
            (*text)._base.length = len.cast_signed();
            (*text)._base.hash = -1;
            (*text)._base.state = ASCII_STATE & !(7 << 2 | 1 << 6) | u32::from(size) << 2;
            text.add(1).cast::<u8>().add(len * usize::from(size)).write_bytes(0, size.into());
            object
        }
    }

    /// The characters of a text that is ASCII and in one piece with its header.
    ///
    /// # Safety
    /// `text` must be a `str`, and live as long as `'a`.
    #[inline]
    pub(crate) unsafe fn compact_ascii<'a>(text: *mut ffi::PyObject) -> Option<&'a str> {
        let text = text.cast::<ffi::PyASCIIObject>();
        // SAFETY: bits 5 and 6 of `state` (see `text_kind`) say how many ASCII characters
        // follow the header.
        unsafe {
            if (*text).state >> 5 & 3 != 3 {
                return None;
            }
            let len = (*text).length.cast_unsigned();
            let bytes = std::slice::from_raw_parts(text.add(1).cast::<u8>(), len);
            Some(std::str::from_utf8_unchecked(bytes))
        }
    }

    /// The UTF-8 of a text in one piece that is not ASCII, if it was asked for before.
    ///
    /// # Safety
    /// `text` must be a `str`, and live as long as `'a`.
    #[inline]
    pub(crate) unsafe fn cached_utf8<'a>(text: *mut ffi::PyObject) -> Option<&'a str> {
        let text = text.cast::<ffi::PyCompactUnicodeObject>();
        // SAFETY: bits 5 and 6 of `state` (see `text_kind`) tell that the larger header is there;
        // what the interpreter keeps in it is valid, and stays while the text lives.
        unsafe {
            if (*text)._base.state >> 5 & 3 != 1 || (*text).utf8.is_null() {
                return None;
            }
            let len = (*text).utf8_length.cast_unsigned();
            let bytes = std::slice::from_raw_parts((*text).utf8.cast::<u8>(), len);
            Some(std::str::from_utf8_unchecked(bytes))
        }
    }

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str` that is ready.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: every `str` begins with this header. Bits of `state`, in 3.11 to 3.13:
        // interned 2, kind 3, compact 1, ascii 1.
        let state = unsafe { (*text.cast::<ffi::PyASCIIObject>()).state };
        (state >> 2 & 7, state >> 6 & 1 == 1)
    }
}

unknown_layout! {
    /// A new ASCII text whose characters are still to be written.
    ///
    /// # Safety
    /// The interpreter must be held.
    pub(crate) unsafe fn new_ascii(len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len.cast_signed(), 0x7f) }
    }

    /// A new text, not all of it ASCII, whose units are still to be written.
    ///
    /// # Safety
    /// The interpreter must be held; `widest` is the largest unit of the size.
    pub(crate) unsafe fn new_wide(len: usize, _size: u8, widest: u32) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len.cast_signed(), widest) }
    }

    /// The characters of a text, if that is cheap to find out: here it is not.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn compact_ascii<'a>(_text: *mut ffi::PyObject) -> Option<&'a str> {
        None
    }

    /// The UTF-8 of a text, if it was asked for before: here it is not known.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn cached_utf8<'a>(_text: *mut ffi::PyObject) -> Option<&'a str> {
        None
    }

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str`.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: the caller's promise.
        unsafe {
            let kind = ffi::PyUnicode_KIND(text);
            let ascii = kind == 1 && is_ascii(text);
            (kind, ascii)
        }
    }

    unsafe fn is_ascii(text: *mut ffi::PyObject) -> bool {
        // SAFETY: the text has one byte a character, and lives as long as the caller's reference.
        unsafe {
            let data = ffi::PyUnicode_DATA(text).cast::<u8>();
            let len = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
            std::slice::from_raw_parts(data, len).is_ascii()
        }
    }
}

/// Makes a `str` of the oldest kind (3.11 only) fit to be read.
///
/// # Safety
/// `text` must be a `str`, and the interpreter be held.
#[inline]
pub(crate) unsafe fn make_ready(text: *mut ffi::PyObject) -> bool {
    #[cfg(Py_3_12)]
    {
        let _ = text;
        true
    }
    #[cfg(not(Py_3_12))]
    // SAFETY: the caller's promise.
    unsafe {
        ffi::PyUnicode_READY(text) == 0
    }
}
