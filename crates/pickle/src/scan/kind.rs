//! What a file is, by its bytes.

use super::zip;
use super::{safetensors, tar};

/// What to do with a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Packed(Compression),
    Zip,
    Tar,
    SevenZip,
    Npy,
    LegacyTorch,
    Hdf5,
    Safetensors,
    Gguf,
    Pickle,
    /// Something that holds no pickles.
    Other(&'static str),
    Text,
    /// Something that may hold anything.
    Unscanned(&'static str),
}

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    Zlib,
    Bzip2,
    Xz,
    Lzma,
    Lz4,
    Zstd,
    /// joblib's before its version 0.10: `ZF`, a length in hexadecimal, and zlib.
    OldJoblib,
}

const MAGIC: &[(&[u8], Kind)] = &[
    (b"\x1f\x8b\x08", Kind::Packed(Compression::Gzip)),
    (b"BZh", Kind::Packed(Compression::Bzip2)),
    (b"\xfd7zXZ\0", Kind::Packed(Compression::Xz)),
    (b"]\0\0", Kind::Packed(Compression::Lzma)),
    (b"\x04\x22\x4d\x18", Kind::Packed(Compression::Lz4)),
    (b"\x28\xb5\x2f\xfd", Kind::Packed(Compression::Zstd)),
    (b"ZF0x", Kind::Packed(Compression::OldJoblib)),
    (b"PK\x03\x04", Kind::Zip),
    (b"PK\x05\x06", Kind::Zip),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"\x93NUMPY", Kind::Npy),
    (b"\x89HDF\r\n\x1a\n", Kind::Hdf5),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", Kind::LegacyTorch),
    (b"Rar!\x1a\x07", Kind::Unscanned("a RAR archive")),
    (b"MSCF", Kind::Unscanned("a CAB archive")),
    (b"\x7fELF", Kind::Unscanned("machine code")),
    (b"MZ", Kind::Unscanned("machine code")),
    (b"\x89PNG\r\n\x1a\n", Kind::Other("an image, no pickle")),
    (b"\xff\xd8\xff", Kind::Other("an image, no pickle")),
    (b"GIF8", Kind::Other("an image, no pickle")),
    (b"RIFF", Kind::Other("sound or pictures, no pickle")),
    (b"%PDF-", Kind::Other("a PDF document, no pickle")),
    (b"PAR1", Kind::Other("Parquet, no pickle")),
    (b"ARROW1\0\0", Kind::Other("Arrow, no pickle")),
    (b"GGUF", Kind::Gguf),
    (b"OggS", Kind::Other("sound, no pickle")),
    (b"fLaC", Kind::Other("sound, no pickle")),
    (b"SQLite format 3\0", Kind::Unscanned("an SQLite database")),
];

impl Kind {
    pub(super) fn of(data: &[u8]) -> Kind {
        let known = MAGIC.iter().find(|(magic, _)| data.starts_with(magic));
        match known {
            Some((_, kind)) if !kind.is_wrapping() && zip::ends_as_zip(data) => Kind::Zip,
            Some((_, kind)) => *kind,
            None if zip::ends_as_zip(data) => Kind::Zip,
            None if is_zlib(data) => Kind::Packed(Compression::Zlib),
            None if safetensors::is_safetensors(data) => Kind::Safetensors,
            None if tar::is_tar(data) => Kind::Tar,
            None if data.is_empty() => Kind::Unscanned("an empty file"),
            None => Kind::Pickle,
        }
    }

    /// Whether something else is inside of it.
    pub(super) fn is_wrapping(self) -> bool {
        matches!(self, Kind::Packed(_) | Kind::Zip | Kind::Tar | Kind::SevenZip)
    }
}

fn is_zlib(data: &[u8]) -> bool {
    match data {
        // No pickle begins with `x`.
        [0x78, flags, ..] => (0x7800 | u16::from(*flags)) % 31 == 0,
        _ => false,
    }
}
