//! Distributed checkpoints: the metadata of a folder, which says where the parts of each tensor are.

use std::collections::HashMap;

use cannery_core::{Limits, Result};

use crate::node::{Node, Nodes};
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::tensor::wrong;

/// A stretch of a file of the folder that is a checkpoint of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The name of the file: no folders, which is checked.
    pub file: String,
    /// Where it begins in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// A part of a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorPart {
    /// The index of its first element in the tensor.
    pub corner: Vec<u64>,
    /// Its sides.
    pub shape: Vec<u64>,
    /// Where it is.
    pub stretch: Stretch,
}

/// What a distributed checkpoint holds by one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DistributedValue {
    /// A tensor of these sides, in parts.
    Tensor {
        /// Its sides.
        shape: Vec<u64>,
        /// Its parts, in the order of the metadata.
        parts: Vec<TensorPart>,
    },
    /// Something else.
    Other,
}

/// Reads the file `.metadata` of a distributed checkpoint: names and what they stand for.
///
/// # Errors
/// Those of [`Checkpoint::read`](crate::Checkpoint::read), and
/// [`Corrupt`](cannery_core::ErrorKind::Corrupt) if parts are missing or lead out of the folder.
pub fn read_distributed(data: &[u8], limits: &Limits) -> Result<Vec<(String, DistributedValue)>> {
    let mut reader = Reader::new(data, limits);
    let (root, _) = reader.pickle(data, 0)?;
    let nodes = &reader.heap.nodes;
    let described = attribute(nodes, root, "state_dict_metadata").ok_or_else(no_metadata)?;
    let stored = attribute(nodes, root, "storage_data").ok_or_else(no_metadata)?;
    let places = places(nodes, stored)?;
    let values = nodes.entries(described).iter().map(|&(name, value)| {
        let name = nodes.text(name).ok_or_else(no_metadata)?;
        Ok((name.to_owned(), described_value(nodes, name, value, &places)?))
    });
    values.collect()
}

type Places = HashMap<(String, Vec<u64>), Stretch>;

fn places(nodes: &Nodes, stored: NodeId) -> Result<Places> {
    let mut places = Places::new();
    for &(index, info) in nodes.entries(stored) {
        let text = |id, name| attribute(nodes, id, name).and_then(|id| nodes.text(id));
        let number = |name| {
            let value = attribute(nodes, info, name).and_then(|id| nodes.int(id));
            value.and_then(|value| u64::try_from(value).ok()).ok_or_else(no_metadata)
        };
        let name = text(index, "fqn").ok_or_else(no_metadata)?.to_owned();
        let file = text(info, "relative_path").ok_or_else(no_metadata)?.to_owned();
        if file.is_empty() || file.contains(['/', '\\', ':', '\0']) || file == ".." || file == "." {
            return Err(wrong(format!("`{}` is no plain file name", file.escape_debug())));
        }
        let corner = attribute(nodes, index, "offset").and_then(|id| shape(nodes, id));
        let stretch = Stretch { file, offset: number("offset")?, len: number("length")? };
        places.insert((name, corner.unwrap_or_default()), stretch);
    }
    Ok(places)
}

fn described_value(
    nodes: &Nodes,
    name: &str,
    value: NodeId,
    places: &Places,
) -> Result<DistributedValue> {
    let chunks = attribute(nodes, value, "chunks").and_then(|id| nodes.sequence(id));
    let Some(chunks) = chunks else { return Ok(DistributedValue::Other) };
    let part = |&chunk: &NodeId| {
        let sides = |what| attribute(nodes, chunk, what).and_then(|id| shape(nodes, id));
        let corner = sides("offsets").ok_or_else(no_metadata)?;
        let shape = sides("sizes").ok_or_else(no_metadata)?;
        let stretch = places.get(&(name.to_owned(), corner.clone())).cloned();
        let stretch =
            stretch.ok_or_else(|| wrong(format!("the metadata does not say where `{name}` is")))?;
        Ok(TensorPart { corner, shape, stretch })
    };
    let shape = attribute(nodes, value, "size").and_then(|id| shape(nodes, id));
    let shape = shape.ok_or_else(|| wrong(format!("the metadata of `{name}` has no shape")))?;
    Ok(DistributedValue::Tensor { shape, parts: chunks.iter().map(part).collect::<Result<_>>()? })
}

/// An attribute of an object that is never made.
fn attribute(nodes: &Nodes, object: NodeId, name: &str) -> Option<NodeId> {
    let Node::Object(object) = nodes.get(object) else { return None };
    object.states.iter().rev().find_map(|&state| nodes.entry(state, name))
}

/// The sides in a `torch.Size`, or in a tuple.
fn shape(nodes: &Nodes, id: NodeId) -> Option<Vec<u64>> {
    let side = |&side: &i64| u64::try_from(side).ok();
    match nodes.get(id) {
        Node::Size(sides) => sides.iter().map(side).collect(),
        Node::Tuple(items) => {
            items.iter().map(|&id| nodes.int(id).as_ref().and_then(side)).collect()
        }
        _ => None,
    }
}

#[cold]
fn no_metadata() -> cannery_core::Error {
    wrong("the metadata of the distributed checkpoint is incomplete".to_owned())
}
