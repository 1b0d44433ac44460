//! Object headers, versions 1 and 2: the messages that describe an object.

use std::collections::HashSet;

use cannery_core::{Error, ErrorKind, Result};

use crate::bytes::{Cursor, corrupt, cycle, malformed, unsupported, wrong_version};
use crate::checksum::ends_with_lookup3;
use crate::core::FileCore;

/// The kinds of messages that are looked at.
pub(crate) struct MessageKind;

impl MessageKind {
    pub(crate) const DATASPACE: u16 = 0x01;
    pub(crate) const LINK_INFO: u16 = 0x02;
    pub(crate) const DATATYPE: u16 = 0x03;
    pub(crate) const OLD_FILL: u16 = 0x04;
    pub(crate) const FILL: u16 = 0x05;
    pub(crate) const LINK: u16 = 0x06;
    pub(crate) const EXTERNAL_FILES: u16 = 0x07;
    pub(crate) const LAYOUT: u16 = 0x08;
    pub(crate) const GROUP_INFO: u16 = 0x0a;
    pub(crate) const FILTERS: u16 = 0x0b;
    pub(crate) const ATTRIBUTE: u16 = 0x0c;
    pub(crate) const SHARED_TABLE: u16 = 0x0f;
    pub(crate) const CONTINUATION: u16 = 0x10;
    pub(crate) const SYMBOL_TABLE: u16 = 0x11;
    pub(crate) const NODE_SIZES: u16 = 0x13;
    pub(crate) const DRIVER: u16 = 0x14;
    pub(crate) const ATTRIBUTE_INFO: u16 = 0x15;
    const REFERENCE_COUNT: u16 = 0x16;
    pub(crate) const FREE_SPACE: u16 = 0x17;
    pub(crate) const CACHE_IMAGE: u16 = 0x18;
    /// The last kind that is defined.
    const LAST: u16 = 0x18;
}

/// A message of an object header.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) kind: u16,
    pub(crate) flags: u8,
    pub(crate) order: Option<u16>,
    pub(crate) data: Vec<u8>,
}

impl Message {
    /// Whether the data says where the message is, rather than being it.
    pub(crate) fn is_shared(&self) -> bool {
        self.flags & 2 != 0
    }
}

/// An object header, its continuations read.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) address: u64,
    pub(crate) messages: Vec<Message>,
    /// Whether the order in which attributes were made is known.
    pub(crate) orders_attributes: bool,
}

/// What is collected while the blocks of a header are read.
struct HeaderBlocks<'a> {
    core: &'a FileCore,
    version: u8,
    /// Whether messages carry their creation order.
    ordered: bool,
    seen: HashSet<u64>,
    bytes: u64,
    pending: Vec<(u64, u64)>,
    messages: Vec<Message>,
}

impl Header {
    /// Reads the header at an address.
    pub(crate) fn read(core: &FileCore, address: u64) -> Result<Self> {
        if let Some(header) = core.edits.as_ref().and_then(|edits| edits.header(address)) {
            return Ok(header);
        }
        Self::read_stored(core, address)
    }

    /// Reads the header at an address, as it stands in the file.
    pub(crate) fn read_stored(core: &FileCore, address: u64) -> Result<Self> {
        let read = || {
            let start = core.read_up_to(address, 32)?;
            if start.starts_with(b"OHDR") {
                read_new(core, address, &start)
            } else {
                read_old(core, address, &start)
            }
        };
        let (messages, orders_attributes) = read().map_err(|e: Error| e.at_offset(address))?;
        Ok(Self { address, messages, orders_attributes })
    }

    /// The first message of a kind.
    pub(crate) fn find(&self, kind: u16) -> Option<&Message> {
        self.messages.iter().find(|message| message.kind == kind)
    }

    /// All messages of a kind.
    pub(crate) fn all(&self, kind: u16) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |message| message.kind == kind)
    }
}

fn read_old(core: &FileCore, address: u64, start: &[u8]) -> Result<(Vec<Message>, bool)> {
    let mut cursor = Cursor::new(start);
    let version = cursor.u8()?;
    if version != 1 {
        return Err(wrong_version("an object header", version));
    }
    cursor.skip(1)?;
    let count = cursor.u16()?;
    cursor.skip(4)?;
    let size = cursor.u32()?;
    let mut blocks = HeaderBlocks::new(core, 1, false);
    blocks.pending.push((address + 16, u64::from(size)));
    blocks.read_all(|block| Ok(block))?;
    if blocks.messages.len() < usize::from(count) && blocks.messages.is_empty() {
        return Err(malformed(format!("expected {count} messages, found none")));
    }
    blocks.finish()
}

fn read_new(core: &FileCore, address: u64, start: &[u8]) -> Result<(Vec<Message>, bool)> {
    let mut cursor = Cursor::new(start);
    cursor.skip(4)?;
    cursor.version(2, "an object header")?;
    let flags = cursor.u8()?;
    if flags & 0xc0 != 0 {
        return Err(malformed(format!("unknown flags `{flags:#x}` of an object header")));
    }
    // Four times, then two limits for how attributes are stored.
    cursor.skip(if flags & 0x20 == 0 { 0 } else { 16 })?;
    cursor.skip(if flags & 0x10 == 0 { 0 } else { 4 })?;
    let size = cursor.uint(1 << (flags & 3))?;
    let prefix = cursor.position();
    let total = size
        .checked_add(prefix as u64 + 4)
        .ok_or_else(|| malformed("an object header is too long"))?;
    let block = core.read(address, total)?;
    if !ends_with_lookup3(&block) {
        return Err(corrupt("an object header"));
    }
    let mut blocks = HeaderBlocks::new(core, 2, flags & 4 != 0);
    blocks.seen.insert(address);
    blocks.bytes = total;
    blocks.parse(&block[prefix..block.len() - 4])?;
    blocks.read_all(|block| {
        if !block.starts_with(b"OCHK") {
            return Err(malformed("expected `OCHK` of a continuation"));
        }
        if !ends_with_lookup3(block) {
            return Err(corrupt("the continuation of an object header"));
        }
        block.get(4..block.len() - 4).ok_or_else(|| malformed("a continuation is too short"))
    })?;
    blocks.finish()
}

impl<'a> HeaderBlocks<'a> {
    fn new(core: &'a FileCore, version: u8, ordered: bool) -> Self {
        let (seen, pending, messages) = (HashSet::new(), Vec::new(), Vec::new());
        Self { core, version, ordered, seen, bytes: 0, pending, messages }
    }

    /// Reads the blocks that are pending, and those that they lead to.
    fn read_all(&mut self, body: impl Fn(&[u8]) -> Result<&[u8]>) -> Result<()> {
        let mut at = 0;
        while let Some(&(address, len)) = self.pending.get(at) {
            at += 1;
            // HeaderBlocks do not overlap, so they are not longer than the file together.
            self.bytes = self.bytes.saturating_add(len);
            if !self.seen.insert(address) || self.bytes > self.core.end() {
                return Err(cycle("an object header's block", address));
            }
            let block = self.core.read(address, len)?;
            self.parse(body(&block)?)?;
        }
        Ok(())
    }

    fn parse(&mut self, block: &[u8]) -> Result<()> {
        let prefix = match (self.version, self.ordered) {
            (1, _) => 8,
            (_, false) => 4,
            (_, true) => 6,
        };
        let mut cursor = Cursor::new(block);
        // What is left over is too small for a message: a gap.
        while cursor.remaining() >= prefix {
            let message = self.message(&mut cursor)?;
            if message.kind == MessageKind::CONTINUATION {
                let mut cursor = Cursor::new(&message.data);
                let address = cursor.address(self.core.sizes)?;
                self.pending.push((address, cursor.length(self.core.sizes)?));
            }
            self.messages.push(message);
        }
        Ok(())
    }

    fn message(&self, cursor: &mut Cursor<'_>) -> Result<Message> {
        let kind = if self.version == 1 { cursor.u16()? } else { u16::from(cursor.u8()?) };
        let size = usize::from(cursor.u16()?);
        let flags = cursor.u8()?;
        if self.version == 1 {
            cursor.skip(3)?;
        }
        let order = if self.ordered { Some(cursor.u16()?) } else { None };
        if kind > MessageKind::LAST && flags & 0x80 != 0 {
            return Err(unsupported(format!(
                "a message of unknown kind `{kind}` asks not to be ignored"
            )));
        }
        if kind == MessageKind::REFERENCE_COUNT && self.version == 1 {
            return Err(malformed("an old object header has a message that counts references"));
        }
        if flags & 2 != 0 && flags & 4 != 0 {
            return Err(malformed("a message is shared and asks not to be"));
        }
        Ok(Message { kind, flags, order, data: cursor.take(size)?.to_vec() })
    }

    fn finish(self) -> Result<(Vec<Message>, bool)> {
        if self.messages.len() > 1 << 24 {
            return Err(Error::new(ErrorKind::Limit, "an object header has too many messages"));
        }
        Ok((self.messages, self.ordered))
    }
}
