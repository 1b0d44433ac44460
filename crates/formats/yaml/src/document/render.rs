//! New values in the layout that a document has.

use cannery_core::{Result, Source, Value};

use super::tree::{Tree, TreeNodeKind};
use crate::{WriteOptions, Writer};

/// What a document's author chose, as far as it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    options: WriteOptions,
    pub(super) crlf: bool,
}

impl Layout {
    pub(super) fn of(text: &str, tree: &Tree) -> Self {
        let column = |at: usize| at - text[..at].rfind('\n').map_or(0, |found| found + 1);
        let mut options = WriteOptions::default();
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
        options = options.indent(indent.unwrap_or(2));
        options = options.indent_sequences(indent_sequences.unwrap_or(false));
        Self { options, crlf: text.contains("\r\n") }
    }

    /// The columns that a collection in a mapping is indented.
    pub(super) fn step(&self, value: &Value) -> usize {
        let flush = matches!(bare(value), Value::List(_) | Value::Tuple(_));
        if flush && !self.options.indent_sequences { 0 } else { self.options.indent }
    }

    /// The value in block style, each line but the first indented by `column`.
    pub(super) fn block(&self, value: &Value, column: usize) -> Result<String> {
        let text = write(value, self.options)?;
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
        Ok(out)
    }

    /// The value in brackets, on one line.
    pub(super) fn flow(&self, value: &Value) -> Result<String> {
        write(value, self.options.flow(true))
    }
}

/// Whether the value stands on lines of its own in block style.
pub(super) fn is_collection(value: &Value) -> bool {
    match bare(value) {
        Value::List(items) | Value::Tuple(items) | Value::FrozenSet(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        Value::Set(_) | Value::Object(_) => true,
        _ => false,
    }
}

fn bare(value: &Value) -> &Value {
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
