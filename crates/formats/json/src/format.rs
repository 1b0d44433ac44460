//! A text laid out anew: lines that fit, keys in order if asked; numbers and strings as they are.

use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Limits, NullSink, Result};

use crate::{ReadOptions, from_slice};

/// How a text is laid out.
///
/// ```
/// let options = cannery_json::FormatOptions::default().sort_keys(true);
/// assert_eq!(cannery_json::format(b"{\"b\":1.0, \"a\":[]}", &options)?, "{\"a\": [], \"b\": 1.0}\n");
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FormatOptions {
    /// Blanks for each level. Default 2.
    pub indent: usize,
    /// Columns that a list or map on one line may reach; 0 gives each item a line. Default 80.
    pub width: usize,
    /// Put the keys of each map in order; equal ones keep theirs. Off by default.
    pub sort_keys: bool,
    /// How deep the text may be nested.
    pub limits: Limits,
}

impl Default for FormatOptions {
    fn default() -> Self {
        Self { indent: 2, width: 80, sort_keys: false, limits: Limits::default() }
    }
}

impl FormatOptions {
    /// Sets [`indent`](Self::indent).
    #[must_use]
    pub fn indent(mut self, blanks: usize) -> Self {
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

    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Lays out one document; doing it twice changes nothing more.
///
/// A list or a map is on one line if it fits there; of those that do not, each item or entry has a
/// line, and lists of numbers have as many on a line as fit. Numbers and strings stay as they were
/// written, equal keys too.
///
/// # Errors
/// As [`from_slice`].
pub fn format(text: &[u8], options: &FormatOptions) -> Result<String> {
    from_slice(text, &ReadOptions::default().limits(options.limits), &mut NullSink)?;
    let text = std::str::from_utf8(text).map_err(|_| {
        Error::new(ErrorKind::Encoding, "surrogates in three bytes are no UTF-8")
            .with_hint("write them as escapes")
    })?;
    let root = tree(text, options.sort_keys);
    let mut layout = Layout { options, out: String::with_capacity(text.len() * 2) };
    layout.node(&root, 0, 0, 0);
    layout.out.push('\n');
    Ok(layout.out)
}

/// A value as it was written.
struct JsonNode<'t> {
    kind: JsonNodeKind<'t>,
    /// Its characters on one line.
    width: usize,
}

enum JsonNodeKind<'t> {
    Scalar(&'t str),
    List(Vec<JsonNode<'t>>),
    Map(Vec<(&'t str, JsonNode<'t>)>),
}

/// A list or map whose end has not come.
struct OpenJsonNode<'t> {
    is_map: bool,
    key: Option<&'t str>,
    entries: Vec<(&'t str, JsonNode<'t>)>,
}

/// The nodes of a text that is known to be JSON.
fn tree(text: &str, sort_keys: bool) -> JsonNode<'_> {
    let bytes = text.as_bytes();
    let mut open: Vec<OpenJsonNode<'_>> = Vec::new();
    let mut at = 0;
    loop {
        let start = at;
        at += 1;
        let node = match bytes[start] {
            bracket @ (b'{' | b'[') => {
                open.push(OpenJsonNode { is_map: bracket == b'{', key: None, entries: Vec::new() });
                continue;
            }
            b'}' | b']' => open.pop().map_or_else(JsonNode::nothing, |open| open.close(sort_keys)),
            b'"' => {
                at = string_end(bytes, start);
                let string = &text[start..at];
                match open.last_mut() {
                    Some(open) if open.is_map && open.key.is_none() => {
                        open.key = Some(string);
                        continue;
                    }
                    _ => JsonNode::scalar(string),
                }
            }
            b'-' | b'0'..=b'9' | b'a'..=b'z' => {
                let rest = bytes[start..].iter();
                let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
                at = start + rest.take_while(is_part).count();
                JsonNode::scalar(&text[start..at])
            }
            // Blanks, commas, colons, a byte order mark.
            _ => continue,
        };
        match open.last_mut() {
            Some(open) => open.entries.push((open.key.take().unwrap_or_default(), node)),
            None => return node,
        }
    }
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn width(text: &str) -> usize {
    text.chars().count()
}

impl<'t> JsonNode<'t> {
    fn scalar(text: &'t str) -> Self {
        Self { kind: JsonNodeKind::Scalar(text), width: width(text) }
    }

    fn nothing() -> Self {
        Self::scalar("")
    }

    /// Whether its items stand several on a line where they need more than one.
    fn is_filled(&self) -> bool {
        let is_number = |node: &JsonNode<'_>| match node.kind {
            JsonNodeKind::Scalar(text) => {
                text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
            }
            _ => false,
        };
        matches!(&self.kind, JsonNodeKind::List(items) if items.iter().all(is_number))
    }
}

impl<'t> OpenJsonNode<'t> {
    fn close(self, sort_keys: bool) -> JsonNode<'t> {
        let between = self.entries.len().saturating_sub(1) * ", ".len();
        let items: usize = self.entries.iter().map(|(_, node)| node.width).sum();
        let keys: usize = self.entries.iter().map(|(key, _)| width(key) + ": ".len()).sum();
        let mut entries = self.entries;
        if !self.is_map {
            let items_width = "[]".len() + between + items;
            let items = entries.into_iter().map(|(_, node)| node).collect();
            return JsonNode { kind: JsonNodeKind::List(items), width: items_width };
        }
        if sort_keys {
            entries.sort_by_cached_key(|(key, _)| unescaped(key));
        }
        JsonNode { kind: JsonNodeKind::Map(entries), width: "{}".len() + between + items + keys }
    }
}

/// What a key says, to put it in order.
fn unescaped(key: &str) -> Vec<u8> {
    match crate::to_value(key.as_bytes()) {
        Ok(cannery_core::Value::Text(text)) => text.as_text().to_utf8().into_owned(),
        _ => key.as_bytes().to_vec(),
    }
}

struct Layout<'o> {
    options: &'o FormatOptions,
    out: String,
}

impl Layout<'_> {
    /// Writes a node that begins in a column, on a level, with so much behind it.
    fn node(&mut self, node: &JsonNode<'_>, column: usize, level: usize, behind: usize) {
        let fits = self.options.width > 0 && column + node.width + behind <= self.options.width;
        match &node.kind {
            _ if fits => self.line(node),
            JsonNodeKind::Scalar(text) => self.out.push_str(text),
            JsonNodeKind::List(items) if items.is_empty() => self.out.push_str("[]"),
            JsonNodeKind::Map(entries) if entries.is_empty() => self.out.push_str("{}"),
            JsonNodeKind::List(items) if self.options.width > 0 && node.is_filled() => {
                self.fill(items, level);
            }
            JsonNodeKind::List(items) => {
                self.lines(['[', ']'], level, items.iter().map(|item| ("", item)));
            }
            JsonNodeKind::Map(entries) => {
                let entries = entries.iter().map(|(key, item)| (*key, item));
                self.lines(['{', '}'], level, entries);
            }
        }
    }

    /// Writes a node on the line that was begun.
    fn line(&mut self, node: &JsonNode<'_>) {
        match &node.kind {
            JsonNodeKind::Scalar(text) => self.out.push_str(text),
            JsonNodeKind::List(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.out.push_str(if index > 0 { ", " } else { "" });
                    self.line(item);
                }
                self.out.push(']');
            }
            JsonNodeKind::Map(entries) => {
                self.out.push('{');
                for (index, (key, item)) in entries.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    let _ = write!(self.out, "{comma}{key}: ");
                    self.line(item);
                }
                self.out.push('}');
            }
        }
    }

    fn lines<'n, 't: 'n>(
        &mut self,
        [open, close]: [char; 2],
        level: usize,
        entries: impl ExactSizeIterator<Item = (&'n str, &'n JsonNode<'t>)>,
    ) {
        self.out.push(open);
        let mut left = entries.len();
        for (key, node) in entries {
            left -= 1;
            self.new_line(level + 1);
            let mut column = (level + 1) * self.options.indent;
            if !key.is_empty() {
                let _ = write!(self.out, "{key}: ");
                column += width(key) + ": ".len();
            }
            self.node(node, column, level + 1, usize::from(left > 0));
            if left > 0 {
                self.out.push(',');
            }
        }
        self.new_line(level);
        self.out.push(close);
    }

    /// Writes numbers, as many on a line as fit.
    fn fill(&mut self, items: &[JsonNode<'_>], level: usize) {
        self.out.push('[');
        let margin = (level + 1) * self.options.indent;
        let mut column = self.options.width + 1;
        for (index, item) in items.iter().enumerate() {
            let behind = usize::from(index + 1 < items.len());
            if column + ", ".len() + item.width + behind > self.options.width {
                self.out.push_str(if index > 0 { "," } else { "" });
                self.new_line(level + 1);
                column = margin + item.width;
            } else {
                self.out.push_str(", ");
                column += ", ".len() + item.width;
            }
            self.line(item);
        }
        self.new_line(level);
        self.out.push(']');
    }

    fn new_line(&mut self, level: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', level * self.options.indent));
    }
}
