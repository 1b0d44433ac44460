//! Writes MessagePack into an object that grows; more bytes than count, as long as there is room.

use cannery_core::Text;
use pyo3::prelude::*;

use super::{Bail, Done};
use crate::json::{BytesMemory, Growing};
use crate::memory::is_within_page;

/// Bytes that everything may touch but what is longer than a number: its header, and a block.
const FEW: usize = 1 + 8 + BLOCK;

/// Texts up to this length are copied without a call, that many bytes at a time.
const BLOCK: usize = 32;

/// Units of a wide text between two looks at the room.
const PIECE: usize = 4096;

/// The first bytes of values that are not what they say themselves.
mod marker {
    pub(super) const NIL: u8 = 0xc0;
    pub(super) const FALSE: u8 = 0xc2;
    pub(super) const BIN: u8 = 0xc4;
    pub(super) const FLOAT64: u8 = 0xcb;
    pub(super) const UINT64: u8 = 0xcf;
    pub(super) const FIXSTR: u8 = 0xa0;
    pub(super) const STR: u8 = 0xd9;
}

/// What is opened.
#[derive(Clone, Copy)]
pub(super) enum ContainerKind {
    Array,
    Map,
}

/// For each number of leading zeros of an integer that is not negative, and for each of the
/// complement of one that is: its first byte, and the length of what follows.
static INTEGERS: [[(u8, u8); 65]; 2] = {
    let mut table = [[(0, 0); 65]; 2];
    let mut zeros = 0;
    while zeros <= 64 {
        let bits = 64 - zeros;
        table[0][zeros] = match bits {
            ..=7 => (0, 0),
            8 => (0xcc, 1),
            9..=16 => (0xcd, 2),
            17..=32 => (0xce, 4),
            _ => (marker::UINT64, 8),
        };
        table[1][zeros] = match bits {
            ..=5 => (0, 0),
            6..=7 => (0xd0, 1),
            8..=15 => (0xd1, 2),
            16..=31 => (0xd2, 4),
            _ => (0xd3, 8),
        };
        zeros += 1;
    }
    table
};

pub(super) struct Cursor<'py> {
    growing: Growing<'py, BytesMemory>,
    at: *mut u8,
    end: *mut u8,
}

impl<'py> Cursor<'py> {
    pub(super) fn new(py: Python<'py>, capacity: usize) -> Option<Self> {
        let growing = Growing::with_capacity(py, capacity).ok()?;
        let (at, end) = growing.free();
        Some(Self { growing, at, end })
    }

    /// Bytes written.
    pub(super) fn len(&self) -> usize {
        // SAFETY: both point into the object.
        unsafe { self.at.offset_from(self.growing.start()).cast_unsigned() }
    }

    /// The object; `None` if there is no memory for it.
    pub(super) fn finish(mut self) -> Option<Bound<'py, PyAny>> {
        let len = self.len();
        // SAFETY: so much was written.
        unsafe { self.growing.set_len(len) };
        self.growing.finish().ok()
    }

    /// Makes room for `len` bytes.
    #[inline(always)]
    fn room(&mut self, len: usize) -> Done {
        // SAFETY: both point into the object.
        let left = unsafe { self.end.offset_from(self.at).cast_unsigned() };
        if left < len { self.grow(len) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, len: usize) -> Done {
        let written = self.len();
        // SAFETY: so much was written.
        unsafe { self.growing.set_len(written) };
        let grown = self.growing.grow(len).map_err(|_| Bail);
        (self.at, self.end) = self.growing.free();
        grown
    }

    /// # Safety
    /// There is room for it.
    #[inline(always)]
    unsafe fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        // SAFETY: the caller's promise; an array of bytes has no alignment.
        unsafe {
            self.at.cast::<[u8; N]>().write(bytes);
            self.at = self.at.add(N);
        }
    }

    #[inline(always)]
    fn byte(&mut self, byte: u8) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room.
        unsafe { self.put([byte]) };
        Ok(())
    }

    #[inline(always)]
    pub(super) fn nil(&mut self) -> Done {
        self.byte(marker::NIL)
    }

    #[inline(always)]
    pub(super) fn bool(&mut self, value: bool) -> Done {
        self.byte(marker::FALSE + u8::from(value))
    }

    #[inline(always)]
    pub(super) fn float(&mut self, value: f64) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room.
        unsafe {
            self.put([marker::FLOAT64]);
            self.put(value.to_be_bytes());
        }
        Ok(())
    }

    /// Without a branch for each length: which one comes next cannot be guessed.
    #[inline(always)]
    pub(super) fn int(&mut self, value: i64) -> Done {
        self.room(FEW)?;
        let magnitude = value ^ (value >> 63);
        let zeros = magnitude.leading_zeros() as usize;
        let (marker, len) = INTEGERS[usize::from(value < 0)][zeros];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its low byte")]
        let first = if len == 0 { value as u8 } else { marker };
        // The bytes that count to the front; what follows them is written over.
        let shifted = value.cast_unsigned().wrapping_shl(64 - 8 * u32::from(len));
        // SAFETY: there is room for nine bytes.
        unsafe {
            self.at.write(first);
            self.at.add(1).cast::<[u8; 8]>().write(shifted.to_be_bytes());
            self.at = self.at.add(1 + usize::from(len));
        }
        Ok(())
    }

    pub(super) fn unsigned(&mut self, value: u64) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room.
        unsafe {
            self.put([marker::UINT64]);
            self.put(value.to_be_bytes());
        }
        Ok(())
    }

    /// Writes what an array or a map begins with.
    #[inline(always)]
    pub(super) fn container(&mut self, kind: ContainerKind, len: usize) -> Done {
        let (short, long) = match kind {
            ContainerKind::Array => (0x90, 0xdc),
            ContainerKind::Map => (0x80, 0xde),
        };
        match u8::try_from(len) {
            Ok(len @ ..16) => self.byte(short | len),
            _ => self.long_container(long, len),
        }
    }

    #[inline(never)]
    fn long_container(&mut self, marker: u8, len: usize) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room.
        unsafe {
            self.put([marker + u8::from(len > 0xffff)]);
            self.length(len, 2)
        }
    }

    /// Writes a length in 1, 2 or 4 bytes, at least as many as said.
    ///
    /// # Safety
    /// There is room.
    #[inline(always)]
    unsafe fn length(&mut self, len: usize, least: usize) -> Done {
        let Ok(len) = u32::try_from(len) else { return Err(Bail) };
        let size = length_size(len as usize).max(least);
        // SAFETY: the caller's promise.
        unsafe {
            let bytes = (len << (32 - 8 * size)).to_be_bytes();
            self.at.cast::<[u8; 4]>().write(bytes);
            self.at = self.at.add(size);
        }
        Ok(())
    }

    /// Writes a text in UTF-8.
    #[inline(always)]
    pub(super) fn text(&mut self, text: &[u8]) -> Done {
        match u8::try_from(text.len()) {
            Ok(len @ ..32) => {
                self.room(FEW)?;
                // SAFETY: there is room for a block.
                unsafe {
                    self.put([marker::FIXSTR | len]);
                    copy_short(text, self.at);
                    self.at = self.at.add(text.len());
                }
                Ok(())
            }
            _ => self.long(marker::STR, text),
        }
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Done {
        self.long(marker::BIN, bytes)
    }

    /// Writes bytes behind their length.
    #[inline(always)]
    fn long(&mut self, marker: u8, bytes: &[u8]) -> Done {
        self.room(FEW + bytes.len())?;
        // SAFETY: there is room for the header and the bytes.
        unsafe {
            self.header(marker, bytes.len())?;
            copy(bytes, self.at);
            self.at = self.at.add(bytes.len());
        }
        Ok(())
    }

    /// # Safety
    /// There is room.
    #[inline(always)]
    unsafe fn header(&mut self, marker: u8, len: usize) -> Done {
        // SAFETY: the caller's promise.
        unsafe {
            self.put([marker + u8::from(len > 0xff) + u8::from(len > 0xffff)]);
            self.length(len, 1)
        }
    }

    /// Writes a text that is not ASCII.
    pub(super) fn wide(&mut self, text: Text<'_>) -> Done {
        match text {
            Text::Ascii(text) | Text::Utf8(text) => return self.text(text.as_bytes()),
            Text::Surrogates(_) => return Err(Bail),
            _ => {}
        }
        let size = text.utf8_size();
        if size.has_surrogates {
            return Err(Bail);
        }
        self.room(FEW)?;
        // SAFETY: there is room for a header.
        unsafe {
            match u8::try_from(size.bytes) {
                Ok(len @ ..32) => self.put([marker::FIXSTR | len]),
                _ => self.header(marker::STR, size.bytes)?,
            }
        }
        match text {
            Text::Latin1(units) => self.units(units),
            Text::Ucs2(units) => self.units(units),
            Text::Ucs4(units) => self.units(units),
            _ => Err(Bail),
        }
    }

    fn units<U: Copy + Into<u32>>(&mut self, units: &[U]) -> Done {
        for piece in units.chunks(PIECE) {
            self.room(piece.len() * 4 + FEW)?;
            // SAFETY: there is room for four bytes for each unit.
            self.at = unsafe { encode(piece, self.at) };
        }
        Ok(())
    }
}

/// Bytes that a length takes.
#[inline(always)]
fn length_size(len: usize) -> usize {
    match len {
        ..0x100 => 1,
        0x100..0x1_0000 => 2,
        _ => 4,
    }
}

/// Copies less than a block.
///
/// # Safety
/// A block can be written to `to`.
#[inline(always)]
unsafe fn copy_short(bytes: &[u8], to: *mut u8) {
    const HALF: usize = BLOCK / 2;
    let from = bytes.as_ptr();
    // SAFETY: memory is given out in pages, so that what is behind the bytes in the same page can
    // be read; what it is does not count. At the end of a page nothing else is read.
    unsafe {
        if !is_within_page(from, BLOCK) {
            return std::ptr::copy_nonoverlapping(from, to, bytes.len());
        }
        let first = from.cast::<[u8; HALF]>().read();
        let last = from.add(HALF).cast::<[u8; HALF]>().read();
        to.cast::<[u8; HALF]>().write(first);
        to.add(HALF).cast::<[u8; HALF]>().write(last);
    }
}

/// Copies bytes, not too many of them without a call.
///
/// # Safety
/// There is room for them and a block.
#[inline(always)]
unsafe fn copy(bytes: &[u8], to: *mut u8) {
    let (from, len) = (bytes.as_ptr(), bytes.len());
    // SAFETY: the blocks end where the bytes do.
    unsafe {
        if !(BLOCK..=8 * BLOCK).contains(&len) {
            return std::ptr::copy_nonoverlapping(from, to, len);
        }
        let mut at = 0;
        while at + BLOCK < len {
            to.add(at).cast::<[u8; BLOCK]>().write(from.add(at).cast::<[u8; BLOCK]>().read());
            at += BLOCK;
        }
        let last = len - BLOCK;
        to.add(last).cast::<[u8; BLOCK]>().write(from.add(last).cast::<[u8; BLOCK]>().read());
    }
}

/// Writes characters as UTF-8; there must be no surrogates among them.
///
/// # Safety
/// Four bytes for each can be written to `to`.
#[inline(always)]
unsafe fn encode<U: Copy + Into<u32>>(units: &[U], mut to: *mut u8) -> *mut u8 {
    for unit in units {
        let unit: u32 = (*unit).into();
        let (word, len) = match unit {
            ..0x80 => (unit, 1),
            0x80..0x800 => ((0xc0 | unit >> 6) | (0x80 | unit & 0x3f) << 8, 2),
            0x800..0x1_0000 => {
                let middle = 0x80 | unit >> 6 & 0x3f;
                ((0xe0 | unit >> 12) | middle << 8 | (0x80 | unit & 0x3f) << 16, 3)
            }
            _ => {
                let middle = (0x80 | unit >> 12 & 0x3f) << 8 | (0x80 | unit >> 6 & 0x3f) << 16;
                ((0xf0 | unit >> 18) | middle | (0x80 | unit & 0x3f) << 24, 4)
            }
        };
        // SAFETY: the caller's promise.
        unsafe {
            to.cast::<[u8; 4]>().write(word.to_le_bytes());
            to = to.add(len);
        }
    }
    to
}
