//! Filters: what chunks go through before they are stored, undone here.

mod bits;
mod bitshuffle;
mod blosc;
mod blosc2;
mod blosclz;
mod buffers;
mod deflate;
mod encode;
mod lz4;
mod lzf;
mod nbit;
mod scale_offset;
mod shuffle;
mod szip;
mod zfp;

use std::io::Read;

use cannery_core::{Error, ErrorKind, Result};

pub(crate) use buffers::Buffers;

use crate::bytes::{Cursor, malformed, wrong_version};
use crate::checksum::fletcher32;

/// Filters in a pipeline, at most: the mask of a chunk has as many bits.
const MAX_FILTERS: u8 = 32;

/// A filter of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// Its registered number.
    pub id: u16,
    /// Its name, if it is stored.
    pub name: Vec<u8>,
    /// Bit 0: chunks may be stored without it.
    pub flags: u16,
    /// Its parameters.
    pub values: Vec<u32>,
}

impl Filter {
    /// What it is called: its registered name, the name that the file has for it, or its number.
    #[must_use]
    pub fn title(&self) -> String {
        match filter_name(self.id) {
            Some(name) => name.to_owned(),
            None if self.name.is_empty() => format!("filter {}", self.id),
            None => format!("filter {} ({})", self.id, String::from_utf8_lossy(&self.name)),
        }
    }
}

/// The filters of a dataset, in the order in which they are applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pipeline {
    pub(crate) filters: Vec<Filter>,
}

impl Pipeline {
    pub(crate) fn parse(data: &[u8]) -> Result<Self> {
        let mut cursor = Cursor::new(data);
        let version = cursor.u8()?;
        let count = cursor.u8()?;
        match version {
            1 => cursor.skip(6)?,
            2 => {}
            _ => return Err(wrong_version("a filter pipeline", version)),
        }
        if count > MAX_FILTERS {
            return Err(malformed(format!("expected at most 32 filters, found {count}")));
        }
        let filters = (0..count).map(|_| filter(&mut cursor, version)).collect::<Result<_>>()?;
        Ok(Self { filters })
    }

    /// The first filter that is not known, if there is one.
    pub(crate) fn unknown(&self) -> Option<&Filter> {
        self.filters.iter().find(|filter| filter_name(filter.id).is_none())
    }

    /// Undoes the filters, but for those whose bit in `mask` is set: `expected` bytes come out.
    pub(crate) fn decode(&self, stored: Vec<u8>, mask: u32, expected: usize) -> Result<Vec<u8>> {
        self.decode_with(stored, mask, expected, &mut Buffers::default())
    }

    /// The same, in memory of chunks that were decoded before.
    pub(crate) fn decode_with(
        &self,
        stored: Vec<u8>,
        mask: u32,
        expected: usize,
        buffers: &mut Buffers,
    ) -> Result<Vec<u8>> {
        let mut data = stored;
        let applied = self.filters.iter().enumerate().filter(|(i, _)| mask >> i & 1 == 0);
        let mut left = applied.clone().count();
        for (_, filter) in applied.rev() {
            left -= 1;
            // What later filters made may be a little longer than what they were given.
            let most = if left == 0 { expected } else { expected + expected / 4 + 4096 };
            data = decode_one(filter, data, most, buffers).map_err(|e| in_filter(e, filter))?;
        }
        Ok(data)
    }
}

#[cold]
fn in_filter(error: Error, filter: &Filter) -> Error {
    if error.kind() == ErrorKind::Unsupported {
        return error;
    }
    let name = filter_name(filter.id).unwrap_or("unknown");
    Error::new(error.kind(), format!("filter `{name}`: {}", error.message()))
}

fn filter(cursor: &mut Cursor<'_>, version: u8) -> Result<Filter> {
    let id = cursor.u16()?;
    let name_len = if version == 1 || id >= 256 { usize::from(cursor.u16()?) } else { 0 };
    let flags = cursor.u16()?;
    let count = usize::from(cursor.u16()?);
    let padded = if version == 1 { name_len.next_multiple_of(8) } else { name_len };
    let name = cursor.take(padded)?;
    let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
    let name = name[..end].to_vec();
    let values = (0..count).map(|_| cursor.u32()).collect::<Result<_>>()?;
    if version == 1 && count % 2 == 1 {
        cursor.skip(4)?;
    }
    Ok(Filter { id, name, flags, values })
}

/// The name of a filter that can be undone.
pub(crate) fn filter_name(id: u16) -> Option<&'static str> {
    Some(match id {
        1 => "deflate",
        2 => "shuffle",
        3 => "fletcher32",
        4 => "szip",
        5 => "nbit",
        6 => "scaleoffset",
        307 => "bzip2",
        32000 => "lzf",
        32001 => "blosc",
        32004 => "lz4",
        32008 => "bitshuffle",
        32013 => "zfp",
        32015 => "zstd",
        32026 => "blosc2",
        _ => return None,
    })
}

/// Undoes one filter; at most `most` bytes come out.
fn decode_one(
    filter: &Filter,
    data: Vec<u8>,
    most: usize,
    buffers: &mut Buffers,
) -> Result<Vec<u8>> {
    let values = filter.values.as_slice();
    let decoded = match filter.id {
        2 => return shuffle::decode(data, values, buffers),
        3 => return check_fletcher32(data),
        5 => return nbit::decode(data, values, most),
        1 => deflate::decode(&data, most, buffers),
        4 => szip::decode(&data, values, most),
        6 => scale_offset::decode(&data, values, most),
        307 => bounded(bzip2::read::BzDecoder::new(data.as_slice()), most),
        32000 => lzf::decode(&data, values, most),
        32001 => blosc::decode(&data, most, buffers),
        32004 => lz4::decode(&data, most, buffers),
        32008 => bitshuffle::decode(&data, values, most),
        32013 => zfp::decode(&data, values, most),
        32015 => zstd_frame(&data, most, buffers),
        32026 => blosc2::decode(&data, most, buffers),
        id => Err(unknown_filter(id, &filter.name)),
    }?;
    buffers.give(data);
    Ok(decoded)
}

/// The error for a filter that cannot be undone.
#[cold]
pub(crate) fn unknown_filter(id: u16, name: &[u8]) -> Error {
    let name = if name.is_empty() { String::new() } else { format!(" ({})", name.escape_ascii()) };
    let message = format!("the data need filter {id}{name}, which is not known");
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("the dataset's type, shape and attributes can be read all the same")
}

fn check_fletcher32(mut data: Vec<u8>) -> Result<Vec<u8>> {
    let len =
        data.len().checked_sub(4).ok_or_else(|| malformed("expected a checksum of 4 bytes"))?;
    let stored = crate::bytes::little_endian(&data[len..]);
    data.truncate(len);
    let sum = fletcher32(&data);
    // HDF5 1.6.2 and before swapped the bytes of both words.
    let swapped = (sum & 0x00ff_00ff) << 8 | sum >> 8 & 0x00ff_00ff;
    if stored != u64::from(sum) && stored != u64::from(swapped) {
        return Err(crate::bytes::corrupt("a chunk"));
    }
    Ok(data)
}

/// Reads a stream to its end, which comes after `most` bytes or before.
fn bounded(stream: impl Read, most: usize) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut stream = stream.take(most as u64 + 1);
    let mut at = 0;
    // Memory grows with what comes out, and failing to get more is an error.
    loop {
        if at == out.len() {
            let more = out.len().clamp(1 << 14, most.max(1 << 14));
            out.try_reserve(more).map_err(|_| malformed("there is no memory for the data"))?;
            out.resize(at + more, 0);
        }
        match stream
            .read(&mut out[at..])
            .map_err(|e| malformed(format!("cannot decompress: {e}")))?
        {
            0 => break,
            len => at += len,
        }
    }
    if at > most {
        return Err(too_long(most));
    }
    out.truncate(at);
    Ok(out)
}

#[cold]
fn too_long(most: usize) -> Error {
    malformed(format!("expected at most {most} bytes, found more"))
}

/// Decompresses a zstd frame to at most `most` bytes.
#[cfg(feature = "zstd")]
fn zstd_frame(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    // A block of 128 KiB takes at least 4 bytes.
    let possible = data.len().saturating_mul(1 << 15);
    if let Some(len) = zstd_content_size(data).filter(|len| *len <= most.min(possible)) {
        let mut out = buffers.take(len)?;
        if zstd_bulk(data, &mut out) {
            return Ok(out);
        }
        buffers.give(out);
    }
    zstd_stream(data, most)
}

/// Decompresses a zstd frame into a slice, which it fills.
fn zstd_into(data: &[u8], out: &mut [u8]) -> Result<()> {
    #[cfg(feature = "zstd")]
    if zstd_bulk(data, out) {
        return Ok(());
    }
    let bytes = zstd_frame(data, out.len(), &mut Buffers::default())?;
    if bytes.len() != out.len() {
        return Err(malformed("a block ends early"));
    }
    out.copy_from_slice(&bytes);
    Ok(())
}

/// Whether a frame could be decompressed in one call and filled the slice.
#[cfg(feature = "zstd")]
fn zstd_bulk(data: &[u8], out: &mut [u8]) -> bool {
    use std::cell::RefCell;

    use zstd::bulk::Decompressor;

    thread_local! {
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        if decompressor.is_none() {
            *decompressor = Decompressor::new().ok();
        }
        let done = decompressor.as_mut().and_then(|d| d.decompress_to_buffer(data, out).ok());
        done == Some(out.len())
    })
}

/// The length that the header of a zstd frame declares (RFC 8878, 3.1.1.1).
#[cfg(feature = "zstd")]
fn zstd_content_size(data: &[u8]) -> Option<usize> {
    let rest = data.strip_prefix(&[0x28, 0xb5, 0x2f, 0xfd])?;
    let (&descriptor, rest) = rest.split_first()?;
    let is_single = descriptor >> 5 & 1 == 1;
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let rest = rest.get(usize::from(!is_single) + dictionary..)?;
    let (width, base) = match (descriptor >> 6, is_single) {
        (0, false) => return None,
        (0, true) => (1, 0),
        (1, _) => (2, 256),
        (2, _) => (4, 0),
        _ => (8, 0),
    };
    usize::try_from(crate::bytes::little_endian(rest.get(..width)?).checked_add(base)?).ok()
}

#[cfg(feature = "zstd")]
fn zstd_stream(data: &[u8], most: usize) -> Result<Vec<u8>> {
    let decoder = zstd::stream::read::Decoder::with_buffer(data);
    let mut decoder = decoder.map_err(|e| malformed(format!("cannot decompress: {e}")))?;
    // The window is memory that the stream asks for.
    let window = crate::bytes::log2(most as u64 | 1 << 20) + 1;
    decoder
        .window_log_max(window.min(31))
        .map_err(|e| malformed(format!("cannot decompress: {e}")))?;
    bounded(decoder, most)
}

#[cfg(not(feature = "zstd"))]
fn zstd_frame(_data: &[u8], _most: usize, _buffers: &mut Buffers) -> Result<Vec<u8>> {
    Err(crate::bytes::unsupported("the data need zstd, which this build lacks")
        .with_hint("build `cannery-hdf5` with its feature `zstd`"))
}
