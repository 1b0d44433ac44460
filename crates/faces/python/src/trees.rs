//! Trees of scikit-learn, checked node by node before their compiled code follows them.

use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use crate::npy::Buffer;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(tree_depth, module)?)
}

/// How deep a tree is, the nodes of which lie one behind the other, each `size` bytes long with its
/// left child, right child and feature at `places`; a `ValueError` says what it is not.
#[pyfunction]
fn tree_depth(
    nodes: &Bound<'_, PyAny>,
    size: usize,
    places: (usize, usize, usize),
    features: i64,
) -> PyResult<u32> {
    let nodes = Buffer::of(nodes)?;
    let fits = |place: usize| place.checked_add(8).is_some_and(|end| end <= size);
    if ![places.0, places.1, places.2].into_iter().all(fits) {
        return Err(PyValueError::new_err("a field lies outside its node"));
    }
    depth(nodes.as_slice(), size, places, features)
}

/// Builders store parents first: so each walk ends, and one pass sees every node after its parent.
fn depth(
    nodes: &[u8],
    size: usize,
    (left, right, feature): (usize, usize, usize),
    features: i64,
) -> PyResult<u32> {
    let count = nodes.len() / size;
    // The level of each node, from 1; that of nodes which nothing leads to is not known.
    let mut levels: Vec<u32> = Vec::new();
    levels.try_reserve_exact(count).map_err(|_| PyMemoryError::new_err(()))?;
    levels.resize(count, 0);
    let mut has_parent = levels.clone();
    let mut deepest = 1;
    if let Some(root) = levels.first_mut() {
        *root = 1;
    }
    for (at, node) in nodes.chunks_exact(size).enumerate() {
        let field = |place: usize| {
            let bytes = node.get(place..place + 8).and_then(|bytes| bytes.try_into().ok());
            i64::from_ne_bytes(bytes.unwrap_or_default())
        };
        let (left, right, feature) = (field(left), field(right), field(feature));
        // The sparse path and `decision_path` look at no feature of a leaf; -2 is what is written.
        let lowest = if left == -1 { -2 } else { 0 };
        if !(lowest..features).contains(&feature) {
            return Err(PyValueError::new_err("an index is out of range"));
        }
        if left == -1 {
            if right != -1 {
                return Err(PyValueError::new_err("a leaf has a child"));
            }
            continue;
        }
        for child in [left, right] {
            let child = usize::try_from(child).ok().filter(|child| *child < count);
            let child = child.ok_or_else(|| PyValueError::new_err("an index is out of range"))?;
            if child <= at {
                return Err(PyValueError::new_err("a child comes before its parent"));
            }
            if std::mem::replace(&mut has_parent[child], 1) == 1 {
                return Err(PyValueError::new_err("a node has two parents"));
            }
            if levels[at] > 0 {
                levels[child] = levels[at] + 1;
                deepest = deepest.max(levels[child]);
            }
        }
    }
    Ok(deepest - 1)
}
