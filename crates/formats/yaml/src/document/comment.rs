//! The comments beside an entry.

use cannery_core::Result;

use super::splice::Splices;
use super::{Document, PathStep};

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
        let above = self.lines_above(start).map(|(from, to)| content(&self.text[from..to]));
        let mut above: Vec<String> = above.collect();
        above.reverse();
        let behind = self.comment_behind(self.comment_anchor(path)?);
        Ok(Comments { above, behind: behind.map(|at| content(&self.text[at..self.line_end(at)])) })
    }

    /// Replaces the comment behind the entry at `path`; `None` takes it away.
    ///
    /// # Errors
    /// [`NotFound`](cannery_core::ErrorKind::NotFound) if the path leads nowhere.
    pub fn set_comment_behind(&mut self, path: &[PathStep], comment: Option<&str>) -> Result<()> {
        let anchor = self.comment_anchor(path)?;
        let end = self.line_end(anchor);
        let old = self.comment_behind(anchor);
        let splices = Splices::default();
        let splices = match (old, comment) {
            (Some(old), Some(comment)) => splices.replace(old, end, written(comment)),
            (None, Some(comment)) => splices.insert(end, format!("  {}", written(comment))),
            (Some(old), None) => {
                splices.remove(self.text[..old].trim_end_matches([' ', '\t']).len(), end)
            }
            (None, None) => return Ok(()),
        };
        self.apply(splices)
    }

    /// Replaces the comment lines right above the entry at `path`.
    ///
    /// # Errors
    /// [`NotFound`](cannery_core::ErrorKind::NotFound) if the path leads nowhere.
    pub fn set_comments_above(&mut self, path: &[PathStep], comments: &[&str]) -> Result<()> {
        let start = self.entry_start(path)?;
        let line = self.line_start(start);
        let first = self.lines_above(start).last().map_or(line, |(from, _)| self.line_start(from));
        let pad = " ".repeat(self.column(start));
        let lines = comments.iter().flat_map(|comment| comment.split('\n'));
        let lines: Vec<String> = lines.map(|line| pad.clone() + &written(line) + "\n").collect();
        self.apply(Splices::default().replace(first, line, lines.concat()))
    }

    fn entry_start(&self, path: &[PathStep]) -> Result<usize> {
        if let [] | [PathStep::Document(_)] = path {
            return self.require(path).map(|id| self.node(id).span.start);
        }
        let (parent, index) = self.entry_at(path)?;
        Ok(self.tree.entries(parent)[index].start)
    }

    /// Where the first line of an entry has its content: for a value on lines of its own, the key.
    fn comment_anchor(&self, path: &[PathStep]) -> Result<usize> {
        let value = self.require(path)?;
        let start = self.entry_start(path)?;
        let end = self.node(value).span.end;
        let key_end = match path {
            [] | [PathStep::Document(_)] => start,
            _ => {
                let (parent, index) = self.entry_at(path)?;
                let key = self.tree.entries(parent)[index].key;
                key.map_or(start, |key| self.node(key).span.end)
            }
        };
        let one_line = self.line_end(key_end) >= end;
        Ok(if one_line { end } else { key_end })
    }

    /// Where the comment behind `at` begins, on the same line.
    fn comment_behind(&self, at: usize) -> Option<usize> {
        let rest = &self.text[at..self.line_end(at)];
        let found = rest.find(" #").or_else(|| rest.find("\t#"))?;
        Some(at + found + 1)
    }

    /// The comment lines right above the line of `at`, the nearest first.
    fn lines_above(&self, at: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let mut line = self.line_start(at);
        std::iter::from_fn(move || {
            let end = self.text[..line].strip_suffix('\n')?;
            let end = end.strip_suffix('\r').unwrap_or(end).len();
            let start = self.line_start(end);
            let text = self.text[start..end].trim_start();
            line = start;
            text.starts_with('#').then(|| (end - text.len(), end))
        })
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
