//! Members of the archive that is being written: each hashed while it is.

use std::io::{Seek, Write};
use std::thread;

use cannery_archive::ArchiveWriter;
use cannery_core::{ArraySource, Error, Result};

use crate::compression::{Compression, Packer};
use crate::manifest::{Manifest, Member};
use crate::{ARRAYS, BLOBS, DOCUMENT, MANIFEST, TENSORS, tensors};

/// Where the data of stored members begins, a multiple of this, so that it can be mapped.
const ALIGNMENT: u16 = 64;

/// Pieces from this size on are hashed on another core than the one that writes them.
const WORTH_A_THREAD: usize = 4 << 20;

/// The archive takes so much at once: its checksum is then computed of what the cache still has.
const PIECE: usize = 1 << 20;

/// An archive and what its manifest will say.
pub(crate) struct Members<W: Write + Seek> {
    archive: ArchiveWriter<W>,
    compression: Compression,
    manifest: Manifest,
    arrays: u64,
    blobs: u64,
}

impl<W: Write + Seek> Members<W> {
    pub(crate) fn new(writer: W, compression: Compression) -> Self {
        let archive = ArchiveWriter::new(writer);
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
        if self.compression != Compression::Stored || bytes.len() >= WORTH_A_THREAD {
            let size = bytes.len() as u64;
            return self.add(name, size, |member| member.write_all(bytes).map_err(cannot_write));
        }
        self.archive.add(name, bytes, Some(ALIGNMENT))?;
        self.manifest.add(name, Member::new(bytes.len() as u64, blake3::hash(bytes)));
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        size: u64,
        write: impl FnOnce(&mut Hashing<'_, W>) -> Result<()>,
    ) -> Result<()> {
        let alignment = (self.compression == Compression::Stored).then_some(ALIGNMENT);
        self.archive.begin(name, size, self.compression.method(), alignment)?;
        let mut member = Hashing::new(&mut self.archive, self.compression)?;
        write(&mut member)?;
        let (member, crc) = member.finish()?;
        self.archive.end(member.size, crc)?;
        self.manifest.add(name, member);
        Ok(())
    }

    /// Writes document, manifest and directory, and gives the writer back.
    pub(crate) fn finish(mut self, document: &[u8]) -> Result<W> {
        self.add_whole(DOCUMENT, document)?;
        let manifest = self.manifest.to_json();
        // Nothing holds its digest.
        if self.compression == Compression::Stored {
            self.archive.add(MANIFEST, manifest.as_bytes(), Some(ALIGNMENT))?;
        } else {
            self.add_whole(MANIFEST, manifest.as_bytes())?;
        }
        self.archive.finish()
    }
}

/// A member that is being written.
struct Hashing<'a, W: Write + Seek> {
    packer: Packer<'a, W>,
    digest: blake3::Hasher,
    crc: crc32fast::Hasher,
    size: u64,
}

impl<'a, W: Write + Seek> Hashing<'a, W> {
    fn new(archive: &'a mut ArchiveWriter<W>, compression: Compression) -> Result<Self> {
        let packer = Packer::new(archive, compression).map_err(cannot_write)?;
        let (digest, crc) = (blake3::Hasher::new(), crc32fast::Hasher::new());
        Ok(Self { packer, digest, crc, size: 0 })
    }

    /// What the manifest says about the member, and its checksum.
    fn finish(self) -> Result<(Member, u32)> {
        self.packer.finish().map_err(cannot_write)?;
        Ok((Member::new(self.size, self.digest.finalize()), self.crc.finalize()))
    }

    fn put(
        packer: &mut Packer<'_, W>,
        crc: &mut crc32fast::Hasher,
        bytes: &[u8],
    ) -> std::io::Result<()> {
        crc.update(bytes);
        packer.write_all(bytes)
    }
}

impl<W: Write + Seek> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.size += bytes.len() as u64;
        let Self { packer, digest, crc, .. } = self;
        if bytes.len() < WORTH_A_THREAD {
            digest.update(bytes);
            return Self::put(packer, crc, bytes).map(|()| bytes.len());
        }
        let is_hashed = thread::scope(|scope| {
            let hashing = thread::Builder::new().spawn_scoped(scope, || {
                digest.update(bytes);
            });
            let written = bytes.chunks(PIECE).try_for_each(|piece| Self::put(packer, crc, piece));
            written.map(|()| hashing.is_ok())
        })?;
        // There may be no memory for another thread.
        if !is_hashed {
            digest.update(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.packer.flush()
    }
}

#[cold]
fn cannot_write(error: std::io::Error) -> Error {
    Error::io(error, "cannot write the file")
}
