//! How files of any format are read, written and laid out.

use cannery_core::Limits;

/// How files are read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What the input may claim.
    pub limits: Limits,
    /// Accept `NaN` and `Infinity` in text formats that have none.
    pub nan: bool,
    /// Take a file of a single document for one of rows, where the format has both.
    pub rows: bool,
    /// Which message a file of Protobuf is.
    pub message: Option<MessageOf>,
}

/// A message of a schema: what Protobuf's bytes do not say themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageOf {
    /// The `.proto` file, or a file with a descriptor set.
    pub schema: std::path::PathBuf,
    /// The full name of the message.
    pub message: String,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { limits: cannery_places::default_limits(), nan: false, rows: false, message: None }
    }
}

/// How texts are laid out.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LayoutOptions {
    /// Blanks for each level; by default 2, for YAML those that the text has.
    pub indent: Option<usize>,
    /// Columns that a list or map on one line may reach. Default 80. YAML keeps its lines.
    pub width: usize,
    /// Put the keys of each map in order. YAML keeps its order.
    pub sort_keys: bool,
}

impl Default for LayoutOptions {
    fn default() -> Self {
        Self { indent: None, width: 80, sort_keys: false }
    }
}

impl LayoutOptions {
    /// Sets [`indent`](Self::indent).
    #[must_use]
    pub fn indent(mut self, blanks: Option<usize>) -> Self {
        self.indent = blanks;
        self
    }

    /// Sets [`width`](Self::width).
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns;
        self
    }

    /// Sets [`sort_keys`](Self::sort_keys).
    #[must_use]
    pub fn sort_keys(mut self, yes: bool) -> Self {
        self.sort_keys = yes;
        self
    }
}

/// How files are written.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no of its own")]
pub struct WriteOptions {
    /// Lay text out in lines, indented by that many blanks; by default it is as short as it can be.
    pub indent: Option<usize>,
    /// Write `NaN` and `Infinity` to text formats that have none.
    pub nan: bool,
    /// Accept values that are no list where rows are written.
    pub any_rows: bool,
    /// Rows come, one value each; for formats that are [`Rows::Possibly`] rows.
    pub rows: bool,
    /// Which message a file of Protobuf shall be.
    pub message: Option<MessageOf>,
    /// Write lone surrogates to formats that keep them as they are, for readers that expect them.
    pub surrogates: bool,
}

impl ReadOptions {
    /// Sets [`message`](Self::message).
    #[must_use]
    pub fn message(mut self, message: Option<MessageOf>) -> Self {
        self.message = message;
        self
    }

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

    /// Sets [`rows`](Self::rows).
    #[must_use]
    pub fn rows(mut self, yes: bool) -> Self {
        self.rows = yes;
        self
    }
}

impl WriteOptions {
    /// Sets [`message`](Self::message).
    #[must_use]
    pub fn message(mut self, message: Option<MessageOf>) -> Self {
        self.message = message;
        self
    }

    /// Sets [`surrogates`](Self::surrogates).
    #[must_use]
    pub fn surrogates(mut self, yes: bool) -> Self {
        self.surrogates = yes;
        self
    }

    /// Sets [`indent`](Self::indent).
    #[must_use]
    pub fn indent(mut self, blanks: Option<usize>) -> Self {
        self.indent = blanks;
        self
    }

    /// Sets [`nan`](Self::nan).
    #[must_use]
    pub fn nan(mut self, yes: bool) -> Self {
        self.nan = yes;
        self
    }

    /// Sets [`any_rows`](Self::any_rows).
    #[must_use]
    pub fn any_rows(mut self, yes: bool) -> Self {
        self.any_rows = yes;
        self
    }

    /// Sets [`rows`](Self::rows).
    #[must_use]
    pub fn rows(mut self, yes: bool) -> Self {
        self.rows = yes;
        self
    }
}
