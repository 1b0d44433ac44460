//! Writing: members as they come, sizes filled in afterwards, no times recorded.

use std::collections::HashSet;
use std::io::{self, Seek, SeekFrom, Write};

use cannery_core::{Error, ErrorKind, Result};

use crate::Method;
use crate::fields::{CENTRAL, CENTRAL_LEN, END, LOCAL, LOCAL_LEN, LOCATOR, WIDE, WIDE_END};

/// Members from this size on need the wide fields of ZIP64; headers have room in the difference.
const LARGE: u64 = 0xfff0_0000;

/// The day that archives without times have: 1980-01-01.
const DATE: u16 = 0x21;

/// The extra field that pads a local header: the alignment, and zeros.
const PADDING: u16 = 0xa11e;

/// Readable by all, writable by its owner, as Python's own archives say it.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// A ZIP archive that is being written.
pub struct ArchiveWriter<W> {
    writer: W,
    at: u64,
    members: Vec<Member>,
    /// The names, where there are more than [`FEW`](crate::read::FEW) members.
    names: HashSet<String>,
    is_open: bool,
    /// What is written next, made in one place.
    header: Vec<u8>,
}

struct Member {
    name: String,
    method: Method,
    is_large: bool,
    header_at: u64,
    data_at: u64,
    crc: u32,
    size: u64,
    packed: u64,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    /// An empty archive.
    pub fn new(writer: W) -> Self {
        let (members, names) = Default::default();
        Self { writer, at: 0, members, names, is_open: false, header: Vec::with_capacity(256) }
    }

    /// Adds a whole member, as it is. With `alignment` its data begins at a multiple of that.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if there is one of this name, or the name is too long; those of the
    /// writer.
    pub fn add(&mut self, name: &str, bytes: &[u8], alignment: Option<u16>) -> Result<()> {
        let size = bytes.len() as u64;
        let mut member = self.member(name, size, Method::Stored)?;
        (member.size, member.packed, member.crc) = (size, size, crc32fast::hash(bytes));
        self.write_header(&mut member, alignment)?;
        self.write_bytes(bytes)?;
        self.members.push(member);
        Ok(())
    }

    /// Begins a member of about that many bytes, of which it becomes no more than the announced
    /// size allows. With `alignment` its data begins at a multiple of that.
    ///
    /// # Errors
    /// As [`ArchiveWriter::add`].
    pub fn begin(
        &mut self,
        name: &str,
        size: u64,
        method: Method,
        alignment: Option<u16>,
    ) -> Result<()> {
        let mut member = self.member(name, size, method)?;
        self.write_header(&mut member, alignment)?;
        self.members.push(member);
        self.is_open = true;
        Ok(())
    }

    /// Writes bytes of the open member, packed as was said.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(cannot_write)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Ends the open member, which has that many bytes, unpacked, of this checksum.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if it has become larger than was announced; those of the writer.
    pub fn end(&mut self, size: u64, crc: u32) -> Result<()> {
        let at = self.at;
        let Some(member) = self.members.last_mut().filter(|_| self.is_open) else { return Ok(()) };
        (member.size, member.crc, member.packed) = (size, crc, at - member.data_at);
        if !member.is_large && (size >= WIDE.into() || member.packed >= WIDE.into()) {
            return Err(Error::new(ErrorKind::Limit, "the member is larger than was announced"));
        }
        self.is_open = false;
        self.patch()
    }

    /// Writes the directory and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(mut self) -> Result<W> {
        let start = self.at;
        let (mut directory, members) = (std::mem::take(&mut self.header), &self.members);
        directory.clear();
        for member in members {
            member.push_entry(&mut directory);
        }
        let (len, count) = (directory.len() as u64, members.len() as u64);
        if count >= u16::MAX.into() || start >= WIDE.into() || len >= WIDE.into() {
            push_wide_end(&mut directory, start, len, count);
        }
        directory.extend_from_slice(&END);
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        push(&mut directory, [0, 0, count, count]);
        directory.extend_from_slice(&u32::try_from(len).unwrap_or(WIDE).to_le_bytes());
        directory.extend_from_slice(&u32::try_from(start).unwrap_or(WIDE).to_le_bytes());
        push(&mut directory, [0]);
        self.write_bytes(&directory)?;
        Ok(self.writer)
    }

    /// A member of this name, which is not there yet.
    fn member(&mut self, name: &str, size: u64, method: Method) -> Result<Member> {
        let is_there = if self.members.len() > crate::read::FEW {
            if self.names.is_empty() {
                self.names = self.members.iter().map(|member| member.name.clone()).collect();
            }
            !self.names.insert(name.to_owned())
        } else {
            self.members.iter().any(|member| member.name == name)
        };
        if is_there || name.len() > usize::from(u16::MAX) {
            let why = if is_there { "there is one already" } else { "its name is too long" };
            let message = format!("cannot add the member `{name}`: {why}");
            return Err(Error::new(ErrorKind::Value, message));
        }
        let (is_large, header_at) = (size >= LARGE, self.at);
        let (data_at, crc, size, packed) = Default::default();
        let name = name.to_owned();
        Ok(Member { name, method, is_large, header_at, data_at, crc, size, packed })
    }

    fn write_header(&mut self, member: &mut Member, alignment: Option<u16>) -> Result<()> {
        let mut header = std::mem::take(&mut self.header);
        header.clear();
        let mut extra_len = if member.is_large { 20 } else { 0 };
        let unpadded = self.at + (LOCAL_LEN + member.name.len() + extra_len) as u64;
        let gap = alignment.map(|alignment| {
            // The field has six bytes at least.
            let gap = (unpadded + 6).next_multiple_of(u64::from(alignment.max(1))) - unpadded - 6;
            usize::try_from(gap).unwrap_or_default()
        });
        extra_len += gap.map_or(0, |gap| gap + 6);
        let mut fields = [0; LOCAL_LEN];
        fields[..4].copy_from_slice(&LOCAL);
        fields[4..6].copy_from_slice(&member.version().to_le_bytes());
        fields[6..26].copy_from_slice(&member.common_fields());
        fields[26..28].copy_from_slice(&short(member.name.len()).to_le_bytes());
        fields[28..].copy_from_slice(&short(extra_len).to_le_bytes());
        header.extend_from_slice(&fields);
        header.extend_from_slice(member.name.as_bytes());
        if member.is_large {
            push_wide_field(&mut header, &[member.size, member.packed]);
        }
        if let (Some(gap), Some(alignment)) = (gap, alignment) {
            push(&mut header, [PADDING, short(gap + 2), alignment]);
            header.resize(header.len() + gap, 0);
        }
        self.write_bytes(&header)?;
        member.data_at = self.at;
        self.header = header;
        Ok(())
    }

    /// Fills the checksum and the sizes of the last member in where its header has room for them.
    fn patch(&mut self) -> Result<()> {
        let Some(member) = self.members.last() else { return Ok(()) };
        write_at(&mut self.writer, member.header_at + 14, &member.measures())?;
        if member.is_large {
            let header = &mut self.header;
            header.clear();
            push_wide_field(header, &[member.size, member.packed]);
            let at = member.header_at + (LOCAL_LEN + member.name.len()) as u64;
            write_at(&mut self.writer, at, header)?;
        }
        self.writer.seek(SeekFrom::Start(self.at)).map(drop).map_err(cannot_write)
    }
}

/// Writes bytes of the open member, as [`write_bytes`](ArchiveWriter::write_bytes) does.
impl<W: Write + Seek> Write for ArchiveWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Member {
    fn version(&self) -> u16 {
        if self.is_large { 45 } else { 20 }
    }

    /// The fields that both headers have, from the flags to the sizes.
    fn common_fields(&self) -> [u8; 20] {
        // The name is UTF-8.
        let flags: u16 = if self.name.is_ascii() { 0 } else { 0x800 };
        let mut fields = [0; 20];
        fields[..2].copy_from_slice(&flags.to_le_bytes());
        fields[2..4].copy_from_slice(&self.method.id().to_le_bytes());
        fields[6..8].copy_from_slice(&DATE.to_le_bytes());
        fields[8..].copy_from_slice(&self.measures());
        fields
    }

    /// The checksum and the sizes.
    fn measures(&self) -> [u8; 12] {
        let mut fields = [0; 12];
        fields[..4].copy_from_slice(&self.crc.to_le_bytes());
        fields[4..8].copy_from_slice(&self.narrow(self.packed).to_le_bytes());
        fields[8..].copy_from_slice(&self.narrow(self.size).to_le_bytes());
        fields
    }

    /// A size as the narrow field has it.
    fn narrow(&self, size: u64) -> u32 {
        if self.is_large { WIDE } else { u32::try_from(size).unwrap_or(WIDE) }
    }

    /// Adds its entry of the directory.
    fn push_entry(&self, directory: &mut Vec<u8>) {
        let is_far = self.header_at >= WIDE.into();
        let wide = [self.size, self.packed, self.header_at];
        let wide = match (self.is_large, is_far) {
            (true, true) => &wide[..],
            (true, false) => &wide[..2],
            (false, true) => &wide[2..],
            (false, false) => &[],
        };
        let extra_len = if wide.is_empty() { 0 } else { 4 + wide.len() * 8 };
        directory.reserve(CENTRAL_LEN + self.name.len() + extra_len);
        let version = if is_far { 45_u16 } else { self.version() };
        let header_at = u32::try_from(self.header_at).unwrap_or(WIDE);
        let mut fields = [0; CENTRAL_LEN];
        fields[..4].copy_from_slice(&CENTRAL);
        fields[4..6].copy_from_slice(&version.to_le_bytes());
        fields[6..8].copy_from_slice(&version.to_le_bytes());
        fields[8..28].copy_from_slice(&self.common_fields());
        fields[28..30].copy_from_slice(&short(self.name.len()).to_le_bytes());
        fields[30..32].copy_from_slice(&short(extra_len).to_le_bytes());
        fields[38..42].copy_from_slice(&ATTRIBUTES.to_le_bytes());
        fields[42..].copy_from_slice(&header_at.to_le_bytes());
        directory.extend_from_slice(&fields);
        directory.extend_from_slice(self.name.as_bytes());
        if !wide.is_empty() {
            push_wide_field(directory, wide);
        }
    }
}

/// The end of a directory that is too large for the usual fields.
fn push_wide_end(directory: &mut Vec<u8>, start: u64, len: u64, count: u64) {
    let at = start + directory.len() as u64;
    directory.extend_from_slice(&WIDE_END);
    directory.extend_from_slice(&44_u64.to_le_bytes());
    push(directory, [45, 45, 0, 0, 0, 0]);
    for field in [count, count, len, start] {
        directory.extend_from_slice(&field.to_le_bytes());
    }
    directory.extend_from_slice(&LOCATOR);
    directory.extend_from_slice(&0_u32.to_le_bytes());
    directory.extend_from_slice(&at.to_le_bytes());
    directory.extend_from_slice(&1_u32.to_le_bytes());
}

/// The extra field of wide numbers.
fn push_wide_field(header: &mut Vec<u8>, fields: &[u64]) {
    push(header, [1, short(fields.len() * 8)]);
    for field in fields {
        header.extend_from_slice(&field.to_le_bytes());
    }
}

fn push<const N: usize>(bytes: &mut Vec<u8>, fields: [u16; N]) {
    for field in fields {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
}

fn write_at(writer: &mut (impl Write + Seek), at: u64, bytes: &[u8]) -> Result<()> {
    writer.seek(SeekFrom::Start(at)).map_err(cannot_write)?;
    writer.write_all(bytes).map_err(cannot_write)
}

/// The length of something that was checked to be short.
fn short(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

#[cold]
fn cannot_write(error: io::Error) -> Error {
    Error::io(error, "cannot write the archive")
}
