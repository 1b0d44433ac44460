//! Creating what is written: a file that appears whole or not at all, standard output, memory.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cannery_core::{Error, ErrorKind, Result};

#[cfg(feature = "compression")]
use crate::compression::{Encoder, encoder};
#[cfg(feature = "remote")]
use crate::remote::RemoteWriter;
use crate::{Compression, Input, Location, Url};

/// Something to write; nothing of it is seen under its name before [`finish`](Output::finish).
pub struct Output<'w> {
    name: String,
    writer: Packer<'w>,
    /// Whether the first write begins with a newline.
    owes_newline: bool,
}

enum Packer<'w> {
    Plain(Target<'w>),
    #[cfg(feature = "compression")]
    Compressed(Box<dyn Encoder<Target<'w>> + 'w>),
}

enum Target<'w> {
    File(BufWriter<Replace>),
    #[cfg(feature = "remote")]
    Remote(Box<BufWriter<RemoteWriter>>),
    Stream(BufWriter<Box<dyn Write + Send + 'w>>),
}

impl<'w> Output<'w> {
    /// Opens a place for writing; its name says how it is packed.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn create(location: &Location) -> Result<Self> {
        let target = match location {
            Location::Standard => Target::stream(io::stdout()),
            Location::Path(path) => {
                Target::File(BufWriter::with_capacity(1 << 16, Replace::create(path)?))
            }
            Location::Url(url) => Target::url(url).map_err(|e| e.in_file(location.name()))?,
        };
        let writer =
            pack(location.compression(), target).map_err(|e| e.in_file(location.name()))?;
        Ok(Self { name: location.name(), writer, owes_newline: false })
    }

    /// Opens a place for writing behind what is there; a packed file gets another packed part.
    ///
    /// Each write goes to the file whole, unless it is larger than the system takes at once: many
    /// processes may append lines to one file.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn append(location: &Location) -> Result<Self> {
        let path = match location {
            Location::Path(path) => path,
            Location::Standard => return Self::create(location),
            Location::Url(_) => return Err(cannot_append().in_file(location.name())),
        };
        let file = OpenOptions::new().append(true).create(true).open(path);
        let writer = file
            .map_err(|e| Error::io(e, "cannot open the file"))
            .and_then(|file| pack(location.compression(), Target::stream(file)))
            .map_err(|e| e.in_file(location.name()))?;
        Ok(Self { name: location.name(), writer, owes_newline: false })
    }

    /// Opens a place for appending lines: behind a line that was not ended, they begin on the next.
    ///
    /// To see how its text ends, a packed file is read through.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name; and those of a packed file that is
    /// damaged, behind which nothing could be read.
    pub fn append_lines(location: &Location) -> Result<Self> {
        let ends_in_line = match location {
            Location::Path(path) => {
                last_byte(path, location).map_err(|e| e.in_file(location.name()))?
            }
            Location::Standard | Location::Url(_) => None,
        };
        let mut output = Self::append(location)?;
        output.owes_newline = ends_in_line.is_some_and(|byte| byte != b'\n');
        Ok(output)
    }

    /// Writes to anything; [`finish`](Output::finish) flushes it.
    #[must_use]
    pub fn to_stream(stream: impl Write + Send + 'w) -> Self {
        Self {
            name: String::new(),
            writer: Packer::Plain(Target::stream(stream)),
            owes_newline: false,
        }
    }

    /// What people call it; empty for a stream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a file that appears when it is whole.
    #[must_use]
    pub fn is_file(&self) -> bool {
        match &self.writer {
            Packer::Plain(target) => !matches!(target, Target::Stream(_)),
            #[cfg(feature = "compression")]
            Packer::Compressed(_) => true,
        }
    }

    /// Whether [`Seek`] works: only in a plain file, not in a pipe that has a name.
    #[must_use]
    pub fn is_seekable(&self) -> bool {
        let Packer::Plain(Target::File(file)) = &self.writer else { return false };
        (&file.get_ref().file).stream_position().is_ok()
    }

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn finish(self) -> Result<()> {
        let done = match self.writer {
            Packer::Plain(target) => target.finish(),
            #[cfg(feature = "compression")]
            Packer::Compressed(encoder) => encoder.finish().and_then(Target::finish),
        };
        done.map_err(|e| Error::io(e, "cannot write the file").in_file(self.name))
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.writer {
            Packer::Plain(target) => target,
            #[cfg(feature = "compression")]
            Packer::Compressed(encoder) => encoder,
        }
    }
}

#[cfg(feature = "compression")]
fn pack(compression: Option<Compression>, target: Target<'_>) -> Result<Packer<'_>> {
    let Some(compression) = compression else { return Ok(Packer::Plain(target)) };
    let encoder = encoder(compression, target).map_err(|e| Error::io(e, "cannot compress"))?;
    Ok(Packer::Compressed(encoder))
}

#[cfg(not(feature = "compression"))]
fn pack(compression: Option<Compression>, target: Target<'_>) -> Result<Packer<'_>> {
    match compression {
        None => Ok(Packer::Plain(target)),
        Some(compression) => Err(crate::compression::without_compression(compression)),
    }
}

#[cold]
fn cannot_append() -> Error {
    Error::new(ErrorKind::Unsupported, "nothing can be appended to what a service keeps")
        .with_hint("append to a copy of it, or write another object")
}

/// The last byte of a file's text, if it is there and has any.
fn last_byte(path: &Path, location: &Location) -> Result<Option<u8>> {
    let read = |error| Error::io(error, "cannot read the file");
    let is_file = fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if !is_file {
        return Ok(None);
    }
    if location.compression().is_some() {
        return last_of(Input::open(location)?.into_reader()).map_err(read);
    }
    let mut file = File::open(path).map_err(read)?;
    let mut last = [0];
    if file.seek(SeekFrom::End(-1)).is_err() {
        return Ok(None);
    }
    let count = file.read(&mut last).map_err(read)?;
    Ok((count == 1).then_some(last[0]))
}

fn last_of(mut reader: impl BufRead) -> io::Result<Option<u8>> {
    let mut last = None;
    loop {
        let piece = reader.fill_buf()?;
        let Some(&byte) = piece.last() else { return Ok(last) };
        last = Some(byte);
        let count = piece.len();
        reader.consume(count);
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.owes_newline && !bytes.is_empty() {
            self.writer().write_all(b"\n")?;
            self.owes_newline = false;
        }
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl Seek for Output<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Packer::Plain(Target::File(file)) = &mut self.writer else {
            return Err(io::ErrorKind::NotSeekable.into());
        };
        file.seek(to)
    }
}

impl<'w> Target<'w> {
    fn stream(stream: impl Write + Send + 'w) -> Self {
        Target::Stream(BufWriter::with_capacity(1 << 16, Box::new(stream)))
    }

    #[cfg(feature = "remote")]
    fn url(url: &Url) -> Result<Self> {
        let writer = BufWriter::with_capacity(1 << 16, RemoteWriter::create(url)?);
        Ok(Target::Remote(Box::new(writer)))
    }

    #[cfg(not(feature = "remote"))]
    fn url(_: &Url) -> Result<Self> {
        Err(crate::input::without_remote())
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Target::File(file) => file.into_inner()?.commit(),
            #[cfg(feature = "remote")]
            Target::Remote(object) => object.into_inner()?.commit(),
            Target::Stream(mut stream) => stream.flush(),
        }
    }
}

impl Write for Target<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::File(file) => file.write(bytes),
            #[cfg(feature = "remote")]
            Target::Remote(object) => object.write(bytes),
            Target::Stream(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::File(file) => file.flush(),
            #[cfg(feature = "remote")]
            Target::Remote(object) => object.flush(),
            Target::Stream(stream) => stream.flush(),
        }
    }
}

/// A file that is written beside its place and moved there when it is whole.
///
/// Readers see the old file or the new one, never a part; a process that has the old one mapped
/// keeps it. What is no regular file (a pipe, a device) is written directly.
pub struct Replace {
    file: File,
    /// The path of the unfinished file and the place it goes to; `None` once it is there, or if
    /// the place is written directly.
    pending: Option<(PathBuf, PathBuf)>,
}

impl Replace {
    /// Begins a file.
    ///
    /// # Errors
    /// Those of the operating system, with the file's name.
    pub fn create(path: &Path) -> Result<Self> {
        Self::begin(path)
            .map_err(|e| Error::io(e, "cannot create the file").in_file(path.display().to_string()))
    }

    fn begin(path: &Path) -> io::Result<Self> {
        let target = follow_links(path);
        let existing = fs::metadata(&target).ok();
        if existing.as_ref().is_some_and(|metadata| !metadata.is_file()) {
            return Self::direct(&target);
        }
        // A read-only file is refused as it always was, although its folder could be changed.
        if existing.is_some() {
            OpenOptions::new().write(true).open(&target)?;
        }
        let path = beside(&target);
        match File::create_new(&path) {
            Ok(file) => {
                unfinished().insert(path.clone());
                Ok(Self { file, pending: Some((path, target)) })
            }
            Err(e) if existing.is_some() && e.kind() == io::ErrorKind::PermissionDenied => {
                Self::direct(&target)
            }
            Err(e) => Err(e),
        }
    }

    fn direct(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).truncate(true).open(path)?;
        Ok(Self { file, pending: None })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// Those of the operating system; the old file is then still there.
    pub fn commit(mut self) -> io::Result<()> {
        let Some((path, target)) = self.pending.as_ref() else { return Ok(()) };
        if let Ok(existing) = fs::metadata(target) {
            self.file.set_permissions(existing.permissions())?;
        }
        let old = open_if_large(target);
        // The lock is held, so that no other process removes the file in its place.
        let mut unfinished = unfinished();
        fs::rename(path, target)?;
        unfinished.remove(path);
        drop(unfinished);
        self.pending = None;
        give_back(old);
        Ok(())
    }
}

/// Files from this size on are given back to the system on another thread.
#[cfg(unix)]
const LARGE: u64 = 4 << 20;

/// The file that is about to be replaced, so that it lives a little longer.
#[cfg(unix)]
fn open_if_large(path: &Path) -> Option<File> {
    let is_large = fs::metadata(path).is_ok_and(|metadata| metadata.len() >= LARGE);
    if is_large { File::open(path).ok() } else { None }
}

#[cfg(not(unix))]
fn open_if_large(_: &Path) -> Option<File> {
    None // Others may not replace a file that is open.
}

/// Closes a file that has no name any more. The system waits for what of it is still on its way
/// to the disk, which took as long as writing the new one: not on the caller's time.
fn give_back(old: Option<File>) {
    if let Some(old) = old {
        // Without a thread it is closed at once.
        drop(std::thread::Builder::new().spawn(move || drop(old)));
    }
}

/// The files that are not in their places yet.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes every file that is being written, for a process that is about to end in the middle of
/// it (Ctrl-C).
pub fn remove_unfinished() {
    for path in std::mem::take(&mut *unfinished()) {
        drop(fs::remove_file(path));
    }
}

fn unfinished() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Replace {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.pending {
            unfinished().remove(path);
            // Nothing more can be done about a file that will not go.
            drop(fs::remove_file(path));
        }
    }
}

impl Write for Replace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Replace {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// The file behind symbolic links, so that the file is replaced and not the link.
fn follow_links(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// A name in the same folder that no other process takes.
fn beside(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}-{count}.unfinished", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "old").unwrap();
        let mut output = Output::create(&Location::from(&path)).unwrap();
        output.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");

        let mut output = Output::create(&Location::from(&path)).unwrap();
        output.write_all(b"broken").unwrap();
        drop(output);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(folder.path()), ["a.txt"]);
    }

    #[test]
    fn who_reads_a_large_file_keeps_it_when_it_is_replaced() {
        use std::io::Read;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bin");
        let old = vec![1; 5 << 20];
        fs::write(&path, &old).unwrap();
        let mut reader = File::open(&path).unwrap();
        let mut output = Output::create(&Location::from(&path)).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert_eq!(read, old);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        let mut output = Output::create(&Location::from(&link)).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o604);
    }

    #[test]
    fn what_cannot_be_created_says_so() {
        let error = Output::create(&Location::from("no-such-folder/a.json")).err().unwrap();
        insta::assert_snapshot!(error.report(), @"no-such-folder/a.json: cannot create the file: No such file or directory (os error 2)");
    }
}
