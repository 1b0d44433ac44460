//! The text of a document, in whatever `yaml.load` is given.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind, Pos, Text};
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::errors::{BEGINNING, raise};
use crate::text;

/// A document in UTF-8.
pub(super) enum Source<'a, 'py> {
    Borrowed(&'a str),
    /// UTF-8, as the interpreter made or we have checked it.
    Bytes(Cow<'a, Bound<'py, PyBytes>>),
}

impl<'a, 'py> Source<'a, 'py> {
    /// The text of a `str` or of `bytes`.
    pub(super) fn new(object: &'a Bound<'py, PyAny>) -> PyResult<Self> {
        match object.cast::<PyString>() {
            Ok(text) => Self::of_text(text),
            Err(_) => Self::of_bytes(object.cast::<PyBytes>()?),
        }
    }

    fn of_text(text: &'a Bound<'py, PyString>) -> PyResult<Self> {
        if let Text::Ascii(ascii) = text::of_python(text)? {
            return Ok(Source::Borrowed(ascii));
        }
        let py = text.py();
        // SAFETY: the object is a `str`; the result is a new reference to `bytes` or null.
        let encoded =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsUTF8String(text.as_ptr())) };
        match encoded {
            Ok(bytes) => Ok(Source::Bytes(Cow::Owned(bytes.cast_into::<PyBytes>()?))),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                let start: usize = error.value(py).getattr("start")?.extract()?;
                Err(surrogate(text, start))
            }
            Err(error) => Err(error),
        }
    }

    fn of_bytes(bytes: &'a Bound<'py, PyBytes>) -> PyResult<Self> {
        match std::str::from_utf8(bytes.as_bytes()) {
            Ok(_) => Ok(Source::Bytes(Cow::Borrowed(bytes))),
            Err(error) => {
                let at = Pos::locate(bytes.as_bytes(), error.valid_up_to() as u64);
                let error = Error::new(ErrorKind::Encoding, "expected UTF-8, found other bytes")
                    .with_hint("YAML is UTF-8, or UTF-16 or UTF-32; decode other encodings first")
                    .at(at);
                Err(raise(bytes.py(), error, "", BEGINNING))
            }
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Source::Borrowed(text) => text,
            // SAFETY: the interpreter encoded it, or it was checked.
            Source::Bytes(bytes) => unsafe { std::str::from_utf8_unchecked(bytes.as_bytes()) },
        }
    }
}

#[cold]
fn surrogate(text: &Bound<'_, PyString>, index: usize) -> PyErr {
    let message = format!("half of a surrogate pair stands at character {index}");
    let error = Error::new(ErrorKind::Encoding, message)
        .with_hint("write it as an escape, such as `\\ud800`, in double quotes");
    raise(text.py(), error, "", BEGINNING)
}
