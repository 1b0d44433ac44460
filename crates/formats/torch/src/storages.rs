//! The storages of a checkpoint, and what the persistent ids that name them are.

use std::collections::HashMap;

use cannery_core::Result;

use crate::node_id::NodeId;
use crate::tensor::{Storage, wrong};

/// What persistent ids are.
#[derive(Debug)]
pub(crate) enum PersistentIds {
    /// There are none.
    None,
    /// Storages, whose bytes are in the members of a folder of the archive.
    InFolder(String),
    /// Storages and the sources of modules, in the stream of this number.
    InStream(String),
    /// Tensors and storages that were read before.
    Known(HashMap<String, NodeId>),
}

/// The storages of a checkpoint, by the folder that they lie in and their keys.
#[derive(Debug, Default)]
pub(crate) struct Storages {
    pub(crate) all: Vec<Storage>,
    by_key: HashMap<(String, String), usize>,
}

impl Storages {
    /// The number of the storage of this key, which has that many bytes.
    pub(crate) fn number(&mut self, folder: &str, storage: Storage) -> Result<usize> {
        let place = (folder.to_owned(), storage.key.clone());
        let Some(&number) = self.by_key.get(&place) else {
            self.by_key.insert(place, self.all.len());
            self.all.push(storage);
            return Ok(self.all.len() - 1);
        };
        let known = &self.all[number];
        if known.len != storage.len {
            let (key, one, other) = (&storage.key, known.len, storage.len);
            return Err(wrong(format!("the storage `{key}` has {one} bytes, and {other} bytes")));
        }
        Ok(number)
    }

    /// The number of the storage of this key, if there is one.
    pub(crate) fn find(&self, folder: &str, key: &str) -> Option<usize> {
        self.by_key.get(&(folder.to_owned(), key.to_owned())).copied()
    }

    /// Another storage, which has no key.
    pub(crate) fn push(&mut self, storage: Storage) -> usize {
        self.all.push(storage);
        self.all.len() - 1
    }
}
