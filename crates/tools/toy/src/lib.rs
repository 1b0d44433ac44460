//! A format for the tests: after the line `toy`, each event of a value on a line of its own.
//!
//! It stands on what every format may stand on and on nothing else, and joins the others by one
//! line: `cannery::add_format(&cannery_toy::Toy)`.
//!
//! ```text
//! toy
//! {
//! .name
//! "anna
//! }
//! ```

mod read;
mod write;

use cannery_format::{
    Capabilities, Format, Likelihood, ReadOptions, Reader, WriteOptions, Writer, bytes_of, once,
};
use cannery_places::{Input, Output};

use cannery_core::Result;

/// The format.
#[derive(Clone, Copy, Debug)]
pub struct Toy;

impl Format for Toy {
    fn id(&self) -> &'static str {
        "toy"
    }

    fn title(&self) -> &'static str {
        "toy"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["toy"]
    }

    fn holds(&self) -> &'static str {
        "one document, an event to a line"
    }

    fn sniff(&self, start: &[u8]) -> Likelihood {
        if start.starts_with(read::MAGIC) { Likelihood::Yes } else { Likelihood::No }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { documents: true, ..Capabilities::default() }
    }

    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>> {
        let bytes = bytes_of(input, options)?;
        let limits = options.limits;
        Ok(once(move |sink| read::send(&bytes, limits, sink)))
    }

    fn writer<'w>(
        &self,
        output: Output<'w>,
        _options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>> {
        Ok(Box::new(write::ToyWriter::new(output)?))
    }
}
