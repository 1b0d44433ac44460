//! Object headers that are changed: read whole, kept in memory, written back in place.

use std::sync::Arc;

use cannery_core::Result;

use super::encode::{Encoder, short};
use super::space::Space;
use crate::bytes::{Cursor, malformed, unsupported};
use crate::core::FileCore;
use crate::header::{Header, Message, MessageKind};

/// The room that a new header has at least, so that small changes stay in its first block.
const ROOM: usize = 192;

/// A header in memory.
#[derive(Clone, Debug)]
pub(super) struct HeaderEdit {
    pub(super) messages: Arc<Vec<Message>>,
    pub(super) orders_attributes: bool,
    version: u8,
    /// What stands before the first message, in the form of the version.
    prefix: Vec<u8>,
    /// The bytes for messages in the first block.
    room: usize,
    /// The links that lead to the object.
    pub(super) references: u32,
    pub(super) is_new: bool,
}

const NIL: u16 = 0;
const REFERENCE_COUNT: u16 = 0x16;

impl HeaderEdit {
    /// A header of version 2 for a new object.
    pub(super) fn new(messages: Vec<Message>, orders_attributes: bool) -> Self {
        let mut header = Self {
            messages: Arc::new(messages),
            orders_attributes,
            version: 2,
            prefix: Vec::new(),
            room: 0,
            references: 0,
            is_new: true,
        };
        // Bit 1: the length takes four bytes; bits 2 and 3: attributes keep their order.
        header.prefix = b"OHDR\x02".to_vec();
        header.prefix.push(if orders_attributes { 0x0e } else { 0x02 });
        let need = header.messages.iter().map(|m| header.message_len(m.data.len())).sum::<usize>();
        header.room = (need + 32).max(ROOM);
        header.prefix.extend_from_slice(&u32::try_from(header.room).unwrap_or(0).to_le_bytes());
        header
    }

    /// Reads a header that exists.
    pub(super) fn read(core: &FileCore, address: u64) -> Result<Self> {
        let Header { messages, orders_attributes, .. } = Header::read_stored(core, address)?;
        let start = core.read_up_to(address, 40)?;
        let mut cursor = Cursor::new(&start);
        let (version, prefix_len, room, mut references);
        if start.starts_with(b"OHDR") {
            cursor.skip(5)?;
            let flags = cursor.u8()?;
            cursor.skip(if flags & 0x20 == 0 { 0 } else { 16 })?;
            cursor.skip(if flags & 0x10 == 0 { 0 } else { 4 })?;
            room = cursor.uint(1 << (flags & 3))?;
            (version, prefix_len, references) = (2, cursor.position(), 1);
        } else {
            cursor.skip(4)?;
            references = cursor.u32()?;
            room = u64::from(cursor.u32()?);
            (version, prefix_len) = (1, 16);
        }
        if let Some(count) = messages.iter().find(|m| m.kind == REFERENCE_COUNT) {
            references = Cursor::new(&count.data[count.data.len().min(1)..]).u32()?;
        }
        let skipped = [NIL, MessageKind::CONTINUATION, REFERENCE_COUNT];
        let messages = messages.into_iter().filter(|m| !skipped.contains(&m.kind)).collect();
        Ok(Self {
            messages: Arc::new(messages),
            orders_attributes,
            version,
            prefix: start[..prefix_len].to_vec(),
            room: crate::bytes::index(room),
            references,
            is_new: false,
        })
    }

    pub(super) fn is_old(&self) -> bool {
        self.version == 1
    }

    /// The header as readers have it.
    pub(super) fn view(&self, address: u64) -> Header {
        let orders_attributes = self.orders_attributes;
        Header { address, messages: self.messages.as_ref().clone(), orders_attributes }
    }

    /// The bytes of the first block.
    pub(super) fn len(&self) -> u64 {
        let checksum = if self.is_old() { 0 } else { 4 };
        (self.prefix.len() + self.room + checksum) as u64
    }

    fn message_len(&self, data: usize) -> usize {
        match (self.version, self.orders_attributes) {
            (1, _) => 8 + data.next_multiple_of(8),
            (_, false) => 4 + data,
            (_, true) => 6 + data,
        }
    }

    /// Replaces the message of a kind, or adds it.
    pub(super) fn set(&mut self, kind: u16, data: Vec<u8>, flags: u8) {
        let messages = Arc::make_mut(&mut self.messages);
        match messages.iter_mut().find(|m| m.kind == kind) {
            Some(message) => *message = Message { kind, flags, order: message.order, data },
            None => messages.push(Message { kind, flags, order: None, data }),
        }
    }

    pub(super) fn remove(&mut self, kind: u16) {
        Arc::make_mut(&mut self.messages).retain(|m| m.kind != kind);
    }

    /// Writes what does not fit into the first block, and gives back that block.
    pub(super) fn finish(&self, space: &Space<'_>, messages: &[Message]) -> Result<Vec<u8>> {
        let count = self.references.max(1);
        let counted = self.version == 2 && count != 1;
        let mut data = vec![0];
        data.extend_from_slice(&count.to_le_bytes());
        let references = Message { kind: REFERENCE_COUNT, flags: 0, order: None, data };
        let messages: Vec<&Message> =
            messages.iter().chain(counted.then_some(&references)).collect();
        let need: usize = messages.iter().map(|m| self.message_len(m.data.len())).sum();
        let mut body = Encoder::new(space.sizes());
        let mut written = messages.len();
        if self.fits(need) {
            for message in messages {
                self.message(&mut body, message)?;
            }
        } else {
            let mut rest = Encoder::new(space.sizes());
            if self.version == 2 {
                rest.bytes(b"OCHK");
            }
            for message in messages {
                self.message(&mut rest, message)?;
            }
            if self.version == 2 {
                rest.checksum();
            }
            let rest = rest.finish();
            let at = space.append(&rest)?;
            let mut to = Encoder::new(space.sizes());
            let data = to.address(at).length(rest.len() as u64).finish();
            let message = Message { kind: MessageKind::CONTINUATION, flags: 0, order: None, data };
            if !self.fits(self.message_len(message.data.len())) {
                let hint = "copy the object to a new one, or the file to a new file";
                return Err(unsupported("the object's header has no room to grow").with_hint(hint));
            }
            self.message(&mut body, &message)?;
            written += 1;
        }
        self.close(body.finish(), written)
    }

    /// Whether messages of `need` bytes fit, and what is left over can be said to be empty.
    fn fits(&self, need: usize) -> bool {
        let left = self.room.checked_sub(need);
        // The second version allows gaps that are too small for a message.
        left.is_some_and(|left| self.version == 2 || left == 0 || left >= 8)
    }

    /// Fills a first block up, and puts the prefix before it.
    fn close(&self, mut body: Vec<u8>, mut count: usize) -> Result<Vec<u8>> {
        let (mut left, head) = (self.room - body.len(), self.message_len(0));
        while left >= head {
            // Empty messages take the rest.
            let len = (left - head).min(65_528);
            let mut empty = Encoder::new(crate::bytes::Sizes { offset: 8, length: 8 });
            let message = Message { kind: NIL, flags: 0, order: None, data: vec![0; len] };
            self.message(&mut empty, &message)?;
            body.extend_from_slice(&empty.finish());
            count += 1;
            left = self.room - body.len();
        }
        body.resize(self.room, 0);
        let mut block = self.prefix.clone();
        if self.is_old() {
            let count = u16::try_from(count);
            let count =
                count.map_err(|_| unsupported("an old object header has too many messages"))?;
            block[2..4].copy_from_slice(&count.to_le_bytes());
            block[4..8].copy_from_slice(&self.references.max(1).to_le_bytes());
        }
        block.extend_from_slice(&body);
        if !self.is_old() {
            let sum = crate::checksum::lookup3(&block);
            block.extend_from_slice(&sum.to_le_bytes());
        }
        Ok(block)
    }

    fn message(&self, out: &mut Encoder, message: &Message) -> Result<()> {
        let kind = message.kind;
        let narrow = || u8::try_from(kind).map_err(|_| malformed("a message's kind is too large"));
        if self.is_old() {
            let len = message.data.len().next_multiple_of(8);
            out.u16(kind).u16(short(len, "a message")?).u8(message.flags).zeros(3);
            out.bytes(&message.data).zeros(len - message.data.len());
            return Ok(());
        }
        out.u8(narrow()?).u16(short(message.data.len(), "a message")?).u8(message.flags);
        if self.orders_attributes {
            out.u16(message.order.unwrap_or(0));
        }
        out.bytes(&message.data);
        Ok(())
    }
}
