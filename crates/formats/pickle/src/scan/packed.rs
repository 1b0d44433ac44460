//! Compressed files, unpacked no further than the limits allow.

use std::io::Read;

use cannery_core::Limits;

use super::kind::{Compression, FileKind};
use super::{Scanner, Verdict};

const DAMAGED: &str = "compressed data that is damaged, cut off, or followed by something else";

/// What came out of a compressed part.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// Why there is not more.
    pub(super) fault: Option<&'static str>,
}

impl Scanner {
    pub(super) fn packed(&mut self, packing: Compression, data: &[u8]) -> String {
        let unpacked = self.unpack(|data| reader(packing, data), data);
        let is_cut = packing == Compression::Lz4 && lz4_end(data) != Some(data.len());
        let fault = unpacked.fault.or(is_cut.then_some(DAMAGED));
        if let Some(fault) = fault {
            self.note(Verdict::Unknown, 0, fault);
        }
        if unpacked.bytes.is_empty() && unpacked.fault.is_some() {
            // It only looked like that: what would a pickle reader say?
            self.search(data, 0);
            return "a broken compressed file".to_owned();
        }
        let what = self.expanded(data.len(), &unpacked.bytes);
        format!("{what}, compressed")
    }

    /// Scans what `packed` bytes expand to, which may be more than readers of documents unpack. Arrays and
    /// pickles may be all zeros, and are read as they are.
    pub(super) fn expanded(&mut self, packed: usize, bytes: &[u8]) -> String {
        let before = std::mem::replace(&mut self.judged, Verdict::Skipped);
        let what = self.content(bytes);
        let is_pickle = self.judged == Verdict::Ok
            && matches!(FileKind::of(bytes), FileKind::Npy | FileKind::Pickle);
        if !is_pickle && bytes.len() as u64 > Limits::default().expanded_for(packed as u64) {
            let reason = format!("{packed} bytes that unpack to {}: a resource bomb", bytes.len());
            self.note(Verdict::Unknown, 0, &reason);
        }
        self.judged = self.judged.max(before);
        what
    }

    /// Unpacks what a reader makes of the data.
    pub(super) fn unpack<'a>(
        &mut self,
        reader: impl FnOnce(&'a [u8]) -> Option<Box<dyn Read + 'a>>,
        data: &'a [u8],
    ) -> Unpacked {
        let Some(reader) = reader(data) else {
            return Unpacked {
                bytes: Vec::new(),
                fault: Some("compressed in a way that cannery does not read"),
            };
        };
        let left = self.unpacking_left();
        let mut bytes = Vec::new();
        let read = reader.take(left + 1).read_to_end(&mut bytes);
        let is_bomb = bytes.len() as u64 > left;
        self.unpacked += bytes.len() as u64;
        let fault = match read {
            _ if is_bomb => Some("unpacks to more than the limit: a resource bomb"),
            Ok(_) => None,
            Err(_) => Some(DAMAGED),
        };
        Unpacked { bytes, fault }
    }
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
