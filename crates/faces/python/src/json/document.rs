//! JSON as Python code hands it over: text, or bytes in one of five encodings.

use std::borrow::Cow;

use cannery_core::Text;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};

use crate::errors::OrRaise;
use crate::{compat, memory, text};

/// A document's bytes, and the object they came from.
pub(crate) struct Document<'a, 'py> {
    pub(super) object: Cow<'a, Bound<'py, PyAny>>,
    bytes: Bytes<'a, 'py>,
    /// Whether the bytes are known to be UTF-8.
    is_utf8: bool,
    pub(super) is_ascii: bool,
}

enum Bytes<'a, 'py> {
    Borrowed(&'a [u8]),
    Encoded(Bound<'py, PyBytes>),
    Owned(Vec<u8>),
}

impl<'a, 'py> Document<'a, 'py> {
    /// The document in what `json.loads` takes: `str`, `bytes` or `bytearray`.
    pub(super) fn new(object: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.cast::<PyString>() {
            return Self::of_text(text);
        }
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Self::of_bytes(object, Bytes::Borrowed(bytes.as_bytes()));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            // A hook may change it while it is read.
            return Self::of_bytes(object, Bytes::Owned(memory::copied_array(bytes)?));
        }
        let class = object.get_type().name()?;
        let message = format!("the JSON object must be str, bytes or bytearray, not {class}");
        Err(PyTypeError::new_err(message))
    }

    /// The document in anything that holds UTF-8: text, or bytes in any buffer.
    pub(super) fn utf8(object: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = object.cast::<PyBytes>() {
            return Ok(Self::raw(object, Bytes::Borrowed(bytes.as_bytes())));
        }
        if let Ok(text) = object.cast::<PyString>() {
            return Self::of_text(text);
        }
        let copied = object.py().get_type::<PyBytes>().call1((object_buffer(object)?,))?;
        Ok(Self::raw(object, Bytes::Encoded(copied.cast_into::<PyBytes>()?)))
    }

    /// The document in a `str`.
    pub(super) fn of_text(text: &'a Bound<'py, PyString>) -> PyResult<Self> {
        let object = Cow::Borrowed(text.as_any());
        if let Text::Ascii(ascii) = text::of_python(text)? {
            let bytes = Bytes::Borrowed(ascii.as_bytes());
            return Ok(Self { object, bytes, is_utf8: true, is_ascii: true });
        }
        // SAFETY: it is a `str`, which lives as long as what is borrowed from it.
        if let Some(utf8) = unsafe { compat::cached_utf8(text.as_ptr()) } {
            let bytes = Bytes::Borrowed(utf8.as_bytes());
            return Ok(Self { object, bytes, is_utf8: true, is_ascii: false });
        }
        let (bytes, is_utf8) = encode(text)?;
        Ok(Self { object, bytes, is_utf8, is_ascii: false })
    }

    fn raw(object: &'a Bound<'py, PyAny>, bytes: Bytes<'a, 'py>) -> Self {
        Self { object: Cow::Borrowed(object), bytes, is_utf8: false, is_ascii: false }
    }

    fn of_bytes(object: &'a Bound<'py, PyAny>, bytes: Bytes<'a, 'py>) -> PyResult<Self> {
        let document = Self::raw(object, bytes);
        if is_plain_utf8(document.bytes()) {
            return Ok(document);
        }
        let text = object.py().import("cannery.json")?.call_method1("_to_text", (object,))?;
        Self::of_owned_text(text)
    }

    fn of_owned_text(text: Bound<'py, PyAny>) -> PyResult<Self> {
        let (bytes, is_utf8) = encode(text.cast::<PyString>()?)?;
        Ok(Self { object: Cow::Owned(text), bytes, is_utf8, is_ascii: false })
    }

    /// The document in UTF-8.
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Encoded(bytes) => bytes.as_bytes(),
            Bytes::Owned(bytes) => bytes,
        }
    }

    /// The document as text, if it is known to be valid.
    pub(super) fn as_str(&self) -> Option<&str> {
        // SAFETY: the interpreter encoded it without surrogates, or it was ASCII.
        self.is_utf8.then(|| unsafe { std::str::from_utf8_unchecked(self.bytes()) })
    }

    /// Whether it came as text.
    pub(super) fn is_text(&self) -> bool {
        self.object.is_instance_of::<PyString>()
    }

    /// How many characters come before a byte of it.
    pub(super) fn characters_before(&self, offset: u64) -> usize {
        let bytes = self.bytes();
        let end = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
        if self.is_ascii {
            return end;
        }
        bytes[..end].iter().filter(|&&b| b & 0xc0 != 0x80).count()
    }

    /// Where in the bytes the character at `index` begins; the end counts as one.
    pub(super) fn offset_of(&self, index: usize) -> Option<usize> {
        let bytes = self.bytes();
        if self.is_ascii {
            return (index <= bytes.len()).then_some(index);
        }
        let starts = bytes.iter().enumerate().filter(|&(_, &b)| b & 0xc0 != 0x80);
        starts.map(|(offset, _)| offset).chain([bytes.len()]).nth(index)
    }

    /// The document as the `doc` of an exception.
    pub(super) fn as_doc(&self) -> PyResult<Bound<'py, PyAny>> {
        if self.is_text() {
            return Ok(self.object.clone().into_owned());
        }
        memory::new_bytes(self.object.py(), self.bytes())?
            .call_method1("decode", ("utf-8", "replace"))
    }
}

fn object_buffer<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    pyo3::types::PyMemoryView::from(object).map(Bound::into_any).map_err(|_| {
        let class = object.get_type();
        let class = class.name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
        PyTypeError::new_err(format!("the JSON object must be str or bytes-like, not {class}"))
    })
}

/// Whether `bytes` begin as UTF-8 does, without a byte order mark: no other encoding that JSON
/// is found in has two characters without a NUL.
pub(super) fn is_plain_utf8(bytes: &[u8]) -> bool {
    match bytes {
        [0xef, 0xbb, ..] | [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => false,
        [a, b, c, d, ..] => *a != 0 && *b != 0 && *c != 0 && *d != 0,
        _ => !bytes.contains(&0),
    }
}

/// Encodes a `str` without leaving a copy in it; surrogates are kept.
fn encode<'a, 'py>(text: &Bound<'py, PyString>) -> PyResult<(Bytes<'a, 'py>, bool)> {
    let py = text.py();
    // SAFETY: the object is a `str`; the result is a new reference to `bytes` or null.
    let encoded =
        unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsUTF8String(text.as_ptr())) };
    match encoded {
        Ok(bytes) => Ok((Bytes::Encoded(bytes.cast_into::<PyBytes>()?), true)),
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
            let bytes = text::of_python(text)?.try_to_utf8().or_raise(py)?.into_owned();
            Ok((Bytes::Owned(bytes), false))
        }
        Err(error) => Err(error),
    }
}
