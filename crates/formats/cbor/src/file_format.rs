//! CBOR: a document, or several one after the other (RFC 8742).

use std::io::Write;

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, Pos, Result, Sink};
use cannery_format::{
    AsOneValue, Capabilities, DocumentOutput, DocumentReader, DocumentWriter, Documents, Format,
    Likelihood, ReadOptions, Reader, Rows, SchemaSummary, WriteOptions, Writer, bytes_of,
};
use cannery_places::{Bytes, Input, Output, START_LEN};

use crate::{Writer as CborWriter, from_slice_prefix};

/// The format CBOR.
#[derive(Clone, Copy, Debug)]
pub struct Cbor;

/// The tag that says "this is CBOR" (RFC 8949, section 3.4.6).
const SELF_DESCRIBED: &[u8] = b"\xd9\xd9\xf7";

impl Format for Cbor {
    fn id(&self) -> &'static str {
        "cbor"
    }

    fn title(&self) -> &'static str {
        "CBOR"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["cbor"]
    }

    fn holds(&self) -> &'static str {
        "a document, or several in a row"
    }

    /// Certain of the tag for it; likely of a map or a list that can be read as far as it is there.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        if start.starts_with(SELF_DESCRIBED) {
            return Likelihood::Yes;
        }
        let is_container = matches!(start, [0x80..=0xbf, ..]);
        if !is_container || matches!(start, [0x80, 2..=5, ..]) {
            return Likelihood::No;
        }
        if is_sequence(start) { Likelihood::Maybe } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        let support = TagSupport::default().bytes(true).non_finite(true).references(true);
        Capabilities {
            documents: true,
            references: true,
            rows: Rows::Possibly,
            sets: true,
            any_keys: true,
            support,
            ..Capabilities::default()
        }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let bytes = bytes_of(input, options)?;
        let cbor = crate::ReadOptions::default().limits(options.limits);
        let documents = match &*bytes {
            [] => Documents::None,
            all => match from_slice_prefix(all, &cbor, &mut cannery_core::NullSink) {
                Ok(used) if used < all.len() => Documents::Several,
                _ if options.rows => Documents::Several,
                _ => Documents::One,
            },
        };
        Ok(Box::new(AsOneValue(CborReader { bytes, options: cbor, documents })))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(DocumentOutput::new(CborDocuments { writer: new_writer(), output })))
    }
}

/// Whether bytes are documents one after the other, the last of them cut off where the file is
/// longer than what is looked at.
fn is_sequence(mut bytes: &[u8]) -> bool {
    let is_part = bytes.len() >= START_LEN;
    let options = crate::ReadOptions::default();
    while !bytes.is_empty() {
        match from_slice_prefix(bytes, &options, &mut SchemaSummary::default()) {
            Ok(used) => bytes = &bytes[used..],
            Err(error) => return is_part && error.kind() == ErrorKind::Truncated,
        }
    }
    true
}

struct CborReader {
    bytes: Bytes,
    options: crate::ReadOptions,
    documents: Documents,
}

impl DocumentReader for CborReader {
    fn documents(&self) -> Documents {
        self.documents
    }

    fn send(self, sink: &mut dyn Sink) -> Result<()> {
        let all = &*self.bytes;
        let mut at = 0;
        while at < all.len() {
            let base = at as u64;
            at += from_slice_prefix(&all[at..], &self.options, sink)
                .map_err(|e| e.map_pos(|pos| Pos { offset: pos.offset + base, ..pos }))?;
        }
        Ok(())
    }
}

fn new_writer() -> CborWriter {
    CborWriter::to(Vec::new(), crate::WriteOptions::default())
}

struct CborDocuments<'w> {
    writer: CborWriter,
    output: Output<'w>,
}

impl DocumentWriter for CborDocuments<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.writer
    }

    fn asked(&self) -> &dyn Sink {
        &self.writer
    }

    fn end(&mut self) -> Result<()> {
        // References count from the beginning of each document.
        let document = std::mem::replace(&mut self.writer, new_writer()).into_output();
        let written = self.output.write_all(&document);
        written.map_err(|e| Error::io(e, "cannot write the file"))
    }

    fn finish(self) -> Result<()> {
        self.output.finish()
    }
}
