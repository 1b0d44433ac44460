//! Links: the named members of groups, in messages, symbol tables and heaps.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

use crate::btree2::BTree2;
use crate::bytes::{Cursor, UNDEFINED, malformed, wrong_version};
use crate::checksum::lookup3;
use crate::core::FileCore;
use crate::fractal_heap::FractalHeap;
use crate::header::{Header, MessageKind};
use crate::shared::resolve;
use crate::symbols::{find_link, visit_links};

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

/// A link as it stands in a file.
pub(crate) struct FoundLink<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) order: Option<u64>,
    pub(crate) target: LinkTarget,
    pub(crate) is_utf8: bool,
}

impl FoundLink<'_> {
    pub(crate) fn into_link(self) -> Link {
        let name = self.name.to_vec();
        Link { name, order: self.order, target: self.target, is_utf8: self.is_utf8 }
    }
}

/// What is done with each link of a group.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(FoundLink<'_>) -> Result<()>;

/// A link among others, which its name tells apart.
#[derive(Clone, Debug)]
struct ByName(Link);

impl Borrow<[u8]> for ByName {
    fn borrow(&self) -> &[u8] {
        &self.0.name
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.name.cmp(&other.0.name)
    }
}

/// The links of a group.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    sorted: BTreeSet<ByName>,
    /// Whether the group keeps the order in which they were made.
    pub(crate) ordered: bool,
}

impl Links {
    pub(crate) fn new(links: Vec<Link>, ordered: bool) -> Self {
        Self { sorted: links.into_iter().map(ByName).collect(), ordered }
    }

    pub(crate) fn get(&self, name: &[u8]) -> Option<&Link> {
        self.sorted.get(name).map(|found| &found.0)
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn insert(&mut self, link: Link) {
        self.sorted.replace(ByName(link));
    }

    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Link> {
        self.sorted.take(name).map(|found| found.0)
    }

    /// The links in the order of their names.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = &Link> {
        self.sorted.iter().map(|found| &found.0)
    }

    /// The links in the order in which they were made, or else of their names.
    pub(crate) fn in_order(&self) -> Vec<&Link> {
        let mut links: Vec<&Link> = self.sorted().collect();
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

    /// Looks for one link of a group by its tree of names; `None` if the tree does not lead to it,
    /// or if the group has none.
    fn find(core: &FileCore, header: &Header, name: &[u8]) -> Result<Option<Link>> {
        if let Some(message) = header.find(MessageKind::SYMBOL_TABLE) {
            let (tree, heap) = symbol_table(core, &resolve(core, message)?)?;
            return find_link(core, tree, heap, name);
        }
        let Some(info) = header.find(MessageKind::LINK_INFO) else { return Ok(None) };
        let info = LinkInfo::parse(core, &resolve(core, info)?)?;
        if info.heap == UNDEFINED { Ok(None) } else { find_dense(core, &info, name) }
    }

    /// Calls `visit` with each link of the group that a header describes, and returns whether it
    /// keeps their order; `None` if it is no group.
    fn visit(core: &FileCore, header: &Header, visit: Visit<'_>) -> Result<Option<bool>> {
        let mut budget = core.heap_budget();
        let mut visit = |found: FoundLink<'_>| {
            budget.spend(found.name.len())?;
            visit(found)
        };
        if let Some(message) = header.find(MessageKind::SYMBOL_TABLE) {
            let (tree, heap) = symbol_table(core, &resolve(core, message)?)?;
            visit_links(core, tree, heap, &mut visit)?;
            return Ok(Some(false));
        }
        let Some(info) = header.find(MessageKind::LINK_INFO) else { return Ok(None) };
        let info = LinkInfo::parse(core, &resolve(core, info)?)?;
        if info.heap == UNDEFINED {
            for message in header.all(MessageKind::LINK) {
                let found = resolve(core, message)
                    .and_then(|data| parse_link(core, &data).and_then(&mut visit));
                if let Err(error) = found {
                    core.tolerate(error, header.address)?;
                }
            }
        } else {
            visit_dense(core, &info, &mut visit)?;
        }
        Ok(Some(info.ordered))
    }

    /// Reads the links of the group that a header describes; `None` if it is no group.
    pub(crate) fn read(core: &FileCore, header: &Header) -> Result<Option<Self>> {
        let mut links = Vec::new();
        let ordered = Self::visit(core, header, &mut |found| {
            links.push(found.into_link());
            Ok(())
        })?;
        Ok(ordered.map(|ordered| Self::new(links, ordered)))
    }
}

/// The names of a group's links, in one piece of memory.
#[derive(Clone, Debug)]
pub struct Names {
    bytes: Vec<u8>,
    in_order: Vec<(Range<usize>, Option<u64>)>,
}

impl Names {
    /// Reads the names of the group that a header describes; `None` if it is no group.
    fn read(core: &FileCore, header: &Header) -> Result<Option<Self>> {
        let (mut bytes, mut names) = (Vec::new(), Vec::new());
        let ordered = Links::visit(core, header, &mut |found| {
            let start = bytes.len();
            bytes.extend_from_slice(found.name);
            names.push((start..bytes.len(), found.order));
            Ok(())
        })?;
        let Some(ordered) = ordered else { return Ok(None) };
        // As in `Links`, though only a damaged group has a name twice: the last one counts.
        names.sort_by(|(one, _), (other, _)| bytes[one.clone()].cmp(&bytes[other.clone()]));
        names.dedup_by(|later, kept| {
            let is_same = bytes[later.0.clone()] == bytes[kept.0.clone()];
            if is_same {
                std::mem::swap(later, kept);
            }
            is_same
        });
        if ordered {
            names.sort_by_key(|(_, order)| *order);
        }
        Ok(Some(Self { bytes, in_order: names }))
    }

    fn of(links: &Links) -> Self {
        let mut bytes = Vec::new();
        let in_order = links.in_order().into_iter().map(|link| {
            let start = bytes.len();
            bytes.extend_from_slice(&link.name);
            (start..bytes.len(), link.order)
        });
        let in_order = in_order.collect();
        Self { bytes, in_order }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_order.is_empty()
    }

    /// The names, each any bytes but NUL as the file has them: in the order in which the links were
    /// made if the group keeps that, else in their own.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.in_order.iter().map(|(range, _)| &self.bytes[range.clone()])
    }
}

/// The addresses of the tree and of the heap that a message of a symbol table has.
fn symbol_table(core: &FileCore, data: &[u8]) -> Result<(u64, u64)> {
    let mut cursor = Cursor::new(data);
    Ok((cursor.address(core.sizes)?, cursor.address(core.sizes)?))
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

/// The heap and the tree of the links of a large group.
fn dense(core: &FileCore, info: &LinkInfo) -> Result<(FractalHeap, BTree2)> {
    let heap = FractalHeap::read(core, info.heap)?;
    let tree = BTree2::read(core, info.names)?;
    if tree.kind != 5 {
        return Err(malformed("expected a B-tree of link names"));
    }
    Ok((heap, tree))
}

/// The ID in the heap, behind the hash of a name.
fn heap_id(record: &[u8]) -> Result<&[u8; 7]> {
    let id = record.get(4..).and_then(|id| id.first_chunk());
    id.ok_or_else(|| malformed("a record of a link is too short"))
}

fn visit_dense(core: &FileCore, info: &LinkInfo, visit: Visit<'_>) -> Result<()> {
    let (heap, tree) = dense(core, info)?;
    let mut ids = Vec::new();
    tree.records(core, |_, record| {
        let id = heap_id(record)?;
        ids.push((heap.offset(id), *id));
        Ok(())
    })?;
    // The tree has the order of hashes: of all blocks, one after the other is much less to read.
    ids.sort_unstable();
    let mut objects = heap.objects(core);
    for (_, id) in ids {
        let found = objects.get(&id).and_then(|data| parse_link(core, &data).and_then(&mut *visit));
        if let Err(error) = found {
            core.tolerate(error, info.names)?;
        }
    }
    Ok(())
}

fn find_dense(core: &FileCore, info: &LinkInfo, name: &[u8]) -> Result<Option<Link>> {
    let (heap, tree) = dense(core, info)?;
    let (mut found, mut budget) = (None, core.heap_budget());
    tree.find(core, lookup3(name), |record| {
        let data = heap.get(core, heap_id(record)?)?;
        budget.spend(data.len())?;
        let link = parse_link(core, &data)?;
        if link.name == name {
            found = Some(link.into_link());
        }
        Ok(())
    })?;
    Ok(found)
}

fn parse_link<'a>(core: &FileCore, data: &'a [u8]) -> Result<FoundLink<'a>> {
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
    let name = cursor.take_long(len)?;
    let target = parse_target(core, kind, &mut cursor)?;
    Ok(FoundLink { name, order, target, is_utf8 })
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
    /// The names of the group that was listed last: its length is asked for with them.
    listed: Option<(u64, Arc<Names>)>,
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

    /// The names of the links of the group at an address; [`ErrorKind::Type`] if it is no group.
    ///
    /// They are read without the links: who lists a large group may want no more.
    pub(crate) fn names(&self, core: &FileCore, address: u64) -> Result<Arc<Names>> {
        if core.edits.is_some() {
            return Ok(Arc::new(Names::of(&*self.get(core, address)?.ok_or_else(no_group)?)));
        }
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &lock().listed {
            Some((listed, names)) if *listed == address => return Ok(Arc::clone(names)),
            _ => {}
        }
        let names = Names::read(core, &Header::read(core, address)?)?.ok_or_else(no_group)?;
        let names = Arc::new(names);
        lock().listed = Some((address, Arc::clone(&names)));
        Ok(names)
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
