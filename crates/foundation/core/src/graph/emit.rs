//! From a graph to events: marks for what is reached more than once, ids in order of first visit.

use super::{Graph, Node, NodeId};
use crate::{BigInt, Container, Error, ErrorKind, Result, Sink, Source};

impl Source for Graph {
    /// Sends the value at the root.
    ///
    /// Numbers, truth values, and text and bytes of up to 64 bytes are repeated, not aliased: they
    /// have no identity that anybody could observe, and the alias would be the longer. Text keys
    /// of maps are always sent as keys.
    ///
    /// # Errors
    /// Those of the sink; [`ErrorKind::Value`] without a root.
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        let root = self.root.ok_or_else(no_root)?;
        let mut walk = Walk { graph: self, marks: shared(self, root), next_mark: 1 };
        let mut open = Vec::new();
        open.extend(walk.send(root, sink)?);
        while let Some(innermost) = open.last_mut() {
            if let Some(id) = walk.next(innermost, sink)? {
                open.extend(walk.send(id, sink)?);
            } else {
                end(&self[innermost.id], sink)?;
                open.pop();
            }
        }
        Ok(())
    }
}

/// What the walk knows about a node's need of a mark.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Unreached,
    /// Reached once: it needs no mark.
    Once,
    /// Reached more than once, not yet sent.
    Due,
    Sent(u64),
}

/// A container on its way; `at` counts its children that were sent, keys and values alike.
struct OpenNode {
    id: NodeId,
    at: usize,
}

struct Walk<'a> {
    graph: &'a Graph,
    marks: Vec<Mark>,
    next_mark: u64,
}

impl Walk<'_> {
    /// Sends a scalar whole, and of a container its beginning.
    fn send<S: Sink + ?Sized>(&mut self, id: NodeId, sink: &mut S) -> Result<Option<OpenNode>> {
        match self.marks[id.index()] {
            Mark::Sent(mark) => return sink.alias(mark).map(|()| None),
            Mark::Due => {
                sink.mark(self.next_mark)?;
                self.marks[id.index()] = Mark::Sent(self.next_mark);
                self.next_mark += 1;
            }
            Mark::Once | Mark::Unreached => {}
        }
        Ok(begin(&self.graph[id], sink)?.then_some(OpenNode { id, at: 0 }))
    }

    /// The next child of a container, its key or name sent before it.
    fn next<S: Sink + ?Sized>(&self, open: &mut OpenNode, sink: &mut S) -> Result<Option<NodeId>> {
        let node = &self.graph[open.id];
        if let Node::Map(entries) = node
            && open.at.is_multiple_of(2)
            && let Some((key, _)) = entries.get(open.at / 2)
        {
            match &self.graph[*key] {
                Node::Text(text) => {
                    sink.key(text.as_text())?;
                    open.at += 1;
                }
                _ => sink.entry()?,
            }
        }
        if let Node::Object(object) = node
            && let Some((name, _)) = object.parts.get(open.at)
        {
            sink.key(name.as_text())?;
        }
        let next = child(node, open.at);
        open.at += 1;
        Ok(next)
    }
}

/// Which nodes are reached more than once; each edge is followed once.
fn shared(graph: &Graph, root: NodeId) -> Vec<Mark> {
    let mut marks = vec![Mark::Unreached; graph.len()];
    let mut open = vec![OpenNode { id: root, at: 0 }];
    marks[root.index()] = Mark::Once;
    while let Some(innermost) = open.last_mut() {
        let Some(id) = child(&graph[innermost.id], innermost.at) else {
            open.pop();
            continue;
        };
        let is_key = matches!(graph[innermost.id], Node::Map(_)) && innermost.at.is_multiple_of(2);
        innermost.at += 1;
        let node = &graph[id];
        if has_identity(node) && !(is_key && matches!(node, Node::Text(_))) {
            match marks[id.index()] {
                Mark::Unreached => {
                    marks[id.index()] = Mark::Once;
                    open.push(OpenNode { id, at: 0 });
                }
                _ => marks[id.index()] = Mark::Due,
            }
        }
    }
    marks
}

/// Whether it can be observed, or is costly, to have it twice instead of once.
fn has_identity(node: &Node) -> bool {
    const LONG: usize = 64;
    match node {
        Node::Null | Node::Bool(_) | Node::Int(_) | Node::Float(_) => false,
        Node::BigInt(value) => value.bits() > 8 * LONG as u64,
        Node::Text(text) => text.len() > LONG,
        Node::Bytes(bytes) => bytes.len() > LONG,
        _ => true,
    }
}

/// The child at a position, a map's keys and values counted alike.
fn child(node: &Node, at: usize) -> Option<NodeId> {
    match node {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            items.get(at).copied()
        }
        Node::Map(entries) => {
            entries.get(at / 2).map(|&(key, value)| if at.is_multiple_of(2) { key } else { value })
        }
        Node::Object(object) => object.parts.get(at).map(|&(_, value)| value),
        _ => None,
    }
}

/// Sends a scalar whole, or a container's beginning; the latter is true.
fn begin<S: Sink + ?Sized>(node: &Node, sink: &mut S) -> Result<bool> {
    match node {
        Node::List(items) => sink.begin(Container::List, Some(items.len())),
        Node::Tuple(items) => sink.begin(Container::Tuple, Some(items.len())),
        Node::Set(items) => sink.begin(Container::Set, Some(items.len())),
        Node::FrozenSet(items) => sink.begin(Container::FrozenSet, Some(items.len())),
        Node::Map(entries) => sink.begin(Container::Map, Some(entries.len())),
        Node::Object(object) => {
            sink.begin_object(object.type_name.as_text(), Some(object.parts.len()))
        }
        scalar => return send_scalar(scalar, sink).map(|()| false),
    }?;
    Ok(true)
}

fn end<S: Sink + ?Sized>(node: &Node, sink: &mut S) -> Result<()> {
    match node {
        Node::Tuple(_) => sink.end(Container::Tuple),
        Node::Set(_) => sink.end(Container::Set),
        Node::FrozenSet(_) => sink.end(Container::FrozenSet),
        Node::Map(_) => sink.end(Container::Map),
        Node::Object(_) => sink.end_object(),
        _ => sink.end(Container::List),
    }
}

fn send_scalar<S: Sink + ?Sized>(node: &Node, sink: &mut S) -> Result<()> {
    match node {
        Node::Null => sink.null(),
        Node::Bool(value) => sink.bool(*value),
        Node::Int(value) => sink.int(*value),
        Node::BigInt(value) => sink.big_int(BigInt::LittleEndian(&value.to_signed_bytes_le())),
        Node::Float(value) => sink.float(*value),
        Node::Text(value) => sink.text(value.as_text()),
        Node::Bytes(value) => sink.bytes(value),
        Node::Array(value) => sink.array(&value.as_view()),
        _ => unreachable!("containers are sent elsewhere"),
    }
}

#[cold]
fn no_root() -> Error {
    Error::new(ErrorKind::Value, "the graph has no root").with_hint("call `set_root` first")
}
