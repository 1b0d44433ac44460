//! Deflate: zlib streams.

use cannery_core::Result;

use crate::bytes::malformed;

/// Inflates a zlib stream to at most `most` bytes.
#[cfg(feature = "libdeflate")]
pub(super) fn decode(data: &[u8], most: usize) -> Result<Vec<u8>> {
    use std::cell::RefCell;

    use libdeflater::{DecompressionError, Decompressor};

    thread_local! {
        static DECOMPRESSOR: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    }
    // Deflate makes at most 1,032 bytes of one: no more is allocated, whatever was declared.
    let most = most.min(data.len().saturating_mul(1033));
    let mut out = crate::bytes::zeroed(most)?;
    let result = DECOMPRESSOR.with_borrow_mut(|d| d.zlib_decompress(data, &mut out));
    match result {
        Ok(len) => {
            out.truncate(len);
            Ok(out)
        }
        Err(DecompressionError::InsufficientSpace) => Err(super::too_long(most)),
        Err(DecompressionError::BadData) => Err(malformed("the zlib stream is damaged")),
    }
}

/// Inflates a zlib stream to at most `most` bytes.
#[cfg(not(feature = "libdeflate"))]
pub(super) fn decode(data: &[u8], most: usize) -> Result<Vec<u8>> {
    super::bounded(flate2::read::ZlibDecoder::new(data), most)
}

/// Inflates a zlib stream into a slice; gives back how many bytes came out.
pub(super) fn decode_into(data: &[u8], out: &mut [u8]) -> Result<usize> {
    let bytes = decode(data, out.len())?;
    out[..bytes.len()].copy_from_slice(&bytes);
    if bytes.len() < out.len() {
        return Err(malformed("the zlib stream ends early"));
    }
    Ok(bytes.len())
}
