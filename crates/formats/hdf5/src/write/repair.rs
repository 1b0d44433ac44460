//! A new file of all that is whole in a damaged one: a copy, in which what is damaged is left out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};

use super::chunks::ChunkStore;
use super::edits::{Change, Edits, ObjectEdit};
use super::header::HeaderEdit;
use super::links::LinksEdit;
use super::{FileTarget, Target, TargetSource, new_group};
use crate::bytes::index;
use crate::core::FileCore;
use crate::dataset::Dataset;
use crate::dataspace::Dataspace;
use crate::datatype::{ByteOrder, Datatype, TypeClass};
use crate::file::File;
use crate::fsck::{Checkup, ChunkRepair, ObjectRepair, Repairs, check_elements};
use crate::header::MessageKind;
use crate::layout::Layout;
use crate::links::LinkTarget;
use crate::node::Node;
use crate::superblock::MAGIC;

/// The attribute that says where a dataset lost its chunks.
const DAMAGED: &[u8] = b"damaged_chunks";

/// The attribute that says how many elements lost what they led to.
const EMPTIED: &[u8] = b"damaged_elements";

/// The group of objects that no link leads to any more.
const LOST: &[u8] = b"lost+found";

/// Places that the attribute names, at most: it has to fit into a header.
const MOST_PLACES: usize = 500;

/// Bytes that are copied at a time.
const BLOCK: u64 = 4 << 20;

impl Checkup {
    /// Writes a new file of all that is whole in the file that was checked.
    ///
    /// Objects, links, attributes and chunks that are damaged are left out. A dataset that lost
    /// chunks has its fill value there, and an attribute `damaged_chunks` says where, in elements;
    /// elements that led to nothing are empty, and an attribute `damaged_elements` says how many.
    /// Objects that lost their links are in the group `lost+found`.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Conflict`] if the new file exists.
    pub fn repair_to(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Some(core) = &self.core else {
            return Err(Error::new(ErrorKind::Value, "the file was not checked"));
        };
        if path.exists() {
            let message = format!("`{}` exists already", path.display().to_string().escape_debug());
            let hint = "name a file that does not exist, or remove it first";
            return Err(Error::new(ErrorKind::Conflict, message).with_hint(hint));
        }
        let target = Arc::new(FileTarget::create(path)?);
        copy(core, target.as_ref())?;
        let done = open(core, target, &self.repairs).and_then(|file| {
            apply(&file, &self.repairs)?;
            file.close()
        });
        done.map_err(|e| e.in_file(path.display().to_string()))
    }
}

/// Copies all bytes, the newest of those that an image of the cache holds.
fn copy(core: &FileCore, target: &FileTarget) -> Result<()> {
    let base = core.superblock.base;
    let end = base + core.end();
    for at in (0..end).step_by(index(BLOCK)) {
        let mut block = crate::bytes::zeroed(index(BLOCK.min(end - at)))?;
        core.read_raw(at, &mut block)?;
        target.write_at(at, &block)?;
    }
    for (at, bytes) in &core.image {
        if at.checked_add(bytes.len() as u64).is_some_and(|last| last <= core.end()) {
            target.write_at(base + at, bytes)?;
        }
    }
    target.write_at(base, MAGIC)
}

/// Opens the copy to be changed, with a root group of its own if there was none.
fn open(core: &FileCore, target: Arc<FileTarget>, repairs: &Repairs) -> Result<File> {
    let mut superblock = core.superblock.clone();
    let root = repairs.root.then(|| new_group(superblock.sizes, false));
    if let Some(root) = &root {
        superblock.root = core.end().next_multiple_of(8);
        superblock.end = superblock.base + superblock.root + root.len();
        target.grow(superblock.end)?;
    }
    let source = Arc::new(TargetSource(target.clone()));
    let opened = FileCore::open_repaired(source, superblock, |core| {
        // An end of 0 is none that a file has: the superblock is written again.
        let mut edits = Edits::new(target, core.end(), core.sizes);
        edits.forget_end();
        edits
    });
    let file = File::of(opened);
    if let Some(root) = root {
        file.root().adopt(root, false)?;
    }
    Ok(file)
}

fn apply(file: &File, repairs: &Repairs) -> Result<()> {
    let core = file.core();
    let root = file.root();
    let (_, edits) = root.writable()?;
    if core.read_only.is_some() {
        // Free space that is listed, and the image of a cache, are not what they were.
        let mut change = edits.begin()?;
        let object = change.object(core, core.superblock.extension)?;
        object.header.remove(MessageKind::FREE_SPACE);
        object.header.remove(MessageKind::CACHE_IMAGE);
        object.is_dirty = true;
    }
    for (&address, repair) in &repairs.objects {
        let node = Node::at(core, address);
        let dataset = if repair.chunks.is_some() { Some(node.dataset()?) } else { None };
        edits.begin()?.repair(core, address, (repair, dataset.as_ref()))?;
        if let (Some(chunks), Some(dataset)) = (&repair.chunks, &dataset) {
            note_places(&node, dataset, chunks)?;
        }
    }
    for (&address, repair) in repairs.objects.iter().filter(|(_, r)| !r.elements.is_empty()) {
        empty_elements(&Node::at(core, address), repair)?;
    }
    if repairs.lost.is_empty() {
        return Ok(());
    }
    let folder = root.create_group(false)?;
    let mut name = LOST.to_vec();
    while root.link(&name).is_ok() {
        name.push(b'+');
    }
    root.insert_link(&name, &LinkTarget::Hard(folder.id().1))?;
    for &address in &repairs.lost {
        folder.insert_link(format!("object_{address}").as_bytes(), &LinkTarget::Hard(address))?;
    }
    Ok(())
}

impl Change<'_> {
    /// Puts an object into memory as what is whole of it.
    fn repair(
        &mut self,
        core: &FileCore,
        address: u64,
        (repair, dataset): (&ObjectRepair, Option<&Dataset>),
    ) -> Result<()> {
        let mut object = ObjectEdit::new(HeaderEdit::read(core, address)?);
        match &repair.attributes {
            Some(whole) => {
                object.header.remove(MessageKind::ATTRIBUTE);
                object.header.remove(MessageKind::ATTRIBUTE_INFO);
                Arc::make_mut(&mut object.header.messages).extend(whole.iter().cloned());
            }
            None => super::attributes::load(core, &mut object)?,
        }
        if let Some((links, ordered)) = &repair.links {
            for kind in [MessageKind::LINK, MessageKind::SYMBOL_TABLE] {
                object.header.remove(kind);
            }
            let edit = LinksEdit::of(links.clone(), *ordered);
            object.header.set(MessageKind::LINK_INFO, edit.empty_info(core.sizes), 0);
            object.links = Some(edit);
        }
        if let (Some(repair), Some(dataset)) = (&repair.chunks, dataset) {
            object.chunks = whole_chunks(dataset, repair);
        }
        object.is_dirty = true;
        self.state.objects.insert(address, object);
        Ok(())
    }
}

fn whole_chunks(dataset: &Dataset, repair: &ChunkRepair) -> Option<ChunkStore> {
    let Layout::Chunked(chunked) = &dataset.layout else { return None };
    let mut index = BTreeMap::new();
    for (place, chunk) in &repair.whole {
        let mut chunk = *chunk;
        if chunked.raw_edges && dataset.reaches_beyond(place) {
            chunk.mask = u32::MAX;
        }
        index.insert(place.clone(), chunk);
    }
    let extent = (chunked.shape.clone(), chunked.element);
    let mut store = ChunkStore::new(extent, Arc::new(dataset.pipeline.clone()), index);
    store.is_moved = true;
    Some(store)
}

fn number_type() -> Datatype {
    let (order, signed, offset, precision, is_bits) = (ByteOrder::Little, false, 0, 64, false);
    Datatype::new(8, TypeClass::Fixed { order, signed, offset, precision, is_bits })
}

/// Says by an attribute where a dataset lost its chunks.
fn note_places(node: &Node, dataset: &Dataset, repair: &ChunkRepair) -> Result<()> {
    let shape = dataset.chunks().unwrap_or_default();
    let rank = shape.len() as u64;
    if repair.damaged.is_empty() || rank == 0 {
        return Ok(());
    }
    let places = &repair.damaged[..repair.damaged.len().min(MOST_PLACES)];
    let starts = places.iter().flat_map(|place| place.iter().zip(shape).map(|(at, n)| at * n));
    let data: Vec<u8> = starts.flat_map(u64::to_le_bytes).collect();
    let sides = vec![places.len() as u64, rank];
    let max_shape = sides.iter().copied().map(Some).collect();
    let space = Dataspace::Simple { shape: sides, max_shape };
    node.set_attribute(DAMAGED, (&number_type(), None), &space, &data)
}

/// Makes elements empty that lead to nothing, and says by an attribute how many there are.
fn empty_elements(node: &Node, repair: &ObjectRepair) -> Result<()> {
    let mut total = 0_u64;
    for selection in &repair.elements {
        let dataset = node.dataset()?;
        let mut data = crate::bytes::zeroed(dataset.bytes_of(selection.elements()?)?)?;
        dataset.read_into(selection, &mut data, 0)?;
        let Some((_, count)) = check_elements(node.core(), dataset.datatype(), &mut data) else {
            continue;
        };
        total += count;
        node.write(selection, &data, 0)?;
    }
    node.set_attribute(EMPTIED, (&number_type(), None), &Dataspace::Scalar, &total.to_le_bytes())
}
