//! Opening what is read: a file, a pipe, memory, a file of a service; packed or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cannery_core::{Budget, Error, ErrorKind, Limits, Result};

#[cfg(feature = "compression")]
use crate::compression::decoder;
use crate::inflate::named_bytes;
#[cfg(feature = "compression")]
use crate::inflate::{Bounded, Counted};
#[cfg(feature = "remote")]
use crate::remote::{self, Opened, RemoteFile, RemoteReader};
use crate::{ByteSource, Compression, FileSource, Location, Url};

/// Bytes looked at to tell what a file is.
pub const START_LEN: usize = 4096;

/// Something to read, its first bytes known.
pub struct Input {
    name: String,
    extension: Option<String>,
    compression: Option<Compression>,
    size: Option<u64>,
    start: Vec<u8>,
    content: Content,
    /// Counts the bytes that were read, for progress.
    counter: Option<Arc<AtomicU64>>,
}

/// What counts the bytes that are read of it, if progress is shown.
struct CountedReader<R> {
    reader: R,
    counter: Option<Arc<AtomicU64>>,
}

impl<R: Read> Read for CountedReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(out)?;
        if let Some(counter) = &self.counter {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

enum Content {
    /// A plain file, at its beginning.
    File(File),
    /// Everything, in memory.
    Memory(Vec<u8>),
    /// A plain file of a service.
    #[cfg(feature = "remote")]
    Remote(RemoteFile),
    /// What follows the start.
    Stream(Box<dyn Read + Send>),
}

/// All bytes of an input, in the form that is cheapest to have.
pub enum Contents {
    /// A plain file, which can be mapped.
    File(File),
    /// The bytes themselves.
    Memory(Vec<u8>),
}

impl Input {
    /// Opens a place.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn open(location: &Location) -> Result<Self> {
        let input = match location {
            Location::Standard => Self::from_stream(io::stdin()),
            Location::Path(path) => File::open(path)
                .map_err(|e| Error::io(e, "cannot open the file"))
                .and_then(|file| Self::from_file(file, location.compression())),
            Location::Url(url) => Self::from_url(url, location.compression()),
        };
        let mut input = input.map_err(|e| e.in_file(location.name()))?;
        input.name = location.name();
        input.extension = location.extension();
        Ok(input)
    }

    /// Bytes in memory.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] if they are packed and damaged.
    pub fn from_memory(bytes: Vec<u8>) -> Result<Self> {
        let size = Some(bytes.len() as u64);
        let start = bytes[..bytes.len().min(START_LEN)].to_vec();
        match Compression::of_start(&start) {
            None => Ok(Self { size, start, ..Self::new(Content::Memory(bytes)) }),
            Some(compression) => Self::from_packed(compression, Cursor::new(bytes), size),
        }
    }

    fn from_file(mut file: File, named: Option<Compression>) -> Result<Self> {
        let metadata = file.metadata().map_err(cannot_read)?;
        if metadata.is_dir() {
            return Err(cannot_read(io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return if is_device(&metadata) {
                Self::from_stream(Device { file, left: MOST_OF_DEVICE })
            } else {
                Self::from_stream(file)
            };
        }
        let size = Some(metadata.len());
        let mut start = Vec::new();
        file.by_ref().take(START_LEN as u64).read_to_end(&mut start).map_err(cannot_read)?;
        file.seek(SeekFrom::Start(0)).map_err(cannot_read)?;
        // zlib has no mark of its own.
        let zlib = named.filter(|&named| named == Compression::Zlib);
        match Compression::of_start(&start).or(zlib) {
            None => Ok(Self { size, start, ..Self::new(Content::File(file)) }),
            Some(compression) => Self::from_packed(compression, BufReader::new(file), size),
        }
    }

    #[cfg(feature = "remote")]
    fn from_url(url: &Url, named: Option<Compression>) -> Result<Self> {
        let file = match remote::open(url)? {
            Opened::File(file) => file,
            Opened::Stream(stream, size) => {
                let input = Self::from_stream(stream)?;
                return Ok(Self { size: size.or(input.size), ..input });
            }
        };
        let size = Some(file.len());
        let start = file.first()[..file.first().len().min(START_LEN)].to_vec();
        let zlib = named.filter(|&named| named == Compression::Zlib);
        match Compression::of_start(&start).or(zlib) {
            None => Ok(Self { size, start, ..Self::new(Content::Remote(file)) }),
            Some(compression) => {
                Self::from_packed(compression, BufReader::new(RemoteReader::new(file)), size)
            }
        }
    }

    #[cfg(not(feature = "remote"))]
    fn from_url(_: &Url, _: Option<Compression>) -> Result<Self> {
        Err(without_remote())
    }

    /// Anything that can be read.
    ///
    /// # Errors
    /// Those of the first read.
    pub fn from_stream(stream: impl Read + Send + 'static) -> Result<Self> {
        let mut stream = BufReader::with_capacity(START_LEN, stream);
        // One read only: a pipe may hold little yet, and more when that little has been read.
        let start = stream.fill_buf().map_err(cannot_read)?;
        match Compression::of_start(start) {
            Some(compression) => Self::from_packed(compression, stream, None),
            None => Self::from_unpacked(stream),
        }
    }

    fn from_packed(
        compression: Compression,
        packed: impl BufRead + Send + 'static,
        size: Option<u64>,
    ) -> Result<Self> {
        let input = Self::from_unpacked(expand(compression, packed)?)?;
        Ok(Self { compression: Some(compression), size, ..input })
    }

    fn from_unpacked(mut stream: impl Read + Send + 'static) -> Result<Self> {
        let mut start = vec![0; START_LEN];
        let len = stream.read(&mut start).map_err(cannot_read)?;
        start.truncate(len);
        Ok(Self { start, ..Self::new(Content::Stream(Box::new(stream))) })
    }

    fn new(content: Content) -> Self {
        let start = Vec::new();
        Self {
            name: String::new(),
            extension: None,
            compression: None,
            size: None,
            start,
            content,
            counter: None,
        }
    }

    /// What people call it; empty for bytes in memory.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The extension that says what is inside, if its name has one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// How it is packed.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// The length of the file, packed, if it is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The first bytes, unpacked: up to 4,096, fewer if a stream had no more at hand.
    #[must_use]
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// All bytes: a plain file as it is, anything else read into memory; of a service, what is
    /// larger than 64 MiB into a file without a name.
    ///
    /// Packed bytes may expand to what [`default_limits`](crate::default_limits) allow.
    ///
    /// # Errors
    /// Those of the operating system; [`ErrorKind::Limit`] if packed bytes expand to more than the
    /// limits allow.
    pub fn into_whole(self, limits: &Limits) -> Result<Contents> {
        match self.content {
            Content::File(file) => Ok(Contents::File(file)),
            Content::Memory(bytes) => Ok(Contents::Memory(bytes)),
            #[cfg(feature = "remote")]
            Content::Remote(file) => kept(file),
            Content::Stream(stream) => {
                let packed = self.size.filter(|_| self.compression.is_some());
                let limits = limits.base_bytes(limits.base_bytes.max(named_bytes()));
                let budget = packed.map(|size| Budget::new(&limits, size));
                read_all(self.start, stream, budget).map(Contents::Memory)
            }
        }
    }

    /// All bytes, to be read at any place: what a service keeps is asked for part by part.
    ///
    /// # Errors
    /// As [`into_whole`](Self::into_whole).
    pub fn into_source(self, limits: &Limits) -> Result<Arc<dyn ByteSource>> {
        #[cfg(feature = "remote")]
        if let Content::Remote(file) = self.content {
            return Ok(Arc::new(file));
        }
        match self.into_whole(limits)? {
            Contents::File(file) => Ok(Arc::new(FileSource::new(file)?)),
            Contents::Memory(bytes) => Ok(Arc::new(bytes)),
        }
    }

    /// All bytes.
    ///
    /// # Errors
    /// Those of reading, and [`ErrorKind::Memory`].
    pub fn read_all(self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        cannery_core::read_to_end(&mut self.into_reader(), &mut bytes).map_err(cannot_read)?;
        Ok(bytes)
    }

    /// A count of the bytes that [`into_reader`](Self::into_reader)'s reader has read of a plain
    /// file, as it goes on; `None` for what is packed or of unknown length.
    pub fn count_reads(&mut self) -> Option<(Arc<AtomicU64>, u64)> {
        let size = self.size.filter(|_| self.compression.is_none())?;
        let counter = self.counter.get_or_insert_default();
        Some((Arc::clone(counter), size))
    }

    /// The bytes one after the other.
    #[must_use]
    pub fn into_reader(self) -> Box<dyn BufRead + Send> {
        match self.content {
            Content::File(reader) => {
                let counted = CountedReader { reader, counter: self.counter };
                Box::new(BufReader::with_capacity(1 << 16, counted))
            }
            Content::Memory(bytes) => Box::new(Cursor::new(bytes)),
            #[cfg(feature = "remote")]
            Content::Remote(file) => {
                let counter = self.counter;
                let reader = CountedReader { reader: RemoteReader::new(file), counter };
                Box::new(BufReader::with_capacity(1 << 16, reader))
            }
            Content::Stream(stream) => {
                let rest = BufReader::with_capacity(1 << 16, stream);
                Box::new(Cursor::new(self.start).chain(rest))
            }
        }
    }
}

/// Bytes of a file of a service that are kept in memory.
#[cfg(feature = "remote")]
const KEPT_IN_MEMORY: u64 = 64 << 20;

/// All bytes of a file that a service keeps.
#[cfg(feature = "remote")]
fn kept(file: RemoteFile) -> Result<Contents> {
    let len = file.len();
    let mut reader = RemoteReader::new(file);
    if len <= KEPT_IN_MEMORY {
        let mut bytes = Vec::new();
        cannery_core::read_to_end(&mut reader, &mut bytes).map_err(cannot_read)?;
        return Ok(Contents::Memory(bytes));
    }
    let mut kept = tempfile::tempfile().map_err(|e| Error::io(e, "cannot make a file"))?;
    io::copy(&mut reader, &mut kept).map_err(cannot_read)?;
    kept.seek(SeekFrom::Start(0)).map_err(cannot_read)?;
    Ok(Contents::File(kept))
}

#[cfg(not(feature = "remote"))]
#[cold]
pub(crate) fn without_remote() -> Error {
    Error::new(ErrorKind::Unsupported, "addresses are not opened by this build")
        .with_hint("build it with the feature `remote`, or read a copy of the file")
}

/// Bytes that are read at most of a device that a path leads to.
const MOST_OF_DEVICE: u64 = 1 << 30;

/// A device, which may have no end: a link of a stranger may lead to one.
struct Device {
    file: File,
    left: u64,
}

#[cfg(unix)]
fn is_device(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_char_device(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_device(_: &std::fs::Metadata) -> bool {
    false
}

impl Read for Device {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let error =
                Error::new(ErrorKind::Limit, "a device of more than 1 GiB, perhaps endless");
            io::Error::other(error.with_hint("give it as standard input, or copy it to a file"))
        })?;
        Ok(read)
    }
}

/// Reads everything, and takes what it reads out of the budget piece by piece.
fn read_all(
    mut bytes: Vec<u8>,
    mut stream: Box<dyn Read + Send>,
    mut budget: Option<Budget>,
) -> Result<Vec<u8>> {
    const PIECE: u64 = 1 << 20;
    loop {
        let mut piece = stream.by_ref().take(PIECE);
        let read = cannery_core::read_to_end(&mut piece, &mut bytes).map_err(cannot_read)?;
        if let Some(budget) = &mut budget {
            budget.take_bytes(read as u64)?;
        }
        if (read as u64) < PIECE {
            return Ok(bytes);
        }
    }
}

#[cfg(feature = "compression")]
fn expand(
    compression: Compression,
    packed: impl BufRead + Send + 'static,
) -> Result<Box<dyn Read + Send>> {
    let (packed, consumed) = Counted::new(packed);
    let decoder = decoder(compression, packed).map_err(cannot_read)?;
    Ok(Box::new(Bounded::new(decoder, consumed)))
}

#[cfg(not(feature = "compression"))]
fn expand(
    compression: Compression,
    _packed: impl BufRead + Send + 'static,
) -> Result<Box<dyn Read + Send>> {
    Err(crate::compression::without_compression(compression))
}

/// Decoders report damage in the words of an operating system; it is said plainly here.
#[cold]
fn cannot_read(error: io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        Ok(ours) => return ours,
        Err(error) => error,
    };
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            let message = format!("the compressed file is damaged: {error}");
            Error::new(ErrorKind::Corrupt, message).with_source(error)
        }
        io::ErrorKind::UnexpectedEof => {
            Error::new(ErrorKind::Truncated, "the compressed file ends too early")
                .with_hint("it was cut off; write or copy it again")
        }
        _ => Error::io(error, "cannot read the file"),
    }
}
