//! Opcodes with their arguments out of bytes: no allocation, nothing interpreted.

use cannery_core::{Error, ErrorKind, Result};

use crate::opcode::{Argument, Opcode};

/// One instruction of a stream.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Op<'a> {
    /// Bytes before it in the data.
    pub offset: usize,
    /// What it does.
    pub opcode: Opcode,
    /// What it does it with.
    pub arg: Arg<'a>,
}

/// The argument of an [`Op`], cut out of the stream; text is decoded by those who need it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arg<'a> {
    /// It has none.
    None,
    /// A number of fixed width: an integer, an index, a code, a size.
    Int(i64),
    /// The size of a frame.
    Size(u64),
    /// A binary float.
    Float(f64),
    /// A line, without its newline.
    Line(&'a [u8]),
    /// A module and a name.
    Lines(&'a [u8], &'a [u8]),
    /// Bytes of a declared length.
    Bytes(&'a [u8]),
}

/// What to make of frames, on which `CPython`'s own readers disagree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Every opcode lies within its frame, and frames neither nest nor end early.
    #[default]
    Strict,
    /// Frames are read as if they were not there, as `pickle.loads` in C does.
    Ignored,
}

/// Reads the instructions of one pickle, through its `STOP`.
#[derive(Clone, Debug)]
pub struct Ops<'a> {
    data: &'a [u8],
    at: usize,
    /// Where the frame ends, or the data: nothing is read across it.
    end: usize,
    framed: bool,
    framing: Framing,
    done: bool,
}

impl<'a> Ops<'a> {
    /// The instructions of the pickle that begins at `start`.
    #[must_use]
    pub fn new(data: &'a [u8], start: usize, framing: Framing) -> Self {
        let (at, end) = (start.min(data.len()), data.len());
        Self { data, at, end, framed: false, framing, done: false }
    }

    /// All of the data, also what comes behind `STOP`.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Bytes read so far.
    #[must_use]
    #[inline]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Takes raw bytes out of the stream, as joblib puts them between instructions.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if there are fewer, [`ErrorKind::Syntax`] inside a frame.
    pub fn take_raw(&mut self, count: u64) -> Result<&'a [u8]> {
        if self.framed && self.end > self.at {
            return Err(syntax(self.at, "raw data inside a frame"));
        }
        self.leave_frame();
        self.span(count)
    }

    /// Goes on at another place, behind something that other code has read.
    pub fn seek(&mut self, position: usize) {
        self.at = position.min(self.data.len());
        self.leave_frame();
    }

    /// The next instruction; `None` after `STOP`.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`], with the offset.
    #[inline]
    pub fn next_op(&mut self) -> Result<Option<Op<'a>>> {
        if self.done {
            return Ok(None);
        }
        let (offset, opcode) = self.opcode()?;
        let arg = self.argument(opcode.info().argument).map_err(|e| e.at_offset(offset as u64))?;
        match (opcode, arg) {
            (Opcode::Frame, Arg::Size(size)) => self.enter_frame(offset, size)?,
            (Opcode::Stop, _) => self.stop(offset)?,
            _ => {}
        }
        Ok(Some(Op { offset, opcode, arg }))
    }

    /// The next opcode and its offset; a caller must read its argument.
    #[inline]
    pub(crate) fn opcode(&mut self) -> Result<(usize, Opcode)> {
        if self.at >= self.end && self.framed {
            self.leave_frame();
        }
        let offset = self.at;
        let Some(&code) = self.data[..self.end].get(offset) else { return Err(no_stop(offset)) };
        let Some(opcode) = Opcode::from_code(code) else { return Err(unknown(offset, code)) };
        self.at += 1;
        Ok((offset, opcode))
    }

    /// Begins a frame; `offset` is that of its opcode.
    pub(crate) fn enter_frame(&mut self, offset: usize, size: u64) -> Result<()> {
        if self.framed && self.at < self.end {
            return Err(nested(offset));
        }
        let rest = self.data.len() - self.at;
        let size = usize::try_from(size).ok().filter(|&size| size <= rest);
        let Some(size) = size else { return Err(frame_too_long(offset)) };
        if self.framing == Framing::Strict {
            (self.end, self.framed) = (self.at + size, true);
        }
        Ok(())
    }

    fn leave_frame(&mut self) {
        (self.end, self.framed) = (self.data.len(), false);
    }

    /// Ends the pickle; `offset` is that of its `STOP`.
    pub(crate) fn stop(&mut self, offset: usize) -> Result<()> {
        self.done = true;
        if self.framed && self.at < self.end { Err(early_stop(offset)) } else { Ok(()) }
    }

    #[inline]
    fn argument(&mut self, argument: Argument) -> Result<Arg<'a>> {
        Ok(match argument {
            Argument::None => Arg::None,
            Argument::U8 => Arg::Int(u8::from_le_bytes(self.word()?).into()),
            Argument::U16 => Arg::Int(u16::from_le_bytes(self.word()?).into()),
            Argument::I32 => Arg::Int(i32::from_le_bytes(self.word()?).into()),
            Argument::U32 => Arg::Int(u32::from_le_bytes(self.word()?).into()),
            Argument::U64 => Arg::Size(u64::from_le_bytes(self.word()?)),
            Argument::Float8 => Arg::Float(f64::from_be_bytes(self.word()?)),
            Argument::QuotedLine
            | Argument::Line
            | Argument::EscapedLine
            | Argument::DecimalShort
            | Argument::DecimalLong
            | Argument::FloatLine => Arg::Line(self.line()?),
            Argument::TwoLines => Arg::Lines(self.line()?, self.line()?),
            Argument::Long1 | Argument::String1 | Argument::Bytes1 | Argument::Unicode1 => {
                let size = u8::from_le_bytes(self.word()?);
                Arg::Bytes(self.span(size.into())?)
            }
            Argument::Long4 | Argument::String4 => {
                let size = i32::from_le_bytes(self.word()?);
                let size = u64::try_from(size).map_err(|_| negative(size))?;
                Arg::Bytes(self.span(size)?)
            }
            Argument::Bytes4 | Argument::Unicode4 => {
                let size = u32::from_le_bytes(self.word()?);
                Arg::Bytes(self.span(size.into())?)
            }
            Argument::Bytes8 | Argument::ByteArray8 | Argument::Unicode8 => {
                let size = u64::from_le_bytes(self.word()?);
                Arg::Bytes(self.span(size)?)
            }
        })
    }

    /// This many bytes, for a number.
    #[inline]
    pub(crate) fn word<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.data[self.at..self.end].first_chunk() {
            Some(word) => {
                self.at += N;
                Ok(*word)
            }
            None => Err(self.missing(N as u64)),
        }
    }

    /// This many bytes.
    #[inline]
    pub(crate) fn span(&mut self, size: u64) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..self.end];
        match usize::try_from(size).ok().and_then(|size| rest.get(..size)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => Err(self.missing(size)),
        }
    }

    /// Bytes through the next newline, without it.
    pub(crate) fn line(&mut self) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..self.end];
        let Some(end) = memchr::memchr(b'\n', rest) else { return Err(self.no_newline()) };
        self.at += end + 1;
        Ok(&rest[..end])
    }

    /// Why there are not that many bytes.
    #[cold]
    fn missing(&self, size: u64) -> Error {
        let rest = self.data.len() - self.at;
        if size <= rest as u64 { straddles() } else { truncated(size, rest) }
    }

    #[cold]
    fn no_newline(&self) -> Error {
        match memchr::memchr(b'\n', &self.data[self.at..]) {
            Some(_) => straddles(),
            None => Error::new(ErrorKind::Truncated, "expected a line, found no newline"),
        }
    }
}

impl<'a> Iterator for Ops<'a> {
    type Item = Result<Op<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_op().transpose();
        self.done |= matches!(next, Some(Err(_)));
        next
    }
}

#[cold]
fn syntax(offset: usize, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Syntax, message).at_offset(offset as u64)
}

/// How packed files begin.
const PACKED: [(&[u8], &str); 9] = [
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x5d\x00\x00", "lzma"),
    (b"\x78\x01", "zlib"),
    (b"\x78\x5e", "zlib"),
    (b"\x78\x9c", "zlib"),
    (b"\x78\xda", "zlib"),
];

/// Says what to do about a file that has a pickle in it, between other bytes or packed.
#[cold]
#[must_use]
pub fn hint_at_container(error: Error, data: &[u8]) -> Error {
    if !matches!(error.kind(), ErrorKind::Syntax | ErrorKind::Truncated) {
        return error;
    }
    if memchr::memmem::find(data, b"joblib.numpy_pickle").is_some() {
        return error.with_hint(
            "this is a file of joblib, with arrays between the opcodes: save the object with \
             `cannery.dump`, or see what is in the file with `cannery scan`",
        );
    }
    match PACKED.iter().find(|(start, _)| data.starts_with(start)) {
        Some((_, name)) => error.with_hint(format!(
            "the file is packed with {name}, as joblib does it too: unpack it first, or save the \
             object with `cannery.dump`"
        )),
        None => error,
    }
}

/// The message for a stream that ends between opcodes, where `CPython` raises `EOFError`.
pub const NO_STOP: &str = "the pickle ends before its `STOP`";

#[cold]
fn no_stop(offset: usize) -> Error {
    Error::new(ErrorKind::Truncated, NO_STOP)
        .at_offset(offset as u64)
        .with_hint("the file was cut off, or is no pickle")
}

#[cold]
fn unknown(offset: usize, code: u8) -> Error {
    syntax(offset, format!("expected an opcode, found byte `{code:#04x}`"))
        .with_hint("the file is damaged, or is no pickle")
}

#[cold]
fn truncated(size: u64, rest: usize) -> Error {
    Error::new(ErrorKind::Truncated, format!("expected {size} bytes, found {rest}"))
}

#[cold]
pub(crate) fn negative(size: i32) -> Error {
    Error::new(ErrorKind::Syntax, format!("a negative length of {size} bytes"))
}

const FRAMES: &str = "readers disagree about what this pickle holds: no pickler writes such frames";

#[cold]
fn straddles() -> Error {
    Error::new(ErrorKind::Syntax, "an opcode goes beyond its frame").with_hint(FRAMES)
}

#[cold]
fn early_stop(offset: usize) -> Error {
    syntax(offset, "`STOP` comes before the end of its frame").with_hint(FRAMES)
}

#[cold]
fn nested(offset: usize) -> Error {
    syntax(offset, "a frame begins inside another").with_hint(FRAMES)
}

#[cold]
fn frame_too_long(offset: usize) -> Error {
    Error::new(ErrorKind::Truncated, "a frame goes beyond the end of the pickle")
        .at_offset(offset as u64)
        .with_hint("the file was cut off, or lies about its frames")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &[u8], framing: Framing) -> Result<Vec<Op<'_>>> {
        Ops::new(data, 0, framing).collect()
    }

    #[test]
    fn arguments() {
        let cases: &[(&[u8], Arg<'_>)] = &[
            (b"N", Arg::None),
            (b"K\xff", Arg::Int(255)),
            (b"M\x01\x02", Arg::Int(0x201)),
            (b"J\xff\xff\xff\xff", Arg::Int(-1)),
            (b"r\xff\xff\xff\xff", Arg::Int(0xffff_ffff)),
            (b"G\x3f\xf8\0\0\0\0\0\0", Arg::Float(1.5)),
            (b"I12\n", Arg::Line(b"12")),
            (b"cos\nsystem\n", Arg::Lines(b"os", b"system")),
            (b"\x8a\x01\x05", Arg::Bytes(b"\x05")),
            (b"T\x02\0\0\0ab", Arg::Bytes(b"ab")),
            (b"X\x01\0\0\0a", Arg::Bytes(b"a")),
            (b"\x96\x01\0\0\0\0\0\0\0a", Arg::Bytes(b"a")),
        ];
        for (data, arg) in cases {
            let whole = [data, &b"."[..]].concat();
            let ops = read(&whole, Framing::Strict).unwrap();
            assert_eq!((ops.len(), ops[0].arg), (2, *arg), "{}", data.escape_ascii());
            assert_eq!(ops[1].offset, data.len());
            for cut in 0..data.len() {
                let error = read(&data[..cut], Framing::Strict).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Truncated, "{}", data[..cut].escape_ascii());
            }
        }
    }

    #[test]
    fn what_is_refused() {
        let message = |data: &[u8]| read(data, Framing::Strict).unwrap_err().to_string();
        insta::assert_snapshot!(message(b"\xff"), @"expected an opcode, found byte `0xff` at byte 0");
        insta::assert_snapshot!(message(b"N"), @"the pickle ends before its `STOP` at byte 1");
        insta::assert_snapshot!(message(b"C\x05ab"), @"expected 5 bytes, found 2 at byte 0");
        insta::assert_snapshot!(message(b"I5"), @"expected a line, found no newline at byte 0");
        insta::assert_snapshot!(message(b"T\xff\xff\xff\xff."), @"a negative length of -1 bytes at byte 0");
        insta::assert_snapshot!(message(b"\x8e\0\0\0\0\0\0\0\x40."), @"expected 4611686018427387904 bytes, found 1 at byte 0");
        insta::assert_snapshot!(message(b"\x95\x09\0\0\0\0\0\0\0N."), @"a frame goes beyond the end of the pickle at byte 0");
        insta::assert_snapshot!(message(b"\x95\x01\0\0\0\0\0\0\0K\x01."), @"an opcode goes beyond its frame at byte 9");
        insta::assert_snapshot!(message(b"\x95\x03\0\0\0\0\0\0\0N.0"), @"`STOP` comes before the end of its frame at byte 10");
        insta::assert_snapshot!(message(&[&b"\x95\x0b\0\0\0\0\0\0\0"[..], b"\x95\x02\0\0\0\0\0\0\0N."].concat()), @"a frame begins inside another at byte 9");
    }

    #[test]
    fn reading_ends_behind_stop() {
        let mut ops = Ops::new(b"NN.cos\nsystem\n", 1, Framing::Strict);
        assert_eq!(ops.by_ref().count(), 2);
        assert_eq!(ops.position(), 3);
    }

    #[test]
    fn raw_data_lies_between_frames_only() {
        let mut ops = Ops::new(b"Nabc.", 0, Framing::Strict);
        ops.next_op().unwrap();
        assert_eq!(ops.take_raw(3).unwrap(), b"abc");
        assert_eq!(ops.next_op().unwrap().unwrap().opcode, Opcode::Stop);
        let mut ops = Ops::new(b"\x95\x02\0\0\0\0\0\0\0N.", 0, Framing::Strict);
        ops.next_op().unwrap();
        assert_eq!(ops.take_raw(1).unwrap_err().kind(), ErrorKind::Syntax);
    }
}
