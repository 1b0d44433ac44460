//! The writer: a sink that lays a value out by indentation.

mod anchors;
mod directives;
mod fold;
mod layout;
mod options;
mod plain;
mod scalar;
mod sink;

use cannery_core::{Error, ErrorKind, Result, Source, Text, TextBuf};

use self::anchors::Anchors;
use self::directives::Directives;
use self::layout::Unwritten;
pub use self::options::WriteOptions;

/// Writes documents in block style, quoted so that readers of YAML 1.1 and of 1.2 agree on them.
///
/// Shared values become anchors and aliases. Tuples are written as sequences, sets as `!!set`,
/// bytes as `!!binary`, dates as `!!timestamp`, an object whose only part is `value` as that value
/// with the object's name as its tag. Other objects and arrays of numbers are refused.
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
    options: WriteOptions,
    directives: Directives,
    open: Vec<OpenOutput>,
    /// A collection that has begun, but of which nothing is written: it may turn out empty.
    unwritten: Option<Unwritten>,
    anchors: Anchors,
    /// The mark of the node that comes next.
    mark: Option<u64>,
    /// Whether the collection that comes next goes into brackets.
    flow_next: bool,
    /// The tag of the node that comes next.
    tag: Option<TextBuf>,
    /// The depths at which objects are open.
    objects: Vec<usize>,
    /// Whether the part `value` of the innermost object is expected.
    expects_part: bool,
    /// Where the current document begins.
    start: usize,
}

/// What a collection looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Sequence,
    Mapping,
    Set,
}

/// A collection that is open, some of it written.
#[derive(Clone, Copy, Debug)]
struct OpenOutput {
    shape: Shape,
    /// The column of its entries.
    indent: usize,
    /// Whether it is in brackets.
    flow: bool,
    /// Whether its next entry stands on the line of what is around it.
    compact: bool,
    next: Next,
}

/// What is written next in a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// An item, or a text key.
    Entry,
    /// A key that is not text.
    Key,
    /// The value behind `key:`.
    Value,
    /// The value of a key after `?`.
    ExplicitValue,
}

/// Encodes a value as one document.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a kind that YAML lacks; and the source's own.
pub fn to_string(source: &impl Source) -> Result<String> {
    let mut writer = Writer::new(WriteOptions::default());
    source.emit(&mut writer)?;
    writer.end_document();
    let text = String::from_utf8(writer.into_bytes());
    text.map_err(|_| Error::new(ErrorKind::Encoding, "text that is not UTF-8 was sent"))
}

impl Writer {
    /// A writer into memory.
    #[must_use]
    pub fn new(options: WriteOptions) -> Self {
        Self::with_directives(options, Directives::default())
    }

    fn with_directives(options: WriteOptions, directives: Directives) -> Self {
        let mut writer = Self { options, directives, ..Self::default() };
        writer.begin_document();
        writer
    }

    /// A writer that begins every document with directives: `%YAML`, and `%TAG` for handles such as
    /// `!e!` and the prefixes they stand for, with which tags are written where they can be.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for a version that is not 1.x, a handle or a prefix that YAML does not
    /// allow.
    pub fn directed(
        options: WriteOptions,
        version: Option<(u8, u8)>,
        handles: &[(String, String)],
    ) -> Result<Self> {
        Ok(Self::with_directives(options, Directives::new(version, handles)?))
    }

    /// Ends a document after its value was sent.
    pub fn end_document(&mut self) {
        self.anchors.insert(&mut self.out, self.start);
        self.out.push(b'\n');
        if self.options.explicit_end {
            self.out.extend_from_slice(b"...\n");
        }
        self.start = self.out.len();
    }

    /// Begins another document after [`end_document`](Self::end_document).
    pub fn next_document(&mut self) {
        if !self.directives.is_empty() && !self.options.explicit_end {
            self.out.extend_from_slice(b"...\n");
        }
        self.options.explicit_start = true;
        self.begin_document();
    }

    fn begin_document(&mut self) {
        self.out.extend_from_slice(self.directives.text().as_bytes());
        self.start = self.out.len();
        if self.options.explicit_start || !self.directives.is_empty() {
            self.out.extend_from_slice(b"---");
        }
    }

    /// Makes room for a text of `len` bytes, and for the lines before it; what the text grows by where
    /// it is escaped or folded is left to the vector.
    #[inline]
    fn make_room(&mut self, len: usize) -> Result<()> {
        const TAG_AND_ANCHOR: usize = 128;
        let indent = self.open.last().map_or(0, |frame| frame.indent);
        let lines = indent.saturating_add(self.options.indent).saturating_mul(2);
        cannery_core::reserve(
            &mut self.out,
            len.saturating_add(lines).saturating_add(TAG_AND_ANCHOR),
        )
    }

    /// Everything written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Everything written so far; may be taken out between two documents.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }
}

#[cold]
fn lacks(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("YAML has no {what}"))
        .with_hint("`cannery.dump` writes any object, with its type")
}

/// The name of the tag that a type name is written as.
fn tag_of(type_name: Text<'_>) -> TextBuf {
    match type_name.to_str().as_deref() {
        Some("datetime.date" | "datetime.datetime") => "tag:yaml.org,2002:timestamp".into(),
        _ => type_name.into(),
    }
}
