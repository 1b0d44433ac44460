//! Reading: the directory, each member's own header, and whether the two say the same.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;
use std::ops::Range;

use cannery_core::{Error, ErrorKind, Limits, Result, reserve};

use crate::fields::{
    CENTRAL, CENTRAL_LEN, END, END_LEN, LOCAL, LOCAL_LEN, LOCATOR, WIDE, WIDE_END, is_record,
    number, size,
};
use crate::{Method, Rules};

/// Flags of members that are encrypted, patched or masked.
const STRANGE: u64 = 0x1 | 0x20 | 0x40 | 0x2000;
/// The flag of members whose checksum and sizes stand behind them.
const SIZES_BEHIND: u64 = 0x8;
/// Bytes that may be padding behind an archive.
const PADDING: usize = 4096;
/// So few members are looked for one by one.
pub(crate) const FEW: usize = 8;

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name with its folders.
    pub name: String,
    /// Where its bytes lie in the file.
    pub place: Range<usize>,
    /// How many bytes it has when it is expanded.
    pub size: u64,
    /// Its checksum; 0 also where none was computed.
    pub crc: u32,
    start: usize,
    method: Method,
    has_checksum: bool,
}

/// The members of an archive, checked to lie side by side.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    members: Vec<Member>,
    /// The members by name, where there are more than [`FEW`].
    by_name: HashMap<String, usize>,
}

impl Archive {
    /// The archive in these bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if it is damaged, or if readers could see different members in it;
    /// [`ErrorKind::Unsupported`] if a member is packed in a way that is not known;
    /// [`ErrorKind::Limit`] if it expands to more than the limits allow.
    pub fn read(data: &[u8], rules: Rules, limits: &Limits) -> Result<Self> {
        let directory = Directory::find(data, rules)?;
        let mut archive = Self::default();
        let mut at = directory.start;
        for _ in 0..directory.count {
            let (entry, next) = Entry::read(data, at)?;
            if next > directory.end {
                return Err(damaged("its directory is cut off", at));
            }
            archive.add(entry.locate(data, directory.shift, rules)?)?;
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
        if self.members.len() > FEW {
            return self.by_name.get(name).map(|&index| &self.members[index]);
        }
        self.members.iter().find(|member| member.name == name)
    }

    fn add(&mut self, member: Member) -> Result<()> {
        if self.get(&member.name).is_some() {
            let message = format!("two of its members have the same name, `{}`", member.name);
            return Err(damaged(message, member.start));
        }
        self.members.push(member);
        let known = match self.members.len() {
            ..=FEW => self.members.len(),
            len => len.min(self.by_name.len()),
        };
        for (index, member) in self.members.iter().enumerate().skip(known) {
            self.by_name.insert(member.name.clone(), index);
        }
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
        for member in self.members.iter().filter(|member| !member.is_stored()) {
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
    /// How it is packed.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// Whether it lies in the file as it is.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.method == Method::Stored
    }

    /// The same member, seen from that many bytes before.
    #[must_use]
    pub fn moved(&self, base: usize) -> Self {
        let place = self.place.start + base..self.place.end + base;
        Self { place, start: self.start + base, ..self.clone() }
    }

    /// Its bytes as they lie in the file, if they do so as they are.
    #[must_use]
    pub fn stored<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        if self.is_stored() { data.get(self.place.clone()) } else { None }
    }

    /// Its bytes, expanded and held against its checksum, unless none was computed.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are not what was written.
    pub fn bytes<'a>(&self, data: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        if let Some(bytes) = self.stored(data) {
            self.check_sum(bytes)?;
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
            Method::Stored => match packed.get(..out.len()) {
                Some(bytes) => out.copy_from_slice(bytes),
                None => return Err(self.broken("is cut off")),
            },
            Method::Deflated => self.fill(flate2::read::DeflateDecoder::new(packed), out)?,
            #[cfg(feature = "zstd")]
            Method::Zstd => {
                let reader = zstd::stream::read::Decoder::with_buffer(packed);
                self.fill(
                    reader.map_err(|error| self.broken("is damaged").with_source(error))?,
                    out,
                )?;
            }
            #[cfg(not(feature = "zstd"))]
            Method::Zstd => return Err(unknown_method(&self.name, self.method.id().into())),
        }
        if out.len() as u64 == self.size { self.check_sum(out) } else { Ok(()) }
    }

    fn fill(&self, mut reader: impl Read, out: &mut [u8]) -> Result<()> {
        let read = reader.read_exact(out);
        read.map_err(|error| self.broken("is damaged").with_source(error))?;
        let is_whole = out.len() as u64 == self.size;
        if is_whole && reader.read(&mut [0]).unwrap_or(1) > 0 {
            return Err(self.broken("is longer than the directory says"));
        }
        Ok(())
    }

    fn check_sum(&self, bytes: &[u8]) -> Result<()> {
        if !self.has_checksum || self.crc == crc32fast::hash(bytes) {
            return Ok(());
        }
        Err(self.broken("has another checksum than it should"))
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
    fn find(data: &[u8], rules: Rules) -> Result<Self> {
        let at = find_end(data, rules).ok_or_else(cut_off)?;
        let word = |at, len| number(data, at, len).ok_or_else(cut_off);
        let narrow = [
            (word(at + 10, 2)?, 0xffff),
            (word(at + 12, 4)?, u64::from(WIDE)),
            (word(at + 16, 4)?, u64::from(WIDE)),
        ];
        let ([count, size, offset], end) = match wide_end(data, at) {
            Some(record) => {
                let wide = [word(record + 32, 8)?, word(record + 40, 8)?, word(record + 48, 8)?];
                let agrees = |((narrow, ones), wide)| narrow == ones || narrow == wide;
                if !narrow.into_iter().zip(wide).all(agrees) {
                    return Err(damaged("its two ends describe two directories", at));
                }
                (wide, record)
            }
            None => (narrow.map(|(field, _)| field), at),
        };
        let size = usize::try_from(size).ok().filter(|&size| size <= end);
        let start = end - size.ok_or_else(cut_off)?;
        let offset = usize::try_from(offset).ok().filter(|&offset| offset <= start);
        let shift = start - offset.ok_or_else(cut_off)?;
        // An entry takes at least as much: no list is made on the word of a count.
        if count > ((end - start) / CENTRAL_LEN) as u64 {
            return Err(damaged("its end counts more members than its directory has", at));
        }
        let directory = Self { start, end, count, shift };
        directory.check_front(data, rules)?;
        Ok(directory)
    }

    /// Bytes before an archive are not read, and must not be another archive: readers would differ
    /// in which of the two they see.
    fn check_front(&self, data: &[u8], rules: Rules) -> Result<()> {
        if self.shift > 0 && !rules.surrounded {
            return Err(damaged("there is something before it", self.shift));
        }
        if memchr::memmem::find(&data[..self.shift], &LOCAL).is_some() {
            let message = "two archives in one file, of which readers see one or the other";
            return Err(damaged(message, self.shift));
        }
        Ok(())
    }
}

/// The last end record, whose comment ends the file; padding may follow it where the rules say so.
fn find_end(data: &[u8], rules: Rules) -> Option<usize> {
    let padding = if rules.surrounded { PADDING } else { 0 };
    let from = data.len().saturating_sub(usize::from(u16::MAX) + END_LEN + padding);
    let at = from + memchr::memmem::rfind(&data[from..], &END)?;
    let end = at + END_LEN + size(data, at + 20, 2)?;
    if rules.surrounded {
        (at + END_LEN <= data.len()).then_some(at)
    } else {
        (end == data.len()).then_some(at)
    }
}

/// The end record of an archive with 64-bit numbers.
fn wide_end(data: &[u8], end: usize) -> Option<usize> {
    let locator = end.checked_sub(20).filter(|&at| is_record(data, at, LOCATOR))?;
    // Its place is counted from the beginning of the archive, which may not be that of the file.
    locator.checked_sub(56).filter(|&at| is_record(data, at, WIDE_END))
}

/// What the directory says about a member.
struct Entry<'a> {
    at: usize,
    name: &'a [u8],
    flags: u64,
    method: u64,
    crc: u64,
    size: u64,
    packed: u64,
    offset: u64,
}

impl<'a> Entry<'a> {
    /// The entry that begins there, and where the next one does.
    fn read(data: &'a [u8], at: usize) -> Result<(Self, usize)> {
        let word = |at, len| number(data, at, len).ok_or_else(cut_off);
        let len = |at| size(data, at, 2).ok_or_else(cut_off);
        if !is_record(data, at, CENTRAL) {
            return Err(damaged("its directory has no entry where it should", at));
        }
        let name_at = at + CENTRAL_LEN;
        let extra_at = name_at + len(at + 28)?;
        let comment_at = extra_at + len(at + 30)?;
        let name = data.get(name_at..extra_at).ok_or_else(cut_off)?;
        let extra = data.get(extra_at..comment_at).ok_or_else(cut_off)?;
        let (mut size, mut packed, mut offset) =
            (word(at + 24, 4)?, word(at + 20, 4)?, word(at + 42, 4)?);
        widen(extra, [&mut size, &mut packed, &mut offset])
            .ok_or_else(|| damaged("an entry lacks its 64-bit numbers", at))?;
        let (flags, method, crc) = (word(at + 8, 2)?, word(at + 10, 2)?, word(at + 16, 4)?);
        let entry = Self { at, name, flags, method, crc, size, packed, offset };
        Ok((entry, comment_at + len(at + 32)?))
    }

    /// Finds the member by its own header, which has to say the same.
    fn locate(&self, data: &[u8], shift: usize, rules: Rules) -> Result<Member> {
        let name = String::from_utf8_lossy(self.name);
        let broken = |what: &str| damaged(format!("the member `{name}` {what}"), self.at);
        if self.flags & STRANGE != 0 {
            return Err(broken("is encrypted"));
        }
        let start = usize::try_from(self.offset).ok().and_then(|offset| offset.checked_add(shift));
        let start = start.ok_or_else(|| broken("lies beyond the end of the file"))?;
        let lengths = size(data, start + 26, 2).zip(size(data, start + 28, 2));
        let Some((name_len, extra_len)) = lengths.filter(|_| is_record(data, start, LOCAL)) else {
            return Err(broken("is not where the directory says"));
        };
        let extra_at = start + LOCAL_LEN + name_len;
        let body = extra_at + extra_len;
        if data.get(start + LOCAL_LEN..extra_at) != Some(self.name) {
            return Err(broken("is called otherwise by its own header"));
        }
        if number(data, start + 8, 2) != Some(self.method) {
            return Err(broken("is packed otherwise by its own header"));
        }
        let method = u16::try_from(self.method).ok().and_then(Method::of_id);
        let method = method.ok_or_else(|| unknown_method(&name, self.method))?;
        let packed = usize::try_from(self.packed).unwrap_or(usize::MAX);
        let end = body.checked_add(packed).filter(|&end| end <= data.len());
        let end = end.ok_or_else(|| broken("reaches beyond the end of the file"))?;
        if self.is_measured_otherwise(data, start, &data[extra_at..body]) {
            return Err(broken("has other sizes by its own header"));
        }
        if method == Method::Stored && self.size != self.packed {
            return Err(broken("is stored, and has two sizes"));
        }
        let crc = u32::try_from(self.crc).unwrap_or_default();
        Ok(Member {
            has_checksum: crc != 0 || !rules.without_checksums,
            name: name.into_owned(),
            place: body..end,
            size: self.size,
            crc,
            start,
            method,
        })
    }

    /// Whether the member's own header has another checksum or other sizes.
    fn is_measured_otherwise(&self, data: &[u8], start: usize, extra: &[u8]) -> bool {
        let word = |at, len| number(data, start + at, len).unwrap_or_default();
        if word(6, 2) & SIZES_BEHIND != 0 {
            return false;
        }
        let (mut packed, mut size) = (word(18, 4), word(22, 4));
        widen(extra, [&mut size, &mut packed]).is_none()
            || (word(14, 4), packed, size) != (self.crc, self.packed, self.size)
    }
}

/// Reads the numbers that did not fit 32 bits; `None` if one of them is missing.
fn widen<const N: usize>(extra: &[u8], numbers: [&mut u64; N]) -> Option<()> {
    let mut numbers = numbers.into_iter().filter(|value| **value == u64::from(WIDE)).peekable();
    if numbers.peek().is_none() {
        return Some(());
    }
    let mut at = 0;
    let field = loop {
        let (id, len) = (number(extra, at, 2)?, size(extra, at + 2, 2)?);
        at += 4;
        if id == 1 {
            break extra.get(at..at + len)?;
        }
        at += len;
    };
    for (index, value) in numbers.enumerate() {
        *value = number(field, index * 8, 8)?;
    }
    Some(())
}

#[cold]
fn unknown_method(name: &str, method: u64) -> Error {
    let message = format!("the member `{name}` is packed by method {method}");
    let known = if cfg!(feature = "zstd") {
        "stored, deflated and Zstandard"
    } else {
        "stored and deflated"
    };
    Error::new(ErrorKind::Unsupported, message).with_hint(format!("{known} members are read"))
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
