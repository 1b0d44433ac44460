//! What a target of the tagged form has words for.

/// What a target can say without a tag. The default is what JSON can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no of its own")]
pub struct TagSupport {
    /// Integers of any size; else they are tagged from 2^64 on.
    pub big_ints: bool,
    /// Strings of bytes.
    pub bytes: bool,
    /// NaN and the infinities.
    pub non_finite: bool,
    /// Values that occur more than once; else they are tagged with `$id` and `$ref`.
    pub references: bool,
    /// A high surrogate before a low one, which elsewhere read as one character.
    pub surrogate_pairs: bool,
}

impl Default for TagSupport {
    fn default() -> Self {
        Self {
            big_ints: true,
            bytes: false,
            non_finite: false,
            references: false,
            surrogate_pairs: false,
        }
    }
}

impl TagSupport {
    /// Sets [`big_ints`](Self::big_ints).
    #[must_use]
    pub fn big_ints(mut self, yes: bool) -> Self {
        self.big_ints = yes;
        self
    }

    /// Sets [`bytes`](Self::bytes).
    #[must_use]
    pub fn bytes(mut self, yes: bool) -> Self {
        self.bytes = yes;
        self
    }

    /// Sets [`non_finite`](Self::non_finite).
    #[must_use]
    pub fn non_finite(mut self, yes: bool) -> Self {
        self.non_finite = yes;
        self
    }

    /// Sets [`surrogate_pairs`](Self::surrogate_pairs).
    #[must_use]
    pub fn surrogate_pairs(mut self, yes: bool) -> Self {
        self.surrogate_pairs = yes;
        self
    }

    /// Sets [`references`](Self::references).
    #[must_use]
    pub fn references(mut self, yes: bool) -> Self {
        self.references = yes;
        self
    }
}
