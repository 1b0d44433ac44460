//! Writing one array.

use std::io::Write;

use cannery_core::{ArraySource, Container, Error, ErrorKind, Result, Sink, Text};

use crate::Header;
use crate::refuse::{container_name, refuse_scalars_and_objects};

/// Bytes fetched at once from a source that is not in memory.
const PIECE: usize = 1 << 20;

/// Writes an array as an NPY file, byte for byte as NumPy does.
///
/// A source that is not in memory is fetched in pieces.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if NPY has no such type; those of source and writer.
pub fn to_writer(array: &dyn ArraySource, writer: &mut (impl Write + ?Sized)) -> Result<()> {
    write_all(writer, &Header::of(array).to_vec()?)?;
    read_pieces(array, PIECE, &mut |piece| write_all(writer, piece))
}

/// Writes an array as the bytes of an NPY file.
///
/// # Errors
/// As [`to_writer`].
pub fn to_vec(array: &dyn ArraySource) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    to_writer(array, &mut bytes)?;
    Ok(bytes)
}

/// Hands the elements of an array on in their order, about that many bytes at a time; those in memory
/// are not copied.
///
/// # Errors
/// Those of the array and of `take`.
pub fn read_pieces(
    array: &dyn ArraySource,
    size: usize,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let itemsize = array.dtype().itemsize().max(1);
    let per_piece = (size / itemsize).max(1);
    if let Some(view) = array.view() {
        return view.data().chunks(per_piece * itemsize).try_for_each(take);
    }
    let mut left = array.size_in_bytes()?;
    let mut piece = vec![0; per_piece * itemsize];
    let mut start = 0;
    while left > 0 {
        let len = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
        array.read(start, &mut piece[..len])?;
        take(&piece[..len])?;
        start += per_piece as u64;
        left -= len as u64;
    }
    Ok(())
}

fn write_all(writer: &mut (impl Write + ?Sized), bytes: &[u8]) -> Result<()> {
    writer.write_all(bytes).map_err(|e| Error::io(e, "cannot write the array"))
}

/// Writes an NPY file from a stream of events, which must be one array.
pub struct NpyWriter<W> {
    writer: W,
}

impl<W: Write> NpyWriter<W> {
    /// A writer to `writer`; nothing is written before an array comes.
    pub fn new(writer: W) -> Self {
        Self { writer }
    }

    /// The writer below.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.writer
    }

    #[cold]
    #[expect(clippy::unused_self, reason = "`refuse_scalars_and_objects` asks for a method")]
    fn refuse<T>(&self, found: &str) -> Result<T> {
        Err(Error::new(ErrorKind::Unsupported, format!("NPY holds one array, found {found}"))
            .with_hint("write NPZ for a map of arrays, or JSON for other values"))
    }
}

impl<W: Write> Sink for NpyWriter<W> {
    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        to_writer(value, &mut self.writer)
    }

    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        self.refuse(container_name(container))
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        self.refuse("the end of a container")
    }

    fn key(&mut self, _key: Text<'_>) -> Result<()> {
        self.refuse("a key")
    }

    refuse_scalars_and_objects!();
}
