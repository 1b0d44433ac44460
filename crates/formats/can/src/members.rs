//! Members of the archive that is being written: each hashed while it is.

use std::io::{Seek, Write};
use std::thread;

use cannery_core::{ArraySource, Error, Result};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::compression::Compression;
use crate::manifest::{Manifest, Member};
use crate::{ARRAYS, BLOBS, DOCUMENT, MANIFEST, TENSORS, tensors};

/// Where the data of stored members begins, a multiple of this, so that it can be mapped.
const ALIGNMENT: u16 = 64;

/// Members from this size on need the wide fields of ZIP64; headers have room in the difference.
const LARGE: u64 = 0xfff0_0000;

/// Pieces from this size on are hashed on another core than the one that writes them.
const WORTH_A_THREAD: usize = 4 << 20;

/// The archive takes so much at once: its checksum is then computed of what the cache still has.
const PIECE: usize = 1 << 20;

/// An archive and what its manifest will say.
pub(crate) struct Members<W: Write + Seek> {
    archive: ZipWriter<W>,
    compression: Compression,
    manifest: Manifest,
    arrays: u64,
    blobs: u64,
}

impl<W: Write + Seek> Members<W> {
    pub(crate) fn new(writer: W, compression: Compression) -> Self {
        let archive = ZipWriter::new(writer);
        Self { archive, compression, manifest: Manifest::default(), arrays: 0, blobs: 0 }
    }

    pub(crate) fn arrays(&self) -> u64 {
        self.arrays
    }

    /// Adds an array, as a tensor or as NPY, and returns its name.
    pub(crate) fn add_array(&mut self, array: &dyn ArraySource, is_tensor: bool) -> Result<String> {
        let (folder, ending) = if is_tensor { TENSORS } else { ARRAYS };
        let name = format!("{folder}{}{ending}", self.arrays);
        self.arrays += 1;
        let size = array.size_in_bytes()?;
        self.add(&name, size, |member| {
            let write = if is_tensor { tensors::to_writer } else { cannery_npy::to_writer };
            write(array, member)
        })?;
        Ok(name)
    }

    /// Adds bytes and returns their name.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) -> Result<String> {
        let name = format!("{}{}{}", BLOBS.0, self.blobs, BLOBS.1);
        self.blobs += 1;
        self.add_whole(&name, bytes)?;
        Ok(name)
    }

    fn add_whole(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.add(name, bytes.len() as u64, |member| member.write_all(bytes).map_err(cannot_write))
    }

    fn add(
        &mut self,
        name: &str,
        size: u64,
        write: impl FnOnce(&mut Hashing<'_, W>) -> Result<()>,
    ) -> Result<()> {
        let options = self.options(size);
        self.archive
            .start_file(name, options)
            .map_err(std::io::Error::other)
            .map_err(cannot_write)?;
        let mut member =
            Hashing { archive: &mut self.archive, hasher: blake3::Hasher::new(), size: 0 };
        write(&mut member)?;
        let member = Member::new(member.size, member.hasher.finalize());
        self.manifest.members.insert(name.to_owned(), member);
        Ok(())
    }

    fn options(&self, size: u64) -> SimpleFileOptions {
        let options = SimpleFileOptions::default().large_file(size >= LARGE);
        options
            .compression_method(self.compression.method())
            .compression_level(self.compression.level())
            .with_alignment(if self.compression == Compression::Stored { ALIGNMENT } else { 1 })
    }

    /// Writes document, manifest and directory, and gives the writer back.
    pub(crate) fn finish(mut self, document: &[u8]) -> Result<W> {
        self.add_whole(DOCUMENT, document)?;
        let manifest = self.manifest.to_json();
        self.add_whole(MANIFEST, manifest.as_bytes())?;
        self.archive.finish().map_err(std::io::Error::other).map_err(cannot_write)
    }
}

/// A member that is being written.
struct Hashing<'a, W: Write + Seek> {
    archive: &'a mut ZipWriter<W>,
    hasher: blake3::Hasher,
    size: u64,
}

impl<W: Write + Seek> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.size += bytes.len() as u64;
        if bytes.len() < WORTH_A_THREAD {
            self.hasher.update(bytes);
            return self.archive.write_all(bytes).map(|()| bytes.len());
        }
        let Self { archive, hasher, .. } = self;
        let is_hashed = thread::scope(|scope| {
            let hashing = thread::Builder::new().spawn_scoped(scope, || {
                hasher.update(bytes);
            });
            let written = bytes.chunks(PIECE).try_for_each(|piece| archive.write_all(piece));
            written.map(|()| hashing.is_ok())
        })?;
        // There may be no memory for another thread.
        if !is_hashed {
            hasher.update(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.archive.flush()
    }
}

#[cold]
fn cannot_write(error: std::io::Error) -> Error {
    Error::io(error, "cannot write the file")
}
