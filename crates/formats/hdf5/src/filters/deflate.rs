//! Deflate: zlib streams.

use cannery_core::Result;

use super::Buffers;
use crate::bytes::malformed;

/// Inflates a zlib stream to at most `most` bytes.
#[cfg(feature = "libdeflate")]
pub(super) fn decode(data: &[u8], most: usize, buffers: &mut Buffers) -> Result<Vec<u8>> {
    // Deflate makes at most 1,032 bytes of one: no more is allocated, whatever was declared.
    let most = most.min(data.len().saturating_mul(1033));
    let mut out = buffers.take(most)?;
    let len = inflate(data, &mut out)?;
    out.truncate(len);
    Ok(out)
}

#[cfg(feature = "libdeflate")]
fn inflate(data: &[u8], out: &mut [u8]) -> Result<usize> {
    use std::cell::RefCell;

    use libdeflater::{DecompressionError, Decompressor};

    thread_local! {
        static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    }
    let result = DECOMPRESSOR.with_borrow_mut(|d| d.zlib_decompress(data, out));
    result.map_err(|error| match error {
        DecompressionError::InsufficientSpace => super::too_long(out.len()),
        DecompressionError::BadData => malformed("the zlib stream is damaged"),
    })
}

/// Inflates a zlib stream to at most `most` bytes.
#[cfg(not(feature = "libdeflate"))]
pub(super) fn decode(data: &[u8], most: usize, _buffers: &mut Buffers) -> Result<Vec<u8>> {
    super::bounded(flate2::read::ZlibDecoder::new(data), most)
}

#[cfg(not(feature = "libdeflate"))]
fn inflate(data: &[u8], out: &mut [u8]) -> Result<usize> {
    let bytes = super::bounded(flate2::read::ZlibDecoder::new(data), out.len())?;
    out[..bytes.len()].copy_from_slice(&bytes);
    Ok(bytes.len())
}

/// Inflates a zlib stream into a slice, which it fills.
pub(super) fn decode_into(data: &[u8], out: &mut [u8]) -> Result<()> {
    if inflate(data, out)? < out.len() {
        return Err(malformed("the zlib stream ends early"));
    }
    Ok(())
}
