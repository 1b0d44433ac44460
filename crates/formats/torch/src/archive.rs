//! ZIP archives as `PyTorch` writes and reads them, refused wherever two readers could differ.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;

use cannery_core::{Error, ErrorKind, Limits, Result, reserve};

const END: &[u8] = b"PK\x05\x06";
const WIDE_END: &[u8] = b"PK\x06\x06";
const LOCATOR: &[u8] = b"PK\x06\x07";
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// Encrypted, patched or masked members.
const STRANGE: u16 = 0x1 | 0x20 | 0x40 | 0x2000;
/// Bytes behind the end record that are looked through: its comment, and padding.
const LOOKED_BACK: usize = 65_535 + 22 + 4096;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name with its folders.
    pub name: String,
    /// Where its bytes lie in the file.
    pub place: Range<usize>,
    /// How many bytes it has when it is expanded.
    pub size: u64,
    /// Whether it lies in the file as it is.
    pub is_stored: bool,
    /// Its checksum; 0 also where none was computed.
    pub crc: u32,
    start: usize,
    method: u16,
}

/// The members of an archive, checked to lie side by side.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    members: Vec<Member>,
    by_name: HashMap<String, usize>,
}

impl Archive {
    /// The archive in these bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is damaged, or if readers could see different members in it;
    /// [`ErrorKind::Limit`] if it expands to more than the limits allow.
    pub fn read(data: &[u8], limits: &Limits) -> Result<Self> {
        let directory = Directory::find(data)?;
        let mut archive = Self::default();
        let mut at = directory.start;
        for _ in 0..directory.count {
            let (member, next) = central_member(data, at, directory.shift)?;
            if next > directory.end {
                return Err(damaged("its directory is cut off", at));
            }
            archive.add(member)?;
            at = next;
        }
        if at != directory.end {
            return Err(damaged("its directory has another length than its end says", at));
        }
        archive.check_places(directory.start)?;
        archive.check_expansion(limits)?;
        Ok(archive)
    }

    /// The members, in the order of the directory.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The member of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Member> {
        self.by_name.get(name).map(|&index| &self.members[index])
    }

    fn add(&mut self, member: Member) -> Result<()> {
        let index = self.members.len();
        if self.by_name.insert(member.name.clone(), index).is_some() {
            let message = format!("two members are called `{}`", member.name);
            return Err(damaged(message, member.start));
        }
        self.members.push(member);
        Ok(())
    }

    fn check_places(&self, directory: usize) -> Result<()> {
        let mut places: Vec<_> =
            self.members.iter().map(|member| member.start..member.place.end).collect();
        places.sort_unstable_by_key(|place| (place.start, place.end));
        let ends = places.iter().map(|place| place.end);
        let starts = places.iter().skip(1).map(|place| place.start).chain([directory]);
        for (end, start) in ends.zip(starts) {
            if end > start {
                return Err(damaged("two of its members share bytes", start));
            }
        }
        Ok(())
    }

    fn check_expansion(&self, limits: &Limits) -> Result<()> {
        let (mut packed, mut expanded) = (0_u64, 0_u64);
        for member in self.members.iter().filter(|member| !member.is_stored) {
            packed = packed.saturating_add(member.place.len() as u64);
            expanded = expanded.saturating_add(member.size);
        }
        if expanded > limits.expanded_for(packed) {
            let message = format!(
                "the file expands to more than its limit allows: {packed} bytes to {expanded}"
            );
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }
}

impl Member {
    /// The same member, seen from that many bytes before.
    pub(crate) fn moved(&self, base: usize) -> Self {
        let place = self.place.start + base..self.place.end + base;
        Self { place, start: self.start + base, ..self.clone() }
    }

    /// Its bytes as they lie in the file, if they do so as they are.
    #[must_use]
    pub fn stored<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        if self.is_stored { data.get(self.place.clone()) } else { None }
    }

    /// Its bytes, expanded and held against its checksum, unless none was computed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are not what was written.
    pub fn bytes<'a>(&self, data: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        if let Some(bytes) = self.stored(data) {
            self.check_sum(crc32fast::hash(bytes))?;
            return Ok(Cow::Borrowed(bytes));
        }
        // The size was held against the limits when the archive was read.
        let size = usize::try_from(self.size).map_err(|_| Error::out_of_memory())?;
        let mut bytes = Vec::new();
        reserve(&mut bytes, size)?;
        bytes.resize(size, 0);
        self.read(data, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// Fills `out` with its first bytes; its checksum is only known if these are all of them.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are not what was written.
    pub fn read(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let packed = data.get(self.place.clone()).unwrap_or_default();
        match self.method {
            0 => match packed.get(..out.len()) {
                Some(bytes) => out.copy_from_slice(bytes),
                None => return Err(self.broken("is cut off")),
            },
            8 => {
                let mut reader = flate2::read::DeflateDecoder::new(packed);
                let read = reader.read_exact(out);
                read.map_err(|error| self.broken("is damaged").with_source(error))?;
                let is_whole = out.len() as u64 == self.size;
                if is_whole && reader.read(&mut [0]).unwrap_or(1) > 0 {
                    return Err(self.broken("is longer than the directory says"));
                }
            }
            method => {
                let message = format!("the member `{}` is packed by method {method}", self.name);
                return Err(Error::new(ErrorKind::Unsupported, message)
                    .with_hint("stored and deflated members are read"));
            }
        }
        if out.len() as u64 == self.size { self.check_sum(crc32fast::hash(out)) } else { Ok(()) }
    }

    fn check_sum(&self, found: u32) -> Result<()> {
        let is_right = self.crc == 0 || self.crc == found;
        if is_right { Ok(()) } else { Err(self.broken("has another checksum than it should")) }
    }

    #[cold]
    fn broken(&self, what: &str) -> Error {
        damaged(format!("the member `{}` {what}", self.name), self.place.start)
    }
}

/// Where the directory lies, and how far the offsets in it are off.
struct Directory {
    start: usize,
    end: usize,
    count: u64,
    shift: usize,
}

impl Directory {
    fn find(data: &[u8]) -> Result<Self> {
        let at = find_end(data).ok_or_else(cut_off)?;
        let word = |at, len| number(data, at, len).ok_or_else(cut_off);
        let (mut count, mut size, mut offset) =
            (word(at + 10, 2)?, word(at + 12, 4)?, word(at + 16, 4)?);
        let mut end = at;
        if let Some(record) = wide_end(data, at) {
            (count, size, offset) =
                (word(record + 32, 8)?, word(record + 40, 8)?, word(record + 48, 8)?);
            end = record;
        }
        let size = usize::try_from(size).ok().filter(|&size| size <= end);
        let start = end - size.ok_or_else(cut_off)?;
        let offset = usize::try_from(offset).ok().filter(|&offset| offset <= start);
        let shift = start - offset.ok_or_else(cut_off)?;
        // An entry takes at least as much: no list is made on the word of a count.
        if count > (end - start) as u64 / 46 {
            return Err(damaged("its end counts more members than its directory has", at));
        }
        let directory = Self { start, end, count, shift };
        directory.check_front(data)?;
        Ok(directory)
    }

    /// Bytes before an archive are not read, but must not be another archive: readers would differ
    /// in which of the two they see.
    fn check_front(&self, data: &[u8]) -> Result<()> {
        if memchr::memmem::find(&data[..self.shift], LOCAL).is_some() {
            let message = "two archives in one file, of which readers see one or the other";
            return Err(damaged(message, self.shift));
        }
        Ok(())
    }
}

/// The last end record; padding may follow it.
fn find_end(data: &[u8]) -> Option<usize> {
    let from = data.len().saturating_sub(LOOKED_BACK);
    let found = memchr::memmem::rfind(&data[from..], END)?;
    Some(from + found).filter(|at| at + 22 <= data.len())
}

/// The end record of an archive with 64-bit numbers.
fn wide_end(data: &[u8], end: usize) -> Option<usize> {
    let locator = end.checked_sub(20)?;
    data.get(locator..)?.starts_with(LOCATOR).then_some(())?;
    // Its place is counted from the beginning of the archive, which may not be that of the file.
    let record = locator.checked_sub(56)?;
    data.get(record..)?.starts_with(WIDE_END).then_some(record)
}

fn central_member(data: &[u8], at: usize, shift: usize) -> Result<(Member, usize)> {
    let word = |at, len| number(data, at, len).ok_or_else(cut_off);
    let short = |at| number(data, at, 2).and_then(|n| usize::try_from(n).ok()).ok_or_else(cut_off);
    if !data.get(at..).is_some_and(|rest| rest.starts_with(CENTRAL)) {
        return Err(damaged("its directory has no entry where it should", at));
    }
    let (name_len, extra_len, comment) = (short(at + 28)?, short(at + 30)?, short(at + 32)?);
    let name = data.get(at + 46..at + 46 + name_len).ok_or_else(cut_off)?;
    let extra = data.get(at + 46 + name_len..at + 46 + name_len + extra_len).ok_or_else(cut_off)?;
    let (mut size, mut packed, mut offset) =
        (word(at + 24, 4)?, word(at + 20, 4)?, word(at + 42, 4)?);
    widen(extra, [&mut size, &mut packed, &mut offset])
        .ok_or_else(|| damaged("an entry lacks its 64-bit numbers", at))?;
    let flags = short(at + 8)?;
    let entry = Entry { name, flags, method: short(at + 10)?, size, packed, offset };
    let crc = u32::try_from(word(at + 16, 4)?).unwrap_or_default();
    let member = entry.locate(data, shift, crc, at)?;
    Ok((member, at + 46 + name_len + extra_len + comment))
}

/// What the directory says about a member.
struct Entry<'a> {
    name: &'a [u8],
    flags: usize,
    method: usize,
    size: u64,
    packed: u64,
    offset: u64,
}

impl Entry<'_> {
    /// Finds the member by its own header, which has to have the same name.
    fn locate(&self, data: &[u8], shift: usize, crc: u32, at: usize) -> Result<Member> {
        let name = String::from_utf8_lossy(self.name).into_owned();
        let broken = |what: &str| damaged(format!("the member `{name}` {what}"), at);
        if self.flags & usize::from(STRANGE) != 0 {
            return Err(broken("is encrypted"));
        }
        let start = usize::try_from(self.offset).ok().and_then(|offset| offset.checked_add(shift));
        let start = start.ok_or_else(|| broken("lies beyond the end of the file"))?;
        let is_header = data.get(start..).is_some_and(|rest| rest.starts_with(LOCAL));
        let lengths = number(data, start + 26, 2).zip(number(data, start + 28, 2));
        let Some((name_len, extra_len)) = lengths.filter(|_| is_header) else {
            return Err(broken("is not where the directory says"));
        };
        let to_size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let (name_len, extra_len) = (to_size(name_len), to_size(extra_len));
        if data.get(start + 30..start + 30 + name_len) != Some(self.name) {
            return Err(broken("is called otherwise by its own header"));
        }
        let method = u16::try_from(self.method).unwrap_or(u16::MAX);
        if number(data, start + 8, 2) != Some(method.into()) {
            return Err(broken("is packed otherwise by its own header"));
        }
        let body = start + 30 + name_len + extra_len;
        let end = body.checked_add(to_size(self.packed)).filter(|&end| end <= data.len());
        let end = end.ok_or_else(|| broken("reaches beyond the end of the file"))?;
        let is_stored = method == 0;
        if is_stored && self.size != self.packed {
            return Err(broken("is stored, and has two sizes"));
        }
        Ok(Member { place: body..end, size: self.size, is_stored, crc, start, method, name })
    }
}

/// Reads the numbers that did not fit 32 bits; `None` if one of them is missing.
fn widen(extra: &[u8], numbers: [&mut u64; 3]) -> Option<()> {
    let mut fields = Vec::new();
    let mut at = 0;
    while let (Some(id), Some(len)) = (number(extra, at, 2), number(extra, at + 2, 2)) {
        let len = usize::try_from(len).ok()?;
        let field = extra.get(at + 4..at + 4 + len);
        at += 4 + len;
        if id == 1 {
            fields = field.unwrap_or_default().to_vec();
            break;
        }
    }
    let mut from = 0;
    for value in numbers.into_iter().filter(|value| **value == 0xffff_ffff) {
        *value = number(&fields, from, 8)?;
        from += 8;
    }
    Some(())
}

fn number(data: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

#[cold]
fn cut_off() -> Error {
    Error::new(ErrorKind::Corrupt, "the file is damaged or cut off: it is no whole ZIP archive")
}

#[cold]
fn damaged(what: impl Into<String>, at: usize) -> Error {
    let message = format!("the archive is damaged: {}", what.into());
    Error::new(ErrorKind::Corrupt, message).at_offset(at as u64)
}
