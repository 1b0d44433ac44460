//! DEFLATE on all cores: a stream is divided into pieces, which are compressed apart and joined.

mod blocks;
mod literals;

use std::thread;

use cannery_core::{Error, ErrorKind, Result};
use crc32fast::Hasher;
use libdeflater::{CompressionLvl, Compressor, Decompressor};

/// Bytes that are compressed together. A match reaches back 32 KiB at most, so little is lost where
/// pieces meet.
pub(crate) const PIECE: usize = 1 << 20;

/// The level that stands for the quickest one that makes files about as small as NumPy's.
pub(crate) const BALANCED: u8 = 0;

/// The level of data that all levels make equally small.
const FAST: u8 = 2;

/// The level of other data.
const SMALL: u8 = 6;

/// Bytes out of a piece that tell what it is like: a match reaches back half as far.
const SAMPLE: usize = 1 << 16;

/// Pieces below this size are compressed well rather than tried.
const WORTH_A_SAMPLE: usize = 1 << 13;

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
    let mut hasher = Hasher::new();
    hasher.update(piece);
    let packed = match method_for(piece, level) {
        Method::Literals => literals::compress(piece, ends),
        Method::Matches(level) => compress_with_matches(piece, level, ends)?,
    };
    Ok(Piece { packed, hasher })
}

/// How a piece is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    /// Without a search for bytes that came before.
    Literals,
    /// By libdeflate, at one of its levels.
    Matches(u8),
}

/// The quickest method that makes a piece about as small as NumPy does, by what a part of it is like; of a
/// level that was asked for, just that.
fn method_for(piece: &[u8], level: u8) -> Method {
    if level != BALANCED {
        return Method::Matches(level);
    }
    if piece.len() < WORTH_A_SAMPLE {
        return Method::Matches(SMALL);
    }
    let start = (piece.len() / 2).min(piece.len().saturating_sub(SAMPLE));
    let sample = &piece[start..piece.len().min(start + SAMPLE)];
    let mut packed = Vec::new();
    let mut size_at = |level: u8| {
        let mut compressor = Compressor::new(level_of(level));
        packed.resize(compressor.deflate_compress_bound(sample.len()), 0);
        compressor.deflate_compress(sample, &mut packed).unwrap_or(usize::MAX)
    };
    let fast = size_at(FAST);
    if literals::are_enough(piece, sample, fast) {
        return Method::Literals;
    }
    // What hardly becomes smaller does so at no level.
    let is_worth_more = fast < sample.len() / 2 && size_at(SMALL) < fast / 100 * 97;
    Method::Matches(if is_worth_more { SMALL } else { FAST })
}

fn level_of(level: u8) -> CompressionLvl {
    CompressionLvl::new(level.into()).unwrap_or_default()
}

fn compress_with_matches(piece: &[u8], level: u8, ends: bool) -> Result<Vec<u8>> {
    let mut compressor = Compressor::new(level_of(level));
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
    Ok(packed)
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
#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random.
    fn noise(count: usize) -> impl Iterator<Item = u8> {
        let mut state = 1_u64;
        (0..count).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_le_bytes()[6]
        })
    }

    #[test]
    fn methods_follow_what_a_piece_is_like() {
        let bytes: Vec<u8> = noise(PIECE / 4 * 3).collect();
        let floats = bytes.chunks_exact(3).flat_map(|three| [three[0], three[1], three[2], 60]);
        let floats: Vec<u8> = floats.collect();
        let steps: Vec<u8> = (0..PIECE as u64 / 8).flat_map(u64::to_le_bytes).collect();
        let few: Vec<u8> =
            noise(PIECE / 8).flat_map(|byte| [byte % 10, 0, 0, 0, 0, 0, 0, 0]).collect();
        let again = noise(20_000).collect::<Vec<_>>().repeat(PIECE / 20_000);
        let half = [&floats[..PIECE / 2], &vec![0; PIECE / 2]].concat();
        let methods =
            [&floats, &steps, &few, &again, &half].map(|piece| method_for(piece, BALANCED));
        let [fast, small] = [FAST, SMALL].map(Method::Matches);
        assert_eq!(methods, [Method::Literals, fast, small, fast, fast]);
        assert_eq!(method_for(&floats, 9), Method::Matches(9));
    }

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
