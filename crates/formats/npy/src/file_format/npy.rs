//! NPY: one array.

use cannery_core::{ArraySource, Result, Sink};
use cannery_format::{
    Capabilities, Format, Likelihood, Node, ReadOptions, Reader, WriteOptions, Writer, once,
};
use cannery_places::{Contents, Input, Output};

use crate::{Bytes, MAGIC, NpyFile, NpyWriter};

/// The format NPY: one array.
#[derive(Clone, Copy, Debug)]
pub struct Npy;

impl Format for Npy {
    fn id(&self) -> &'static str {
        "npy"
    }

    fn title(&self) -> &'static str {
        "NPY"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["npy"]
    }

    fn holds(&self) -> &'static str {
        "an array"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        if start.starts_with(MAGIC) { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { arrays: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let file = open(input, options)?;
        Ok(once(move |sink| sink.array(&file)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(NpyOutput(NpyWriter::new(output))))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        let file = open(input, options)?;
        Node::of_array(file.dtype(), file.shape(), file.order())
    }
}

fn open(input: Input, options: &ReadOptions) -> Result<NpyFile> {
    NpyFile::from_bytes(&bytes_of(input, options)?)
}

/// The bytes of an input, mapped where they can be.
fn bytes_of(input: Input, options: &ReadOptions) -> Result<Bytes> {
    match input.into_whole(&options.limits)? {
        Contents::File(file) => Bytes::from_file(&file),
        Contents::Memory(bytes) => Ok(Bytes::from(bytes)),
    }
}

struct NpyOutput<'w>(NpyWriter<Output<'w>>);

impl Writer for NpyOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.into_inner().finish()
    }
}
