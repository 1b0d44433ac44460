//! Files that import each other in a circle: none of them can be read, tested or moved alone.

mod graph;
mod python;
mod rust;

use std::path::Path;

use anyhow::Result;

use self::graph::Graph;
use crate::metadata::Metadata;

/// The circles that are still to be opened. This number only ever goes down.
const OPEN: usize = 23;

/// Every circle among the files of one crate, and among those of the Python package.
pub(crate) fn find(metadata: &Metadata) -> Result<Vec<String>> {
    let root = &metadata.workspace_root;
    let mut graphs = vec![python::imports(root, Path::new("python/cannery"))?];
    for member in metadata.members() {
        let Some(folder) = metadata.folder(member) else { continue };
        graphs.push(rust::imports(root, &folder.join("src"))?);
    }
    Ok(graphs.iter().flat_map(described).collect())
}

fn described(graph: &Graph) -> Vec<String> {
    graph.circles().iter().map(|circle| graph.describe(circle)).collect()
}

/// What is wrong with that many circles, if anything.
pub(crate) fn fault(circles: usize) -> Option<String> {
    match circles.cmp(&OPEN) {
        std::cmp::Ordering::Less => Some(format!(
            "{circles} circles are left, and `OPEN` in crates/tools/xtask/src/circles/mod.rs says {OPEN}: lower it"
        )),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(format!(
            "{circles} circles of files, {OPEN} at most: `cargo xtask circles` shows what ties each"
        )),
    }
}
