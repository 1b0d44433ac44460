//! A graph as a flowchart of Mermaid.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use cannery::printable;

use crate::graph::{Graph, NodeStatus};

impl Graph {
    /// The graph as a flowchart of Mermaid, which pages and code hosts draw.
    ///
    /// Names are escaped as Mermaid's entities: they can neither end a label nor hold markup.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let mut chart = String::from("flowchart LR\n");
        for (index, node) in self.nodes.iter().enumerate() {
            let mut lines = vec![escaped(&node.title)];
            lines.push(match node.detail.as_str() {
                "" => node.status.as_str().to_owned(),
                detail => format!("{} · {}", node.status.as_str(), escaped(detail)),
            });
            let ports = node.ports.iter();
            lines.extend(ports.map(|port| escaped(&format!("{}: {}", port.label, port.detail))));
            let (open, close) =
                if node.status == NodeStatus::Artifact { ("([", "])") } else { ("[", "]") };
            let class = node.status.as_str();
            let label = lines.join("<br>");
            let _ = writeln!(chart, "    n{index}{open}\"{label}\"{close}:::{class}");
        }
        for edge in &self.edges {
            let ports = &self.nodes[edge.from].ports;
            let label = match ports.get(edge.port) {
                Some(port) if ports.len() > 1 => format!("|\"{}\"|", escaped(&port.label)),
                _ => String::new(),
            };
            let _ = writeln!(chart, "    n{} -->{label} n{}", edge.from, edge.to);
        }
        let statuses: BTreeSet<_> = self.nodes.iter().map(|node| node.status).collect();
        for status in statuses {
            let (class, color) = (status.as_str(), status.color());
            let _ = writeln!(chart, "    classDef {class} stroke:{color},stroke-width:2px");
        }
        chart
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text).chars() {
        if character.is_alphanumeric() || " ._-@/:,+=·×".contains(character) {
            escaped.push(character);
        } else {
            let _ = write!(escaped, "#{};", u32::from(character));
        }
    }
    escaped
}
