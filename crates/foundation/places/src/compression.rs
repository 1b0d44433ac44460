//! The compressions of whole files: their names, marks, decoders and encoders.

#[cfg(feature = "compression")]
mod codecs;
#[cfg(feature = "compression")]
pub(crate) use codecs::{Encoder, decoder, encoder};

/// How the bytes of a file are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// `.gz` ([RFC 1952](https://www.rfc-editor.org/rfc/rfc1952)), members in a row.
    Gzip,
    /// `.zst` ([RFC 8878](https://www.rfc-editor.org/rfc/rfc8878)), frames in a row.
    Zstd,
    /// `.bz2`, streams in a row.
    Bzip2,
    /// `.xz`, streams in a row.
    Xz,
    /// `.lz4`: its frame format, frames in a row.
    Lz4,
    /// `.zz` or `.zlib` ([RFC 1950](https://www.rfc-editor.org/rfc/rfc1950)).
    Zlib,
}

impl Compression {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Gzip, Self::Zstd, Self::Bzip2, Self::Xz, Self::Lz4, Self::Zlib];

    /// The compression that the first bytes of a file are the mark of. zlib's header is too short for
    /// that, and may begin a text: only a name says so.
    #[must_use]
    pub fn of_start(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, 0x41 | 0x72, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x04, 0x22, 0x4d, 0x18, ..] => Some(Self::Lz4),
            _ => None,
        }
    }

    /// The compression that an extension stands for.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.extensions().contains(&extension))
    }

    /// The extensions of files, the usual one first.
    #[must_use]
    pub fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Gzip => &["gz"],
            Self::Zstd => &["zst", "zstd"],
            Self::Bzip2 => &["bz2"],
            Self::Xz => &["xz"],
            Self::Lz4 => &["lz4"],
            Self::Zlib => &["zz", "zlib"],
        }
    }

    /// Compresses bytes as a whole file, to which others can be appended but for zlib's.
    ///
    /// # Errors
    /// Those of the encoder.
    #[cfg(feature = "compression")]
    pub fn compress(self, bytes: &[u8]) -> cannery_core::Result<Vec<u8>> {
        use std::io::Write as _;

        let compressed = encoder(self, Vec::new()).and_then(|mut encoder| {
            encoder.write_all(bytes)?;
            encoder.finish()
        });
        compressed.map_err(|e| cannery_core::Error::io(e, "cannot compress"))
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
            Self::Zlib => "zlib",
        }
    }
}

/// The error of a build that cannot read and write compressed files.
#[cfg(not(feature = "compression"))]
#[cold]
pub(crate) fn without_compression(compression: Compression) -> cannery_core::Error {
    let message = format!("this build of cannery does not read and write {}", compression.name());
    cannery_core::Error::new(cannery_core::ErrorKind::Unsupported, message)
        .with_hint("build it with the feature `compression`")
}

#[cfg(all(test, feature = "compression"))]
mod tests {
    use std::io::{Read, Write};

    use proptest::prelude::*;

    use super::*;

    fn compressed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
        let mut encoder = encoder(compression, Vec::new()).unwrap();
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn expanded(compression: Compression, bytes: Vec<u8>) -> std::io::Result<Vec<u8>> {
        let mut expanded = Vec::new();
        decoder(compression, std::io::Cursor::new(bytes))?.read_to_end(&mut expanded)?;
        Ok(expanded)
    }

    #[test]
    fn marks_and_extensions_are_told_apart() {
        for compression in Compression::ALL {
            let found = Compression::of_start(&compressed(compression, b"text"));
            assert_eq!(found, (compression != Compression::Zlib).then_some(compression));
            for extension in compression.extensions() {
                assert_eq!(Compression::of_extension(extension), Some(compression));
            }
        }
        assert_eq!(Compression::of_start(b"BZh"), None);
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        let text: Vec<u8> = (0..5000_u32).flat_map(u32::to_le_bytes).collect();
        for compression in Compression::ALL {
            let whole = compressed(compression, &text);
            for len in [whole.len() - 1, whole.len() - 4, whole.len() / 2, 5] {
                let read = expanded(compression, whole[..len].to_vec());
                assert!(read.is_err(), "{compression:?} of {len} bytes");
            }
        }
    }

    #[test]
    fn what_is_written_is_no_bomb_to_readers() {
        let limits = cannery_core::Limits::default().base_bytes(1 << 16);
        let text = vec![0; 3 << 20];
        for compression in Compression::ALL {
            let encoder = codecs::Readable::new(compression, Vec::new(), limits).unwrap();
            let mut encoder = Box::new(encoder);
            let written = encoder.write_all(&text);
            if compression == Compression::Zlib {
                let error = written.unwrap_err().to_string();
                assert!(error.ends_with("write .gz or .zst"), "{error}");
                continue;
            }
            written.unwrap();
            let packed: Vec<u8> = encoder.finish().unwrap();
            let plain = compressed(compression, &text);
            assert!(plain.len() < packed.len() && packed.len() < plain.len() + text.len() / 100);
            let reader = std::io::Cursor::new(packed);
            let (counted, consumed) = crate::inflate::Counted::new(reader);
            let decoder = decoder(compression, counted).unwrap();
            let mut bounded = crate::inflate::Bounded::with_limits(decoder, consumed, limits);
            let mut expanded = Vec::new();
            bounded.read_to_end(&mut expanded).unwrap();
            assert_eq!(expanded, text, "{compression:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_compressed_expands_again(bytes: Vec<u8>, more: Vec<u8>) {
            for compression in Compression::ALL {
                let mut parts = compressed(compression, &bytes);
                prop_assert_eq!(&expanded(compression, parts.clone()).unwrap(), &bytes);
                if compression != Compression::Zlib {
                    parts.extend(compressed(compression, &more));
                    let both = [bytes.as_slice(), &more].concat();
                    prop_assert_eq!(expanded(compression, parts).unwrap(), both);
                }
            }
        }
    }
}
