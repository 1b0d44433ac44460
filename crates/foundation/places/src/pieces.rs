//! Cutting a stream of records into pieces that end where a record ends, without parsing them.

use std::io::BufRead;

use cannery_core::{Error, ErrorKind, Result};

/// Knows where the records of a format end.
pub trait RecordEnds {
    /// Goes on in `data`, which follows what was seen before: the number of bytes up to the end of
    /// the next record, or `None` if it ends in none of them.
    fn next_end(&mut self, data: &[u8]) -> Option<usize>;

    /// The bytes are over: whether they end in a record that has begun.
    fn is_open(&self) -> bool;
}

/// How many records a piece has at most.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PieceOptions {
    /// At most that many records.
    pub records: u64,
    /// No further record once there are that many bytes.
    pub bytes: u64,
    /// A longer record is refused.
    pub longest: u64,
    /// Keep the bytes of the pieces; without, it is only said where they lie.
    pub keep: bool,
}

impl Default for PieceOptions {
    fn default() -> Self {
        Self { records: u64::MAX, bytes: u64::MAX, longest: 256 << 20, keep: true }
    }
}

impl PieceOptions {
    /// Sets [`records`](Self::records); a piece has one at least.
    #[must_use]
    pub fn records(mut self, most: u64) -> Self {
        self.records = most.max(1);
        self
    }

    /// Sets [`bytes`](Self::bytes).
    #[must_use]
    pub fn bytes(mut self, enough: u64) -> Self {
        self.bytes = enough;
        self
    }

    /// Sets [`longest`](Self::longest).
    #[must_use]
    pub fn longest(mut self, bytes: u64) -> Self {
        self.longest = bytes;
        self
    }

    /// Sets [`keep`](Self::keep).
    #[must_use]
    pub fn keep(mut self, yes: bool) -> Self {
        self.keep = yes;
        self
    }
}

/// Some records in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// Where its first byte lies in the (expanded) stream.
    pub offset: u64,
    /// How many bytes it has.
    pub len: u64,
    /// How many records it has.
    pub records: u64,
    /// How many records come before it.
    pub first_record: u64,
    /// The line its first byte lies on, from 1.
    pub first_line: u64,
    /// The bytes, if they were to be kept.
    pub bytes: Vec<u8>,
}

/// Cuts what a reader gives into [`Piece`]s.
pub struct Pieces<E> {
    source: Box<dyn BufRead + Send>,
    ends: E,
    options: PieceOptions,
    /// The piece after the last one, as far as it is known.
    next: Piece,
    is_over: bool,
}

impl<E: RecordEnds> Pieces<E> {
    /// Cuts `source` where `ends` says.
    pub fn new(source: Box<dyn BufRead + Send>, ends: E, options: PieceOptions) -> Self {
        let next = Piece { first_line: 1, ..Piece::default() };
        Self { source, ends, options, next, is_over: false }
    }

    /// Replaces the options, for the pieces that are still to come.
    pub fn set_options(&mut self, options: PieceOptions) {
        self.options = options;
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader; [`ErrorKind::Limit`] for a record that is longer than allowed.
    pub fn read(&mut self) -> Result<Option<Piece>> {
        let mut newlines = 0;
        let mut record = 0;
        while !self.is_over {
            let data = self.source.fill_buf().map_err(|e| Error::io(e, "cannot read the file"))?;
            if data.is_empty() {
                self.is_over = true;
                self.next.records += u64::from(self.ends.is_open());
                break;
            }
            let (mut used, mut is_full) = (0, false);
            while used < data.len() {
                let Some(end) = self.ends.next_end(&data[used..]) else {
                    record += (data.len() - used) as u64;
                    used = data.len();
                    break;
                };
                used += end;
                record = 0;
                self.next.records += 1;
                is_full = self.next.records >= self.options.records
                    || self.next.len + used as u64 >= self.options.bytes;
                if is_full {
                    break;
                }
            }
            let taken = &data[..used];
            newlines += memchr::memchr_iter(b'\n', taken).count() as u64;
            if self.options.keep {
                cannery_core::reserve(&mut self.next.bytes, taken.len())?;
                self.next.bytes.extend_from_slice(taken);
            }
            self.next.len += used as u64;
            self.source.consume(used);
            if record > self.options.longest {
                return Err(self.too_long(newlines));
            }
            if is_full {
                break;
            }
        }
        Ok(self.take(newlines))
    }

    fn take(&mut self, newlines: u64) -> Option<Piece> {
        if self.next.records == 0 {
            return None;
        }
        let next = Piece {
            offset: self.next.offset + self.next.len,
            first_record: self.next.first_record + self.next.records,
            first_line: self.next.first_line + newlines,
            ..Piece::default()
        };
        Some(std::mem::replace(&mut self.next, next))
    }

    #[cold]
    fn too_long(&mut self, newlines: u64) -> Error {
        self.is_over = true;
        let row = self.next.first_record + self.next.records;
        let megabytes = self.options.longest >> 20;
        let message = format!(
            "row {row}, which ends after line {}, is longer than {megabytes} MB",
            self.next.first_line + newlines
        );
        Error::new(ErrorKind::Limit, message)
            .with_hint("a quote or a bracket that is not closed takes in all that follows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records end with a full stop.
    #[derive(Default)]
    struct Stops(bool);

    impl RecordEnds for Stops {
        fn next_end(&mut self, data: &[u8]) -> Option<usize> {
            let end = data.iter().position(|&byte| byte == b'.').map(|at| at + 1);
            self.0 = end.is_none() && (self.0 || !data.is_empty());
            end
        }

        fn is_open(&self) -> bool {
            self.0
        }
    }

    fn pieces(
        text: &'static str,
        buffer: usize,
        options: PieceOptions,
    ) -> Vec<(u64, u64, u64, String)> {
        let reader = std::io::BufReader::with_capacity(buffer, text.as_bytes());
        let mut pieces = Pieces::new(Box::new(reader), Stops::default(), options);
        let mut found = Vec::new();
        while let Some(piece) = pieces.read().unwrap() {
            assert_eq!(piece.len, piece.bytes.len() as u64);
            let text = String::from_utf8(piece.bytes).unwrap();
            found.push((piece.first_record, piece.records, piece.first_line, text));
        }
        found
    }

    #[test]
    fn pieces_do_not_depend_on_the_size_of_the_buffer() {
        let text = "one.\ntwo.three.\n\nfour.five";
        let expected = [
            (0, 2, 1, "one.\ntwo.".to_owned()),
            (2, 2, 2, "three.\n\nfour.".to_owned()),
            (4, 1, 4, "five".to_owned()),
        ];
        for buffer in [1, 2, 3, 7, 100] {
            assert_eq!(pieces(text, buffer, PieceOptions::default().records(2)), expected);
        }
    }

    #[test]
    fn enough_bytes_end_a_piece_with_their_record() {
        let found = pieces("a.b.ccccc.d.", 3, PieceOptions::default().bytes(3));
        let texts: Vec<_> = found.iter().map(|piece| piece.3.as_str()).collect();
        assert_eq!(texts, ["a.b.", "ccccc.", "d."]);
    }

    #[test]
    fn a_record_without_end_is_refused() {
        let reader = std::io::BufReader::with_capacity(16, std::io::repeat(b'x'));
        let options = PieceOptions::default().longest(1 << 20);
        let mut pieces = Pieces::new(Box::new(reader), Stops::default(), options);
        insta::assert_snapshot!(pieces.read().unwrap_err().report(), @r"
        row 0, which ends after line 1, is longer than 1 MB

        hint: a quote or a bracket that is not closed takes in all that follows
        ");
        assert_eq!(pieces.read().unwrap(), None);
    }
}
