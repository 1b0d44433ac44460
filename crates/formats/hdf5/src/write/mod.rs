//! Writing: new files, and files that exist.
//!
//! A file that is open for writing is an ordinary [`File`]: all that reads it sees the changes at
//! once. They reach the disk with [`File::flush`] and [`File::close`].

mod attributes;
mod chunk_tree;
mod chunks;
mod dataset;
mod dense;
mod edits;
mod encode;
mod header;
mod heap;
mod links;
mod mappings;
mod repair;
mod space;
mod target;

use std::path::Path;
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};

pub(crate) use self::chunks::{FoundChunks, Place, in_parallel};
pub use self::dataset::{DatasetSpec, Storage};
use self::edits::Change;
pub(crate) use self::edits::Edits;
use self::encode::Encoder;
use self::header::HeaderEdit;
use self::links::LinksEdit;
pub use self::mappings::encode_mappings;
use self::space::Space;
pub use self::target::{FileTarget, MemoryTarget, Target};
use crate::bytes::{Sizes, UNDEFINED, malformed, unsupported};
use crate::core::FileCore;
use crate::dataspace::Dataspace;
use crate::datatype::Datatype;
use crate::external::{External, ExternalPolicy};
use crate::file::File;
use crate::header::{Message, MessageKind};
use crate::links::{Link, LinkTarget};
use crate::node::{Node, canonical};
use crate::superblock::MAGIC;

/// What a new file is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CreateOptions {
    /// The bytes before the superblock: 0, or a power of two from 512 on.
    pub user_block: u64,
    /// Whether the root group keeps the order in which its links and attributes are made.
    pub track_order: bool,
    /// Which other files the file may lead to.
    pub external: ExternalPolicy,
    /// Whether flushing and closing do without waiting for the disk: what was written survives the
    /// end of the process then, and not always a loss of power.
    pub no_sync: bool,
}

const SIZES: Sizes = Sizes { offset: 8, length: 8 };

/// The superblock of a new file takes as many bytes; the root group's header follows.
const SUPERBLOCK: u64 = 48;

impl File {
    /// Makes a new file: it appears, in place of an old one, when it is flushed or closed.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Conflict`] if another program has it open.
    pub fn create(path: impl AsRef<Path>, options: &CreateOptions) -> Result<Self> {
        let path = canonical(path.as_ref());
        let target = Arc::new(FileTarget::create(&path)?.waits(!options.no_sync));
        Self::create_in(target, Some(&path), options)
    }

    /// Makes a new file in a target.
    ///
    /// # Errors
    /// Those of the target.
    pub fn create_in(
        target: Arc<dyn Target>,
        path: Option<&Path>,
        options: &CreateOptions,
    ) -> Result<Self> {
        let base = options.user_block;
        if base != 0 && (base < 512 || !base.is_power_of_two()) {
            return Err(malformed("expected a user block of 0 or of 512, 1024, 2048 ... bytes"));
        }
        let root = new_group(SIZES, options.track_order);
        let end = SUPERBLOCK + root.len();
        let mut superblock = Encoder::new(SIZES);
        superblock.bytes(MAGIC).u8(2).u8(8).u8(8).u8(0).address(base).address(UNDEFINED);
        superblock.address(base + end).address(SUPERBLOCK).checksum();
        target.grow(base + end)?;
        target.write_at(base, &superblock.finish())?;
        let external = External::new(options.external, path);
        let source = Arc::new(TargetSource(Arc::clone(&target)));
        let path = path.map(Path::to_path_buf);
        let core = FileCore::open_to_write(source, path, external, |core| {
            Ok(Edits::new(target, core.end(), core.sizes))
        })?;
        let file = Self::of(core);
        file.root().adopt(root, options.track_order)?;
        Ok(file)
    }

    /// Opens a file to change it.
    ///
    /// # Errors
    /// Those of the operating system and of the superblock; [`ErrorKind::Conflict`] if another
    /// program has it open; [`ErrorKind::Unsupported`] for files that libhdf5 must change.
    pub fn edit(path: impl AsRef<Path>, external: ExternalPolicy) -> Result<Self> {
        Self::edit_with(path, external, true)
    }

    /// As [`File::edit`]; with `waits`, flushing and closing wait for the disk.
    ///
    /// # Errors
    /// As [`File::edit`].
    pub fn edit_with(
        path: impl AsRef<Path>,
        external: ExternalPolicy,
        waits: bool,
    ) -> Result<Self> {
        let path = canonical(path.as_ref());
        let target = Arc::new(FileTarget::edit(&path)?.waits(waits));
        let file = Self::edit_in(target, Some(&path), external);
        file.map_err(|e| e.in_file(path.display().to_string()))
    }

    /// Opens a file in a target to change it.
    ///
    /// # Errors
    /// Those of the target and of the superblock.
    pub fn edit_in(
        target: Arc<dyn Target>,
        path: Option<&Path>,
        external: ExternalPolicy,
    ) -> Result<Self> {
        let external = External::new(external, path);
        let source = Arc::new(TargetSource(Arc::clone(&target)));
        let path = path.map(Path::to_path_buf);
        let core = FileCore::open_to_write(source, path, external, |core| {
            if let Some(reason) = core.read_only {
                let message = format!("{reason}: it can be read, not changed");
                let hint = "`h5repack` writes it again without them";
                return Err(unsupported(message).with_hint(hint));
            }
            if core.sizes.offset > 8 || core.sizes.length > 8 {
                return Err(unsupported("addresses of more than 8 bytes are not written"));
            }
            Ok(Edits::new(target, core.end(), core.sizes))
        })?;
        Ok(Self::of(core))
    }

    /// Whether the file can be changed.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.core().edits.is_some()
    }

    /// Brings the file on disk to the state in memory.
    ///
    /// # Errors
    /// Those of the target: then the file on disk is in its old state, or each of its objects is
    /// in the old or the new one, and nothing can be changed any more.
    pub fn flush(&self) -> Result<()> {
        match &self.core().edits {
            Some(edits) => {
                let _operation = edits.operation();
                edits.commit(self.core())
            }
            None => Ok(()),
        }
    }

    /// Flushes, and refuses all later changes.
    ///
    /// # Errors
    /// As [`File::flush`].
    pub fn close(&self) -> Result<()> {
        match &self.core().edits {
            Some(edits) => {
                let _operation = edits.operation();
                edits.close(self.core())
            }
            None => Ok(()),
        }
    }
}

/// A target, read.
struct TargetSource(Arc<dyn Target>);

impl cannery_places::ByteSource for TargetSource {
    fn len(&self) -> u64 {
        self.0.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.0.read_at(offset, out)
    }
}

fn new_group(sizes: Sizes, track_order: bool) -> HeaderEdit {
    let info = links::info(sizes, track_order, 0, (UNDEFINED, UNDEFINED, UNDEFINED));
    let message = |kind, data| Message { kind, flags: 0, order: None, data };
    let messages =
        vec![message(MessageKind::LINK_INFO, info), message(MessageKind::GROUP_INFO, vec![0, 0])];
    HeaderEdit::new(messages, track_order)
}

#[cold]
fn exists(name: &[u8]) -> Error {
    let message = format!("the name `{}` exists already", name.escape_ascii());
    Error::new(ErrorKind::Conflict, message)
}

#[cold]
fn no_group() -> Error {
    Error::new(ErrorKind::Type, "expected a group")
}

#[cold]
fn not_there(what: &str, name: &[u8]) -> Error {
    Error::new(ErrorKind::NotFound, format!("no {what} is named `{}`", name.escape_ascii()))
}

fn check_name(name: &[u8]) -> Result<()> {
    if name.is_empty() || name == b"." || name.contains(&0) || name.contains(&b'/') {
        return Err(malformed(format!("the name `{}` is not possible", name.escape_ascii())));
    }
    Ok(())
}

impl Change<'_> {
    /// The links of a group.
    fn links(&mut self, core: &FileCore, group: u64) -> Result<&mut LinksEdit> {
        let object = self.object(core, group)?;
        LinksEdit::load(core, object, group)?.ok_or_else(no_group)
    }

    /// Adds a link, whose name is not there yet, to a group.
    fn link(
        &mut self,
        core: &FileCore,
        group: u64,
        name: &[u8],
        target: &LinkTarget,
    ) -> Result<()> {
        if let LinkTarget::Hard(address) = *target {
            let object = self.object(core, address)?;
            object.header.references = object.header.references.saturating_add(1);
            object.is_dirty = true;
        }
        let (name, is_utf8) = (name.to_vec(), !name.is_ascii());
        let link = Link { name, order: None, target: target.clone(), is_utf8 };
        self.links(core, group)?.insert(link);
        self.object(core, group)?.is_dirty = true;
        Ok(())
    }
}

impl Node {
    /// The file, and its changes, if it is open for writing.
    pub(crate) fn writable(&self) -> Result<(&Arc<FileCore>, &Edits)> {
        let core = self.core();
        let edits = core.edits.as_ref().ok_or_else(|| {
            let error = Error::new(ErrorKind::Permission, "the file is open for reading only");
            error.with_hint("open it with mode `r+` or `a`")
        })?;
        Ok((core, edits))
    }

    /// Puts the root group of a new file into memory.
    fn adopt(&self, header: HeaderEdit, track_order: bool) -> Result<()> {
        let (_, edits) = self.writable()?;
        let mut object = edits::ObjectEdit::new(header);
        object.links = Some(LinksEdit::new(track_order));
        object.header.references = 1;
        object.is_dirty = true;
        edits.begin()?.state.objects.insert(self.id().1, object);
        Ok(())
    }

    /// Makes a group in the node's file; no link leads to it yet.
    ///
    /// # Errors
    /// If the file is not open for writing.
    pub fn create_group(&self, track_order: bool) -> Result<Self> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut object = edits::ObjectEdit::new(new_group(core.sizes, track_order));
        object.links = Some(LinksEdit::new(track_order));
        let address = edits.begin()?.add(core, object)?;
        Ok(Self::at(core, address))
    }

    /// Makes a datatype with a name; no link leads to it yet.
    ///
    /// # Errors
    /// If the file is not open for writing.
    pub fn commit_datatype(&self, datatype: &Datatype) -> Result<Self> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let kind = MessageKind::DATATYPE;
        let message = Message { kind, flags: 1, order: None, data: datatype.encode() };
        let object = edits::ObjectEdit::new(HeaderEdit::new(vec![message], false));
        let address = edits.begin()?.add(core, object)?;
        Ok(Self::at(core, address))
    }

    /// Adds a link to the group that the node is.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] if the name exists; [`ErrorKind::Type`] if the node is no group.
    pub fn insert_link(&self, name: &[u8], target: &LinkTarget) -> Result<()> {
        check_name(name)?;
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        let address = self.id().1;
        if change.links(core, address)?.links.get(name).is_some() {
            return Err(exists(name));
        }
        change.link(core, address, name, target)
    }

    /// Puts a link of this group into another one under a new name, and removes it here.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Conflict`].
    pub fn move_link(&self, name: &[u8], to: &Self, new: &[u8]) -> Result<()> {
        check_name(new)?;
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        let (from, to) = (self.id().1, to.id().1);
        let object = change.object(core, to)?;
        let links = LinksEdit::load(core, object, to)?.ok_or_else(no_group)?;
        if links.links.get(new).is_some() {
            return Err(exists(new));
        }
        let object = change.object(core, from)?;
        let links = LinksEdit::load(core, object, from)?.ok_or_else(no_group)?;
        let link = links.remove(name).ok_or_else(|| not_there("object", name))?;
        (object.is_dirty, object.lost_links) = (true, true);
        let object = change.object(core, to)?;
        let links = LinksEdit::load(core, object, to)?.ok_or_else(no_group)?;
        links.insert(Link { name: new.to_vec(), order: None, is_utf8: !new.is_ascii(), ..link });
        object.is_dirty = true;
        Ok(())
    }

    /// Removes a link from the group that the node is; an object without links is lost.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such link.
    pub fn remove_link(&self, name: &[u8]) -> Result<()> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        let address = self.id().1;
        let object = change.object(core, address)?;
        let links = LinksEdit::load(core, object, address)?.ok_or_else(no_group)?;
        let link = links.remove(name).ok_or_else(|| not_there("object", name))?;
        (object.is_dirty, object.lost_links) = (true, true);
        if let LinkTarget::Hard(address) = link.target
            && let Ok(object) = change.object(core, address)
        {
            object.header.references = object.header.references.saturating_sub(1);
            object.is_dirty = true;
        }
        Ok(())
    }

    /// Sets an attribute, whose elements are given as the file has them; `committed` is the
    /// address of a datatype with a name that it shares.
    ///
    /// # Errors
    /// If the file is not open for writing, or the attribute is too long.
    pub fn set_attribute(
        &self,
        name: &[u8],
        (datatype, committed): (&Datatype, Option<u64>),
        space: &Dataspace,
        data: &[u8],
    ) -> Result<()> {
        if name.is_empty() || name.contains(&0) {
            return Err(malformed("the name of an attribute is not possible"));
        }
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let bytes = space.elements().checked_mul(u64::from(datatype.size));
        if bytes != Some(data.len() as u64) {
            return Err(malformed(format!("expected the bytes of {} elements", space.elements())));
        }
        let (encoded, is_shared) = match committed {
            Some(address) => (attributes::shared_type(core.sizes, address), true),
            None => (datatype.encode(), false),
        };
        let mut change = edits.begin()?;
        let object = change.object(core, self.id().1)?;
        object.set_attribute(core.sizes, name, (&encoded, is_shared), (space, data))
    }

    /// Removes an attribute.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is none of that name.
    pub fn remove_attribute(&self, name: &[u8]) -> Result<()> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        if change.object(core, self.id().1)?.remove_attribute(name) {
            return Ok(());
        }
        Err(not_there("attribute", name))
    }

    /// Stores elements of variable length: gives back, for each, the bytes that lead to it.
    ///
    /// Each comes with how many elements of the base type it has.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_sequences<'a>(
        &self,
        sequences: impl Iterator<Item = (u32, &'a [u8])>,
    ) -> Result<Vec<u8>> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        let space = Space::new(edits, core);
        let mut out = Vec::new();
        for (count, data) in sequences {
            let id = match data {
                [] => None,
                data => Some(change.state.heap.add(&space, data)?),
            };
            out.extend_from_slice(&heap::descriptor(core.sizes, count, id));
        }
        Ok(out)
    }

    /// Stores a region of the dataset that the node is: the bytes of a reference to it.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_region(&self, region: &crate::Region) -> Result<Vec<u8>> {
        let (core, edits) = self.writable()?;
        let _operation = edits.operation();
        let mut change = edits.begin()?;
        let mut data = Encoder::new(core.sizes);
        let data = data.address(self.id().1).bytes(&region.encode()).finish();
        let id = change.state.heap.add(&Space::new(edits, core), &data)?;
        Ok(Encoder::new(core.sizes).address(id.address).u32(id.number).finish())
    }
}
