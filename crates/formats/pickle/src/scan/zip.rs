//! ZIP archives, read as the most trusting reader would and doubted wherever two readers differ.

use std::collections::HashSet;
use std::io::Read;

use super::kind::Compression;
use super::packed::{Expansion, reader};
use super::stream::is_filling;
use super::{Scanner, Verdict};

pub(super) const END: &[u8; 4] = b"PK\x05\x06";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const LOCAL: &[u8; 4] = b"PK\x03\x04";
/// The end record may have a comment of that many bytes behind it.
const MAX_COMMENT: usize = 65_535;

/// Flags on which readers refuse to read on, or take another way.
const STRANGE: u16 = 0x1 | 0x20 | 0x40 | 0x2000;

/// A member as the central directory or its own header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Where its own header is.
    offset: u64,
}

/// The archive as its end describes it.
struct Directory {
    entries: Vec<Entry>,
    /// Bytes before the archive that its offsets do not count.
    shift: u64,
    start: usize,
    /// Where its comment begins, which ends it.
    comment: usize,
    end: usize,
}

/// Whether a ZIP archive ends here, whatever begins.
pub(super) fn ends_as_zip(data: &[u8]) -> bool {
    find_end(data).is_some_and(|end| is_end(data, end))
}

/// Whether the end record that may be here has a directory.
pub(super) fn is_end(data: &[u8], end: usize) -> bool {
    let size = number(data, end + 12, 4);
    // The directory of an archive that is not empty lies right before.
    let start = size.and_then(|size| end.checked_sub(usize::try_from(size).ok()?));
    let central = start.and_then(|start| data.get(start..)).is_some_and(|d| d.starts_with(CENTRAL));
    // Python looks for the ZIP64 record whatever the other says.
    central || number(data, end + 16, 4) == Some(0xffff_ffff) || wide_end(data, end).is_some()
}

fn find_end(data: &[u8]) -> Option<usize> {
    let from = data.len().saturating_sub(MAX_COMMENT + 22);
    memchr::memmem::rfind(&data[from..], END).map(|at| from + at).filter(|at| at + 22 <= data.len())
}

fn number(data: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    number(data, at, 2).and_then(|value| u16::try_from(value).ok())
}

impl Scanner {
    pub(super) fn zip(&mut self, data: &[u8]) -> String {
        let directory = Directory::of(data);
        if directory.is_none() {
            self.note(Verdict::Unknown, data.len(), "a ZIP archive without its directory");
        }
        let directory = directory.unwrap_or(Directory {
            entries: Vec::new(),
            shift: 0,
            start: data.len(),
            comment: data.len(),
            end: data.len(),
        });
        if directory.entries.is_empty() {
            self.judged = Verdict::Ok;
        }
        if let Some((entry, reason)) = directory.program() {
            self.inside(&entry.name, |scanner| scanner.note(Verdict::Unknown, 0, reason));
        }
        self.ends(data, &directory);
        let mut spans = self.entries(data, &directory);
        spans.sort_unstable();
        self.gaps(data, &spans, directory.start);
        if directory.entries.iter().any(|entry| entry.name.ends_with("data.pkl")) {
            "a checkpoint".to_owned()
        } else {
            "a ZIP archive".to_owned()
        }
    }

    /// Whether there is anything before and behind the archive.
    fn ends(&mut self, data: &[u8], directory: &Directory) {
        if directory.shift > 0 {
            self.note(Verdict::Unknown, 0, "bytes before the ZIP archive");
            let before = usize::try_from(directory.shift).unwrap_or(usize::MAX).min(data.len());
            self.search(&data[..before], 0);
        }
        self.search(&data[..directory.end], directory.comment.min(directory.end));
        if directory.end < data.len() && !is_filling(&data[directory.end..]) {
            self.note(Verdict::Unknown, directory.end, "bytes behind the ZIP archive");
            self.search(data, directory.end);
        }
    }

    /// Scans what the directory lists; returns what parts of the data that took.
    fn entries(&mut self, data: &[u8], directory: &Directory) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let mut names = HashSet::new();
        let torch = TorchArchive::of(directory);
        let mut storages = Vec::new();
        // The pickle says which members are the raw numbers of tensors.
        let mut ordered: Vec<_> = directory.entries.iter().collect();
        ordered.sort_by_key(|entry| !matches!(torch.role(&entry.name), Role::Pickle));
        for entry in ordered {
            if !self.count_member() {
                break;
            }
            if !names.insert(entry.name.as_str()) {
                self.inside(&entry.name, |scanner| {
                    scanner.note(Verdict::Unknown, 0, "two members have this name");
                });
            }
            let Some((local, at)) = local_of(data, entry.offset.saturating_add(directory.shift))
            else {
                self.inside(&entry.name, |scanner| {
                    scanner.note(
                        Verdict::Unknown,
                        0,
                        "a member whose header is not where it should be",
                    );
                });
                continue;
            };
            self.compare(entry, &local);
            let length = usize::try_from(entry.packed).unwrap_or(usize::MAX);
            let end = at.saturating_add(length).min(data.len());
            let start = usize::try_from(entry.offset + directory.shift).unwrap_or(0);
            spans.push((start, end));
            let role = torch.role(&entry.name);
            self.one(entry, &data[at..end], role, &mut storages);
        }
        spans
    }

    /// Whether a member's own header says the same as the directory.
    fn compare(&mut self, entry: &Entry, local: &Entry) {
        self.inside(&entry.name, |scanner| {
            scanner.leading_out(&entry.name);
            if entry.name != local.name {
                let reason = format!("its own header calls it `{}`", local.name.escape_debug());
                scanner.note(Verdict::Unknown, 0, &reason);
            }
            if entry.flags & STRANGE != 0 || local.flags & STRANGE != 0 {
                scanner.note(Verdict::Unknown, 0, "its flags say that it is encrypted or patched");
            }
            if entry.method != local.method {
                scanner.note(Verdict::Unknown, 0, "its two headers disagree how it is compressed");
            }
            let described_later = local.flags & 8 != 0;
            if !described_later && (entry.crc, entry.size) != (local.crc, local.size) {
                scanner.note(Verdict::Unknown, 0, "its two headers disagree what it holds");
            }
        });
    }

    fn one(
        &mut self,
        entry: &Entry,
        packed: &[u8],
        role: Role,
        storages: &mut Vec<crate::analyzer::Storage>,
    ) {
        if entry.name.ends_with('/') && entry.size == 0 {
            return;
        }
        self.inside(&entry.name, |scanner| {
            let mut unpacked = None;
            let (bytes, length, crc) = if entry.method == 0 {
                (packed, packed.len() as u64, crc32fast::hash(packed))
            } else {
                let most = Expansion::of_member(packed.len());
                let open = || method_reader(entry.method, packed);
                let inflated = unpacked.insert(scanner.unpack(open, packed.len(), most));
                if let Some(fault) = &inflated.fault {
                    scanner.note(Verdict::Unknown, 0, fault);
                    if inflated.bytes.is_empty() {
                        return;
                    }
                }
                (inflated.bytes.as_slice(), inflated.length, inflated.crc)
            };
            // `PyTorch` can be told to write no checksums.
            let is_unchecked = entry.crc == 0 && !matches!(role, Role::Any);
            if length != entry.size || !(is_unchecked || crc == entry.crc) {
                scanner.note(Verdict::Unknown, 0, "its checksum or length is wrong");
            }
            match role {
                Role::Pickle => scanner.torch_pickle(bytes, storages),
                Role::Storage(key) => scanner.torch_storage(key, bytes, storages),
                Role::Code => scanner.note(Verdict::Unknown, 0, "TorchScript: a program"),
                Role::Note if is_note(bytes) => {}
                Role::Note | Role::Any => {
                    match &unpacked {
                        Some(unpacked) => scanner.content_unpacked(unpacked),
                        None => scanner.content(packed),
                    };
                }
            }
        });
    }

    /// Headers of members that the directory does not list.
    fn gaps(&mut self, data: &[u8], spans: &[(usize, usize)], end: usize) {
        let mut at = 0;
        let mut last = 0;
        for &(start, stop) in spans.iter().chain([&(end, end)]) {
            if start < last && start != end {
                self.note(Verdict::Unknown, start, "members that overlap: a resource bomb");
            }
            last = stop;
            if start > at && start <= data.len() {
                self.hidden(data, at, start);
            }
            at = at.max(stop);
        }
    }

    fn hidden(&mut self, data: &[u8], from: usize, to: usize) {
        // A description of the member before it has its checksum and its sizes.
        const MAX_DESCRIPTION: usize = 24;
        if to - from > MAX_DESCRIPTION && data[from..to].iter().any(|&byte| byte != 0) {
            self.note(Verdict::Unknown, from, "bytes in the ZIP archive that belong to no member");
            self.search(&data[..to], from);
        }
        for found in memchr::memmem::find_iter(&data[from..to], LOCAL) {
            let Some((local, at)) = local_of(data, (from + found) as u64) else { continue };
            if !self.count_member() {
                return;
            }
            let length = usize::try_from(local.packed).unwrap_or(usize::MAX);
            let end = if length == 0 { to } else { at.saturating_add(length).min(to) };
            self.inside(&local.name, |scanner| {
                scanner.note(Verdict::Unknown, 0, "a member that the directory does not list");
            });
            if at < end {
                let entry = Entry { size: local.size, ..local };
                self.one(&entry, &data[at..end], Role::Any, &mut Vec::new());
            }
        }
    }
}

#[cfg(feature = "wrappings")]
fn method_reader(method: u16, data: &[u8]) -> Option<Box<dyn Read + '_>> {
    match method {
        8 => Some(Box::new(flate2::read::DeflateDecoder::new(data))),
        12 => reader(Compression::Bzip2, data),
        93 => reader(Compression::Zstd, data),
        95 => reader(Compression::Xz, data),
        14 => {
            // Version and size of the properties, and these.
            let properties = data.get(4..9)?;
            let dictionary = u32::from_le_bytes(properties[1..].try_into().ok()?);
            let rest = &data[9..];
            let reader = lzma_rust2::LzmaReader::new_with_props(
                rest,
                u64::MAX,
                properties[0],
                dictionary.min(256 << 20),
                None,
            );
            Some(Box::new(reader.ok()?))
        }
        _ => None,
    }
}

#[cfg(not(feature = "wrappings"))]
fn method_reader(_: u16, data: &[u8]) -> Option<Box<dyn Read + '_>> {
    reader(Compression::Zlib, data)
}

impl Directory {
    fn of(data: &[u8]) -> Option<Directory> {
        let end = find_end(data)?;
        let comment = usize::from(short(data, end + 20)?);
        let (mut count, mut size, mut offset) =
            (number(data, end + 10, 2)?, number(data, end + 12, 4)?, number(data, end + 16, 4)?);
        let mut stop = end;
        if let Some(wide) = wide_end(data, end) {
            (count, size, offset, stop) = wide;
        }
        let start = stop.checked_sub(usize::try_from(size).ok()?)?;
        let shift = (start as u64).checked_sub(offset)?;
        let mut entries = Vec::new();
        let mut at = start;
        while at < stop {
            let (entry, next) = central_entry(data, at)?;
            entries.push(entry);
            at = next;
        }
        (entries.len() as u64 == count).then_some(())?;
        let (comment, end) = (end + 22, (end + 22 + comment).min(data.len()));
        Some(Directory { entries, shift, start, comment, end })
    }
}

/// The ZIP64 end record: count, size and offset of the directory, and its own place.
fn wide_end(data: &[u8], end: usize) -> Option<(u64, u64, u64, usize)> {
    let locator = end.checked_sub(20)?;
    data.get(locator..)?.starts_with(b"PK\x06\x07").then_some(())?;
    // Its place is told in bytes from the beginning of the archive, which may not be ours.
    let at = memchr::memmem::rfind(&data[..locator], b"PK\x06\x06")?;
    Some((number(data, at + 32, 8)?, number(data, at + 40, 8)?, number(data, at + 48, 8)?, at))
}

fn central_entry(data: &[u8], at: usize) -> Option<(Entry, usize)> {
    data.get(at..)?.starts_with(CENTRAL).then_some(())?;
    let lengths = [short(data, at + 28)?, short(data, at + 30)?, short(data, at + 32)?];
    let [name, extra, comment] = lengths.map(usize::from);
    let mut entry = Entry {
        name: text(data.get(at + 46..at + 46 + name)?),
        flags: short(data, at + 8)?,
        method: short(data, at + 10)?,
        crc: u32::try_from(number(data, at + 16, 4)?).ok()?,
        packed: number(data, at + 20, 4)?,
        size: number(data, at + 24, 4)?,
        offset: number(data, at + 42, 4)?,
    };
    let wide = data.get(at + 46 + name..at + 46 + name + extra)?;
    widen(wide, [&mut entry.size, &mut entry.packed, &mut entry.offset]);
    Some((entry, at + 46 + name + extra + comment))
}

/// A member's own header, and where its bytes begin.
fn local_of(data: &[u8], offset: u64) -> Option<(Entry, usize)> {
    let at = usize::try_from(offset).ok()?;
    data.get(at..)?.starts_with(LOCAL).then_some(())?;
    let (name, extra) = (usize::from(short(data, at + 26)?), usize::from(short(data, at + 28)?));
    let mut entry = Entry {
        name: text(data.get(at + 30..at + 30 + name)?),
        flags: short(data, at + 6)?,
        method: short(data, at + 8)?,
        crc: u32::try_from(number(data, at + 14, 4)?).ok()?,
        packed: number(data, at + 18, 4)?,
        size: number(data, at + 22, 4)?,
        offset,
    };
    let wide = data.get(at + 30 + name..at + 30 + name + extra)?;
    widen(wide, [&mut entry.size, &mut entry.packed, &mut 0]);
    Some((entry, at + 30 + name + extra))
}

/// Reads the ZIP64 field: those numbers that did not fit.
fn widen(extra: &[u8], numbers: [&mut u64; 3]) {
    let mut at = 0;
    while let (Some(id), Some(length)) = (short(extra, at), short(extra, at + 2)) {
        let field = extra.get(at + 4..at + 4 + usize::from(length)).unwrap_or(&[]);
        at += 4 + usize::from(length);
        if id != 1 {
            continue;
        }
        let mut from = 0;
        for value in numbers {
            if *value == 0xffff_ffff
                && let Some(wide) = number(field, from, 8)
            {
                *value = wide;
                from += 8;
            }
        }
        return;
    }
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// Whether this is a word or a number that `PyTorch` keeps beside the pickle.
fn is_note(bytes: &[u8]) -> bool {
    bytes.len() <= 64 && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"\n.-_".contains(b))
}

impl Directory {
    /// The member that says that the archive brings code which `PyTorch` runs, and what it is. The
    /// `TorchScript` of later versions is known by its pickle.
    fn program(&self) -> Option<(&Entry, &'static str)> {
        let has_code = || self.entries.iter().any(|entry| entry.name.contains("/code/"));
        let reason_for = |name: &str| match name.rsplit('/').next().unwrap_or(name) {
            "archive_format" | "serialized_exported_program.json" => {
                Some("a program that PyTorch has exported")
            }
            "extern_modules" if name.ends_with(".data/extern_modules") => {
                Some("a package of PyTorch's: its code is imported")
            }
            "model.json" if has_code() => Some("TorchScript: a program"),
            _ => None,
        };
        self.entries.iter().find_map(|entry| Some((entry, reason_for(&entry.name)?)))
    }
}

/// What a member is to `PyTorch`.
#[derive(Clone, Copy, Debug)]
enum Role<'a> {
    Pickle,
    Storage(&'a str),
    Code,
    Note,
    Any,
}

/// The folder in which `PyTorch` keeps everything, if it wrote the archive.
struct TorchArchive {
    root: Option<String>,
}

impl TorchArchive {
    fn of(directory: &Directory) -> Self {
        let root = directory.entries.iter().find_map(|entry| {
            let root = entry.name.strip_suffix("data.pkl")?;
            let version = format!("{root}version");
            directory.entries.iter().any(|entry| entry.name == version).then(|| root.to_owned())
        });
        Self { root }
    }

    fn role<'a>(&self, name: &'a str) -> Role<'a> {
        let Some(rest) = self.root.as_deref().and_then(|root| name.strip_prefix(root)) else {
            return Role::Any;
        };
        match rest {
            "data.pkl" | "constants.pkl" | "attributes.pkl" => Role::Pickle,
            "version"
            | "byteorder"
            | ".format_version"
            | ".storage_alignment"
            | ".data/serialization_id" => Role::Note,
            _ => match rest.split_once('/') {
                Some(("data" | "constants" | "tensors", key)) => Role::Storage(key),
                Some(("code", _)) => Role::Code,
                _ => Role::Any,
            },
        }
    }
}
