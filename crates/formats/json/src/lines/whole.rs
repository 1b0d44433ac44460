//! An output of whole lines.
#![expect(unsafe_code, reason = "an `Output` makes bytes count that were written into its room")]

use std::io::Write;
use std::mem::MaybeUninit;

use cannery_core::{Error, Result};

use crate::Output;

const ENOUGH: usize = 64 << 10;

/// An [`Output`] that hands over whole documents only, many at a time.
pub struct WholeLines<W> {
    buffer: Vec<u8>,
    /// Where in the buffer the document begins that is being written.
    document: usize,
    out: W,
}

impl<W: Write> WholeLines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { buffer: Vec::new(), document: 0, out }
    }

    pub(super) fn discard(&mut self) {
        self.buffer.truncate(self.document);
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        let written = self.out.write_all(&self.buffer[..self.document]);
        self.buffer.drain(..self.document);
        self.document = 0;
        written.and_then(|()| self.out.flush()).map_err(|error| Error::io(error, "cannot write"))
    }

    pub(super) fn write_lines(&mut self, lines: &[u8]) -> Result<()> {
        cannery_core::reserve(&mut self.buffer, lines.len())?;
        self.buffer.extend_from_slice(lines);
        self.end_document()
    }

    pub(super) fn finish(mut self) -> Result<W> {
        self.flush()?;
        Ok(self.out)
    }
}

impl<W: Write> Output for WholeLines<W> {
    #[inline(always)]
    fn room(&mut self, len: usize) -> Result<&mut [MaybeUninit<u8>]> {
        self.buffer.room(len)
    }

    #[inline(always)]
    unsafe fn advance(&mut self, len: usize) {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.buffer.advance(len) }
    }

    fn end_document(&mut self) -> Result<()> {
        self.document = self.buffer.len();
        if self.document < ENOUGH {
            return Ok(());
        }
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        self.document = 0;
        written.map_err(|error| Error::io(error, "cannot write"))
    }
}
