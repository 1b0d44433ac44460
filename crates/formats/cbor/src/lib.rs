//! CBOR ([RFC 8949](https://www.rfc-editor.org/rfc/rfc8949)) on cannery's event stream.
//!
//! ```
//! use cannery_core::Value;
//!
//! let value = cannery_cbor::to_value(b"\x82\x01\xf9\x3e\x00")?;
//! assert_eq!(value, Value::List(vec![Value::Int(1), Value::Float(1.5)]));
//! assert_eq!(cannery_cbor::to_vec(&value)?, b"\x82\x01\xf9\x3e\x00");
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! | CBOR | event |
//! |---|---|
//! | tags 2 and 3 (bignums) | an integer |
//! | tags 28 and 29 (shared values) | `mark` and `alias` |
//! | tag 258 (sets) | a set |
//! | tag 55799 (this is CBOR) | nothing |
//! | any other tag | an object called [`TAG`] with the parts `tag` and `value`, in this order |
//! | simple values | an object called [`SIMPLE`] with the part `value` |
//! | undefined | an object called [`UNDEFINED`] without parts |

mod file_format;
mod half;
mod head;
mod read;
mod write;

pub use file_format::Cbor;
pub use read::{ReadOptions, from_slice, from_slice_prefix, to_value};
pub use write::{KeyOrder, WriteOptions, Writer, to_vec};

/// The type name of a tagged value: parts `tag` (an integer) and `value`, in this order.
pub const TAG: &str = "cbor.tag";

/// The type name of a simple value: its only part is `value` (0 to 255).
pub const SIMPLE: &str = "cbor.simple";

/// The type name of the value `undefined`, which has no parts.
pub const UNDEFINED: &str = "cbor.undefined";

/// The type name of what is written as its only part, `value`: it is never read.
pub const VALUE: &str = "cbor.value";
