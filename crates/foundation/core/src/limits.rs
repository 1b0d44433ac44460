//! How much a reader may build from what it is given.

use crate::{Error, ErrorKind, Result};

/// How much a reader may build from what it is given; the defaults stop bombs and let data pass.
///
/// ```
/// let limits = cannery_core::Limits::default().depth(64);
/// assert_eq!(limits.depth, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Containers and objects inside each other, at most. Default 1,024.
    pub depth: usize,
    /// Values a document may expand to, its aliases followed. Default 2^32.
    pub nodes: u64,
    /// Bytes that may be allocated whatever the length of the input. Default 64 MiB.
    pub base_bytes: u64,
    /// Bytes that may be allocated beyond that for each byte of input. Default 1,100, just above
    /// what the densest format (DEFLATE, 1,032 : 1) honestly expands to.
    pub bytes_per_input_byte: u64,
    /// Bytes that a compressed file or member may expand to for each of its bytes, beyond
    /// [`base_bytes`](Self::base_bytes). Default 200: text packs 5 to 30 : 1, and only what repeats
    /// itself packs denser.
    pub expanded_per_byte: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 1024,
            nodes: 1 << 32,
            base_bytes: 64 << 20,
            bytes_per_input_byte: 1100,
            expanded_per_byte: 200,
        }
    }
}

impl Limits {
    /// Limits that stop nothing; for input of one's own making.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            depth: usize::MAX,
            nodes: u64::MAX,
            base_bytes: u64::MAX,
            bytes_per_input_byte: 0,
            expanded_per_byte: u64::MAX,
        }
    }

    /// Sets [`depth`](Self::depth).
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Sets [`nodes`](Self::nodes).
    #[must_use]
    pub fn nodes(mut self, nodes: u64) -> Self {
        self.nodes = nodes;
        self
    }

    /// Sets [`base_bytes`](Self::base_bytes).
    #[must_use]
    pub fn base_bytes(mut self, bytes: u64) -> Self {
        self.base_bytes = bytes;
        self
    }

    /// Sets [`bytes_per_input_byte`](Self::bytes_per_input_byte).
    #[must_use]
    pub fn bytes_per_input_byte(mut self, bytes: u64) -> Self {
        self.bytes_per_input_byte = bytes;
        self
    }

    /// Sets [`expanded_per_byte`](Self::expanded_per_byte).
    #[must_use]
    pub fn expanded_per_byte(mut self, bytes: u64) -> Self {
        self.expanded_per_byte = bytes;
        self
    }

    /// The bytes that `packed` compressed bytes may expand to.
    #[must_use]
    pub fn expanded_for(&self, packed: u64) -> u64 {
        packed.saturating_mul(self.expanded_per_byte).saturating_add(self.base_bytes)
    }

    /// The bytes that aliases to `kept` bytes of values may be written out to: less than compressed
    /// bytes may expand to, for what is written is longer than what is counted.
    #[must_use]
    pub fn replayed_for(&self, kept: u64) -> u64 {
        kept.saturating_mul(self.expanded_per_byte / 8).saturating_add(self.base_bytes / 4)
    }

    /// The bytes that may be allocated for `input` bytes.
    #[must_use]
    pub fn bytes_for(&self, input: u64) -> u64 {
        input.saturating_mul(self.bytes_per_input_byte).saturating_add(self.base_bytes)
    }

    /// The error for a value nested deeper than [`depth`](Self::depth).
    #[cold]
    #[must_use]
    pub fn too_deep(&self) -> Error {
        Error::new(ErrorKind::Depth, format!("nested deeper than {} levels", self.depth))
            .with_hint("raise the depth limit if this input is trusted")
    }
}

/// What is left of a [`Limits`] while one document is read.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    nodes: u64,
    bytes: u64,
}

impl Budget {
    /// The whole budget for an input of `input` bytes.
    #[must_use]
    pub fn new(limits: &Limits, input: u64) -> Self {
        Self { nodes: limits.nodes, bytes: limits.bytes_for(input) }
    }

    /// Takes `count` values out of the budget.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if fewer are left.
    #[inline]
    pub fn take_nodes(&mut self, count: u64) -> Result<()> {
        self.nodes = self.nodes.checked_sub(count).ok_or_else(|| exceeded("values"))?;
        Ok(())
    }

    /// Takes `count` bytes out of the budget; call it *before* allocating them.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if fewer are left.
    #[inline]
    pub fn take_bytes(&mut self, count: u64) -> Result<()> {
        self.bytes = self.bytes.checked_sub(count).ok_or_else(|| exceeded("bytes"))?;
        Ok(())
    }
}

#[cold]
pub(crate) fn exceeded(what: &str) -> Error {
    Error::new(ErrorKind::Limit, format!("the input expands to more {what} than its limit allows"))
        .with_hint("raise the limits if this input is trusted")
}
