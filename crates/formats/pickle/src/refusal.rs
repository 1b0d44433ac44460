//! Why a pickle is not loaded: which names, where, what they would have done, and what to do now.

use std::fmt::Write as _;

use cannery_core::{Error, ErrorKind, Graph, Limits, Node, NodeId, Segment};

use crate::abstract_heap::{Refusal, UNNAMED};
use crate::inert::InertHeap;
use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::policy;
use crate::read::{Framing, Ops};
use crate::repr::printable;

/// The error for a pickle in which these steps were refused, the first of them in detail; `done`
/// says what was done before ([`NOTHING_DONE`](crate::NOTHING_DONE)).
///
/// # Panics
/// Without a refusal.
#[must_use]
pub fn refused(data: &[u8], start: usize, refusals: &[Refusal], done: &str) -> Error {
    let first = worst(refusals);
    let mut message = describe(first);
    let mut others: Vec<String> = refusals.iter().map(Refusal::full_name).collect();
    others.sort();
    others.dedup();
    others.retain(|name| *name != first.full_name());
    if !others.is_empty() {
        let more = others.len().saturating_sub(5);
        others.truncate(5);
        let _ = write!(message, "; it also names `{}`", others.join("`, `"));
        if more > 0 {
            let _ = write!(message, " and {more} more");
        }
    }
    if let Some(opcode) = data.get(first.at).and_then(|&byte| Opcode::from_code(byte)) {
        let _ = write!(message, " (`{}`)", opcode.name());
    }
    let message = printable(&format!("{message}; {done}")).into_owned();
    let error = Error::new(ErrorKind::Untrusted, message).with_hint(ways_on(first));
    let error = path_to(data, start, first.at).into_iter().fold(error, Error::inside);
    error.at_offset(first.at as u64)
}

/// The first dangerous step, or else the first.
fn worst(refusals: &[Refusal]) -> &Refusal {
    let dangerous = |refusal: &&Refusal| policy::danger(&refusal.module, &refusal.name).is_some();
    refusals.iter().find(dangerous).unwrap_or(&refusals[0])
}

fn describe(refusal: &Refusal) -> String {
    let name = refusal.full_name();
    let step = match refusal.step.as_str() {
        "" => String::new(),
        step => format!(", and would run `{step}`"),
    };
    match (policy::danger(&refusal.module, &refusal.name), &refusal.reason) {
        (None, Some(reason)) if refusal.name == UNNAMED => {
            format!("the pickle does what no data does: {reason}")
        }
        (Some(what), _) => format!("the pickle names `{name}`, which {what}{step}"),
        (None, Some(reason)) => format!("the pickle misuses `{name}`: {reason}{step}"),
        (None, None) => format!("the pickle names `{name}`, which is not trusted{step}"),
    }
}

fn ways_on(refusal: &Refusal) -> String {
    let look = "see what it is with `cannery explain`, or load what is data in it with `on_untrusted=\"record\"`";
    match (policy::danger(&refusal.module, &refusal.name), &refusal.reason) {
        (None, None) => {
            if let Some(rule) = policy::rule(&refusal.module, &refusal.name) {
                let profile = rule.profile.name();
                return format!("{look}, or trust the library with `profile=\"{profile}\"`");
            }
            let name = refusal.full_name();
            let name = printable(&name);
            format!("{look}, or, if you know its author, `trust=[\"{name}\"]`")
        }
        _ => look.to_owned(),
    }
}

/// The way from the whole to what the opcode at `at` would make, the innermost step first.
fn path_to(data: &[u8], start: usize, at: usize) -> Vec<Segment> {
    let inert = InertHeap::new(&Limits::default(), data.len() as u64);
    let mut machine = Machine::new(Ops::new(data, start, Framing::Strict), inert);
    let Ok(root) = machine.run() else { return Vec::new() };
    let made = &machine.heap.made;
    // The object of a refused name is reached where what was made of it is.
    let targets: Vec<NodeId> =
        made.iter().filter(|(offset, _)| *offset >= at).map(|&(_, id)| id).collect();
    targets
        .into_iter()
        .find_map(|target| way(&machine.heap.graph, root, target))
        .unwrap_or_default()
}

fn way(graph: &Graph, root: NodeId, target: NodeId) -> Option<Vec<Segment>> {
    let mut from = std::collections::HashMap::from([(root, None)]);
    let mut waiting = std::collections::VecDeque::from([root]);
    while let Some(id) = waiting.pop_front() {
        if id == target {
            return Some(way_back(&from, id));
        }
        for (segment, child) in children(graph, id) {
            from.entry(child).or_insert_with(|| {
                waiting.push_back(child);
                Some((id, segment))
            });
        }
    }
    None
}

type Steps = std::collections::HashMap<NodeId, Option<(NodeId, Segment)>>;

fn way_back(from: &Steps, mut id: NodeId) -> Vec<Segment> {
    let mut way = Vec::new();
    while let Some(Some((parent, segment))) = from.get(&id) {
        way.push(segment.clone());
        id = *parent;
    }
    way
}

fn children(graph: &Graph, id: NodeId) -> Vec<(Segment, NodeId)> {
    match &graph[id] {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            items.iter().enumerate().map(|(at, &id)| (Segment::Index(at as u64), id)).collect()
        }
        Node::Map(entries) => {
            let step = |at: usize, key: NodeId| match &graph[key] {
                Node::Text(text) => Segment::Key(text.as_text().to_str_lossy().as_ref().into()),
                _ => Segment::Index(at as u64),
            };
            let values = entries.iter().enumerate();
            values.map(|(at, &(key, value))| (step(at, key), value)).collect()
        }
        Node::Object(object) => {
            let key = |name: &cannery_core::TextBuf| {
                Segment::Key(name.as_text().to_str_lossy().as_ref().into())
            };
            object.parts.iter().map(|(name, id)| (key(name), *id)).collect()
        }
        _ => Vec::new(),
    }
}
