//! The superblock: where a file begins and how wide its numbers are.

use cannery_core::{Error, ErrorKind, Result};
use cannery_places::ByteSource;

use crate::bytes::{Cursor, Sizes, UNDEFINED, corrupt, malformed, wrong_version};
use crate::checksum::{ends_with_lookup3, lookup3};

/// The bytes that every HDF5 file has at offset 0, 512, 1024, 2048 and so on.
pub const MAGIC: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Longer than any superblock.
const LONGEST: u64 = 256;

/// What a superblock says.
#[derive(Clone, Debug)]
pub(crate) struct Superblock {
    pub(crate) version: u8,
    pub(crate) sizes: Sizes,
    /// Where the superblock stands: all addresses are relative to it.
    pub(crate) base: u64,
    /// The end of the file, from its beginning.
    pub(crate) end: u64,
    pub(crate) root: u64,
    pub(crate) extension: u64,
    pub(crate) driver: u64,
    /// The base address as it stands in the file.
    pub(crate) stored_base: u64,
    /// Half of the children that a node of a B-tree of chunks has room for.
    pub(crate) chunk_node: u16,
    /// Where the name of the root stands, in old files.
    pub(crate) root_name: u64,
}

/// Half of the children of a node, where a file does not say it.
const USUAL_CHUNK_NODE: u16 = 32;

impl Superblock {
    /// Finds and reads the superblock.
    pub(crate) fn read(source: &dyn ByteSource) -> Result<Self> {
        let at = find(source)?;
        let len = (source.len() - at).min(LONGEST);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        source.read_at(at, &mut bytes)?;
        let mut superblock = Self::parse(&bytes)?;
        superblock.relocate(at)?;
        if source.len() < superblock.end {
            let (end, len) = (superblock.end, source.len());
            let message = format!("expected a file of {end} bytes, found {len}");
            let hint = "the file was not written to its end, or was cut short";
            return Err(Error::new(ErrorKind::Truncated, message).with_hint(hint));
        }
        Ok(superblock)
    }

    /// Finds and reads the superblock of a file that may be damaged: what is wrong with it goes to
    /// `damage`. Without one that can be read, a file is taken for one without a root group.
    pub(crate) fn read_damaged(source: &dyn ByteSource, damage: &mut Vec<Error>) -> Result<Self> {
        let at = find(source).unwrap_or_else(|error| {
            damage.push(error.at_offset(0));
            0
        });
        let len = (source.len() - at).min(LONGEST);
        let mut bytes = vec![0; usize::try_from(len).unwrap_or(0)];
        source.read_at(at, &mut bytes)?;
        let read = Self::parse(&bytes).or_else(|error| {
            damage.push(error.at_offset(at));
            bytes_with_checksum(&bytes).and_then(|bytes| Self::parse(&bytes))
        });
        let read = read.and_then(|mut superblock| superblock.relocate(at).map(|()| superblock));
        let mut superblock = read.unwrap_or_else(|error| {
            if damage.is_empty() {
                damage.push(error.at_offset(at));
            }
            Self::without_root(at, source.len())
        });
        if source.len() < superblock.end {
            let (end, len) = (superblock.end, source.len());
            let message = format!("expected a file of {end} bytes, found {len}");
            damage.push(Error::new(ErrorKind::Truncated, message).at_offset(len));
            superblock.end = len;
        }
        Ok(superblock)
    }

    fn without_root(base: u64, end: u64) -> Self {
        Self {
            version: 2,
            sizes: Sizes { offset: 8, length: 8 },
            base,
            end,
            root: UNDEFINED,
            extension: UNDEFINED,
            driver: UNDEFINED,
            stored_base: base,
            chunk_node: USUAL_CHUNK_NODE,
            root_name: 0,
        }
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(bytes);
        cursor.skip(MAGIC.len())?;
        match cursor.u8()? {
            version @ (0 | 1) => Self::parse_old(&mut cursor, version),
            version @ (2 | 3) => Self::parse_new(bytes, &mut cursor, version),
            version => Err(wrong_version("the superblock", version)),
        }
    }

    fn parse_old(cursor: &mut Cursor<'_>, version: u8) -> Result<Self> {
        for what in ["the free space storage", "the root group", "a reserved byte", "headers"] {
            let found = cursor.u8()?;
            if found != 0 && what != "a reserved byte" {
                return Err(wrong_version(what, found));
            }
        }
        let sizes = sizes(cursor)?;
        cursor.skip(1)?;
        if cursor.u16()? == 0 || cursor.u16()? == 0 {
            return Err(malformed("expected B-trees of groups with nodes above 0 entries"));
        }
        cursor.skip(4)?;
        let mut chunk_node = USUAL_CHUNK_NODE;
        if version == 1 {
            chunk_node = cursor.u16()?;
            if chunk_node == 0 {
                return Err(malformed("expected B-trees of chunks with nodes above 0 entries"));
            }
            cursor.skip(2)?;
        }
        let base = cursor.address(sizes)?;
        cursor.address(sizes)?;
        let end = cursor.address(sizes)?;
        let driver = cursor.address(sizes)?;
        let root_name = cursor.length(sizes)?;
        let root = cursor.address(sizes)?;
        Ok(Self {
            version,
            sizes,
            base,
            end,
            root,
            extension: UNDEFINED,
            driver,
            stored_base: base,
            chunk_node,
            root_name,
        })
    }

    fn parse_new(bytes: &[u8], cursor: &mut Cursor<'_>, version: u8) -> Result<Self> {
        let sizes = sizes(cursor)?;
        let flags = cursor.u8()?;
        let base = cursor.address(sizes)?;
        let extension = cursor.address(sizes)?;
        let end = cursor.address(sizes)?;
        let root = cursor.address(sizes)?;
        cursor.skip(4)?;
        if !ends_with_lookup3(&bytes[..cursor.position()]) {
            return Err(corrupt("the superblock"));
        }
        // Bit 0: open for writing; bit 2: for writing while others read.
        if version == 3 && flags & 5 != 0 {
            let message = "the file is marked as open for writing";
            let hint = "if no program writes it, `h5clear -s` removes the mark";
            return Err(Error::new(ErrorKind::Conflict, message).with_hint(hint));
        }
        Ok(Self {
            version,
            sizes,
            base,
            end,
            root,
            extension,
            driver: UNDEFINED,
            stored_base: base,
            chunk_node: USUAL_CHUNK_NODE,
            root_name: 0,
        })
    }

    /// Trusts the place where the superblock was found more than the base address in it.
    fn relocate(&mut self, at: u64) -> Result<()> {
        if self.base == UNDEFINED || self.end == UNDEFINED {
            return Err(malformed("expected addresses of the file's beginning and end"));
        }
        if self.base != at {
            let end = i128::from(self.end) - (i128::from(self.base) - i128::from(at));
            let end = u64::try_from(end).ok().filter(|end| *end >= at);
            self.end = end.ok_or_else(|| malformed("the base address lies beyond the file"))?;
            self.base = at;
        }
        Ok(())
    }
}

/// The bytes of a superblock of version 2 or 3 as if its checksum and its flags were right.
fn bytes_with_checksum(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = bytes.to_vec();
    let offset = usize::from(*bytes.get(9).unwrap_or(&0));
    let end = 12 + 4 * offset;
    if !matches!(bytes.get(8), Some(2 | 3)) || bytes.len() < end + 4 {
        return Err(malformed("expected a superblock of version 2 or 3"));
    }
    bytes[11] = 0;
    let sum = lookup3(&bytes[..end]);
    bytes[end..end + 4].copy_from_slice(&sum.to_le_bytes());
    Ok(bytes)
}

fn sizes(cursor: &mut Cursor<'_>) -> Result<Sizes> {
    let (offset, length) = (cursor.u8()?, cursor.u8()?);
    for size in [offset, length] {
        if ![2, 4, 8, 16, 32].contains(&size) {
            return Err(malformed(format!(
                "expected offsets and lengths of 2, 4, 8, 16 or 32 bytes, found {size}"
            )));
        }
    }
    Ok(Sizes { offset, length })
}

fn find(source: &dyn ByteSource) -> Result<u64> {
    let mut at = 0_u64;
    while at.checked_add(MAGIC.len() as u64).is_some_and(|end| end <= source.len()) {
        let mut found = [0; 8];
        source.read_at(at, &mut found)?;
        if &found == MAGIC {
            return Ok(at);
        }
        at = if at == 0 { 512 } else { at * 2 };
    }
    Err(Error::new(ErrorKind::Syntax, "expected an HDF5 file, found no superblock"))
}
