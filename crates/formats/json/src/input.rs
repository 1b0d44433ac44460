//! Where a text comes from: a slice, or a reader whose bytes pass through a buffer.

use std::io::Read;

use cannery_core::{Error, Pos, Result, Sink};

use crate::ReadOptions;
use crate::parser::{Chunk, Parser, Source};
use crate::scan::count_newlines;
use crate::string::first_invalid;
use crate::syntax::SyntaxError;
use crate::units::Units;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text, of which a piece is at hand.
pub(crate) trait Input {
    /// The piece at hand.
    fn chunk(&self) -> Chunk<'_>;

    /// Forgets the first `consumed` bytes of the piece and gets more behind the others, or learns
    /// that there are none.
    fn advance(&mut self, consumed: usize) -> Result<()>;

    /// Adds line and column to an error in the piece at hand.
    fn locate(&self, error: Error) -> Error;
}

/// Reads the document at `pos` of an input; returns the index behind it.
#[inline(always)]
pub(crate) fn document<I: Input, S: Sink + ?Sized>(
    parser: &mut Parser,
    input: &mut I,
    pos: usize,
    sink: &mut S,
) -> Result<usize> {
    parser.reset();
    let read = parser.run(input.chunk(), pos, sink);
    read.or_else(|error| rest_of_document(parser, input, error, sink, |_| {}))
}

/// Reads the rest of a document whose beginning ended in this error, if that was for want of more
/// of it; returns the index behind it.
#[inline(never)]
pub(crate) fn rest_of_document<I: Input, S: Sink + ?Sized>(
    parser: &mut Parser,
    input: &mut I,
    mut error: Error,
    sink: &mut S,
    mut on_advance: impl FnMut(&[u8]),
) -> Result<usize> {
    while parser.starved() {
        on_advance(&input.chunk().data[..parser.unit()]);
        if let Err(error) = input.advance(parser.unit()) {
            parser.failed(input.chunk().data.len());
            return Err(error);
        }
        match parser.run(input.chunk(), 0, sink) {
            Ok(end) => return Ok(end),
            Err(another) => error = another,
        }
    }
    Err(input.locate(error))
}

/// The index of the first byte from `pos` on that is not whitespace, in the piece then at hand, or
/// the end of the text.
pub(crate) fn skip_whitespace<I: Input>(input: &mut I, mut pos: usize) -> Result<usize> {
    loop {
        let Chunk { data, last, .. } = input.chunk();
        let white = data[pos..].iter().take_while(|&&b| crate::scan::is_whitespace(b)).count();
        pos += white;
        if pos < data.len() || last {
            return Ok(pos);
        }
        input.advance(pos)?;
        pos = 0;
    }
}

/// The index of the first byte from `pos` on that is neither whitespace nor a record separator nor a
/// byte order mark, in the piece then at hand, or the end of the text.
pub(crate) fn skip_separators<I: Input>(
    input: &mut I,
    pos: usize,
    options: &ReadOptions,
) -> Result<usize> {
    let mut pos = skip_whitespace(input, pos)?;
    while let Some(&byte) = input.chunk().data.get(pos)
        && crate::parser::begins_separator(byte)
    {
        let Chunk { data, last, .. } = input.chunk();
        if byte != BYTE_ORDER_MARK[0] {
            pos += 1;
        } else if options.byte_order_mark && data[pos..].starts_with(BYTE_ORDER_MARK) {
            pos += BYTE_ORDER_MARK.len();
        } else if BYTE_ORDER_MARK.starts_with(&data[pos..]) && !last {
            input.advance(pos)?;
            pos = 0;
        } else {
            break;
        }
        pos = skip_whitespace(input, pos)?;
    }
    Ok(pos)
}

/// The index behind the byte order mark, if the text has one.
#[inline]
pub(crate) fn skip_byte_order_mark(chunk: Chunk<'_>, options: &ReadOptions) -> Result<usize> {
    let len = match chunk.source {
        Source::Units(units) => usize::from(units.begin_with_byte_order_mark()),
        _ if chunk.data.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
        _ => 0,
    };
    if len == 0 || options.byte_order_mark {
        return Ok(len);
    }
    Err(SyntaxError::ByteOrderMark.error(&chunk.shown(0), false).at_offset(0))
}

/// The error for something behind a document.
#[cold]
pub(crate) fn extra_data(chunk: Chunk<'_>, pos: usize) -> Error {
    SyntaxError::ExtraData.error(&chunk.shown(pos), false).at_offset(chunk.base + pos as u64)
}

/// A whole text in memory.
#[derive(Clone, Copy)]
pub(crate) struct Slice<'a> {
    data: &'a [u8],
    source: Source<'a>,
}

impl<'a> Slice<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, source: Source::Unknown }
    }

    pub(crate) fn from_str(text: &'a str) -> Self {
        Self { data: text.as_bytes(), source: Source::Utf8 }
    }

    /// The text of these units, which have this shadow.
    pub(crate) fn of_units(units: Units<'a>, shadow: &'a [u8]) -> Self {
        Self { data: shadow, source: Source::Units(units) }
    }

    /// Lets an error of decoding go before one of parsing, wherever it is in the text.
    #[cold]
    pub(crate) fn first_error(&self, error: Error, options: &ReadOptions) -> Error {
        match first_invalid(self.data, options.surrogates) {
            Some(at) if matches!(self.source, Source::Unknown) => {
                SyntaxError::NotUtf8.error(&self.data[at..], false).at_offset(at as u64)
            }
            _ => error,
        }
    }
}

impl Input for Slice<'_> {
    #[inline]
    fn chunk(&self) -> Chunk<'_> {
        Chunk { data: self.data, base: 0, last: true, source: self.source }
    }

    fn advance(&mut self, _consumed: usize) -> Result<()> {
        unreachable!("a slice is one piece, and its last")
    }

    fn locate(&self, error: Error) -> Error {
        error
    }
}

const CHUNK: usize = 128 << 10;

/// A text that is read piece by piece. The buffer grows only for a token longer than it.
pub(crate) struct Stream<R> {
    reader: R,
    buffer: Vec<u8>,
    /// So much of the buffer was read.
    filled: usize,
    /// Bytes of the text before the buffer, and the line and column its first byte is in.
    start: Pos,
    ended: bool,
    /// The index behind the last newline in the buffer, 0 if there is none.
    lines_end: usize,
    /// Whether the reader failed.
    failed: bool,
}

impl<R: Read> Stream<R> {
    pub(crate) fn new(reader: R) -> Self {
        let start = Pos { offset: 0, line: 1, column: 1 };
        Self {
            reader,
            buffer: Vec::new(),
            filled: 0,
            start,
            ended: false,
            lines_end: 0,
            failed: false,
        }
    }

    /// Reads enough to see whether there is a byte order mark.
    pub(crate) fn begin(&mut self) -> Result<()> {
        while self.filled < BYTE_ORDER_MARK.len() && !self.ended {
            self.read_more()?;
        }
        Ok(())
    }

    /// Goes behind the line that `pos` is in; returns the index there.
    pub(crate) fn skip_line(&mut self, mut pos: usize) -> Result<usize> {
        loop {
            if let Some(index) = memchr::memchr(b'\n', &self.buffer[pos..self.filled]) {
                return Ok(pos + index + 1);
            }
            self.forget(self.filled);
            pos = 0;
            if self.ended {
                return Ok(0);
            }
            self.read_more()?;
        }
    }

    /// Where the byte at `pos` is in the text.
    pub(crate) fn place_of(&self, pos: usize) -> Pos {
        self.locate_index(pos)
    }

    /// Puts text that was passed before the piece at hand again; it begins at `start`.
    pub(crate) fn put_back(&mut self, text: &[u8], start: Pos) -> Result<()> {
        cannery_core::reserve(&mut self.buffer, text.len())?;
        self.buffer.splice(0..0, text.iter().copied());
        self.filled += text.len();
        self.lines_end = memchr::memrchr(b'\n', &self.buffer[..self.filled]).map_or(0, |at| at + 1);
        self.start = start;
        Ok(())
    }

    /// The index behind the last line that ends in the piece at hand, 0 if none does.
    pub(crate) fn lines_end(&self) -> usize {
        self.lines_end
    }

    /// Whether the reader failed, so that nothing more comes.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Whether a line begins at `pos`.
    pub(crate) fn begins_line(&self, pos: usize) -> bool {
        match pos.checked_sub(1) {
            Some(before) => self.buffer[before] == b'\n',
            None => self.start.column == 1,
        }
    }

    /// Reads once, or learns that there is no more.
    fn read_more(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            let longer = (self.buffer.len() * 2).max(CHUNK);
            cannery_core::reserve(&mut self.buffer, longer - self.filled)?;
            self.buffer.resize(longer, 0);
        }
        let count = loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(Error::io(error, "cannot read"));
                }
                Ok(count) => break count,
            }
        };
        self.ended = count == 0;
        let read = &self.buffer[self.filled..self.filled + count];
        if let Some(index) = memchr::memrchr(b'\n', read) {
            self.lines_end = self.filled + index + 1;
        }
        self.filled += count;
        Ok(())
    }

    /// Forgets the first bytes of the buffer.
    fn forget(&mut self, count: usize) {
        self.start = self.locate_index(count);
        self.buffer.copy_within(count..self.filled, 0);
        self.filled -= count;
        self.lines_end = self.lines_end.saturating_sub(count);
    }
}

impl<R: Read> Input for Stream<R> {
    fn chunk(&self) -> Chunk<'_> {
        Chunk {
            data: &self.buffer[..self.filled],
            base: self.start.offset,
            last: self.ended,
            source: Source::Unknown,
        }
    }

    fn advance(&mut self, consumed: usize) -> Result<()> {
        self.forget(consumed);
        self.read_more()
    }

    fn locate(&self, error: Error) -> Error {
        error.map_pos(|pos| match pos.offset.checked_sub(self.start.offset) {
            Some(index) if pos.line == 0 => {
                self.locate_index(usize::try_from(index).unwrap_or(usize::MAX))
            }
            _ => pos,
        })
    }
}

impl<R> Stream<R> {
    /// Where the text's byte is that lies in the buffer at `index`.
    fn locate_index(&self, index: usize) -> Pos {
        let before = &self.buffer[..index.min(self.filled)];
        // The line is all that is looked at for its column: this is done for each piece.
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let local = Pos::locate(&before[line_start..], before.len() as u64);
        Pos {
            offset: self.start.offset + before.len() as u64,
            line: self.start.line + count_newlines(&before[..line_start]),
            column: local.column + if line_start == 0 { self.start.column - 1 } else { 0 },
        }
    }
}
