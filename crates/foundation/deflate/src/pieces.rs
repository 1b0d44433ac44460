//! Pieces of a stream, each compressed on a thread of its own.

use std::thread;

use cannery_core::Result;
use crc32fast::Hasher;

use crate::compressor::compress_with_matches;
use crate::literals;
use crate::method::{Method, method_for};

/// Bytes that are compressed together. A match reaches back 32 KiB at most, so little is lost where
/// pieces meet.
pub const PIECE: usize = 1 << 20;

/// A piece of a stream as it is stored.
pub struct Piece {
    /// DEFLATE blocks, whose end is a whole byte.
    pub packed: Vec<u8>,
    /// The checksum of what they unpack to.
    pub hasher: Hasher,
}

/// How many pieces are compressed at a time.
pub fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Compresses pieces of a stream, each on a thread of its own; with `ends` the last one ends it.
///
/// # Errors
/// [`ErrorKind::Memory`](cannery_core::ErrorKind::Memory) if there is none for the result.
pub fn compress(pieces: &[&[u8]], level: u8, ends: bool) -> Result<Vec<Piece>> {
    let one = |index: usize| compress_one(pieces[index], level, ends && index + 1 == pieces.len());
    thread::scope(|scope| {
        let others: Vec<_> = (1..pieces.len())
            // Without another thread, this one does it all.
            .map(|index| (index, thread::Builder::new().spawn_scoped(scope, move || one(index))))
            .collect();
        let mut packed: Vec<_> = pieces.first().map(|_| one(0)).into_iter().collect();
        packed.extend(others.into_iter().map(|(index, thread)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => one(index),
        }));
        packed.into_iter().collect()
    })
}

fn compress_one(piece: &[u8], level: u8, ends: bool) -> Result<Piece> {
    let mut hasher = Hasher::new();
    hasher.update(piece);
    let packed = compress_piece(piece, method_for(piece, level), ends)?;
    Ok(Piece { packed, hasher })
}

/// Compresses a piece in the way that was chosen for it; with `ends` it ends the stream.
pub(crate) fn compress_piece(piece: &[u8], method: Method, ends: bool) -> Result<Vec<u8>> {
    match method {
        Method::Literals => Ok(literals::compress(piece, ends)),
        Method::Matches(level) => compress_with_matches(piece, level, ends),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::BALANCED;
    use crate::method::tests::noise;
    use crate::unpack::decompress;

    #[test]
    fn pieces_of_all_methods_are_one_stream() {
        let whole: Vec<u8> = noise(PIECE / 2)
            .chain(std::iter::repeat_n(0, PIECE / 2))
            .chain(noise(2 * PIECE))
            .chain(noise(PIECE).map(|byte| byte % 8))
            .collect();
        let pieces: Vec<&[u8]> = whole.chunks(PIECE).collect();
        let packed = compress(&pieces, BALANCED, true).unwrap();
        let stream: Vec<u8> = packed.into_iter().flat_map(|piece| piece.packed).collect();
        let mut out = vec![0; whole.len()];
        decompress(&stream, &mut out).unwrap();
        assert!(out == whole);
    }
}
