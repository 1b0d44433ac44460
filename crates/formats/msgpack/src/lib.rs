//! [MessagePack](https://github.com/msgpack/msgpack/blob/master/spec.md) on cannery's event stream.
//!
//! ```
//! use cannery_core::{Container, Sink, Text, Value, ValueBuilder};
//!
//! let mut writer = cannery_msgpack::Writer::new();
//! writer.begin(Container::Map, Some(1))?;
//! writer.key(Text::Ascii("compact"))?;
//! writer.bool(true)?;
//! writer.end(Container::Map)?;
//! let bytes = writer.into_bytes();
//! assert_eq!(bytes, b"\x81\xa7compact\xc3");
//!
//! let value = cannery_msgpack::to_value(&bytes)?;
//! assert_eq!(value.get("compact"), Some(&Value::Bool(true)));
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! An extension is an object called [`EXT`] with the parts `code` and `data`; code −1, a moment in
//! time, is an object called [`TIMESTAMP`] with the parts `seconds` and `nanoseconds`.

mod file_format;
mod marker;
mod options;
mod read;
mod scan;
mod text;
mod timestamp;
mod write;

pub use file_format::Msgpack;
pub use options::{ReadOptions, Sizes, WriteOptions};
pub use read::{from_slice, from_slice_prefix, read_header, to_value};
pub use scan::Scanner;
pub use timestamp::Timestamp;
pub use write::{Writer, to_vec};

/// The type name of an extension: parts `code` (−128 to 127) and `data` (bytes).
pub const EXT: &str = "msgpack.ext";

/// The type name of a timestamp: parts `seconds` since 1970-01-01T00:00:00Z and `nanoseconds`.
pub const TIMESTAMP: &str = "msgpack.timestamp";

/// The type name of a string that is not UTF-8: its only part is `data` (bytes).
pub const STR: &str = "msgpack.str";
