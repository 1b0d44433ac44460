//! Whether iterators are written as arrays.

use pyo3::prelude::*;

use super::json::JsonOptions;
use super::rich;

/// Whether iterators are written as arrays, if so much was said about them: without a word they are,
/// unless there is a function that may know better.
pub(crate) fn writes_iterators(said: Option<bool>, default: Option<&Bound<'_, PyAny>>) -> bool {
    said.unwrap_or_else(|| default.is_none_or(rich::is_name))
}

impl<'py> JsonOptions<'py> {
    /// Sets [`default`](Self::default), and what that means for iterators.
    pub(crate) fn with_default(mut self, default: Option<Bound<'py, PyAny>>) -> Self {
        self.iterators = writes_iterators(None, default.as_ref());
        self.default = default;
        self
    }
}
