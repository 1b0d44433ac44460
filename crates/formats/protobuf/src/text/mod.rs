//! The text format.

mod read;
mod write;

pub(crate) use read::{ExtensionFinder, TextReader};
pub use write::TextOptions;
