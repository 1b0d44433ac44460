//! The parser: one pass over the text, straight to events, on an explicit stack.
//!
//! A node is recognised where it stands. Whether it is the key of a mapping is known when its line
//! has been scanned (a `:` follows), before anything was said of it; so no tokens are kept.

mod block;
mod block_scalar;
mod cursor;
mod directives;
mod document;
mod flow;
mod key_ahead;
mod plain;
mod properties;
mod quoted;

use cannery_core::{Error, Limits, Result, Text};

use self::cursor::Cursor;
use self::directives::Handles;
use crate::{Event, Handler, Properties, ScalarStyle, Span};

/// How to parse.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ParseOptions {
    /// How deep collections may lie inside each other.
    pub limits: Limits,
}

impl ParseOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Parses a whole stream.
///
/// # Errors
/// [`Syntax`](cannery_core::ErrorKind::Syntax) at the first byte that YAML does not allow, with its
/// offset; and the handler's own.
pub fn parse(text: &str, options: &ParseOptions, handler: &mut impl Handler) -> Result<()> {
    let mut parser = Parser::new(text, options);
    while parser.document(handler)? {}
    Ok(())
}

/// A stream being parsed.
pub(crate) struct Parser<'a> {
    cursor: Cursor<'a>,
    limits: Limits,
    handles: Handles<'a>,
    open: Vec<OpenState>,
    /// The indentation that the innermost block collection around the brackets has.
    flow_indent: isize,
    /// The content of the last scalar, if it is not as the source has it.
    scratch: Vec<u8>,
    /// Whether the whole text is ASCII: then there is no need to look at its scalars.
    is_ascii: bool,
    /// Where the text has its first control character, if it has any: none may stand anywhere.
    first_control: Option<usize>,
    /// Where the text has its first byte order mark inside, if it has any: none may stand in a plain
    /// scalar.
    first_mark: Option<usize>,
    /// Whether the last document ended without `...`: then no other can begin without `---`.
    open_ended: bool,
    /// Lines of the stream before this text.
    pub(crate) lines_before: u64,
}

/// A collection that is still open, and what is expected next in it.
#[derive(Clone, Copy, Debug)]
enum OpenState {
    /// Entries at column `indent`.
    BlockSequence {
        indent: isize,
    },
    /// Keys at column `indent`.
    BlockMapping {
        indent: isize,
        next: Next,
    },
    FlowSequence {
        start: usize,
        next: Item,
    },
    /// `a: b` inside the brackets of a sequence.
    FlowPair {
        next: Next,
    },
    FlowMapping {
        start: usize,
        next: Next,
    },
}

/// What is expected next in a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A key, or the end.
    Key,
    /// The node after `?`.
    ExplicitKey,
    /// A `:`, or nothing: then the value is empty.
    Colon,
    /// A value.
    Value,
    /// In brackets: a comma, or the end.
    Comma,
}

/// What is expected next in a sequence in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    /// An entry, or the end.
    Entry,
    /// A comma, or the end.
    Comma,
}

/// A scalar that was scanned but not sent yet.
#[derive(Clone, Copy, Debug)]
struct Scanned {
    start: usize,
    content: Content,
    style: ScalarStyle,
    /// Whether it goes over a line break: then it is no implicit key.
    multi_line: bool,
}

/// Where the content of a scalar is.
#[derive(Clone, Copy, Debug)]
enum Content {
    /// In the source, from one offset to another.
    Source(usize, usize),
    /// In [`Parser::scratch`], as UTF-8.
    Scratch,
    /// In [`Parser::scratch`], with surrogates.
    Surrogates,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, options: &ParseOptions) -> Self {
        let (is_ascii, cursor) = (text.is_ascii(), Cursor::new(text));
        let first_mark = if is_ascii { None } else { find_mark(&text[cursor.at..]) };
        Self {
            cursor,
            limits: options.limits,
            handles: Handles::default(),
            open: Vec::new(),
            flow_indent: -1,
            scratch: Vec::new(),
            is_ascii,
            first_control: first_control(text.as_bytes()),
            first_mark: first_mark.map(|at| cursor.at + at),
            open_ended: false,
            lines_before: 0,
        }
    }

    /// Bytes parsed so far.
    pub(crate) fn offset(&self) -> u64 {
        self.cursor.at as u64
    }

    fn push(&mut self, frame: OpenState) -> Result<()> {
        if self.open.len() >= self.limits.depth {
            return Err(self.limits.too_deep().at_offset(self.cursor.at as u64));
        }
        self.open.push(frame);
        Ok(())
    }

    /// Changes what is expected next in the innermost mapping.
    fn expect(&mut self, expected: Next) {
        match self.open.last_mut() {
            Some(
                OpenState::BlockMapping { next, .. }
                | OpenState::FlowPair { next }
                | OpenState::FlowMapping { next, .. },
            ) => *next = expected,
            _ => unreachable!("only mappings expect keys and values"),
        }
    }

    #[inline]
    fn scalar(
        &self,
        properties: &Properties<'_>,
        scanned: Scanned,
        handler: &mut impl Handler,
    ) -> Result<()> {
        let text = match scanned.content {
            Content::Source(from, to) if self.is_ascii => Text::Ascii(&self.cursor.text[from..to]),
            Content::Source(from, to) => Text::Utf8(&self.cursor.text[from..to]),
            Content::Scratch => match std::str::from_utf8(&self.scratch) {
                Ok(text) => Text::Utf8(text),
                Err(_) => unreachable!("the scratch is put together from whole characters"),
            },
            Content::Surrogates => Text::Surrogates(&self.scratch),
        };
        let span = Span { start: scanned.start, end: self.cursor.at };
        handler.event(span, Event::Scalar { properties, text, style: scanned.style })
    }

    /// A node that is not there.
    fn empty(&self, properties: &Properties<'_>, handler: &mut impl Handler) -> Result<()> {
        let (text, style) = (Text::Utf8(""), ScalarStyle::Plain);
        handler.event(Span::point(self.cursor.at), Event::Scalar { properties, text, style })
    }

    #[cold]
    fn error(&self, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        self.cursor.error(message)
    }
}

fn find_mark(text: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), "\u{feff}".as_bytes())
}

/// Where the first character below U+0020 is that is no tab and no line break.
fn first_control(bytes: &[u8]) -> Option<usize> {
    const BLOCK: usize = 256;
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Without a way out of the inner loop, many bytes are looked at at once.
    let has_control =
        |block: &[u8]| block.iter().fold(false, |found, byte| found | is_control(byte));
    let block = bytes.chunks(BLOCK).position(has_control)?;
    bytes[block * BLOCK..].iter().position(is_control).map(|at| block * BLOCK + at)
}
