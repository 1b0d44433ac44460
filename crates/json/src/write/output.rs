//! Where a writer's bytes go.
#![expect(unsafe_code, reason = "bytes are written into capacity that is not initialized")]

use std::io::Write;
use std::mem::MaybeUninit;

use cannery_core::{Error, Result};

use super::copy::{Stops, copy_until, fill};

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
        self.reserve(len);
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
#[derive(Clone, Copy, Default)]
pub(super) struct Short {
    bytes: [u8; Short::MAX],
    len: u8,
}

impl Short {
    pub(super) const MAX: usize = 8;

    /// `None` if it is longer.
    #[expect(clippy::cast_possible_truncation, reason = "at most eight")]
    pub(super) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, len: text.len() as u8 })
    }

    pub(super) fn is_empty(self) -> bool {
        self.len == 0
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Writes it to the start of `room`; returns how much of that counts.
    #[inline(always)]
    pub(super) fn write(self, room: &mut [MaybeUninit<u8>]) -> usize {
        fill(&mut room[..Self::MAX], &self.bytes);
        usize::from(self.len)
    }
}

/// Writes `text`.
#[inline]
pub(super) fn put(out: &mut impl Output, text: &[u8]) -> Result<()> {
    // In pieces, lest a buffer grow to the size of a long text.
    for piece in text.chunks(CHUNK) {
        fill(&mut out.room(piece.len())?[..piece.len()], piece);
        // SAFETY: written in the line above.
        unsafe { out.advance(piece.len()) };
    }
    Ok(())
}

/// The longest text of a number: 17 digits, a sign, a point and an exponent.
const SCALAR: usize = 24;

/// Writes a few bytes, at most those of a number.
#[inline(always)]
pub(super) fn put_short(out: &mut impl Output, lead: Short, text: &[u8]) -> Result<()> {
    let room = out.room(Short::MAX + SCALAR)?;
    let start = lead.write(room);
    fill(&mut room[start..start + text.len()], text);
    // SAFETY: `start` bytes were written by `Short::write`, the others in the line above.
    unsafe { out.advance(start + text.len()) };
    Ok(())
}

/// Writes what `fill` puts into `len` bytes of room, of which it returns how many count.
#[inline(always)]
pub(super) fn put_with(
    out: &mut impl Output,
    len: usize,
    fill: impl FnOnce(&mut Pen<'_>),
) -> Result<()> {
    let mut pen = Pen { room: out.room(len)?, len: 0 };
    fill(&mut pen);
    let written = pen.len;
    // SAFETY: a pen counts exactly the bytes that it has written.
    unsafe { out.advance(written) };
    Ok(())
}

/// Writes into room from its start on.
pub(super) struct Pen<'a> {
    room: &'a mut [MaybeUninit<u8>],
    len: usize,
}

impl Pen<'_> {
    #[inline(always)]
    pub(super) fn push<const N: usize>(&mut self, bytes: [u8; N]) {
        fill(&mut self.room[self.len..self.len + N], &bytes);
        self.len += N;
    }

    #[inline(always)]
    pub(super) fn push_short(&mut self, short: Short) {
        self.len += short.write(&mut self.room[self.len..]);
    }

    /// Copies `bytes` up to the first that `stops` names; returns how many were copied.
    ///
    /// There must be room for [`SLACK`](super::copy::SLACK) bytes behind `bytes`.
    #[inline(always)]
    pub(super) fn copy_until(&mut self, bytes: &[u8], stops: Stops) -> usize {
        let copied = copy_until(bytes, &mut self.room[self.len..], stops);
        self.len += copied;
        copied
    }
}
