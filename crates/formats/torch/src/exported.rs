//! Exported programs (`.pt2`): weights and constants beside a program, which is not run.

use cannery_archive::{Archive, Member};
use cannery_core::{Error, ErrorKind, Limits, Result, Value, ValueBuilder};
use cannery_json::ReadOptions;

use crate::dtype::TorchDtype;
use crate::node::Node;
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::storages::PersistentIds;
use crate::tensor::{Layout, Storage, StorageData, StorageView, Tensor, View, wrong};
use crate::zip::{Source, is_big_endian, missing, read_inner, storage_data};

/// What the archives of versions before 2.8 have instead of a list of weights: checkpoints.
const OLD: [(&str, &str); 2] =
    [("serialized_state_dict.pt", "state_dict"), ("serialized_constants.pt", "constants")];

pub(crate) fn read(
    reader: &mut Reader<'_>,
    archive: &Archive,
    folder: &str,
    limits: &Limits,
) -> Result<()> {
    let is_big = is_big_endian(archive, folder, reader.data)?;
    for (place, document) in [("data/weights/", "state_dict"), ("data/constants/", "constants")] {
        let prefix = format!("{folder}{place}");
        let mut entries = Vec::new();
        for member in archive.members() {
            let name = member.name.strip_prefix(&prefix).unwrap_or_default();
            if name.ends_with("_config.json") {
                let config = json(member, reader.data)?;
                entries.extend(read_config(reader, archive, &prefix, &config, is_big, limits)?);
            }
        }
        let root = dict(reader, entries)?;
        reader.document(document, root);
    }
    for (name, document) in OLD {
        if let Some(member) = archive.get(&format!("{folder}{name}")) {
            let root = read_member(reader, member, limits)?;
            reader.documents.retain(|known| known.name != document);
            reader.document(document, root);
        }
    }
    Ok(())
}

pub(crate) fn json(member: &Member, data: &[u8]) -> Result<Value> {
    let mut builder = ValueBuilder::new(Limits::default().depth(64));
    let text = member.bytes(data)?;
    cannery_json::from_slice(&text, &ReadOptions::default(), &mut builder)
        .map_err(|error| error.locate(&text).in_file(member.name.clone()))?;
    builder.finish()
}

/// A checkpoint that is a member of the archive.
fn read_member(reader: &mut Reader<'_>, member: &Member, limits: &Limits) -> Result<NodeId> {
    let data = reader.data;
    if let Some(inner) = member.stored(data) {
        return read_inner(reader, Source { data: inner, base: Some(member.place.start) }, limits);
    }
    reader.take_bytes(member.size)?;
    let bytes = member.bytes(data)?;
    read_inner(reader, Source { data: &bytes, base: None }, limits)
}

pub(crate) fn dict(reader: &mut Reader<'_>, entries: Vec<(String, NodeId)>) -> Result<NodeId> {
    let mut pairs = Vec::with_capacity(entries.len() * 2);
    for (name, value) in entries {
        pairs.push(reader.heap.add(Node::Text(name.into()))?);
        pairs.push(value);
    }
    cannery_pickle::Heap::dict(&mut reader.heap, pairs.drain(..))
}

/// The tensors that a list names: each is a view of a member.
fn read_config(
    reader: &mut Reader<'_>,
    archive: &Archive,
    prefix: &str,
    config: &Value,
    is_big: bool,
    limits: &Limits,
) -> Result<Vec<(String, NodeId)>> {
    let listed = config.get("config").and_then(Value::entries);
    let listed = listed.ok_or_else(|| wrong("the list of weights has no `config`".into()))?;
    reader.heap.ids = PersistentIds::InFolder(prefix.to_owned());
    let mut entries = Vec::new();
    for (name, entry) in listed {
        let name = name.as_str().ok_or_else(|| wrong("a weight has no name".into()))?;
        let in_entry = |error: Error| error.in_file(name.to_owned());
        let Some(path) = entry.get("path_name").and_then(Value::as_str) else { continue };
        let full = format!("{prefix}{path}");
        let member = archive.get(&full).ok_or_else(|| missing(&full))?;
        let is_pickle = entry.get("use_pickle").and_then(Value::as_bool) == Some(true);
        let value = if is_pickle {
            read_member(reader, member, limits).map_err(in_entry)?
        } else {
            read_weight(reader, member, path, entry, is_big).map_err(in_entry)?
        };
        entries.push((name.to_owned(), value));
    }
    Ok(entries)
}

fn read_weight(
    reader: &mut Reader<'_>,
    member: &Member,
    key: &str,
    entry: &Value,
    is_big: bool,
) -> Result<NodeId> {
    let meta = entry.get("tensor_meta").ok_or_else(|| wrong("a weight is not described".into()))?;
    let dtype = meta.get("dtype").and_then(Value::as_i64).and_then(dtype_of);
    let dtype = dtype.ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, "a weight is of a type that is not known")
    })?;
    let numbers = |key: &str| {
        let items = meta.get(key).and_then(Value::items)?;
        items.iter().map(to_count).collect::<Option<Vec<_>>>()
    };
    let shape = numbers("sizes").ok_or_else(|| wrong("the shape of a weight is none".into()))?;
    let strides = numbers("strides").ok_or_else(|| wrong("a weight has no strides".into()))?;
    let offset = meta.get("storage_offset").map_or(Some(0), to_count);
    let offset = offset.ok_or_else(|| wrong("the offset of a weight is none".into()))?;
    let number = weight_storage(reader, member, key, dtype, is_big)?;
    let view = StorageView { storage: number, dtype, start: 0, len: member.size };
    let view = View { storage: Some(view.storage), dtype, shape, strides, offset, start: 0 };
    view.check(member.size)?;
    let mut tensor = Tensor::new(Layout::Strided(view));
    let is_set = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_bool) == Some(true);
    tensor.requires_grad = is_set(meta, "requires_grad");
    if is_set(entry, "is_param") {
        tensor.class = Some("torch.nn.parameter.Parameter".to_owned());
    }
    reader.heap.add(Node::Tensor(Box::new(tensor)))
}

/// The storage that is a member, one for all weights that name it.
pub(crate) fn weight_storage(
    reader: &mut Reader<'_>,
    member: &Member,
    key: &str,
    dtype: TorchDtype,
    is_big: bool,
) -> Result<usize> {
    let PersistentIds::InFolder(folder) = &reader.heap.ids else {
        return Err(wrong("a weight outside of its list".into()));
    };
    let folder = folder.clone();
    let (len, data) = (member.size, StorageData::None);
    let (key, location) = (key.to_owned(), "cpu".to_owned());
    let storage = Storage { key, location, len, dtype, data };
    let known = reader.heap.storages.all.len();
    let number = reader.heap.storages.number(&folder, storage)?;
    if number == known {
        let word = if is_big { dtype.word_size() } else { 1 };
        let source = Source { data: reader.data, base: Some(0) };
        let data = storage_data(reader, source, member, len, word)?;
        reader.heap.storages.all[number].data = data;
    }
    Ok(number)
}

/// `{"as_int": 3}`, or the number itself.
pub(crate) fn to_count(value: &Value) -> Option<u64> {
    let value = value.get("as_int").unwrap_or(value);
    value.as_i64().and_then(|count| u64::try_from(count).ok())
}

/// The types by the numbers of the schema of exported programs.
fn dtype_of(number: i64) -> Option<TorchDtype> {
    let name = match number {
        1 => "uint8",
        2 => "int8",
        3 => "int16",
        4 => "int32",
        5 => "int64",
        6 => "float16",
        7 => "float32",
        8 => "float64",
        9 => "complex32",
        10 => "complex64",
        11 => "complex128",
        12 => "bool",
        13 => "bfloat16",
        28 => "uint16",
        29 => "float8_e4m3fn",
        30 => "float8_e5m2",
        31 => "float8_e4m3fnuz",
        32 => "float8_e5m2fnuz",
        _ => return None,
    };
    TorchDtype::from_name(name)
}
