//! DEFLATE (RFC 1951) on all cores: a stream is divided into pieces, which are compressed apart, each
//! by what it is like, and joined.
//!
//! ```
//! let pieces: [&[u8]; 2] = [b"the first piece, ", b"and the second"];
//! let packed = cannery_deflate::compress(&pieces, cannery_deflate::BALANCED, true)?;
//! let stream: Vec<u8> = packed.into_iter().flat_map(|piece| piece.packed).collect();
//! let mut out = [0; 31];
//! cannery_deflate::decompress(&stream, &mut out)?;
//! assert_eq!(out, *b"the first piece, and the second");
//! # Ok::<(), cannery_core::Error>(())
//! ```

mod blocks;
mod compressor;
mod literals;
mod method;
mod pieces;
mod unpack;
mod zlib;

pub use method::BALANCED;
pub use pieces::{PIECE, Piece, compress, threads};
pub use unpack::{decompress, decompress_pieces};
pub use zlib::compress_numbers;
