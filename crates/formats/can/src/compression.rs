//! How members are packed.

use zip::CompressionMethod;

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
    pub(crate) fn method(self) -> CompressionMethod {
        match self {
            Self::Stored => CompressionMethod::Stored,
            Self::Deflate(_) => CompressionMethod::Deflated,
            Self::Zstd(_) => CompressionMethod::Zstd,
        }
    }

    pub(crate) fn level(self) -> Option<i64> {
        match self {
            Self::Stored => None,
            Self::Deflate(level) | Self::Zstd(level) => Some(i64::from(level)),
        }
    }
}
