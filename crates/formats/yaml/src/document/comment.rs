//! The comments beside an entry, and which entry a comment belongs to.
//!
//! A comment on lines of its own belongs to the entry right below it (no blank line between, not
//! indented more). A comment behind a value belongs to its entry; so does one behind the header of
//! a block scalar, behind the key of lines below, and behind the comma in brackets. All others
//! belong to no entry and stay where they are.

use cannery_core::{Error, ErrorKind, Result};

use super::atoms::Piece;
use super::splice::{Change, Splices};
use super::tree::{Entry, NodeId, TreeNodeKind};
use super::{Document, PathStep};
use crate::{ScalarStyle, Span};

/// The comments that belong to an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// On lines of their own right above it, without `#` and the blank behind it.
    pub above: Vec<String>,
    /// Behind it on its line.
    pub behind: Option<String>,
}

impl Document {
    /// The comments above and behind the entry at `path`.
    ///
    /// # Errors
    /// [`NotFound`](cannery_core::ErrorKind::NotFound) if the path leads nowhere.
    pub fn comments(&self, path: &[PathStep]) -> Result<Comments> {
        let start = self.entry_start(path)?;
        let lines = self.comments_above(start);
        let above = lines.iter().map(|span| content(&self.text[span.start..span.end])).collect();
        let behind = self.comment_behind(path)?;
        let behind = behind.map(|span| content(&self.text[span.start..span.end]));
        Ok(Comments { above, behind })
    }

    /// Replaces the comment behind the entry at `path`; `None` takes it away.
    ///
    /// # Errors
    /// [`NotFound`](cannery_core::ErrorKind::NotFound) if the path leads nowhere,
    /// [`Unsupported`](cannery_core::ErrorKind::Unsupported) if the line has no room for one.
    pub fn set_comment_behind(&mut self, path: &[PathStep], comment: Option<&str>) -> Result<()> {
        let old = self.comment_behind(path)?;
        let splices = Splices::default();
        let splices = match (old, comment) {
            (Some(old), Some(comment)) => splices.replace(old.start, old.end, written(comment)),
            (None, Some(comment)) => {
                let end = self.room_for_comment(path)?;
                splices.insert(end, format!("  {}", written(comment)))
            }
            (Some(old), None) => {
                let before = self.text[..old.start].trim_end_matches([' ', '\t']).len();
                splices.remove(before, old.end)
            }
            (None, None) => return Ok(()),
        };
        let added: Vec<String> = comment.map(written).into_iter().collect();
        self.commit_comments(splices, old.into_iter().collect(), &added)
    }

    /// Replaces the comment lines right above the entry at `path`.
    ///
    /// # Errors
    /// [`NotFound`](cannery_core::ErrorKind::NotFound) if the path leads nowhere.
    pub fn set_comments_above(&mut self, path: &[PathStep], comments: &[&str]) -> Result<()> {
        let start = self.entry_start(path)?;
        let line = self.line_start(start);
        let old = self.comments_above(start);
        let first = old.first().map_or(line, |span| self.line_start(span.start));
        let pad = " ".repeat(if self.is_first(start) { self.column(start) } else { 0 });
        let lines = comments.iter().flat_map(|comment| comment.split('\n'));
        let added: Vec<String> = lines.map(written).collect();
        let lines: Vec<String> = added.iter().map(|line| format!("{pad}{line}\n")).collect();
        let text = self.with_breaks(&lines.concat());
        self.commit_comments(Splices::default().replace(first, line, text), old, &added)
    }

    fn commit_comments(
        &mut self,
        splices: Splices,
        dropped: Vec<Span>,
        added: &[String],
    ) -> Result<()> {
        let added = added.iter().map(|line| line.trim_end().to_owned()).collect();
        let pieces = vec![Piece::Old(0..self.tree.atoms.len())];
        self.commit([Change { splices, pieces, dropped, added }])
    }

    fn entry_start(&self, path: &[PathStep]) -> Result<usize> {
        if let [] | [PathStep::Document(_)] = path {
            return self.require(path).map(|id| self.node(id).span.start);
        }
        let (parent, index) = self.entry_at(path)?;
        Ok(self.tree.entries(parent)[index].start)
    }

    /// Where the content of an entry ends that a comment can stand behind on the same line.
    fn comment_anchor(&self, path: &[PathStep]) -> Result<(usize, Option<Entry>)> {
        let value = self.require(path)?;
        let node = self.node(value);
        let entry = match path {
            [] | [PathStep::Document(_)] => None,
            _ => {
                let (parent, index) = self.entry_at(path)?;
                Some(self.tree.entries(parent)[index])
            }
        };
        let announced = entry
            .map_or(node.span.start, |entry| entry.colon.map_or(entry.start, |colon| colon + 1));
        let announced = announced.max(node.properties.map_or(0, |properties| properties.end));
        let header = matches!(
            node.kind,
            TreeNodeKind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded }
        );
        if header {
            let line = self.line_end(node.span.start);
            let comment = self.comment_on_line(node.span.start);
            let end = comment.map_or(line, |comment| comment.start);
            return Ok((self.text[..end].trim_end().len(), entry));
        }
        let block = self.tree.is_block_collection(value) && !self.tree.entries(value).is_empty();
        if block {
            let at = if self.is_first(node.span.start) { announced } else { node.span.start };
            let line = self.line_end(at);
            let comment = self.comment_on_line(at);
            let end = comment.map_or(line, |comment| comment.start);
            return Ok((self.text[..end].trim_end().len().max(at), entry));
        }
        Ok((entry.map_or(node.span.end, |entry| self.tree.entry_end(entry)), entry))
    }

    /// The comment that belongs to the entry, behind it.
    fn comment_behind(&self, path: &[PathStep]) -> Result<Option<Span>> {
        let (anchor, entry) = self.comment_anchor(path)?;
        Ok(self.comment_after(anchor, entry))
    }

    /// The comment behind `at` on its line, if only blanks and the entry's own comma lie between.
    pub(super) fn comment_after(&self, at: usize, entry: Option<Entry>) -> Option<Span> {
        let found = self.comment_on_line(at).filter(|comment| comment.start >= at)?;
        let between = &self.text[at..found.start];
        let between = match entry.and_then(|entry| entry.comma) {
            Some(comma) if (at..found.start).contains(&comma) => {
                format!("{}{}", &self.text[at..comma], &self.text[comma + 1..found.start])
            }
            _ => between.to_owned(),
        };
        between.trim().is_empty().then_some(found)
    }

    /// Where a comment behind the entry can be put: its line ends there.
    fn room_for_comment(&self, path: &[PathStep]) -> Result<usize> {
        let (anchor, entry) = self.comment_anchor(path)?;
        let end = self.line_end(anchor);
        let rest = self.text[anchor..end].trim();
        let own = entry.and_then(|entry| entry.comma).is_some_and(|comma| comma < end);
        if rest.is_empty() || own && rest == "," {
            return Ok(anchor + self.text[anchor..end].trim_end().len());
        }
        Err(Error::new(ErrorKind::Unsupported, "another entry stands behind this one on its line")
            .with_hint("set the comment of the entry around it"))
    }

    /// The comment on the line of `at`.
    pub(super) fn comment_on_line(&self, at: usize) -> Option<Span> {
        let end = self.line_end(at);
        let comments = &self.tree.comments;
        let index = comments.partition_point(|comment| comment.end < end);
        let found = comments.get(index).filter(|comment| comment.end == end)?;
        (self.line_start(at) <= found.start).then_some(*found)
    }

    /// The comment lines that belong to the entry that begins at `start`, from the top.
    pub(super) fn comments_above(&self, start: usize) -> Vec<Span> {
        let mut line = self.line_start(start);
        let mut found = Vec::new();
        let is_first = self.is_first(start);
        while let Some((from, to)) = self.line_before(line) {
            let text = self.text[from..to].trim_start_matches([' ', '\t']);
            let at = to - text.len();
            let is_comment = self.tree.comments.binary_search_by_key(&at, |c| c.start).is_ok();
            if !is_comment || is_first && at - from > self.column(start) {
                break;
            }
            found.push(Span { start: at, end: to });
            line = from;
        }
        found.reverse();
        found
    }

    /// Where the lines of an entry begin, with the comments above that belong to it.
    pub(super) fn first_line(&self, entry: Entry) -> usize {
        let above = self.comments_above(entry.start);
        self.line_start(above.first().map_or(entry.start, |span| span.start))
    }

    /// Whether each of the entries begins a line of its own.
    pub(super) fn are_lines(&self, id: NodeId) -> bool {
        self.tree.entries(id).iter().all(|entry| self.is_first(entry.start))
    }
}

/// The text of a comment without its marker.
fn content(comment: &str) -> String {
    let text = comment.trim_start_matches('#');
    text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned()
}

fn written(comment: &str) -> String {
    let comment = comment.replace(['\n', '\r'], " ");
    if comment.is_empty() { "#".to_owned() } else { format!("# {comment}") }
}
