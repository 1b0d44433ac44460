//! A YAML file that is edited in place: what an edit does not touch stays byte for byte.
//!
//! Every edit is a transaction. It says what the text shall mean afterwards (its atoms), which
//! comments go and come, and one or several ways to get there: splices of the text, found by the
//! spans that the parser reports. The edited text is parsed again; the first way that leads to just
//! that is kept. If none does, the edit is refused and the text is as before.

mod atoms;
mod block;
mod comment;
mod edit;
mod flow;
mod order;
mod path;
mod render;
mod splice;
mod tree;
mod value;

use cannery_core::{Error, ErrorKind, Result, Value};

pub use self::path::PathStep;
use self::render::Layout;
use self::tree::{Entry, Node, NodeId, Tree, TreeNodeKind};
use crate::{ReadOptions, Span};

pub use self::comment::Comments;

/// A stream of documents, its text kept.
///
/// ```
/// use cannery_core::Value;
/// use cannery_yaml::{Document, PathStep};
///
/// let mut document = Document::parse("# rates\nlr: 0.1  # found by sweep\n", &Default::default())?;
/// document.set(&[PathStep::key("lr")], &Value::Float(0.2))?;
/// assert_eq!(document.text(), "# rates\nlr: 0.2  # found by sweep\n");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// A path begins in the first document; [`PathStep::Document`] as its first step chooses another.
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    tree: Tree,
    options: ReadOptions,
    layout: Layout,
}

/// The key of an entry of a mapping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EntryKey<'d> {
    /// Text, a number, a truth value or null; or an alias of one.
    Scalar(&'d Value),
    /// `<<`, whose value is merged into the mapping.
    Merge,
    /// Anything else: its text.
    Source(&'d str),
}

/// What kind of node stands at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A scalar, or nothing at all.
    Scalar,
    /// A reference to another node.
    Alias,
    /// A sequence of that many items.
    Sequence(usize),
    /// A mapping of that many entries.
    Mapping(usize),
}

impl Document {
    /// Parses a stream and keeps its text.
    ///
    /// # Errors
    /// As [`parse`](crate::parse).
    pub fn parse(text: &str, options: &ReadOptions) -> Result<Self> {
        let tree = Tree::parse(text, options)?;
        let layout = Layout::of(text, &tree, Layout::default());
        let mut document = Self { text: text.to_owned(), tree, options: *options, layout };
        document.layout.json = document.is_whole_json();
        Ok(document)
    }

    /// The text as it is now.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lays out the whole text anew, comments kept; see [`format`](crate::format).
    ///
    /// # Errors
    /// As [`format`](crate::format); the document is as it was then.
    pub fn format(&mut self, options: &crate::FormatOptions) -> Result<()> {
        *self = Self::parse(&crate::format(&self.text, options)?, &self.options)?;
        Ok(())
    }

    /// The number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.roots.len()
    }

    /// Whether there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tree.roots.is_empty()
    }

    /// What stands at the end of `path`, if anything does.
    #[must_use]
    pub fn kind(&self, path: &[PathStep]) -> Option<NodeKind> {
        let id = self.find(path)?;
        Some(match &self.tree[id].kind {
            TreeNodeKind::Scalar { .. } => NodeKind::Scalar,
            TreeNodeKind::Alias { .. } => NodeKind::Alias,
            TreeNodeKind::Sequence { entries, .. } => NodeKind::Sequence(entries.len()),
            TreeNodeKind::Mapping { entries, .. } => NodeKind::Mapping(entries.len()),
        })
    }

    /// The keys of the mapping at the end of `path` that are scalars, in order.
    #[must_use]
    pub fn keys(&self, path: &[PathStep]) -> Option<Vec<Value>> {
        let TreeNodeKind::Mapping { entries, .. } = &self.tree[self.find(path)?].kind else {
            return None;
        };
        let keys = entries.iter().filter_map(|entry| self.tree[entry.key?].key.clone());
        Some(keys.collect())
    }

    /// Where the node lives that `path` leads to: the same path with every alias followed, as
    /// positions.
    #[must_use]
    pub fn resolve(&self, path: &[PathStep]) -> Option<Vec<PathStep>> {
        self.path_of(self.tree.resolved(self.find(path)?))
    }

    /// The keys of the mapping at the end of `path`, one for each entry.
    #[must_use]
    pub fn entry_keys(&self, path: &[PathStep]) -> Vec<EntryKey<'_>> {
        let Some(map) = self.find(path).map(|id| self.tree.resolved(id)) else { return Vec::new() };
        let key = |entry: &Entry| {
            let Some(key) = entry.key.map(|key| &self.tree[key]) else {
                return EntryKey::Source("");
            };
            let source = &self.text[key.span.start..key.span.end];
            if source == "<<" && key.properties.is_none() && self.options.has_merges() {
                return EntryKey::Merge;
            }
            match &key.key {
                Some(
                    value @ (Value::Null
                    | Value::Bool(_)
                    | Value::Int(_)
                    | Value::Float(_)
                    | Value::Text(_)),
                ) => EntryKey::Scalar(value),
                _ => EntryKey::Source(
                    &self.text[key.properties.map_or(key.span.start, |p| p.start)..key.span.end],
                ),
            }
        };
        self.tree.entries(map).iter().map(key).collect()
    }

    /// The tag of the node at the end of `path`, in its long form.
    #[must_use]
    pub fn tag(&self, path: &[PathStep]) -> Option<&str> {
        self.tree[self.find(path)?].tag.as_deref()
    }

    /// Where the mappings live that are merged (`<<`) into the one at the end of `path`, the first
    /// of which has precedence.
    #[must_use]
    pub fn merged(&self, path: &[PathStep]) -> Vec<Vec<PathStep>> {
        let keys = self.entry_keys(path);
        let Some(map) = self.find(path).map(|id| self.tree.resolved(id)) else { return Vec::new() };
        let mut found = Vec::new();
        let entries = self.tree.entries(map).iter().zip(&keys);
        for (entry, _) in entries.rev().filter(|(_, key)| matches!(key, EntryKey::Merge)) {
            let source = self.tree.resolved(entry.value);
            if self.tree.is_sequence(source) {
                let items = self.tree.entries(source).iter();
                found.extend(items.map(|item| self.tree.resolved(item.value)));
            } else {
                found.push(source);
            }
        }
        found.into_iter().filter_map(|id| self.path_of(id)).collect()
    }

    fn path_of(&self, id: NodeId) -> Option<Vec<PathStep>> {
        let sought = self.tree[id].atoms.start;
        let within = |node: NodeId| self.tree[node].atoms.contains(&sought);
        let document = self.tree.roots.iter().position(|&root| within(root))?;
        let mut path = vec![PathStep::Document(document)];
        let mut at = self.tree.roots[document];
        while at != id {
            let entries = self.tree.entries(at);
            let index = entries.iter().position(|entry| within(entry.value))?;
            path.push(PathStep::Index(index));
            at = entries[index].value;
        }
        Some(path)
    }

    fn find(&self, path: &[PathStep]) -> Option<NodeId> {
        let (document, path) = match path {
            [PathStep::Document(index), rest @ ..] => (*index, rest),
            path => (0, path),
        };
        let root = *self.tree.roots.get(document)?;
        path.iter().try_fold(root, |id, step| self.tree.child(self.tree.resolved(id), step))
    }

    fn require(&self, path: &[PathStep]) -> Result<NodeId> {
        self.find(path).ok_or_else(|| missing(path))
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.tree[id]
    }
}

/// Where a text has the first `<<` whose value is neither a mapping nor a list of them.
#[cold]
#[must_use]
pub fn find_bad_merge(text: &str, options: &ReadOptions) -> Option<usize> {
    let document = Document::parse(text, options).ok()?;
    let tree = &document.tree;
    let is_mapping =
        |id: NodeId| matches!(tree[tree.resolved(id)].kind, TreeNodeKind::Mapping { .. });
    tree.ids().find_map(|map| {
        tree.entries(map).iter().find_map(|entry| {
            let key = &tree[entry.key?];
            let is_merge = &text[key.span.start..key.span.end] == "<<" && key.properties.is_none();
            let value = tree.resolved(entry.value);
            let is_list = tree.is_sequence(value);
            let is_good = is_mapping(value)
                || is_list && tree.entries(value).iter().all(|item| is_mapping(item.value));
            (is_merge && !is_good).then_some(key.span.start)
        })
    })
}

#[cold]
fn missing(path: &[PathStep]) -> Error {
    use cannery_core::Segment;
    let error = Error::new(ErrorKind::NotFound, "there is nothing at this path");
    path.iter().rev().fold(error, |error, step| match step {
        PathStep::Document(_) => error,
        PathStep::Index(index) => error.inside(Segment::Index(*index as u64)),
        PathStep::Key(Value::Text(key)) => error.inside(Segment::Key(key.clone())),
        PathStep::Key(key) => error.inside(Segment::Entry(format!("{key:?}"))),
    })
}
