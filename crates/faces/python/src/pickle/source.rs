//! Exactly one pickle out of a file object: not a byte more, for others may follow.

use crate::memory;
use cannery_pickle::{Framing, Opcode, Ops};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pickle_intake, module)?)
}

/// Reads the bytes of one pickle; fewer, if the file ends before.
#[pyfunction]
#[pyo3(signature = (file, /))]
fn pickle_intake<'py>(py: Python<'py>, file: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    let peek = file.getattr_opt(intern!(py, "peek"))?;
    let read = file.getattr(intern!(py, "read"))?;
    let line = file.getattr(intern!(py, "readline"))?;
    let mut source = PickleSource { read, line, peek, data: Vec::new() };
    source.collect()?;
    memory::new_bytes(py, &source.data)
}

struct PickleSource<'py> {
    read: Bound<'py, PyAny>,
    line: Bound<'py, PyAny>,
    peek: Option<Bound<'py, PyAny>>,
    data: Vec<u8>,
}

impl PickleSource<'_> {
    /// Takes opcodes in until `STOP`, an opcode that is none, or the end of the file.
    fn collect(&mut self) -> PyResult<()> {
        let mut at = 0;
        loop {
            if at == self.data.len() && self.peek.is_some() && !self.take_ahead()? {
                self.peek = None;
            }
            // What was taken in may be enough for many opcodes.
            let (end, stopped) = whole_opcodes(&self.data, at);
            if stopped {
                return Ok(());
            }
            at = end;
            let before = self.data.len();
            // An opcode that is whole and yet none that can be read is for the machine to refuse.
            if !self.take_opcode(at)? || self.data.len() == before {
                return Ok(());
            }
        }
    }

    /// Takes in whole opcodes of what the file has at hand.
    fn take_ahead(&mut self) -> PyResult<bool> {
        let Some(peek) = &self.peek else { return Ok(false) };
        let Ok(ahead) = peek.call1((1 << 16,)) else { return Ok(false) };
        let Ok(ahead) = ahead.extract::<Vec<u8>>() else { return Ok(false) };
        let (end, _) = whole_opcodes(&ahead, 0);
        if end == 0 {
            return Ok(true);
        }
        self.take(end)
    }

    /// Takes in that many bytes; false at the end of the file.
    fn take(&mut self, count: usize) -> PyResult<bool> {
        if count == 0 {
            return Ok(true);
        }
        let py = self.read.py();
        let chunk = self.read.call1((count,))?;
        let Ok(chunk) = chunk.cast::<PyBytes>() else {
            return Err(not_bytes(py, "read", &chunk));
        };
        self.data.extend_from_slice(chunk.as_bytes());
        Ok(chunk.as_bytes().len() == count)
    }

    fn take_line(&mut self) -> PyResult<bool> {
        let chunk = self.line.call0()?;
        let Ok(chunk) = chunk.cast::<PyBytes>() else {
            return Err(not_bytes(self.line.py(), "readline", &chunk));
        };
        self.data.extend_from_slice(chunk.as_bytes());
        Ok(chunk.as_bytes().last() == Some(&b'\n'))
    }

    /// Takes in what the opcode at `at` still lacks; false if nothing more is to be had.
    fn take_opcode(&mut self, at: usize) -> PyResult<bool> {
        use cannery_pickle::opcode::Argument as A;
        if at >= self.data.len() && !self.take(1)? {
            return Ok(false);
        }
        let Some(opcode) = Opcode::from_code(self.data[at]) else { return Ok(false) };
        match opcode.info().argument {
            A::None => Ok(true),
            A::U8 => self.fill(at + 2),
            A::U16 => self.fill(at + 3),
            A::I32 | A::U32 => self.fill(at + 5),
            A::Float8 => self.fill(at + 9),
            A::U64 => {
                // A frame is taken in whole: its opcodes need no more calls.
                Ok(self.fill(at + 9)? && self.fill_sized(at + 9, 8)?)
            }
            A::QuotedLine
            | A::Line
            | A::EscapedLine
            | A::DecimalShort
            | A::DecimalLong
            | A::FloatLine => self.fill_lines(at + 1, 1),
            A::TwoLines => self.fill_lines(at + 1, 2),
            A::Long1 | A::String1 | A::Bytes1 | A::Unicode1 => {
                Ok(self.fill(at + 2)? && self.fill_sized(at + 2, 1)?)
            }
            A::Long4 | A::String4 | A::Bytes4 | A::Unicode4 => {
                Ok(self.fill(at + 5)? && self.fill_sized(at + 5, 4)?)
            }
            A::Bytes8 | A::ByteArray8 | A::Unicode8 => {
                Ok(self.fill(at + 9)? && self.fill_sized(at + 9, 8)?)
            }
        }
    }

    fn fill(&mut self, end: usize) -> PyResult<bool> {
        self.take(end.saturating_sub(self.data.len()))
    }

    /// Takes in as many bytes as the size right before `at` says, in pieces: it may be a lie.
    fn fill_sized(&mut self, at: usize, width: usize) -> PyResult<bool> {
        const PIECE: usize = 1 << 24;
        let mut size = [0; 8];
        size[..width].copy_from_slice(&self.data[at - width..at]);
        let end =
            usize::try_from(u64::from_le_bytes(size)).ok().and_then(|size| at.checked_add(size));
        let Some(end) = end.filter(|&end| end <= isize::MAX.unsigned_abs()) else {
            return Ok(false);
        };
        while self.data.len() < end {
            let piece = (end - self.data.len()).min(PIECE.max(self.data.len()));
            if !self.take(piece)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fill_lines(&mut self, at: usize, count: usize) -> PyResult<bool> {
        let have = self.data[at..].split(|&byte| byte == b'\n').count() - 1;
        for _ in have..count {
            if !self.take_line()? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Where the whole opcodes end that begin at `at`, and whether the last of them is `STOP`.
fn whole_opcodes(data: &[u8], at: usize) -> (usize, bool) {
    let mut ops = Ops::new(data, at, Framing::Ignored);
    let mut end = at;
    loop {
        match ops.next_op() {
            Ok(Some(op)) => {
                end = ops.position();
                if op.opcode == Opcode::Stop {
                    return (end, true);
                }
            }
            Ok(None) => return (end, true),
            Err(_) => return (end, false),
        }
    }
}

#[cold]
fn not_bytes(_: Python<'_>, method: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let found = found.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    PyTypeError::new_err(format!("{method}() returned non-bytes object ({found})"))
}
