//! The nodes of a text, and where each of them stands.

use std::collections::HashMap;
use std::ops::Range;

use cannery_core::{Limits, Result, Value, ValueBuilder};

use super::atoms::Atom;
use super::path::PathStep;
use crate::compose::Composer;
use crate::{
    Event, Handler, ParseOptions, Properties, ReadOptions, ScalarStyle, Schema, Span, parse,
    properties_start,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    pub(super) roots: Vec<NodeId>,
    /// What the text means, in its order.
    pub(super) atoms: Vec<Atom>,
    /// The comments, from `#` to the end of the line, in the text's order.
    pub(super) comments: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(usize);

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The node without its properties; a point where there is nothing.
    pub(super) span: Span,
    /// Its anchor and tag.
    pub(super) properties: Option<Span>,
    pub(super) tag: Option<Box<str>>,
    pub(super) kind: TreeNodeKind,
    /// What it is, if it is a scalar that is a key.
    pub(super) key: Option<Value>,
    /// Its part of [`Tree::atoms`].
    pub(super) atoms: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum TreeNodeKind {
    Scalar { style: ScalarStyle },
    Alias { target: Option<NodeId> },
    Sequence { flow: bool, entries: Vec<Entry> },
    Mapping { flow: bool, entries: Vec<Entry> },
}

/// An item of a sequence, or a key and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Where it begins: at `-`, at `?`, at the key (with its properties), or at the item.
    pub(super) start: usize,
    pub(super) key: Option<NodeId>,
    /// Where the `:` between key and value is.
    pub(super) colon: Option<usize>,
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
            anchors: HashMap::new(),
            announced: 0,
            scanned: 0,
        };
        parse(text, &ParseOptions::default().limits(options.limits), &mut builder)?;
        builder.scan_comments(text.len());
        Ok(builder.tree)
    }

    pub(super) fn child(&self, id: NodeId, step: &PathStep) -> Option<NodeId> {
        self.entry(id, step).map(|index| self.entries(id)[index].value)
    }

    /// Which entry of a collection a step leads to.
    pub(super) fn entry(&self, id: NodeId, step: &PathStep) -> Option<usize> {
        match (&self[id].kind, step) {
            (
                TreeNodeKind::Sequence { entries, .. } | TreeNodeKind::Mapping { entries, .. },
                PathStep::Index(index),
            ) => (*index < entries.len()).then_some(*index),
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
            TreeNodeKind::Scalar { .. } | TreeNodeKind::Alias { .. } => &[],
        }
    }

    /// The node that an alias stands for, or the node itself.
    pub(super) fn resolved(&self, id: NodeId) -> NodeId {
        match self[id].kind {
            TreeNodeKind::Alias { target: Some(target) } => target,
            _ => id,
        }
    }

    pub(super) fn is_flow(&self, id: NodeId) -> bool {
        matches!(
            self[id].kind,
            TreeNodeKind::Sequence { flow: true, .. } | TreeNodeKind::Mapping { flow: true, .. }
        )
    }

    pub(super) fn is_sequence(&self, id: NodeId) -> bool {
        matches!(self[id].kind, TreeNodeKind::Sequence { .. })
    }

    pub(super) fn is_block_collection(&self, id: NodeId) -> bool {
        matches!(
            self[id].kind,
            TreeNodeKind::Sequence { flow: false, .. } | TreeNodeKind::Mapping { flow: false, .. }
        )
    }

    /// Where an entry ends: behind its value, or what announces it.
    pub(super) fn entry_end(&self, entry: Entry) -> usize {
        let key = entry.key.map_or(0, |key| self.node_end(key));
        let colon = entry.colon.map_or(0, |colon| colon + 1);
        self.node_end(entry.value).max(key).max(colon)
    }

    /// Where a node ends, its properties included.
    pub(super) fn node_end(&self, id: NodeId) -> usize {
        let node = &self[id];
        node.properties.map_or(0, |properties| properties.end).max(node.span.end)
    }

    /// The atoms of an entry: of its key and its value.
    pub(super) fn entry_atoms(&self, entry: Entry) -> Range<usize> {
        let value = self[entry.value].atoms.clone();
        entry.key.map_or(value.start, |key| self[key].atoms.start)..value.end
    }

    /// The numbers of all nodes, the outer ones before those in them.
    pub(super) fn ids(&self) -> impl Iterator<Item = NodeId> {
        (0..self.nodes.len()).map(NodeId)
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
    anchors: HashMap<Box<str>, NodeId>,
    /// Where the last token ends that can stand before the properties of a node.
    announced: usize,
    /// Up to where comments were looked for.
    scanned: usize,
}

/// A collection that is open.
struct OpenTreeNode {
    id: NodeId,
    is_mapping: bool,
    /// Where the entry that comes began, if an indicator said so.
    start: Option<usize>,
    colon: Option<usize>,
    key: Option<(usize, NodeId)>,
}

impl Builder<'_> {
    fn add(&mut self, properties: &Properties<'_>, span: Span, kind: TreeNodeKind) -> NodeId {
        let id = NodeId(self.tree.nodes.len());
        // The parser tells where properties end, not where they begin.
        let around = (!properties.is_empty()).then(|| Span {
            start: properties_start(self.text, self.announced, properties.end),
            end: properties.end,
        });
        let atom = self.tree.atoms.len() - 1;
        self.tree.nodes.push(Node {
            span,
            properties: around,
            tag: properties.tag.as_deref().map(Into::into),
            kind,
            key: None,
            atoms: atom..atom + 1,
        });
        if let Some(name) = properties.anchor {
            self.anchors.insert(name.into(), id);
        }
        self.place(around.map_or(span.start, |around| around.start), id);
        id
    }

    /// Puts a node in its place in the collection around it.
    fn place(&mut self, start: usize, id: NodeId) {
        let Some(open) = self.open.last_mut() else {
            self.tree.roots.push(id);
            return;
        };
        if open.is_mapping && open.key.is_none() {
            let start = open.start.take().unwrap_or(start);
            open.key = Some((start, id));
            let map = open.id;
            return self.begin_pair(map, start);
        }
        let colon = open.colon.take();
        let (start, key) = match open.key.take() {
            Some((start, key)) => (start, Some(key)),
            None => (open.start.take().unwrap_or(start), None),
        };
        let entry = Entry { start, key, colon, value: id, comma: None };
        match &mut self.tree.nodes[open.id.0].kind {
            TreeNodeKind::Sequence { entries, .. } | TreeNodeKind::Mapping { entries, .. } => {
                entries.push(entry);
            }
            TreeNodeKind::Scalar { .. } | TreeNodeKind::Alias { .. } => {
                unreachable!("only collections are open")
            }
        }
    }

    /// A mapping without braces in a sequence in brackets begins where its key does: that it is one
    /// shows only at the `:`.
    fn begin_pair(&mut self, map: NodeId, start: usize) {
        let span = &mut self.tree.nodes[map.0].span;
        if start >= span.start {
            return;
        }
        span.start = start;
        let around = self.open.iter().nth_back(1).map(|open| open.id);
        let Some(around) = around else { return };
        if let TreeNodeKind::Sequence { entries, .. } = &mut self.tree.nodes[around.0].kind
            && let Some(entry) = entries.last_mut().filter(|entry| entry.value == map)
        {
            entry.start = start;
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
        self.announced = self.announced.max(span.end);
        self.open.push(OpenTreeNode { id, is_mapping, start: None, colon: None, key: None });
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { unreachable!("an end has its beginning") };
        let last = self.tree.entries(open.id).last().map(|&entry| self.tree.entry_end(entry));
        let bracket = span.end > span.start;
        self.announced = self.announced.max(span.end);
        let atoms = self.tree.atoms.len();
        let node = &mut self.tree.nodes[open.id.0];
        node.span.end = if bracket { span.end } else { last.unwrap_or(node.span.end) };
        node.atoms.end = atoms;
    }

    fn scalar(
        &mut self,
        span: Span,
        properties: &Properties<'_>,
        style: ScalarStyle,
        is_key: bool,
    ) -> NodeId {
        self.scan_comments(span.start);
        let whole = span;
        let span = match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.without_trailing_lines(span),
            // What is not there stands behind the indicator or the properties that announce it.
            _ if span.start == span.end && !is_key => {
                Span::point(self.announced.max(properties.end).min(span.start))
            }
            _ => span,
        };
        let id = self.add(properties, span, TreeNodeKind::Scalar { style });
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let header = whole.start + self.line_length(whole.start);
            self.scan_comments(header);
        }
        self.scanned = self.scanned.max(span.end);
        self.announced = self.announced.max(span.end);
        id
    }

    fn line_length(&self, at: usize) -> usize {
        self.text[at..].find(['\n', '\r']).unwrap_or(self.text.len() - at)
    }

    /// Notes the comments between the last scalar and `end`.
    fn scan_comments(&mut self, end: usize) {
        while let Some(found) = self.text.get(self.scanned..end).and_then(|gap| gap.find('#')) {
            let at = self.scanned + found;
            let before = self.text[..at].chars().next_back();
            if before.is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{feff}')) {
                self.scanned = at + self.line_length(at);
                self.tree.comments.push(Span { start: at, end: self.scanned });
            } else {
                self.scanned = at + 1;
            }
        }
        self.scanned = self.scanned.max(end);
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
        self.tree.atoms.extend(Atom::of(event, self.schema));
        match event {
            Event::Scalar { properties, style, .. } => {
                let is_key =
                    self.open.last().is_some_and(|open| open.is_mapping && open.key.is_none());
                let id = self.scalar(span, properties, style, is_key);
                if is_key || properties.anchor.is_some() {
                    self.tree.nodes[id.0].key = self.key_value(event, span);
                }
            }
            Event::Alias(name) => {
                self.scan_comments(span.start);
                let target = self.anchors.get(name).copied();
                let id = self.add(&Properties::NONE, span, TreeNodeKind::Alias { target });
                self.tree.nodes[id.0].key =
                    target.and_then(|target| self.tree.nodes[target.0].key.clone());
                self.announced = self.announced.max(span.end);
            }
            Event::SequenceStart { properties, flow } => self.begin(properties, span, false, flow),
            Event::MappingStart { properties, flow } => self.begin(properties, span, true, flow),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::DocumentStart { explicit } => {
                self.anchors.clear();
                self.announced = span.start + if explicit { 3 } else { 0 };
            }
            Event::DocumentEnd { .. } => {}
        }
        Ok(())
    }

    fn indicator(&mut self, at: usize, indicator: u8) {
        self.announced = self.announced.max(at + 1);
        // The comma behind `a: b` in a sequence comes before the end of that mapping.
        let is_pair = |open: &OpenTreeNode| {
            let start = self.tree.nodes[open.id.0].span.start;
            open.is_mapping && !self.text[start..].starts_with('{')
        };
        let skipped = usize::from(indicator == b',' && self.open.last().is_some_and(is_pair));
        let Some(open) = self.open.iter_mut().nth_back(skipped) else { return };
        match indicator {
            b'-' | b'?' => open.start = Some(at),
            b':' => open.colon = Some(at),
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
