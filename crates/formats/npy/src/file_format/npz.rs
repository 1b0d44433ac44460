//! NPZ: a map of arrays.

use cannery_core::{Result, Sink};
use cannery_format::{
    Capabilities, Format, Likelihood, Node, ReadOptions, Reader, WriteOptions, Writer, bytes_of,
    once,
};
use cannery_places::{Input, Output, SpooledWriter};

use crate::{Compression, NpzFile, NpzWriter};

/// The format NPZ: a map of arrays.
#[derive(Clone, Copy, Debug)]
pub struct Npz;

impl Format for Npz {
    fn id(&self) -> &'static str {
        "npz"
    }

    fn title(&self) -> &'static str {
        "NPZ"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["npz"]
    }

    fn holds(&self) -> &'static str {
        "arrays by name"
    }

    /// The name of the first member follows thirty bytes of fixed length.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        if begins_with_array(start) { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { arrays: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let archive = open(input, options)?;
        Ok(once(move |sink| crate::send_all(&archive, sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let writer = NpzWriter::new(SpooledWriter::new(output), Compression::Stored);
        Ok(Box::new(NpzOutput(writer)))
    }

    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        let archive = open(input, options)?;
        let member = |name: &String| {
            let header = archive.member(name)?.header;
            Ok(Node::of_array(&header.dtype, &header.shape, header.order)?.named(name))
        };
        let members = archive.names().iter().map(member).collect::<Result<Vec<_>>>()?;
        Ok(Node::of_parts("map", members))
    }
}

/// Whether a ZIP archive's first member has an array's name.
#[must_use]
pub fn begins_with_array(start: &[u8]) -> bool {
    let Some((header, rest)) = start.split_at_checked(30) else { return false };
    let name = rest.get(..usize::from(u16::from_le_bytes([header[26], header[27]])));
    header.starts_with(b"PK\x03\x04") && name.is_some_and(|name| name.ends_with(b".npy"))
}

fn open(input: Input, options: &ReadOptions) -> Result<NpzFile> {
    Ok(NpzFile::from_bytes(bytes_of(input, options)?)?.with_limits(options.limits))
}

struct NpzOutput<'w>(NpzWriter<SpooledWriter<'w>>);

impl Writer for NpzOutput<'_> {
    fn sink(&mut self) -> &mut dyn Sink {
        &mut self.0
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.0.finish()?.finish()
    }
}
