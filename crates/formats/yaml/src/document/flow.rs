//! Entries in brackets.

use cannery_core::{Result, Value};

use super::Document;
use super::render::json;
use super::splice::Splices;
use super::tree::{Entry, NodeId};
use crate::Span;

impl Document {
    /// The ways to add an entry, given as a collection of one, before the one at `index`.
    pub(super) fn added_in_brackets(
        &self,
        id: NodeId,
        index: usize,
        entry: &Value,
    ) -> Result<Vec<Splices>> {
        let mut ways = Vec::new();
        if self.tree.entries(id).is_empty() && self.tree.roots.contains(&id) && !self.layout.json {
            let span = self.node(id).span;
            let text = self.with_breaks(&self.layout.block(entry, self.column(span.start))?);
            ways.push(Splices::default().replace(span.start, span.end, text));
        }
        if let Some(json) = json(entry).filter(|_| self.is_in_json(id)) {
            ways.extend(self.added_text(id, index, &json));
        }
        let text = self.layout.flow(entry)?;
        ways.extend(self.added_text(id, index, &text));
        Ok(ways)
    }

    fn added_text(&self, id: NodeId, index: usize, whole: &str) -> Vec<Splices> {
        let text = &whole[1..whole.len() - 1];
        let span = self.node(id).span;
        let splices = Splices::default;
        let entries = self.tree.entries(id);
        let bracket = self.text[span.start..].starts_with(['[', '{']);
        if !bracket {
            // `[a: b]` holds a mapping without braces.
            let old = &self.text[span.start..span.end];
            let text = if index == 0 { format!("{text}, {old}") } else { format!("{old}, {text}") };
            return vec![splices().replace(span.start, span.end, format!("{{{text}}}"))];
        }
        if entries.is_empty() {
            return vec![splices().insert(span.start + 1, text)];
        }
        let mut ways = Vec::new();
        if self.are_lines(id) {
            ways.push(self.added_line(id, index, text));
        }
        let blank = separator(entries);
        match index.checked_sub(1) {
            Some(before) => {
                let entry = entries[before];
                let trailing = entry.comma.filter(|_| index == entries.len());
                let at = trailing.unwrap_or_else(|| self.tree.entry_end(entry));
                ways.push(splices().insert(at, format!(",{blank}{text}")));
                // Quotes and a colon beside each other are one key.
                ways.push(splices().insert(at, format!(" ,{blank}{text} ")));
            }
            None => ways.push(splices().insert(entries[0].start, format!("{text},{blank}"))),
        }
        ways
    }

    /// Adds an entry on a line of its own, where all others have one.
    fn added_line(&self, id: NodeId, index: usize, text: &str) -> Splices {
        let entries = self.tree.entries(id);
        let splices = Splices::default();
        let pad = &self.text[self.line_start(entries[0].start)..entries[0].start];
        if let Some(&next) = entries.get(index) {
            let line = self.first_line(next);
            return splices.insert(line, self.with_breaks(&format!("{pad}{text},\n")));
        }
        let last = entries[index - 1];
        let end = self.tree.entry_end(last);
        let (splices, comma, behind) = match last.comma {
            Some(comma) => (splices, ",", comma + 1),
            None => (splices.insert(end, ","), "", end),
        };
        let comment = self.comment_after(end, Some(last));
        let at = comment.map_or(behind, |comment| comment.end);
        splices.insert(at, self.with_breaks(&format!("\n{pad}{text}{comma}")))
    }

    /// The ways to remove an entry among others.
    pub(super) fn removed_in_brackets(
        &self,
        entries: &[Entry],
        index: usize,
    ) -> Vec<(Splices, Span)> {
        let entry = entries[index];
        let end = self.tree.entry_end(entry);
        let comment = self.comment_after(end, Some(entry));
        let behind =
            comment.map_or(end, |comment| comment.end).max(entry.comma.map_or(end, |c| c + 1));
        let mut ways = Vec::new();
        let line_end = self.line_end(behind);
        let own_line = self.is_first(entry.start)
            && line_end < self.text.len()
            && self.text[behind..line_end].trim().is_empty();
        let splices = match index.checked_sub(1).map(|before| entries[before]) {
            // The comma before the last entry goes with it.
            Some(Entry { comma: Some(comma), .. })
                if index + 1 == entries.len() && entry.comma.is_none() =>
            {
                Splices::default().remove(comma, comma + 1)
            }
            _ => Splices::default(),
        };
        if own_line {
            let (start, end) = (self.first_line(entry), self.next_line(line_end));
            ways.push((splices.remove(start, end), Span { start, end }));
        }
        if let Some(next) = entries.get(index + 1) {
            let end = if comment.is_some() { behind } else { next.start };
            let dropped = Span { start: entry.start, end: behind };
            ways.push((Splices::default().remove(entry.start, end), dropped));
            let end = entry.comma.map_or(end, |comma| comma + 1);
            ways.push((Splices::default().remove(entry.start, end), dropped));
        } else {
            let before = entries[index - 1];
            let start = self.tree.entry_end(before);
            let dropped = Span { start: entry.start, end: behind };
            ways.push((Splices::default().remove(start, end), dropped));
            let comma = before.comma.map_or(start, |comma| comma + 1);
            ways.push((Splices::default().remove(comma, end), dropped));
            let end = comment.map_or(end, |comment| comment.end);
            ways.push((Splices::default().remove(entry.start, end), dropped));
        }
        ways
    }
}

/// What stands between a comma and the entry behind it.
fn separator(entries: &[Entry]) -> &'static str {
    let tight = entries
        .windows(2)
        .all(|pair| pair[0].comma.is_some_and(|comma| comma + 1 == pair[1].start));
    if tight && entries.len() > 1 { "" } else { " " }
}
