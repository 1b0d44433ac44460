//! What a format is to the rest of cannery, the list of those there are, and telling them apart.

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, Limits, NullSink, Result, Sink};

use crate::inspect::Node;
use crate::summary::SchemaSummary;
use crate::{Input, Output};

/// A file format: how to recognize, read, write and summarize it.
///
/// A format is a module with one value of this; it joins the others in [`formats`].
pub trait Format: Sync {
    /// Its short name, as it is given on a command line: `jsonl`.
    fn id(&self) -> &'static str;

    /// Its name for people: `JSON Lines`.
    fn title(&self) -> &'static str;

    /// The extensions of its files, the usual one first.
    fn extensions(&self) -> &'static [&'static str];

    /// Whether the first bytes of a file (up to 4,096) are its.
    fn sniff(&self, start: &[u8]) -> Likelihood;

    /// What its files can hold besides plain values.
    fn capabilities(&self) -> Capabilities;

    /// Opens `input` for reading, as far as it takes to know how many documents there are.
    ///
    /// # Errors
    /// Those of the format and the input.
    fn open(&self, input: Input, options: &ReadOptions) -> Result<Box<dyn Reader>>;

    /// Reads all of `input` as one value; documents in a row are one list.
    ///
    /// # Errors
    /// Those of the format, the input and the sink.
    fn read(&self, input: Input, options: &ReadOptions, sink: &mut dyn Sink) -> Result<()> {
        self.open(input, options)?.read(sink)
    }

    /// A writer to `output`: of one value, or of rows ([`WriteOptions::rows`]).
    ///
    /// # Errors
    /// Those of the format.
    fn writer<'w>(
        &self,
        output: Output<'w>,
        options: &WriteOptions,
    ) -> Result<Box<dyn Writer + 'w>>;

    /// All that is wrong with a file, in order, each error with its place as far as it has one.
    ///
    /// What is wrong beyond the grammar counts too: keys that occur twice in a map.
    fn validate(&self, bytes: &[u8], options: &ReadOptions) -> Vec<Error> {
        let input = Input::from_memory(bytes.to_vec());
        let read = input.and_then(|input| self.read(input, options, &mut NullSink));
        read.err().into_iter().collect()
    }

    /// A text laid out for people; a second time changes nothing more.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if it is no format of text; those of the format.
    fn layout(&self, _text: &[u8], _options: &LayoutOptions) -> Result<String> {
        let message = format!("{} is not laid out: it is no text", self.title());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Whether [`layout`](Self::layout) is for this format.
    fn is_laid_out(&self) -> bool {
        false
    }

    /// What is inside, in as much detail as can be had without much work.
    ///
    /// # Errors
    /// Those of the format and the input.
    fn inspect(&self, input: Input, options: &ReadOptions) -> Result<Node> {
        let mut outline = SchemaSummary::default();
        self.read(input, options, &mut outline)?;
        Ok(outline.into_node())
    }
}

/// A file that is being read.
pub trait Reader {
    /// How many documents it holds.
    fn documents(&self) -> Documents {
        Documents::One
    }

    /// Sends the only document as it is, several as one list.
    ///
    /// # Errors
    /// Those of the format, the input and the sink.
    fn read(self: Box<Self>, sink: &mut dyn Sink) -> Result<()>;
}

/// How many documents a file holds, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Documents {
    /// None at all; it is read as null, if as anything.
    None,
    /// One value.
    One,
    /// Rows: read as the items of a list. There may be few of them, or none, where the format is
    /// one of rows.
    Several,
}

/// A file that is being written.
pub trait Writer {
    /// Takes the value; or the rows, one after the other.
    fn sink(&mut self) -> &mut dyn Sink;

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// Those of the format and the output.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Whether bytes look like a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likelihood {
    /// They cannot be.
    No,
    /// They may be; other formats may begin the same.
    Maybe,
    /// They have the format's own mark.
    Yes,
}

/// What files of a format can hold besides plain values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no of its own")]
pub struct Capabilities {
    /// Arrays of numbers, as such. To others they are sent as nested lists.
    pub arrays: bool,
    /// References to values that occur more than once. To others they are written out in full.
    pub references: bool,
    /// Whether a file is rows: one document for each item of the outermost list.
    pub rows: Rows,
    /// Values that other formats write with a tag are its own: tuples, sets, objects.
    pub typed: bool,
    /// It is read, and not written.
    pub read_only: bool,
    /// Sets.
    pub sets: bool,
    /// Keys that are no text.
    pub any_keys: bool,
    /// Objects: types by name, with their parts.
    pub objects: bool,
    /// Texts with half a surrogate pair.
    pub surrogates: bool,
    /// Its reader refuses a map with a key that occurs twice.
    pub unique_keys: bool,
    /// What needs no tag where values are written with their types.
    pub support: TagSupport,
}

/// Whether a file is rows, one document for each item of the outermost list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rows {
    /// It is one document.
    #[default]
    Never,
    /// It is either; written as the source has it.
    Possibly,
    /// It is nothing but rows.
    Always,
}

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
        Self { limits: crate::default_limits(), nan: false, rows: false, message: None }
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

/// The formats of this build; where bytes may be of several, the first is meant.
#[must_use]
pub fn formats() -> &'static [&'static dyn Format] {
    use crate::formats as all;
    &[
        #[cfg(feature = "npy")]
        &all::npy::Npy,
        #[cfg(feature = "can")]
        &all::can::Can,
        #[cfg(feature = "npy")]
        &all::npz::Npz,
        #[cfg(feature = "safetensors")]
        &all::safetensors::Safetensors,
        #[cfg(feature = "json")]
        &all::json::Json,
        #[cfg(feature = "json")]
        &all::jsonl::Jsonl,
        #[cfg(feature = "csv")]
        &all::csv::Csv,
        #[cfg(feature = "yaml")]
        &all::yaml::Yaml,
        #[cfg(feature = "msgpack")]
        &all::msgpack::Msgpack,
        #[cfg(feature = "cbor")]
        &all::cbor::Cbor,
        #[cfg(feature = "pickle")]
        &all::pickle::Pickle,
        #[cfg(feature = "hdf5")]
        &all::hdf5::Hdf5,
        #[cfg(feature = "protobuf")]
        &all::known::Onnx,
        #[cfg(feature = "protobuf")]
        &all::known::Mvt,
        #[cfg(feature = "protobuf")]
        &all::known::Osm,
        #[cfg(feature = "protobuf")]
        &all::known::Events,
        #[cfg(feature = "protobuf")]
        &all::protobuf::Protobuf,
    ]
}

/// The format of this short name.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if there is none.
pub fn format_of_id(id: &str) -> Result<&'static dyn Format> {
    formats().iter().copied().find(|format| format.id() == id).ok_or_else(|| unknown(id))
}

/// The format that files with this extension are in.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if there is none, or no extension.
pub fn format_of_extension(extension: Option<&str>) -> Result<&'static dyn Format> {
    let extension = extension.unwrap_or_default();
    let mut all = formats().iter().copied();
    all.find(|format| format.extensions().contains(&extension)).ok_or_else(|| unknown(extension))
}

/// The format of `input`: by a mark that only one format has, else by its name, else by what its
/// first bytes look like.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if nothing says.
pub fn format_of(input: &Input) -> Result<&'static dyn Format> {
    let named = format_of_extension(input.extension());
    let likelihood = |format: &dyn Format| format.sniff(input.start());
    if let Ok(named) = named
        && likelihood(named) == Likelihood::Yes
    {
        return Ok(named);
    }
    let best = formats().iter().copied().rev().max_by_key(|format| likelihood(*format));
    match (best, named) {
        (Some(best), _) if likelihood(best) == Likelihood::Yes => Ok(best),
        // It will say what is wrong with the bytes.
        (_, Ok(named)) => Ok(named),
        (Some(best), Err(_)) if likelihood(best) == Likelihood::Maybe => Ok(best),
        (_, Err(_)) => Err(cannot_tell(input)),
    }
}

#[cold]
fn unknown(name: &str) -> Error {
    let message = match name {
        "" => "the name does not say which format it is".to_owned(),
        name => format!("`{name}` is no format of this build"),
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(there_are())
}

#[cold]
fn cannot_tell(input: &Input) -> Error {
    let message = match input.start() {
        [] => "the file is empty: it has no format".to_owned(),
        start => {
            let start = &start[..start.len().min(8)];
            format!("no known format begins with `{}`", start.escape_ascii())
        }
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(there_are())
}

fn there_are() -> String {
    let ids: Vec<_> = formats().iter().map(|format| format.id()).collect();
    format!("say which format it is: {}", ids.join(", "))
}
