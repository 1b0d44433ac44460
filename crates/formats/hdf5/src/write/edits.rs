//! What has been changed in an open file, and how it gets to the disk.
//!
//! Objects that are changed are kept in memory, where the reader looks first. New bytes go where no
//! structure on disk leads to; then every changed object is switched over by one write to its
//! header, which stays where it is. So the file on disk is whole after each write.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cannery_core::{Error, ErrorKind, Result};

use super::chunks::{ChunkStore, FoundChunks, Place};
use super::encode::Encoder;
use super::header::HeaderEdit;
use super::heap::HeapWriter;
use super::links::LinksEdit;
use super::space::{Allocator, Space, give_up};
use super::target::Target;
use crate::bytes::UNDEFINED;
use crate::chunks::Chunk;
use crate::core::FileCore;
use crate::header::{Header, Message};
use crate::links::Links;
use crate::superblock::MAGIC;

/// Objects without changes that are kept, at most.
const KEPT: usize = 1 << 16;

/// The changes of an open file.
pub(crate) struct Edits {
    pub(super) target: Arc<dyn Target>,
    pub(super) allocator: Mutex<Allocator>,
    state: Mutex<State>,
    /// One operation at a time looks at the file and changes it.
    operation: Mutex<()>,
    /// Data is not read while it is written.
    gate: RwLock<()>,
    generation: AtomicU64,
}

/// The objects in memory.
#[derive(Default)]
pub(super) struct State {
    pub(super) objects: HashMap<u64, ObjectEdit>,
    pub(super) heap: HeapWriter,
    /// Why nothing can be written any more.
    failed: Option<String>,
    /// The end of the file that the superblock on disk names.
    end_on_disk: u64,
    is_closed: bool,
}

/// An object in memory.
pub(super) struct ObjectEdit {
    pub(super) header: HeaderEdit,
    pub(super) links: Option<LinksEdit>,
    pub(super) chunks: Option<ChunkStore>,
    pub(super) is_dirty: bool,
    /// Whether a link has been removed: others are made first.
    pub(super) lost_links: bool,
    /// The pieces of the file that only this object's last state on disk leads to.
    pub(super) owned: Vec<(u64, u64)>,
}

impl ObjectEdit {
    pub(super) fn new(header: HeaderEdit) -> Self {
        let (links, chunks, owned) = (None, None, Vec::new());
        Self { header, links, chunks, is_dirty: false, lost_links: false, owned }
    }
}

impl Edits {
    pub(super) fn new(target: Arc<dyn Target>, core_end: u64, sizes: crate::bytes::Sizes) -> Self {
        let state = State { end_on_disk: core_end, ..State::default() };
        Self {
            target,
            allocator: Mutex::new(Allocator::new(core_end, sizes)),
            state: Mutex::new(state),
            operation: Mutex::default(),
            gate: RwLock::new(()),
            generation: AtomicU64::new(1),
        }
    }

    /// Has the superblock written again.
    pub(super) fn forget_end(&mut self) {
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).end_on_disk = 0;
    }

    /// How often something was changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps data from being written while it is read.
    pub(crate) fn reading(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an operation, which may read before it changes something.
    pub(super) fn operation(&self) -> MutexGuard<'_, ()> {
        self.operation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header of an object that is in memory.
    pub(crate) fn header(&self, address: u64) -> Option<Header> {
        self.lock().objects.get(&address).map(|object| object.header.view(address))
    }

    /// The links of a group that is in memory.
    pub(crate) fn links(&self, address: u64) -> Option<Arc<Links>> {
        let state = self.lock();
        let links = state.objects.get(&address)?.links.as_ref()?;
        Some(Arc::clone(&links.links))
    }

    /// Whether the index of a dataset's chunks is in memory.
    pub(crate) fn has_chunks(&self, address: u64) -> bool {
        self.lock().objects.get(&address).is_some_and(|object| object.chunks.is_some())
    }

    /// The chunks of a dataset that is in memory, but for those that wait.
    pub(crate) fn stored_chunks(&self, address: u64) -> Vec<(Place, Chunk)> {
        let state = self.lock();
        let chunks = state.objects.get(&address).and_then(|object| object.chunks.as_ref());
        let all = chunks.into_iter().flat_map(|chunks| &chunks.index);
        all.map(|(place, chunk)| (place.clone(), *chunk)).collect()
    }

    /// The chunks at some places of a dataset that is in memory.
    pub(crate) fn find_chunks(
        &self,
        address: u64,
        places: impl Iterator<Item = Place>,
    ) -> Option<FoundChunks> {
        Some(self.lock().objects.get(&address)?.chunks.as_ref()?.find(places))
    }

    /// Writes what readers of global heaps look for.
    pub(crate) fn flush_heap(&self, core: &FileCore) -> Result<()> {
        self.lock().heap.flush(&Space::new(self, core))
    }

    /// Begins a change.
    pub(super) fn begin(&self) -> Result<Change<'_>> {
        let gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        let state = self.lock();
        if state.is_closed {
            return Err(Error::new(ErrorKind::Value, "the file is closed"));
        }
        if let Some(reason) = &state.failed {
            let message = format!("the file cannot be written since an error before: {reason}");
            return Err(Error::new(ErrorKind::Io, message));
        }
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(Change { state, _gate: gate, edits: self })
    }

    /// Brings the file on disk to the state in memory.
    pub(super) fn commit(&self, core: &Arc<FileCore>) -> Result<()> {
        let mut change = self.begin()?;
        let result = change.commit(core);
        if let Err(error) = &result {
            change.state.failed = Some(error.to_string());
        }
        result
    }

    pub(super) fn close(&self, core: &Arc<FileCore>) -> Result<()> {
        if self.lock().is_closed {
            return Ok(());
        }
        let result = self.commit(core);
        self.lock().is_closed = true;
        self.target.release();
        result
    }
}

/// A change that is being made: nothing else reads data or changes anything.
pub(super) struct Change<'a> {
    pub(super) state: MutexGuard<'a, State>,
    _gate: RwLockWriteGuard<'a, ()>,
    pub(super) edits: &'a Edits,
}

/// The header of an object that is on disk already, to be written last.
struct Switch {
    address: u64,
    block: Vec<u8>,
    lost_links: bool,
}

impl Change<'_> {
    /// The object at an address, which is read if it is not in memory.
    pub(super) fn object(&mut self, core: &FileCore, address: u64) -> Result<&mut ObjectEdit> {
        match self.state.objects.entry(address) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(empty) => {
                // The lock is held, so the header comes from the file.
                let mut object = ObjectEdit::new(HeaderEdit::read(core, address)?);
                super::attributes::load(core, &mut object)?;
                Ok(empty.insert(object))
            }
        }
    }

    fn commit(&mut self, core: &Arc<FileCore>) -> Result<()> {
        let edits = self.edits;
        let State { objects, heap, .. } = &mut *self.state;
        for object in objects.values_mut() {
            if let Some(chunks) = &mut object.chunks
                && chunks.is_dirty()
            {
                chunks.flush(core, edits)?;
                object.is_dirty = true;
            }
        }
        heap.flush(&Space::new(edits, core))?;
        let mut changed: Vec<(&u64, &mut ObjectEdit)> =
            objects.iter_mut().filter(|(_, object)| object.is_dirty).collect();
        // From the end: what lies before may be on disk already, and all that is behind it has to
        // be written before it.
        changed.sort_by_key(|(address, _)| Reverse(**address));
        let mut switches = Vec::new();
        let mut old = Vec::new();
        for (&address, object) in changed {
            let space = Space::new(edits, core);
            let block = object.serialize(&space)?;
            old.append(&mut object.owned);
            object.owned = space.taken();
            if object.header.is_new {
                super::space::write(edits, core, address, &block)?;
            } else {
                switches.push(Switch { address, block, lost_links: object.lost_links });
            }
        }
        self.write_superblock(core)?;
        // What gained a link comes before what lost one, so that nothing is lost in between.
        switches.sort_by_key(|switch| switch.lost_links);
        if !switches.is_empty() {
            edits.target.settle()?;
        }
        for switch in switches {
            super::space::write(edits, core, switch.address, &switch.block)?;
        }
        edits.target.publish()?;
        for (address, len) in old {
            give_up(edits, address, len);
        }
        let mut allocator = edits.allocator.lock().unwrap_or_else(PoisonError::into_inner);
        allocator.commit();
        self.settle();
        Ok(())
    }

    /// All objects are on disk.
    fn settle(&mut self) {
        for object in self.state.objects.values_mut() {
            (object.is_dirty, object.lost_links, object.header.is_new) = (false, false, false);
        }
        if self.state.objects.len() > KEPT {
            self.state.objects.clear();
        }
    }

    fn write_superblock(&mut self, core: &FileCore) -> Result<()> {
        let end = core.end();
        let base = core.superblock.base;
        self.edits.target.grow(base + end)?;
        let is_old = core.superblock.version < 2;
        if end == self.state.end_on_disk && !is_old {
            return Ok(());
        }
        let superblock = &core.superblock;
        let mut out = Encoder::new(core.sizes);
        if is_old {
            // From the addresses on: base, free space, end, driver; then the root's entry, in
            // which nothing about the group is repeated.
            out.address(superblock.stored_base).address(UNDEFINED);
            out.address(superblock.stored_base + end).address(UNDEFINED);
            out.length(superblock.root_name).address(superblock.root).zeros(24);
            let at = if superblock.version == 0 { 24 } else { 28 };
            super::space::write(self.edits, core, at, &out.finish())?;
        } else {
            let stored_base = superblock.stored_base;
            out.bytes(MAGIC).u8(superblock.version).u8(core.sizes.offset).u8(core.sizes.length);
            out.u8(0).address(stored_base).address(superblock.extension);
            out.address(stored_base + end).address(superblock.root).checksum();
            super::space::write(self.edits, core, 0, &out.finish())?;
        }
        self.state.end_on_disk = end;
        Ok(())
    }
}

impl ObjectEdit {
    /// Writes what the header leads to, and gives back its first block.
    fn serialize(&mut self, space: &Space<'_>) -> Result<Vec<u8>> {
        let mut header = self.header.clone();
        if let Some(links) = &self.links {
            links.serialize(space, &mut header)?;
        }
        if let Some(chunks) = &mut self.chunks {
            chunks.serialize(space, &mut header)?;
        }
        let messages: Vec<Message> = super::attributes::serialize(space, &mut header)?;
        header.finish(space, &messages)
    }
}
