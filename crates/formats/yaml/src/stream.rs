//! A stream that is read piece by piece, in memory for its longest document.
//!
//! Where a document ends is a matter of lines: `---` or `...` at the beginning of one, with a blank
//! or nothing behind it, ends every scalar and every collection (production `c-forbidden`). So the
//! window needs to reach to the next such line, and no further.

use std::io::Read;

use cannery_core::{Error, ErrorKind, Pos, Result, Sink};

use crate::chars::{is_blank, is_break, is_separator};
use crate::{Documents, ReadOptions};

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Reads the documents of a stream one after the other, in UTF-8.
///
/// ```
/// use cannery_core::{Limits, ValueBuilder};
///
/// let stream = "a: 1\n---\n[b]\n".as_bytes();
/// let mut reader = cannery_yaml::Reader::new(stream, &Default::default());
/// let mut builder = ValueBuilder::new(Limits::default());
/// assert!(reader.read_next(&mut builder)?);
/// assert_eq!(builder.finish()?["a"], cannery_core::Value::Int(1));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct Reader<R> {
    source: R,
    options: ReadOptions,
    window: Vec<u8>,
    /// Where in the window the next document begins.
    start: usize,
    search: Search,
    ended: bool,
    /// Where in the stream the next document begins.
    pos: Pos,
}

/// The text of one document with what belongs to it: comments, directives, markers.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The text.
    pub text: &'a str,
    /// Where in the stream it begins: at the beginning of a line.
    pub pos: Pos,
}

impl<R: Read> Reader<R> {
    /// A reader of `source`.
    pub fn new(source: R, options: &ReadOptions) -> Self {
        let pos = Pos { offset: 0, line: 1, column: 1 };
        let (window, search) = (Vec::new(), Search::default());
        Self { source, options: *options, window, start: 0, search, ended: false, pos }
    }

    /// The text of the next document; `None` at the end of the stream.
    ///
    /// It may hold nothing but comments, at the end of the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Encoding`] where the text is not UTF-8; and the source's own.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk<'_>>> {
        let length = loop {
            let rest = &self.window[self.start..];
            match self.search.advance(rest, self.ended) {
                Some(length) => break length,
                None if self.ended => break rest.len(),
                None => self.fill()?,
            }
        };
        if length == 0 {
            return Ok(None);
        }
        let (from, pos) = (self.start, self.pos);
        self.start += length;
        self.search = Search::default();
        let bytes = &self.window[from..self.start];
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, pos, error))?;
        self.pos = Pos {
            offset: pos.offset + length as u64,
            line: pos.line + memchr::memchr_iter(b'\n', bytes).count() as u64,
            column: 1,
        };
        Ok(Some(Chunk { text, pos }))
    }

    /// Reads the next document into `sink`; `false` at the end of the stream.
    ///
    /// # Errors
    /// As [`Documents::read_next`] and [`next_chunk`](Self::next_chunk), with line and column.
    pub fn read_next<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        let options = self.options;
        while let Some(chunk) = self.next_chunk()? {
            let read = chunk.documents(&options).read_next(sink);
            if read.map_err(|error| chunk.locate(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads more, and forgets the documents that were handed out.
    fn fill(&mut self) -> Result<()> {
        self.window.drain(..std::mem::take(&mut self.start));
        let length = self.window.len();
        // At least as much as there is: then a long document costs linear time.
        let piece = PIECE.max(length);
        cannery_core::reserve(&mut self.window, piece)?;
        self.window.resize(length + piece, 0);
        let read = loop {
            match self.source.read(&mut self.window[length..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let count = *read.as_ref().unwrap_or(&0);
        self.window.truncate(length + count);
        self.ended = count == 0;
        read.map(drop).map_err(|error| Error::io(error, "cannot read the stream"))
    }
}

impl<'a> Chunk<'a> {
    /// What is in it: a document, or nothing.
    #[must_use]
    pub fn documents(&self, options: &ReadOptions) -> Documents<'a> {
        Documents::after_lines(self.text, options, self.pos.line - 1)
    }

    /// Moves the position of an error in this text to where it is in the stream.
    #[cold]
    #[must_use]
    pub fn locate(&self, error: Error) -> Error {
        error.locate(self.text.as_bytes()).map_pos(|pos| Pos {
            offset: pos.offset + self.pos.offset,
            line: pos.line + self.pos.line - 1,
            column: pos.column,
        })
    }
}

#[cold]
fn not_utf8(bytes: &[u8], start: Pos, error: std::str::Utf8Error) -> Error {
    let at = Pos::locate(bytes, error.valid_up_to() as u64);
    let pos = Pos { offset: at.offset + start.offset, line: at.line + start.line - 1, ..at };
    Error::new(ErrorKind::Encoding, "expected UTF-8, found bytes that are not").at(pos)
}

/// The search for the end of a document, which goes on where it stopped when there is more.
#[derive(Clone, Copy, Default)]
struct Search {
    /// The beginning of the first line that was not looked at.
    line: usize,
    /// Whether something of the document itself was seen: `---` or content.
    begun: bool,
}

impl Search {
    /// Where the document that `text` begins with ends, if that can be told.
    fn advance(&mut self, text: &[u8], is_all: bool) -> Option<usize> {
        loop {
            let line = &text[self.line..];
            if line.is_empty() {
                return None;
            }
            let end = memchr::memchr2(b'\n', b'\r', line);
            if end.is_none() && !is_all {
                return None;
            }
            let next = end.map_or(text.len(), |end| self.line + end + 1);
            match marker(line) {
                Some(b'-') if self.begun => return Some(self.line),
                Some(b'.') if self.begun => return Some(next),
                Some(b'.') => {}
                Some(_) => self.begun = true,
                None => self.begun |= has_content(line),
            }
            self.line = next;
        }
    }
}

/// The character of the `---` or `...` that a line consists of or begins with.
fn marker(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    match line {
        [first @ (b'-' | b'.'), second, third, rest @ ..]
            if first == second && first == third && is_separator(rest.first().copied()) =>
        {
            Some(*first)
        }
        _ => None,
    }
}

/// Whether a line before any content has some: it is not blank, a comment or a directive.
fn has_content(line: &[u8]) -> bool {
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let first = line.iter().find(|&&byte| !is_blank(byte));
    !line.starts_with(b"%") && first.is_some_and(|&byte| byte != b'#' && !is_break(byte))
}
