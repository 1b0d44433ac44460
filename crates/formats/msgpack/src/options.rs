//! What callers choose about reading and writing.

use cannery_core::Limits;

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct ReadOptions {
    /// What to build at most. The length of the input bounds every declared size besides.
    pub limits: Limits,
    /// How large single values may be.
    pub sizes: Sizes,
    /// Send strings as bytes, whatever is in them (`raw=True` of the Python package).
    pub raw: bool,
    /// Accept strings with surrogate code points (`unicode_errors="surrogatepass"`).
    pub surrogates: bool,
    /// Send strings that are not UTF-8 as objects called [`STR`](crate::STR).
    pub invalid_text: bool,
    /// Refuse keys that are neither strings nor bytes (`strict_map_key=True`).
    pub strict_keys: bool,
}

impl ReadOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`sizes`](Self::sizes).
    #[must_use]
    pub fn sizes(mut self, sizes: Sizes) -> Self {
        self.sizes = sizes;
        self
    }

    /// Sets [`raw`](Self::raw).
    #[must_use]
    pub fn raw(mut self, yes: bool) -> Self {
        self.raw = yes;
        self
    }

    /// Sets [`surrogates`](Self::surrogates).
    #[must_use]
    pub fn surrogates(mut self, yes: bool) -> Self {
        self.surrogates = yes;
        self
    }

    /// Sets [`invalid_text`](Self::invalid_text).
    #[must_use]
    pub fn invalid_text(mut self, yes: bool) -> Self {
        self.invalid_text = yes;
        self
    }

    /// Sets [`strict_keys`](Self::strict_keys).
    #[must_use]
    pub fn strict_keys(mut self, yes: bool) -> Self {
        self.strict_keys = yes;
        self
    }
}

/// How large a single value may be: bytes of strings, of bytes and of extensions, items of an
/// array, entries of a map. The default is what the format can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the type says what they are")]
pub struct Sizes {
    pub text: usize,
    pub bytes: usize,
    pub array: usize,
    pub map: usize,
    pub extension: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        let most = usize::MAX;
        Self { text: most, bytes: most, array: most, map: most, extension: most }
    }
}

/// How to write. The default is the current specification.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Write as before 2013: bytes as strings, and no strings with a length of one byte
    /// (`use_bin_type=False` of the Python package).
    pub old_specification: bool,
    /// Write floats in 32 bits, whatever that costs in precision.
    pub single_floats: bool,
    /// Write surrogate code points as the three bytes of the general scheme; else they are
    /// refused, for a string is UTF-8.
    pub surrogates: bool,
}

impl WriteOptions {
    /// Sets [`old_specification`](Self::old_specification).
    #[must_use]
    pub fn old_specification(mut self, yes: bool) -> Self {
        self.old_specification = yes;
        self
    }

    /// Sets [`single_floats`](Self::single_floats).
    #[must_use]
    pub fn single_floats(mut self, yes: bool) -> Self {
        self.single_floats = yes;
        self
    }

    /// Sets [`surrogates`](Self::surrogates).
    #[must_use]
    pub fn surrogates(mut self, yes: bool) -> Self {
        self.surrogates = yes;
        self
    }
}
