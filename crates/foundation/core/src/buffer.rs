//! Where the writers of binary formats put their bytes.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use crate::{Error, Result, Text};

/// Memory that grows at its end, and in which what was written may still be mended: the header of
/// a container, once its true length is known.
pub trait Buffer {
    /// Puts `bytes` behind those that were written.
    ///
    /// # Errors
    /// Those of growing, where that can fail.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Everything written so far.
    fn written(&mut self) -> &mut [u8];

    /// Takes back all but the first `len` bytes, of which there are no fewer.
    fn truncate(&mut self, len: usize);

    /// Puts a few bytes behind those that were written.
    ///
    /// # Errors
    /// As [`append`](Buffer::append).
    #[inline]
    fn append_few(&mut self, few: InlineBytes) -> Result<()> {
        self.append(&few.word.to_le_bytes()[..few.len])
    }

    /// Puts a header, and what it announces, behind what was written.
    ///
    /// # Errors
    /// As [`append`](Buffer::append).
    #[inline]
    fn append_both(&mut self, header: InlineBytes, bytes: &[u8]) -> Result<()> {
        self.append_few(header)?;
        self.append(bytes)
    }

    /// Puts `bytes` in the place of those in `range`, and moves what follows.
    ///
    /// # Errors
    /// As [`append`](Buffer::append).
    fn replace(&mut self, range: Range<usize>, bytes: &[u8]) -> Result<()> {
        let len = self.written().len();
        if bytes.len() > range.len() {
            self.append(&bytes[range.len()..])?;
        }
        let (start, end) = (range.start, range.start + bytes.len());
        self.written().copy_within(range.end..len, end);
        self.written()[start..end].copy_from_slice(bytes);
        self.truncate(len - range.len() + bytes.len());
        Ok(())
    }
}

/// Up to eight bytes, held as one word: what a value or its header begins with.
///
/// A word, not an array: a buffer with room to spare stores all of it at once, and counts `len`.
#[derive(Clone, Copy, Debug)]
pub struct InlineBytes {
    /// The bytes, the first the least significant; those behind `len` are 0.
    pub word: u64,
    /// How many there are.
    pub len: usize,
}

impl InlineBytes {
    /// One byte.
    #[inline]
    #[must_use]
    pub fn one(byte: u8) -> Self {
        Self { word: byte.into(), len: 1 }
    }

    /// A byte, and behind it one more.
    #[inline]
    #[must_use]
    pub fn with_u8(first: u8, rest: u8) -> Self {
        Self { word: u64::from(rest) << 8 | u64::from(first), len: 2 }
    }

    /// A byte, and behind it a number of two bytes, the most significant first.
    #[inline]
    #[must_use]
    pub fn with_u16(first: u8, rest: u16) -> Self {
        Self { word: u64::from(rest.swap_bytes()) << 8 | u64::from(first), len: 3 }
    }

    /// A byte, and behind it a number of four bytes, the most significant first.
    #[inline]
    #[must_use]
    pub fn with_u32(first: u8, rest: u32) -> Self {
        Self { word: u64::from(rest.swap_bytes()) << 8 | u64::from(first), len: 5 }
    }
}

/// Makes room for `len` more items in a vector whose size comes from outside.
///
/// # Errors
/// [`Memory`](crate::ErrorKind::Memory) where [`Vec::reserve`] would end the process.
#[inline]
pub fn reserve<T>(vec: &mut Vec<T>, len: usize) -> Result<()> {
    if vec.capacity() - vec.len() < len {
        return grow(vec, len);
    }
    Ok(())
}

/// Reads all that is left.
///
/// ```
/// let mut bytes = Vec::new();
/// assert_eq!(cannery_core::read_to_end(&mut &b"ab"[..], &mut bytes)?, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of reading; [`OutOfMemory`](std::io::ErrorKind::OutOfMemory) where
/// [`Read::read_to_end`] would end the process, which it does when it looks for the end of what
/// fills its buffer.
pub fn read_to_end<R: Read + ?Sized>(from: &mut R, into: &mut Vec<u8>) -> io::Result<usize> {
    const FIRST: usize = 1 << 16;
    // With so much room to spare it does not look.
    const SPARE: usize = 64;
    let before = into.len();
    loop {
        let step = into.len().max(FIRST);
        into.try_reserve(step + SPARE).map_err(|_| io::ErrorKind::OutOfMemory)?;
        if from.take(step as u64).read_to_end(into)? < step {
            return Ok(into.len() - before);
        }
    }
}

#[cold]
fn grow<T>(vec: &mut Vec<T>, len: usize) -> Result<()> {
    vec.try_reserve(len).map_err(|_| Error::out_of_memory())
}

impl Buffer for Vec<u8> {
    #[inline]
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        reserve(self, bytes.len())?;
        self.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn written(&mut self) -> &mut [u8] {
        self
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }
}

impl<B: Buffer + ?Sized> Buffer for &mut B {
    #[inline]
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        (**self).append(bytes)
    }

    #[inline]
    fn written(&mut self) -> &mut [u8] {
        (**self).written()
    }

    fn truncate(&mut self, len: usize) {
        (**self).truncate(len);
    }

    #[inline]
    fn append_few(&mut self, few: InlineBytes) -> Result<()> {
        (**self).append_few(few)
    }

    #[inline]
    fn append_both(&mut self, header: InlineBytes, bytes: &[u8]) -> Result<()> {
        (**self).append_both(header, bytes)
    }
}

/// What a text is in UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf8Size {
    /// Its bytes; a surrogate counts three.
    pub bytes: usize,
    /// Whether there are surrogate code points in it, which UTF-8 has not.
    pub has_surrogates: bool,
}

impl<'a> Text<'a> {
    /// As [`to_utf8`](Self::to_utf8), for a text of any length.
    ///
    /// # Errors
    /// [`Memory`](crate::ErrorKind::Memory) where there is no room for a copy.
    pub fn try_to_utf8(self) -> Result<Cow<'a, [u8]>> {
        let units = match self {
            Text::Ascii(_) | Text::Utf8(_) | Text::Surrogates(_) => return Ok(self.to_utf8()),
            Text::Latin1(units) => units.len(),
            Text::Ucs2(units) => units.len(),
            Text::Ucs4(units) => units.len(),
        };
        // Not worth counting first.
        if units < 1024 {
            return Ok(self.to_utf8());
        }
        let mut bytes = Vec::new();
        reserve(&mut bytes, self.utf8_size().bytes)?;
        self.append_to(&mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// How long the text is in UTF-8, and whether it is UTF-8 at all.
    #[must_use]
    pub fn utf8_size(self) -> Utf8Size {
        match self {
            Text::Ascii(text) | Text::Utf8(text) => {
                Utf8Size { bytes: text.len(), has_surrogates: false }
            }
            Text::Surrogates(bytes) => {
                let has_surrogates = std::str::from_utf8(bytes).is_err();
                Utf8Size { bytes: bytes.len(), has_surrogates }
            }
            Text::Latin1(units) => {
                let wide = units.iter().filter(|&&unit| unit >= 0x80).count();
                Utf8Size { bytes: units.len() + wide, has_surrogates: false }
            }
            Text::Ucs2(units) => size_of_units(units.iter().map(|&unit| u32::from(unit))),
            Text::Ucs4(units) => size_of_units(units.iter().copied()),
        }
    }

    /// Appends the text in UTF-8, each surrogate as the three bytes of the general scheme.
    ///
    /// # Errors
    /// Those of the buffer.
    pub fn append_to(self, out: &mut (impl Buffer + ?Sized)) -> Result<()> {
        match self {
            Text::Ascii(text) | Text::Utf8(text) => out.append(text.as_bytes()),
            Text::Surrogates(bytes) => out.append(bytes),
            Text::Latin1(units) => append_units(units.iter().map(|&unit| u32::from(unit)), out),
            Text::Ucs2(units) => append_units(units.iter().map(|&unit| u32::from(unit)), out),
            Text::Ucs4(units) => append_units(units.iter().copied(), out),
        }
    }
}

/// Without branches, so that compilers make vector instructions of it.
#[inline]
fn size_of_units(units: impl ExactSizeIterator<Item = u32>) -> Utf8Size {
    let mut bytes = units.len();
    let mut surrogates = 0_u32;
    for unit in units {
        bytes +=
            usize::from(unit >= 0x80) + usize::from(unit >= 0x800) + usize::from(unit >= 0x1_0000);
        surrogates |= u32::from(unit & 0xffff_f800 == 0xd800);
    }
    Utf8Size { bytes, has_surrogates: surrogates != 0 }
}

/// Bytes that are encoded before they are handed on together.
const PIECE: usize = 256;

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each byte is masked to its bits")]
fn append_units(units: impl Iterator<Item = u32>, out: &mut (impl Buffer + ?Sized)) -> Result<()> {
    let mut piece = [0; PIECE];
    let mut len = 0;
    let tail = |unit: u32, shift: u32| 0x80 | (unit >> shift & 0x3f) as u8;
    for unit in units {
        if len > PIECE - 4 {
            out.append(&piece[..len])?;
            len = 0;
        }
        let room = &mut piece[len..len + 4];
        len += match unit {
            0..0x80 => {
                room[0] = unit as u8;
                1
            }
            0x80..0x800 => {
                room[..2].copy_from_slice(&[0xc0 | (unit >> 6) as u8, tail(unit, 0)]);
                2
            }
            0x800..0x1_0000 => {
                let bytes = [0xe0 | (unit >> 12) as u8, tail(unit, 6), tail(unit, 0)];
                room[..3].copy_from_slice(&bytes);
                3
            }
            _ => {
                let first = 0xf0 | (unit >> 18 & 0x07) as u8;
                room.copy_from_slice(&[first, tail(unit, 12), tail(unit, 6), tail(unit, 0)]);
                4
            }
        };
    }
    out.append(&piece[..len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_are_in_the_order_of_networks() {
        let mut buffer = Vec::new();
        for few in [
            InlineBytes::one(1),
            InlineBytes::with_u8(2, 3),
            InlineBytes::with_u16(4, 0x0506),
            InlineBytes::with_u32(7, 0x0809_0a0b),
        ] {
            buffer.append_both(few, &[0xff]).unwrap();
        }
        assert_eq!(buffer, b"\x01\xff\x02\x03\xff\x04\x05\x06\xff\x07\x08\x09\x0a\x0b\xff");
    }

    #[test]
    fn bytes_are_replaced_by_more_and_by_fewer() {
        for (range, bytes, expected) in [
            (1..2, "xyz", "axyzcd"),
            (1..3, "", "ad"),
            (0..4, "abcd", "abcd"),
            (4..4, "e", "abcde"),
            (0..1, "zz", "zzbcd"),
        ] {
            let mut buffer = b"abcd".to_vec();
            buffer.replace(range, bytes.as_bytes()).unwrap();
            assert_eq!(buffer, expected.as_bytes());
        }
    }

    #[test]
    fn every_encoding_becomes_utf_8_of_the_size_foretold() {
        let text = "aé\u{7ff}\u{800}\u{ffff}".repeat(70);
        let units: Vec<u16> = text.encode_utf16().collect();
        let wide: Vec<u32> = text.chars().map(u32::from).chain([0x1_f600, 0x10_ffff]).collect();
        let longer = text.clone() + "😀\u{10ffff}";
        let cases = [
            (Text::Utf8(&text), text.as_bytes(), false),
            (Text::Ucs2(&units), text.as_bytes(), false),
            (Text::Ucs4(&wide), longer.as_bytes(), false),
            (Text::Latin1(&[0x41, 0xe9]), "Aé".as_bytes(), false),
            (Text::Ucs2(&[0x41, 0xdc00]), b"A\xed\xb0\x80", true),
            (Text::Surrogates(b"A\xed\xb0\x80"), b"A\xed\xb0\x80", true),
        ];
        for (text, expected, has_surrogates) in cases {
            let mut out = Vec::new();
            text.append_to(&mut out).unwrap();
            assert_eq!(out, expected);
            assert_eq!(text.utf8_size(), Utf8Size { bytes: expected.len(), has_surrogates });
        }
    }
}
