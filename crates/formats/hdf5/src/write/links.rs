//! The links of groups that are changed.

use std::sync::Arc;

use cannery_core::Result;

use super::dense::{DenseKind, name_hash, write_heap, write_tree};
use super::edits::ObjectEdit;
use super::encode::{Encoder, link};
use super::header::HeaderEdit;
use super::space::Space;
use crate::bytes::UNDEFINED;
use crate::core::FileCore;
use crate::header::{Message, MessageKind};
use crate::links::{Link, Links};

/// Links that stand in the header, at most; libhdf5 has the same limit.
const COMPACT: usize = 8;

/// The links of a group in memory.
pub(super) struct LinksEdit {
    pub(super) links: Arc<Links>,
    next_order: u64,
}

impl LinksEdit {
    pub(super) fn new(ordered: bool) -> Self {
        Self { links: Arc::new(Links::new(Vec::new(), ordered)), next_order: 0 }
    }

    /// These links.
    pub(super) fn of(links: Vec<Link>, ordered: bool) -> Self {
        let next_order = links.iter().filter_map(|link| link.order).max();
        let next_order = next_order.map_or(0, |order| order + 1);
        Self { links: Arc::new(Links::new(links, ordered)), next_order }
    }

    /// The message of a group whose links stand nowhere yet.
    pub(super) fn empty_info(&self, sizes: crate::bytes::Sizes) -> Vec<u8> {
        info(sizes, self.links.ordered, self.next_order, (UNDEFINED, UNDEFINED, UNDEFINED))
    }

    /// Reads the links of a group; `None` if the object is none.
    pub(super) fn load<'o>(
        core: &FileCore,
        object: &'o mut ObjectEdit,
        address: u64,
    ) -> Result<Option<&'o mut Self>> {
        if object.links.is_none() {
            let Some(links) = Links::read(core, &object.header.view(address))? else {
                return Ok(None);
            };
            let next_order = links.sorted().filter_map(|link| link.order).max();
            let ordered = links.ordered;
            let next_order = next_order.map_or(0, |order| order + 1);
            object.links = Some(Self { links: Arc::new(links), next_order });
            for kind in [MessageKind::LINK, MessageKind::SYMBOL_TABLE] {
                object.header.remove(kind);
            }
            let places = (UNDEFINED, UNDEFINED, UNDEFINED);
            let info = info(core.sizes, ordered, next_order, places);
            object.header.set(MessageKind::LINK_INFO, info, 0);
        }
        Ok(object.links.as_mut())
    }

    pub(super) fn insert(&mut self, mut link: Link) {
        if self.links.ordered {
            link.order = Some(self.next_order);
            self.next_order += 1;
        } else {
            link.order = None;
        }
        Arc::make_mut(&mut self.links).insert(link);
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Link> {
        Arc::make_mut(&mut self.links).remove(name)
    }

    /// Puts the links into a header, or writes them to a heap.
    pub(super) fn serialize(&self, space: &Space<'_>, header: &mut HeaderEdit) -> Result<()> {
        let sizes = space.sizes();
        let mut encoded = Vec::with_capacity(self.links.len());
        for one in self.links.sorted() {
            encoded.push(link(sizes, one)?);
        }
        let ordered = self.links.ordered;
        if encoded.len() <= COMPACT {
            let places = (UNDEFINED, UNDEFINED, UNDEFINED);
            let data = info(sizes, ordered, self.next_order, places);
            header.set(MessageKind::LINK_INFO, data, 0);
            let messages = Arc::make_mut(&mut header.messages);
            messages.extend(encoded.into_iter().map(|data| Message {
                kind: MessageKind::LINK,
                flags: 0,
                order: None,
                data,
            }));
            return Ok(());
        }
        let objects = encoded.iter().map(Vec::as_slice);
        let (heap, ids) = write_heap(space, DenseKind::Links, objects)?;
        let mut by_name: Vec<(u32, &Link, &Vec<u8>)> = (self.links.sorted().zip(&ids))
            .map(|(link, id)| (name_hash(&link.name), link, id))
            .collect();
        // Names are sorted already: those with the same hash stay in their order.
        by_name.sort_by_key(|(hash, ..)| *hash);
        let record = |(hash, _, id): &(u32, &Link, &Vec<u8>)| {
            Encoder::new(sizes).u32(*hash).bytes(id).finish()
        };
        let names: Vec<Vec<u8>> = by_name.iter().map(record).collect();
        let names = write_tree(space, 5, &names)?;
        let mut orders = UNDEFINED;
        if ordered {
            let mut records: Vec<(u64, &Vec<u8>)> = (self.links.sorted().zip(&ids))
                .map(|(link, id)| (link.order.unwrap_or(0), id))
                .collect();
            records.sort();
            let record =
                |(order, id): &(u64, &Vec<u8>)| Encoder::new(sizes).u64(*order).bytes(id).finish();
            orders = write_tree(space, 6, &records.iter().map(record).collect::<Vec<_>>())?;
        }
        let data = info(sizes, ordered, self.next_order, (heap, names, orders));
        header.set(MessageKind::LINK_INFO, data, 0);
        Ok(())
    }
}

/// The message that says where a group's links are.
pub(super) fn info(
    sizes: crate::bytes::Sizes,
    ordered: bool,
    next_order: u64,
    (heap, names, orders): (u64, u64, u64),
) -> Vec<u8> {
    let mut out = Encoder::new(sizes);
    // Bits 0 and 1: the order is kept, and has an index.
    out.u8(0).u8(if ordered { 3 } else { 0 });
    if ordered {
        out.u64(next_order);
    }
    out.address(heap).address(names);
    if ordered {
        out.address(orders);
    }
    out.finish()
}
