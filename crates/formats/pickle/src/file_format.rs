//! Pickle, read as data: what it would import or call is an object of that name.

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, Graph, Result, Source};
use cannery_format::{
    Capabilities, Format, Likelihood, ReadOptions, Reader, WriteOptions, Writer, bytes_of, once,
};
use cannery_places::{Input, Output};

use crate::{Framing, Ops};

/// The format pickle, which is only read.
#[derive(Clone, Copy, Debug)]
pub struct Pickle;

impl Format for Pickle {
    fn id(&self) -> &'static str {
        "pickle"
    }

    fn title(&self) -> &'static str {
        "pickle"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["pkl", "pickle", "p", "joblib"]
    }

    fn holds(&self) -> &'static str {
        "what a pickle holds, as data; read only"
    }

    /// Certain of `PROTO` and `FRAME`; likely of `PROTO` and instructions behind it.
    fn sniff(&self, start: &[u8]) -> Likelihood {
        match start {
            [0x80, 4..=5, 0x95, _, _, _, _, _, _, 0, 0, ..] => Likelihood::Yes,
            [0x80, 2..=5, ..] if begins_with_instructions(start) => Likelihood::Maybe,
            _ => Likelihood::No,
        }
    }

    fn capabilities(&self) -> Capabilities {
        let support = TagSupport::default().bytes(true).non_finite(true).references(true);
        Capabilities {
            references: true,
            typed: true,
            read_only: true,
            support,
            ..Capabilities::default()
        }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let bytes = bytes_of(input, options)?;
        let graph: Graph = crate::read(&bytes, options.limits)?;
        Ok(once(move |sink| graph.emit(sink)))
    }

    fn writer<'w>(
        &self,
        _output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        let message = "pickles are read here, and written by Python only";
        Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("write `.can`, which holds the same values: or use `cannery.pickle.dump`"))
    }
}

/// Whether a pickle's instructions follow to its end, or as far as its bytes are there.
fn begins_with_instructions(start: &[u8]) -> bool {
    let mut last = None;
    for op in Ops::new(start, 0, Framing::Strict) {
        match op {
            Ok(op) => last = Some(op.opcode),
            Err(error) => return error.kind() == ErrorKind::Truncated && last.is_some(),
        }
    }
    last.is_some()
}
