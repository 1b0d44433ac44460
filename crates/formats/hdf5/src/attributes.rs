//! Attributes: small named arrays of an object.

use cannery_core::{ErrorKind, Result};

use crate::btree2::BTree2;
use crate::bytes::{Cursor, UNDEFINED, malformed, wrong_version};
use crate::core::FileCore;
use crate::dataspace::Dataspace;
use crate::datatype::Datatype;
use crate::fractal_heap::FractalHeap;
use crate::header::{Header, Message, MessageKind};
use crate::shared::{SharedAt, resolve};

/// A small named array of an object.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attribute {
    /// Its name.
    pub name: Vec<u8>,
    /// The type of its elements.
    pub datatype: Datatype,
    /// Its shape.
    pub space: Dataspace,
    /// Its elements, as the file has them.
    pub data: Vec<u8>,
}

/// An attribute, or the name and the reason of one that cannot be read.
pub(crate) type FoundAttribute = (Vec<u8>, Result<Attribute>);

/// Reads the attributes of the object that a header describes: in the order in which they were
/// made if that is known, else of their names.
pub(crate) fn read_attributes(core: &FileCore, header: &Header) -> Result<Vec<FoundAttribute>> {
    let mut found = Vec::new();
    for message in header.all(MessageKind::ATTRIBUTE) {
        let order = u64::from(message.order.unwrap_or(0));
        match resolve(core, message).and_then(|data| parse(core, &data)) {
            Ok(attribute) => found.push((order, attribute)),
            Err(error) => core.tolerate(error, header.address)?,
        }
    }
    if let Some(message) = header.find(MessageKind::ATTRIBUTE_INFO) {
        let read = resolve(core, message).and_then(|info| read_dense(core, &info, &mut found));
        if let Err(error) = read {
            core.tolerate(error, header.address)?;
        }
    }
    if header.orders_attributes {
        found.sort_by_key(|(order, _)| *order);
    } else {
        found.sort_by(|(_, (one, _)), (_, (other, _))| one.cmp(other));
    }
    Ok(found.into_iter().map(|(_, attribute)| attribute).collect())
}

fn read_dense(core: &FileCore, info: &[u8], found: &mut Vec<(u64, FoundAttribute)>) -> Result<()> {
    for message in read_dense_messages(core, info)? {
        let order = u64::from(message.order.unwrap_or(0));
        match parse(core, &message.data) {
            Ok(attribute) => found.push((order, attribute)),
            Err(error) => core.tolerate(error, 0)?,
        }
    }
    Ok(())
}

/// The name of the attribute that a message describes.
pub(crate) fn message_name(data: &[u8]) -> Result<&[u8]> {
    let mut cursor = Cursor::new(data);
    let lengths = AttributeLengths::parse(&mut cursor)?;
    Cursor::new(cursor.take(lengths.name)?).text()
}

/// The attributes in a heap, as if they were messages.
pub(crate) fn read_dense_messages(core: &FileCore, info: &[u8]) -> Result<Vec<Message>> {
    let mut found = Vec::new();
    let mut cursor = Cursor::new(info);
    cursor.version(0, "the information on attributes")?;
    let flags = cursor.u8()?;
    if flags & 1 != 0 {
        cursor.skip(2)?;
    }
    let (heap, names) = (cursor.address(core.sizes)?, cursor.address(core.sizes)?);
    if heap == UNDEFINED {
        return Ok(found);
    }
    let heap = FractalHeap::read(core, heap)?;
    let tree = BTree2::read(core, names)?;
    if tree.kind != 8 {
        return Err(malformed("expected a B-tree of attribute names"));
    }
    let mut budget = core.heap_budget();
    tree.records(core, |_, record| {
        let mut cursor = Cursor::new(record);
        let id = cursor.take(8)?;
        let flags = cursor.u8()?;
        let order = u16::try_from(cursor.u32()?).ok();
        let data = if flags & 2 == 0 {
            heap.get(core, id)?
        } else {
            let mut at = [0; 8];
            at.copy_from_slice(id);
            SharedAt::Heap(at).get(core, MessageKind::ATTRIBUTE)?
        };
        budget.spend(data.len())?;
        found.push(Message { kind: MessageKind::ATTRIBUTE, flags: 0, order, data });
        Ok(())
    })?;
    Ok(found)
}

/// The tree of attributes in the order in which they were made, if an object keeps one.
pub(crate) fn order_tree(core: &FileCore, header: &Header) -> Result<Option<u64>> {
    let Some(info) = header.find(MessageKind::ATTRIBUTE_INFO) else { return Ok(None) };
    let data = resolve(core, info)?;
    let mut cursor = Cursor::new(&data);
    cursor.skip(1)?;
    let flags = cursor.u8()?;
    cursor.skip(if flags & 1 == 0 { 0 } else { 2 })?;
    let heap = cursor.address(core.sizes)?;
    cursor.address(core.sizes)?;
    if flags & 2 == 0 || heap == UNDEFINED {
        return Ok(None);
    }
    cursor.address(core.sizes).map(Some)
}

/// The attributes of an object that can be read, as messages of its header.
pub(crate) fn whole_messages(
    core: &FileCore,
    header: &Header,
    is_usable: impl Fn(&mut Attribute) -> bool,
) -> Vec<Message> {
    let is_whole = |message: &Message| {
        let found = resolve(core, message).and_then(|data| parse(core, &data));
        let attribute = found.and_then(|(_, attribute)| attribute);
        match attribute {
            Ok(mut attribute) => is_usable(&mut attribute),
            Err(error) => error.kind() == ErrorKind::Unsupported,
        }
    };
    let compact = header.all(MessageKind::ATTRIBUTE).filter(|m| is_whole(m)).cloned();
    let mut found: Vec<Message> = compact.collect();
    if let Some(message) = header.find(MessageKind::ATTRIBUTE_INFO) {
        let dense = resolve(core, message).and_then(|info| read_dense_messages(core, &info));
        found.extend(dense.unwrap_or_default().into_iter().filter(|m| is_whole(m)));
    }
    found
}

/// The lengths that stand at the beginning of an attribute.
struct AttributeLengths {
    name: usize,
    datatype: usize,
    space: usize,
    /// To how many bytes each part is filled up.
    align: usize,
    flags: u8,
}

impl AttributeLengths {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Self> {
        let version = cursor.u8()?;
        let flags = cursor.u8()?;
        let name = usize::from(cursor.u16()?);
        let datatype = usize::from(cursor.u16()?);
        let space = usize::from(cursor.u16()?);
        let (align, flags) = match version {
            1 => (8, 0),
            2 => (1, flags),
            3 => {
                cursor.skip(1)?;
                (1, flags)
            }
            _ => return Err(wrong_version("an attribute", version)),
        };
        if flags & !3 != 0 {
            return Err(malformed("unknown flags of an attribute"));
        }
        Ok(Self { name, datatype, space, align, flags })
    }
}

fn parse(core: &FileCore, data: &[u8]) -> Result<FoundAttribute> {
    let mut cursor = Cursor::new(data);
    let lengths = AttributeLengths::parse(&mut cursor)?;
    let mut part = |len: usize| {
        let part = cursor.take(len)?;
        let fill = (len.next_multiple_of(lengths.align) - len).min(cursor.remaining());
        cursor.skip(fill)?;
        Ok::<_, cannery_core::Error>(part)
    };
    let name = Cursor::new(part(lengths.name)?).text()?.to_vec();
    let (datatype, space) = (part(lengths.datatype)?, part(lengths.space)?);
    let rest = cursor.rest();
    let attribute = complete(core, &lengths, &name, (datatype, space, rest));
    Ok((name, attribute))
}

fn complete(
    core: &FileCore,
    lengths: &AttributeLengths,
    name: &[u8],
    (datatype, space, rest): (&[u8], &[u8], &[u8]),
) -> Result<Attribute> {
    let shared =
        |bytes: &[u8], kind| SharedAt::parse(core, &mut Cursor::new(bytes))?.get(core, kind);
    let datatype = match lengths.flags & 1 {
        0 => Datatype::parse(datatype)?,
        _ => Datatype::parse(&shared(datatype, MessageKind::DATATYPE)?)?,
    };
    let space = match lengths.flags & 2 {
        0 => Dataspace::parse(core.sizes, space)?,
        _ => Dataspace::parse(core.sizes, &shared(space, MessageKind::DATASPACE)?)?,
    };
    let len = space.elements().checked_mul(u64::from(datatype.size));
    let data = len.and_then(|len| rest.get(..crate::bytes::index(len)));
    let data = data.ok_or_else(|| malformed("an attribute is larger than its message"))?.to_vec();
    Ok(Attribute { name: name.to_vec(), datatype, space, data })
}
