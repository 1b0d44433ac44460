//! DEFLATE on all cores: a stream is divided into pieces, which are compressed apart and joined.

mod blocks;

use std::thread;

use cannery_core::{Error, ErrorKind, Result};
use crc32fast::Hasher;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// Bytes that are compressed together. A match reaches back 32 KiB at most, so little is lost where
/// pieces meet.
pub(crate) const PIECE: usize = 1 << 20;

/// A piece of a stream as it is stored.
pub(crate) struct Piece {
    /// DEFLATE blocks, whose end is a whole byte.
    pub(crate) packed: Vec<u8>,
    /// The checksum of what they unpack to.
    pub(crate) hasher: Hasher,
}

/// How many pieces are compressed at a time.
pub(crate) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Compresses pieces of a stream, each on a thread of its own; with `ends` the last one ends it.
///
/// # Errors
/// [`ErrorKind::Memory`] if there is none for the result.
pub(crate) fn compress(pieces: &[&[u8]], level: u8, ends: bool) -> Result<Vec<Piece>> {
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
    let level = CompressionLvl::new(level.into()).unwrap_or_default();
    let mut compressor = Compressor::new(level);
    let mut packed = Vec::new();
    let bound = compressor.deflate_compress_bound(piece.len());
    packed.try_reserve_exact(bound + blocks::JOINT).map_err(|_| Error::out_of_memory())?;
    packed.resize(bound, 0);
    let len = compressor.deflate_compress(piece, &mut packed).map_err(|_| {
        Error::new(ErrorKind::Memory, "there is too little room for what was compressed")
    })?;
    packed.truncate(len);
    if !ends {
        blocks::open_end(&mut packed)?;
    }
    let mut hasher = Hasher::new();
    hasher.update(piece);
    Ok(Piece { packed, hasher })
}

/// Unpacks a stream whose pieces are those that [`compress`] joins: one of `start` bytes, and pieces
/// of [`PIECE`] bytes that fill `out`. Gives the checksum of all; `None` for any other stream.
pub(crate) fn decompress_pieces(packed: &[u8], start: usize, out: &mut [u8]) -> Option<u32> {
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
pub(crate) fn decompress(packed: &[u8], out: &mut [u8]) -> Result<()> {
    let unpacked = Decompressor::new().deflate_decompress(packed, out);
    let corrupt =
        |why: &str| Error::new(ErrorKind::Corrupt, format!("the member is damaged: {why}"));
    match unpacked {
        Ok(len) if len == out.len() => Ok(()),
        Ok(_) => Err(corrupt("it is shorter than the directory says")),
        Err(_) => Err(corrupt("corrupt deflate stream")),
    }
}
