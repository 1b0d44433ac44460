//! What a file is, by its bytes.

use super::packed::{is_zlib_header, old_joblib};
use super::zip;
use super::{safetensors, tar};

/// What to do with a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
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
    /// A program, which no loader of data reads.
    Code(&'static str),
    Empty,
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

const MAGIC: &[(&[u8], FileKind)] = &[
    (b"\x1f\x8b\x08", FileKind::Packed(Compression::Gzip)),
    (b"BZh", FileKind::Packed(Compression::Bzip2)),
    (b"\xfd7zXZ\0", FileKind::Packed(Compression::Xz)),
    (b"]\0\0", FileKind::Packed(Compression::Lzma)),
    (b"\x04\x22\x4d\x18", FileKind::Packed(Compression::Lz4)),
    (b"LZIP\x01", FileKind::Unscanned("an lzip archive")),
    (b"\x28\xb5\x2f\xfd", FileKind::Packed(Compression::Zstd)),
    (b"ZF0x", FileKind::Packed(Compression::OldJoblib)),
    (b"PK\x03\x04", FileKind::Zip),
    (b"PK\x05\x06", FileKind::Zip),
    (b"7z\xbc\xaf\x27\x1c", FileKind::SevenZip),
    (b"\x93NUMPY", FileKind::Npy),
    (b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::LegacyTorch),
    (b"\x80\x03\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::LegacyTorch),
    (b"\x80\x04\x95\r\0\0\0\0\0\0\0\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::LegacyTorch),
    (b"\x80\x05\x95\r\0\0\0\0\0\0\0\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", FileKind::LegacyTorch),
    (b"L119547037146038801333356L\n.", FileKind::LegacyTorch),
    (b"Rar!\x1a\x07", FileKind::Unscanned("a RAR archive")),
    (b"MSCF", FileKind::Unscanned("a CAB archive")),
    (b"\x7fELF", FileKind::Code("machine code")),
    (b"MZ", FileKind::Code("machine code")),
    (b"\xcf\xfa\xed\xfe", FileKind::Code("machine code")),
    (b"\xce\xfa\xed\xfe", FileKind::Code("machine code")),
    (b"\xca\xfe\xba\xbe", FileKind::Code("machine code")),
    (b"!<arch>\n", FileKind::Code("a library of machine code")),
    (b"\0asm", FileKind::Code("WebAssembly")),
    (b"\x89PNG\r\n\x1a\n", FileKind::Other("an image, no pickle")),
    (b"\xff\xd8\xff", FileKind::Other("an image, no pickle")),
    (b"GIF8", FileKind::Other("an image, no pickle")),
    (b"RIFF", FileKind::Other("sound or pictures, no pickle")),
    (b"%PDF-", FileKind::Other("a PDF document, no pickle")),
    (b"PAR1", FileKind::Other("Parquet, no pickle")),
    (b"ARROW1\0\0", FileKind::Other("Arrow, no pickle")),
    (b"GGUF", FileKind::Gguf),
    (b"OggS", FileKind::Other("sound, no pickle")),
    (b"fLaC", FileKind::Other("sound, no pickle")),
    (b"SQLite format 3\0", FileKind::Unscanned("an SQLite database")),
];

impl FileKind {
    pub(super) fn of(data: &[u8]) -> FileKind {
        let known = MAGIC.iter().find(|(magic, _)| data.starts_with(magic));
        match known {
            Some((_, kind)) if !kind.is_wrapping() && zip::ends_as_zip(data) => FileKind::Zip,
            Some((_, kind)) => *kind,
            None if zip::ends_as_zip(data) => FileKind::Zip,
            None if is_zlib(data) => FileKind::Packed(Compression::Zlib),
            None if safetensors::is_safetensors(data) => FileKind::Safetensors,
            None if tar::is_tar(data) => FileKind::Tar,
            None if data.is_empty() => FileKind::Empty,
            None if old_joblib(data).is_some() => FileKind::Packed(Compression::OldJoblib),
            None if is_zstd(data) => FileKind::Packed(Compression::Zstd),
            None if is_bytecode(data) => FileKind::Code("Python bytecode"),
            None => FileKind::Pickle,
        }
    }

    /// Whether something else is inside of it.
    pub(super) fn is_wrapping(self) -> bool {
        matches!(self, FileKind::Packed(_) | FileKind::Zip | FileKind::Tar | FileKind::SevenZip)
    }
}

fn is_zlib(data: &[u8]) -> bool {
    // No pickle begins with `x`.
    data.first() == Some(&0x78) && is_zlib_header(data)
}

/// Whether zstd's frames follow one that is passed over (RFC 8878, section 3.1.2).
fn is_zstd(data: &[u8]) -> bool {
    matches!(data, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Whether this is a `.pyc`: a magic number that ends in a line break, flags or a time (PEP 552), and
/// a code object as `marshal` writes it.
fn is_bytecode(data: &[u8]) -> bool {
    let has_code = |at: &usize| data.get(*at).is_some_and(|byte| byte & 0x7f == b'c');
    data.get(2..4) == Some(b"\r\n") && [8, 12, 16].iter().any(has_code)
}
