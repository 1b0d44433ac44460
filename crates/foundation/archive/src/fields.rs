//! Numbers and signatures as both directions have them.

/// What each kind of record begins with.
pub(crate) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(crate) const CENTRAL: [u8; 4] = *b"PK\x01\x02";
pub(crate) const END: [u8; 4] = *b"PK\x05\x06";
pub(crate) const WIDE_END: [u8; 4] = *b"PK\x06\x06";
pub(crate) const LOCATOR: [u8; 4] = *b"PK\x06\x07";

/// Bytes of a local header before the name.
pub(crate) const LOCAL_LEN: usize = 30;
/// Bytes of an entry of the directory before the name.
pub(crate) const CENTRAL_LEN: usize = 46;
/// Bytes of the end record before the comment.
pub(crate) const END_LEN: usize = 22;

/// What a field of 32 bits says where a wide one is meant.
pub(crate) const WIDE: u32 = u32::MAX;

/// The little-endian number of that many bytes, if the data reaches so far.
#[inline]
pub(crate) fn number(data: &[u8], at: usize, len: usize) -> Option<u64> {
    let bytes = data.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte)))
}

/// The same as a size.
#[inline]
pub(crate) fn size(data: &[u8], at: usize, len: usize) -> Option<usize> {
    usize::try_from(number(data, at, len)?).ok()
}

/// Whether a record of this kind begins there.
#[inline]
pub(crate) fn is_record(data: &[u8], at: usize, signature: [u8; 4]) -> bool {
    data.get(at..).is_some_and(|rest| rest.starts_with(&signature))
}
