//! Python's file objects as Rust's readers and writers.

use std::io::{self, Read, Write};

use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};

use crate::errors::OrRaise;
use crate::memory::{self, Name};
use crate::msgpack::Data;
use crate::text;

/// A Python file object, of text or of bytes.
///
/// An exception in one of its methods travels inside an [`io::Error`] and is raised again where
/// the error meets Python.
pub(crate) struct PyFile {
    object: Py<PyAny>,
    is_binary: bool,
    /// Bytes that were read and not handed on yet.
    read: Vec<u8>,
    /// The bytes of a character whose others come with the next chunk.
    carried: Vec<u8>,
}

impl PyFile {
    /// The file object, to which text is written: as `str`, unless it says that it takes bytes.
    pub(crate) fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let module = object.py().import(Name("io"))?;
        let is_binary = object.is_instance(&module.getattr(Name("RawIOBase"))?)?
            || object.is_instance(&module.getattr(Name("BufferedIOBase"))?)?
            || object.getattr(Name("mode")).is_ok_and(|mode| mode.to_string().contains('b'));
        Ok(Self::with(object, is_binary))
    }

    /// A file of bytes, whatever the object says of itself: what is written need not be text.
    pub(crate) fn binary(object: &Bound<'_, PyAny>) -> Self {
        Self::with(object, true)
    }

    fn with(object: &Bound<'_, PyAny>, is_binary: bool) -> Self {
        let object = object.clone().unbind();
        Self { object, is_binary, read: Vec::new(), carried: Vec::new() }
    }

    fn call_read(&self, size: usize) -> PyResult<Vec<u8>> {
        Python::attach(|py| {
            let chunk = self.object.bind(py).call_method1(Name("read"), (size,))?;
            match chunk.cast::<PyString>() {
                // The interpreter's own encoder is quick, but knows no surrogates.
                Ok(text) => match text.to_str() {
                    Ok(utf8) => memory::copied(utf8.as_bytes()),
                    Err(_) => Ok(text::of_python(&chunk)?.try_to_utf8().or_raise(py)?.into_owned()),
                },
                Err(_) => match (chunk.cast::<PyBytes>(), chunk.cast::<PyByteArray>()) {
                    (Ok(bytes), _) => memory::copied(bytes.as_bytes()),
                    (_, Ok(bytes)) => memory::copied_array(bytes),
                    _ => memory::copied(Data::of(&chunk)?.bytes()),
                },
            }
        })
    }

    fn call_write(&self, chunk: &[u8]) -> PyResult<()> {
        Python::attach(|py| {
            let chunk = if self.is_binary {
                memory::new_bytes(py, chunk)?.into_any()
            } else {
                text::from_utf8(py, chunk)?
            };
            self.object.bind(py).call_method1(Name("write"), (chunk,)).map(drop)
        })
    }
}

impl Read for PyFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.read.is_empty() {
            self.read = self.call_read(out.len()).map_err(io::Error::other)?;
        }
        let len = self.read.len().min(out.len());
        out[..len].copy_from_slice(&self.read[..len]);
        self.read.drain(..len);
        Ok(len)
    }
}

impl Write for PyFile {
    fn write(&mut self, chunk: &[u8]) -> io::Result<usize> {
        let mut bytes = std::mem::take(&mut self.carried);
        bytes.try_reserve(chunk.len()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        bytes.extend_from_slice(chunk);
        if !self.is_binary {
            self.carried = bytes.split_off(whole_characters(&bytes));
        }
        self.call_write(&bytes).map_err(io::Error::other)?;
        Ok(chunk.len())
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
