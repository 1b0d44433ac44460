//! Changes of a text, collected and made at once.

use cannery_core::Result;

use super::render::Layout;
use super::tree::Tree;
use super::{Document, Span};

/// Parts of a text and what takes their place.
#[derive(Default)]
pub(super) struct Splices(Vec<(Span, String)>);

impl Splices {
    pub(super) fn replace(mut self, start: usize, end: usize, text: impl Into<String>) -> Self {
        self.0.push((Span { start, end }, text.into()));
        self
    }

    pub(super) fn insert(self, at: usize, text: impl Into<String>) -> Self {
        self.replace(at, at, text)
    }

    pub(super) fn remove(self, start: usize, end: usize) -> Self {
        self.replace(start, end, "")
    }
}

impl Document {
    /// Makes the changes, unless the text would be no YAML any more.
    pub(super) fn apply(&mut self, mut splices: Splices) -> Result<()> {
        splices.0.sort_by_key(|(span, _)| span.start);
        let mut text = String::with_capacity(self.text.len() + 64);
        let mut copied = 0;
        for (span, new) in &splices.0 {
            text.push_str(&self.text[copied..span.start]);
            if self.layout.crlf {
                text.push_str(&new.replace('\n', "\r\n"));
            } else {
                text.push_str(new);
            }
            copied = span.end;
        }
        text.push_str(&self.text[copied..]);
        self.tree = Tree::parse(&text, &self.options)?;
        self.layout = Layout::of(&text, &self.tree);
        self.text = text;
        Ok(())
    }

    /// Where the line of `at` begins, behind a byte order mark.
    pub(super) fn line_start(&self, at: usize) -> usize {
        let before = &self.text.as_bytes()[..at];
        let start = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |found| found + 1);
        let marked = before[start..].starts_with("\u{feff}".as_bytes());
        start + if marked { "\u{feff}".len() } else { 0 }
    }

    /// Where the line of `at` ends, its line break not included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        self.text[at..].find(['\n', '\r']).map_or(self.text.len(), |found| at + found)
    }

    /// Where the line after that of `at` begins; the end of the text if there is none.
    pub(super) fn next_line(&self, at: usize) -> usize {
        let end = self.line_end(at);
        let rest = &self.text[end..];
        end + if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) }
    }

    /// Bytes between the beginning of the line and `at`.
    pub(super) fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Whether only blanks stand before `at` on its line.
    pub(super) fn is_first(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }
}
