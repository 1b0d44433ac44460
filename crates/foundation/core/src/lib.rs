//! What every format of cannery stands on: one stream of events and the values, graphs, errors and
//! limits that go with it.
//!
//! A reader drives a [`Sink`]; a writer *is* a `Sink`; [`Value`] and [`Graph`] are sinks and
//! [`Source`]s. So N formats and M faces (Rust values, Python objects, serde types) cost N + M
//! pieces of code, and converting is a reader driving a writer in constant memory.
//!
//! This crate does no I/O and knows no format and no Python.

mod array;
mod buffer;
mod dtype;
mod error;
mod expand_aliases;
mod frame;
mod graph;
mod limits;
mod null_sink;
mod number;
mod path;
mod printable;
mod sink;
mod tape;
mod tensor;
mod text;
mod value;

pub mod tagged;

pub use array::{ArrayBuf, ArraySource, ArrayView, Order, size_in_bytes};
pub use buffer::{Buffer, InlineBytes, Utf8Size, read_to_end, reserve};
pub use dtype::{ByteOrder, Dtype, DtypeKind, Field, TimeUnit};
pub use error::{Error, ErrorKind, Pos, Result};
pub use expand_aliases::ExpandAliases;
pub use graph::{Graph, GraphBuilder, Node, NodeId, ObjectNode};
pub use limits::{Budget, Limits};
pub use null_sink::NullSink;
pub use number::BigInt;
pub use path::{Path, Segment};
pub use printable::{is_printable, printable, printable_lines};
pub use sink::{Comment, Container, Note, Sink, Source, Style, Wants};
pub use tape::{Event, Tape};
pub use tensor::{StorageInfo, TensorContainer, TensorDtype, TensorInfo};
pub use text::{Text, TextBuf, is_ascii};
pub use value::{Object, Value, ValueBuilder};
