//! JSONL: a list of documents, usually one to a line.

use std::io::BufRead;

use cannery_core::{Container, Error, NullSink, Pos, Result, Sink};
use cannery_format::{
    Capabilities, Documents, Duplicates, Format, LayoutOptions, Likelihood, ReadOptions, Reader,
    Rows, WriteOptions, Writer,
};
use cannery_places::{Input, Output};

use super::json::{Json, layout_options, read_options, write_options};
use crate::from_slice_prefix;
use crate::lines::{Reader as LinesReader, Writer as LinesWriter};

/// The format JSON Lines: a list of documents.
#[derive(Clone, Copy, Debug)]
pub struct Jsonl;

impl Format for Jsonl {
    fn id(&self) -> &'static str {
        "jsonl"
    }

    fn title(&self) -> &'static str {
        "JSON Lines"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson", "jsonlines"]
    }

    fn holds(&self) -> &'static str {
        "rows, one to a line"
    }

    /// Certain of two lines that each look like a whole document; any JSON may be a line of it.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        let mut lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        let first = lines.next().unwrap_or_default();
        let second = lines.find(|line| !line.is_empty()).unwrap_or_default();
        let is_whole = matches!(
            (first.first(), first.last()),
            (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
        );
        if is_whole && second.first() == first.first() {
            Likelihood::Yes
        } else {
            Json.sniff(start)
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { rows: Rows::Always, surrogates: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        Ok(Box::new(JsonlReader(LinesReader::new(input.into_reader(), read_options(options)))))
    }

    /// After a bad line it goes on with the next.
    fn validate(&self, bytes: &[u8], options: &ReadOptions) -> Vec<Error> {
        let mut duplicates = Duplicates::default();
        let mut reader = LinesReader::new(bytes, read_options(options));
        let mut errors = Vec::new();
        loop {
            match reader.read(&mut duplicates) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    errors.push(error);
                    duplicates.forget_open();
                }
            }
        }
        duplicates.finish(bytes, 0, errors)
    }

    fn is_laid_out(&self) -> bool {
        true
    }

    fn layout(&self, text: &[u8], options: &LayoutOptions) -> Result<String> {
        let layout = layout_options(options).width(usize::MAX);
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let blank = rest.len() - rest.trim_ascii_start().len();
            let document = &rest[blank..];
            if document.is_empty() {
                return Ok(out);
            }
            let start = at + blank;
            let moved = |error: Error| {
                let moved = |pos: Pos| Pos { offset: pos.offset + start as u64, ..pos };
                error.map_pos(moved).locate(text)
            };
            let read = from_slice_prefix(document, &crate::ReadOptions::default(), &mut NullSink);
            let end = read.map_err(moved)?;
            out += &crate::format(&document[..end], &layout).map_err(moved)?;
            at = start + end;
        }
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let options = write_options(&options.clone().indent(None));
        Ok(Box::new(JsonlOutput(LinesWriter::new(output, options))))
    }
}

struct JsonlReader(LinesReader<Box<dyn BufRead + Send>>);

impl Reader for JsonlReader {
    fn documents(&self) -> Documents {
        Documents::Several
    }

    fn read(mut self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        sink.begin(Container::List, None)?;
        while self.0.read(sink)? {}
        sink.end(Container::List)
    }
}

struct JsonlOutput<'w>(LinesWriter<Output<'w>>);

impl Writer for JsonlOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        self.0.sink()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()?.finish()
    }
}
