//! Merge keys (<https://yaml.org/type/merge.html>): `<<: *base` puts the entries of another mapping
//! below a mapping's own.
//!
//! Which entries that are is known only when the whole mapping is, and they stay shared with the
//! other one: so a document with merge keys goes through a graph, the others straight to the sink.

use std::collections::{HashMap, HashSet};

use cannery_core::{Error, ErrorKind, Graph, Node, NodeId, Result};

use crate::compose::MERGE;

/// Replaces every `<<` in the graph by the entries it stands for.
pub(crate) fn merge(graph: &mut Graph, root: NodeId) -> Result<()> {
    let maps = maps_with_merges(graph, root);
    let mut state = maps.iter().map(|&map| (map, State::Waiting)).collect();
    for &map in &maps {
        merge_one(graph, &mut state, map)?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Underway,
    Done,
}

/// Every mapping below `root` that has a `<<`, each once.
fn maps_with_merges(graph: &Graph, root: NodeId) -> Vec<NodeId> {
    let mut seen = HashSet::from([root]);
    let (mut found, mut waiting) = (Vec::new(), vec![root]);
    while let Some(id) = waiting.pop() {
        let node = &graph[id];
        if let Node::Map(entries) = node
            && entries.iter().any(|(key, _)| is_merge(graph, *key))
        {
            found.push(id);
        }
        waiting.extend(children(node).filter(|child| seen.insert(*child)));
    }
    found
}

fn children(node: &Node) -> Box<dyn Iterator<Item = NodeId> + '_> {
    match node {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            Box::new(items.iter().copied())
        }
        Node::Map(entries) => Box::new(entries.iter().flat_map(|(key, value)| [*key, *value])),
        Node::Object(object) => Box::new(object.parts.iter().map(|(_, part)| *part)),
        _ => Box::new(std::iter::empty()),
    }
}

fn is_merge(graph: &Graph, key: NodeId) -> bool {
    matches!(&graph[key], Node::Object(object) if object.type_name == *MERGE)
}

/// Merges one mapping, those that it takes entries from before it; on an explicit stack.
fn merge_one(graph: &mut Graph, state: &mut HashMap<NodeId, State>, map: NodeId) -> Result<()> {
    let mut stack = vec![map];
    while let Some(&map) = stack.last() {
        if state[&map] == State::Done {
            stack.pop();
            continue;
        }
        state.insert(map, State::Underway);
        let sources = sources(graph, map)?;
        let unmerged = |id: &&NodeId| state.get(id).is_some_and(|&state| state != State::Done);
        let before: Vec<NodeId> = sources.iter().filter(unmerged).copied().collect();
        if before.iter().any(|id| state[id] == State::Underway) {
            return Err(Error::new(ErrorKind::Cycle, "a mapping is merged into itself")
                .with_hint("remove the `<<` that refers to the mapping it stands in"));
        }
        if before.is_empty() {
            state.insert(map, State::Done);
            let merged = merged(graph, map, &sources);
            graph.replace(map, Node::Map(merged));
            stack.pop();
        } else {
            stack.extend(before);
        }
    }
    Ok(())
}

/// The mappings that the merge keys of a mapping name, the first of which has precedence.
fn sources(graph: &Graph, map: NodeId) -> Result<Vec<NodeId>> {
    let Node::Map(entries) = &graph[map] else { unreachable!("only mappings are merged") };
    let mut found = Vec::new();
    // Of several merge keys the last has precedence, as with every key that occurs twice.
    for (_, value) in entries.iter().rev().filter(|(key, _)| is_merge(graph, *key)) {
        match &graph[*value] {
            Node::Map(_) => found.push(*value),
            Node::List(items) => found.extend(items),
            other => return Err(misfit(other)),
        }
    }
    match found.iter().find(|id| !matches!(graph[**id], Node::Map(_))) {
        Some(&id) => Err(misfit(&graph[id])),
        None => Ok(found),
    }
}

/// Entries of the sources in their order, overridden where the mapping has the key itself; then
/// the mapping's other entries.
fn merged(graph: &Graph, map: NodeId, sources: &[NodeId]) -> Vec<(NodeId, NodeId)> {
    let entries = |id: NodeId| match &graph[id] {
        Node::Map(entries) => entries.iter().copied(),
        _ => unreachable!("only mappings are merged"),
    };
    let mut result: Vec<(NodeId, NodeId)> = Vec::new();
    let mut places: HashMap<Key, usize> = HashMap::new();
    for (key, value) in sources.iter().flat_map(|&source| entries(source)) {
        places.entry(Key::new(graph, key)).or_insert_with(|| {
            result.push((key, value));
            result.len() - 1
        });
    }
    for (key, value) in entries(map).filter(|(key, _)| !is_merge(graph, *key)) {
        match places.get(&Key::new(graph, key)) {
            Some(&place) => result[place].1 = value,
            None => result.push((key, value)),
        }
    }
    result
}

/// What makes keys of mappings the same: their content where they are scalars.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Scalar(String),
    Collection(NodeId),
}

impl Key {
    fn new(graph: &Graph, id: NodeId) -> Self {
        match &graph[id] {
            Node::List(_)
            | Node::Tuple(_)
            | Node::Set(_)
            | Node::FrozenSet(_)
            | Node::Map(_)
            | Node::Object(_) => Key::Collection(id),
            scalar => Key::Scalar(format!("{scalar:?}")),
        }
    }
}

#[cold]
fn misfit(found: &Node) -> Error {
    let message = format!("expected a mapping to merge, found {}", found.kind_name());
    Error::new(ErrorKind::Type, message)
        .with_hint("`<<` takes an alias to a mapping, or a list of them")
}
