//! What is read from a file, while it is read.

use cannery_archive::Archive;
use cannery_core::{Budget, Limits, Result};

use crate::checkpoint::{Checkpoint, Document, FileLayout};
use crate::heap::TorchHeap;
use crate::node_id::NodeId;
use crate::{finish, pickles};

/// What is read from a file, while it is read.
pub(crate) struct Reader<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) heap: TorchHeap,
    pub(crate) documents: Vec<Document>,
    budget: Budget,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8], limits: &Limits) -> Self {
        let input = data.len() as u64;
        let heap = TorchHeap::new(limits, input);
        Self { data, heap, documents: Vec::new(), budget: Budget::new(limits, input) }
    }

    /// Runs a pickle; returns its value and where it ends.
    pub(crate) fn pickle(&mut self, data: &[u8], start: usize) -> Result<(NodeId, usize)> {
        // The heap moves into the machine and back; if the pickle fails, so does everything.
        let empty = TorchHeap::new(&Limits::default(), 0);
        let heap = std::mem::replace(&mut self.heap, empty);
        let (heap, value, end) = pickles::run(heap, data, start)?;
        self.heap = heap;
        Ok((value, end))
    }

    /// Adds a value that others do not lie in.
    pub(crate) fn document(&mut self, name: &str, root: NodeId) {
        self.documents.push(Document { name: name.to_owned(), root });
    }

    /// Takes memory for bytes that are not used where they lie.
    pub(crate) fn take_bytes(&mut self, count: u64) -> Result<()> {
        self.budget.take_bytes(count)
    }

    pub(crate) fn finish(
        self,
        layout: FileLayout,
        archive: Archive,
        folder: String,
    ) -> Result<Checkpoint> {
        let TorchHeap { nodes, storages, .. } = self.heap;
        let (documents, storages) = (self.documents, storages.all);
        let mut made = Checkpoint { layout, nodes, documents, storages, archive, folder };
        finish::nested(&mut made, self.data)?;
        finish::resolve_bits(&mut made, self.data)?;
        Ok(made)
    }
}
