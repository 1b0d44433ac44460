//! The records of a message, one after the other, with their offsets in the whole.

use cannery_core::{Error, ErrorKind, Result};

use crate::wire::{Cursor, END_GROUP, FIXED32, FIXED64, LENGTH, START_GROUP, VARINT, unzigzag};

/// Groups inside each other, at most; none of the schemas here has any.
const GROUPS: usize = 32;

/// Layers, keys or tensors that one file may have: what lists them takes more room than they do.
pub(super) const MOST: usize = 1 << 17;

#[cold]
pub(super) fn too_many(what: &str, offset: u64) -> Error {
    let text = format!("more than {MOST} {what}");
    Error::new(ErrorKind::Limit, text).at_offset(offset)
}

/// The value of a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    /// Text, bytes, a message or packed numbers.
    Length(Records<'a>),
    Group,
}

/// A message whose records are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Records<'a> {
    cursor: Cursor<'a>,
    /// What was cut off lies behind the end: that is where reading ends, and no error.
    is_prefix: bool,
    /// It is one of the records that were cut.
    pub(super) is_cut: bool,
    /// Its length, which is more than there is of it if it is cut.
    pub(super) len: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let len = data.len() as u64;
        Self { cursor: Cursor::new(data), is_prefix: false, is_cut: false, len }
    }

    /// The beginning of a message, which may end anywhere.
    pub(super) fn of_prefix(data: &'a [u8]) -> Self {
        Self { is_prefix: true, is_cut: true, ..Self::new(data) }
    }

    /// The bytes that are left.
    pub(super) fn bytes(&self) -> &'a [u8] {
        &self.cursor.data[self.cursor.at..]
    }

    pub(super) fn offset(&self) -> u64 {
        self.cursor.at as u64
    }

    /// Text, whatever stands for what is none.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Whether it is text without control characters, as names are.
    pub(super) fn is_name(&self) -> bool {
        let text = match std::str::from_utf8(self.bytes()) {
            Ok(text) => text,
            Err(error) if self.is_cut && error.error_len().is_none() => return true,
            Err(_) => return false,
        };
        !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    }

    pub(super) fn next(&mut self) -> Result<Option<(u32, Record<'a>)>> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        match self.read() {
            Err(error) if self.is_prefix && error.kind() == ErrorKind::Truncated => {
                self.cursor.at = self.cursor.data.len();
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    fn read(&mut self) -> Result<(u32, Record<'a>)> {
        let cursor = &mut self.cursor;
        let (number, wire) = cursor.tag()?;
        let record = match wire {
            VARINT => Record::Varint(cursor.varint()?),
            FIXED64 => Record::Fixed64(u64::from_le_bytes(cursor.fixed()?)),
            FIXED32 => Record::Fixed32(u32::from_le_bytes(cursor.fixed()?)),
            LENGTH => Record::Length(self.length()?),
            START_GROUP => {
                cursor.skip(number, wire, GROUPS)?;
                Record::Group
            }
            END_GROUP => return Err(cursor.bad("expected a field, found the end of a group")),
            _ => return Err(cursor.bad("expected a field with a known wire type")),
        };
        Ok((number, record))
    }

    fn length(&mut self) -> Result<Records<'a>> {
        let len = self.cursor.varint()?;
        let start = self.cursor.at;
        let there = self.cursor.data.len() - start;
        let is_cut = len > there as u64;
        if is_cut && !self.is_prefix {
            return Err(self.cursor.truncated());
        }
        let end = start + usize::try_from(len).unwrap_or(usize::MAX).min(there);
        self.cursor.at = end;
        let cursor = Cursor { data: &self.cursor.data[..end], at: start };
        Ok(Records { cursor, is_prefix: is_cut, is_cut, len })
    }

    /// Packed varints.
    pub(super) fn varints(self) -> Varints<'a> {
        Varints(self.cursor)
    }

    /// The error for more than is allowed, at the place that was reached.
    #[cold]
    pub(super) fn limit(&self, message: String) -> Error {
        Error::new(ErrorKind::Limit, message).at_offset(self.offset())
    }
}

/// Packed varints, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Varints<'a>(Cursor<'a>);

impl Varints<'_> {
    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<u64>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        self.0.varint().map(Some)
    }

    #[inline]
    pub(super) fn next_signed(&mut self) -> Result<Option<i64>> {
        Ok(self.next()?.map(unzigzag))
    }
}

/// Reads on in a prefix; what makes no sense is `None`.
pub(super) fn each<'a>(
    mut records: Records<'a>,
    mut accept: impl FnMut(u32, Record<'a>) -> bool,
) -> bool {
    loop {
        match records.next() {
            Ok(Some((number, record))) if accept(number, record) => {}
            Ok(None) => return true,
            _ => return false,
        }
    }
}
