//! YAML: a document, or several one after the other.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Write};

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, Pos, Result, Sink, read_to_end};
use cannery_format::{
    AsOneValue, Capabilities, DocumentOutput, DocumentReader, DocumentWriter, Documents,
    Duplicates, Format, LayoutOptions, Likelihood, ReadOptions, Reader, Rows, WriteOptions, Writer,
};
use cannery_places::{Input, Output};

use crate::{Chunk, Reader as Stream, Writer as YamlWriter};

/// The format YAML.
#[derive(Clone, Copy, Debug)]
pub struct Yaml;

impl Format for Yaml {
    fn id(&self) -> &'static str {
        "yaml"
    }

    fn title(&self) -> &'static str {
        "YAML"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml"]
    }

    fn holds(&self) -> &'static str {
        "a document, or several"
    }

    /// Certain of a directive and of `---`; else it takes a key or an item on the first line.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
        let lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
        let mut content = lines.filter(|line| !matches!(line.trim_ascii(), [] | [b'#', ..]));
        match content.next() {
            Some(b"---") => Likelihood::Yes,
            Some(line) if line.starts_with(b"--- ") || line.starts_with(b"%YAML") => {
                Likelihood::Yes
            }
            Some(line) if is_entry(line) => Likelihood::Maybe,
            _ => Likelihood::No,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let support = TagSupport::default().bytes(true).non_finite(true).references(true);
        Capabilities {
            documents: true,
            references: true,
            rows: Rows::Possibly,
            sets: true,
            any_keys: true,
            objects: true,
            surrogates: true,
            unique_keys: true,
            support,
            ..Capabilities::default()
        }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let yaml = crate::ReadOptions::default().limits(options.limits);
        let mut reader = YamlReader {
            stream: Stream::new(in_utf8(input)?, &yaml),
            options: yaml,
            ahead: Vec::new(),
            rows: options.rows,
        };
        // Whether there is a second document decides what the first one is.
        while reader.ahead.len() < 2
            && let Some(chunk) = reader.stream.next_chunk()?
        {
            reader.ahead.push(BufferedChunk::new(chunk));
            reader.drop_comments();
        }
        Ok(Box::new(AsOneValue(reader)))
    }

    /// After a bad document it goes on with the next.
    fn validate(&self, bytes: &[u8], options: &ReadOptions) -> Vec<Error> {
        let mut text = Vec::new();
        let decoded = Input::from_memory(bytes.to_vec()).and_then(in_utf8);
        let read = decoded
            .and_then(|mut decoded| read_to_end(&mut decoded, &mut text).map_err(cannot_read));
        if let Err(error) = read {
            return vec![error];
        }
        let bytes = text.as_slice();
        // A merge is a key like any other here: it may stand in a mapping once.
        let yaml = crate::ReadOptions::default().limits(options.limits).merge_keys(false);
        let mut stream = Stream::new(bytes, &yaml);
        let mut errors = Vec::new();
        loop {
            match stream.next_chunk() {
                Ok(None) => return errors,
                Ok(Some(chunk)) => {
                    let mut duplicates = Duplicates::default();
                    let read = chunk.documents(&yaml).read_next(&mut duplicates);
                    let read = read.map_err(|error| chunk.locate(error));
                    errors.extend(duplicates.finish(bytes, chunk.pos.offset, read.err()));
                }
                Err(error) => {
                    errors.push(error);
                    return errors;
                }
            }
        }
    }

    fn is_laid_out(&self) -> bool {
        true
    }

    fn layout(&self, text: &[u8], options: &LayoutOptions) -> Result<String> {
        if options.sort_keys {
            let message = "keys of YAML stay in their order: comments belong to them";
            return Err(Error::new(ErrorKind::Unsupported, message)
                .with_hint("leave `--sort-keys` to files in JSON"));
        }
        let neat = std::str::from_utf8(text).map_err(|e| {
            Error::new(ErrorKind::Encoding, "expected UTF-8, found bytes that are not")
                .at_offset(e.valid_up_to() as u64)
        });
        let mut layout = crate::FormatOptions::default();
        if let Some(blanks) = options.indent {
            layout = layout.indent(blanks);
        }
        neat.and_then(|text| crate::format(text, &layout)).map_err(|e| e.locate(text))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let mut yaml = crate::WriteOptions::default().explicit_start(options.rows);
        if let Some(blanks) = options.indent {
            yaml = yaml.indent(blanks.clamp(1, 9));
        }
        let documents = YamlDocuments { writer: YamlWriter::new(yaml), output, options: yaml };
        Ok(Box::new(DocumentOutput::new(documents)))
    }
}

/// Whether a line looks like an item or like a key and perhaps its value.
fn is_entry(line: &[u8]) -> bool {
    let content = line.trim_ascii_start();
    let is_text = std::str::from_utf8(line).is_ok_and(|line| !line.contains('\0'));
    let key = content.windows(2).any(|pair| pair == b": ") || content.ends_with(b":");
    is_text && (key || content.starts_with(b"- ") || content == b"-")
}

/// A file of documents, the first of them read ahead.
struct YamlReader {
    stream: Stream<Box<dyn BufRead + Send>>,
    options: crate::ReadOptions,
    ahead: Vec<BufferedChunk>,
    rows: bool,
}

/// The text of a document that was read ahead.
struct BufferedChunk {
    text: String,
    pos: Pos,
}

impl BufferedChunk {
    fn new(chunk: Chunk<'_>) -> Self {
        Self { text: chunk.text.to_owned(), pos: chunk.pos }
    }

    fn chunk(&self) -> Chunk<'_> {
        Chunk { text: &self.text, pos: self.pos }
    }

    /// Whether there is nothing in it but what may stand behind the last document.
    fn is_nothing(&self) -> bool {
        let is_nothing = |line: &str| {
            let line = line.trim();
            line.is_empty() || line.starts_with('#') || line == "..."
        };
        self.text.trim_start_matches('\u{feff}').lines().all(is_nothing)
    }
}

impl YamlReader {
    fn drop_comments(&mut self) {
        self.ahead.pop_if(|last| last.is_nothing());
    }
}

fn read_chunk(chunk: Chunk<'_>, options: &crate::ReadOptions, sink: &mut dyn Sink) -> Result<()> {
    let read = chunk.documents(options).read_next(sink);
    read.map(drop).map_err(|error| chunk.locate(error))
}

impl DocumentReader for YamlReader {
    fn documents(&self) -> Documents {
        match self.ahead.len() {
            0 => Documents::None,
            1 if !self.rows => Documents::One,
            _ => Documents::Several,
        }
    }

    fn send(mut self, sink: &mut dyn Sink) -> Result<()> {
        for kept in std::mem::take(&mut self.ahead) {
            read_chunk(kept.chunk(), &self.options, sink)?;
        }
        let options = self.options;
        while let Some(chunk) = self.stream.next_chunk()? {
            read_chunk(chunk, &options, sink)?;
        }
        Ok(())
    }

    fn send_nothing(&self, sink: &mut dyn Sink) -> Result<()> {
        sink.null()
    }
}

/// The bytes as UTF-8. A text in UTF-16 or UTF-32 is known by its byte order mark, or by the zeros
/// in its first character (chapter 5.2), and read into memory.
fn in_utf8(input: Input) -> Result<Box<dyn BufRead + Send>> {
    let (width, big, mark) = match *input.start() {
        [0, 0, 0xfe, 0xff, ..] => (4, true, 4),
        [0, 0, 0, _, ..] => (4, true, 0),
        [0xff, 0xfe, 0, 0, ..] => (4, false, 4),
        [_, 0, 0, 0, ..] => (4, false, 0),
        [0xfe, 0xff, ..] => (2, true, 2),
        [0, _, ..] => (2, true, 0),
        [0xff, 0xfe, ..] => (2, false, 2),
        [_, 0, ..] => (2, false, 0),
        _ => return Ok(input.into_reader()),
    };
    let bytes = input.read_all()?;
    let text = decode(&bytes[mark..], width, big).ok_or_else(|| {
        Error::new(ErrorKind::Encoding, format!("expected UTF-{}, found other bytes", width * 8))
            .with_hint("save the file in UTF-8")
    })?;
    Ok(Box::new(Cursor::new(text.into_bytes())))
}

#[cold]
fn cannot_read(error: std::io::Error) -> Error {
    Error::io(error, "cannot read the file")
}

/// Text from units of that many bytes.
fn decode(bytes: &[u8], width: usize, big: bool) -> Option<String> {
    let units = bytes.chunks(width).map(|unit| {
        let mut unit = Cow::Borrowed(unit);
        if !big {
            unit.to_mut().reverse();
        }
        unit.iter().fold(0_u32, |number, &byte| number << 8 | u32::from(byte))
    });
    if !bytes.len().is_multiple_of(width) {
        return None;
    }
    if width == 4 {
        return units.map(char::from_u32).collect();
    }
    let units = units.filter_map(|unit| u16::try_from(unit).ok());
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

struct YamlDocuments<'w> {
    writer: YamlWriter,
    output: Output<'w>,
    options: crate::WriteOptions,
}

impl DocumentWriter for YamlDocuments<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.writer
    }

    fn asked(&self) -> &dyn Sink {
        &self.writer
    }

    fn end(&mut self) -> Result<()> {
        let mut writer = std::mem::replace(&mut self.writer, YamlWriter::new(self.options));
        writer.end_document();
        let written = self.output.write_all(&writer.into_bytes());
        written.map_err(|e| Error::io(e, "cannot write the file"))
    }

    fn finish(self) -> Result<()> {
        self.output.finish()
    }
}
