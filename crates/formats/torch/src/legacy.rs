//! The stream that `torch.save` wrote before version 1.6: pickles, then the numbers.

use cannery_archive::Archive;
use cannery_core::{Error, ErrorKind, Result};
use num_bigint::BigInt;

use crate::checkpoint::{Checkpoint, FileLayout};
use crate::node::Node;
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::storages::PersistentIds;
use crate::tensor::{StorageData, wrong};

const MAGIC: u128 = 0x1950_a86a_20f9_469c_fc6c;
/// How the magic number begins in every protocol from 2 on: the opcode, a length and the number.
const MAGIC_OPCODE: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.";
/// The same in protocols 0 and 1: a line of digits.
const MAGIC_LINE: &[u8] = b"L119547037146038801333356L\n.";
const VERSION: i64 = 1001;

pub(crate) fn read(mut reader: Reader<'_>) -> Result<Checkpoint> {
    let mut end = one(&mut reader, 0)?;
    while is_stream(reader.data.get(end..).unwrap_or_default()) {
        end = one(&mut reader, end)?;
    }
    reader.finish(FileLayout::Stream, Archive::default(), String::new())
}

/// Whether the stream that `torch.save` wrote before version 1.6 begins here.
#[must_use]
pub fn is_stream(data: &[u8]) -> bool {
    // Protocols 4 and 5 put it into a frame.
    let ([0x80, _, 0x95, _, _, _, _, _, _, _, _, pickle @ ..] | [0x80, _, pickle @ ..]) = data
    else {
        return data.starts_with(MAGIC_LINE);
    };
    pickle.starts_with(MAGIC_OPCODE)
}

/// Reads one stream; returns where it ends.
fn one(reader: &mut Reader<'_>, start: usize) -> Result<usize> {
    let data = reader.data;
    reader.heap.ids = PersistentIds::None;
    let (magic, at) = reader.pickle(data, start)?;
    check_magic(reader.heap.nodes.get(magic), start)?;
    let (version, at) = reader.pickle(data, at)?;
    if reader.heap.nodes.int(version) != Some(VERSION) {
        return Err(wrong(format!("the stream is not of version {VERSION}")).at_offset(at as u64));
    }
    let (_system, at) = reader.pickle(data, at)?;
    let first = reader.heap.storages.all.len();
    // The storages of each stream have keys of their own.
    let number = reader.documents.len();
    reader.heap.ids = PersistentIds::InStream(number.to_string());
    let (root, at) = reader.pickle(data, at)?;
    reader.heap.ids = PersistentIds::None;
    let (keys, at) = reader.pickle(data, at)?;
    let end = place_storages(reader, &number.to_string(), keys, at)?;
    let all = &reader.heap.storages.all;
    let lost = all[first..]
        .iter()
        .find(|storage| storage.location != "meta" && matches!(storage.data, StorageData::None));
    if let Some(lost) = lost {
        return Err(wrong(format!("the stream has no numbers for the storage `{}`", lost.key)));
    }
    let name = if number == 0 { "data".to_owned() } else { format!("data {number}") };
    reader.document(&name, root);
    Ok(end)
}

fn check_magic(value: &Node, at: usize) -> Result<()> {
    match value {
        Node::BigInt(value) if *value == BigInt::from(MAGIC) => Ok(()),
        _ => {
            let message = "this is a pickle, and no checkpoint of PyTorch's";
            Err(Error::new(ErrorKind::Unsupported, message)
                .at_offset(at as u64)
                .with_hint("`cannery.pickle.load` reads pickles"))
        }
    }
}

/// Finds the bytes of the storages, which follow in the order of `keys`; returns where they end.
fn place_storages(
    reader: &mut Reader<'_>,
    folder: &str,
    keys: NodeId,
    start: usize,
) -> Result<usize> {
    let keys = reader.heap.nodes.sequence(keys).map(<[NodeId]>::to_vec);
    let keys = keys.ok_or_else(|| wrong("the keys of the storages are no list".into()))?;
    let mut at = start;
    for key in keys {
        let key = reader.heap.nodes.text(key).map(ToOwned::to_owned);
        let key = key.ok_or_else(|| wrong("the key of a storage is no text".into()))?;
        let number = reader.heap.storages.find(folder, &key);
        let number = number.ok_or_else(|| wrong(format!("nothing names the storage `{key}`")))?;
        at = place_storage(reader, number, at)?;
    }
    Ok(at)
}

fn place_storage(reader: &mut Reader<'_>, number: usize, at: usize) -> Result<usize> {
    let storage = &mut reader.heap.storages.all[number];
    let elements = word(reader.data, at)?;
    let len = u64::try_from(elements).ok().and_then(|n| n.checked_mul(storage.dtype.itemsize()));
    if len != Some(storage.len) {
        let (key, len) = (&storage.key, storage.len);
        let message =
            format!("the stream has {elements} elements for the storage `{key}` of {len} bytes");
        return Err(wrong(message).at_offset(at as u64));
    }
    if !matches!(storage.data, StorageData::None) {
        return Err(wrong(format!("the stream has the storage `{}` twice", storage.key)));
    }
    let place = stretch(reader.data, at + 8, storage.len)?;
    let end = place.end;
    storage.data = StorageData::InFile(place);
    Ok(end)
}

/// A stretch of that many bytes of the file.
pub(crate) fn stretch(data: &[u8], at: usize, len: u64) -> Result<std::ops::Range<usize>> {
    let end = usize::try_from(len).ok().and_then(|len| at.checked_add(len));
    let end = end.filter(|&end| end <= data.len()).ok_or_else(|| cut_off(data))?;
    Ok(at..end)
}

/// A number of 64 bits.
pub(crate) fn word(data: &[u8], at: usize) -> Result<i64> {
    let bytes = data.get(at..).and_then(|rest| rest.first_chunk::<8>());
    bytes.map(|bytes| i64::from_le_bytes(*bytes)).ok_or_else(|| cut_off(data))
}

#[cold]
fn cut_off(data: &[u8]) -> Error {
    Error::new(ErrorKind::Truncated, "the file ends inside the numbers of a storage")
        .at_offset(data.len() as u64)
}
