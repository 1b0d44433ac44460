//! Checkpoints in ZIP archives: `data.pkl`, and a member for each storage.

use cannery_archive::{Archive, Member, Rules};
use cannery_core::{Error, ErrorKind, Limits, Result, reserve};

use crate::checkpoint::FileLayout;
use crate::node_id::NodeId;
use crate::reader::Reader;
use crate::storages::PersistentIds;
use crate::tensor::{Packed, StorageData, wrong};

/// The member that only programs of before version 1.4 have.
pub(crate) const MODEL: &str = "model.json";

/// The member that only packages have.
const PACKAGE: &str = ".data/extern_modules";

/// An archive's bytes, and where in the file they begin.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) data: &'a [u8],
    /// `None` if they were packed, and do not lie in the file.
    pub(crate) base: Option<usize>,
}

/// Reads the pickles of an archive.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    archive: &Archive,
    folder: &str,
    layout: FileLayout,
) -> Result<()> {
    let source = Source { data: reader.data, base: Some(0) };
    for part in ["data", "constants"] {
        let is_there = archive.get(&format!("{folder}{part}.pkl")).is_some();
        if is_there && (part == "data" || layout == FileLayout::Script) {
            let root = read_part(reader, source, archive, folder, part)?;
            reader.document(part, root);
        }
    }
    Ok(())
}

/// Reads the pickles of a package: each is a document by its name, without the extension.
pub(crate) fn read_package(reader: &mut Reader<'_>, archive: &Archive, folder: &str) -> Result<()> {
    let source = Source { data: reader.data, base: Some(0) };
    let own = format!("{folder}.data/");
    for member in archive.members() {
        let name = member.name.strip_prefix(folder).and_then(|name| name.strip_suffix(".pkl"));
        let Some(name) = name.filter(|_| !member.name.starts_with(&own)) else { continue };
        let first = reader.heap.storages.all.len();
        reader.heap.ids = PersistentIds::InFolder(own.clone());
        let root = read_pickle(reader, source, member)?;
        place_storages(reader, source, archive, (&own, ".storage"), first, false)?;
        reader.document(name, root);
    }
    Ok(())
}

/// Whether an archive is a checkpoint.
pub(crate) fn is_checkpoint(data: &[u8]) -> bool {
    // Nothing is expanded for it.
    let archive = Archive::read(data, Rules::TORCH, &Limits::unlimited());
    archive.is_ok_and(|archive| folder(&archive).is_ok())
}

/// Reads the checkpoint in an archive that lies inside of another file; returns its value.
pub(crate) fn read_inner(
    reader: &mut Reader<'_>,
    source: Source<'_>,
    limits: &Limits,
) -> Result<NodeId> {
    let archive = Archive::read(source.data, Rules::TORCH, limits)?;
    let folder = folder(&archive)?;
    read_part(reader, source, &archive, &folder, "data")
}

/// Reads a pickle and finds the bytes of the storages that it names.
fn read_part(
    reader: &mut Reader<'_>,
    source: Source<'_>,
    archive: &Archive,
    folder: &str,
    part: &str,
) -> Result<NodeId> {
    let is_big = is_big_endian(archive, folder, source.data)?;
    let name = format!("{folder}{part}.pkl");
    let member = archive.get(&name).ok_or_else(|| missing(&name))?;
    let first = reader.heap.storages.all.len();
    // Another archive's storages may have the same keys.
    reader.heap.ids = PersistentIds::InFolder(format!("{part} {first}"));
    let root = read_pickle(reader, source, member)?;
    place_storages(reader, source, archive, (&format!("{folder}{part}/"), ""), first, is_big)?;
    Ok(root)
}

fn read_pickle(reader: &mut Reader<'_>, source: Source<'_>, member: &Member) -> Result<NodeId> {
    let bytes = member.bytes(source.data)?;
    // So the offsets of errors are those of the file.
    let (root, _) = match member.stored(source.data) {
        Some(_) => reader.pickle(&source.data[..member.place.end], member.place.start)?,
        None => reader.pickle(&bytes, 0)?,
    };
    Ok(root)
}

/// The folder that everything is in: that of the first member that says what the file is.
pub(crate) fn folder(archive: &Archive) -> Result<String> {
    let names = || archive.members().iter().map(|member| member.name.as_str());
    let first = names().find_map(|name| {
        let (folder, rest) = name.split_once('/').unwrap_or(("", name));
        let is_root = matches!(rest, "data.pkl" | "archive_format" | PACKAGE | MODEL);
        let is_root = is_root || is_exported(rest);
        is_root.then(|| if folder.is_empty() { String::new() } else { format!("{folder}/") })
    });
    let found = first.or_else(|| names().any(|name| name == "data.pkl").then(String::new));
    found.ok_or_else(|| {
        let message = "the archive has no `data.pkl`: it is no checkpoint of PyTorch's";
        Error::new(ErrorKind::Unsupported, message)
            .with_hint("`cannery inspect` and `cannery scan` say what the file is")
    })
}

/// Whether a member is one that only archives of exported programs have, as versions before 2.8
/// write them.
fn is_exported(name: &str) -> bool {
    matches!(
        name,
        "serialized_state_dict.pt" | "serialized_constants.pt" | "serialized_exported_program.json"
    )
}

pub(crate) fn layout(archive: &Archive, folder: &str) -> FileLayout {
    let has = |name: &str| archive.get(&format!("{folder}{name}")).is_some();
    let code = format!("{folder}code/");
    if has(PACKAGE) && !has("data.pkl") {
        FileLayout::Package
    } else if has(MODEL) && !has("data.pkl") {
        FileLayout::OldScript
    } else if has("constants.pkl") || archive.members().iter().any(|m| m.name.starts_with(&code)) {
        FileLayout::Script
    } else if has("data.pkl") {
        FileLayout::Zip
    } else {
        FileLayout::Exported
    }
}

pub(crate) fn is_big_endian(archive: &Archive, folder: &str, data: &[u8]) -> Result<bool> {
    let Some(member) = archive.get(&format!("{folder}byteorder")) else { return Ok(false) };
    if member.size > 16 {
        return Err(wrong("the byte order is no word".into()));
    }
    match &*member.bytes(data)? {
        b"little" => Ok(false),
        b"big" => Ok(true),
        other => {
            let shown = String::from_utf8_lossy(other).into_owned();
            Err(wrong(format!("the byte order is neither `little` nor `big`: `{shown}`")))
        }
    }
}

/// Finds the bytes of the storages from number `first` on: what their members' names begin and end with.
fn place_storages(
    reader: &mut Reader<'_>,
    source: Source<'_>,
    archive: &Archive,
    (folder, ending): (&str, &str),
    first: usize,
    is_big: bool,
) -> Result<()> {
    for number in first..reader.heap.storages.all.len() {
        let storage = &reader.heap.storages.all[number];
        if storage.location == "meta" {
            continue;
        }
        let name = format!("{folder}{}{ending}", storage.key);
        let word = if is_big { storage.dtype.word_size() } else { 1 };
        let len = storage.len;
        let member = archive.get(&name).ok_or_else(|| missing(&name))?;
        let data = storage_data(reader, source, member, len, word)?;
        reader.heap.storages.all[number].data = data;
    }
    Ok(())
}

/// Where `len` bytes of a member are; in memory if the archive does not lie in the file as it is.
pub(crate) fn storage_data(
    reader: &mut Reader<'_>,
    source: Source<'_>,
    member: &Member,
    len: u64,
    word: usize,
) -> Result<StorageData> {
    if member.size < len {
        let (name, size) = (&member.name, member.size);
        return Err(wrong(format!("the member `{name}` has {size} bytes, its storage {len}")));
    }
    let size = usize::try_from(len).map_err(|_| Error::out_of_memory())?;
    if let Some(base) = source.base
        && member.is_stored()
        && word == 1
    {
        let start = base + member.place.start;
        return Ok(StorageData::InFile(start..start + size));
    }
    let member = match source.base {
        Some(base) => member.moved(base),
        None => member.clone(),
    };
    let packed = Packed { member, word };
    if source.base.is_some() {
        return Ok(StorageData::Packed(Box::new(packed)));
    }
    reader.take_bytes(len)?;
    let mut bytes = Vec::new();
    reserve(&mut bytes, size)?;
    bytes.resize(size, 0);
    packed.read(source.data, &mut bytes)?;
    Ok(StorageData::InMemory(bytes))
}

#[cold]
pub(crate) fn missing(name: &str) -> Error {
    wrong(format!("the archive has no member `{name}`, which a storage lies in"))
}
