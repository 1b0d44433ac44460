//! Data layouts: where the elements of a dataset are.

use cannery_core::Result;

use crate::bytes::{Cursor, UNDEFINED, malformed, wrong_version};
use crate::core::FileCore;
use crate::dataspace::MAX_RANK;
use crate::global_heap::HeapId;

/// How the chunks of a dataset are found.
#[derive(Clone, Debug)]
pub(crate) enum IndexKind {
    BTree1,
    /// The only chunk; its stored length and filter mask where it is filtered.
    Single(Option<(u64, u32)>),
    Implicit,
    FixedArray,
    ExtensibleArray,
    BTree2,
}

/// Data in chunks.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    pub(crate) shape: Vec<u64>,
    pub(crate) element: u64,
    pub(crate) kind: IndexKind,
    pub(crate) address: u64,
    /// How many bytes the stored length of a chunk takes.
    pub(crate) size_len: usize,
    /// Chunks that reach beyond the shape are not filtered.
    pub(crate) raw_edges: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Compact(Vec<u8>),
    /// The address, and the length where it is said.
    Contiguous(u64, Option<u64>),
    Chunked(Chunked),
    Virtual(HeapId),
}

impl Layout {
    pub(crate) fn parse(core: &FileCore, data: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        match cursor.u8()? {
            1 | 2 => parse_old(core, &mut cursor),
            3 => parse_3(core, &mut cursor),
            version @ (4 | 5) => parse_4(core, &mut cursor, version),
            version => Err(wrong_version("a data layout", version)),
        }
    }
}

fn unknown_class(class: u8) -> cannery_core::Error {
    malformed(format!("unknown class `{class}` of a data layout"))
}

fn parse_old(core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Layout> {
    let rank = usize::from(cursor.u8()?);
    let class = cursor.u8()?;
    cursor.skip(5)?;
    if rank > MAX_RANK + 1 {
        return Err(malformed("a data layout has too many dimensions"));
    }
    let address = if class == 0 { UNDEFINED } else { cursor.address(core.sizes)? };
    let dims = (0..rank).map(|_| Ok(u64::from(cursor.u32()?))).collect::<Result<Vec<_>>>()?;
    match class {
        0 => {
            let len = cursor.u32()?;
            Ok(Layout::Compact(cursor.take_long(u64::from(len))?.to_vec()))
        }
        1 => Ok(Layout::Contiguous(address, None)),
        2 => chunked(dims, IndexKind::BTree1, address),
        class => Err(unknown_class(class)),
    }
}

fn parse_3(core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Layout> {
    match cursor.u8()? {
        0 => compact(cursor),
        1 => contiguous(core, cursor),
        2 => {
            let rank = usize::from(cursor.u8()?);
            let address = cursor.address(core.sizes)?;
            let dims =
                (0..rank).map(|_| Ok(u64::from(cursor.u32()?))).collect::<Result<Vec<_>>>()?;
            chunked(dims, IndexKind::BTree1, address)
        }
        class => Err(unknown_class(class)),
    }
}

fn compact(cursor: &mut Cursor<'_>) -> Result<Layout> {
    let len = usize::from(cursor.u16()?);
    Ok(Layout::Compact(cursor.take(len)?.to_vec()))
}

fn contiguous(core: &FileCore, cursor: &mut Cursor<'_>) -> Result<Layout> {
    let address = cursor.address(core.sizes)?;
    Ok(Layout::Contiguous(address, Some(cursor.length(core.sizes)?)))
}

/// Chunks, whose last dimension is the size of an element.
fn chunked(mut dims: Vec<u64>, kind: IndexKind, address: u64) -> Result<Layout> {
    if dims.len() < 2 || dims.len() > MAX_RANK + 1 || dims.contains(&0) {
        return Err(malformed("the shape of chunks is not possible"));
    }
    dims.iter()
        .try_fold(1_u64, |all, &n| all.checked_mul(n))
        .ok_or_else(|| malformed("chunks are too large"))?;
    let element = dims.pop().unwrap_or(1);
    let size_len = 4;
    Ok(Layout::Chunked(Chunked { shape: dims, element, kind, address, size_len, raw_edges: false }))
}

fn parse_4(core: &FileCore, cursor: &mut Cursor<'_>, version: u8) -> Result<Layout> {
    match cursor.u8()? {
        0 => compact(cursor),
        1 => contiguous(core, cursor),
        2 => parse_chunked_4(core, cursor, version),
        3 => Ok(Layout::Virtual(HeapId::parse(core, cursor)?)),
        class => Err(unknown_class(class)),
    }
}

fn parse_chunked_4(core: &FileCore, cursor: &mut Cursor<'_>, version: u8) -> Result<Layout> {
    let flags = cursor.u8()?;
    if flags & !3 != 0 {
        return Err(malformed("unknown flags of a data layout"));
    }
    let rank = usize::from(cursor.u8()?);
    let width = usize::from(cursor.u8()?);
    if width == 0 || width > 8 {
        return Err(malformed("the dimensions of chunks take 0 or more than 8 bytes"));
    }
    let dims = (0..rank).map(|_| cursor.uint(width)).collect::<Result<Vec<_>>>()?;
    let kind = index_kind(core, cursor, flags & 2 != 0)?;
    let address = cursor.address(core.sizes)?;
    let Layout::Chunked(mut chunked) = chunked(dims, kind, address)? else {
        return Err(unknown_class(2));
    };
    chunked.raw_edges = flags & 1 != 0;
    let bytes = chunked.bytes();
    chunked.size_len = if version == 4 {
        (1 + (crate::bytes::log2(bytes) as usize + 8) / 8).min(8)
    } else {
        usize::from(core.sizes.length)
    };
    Ok(Layout::Chunked(chunked))
}

fn index_kind(core: &FileCore, cursor: &mut Cursor<'_>, filtered: bool) -> Result<IndexKind> {
    match cursor.u8()? {
        1 if filtered => Ok(IndexKind::Single(Some((cursor.length(core.sizes)?, cursor.u32()?)))),
        1 => Ok(IndexKind::Single(None)),
        2 => Ok(IndexKind::Implicit),
        // What the headers of these say again.
        3 => cursor.skip(1).map(|()| IndexKind::FixedArray),
        4 => cursor.skip(5).map(|()| IndexKind::ExtensibleArray),
        5 => cursor.skip(6).map(|()| IndexKind::BTree2),
        kind => Err(malformed(format!("unknown kind `{kind}` of an index of chunks"))),
    }
}

impl Chunked {
    /// The bytes of a chunk; checked when the layout was read.
    pub(crate) fn bytes(&self) -> u64 {
        self.shape.iter().product::<u64>() * self.element
    }
}
