//! JSON: one document.

use cannery_core::{Error, Result, Sink};
use cannery_format::{
    Capabilities, Duplicates, Format, LayoutOptions, Likelihood, ReadOptions, Reader, WriteOptions,
    Writer, once,
};
use cannery_places::{Input, Output};

use crate::{Chunks, NonFinite, Writer as JsonWriter, from_reader, from_slice};

/// The format JSON: one document.
#[derive(Clone, Copy, Debug)]
pub struct Json;

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

    fn holds(&self) -> &'static str {
        "one document"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let is_it = match start.first() {
            Some(b'{' | b'[') => true,
            Some(b'"') => !is_key(start),
            Some(b'-' | b'0'..=b'9') => {
                let number = first_word(start);
                let is_digits = number.iter().all(|byte| b"+-.eE0123456789".contains(byte));
                is_digits && number != b"-" || number == b"-Infinity"
            }
            _ => matches!(first_word(start), b"true" | b"false" | b"null" | b"NaN" | b"Infinity"),
        };
        if is_it { Likelihood::Maybe } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { documents: true, surrogates: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let options = read_options(options);
        Ok(once(move |sink| from_reader(input.into_reader(), &options, sink)))
    }

    fn validate(&self, bytes: &[u8], options: &ReadOptions) -> Vec<Error> {
        let mut duplicates = Duplicates::default();
        let read = from_slice(bytes, &read_options(options), &mut duplicates);
        duplicates.finish(bytes, 0, read.err())
    }

    fn is_laid_out(&self) -> bool {
        true
    }

    fn layout(&self, text: &[u8], options: &LayoutOptions) -> Result<String> {
        crate::format(text, &layout_options(options)).map_err(|e| e.locate(text))
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

fn first_word(text: &[u8]) -> &[u8] {
    text.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

/// Whether a colon follows the string that the text begins with: then it is YAML.
fn is_key(start: &[u8]) -> bool {
    let mut rest = start[1..].iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'\\' => drop(rest.next()),
            b'"' => break,
            _ => {}
        }
    }
    rest.as_slice().trim_ascii_start().starts_with(b":")
}

pub(super) fn read_options(options: &ReadOptions) -> crate::ReadOptions {
    crate::ReadOptions::default().limits(options.limits).nan(options.nan)
}

pub(super) fn layout_options(options: &LayoutOptions) -> crate::FormatOptions {
    crate::FormatOptions::default()
        .indent(options.indent.unwrap_or(2))
        .width(options.width)
        .sort_keys(options.sort_keys)
}

pub(super) fn write_options(options: &WriteOptions) -> crate::WriteOptions {
    let non_finite = if options.nan { NonFinite::Write } else { NonFinite::Refuse };
    let json = crate::WriteOptions::default().non_finite(non_finite);
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
