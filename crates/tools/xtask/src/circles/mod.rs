//! Files that import each other in a circle: none of them can be read, tested or moved alone.

mod graph;
mod python;
mod rust;

use std::path::Path;

use anyhow::Result;

use self::graph::Graph;
use crate::metadata::Metadata;

/// Circles that are meant, each with its reason: walkers of a value that holds values, cut by kind.
const MEANT: [(&[&str], &str); 0] = [];

/// Every circle among the files of one crate, and among those of the Python package.
pub(crate) fn faults(metadata: &Metadata) -> Result<Vec<String>> {
    let root = &metadata.workspace_root;
    let mut graphs = vec![python::imports(root, Path::new("python/cannery"))?];
    for member in metadata.members() {
        let Some(folder) = metadata.folder(member) else { continue };
        graphs.push(rust::imports(root, &folder.join("src"))?);
    }
    Ok(graphs.iter().flat_map(described).collect())
}

fn described(graph: &Graph) -> Vec<String> {
    let circles = graph.circles();
    let open = circles.iter().filter(|circle| !is_meant(circle));
    open.map(|circle| graph.describe(circle)).collect()
}

fn is_meant(circle: &[String]) -> bool {
    MEANT.iter().any(|(files, _)| circle.iter().all(|file| files.contains(&file.as_str())))
}
