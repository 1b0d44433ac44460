//! New values in the layout that a document has.

use cannery_core::{Result, Source, Value};

use super::tree::{Tree, TreeNodeKind};
use crate::{ScalarStyle, WriteOptions, Writer};

/// What a document's author chose, as far as it shows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Layout {
    options: WriteOptions,
    pub(super) crlf: bool,
    /// Whether the text is JSON as a whole.
    pub(super) json: bool,
}

impl Layout {
    /// The layout of a text; where it shows nothing, as `before`.
    pub(super) fn of(text: &str, tree: &Tree, before: Self) -> Self {
        let column = |at: usize| at - text[..at].rfind('\n').map_or(0, |found| found + 1);
        let mut options = before.options;
        let (mut indent, mut indent_sequences) = (None, None);
        for node in tree.iter() {
            if indent.is_some() && indent_sequences.is_some() {
                break;
            }
            let TreeNodeKind::Mapping { flow: false, entries } = &node.kind else { continue };
            for entry in entries {
                // Below the colon of a `?` key everything is indented: that says nothing.
                if text[entry.start..].starts_with(['?', ':']) {
                    continue;
                }
                let Some(inner) = tree.entries(entry.value).first() else { continue };
                let deeper = column(inner.start).checked_sub(column(entry.start));
                let below = text[entry.start..inner.start].contains('\n');
                match (&tree[entry.value].kind, deeper) {
                    (TreeNodeKind::Mapping { flow: false, .. }, Some(columns @ 1..=9)) if below => {
                        indent.get_or_insert(columns);
                    }
                    (TreeNodeKind::Sequence { flow: false, .. }, Some(columns)) if below => {
                        indent_sequences.get_or_insert(columns > 0);
                    }
                    _ => {}
                }
            }
        }
        options = options.indent(indent.unwrap_or(options.indent));
        options = options.indent_sequences(indent_sequences.unwrap_or(options.indent_sequences));
        Self { options, crlf: text.contains("\r\n"), json: before.json }
    }

    /// The columns that a collection in a mapping is indented.
    pub(super) fn step(&self, value: &Value) -> usize {
        let flush = matches!(bare(value), Value::List(_) | Value::Tuple(_));
        if flush && !self.options.indent_sequences { 0 } else { self.options.indent }
    }

    /// The columns that lines below something are indented.
    pub(super) fn indent(&self) -> usize {
        self.options.indent
    }

    /// The value in block style, each line but the first indented by `column`.
    pub(super) fn block(&self, value: &Value, column: usize) -> Result<String> {
        Ok(indented(&write(value, self.options)?, column))
    }

    /// As [`block`](Self::block), all text in double quotes: no line but those of collections.
    pub(super) fn block_quoted(&self, value: &Value, column: usize) -> Result<String> {
        Ok(indented(&write(value, self.options.style(ScalarStyle::DoubleQuoted))?, column))
    }

    /// The value in brackets, on one line.
    pub(super) fn flow(&self, value: &Value) -> Result<String> {
        write(value, self.options.flow(true))
    }

    /// A scalar in those quotes.
    pub(super) fn quoted(&self, value: &Value, style: ScalarStyle) -> Result<String> {
        write(value, self.options.flow(true).style(style))
    }
}

fn indented(text: &str, column: usize) -> String {
    let pad = " ".repeat(column);
    let mut lines = text.split('\n');
    let mut out = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        out.push('\n');
        if !line.is_empty() {
            out.push_str(&pad);
            out.push_str(line);
        }
    }
    out
}

/// Text after `|` or `>`: the header and the lines, indented by `column`.
///
/// `step` is how much that is more than what is around it. `width` is where lines after `>` are
/// broken. `None` if the text cannot be written so.
pub(super) fn block_scalar(
    text: &str,
    folded: bool,
    column: usize,
    step: usize,
    width: usize,
) -> Option<(String, String)> {
    let content = text.trim_end_matches('\n');
    let is_plain = |c: char| c == '\n' || c == '\t' || cannery_core::is_printable(c);
    if content.is_empty() || !content.chars().all(is_plain) {
        return None;
    }
    let first = content.trim_start_matches('\n');
    let mut header = if folded { ">".to_owned() } else { "|".to_owned() };
    if first.starts_with([' ', '\t']) {
        header.push_str(&step.to_string());
    }
    header.push_str(match text.len() - content.len() {
        0 => "-",
        1 => "",
        _ => "+",
    });
    let lines = if folded {
        folded_lines(content, width.saturating_sub(column))?
    } else {
        content.to_owned()
    };
    let pad = " ".repeat(column);
    let pad_line =
        |line: &str| if line.is_empty() { String::new() } else { format!("{pad}{line}") };
    let mut body: Vec<String> = lines.split('\n').map(pad_line).collect();
    body.extend(std::iter::repeat_n(String::new(), (text.len() - content.len()).saturating_sub(1)));
    Some((header, body.join("\n")))
}

/// Lines that are read back as `content` after `>`; `None` if one begins or ends with a blank.
fn folded_lines(content: &str, width: usize) -> Option<String> {
    let mut out = String::new();
    for (index, line) in content.split('\n').enumerate() {
        if line.starts_with([' ', '\t']) || line.ends_with([' ', '\t']) {
            return None;
        }
        if index > 0 {
            out.push('\n');
            // Between two lines of text, one break alone would be read as a blank.
            let after_text = !out.ends_with("\n\n") && out.len() > 1;
            if after_text && !line.is_empty() {
                out.push('\n');
            }
        }
        let mut column = 0;
        for (index, word) in line.split(' ').enumerate() {
            let alone = word.is_empty() || word.starts_with('\t');
            if index > 0
                && column > 0
                && column + 1 + word.len() > width
                && !alone
                && !out.ends_with(' ')
            {
                out.push('\n');
                column = 0;
            } else if index > 0 {
                out.push(' ');
                column += 1;
            }
            out.push_str(word);
            column += word.chars().count();
        }
    }
    Some(out)
}

/// The value as JSON, if it is one that JSON has.
pub(super) fn json(value: &Value) -> Option<String> {
    let all = |values: &[Value]| values.iter().map(json).collect::<Option<Vec<_>>>();
    Some(match bare(value) {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Float(number) if !number.is_finite() => return None,
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => {
            write(bare(value), WriteOptions::default()).ok()?
        }
        Value::Text(text) => json_text(text.as_str()?),
        Value::List(items) | Value::Tuple(items) => format!("[{}]", all(items)?.join(", ")),
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| match bare(key) {
                Value::Text(key) => Some(format!("{}: {}", json_text(key.as_str()?), json(value)?)),
                _ => None,
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Option<Vec<_>>>()?.join(", "))
        }
        _ => return None,
    })
}

fn json_text(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            character if cannery_core::is_printable(character) => out.push(character),
            character => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
    out
}

/// Whether the value stands on lines of its own in block style.
pub(super) fn is_collection(value: &Value) -> bool {
    match bare(value) {
        Value::List(items) | Value::Tuple(items) | Value::FrozenSet(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        Value::Set(_) => true,
        // A value with a tag.
        Value::Object(object) => object.parts.iter().any(|(_, part)| is_collection(part)),
        _ => false,
    }
}

pub(super) fn bare(value: &Value) -> &Value {
    match value {
        Value::Marked(_, value) => bare(value),
        value => value,
    }
}

fn write(value: &Value, options: WriteOptions) -> Result<String> {
    let mut writer = Writer::new(options);
    value.emit(&mut writer)?;
    writer.end_document();
    let mut text = String::from_utf8(writer.into_bytes()).expect("the writer writes UTF-8");
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}
