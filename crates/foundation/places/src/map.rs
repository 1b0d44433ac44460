//! The one unsafe line of this crate: mapping a file into memory.
#![expect(unsafe_code, reason = "the operating system can change mapped bytes under us")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file, read-only.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: nothing in this crate keeps a fact about mapped bytes that memory safety rests on:
    // headers are copied before they are parsed, and the rest is only ever copied or handed on as
    // plain numbers. What remains is documented at `Bytes::open`.
    unsafe { Mmap::map(file) }
}
