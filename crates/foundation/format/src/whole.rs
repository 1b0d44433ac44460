//! Readers of files that are one document, and of files that are read as a whole.

use cannery_core::{Result, Sink};
use cannery_places::{Bytes, Contents, Input};

use crate::contract::Reader;
use crate::options::ReadOptions;

/// A file of one document, which is read by this function.
struct Once<F>(F);

impl<F: FnOnce(&mut dyn Sink) -> Result<()>> Reader for Once<F> {
    fn read(self: Box<Self>, sink: &mut dyn Sink) -> Result<()> {
        (self.0)(sink)
    }
}

/// A reader of one document.
pub fn once(read: impl FnOnce(&mut dyn Sink) -> Result<()> + 'static) -> Box<dyn Reader> {
    Box::new(Once(read))
}

/// The bytes of an input, mapped where they can be.
///
/// # Errors
/// Those of the input, and of its limits.
pub fn bytes_of(input: Input, options: &ReadOptions) -> Result<Bytes> {
    match input.into_whole(&options.limits)? {
        Contents::File(file) => Bytes::from_file(&file),
        Contents::Memory(bytes) => Ok(Bytes::from(bytes)),
    }
}
