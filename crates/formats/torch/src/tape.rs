//! The tape archive that `torch.save` wrote before version 0.1.10: storages, tensors and a pickle,
//! each a file of its own.

use std::collections::HashMap;
use std::ops::Range;

use cannery_archive::Archive;
use cannery_core::{Error, ErrorKind, Result};

use crate::checkpoint::{Checkpoint, FileLayout};
use crate::legacy::{stretch, word};
use crate::node::Node;
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::rebuild::tensor_of_class;
use crate::storages::PersistentIds;
use crate::tensor::{MOST_SIDES, Storage, StorageData, StorageView, wrong};

const BLOCK: usize = 512;
const FILES: [&str; 4] = ["sys_info", "pickle", "tensors", "storages"];

/// Whether a tape archive begins here.
pub(crate) fn is_tape(data: &[u8]) -> bool {
    data.get(..BLOCK).is_some_and(|header| {
        header[257..].starts_with(b"ustar") || checksum(header) == octal(&header[148..156])
    })
}

/// Whether it has the files of a checkpoint.
pub(crate) fn is_checkpoint(data: &[u8]) -> bool {
    is_tape(data) && files(data).is_ok_and(|files| files.len() == FILES.len())
}

pub(crate) fn read(mut reader: Reader<'_>) -> Result<Checkpoint> {
    let mut files = files(reader.data)?;
    let mut file = |name: &str| {
        files.remove(name).ok_or_else(|| wrong(format!("the tape archive has no file `{name}`")))
    };
    let (storages, tensors, pickle) = (file("storages")?, file("tensors")?, file("pickle")?);
    let mut known = HashMap::new();
    read_storages(&mut reader, storages, &mut known)?;
    read_tensors(&mut reader, tensors, &mut known)?;
    reader.heap.ids = PersistentIds::Known(known);
    let data = part(reader.data, &pickle);
    let (root, _) = reader.pickle(data, pickle.start)?;
    reader.document("data", root);
    reader.finish(FileLayout::Tape, Archive::default(), String::new())
}

/// The beginning of the data up to the end of a file, so that offsets are those of the archive.
fn part<'a>(data: &'a [u8], file: &Range<usize>) -> &'a [u8] {
    &data[..file.end]
}

/// The regular files of the archive that make a checkpoint, each once.
fn files(data: &[u8]) -> Result<HashMap<String, Range<usize>>> {
    let mut files = HashMap::new();
    let mut at = 0;
    while let Some(header) = data.get(at..at + BLOCK) {
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        if checksum(header) != octal(&header[148..156]) {
            return Err(damaged("the checksum of a header is wrong", at));
        }
        let size = octal(&header[124..136]).ok_or_else(|| damaged("a size is no number", at))?;
        let place = stretch(data, at + BLOCK, size)?;
        let name = header[..100].split(|&byte| byte == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(name);
        let name = name.trim_start_matches("./");
        at = place.end.next_multiple_of(BLOCK);
        if FILES.contains(&name) {
            if !matches!(header[156], b'0' | 0) {
                return Err(damaged(format!("`{name}` is no regular file"), place.start - BLOCK));
            }
            if files.insert(name.to_owned(), place).is_some() {
                return Err(damaged(format!("two files are called `{name}`"), at));
            }
        }
    }
    Ok(files)
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(|c| matches!(c, ' ' | '\0'));
    u64::from_str_radix(text, 8).ok()
}

/// The sum of a header's bytes, those of the sum itself counted as spaces.
fn checksum(header: &[u8]) -> Option<u64> {
    let sum: u64 = header.iter().map(|&byte| u64::from(byte)).sum();
    let own: u64 = header.get(148..156)?.iter().map(|&byte| u64::from(byte)).sum();
    Some(sum - own + 8 * u64::from(b' '))
}

/// A count, then for each storage `(key, location, class)`, its length and its elements; then the
/// views of storages.
fn read_storages(
    reader: &mut Reader<'_>,
    file: Range<usize>,
    known: &mut HashMap<String, NodeId>,
) -> Result<()> {
    let data = part(reader.data, &file);
    let (count, mut at) = reader.pickle(data, file.start)?;
    let count = reader.heap.count(count, "the number of storages")?;
    for _ in 0..count {
        let (id, next) = reader.pickle(data, at)?;
        let parts = reader.heap.nodes.sequence(id);
        let Some(&[key, location, class]) = parts else {
            return Err(damaged("a storage has no key, location and class", at));
        };
        let dtype = reader.heap.storage_class(class)?;
        let len = u64::try_from(word(data, next)?).ok();
        let len = len.and_then(|len| len.checked_mul(dtype.itemsize()));
        let len = len.ok_or_else(|| damaged("the length of a storage is none", next))?;
        let place = stretch(data, next + 8, len)?;
        at = place.end;
        let key = key_of(reader, key)?;
        let location = reader.heap.nodes.text(location).unwrap_or_default().to_owned();
        let data = StorageData::InFile(place);
        let storage = Storage { key: key.clone(), location, len, dtype, data };
        let number = reader.heap.storages.push(storage);
        let view = StorageView { storage: number, dtype, start: 0, len };
        let node = reader.heap.add(Node::Storage(view))?;
        known.insert(key, node);
    }
    read_views(reader, data, at, known)
}

/// A list of `(key, key of the storage, offset, length)`.
fn read_views(
    reader: &mut Reader<'_>,
    data: &[u8],
    at: usize,
    known: &mut HashMap<String, NodeId>,
) -> Result<()> {
    let (views, _) = reader.pickle(data, at)?;
    let views = reader.heap.nodes.sequence(views).map(<[NodeId]>::to_vec);
    for view in views.ok_or_else(|| damaged("the views of storages are no list", at))? {
        let Some(&[key, whole, start, len]) = reader.heap.nodes.sequence(view) else {
            return Err(damaged("a view of a storage has not four parts", at));
        };
        let whole = storage_of(reader, known, whole)?;
        let bytes = |count: u64| count.checked_mul(whole.dtype.itemsize());
        let start = bytes(reader.heap.count(start, "the beginning of a view")?);
        let len = bytes(reader.heap.count(len, "the length of a view")?);
        let place = start.zip(len);
        let place = place.filter(|(start, len)| start.saturating_add(*len) <= whole.len);
        let (start, len) = place.ok_or_else(|| damaged("a view reaches beyond its storage", at))?;
        let view = StorageView { start: whole.start + start, len, ..whole };
        let key = key_of(reader, key)?;
        let node = reader.heap.add(Node::Storage(view))?;
        known.insert(key, node);
    }
    Ok(())
}

/// A count, then for each tensor `(key, storage, class)`, the number of its sides, these, its
/// strides and its offset.
fn read_tensors(
    reader: &mut Reader<'_>,
    file: Range<usize>,
    known: &mut HashMap<String, NodeId>,
) -> Result<()> {
    let data = part(reader.data, &file);
    let (count, mut at) = reader.pickle(data, file.start)?;
    let count = reader.heap.count(count, "the number of tensors")?;
    for _ in 0..count {
        let (id, next) = reader.pickle(data, at)?;
        let Some(&[key, storage, _class]) = reader.heap.nodes.sequence(id) else {
            return Err(damaged("a tensor has no key, storage and class", at));
        };
        let storage = storage_of(reader, known, storage)?;
        // Four bytes of padding follow the number of sides.
        let sides = u64::from_le_bytes(word(data, next)?.to_le_bytes()) & 0xffff_ffff;
        let sides = usize::try_from(sides).ok().filter(|&sides| sides <= MOST_SIDES);
        let sides = sides.ok_or_else(|| damaged("a tensor has too many sides", next))?;
        let numbers = |from: usize| -> Result<Vec<u64>> {
            let at = |index: usize| next + 8 + (from + index) * 8;
            let number = |index| {
                u64::try_from(word(data, at(index))?)
                    .map_err(|_| damaged("a tensor has a negative side or stride", at(index)))
            };
            (0..sides).map(number).collect()
        };
        let (shape, strides) = (numbers(0)?, numbers(sides)?);
        let offset_at = next + 8 + sides * 16;
        let offset = u64::try_from(word(data, offset_at)?);
        let offset = offset.map_err(|_| damaged("a tensor has a negative offset", offset_at))?;
        at = offset_at + 8;
        let tensor = tensor_of_class(storage, shape, strides, offset)?;
        let key = key_of(reader, key)?;
        let node = reader.heap.add(Node::Tensor(Box::new(tensor)))?;
        known.insert(key, node);
    }
    Ok(())
}

fn key_of(reader: &Reader<'_>, key: NodeId) -> Result<String> {
    let text = reader.heap.nodes.text(key).map(ToOwned::to_owned);
    let number = || reader.heap.nodes.int(key).map(|key| key.to_string());
    text.or_else(number).ok_or_else(|| wrong("a key is neither text nor a number".into()))
}

fn storage_of(
    reader: &Reader<'_>,
    known: &HashMap<String, NodeId>,
    key: NodeId,
) -> Result<StorageView> {
    let found = known.get(&key_of(reader, key)?).map(|&node| reader.heap.nodes.get(node));
    match found {
        Some(Node::Storage(view)) => Ok(*view),
        _ => Err(wrong("a tensor names a storage that is not there".into())),
    }
}

#[cold]
fn damaged(what: impl Into<String>, at: usize) -> Error {
    let message = format!("the tape archive is damaged: {}", what.into());
    Error::new(ErrorKind::Corrupt, message).at_offset(at as u64)
}
