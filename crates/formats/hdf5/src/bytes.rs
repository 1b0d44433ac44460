//! A cursor over little-endian bytes that never reads beyond them, and the errors of parsing.

use cannery_core::{Error, ErrorKind, Result};

/// The address that points nowhere.
pub(crate) const UNDEFINED: u64 = u64::MAX;

/// How many bytes addresses and lengths take in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) offset: u8,
    pub(crate) length: u8,
}

/// The error for bytes that do not follow the format.
#[cold]
pub(crate) fn malformed(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Value, message)
}

/// The error for what the format allows and this reader does not.
#[cold]
pub(crate) fn unsupported(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Unsupported, message)
}

/// The error for a checksum that does not match.
#[cold]
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the checksum of {what} does not match"))
}

/// The error for a structure that leads back to itself.
#[cold]
pub(crate) fn cycle(what: &str, address: u64) -> Error {
    let message = format!("{what} at address {address} leads back to itself");
    Error::new(ErrorKind::Cycle, message)
}

/// More than this is allocated so that failing is an error.
const LARGE: usize = 16 << 20;

/// Zeros; an error if there is not enough memory.
pub(crate) fn zeroed(len: usize) -> Result<Vec<u8>> {
    if len <= LARGE {
        return Ok(vec![0; len]);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| out_of_memory(len))?;
    bytes.resize(len, 0);
    Ok(bytes)
}

#[cold]
fn out_of_memory(len: usize) -> Error {
    Error::new(ErrorKind::Limit, format!("there is no memory for {len} bytes"))
}

/// An unsigned integer of up to eight bytes, little-endian.
#[inline]
pub(crate) fn little_endian(bytes: &[u8]) -> u64 {
    if let Ok(word) = bytes.try_into() {
        return u64::from_le_bytes(word);
    }
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// `value` as an index into memory; what does not fit is beyond every slice.
pub(crate) fn index(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// A position in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    pub(crate) fn position(&self) -> usize {
        self.at
    }

    pub(crate) fn remaining(&self) -> usize {
        self.data.len() - self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.data[self.at..]
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..];
        let Some(taken) = rest.get(..len) else {
            let message = format!("expected {len} more bytes, found {}", rest.len());
            return Err(Error::new(ErrorKind::Truncated, message));
        };
        self.at += len;
        Ok(taken)
    }

    /// Takes as many bytes as the file says.
    pub(crate) fn take_long(&mut self, len: u64) -> Result<&'a [u8]> {
        self.take(index(len))
    }

    pub(crate) fn skip(&mut self, len: usize) -> Result<()> {
        self.take(len).map(drop)
    }

    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.uint(8)
    }

    /// An unsigned integer of `size` bytes; those beyond the eighth must be zero.
    pub(crate) fn uint(&mut self, size: usize) -> Result<u64> {
        let bytes = self.take(size)?;
        let (low, high) = bytes.split_at(size.min(8));
        if high.iter().any(|&byte| byte != 0) {
            return Err(malformed("expected a number below 2^64"));
        }
        Ok(little_endian(low))
    }

    /// An address: all ones means [`UNDEFINED`].
    pub(crate) fn address(&mut self, sizes: Sizes) -> Result<u64> {
        self.defined(usize::from(sizes.offset))
    }

    /// A length, or [`UNDEFINED`] for all ones.
    pub(crate) fn length(&mut self, sizes: Sizes) -> Result<u64> {
        self.defined(usize::from(sizes.length))
    }

    fn defined(&mut self, size: usize) -> Result<u64> {
        let bytes = self.take(size)?;
        if size == 8 {
            return Ok(little_endian(bytes));
        }
        if bytes.iter().all(|&byte| byte == 0xff) {
            return Ok(UNDEFINED);
        }
        Cursor::new(bytes).uint(size)
    }

    /// The bytes before the next NUL, which is skipped.
    pub(crate) fn text(&mut self) -> Result<&'a [u8]> {
        let rest = self.rest();
        let len = rest.iter().position(|&byte| byte == 0);
        let len = len.ok_or_else(|| malformed("expected a NUL at the end of a text"))?;
        self.at += len + 1;
        Ok(&rest[..len])
    }

    /// Checks a signature of four bytes.
    pub(crate) fn signature(&mut self, expected: [u8; 4], what: &str) -> Result<()> {
        let found = self.take(4)?;
        if found == expected {
            return Ok(());
        }
        let expected = expected.as_slice().escape_ascii();
        let message = format!("expected `{expected}` of {what}, found `{}`", found.escape_ascii());
        Err(malformed(message))
    }

    /// Checks a version byte.
    pub(crate) fn version(&mut self, expected: u8, what: &str) -> Result<()> {
        let found = self.u8()?;
        if found == expected {
            return Ok(());
        }
        Err(wrong_version(what, found))
    }
}

/// The error for a version that this reader does not know.
#[cold]
pub(crate) fn wrong_version(what: &str, found: u8) -> Error {
    malformed(format!("unknown version `{found}` of {what}"))
}

/// How many bytes hold numbers up to `limit`.
pub(crate) fn bytes_for(limit: u64) -> usize {
    (64 - (limit | 1).leading_zeros() as usize).div_ceil(8)
}

/// The whole part of the binary logarithm; 0 of 0.
pub(crate) fn log2(value: u64) -> u32 {
    (value | 1).ilog2()
}
