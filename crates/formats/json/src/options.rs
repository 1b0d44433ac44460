//! What a reader accepts.

use cannery_core::Limits;

/// What a reader accepts. The default is JSON as RFC 8259 has it, a byte order mark before it, and
/// escaped halves of surrogate pairs, which the RFC leaves open and Python writes.
///
/// ```
/// let options = cannery_json::ReadOptions::default().nan(true).control_characters(true);
/// assert!(options.nan);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub struct ReadOptions {
    /// How deep a document may be nested; the others of the limits cannot be exceeded by JSON,
    /// which never expands.
    pub limits: Limits,
    /// Accept `NaN`, `Infinity` and `-Infinity`, as Python does. Default: no.
    pub nan: bool,
    /// Accept surrogates without their other half, escaped or encoded in three bytes, and send
    /// text with them as [`Text::Surrogates`](cannery_core::Text::Surrogates). Default: yes.
    pub surrogates: bool,
    /// Accept unescaped control characters in strings. Default: no.
    pub control_characters: bool,
    /// Accept, and skip, a byte order mark before the document. Default: yes.
    pub byte_order_mark: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            nan: false,
            surrogates: true,
            control_characters: false,
            byte_order_mark: true,
        }
    }
}

impl ReadOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`nan`](Self::nan).
    #[must_use]
    pub fn nan(mut self, yes: bool) -> Self {
        self.nan = yes;
        self
    }

    /// Sets [`surrogates`](Self::surrogates).
    #[must_use]
    pub fn surrogates(mut self, yes: bool) -> Self {
        self.surrogates = yes;
        self
    }

    /// Sets [`control_characters`](Self::control_characters).
    #[must_use]
    pub fn control_characters(mut self, yes: bool) -> Self {
        self.control_characters = yes;
        self
    }

    /// Sets [`byte_order_mark`](Self::byte_order_mark).
    #[must_use]
    pub fn byte_order_mark(mut self, yes: bool) -> Self {
        self.byte_order_mark = yes;
        self
    }
}
