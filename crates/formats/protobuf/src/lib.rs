//! [Protocol Buffers](https://protobuf.dev) without a compiler step: schemas are compiled when they
//! are needed, and messages of them read and written through tables, on cannery's event stream.
//!
//! ```
//! use cannery_protobuf::{Compiler, DecodeOptions, EncodeOptions, Message, Sources};
//!
//! let text = "syntax = \"proto3\"; message Point { int32 x = 1; int32 y = 2; }";
//! let mut compiler = Compiler::new(Sources::default().with_text("point.proto", text));
//! compiler.compile("point.proto")?;
//! let pool = compiler.into_pool();
//!
//! let point = pool.message("Point").expect("it is in the schema");
//! let message = Message::decode(&pool, point, b"\x08\x03\x10\x04", &DecodeOptions::default())?;
//! assert_eq!(message.to_text(&pool, Default::default()), "x: 3\ny: 4\n");
//! assert_eq!(message.encode(&pool, EncodeOptions::default()), b"\x08\x03\x10\x04");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Specifications: the [language](https://protobuf.dev/reference/protobuf/edition-2023-spec/), the
//! [wire format](https://protobuf.dev/programming-guides/encoding/), the
//! [JSON mapping](https://protobuf.dev/programming-guides/json/) and the
//! [text format](https://protobuf.dev/reference/protobuf/textformat-spec/).

mod compile;
mod decode;
mod descriptor;
mod edition;
mod encode;
mod file_format;
mod frames;
mod ids;
mod inspect;
mod json;
pub mod kind;
pub mod known;
mod message;
mod numbers;
mod pool;
mod text;
mod well_known;
mod wire;

pub use compile::{Compiler, Loader, SchemaError, SchemaErrors, Sources};
pub use decode::{DecodeOptions, EntryValue, Packed, Scalar, Target, decode, decode_into};
pub use descriptor::FileProto;
pub use encode::{EncodeOptions, sort_entries, write_message_set_item, write_nested, write_scalar};
pub use file_format::{Onnx, OsmExtract, Protobuf, TensorboardEvents, VectorTiles};
pub use frames::{Frame, FrameReader, Framing, write_frame};
pub use inspect::{Inspected, InspectedValue, inspect};
pub use json::{JsonOptions, JsonReadOptions};
pub use message::{Message, Value};
pub use pool::{
    Cardinality, EnumId, EnumType, ExtensionId, Field, MessageId, MessageType, Oneof, Pool,
};
pub use text::TextOptions;
pub use well_known::WellKnown;
