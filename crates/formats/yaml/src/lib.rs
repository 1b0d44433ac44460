//! [YAML 1.2](https://yaml.org/spec/1.2.2/) on cannery's event stream.
//!
//! ```
//! let value = cannery_yaml::to_value("base: &base {lr: 0.1}\nfine:\n  <<: *base\n  layers: 2\n")?;
//! assert_eq!(value["fine"]["layers"], cannery_core::Value::Int(2));
//! # Ok::<(), cannery_core::Error>(())
//! ```
//!
//! Two layers: [`parse`] turns text into YAML's own [`Event`]s, [`from_str`] and [`Documents`] turn
//! those into cannery's, by a [`Schema`].

mod chars;
mod compose;
mod document;
mod event;
mod file_format;
mod format;
mod merge;
mod parse;
mod read;
mod schema;
mod snippet;
mod stream;
mod tags;
mod timestamp;
mod write;

pub use compose::MERGE;
pub use document::{Comments, Document, EntryKey, NodeKind, PathStep, find_bad_merge};
pub use event::{Event, Handler, Properties, ScalarStyle, Span, properties_start};
pub use file_format::Yaml;
pub use format::{FormatOptions, format};
pub use parse::{ParseOptions, parse};
pub use read::{Documents, ReadOptions, from_str, to_value};
pub use schema::Schema;
pub use snippet::snippet;
pub use stream::{Chunk, Reader};
pub use write::{WriteOptions, Writer, to_string};
