//! Opening files.

use std::path::Path;
use std::sync::Arc;

use cannery_core::Result;
use cannery_places::ByteSource;

use crate::core::FileCore;
use crate::external::{External, ExternalPolicy};
use crate::node::{Node, canonical};
use crate::source;

/// An open file.
#[derive(Clone)]
pub struct File(Arc<FileCore>);

impl File {
    pub(crate) fn of(core: Arc<FileCore>) -> Self {
        Self(core)
    }

    pub(crate) fn core(&self) -> &Arc<FileCore> {
        &self.0
    }

    /// Opens a file, which may lead to no other.
    ///
    /// # Errors
    /// Those of the operating system and of the superblock.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, ExternalPolicy::Refuse)
    }

    /// Opens a file, which may lead to others as `external` says.
    ///
    /// # Errors
    /// Those of the operating system and of the superblock.
    pub fn open_with(path: impl AsRef<Path>, external: ExternalPolicy) -> Result<Self> {
        let path = path.as_ref();
        let source = Arc::new(source::open(path)?);
        let path = canonical(path);
        let external = External::new(external, Some(&path));
        let core = FileCore::open(source, Some(path.clone()), external, 0);
        Ok(Self(core.map_err(|e| e.in_file(path.display().to_string()))?))
    }

    /// Reads a file from bytes that are not in a file of the operating system.
    ///
    /// # Errors
    /// Those of the source and of the superblock.
    pub fn from_source(source: Arc<dyn ByteSource>) -> Result<Self> {
        FileCore::open(source, None, External::default(), 0).map(Self)
    }

    /// The file that an object is in: another one than was opened, where links led out of that.
    #[must_use]
    pub fn containing(node: &Node) -> Self {
        Self(Arc::clone(node.core()))
    }

    /// The root group.
    #[must_use]
    pub fn root(&self) -> Node {
        Node::root(&self.0)
    }

    /// The bytes before the superblock, which belong to the user.
    #[must_use]
    pub fn user_block_len(&self) -> u64 {
        self.0.superblock.base
    }

    /// The version of the superblock.
    #[must_use]
    pub fn superblock_version(&self) -> u8 {
        self.0.superblock.version
    }

    /// The bytes of the whole file.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether the file has no bytes; one that was opened always has some.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
