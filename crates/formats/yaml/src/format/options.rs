//! How a text is laid out.

/// How a text is laid out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FormatOptions {
    /// Columns that a mapping in a mapping is indented. By default as the text has it first, if
    /// that is 2 to 4, else 2.
    pub indent: Option<usize>,
    /// Whether a sequence in a mapping is indented as well. By default as the text has it first, or
    /// not at all.
    pub indent_sequences: Option<bool>,
    /// Empty lines in a row that are kept. Default 1.
    pub empty_lines: usize,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self { indent: None, indent_sequences: None, empty_lines: 1 }
    }
}

impl FormatOptions {
    /// Sets [`indent`](Self::indent), to between 1 and 9.
    #[must_use]
    pub fn indent(mut self, columns: usize) -> Self {
        self.indent = Some(columns.clamp(1, 9));
        self
    }

    /// Sets [`indent_sequences`](Self::indent_sequences).
    #[must_use]
    pub fn indent_sequences(mut self, yes: bool) -> Self {
        self.indent_sequences = Some(yes);
        self
    }

    /// Sets [`empty_lines`](Self::empty_lines).
    #[must_use]
    pub fn empty_lines(mut self, count: usize) -> Self {
        self.empty_lines = count;
        self
    }
}
