//! Entries in another order: each takes the comments along that belong to it.

use cannery_core::{Error, ErrorKind, Result};

use super::atoms::Piece;
use super::splice::{Change, Splices};
use super::tree::NodeId;
use super::{Document, PathStep};

impl Document {
    /// Puts the entries of the collection at `path` into another order: `order` has the position
    /// that each of them had before.
    ///
    /// Blank lines, and comments that belong to no entry, stay where they are.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no collection, [`ErrorKind::Value`] if `order` does not
    /// name each entry once, [`ErrorKind::Reference`] if an alias would come before its anchor.
    pub fn reorder(&mut self, path: &[PathStep], order: &[usize]) -> Result<()> {
        let id = self.require_collection(path)?;
        let entries = self.tree.entries(id).to_vec();
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..entries.len()) {
            return Err(Error::new(ErrorKind::Value, "the order names not every entry once"));
        }
        if order.iter().copied().eq(0..entries.len()) {
            return Ok(());
        }
        let first = self.tree.entry_atoms(entries[0]).start;
        let last = self.tree.entry_atoms(entries[entries.len() - 1]).end;
        let mut pieces = vec![Piece::Old(0..first)];
        pieces.extend(order.iter().map(|&from| Piece::Old(self.tree.entry_atoms(entries[from]))));
        pieces.push(Piece::Old(last..self.tree.atoms.len()));
        let ways = if self.tree.is_flow(id) {
            self.reordered_in_brackets(id, order)
        } else {
            vec![self.reordered_lines(id, order)]
        };
        self.commit(ways.into_iter().map(|splices| Change {
            splices,
            pieces: pieces.clone(),
            dropped: Vec::new(),
            added: Vec::new(),
        }))
    }

    fn reordered_lines(&self, id: NodeId, order: &[usize]) -> Splices {
        let entries = self.tree.entries(id);
        let chunks = self.chunks(entries);
        let pad = " ".repeat(self.indent_of(id));
        let mut splices = Splices::default();
        for (slot, &from) in order.iter().enumerate() {
            let (span, _, on_lines) = &chunks[slot];
            let (_, text, was_on_lines) = &chunks[from];
            let (start, text) = match (on_lines, was_on_lines) {
                (true, true) | (false, false) => (span.start, text.clone()),
                (true, false) => (span.start, format!("{pad}{text}")),
                // Behind a dash a comment would be that of the dash.
                (false, true) if text.trim_start().starts_with('#') => {
                    let start = self.text[..span.start].trim_end_matches([' ', '\t']).len();
                    (start, self.with_breaks("\n") + text)
                }
                (false, true) => (span.start, text.trim_start_matches([' ', '\t']).to_owned()),
            };
            splices = splices.replace(start, span.end, text);
        }
        splices
    }

    fn reordered_in_brackets(&self, id: NodeId, order: &[usize]) -> Vec<Splices> {
        let entries = self.tree.entries(id);
        let text =
            |index: usize| &self.text[entries[index].start..self.tree.entry_end(entries[index])];
        let mut ways = Vec::new();
        if self.are_lines(id) {
            let mut splices = Splices::default();
            for (slot, &from) in order.iter().enumerate() {
                let (entry, other) = (entries[slot], entries[from]);
                let (end, other_end) = (self.tree.entry_end(entry), self.tree.entry_end(other));
                let line = |entry| self.first_line(entry);
                let lines = &self.text[line(other)..other_end];
                splices = splices.replace(line(entry), end, lines);
                let comment = self.comment_after(end, Some(entry));
                let behind = entry.comma.map_or(end, |comma| comma + 1).max(end);
                let new = self.comment_after(other_end, Some(other)).map(|comment| {
                    let from = other.comma.map_or(other_end, |comma| comma + 1);
                    let from = if from < comment.start { from } else { other_end };
                    &self.text[from..comment.end]
                });
                let old_end = comment.map_or(behind, |comment| comment.end);
                if comment.is_some() || new.is_some() {
                    splices = splices.replace(behind, old_end.max(behind), new.unwrap_or_default());
                }
            }
            ways.push(splices);
        }
        let mut splices = Splices::default();
        for (slot, &from) in order.iter().enumerate() {
            let end = self.tree.entry_end(entries[slot]);
            splices = splices.replace(entries[slot].start, end, text(from));
        }
        ways.push(splices);
        ways
    }
}
