//! Compressed files, unpacked no further than the limits allow, and kept only where they are looked into.

use std::io::{self, Read};

use cannery_core::Limits;

use super::array::end_of_numbers;
use super::kind::Compression;
use super::{Scanner, Verdict};

const DAMAGED: &str = "compressed data that is damaged, cut off, or followed by something else";

/// Bytes that show what it is that was compressed.
const BEGINNING: usize = 64 << 10;
/// Bytes that are kept whatever they are compressed to; beyond them, what packs denser than data does
/// is first counted.
const KEPT: u64 = 16 << 20;

/// So much of what is a bomb is judged.
const JUDGED_OF_BOMB: usize = 2 << 20;

/// What came out of a compressed part.
pub(super) struct Unpacked {
    /// All of it; of numbers and of bombs, the beginning.
    pub(super) bytes: Vec<u8>,
    /// How long all of it is, and its CRC-32.
    pub(super) length: u64,
    pub(super) crc: u32,
    /// Whether it is an array of numbers from its first byte to its last.
    pub(super) is_numbers: bool,
    /// Why there is not more.
    pub(super) fault: Option<String>,
}

/// How much compressed bytes may unpack to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expansion {
    /// What a text, a document, or a pickle may.
    pub(super) data: u64,
    /// What an array of numbers may, of which nothing is kept.
    pub(super) numbers: u64,
}

impl Expansion {
    /// For a whole file: what the readers of compressed files allow.
    pub(super) fn of_file(packed: usize) -> Self {
        let data = Limits::default().expanded_for(packed as u64);
        Self { data, numbers: data }
    }

    /// For a member of an archive: an array may be all zeros.
    pub(super) fn of_member(packed: usize) -> Self {
        let numbers = Limits::default().bytes_for(packed as u64);
        Self { numbers, ..Self::of_file(packed) }
    }
}

impl Scanner {
    pub(super) fn packed(&mut self, packing: Compression, data: &[u8]) -> String {
        let most = Expansion::of_file(data.len());
        let unpacked = self.unpack(|| reader(packing, data), data.len(), most);
        let is_cut = packing == Compression::Lz4 && lz4_end(data) != Some(data.len());
        let is_empty = unpacked.bytes.is_empty() && unpacked.fault.is_some();
        if let Some(fault) = unpacked.fault.as_deref().or(is_cut.then_some(DAMAGED)) {
            self.note(Verdict::Unknown, 0, fault);
        }
        if is_empty {
            // It only looked like that: what would a pickle reader say?
            self.search(data, 0);
            return "a broken compressed file".to_owned();
        }
        let what = self.content_unpacked(&unpacked);
        format!("{what}, compressed")
    }

    /// Scans what was unpacked; says what that is.
    pub(super) fn content_unpacked(&mut self, unpacked: &Unpacked) -> String {
        if unpacked.is_numbers {
            self.judged = Verdict::Ok;
            return "an array of numbers, no pickle".to_owned();
        }
        self.content(&unpacked.bytes)
    }

    /// Unpacks what a reader makes of that many bytes, and begins again with another one if it has to.
    pub(super) fn unpack<'a>(
        &mut self,
        open: impl Fn() -> Option<Box<dyn Read + 'a>>,
        packed: usize,
        most: Expansion,
    ) -> Unpacked {
        let mut unpacked = Unpacking::default();
        let Some(reader) = open() else {
            return unpacked.end(Some("compressed in a way that cannery does not read".to_owned()));
        };
        let left = self.unpacking_left();
        let read = unpacked.all(reader, &open, packed, left, most);
        self.unpacked += unpacked.length.min(left);
        unpacked.end(read.err())
    }

    /// Unpacks what can be read once.
    #[cfg(feature = "7z")]
    pub(super) fn unpack_once(&mut self, mut reader: impl Read, packed: usize) -> Unpacked {
        let mut unpacked = Unpacking::default();
        let most = self.unpacking_left().min(Expansion::of_file(packed).data);
        let read = unpacked
            .keep(&mut reader, most)
            .and_then(|is_end| if is_end { Ok(()) } else { Err(bomb(packed, most)) });
        self.unpacked += unpacked.length;
        unpacked.end(read.err())
    }
}

#[derive(Default)]
struct Unpacking {
    bytes: Vec<u8>,
    length: u64,
    crc: crc32fast::Hasher,
    is_numbers: bool,
}

impl Unpacking {
    fn all<'a>(
        &mut self,
        mut reader: Box<dyn Read + 'a>,
        open: impl Fn() -> Option<Box<dyn Read + 'a>>,
        packed: usize,
        left: u64,
        most: Expansion,
    ) -> Result<(), String> {
        if self.keep(&mut reader, (BEGINNING as u64).min(left))? {
            return Ok(());
        }
        if let Some(end) = end_of_numbers(&self.bytes) {
            let most = most.numbers.min(left);
            if self.count(&mut reader, most)? {
                self.is_numbers = self.length == end;
            } else {
                return Err(bomb(packed, most));
            }
            if self.is_numbers {
                return Ok(());
            }
        } else {
            let honest = Limits::default().expanded_per_byte.saturating_mul(packed as u64);
            if self.keep(&mut reader, honest.max(KEPT).min(left))? {
                return Ok(());
            }
            if !self.count(&mut reader, most.data.min(left))? {
                // To judge a byte takes several: no more of a bomb is judged than a bomb may cost.
                self.bytes.truncate(JUDGED_OF_BOMB);
                return Err(bomb(packed, most.data.min(left)));
            }
        }
        // It is no bomb, so that all of it can be kept.
        drop(reader);
        if self.length > most.data {
            self.bytes.truncate(JUDGED_OF_BOMB);
            return Err(bomb(packed, most.data));
        }
        let Some(mut reader) = open() else { return Err(DAMAGED.to_owned()) };
        let most = self.length;
        *self = Self::default();
        self.keep(&mut reader, most)?;
        Ok(())
    }

    /// Keeps what comes until there are that many bytes; whether that was the end.
    fn keep(&mut self, reader: &mut impl Read, most: u64) -> Result<bool, String> {
        let before = self.bytes.len();
        let room = most.saturating_sub(self.length).saturating_add(1);
        let read = reader.take(room).read_to_end(&mut self.bytes);
        self.crc.update(&self.bytes[before..]);
        self.length = self.bytes.len() as u64;
        read.map(|_| self.length <= most).map_err(|_| DAMAGED.to_owned())
    }

    /// Counts what comes until there are that many bytes; whether that was the end.
    fn count(&mut self, reader: &mut impl Read, most: u64) -> Result<bool, String> {
        let mut piece = vec![0; BEGINNING];
        while self.length <= most {
            match reader.read(&mut piece) {
                Ok(0) => return Ok(true),
                Ok(read) => {
                    self.crc.update(&piece[..read]);
                    self.length += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(DAMAGED.to_owned()),
            }
        }
        Ok(false)
    }

    fn end(self, fault: Option<String>) -> Unpacked {
        let Self { bytes, length, crc, is_numbers } = self;
        Unpacked { bytes, length, crc: crc.finalize(), is_numbers, fault }
    }
}

fn bomb(packed: usize, most: u64) -> String {
    format!("{packed} bytes that unpack to more than {most}: a resource bomb")
}

#[cfg(feature = "wrappings")]
pub(super) fn reader<'a>(packing: Compression, data: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    Some(match packing {
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(data)),
        Compression::Zlib => Box::new(Whole {
            reader: flate2::bufread::ZlibDecoder::new(data),
            rest: |reader| reader.get_ref().len(),
        }),
        Compression::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(data)),
        Compression::Xz => Box::new(lzma_rust2::XzReader::new(data, true)),
        Compression::Lzma => {
            // Properties, the size of the dictionary, and that of what was packed.
            let (&[properties, ref dictionary @ ..], rest) = data.split_first_chunk::<5>()?;
            let (size, rest) = rest.split_first_chunk()?;
            let dictionary = u32::from_le_bytes(*dictionary).min(MAX_DICTIONARY);
            let size = u64::from_le_bytes(*size);
            let reader =
                lzma_rust2::LzmaReader::new_with_props(rest, size, properties, dictionary, None);
            Box::new(WholeLzma(Some(reader.ok()?)))
        }
        Compression::Lz4 => Box::new(Whole {
            reader: lz4_flex::frame::FrameDecoder::new(data),
            rest: |reader| reader.get_ref().len(),
        }),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(data).ok()?),
        Compression::OldJoblib => Box::new(flate2::read::ZlibDecoder::new(old_joblib(data)?)),
    })
}

#[cfg(not(feature = "wrappings"))]
pub(super) fn reader<'a>(_: Compression, _: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    None
}

/// The zlib stream in a file of joblib's before its version 0.10: it lies behind `ZF` and a length
/// of 19 characters, and perhaps a blank.
pub(super) fn old_joblib(data: &[u8]) -> Option<&[u8]> {
    const HEADER: usize = 2 + 19;
    let rest = data.strip_prefix(b"ZF").and_then(|_| data.get(HEADER..))?;
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    is_zlib_header(rest).then_some(rest)
}

/// Whether these are a method and flags that `zlib` takes (RFC 1950, section 2.2).
pub(super) fn is_zlib_header(data: &[u8]) -> bool {
    match data {
        [method, flags, ..] => {
            method & 0xf == 8
                && method >> 4 <= 7
                && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0
        }
        _ => false,
    }
}

/// Bytes that a dictionary may take.
#[cfg(feature = "wrappings")]
const MAX_DICTIONARY: u32 = 256 << 20;

/// Where the last of LZ4's frames ends; their decoder does not miss a mark at the end.
fn lz4_end(data: &[u8]) -> Option<usize> {
    const MAGIC: u32 = 0x184d_2204;
    let word = |at: usize| Some(u32::from_le_bytes(*data.get(at..)?.first_chunk()?));
    let mut at = 0;
    while at < data.len() {
        let magic = word(at)?;
        if magic & !0xf == 0x184d_2a50 {
            at = at.checked_add(8)?.checked_add(usize::try_from(word(at + 4)?).ok()?)?;
            continue;
        }
        let flags = *data.get(at + 4).filter(|_| magic == MAGIC)?;
        let has = |bit: u8| usize::from(flags >> bit & 1);
        at += 7 + 8 * has(3) + 4 * has(0);
        loop {
            let size = usize::try_from(word(at)? & 0x7fff_ffff).ok()?;
            at += 4;
            if size == 0 {
                break;
            }
            at = at.checked_add(size + 4 * has(4))?;
        }
        at += 4 * has(2);
    }
    Some(at)
}

/// A decoder that must use up all of its input.
#[cfg(feature = "wrappings")]
struct Whole<R> {
    reader: R,
    /// Bytes that were not read.
    rest: fn(&R) -> usize,
}

#[cfg(feature = "wrappings")]
impl<R: Read> Read for Whole<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let before = (self.rest)(&self.reader);
            let read = self.reader.read(into)?;
            if read > 0 || into.is_empty() || before == 0 {
                return Ok(read);
            }
            // lz4's frames may lie one behind the other; others stop for good.
            if (self.rest)(&self.reader) == before {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// A decoder that reads ahead, and must use up all of its input.
#[cfg(feature = "wrappings")]
struct WholeLzma<'a>(Option<lzma_rust2::LzmaReader<&'a [u8]>>);

#[cfg(feature = "wrappings")]
impl Read for WholeLzma<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let Some(reader) = &mut self.0 else { return Ok(0) };
        let read = reader.read(into)?;
        if read == 0 && !into.is_empty() {
            let rest = self.0.take().map(lzma_rust2::LzmaReader::into_parts);
            if rest.is_some_and(|(rest, ahead)| !rest.is_empty() || !ahead.is_empty()) {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
        }
        Ok(read)
    }
}
