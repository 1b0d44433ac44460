//! MessagePack: a document, or several one after the other.

use std::io::{BufRead, Read, Write};

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, Limits, Pos, Result, Sink};
use cannery_format::{
    AsOneValue, Capabilities, DocumentOutput, DocumentReader, DocumentWriter, Documents, Format,
    Likelihood, ReadOptions, Reader, Rows, SchemaSummary, WriteOptions, Writer,
};
use cannery_places::{Input, Output};

use crate::{Scanner, Writer as MsgpackWriter};

/// The format MessagePack.
#[derive(Clone, Copy, Debug)]
pub struct Msgpack;

impl Format for Msgpack {
    fn id(&self) -> &'static str {
        "msgpack"
    }

    fn title(&self) -> &'static str {
        "MessagePack"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["msgpack", "mpk"]
    }

    fn holds(&self) -> &'static str {
        "a document, or several in a row"
    }

    /// Likely of a map or a list that can be read as far as its bytes are at hand.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        let is_container = matches!(start, [0x80..=0x9f | 0xdc..=0xdf, ..]);
        // What begins with an empty map and a small number is rather a pickle.
        let is_pickle = matches!(start, [0x80, 2..=5, ..]);
        if !is_container || is_pickle {
            return Likelihood::No;
        }
        if is_sequence(start) { Likelihood::Maybe } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        let support = TagSupport::default()
            .bytes(true)
            .non_finite(true)
            .big_ints(false)
            .surrogate_pairs(true);
        Capabilities {
            documents: true,
            rows: Rows::Possibly,
            any_keys: true,
            support,
            ..Capabilities::default()
        }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let mut stream = Stream {
            source: input.into_reader(),
            limits: options.limits,
            window: Vec::new(),
            start: 0,
            scanner: Scanner::new(),
            length: None,
            offset: 0,
            ended: false,
        };
        // Whether something follows the first document decides what it is.
        let documents = match stream.find()? {
            None => Documents::None,
            Some(length) if stream.is_over(length)? && !options.rows => Documents::One,
            Some(_) => Documents::Several,
        };
        Ok(Box::new(AsOneValue(MsgpackReader { stream, documents })))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let options = crate::WriteOptions::default().surrogates(options.surrogates);
        let writer = MsgpackWriter::to(Vec::new(), options);
        Ok(Box::new(DocumentOutput::new(MsgpackDocuments { writer, output })))
    }
}

/// Whether bytes are documents one after the other, the last of them perhaps cut off.
fn is_sequence(mut bytes: &[u8]) -> bool {
    let options = crate::ReadOptions::default();
    while !bytes.is_empty() {
        let end = match Scanner::new().scan(bytes, &options) {
            Ok(end) => end.unwrap_or(bytes.len()),
            Err(_) => return false,
        };
        match crate::from_slice(&bytes[..end], &options, &mut SchemaSummary::default()) {
            Ok(()) => bytes = &bytes[end..],
            Err(error) => return error.kind() == ErrorKind::Truncated,
        }
    }
    true
}

struct MsgpackReader {
    stream: Stream,
    documents: Documents,
}

impl DocumentReader for MsgpackReader {
    fn documents(&self) -> Documents {
        self.documents
    }

    fn send(mut self, sink: &mut dyn Sink) -> Result<()> {
        while let Some(end) = self.stream.find()? {
            self.stream.read(end, sink)?;
        }
        Ok(())
    }
}

/// Documents that are read one after the other, in memory for the longest of them.
struct Stream {
    source: Box<dyn BufRead + Send>,
    limits: Limits,
    window: Vec<u8>,
    /// Where in the window the next document begins.
    start: usize,
    scanner: Scanner,
    /// The length of the next document, if its end was found.
    length: Option<usize>,
    /// Bytes before the window.
    offset: u64,
    ended: bool,
}

impl Stream {
    /// Bytes that are read at once.
    const PIECE: usize = 64 << 10;

    /// Where in the window the next document ends, if there is one.
    ///
    /// Of one that is cut off, or is no MessagePack, it is the end of what is there: the reader will
    /// say what is wrong.
    fn find(&mut self) -> Result<Option<usize>> {
        let options = self.options();
        while self.length.is_none() {
            let rest = &self.window[self.start..];
            self.length = match self.scanner.scan(rest, &options) {
                Ok(None) if self.ended && rest.is_empty() => return Ok(None),
                Ok(None) if self.ended => Some(rest.len()),
                Ok(length) => length,
                Err(_) => Some(rest.len()),
            };
            if self.length.is_none() {
                self.fill()?;
            }
        }
        Ok(self.length.map(|length| self.start + length))
    }

    fn options(&self) -> crate::ReadOptions {
        crate::ReadOptions::default().limits(self.limits).surrogates(true)
    }

    fn read(&mut self, end: usize, sink: &mut dyn Sink) -> Result<()> {
        let options = self.options();
        let document = &self.window[self.start..end];
        let offset = self.offset + self.start as u64;
        let read = crate::from_slice(document, &options, sink);
        read.map_err(|e| e.map_pos(|pos| Pos { offset: pos.offset + offset, ..pos }))?;
        self.start = end;
        (self.scanner, self.length) = (Scanner::new(), None);
        Ok(())
    }

    /// Whether the file ends behind a document of this length.
    fn is_over(&mut self, length: usize) -> Result<bool> {
        while self.window.len() - self.start == length && !self.ended {
            self.fill()?;
        }
        Ok(self.window.len() - self.start == length)
    }

    /// Forgets what was read, and reads on.
    fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.window.drain(..self.start);
            self.offset += std::mem::take(&mut self.start) as u64;
        }
        let length = self.window.len();
        self.window.resize(length + Self::PIECE, 0);
        let read = loop {
            match self.source.read(&mut self.window[length..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let count = *read.as_ref().unwrap_or(&0);
        self.window.truncate(length + count);
        self.ended = count == 0;
        read.map(drop).map_err(|e| Error::io(e, "cannot read the file"))
    }
}

struct MsgpackDocuments<'w> {
    writer: MsgpackWriter<'static>,
    output: Output<'w>,
}

impl DocumentWriter for MsgpackDocuments<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.writer
    }

    fn asked(&self) -> &dyn Sink {
        &self.writer
    }

    fn end(&mut self) -> Result<()> {
        let written = self.output.write_all(self.writer.bytes_mut());
        self.writer.bytes_mut().clear();
        written.map_err(|e| Error::io(e, "cannot write the file"))
    }

    fn finish(self) -> Result<()> {
        self.output.finish()
    }
}
