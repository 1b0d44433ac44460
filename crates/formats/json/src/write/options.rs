//! How a writer lays out what it writes.

use std::borrow::Cow;

/// How a writer lays out what it writes. The default is the shortest form, in UTF-8.
///
/// ```
/// let as_python = cannery_json::WriteOptions::default()
///     .item_separator(", ")
///     .key_separator(": ")
///     .ensure_ascii(true);
/// assert!(as_python.ensure_ascii);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// What stands between items. Default `,`.
    pub item_separator: Cow<'static, str>,
    /// What stands between a key and its value. Default `:`.
    pub key_separator: Cow<'static, str>,
    /// What a line is indented with, once for each level; `None` writes everything on one line.
    pub indent: Option<Cow<'static, str>>,
    /// Escape every character beyond ASCII, and DEL, as Python does by default.
    pub ensure_ascii: bool,
    /// What becomes of NaN and the infinities.
    pub non_finite: NonFinite,
    /// Write surrogates as their three bytes, which is not UTF-8; by default they are escaped.
    pub raw_surrogates: bool,
    /// End each document with a new line: the documents of one writer make a JSONL text then.
    pub trailing_newline: bool,
}

/// What becomes of NaN and the infinities, which JSON lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// An error.
    #[default]
    Refuse,
    /// `null`.
    Null,
    /// `NaN`, `Infinity` and `-Infinity`, as Python writes them.
    Write,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            item_separator: ",".into(),
            key_separator: ":".into(),
            indent: None,
            ensure_ascii: false,
            non_finite: NonFinite::default(),
            raw_surrogates: false,
            trailing_newline: false,
        }
    }
}

impl WriteOptions {
    /// Sets [`item_separator`](Self::item_separator).
    #[must_use]
    pub fn item_separator(mut self, separator: impl Into<Cow<'static, str>>) -> Self {
        self.item_separator = separator.into();
        self
    }

    /// Sets [`key_separator`](Self::key_separator).
    #[must_use]
    pub fn key_separator(mut self, separator: impl Into<Cow<'static, str>>) -> Self {
        self.key_separator = separator.into();
        self
    }

    /// Sets [`indent`](Self::indent).
    #[must_use]
    pub fn indent(mut self, indent: impl Into<Cow<'static, str>>) -> Self {
        self.indent = Some(indent.into());
        self
    }

    /// Sets [`ensure_ascii`](Self::ensure_ascii).
    #[must_use]
    pub fn ensure_ascii(mut self, yes: bool) -> Self {
        self.ensure_ascii = yes;
        self
    }

    /// Sets [`non_finite`](Self::non_finite).
    #[must_use]
    pub fn non_finite(mut self, policy: NonFinite) -> Self {
        self.non_finite = policy;
        self
    }

    /// Sets [`raw_surrogates`](Self::raw_surrogates).
    #[must_use]
    pub fn raw_surrogates(mut self, yes: bool) -> Self {
        self.raw_surrogates = yes;
        self
    }

    /// Sets [`trailing_newline`](Self::trailing_newline).
    #[must_use]
    pub fn trailing_newline(mut self, yes: bool) -> Self {
        self.trailing_newline = yes;
        self
    }
}
