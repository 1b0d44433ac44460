//! Changes of a text, proved before they are kept.

use cannery_core::{Error, ErrorKind, Result};

use super::atoms::{Piece, expected, targets};
use super::render::Layout;
use super::tree::Tree;
use super::{Document, Span};

/// Parts of a text and what takes their place.
#[derive(Clone, Debug, Default)]
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

    fn applied(mut self, old: &str) -> String {
        self.0.sort_by_key(|(span, _)| (span.start, span.end));
        let mut text = String::with_capacity(old.len() + 64);
        let mut copied = 0;
        for (span, new) in &self.0 {
            text.push_str(&old[copied..span.start.max(copied)]);
            text.push_str(new);
            copied = span.end.max(copied);
        }
        text.push_str(&old[copied..]);
        text
    }
}

/// An edit: what is done to the text, and what that shall lead to.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) splices: Splices,
    /// What the edited text shall mean.
    pub(super) pieces: Vec<Piece>,
    /// The parts of the text whose comments go.
    pub(super) dropped: Vec<Span>,
    /// The comments that come, from their `#` on.
    pub(super) added: Vec<String>,
}

impl Document {
    /// Makes the first of the changes that leads to what it shall; if none does, the text stays as
    /// it is.
    pub(super) fn commit(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<()> {
        let mut refused = None;
        for change in changes {
            match self.proved(change) {
                Ok(()) => return Ok(()),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(unproved))
    }

    fn proved(&mut self, change: Change) -> Result<()> {
        let shall = expected(&self.tree.atoms, &change.pieces);
        self.check_aliases(&shall)?;
        let text = change.splices.applied(&self.text);
        let Ok(tree) = Tree::parse(&text, &self.options) else { return Err(unproved()) };
        if shall.len() != tree.atoms.len() || !shall.iter().map(|(a, _)| a).eq(&tree.atoms) {
            return Err(unproved());
        }
        if self.comments_after(&change.dropped, change.added) != sorted_comments(&text, &tree) {
            return Err(unproved().with_hint("a comment would be lost here: move it first"));
        }
        self.layout = Layout::of(&text, &tree, self.layout);
        self.text = text;
        self.tree = tree;
        Ok(())
    }

    /// Every alias that stays means the node that it meant.
    fn check_aliases(&self, shall: &[(super::atoms::Atom, Option<usize>)]) -> Result<()> {
        let after = targets(shall.iter().map(|(atom, _)| atom));
        if after.is_empty() {
            return Ok(());
        }
        let before: std::collections::HashMap<usize, Option<usize>> =
            targets(self.tree.atoms.iter()).into_iter().map(|(at, _, to)| (at, to)).collect();
        for (at, name, target) in after {
            let Some(origin) = shall[at].1 else { continue };
            let target = target.map(|target| shall[target].1);
            if before.get(&origin).copied().flatten() == target.flatten()
                && target.is_some() == before.get(&origin).is_some_and(Option::is_some)
            {
                continue;
            }
            return Err(in_use(name));
        }
        Ok(())
    }

    fn comments_after(&self, dropped: &[Span], mut added: Vec<String>) -> Vec<String> {
        let stays = |comment: &&Span| {
            !dropped.iter().any(|part| part.start <= comment.start && comment.end <= part.end)
        };
        let kept = self.tree.comments.iter().filter(stays);
        added.extend(kept.map(|span| self.text[span.start..span.end].trim_end().to_owned()));
        added.sort_unstable();
        added
    }

    /// Line breaks as the text has them.
    pub(super) fn with_breaks(&self, text: &str) -> String {
        if self.layout.crlf { text.replace('\n', "\r\n") } else { text.to_owned() }
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

    /// The line before the one that begins at `line`: where it begins and where it ends.
    pub(super) fn line_before(&self, line: usize) -> Option<(usize, usize)> {
        let before = &self.text[..line];
        let end = before.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest));
        let end = end.or_else(|| before.strip_suffix('\r'))?.len();
        Some((self.line_start(end), end))
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

fn sorted_comments(text: &str, tree: &Tree) -> Vec<String> {
    let comments = tree.comments.iter();
    let mut found: Vec<String> =
        comments.map(|span| text[span.start..span.end].trim_end().to_owned()).collect();
    found.sort_unstable();
    found
}

#[cold]
fn unproved() -> Error {
    let message = "this edit cannot be made without changing other parts of the text";
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("the text is as it was; set the value around it as a whole")
}

#[cold]
fn in_use(name: &str) -> Error {
    Error::new(ErrorKind::Reference, format!("the anchor `&{name}` is used by `*{name}`"))
        .with_hint("remove its aliases first, or set them to values of their own")
}
