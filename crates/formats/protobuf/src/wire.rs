//! The wire format's own parts: varints, tags and fixed-width numbers.

use cannery_core::{Error, ErrorKind, Result};

/// Bits 0 to 2 of a tag: how the value is laid out.
pub(crate) const VARINT: u8 = 0;
pub(crate) const FIXED64: u8 = 1;
pub(crate) const LENGTH: u8 = 2;
pub(crate) const START_GROUP: u8 = 3;
pub(crate) const END_GROUP: u8 = 4;
pub(crate) const FIXED32: u8 = 5;

/// The largest field number.
pub(crate) const MAX_FIELD: u32 = (1 << 29) - 1;

/// A place in a message's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    pub(crate) data: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.at >= self.data.len()
    }

    /// A varint of at most ten bytes; bits beyond the 64th are dropped.
    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        match self.data.get(self.at) {
            Some(&byte) if byte < 0x80 => {
                self.at += 1;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64> {
        // Two bytes are what most have that have not one.
        if let [first, second, ..] = self.data[self.at..]
            && second < 0x80
        {
            self.at += 2;
            return Ok(u64::from(first & 0x7f) | u64::from(second) << 7);
        }
        let mut value = 0_u64;
        for (index, &byte) in self.data[self.at..].iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                self.at += index + 1;
                return Ok(value);
            }
        }
        if self.data.len() - self.at < 10 {
            return Err(self.truncated());
        }
        Err(self.bad("expected a varint of at most 10 bytes, found a longer one"))
    }

    /// The field number and wire type of the next record.
    #[inline]
    pub(crate) fn tag(&mut self) -> Result<(u32, u8)> {
        let start = self.at;
        let tag = self.varint()?;
        let wire = (tag & 7) as u8;
        let number = u32::try_from(tag >> 3).unwrap_or(u32::MAX);
        // A tag is 32 bits in at most five bytes.
        if number == 0 || number > MAX_FIELD || self.at - start > 5 {
            self.at = start;
            return Err(self.bad("expected a field number from 1 to 536870911"));
        }
        Ok((number, wire))
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.data[self.at..].first_chunk() {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.truncated()),
        }
    }

    /// The bytes of a length-prefixed value.
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        match self.data[self.at..].get(..length) {
            Some(bytes) => {
                self.at += length;
                Ok(bytes)
            }
            None => Err(self.truncated()),
        }
    }

    /// Passes over the value of a field, whose tag was read; a group down to its end.
    pub(crate) fn skip(&mut self, number: u32, wire: u8, depth: usize) -> Result<()> {
        match wire {
            VARINT => self.varint().map(drop),
            FIXED64 => self.fixed::<8>().map(drop),
            FIXED32 => self.fixed::<4>().map(drop),
            LENGTH => self.bytes().map(drop),
            START_GROUP => self.skip_group(number, depth),
            _ => Err(self.bad("expected a wire type from 0 to 5, not the end of a group")),
        }
    }

    /// Not by recursion: the limit on depth may be larger than the stack.
    fn skip_group(&mut self, number: u32, depth: usize) -> Result<()> {
        let mut open = vec![number];
        while let Some(&last) = open.last() {
            if open.len() > depth {
                return Err(Error::new(ErrorKind::Depth, "nested deeper than the limit allows"));
            }
            match self.tag()? {
                (inner, END_GROUP) if inner == last => drop(open.pop()),
                (_, END_GROUP) => return Err(self.bad("expected the end of the open group")),
                (inner, START_GROUP) => open.push(inner),
                (inner, wire) => self.skip(inner, wire, 0)?,
            }
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn bad(&self, message: &'static str) -> Error {
        Error::new(ErrorKind::Syntax, message).at_offset(self.at as u64)
    }

    #[cold]
    pub(crate) fn truncated(&self) -> Error {
        let rest = self.data.len() - self.at;
        let message = format!("the message ends inside a value, after {rest} bytes of it");
        Error::new(ErrorKind::Truncated, message).at_offset(self.at as u64)
    }
}

#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[inline]
pub(crate) fn put_tag(out: &mut Vec<u8>, number: u32, wire: u8) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_tag(out, number, LENGTH);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Writes the length of what `body` appends in front of it.
pub(crate) fn with_length(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    body(out);
    fix_length(out, start);
}

/// Replaces the byte kept free at `start` by the length of what follows.
#[inline]
pub(crate) fn fix_length(out: &mut Vec<u8>, start: usize) {
    let length = out.len() - start - 1;
    if length < 0x80 {
        out[start] = length as u8;
        return;
    }
    let mut varint = Vec::with_capacity(10);
    put_varint(&mut varint, length as u64);
    out.splice(start..=start, varint);
}
