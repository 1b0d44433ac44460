//! Writing many arrays into one file.

use std::io::{Seek, Write};

use cannery_archive::{ArchiveWriter, Method};
use cannery_core::{ArraySource, Container, Error, ErrorKind, Result, Sink, Text};
use cannery_deflate::{self as deflate, PIECE};

use crate::Header;
use crate::npz::SUFFIX;
use crate::refuse::{container_name, refuse_scalars_and_objects};
use crate::write::read_pieces;

/// Where the data of stored members begins, a multiple of this, so that it can be mapped.
const ALIGNMENT: u16 = 64;

/// How the arrays of an archive are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are, to be mapped in place.
    #[default]
    Stored,
    /// With DEFLATE, as quickly as files become about as small as NumPy's.
    Balanced,
    /// With DEFLATE of this level, 1 (fast) to 12 (small).
    Deflate(u8),
}

/// Writes arrays into an archive that NumPy reads with `numpy.load`.
///
/// As a sink it takes one map from names to arrays. Equal input gives equal bytes: no times are
/// recorded.
pub struct NpzWriter<W: Write + Seek> {
    archive: ArchiveWriter<W>,
    compression: Compression,
    /// The key whose array comes next, while a stream of events is written.
    name: Option<String>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// A writer of an empty archive.
    pub fn new(writer: W, compression: Compression) -> Self {
        Self { archive: ArchiveWriter::new(writer), compression, name: None }
    }

    /// Adds an array.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if there is one of this name, [`ErrorKind::Unsupported`] if NPY has no
    /// such type; those of source and writer.
    pub fn add(&mut self, name: &str, array: &dyn ArraySource) -> Result<()> {
        let header = Header::of(array).to_vec()?;
        let size = array.size_in_bytes()?.saturating_add(header.len() as u64);
        let level = match self.compression {
            Compression::Stored => None,
            Compression::Balanced => Some(deflate::BALANCED),
            Compression::Deflate(level) => Some(level.max(1)),
        };
        let alignment = level.is_none().then_some(ALIGNMENT);
        let method = if level.is_some() { Method::Deflated } else { Method::Stored };
        self.archive.begin(&format!("{name}{SUFFIX}"), size, method, alignment)?;
        let crc = match level {
            None => self.store(&header, array)?,
            Some(level) => self.deflate(&header, array, level)?,
        };
        self.archive.end(size, crc)
    }

    /// Adds a member of these bytes, which some call an array: one of Python objects.
    ///
    /// # Errors
    /// As [`NpzWriter::add`].
    pub fn add_bytes(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.archive.add(&format!("{name}{SUFFIX}"), bytes, None)
    }

    fn store(&mut self, header: &[u8], array: &dyn ArraySource) -> Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let mut write = |bytes: &[u8]| {
            hasher.update(bytes);
            self.archive.write_bytes(bytes)
        };
        write(header)?;
        read_pieces(array, PIECE, &mut write)?;
        Ok(hasher.finalize())
    }

    fn deflate(&mut self, header: &[u8], array: &dyn ArraySource, level: u8) -> Result<u32> {
        let mut hasher = crc32fast::Hasher::new();
        let (archive, mut pending) = (&mut self.archive, header.to_vec());
        let mut write = |bytes: &[u8], ends: bool| -> Result<()> {
            let pieces: Vec<&[u8]> = bytes.chunks(PIECE).collect();
            for piece in deflate::compress(&pieces, level, ends)? {
                hasher.combine(&piece.hasher);
                archive.write_bytes(&piece.packed)?;
            }
            Ok(())
        };
        if array.size_in_bytes()? > PIECE as u64 {
            // A reader knows the pieces of an array that begins with one of its own.
            write(&pending, false)?;
            pending.clear();
        }
        let batch = PIECE * 2 * deflate::threads();
        read_pieces(array, batch, &mut |bytes| {
            pending.extend_from_slice(bytes);
            // The last one is kept, for it ends the stream.
            let whole = pending.len().saturating_sub(1) / PIECE * PIECE;
            if whole > 0 {
                write(&pending[..whole], false)?;
                pending.drain(..whole);
            }
            Ok(())
        })?;
        write(&pending, true)?;
        Ok(hasher.finalize())
    }

    /// Writes the directory and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> Result<W> {
        self.archive.finish()
    }

    #[cold]
    fn refuse<T>(&self, found: &str) -> Result<T> {
        let expected = if self.name.is_some() { "arrays" } else { "one map of arrays" };
        let message = format!("NPZ holds {expected}, found {found}");
        Err(Error::new(ErrorKind::Unsupported, message).with_hint("write JSON for other values"))
    }
}

impl<W: Write + Seek> Sink for NpzWriter<W> {
    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        match self.name.take() {
            Some(name) => self.add(&name, value),
            None => self.refuse("an array without a name"),
        }
    }

    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        match container {
            Container::Map if self.name.is_none() => Ok(()),
            other => self.refuse(container_name(other)),
        }
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let name = key.to_str().ok_or_else(|| {
            Error::new(ErrorKind::Encoding, "the name of an array has a surrogate in it")
        })?;
        self.name = Some(name.into_owned());
        Ok(())
    }

    refuse_scalars_and_objects!();
}
