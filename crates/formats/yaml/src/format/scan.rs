//! The tokens of a text, each with the column that it gets where it begins a line.

use cannery_core::Result;

use super::options::FormatOptions;
use crate::{Event, Handler, ParseOptions, ScalarStyle, Span, parse};

/// A piece of a text without blanks around it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: NodeStyle,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Its column, if it begins a line.
    pub(super) column: usize,
    /// The column of the lines that it goes on over; for a block scalar the columns that its lines
    /// have now, and get.
    pub(super) lines: Lines,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NodeStyle {
    /// `-` and `?`.
    Indicator,
    Colon,
    Comma,
    Open,
    Close,
    Scalar,
    /// An alias, an anchor or a tag: what must be followed by a blank.
    Name,
    Comment,
    /// `---`
    Start,
    /// `...` and directives, which have a line of their own.
    Line,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// Blanks at both ends of a line mean nothing.
    Folded(usize),
    /// Lines of a block scalar move from one column to another.
    Block { from: usize, to: usize },
}

/// A collection that is open: where its entries are, and where they will be.
#[derive(Clone, Copy, Debug)]
struct OpenBlock {
    kind: FrameKind,
    from: Option<usize>,
    to: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameKind {
    Sequence,
    Mapping,
    /// In brackets; whether it has some of its own.
    Flow {
        bracket: bool,
    },
}

/// A comment on a line of its own, and the frames that it may belong to.
struct Pending {
    token: usize,
    from: usize,
    frames: Vec<OpenBlock>,
}

struct Scanner<'t> {
    text: &'t str,
    indent: usize,
    indent_sequences: bool,
    tokens: Vec<Token>,
    /// The end of the last token.
    at: usize,
    open: Vec<OpenBlock>,
    /// The column of what comes, if it begins a line.
    next: usize,
    /// The column of an explicit entry's content: a sequence in it is indented.
    explicit: bool,
    comments: Vec<Pending>,
}

pub(super) fn scan(text: &str, options: &FormatOptions) -> Result<Vec<Token>> {
    let found = Found::of(text)?;
    let mut scanner = Scanner {
        text,
        indent: options.indent.or(found.indent).unwrap_or(2),
        indent_sequences: options.indent_sequences.or(found.indent_sequences).unwrap_or(false),
        tokens: Vec::new(),
        at: 0,
        open: Vec::new(),
        next: 0,
        explicit: false,
        comments: Vec::new(),
    };
    parse(text, &ParseOptions::default(), &mut scanner)?;
    scanner.gap(text.len());
    scanner.place_comments();
    Ok(scanner.tokens)
}

impl Scanner<'_> {
    fn push(&mut self, kind: NodeStyle, start: usize, end: usize) {
        let (column, lines) = (self.next, Lines::Folded(self.next));
        self.tokens.push(Token { kind, start, end, column, lines });
        self.at = end;
    }

    /// Finds the tokens that the parser does not tell of: between the last one and `end`.
    fn gap(&mut self, end: usize) {
        while self.at < end {
            let rest = &self.text[self.at..end];
            let blank =
                rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).len();
            self.at += blank;
            let rest = &rest[blank..];
            let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
            let word = rest.find([' ', '\t', '\n', '\r']).unwrap_or(rest.len());
            let start = self.at;
            match rest.as_bytes().first() {
                None => {}
                Some(b'#') => self.comment(start, start + rest[..line].trim_end().len()),
                Some(b'%') => self.line(start, start + rest[..line].trim_end().len()),
                Some(b'.') => self.line(start, start + word),
                Some(b'-') => {
                    self.next = 0;
                    self.push(NodeStyle::Start, start, start + word);
                }
                Some(b'!') if rest.starts_with("!<") => {
                    let length = rest.find('>').map_or(word, |at| at + 1);
                    self.push(NodeStyle::Name, start, start + length);
                }
                Some(_) => {
                    let word = rest[..word].find(['[', ']', '{', '}', ',']).unwrap_or(word);
                    self.push(NodeStyle::Name, start, start + word.max(1));
                }
            }
        }
    }

    fn line(&mut self, start: usize, end: usize) {
        self.next = 0;
        self.push(NodeStyle::Line, start, end);
    }

    fn comment(&mut self, start: usize, end: usize) {
        if self.begins_line(start) {
            let frames = self.open.clone();
            let from = self.column(start);
            self.comments.push(Pending { token: self.tokens.len(), from, frames });
        }
        self.push(NodeStyle::Comment, start, end);
    }

    fn column(&self, at: usize) -> usize {
        let line = self.text[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1);
        self.text[line..at].chars().filter(|&c| c != '\u{feff}').count()
    }

    fn begins_line(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end_matches([' ', '\t', '\u{feff}']);
        before.is_empty() || before.ends_with(['\n', '\r'])
    }

    /// A comment is indented like the line below it, if it is now; else like the innermost
    /// collection that it is not left of.
    fn place_comments(&mut self) {
        let mut below = None;
        let mut at = self.tokens.len();
        // From the last on, so that long runs of comments cost no more than others.
        for pending in std::mem::take(&mut self.comments).into_iter().rev() {
            while at > pending.token {
                at -= 1;
                if self.tokens[at].kind != NodeStyle::Comment {
                    below = Some((self.tokens[at].column, self.tokens[at].start));
                }
            }
            let like_below = below.filter(|&(_, start)| self.column(start) == pending.from);
            let mut frames = pending.frames.iter().rev();
            let flow = frames.clone().next().filter(|f| matches!(f.kind, FrameKind::Flow { .. }));
            let column = match (flow, like_below) {
                (Some(flow), _) => flow.to,
                (None, Some((column, _))) => column,
                (None, None) => {
                    let right = |f: &&OpenBlock| f.from.is_some_and(|from| from <= pending.from);
                    frames.find(right).map_or(0, |frame| frame.to)
                }
            };
            self.tokens[pending.token].column = column;
        }
    }

    /// Opens a block collection whose first entry begins at `at`.
    fn open_block(&mut self, kind: FrameKind, at: usize) {
        let to = match self.open.last() {
            Some(OpenBlock { kind: FrameKind::Mapping, to, .. })
                if kind == FrameKind::Sequence && !self.explicit && !self.indent_sequences =>
            {
                *to
            }
            _ => self.next,
        };
        self.open.push(OpenBlock { kind, from: Some(self.column(at)), to });
        self.next = to;
        self.explicit = false;
    }

    fn open_flow(&mut self, span: Span) {
        let bracket = span.end > span.start;
        let mut to = self.next;
        if bracket {
            self.push(NodeStyle::Open, span.start, span.end);
            to += self.indent;
        }
        self.open.push(OpenBlock { kind: FrameKind::Flow { bracket }, from: None, to });
        self.next = to;
    }

    fn close(&mut self, span: Span) {
        let Some(frame) = self.open.pop() else { return };
        if frame.kind == (FrameKind::Flow { bracket: true }) {
            self.next = frame.to - self.indent;
            self.push(NodeStyle::Close, span.start, span.end);
        }
        self.after_node();
    }

    /// What comes behind a node is an entry of the collection around it.
    fn after_node(&mut self) {
        self.next = self.open.last().map_or(0, |frame| frame.to);
        self.explicit = false;
    }

    fn scalar(&mut self, span: Span, style: ScalarStyle) {
        if span.end == span.start {
            return;
        }
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.block_scalar(span),
            _ => {
                self.push(NodeStyle::Scalar, span.start, span.end);
                if self.open.is_empty() {
                    // At the margin a line might look like the end of the document.
                    self.continue_at(self.indent);
                }
            }
        }
    }

    fn continue_at(&mut self, column: usize) {
        if let Some(token) = self.tokens.last_mut() {
            token.lines = Lines::Folded(column);
        }
    }

    fn block_scalar(&mut self, span: Span) {
        let text = &self.text[span.start..span.end];
        let header = text.lines().next().unwrap_or_default();
        let header = header.split('#').next().unwrap_or_default();
        let digit = header.chars().find_map(|c| c.to_digit(10)).map(|digit| digit as usize);
        let parent = self.open.last().and_then(|frame| Some((frame.from?, frame.to)));
        let (from, to) = match (digit, parent) {
            (Some(digit), Some((from, to))) => (from + digit, to + digit),
            (None, Some(_)) => (first_indent(text), self.next),
            (_, None) => (0, 0),
        };
        let trimmed = if header.contains('+') {
            text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
        } else {
            without_empty_lines(text, from)
        };
        let end = span.start + trimmed.len();
        self.push(NodeStyle::Scalar, span.start, end);
        if let Some(token) = self.tokens.last_mut() {
            token.lines = Lines::Block { from, to };
        }
    }
}

/// The blanks before the first line of a block scalar that has more than blanks; if none has, those
/// of the longest.
fn first_indent(text: &str) -> usize {
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut lines = text.lines().skip(1);
    let is_content = |line: &&str| blanks(line) < line.len();
    let first = lines.clone().find(is_content).map(blanks);
    first.or_else(|| lines.by_ref().map(blanks).max()).unwrap_or(0)
}

/// A block scalar without the lines at its end that have no more blanks than it is indented.
fn without_empty_lines(mut text: &str, indent: usize) -> &str {
    while let Some((before, line)) = text.rsplit_once('\n') {
        if line.len() > indent || line.contains(|c| c != ' ') {
            break;
        }
        text = before.strip_suffix('\r').unwrap_or(before);
    }
    text
}

impl Handler for Scanner<'_> {
    fn event(&mut self, span: Span, event: Event<'_>) -> Result<()> {
        // Where a pair in brackets begins is told when its key has been seen.
        let is_pair = matches!(event, Event::MappingStart { flow: true, .. });
        if !(is_pair && span.start == span.end) {
            self.gap(span.start);
        }
        match event {
            Event::DocumentStart { .. } | Event::DocumentEnd { .. } => self.after_node(),
            Event::Scalar { style, .. } => {
                self.scalar(span, style);
                self.after_node();
            }
            Event::Alias(_) => {
                self.push(NodeStyle::Name, span.start, span.end);
                self.after_node();
            }
            Event::SequenceStart { flow: false, .. } => {
                self.open_block(FrameKind::Sequence, span.start);
            }
            Event::MappingStart { flow: false, .. } => {
                self.open_block(FrameKind::Mapping, span.start);
            }
            Event::SequenceStart { .. } | Event::MappingStart { .. } => self.open_flow(span),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
        }
        Ok(())
    }

    fn indicator(&mut self, at: usize, indicator: u8) {
        self.gap(at);
        let Some(frame) = self.open.last().copied() else { return };
        let is_block = !matches!(frame.kind, FrameKind::Flow { .. });
        self.next = frame.to;
        match indicator {
            b',' => self.push(NodeStyle::Comma, at, at + 1),
            b':' => {
                self.explicit = is_block && self.begins_line(at);
                self.push(NodeStyle::Colon, at, at + 1);
                if is_block {
                    self.next = frame.to + if self.explicit { 2 } else { self.indent };
                }
            }
            _ => {
                self.push(NodeStyle::Indicator, at, at + 1);
                self.explicit = true;
                if is_block {
                    self.next = frame.to + 2;
                }
            }
        }
    }
}

/// The indentation that a text begins with.
#[derive(Default)]
struct Found {
    indent: Option<usize>,
    indent_sequences: Option<bool>,
    open: Vec<(FrameKind, usize)>,
    line_starts: Vec<usize>,
    /// A key was just followed by its colon, here.
    colon: Option<usize>,
}

impl Found {
    fn of(text: &str) -> Result<Self> {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect();
        let mut found = Self { line_starts, ..Self::default() };
        parse(text, &ParseOptions::default(), &mut found)?;
        Ok(found)
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= at) - 1;
        (line, at - self.line_starts[line])
    }

    fn open(&mut self, kind: FrameKind, at: usize) {
        let (line, column) = self.line_and_column(at);
        let colon = self.colon.take().map(|colon| self.line_and_column(colon));
        if let Some(&(FrameKind::Mapping, outer)) = self.open.last()
            && let Some((colon_line, colon_column)) = colon
            && colon_line < line
            // Below the colon of a `?` key everything is indented: that says nothing.
            && colon_column > outer
        {
            match kind {
                // Other widths are rather an accident.
                FrameKind::Mapping if (2..=4).contains(&(column - outer)) => {
                    self.indent.get_or_insert(column - outer);
                }
                FrameKind::Sequence => {
                    self.indent_sequences.get_or_insert(column > outer);
                }
                _ => {}
            }
        }
        self.open.push((kind, column));
    }
}

impl Handler for Found {
    fn event(&mut self, span: Span, event: Event<'_>) -> Result<()> {
        match event {
            Event::SequenceStart { flow: false, .. } => self.open(FrameKind::Sequence, span.start),
            Event::MappingStart { flow: false, .. } => self.open(FrameKind::Mapping, span.start),
            Event::SequenceStart { .. } | Event::MappingStart { .. } => {
                self.open.push((FrameKind::Flow { bracket: true }, 0));
            }
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            _ => {}
        }
        if !matches!(event, Event::SequenceStart { .. } | Event::MappingStart { .. }) {
            self.colon = None;
        }
        Ok(())
    }

    fn indicator(&mut self, at: usize, indicator: u8) {
        self.colon = (indicator == b':').then_some(at);
    }
}
