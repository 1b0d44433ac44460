//! Numbers, text and bytes.

use cannery_pickle::Opcode;
use pyo3::exceptions::PyOverflowError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyTuple};

use super::output::Payload;
use super::{Object, Pickler, Raised, Saved, code};
use crate::memory;
use crate::text;

impl<'py> Pickler<'_, 'py> {
    pub(super) fn save_bool(&mut self, value: bool) -> Saved {
        match (self.protocol >= 2, value) {
            (true, true) => self.op(code!(NewTrue)),
            (true, false) => self.op(code!(NewFalse)),
            (false, true) => self.out.push(b"I01\n"),
            (false, false) => self.out.push(b"I00\n"),
        }
    }

    #[inline]
    pub(super) fn save_int(&mut self, object: *mut ffi::PyObject) -> Saved {
        let mut overflow = 0;
        // SAFETY: an exact `int`.
        let value = unsafe { ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow) };
        match i32::try_from(value) {
            Ok(value) if overflow == 0 => self.save_small_int(value),
            _ => self.save_large_int(object),
        }
    }

    #[inline]
    fn save_small_int(&mut self, value: i32) -> Saved {
        if !self.binary() {
            return self.out.push(format!("I{value}\n").as_bytes());
        }
        match value.to_le_bytes() {
            [a, 0, 0, 0] => self.out.push(&[Opcode::BinInt1 as u8, a]),
            [a, b, 0, 0] => self.out.push(&[Opcode::BinInt2 as u8, a, b]),
            [a, b, c, d] => self.out.push(&[Opcode::BinInt as u8, a, b, c, d]),
        }
    }

    fn save_large_int(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: the caller keeps the object alive.
        let object = unsafe { Bound::from_borrowed_ptr(self.py, object) };
        if self.protocol < 2 {
            let digits = object.repr()?;
            return self.out.push(format!("L{}L\n", digits.to_cow()?).as_bytes());
        }
        let bits: usize = object.call_method0(intern!(self.py, "bit_length"))?.extract()?;
        let options = memory::new_dict(self.py)?;
        options.set_item(intern!(self.py, "signed"), true)?;
        let arguments = (bits / 8 + 1, intern!(self.py, "little"));
        let bytes = object.call_method(intern!(self.py, "to_bytes"), arguments, Some(&options))?;
        let bytes = bytes.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes();
        // A negative number may need a byte less.
        let bytes = match bytes {
            [shorter @ .., 0xff] if shorter.last().is_some_and(|&last| last >= 0x80) => shorter,
            bytes => bytes,
        };
        if let Ok(len) = u8::try_from(bytes.len()) {
            self.out.push(&[Opcode::Long1 as u8, len])?;
            return self.out.push(bytes);
        }
        let Some(len) = i32::try_from(bytes.len()).ok() else {
            return Err(PyOverflowError::new_err("int too large to pickle").into());
        };
        let [a, b, c, d] = len.to_le_bytes();
        self.out.push_data(&[Opcode::Long4 as u8, a, b, c, d], bytes, Payload::Lent)
    }

    #[inline]
    pub(super) fn save_float(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: an exact `float`.
        let value = unsafe { ffi::PyFloat_AS_DOUBLE(object) };
        if self.binary() {
            let mut code = [Opcode::BinFloat as u8; 9];
            code[1..].copy_from_slice(&value.to_be_bytes());
            return self.out.push(&code);
        }
        // SAFETY: the caller keeps the object alive.
        let digits = unsafe { Bound::<PyAny>::from_borrowed_ptr(self.py, object) }.repr()?;
        self.out.push(format!("F{}\n", digits.to_cow()?).as_bytes())
    }

    #[inline]
    pub(super) fn save_text(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: an exact `str` that the caller keeps alive.
        let Some(text) = (unsafe { text::of_pointer(object) }) else { return Err(Raised) };
        if !self.binary() {
            let line = escaped(&text.try_to_utf8().map_err(no_memory)?)?;
            self.op(code!(Unicode))?;
            self.out.push(&line)?;
            self.op([b'\n'])?;
            return self.put(object);
        }
        match text {
            cannery_core::Text::Ascii(ascii) => self.save_utf8(ascii.as_bytes())?,
            other => self.save_utf8(&other.try_to_utf8().map_err(no_memory)?)?,
        }
        self.put(object)
    }

    #[inline]
    fn save_utf8(&mut self, bytes: &[u8]) -> Saved {
        if bytes.len() < 256 && self.protocol >= 4 {
            self.out.push(&[Opcode::ShortBinUnicode as u8, bytes.len().to_le_bytes()[0]])?;
            return self.out.push(bytes);
        }
        let codes = [Opcode::BinUnicode, Opcode::BinUnicode8];
        self.save_sized(codes, "string", bytes, Payload::Lent)
    }

    /// Data behind four bytes that tell their length, or eight if that is not enough.
    fn save_sized(
        &mut self,
        [short, long]: [Opcode; 2],
        what: &str,
        bytes: &[u8],
        payload: Payload<'_, 'py>,
    ) -> Saved {
        if let Ok(len) = u32::try_from(bytes.len()) {
            let [a, b, c, d] = len.to_le_bytes();
            return self.out.push_data(&[short as u8, a, b, c, d], bytes, payload);
        }
        if self.protocol < 4 {
            let message = format!(
                "serializing a {what} larger than 4 GiB requires pickle protocol 4 or higher"
            );
            return Err(PyOverflowError::new_err(message).into());
        }
        self.save_sized_8(long, bytes, payload)
    }

    fn save_sized_8(&mut self, opcode: Opcode, bytes: &[u8], payload: Payload<'_, 'py>) -> Saved {
        let mut header = [opcode as u8; 9];
        header[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.out.push_data(&header, bytes, payload)
    }

    pub(super) fn save_bytes(&mut self, object: &Object<'py>) -> Saved {
        let py = self.py;
        let first = self.canonical(object.as_ptr(), &raw mut ffi::PyBytes_Type);
        // SAFETY: the object itself, or the first that is equal, which a dictionary keeps.
        let object = &unsafe { Object::from_borrowed_ptr(py, first) };
        let bytes = object.cast::<PyBytes>().map_err(PyErr::from)?;
        if self.protocol >= 3 {
            return self.save_bytes_data(object, bytes.as_bytes(), Payload::Bytes(object));
        }
        let reduced = if bytes.as_bytes().is_empty() {
            (py.get_type::<PyBytes>().into_any(), PyTuple::empty(py)).into_pyobject(py)
        } else {
            let encode = py.import(intern!(py, "_codecs"))?.getattr(intern!(py, "encode"))?;
            let latin1 = intern!(py, "latin1");
            let text = bytes.call_method1(intern!(py, "decode"), (latin1,))?;
            (encode, (text, latin1).into_pyobject(py)?).into_pyobject(py)
        };
        self.save_reduce(&reduced?, Some(object))
    }

    /// Writes bytes and puts the object they belong to into the memo.
    pub(super) fn save_bytes_data(
        &mut self,
        object: &Object<'py>,
        bytes: &[u8],
        payload: Payload<'_, 'py>,
    ) -> Saved {
        if let Ok(len) = u8::try_from(bytes.len()) {
            self.out.push(&[Opcode::ShortBinBytes as u8, len])?;
            self.out.push(bytes)?;
        } else {
            let codes = [Opcode::BinBytes, Opcode::BinBytes8];
            self.save_sized(codes, "bytes object", bytes, payload)?;
        }
        self.put(object.as_ptr())
    }

    pub(super) fn save_bytearray(&mut self, object: &Object<'py>) -> Saved {
        let py = self.py;
        let array = object.cast::<PyByteArray>().map_err(PyErr::from)?;
        if self.protocol >= 5 {
            // SAFETY: what is lent is copied before any other code runs, such as the file's `write`.
            return self.save_bytearray_data(object, unsafe { array.as_bytes() }, Payload::Lent);
        }
        let class = py.get_type::<PyByteArray>().into_any();
        let arguments = if array.is_empty() {
            PyTuple::empty(py)
        } else {
            (memory::new_bytes(py, &memory::copied_array(array)?)?,).into_pyobject(py)?
        };
        let reduced = (class, arguments).into_pyobject(py)?;
        self.save_reduce(&reduced, Some(object))
    }

    pub(super) fn save_bytearray_data(
        &mut self,
        object: &Object<'py>,
        bytes: &[u8],
        payload: Payload<'_, 'py>,
    ) -> Saved {
        self.save_sized_8(Opcode::ByteArray8, bytes, payload)?;
        self.put(object.as_ptr())
    }
}

/// UTF-8, with surrogates, as a line in the "raw unicode escape" encoding.
fn escaped(utf8: &[u8]) -> Result<Vec<u8>, Raised> {
    let mut line = Vec::new();
    let mut rest = utf8;
    while let [first, ..] = rest {
        if line.capacity() - line.len() < LONGEST_ESCAPE {
            line.try_reserve(rest.len().max(LONGEST_ESCAPE)).map_err(|_| memory::error())?;
        }
        let (character, size) = match *first {
            0..0x80 => (u32::from(*first), 1),
            0x80..0xe0 => (join(rest, 2, 0x1f), 2),
            0xe0..0xf0 => (join(rest, 3, 0x0f), 3),
            _ => (join(rest, 4, 0x07), 4),
        };
        rest = &rest[size..];
        match u8::try_from(character) {
            Ok(b'\\' | 0 | b'\n' | b'\r' | 0x1a) => {
                line.extend(format!("\\u{character:04x}").bytes());
            }
            Ok(byte) => line.push(byte),
            Err(_) if character < 0x10000 => line.extend(format!("\\u{character:04x}").bytes()),
            Err(_) => line.extend(format!("\\U{character:08x}").bytes()),
        }
    }
    Ok(line)
}

/// `\U0010ffff`.
const LONGEST_ESCAPE: usize = 10;

#[cold]
fn no_memory(_: cannery_core::Error) -> Raised {
    memory::error().into()
}

fn join(bytes: &[u8], size: usize, mask: u8) -> u32 {
    let first = u32::from(bytes[0] & mask);
    bytes[1..size].iter().fold(first, |joined, &byte| joined << 6 | u32::from(byte & 0x3f))
}
