//! An open file below its objects: bytes by address, and what is shared by all objects.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cannery_core::{Error, ErrorKind, Result};
use cannery_places::ByteSource;

use crate::bytes::{
    Cursor, Sizes, UNDEFINED, corrupt, index, malformed, unsupported, wrong_version,
};
use crate::checksum::ends_with_lookup3;
use crate::external::External;
use crate::global_heap::GlobalHeaps;
use crate::header::{Header, MessageKind};
use crate::links::LinkCache;
use crate::shared::SharedTable;
use crate::source::Cached;
use crate::superblock::Superblock;
use crate::write::Edits;

/// How many files are opened through each other's links, at most.
pub(crate) const MAX_FILES_DEEP: u32 = 8;

/// What all objects of an open file share.
pub(crate) struct FileCore {
    data: Cached,
    pub(crate) sizes: Sizes,
    pub(crate) superblock: Superblock,
    /// Addresses end here; more of them where the file is written.
    end: AtomicU64,
    /// Newer versions of metadata, from a cache image.
    pub(crate) image: BTreeMap<u64, Vec<u8>>,
    pub(crate) heaps: GlobalHeaps,
    pub(crate) links: LinkCache,
    shared: OnceLock<Result<SharedTable, String>>,
    shared_at: Option<(u64, u8)>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) external: External,
    /// How many files led here.
    pub(crate) depth: u32,
    /// Tells apart open files.
    pub(crate) number: u64,
    /// What has been changed, where the file is written.
    pub(crate) edits: Option<Edits>,
    /// Why the file cannot be written.
    pub(crate) read_only: Option<&'static str>,
    /// What is damaged and was passed over, where that is asked for.
    damage: Option<Mutex<Vec<Error>>>,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);

impl FileCore {
    pub(crate) fn open(
        source: Arc<dyn ByteSource>,
        path: Option<PathBuf>,
        external: External,
        depth: u32,
    ) -> Result<Arc<Self>> {
        Self::prepare(source, path, external, depth).map(Arc::new)
    }

    /// Opens a file that is written as well.
    pub(crate) fn open_to_write(
        source: Arc<dyn ByteSource>,
        path: Option<PathBuf>,
        external: External,
        edits: impl FnOnce(&Self) -> Result<Edits>,
    ) -> Result<Arc<Self>> {
        let mut core = Self::prepare(source, path, external, 0)?;
        core.edits = Some(edits(&core)?);
        Ok(Arc::new(core))
    }

    fn prepare(
        source: Arc<dyn ByteSource>,
        path: Option<PathBuf>,
        external: External,
        depth: u32,
    ) -> Result<Self> {
        let superblock = Superblock::read(source.as_ref())?;
        let mut core = Self::of(source, superblock, path, external, depth);
        core.refuse_drivers()?;
        core.read_extension()?;
        Ok(core)
    }

    /// Opens a file to be checked: what is damaged is passed over and kept as a list.
    pub(crate) fn open_damaged(
        source: Arc<dyn ByteSource>,
        superblock: Superblock,
        damage: Vec<Error>,
    ) -> Result<Arc<Self>> {
        let mut core = Self::of(source, superblock, None, External::default(), 0);
        core.damage = Some(Mutex::new(damage));
        core.refuse_drivers()?;
        let extension = core.superblock.extension;
        if let Err(error) = core.read_extension() {
            core.tolerate(error, extension)?;
        }
        Ok(Arc::new(core))
    }

    /// Opens a file to be repaired; an extension that cannot be read is left out.
    pub(crate) fn open_repaired(
        source: Arc<dyn ByteSource>,
        superblock: Superblock,
        edits: impl FnOnce(&Self) -> Edits,
    ) -> Arc<Self> {
        let mut core = Self::of(source, superblock, None, External::default(), 0);
        if core.read_extension().is_err() {
            core.superblock.extension = UNDEFINED;
        }
        core.edits = Some(edits(&core));
        Arc::new(core)
    }

    fn of(
        source: Arc<dyn ByteSource>,
        superblock: Superblock,
        path: Option<PathBuf>,
        external: External,
        depth: u32,
    ) -> Self {
        Self {
            data: Cached::new(source),
            sizes: superblock.sizes,
            end: AtomicU64::new(superblock.end - superblock.base),
            superblock,
            image: BTreeMap::new(),
            heaps: GlobalHeaps::default(),
            links: LinkCache::default(),
            shared: OnceLock::new(),
            shared_at: None,
            path,
            external,
            depth,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            edits: None,
            read_only: None,
            damage: None,
        }
    }

    /// Passes over what is damaged at an address, if the file was opened to be checked.
    ///
    /// # Errors
    /// The error itself in all other files, and one that is no damage.
    pub(crate) fn tolerate(&self, error: Error, address: u64) -> Result<()> {
        let Some(damage) = &self.damage else { return Err(error) };
        if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Io | ErrorKind::Limit) {
            return Err(error);
        }
        let error = error.at_offset(address);
        damage.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ok(())
    }

    /// What was passed over since the last time.
    pub(crate) fn take_damage(&self) -> Vec<Error> {
        let damage = self.damage.as_ref();
        let take = |damage: &Mutex<Vec<Error>>| {
            std::mem::take(&mut *damage.lock().unwrap_or_else(PoisonError::into_inner))
        };
        damage.map(take).unwrap_or_default()
    }

    fn refuse_drivers(&self) -> Result<()> {
        let address = self.superblock.driver;
        if address == UNDEFINED {
            return Ok(());
        }
        let block = self.read(address, 16)?;
        if block[0] != 0 {
            return Err(malformed("unknown version of the driver information"));
        }
        refuse_driver(&block[8..16])
    }

    /// Reads the superblock's extension: what concerns the whole file.
    fn read_extension(&mut self) -> Result<()> {
        let address = self.superblock.extension;
        if address == UNDEFINED {
            return Ok(());
        }
        let header = Header::read(self, address)?;
        for message in &header.messages {
            let mut cursor = Cursor::new(&message.data);
            match message.kind {
                MessageKind::DRIVER => {
                    cursor.skip(1)?;
                    refuse_driver(cursor.take(8)?)?;
                }
                // Bit 5: a program that did not know the message wrote the file.
                MessageKind::FREE_SPACE if message.flags & 0x20 == 0 => {
                    let is_kept = check_free_space(&mut cursor, self.sizes)?;
                    let reason = is_kept.then_some("the file keeps lists of its free space");
                    self.read_only = reason.or(self.read_only);
                }
                MessageKind::NODE_SIZES => {
                    cursor.version(0, "the sizes of B-tree nodes")?;
                    self.superblock.chunk_node = cursor.u16()?.max(1);
                }
                MessageKind::SHARED_TABLE => {
                    cursor.version(0, "the shared message table")?;
                    self.shared_at = Some((cursor.address(self.sizes)?, cursor.u8()?));
                }
                MessageKind::CACHE_IMAGE => {
                    cursor.version(0, "the cache image")?;
                    let address = cursor.address(self.sizes)?;
                    let len = cursor.length(self.sizes)?;
                    if address != UNDEFINED {
                        self.image = self.read_image(address, len)?;
                        self.read_only = Some("the file has an image of a metadata cache");
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_image(&self, address: u64, len: u64) -> Result<BTreeMap<u64, Vec<u8>>> {
        let block = self.read(address, len)?;
        let mut cursor = Cursor::new(&block);
        cursor.signature(*b"MDCI", "the cache image")?;
        cursor.version(0, "the cache image")?;
        cursor.skip(1)?;
        cursor.length(self.sizes)?;
        let entries = cursor.u32()?;
        let mut image = BTreeMap::new();
        for _ in 0..entries {
            // Kind, flags, ring, age; how many children depend on it, and how many are dirty.
            cursor.skip(8)?;
            let parents = usize::from(cursor.u16()?);
            cursor.skip(4)?;
            let at = cursor.address(self.sizes)?;
            let len = cursor.length(self.sizes)?;
            cursor.skip(parents * usize::from(self.sizes.offset))?;
            image.insert(at, cursor.take_long(len)?.to_vec());
        }
        cursor.skip(4)?;
        if !ends_with_lookup3(&block[..cursor.position()]) {
            return Err(corrupt("the cache image"));
        }
        Ok(image)
    }

    /// Whether each read waits for a service far away.
    pub(crate) fn is_remote(&self) -> bool {
        self.data.is_remote()
    }

    /// Reads metadata.
    pub(crate) fn read(&self, address: u64, len: u64) -> Result<Vec<u8>> {
        // The file is as long, so the memory is no more than what the file takes.
        self.locate(address, len)?;
        let mut bytes = crate::bytes::zeroed(index(len))?;
        self.read_into(address, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads metadata to memory that is there.
    pub(crate) fn read_into(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        let at = self.locate(address, bytes.len() as u64)?;
        self.data.read_at(at, bytes)?;
        if !self.image.is_empty() {
            self.apply_image(address, bytes);
        }
        Ok(())
    }

    /// How many bytes the objects of one heap may have, all together.
    pub(crate) fn heap_budget(&self) -> HeapBudget {
        HeapBudget(self.end().saturating_mul(8).saturating_add(8 << 20))
    }

    /// Where addresses end.
    pub(crate) fn end(&self) -> u64 {
        self.end.load(Ordering::Acquire)
    }

    /// Says that the file has become longer.
    pub(crate) fn set_end(&self, end: u64) {
        self.end.store(end, Ordering::Release);
    }

    /// Forgets what was kept of bytes that have been written again.
    pub(crate) fn forget(&self, address: u64, len: u64) {
        self.data.forget(address + self.superblock.base, len);
    }

    /// As many bytes as there are, at most `len`.
    pub(crate) fn read_up_to(&self, address: u64, len: u64) -> Result<Vec<u8>> {
        self.locate(address, 0)?;
        self.read(address, len.min(self.end() - address))
    }

    /// Reads data, past the cache of metadata.
    pub(crate) fn read_data(&self, address: u64, out: &mut [u8]) -> Result<()> {
        let at = self.locate(address, out.len() as u64)?;
        self.data.read_data(at, out)
    }

    /// Reads bytes of the source, the user block included.
    pub(crate) fn read_raw(&self, at: u64, out: &mut [u8]) -> Result<()> {
        self.data.read_data(at, out)
    }

    /// Where `len` bytes at `address` stand in the source.
    pub(crate) fn locate(&self, address: u64, len: u64) -> Result<u64> {
        let end = address.checked_add(len).filter(|end| *end <= self.end());
        if address == UNDEFINED || end.is_none() {
            let message = format!(
                "expected {len} bytes at address {address}, found the end of the file at {}",
                self.end()
            );
            return Err(Error::new(ErrorKind::Truncated, message));
        }
        Ok(address + self.superblock.base)
    }

    fn apply_image(&self, address: u64, bytes: &mut [u8]) {
        let end = address + bytes.len() as u64;
        // Entries do not overlap: only one that begins before can reach in.
        let before = self.image.range(..address).next_back();
        for (&at, new) in before.into_iter().chain(self.image.range(address..end)) {
            let (from, to) = (at.max(address), (at + new.len() as u64).min(end));
            if from < to {
                let target = &mut bytes[index(from - address)..index(to - address)];
                target.copy_from_slice(&new[index(from - at)..index(to - at)]);
            }
        }
    }

    /// The bytes of the whole file, user block included.
    pub(crate) fn len(&self) -> u64 {
        self.data.len()
    }

    /// The table of messages that several headers share.
    pub(crate) fn shared(&self) -> Result<&SharedTable> {
        let read = || match self.shared_at {
            Some((address, count)) => SharedTable::read(self, address, count),
            None => Err(malformed("expected a table of shared messages, found none")),
        };
        let table = self.shared.get_or_init(|| read().map_err(|e| e.to_string()));
        table.as_ref().map_err(|e| malformed(e.clone()))
    }
}

/// Bytes of a heap's objects that may still be read. Each object is there once, and a heap may be
/// compressed; in a hostile file any number of records have the same large object.
pub(crate) struct HeapBudget(u64);

impl HeapBudget {
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<()> {
        let left = self.0.checked_sub(bytes as u64);
        self.0 = left.ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                "the names or attributes of an object are larger than the file",
            )
        })?;
        Ok(())
    }
}

/// Checks that what is said about free space is there; whether lists of it are kept.
fn check_free_space(cursor: &mut Cursor<'_>, sizes: Sizes) -> Result<bool> {
    let address = usize::from(sizes.offset);
    let managers = match cursor.u8()? {
        0 => {
            let strategy = cursor.u8()?;
            cursor.length(sizes)?;
            if strategy == 1 { 6 } else { 0 }
        }
        1 => {
            let (_, persists) = (cursor.u8()?, cursor.u8()?);
            cursor.skip(2 * usize::from(sizes.length) + 2 + address)?;
            if persists == 0 { 0 } else { 12 }
        }
        version => return Err(wrong_version("the information on free space", version)),
    };
    cursor.skip(managers * address)?;
    Ok(managers > 0)
}

fn refuse_driver(name: &[u8]) -> Result<()> {
    if name.starts_with(b"NCSAmult") || name.starts_with(b"NCSAfami") {
        let message =
            format!("the file is one of several parts, of driver `{}`", name.escape_ascii());
        return Err(unsupported(message).with_hint("`h5repack` joins the parts to one file"));
    }
    Ok(())
}
