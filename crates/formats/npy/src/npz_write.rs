//! Writing many arrays into one file.

use std::io::{Seek, Write};

use cannery_core::{ArraySource, Container, Error, ErrorKind, Result, Sink, Text};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::npz::SUFFIX;
use crate::refuse::{container_name, refuse_scalars_and_objects};
use crate::to_writer;

/// Where the data of stored members begins, a multiple of this, so that it can be mapped.
const ALIGNMENT: u16 = 64;

/// Members from this size on need the wide fields of ZIP64; headers have room in the difference.
const LARGE: u64 = 0xfff0_0000;

/// How the arrays of an archive are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// As they are, to be mapped in place.
    #[default]
    Stored,
    /// With DEFLATE of this level, 1 (fast) to 9 (small).
    Deflate(u8),
}

/// Writes arrays into an archive that NumPy reads with `numpy.load`.
///
/// As a sink it takes one map from names to arrays. Equal input gives equal bytes: no times are
/// recorded.
pub struct NpzWriter<W: Write + Seek> {
    archive: ZipWriter<W>,
    compression: Compression,
    /// The key whose array comes next, while a stream of events is written.
    name: Option<String>,
}

impl<W: Write + Seek> NpzWriter<W> {
    /// A writer of an empty archive.
    pub fn new(writer: W, compression: Compression) -> Self {
        Self { archive: ZipWriter::new(writer), compression, name: None }
    }

    /// Adds an array.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] if there is one of this name, [`ErrorKind::Unsupported`] if NPY has no
    /// such type; those of source and writer.
    pub fn add(&mut self, name: &str, array: &dyn ArraySource) -> Result<()> {
        let options = self.options(array.size_in_bytes()?);
        self.archive.start_file(format!("{name}{SUFFIX}"), options).map_err(|e| {
            let message = format!("cannot add the array `{name}`: {e}");
            Error::new(ErrorKind::Value, message).with_source(e)
        })?;
        to_writer(array, &mut self.archive)
    }

    fn options(&self, size: u64) -> SimpleFileOptions {
        let options = SimpleFileOptions::default().large_file(size >= LARGE);
        match self.compression {
            Compression::Stored => {
                options.compression_method(CompressionMethod::Stored).with_alignment(ALIGNMENT)
            }
            Compression::Deflate(level) => options
                .compression_method(CompressionMethod::Deflated)
                .compression_level(Some(i64::from(level))),
        }
    }

    /// Writes the directory and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn finish(self) -> Result<W> {
        self.archive
            .finish()
            .map_err(|e| Error::io(std::io::Error::other(e), "cannot finish the archive"))
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
