//! Strategies for values that share parts and hold cycles.

use std::collections::HashMap;

use cannery_core::{Graph, Limits, Node, NodeId, ObjectNode, TextBuf, Value};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::values::{any_name, any_scalar};

/// A value with parts that are reached on many ways, often from inside themselves.
pub fn any_graph() -> impl Strategy<Value = Graph> {
    vec(any_plan(), 1..12).prop_map(|plans| {
        let mut graph = Graph::new();
        let ids: Vec<NodeId> = plans.iter().map(|_| graph.add(Node::Null)).collect();
        for (&id, plan) in ids.iter().zip(&plans) {
            let children = plan.children.iter().map(|at| ids[at.index(ids.len())]);
            graph[id] = node(plan, children.collect());
        }
        graph.set_root(ids[0]);
        graph
    })
}

/// A tree with marks and aliases in it.
///
/// # Panics
/// Never: a graph of a few nodes is within every limit.
pub fn any_marked_value() -> impl Strategy<Value = Value> {
    any_graph().prop_map(|graph| {
        Value::from_source(&graph, Limits::default()).expect("a graph of a few nodes")
    })
}

/// A node to be, its children by their places in the list of all.
#[derive(Clone, Debug)]
struct Plan {
    shape: u8,
    scalar: Value,
    children: Vec<prop::sample::Index>,
    names: Vec<TextBuf>,
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let children = vec(any::<prop::sample::Index>(), 0..5);
    let names = vec(any_name(), 5);
    (0_u8..8, any_scalar(), children, names).prop_map(|(shape, scalar, children, names)| Plan {
        shape,
        scalar,
        children,
        names,
    })
}

fn node(plan: &Plan, children: Vec<NodeId>) -> Node {
    match plan.shape {
        0 => Node::List(children),
        1 => Node::Tuple(children),
        2 => Node::Set(children),
        3 => Node::FrozenSet(children),
        4 | 5 => Node::Map(children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()),
        6 => {
            let parts = plan.names.iter().cloned().zip(children).collect();
            Node::Object(Box::new(ObjectNode { type_name: plan.names[0].clone(), parts }))
        }
        _ => scalar(&plan.scalar),
    }
}

fn scalar(value: &Value) -> Node {
    match value {
        Value::Bool(value) => Node::Bool(*value),
        Value::Int(value) => Node::Int(*value),
        Value::BigInt(value) => Node::BigInt(value.clone()),
        Value::Float(value) => Node::Float(*value),
        Value::Text(value) => Node::Text(value.clone()),
        Value::Bytes(value) => Node::Bytes(value.clone()),
        Value::Array(value) => Node::Array(value.clone()),
        _ => Node::Null,
    }
}

/// Whether two graphs have the same form: the same nodes from the roots on, and where two ways
/// lead to one container in the one, they do in the other.
#[must_use]
pub fn isomorphic(a: &Graph, b: &Graph) -> bool {
    let (Some(root_a), Some(root_b)) = (a.root(), b.root()) else { return false };
    let mut partners = HashMap::new();
    let mut partners_of_b = HashMap::new();
    let mut due = vec![(root_a, root_b)];
    while let Some((x, y)) = due.pop() {
        let (Some(left), Some(right)) = (children(&a[x]), children(&b[y])) else {
            if same_scalar(&a[x], &b[y]) {
                continue;
            }
            return false;
        };
        let first = !partners.contains_key(&x) && !partners_of_b.contains_key(&y);
        if *partners.entry(x).or_insert(y) != y || *partners_of_b.entry(y).or_insert(x) != x {
            return false;
        }
        if !same_outside(&a[x], &b[y]) || left.len() != right.len() {
            return false;
        }
        if first {
            due.extend(left.into_iter().zip(right));
        }
    }
    true
}

/// The children of a container; a scalar has none, not even an empty list of them.
fn children(node: &Node) -> Option<Vec<NodeId>> {
    match node {
        Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
            Some(items.clone())
        }
        Node::Map(entries) => Some(entries.iter().flat_map(|&(k, v)| [k, v]).collect()),
        Node::Object(object) => Some(object.parts.iter().map(|&(_, part)| part).collect()),
        _ => None,
    }
}

fn same_outside(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Object(a), Node::Object(b)) => {
            let names = |object: &ObjectNode| -> Vec<TextBuf> {
                object.parts.iter().map(|(name, _)| name.clone()).collect()
            };
            a.type_name == b.type_name && names(a) == names(b)
        }
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn same_scalar(a: &Node, b: &Node) -> bool {
    match (a, b) {
        (Node::Float(a), Node::Float(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}
