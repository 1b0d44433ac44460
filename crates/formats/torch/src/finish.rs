//! What can only be said of tensors when the numbers of all storages are found.

use cannery_core::{Budget, Limits, Result};

use crate::checkpoint::Checkpoint;
use crate::node::Node;
use crate::node_id::NodeId;
use crate::tensor::{Layout, StorageData, Tensor, View, elements, wrong};

/// Finds the parts of nested tensors, whose shapes are numbers of other tensors.
pub(crate) fn nested(made: &mut Checkpoint, data: &[u8]) -> Result<()> {
    for id in 0..made.nodes.count() {
        let Node::Tensor(tensor) = made.nodes.get(id) else { continue };
        let Layout::Nested { buffer, places, .. } = tensor.layout else { continue };
        let found = parts(made, data, buffer, places)?;
        if let Node::Tensor(tensor) = made.nodes.get_mut(id)
            && let Layout::Nested { parts, .. } = &mut tensor.layout
        {
            *parts = found;
        }
    }
    Ok(())
}

fn parts(made: &Checkpoint, data: &[u8], buffer: NodeId, places: [NodeId; 3]) -> Result<Vec<View>> {
    let whole = strided(made, buffer)?;
    let [shapes, strides, offsets] = places;
    let (shapes, strides) = (rows(made, data, shapes)?, rows(made, data, strides)?);
    let offsets = rows(made, data, offsets)?.concat();
    let storage = whole.storage.map(|number| &made.storages[number]);
    let len = storage.map_or(0, |storage| storage.len.saturating_sub(whole.start));
    let parts = shapes.into_iter().zip(strides).zip(offsets);
    let part = |((shape, strides), offset): ((Vec<u64>, Vec<u64>), u64)| {
        let offset = whole.offset.checked_add(offset);
        let offset = offset.ok_or_else(|| wrong("the offset of a nested tensor is none".into()))?;
        let part = View { shape, strides, offset, ..whole.clone() };
        part.check(len)?;
        Ok(part)
    };
    parts.map(part).collect()
}

fn strided(made: &Checkpoint, tensor: NodeId) -> Result<&View> {
    match made.nodes.get(tensor) {
        Node::Tensor(tensor) => match &tensor.layout {
            Layout::Strided(view) => Ok(view),
            _ => Err(wrong("a part of a nested tensor is not strided".into())),
        },
        _ => Err(wrong("a part of a nested tensor is no tensor".into())),
    }
}

/// The integers of a tensor of one or two sides, row by row.
fn rows(made: &Checkpoint, data: &[u8], tensor: NodeId) -> Result<Vec<Vec<u64>>> {
    let view = strided(made, tensor)?;
    let no_numbers = || wrong("the shapes of a nested tensor are no integers".into());
    let storage = view.storage.filter(|_| view.dtype.name() == "int64").ok_or_else(no_numbers)?;
    let storage = made.storages[storage].bytes(data)?;
    let start = usize::try_from(view.start).ok();
    let bytes = start.and_then(|start| storage.get(start..)).ok_or_else(no_numbers)?;
    // No more rows are made than there are numbers: strides of 0 would repeat them.
    if elements(&view.shape)? > bytes.len() as u64 / 8 {
        return Err(no_numbers());
    }
    let number = |at: u64| {
        let at = usize::try_from(at).ok()?.checked_mul(8)?;
        let word = bytes.get(at..)?.first_chunk::<8>()?;
        u64::try_from(i64::from_le_bytes(*word)).ok()
    };
    let (rows, columns) = match (&view.shape[..], &view.strides[..]) {
        (&[rows], &[step]) => ((rows, step), (1, 0)),
        (&[rows, columns], &[step, column]) => ((rows, step), (columns, column)),
        _ => return Err(no_numbers()),
    };
    if columns.0 == 0 {
        return Ok(Vec::new());
    }
    let row = |row: u64| {
        let at = |column: u64| view.offset + row * rows.1 + column * columns.1;
        (0..columns.0).map(|column| number(at(column)).ok_or_else(no_numbers)).collect()
    };
    (0..rows.0).map(row).collect()
}

/// Gives tensors whose values are the conjugates or negatives of their elements storages with
/// their values, so that readers need not know of it.
pub(crate) fn resolve_bits(made: &mut Checkpoint, data: &[u8]) -> Result<()> {
    let mut budget = Budget::new(&Limits::default(), data.len() as u64);
    let mut done = Vec::new();
    for id in 0..made.nodes.count() {
        let Node::Tensor(tensor) = made.nodes.get(id) else { continue };
        let Some((number, flips)) = flips_of(tensor) else { continue };
        let known = done.iter().find(|(from, with, _)| (*from, *with) == (number, flips));
        let resolved = if let Some(&(_, _, resolved)) = known {
            resolved
        } else {
            let mut storage = made.storages[number].clone();
            budget.take_bytes(storage.len)?;
            storage.data = StorageData::InMemory(flips.apply(&storage.bytes(data)?));
            made.storages.push(storage);
            done.push((number, flips, made.storages.len() - 1));
            made.storages.len() - 1
        };
        if let Node::Tensor(tensor) = made.nodes.get_mut(id)
            && let Layout::Strided(view) = &mut tensor.layout
        {
            view.storage = Some(resolved);
        }
    }
    Ok(())
}

/// Which signs are turned around.
#[derive(Clone, Copy, PartialEq)]
struct Flips {
    /// Bytes of a float.
    word: usize,
    /// Of the first and the second of two floats.
    of_pair: [bool; 2],
    /// Bytes before the first float: views may begin anywhere.
    start: usize,
}

impl Flips {
    fn apply(self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let words = bytes.get_mut(self.start..).unwrap_or_default().chunks_exact_mut(self.word);
        for (index, word) in words.enumerate() {
            if self.of_pair[index % 2]
                && let Some(last) = word.last_mut()
            {
                *last ^= 0x80;
            }
        }
        bytes
    }
}

fn flips_of(tensor: &Tensor) -> Option<(usize, Flips)> {
    let Layout::Strided(view) = &tensor.layout else { return None };
    if !tensor.is_conjugate && !tensor.is_negative {
        return None;
    }
    let name = view.dtype.name();
    let is_complex = name.contains("complex");
    // Of types without a sign bit neither is ever set.
    if !is_complex && !name.contains("float") {
        return None;
    }
    let negative = tensor.is_negative;
    let of_pair = [negative, if is_complex { negative ^ tensor.is_conjugate } else { negative }];
    let (word, start) = (view.dtype.word_size(), usize::try_from(view.start).ok()?);
    Some((view.storage?, Flips { word, of_pair, start: start % (word * 2) }))
}
