//! Attributes of objects that are changed: messages in memory, in the header or a heap on disk.

use std::sync::Arc;

use cannery_core::Result;

use super::dense::{DenseKind, name_hash, write_heap, write_tree};
use super::edits::ObjectEdit;
use super::encode::{Encoder, attribute, dataspace};
use super::header::HeaderEdit;
use super::space::Space;
use crate::attributes::{message_name, read_dense_messages};
use crate::bytes::{Sizes, UNDEFINED, unsupported};
use crate::core::FileCore;
use crate::dataspace::Dataspace;
use crate::header::{Message, MessageKind};

/// Attributes that stand in a header, at most.
const COMPACT: usize = 64;

/// The bytes of a message, at most.
const LONGEST: usize = 65_500;

/// Brings attributes that are in a heap to memory.
pub(super) fn load(core: &FileCore, object: &mut ObjectEdit) -> Result<()> {
    let found = object.header.messages.iter().find(|m| m.kind == MessageKind::ATTRIBUTE_INFO);
    let Some(info) = found.filter(|m| !m.is_shared()) else { return Ok(()) };
    let mut messages = read_dense_messages(core, &info.data.clone())?;
    if !object.header.orders_attributes {
        for message in &mut messages {
            message.order = None;
        }
    }
    object.header.remove(MessageKind::ATTRIBUTE_INFO);
    Arc::make_mut(&mut object.header.messages).extend(messages);
    Ok(())
}

impl ObjectEdit {
    /// Sets an attribute.
    pub(super) fn set_attribute(
        &mut self,
        sizes: Sizes,
        name: &[u8],
        datatype: (&[u8], bool),
        (space, data): (&Dataspace, &[u8]),
    ) -> Result<()> {
        let data = attribute(sizes, name, datatype, &dataspace(sizes, space), data)?;
        if data.len() > LONGEST && self.header.is_old() {
            let message = format!("an attribute of {} bytes is too long here", data.len());
            return Err(unsupported(message).with_hint("store it as a dataset"));
        }
        let found = self.find_attribute(name);
        let messages = Arc::make_mut(&mut self.header.messages);
        let next = || {
            messages.iter().filter_map(|m| m.order).max().map_or(0, |order| order.saturating_add(1))
        };
        // Like h5py, which removes an attribute of the name before it makes the new one.
        let order = self.header.orders_attributes.then(next);
        let message = Message { kind: MessageKind::ATTRIBUTE, flags: 0, order, data };
        match found {
            Some(at) => messages[at] = message,
            None => messages.push(message),
        }
        self.is_dirty = true;
        Ok(())
    }

    fn find_attribute(&self, name: &[u8]) -> Option<usize> {
        let is_named = |m: &Message| {
            m.kind == MessageKind::ATTRIBUTE && message_name(&m.data).is_ok_and(|n| n == name)
        };
        self.header.messages.iter().position(is_named)
    }

    /// Removes an attribute; false if there is none of that name.
    pub(super) fn remove_attribute(&mut self, name: &[u8]) -> bool {
        let Some(at) = self.find_attribute(name) else { return false };
        Arc::make_mut(&mut self.header.messages).remove(at);
        self.is_dirty = true;
        true
    }
}

/// The messages of a header, its attributes written to a heap if they are many or long.
pub(super) fn serialize(space: &Space<'_>, header: &mut HeaderEdit) -> Result<Vec<Message>> {
    let is_attribute = |m: &Message| m.kind == MessageKind::ATTRIBUTE;
    let attributes = || header.messages.iter().filter(|m| is_attribute(m));
    let is_long = attributes().any(|m| m.data.len() > LONGEST);
    let is_shared = attributes().any(Message::is_shared);
    let is_dense = !header.is_old() && !is_shared && (is_long || attributes().count() > COMPACT);
    let ordered = header.orders_attributes;
    let next =
        attributes().filter_map(|m| m.order).max().map_or(0, |order| order.saturating_add(1));
    if !is_dense {
        let mut messages = header.messages.as_ref().clone();
        if ordered {
            let data = info(space.sizes(), ordered, next, (UNDEFINED, UNDEFINED, UNDEFINED));
            messages.push(Message {
                kind: MessageKind::ATTRIBUTE_INFO,
                flags: 4,
                order: None,
                data,
            });
        }
        return Ok(messages);
    }
    let dense: Vec<&Message> = attributes().collect();
    let objects = dense.iter().map(|m| m.data.as_slice());
    let (heap, ids) = write_heap(space, DenseKind::Attributes, objects)?;
    let sizes = space.sizes();
    let mut by_name = Vec::new();
    for (message, id) in dense.iter().zip(&ids) {
        let name = message_name(&message.data)?;
        by_name.push((name_hash(name), name, u32::from(message.order.unwrap_or(u16::MAX)), id));
    }
    by_name.sort();
    let record = |(hash, _, order, id): &(u32, &[u8], u32, &Vec<u8>)| {
        Encoder::new(sizes).bytes(id).u8(0).u32(*order).u32(*hash).finish()
    };
    let names = write_tree(space, 8, &by_name.iter().map(record).collect::<Vec<_>>())?;
    let mut orders = UNDEFINED;
    if ordered {
        by_name.sort_by_key(|(_, _, order, _)| *order);
        let record = |(_, _, order, id): &(u32, &[u8], u32, &Vec<u8>)| {
            Encoder::new(sizes).bytes(id).u8(0).u32(*order).finish()
        };
        orders = write_tree(space, 9, &by_name.iter().map(record).collect::<Vec<_>>())?;
    }
    let mut messages: Vec<Message> =
        header.messages.iter().filter(|m| !is_attribute(m)).cloned().collect();
    let data = info(sizes, ordered, next, (heap, names, orders));
    messages.push(Message { kind: MessageKind::ATTRIBUTE_INFO, flags: 4, order: None, data });
    Ok(messages)
}

/// The message that says where an object's attributes are.
fn info(sizes: Sizes, ordered: bool, next: u16, (heap, names, orders): (u64, u64, u64)) -> Vec<u8> {
    let mut out = Encoder::new(sizes);
    out.u8(0).u8(if ordered { 3 } else { 0 });
    if ordered {
        out.u16(next);
    }
    out.address(heap).address(names);
    if ordered {
        out.address(orders);
    }
    out.finish()
}

/// The bytes of a message that leads to the type of a committed datatype.
pub(super) fn shared_type(sizes: Sizes, address: u64) -> Vec<u8> {
    Encoder::new(sizes).u8(3).u8(2).address(address).finish()
}
