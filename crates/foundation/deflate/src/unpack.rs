//! Unpacking: the pieces of a stream side by side, where it has a known form.

use std::thread;

use cannery_core::{Error, ErrorKind, Result};
use crc32fast::Hasher;
use libdeflater::Decompressor;

use crate::blocks;
use crate::pieces::{PIECE, threads};

/// Unpacks a stream whose pieces are those that [`compress`](crate::compress) joins: one of `start` bytes, and pieces
/// of [`PIECE`] bytes that fill `out`. Gives the checksum of all; `None` for any other stream.
pub fn decompress_pieces(packed: &[u8], start: usize, out: &mut [u8]) -> Option<u32> {
    let joints: Vec<usize> = memchr::memmem::find_iter(packed, &blocks::JOINT_END)
        .map(|at| at + blocks::JOINT_END.len())
        .collect();
    let count = out.len().div_ceil(PIECE);
    if count < 2 || joints.len() != count {
        return None;
    }
    let ends = joints[1..].iter().copied().chain([packed.len()]);
    let pieces = joints.iter().zip(ends).zip(out.chunks_mut(PIECE)).enumerate();
    let pieces: Vec<_> = pieces
        .map(|(at, ((&from, to), out))| (packed.get(from..to), at + 1 == count, out))
        .collect();
    let mut header = vec![0; start];
    let mut hasher = decompress_piece(packed.get(..joints[0])?, false, &mut header)?;
    let threads = threads().min(count);
    let mut lots: Vec<Vec<_>> = (0..threads).map(|_| Vec::new()).collect();
    // In turns, so that every thread has its share of what is hard to unpack.
    for (at, piece) in pieces.into_iter().enumerate() {
        lots[at % threads].push((at, piece));
    }
    let work = |lot: Vec<NumberedPiece<'_>>| {
        let one = |(at, (packed, ends, out)): NumberedPiece<'_>| {
            Some((at, decompress_piece(packed?, ends, out)?))
        };
        lot.into_iter().map(one).collect::<Option<Vec<_>>>()
    };
    let mut hashers = thread::scope(|scope| {
        let others: Vec<_> = lots.drain(1..).map(|lot| scope.spawn(move || work(lot))).collect();
        let mut all = work(lots.pop()?)?;
        for other in others {
            all.extend(other.join().ok()??);
        }
        Some(all)
    })?;
    hashers.sort_unstable_by_key(|(at, _)| *at);
    for (_, piece) in &hashers {
        hasher.combine(piece);
    }
    Some(hasher.finalize())
}

/// A piece by its number: its bytes, if they are there, whether it ends the stream, and its place.
type NumberedPiece<'a> = (usize, (Option<&'a [u8]>, bool, &'a mut [u8]));

/// Unpacks a piece; gives its checksum.
fn decompress_piece(packed: &[u8], ends: bool, out: &mut [u8]) -> Option<Hasher> {
    let unpacked = if ends {
        decompress(packed, out)
    } else {
        // Its last block is followed by others; an empty one that ends a stream is put there.
        decompress(&[packed, &[3, 0]].concat(), out)
    };
    unpacked.ok()?;
    let mut hasher = Hasher::new();
    hasher.update(out);
    Some(hasher)
}

/// Unpacks a whole stream of which the length is known.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if it is damaged or of another length.
pub fn decompress(packed: &[u8], out: &mut [u8]) -> Result<()> {
    let unpacked = Decompressor::new().deflate_decompress(packed, out);
    let corrupt = |why: &str| {
        Error::new(ErrorKind::Corrupt, format!("the compressed bytes are damaged: {why}"))
    };
    match unpacked {
        Ok(len) if len == out.len() => Ok(()),
        Ok(_) => Err(corrupt("it is shorter than was said")),
        Err(_) => Err(corrupt("corrupt deflate stream")),
    }
}
