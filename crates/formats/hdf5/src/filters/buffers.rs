//! Memory that one chunk after the other is decoded into.

use cannery_core::Result;

/// Kept for the next chunk, at most.
const KEPT: usize = 4;

/// Buffers of chunks that were decoded before: asking the system for each anew, and for zeros in it, costs as
/// much as fast codecs do.
#[derive(Default)]
pub(crate) struct Buffers {
    spare: Vec<Vec<u8>>,
}

impl Buffers {
    /// Bytes of any content, which are to be overwritten; an error if there is not enough memory.
    pub(crate) fn take(&mut self, len: usize) -> Result<Vec<u8>> {
        let fitting = self.spare.iter().position(|buffer| buffer.capacity() >= len);
        let Some(fitting) = fitting else { return crate::bytes::zeroed(len) };
        let mut buffer = self.spare.swap_remove(fitting);
        buffer.resize(len, 0);
        Ok(buffer)
    }

    /// Keeps what is not needed any more.
    pub(crate) fn give(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < KEPT {
            self.spare.push(buffer);
        }
    }
}
