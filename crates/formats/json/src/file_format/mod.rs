//! JSON and JSON Lines as file formats.

mod json;
mod jsonl;

pub use json::Json;
pub use jsonl::Jsonl;
