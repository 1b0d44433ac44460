//! JSON and JSONL on cannery's event stream.
//!
//! Reading is one pass over the text that sends events as it goes: [`from_slice`], [`from_str`],
//! and [`from_reader`] in constant memory; [`Lines`] for many documents. Writing is a sink:
//! [`Writer`], [`to_vec`], [`to_writer`], [`lines::Writer`].
//!
//! Numbers are exact both ways: integers of any size, floats to the last bit. Nesting costs memory,
//! never the thread's stack, and is bounded by [`ReadOptions::limits`].
//!
//! ```
//! use cannery_json::{to_value, to_vec};
//!
//! let value = to_value(br#"{"id": 18446744073709551616, "box": [0.1, 2e-7]}"#)?;
//! assert_eq!(to_vec(&value)?, br#"{"id":18446744073709551616,"box":[0.1,2e-07]}"#);
//! # Ok::<(), cannery_core::Error>(())
//! ```

mod file_format;
mod float;
mod format;
mod input;
mod number;
mod options;
mod parser;
mod read;
mod scan;
mod string;
mod syntax;
mod units;
mod write;

pub mod lines;

pub use file_format::{Json, Jsonl};
pub use format::{FormatOptions, format};
pub use lines::Reader as Lines;
pub use options::ReadOptions;
pub use read::{
    from_reader, from_slice, from_slice_prefix, from_str, from_str_prefix, from_text, to_value,
};
pub use syntax::SyntaxError;
pub use write::{Chunks, NonFinite, Output, WriteOptions, Writer, raw, to_vec, to_writer};
