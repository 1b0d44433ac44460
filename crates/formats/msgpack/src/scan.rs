//! Where documents end, in bytes that arrive piece by piece.

use cannery_core::{Error, ErrorKind, NullSink, Result};

use crate::ReadOptions;
use crate::read::{Level, Reader};

/// Looks for the end of a document of which not all may be there yet, and never twice at the same
/// bytes: the pieces of a long document cost no more than the whole.
///
/// ```
/// use cannery_msgpack::{ReadOptions, Scanner};
///
/// let (mut scanner, options) = (Scanner::new(), ReadOptions::default());
/// assert_eq!(scanner.scan(b"\x92\x01", &options)?, None);
/// assert_eq!(scanner.scan(b"\x92\x01\x02\x03", &options)?, Some(3));
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Scanner {
    at: usize,
    level: Level,
    open: Vec<Level>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { at: 0, level: Level::DOCUMENT, open: Vec::new() }
    }
}

impl Scanner {
    /// A scanner at the beginning of a document.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how many bytes the document takes, or `None` if it goes on behind `data`, which holds
    /// all of it that has arrived from its first byte on.
    ///
    /// # Errors
    /// As [`from_slice`](crate::from_slice), but for strings that are not UTF-8: it is not looked at.
    pub fn scan(&mut self, data: &[u8], options: &ReadOptions) -> Result<Option<usize>> {
        let options = options.raw(true);
        let mut reader = Reader::new(data, &options);
        reader.is_partial = true;
        (reader.at, reader.open) = (self.at, std::mem::take(&mut self.open));
        let read = reader.read(&mut self.level, &mut NullSink);
        let end = reader.at;
        (self.at, self.open) = (reader.start, reader.open);
        match read {
            Ok(()) => Ok(Some(end)),
            Err(error) if error.kind() == ErrorKind::Truncated => Ok(None),
            Err(error) => Err(Error::at_offset(error, end as u64)),
        }
    }
}
