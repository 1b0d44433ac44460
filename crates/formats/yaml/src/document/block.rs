//! Entries that stand on lines of their own.

use cannery_core::{Result, Value};

use super::Document;
use super::splice::Splices;
use super::tree::{Entry, NodeId};
use crate::Span;

impl Document {
    /// The ways to add an entry, given as a collection of one, before the one at `index`.
    pub(super) fn added_lines(
        &self,
        id: NodeId,
        index: usize,
        entry: &Value,
    ) -> Result<Vec<Splices>> {
        let entries = self.tree.entries(id);
        let column = self.indent_of(id);
        let pad = " ".repeat(column);
        let mut texts = vec![self.layout.block(entry, column)?];
        texts.push(self.layout.block_quoted(entry, column)?);
        texts.extend(self.entry_in_brackets(entry)?);
        let place = |text: &String| match index.checked_sub(1) {
            Some(before) if index == entries.len() => {
                let end = self.line_end(self.tree.entry_end(entries[before]));
                Splices::default().insert(end, self.with_breaks(&format!("\n{pad}{text}")))
            }
            _ => {
                let next = entries[index];
                if self.is_first(next.start) {
                    let line = self.first_line(next);
                    Splices::default().insert(line, self.with_breaks(&format!("{pad}{text}\n")))
                } else {
                    let text = self.with_breaks(&format!("{text}\n{pad}"));
                    Splices::default().insert(next.start, text)
                }
            }
        };
        Ok(texts.iter().map(place).collect())
    }

    /// An entry on one line, its value in brackets.
    fn entry_in_brackets(&self, entry: &Value) -> Result<Option<String>> {
        Ok(match entry {
            Value::List(items) => Some(format!("- {}", self.layout.flow(&items[0])?)),
            Value::Map(entries) => {
                let (key, value) = &entries[0];
                let key = self.layout.flow(key)?;
                Some(format!("{key}: {}", self.layout.flow(value)?))
            }
            _ => None,
        })
    }

    /// The ways to remove an entry among others.
    pub(super) fn removed_lines(&self, id: NodeId, index: usize) -> Vec<(Splices, Span)> {
        let entries = self.tree.entries(id);
        let entry = entries[index];
        let end = self.next_line(self.tree.entry_end(entry));
        let splices = Splices::default();
        if self.is_first(entry.start) {
            let (start, end) = self.with_blank_lines(id, index, self.first_line(entry), end);
            return vec![(splices.remove(start, end), Span { start, end })];
        }
        // On the line of the dash before it: the next entry takes its place, unless it has
        // comments above it.
        let next = entries[index + 1];
        let dropped = Span { start: entry.start, end };
        if self.comments_above(next.start).is_empty() {
            return vec![(splices.clone().remove(entry.start, next.start), dropped)];
        }
        let start = self.text[..entry.start].trim_end_matches([' ', '\t']).len();
        let end = self.line_end(self.tree.entry_end(entry));
        vec![(splices.remove(start, end), dropped)]
    }

    /// The lines of an entry with the blank lines on one side of it, if there are some on both.
    fn with_blank_lines(
        &self,
        id: NodeId,
        index: usize,
        start: usize,
        end: usize,
    ) -> (usize, usize) {
        let entries = self.tree.entries(id);
        let above = match index.checked_sub(1) {
            Some(before) => self.next_line(self.tree.entry_end(entries[before])),
            None => self.next_line(self.announced(id).min(start)).min(start),
        };
        let blank_behind = end == self.text.len() || self.is_blank_line(end);
        let mut first = start;
        while let Some((from, to)) = self.line_before(first) {
            if from < above || !self.text[from..to].trim().is_empty() {
                break;
            }
            first = from;
        }
        if first < start && blank_behind {
            return (first, end);
        }
        let mut last = end;
        let next = entries.get(index + 1).map_or(end, |&next| self.first_line(next));
        if index == 0 && first == start {
            while last < next && self.is_blank_line(last) {
                last = self.next_line(last);
            }
        }
        (start, last)
    }

    fn is_blank_line(&self, at: usize) -> bool {
        at < self.text.len() && self.text[at..self.line_end(at)].trim().is_empty()
    }

    /// The text of each entry with the comments that belong to it, and where it stands.
    pub(super) fn chunks(&self, entries: &[Entry]) -> Vec<(Span, String, bool)> {
        let chunk = |entry: &Entry| {
            let end = self.line_end(self.tree.entry_end(*entry));
            if !self.is_first(entry.start) {
                let text = self.text[entry.start..end].to_owned();
                return (Span { start: entry.start, end }, text, false);
            }
            let line = self.first_line(*entry);
            let text = self.text[line..end].to_owned();
            (Span { start: line, end }, text, true)
        };
        entries.iter().map(chunk).collect()
    }
}
