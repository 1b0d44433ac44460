//! Writing: events become a tagged document; arrays and long bytes go beside it as they come.

use std::cell::RefCell;
use std::io::{Cursor, Seek, Write};
use std::rc::Rc;

use cannery_core::tagged::TagEncoder;
use cannery_core::{ArraySource, Result, Sink, Source};
use cannery_json::Writer;

use crate::compression::Compression;
use crate::members::Members;
use crate::tensors::is_tensor;

/// Bytes from this length on go beside the document.
const LONG: usize = 512;

/// After that many arrays, those below [`LONG`] bytes are written in place: an archive of a hundred
/// thousand tiny members is slow to open for everybody.
const MANY: u64 = 64;

/// What is set aside for the document.
const USUAL_LEN: usize = 512;

/// Writes one value to a `.can` file.
///
/// Equal events give equal bytes: no times and no names of machines are recorded.
///
/// ```
/// use cannery_can::{Bytes, CanFile, CanWriter, Compression};
/// use cannery_core::{Limits, Source, Value, ValueBuilder};
///
/// let value = Value::from_iter([("when", Value::from("today"))]);
/// let mut writer = CanWriter::new(std::io::Cursor::new(Vec::new()), Compression::Stored);
/// value.emit(writer.sink())?;
/// let bytes = writer.finish()?.into_inner();
///
/// let mut builder = ValueBuilder::new(Limits::default());
/// CanFile::from_bytes(Bytes::from(bytes), Limits::default())?.send(&mut builder)?;
/// assert_eq!(builder.finish()?, value);
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct CanWriter<'w, W: Write + Seek + 'w> {
    document: TagEncoder<'w, Writer<Vec<u8>>>,
    members: Rc<RefCell<Members<W>>>,
}

impl<'w, W: Write + Seek + 'w> CanWriter<'w, W> {
    /// A writer to `writer`.
    pub fn new(writer: W, compression: Compression) -> Self {
        let members = Rc::new(RefCell::new(Members::new(writer, compression)));
        let (of_arrays, of_bytes) = (Rc::clone(&members), Rc::clone(&members));
        let options = cannery_json::WriteOptions::default();
        let document = TagEncoder::new(Writer::new(Vec::with_capacity(USUAL_LEN), options))
            .arrays(move |array| put_array(array, &mut of_arrays.borrow_mut()))
            .blobs(move |bytes| match bytes.len() {
                ..LONG => Ok(None),
                _ => of_bytes.borrow_mut().add_bytes(bytes).map(Some),
            });
        Self { document, members }
    }

    /// Takes the one value of the file.
    pub fn sink(&mut self) -> &mut (impl Sink + use<'w, W>) {
        &mut self.document
    }

    /// Writes what is left and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    ///
    /// # Panics
    /// Never: the sink, which shares the archive, is gone by then.
    pub fn finish(self) -> Result<W> {
        let document = self.document.into_inner().into_output();
        let members = Rc::into_inner(self.members).expect("the sink is gone");
        members.into_inner().finish(&document)
    }
}

/// Writes a file of a tagged document that names no members beside it.
///
/// # Errors
/// Those of the writer.
pub fn write_document<W: Write + Seek>(
    document: &[u8],
    writer: W,
    compression: Compression,
) -> Result<W> {
    Members::new(writer, compression).finish(document)
}

fn put_array<W: Write + Seek>(
    array: &dyn ArraySource,
    members: &mut Members<W>,
) -> Result<Option<String>> {
    let is_small = members.arrays() >= MANY && array.size_in_bytes()? < LONG as u64;
    // The formats of machine learning have types that NPY lacks.
    let is_tensor = is_tensor(array.dtype());
    if is_small || !is_tensor && cannery_npy::dtype_to_descr(array.dtype()).is_err() {
        return Ok(None);
    }
    members.add_array(array, is_tensor).map(Some)
}

/// Writes one value as the bytes of a `.can` file.
///
/// # Errors
/// Those of the source.
pub fn to_vec<S: Source + ?Sized>(source: &S) -> Result<Vec<u8>> {
    let mut writer = CanWriter::new(Cursor::new(Vec::new()), Compression::Stored);
    source.emit(writer.sink())?;
    Ok(writer.finish()?.into_inner())
}
