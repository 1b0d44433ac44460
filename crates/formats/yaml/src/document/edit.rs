//! The edits.

use cannery_core::{Error, ErrorKind, Result, Value};

use super::render::is_collection;
use super::splice::Splices;
use super::tree::{Entry, NodeId, TreeNodeKind};
use super::{Document, PathStep, missing};
use crate::ScalarStyle;

impl Document {
    /// Puts `value` at `path`: in place of what is there, or as a new entry of a mapping.
    ///
    /// Anchors of what is replaced stay; comments beside it stay.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads nowhere, [`ErrorKind::Unsupported`] for values
    /// that YAML lacks and for nodes with a tag.
    pub fn set(&mut self, path: &[PathStep], value: &Value) -> Result<()> {
        if let Some(id) = self.find(path) {
            return self.replace(id, self.parent(path), value);
        }
        let [around @ .., PathStep::Key(key)] = path else { return Err(missing(path)) };
        let map = self.require(around)?;
        if !matches!(self.node(map).kind, TreeNodeKind::Mapping { .. }) {
            return Err(missing(path));
        }
        let entry = Value::Map(vec![(key.clone(), value.clone())]);
        self.add_entry(map, self.tree.entries(map).len(), &entry)
    }

    /// Inserts an item before the one at `index` of the sequence at `path`, or behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no sequence, or it has fewer items.
    pub fn insert(&mut self, path: &[PathStep], index: usize, value: &Value) -> Result<()> {
        let id = self.require(path)?;
        match &self.node(id).kind {
            TreeNodeKind::Sequence { entries, .. } if index <= entries.len() => {
                self.add_entry(id, index, &Value::List(vec![value.clone()]))
            }
            _ => Err(missing(&[path, &[PathStep::Index(index)]].concat())),
        }
    }

    /// Removes the entry at `path`, with the comment behind it; comments above it stay.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads nowhere.
    pub fn remove(&mut self, path: &[PathStep]) -> Result<()> {
        let (parent, index) = self.entry_at(path)?;
        let entries = self.tree.entries(parent);
        let entry = entries[index];
        let splices = Splices::default();
        let splices = if entries.len() == 1 {
            self.empty(parent, splices)
        } else if self.tree.is_flow(parent) {
            self.remove_in_brackets(entries, index, splices)
        } else if self.is_first(entry.start) {
            let end = self.next_line(self.entry_end(entry));
            splices.remove(self.line_start(entry.start), end)
        } else {
            // On the line of the dash before it: the next entry takes its place.
            splices.remove(entry.start, entries[index + 1].start)
        };
        self.apply(splices)
    }

    /// Gives another key to the entry at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if the path leads to no entry of a mapping.
    pub fn rename(&mut self, path: &[PathStep], key: &Value) -> Result<()> {
        let (parent, index) = self.entry_at(path)?;
        let key_node = self.tree.entries(parent)[index].key.ok_or_else(|| missing(path))?;
        let span = self.node(key_node).span;
        let text = self.layout.flow(key)?;
        self.apply(Splices::default().replace(span.start, span.end, text))
    }

    fn parent(&self, path: &[PathStep]) -> Option<NodeId> {
        match path {
            [] | [PathStep::Document(_)] => None,
            [around @ .., _] => self.find(around),
        }
    }

    pub(super) fn entry_at(&self, path: &[PathStep]) -> Result<(NodeId, usize)> {
        let [around @ .., step] = path else { return Err(missing(path)) };
        let parent = self.require(around)?;
        let index = self.tree.entry(parent, step).ok_or_else(|| missing(path))?;
        Ok((parent, index))
    }

    /// Where an entry ends: behind its value, or what announces it.
    pub(super) fn entry_end(&self, entry: Entry) -> usize {
        self.node(entry.value).span.end
    }

    fn replace(&mut self, id: NodeId, parent: Option<NodeId>, value: &Value) -> Result<()> {
        let node = self.node(id);
        if node.has_tag {
            return Err(Error::new(ErrorKind::Unsupported, "this value has a tag of its own")
                .with_hint("remove the entry and set it anew"));
        }
        let in_flow = parent.is_some_and(|parent| self.tree.is_flow(parent));
        let stays_flow = self.tree.is_flow(id) && is_collection(value);
        if in_flow || stays_flow {
            let text = self.layout.flow(value)?;
            return self.replace_inline(id, &text);
        }
        if is_collection(value) {
            return self.replace_by_lines(id, parent, value);
        }
        let column = parent.map_or(0, |parent| self.indent_of(parent));
        let text = self.inline_text(id, value, column)?;
        if self.tree.is_block_collection(id) && parent.is_some() && self.is_below(id) {
            return self.replace_lines_by(id, &text);
        }
        self.replace_inline(id, &text)
    }

    /// A scalar as it is written in place of the node: text in quotes stays in those quotes.
    fn inline_text(&self, id: NodeId, value: &Value, column: usize) -> Result<String> {
        let text = self.layout.block(value, column)?;
        let TreeNodeKind::Scalar { style } = self.node(id).kind else { return Ok(text) };
        let Value::Text(content) = value else { return Ok(text) };
        let Some(content) = content.as_str() else { return Ok(text) };
        let simple = content.chars().all(|c| !c.is_control() && !matches!(c, '\\' | '"' | '\''));
        let is_bare = text == content || text == format!("'{content}'");
        Ok(match style {
            ScalarStyle::DoubleQuoted if simple && is_bare => format!("\"{content}\""),
            ScalarStyle::SingleQuoted if simple && is_bare => format!("'{content}'"),
            _ => text,
        })
    }

    fn replace_inline(&mut self, id: NodeId, text: &str) -> Result<()> {
        let span = self.node(id).span;
        let before = self.text[..span.start].chars().next_back();
        let apart = before.is_none_or(|c| c.is_whitespace() || matches!(c, '[' | '{' | ','));
        // What was not there stands right behind its indicator.
        let space = if apart || span.start < span.end { "" } else { " " };
        self.apply(Splices::default().replace(span.start, span.end, format!("{space}{text}")))
    }

    /// Whether a block collection begins on a line below the indicator that announces it.
    fn is_below(&self, id: NodeId) -> bool {
        self.is_first(self.node(id).span.start)
    }

    /// Where what announces a node ends, which begins on a line below: the end of the line with
    /// the last indicator or property before it.
    fn announcement(&self, id: NodeId) -> usize {
        let mut at = self.line_start(self.node(id).span.start);
        loop {
            let line = self.line_start(at.saturating_sub(1));
            let text = self.text[line..at].trim();
            if line == at || !(text.is_empty() || text.starts_with('#')) {
                return self.content_end(line, at);
            }
            at = line;
        }
    }

    /// Where the text of a line ends, its comment and the blanks before that not included.
    fn content_end(&self, start: usize, end: usize) -> usize {
        let line = self.text[start..end].trim_end();
        let colon = line.rfind(" #").filter(|&at| line[..at].trim_end().ends_with([':', '-']));
        start + colon.map_or(line, |at| line[..at].trim_end()).len()
    }

    fn replace_lines_by(&mut self, id: NodeId, text: &str) -> Result<()> {
        let behind = self.announcement(id);
        let end = self.line_end(self.node(id).span.end);
        let splices = Splices::default().insert(behind, format!(" {text}"));
        self.apply(splices.remove(self.line_end(behind), end))
    }

    fn replace_by_lines(
        &mut self,
        id: NodeId,
        parent: Option<NodeId>,
        value: &Value,
    ) -> Result<()> {
        let span = self.node(id).span;
        let Some(parent) = parent else {
            let text = self.layout.block(value, 0)?;
            return self.apply(Splices::default().replace(span.start, span.end, text));
        };
        let in_sequence = matches!(self.node(parent).kind, TreeNodeKind::Sequence { .. });
        let below = self.tree.is_block_collection(id) && self.is_below(id);
        let compact = in_sequence && !below && !self.node(id).has_properties;
        let column = self.indent_of(parent) + if in_sequence { 2 } else { self.layout.step(value) };
        let text = self.layout.block(value, column)?;
        if compact {
            return self.replace_inline(id, &text);
        }
        let lines = format!("\n{}{text}", " ".repeat(column));
        if below {
            let start = self.line_end(self.announcement(id));
            return self.apply(Splices::default().replace(start, self.line_end(span.end), lines));
        }
        let start = self.text[..span.start].trim_end_matches([' ', '\t']).len();
        // A comment behind the old value stays on the line of the key.
        let end = self.line_end(span.end);
        self.apply(Splices::default().remove(start, span.end).insert(end, lines))
    }

    /// The column of the entries of a block collection.
    fn indent_of(&self, id: NodeId) -> usize {
        self.tree.entries(id).first().map_or(0, |entry| self.column(entry.start))
    }

    /// Adds an entry, given as a collection of one, before the one at `index`.
    fn add_entry(&mut self, id: NodeId, index: usize, entry: &Value) -> Result<()> {
        if self.tree.is_flow(id) {
            return self.add_in_brackets(id, index, entry);
        }
        let column = self.indent_of(id);
        let text = self.layout.block(entry, column)?;
        let pad = " ".repeat(column);
        let entries = self.tree.entries(id);
        let splices = Splices::default();
        let splices = match index.checked_sub(1) {
            Some(before) => {
                let end = self.line_end(self.entry_end(entries[before]));
                splices.insert(end, format!("\n{pad}{text}"))
            }
            None => splices.insert(entries[0].start, format!("{text}\n{pad}")),
        };
        self.apply(splices)
    }

    fn add_in_brackets(&mut self, id: NodeId, index: usize, entry: &Value) -> Result<()> {
        let whole = self.layout.flow(entry)?;
        let text = &whole[1..whole.len() - 1];
        let entries = self.tree.entries(id);
        let splices = Splices::default();
        let splices = match index.checked_sub(1) {
            Some(before) => {
                let entry = entries[before];
                let trailing = entry.comma.is_some() && index == entries.len();
                let at = self.entry_end(entry);
                let at = if trailing { entry.comma.unwrap_or(at) } else { at };
                splices.insert(at, format!(", {text}"))
            }
            None if entries.is_empty() => splices.insert(self.node(id).span.start + 1, text),
            None => splices.insert(entries[0].start, format!("{text}, ")),
        };
        self.apply(splices)
    }

    fn remove_in_brackets(&self, entries: &[Entry], index: usize, splices: Splices) -> Splices {
        let entry = entries[index];
        if let Some(next) = entries.get(index + 1) {
            return splices.remove(entry.start, next.start);
        }
        splices.remove(self.entry_end(entries[index - 1]), self.entry_end(entry))
    }

    /// Takes out the only entry of a collection: empty brackets are left.
    fn empty(&self, id: NodeId, splices: Splices) -> Splices {
        let node = self.node(id);
        let brackets = if matches!(node.kind, TreeNodeKind::Sequence { .. }) { "[]" } else { "{}" };
        let is_root = self.tree.roots.contains(&id);
        if self.tree.is_flow(id) || is_root || !self.is_below(id) {
            return splices.replace(node.span.start, node.span.end, brackets);
        }
        let behind = self.announcement(id);
        let end = self.line_end(node.span.end);
        splices.insert(behind, format!(" {brackets}")).remove(self.line_end(behind), end)
    }
}
