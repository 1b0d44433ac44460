//! Extracts of OpenStreetMap: blobs, blocks, and the elements in them.

use std::io::{Read, Write};

use cannery_core::{Container, Error, ErrorKind, Result, Sink, Text};
use cannery_places::{Compression, Input};

use super::records::{Record, Records, Varints, each};
use crate::wire::{VARINT, put_bytes, put_tag, put_varint, unzigzag};

/// What the format allows: the header of a blob, and a blob, packed or not.
const LARGEST_HEADER: u32 = 64 << 10;
const LARGEST_BLOB: u64 = 32 << 20;

/// One blob of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OsmBlob {
    /// Where it begins.
    pub offset: u64,
    /// `OSMHeader`, `OSMData`, or what a program made up.
    pub kind: String,
    /// The message `Blob`.
    pub data: Vec<u8>,
}

/// What is in a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OsmData<'a> {
    /// The block itself.
    Raw(&'a [u8]),
    /// Packed by zlib.
    Zlib(&'a [u8]),
    /// A block of LZ4, without a frame.
    Lz4(&'a [u8]),
    /// Packed by Zstandard, bzip2 or XZ, each with the mark of its files.
    Packed(&'a [u8], Compression),
}

/// The first block of a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct OsmHeader {
    /// Where all of it lies, if that is said.
    pub bbox: Option<BoundingBox>,
    /// What a reader must know about.
    pub required_features: Vec<String>,
    /// What a reader may make use of.
    pub optional_features: Vec<String>,
    /// The program that wrote it.
    pub program: Option<String>,
    /// Where the data is from.
    pub source: Option<String>,
}

/// A rectangle on the map, in billionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is a side")]
pub struct BoundingBox {
    pub left: i64,
    pub right: i64,
    pub top: i64,
    pub bottom: i64,
}

/// Degrees, as a number.
#[must_use]
pub fn degrees(billionths: i64) -> f64 {
    billionths as f64 / 1e9
}

/// How many elements there are, and where the nodes lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OsmCounts {
    /// Points.
    pub nodes: u64,
    /// Lines and outlines.
    pub ways: u64,
    /// Sets of elements.
    pub relations: u64,
    /// Sets of edits.
    pub changesets: u64,
    /// The least rectangle that has all nodes in it.
    pub bbox: Option<BoundingBox>,
}

/// Reads blobs one by one.
#[derive(Debug)]
pub struct OsmReader<R> {
    source: R,
    offset: u64,
}

impl<R: Read> OsmReader<R> {
    /// Reads from `source`.
    pub fn new(source: R) -> Self {
        Self { source, offset: 0 }
    }

    /// The next blob; `None` behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`] and [`ErrorKind::Limit`], with the offset of
    /// the blob; those of the source.
    pub fn next_blob(&mut self) -> Result<Option<OsmBlob>> {
        let offset = self.offset;
        self.read(offset).map_err(|error| error.at_offset(offset))
    }

    fn read(&mut self, offset: u64) -> Result<Option<OsmBlob>> {
        let mut length = Vec::with_capacity(4);
        self.fill(&mut length, 4)?;
        let Ok(length) = <[u8; 4]>::try_from(length.as_slice()) else {
            return if length.is_empty() { Ok(None) } else { Err(truncated()) };
        };
        let length = u32::from_be_bytes(length);
        if length > LARGEST_HEADER {
            let text = format!("the header of a blob claims {length} bytes; 65536 is the most");
            return Err(Error::new(ErrorKind::Syntax, text)
                .with_hint("is it an extract of OpenStreetMap (`.osm.pbf`)?"));
        }
        let header = self.take(length.into())?;
        let (kind, size) = read_blob_header(&header)?;
        if size > LARGEST_BLOB {
            let text = format!("a blob claims {size} bytes; {LARGEST_BLOB} is the most");
            return Err(Error::new(ErrorKind::Limit, text));
        }
        let data = self.take(size)?;
        Ok(Some(OsmBlob { offset, kind, data }))
    }

    fn take(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut data = Vec::with_capacity(usize::try_from(length.min(1 << 16)).unwrap_or(0));
        self.fill(&mut data, length)?;
        if (data.len() as u64) < length { Err(truncated()) } else { Ok(data) }
    }

    fn fill(&mut self, data: &mut Vec<u8>, length: u64) -> Result<()> {
        let read = (&mut self.source).take(length).read_to_end(data);
        self.offset += read.map_err(|error| Error::io(error, "cannot read a blob"))? as u64;
        Ok(())
    }
}

#[cold]
fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the file ends inside a blob")
}

fn read_blob_header(header: &[u8]) -> Result<(String, u64)> {
    let (mut kind, mut size) = (None, None);
    let mut records = Records::new(header);
    while let Some((number, record)) = records.next()? {
        match (number, record) {
            (1, Record::Length(text)) => kind = Some(text.text()),
            (3, Record::Varint(bytes)) => size = Some(bytes),
            _ => {}
        }
    }
    kind.zip(size).ok_or_else(|| {
        let error = Error::new(ErrorKind::Syntax, "expected a blob with a type and a size");
        error.with_hint("is it an extract of OpenStreetMap (`.osm.pbf`)?")
    })
}

/// What is in the message `Blob`, and how long it is unpacked, if that is said.
///
/// # Errors
/// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`].
pub fn parse_blob(blob: &[u8]) -> Result<(OsmData<'_>, Option<u64>)> {
    let (mut data, mut size) = (None, None);
    let mut records = Records::new(blob);
    while let Some((number, record)) = records.next()? {
        match (number, record) {
            (1, Record::Length(raw)) => data = Some(OsmData::Raw(raw.bytes())),
            (2, Record::Varint(bytes)) => size = Some(bytes),
            (3, Record::Length(packed)) => data = Some(OsmData::Zlib(packed.bytes())),
            (4, Record::Length(xz)) => data = Some(OsmData::Packed(xz.bytes(), Compression::Xz)),
            (5, Record::Length(bz)) => data = Some(OsmData::Packed(bz.bytes(), Compression::Bzip2)),
            (6, Record::Length(packed)) => data = Some(OsmData::Lz4(packed.bytes())),
            (7, Record::Length(zst)) => {
                data = Some(OsmData::Packed(zst.bytes(), Compression::Zstd));
            }
            _ => {}
        }
    }
    let missing = || Error::new(ErrorKind::Syntax, "expected a blob with data in it");
    Ok((data.ok_or_else(missing)?, size))
}

impl OsmBlob {
    /// The block in it, unpacked; at most the 32 MiB that the format allows.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`], [`ErrorKind::Limit`] and [`ErrorKind::Unsupported`], with the offset
    /// of the blob.
    pub fn block(&self) -> Result<Vec<u8>> {
        self.unpack().map_err(|error| error.at_offset(self.offset))
    }

    fn unpack(&self) -> Result<Vec<u8>> {
        let (data, size) = parse_blob(&self.data)?;
        let mut block = Vec::new();
        match data {
            OsmData::Raw(raw) => block.extend_from_slice(raw),
            OsmData::Zlib(packed) => {
                let mut reader = flate2::read::ZlibDecoder::new(packed).take(LARGEST_BLOB + 1);
                reader.read_to_end(&mut block).map_err(|error| damaged(&error))?;
            }
            OsmData::Lz4(packed) => {
                // A block does not say how long it is.
                let len = size.filter(|size| *size <= LARGEST_BLOB).ok_or_else(|| {
                    Error::new(ErrorKind::Corrupt, "a blob packed by LZ4 does not say its size")
                })?;
                block = lz4_flex::block::decompress(packed, usize::try_from(len).unwrap_or(0))
                    .map_err(|error| damaged(&error))?;
            }
            OsmData::Packed(packed, by) => {
                if Compression::of_start(packed) != Some(by) {
                    let text = format!("a blob is not packed by {}, as it says", by.name());
                    return Err(Error::new(ErrorKind::Corrupt, text));
                }
                let reader = Input::from_memory(packed.to_vec())?.into_reader();
                let mut reader = reader.take(LARGEST_BLOB + 1);
                reader.read_to_end(&mut block).map_err(|error| damaged(&error))?;
            }
        }
        if block.len() as u64 > LARGEST_BLOB {
            let text = format!("a blob expands to more than the {LARGEST_BLOB} bytes allowed");
            return Err(Error::new(ErrorKind::Limit, text));
        }
        match size {
            Some(size) if size != block.len() as u64 => {
                let text = format!("a blob of {size} bytes expands to {}", block.len());
                Err(Error::new(ErrorKind::Corrupt, text))
            }
            _ => Ok(block),
        }
    }
}

/// Writes a block as a blob, packed by zlib.
///
/// # Errors
/// [`ErrorKind::Limit`] for more than the 32 MiB allowed; those of the target.
pub fn write_blob<W: Write>(target: &mut W, kind: &str, block: &[u8]) -> Result<()> {
    let packed = Vec::new();
    let mut encoder = flate2::write::ZlibEncoder::new(packed, flate2::Compression::default());
    let packed = encoder.write_all(block).and_then(|()| encoder.finish());
    let packed = packed.map_err(|error| Error::io(error, "cannot pack a blob"))?;
    let mut blob = Vec::with_capacity(packed.len() + 16);
    put_tag(&mut blob, 2, VARINT);
    put_varint(&mut blob, block.len() as u64);
    put_bytes(&mut blob, 3, &packed);
    if block.len().max(blob.len()) as u64 > LARGEST_BLOB {
        let text = format!("a block of {} bytes; {LARGEST_BLOB} is the most", block.len());
        return Err(Error::new(ErrorKind::Limit, text));
    }
    let mut header = Vec::new();
    put_bytes(&mut header, 1, kind.as_bytes());
    put_tag(&mut header, 3, VARINT);
    put_varint(&mut header, blob.len() as u64);
    let length = (header.len() as u32).to_be_bytes();
    let written = target.write_all(&length).and_then(|()| target.write_all(&header));
    let written = written.and_then(|()| target.write_all(&blob));
    written.map_err(|error| Error::io(error, "cannot write a blob"))
}

#[cold]
fn damaged(error: &dyn std::error::Error) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a packed blob is damaged: {error}"))
}

/// Whether bytes begin with the header of a blob of either kind.
pub(super) fn begins_so(start: &[u8]) -> bool {
    let Some((length, rest)) = start.split_first_chunk::<4>() else { return false };
    let length = u32::from_be_bytes(*length);
    let Some(header) = rest.get(..length.min(LARGEST_HEADER) as usize) else { return false };
    if length > LARGEST_HEADER {
        return false;
    }
    let (mut is_kind, mut has_size) = (false, false);
    let is_it = each(Records::new(header), |number, record| match (number, record) {
        (1, Record::Length(text)) => {
            is_kind = matches!(text.bytes(), b"OSMHeader" | b"OSMData");
            is_kind
        }
        (2, Record::Length(_)) => true,
        (3, Record::Varint(_)) => {
            has_size = true;
            true
        }
        _ => false,
    });
    is_it && is_kind && has_size
}

impl OsmHeader {
    /// Reads the message `HeaderBlock`.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] and [`ErrorKind::Syntax`].
    pub fn read(block: &[u8]) -> Result<Self> {
        let mut header = Self::default();
        let mut records = Records::new(block);
        while let Some((number, record)) = records.next()? {
            let Record::Length(part) = record else { continue };
            match number {
                1 => header.bbox = Some(read_bbox(part)?),
                4 => header.required_features.push(part.text()),
                5 => header.optional_features.push(part.text()),
                16 => header.program = Some(part.text()),
                17 => header.source = Some(part.text()),
                _ => {}
            }
        }
        Ok(header)
    }
}

fn read_bbox(mut records: Records<'_>) -> Result<BoundingBox> {
    let mut bbox = BoundingBox { left: 0, right: 0, top: 0, bottom: 0 };
    while let Some((number, record)) = records.next()? {
        let Record::Varint(value) = record else { continue };
        match number {
            1 => bbox.left = unzigzag(value),
            2 => bbox.right = unzigzag(value),
            3 => bbox.top = unzigzag(value),
            4 => bbox.bottom = unzigzag(value),
            _ => {}
        }
    }
    Ok(bbox)
}

/// What a block says about all of its elements.
struct Block<'a> {
    data: &'a [u8],
    /// Where its texts lie.
    texts: Vec<(u32, u32)>,
    granularity: i64,
    date_granularity: i64,
    /// Of latitude and longitude.
    offsets: [i64; 2],
}

impl<'a> Block<'a> {
    fn read(data: &'a [u8], with_texts: bool) -> Result<Self> {
        let mut block = Self {
            data,
            texts: Vec::new(),
            granularity: 100,
            date_granularity: 1000,
            offsets: [0; 2],
        };
        let mut records = Records::new(data);
        while let Some((number, record)) = records.next()? {
            match (number, record) {
                (1, Record::Length(mut table)) if with_texts => {
                    while let Some((number, record)) = table.next()? {
                        if let (1, Record::Length(text)) = (number, record) {
                            block.texts.push((text.offset() as u32, text.len as u32));
                        }
                    }
                }
                (17, Record::Varint(value)) => block.granularity = i64::from(value as i32),
                (18, Record::Varint(value)) => block.date_granularity = i64::from(value as i32),
                (19, Record::Varint(value)) => block.offsets[0] = value.cast_signed(),
                (20, Record::Varint(value)) => block.offsets[1] = value.cast_signed(),
                _ => {}
            }
        }
        Ok(block)
    }

    fn groups(&self, mut each: impl FnMut(u32, Record<'a>) -> Result<()>) -> Result<()> {
        let mut records = Records::new(self.data);
        while let Some((number, record)) = records.next()? {
            if let (2, Record::Length(mut group)) = (number, record) {
                while let Some((number, record)) = group.next()? {
                    each(number, record)?;
                }
            }
        }
        Ok(())
    }

    fn text(&self, index: u64) -> Result<&'a [u8]> {
        let at = usize::try_from(index).ok().and_then(|index| self.texts.get(index));
        let (start, len) = at.ok_or_else(|| {
            let text = format!("text {index} is none of the {} of its block", self.texts.len());
            Error::new(ErrorKind::Reference, text)
        })?;
        Ok(&self.data[*start as usize..][..*len as usize])
    }

    /// Latitude or longitude in billionths of a degree.
    fn degrees(&self, axis: usize, value: i64) -> i64 {
        self.offsets[axis].wrapping_add(self.granularity.wrapping_mul(value))
    }
}

impl OsmCounts {
    /// Adds the elements of a block.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`] and [`ErrorKind::Value`].
    pub fn add_block(&mut self, data: &[u8]) -> Result<()> {
        let block = Block::read(data, false)?;
        block.groups(|number, record| match (number, record) {
            (1, Record::Length(mut node)) => {
                self.nodes += 1;
                let mut place = [None; 2];
                while let Some((number, record)) = node.next()? {
                    if let (8 | 9, Record::Varint(value)) = (number, record) {
                        place[number as usize - 8] = Some(unzigzag(value));
                    }
                }
                if let [Some(lat), Some(lon)] = place {
                    self.add_place(block.degrees(0, lat), block.degrees(1, lon));
                }
                Ok(())
            }
            (2, Record::Length(dense)) => {
                let mut dense = Dense::read(dense)?;
                while let Some((_, lat, lon)) = dense.next()? {
                    self.nodes += 1;
                    self.add_place(block.degrees(0, lat), block.degrees(1, lon));
                }
                Ok(())
            }
            (3, _) => {
                self.ways += 1;
                Ok(())
            }
            (4, _) => {
                self.relations += 1;
                Ok(())
            }
            (5, _) => {
                self.changesets += 1;
                Ok(())
            }
            _ => Ok(()),
        })
    }

    fn add_place(&mut self, lat: i64, lon: i64) {
        let here = BoundingBox { left: lon, right: lon, top: lat, bottom: lat };
        let bbox = self.bbox.get_or_insert(here);
        bbox.left = bbox.left.min(lon);
        bbox.right = bbox.right.max(lon);
        bbox.top = bbox.top.max(lat);
        bbox.bottom = bbox.bottom.min(lat);
    }
}

/// Nodes as columns of differences.
struct Dense<'a> {
    columns: [Option<Varints<'a>>; 3],
    at: [i64; 3],
    tags: Option<Varints<'a>>,
    info: Option<Records<'a>>,
    offset: u64,
}

impl<'a> Dense<'a> {
    fn read(mut records: Records<'a>) -> Result<Self> {
        let offset = records.offset();
        let mut dense = Self { columns: [None; 3], at: [0; 3], tags: None, info: None, offset };
        while let Some((number, record)) = records.next()? {
            let Record::Length(part) = record else { continue };
            match number {
                1 => dense.columns[0] = Some(part.varints()),
                5 => dense.info = Some(part),
                8 => dense.columns[1] = Some(part.varints()),
                9 => dense.columns[2] = Some(part.varints()),
                10 => dense.tags = Some(part.varints()),
                _ => {}
            }
        }
        Ok(dense)
    }

    /// Number, latitude and longitude of the next node.
    fn next(&mut self) -> Result<Option<(i64, i64, i64)>> {
        let mut ends = 0;
        for (column, at) in self.columns.iter_mut().zip(&mut self.at) {
            match column.as_mut().map_or(Ok(None), Varints::next_signed)? {
                Some(difference) => *at = at.wrapping_add(difference),
                None => ends += 1,
            }
        }
        match ends {
            0 => Ok(Some((self.at[0], self.at[1], self.at[2]))),
            3 => Ok(None),
            _ => {
                let text = "expected as many latitudes and longitudes as nodes";
                Err(Error::new(ErrorKind::Value, text).at_offset(self.offset))
            }
        }
    }
}

/// Sends the elements of a block, one map each, as OpenStreetMap's JSON has them: `type`, `id`,
/// `lat` and `lon`, `nodes` or `members`, `tags`, and what is said about their last edit.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`], [`ErrorKind::Value`] and
/// [`ErrorKind::Reference`]; those of the sink.
pub fn send_elements(data: &[u8], sink: &mut dyn Sink) -> Result<()> {
    let block = Block::read(data, true)?;
    block.groups(|number, record| match (number, record) {
        (1, Record::Length(node)) => Element::read(node)?.send("node", &block, sink),
        (2, Record::Length(dense)) => send_dense(dense, &block, sink),
        (3, Record::Length(way)) => Element::read(way)?.send("way", &block, sink),
        (4, Record::Length(relation)) => Element::read(relation)?.send("relation", &block, sink),
        (5, Record::Length(changeset)) => Element::read(changeset)?.send("changeset", &block, sink),
        _ => Ok(()),
    })
}

/// What is said about an element's last edit.
#[derive(Clone, Copy, Default)]
struct Info {
    version: Option<i64>,
    timestamp: Option<i64>,
    changeset: Option<i64>,
    uid: Option<i64>,
    user: Option<u64>,
    is_visible: Option<bool>,
}

/// A node, way or relation.
struct Element<'a> {
    id: i64,
    keys: Option<Varints<'a>>,
    values: Option<Varints<'a>>,
    info: Info,
    place: [Option<i64>; 2],
    /// Columns 8, 9 and 10: the nodes of a way, the members of a relation.
    columns: [Option<Varints<'a>>; 3],
}

impl<'a> Element<'a> {
    fn read(mut records: Records<'a>) -> Result<Self> {
        let mut read = Self {
            id: 0,
            keys: None,
            values: None,
            info: Info::default(),
            place: [None; 2],
            columns: [None; 3],
        };
        while let Some((number, record)) = records.next()? {
            match (number, record) {
                // Kept as it came: of a node it is a zigzag.
                (1, Record::Varint(id)) => read.id = id.cast_signed(),
                (2, Record::Length(keys)) => read.keys = Some(keys.varints()),
                (3, Record::Length(values)) => read.values = Some(values.varints()),
                (4, Record::Length(info)) => read.info = Info::read(info)?,
                (8 | 9, Record::Varint(value)) => {
                    read.place[number as usize - 8] = Some(unzigzag(value));
                }
                (8..=10, Record::Length(column)) => {
                    read.columns[number as usize - 8] = Some(column.varints());
                }
                _ => {}
            }
        }
        Ok(read)
    }

    fn send(self, kind: &'static str, block: &Block<'_>, sink: &mut dyn Sink) -> Result<()> {
        sink.begin(Container::Map, None)?;
        sink.key(Text::Ascii("type"))?;
        sink.text(Text::Ascii(kind))?;
        let id = if kind == "node" { unzigzag(self.id.cast_unsigned()) } else { self.id };
        send_int("id", id, sink)?;
        if let [Some(lat), Some(lon)] = self.place {
            send_place(block.degrees(0, lat), block.degrees(1, lon), sink)?;
        }
        self.info.send(block, sink)?;
        match kind {
            "way" => self.send_nodes(sink)?,
            "relation" => self.send_members(block, sink)?,
            _ => {}
        }
        self.send_tags(block, sink)?;
        sink.end(Container::Map)
    }

    fn send_nodes(&self, sink: &mut dyn Sink) -> Result<()> {
        sink.key(Text::Ascii("nodes"))?;
        sink.begin(Container::List, None)?;
        let mut node = 0_i64;
        if let Some(mut nodes) = self.columns[0] {
            while let Some(difference) = nodes.next_signed()? {
                node = node.wrapping_add(difference);
                sink.int(node)?;
            }
        }
        sink.end(Container::List)
    }

    fn send_members(&self, block: &Block<'_>, sink: &mut dyn Sink) -> Result<()> {
        sink.key(Text::Ascii("members"))?;
        sink.begin(Container::List, None)?;
        let mut member = 0_i64;
        if let [Some(mut roles), Some(mut members), Some(mut types)] = self.columns {
            while let Some(difference) = members.next_signed()? {
                member = member.wrapping_add(difference);
                let (Some(role), Some(of)) = (roles.next()?, types.next()?) else {
                    let text = "expected a role and a type for each member of a relation";
                    return Err(Error::new(ErrorKind::Value, text));
                };
                sink.begin(Container::Map, None)?;
                sink.key(Text::Ascii("type"))?;
                sink.text(Text::Ascii(match of {
                    0 => "node",
                    1 => "way",
                    2 => "relation",
                    _ => "unknown",
                }))?;
                send_int("ref", member, sink)?;
                sink.key(Text::Ascii("role"))?;
                send_text(block.text(role)?, sink)?;
                sink.end(Container::Map)?;
            }
        }
        sink.end(Container::List)
    }

    fn send_tags(&self, block: &Block<'_>, sink: &mut dyn Sink) -> Result<()> {
        let (Some(mut keys), Some(mut values)) = (self.keys, self.values) else { return Ok(()) };
        let mut is_open = false;
        while let Some(key) = keys.next()? {
            let Some(value) = values.next()? else {
                return Err(Error::new(ErrorKind::Value, "expected a value for each tag's key"));
            };
            send_tag(block, key, value, &mut is_open, sink)?;
        }
        if is_open { sink.end(Container::Map) } else { Ok(()) }
    }
}

fn send_tag(
    block: &Block<'_>,
    key: u64,
    value: u64,
    is_open: &mut bool,
    sink: &mut dyn Sink,
) -> Result<()> {
    if !*is_open {
        sink.key(Text::Ascii("tags"))?;
        sink.begin(Container::Map, None)?;
        *is_open = true;
    }
    sink.key((&*String::from_utf8_lossy(block.text(key)?)).into())?;
    send_text(block.text(value)?, sink)
}

fn send_dense(dense: Records<'_>, block: &Block<'_>, sink: &mut dyn Sink) -> Result<()> {
    let mut dense = Dense::read(dense)?;
    let mut infos = dense.info.map_or(Ok(DenseInfo::default()), DenseInfo::read)?;
    let mut tags = dense.tags;
    while let Some((id, lat, lon)) = dense.next()? {
        sink.begin(Container::Map, None)?;
        sink.key(Text::Ascii("type"))?;
        sink.text(Text::Ascii("node"))?;
        send_int("id", id, sink)?;
        send_place(block.degrees(0, lat), block.degrees(1, lon), sink)?;
        infos.next()?.send(block, sink)?;
        let mut is_open = false;
        if let Some(tags) = &mut tags {
            // Keys and values in turn; a 0 ends those of a node.
            while let Some(key) = tags.next()?.filter(|&key| key != 0) {
                let Some(value) = tags.next()? else {
                    return Err(Error::new(ErrorKind::Value, "expected a value behind a key"));
                };
                send_tag(block, key, value, &mut is_open, sink)?;
            }
        }
        if is_open {
            sink.end(Container::Map)?;
        }
        sink.end(Container::Map)?;
    }
    Ok(())
}

fn send_place(lat: i64, lon: i64, sink: &mut dyn Sink) -> Result<()> {
    sink.key(Text::Ascii("lat"))?;
    sink.float(degrees(lat))?;
    sink.key(Text::Ascii("lon"))?;
    sink.float(degrees(lon))
}

fn send_int(key: &'static str, value: i64, sink: &mut dyn Sink) -> Result<()> {
    sink.key(Text::Ascii(key))?;
    sink.int(value)
}

fn send_text(bytes: &[u8], sink: &mut dyn Sink) -> Result<()> {
    sink.text((&*String::from_utf8_lossy(bytes)).into())
}

impl Info {
    fn read(mut records: Records<'_>) -> Result<Self> {
        let mut info = Self::default();
        while let Some((number, record)) = records.next()? {
            let Record::Varint(value) = record else { continue };
            match number {
                1 => info.version = Some(i64::from(value as i32)),
                2 => info.timestamp = Some(value.cast_signed()),
                3 => info.changeset = Some(value.cast_signed()),
                4 => info.uid = Some(i64::from(value as i32)),
                5 => info.user = Some(value),
                6 => info.is_visible = Some(value != 0),
                _ => {}
            }
        }
        Ok(info)
    }

    fn send(&self, block: &Block<'_>, sink: &mut dyn Sink) -> Result<()> {
        if let Some(version) = self.version.filter(|&version| version >= 0) {
            send_int("version", version, sink)?;
        }
        if let Some(timestamp) = self.timestamp.filter(|&timestamp| timestamp != 0) {
            let seconds = timestamp.wrapping_mul(block.date_granularity) / 1000;
            match crate::json::timestamp_text(seconds, 0) {
                Some(text) => {
                    sink.key(Text::Ascii("timestamp"))?;
                    sink.text(text.as_str().into())?;
                }
                None => send_int("timestamp", seconds, sink)?,
            }
        }
        if let Some(changeset) = self.changeset.filter(|&changeset| changeset > 0) {
            send_int("changeset", changeset, sink)?;
        }
        if let Some(uid) = self.uid.filter(|&uid| uid > 0) {
            send_int("uid", uid, sink)?;
        }
        let user = self.user.map_or(Ok(&[][..]), |user| block.text(user))?;
        if !user.is_empty() {
            sink.key(Text::Ascii("user"))?;
            send_text(user, sink)?;
        }
        if self.is_visible == Some(false) {
            sink.key(Text::Ascii("visible"))?;
            sink.bool(false)?;
        }
        Ok(())
    }
}

/// The same for many nodes, in columns: of differences, but for version and visibility.
#[derive(Default)]
struct DenseInfo<'a> {
    columns: [Option<Varints<'a>>; 6],
    at: [i64; 4],
}

impl<'a> DenseInfo<'a> {
    fn read(mut records: Records<'a>) -> Result<Self> {
        let mut infos = Self::default();
        while let Some((number, record)) = records.next()? {
            if let (1..=6, Record::Length(column)) = (number, record) {
                infos.columns[number as usize - 1] = Some(column.varints());
            }
        }
        Ok(infos)
    }

    fn next(&mut self) -> Result<Info> {
        let [version, timestamp, changeset, uid, user, visible] = &mut self.columns;
        let plain =
            |column: &mut Option<Varints<'a>>| column.as_mut().map_or(Ok(None), Varints::next);
        let mut differences = [None; 4];
        let columns = [timestamp, changeset, uid, user];
        for ((column, at), value) in columns.into_iter().zip(&mut self.at).zip(&mut differences) {
            if let Some(difference) = column.as_mut().map_or(Ok(None), Varints::next_signed)? {
                *at = at.wrapping_add(difference);
                *value = Some(*at);
            }
        }
        let [timestamp, changeset, uid, user] = differences;
        Ok(Info {
            version: plain(version)?.map(|version| i64::from(version as i32)),
            timestamp,
            changeset,
            uid,
            user: user.map(i64::cast_unsigned),
            is_visible: plain(visible)?.map(|visible| visible != 0),
        })
    }
}
