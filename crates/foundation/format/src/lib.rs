//! What a file format is: the contract that each format's crate implements, and what they share.
//!
//! A format is one value of [`Format`]; the crate `cannery` lists those there are. Nothing here knows
//! any of them.

mod adapt;
mod contract;
mod documents;
mod duplicates;
mod names;
mod node;
mod options;
mod summary;
mod tensor_node;
mod whole;

pub use adapt::{AdaptedSink, Event, EventAdapter};
pub use contract::{Capabilities, Documents, Format, Likelihood, Reader, Rows, Writer};
pub use documents::{AsOneValue, DocumentOutput, DocumentReader, DocumentWriter};
pub use duplicates::Duplicates;
pub use names::{dtype_name, size_name};
pub use node::{Node, count_entry, send_count, text_entry};
pub use options::{LayoutOptions, MessageOf, ReadOptions, WriteOptions};
pub use summary::SchemaSummary;
pub use tensor_node::tensor_dtype_name;
pub use whole::{bytes_of, once};
