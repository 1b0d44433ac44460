//! A YAML file that is edited in place: what an edit does not touch stays byte for byte.
//!
//! Nothing is written anew. Each edit is a few splices of the text, found by the spans that the
//! parser reports; after it the text is parsed again, which also proves that it still is YAML.

mod comment;
mod edit;
mod render;
mod splice;
mod tree;

use cannery_core::{Error, ErrorKind, Result, Value};

use self::render::Layout;
use self::tree::{Node, NodeId, Tree, TreeNodeKind};
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

/// One step of the path to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum PathStep {
    /// Another document than the first, counted from 0.
    Document(usize),
    /// The value behind a key; the last one, if the key occurs twice.
    Key(Value),
    /// An item of a sequence, counted from 0.
    Index(usize),
}

impl PathStep {
    /// The value behind a text key.
    #[must_use]
    pub fn key(key: &str) -> Self {
        PathStep::Key(Value::Text(key.into()))
    }
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
        let layout = Layout::of(text, &tree);
        Ok(Self { text: text.to_owned(), tree, options: *options, layout })
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
            TreeNodeKind::Alias => NodeKind::Alias,
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

    fn find(&self, path: &[PathStep]) -> Option<NodeId> {
        let (document, path) = match path {
            [PathStep::Document(index), rest @ ..] => (*index, rest),
            path => (0, path),
        };
        path.iter().try_fold(*self.tree.roots.get(document)?, |id, step| self.tree.child(id, step))
    }

    fn require(&self, path: &[PathStep]) -> Result<NodeId> {
        self.find(path).ok_or_else(|| missing(path))
    }

    fn node(&self, id: NodeId) -> &Node {
        &self.tree[id]
    }
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
