//! Making an array in a file longer, in place.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use cannery_core::{ArraySource, Error, ErrorKind, Order, Result};

use crate::Header;
use crate::write::read_pieces;

/// Bytes written at once.
const PIECE: usize = 16 << 20;

/// Puts the rows of an array behind those of the array in a file, along the first side. Gives the
/// shape that the array in the file has then.
///
/// The rows are written first and the header last: a process that ends in between leaves the old
/// array, with bytes behind it that the next call overwrites. The header keeps its length, for which
/// NumPy leaves room.
///
/// # Errors
/// [`ErrorKind::Value`] if the rows are of another type or shape, or if the array cannot grow: in
/// Fortran order, of no sides, or with no room in its header. Those of the operating system.
pub fn append(path: impl AsRef<Path>, rows: &dyn ArraySource) -> Result<Vec<u64>> {
    let path = path.as_ref();
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let appended = opened
        .map_err(|e| Error::io(e, "cannot open the file"))
        .and_then(|mut file| append_to(&mut file, rows));
    appended.map_err(|e| e.in_file(path.display().to_string()))
}

fn append_to(file: &mut File, rows: &dyn ArraySource) -> Result<Vec<u64>> {
    let len = file.metadata().map_err(cannot_write)?.len();
    let (mut header, start) = Header::from_reader(file)?;
    let end = header.data_end(start, len)?;
    check(&header, rows)?;
    header.shape[0] = header.shape[0]
        .checked_add(rows.shape()[0])
        .ok_or_else(|| Error::new(ErrorKind::Limit, "the array would be too large"))?;
    let grown = header.to_vec()?;
    if grown.len() as u64 != start {
        let message = "the header of the file has no room for a longer shape";
        return Err(Error::new(ErrorKind::Value, message).with_hint("save the array anew"));
    }
    header.data_len()?;
    file.seek(SeekFrom::Start(end)).map_err(cannot_write)?;
    read_pieces(rows, PIECE, &mut |piece| file.write_all(piece).map_err(cannot_write))?;
    // What an earlier call left behind, if it did not come to its end.
    let end = file.stream_position().map_err(cannot_write)?;
    file.set_len(end).and_then(|()| file.sync_data()).map_err(cannot_write)?;
    file.seek(SeekFrom::Start(0)).map_err(cannot_write)?;
    file.write_all(&grown).map_err(cannot_write)?;
    Ok(header.shape)
}

fn check(header: &Header, rows: &dyn ArraySource) -> Result<()> {
    let value = |message: String| Err(Error::new(ErrorKind::Value, message));
    if header.dtype != *rows.dtype() {
        let (expected, found) = (header.dtype.typestr(), rows.dtype().typestr());
        return value(format!("expected rows of the type {expected}, found {found}"));
    }
    let is_flat = |order: Order, shape: &[u64]| order == Order::C || shape.len() < 2;
    if !is_flat(header.order, &header.shape) || !is_flat(rows.order(), rows.shape()) {
        return value("an array in Fortran order does not grow along its first side".to_owned());
    }
    match (header.shape.split_first(), rows.shape().split_first()) {
        (Some((_, one)), Some((_, other))) if one == other => Ok(()),
        (None, _) => value("an array without sides cannot grow".to_owned()),
        (Some((_, inner)), _) => {
            value(format!("expected rows of the shape {inner:?} each, found {:?}", rows.shape()))
        }
    }
}

#[cold]
fn cannot_write(error: std::io::Error) -> Error {
    Error::io(error, "cannot write the file")
}
