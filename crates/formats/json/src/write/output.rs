//! Where a writer's bytes go.
#![expect(unsafe_code, reason = "bytes are written into capacity that is not initialized")]

use std::io::Write;
use std::mem::MaybeUninit;

use cannery_core::{Error, Result};

use super::copy::{SLACK, Stops, copy_until};
use super::{float, integer};

/// Where a writer's bytes go: memory that grows, or a buffer that is emptied now and then.
pub trait Output {
    /// Room for at least `len` more bytes behind those that were written.
    ///
    /// # Errors
    /// Those of emptying a buffer; [`Limit`](cannery_core::ErrorKind::Limit) where it cannot grow.
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]>;

    /// Makes the first `len` bytes of the room part of what was written.
    ///
    /// # Safety
    /// They were initialized since [`room`](Output::room) returned them.
    unsafe fn advance(&mut self, len: usize);

    /// A document ended here.
    ///
    /// # Errors
    /// Those of emptying a buffer.
    fn end_document(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Output for Vec<u8> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]> {
        cannery_core::reserve(self, len)?;
        Ok(self.spare_capacity_mut())
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: the caller initialized that much of the spare capacity.
        unsafe { self.set_len(self.len() + len) }
    }
}

impl<O: Output + ?Sized> Output for &mut O {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]> {
        (**self).room(len)
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: the caller's promise is passed on.
        unsafe { (**self).advance(len) }
    }

    fn end_document(&mut self) -> Result<()> {
        (**self).end_document()
    }
}

const CHUNK: usize = 64 << 10;

/// An [`Output`] to an [`io::Write`](Write): a buffer that is emptied when it is full.
///
/// What is still in the buffer is written by [`finish`](Chunks::finish), not when it is dropped.
pub struct Chunks<W> {
    buffer: Vec<u8>,
    out: W,
}

impl<W: Write> Chunks<W> {
    /// An empty buffer before `out`.
    pub fn new(out: W) -> Self {
        Self { buffer: Vec::with_capacity(CHUNK), out }
    }

    /// Writes what is in the buffer, in one call.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn flush(&mut self) -> Result<()> {
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| Error::io(error, "cannot write"))
    }

    /// Writes what is in the buffer and returns what it was written to, flushed.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn finish(mut self) -> Result<W> {
        self.flush()?;
        self.out.flush().map_err(|error| Error::io(error, "cannot write"))?;
        Ok(self.out)
    }
}

impl<W: Write> Output for Chunks<W> {
    #[inline]
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]> {
        if self.buffer.capacity() - self.buffer.len() < len {
            self.flush()?;
        }
        self.buffer.room(len)
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.buffer.advance(len) }
    }
}

/// Up to eight bytes, to be written as a word of which only the first `len` count.
///
/// It is a word already, not an array: arrays are passed on byte by byte, and the processor stalls
/// when they are then read as a whole.
#[derive(Clone, Copy, Default)]
pub(super) struct InlineBytes {
    word: u64,
    len: usize,
}

impl InlineBytes {
    pub(super) const MAX: usize = 8;
    pub(super) const EMPTY: Self = Self { word: 0, len: 0 };
    pub(super) const QUOTE: Self = Self { word: b'"' as u64, len: 1 };

    /// These texts, one behind the other; `None` if they are longer.
    pub(super) fn new(texts: &[&str]) -> Option<Self> {
        let (mut word, mut len) = (0, 0);
        for byte in texts.iter().flat_map(|text| text.bytes()) {
            if len == Self::MAX {
                return None;
            }
            word |= u64::from(byte) << (8 * len);
            len += 1;
        }
        Some(Self { word, len })
    }

    /// Writes it to `to`; returns where what follows belongs.
    ///
    /// # Safety
    /// [`MAX`](InlineBytes::MAX) bytes can be written to `to`.
    #[inline(always)]
    unsafe fn write(self, to: *mut u8) -> *mut u8 {
        // SAFETY: as this function's; an array of bytes has no alignment.
        unsafe {
            to.cast::<[u8; Self::MAX]>().write(self.word.to_le_bytes());
            to.add(self.len)
        }
    }
}

/// Writes what `fill` puts into `len` bytes of room; it returns how many count.
///
/// # Safety
/// `fill` initializes as many bytes as it returns, and touches `len` at most.
#[inline(always)]
unsafe fn put_with(
    out: &mut impl Output,
    len: usize,
    fill: impl FnOnce(*mut u8) -> usize,
) -> Result<()> {
    let room = out.room(len)?;
    assert!(room.len() >= len, "an output gives the room that it is asked for");
    let count = fill(room.as_mut_ptr().cast());
    // SAFETY: `fill` initialized that much.
    unsafe { out.advance(count) };
    Ok(())
}

/// Writes `text`.
#[inline]
pub(super) fn put(out: &mut impl Output, text: &[u8]) -> Result<()> {
    // In pieces, lest a buffer grow to the size of a long text.
    for piece in text.chunks(CHUNK) {
        let write = |to: *mut u8| {
            // SAFETY: there is room for the piece, which is borrowed from elsewhere.
            unsafe { to.copy_from_nonoverlapping(piece.as_ptr(), piece.len()) };
            piece.len()
        };
        // SAFETY: `write` initializes the length of the piece.
        unsafe { put_with(out, piece.len(), write)? };
    }
    Ok(())
}

/// Writes `lead` and what `write` writes behind it.
///
/// # Safety
/// `write` initializes as many bytes as it returns, and touches `len` at most.
#[inline(always)]
unsafe fn put_behind(
    out: &mut impl Output,
    lead: InlineBytes,
    len: usize,
    write: impl FnOnce(*mut u8) -> usize,
) -> Result<()> {
    let fill = |to: *mut u8| {
        // SAFETY: there is room for a `InlineBytes`.
        let start = unsafe { lead.write(to) };
        lead.len + write(start)
    };
    // SAFETY: `fill` initializes the lead, and the caller answers for what follows.
    unsafe { put_with(out, InlineBytes::MAX + len, fill) }
}

/// Writes `lead` and a few bytes.
#[inline(always)]
pub(super) fn put_bytes<const N: usize>(
    out: &mut impl Output,
    lead: InlineBytes,
    text: &[u8; N],
) -> Result<()> {
    let write = |to: *mut u8| {
        // SAFETY: there is room for `N` bytes.
        unsafe { to.cast::<[u8; N]>().write(*text) };
        N
    };
    // SAFETY: `write` initializes `N` bytes.
    unsafe { put_behind(out, lead, N, write) }
}

/// Writes `lead` and an integer.
#[inline(always)]
pub(super) fn put_int(out: &mut impl Output, lead: InlineBytes, value: i64) -> Result<()> {
    // SAFETY: it initializes what it returns, and touches its `ROOM` at most.
    unsafe { put_behind(out, lead, integer::ROOM, |to| integer::write(value, to)) }
}

/// Writes `lead` and a finite float.
#[inline(always)]
pub(super) fn put_float(out: &mut impl Output, lead: InlineBytes, value: f64) -> Result<()> {
    // SAFETY: it initializes what it returns, and touches its `ROOM` at most.
    unsafe { put_behind(out, lead, float::ROOM, |to| float::write(value, to)) }
}

/// Writes `lead` and a finite binary32.
pub(super) fn put_single(out: &mut impl Output, lead: InlineBytes, value: f32) -> Result<()> {
    // SAFETY: it initializes what it returns, and touches its `ROOM` at most.
    unsafe { put_behind(out, lead, float::ROOM, |to| float::write_single(value, to)) }
}

/// Writes `lead`, `text` up to the first of `stops`, and if there is none `tail`; returns how much
/// of the text that was.
#[inline(always)]
pub(super) fn put_text(
    out: &mut impl Output,
    lead: InlineBytes,
    text: &[u8],
    tail: InlineBytes,
    stops: Stops,
) -> Result<usize> {
    let mut copied = 0;
    let write = |to: *mut u8| {
        // SAFETY: there is room for the text, the slack and the tail.
        unsafe {
            copied = copy_until(text, to, stops);
            if copied < text.len() {
                return copied;
            }
            tail.write(to.add(copied));
        }
        copied + tail.len
    };
    // SAFETY: `write` initializes what it returns.
    unsafe { put_behind(out, lead, text.len() + SLACK + InlineBytes::MAX, write)? };
    Ok(copied)
}

/// Lets `write` write up to `len` bytes with a pen.
#[inline(always)]
pub(super) fn put_pen(
    out: &mut impl Output,
    len: usize,
    write: impl FnOnce(&mut Cursor<'_>),
) -> Result<()> {
    let mut cursor = Cursor { room: out.room(len)?, len: 0 };
    write(&mut cursor);
    let written = cursor.len;
    // SAFETY: a pen counts exactly the bytes that it has written.
    unsafe { out.advance(written) };
    Ok(())
}

/// Writes into room from its start on.
pub(super) struct Cursor<'a> {
    room: &'a mut [MaybeUninit<u8>],
    len: usize,
}

impl Cursor<'_> {
    #[inline(always)]
    pub(super) fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        let room = &mut self.room[self.len..self.len + N];
        for (to, byte) in room.iter_mut().zip(bytes) {
            to.write(byte);
        }
        self.len += N;
    }

    /// Copies `bytes` up to the first of `stops`; returns how many were copied.
    #[inline(always)]
    pub(super) fn copy_until(&mut self, bytes: &[u8], stops: Stops) -> usize {
        let room = &mut self.room[self.len..];
        assert!(room.len() >= bytes.len() + SLACK, "no room for what copying may touch");
        // SAFETY: there is as much room as it takes.
        let copied = unsafe { copy_until(bytes, room.as_mut_ptr().cast(), stops) };
        self.len += copied;
        copied
    }
}
