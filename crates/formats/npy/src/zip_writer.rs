//! Writing ZIP archives: members as they come, sizes filled in afterwards, no times recorded.

use std::collections::HashSet;
use std::io::{Seek, SeekFrom, Write};

use cannery_core::{Error, ErrorKind, Result};

/// Members from this size on need the wide fields of ZIP64; headers have room in the difference.
const LARGE: u64 = 0xfff0_0000;

/// What a field of 32 bits says where the wide one is meant.
const WIDE: u32 = u32::MAX;

/// The day that archives without times have: 1980-01-01.
const DATE: u16 = 0x21;

/// The extra field that pads a local header.
const PADDING: u16 = 0xa11e;

/// Bytes of a local header before the name.
const LOCAL: u64 = 30;

/// A ZIP archive that is being written.
pub(crate) struct ZipWriter<W> {
    writer: W,
    at: u64,
    names: HashSet<String>,
    members: Vec<Member>,
    open: Option<Member>,
}

struct Member {
    name: String,
    is_deflated: bool,
    is_large: bool,
    header_at: u64,
    data_at: u64,
    crc: u32,
    size: u64,
    packed: u64,
}

impl<W: Write + Seek> ZipWriter<W> {
    /// An empty archive.
    pub(crate) fn new(writer: W) -> Self {
        let (names, members) = Default::default();
        Self { writer, at: 0, names, members, open: None }
    }

    /// Begins a member of about that many bytes. With `alignment` its data begins at a multiple of
    /// that.
    pub(crate) fn begin(
        &mut self,
        name: String,
        size: u64,
        is_deflated: bool,
        alignment: Option<u16>,
    ) -> Result<()> {
        if !self.names.insert(name.clone()) || name.len() > usize::from(u16::MAX) {
            let why = if name.len() > 99 { "its name is too long" } else { "there is one already" };
            let message = format!("cannot add the member `{name}`: {why}");
            return Err(Error::new(ErrorKind::Value, message));
        }
        let is_large = size >= LARGE;
        let mut extra = if is_large { wide_field(0, 0, None) } else { Vec::new() };
        if let Some(alignment) = alignment {
            let end = self.at + LOCAL + (name.len() + extra.len()) as u64 + 4;
            let alignment = u64::from(alignment);
            let gap = usize::try_from(end.next_multiple_of(alignment) - end).unwrap_or(0);
            push_u16(&mut extra, &[PADDING, short(gap)]);
            extra.resize(extra.len() + gap, 0);
        }
        let member = Member {
            data_at: self.at + LOCAL + (name.len() + extra.len()) as u64,
            header_at: self.at,
            name,
            is_deflated,
            is_large,
            crc: 0,
            size: 0,
            packed: 0,
        };
        let mut header = b"PK\x03\x04".to_vec();
        header.extend(member.version().to_le_bytes());
        member.push_common(&mut header);
        push_u16(&mut header, &[short(member.name.len()), short(extra.len())]);
        header.extend(member.name.as_bytes());
        header.extend(&extra);
        self.write(&header)?;
        self.open = Some(member);
        Ok(())
    }

    /// Writes bytes of the open member, as they are stored.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(cannot_write)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Ends the open member, which has that many bytes, unpacked, of this checksum.
    pub(crate) fn end(&mut self, size: u64, crc: u32) -> Result<()> {
        let Some(mut member) = self.open.take() else { return Ok(()) };
        (member.size, member.crc, member.packed) = (size, crc, self.at - member.data_at);
        if !member.is_large && (size >= WIDE.into() || member.packed >= WIDE.into()) {
            return Err(Error::new(ErrorKind::Limit, "the member is larger than was announced"));
        }
        self.patch(&member)?;
        self.members.push(member);
        Ok(())
    }

    /// Fills the checksum and the sizes in where the header has room for them.
    fn patch(&mut self, member: &Member) -> Result<()> {
        let mut fields = member.crc.to_le_bytes().to_vec();
        fields.extend(member.narrow(member.packed).to_le_bytes());
        fields.extend(member.narrow(member.size).to_le_bytes());
        self.write_at(member.header_at + 14, &fields)?;
        if member.is_large {
            let wide = wide_field(member.size, member.packed, None);
            self.write_at(member.header_at + LOCAL + member.name.len() as u64, &wide)?;
        }
        self.writer.seek(SeekFrom::Start(self.at)).map(drop).map_err(cannot_write)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> Result<()> {
        self.writer.seek(SeekFrom::Start(at)).map_err(cannot_write)?;
        self.writer.write_all(bytes).map_err(cannot_write)
    }

    /// Writes the directory and gives the writer back.
    pub(crate) fn finish(mut self) -> Result<W> {
        let start = self.at;
        let members = std::mem::take(&mut self.members);
        for member in &members {
            self.write(&member.directory_entry())?;
        }
        let (len, count) = (self.at - start, members.len() as u64);
        if count >= u16::MAX.into() || start >= WIDE.into() || len >= WIDE.into() {
            self.write_wide_end(start, len, count)?;
        }
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        push_u16(&mut end, &[count, count]);
        end.extend(u32::try_from(len).unwrap_or(WIDE).to_le_bytes());
        end.extend(u32::try_from(start).unwrap_or(WIDE).to_le_bytes());
        push_u16(&mut end, &[0]);
        self.write(&end)?;
        Ok(self.writer)
    }

    /// The end of a directory that is too large for the usual fields.
    fn write_wide_end(&mut self, start: u64, len: u64, count: u64) -> Result<()> {
        let at = self.at;
        let mut end = b"PK\x06\x06".to_vec();
        end.extend(44_u64.to_le_bytes());
        push_u16(&mut end, &[45, 45, 0, 0, 0, 0]);
        for field in [count, count, len, start] {
            end.extend(field.to_le_bytes());
        }
        end.extend(b"PK\x06\x07\0\0\0\0");
        end.extend(at.to_le_bytes());
        end.extend(1_u32.to_le_bytes());
        self.write(&end)
    }
}

impl Member {
    fn version(&self) -> u16 {
        if self.is_large { 45 } else { 20 }
    }

    /// The fields that both headers have, from the flags to the sizes.
    fn push_common(&self, header: &mut Vec<u8>) {
        // The name is UTF-8.
        let flags = if self.name.is_ascii() { 0 } else { 0x800 };
        push_u16(header, &[flags, if self.is_deflated { 8 } else { 0 }, 0, DATE]);
        header.extend(self.crc.to_le_bytes());
        header.extend(self.narrow(self.packed).to_le_bytes());
        header.extend(self.narrow(self.size).to_le_bytes());
    }

    /// A size as the narrow field has it.
    fn narrow(&self, size: u64) -> u32 {
        if self.is_large { WIDE } else { u32::try_from(size).unwrap_or(WIDE) }
    }

    fn directory_entry(&self) -> Vec<u8> {
        let is_far = self.header_at >= WIDE.into();
        let far = is_far.then_some(self.header_at);
        let extra = match (self.is_large, far) {
            (true, far) => wide_field(self.size, self.packed, far),
            (false, Some(at)) => [&[1, 0, 8, 0][..], &at.to_le_bytes()].concat(),
            (false, None) => Vec::new(),
        };
        let mut entry = b"PK\x01\x02".to_vec();
        let version = if is_far { 45 } else { self.version() };
        push_u16(&mut entry, &[version, version]);
        self.push_common(&mut entry);
        push_u16(&mut entry, &[short(self.name.len()), short(extra.len()), 0, 0, 0]);
        // Readable by all, writable by its owner, as Python's own archives say it.
        entry.extend((0o100_644_u32 << 16).to_le_bytes());
        entry.extend(u32::try_from(self.header_at).unwrap_or(WIDE).to_le_bytes());
        entry.extend(self.name.as_bytes());
        entry.extend(extra);
        entry
    }
}

/// The extra field with the wide sizes, and where the member begins if that is asked for.
fn wide_field(size: u64, packed: u64, header_at: Option<u64>) -> Vec<u8> {
    let len: u16 = if header_at.is_some() { 24 } else { 16 };
    let mut field = 1_u16.to_le_bytes().to_vec();
    field.extend(len.to_le_bytes());
    for part in [Some(size), Some(packed), header_at].into_iter().flatten() {
        field.extend(part.to_le_bytes());
    }
    field
}

/// The length of something that was checked to be short.
fn short(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

fn push_u16(bytes: &mut Vec<u8>, fields: &[u16]) {
    for field in fields {
        bytes.extend(field.to_le_bytes());
    }
}

#[cold]
fn cannot_write(error: std::io::Error) -> Error {
    Error::io(error, "cannot write the archive")
}
