//! Persistent ids: by them the pickle names storages, whose bytes lie beside it.

use cannery_core::Result;

use crate::dtype::TorchDtype;
use crate::heap::TorchHeap;
use crate::node::{Name, Node};
use crate::node_id::NodeId;
use crate::storages::PersistentIds;
use crate::tensor::{Storage, StorageData, StorageView, wrong};

/// The parts of an id such as `('storage', torch.FloatStorage, '0', 'cpu', 6)`.
struct StorageId {
    dtype: TorchDtype,
    key: String,
    location: String,
    elements: u64,
    /// The first element of a part, and how many it has.
    part: Option<(u64, u64)>,
}

impl TorchHeap {
    /// What a persistent id stands for.
    pub(crate) fn resolve(&mut self, id: NodeId) -> Result<NodeId> {
        let folder = match &self.ids {
            PersistentIds::None => {
                return Err(wrong("a persistent id, where there are none".into()));
            }
            PersistentIds::Known(known) => {
                let key = self.nodes.text(id).map(ToOwned::to_owned);
                let key = key.or_else(|| self.nodes.int(id).map(|key| key.to_string()));
                let found = key.and_then(|key| known.get(&key).copied());
                return found.ok_or_else(|| wrong("a persistent id that names nothing".into()));
            }
            PersistentIds::InFolder(folder) => folder.clone(),
            PersistentIds::InStream(number) => number.clone(),
        };
        if let Some(class) = self.module_source(id) {
            return Ok(class);
        }
        let id = self.storage_id(id)?;
        let view = self.storage(&folder, id)?;
        self.add(Node::Storage(view))
    }

    /// The class of an id such as `('module', Net, 'net.py', 'class Net: ...')`.
    fn module_source(&self, id: NodeId) -> Option<NodeId> {
        let parts = self.nodes.sequence(id)?;
        let is_module = matches!(self.ids, PersistentIds::InStream(_))
            && parts.len() == 4
            && self.nodes.text(parts[0]) == Some("module");
        is_module.then(|| parts[1])
    }

    fn storage_id(&self, id: NodeId) -> Result<StorageId> {
        let parts = match self.nodes.get(id) {
            Node::Tuple(parts) => &parts[..],
            _ => return Err(wrong("a persistent id that is no tuple".into())),
        };
        let is_storage = parts.first().and_then(|&kind| self.nodes.text(kind)) == Some("storage");
        if !is_storage || !(5..=6).contains(&parts.len()) {
            return Err(wrong("a persistent id that is not that of a storage".into()));
        }
        let dtype = self.storage_class(parts[1])?;
        let key = self.nodes.text(parts[2]).map(ToOwned::to_owned);
        let key = key.or_else(|| self.nodes.int(parts[2]).map(|key| key.to_string()));
        let key = key.ok_or_else(|| wrong("the key of a storage is no text".into()))?;
        let location = self.nodes.text(parts[3]).unwrap_or_default().to_owned();
        let elements = self.count(parts[4], "the length of a storage")?;
        let part = match parts.get(5).map(|&part| (part, self.nodes.get(part))) {
            None | Some((_, Node::None)) => None,
            Some((part, _)) => match self.nodes.sequence(part) {
                Some(&[_, start, len]) => Some((
                    self.count(start, "the beginning of a part of a storage")?,
                    self.count(len, "the length of a part of a storage")?,
                )),
                _ => return Err(wrong("a part of a storage that is not three values".into())),
            },
        };
        Ok(StorageId { dtype, key, location, elements, part })
    }

    /// The type of the elements of a class of storages.
    pub(crate) fn storage_class(&self, class: NodeId) -> Result<TorchDtype> {
        let name = self.nodes.name(class);
        let found = name.filter(|name| is_storage_module(&name.module));
        found.and_then(|name| TorchDtype::from_storage(&name.name)).ok_or_else(|| {
            let shown = name.map_or_else(|| "no name".to_owned(), Name::full);
            wrong(format!("`{shown}` is no class of storages"))
        })
    }

    /// A number that is not negative.
    pub(crate) fn count(&self, id: NodeId, what: &str) -> Result<u64> {
        let found = self.nodes.int(id).and_then(|value| u64::try_from(value).ok());
        found.ok_or_else(|| wrong(format!("{what} is no number of elements")))
    }

    fn storage(&mut self, folder: &str, id: StorageId) -> Result<StorageView> {
        let StorageId { dtype, key, location, elements, part } = id;
        let bytes = |elements: u64| {
            elements.checked_mul(dtype.itemsize()).filter(|&len| i64::try_from(len).is_ok())
        };
        let len =
            bytes(elements).ok_or_else(|| wrong(format!("a storage of {elements} elements")))?;
        let storage = Storage { key, location, len, dtype, data: StorageData::None };
        let number = self.storages.number(folder, storage)?;
        let Some((start, part)) = part else {
            return Ok(StorageView { storage: number, dtype, start: 0, len });
        };
        let place = bytes(start).zip(bytes(part));
        let place = place.filter(|&(start, part)| start.saturating_add(part) <= len);
        let (start, part) =
            place.ok_or_else(|| wrong("a part that reaches beyond its storage".into()))?;
        Ok(StorageView { storage: number, dtype, start, len: part })
    }
}

fn is_storage_module(module: &str) -> bool {
    matches!(module, "torch" | "torch.storage" | "torch.cuda" | "torch.xpu" | "torch.hpu")
}
