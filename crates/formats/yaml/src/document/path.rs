//! The way to a node.

use cannery_core::Value;

/// One step of the path to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum PathStep {
    /// Another document than the first, counted from 0.
    Document(usize),
    /// The value behind a key; the last one, if the key occurs twice.
    Key(Value),
    /// An item of a sequence or an entry of a mapping, counted from 0.
    Index(usize),
}

impl PathStep {
    /// The value behind a text key.
    #[must_use]
    pub fn key(key: &str) -> Self {
        PathStep::Key(Value::Text(key.into()))
    }
}
