//! Compressed files, unpacked no further than the limits allow.

use std::io::Read;

use super::kind::Packing;
use super::{Scanner, Verdict};

/// What came out of a compressed part.
pub(super) struct Unpacked {
    pub(super) bytes: Vec<u8>,
    /// Why there is not more.
    pub(super) fault: Option<&'static str>,
}

impl Scanner {
    pub(super) fn packed(&mut self, packing: Packing, data: &[u8]) -> String {
        let unpacked = self.unpack(|data| reader(packing, data), data);
        if let Some(fault) = unpacked.fault {
            self.note(Verdict::Unknown, 0, fault);
        }
        if unpacked.bytes.is_empty() && unpacked.fault.is_some() {
            // It only looked like that: what would a pickle reader say?
            self.search(data, 0);
            return "a broken compressed file".to_owned();
        }
        let what = self.content(&unpacked.bytes);
        format!("{what}, compressed")
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
            _ if is_bomb => Some("unpacks to more than the limit: a bomb"),
            Ok(_) => None,
            Err(_) => Some("compressed data that is damaged or was cut off"),
        };
        Unpacked { bytes, fault }
    }
}

#[cfg(feature = "wrappings")]
pub(super) fn reader<'a>(packing: Packing, data: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    Some(match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(data)),
        Packing::Zlib => Box::new(Whole {
            reader: flate2::bufread::ZlibDecoder::new(data),
            rest: |reader| reader.get_ref().len(),
        }),
        Packing::Bzip2 => Box::new(bzip2::read::MultiBzDecoder::new(data)),
        Packing::Xz => Box::new(lzma_rust2::XzReader::new(data, true)),
        Packing::Lzma => {
            let reader = lzma_rust2::LzmaReader::new_mem_limit(data, MEMORY_LIMIT, None).ok()?;
            Box::new(Whole { reader, rest: |reader| reader.inner().len() })
        }
        Packing::Lz4 => Box::new(Whole {
            reader: lz4_flex::frame::FrameDecoder::new(data),
            rest: |reader| reader.get_ref().len(),
        }),
        Packing::Zstd => Box::new(zstd::stream::read::Decoder::new(data).ok()?),
        Packing::OldJoblib => {
            let start = memchr::memchr(b'x', data.get(4..32)?)? + 4;
            Box::new(flate2::read::ZlibDecoder::new(&data[start..]))
        }
    })
}

#[cfg(not(feature = "wrappings"))]
pub(super) fn reader<'a>(_: Packing, _: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    None
}

/// Kibibytes that a dictionary may take.
#[cfg(feature = "wrappings")]
const MEMORY_LIMIT: u32 = 256 << 10;

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
