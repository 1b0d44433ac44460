//! A place for an archive, whose lengths are filled in when they are known.

use std::io::{self, Cursor, Seek, SeekFrom, Write};

use cannery_core::{Error, Result};

use crate::Output;

/// An [`Output`] that can be written out of order: what is no plain file gets its bytes at the end.
pub struct SpooledWriter<'w> {
    output: Output<'w>,
    memory: Option<Cursor<Vec<u8>>>,
}

impl<'w> SpooledWriter<'w> {
    /// Writes to `output`, by way of memory if it must.
    #[must_use]
    pub fn new(output: Output<'w>) -> Self {
        let memory = (!output.is_seekable()).then(Cursor::default);
        Self { output, memory }
    }

    /// Writes what is left and puts the file in its place.
    ///
    /// # Errors
    /// As [`Output::finish`].
    pub fn finish(mut self) -> Result<()> {
        if let Some(memory) = self.memory {
            let written = self.output.write_all(memory.get_ref());
            written.map_err(|e| Error::io(e, "cannot write the archive"))?;
        }
        self.output.finish()
    }
}

impl Write for SpooledWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.memory {
            Some(memory) => memory.write(bytes),
            None => self.output.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl Seek for SpooledWriter<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.memory {
            Some(memory) => memory.seek(to),
            None => self.output.seek(to),
        }
    }
}
