//! The JSON mapping.

mod base64;
mod cursor;
mod read;
mod special;
mod time;
mod write;

pub use read::JsonReadOptions;
pub(crate) use time::timestamp_text;
pub use write::JsonOptions;
