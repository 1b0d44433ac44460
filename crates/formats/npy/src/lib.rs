//! NPY and NPZ, `NumPy`'s files for arrays, on cannery's event stream.
//!
//! Follows the [format's description](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html),
//! versions 1.0 to 3.0. Every type is read and written but Python objects: those are stored as a
//! pickle, and nothing here ever looks into one.
//!
//! Files are mapped into memory: opening costs a header, and an array of any size can be sliced
//! without reading the rest.

mod append;
mod descr;
mod file;
mod file_format;
mod header;
mod literal;
mod npz;
mod npz_write;
mod refuse;
mod write;

use cannery_core::{Result, Sink};

pub use append::append;
pub use cannery_places::Bytes;
pub use descr::{dtype_from_descr, dtype_to_descr};
pub use file::{NpyFile, check_rest};
pub use file_format::{Npy, Npz, begins_with_array};
pub use header::{Header, MAGIC};
pub use npz::{NpzFile, NpzMember};
pub use npz_write::{Compression, NpzWriter};
pub use write::{NpyWriter, read_pieces, to_vec, to_writer};

/// Sends the array in an NPY file to `sink`.
///
/// # Errors
/// Those of [`NpyFile::from_bytes`], and the sink's.
pub fn send<S: Sink + ?Sized>(bytes: &Bytes, sink: &mut S) -> Result<()> {
    sink.array(&NpyFile::from_bytes(bytes)?)
}

/// Sends the arrays in an NPZ file to `sink`, as a map from their names.
///
/// # Errors
/// Those of [`NpzFile::get`], and the sink's.
pub fn send_all<S: Sink + ?Sized>(archive: &NpzFile, sink: &mut S) -> Result<()> {
    use cannery_core::Container::Map;
    sink.begin(Map, Some(archive.names().len()))?;
    for name in archive.names() {
        sink.key(name.as_str().into())?;
        sink.array(&archive.get(name)?)?;
    }
    sink.end(Map)
}
