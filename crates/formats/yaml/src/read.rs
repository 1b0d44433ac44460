//! Reading documents into a sink.

use cannery_core::{
    Error, ErrorKind, Graph, GraphBuilder, Limits, Result, Sink, Source, Value, ValueBuilder,
};

use crate::compose::Composer;
use crate::merge::merge;
use crate::parse::Parser;
use crate::{ParseOptions, Schema};

/// How to read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What to build at most.
    pub limits: Limits,
    /// Which plain scalars are not text.
    pub schema: Schema,
    /// Whether `<<` merges mappings. On by default: it is no part of YAML 1.2, but of its files.
    pub merge_keys: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), schema: Schema::default(), merge_keys: true }
    }
}

impl ReadOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`schema`](Self::schema).
    #[must_use]
    pub fn schema(mut self, schema: Schema) -> Self {
        self.schema = schema;
        self
    }

    /// Sets [`merge_keys`](Self::merge_keys).
    #[must_use]
    pub fn merge_keys(mut self, yes: bool) -> Self {
        self.merge_keys = yes;
        self
    }

    /// Whether `<<` is a key of its own kind: not where plain scalars are what they are in JSON.
    pub(crate) fn has_merges(&self) -> bool {
        self.merge_keys && matches!(self.schema, Schema::Core | Schema::Legacy)
    }
}

/// The documents of a stream, one after the other.
///
/// ```
/// use cannery_core::{Limits, ValueBuilder};
///
/// let mut documents = cannery_yaml::Documents::new("a: 1\n---\n[b]\n", &Default::default());
/// let mut count = 0;
/// loop {
///     let mut builder = ValueBuilder::new(Limits::default());
///     if !documents.read_next(&mut builder)? {
///         break;
///     }
///     count += 1;
/// }
/// assert_eq!(count, 2);
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct Documents<'a> {
    parser: Parser<'a>,
    options: ReadOptions,
    merges: bool,
}

impl<'a> Documents<'a> {
    /// The documents of `text`.
    #[must_use]
    pub fn new(text: &'a str, options: &ReadOptions) -> Self {
        let parse_options = ParseOptions::default().limits(options.limits);
        let merges = options.has_merges() && memchr::memmem::find(text.as_bytes(), b"<<").is_some();
        Self { parser: Parser::new(text, &parse_options), options: *options, merges }
    }

    /// The documents of a text before which a stream has that many lines.
    pub(crate) fn after_lines(text: &'a str, options: &ReadOptions, lines: u64) -> Self {
        let mut documents = Self::new(text, options);
        documents.parser.lines_before = lines;
        documents
    }

    /// Reads the next document into `sink`; `false` at the end of the stream.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] at the first byte that YAML does not allow, [`ErrorKind::Reference`]
    /// at an alias without its anchor, [`ErrorKind::Depth`], each with its offset; and the sink's
    /// own.
    pub fn read_next<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        if self.merges {
            return self.read_merged(sink);
        }
        let mut composer = Composer::new(sink, self.options.schema, false);
        self.parser.document(&mut composer)
    }

    /// Like [`read_next`](Self::read_next), for a sink that merges mappings itself: a merge key is
    /// sent as an entry whose key is an object named [`MERGE`], without parts.
    ///
    /// # Errors
    /// As [`read_next`](Self::read_next), but for merges.
    pub fn read_unmerged<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        let mut composer = Composer::new(sink, self.options.schema, self.options.has_merges());
        self.parser.document(&mut composer)
    }

    /// Bytes of the stream that were read: up to the end of the last document.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.parser.offset()
    }

    /// Reads to the end of the stream, where no further document may be.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if there is one; and as [`read_next`](Self::read_next).
    pub fn finish(mut self) -> Result<()> {
        let end = self.parser.offset();
        if !self.parser.document(&mut Nothing)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Value, "expected one document, found a second one")
            .at_offset(end)
            .with_hint("read a stream of documents with `load_all`"))
    }

    fn read_merged<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        let mut builder = GraphBuilder::new(self.options.limits);
        let mut composer = Composer::new(&mut builder, self.options.schema, true);
        if !self.parser.document(&mut composer)? {
            return Ok(false);
        }
        let mut graph: Graph = builder.finish()?;
        if let Some(root) = graph.root() {
            merge(&mut graph, root)?;
        }
        graph.emit(sink)?;
        Ok(true)
    }
}

/// Reads a stream of one document; an empty stream is null.
///
/// # Errors
/// As [`Documents::read_next`]; and [`ErrorKind::Value`] if a second document follows.
pub fn from_str<S: Sink + ?Sized>(text: &str, options: &ReadOptions, sink: &mut S) -> Result<()> {
    let mut documents = Documents::new(text, options);
    if !documents.read_next(sink)? {
        return sink.null();
    }
    documents.finish()
}

/// Reads a stream of one document as a tree.
///
/// # Errors
/// As [`from_str`].
pub fn to_value(text: &str) -> Result<Value> {
    let mut builder = ValueBuilder::new(Limits::default());
    from_str(text, &ReadOptions::default(), &mut builder)?;
    builder.finish()
}

/// Takes events and does nothing.
struct Nothing;

impl crate::Handler for Nothing {
    fn event(&mut self, _span: crate::Span, _event: crate::Event<'_>) -> Result<()> {
        Ok(())
    }
}
