//! The tensors of a checkpoint by their names, for those who look into files and convert them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use cannery_core::{ByteOrder, Error, ErrorKind, Result, StorageInfo, TensorContainer, TensorInfo};

use crate::checkpoint::{Checkpoint, FileLayout};
use crate::node::Node;
use crate::node_id::NodeId;
use crate::tensor::{Layout, Quantizer, StorageData, Tensor, View};

/// Things that are no tensors are listed up to this number.
const MOST_OTHERS: usize = 10_000;

/// A checkpoint as a file of named tensors: names are the keys on the way to a tensor, joined by
/// dots.
pub struct Tensors<D> {
    checkpoint: Checkpoint,
    data: D,
    infos: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    /// The storage of the checkpoint that each is, and the bytes before it.
    places: Vec<(usize, u64)>,
    others: Vec<String>,
    /// The storage that was unpacked last.
    last: Mutex<(Option<usize>, Vec<u8>)>,
}

impl<D: AsRef<[u8]> + Send + Sync> Tensors<D> {
    /// The tensors of a checkpoint, and the bytes that it was read from.
    #[must_use]
    pub fn new(checkpoint: Checkpoint, data: D) -> Self {
        let mut walk = Walk::of(&checkpoint);
        walk.run(data.as_ref());
        let Walk { tensors, storages, places, others, .. } = walk;
        let last = Mutex::default();
        Self { checkpoint, data, infos: tensors, storages, places, others, last }
    }

    /// The checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }
}

impl<D: AsRef<[u8]> + Send + Sync> TensorContainer for Tensors<D> {
    fn tensors(&self) -> &[TensorInfo] {
        &self.infos
    }

    fn storages(&self) -> &[StorageInfo] {
        &self.storages
    }

    fn others(&self) -> &[String] {
        &self.others
    }

    fn read_storage(&self, storage: usize, start: u64, out: &mut [u8]) -> Result<()> {
        let &(number, before) = self.places.get(storage).ok_or_else(beyond)?;
        let start = before.checked_add(start).and_then(|start| usize::try_from(start).ok());
        let start = start.ok_or_else(beyond)?;
        let storage = &self.checkpoint.storages[number];
        if !matches!(storage.data, StorageData::Packed(_)) {
            return copy_part(&storage.bytes(self.data.as_ref())?, start, out);
        }
        // Readers take one storage after the other, in pieces.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0 != Some(number) {
            *last = (Some(number), storage.bytes(self.data.as_ref())?.into_owned());
        }
        copy_part(&last.1, start, out)
    }
}

fn copy_part(bytes: &[u8], start: usize, out: &mut [u8]) -> Result<()> {
    let part = bytes.get(start..).and_then(|rest| rest.get(..out.len()));
    out.copy_from_slice(part.ok_or_else(beyond)?);
    Ok(())
}

#[cold]
fn beyond() -> Error {
    Error::new(ErrorKind::Value, "read beyond the end of a storage")
}

/// Looks for tensors, from the roots on. A container that is reached on several ways is looked at
/// once; a tensor is listed under every name.
struct Walk<'a> {
    checkpoint: &'a Checkpoint,
    tensors: Vec<TensorInfo>,
    storages: Vec<StorageInfo>,
    places: Vec<(usize, u64)>,
    by_place: HashMap<(usize, u64), usize>,
    others: Vec<String>,
    seen: HashSet<NodeId>,
    /// What is still to be looked at, the next last.
    open: Vec<(NodeId, String)>,
}

impl<'a> Walk<'a> {
    fn of(checkpoint: &'a Checkpoint) -> Self {
        Self {
            checkpoint,
            tensors: Vec::new(),
            storages: Vec::new(),
            places: Vec::new(),
            by_place: HashMap::new(),
            others: Vec::new(),
            seen: HashSet::new(),
            open: Vec::new(),
        }
    }

    fn run(&mut self, data: &[u8]) {
        let layout = self.checkpoint.layout;
        if layout == FileLayout::Script {
            for (name, tensor) in self.checkpoint.script_state(data) {
                self.node(tensor, &name);
            }
        }
        if matches!(layout, FileLayout::Script | FileLayout::OldScript) {
            self.others.push("code".to_owned());
        }
        for document in self.checkpoint.documents.iter().rev() {
            let name = match (layout, document.name.as_str()) {
                (FileLayout::Script, "data") => continue,
                (_, "data" | "state_dict") => String::new(),
                (FileLayout::Package, other) => other.replace('/', "."),
                (_, other) => other.to_owned(),
            };
            self.open.push((document.root, name));
        }
        while let Some((id, name)) = self.open.pop() {
            self.node(id, &name);
        }
    }

    fn node(&mut self, id: NodeId, name: &str) {
        match self.checkpoint.nodes.get(id) {
            Node::Tensor(tensor) => self.tensor(tensor, name),
            Node::Dict(dict) if self.seen.insert(id) => self.entries(&dict.entries, name),
            Node::List(items) | Node::Tuple(items) | Node::Set(items) | Node::FrozenSet(items) => {
                if self.seen.insert(id) {
                    self.items(items, name);
                }
            }
            Node::Object(object) if self.seen.insert(id) => {
                self.other(name);
                self.items(&object.items, name);
                self.entries(&object.entries, name);
                for &state in object.states.iter().chain([&object.arguments]).rev() {
                    self.open.push((state, name.to_owned()));
                }
            }
            Node::Dict(_) | Node::Object(_) => {}
            _ => self.other(name),
        }
    }

    fn other(&mut self, name: &str) {
        if self.others.len() < MOST_OTHERS {
            self.others.push(name.to_owned());
        }
    }

    fn items(&mut self, items: &[NodeId], name: &str) {
        let named = items.iter().enumerate().rev();
        self.open.extend(named.map(|(index, &item)| (item, join(name, &index.to_string()))));
    }

    fn entries(&mut self, entries: &[(NodeId, NodeId)], name: &str) {
        for &(key, value) in entries.iter().rev() {
            let key = self.key(key);
            // What modules keep their parts in is no part of their names.
            let is_table = matches!(&*key, "_parameters" | "_buffers" | "_modules");
            let inner = if is_table { name.to_owned() } else { join(name, &key) };
            self.open.push((value, inner));
        }
    }

    fn key(&self, key: NodeId) -> String {
        match self.checkpoint.nodes.get(key) {
            Node::Text(text) => text.to_string(),
            Node::Int(value) => value.to_string(),
            Node::Float(value) => value.to_string(),
            Node::Bool(value) => value.to_string(),
            Node::None => "none".to_owned(),
            _ => format!("#{key}"),
        }
    }

    fn tensor(&mut self, tensor: &Tensor, name: &str) {
        match &tensor.layout {
            Layout::Strided(view) => self.view(view, name.to_owned()),
            Layout::Quantized(view, quantizer) => {
                self.other(name);
                if let Quantizer::PerChannel { scales, zero_points, .. } = **quantizer {
                    self.open.push((zero_points, join(name, "zero_points")));
                    self.open.push((scales, join(name, "scales")));
                }
                self.view(view, name.to_owned());
            }
            Layout::Sparse(sparse) => {
                self.other(name);
                self.open.push((sparse.values, join(name, "values")));
                if let Some(plain) = sparse.plain_indices {
                    self.open.push((plain, join(name, "plain_indices")));
                }
                self.open.push((sparse.indices, join(name, "indices")));
            }
            Layout::Nested { parts, .. } => {
                for (index, part) in parts.iter().enumerate() {
                    self.view(part, join(name, &index.to_string()));
                }
            }
            Layout::Jagged { values, offsets } => {
                self.other(name);
                self.open.push((*offsets, join(name, "offsets")));
                self.open.push((*values, join(name, "values")));
            }
        }
        for &state in tensor.states.iter().rev() {
            self.open.push((state, name.to_owned()));
        }
    }

    fn view(&mut self, view: &View, name: String) {
        let words = self.words(view);
        let view = words.as_ref().unwrap_or(view);
        let itemsize = view.dtype.itemsize();
        // A part that begins inside an element of its storage is a storage of its own.
        let is_aligned = view.start.is_multiple_of(itemsize);
        let before = if is_aligned { 0 } else { view.start };
        let storage = view.storage.map(|number| self.storage(number, before));
        let offset = view.offset + if is_aligned { view.start / itemsize } else { 0 };
        let strides = view.strides.iter().map(|&stride| i64::try_from(stride).unwrap_or(i64::MAX));
        self.tensors.push(TensorInfo {
            name,
            dtype: view.dtype.to_tensor_dtype(),
            byte_order: ByteOrder::Little,
            shape: view.shape.clone(),
            strides: strides.collect(),
            offset,
            storage,
        });
    }

    /// The words of a tensor whose elements are packed into them, one after the other.
    fn words(&self, view: &View) -> Option<View> {
        let number = view.storage.filter(|_| view.dtype.packed() > 1)?;
        let len = self.checkpoint.storages[number].len.saturating_sub(view.start);
        let shape = vec![len / view.dtype.itemsize()];
        Some(View { shape, strides: vec![1], offset: 0, ..view.clone() })
    }

    fn storage(&mut self, number: usize, before: u64) -> usize {
        let next = self.storages.len();
        let known = *self.by_place.entry((number, before)).or_insert(next);
        if known == next {
            let storage = &self.checkpoint.storages[number];
            let file_offset = match &storage.data {
                StorageData::InFile(place) => Some(place.start as u64 + before),
                _ => None,
            };
            let len = storage.len.saturating_sub(before);
            self.storages.push(StorageInfo { len, file_offset });
            self.places.push((number, before));
        }
        known
    }
}

fn join(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}
