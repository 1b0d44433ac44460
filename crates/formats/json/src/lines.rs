//! JSONL: documents one after another, usually one to a line.

mod ends;
mod whole;

use std::io::{Read, Write};

use cannery_core::{Error, ErrorKind, Pos, Result, Sink, Source, Value, ValueBuilder};

use crate::input::{Input, Stream, rest_of_document, skip_byte_order_mark, skip_separators};
use crate::parser::Parser;
use crate::scan::count_newlines;
use crate::{ReadOptions, WriteOptions};

pub use ends::Ends;
pub use whole::WholeLines;

/// Reads documents one after another, each into a sink.
///
/// The documents may stand on a line each (JSONL), one behind the other, or on many lines each;
/// blank lines, `\r\n`, byte order marks and record separators (RFC 7464) are skipped between them. No
/// more is in memory than a piece of the text, and errors name line and column in the whole of it.
///
/// After an error the next call goes on at the next line. If the bad document had got beyond the
/// line that it began on, that is the first line below the one it began on that begins like a
/// document and without indentation: a row that was not closed takes no other with it. Of a
/// document of more than a mebibyte, it is the first such line from the error on.
///
/// ```
/// use cannery_json::{ReadOptions, lines};
///
/// let text = b"{\"id\": 1}\n{\"id\": oops}\n{\"id\": 3}\n";
/// let mut reader = lines::Reader::new(&text[..], ReadOptions::default());
/// let found: Vec<_> = reader.values().collect();
/// assert!(found[0].is_ok() && found[2].is_ok());
/// let error = found[1].as_ref().unwrap_err();
/// assert_eq!(error.to_string(), "expected a value, found `o` at line 2 column 8");
/// ```
pub struct Reader<R> {
    input: Stream<R>,
    options: ReadOptions,
    parser: Parser,
    pos: usize,
    stage: Stage,
    /// Bytes that were read again because of bad documents.
    read_again: u64,
}

/// The beginning of a document that is no longer in the piece at hand.
struct Passed {
    /// Where the document begins in the piece at hand, or its rest.
    start: usize,
    newlines: u64,
    /// The text, unless it is lost, which began at this place.
    text: Vec<u8>,
    place: Option<Pos>,
    is_lost: bool,
}

/// Bytes of a document that are kept in case it is bad.
const MOST_KEPT: usize = 1 << 20;

impl Passed {
    fn new(start: usize) -> Self {
        Self { start, newlines: 0, text: Vec::new(), place: None, is_lost: false }
    }

    fn add(&mut self, piece: &[u8]) {
        let text = &piece[self.start.min(piece.len())..];
        self.start = 0;
        self.newlines += count_newlines(text);
        self.is_lost |= self.text.len() + text.len() > MOST_KEPT;
        if self.is_lost {
            self.text = Vec::new();
        } else {
            self.text.extend_from_slice(text);
        }
    }
}

/// What the next call begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// A byte order mark, if there is one.
    Start,
    /// The next document.
    Document,
    /// Looking for the next line: the error was on the document's first.
    NextLine,
    /// Looking for a line that begins like a document, this one included.
    Resume,
    /// The same, below this line.
    ResumeBelow,
    /// Nothing: the text cannot be read on.
    Over,
}

impl<R: Read> Reader<R> {
    /// Reads from `reader`, which may be a slice of bytes. It needs no buffer of its own.
    pub fn new(reader: R, options: ReadOptions) -> Self {
        let (input, parser) = (Stream::new(reader), Parser::new(&options));
        Self { input, options, parser, pos: 0, stage: Stage::Start, read_again: 0 }
    }

    /// Sends the next document to `sink`; returns whether there was one.
    ///
    /// # Errors
    /// As [`from_slice`](crate::from_slice), and those of the reader. The sink holds part of a
    /// document then; the text can be read on unless the reader failed.
    pub fn read<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        let (count, outcome) = self.read_ahead(sink, 1);
        outcome.map(|()| count == 1)
    }

    /// Sends the next document to `sink`, and those behind it that are at hand, up to `most`;
    /// returns how many there were, and what was wrong with the one behind them.
    ///
    /// At hand is what the last piece that was read has whole lines of: no caller waits for more than
    /// one document, unless another one has more than one line.
    pub fn read_ahead<S: Sink + ?Sized>(
        &mut self,
        sink: &mut S,
        most: usize,
    ) -> (usize, Result<()>) {
        match self.find_document() {
            Ok(true) => {}
            Ok(false) => return (0, Ok(())),
            Err(error) => {
                self.stage = Stage::Over;
                return (0, Err(error));
            }
        }
        let end = self.input.lines_end();
        let many = self.parser.run_many(self.input.chunk(), self.pos, end, most, sink);
        self.pos = many.pos;
        match many.failure.map(|error| self.read_rest(error, sink)) {
            None => (many.count, Ok(())),
            Some(Ok(())) => (many.count + 1, Ok(())),
            Some(Err(error)) => (many.count, Err(error)),
        }
    }

    /// Reads the rest of the document that begins at `pos`, if the error is that there was no more.
    fn read_rest<S: Sink + ?Sized>(&mut self, error: Error, sink: &mut S) -> Result<()> {
        let mut passed = Passed::new(self.pos);
        if self.parser.starved() {
            passed.place = Some(self.input.place_of(self.pos));
        }
        let on_advance = |text: &[u8]| passed.add(text);
        let rest = rest_of_document(&mut self.parser, &mut self.input, error, sink, on_advance);
        self.pos = rest.map_err(|error| self.failed(error, &passed))?;
        Ok(())
    }

    /// Whether the text cannot be read on, because the reader failed.
    pub fn has_failed(&self) -> bool {
        self.stage == Stage::Over
    }

    /// The documents that are left, each as a [`Value`].
    pub fn values(&mut self) -> Values<'_, R> {
        Values { reader: self }
    }

    /// Goes to the next document; returns whether there is one.
    fn find_document(&mut self) -> Result<bool> {
        match self.stage {
            Stage::Over => return Ok(false),
            Stage::Start => {
                self.input.begin()?;
                self.pos = skip_byte_order_mark(self.input.chunk(), &self.options)?;
            }
            Stage::Document => {}
            Stage::NextLine => self.pos = self.input.skip_line(self.pos)?,
            Stage::Resume => self.resume()?,
            Stage::ResumeBelow => {
                self.pos = self.input.skip_line(self.pos)?;
                self.resume()?;
            }
        }
        self.stage = Stage::Document;
        self.pos = skip_separators(&mut self.input, self.pos, &self.options)?;
        Ok(self.pos < self.input.chunk().data.len())
    }

    fn resume(&mut self) -> Result<()> {
        loop {
            let chunk = self.input.chunk();
            match chunk.data.get(self.pos) {
                Some(&byte) if begins_value(byte) && self.input.begins_line(self.pos) => break,
                Some(_) => self.pos = self.input.skip_line(self.pos)?,
                None if chunk.last => break,
                None => {
                    self.input.advance(self.pos)?;
                    self.pos = 0;
                }
            }
        }
        Ok(())
    }

    /// An error in a document of which `passed` is no longer at hand.
    #[cold]
    fn failed(&mut self, error: Error, passed: &Passed) -> Error {
        let data = self.input.chunk().data;
        let failed_at = self.parser.failed_at().min(data.len());
        let newlines =
            passed.newlines + count_newlines(&data[passed.start.min(failed_at)..failed_at]);
        if newlines == 0 {
            self.pos = failed_at;
            self.stage = self.after(&error, Stage::NextLine);
            return error;
        }
        let is_syntax = matches!(error.kind(), ErrorKind::Syntax | ErrorKind::Truncated);
        self.stage = self.after(&error, if is_syntax { Stage::ResumeBelow } else { Stage::Resume });
        self.pos = failed_at;
        if self.stage == Stage::ResumeBelow && !self.go_back(passed) {
            self.stage = Stage::Resume;
        }
        match error.pos() {
            Some(pos) if error.hint().is_none() => {
                let line = pos.line.saturating_sub(newlines);
                error.with_hint(format!("the document began on line {line}"))
            }
            _ => error,
        }
    }

    /// Goes back to where the document began, if that is still known.
    fn go_back(&mut self, passed: &Passed) -> bool {
        // What is read again stays in proportion to the text, whatever the text is.
        let place = self.input.place_of(self.pos);
        self.read_again += (passed.text.len() + self.pos - passed.start.min(self.pos)) as u64;
        if self.read_again > 4 * place.offset + MOST_KEPT as u64 {
            return false;
        }
        if passed.text.is_empty() && !passed.is_lost {
            self.pos = passed.start;
            return true;
        }
        let Some(place) = passed.place.filter(|_| !passed.is_lost) else { return false };
        let is_back = self.input.put_back(&passed.text, place).is_ok();
        if is_back {
            self.pos = 0;
        }
        is_back
    }

    /// Where to go on after `error`, if at all.
    fn after(&self, error: &Error, next: Stage) -> Stage {
        match error.kind() {
            _ if self.input.has_failed() => Stage::Over,
            ErrorKind::Interrupted | ErrorKind::Host => Stage::Over,
            _ => next,
        }
    }
}

fn begins_value(byte: u8) -> bool {
    matches!(byte, 0x1e | 0xef | b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
}

/// The documents of a [`Reader`], each as a [`Value`].
pub struct Values<'a, R> {
    reader: &'a mut Reader<R>,
}

impl<R: Read> Iterator for Values<'_, R> {
    type Item = Result<Value>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut builder = ValueBuilder::new(self.reader.options.limits);
        match self.reader.read(&mut builder) {
            Ok(true) => Some(builder.finish()),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }
}

/// Writes documents one to a line.
///
/// Each call of the `io::Write` gets whole lines, so that processes may append to one file at a
/// time; a document that fails leaves no trace.
///
/// ```
/// use cannery_core::Value;
/// use cannery_json::{WriteOptions, lines};
///
/// let mut writer = lines::Writer::new(Vec::new(), WriteOptions::default());
/// writer.write(&Value::from_iter([1, 2]))?;
/// writer.write(&Value::Null)?;
/// assert_eq!(writer.finish()?, b"[1,2]\nnull\n");
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct Writer<W> {
    json: crate::Writer<WholeLines<W>>,
}

impl<W: Write> Writer<W> {
    /// A writer to `out`. Indentation is not for lines: it is left out of the options.
    pub fn new(out: W, mut options: WriteOptions) -> Self {
        options.indent = None;
        options.trailing_newline = true;
        Self { json: crate::Writer::new(WholeLines::new(out), options) }
    }

    /// Writes one document.
    ///
    /// # Errors
    /// As [`to_vec`](crate::to_vec), and those of the `io::Write`.
    pub fn write<S: Source + ?Sized>(&mut self, document: &S) -> Result<()> {
        let written = document.emit(&mut self.json);
        if written.is_err() {
            self.discard();
        }
        written
    }

    /// Takes over whole lines that were written elsewhere, each with a newline at its end.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn write_lines(&mut self, lines: &[u8]) -> Result<()> {
        self.json.output().write_lines(lines)
    }

    /// The sink that the events of a document may be sent to, one document after another.
    pub fn sink(&mut self) -> &mut (impl Sink + use<W>) {
        &mut self.json
    }

    /// Drops what was written of a document that has not ended.
    pub fn discard(&mut self) {
        self.json.forget_document();
        self.json.output().discard();
    }

    /// Writes the lines that are still in memory.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn flush(&mut self) -> Result<()> {
        self.json.output().flush()
    }

    /// Writes the lines that are still in memory and returns what they were written to.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn finish(self) -> Result<W> {
        self.json.into_output().finish()
    }
}
