//! What the parser says: YAML's own events, before any schema.

use std::borrow::Cow;

use cannery_core::{Result, Text};

/// One step of a YAML stream, as the specification's chapter 3.1 has them.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A document begins, with `---` or without.
    DocumentStart {
        /// Whether `---` was written.
        explicit: bool,
    },
    /// A document ends, with `...` or without.
    DocumentEnd {
        /// Whether `...` was written.
        explicit: bool,
    },
    /// A scalar.
    Scalar {
        /// Its anchor and tag.
        properties: &'a Properties<'a>,
        /// Its content, unescaped and folded.
        text: Text<'a>,
        /// How it was written.
        style: ScalarStyle,
    },
    /// A sequence begins.
    SequenceStart {
        /// Its anchor and tag.
        properties: &'a Properties<'a>,
        /// Whether it is in brackets.
        flow: bool,
    },
    /// The innermost sequence ends.
    SequenceEnd,
    /// A mapping begins: key, value, key, value, ...
    MappingStart {
        /// Its anchor and tag.
        properties: &'a Properties<'a>,
        /// Whether it is in braces (or a single pair in brackets).
        flow: bool,
    },
    /// The innermost mapping ends.
    MappingEnd,
    /// The node with this anchor, once more.
    Alias(&'a str),
}

/// The anchor and the tag of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    /// The name after `&`.
    pub anchor: Option<&'a str>,
    /// The tag with its handle resolved: `!!str` is `tag:yaml.org,2002:str`.
    pub tag: Option<Cow<'a, str>>,
    /// Where the last of them ends; 0 where there is none.
    pub end: usize,
}

/// Where in the text something is: byte offsets, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The offset of its first byte.
    pub start: usize,
    /// The offset behind its last byte.
    pub end: usize,
}

impl Span {
    /// A place between two bytes.
    #[must_use]
    pub fn point(at: usize) -> Self {
        Self { start: at, end: at }
    }
}

/// Where the properties begin that end at `end`: behind `from`, blanks and comments.
#[must_use]
pub fn properties_start(text: &str, from: usize, end: usize) -> usize {
    let mut at = from.min(end);
    loop {
        let rest = &text[at..end];
        at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).len();
        if !text[at..end].starts_with('#') {
            return at;
        }
        at += text[at..end].find(['\n', '\r']).unwrap_or(end - at);
    }
}

impl Properties<'_> {
    /// Neither anchor nor tag.
    pub const NONE: Properties<'static> = Properties { anchor: None, tag: None, end: 0 };

    /// Whether there is neither anchor nor tag.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anchor.is_none() && self.tag.is_none()
    }
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes: the schema decides what it is.
    Plain,
    /// In single quotes.
    SingleQuoted,
    /// In double quotes.
    DoubleQuoted,
    /// After `|`.
    Literal,
    /// After `>`.
    Folded,
}

/// Receives the events of a stream.
pub trait Handler {
    /// One event, and where it was read.
    ///
    /// The span of a scalar or an alias is its text, without properties. That of a collection's
    /// beginning or end is its bracket; where it has none, and for a scalar that is not there, it
    /// is a point at what comes next.
    ///
    /// # Errors
    /// The handler's own; they end the parse.
    fn event(&mut self, span: Span, event: Event<'_>) -> Result<()>;

    /// An indicator of a collection's entries: one of `-`, `?`, `:` and `,`.
    #[inline]
    fn indicator(&mut self, _at: usize, _indicator: u8) {}
}
