//! Which other files an HDF5 file leads to: by external links, raw data and virtual sources.

use std::collections::HashSet;
use std::path::Path;

use cannery_core::Result;

use crate::{File, LinkTarget, Node, ObjectKind};

/// Objects that are looked at, at most.
const MOST_OBJECTS: usize = 100_000;

/// Files that are told, at most.
const MOST_TOLD: usize = 20;

/// Says of each other file how this one leads to it; none is opened.
pub(super) fn other_files(path: &Path) -> Result<Vec<String>> {
    let file = File::open(path)?;
    let mut walk = Walk { told: Vec::new(), met: HashSet::new() };
    let mut groups = vec![("/".to_owned(), file.root())];
    while let Some((name, group)) = groups.pop() {
        walk.group(&name, &group, &mut groups);
    }
    let left = walk.told.len().saturating_sub(MOST_TOLD);
    walk.told.truncate(MOST_TOLD);
    if left > 0 {
        walk.told.push(format!("{left} more names of other files"));
    }
    Ok(walk.told)
}

struct Walk {
    told: Vec<String>,
    /// Objects that were looked at.
    met: HashSet<(u64, u64)>,
}

impl Walk {
    fn group(&mut self, name: &str, group: &Node, groups: &mut Vec<(String, Node)>) {
        // Of what is damaged, the rest is looked at.
        for link in group.members().unwrap_or_default() {
            let name = format!("{}/{}", name.trim_end_matches('/'), text(&link.name));
            match &link.target {
                LinkTarget::Hard(_) => {}
                LinkTarget::External { file, .. } => {
                    self.tell("external link", &name, file);
                    continue;
                }
                _ => continue,
            }
            let Ok(node) = group.resolve(&link.name) else { continue };
            if self.met.len() >= MOST_OBJECTS || !self.met.insert(node.id()) {
                continue;
            }
            match node.kind() {
                Ok(ObjectKind::Group) => groups.push((name, node)),
                Ok(ObjectKind::Dataset) => self.dataset(&name, &node),
                _ => {}
            }
        }
    }

    fn dataset(&mut self, name: &str, node: &Node) {
        let Ok(dataset) = node.dataset() else { return };
        let mut met = HashSet::new();
        for segment in dataset.external_segments() {
            if met.insert(segment.name.clone()) {
                self.tell("raw data", name, &segment.name);
            }
        }
        for source in dataset.virtual_sources() {
            // A point is this file itself.
            if source.file != b"." && met.insert(source.file.clone()) {
                self.tell("virtual data", name, &source.file);
            }
        }
    }

    fn tell(&mut self, what: &str, name: &str, file: &[u8]) {
        let file = text(file);
        let reason =
            format!("{what} `{name}` leads to the file `{file}`, which other readers open");
        self.told.push(reason);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
