//! CSV: rows under a header.

use std::io::BufRead;

use cannery_core::tagged::TagSupport;
use cannery_core::{Container, Error, NullSink, Result, Sink};
use cannery_format::{
    Capabilities, Documents, Format, Likelihood, ReadOptions, Reader, Rows, WriteOptions, Writer,
};
use cannery_places::{Input, Output};

use crate::{Dialect, Options, Reader as CsvReader, Writer as CsvWriter};

/// The format CSV, and TSV.
#[derive(Clone, Copy, Debug)]
pub struct Csv;

impl Format for Csv {
    fn id(&self) -> &'static str {
        "csv"
    }

    fn title(&self) -> &'static str {
        "CSV"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv"]
    }

    fn holds(&self) -> &'static str {
        "rows under a header; the types of columns are inferred"
    }

    /// Any text may be a table of one column: only a name says that it is one.
    fn sniff(&self, _start: &[u8]) -> Likelihood {
        Likelihood::No
    }

    fn capabilities(&self) -> Capabilities {
        let support = TagSupport::default().non_finite(true);
        Capabilities { rows: Rows::Always, support, ..Capabilities::default() }
    }

    fn open(&self, input: Input, _options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let tabs = (input.extension() == Some("tsv")).then_some(b'\t');
        let options = Options::default().delimiter(tabs);
        Ok(Box::new(CsvRows(CsvReader::new(input.into_reader(), &options)?)))
    }

    /// After a row that is wrong it goes on with the next.
    fn validate(&self, bytes: &[u8], _options: &ReadOptions) -> Vec<Error> {
        let mut errors = Vec::new();
        let mut reader = match CsvReader::new(bytes, &Options::default()) {
            Ok(reader) => reader,
            Err(error) => return vec![error],
        };
        loop {
            match reader.read(&mut NullSink) {
                Ok(true) => {}
                Ok(false) => return errors,
                Err(error) => errors.push(error),
            }
        }
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let is_tabs = output.name().split('.').any(|part| part == "tsv");
        let dialect = if is_tabs { Dialect { delimiter: b'\t' } } else { Dialect::default() };
        Ok(Box::new(CsvOutput(CsvWriter::new(output, dialect))))
    }
}

struct CsvRows(CsvReader<Box<dyn BufRead + Send>>);

impl Reader for CsvRows {
    fn documents(&self) -> Documents {
        Documents::Several
    }

    fn read(mut self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        sink.begin(Container::List, None)?;
        while self.0.read(sink)? {}
        sink.end(Container::List)
    }
}

struct CsvOutput<'w>(CsvWriter<Output<'w>>);

impl Writer for CsvOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()?.finish()
    }
}
