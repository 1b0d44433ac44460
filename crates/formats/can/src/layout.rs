//! Whether the members of an archive lie in it side by side, each once, and expand to no more than
//! they may; asked before any of them is read.

use std::io::Cursor;

use cannery_core::{Error, ErrorKind, Limits, Result};
use cannery_npy::Bytes;
use zip::{CompressionMethod, ZipArchive};

use crate::errors::{corrupt, damaged};

/// Members of one file, at most. Each takes some hundred bytes of memory before it is read.
const MOST_MEMBERS: u64 = 1 << 20;

/// What to do about a file that expands to more than its limit.
const HINT: &str = "if this file is trusted, name the bytes that it may expand to in the \
    environment variable `CANNERY_MAX_EXPANDED`: `CANNERY_MAX_EXPANDED=8G`";

/// How many members the end of the archive counts, names that come twice included.
///
/// # Errors
/// [`ErrorKind::Corrupt`] if the archive does not end the file; [`ErrorKind::Limit`] for more
/// members than any file has.
pub(crate) fn count_members(bytes: &[u8]) -> Result<u64> {
    let count = end_record(bytes).and_then(|end| match number(bytes, end + 10, 2)? {
        0xffff => wide_count(bytes, end).or(Some(0xffff)),
        count => Some(count),
    });
    match count {
        Some(count) if count > MOST_MEMBERS => {
            let message = format!("the file has {count} members, more than {MOST_MEMBERS}");
            Err(Error::new(ErrorKind::Limit, message))
        }
        Some(count) => Ok(count),
        None => {
            Err(corrupt("the file is damaged or cut off: it is no whole ZIP archive".to_owned()))
        }
    }
}

/// Where the end record is whose comment ends the file.
fn end_record(bytes: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(22)?;
    let first = last.saturating_sub(usize::from(u16::MAX));
    (first..=last).rev().find(|&at| {
        bytes[at..].starts_with(b"PK\x05\x06")
            && number(bytes, at + 20, 2) == Some((last - at) as u64)
    })
}

/// The count of an archive that has too many members for the short record.
fn wide_count(bytes: &[u8], end: usize) -> Option<u64> {
    let locator = end.checked_sub(20)?;
    if !bytes[locator..].starts_with(b"PK\x06\x07") {
        return None;
    }
    let at = usize::try_from(number(bytes, locator + 8, 8)?).ok()?;
    let is_record = bytes.get(at..)?.starts_with(b"PK\x06\x06");
    if is_record { number(bytes, at + 32, 8) } else { None }
}

fn number(bytes: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// Refuses an archive two of whose members share bytes, of which one comes twice, or whose members
/// together expand to more than the limits allow for the bytes that they take.
pub(crate) fn check(
    archive: &ZipArchive<Cursor<Bytes>>,
    counted: u64,
    limits: &Limits,
) -> Result<()> {
    if archive.len() as u64 != counted {
        return Err(corrupt("two members of the file have the same name".to_owned()));
    }
    let mut archive = archive.clone();
    let mut spans = Vec::with_capacity(archive.len());
    let (mut packed, mut expanded) = (0_u64, 0_u64);
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(damaged)?;
        let (size, taken) = (file.size(), file.compressed_size());
        if file.compression() == CompressionMethod::Stored && size != taken {
            return Err(corrupt(format!("a stored member has {size} bytes and takes {taken}")));
        }
        let start = file.data_start().unwrap_or_else(|| file.header_start());
        spans.push((file.header_start(), start.saturating_add(taken)));
        if file.compression() != CompressionMethod::Stored {
            packed = packed.saturating_add(taken);
            expanded = expanded.saturating_add(size);
        }
    }
    if expanded > limits.expanded_for(packed) {
        let message =
            format!("the file expands to more than its limit allows: {packed} bytes to {expanded}");
        return Err(Error::new(ErrorKind::Limit, message).with_hint(HINT));
    }
    spans.push((archive.central_directory_start(), u64::MAX));
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(corrupt("two members of the file share bytes".to_owned()));
    }
    Ok(())
}
