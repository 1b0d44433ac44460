//! JSON: one document.

use cannery_core::{Result, Sink};
use cannery_json::{Chunks, NonFinite, Writer as JsonWriter, from_reader};

use crate::format::{Format, Holds, Likelihood, ReadOptions, WriteOptions, Writer};
use crate::{Input, Output};

pub(crate) struct Json;

impl Format for Json {
    fn id(&self) -> &'static str {
        "json"
    }

    fn title(&self) -> &'static str {
        "JSON"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["json", "geojson", "ipynb"]
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        match start.first() {
            Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => Likelihood::Maybe,
            _ => Likelihood::No,
        }
    }

    fn holds(&self) -> Holds {
        Holds::default()
    }

    fn read(&self, input: Input, options: &ReadOptions, sink: &mut dyn Sink) -> Result<()> {
        from_reader(input.into_reader(), &read_options(options), sink)
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let options = write_options(options).trailing_newline(true);
        Ok(Box::new(JsonOutput(JsonWriter::new(Chunks::new(output), options))))
    }
}

pub(super) fn read_options(options: &ReadOptions) -> cannery_json::ReadOptions {
    cannery_json::ReadOptions::default().limits(options.limits).nan(options.nan)
}

pub(super) fn write_options(options: &WriteOptions) -> cannery_json::WriteOptions {
    let non_finite = if options.nan { NonFinite::Write } else { NonFinite::Refuse };
    let json = cannery_json::WriteOptions::default().non_finite(non_finite);
    match options.indent {
        None => json,
        Some(blanks) => json.indent(" ".repeat(blanks)).key_separator(": "),
    }
}

struct JsonOutput<'w>(JsonWriter<Chunks<Output<'w>>>);

impl Writer for JsonOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.into_output().finish()?.finish()
    }
}
