//! What chunks go through when they are stored.

use std::io::Write;

use cannery_core::{Error, Result};

use super::{Filter, Pipeline, bitshuffle, blosc, lz4, lzf, scale_offset, shuffle};
use crate::bytes::{malformed, unsupported};
use crate::checksum::fletcher32;
use crate::dataspace::product;
use crate::datatype::{ByteOrder, Datatype, TypeClass};
use crate::fill::FillValue;
use crate::write::Storage;

/// A filter that gives up: the chunk is stored without it.
pub(super) type Encoded = Result<Option<Vec<u8>>>;

impl Pipeline {
    /// Sends a chunk through the filters: its bytes, and the mask of those that were skipped.
    pub(crate) fn encode(&self, mut data: Vec<u8>) -> Result<(Vec<u8>, u32)> {
        let (mut mask, mut planes) = (0, 1);
        for (i, filter) in self.filters.iter().enumerate() {
            let encoded = encode_one(filter, &mut data, planes)?;
            planes = filter.planes();
            match encoded {
                Some(encoded) => data = encoded,
                None if filter.flags & 1 != 0 => mask |= 1 << i,
                None => {
                    let name = super::filter_name(filter.id).unwrap_or("unknown");
                    return Err(malformed(format!("filter `{name}` cannot shorten a chunk")));
                }
            }
        }
        Ok((data, mask))
    }
}

fn encode_one(filter: &Filter, data: &mut Vec<u8>, planes: usize) -> Encoded {
    let values = filter.values.as_slice();
    let value = |i: usize, usual: u32| values.get(i).copied().unwrap_or(usual);
    if values.is_empty() && matches!(filter.id, 2 | 6 | 32000) {
        // libhdf5 makes such filters where they do not apply, as to sequences, and skips them.
        return Ok(None);
    }
    match filter.id {
        1 => deflate(data, planes, value(0, 6)).map(Some),
        2 => Ok(Some(shuffle::encode(std::mem::take(data), value(0, 1) as usize))),
        3 => {
            let sum = fletcher32(data);
            data.extend_from_slice(&sum.to_le_bytes());
            Ok(Some(std::mem::take(data)))
        }
        6 => scale_offset::encode(data, values).map(Some),
        307 => {
            let level = bzip2::Compression::new(value(0, 9).clamp(1, 9));
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), level);
            encoder.write_all(data).map_err(|e| Error::io(e, "cannot compress"))?;
            let out = encoder.finish().map_err(|e| Error::io(e, "cannot compress"))?;
            Ok(Some(out).filter(|out| out.len() < data.len()))
        }
        32000 => Ok(lzf::encode(data)),
        32001 => blosc::encode(data, values).map(Some),
        32004 => lz4::encode(data, value(0, 0)).map(Some),
        32008 => bitshuffle::encode(data, values).map(Some),
        32015 => zstd_compress(data, value(0, 3)).map(Some),
        _ => Err(filter.not_encoded()),
    }
}

/// Compresses to a zlib stream; bytes that were shuffled lie in `planes`.
#[cfg(feature = "libdeflate")]
pub(super) fn deflate(data: &[u8], planes: usize, level: u32) -> Result<Vec<u8>> {
    cannery_deflate::compress_numbers(data, planes, u8::try_from(level).unwrap_or(9).min(9))
}

/// Compresses to a zlib stream.
#[cfg(not(feature = "libdeflate"))]
pub(super) fn deflate(data: &[u8], _planes: usize, level: u32) -> Result<Vec<u8>> {
    let level = flate2::Compression::new(level.min(9));
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
    encoder.write_all(data).map_err(|e| Error::io(e, "cannot compress"))?;
    encoder.finish().map_err(|e| Error::io(e, "cannot compress"))
}

/// Compresses to a zstd frame that says how long its data are.
#[cfg(feature = "zstd")]
pub(super) fn zstd_compress(data: &[u8], level: u32) -> Result<Vec<u8>> {
    let level = if level == 0 { 3 } else { level.cast_signed().clamp(-7, 22) };
    zstd::bulk::compress(data, level).map_err(|e| Error::io(e, "cannot compress"))
}

#[cfg(not(feature = "zstd"))]
pub(super) fn zstd_compress(_data: &[u8], _level: u32) -> Result<Vec<u8>> {
    Err(unsupported("zstd is not part of this build")
        .with_hint("build `cannery-hdf5` with its feature `zstd`"))
}

/// Which numbers the scale-offset filter sees.
struct NumberLayout {
    class: u32,
    signed: bool,
    big: bool,
}

fn number_layout(datatype: &Datatype) -> Result<NumberLayout> {
    let (class, signed, order) = match &datatype.class {
        TypeClass::Fixed { order, signed, .. } => (0, *signed, *order),
        TypeClass::Enum { base, .. } => return number_layout(base),
        TypeClass::Float(layout) => (1, true, layout.order),
        _ => return Err(unsupported("scale-offset needs integers or floating-point numbers")),
    };
    Ok(NumberLayout { class, signed, big: order == ByteOrder::Big })
}

impl Filter {
    /// A filter with its parameters.
    #[must_use]
    pub fn new(id: u16, flags: u16, values: Vec<u32>) -> Self {
        let name = super::filter_name(id).unwrap_or_default().as_bytes().to_vec();
        Self { id, name, flags, values }
    }

    /// In how many equal parts it leaves the bytes of numbers, those of one weight in each.
    fn planes(&self) -> usize {
        let is_shuffle = self.id == 2;
        self.values.first().filter(|_| is_shuffle).map_or(1, |&size| size as usize)
    }

    /// Whether chunks can be sent through the filter.
    pub(crate) fn is_encoded(&self) -> bool {
        matches!(self.id, 1 | 2 | 3 | 6 | 307 | 32000 | 32001 | 32004 | 32008 | 32015)
    }

    #[cold]
    pub(crate) fn not_encoded(&self) -> Error {
        let name = super::filter_name(self.id).unwrap_or("unknown");
        unsupported(format!("chunks are not written with filter {} (`{name}`)", self.id))
            .with_hint("use gzip, lzf, zstd (32015), Blosc (32001) or bitshuffle (32008)")
    }

    /// Adds the parameters that follow from the dataset, as the filters' own code does.
    pub(crate) fn complete(
        &mut self,
        datatype: &Datatype,
        storage: &Storage,
        fill: &FillValue,
    ) -> Result<()> {
        if !self.is_encoded() {
            return Err(self.not_encoded());
        }
        let Storage::Chunked(chunks) = storage else {
            return Err(malformed("filters need chunks"));
        };
        let elements = product(chunks).unwrap_or(0);
        let count = u32::try_from(elements).unwrap_or(u32::MAX);
        let bytes = u32::try_from(elements * u64::from(datatype.size)).unwrap_or(u32::MAX);
        let given = |i: usize| self.values.get(i).copied();
        match self.id {
            2 => self.values = vec![datatype.size],
            6 => {
                let number = number_layout(datatype)?;
                let (kind, factor) = (given(0).unwrap_or(2), given(1).unwrap_or(0));
                let mut values = vec![kind, factor, count, number.class, datatype.size];
                values.extend([u32::from(number.signed), u32::from(number.big)]);
                let mut word = [0; 8];
                if let FillValue::Value(bytes) = fill {
                    let len = bytes.len().min(8);
                    word[..len].copy_from_slice(&bytes[..len]);
                    if number.big {
                        word[..len].reverse();
                    }
                }
                values.push(u32::from(*fill != FillValue::Undefined));
                values.extend(word.as_chunks::<4>().0.iter().map(|part| u32::from_le_bytes(*part)));
                values.resize(20, 0);
                self.values = values;
            }
            // The version of the filter, that of LZF, the bytes of a chunk.
            32000 => self.values = vec![4, 0x105, bytes],
            32001 => {
                let size = if datatype.size > 255 { 1 } else { datatype.size };
                let mut values = vec![2, 2, size, bytes];
                values.extend([given(4).unwrap_or(5), given(5).unwrap_or(1)]);
                values.extend(given(6));
                self.values = values;
            }
            32008 => {
                let mut values = vec![0, 4, datatype.size];
                values.extend_from_slice(&self.values);
                self.values = values;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Whether a length fits into what a header of 32 bits says.
pub(super) fn short_length(len: usize) -> Result<u32> {
    u32::try_from(len).map_err(|_| malformed("a chunk takes 4 GiB or more"))
}
