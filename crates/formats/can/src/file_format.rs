//! `.can`: any value, its arrays beside it.

use cannery_core::{Result, Sink};
use cannery_format::{
    Capabilities, Format, Likelihood, ReadOptions, Reader, WriteOptions, Writer, bytes_of, once,
};
use cannery_places::{Input, Output, SpooledWriter};

use crate::{CanFile, CanWriter, Compression, is_can};

/// The format `.can`.
#[derive(Clone, Copy, Debug)]
pub struct Can;

impl Format for Can {
    fn id(&self) -> &'static str {
        "can"
    }

    fn title(&self) -> &'static str {
        "can"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["can"]
    }

    fn holds(&self) -> &'static str {
        "any value, with its arrays beside it"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        if is_can(start) { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            documents: true,
            arrays: true,
            references: true,
            typed: true,
            sets: true,
            any_keys: true,
            objects: true,
            surrogates: true,
            ..Capabilities::default()
        }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let file = CanFile::from_bytes(bytes_of(input, options)?, options.limits)?;
        Ok(once(move |sink| file.send(sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let writer = CanWriter::new(SpooledWriter::new(output), Compression::Stored);
        Ok(Box::new(CanOutput(writer)))
    }
}

struct CanOutput<'w>(CanWriter<'w, SpooledWriter<'w>>);

impl Writer for CanOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        self.0.sink()
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()?.finish()
    }
}
