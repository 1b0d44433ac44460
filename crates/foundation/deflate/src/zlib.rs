//! zlib streams (RFC 1950) of numbers, whose bytes of one weight may lie together.

use cannery_core::{Error, ErrorKind, Result};
use libdeflater::adler32;

use crate::compressor::with_compressor;
use crate::method::{Method, quick_method};
use crate::pieces::compress_piece;

/// The highest level at which speed counts for more than the last percent.
const QUICK: u8 = 4;

/// The level of libdeflate that makes about as few bytes as zlib does at its levels up to [`QUICK`].
const AS_SMALL: u8 = 3;

/// Compresses the bytes of numbers to a zlib stream. Those of each weight are `planes` equal parts that
/// follow each other, as a shuffle lays them; 1 for bytes in any order. Levels are those of zlib: up to
/// 4 each plane is compressed in the quickest way that makes it about as small as zlib does.
///
/// ```
/// let shuffled = [vec![7; 5000], (0..5000_u32).map(|i| (i * 7919 >> 4) as u8).collect()].concat();
/// let stream = cannery_deflate::compress_numbers(&shuffled, 2, 4)?;
/// assert_eq!(stream[0], 0x78);
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Memory`] if there is none for the result.
pub fn compress_numbers(data: &[u8], planes: usize, level: u8) -> Result<Vec<u8>> {
    if level == 0 || level > QUICK || data.is_empty() {
        return compress_whole(data, level);
    }
    let level = level.min(AS_SMALL);
    let pieces = pieces(data, planes, level);
    if let [(_, Method::Matches(level))] = pieces[..] {
        return compress_whole(data, level);
    }
    // Deflate in windows of 32 KiB, the fastest algorithm, and a check of both bytes.
    let mut out = vec![0x78, 0x01];
    let last = pieces.len().saturating_sub(1);
    for (at, (piece, method)) in pieces.into_iter().enumerate() {
        let packed = compress_piece(piece, method, at == last)?;
        out.try_reserve(packed.len() + 4).map_err(|_| Error::out_of_memory())?;
        out.extend_from_slice(&packed);
    }
    out.extend_from_slice(&adler32(data).to_be_bytes());
    Ok(out)
}

/// Divides data into pieces that are compressed in one way each.
fn pieces(data: &[u8], planes: usize, level: u8) -> Vec<(&[u8], Method)> {
    let mut pieces: Vec<(&[u8], Method)> = Vec::new();
    let (mut start, mut end) = (0, 0);
    let size = plane_size(data.len(), planes);
    while end < data.len() {
        let from = end;
        end = (end + size).min(data.len());
        let method = quick_method(&data[from..end], level);
        match pieces.last_mut() {
            // A match reaches from one plane into the next.
            Some((piece, before @ Method::Matches(_))) if *before == method => {
                *piece = &data[start..end];
            }
            _ => {
                start = from;
                pieces.push((&data[from..end], method));
            }
        }
    }
    pieces
}

/// How long a plane is; small ones are not worth to be told apart.
fn plane_size(len: usize, planes: usize) -> usize {
    const SMALLEST: usize = 1 << 13;
    let size = len / planes.max(1);
    if size < SMALLEST { len.max(1) } else { size }
}

fn compress_whole(data: &[u8], level: u8) -> Result<Vec<u8>> {
    with_compressor(level, |compressor| {
        let mut out = Vec::new();
        let bound = compressor.zlib_compress_bound(data.len());
        out.try_reserve_exact(bound).map_err(|_| Error::out_of_memory())?;
        out.resize(bound, 0);
        let len = compressor.zlib_compress(data, &mut out).map_err(|_| {
            Error::new(ErrorKind::Memory, "there is too little room for what was compressed")
        })?;
        out.truncate(len);
        Ok(out)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn unpacked(stream: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::ZlibDecoder::new(stream).read_to_end(&mut out).unwrap();
        out
    }

    /// A plane of bytes: alike, all different, some more often, in steps, or again after a while.
    fn plane(kind: u8, len: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_le_bytes()[5]
        };
        let far: Vec<u8> = (0..len.min(20_000)).map(|_| random()).collect();
        (0..len)
            .map(|at| match kind {
                0 => 9,
                1 => random(),
                2 => random() & random() & 0x3f,
                3 => at.to_le_bytes()[1],
                _ => far[at % far.len()],
            })
            .collect()
    }

    proptest! {
        #[test]
        fn planes_of_all_kinds_unpack(
            kinds in prop::collection::vec(0_u8..5, 1..9),
            len in prop::sample::select(vec![0_usize, 1, 1000, 10_000, 70_000]),
            rest in 0_usize..3,
            seed: u64,
            level in 0_u8..10,
        ) {
            let mut data: Vec<u8> =
                kinds.iter().flat_map(|kind| plane(*kind, len, seed)).collect();
            data.extend(plane(1, rest, seed));
            let stream = compress_numbers(&data, kinds.len(), level).unwrap();
            prop_assert_eq!(unpacked(&stream), data);
        }

        #[test]
        fn it_is_about_as_small_as_zlib(
            kinds in prop::collection::vec(0_u8..5, 4..5),
            len in prop::sample::select(vec![1000, 3000, 8000, 62_500]),
            seed: u64,
        ) {
            let data: Vec<u8> = kinds.iter().flat_map(|kind| plane(*kind, len, seed)).collect();
            let mut encoder =
                flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(4));
            std::io::Write::write_all(&mut encoder, &data).unwrap();
            let theirs = encoder.finish().unwrap().len();
            let ours = compress_numbers(&data, kinds.len(), 4).unwrap().len();
            let few = (len / 25).min(500);
            prop_assert!(ours <= theirs + theirs / 50 + few, "{} {} {:?}", ours, theirs, kinds);
        }
    }
}
