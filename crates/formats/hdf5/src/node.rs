//! Objects of a file, and the paths that lead to them.

use std::path::PathBuf;
use std::sync::Arc;

use cannery_core::{Error, ErrorKind, Result};

use crate::attributes::{Attribute, FoundAttribute, read_attributes};
use crate::bytes::{malformed, unsupported};
use crate::core::{FileCore, MAX_FILES_DEEP};
use crate::dataset::Dataset;
use crate::datatype::Datatype;
use crate::header::{Header, MessageKind};
use crate::links::{Link, LinkTarget, Links, Names, no_group};
use crate::shared::resolve;
use crate::source;

/// Soft and external links on one path, at most: as many as libhdf5 follows.
const MAX_LINKS: u32 = 16;

/// Parts of a path, at most.
const MAX_PARTS: u32 = 1 << 16;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// Named links to objects.
    Group,
    /// An array.
    Dataset,
    /// A datatype with a name.
    Datatype,
}

/// An object of an open file.
#[derive(Clone)]
pub struct Node {
    core: Arc<FileCore>,
    address: u64,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for Node {}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Node({:#x})", self.address)
    }
}

impl Node {
    pub(crate) fn root(core: &Arc<FileCore>) -> Self {
        Self { core: Arc::clone(core), address: core.superblock.root }
    }

    pub(crate) fn at(core: &Arc<FileCore>, address: u64) -> Self {
        Self { core: Arc::clone(core), address }
    }

    pub(crate) fn core(&self) -> &Arc<FileCore> {
        &self.core
    }

    /// The number of the open file and the address in it: what tells objects apart.
    #[must_use]
    pub fn id(&self) -> (u64, u64) {
        (self.core.number, self.address)
    }

    /// The root group of its file.
    #[must_use]
    pub fn file_root(&self) -> Self {
        Self::root(&self.core)
    }

    /// The path of its file, if it has one.
    #[must_use]
    pub fn file_path(&self) -> Option<&std::path::Path> {
        self.core.path.as_deref()
    }

    fn header(&self) -> Result<Header> {
        Header::read(&self.core, self.address)
    }

    /// What the object is.
    ///
    /// # Errors
    /// Those of its header; [`ErrorKind::Value`] if it is none of the kinds.
    pub fn kind(&self) -> Result<ObjectKind> {
        let header = self.header()?;
        let has = |kind| header.find(kind).is_some();
        if has(MessageKind::SYMBOL_TABLE) || has(MessageKind::LINK_INFO) {
            return Ok(ObjectKind::Group);
        }
        match (has(MessageKind::DATATYPE), has(MessageKind::DATASPACE)) {
            (true, true) => Ok(ObjectKind::Dataset),
            (true, false) => Ok(ObjectKind::Datatype),
            _ => {
                Err(malformed("expected a group, a dataset or a datatype").at_offset(self.address))
            }
        }
    }

    /// The dataset that the object is.
    ///
    /// # Errors
    /// Those of its header, and of what it says.
    pub fn dataset(&self) -> Result<Dataset> {
        Dataset::read_header(&self.core, &self.header()?).map_err(|e| e.at_offset(self.address))
    }

    /// The datatype that the object is.
    ///
    /// # Errors
    /// Those of its header.
    pub fn datatype(&self) -> Result<Datatype> {
        let header = self.header()?;
        let message =
            header.find(MessageKind::DATATYPE).ok_or_else(|| malformed("expected a datatype"))?;
        Datatype::parse(&resolve(&self.core, message)?)
    }

    /// Its attributes: names, and what could be read.
    ///
    /// # Errors
    /// Those of its header and of the structures that list them.
    pub fn attributes(&self) -> Result<Vec<(Vec<u8>, Result<Attribute>)>> {
        let found: Vec<FoundAttribute> = read_attributes(&self.core, &self.header()?)?;
        Ok(found)
    }

    /// Whether the order is kept in which the links of the group, or the attributes of another
    /// object, are made.
    ///
    /// # Errors
    /// Those of the object's header and links.
    pub fn keeps_order(&self) -> Result<bool> {
        match self.kind()? {
            ObjectKind::Group => Ok(self.links()?.ordered),
            _ => Ok(self.header()?.orders_attributes),
        }
    }

    fn links(&self) -> Result<Arc<Links>> {
        self.core.links.get(&self.core, self.address)?.ok_or_else(no_group)
    }

    /// The link of a name; [`ErrorKind::Type`] if the object is no group.
    fn find(&self, name: &[u8]) -> Result<Option<Link>> {
        self.core.links.find(&self.core, self.address, name)
    }

    /// The names of the group's links, in the order of [`Node::members`].
    ///
    /// # Errors
    /// As [`Node::members`].
    pub fn names(&self) -> Result<Arc<Names>> {
        self.core.links.names(&self.core, self.address)
    }

    /// The links of the group that the object is, in the order in which they were made if it
    /// keeps that, else of the bytes of their names.
    ///
    /// # Errors
    /// Those of the group; [`ErrorKind::Type`] if it is none.
    pub fn members(&self) -> Result<Vec<Link>> {
        Ok(self.links()?.in_order().into_iter().cloned().collect())
    }

    /// How many links the group has.
    ///
    /// # Errors
    /// As [`Node::members`].
    pub fn len(&self) -> Result<usize> {
        Ok(self.names()?.len())
    }

    /// Whether the group has no links.
    ///
    /// # Errors
    /// As [`Node::members`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// The link at the end of a path.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if a part is not there; those of what lies on the way.
    pub fn link(&self, path: &[u8]) -> Result<Link> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let (before, name) = match path.iter().rposition(|&byte| byte == b'/') {
            Some(at) => (&path[..=at], &path[at + 1..]),
            None => (&path[..0], path),
        };
        self.resolve(before)?.find(name)?.ok_or_else(|| not_found(name))
    }

    /// Follows a path: through hard, soft and, where the policy allows, external links.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if a part is not there; [`ErrorKind::Permission`] for files that
    /// the policy does not allow; [`ErrorKind::Cycle`] for more links than are followed.
    pub fn resolve(&self, path: &[u8]) -> Result<Self> {
        Walk { links_left: MAX_LINKS, parts_left: MAX_PARTS }.follow(self, path)
    }

    /// Opens another file that this one names.
    pub(crate) fn open_file(core: &Arc<FileCore>, name: &[u8]) -> Result<Arc<FileCore>> {
        if is_own_name(core, name) {
            return Ok(Arc::clone(core));
        }
        if core.depth >= MAX_FILES_DEEP {
            return Err(Error::new(ErrorKind::Cycle, "external links lead through too many files"));
        }
        let path = core.external.find(name, core.path.as_deref())?;
        let source = Arc::new(source::open(&path)?);
        FileCore::open(source, Some(path), core.external.clone(), core.depth + 1)
    }
}

/// Whether a file is named beside itself: it is open already.
fn is_own_name(core: &FileCore, name: &[u8]) -> bool {
    let own = core.path.as_ref().and_then(|path| path.file_name());
    let own = own.map(std::ffi::OsStr::as_encoded_bytes);
    own.is_some_and(|own| own == name.strip_prefix(b"./").unwrap_or(name))
}

#[cold]
fn not_found(name: &[u8]) -> Error {
    Error::new(ErrorKind::NotFound, format!("no object is named `{}`", name.escape_ascii()))
}

/// How far a path may still lead.
struct Walk {
    links_left: u32,
    parts_left: u32,
}

impl Walk {
    fn follow(&mut self, from: &Node, path: &[u8]) -> Result<Node> {
        let mut at = if path.starts_with(b"/") { from.file_root() } else { from.clone() };
        for part in path.split(|&byte| byte == b'/') {
            if part.is_empty() || part == b"." {
                continue;
            }
            self.parts_left = self
                .parts_left
                .checked_sub(1)
                .ok_or_else(|| malformed("a path has too many parts"))?;
            let link = at
                .find(part)
                .map_err(|e| if e.kind() == ErrorKind::Type { not_found(part) } else { e })?;
            let link = link.ok_or_else(|| not_found(part))?;
            at = self.target(&at, &link.target)?;
        }
        Ok(at)
    }

    fn target(&mut self, group: &Node, target: &LinkTarget) -> Result<Node> {
        match target {
            LinkTarget::Hard(address) => return Ok(Node::at(&group.core, *address)),
            LinkTarget::User(kind, _) => {
                return Err(unsupported(format!(
                    "links of the user-defined kind {kind} cannot be followed"
                )));
            }
            _ => {}
        }
        self.links_left = self.links_left.checked_sub(1).ok_or_else(too_many_links)?;
        match target {
            LinkTarget::Soft(path) => self.follow(group, path),
            LinkTarget::External { file, path } => {
                let core = Node::open_file(&group.core, file)?;
                self.follow(&Node::root(&core), path)
            }
            _ => Err(malformed("a link leads nowhere")),
        }
    }
}

#[cold]
fn too_many_links() -> Error {
    Error::new(ErrorKind::Cycle, format!("more than {MAX_LINKS} links lead to each other"))
}

/// The path of a file as external links are checked against it.
pub(crate) fn canonical(path: &std::path::Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}
