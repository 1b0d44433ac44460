//! What a format is to the rest of cannery.

use std::path::Path;

use cannery_core::tagged::TagSupport;
use cannery_core::{Error, ErrorKind, NullSink, Result, Sink};
use cannery_places::{Input, Output};

use crate::node::Node;
use crate::options::{LayoutOptions, ReadOptions, WriteOptions};
use crate::summary::SchemaSummary;

/// A file format: how to recognize, read, write and summarize it.
///
/// A format's own crate has one value of this; the crate `cannery` lists them.
pub trait Format: Sync {
    /// Its short name, as it is given on a command line: `jsonl`.
    fn id(&self) -> &'static str;

    /// Its name for people: `JSON Lines`.
    fn title(&self) -> &'static str;

    /// The extensions of its files, the usual one first.
    fn extensions(&self) -> &'static [&'static str];

    /// What a file holds, in a few words: `one document`.
    fn holds(&self) -> &'static str;

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

    /// Whether files hold more than values do (attributes, how data are stored), so that one that
    /// is converted to the same format is copied instead.
    fn holds_more(&self) -> bool {
        false
    }

    /// Copies a file as it is, once it was seen to be one; for formats that
    /// [hold more](Self::holds_more) than values.
    ///
    /// # Errors
    /// Those of the format, the input and the output; [`ErrorKind::Unsupported`] for other formats.
    fn copy(&self, _input: Input, _output: Output<'_>) -> Result<()> {
        let message = format!("{} files are not copied: values are all they hold", self.title());
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Says of each other file how this one leads its readers to it; none is opened.
    ///
    /// # Errors
    /// Those of the format and of the operating system.
    fn other_files(&self, _path: &Path) -> Result<Vec<String>> {
        Ok(Vec::new())
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
#[expect(clippy::struct_excessive_bools, reason = "each is a yes or no of its own")]
pub struct Capabilities {
    /// Any value: what it has no form for is written with a tag, if that is asked for.
    pub documents: bool,
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
