//! JSONL: documents one after another, usually one to a line.

mod ends;
mod whole;

use std::io::{Read, Write};

use cannery_core::{Error, ErrorKind, Result, Sink, Source, Value, ValueBuilder};

use crate::input::{Input, Stream, rest_of_document, skip_byte_order_mark, skip_whitespace};
use crate::parser::Parser;
use crate::scan::count_newlines;
use crate::{ReadOptions, WriteOptions};

pub use ends::Ends;
pub use whole::WholeLines;

/// Reads documents one after another, each into a sink.
///
/// The documents may stand on a line each (JSONL), one behind the other, or on many lines each;
/// blank lines, `\r\n` and a byte order mark are skipped. No more is in memory than a piece of the
/// text, and errors name line and column in the whole of it.
///
/// After an error the next call goes on at the next line. If the bad document had got beyond the
/// line that it began on, that is the first line, from the error on, that begins like a document
/// and without indentation.
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
    /// Nothing: the text cannot be read on.
    Over,
}

impl<R: Read> Reader<R> {
    /// Reads from `reader`, which may be a slice of bytes. It needs no buffer of its own.
    pub fn new(reader: R, options: ReadOptions) -> Self {
        let (input, parser) = (Stream::new(reader), Parser::new(&options));
        Self { input, options, parser, pos: 0, stage: Stage::Start }
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
        let (mut start, mut newlines) = (self.pos, 0);
        let on_advance = |passed: &[u8]| {
            newlines += count_newlines(&passed[start.min(passed.len())..]);
            start = 0;
        };
        let rest = rest_of_document(&mut self.parser, &mut self.input, error, sink, on_advance);
        self.pos = rest.map_err(|error| self.failed(error, start, newlines))?;
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
        }
        self.stage = Stage::Document;
        self.pos = skip_whitespace(&mut self.input, self.pos)?;
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

    /// An error in a document that began at `start`, or `newlines` before the piece at hand.
    #[cold]
    fn failed(&mut self, error: Error, start: usize, newlines: u64) -> Error {
        let data = self.input.chunk().data;
        self.pos = self.parser.failed_at().min(data.len());
        let newlines = newlines + count_newlines(&data[start.min(self.pos)..self.pos]);
        if newlines == 0 {
            self.stage = self.after(&error, Stage::NextLine);
            return error;
        }
        self.stage = self.after(&error, Stage::Resume);
        match error.pos() {
            Some(pos) if error.hint().is_none() => {
                let line = pos.line.saturating_sub(newlines);
                error.with_hint(format!("the document began on line {line}"))
            }
            _ => error,
        }
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
    matches!(byte, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z')
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
