//! Links: the named members of groups, in messages, symbol tables and heaps.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use crate::btree2::BTree2;
use crate::bytes::{Cursor, UNDEFINED, malformed, wrong_version};
use crate::core::FileCore;
use crate::fractal_heap::FractalHeap;
use crate::header::{Header, MessageKind};
use crate::shared::resolve;
use crate::symbols::{find_link, read_links};

/// A named member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// Its name: any bytes but NUL, as the file has them.
    pub name: Vec<u8>,
    /// When it was made, beside others of its group, where the group keeps that.
    pub order: Option<u64>,
    /// Where it leads.
    pub target: LinkTarget,
    /// Whether the name is said to be UTF-8, not ASCII.
    pub is_utf8: bool,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkTarget {
    /// To the object whose header stands at this address.
    Hard(u64),
    /// To what a path leads to.
    Soft(Vec<u8>),
    /// To what a path leads to in another file.
    External {
        /// The name of the file, relative to this one's folder.
        file: Vec<u8>,
        /// The path in it.
        path: Vec<u8>,
    },
    /// A kind that its writer defined.
    User(u8, Vec<u8>),
}

/// The links of a group.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    /// By the bytes of their names.
    sorted: BTreeMap<Vec<u8>, Link>,
    /// Whether the group keeps the order in which they were made.
    pub(crate) ordered: bool,
}

impl Links {
    pub(crate) fn new(links: Vec<Link>, ordered: bool) -> Self {
        let sorted = links.into_iter().map(|link| (link.name.clone(), link)).collect();
        Self { sorted, ordered }
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Link> {
        self.sorted.get(name)
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn insert(&mut self, link: Link) {
        self.sorted.insert(link.name.clone(), link);
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Link> {
        self.sorted.remove(name)
    }

    /// The links in the order of their names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = &Link> {
        self.sorted.values()
    }

    /// The links in the order in which they were made, or else of their names.
    pub(crate) fn in_order(&self) -> Vec<&Link> {
        let mut links: Vec<&Link> = self.sorted.values().collect();
        if self.ordered {
            links.sort_by_key(|link| link.order);
        }
        links
    }

    /// The tree of links in the order in which they were made, if a group keeps one.
    pub(crate) fn order_tree(core: &FileCore, header: &Header) -> Result<Option<u64>> {
        let Some(info) = header.find(MessageKind::LINK_INFO) else { return Ok(None) };
        let data = resolve(core, info)?;
        let mut cursor = Cursor::new(&data);
        cursor.skip(1)?;
        let flags = cursor.u8()?;
        cursor.skip(if flags & 1 == 0 { 0 } else { 8 })?;
        let heap = cursor.address(core.sizes)?;
        cursor.address(core.sizes)?;
        if flags & 2 == 0 || heap == UNDEFINED {
            return Ok(None);
        }
        cursor.address(core.sizes).map(Some)
    }

    /// Looks for one link of a group in its symbol tables; `None` if it is not there, or if the group
    /// has no such tables.
    fn find(core: &FileCore, header: &Header, name: &[u8]) -> Result<Option<Link>> {
        let Some(message) = header.find(MessageKind::SYMBOL_TABLE) else { return Ok(None) };
        let data = resolve(core, message)?;
        let mut cursor = Cursor::new(&data);
        let (tree, heap) = (cursor.address(core.sizes)?, cursor.address(core.sizes)?);
        find_link(core, tree, heap, name)
    }

    /// Reads the links of the group that a header describes; `None` if it is no group.
    pub(crate) fn read(core: &FileCore, header: &Header) -> Result<Option<Self>> {
        if let Some(message) = header.find(MessageKind::SYMBOL_TABLE) {
            let data = resolve(core, message)?;
            let mut cursor = Cursor::new(&data);
            let (tree, heap) = (cursor.address(core.sizes)?, cursor.address(core.sizes)?);
            return Ok(Some(Self::new(read_links(core, tree, heap)?, false)));
        }
        let Some(info) = header.find(MessageKind::LINK_INFO) else { return Ok(None) };
        let info = LinkInfo::parse(core, &resolve(core, info)?)?;
        let mut links = Vec::new();
        if info.heap == UNDEFINED {
            for message in header.all(MessageKind::LINK) {
                match resolve(core, message).and_then(|data| parse_link(core, &data)) {
                    Ok(link) => links.push(link),
                    Err(error) => core.tolerate(error, header.address)?,
                }
            }
        } else {
            read_dense(core, &info, &mut links)?;
        }
        Ok(Some(Self::new(links, info.ordered)))
    }
}

struct LinkInfo {
    ordered: bool,
    heap: u64,
    names: u64,
}

impl LinkInfo {
    fn parse(core: &FileCore, data: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        cursor.version(0, "the information on links")?;
        let flags = cursor.u8()?;
        if flags & !3 != 0 {
            return Err(malformed("unknown flags of the information on links"));
        }
        if flags & 1 != 0 {
            cursor.skip(8)?;
        }
        let (heap, names) = (cursor.address(core.sizes)?, cursor.address(core.sizes)?);
        Ok(Self { ordered: flags & 1 != 0, heap, names })
    }
}

fn read_dense(core: &FileCore, info: &LinkInfo, links: &mut Vec<Link>) -> Result<()> {
    let heap = FractalHeap::read(core, info.heap)?;
    let tree = BTree2::read(core, info.names)?;
    if tree.kind != 5 {
        return Err(malformed("expected a B-tree of link names"));
    }
    tree.records(core, |_, record| {
        let id = record.get(4..).ok_or_else(|| malformed("a record of a link is too short"))?;
        links.push(parse_link(core, &heap.get(core, id)?)?);
        Ok(())
    })
}

fn parse_link(core: &FileCore, data: &[u8]) -> Result<Link> {
    let mut cursor = Cursor::new(data);
    cursor.version(1, "a link")?;
    let flags = cursor.u8()?;
    if flags & !0x1f != 0 {
        return Err(malformed("unknown flags of a link"));
    }
    let kind = if flags & 8 == 0 { 0 } else { cursor.u8()? };
    let order = if flags & 4 == 0 { None } else { Some(cursor.u64()?) };
    let is_utf8 = match if flags & 0x10 == 0 { 0 } else { cursor.u8()? } {
        0 => false,
        1 => true,
        other => return Err(malformed(format!("unknown character set `{other}` of a link"))),
    };
    let len = cursor.uint(1 << (flags & 3))?;
    if len == 0 {
        return Err(malformed("the name of a link is empty"));
    }
    let name = cursor.take_long(len)?.to_vec();
    let target = parse_target(core, kind, &mut cursor)?;
    Ok(Link { name, order, target, is_utf8 })
}

fn parse_target(core: &FileCore, kind: u8, cursor: &mut Cursor<'_>) -> Result<LinkTarget> {
    if kind == 0 {
        return Ok(LinkTarget::Hard(cursor.address(core.sizes)?));
    }
    if (2..64).contains(&kind) {
        return Err(wrong_version("the kinds of links", kind));
    }
    let len = usize::from(cursor.u16()?);
    let value = cursor.take(len)?;
    match kind {
        1 if len == 0 => Err(malformed("the path of a soft link is empty")),
        1 => Ok(LinkTarget::Soft(value.to_vec())),
        64 => {
            let mut cursor = Cursor::new(value);
            let version = cursor.u8()?;
            if version >> 4 != 0 {
                return Err(wrong_version("an external link", version >> 4));
            }
            let (file, path) = (cursor.text()?.to_vec(), cursor.text()?.to_vec());
            Ok(LinkTarget::External { file, path })
        }
        kind => Ok(LinkTarget::User(kind, value.to_vec())),
    }
}

#[cold]
pub(crate) fn no_group() -> Error {
    Error::new(ErrorKind::Type, "expected a group")
}

/// Links that are kept, at most, over all groups.
const KEPT: usize = 1 << 18;

/// Links of a group that are looked for one by one, before all are read.
const FEW: u32 = 8;

/// The links of the groups that were looked at last.
#[derive(Default)]
pub(crate) struct LinkCache(Mutex<KeptLinks>);

#[derive(Default)]
struct KeptLinks {
    count: usize,
    groups: HashMap<u64, Arc<Links>>,
    /// How many links of other groups were looked for.
    lookups: HashMap<u64, u32>,
}

impl LinkCache {
    /// The link of a name in the group at an address; [`ErrorKind::Type`] if it is no group.
    ///
    /// Of large groups the first few are looked for alone.
    pub(crate) fn find(&self, core: &FileCore, address: u64, name: &[u8]) -> Result<Option<Link>> {
        if core.edits.is_none() && self.is_first(address) {
            let header = Header::read(core, address)?;
            // What the tree does not lead to may be there nevertheless, in a damaged file.
            if let Ok(Some(link)) = Links::find(core, &header, name) {
                return Ok(Some(link));
            }
        }
        let links = self.get(core, address)?.ok_or_else(no_group)?;
        Ok(links.get(name).cloned())
    }

    /// Whether a link may be looked for alone.
    fn is_first(&self, address: u64) -> bool {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.groups.contains_key(&address) || kept.lookups.len() > KEPT {
            return false;
        }
        let lookups = kept.lookups.entry(address).or_default();
        *lookups += 1;
        *lookups <= FEW
    }

    /// The links of the group at an address, if it is one.
    pub(crate) fn get(&self, core: &FileCore, address: u64) -> Result<Option<Arc<Links>>> {
        if let Some(links) = core.edits.as_ref().and_then(|edits| edits.links(address)) {
            return Ok(Some(links));
        }
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().groups.get(&address) {
            return Ok(Some(Arc::clone(found)));
        }
        let header = Header::read(core, address)?;
        let Some(links) = Links::read(core, &header)? else { return Ok(None) };
        let links = Arc::new(links);
        let mut kept = lock();
        if kept.count + links.len() > KEPT {
            *kept = KeptLinks::default();
        }
        kept.count += links.len() + 1;
        kept.lookups.remove(&address);
        kept.groups.insert(address, Arc::clone(&links));
        Ok(Some(links))
    }
}
