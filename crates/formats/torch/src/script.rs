//! `TorchScript`: the tensors of a program's modules by their names. The program is not run.

use std::collections::HashSet;

use crate::checkpoint::Checkpoint;
use crate::node::{Name, Node, Object};
use crate::node_id::NodeId;

/// The tensors of the modules below the root: of each module its own, then those of its parts.
pub(crate) fn state(checkpoint: &Checkpoint, data: &[u8]) -> Vec<(String, NodeId)> {
    let mut walk =
        Walk { checkpoint, data, found: Vec::new(), open: HashSet::new(), left: 1 << 20 };
    if let Some(root) = checkpoint.document("data") {
        walk.module(root, "", 0);
    }
    walk.found
}

struct Walk<'a> {
    checkpoint: &'a Checkpoint,
    data: &'a [u8],
    found: Vec<(String, NodeId)>,
    /// The modules that are being looked at: a module may not be part of itself.
    open: HashSet<NodeId>,
    /// Modules that are still looked at: shared ones have several names.
    left: u32,
}

impl Walk<'_> {
    fn module(&mut self, id: NodeId, prefix: &str, depth: usize) {
        let Node::Object(object) = self.checkpoint.nodes.get(id) else { return };
        if depth > 200 || self.left == 0 || !self.open.insert(id) {
            return;
        }
        self.left -= 1;
        let nodes = &self.checkpoint.nodes;
        let listed = nodes.name(object.callee).and_then(|class| self.listed(class));
        let attributes = attributes(self.checkpoint, object);
        for &(name, value) in &attributes {
            let is_listed = || listed.as_ref().is_none_or(|names| names.contains(name));
            if matches!(nodes.get(value), Node::Tensor(_)) && is_listed() {
                self.found.push((format!("{prefix}{name}"), value));
            }
        }
        for (name, value) in attributes {
            self.module(value, &format!("{prefix}{name}."), depth + 1);
        }
        self.open.remove(&id);
    }

    /// The names that the source of a class lists as parameters and buffers.
    fn listed(&self, class: &Name) -> Option<HashSet<String>> {
        let path = class.module.replace('.', "/");
        let member = format!("{}code/{path}.py", self.checkpoint.folder);
        let source = self.checkpoint.archive.get(&member)?.bytes(self.data).ok()?;
        let source = std::str::from_utf8(&source).ok()?;
        let mut lines = source.lines();
        let header = format!("class {}(", class.name);
        lines.find(|line| line.starts_with(&header))?;
        let body = lines.take_while(|line| !line.starts_with("class "));
        let lists = body.filter_map(|line| {
            let (name, list) = line.trim().split_once(" = ")?;
            matches!(name, "__parameters__" | "__buffers__").then_some(list)
        });
        let names = lists.flat_map(|list| list.split('"').skip(1).step_by(2));
        Some(names.map(ToOwned::to_owned).collect())
    }
}

/// The attributes that the states of an object set.
fn attributes<'a>(checkpoint: &'a Checkpoint, object: &Object) -> Vec<(&'a str, NodeId)> {
    let nodes = &checkpoint.nodes;
    let states = object.states.iter().flat_map(|&state| nodes.entries(state));
    states.filter_map(|&(key, value)| Some((nodes.text(key)?, value))).collect()
}
