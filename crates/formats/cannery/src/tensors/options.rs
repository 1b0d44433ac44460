//! How tensors are converted.

use cannery_core::TensorDtype;

/// How tensors are converted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TensorOptions {
    /// The type that floats become; others stay as they are.
    pub dtype: Option<TensorDtype>,
    /// Only tensors whose names match one of these patterns; all if there are none.
    pub include: Vec<String>,
    /// Bytes of a file at most, where the target can be several.
    pub shard_size: Option<u64>,
    /// Leave out what the target cannot hold.
    pub lossy: bool,
}

impl TensorOptions {
    /// Sets [`dtype`](Self::dtype).
    #[must_use]
    pub fn dtype(mut self, dtype: Option<TensorDtype>) -> Self {
        self.dtype = dtype;
        self
    }

    /// Sets [`include`](Self::include).
    #[must_use]
    pub fn include(mut self, patterns: Vec<String>) -> Self {
        self.include = patterns;
        self
    }

    /// Sets [`shard_size`](Self::shard_size).
    #[must_use]
    pub fn shard_size(mut self, bytes: Option<u64>) -> Self {
        self.shard_size = bytes;
        self
    }

    /// Sets [`lossy`](Self::lossy).
    #[must_use]
    pub fn lossy(mut self, yes: bool) -> Self {
        self.lossy = yes;
        self
    }

    /// Whether anything was asked for.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.dtype.is_none() && self.include.is_empty() && self.shard_size.is_none()
    }
}
