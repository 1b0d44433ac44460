//! Many arrays in one file: a ZIP archive whose members are NPY files.

use std::io::{Cursor, Read, copy, sink};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread;

use cannery_core::{Budget, Error, ErrorKind, Limits, Result, Segment, TextBuf};
use zip::read::ZipFile;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::{Bytes, Header, NpyFile};

/// What NumPy puts behind an array's name to make its member's.
pub(crate) const SUFFIX: &str = ".npy";

/// An archive of arrays: names first, each array when it is asked for.
#[derive(Clone)]
pub struct NpzFile {
    // A clone shares the directory and has its own position, so that `&self` is enough to read.
    archive: ZipArchive<Cursor<Bytes>>,
    names: Vec<String>,
    limits: Limits,
}

/// A member as the archive's directory and its own header describe it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NpzMember {
    /// What the array is.
    pub header: Header,
    /// Bytes it takes in the archive.
    pub stored_len: u64,
    /// Whether it lies there as it is, fit to be mapped.
    pub is_stored: bool,
    /// Where its elements begin in the file, if they lie there as they are.
    pub data_start: Option<u64>,
}

impl NpzFile {
    /// Opens an archive and reads its directory; the file's name is in every error.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Corrupt`] if it is no whole ZIP archive.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::from_bytes(Bytes::open(path)?).map_err(|e| e.in_file(path.display().to_string()))
    }

    /// The archive in the bytes of a file.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are no whole ZIP archive.
    pub fn from_bytes(bytes: Bytes) -> Result<Self> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        let names =
            (0..archive.len()).map(|index| name_of(&archive, index)).collect::<Result<_>>()?;
        Ok(Self { archive, names, limits: Limits::default() })
    }

    /// Sets how much compressed members may expand to.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The names of the arrays, in the order they lie in.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What one array is; reads no more than its header.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], those of the header, and [`ErrorKind::Truncated`] or
    /// [`ErrorKind::Value`] if the member has another length than its header says.
    pub fn member(&self, name: &str) -> Result<NpzMember> {
        self.with_member(name, |file| {
            let (header, start) = read_header(file)?;
            let is_stored = file.compression() == CompressionMethod::Stored && !file.encrypted();
            let data_start = file.data_start().filter(|_| is_stored);
            let data_start = data_start.and_then(|member| member.checked_add(start));
            Ok(NpzMember { header, stored_len: file.compressed_size(), is_stored, data_start })
        })
    }

    /// One array: in place where it is stored, else decompressed. Its checksum is checked.
    ///
    /// # Errors
    /// As [`NpzFile::member`]; [`ErrorKind::Corrupt`] if the checksum does not match, and
    /// [`ErrorKind::Limit`] if it expands to more than the limits allow.
    pub fn get(&self, name: &str) -> Result<NpyFile> {
        let in_place = self.map(name)?;
        self.with_member(name, |file| match in_place {
            Some(array) => {
                copy(file, &mut sink()).map_err(unreadable)?;
                Ok(array)
            }
            None => NpyFile::from_bytes(&self.decompress(file)?),
        })
    }

    /// One array in place, if it is stored as it is; nothing but its header is read.
    ///
    /// # Errors
    /// As [`NpzFile::member`].
    pub fn map(&self, name: &str) -> Result<Option<NpyFile>> {
        let range = self.with_member(name, |file| {
            let in_place = file.compression() == CompressionMethod::Stored && !file.encrypted();
            Ok(file.data_start().filter(|_| in_place).map(|start| (start, file.size())))
        })?;
        let Some((start, len)) = range else { return Ok(None) };
        let bytes = self.archive.clone().into_inner().into_inner();
        let range =
            usize::try_from(start).ok().zip(usize::try_from(start.saturating_add(len)).ok());
        let range = range.filter(|(start, end)| start <= end && *end <= bytes.len());
        let (start, end) = range.ok_or_else(|| cut_off().inside(segment(name)))?;
        NpyFile::from_bytes(&bytes.slice(start..end)).map(Some).map_err(|e| e.inside(segment(name)))
    }

    /// Fills `out` with the elements of one array, decompressed and checked.
    ///
    /// # Errors
    /// As [`NpzFile::get`]; [`ErrorKind::Value`] if `out` has another length than the array.
    pub fn read_into(&self, name: &str, out: &mut [u8]) -> Result<()> {
        self.with_member(name, |file| {
            let (header, start) = read_header(file)?;
            if header.data_len()? != out.len() as u64 {
                return Err(Error::new(ErrorKind::Value, "the buffer has not the array's length"));
            }
            if let Some(packed) = self.packed(file) {
                let start = usize::try_from(start).unwrap_or(usize::MAX);
                let crc = cannery_deflate::decompress_pieces(&packed, start, out);
                if crc == Some(file.crc32()) && file.size() == (start + out.len()) as u64 {
                    return Ok(());
                }
                // The buffer is as long as that, so memory for it is not taken on the file's word.
                let unpacked = unpack(&packed, file.size(), file.crc32())?;
                out.copy_from_slice(unpacked.get(start..).ok_or_else(cut_off)?);
                return Ok(());
            }
            file.read_exact(out).map_err(unreadable)?;
            // The checksum is compared at the end of the member, so it must be seen.
            copy(file, &mut sink()).map(drop).map_err(unreadable)
        })
    }

    /// Fills many buffers, each with the elements of one array, on all cores.
    ///
    /// # Errors
    /// As [`NpzFile::read_into`]; what was read by then is in the buffers.
    pub fn read_many(&self, buffers: Vec<(&str, &mut [u8])>) -> Result<()> {
        let threads = cannery_deflate::threads().min(buffers.len());
        let buffers = Mutex::new(buffers.into_iter());
        let next = || buffers.lock().unwrap_or_else(PoisonError::into_inner).next();
        let work = || {
            while let Some((name, out)) = next() {
                self.read_into(name, out)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads)
                // Without another thread, this one does it all.
                .filter_map(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let mine = work();
            let join = |other: thread::ScopedJoinHandle<'_, Result<()>>| {
                other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            others.into_iter().map(join).fold(mine, Result::and)
        })
    }

    /// The bytes of a member that is deflated, as they lie in the file.
    fn packed(&self, file: &Member<'_>) -> Option<Bytes> {
        if file.compression() != CompressionMethod::Deflated || file.encrypted() {
            return None;
        }
        let start = usize::try_from(file.data_start()?).ok()?;
        let end = start.checked_add(usize::try_from(file.compressed_size()).ok()?)?;
        let bytes = self.archive.clone().into_inner().into_inner();
        (end <= bytes.len()).then(|| bytes.slice(start..end))
    }

    fn decompress(&self, file: &mut Member<'_>) -> Result<Bytes> {
        let size = file.size();
        Budget::new(&self.limits, file.compressed_size()).take_bytes(size)?;
        if let Some(packed) = self.packed(file) {
            return unpack(&packed, size, file.crc32()).map(Bytes::from);
        }
        let mut bytes = Vec::new();
        file.take(size).read_to_end(&mut bytes).map_err(unreadable)?;
        copy(file, &mut sink()).map_err(unreadable)?;
        Ok(Bytes::from(bytes))
    }

    /// Opens a member for `read`; its name is in every error.
    fn with_member<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut Member<'_>) -> Result<T>,
    ) -> Result<T> {
        let index = self.names.iter().position(|n| n == name).ok_or_else(|| self.missing(name))?;
        let mut archive = self.archive.clone();
        let member = archive.by_index(index).map_err(damaged);
        let member = member.and_then(|file| match file.compression() {
            CompressionMethod::Stored | CompressionMethod::Deflated => Ok(file),
            method => Err(unsupported(&method.to_string())),
        });
        member.and_then(|mut file| read(&mut file)).map_err(|e| e.inside(segment(name)))
    }

    #[cold]
    fn missing(&self, name: &str) -> Error {
        let error =
            Error::new(ErrorKind::NotFound, format!("there is no array `{name}` in the file"));
        match self.names.as_slice() {
            [] => error.with_hint("the archive is empty"),
            names => error.with_hint(format!("there are: {}", names.join(", "))),
        }
    }
}

/// Unpacks a member of which the length and the checksum are known.
fn unpack(packed: &[u8], size: u64, crc: u32) -> Result<Vec<u8>> {
    let size = usize::try_from(size).map_err(|_| Error::out_of_memory())?;
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| Error::out_of_memory())?;
    bytes.resize(size, 0);
    cannery_deflate::decompress(packed, &mut bytes)?;
    if crc32fast::hash(&bytes) == crc {
        return Ok(bytes);
    }
    Err(Error::new(ErrorKind::Corrupt, "the member is damaged: invalid checksum"))
}

type Member<'a> = ZipFile<'a, Cursor<Bytes>>;

/// Reads a member's header and holds it against the length in the directory.
fn read_header(file: &mut Member<'_>) -> Result<(Header, u64)> {
    let (header, start) = Header::from_reader(file).map_err(corrupt_if_unreadable)?;
    let end = header.data_end(start, file.size())?;
    if end < file.size() {
        let message = format!("expected {end} bytes in the member, found {}", file.size());
        return Err(Error::new(ErrorKind::Value, message));
    }
    Ok((header, start))
}

fn name_of(archive: &ZipArchive<Cursor<Bytes>>, index: usize) -> Result<String> {
    let name = archive.name_for_index(index).unwrap_or(Err(ZipError::FileNotFound));
    let name = name.map_err(damaged)?;
    Ok(name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned())
}

fn segment(name: &str) -> Segment {
    Segment::Key(TextBuf::from(name))
}

#[cold]
fn damaged(error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(what) => {
            Error::new(ErrorKind::Unsupported, format!("the archive is not read: {what}"))
        }
        ZipError::CompressionMethodNotSupported(method) => {
            unsupported(CompressionMethod::name_from_u16(method))
        }
        other => Error::new(ErrorKind::Corrupt, "the ZIP archive is damaged or cut off")
            .with_source(other),
    }
}

#[cold]
fn unsupported(method: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the member is compressed by {method}"))
        .with_hint("stored and deflated members are read, which is what NumPy writes")
}

#[cold]
fn cut_off() -> Error {
    Error::new(ErrorKind::Truncated, "the archive ends inside this member")
}

/// The archive is in memory: what cannot be read of it is damaged.
#[cold]
fn unreadable(error: std::io::Error) -> Error {
    let message = format!("the member is damaged: {}", error.to_string().to_lowercase());
    Error::new(ErrorKind::Corrupt, message).with_source(error)
}

#[cold]
fn corrupt_if_unreadable(mut error: Error) -> Error {
    let Some(source) = error.take_source() else { return error };
    match source.downcast() {
        Ok(source) => unreadable(*source),
        Err(source) => error.with_source(source),
    }
}
