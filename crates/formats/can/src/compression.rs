//! How members are packed.

use std::io::{self, Seek, Write};

use cannery_archive::{ArchiveWriter, Method};
use flate2::write::DeflateEncoder;
use zstd::stream::write::Encoder;

/// How the members are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are: arrays can be mapped in place.
    #[default]
    Stored,
    /// With DEFLATE of this level, 1 (fast) to 9 (small); every ZIP tool unpacks it.
    Deflate(u8),
    /// With Zstandard of this level, 1 to 22; newer ZIP tools unpack it.
    Zstd(u8),
}

impl Compression {
    pub(crate) fn method(self) -> Method {
        match self {
            Self::Stored => Method::Stored,
            Self::Deflate(_) => Method::Deflated,
            Self::Zstd(_) => Method::Zstd,
        }
    }
}

/// Packs the bytes of a member on their way into the archive.
pub(crate) enum Packer<'a, W: Write + Seek> {
    Stored(&'a mut ArchiveWriter<W>),
    Deflate(DeflateEncoder<&'a mut ArchiveWriter<W>>),
    Zstd(Encoder<'static, &'a mut ArchiveWriter<W>>),
}

impl<'a, W: Write + Seek> Packer<'a, W> {
    pub(crate) fn new(
        archive: &'a mut ArchiveWriter<W>,
        compression: Compression,
    ) -> io::Result<Self> {
        Ok(match compression {
            Compression::Stored => Self::Stored(archive),
            Compression::Deflate(level) => {
                let level = flate2::Compression::new(level.into());
                Self::Deflate(DeflateEncoder::new(archive, level))
            }
            Compression::Zstd(level) => Self::Zstd(Encoder::new(archive, level.into())?),
        })
    }

    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Stored(_) => Ok(()),
            Self::Deflate(encoder) => encoder.finish().map(drop),
            Self::Zstd(encoder) => encoder.finish().map(drop),
        }
    }
}

impl<W: Write + Seek> Write for Packer<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stored(archive) => archive.write(bytes),
            Self::Deflate(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stored(archive) => archive.flush(),
            Self::Deflate(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
