//! The nodes of a text, and where each of them stands.

use cannery_core::{Limits, Result, Value, ValueBuilder};

use super::PathStep;
use crate::compose::Composer;
use crate::{
    Event, Handler, ParseOptions, Properties, ReadOptions, ScalarStyle, Schema, Span, parse,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The node without its properties; a point where there is nothing.
    pub(super) span: Span,
    pub(super) has_tag: bool,
    pub(super) has_properties: bool,
    pub(super) kind: TreeNodeKind,
    /// What it is, if it is a scalar that is a key.
    pub(super) key: Option<Value>,
}

#[derive(Clone, Debug)]
pub(super) enum TreeNodeKind {
    Scalar { style: ScalarStyle },
    Alias,
    Sequence { flow: bool, entries: Vec<Entry> },
    Mapping { flow: bool, entries: Vec<Entry> },
}

/// An item of a sequence, or a key and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where it begins: at `-`, at `?`, at the key (with its properties), or at the item.
    pub(super) start: usize,
    pub(super) key: Option<NodeId>,
    pub(super) value: NodeId,
    /// Where the comma behind it is.
    pub(super) comma: Option<usize>,
}

impl std::ops::Index<NodeId> for Tree {
    type Output = Node;

    fn index(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

impl Tree {
    pub(super) fn parse(text: &str, options: &ReadOptions) -> Result<Self> {
        let mut builder = Builder {
            text,
            schema: options.schema,
            tree: Tree::default(),
            open: Vec::new(),
            last_indicator: None,
        };
        parse(text, &ParseOptions::default().limits(options.limits), &mut builder)?;
        Ok(builder.tree)
    }

    pub(super) fn child(&self, id: NodeId, step: &PathStep) -> Option<NodeId> {
        self.entry(id, step).map(|index| self.entries(id)[index].value)
    }

    /// Which entry of a collection a step leads to.
    pub(super) fn entry(&self, id: NodeId, step: &PathStep) -> Option<usize> {
        match (&self[id].kind, step) {
            (TreeNodeKind::Sequence { entries, .. }, PathStep::Index(index)) => {
                (*index < entries.len()).then_some(*index)
            }
            (TreeNodeKind::Mapping { entries, .. }, PathStep::Key(key)) => {
                let is_it =
                    |entry: &Entry| entry.key.and_then(|id| self[id].key.as_ref()) == Some(key);
                entries.iter().rposition(is_it)
            }
            _ => None,
        }
    }

    pub(super) fn entries(&self, id: NodeId) -> &[Entry] {
        match &self[id].kind {
            TreeNodeKind::Sequence { entries, .. } | TreeNodeKind::Mapping { entries, .. } => {
                entries
            }
            TreeNodeKind::Scalar { .. } | TreeNodeKind::Alias => &[],
        }
    }

    pub(super) fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self[id].kind,
            TreeNodeKind::Sequence { flow: true, .. } | TreeNodeKind::Mapping { flow: true, .. }
        )
    }

    pub(super) fn is_block_collection(&self, id: NodeId) -> bool {
        matches!(
            self[id].kind,
            TreeNodeKind::Sequence { flow: false, .. } | TreeNodeKind::Mapping { flow: false, .. }
        )
    }

    /// All nodes, the outer ones before those in them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }
}

struct Builder<'t> {
    text: &'t str,
    schema: Schema,
    tree: Tree,
    open: Vec<OpenTreeNode>,
    last_indicator: Option<usize>,
}

/// A collection that is open.
struct OpenTreeNode {
    id: NodeId,
    is_mapping: bool,
    /// Where the entry that comes began, if an indicator said so.
    start: Option<usize>,
    key: Option<(usize, NodeId)>,
}

impl Builder<'_> {
    fn add(&mut self, properties: &Properties<'_>, span: Span, kind: TreeNodeKind) -> NodeId {
        let id = NodeId(self.tree.nodes.len());
        let node = Node {
            span,
            has_tag: properties.tag.is_some(),
            has_properties: !properties.is_empty(),
            kind,
            key: None,
        };
        self.tree.nodes.push(node);
        // A node with properties begins where they do, which the parser does not tell: the blank
        // before them is as far as one needs to go.
        let start =
            if properties.is_empty() { span.start } else { self.property_start(span.start) };
        self.place(start, id);
        id
    }

    /// Where the properties before a node begin: behind the last indicator.
    fn property_start(&self, node: usize) -> usize {
        let from = self.last_indicator.map_or(0, |at| at + 1).min(node);
        let before = &self.text[from..node];
        from + before.find(['&', '!']).unwrap_or(before.len())
    }

    /// Puts a node in its place in the collection around it.
    fn place(&mut self, start: usize, id: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.tree.roots.push(id);
            return;
        };
        if open.is_mapping && open.key.is_none() {
            open.key = Some((open.start.take().unwrap_or(start), id));
            return;
        }
        let (start, key) = match open.key.take() {
            Some((start, key)) => (start, Some(key)),
            None => (open.start.take().unwrap_or(start), None),
        };
        let entry = Entry { start, key, value: id, comma: None };
        match &mut self.tree.nodes[open.id.0].kind {
            TreeNodeKind::Sequence { entries, .. } | TreeNodeKind::Mapping { entries, .. } => {
                entries.push(entry);
            }
            TreeNodeKind::Scalar { .. } | TreeNodeKind::Alias => {
                unreachable!("only collections are open")
            }
        }
    }

    fn begin(&mut self, properties: &Properties<'_>, span: Span, is_mapping: bool, flow: bool) {
        let entries = Vec::new();
        let kind = if is_mapping {
            TreeNodeKind::Mapping { flow, entries }
        } else {
            TreeNodeKind::Sequence { flow, entries }
        };
        let id = self.add(properties, span, kind);
        self.open.push(OpenTreeNode { id, is_mapping, start: None, key: None });
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { unreachable!("an end has its beginning") };
        let last = self.tree.entries(open.id).last().map(|entry| self.tree[entry.value].span.end);
        let bracket = span.end > span.start;
        let node = &mut self.tree.nodes[open.id.0];
        node.span.end = if bracket { span.end } else { last.unwrap_or(node.span.end) };
    }

    fn scalar(&mut self, span: Span, properties: &Properties<'_>, style: ScalarStyle) -> NodeId {
        let span = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.without_trailing_lines(span),
            // What is not there stands behind the indicator or the properties that announce it.
            _ if span.start == span.end => {
                let announced = self.last_indicator.map_or(span.start, |at| at + 1);
                Span::point(announced.max(properties.end).min(span.start))
            }
            _ => span,
        };
        self.add(properties, span, TreeNodeKind::Scalar { style })
    }

    /// A block scalar up to the end of its last line; with `+`, of its last empty line.
    fn without_trailing_lines(&self, span: Span) -> Span {
        let text = &self.text[span.start..span.end];
        let header = text.lines().next().unwrap_or_default();
        let keeps = header.split('#').next().is_some_and(|header| header.contains('+'));
        let trimmed = if keeps {
            text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text))
        } else {
            text.trim_end_matches(['\n', '\r', ' '])
        };
        Span { start: span.start, end: span.start + trimmed.len() }
    }

    /// What a scalar is, as a key.
    fn key_value(&self, event: Event<'_>, span: Span) -> Option<Value> {
        let mut builder = ValueBuilder::new(Limits::default());
        Composer::new(&mut builder, self.schema, false).event(span, event).ok()?;
        match builder.finish().ok()? {
            Value::Marked(_, value) => Some(*value),
            value => Some(value),
        }
    }
}

impl Handler for Builder<'_> {
    fn event(&mut self, span: Span, event: Event<'_>) -> Result<()> {
        let is_key = self.open.last().is_some_and(|open| open.is_mapping && open.key.is_none());
        match event {
            Event::Scalar { properties, style, .. } => {
                let id = self.scalar(span, properties, style);
                if is_key {
                    self.tree.nodes[id.0].key = self.key_value(event, span);
                }
            }
            Event::Alias(_) => {
                self.add(&Properties::NONE, span, TreeNodeKind::Alias);
            }
            Event::SequenceStart { properties, flow } => self.begin(properties, span, false, flow),
            Event::MappingStart { properties, flow } => self.begin(properties, span, true, flow),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::DocumentStart { .. } => self.last_indicator = None,
            Event::DocumentEnd { .. } => {}
        }
        Ok(())
    }

    fn indicator(&mut self, at: usize, indicator: u8) {
        self.last_indicator = Some(at);
        let Some(open) = self.open.last_mut() else { return };
        match indicator {
            b'-' | b'?' => open.start = Some(at),
            b',' => {
                let (TreeNodeKind::Sequence { entries, .. }
                | TreeNodeKind::Mapping { entries, .. }) = &mut self.tree.nodes[open.id.0].kind
                else {
                    return;
                };
                if let Some(entry) = entries.last_mut() {
                    entry.comma = Some(at);
                }
            }
            _ => {}
        }
    }
}
