//! The extension of code −1: a moment in time, in the three sizes the specification gives it.

use cannery_core::{Error, ErrorKind, Result};

/// A moment in time: seconds since 1970-01-01T00:00:00Z, and nanoseconds after that second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Below 1,000,000,000.
    pub nanoseconds: u32,
}

const NANOSECONDS: u32 = 1_000_000_000;

impl Timestamp {
    /// Decodes the data of an extension of code −1.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] for a length other than 4, 8 or 12 and for a second of more than
    /// 999,999,999 nanoseconds.
    pub fn decode(data: &[u8]) -> Result<Self> {
        let (seconds, nanoseconds) = match *data {
            [a, b, c, d] => (i64::from(u32::from_be_bytes([a, b, c, d])), 0),
            [a, b, c, d, ref rest @ ..] if rest.len() == 4 => {
                // 30 bits of nanoseconds, 34 bits of seconds.
                let high = u32::from_be_bytes([a, b, c, d]);
                let low = rest.iter().fold(0, |word, &byte| word << 8 | i64::from(byte));
                (i64::from(high & 3) << 32 | low, high >> 2)
            }
            [a, b, c, d, ref rest @ ..] if rest.len() == 8 => {
                let seconds = rest.iter().fold(0, |word, &byte| word << 8 | i64::from(byte));
                (seconds, u32::from_be_bytes([a, b, c, d]))
            }
            _ => {
                let message =
                    format!("expected a timestamp of 4, 8 or 12 bytes, found {}", data.len());
                return Err(Error::new(ErrorKind::Syntax, message));
            }
        };
        if nanoseconds >= NANOSECONDS {
            let message = format!("expected fewer than 10^9 nanoseconds, found {nanoseconds}");
            return Err(Error::new(ErrorKind::Syntax, message));
        }
        Ok(Self { seconds, nanoseconds })
    }

    /// Appends the shortest of the three encodings.
    pub fn encode(self, out: &mut Vec<u8>) {
        match u32::try_from(self.seconds) {
            Ok(seconds) if self.nanoseconds == 0 => out.extend(seconds.to_be_bytes()),
            _ => match u64::try_from(self.seconds) {
                Ok(seconds) if seconds >> 34 == 0 => {
                    let word = u64::from(self.nanoseconds) << 34 | seconds;
                    out.extend(word.to_be_bytes());
                }
                _ => {
                    out.extend(self.nanoseconds.to_be_bytes());
                    out.extend(self.seconds.to_be_bytes());
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_shortest_encoding_and_reads_it_back() {
        let cases = [
            (0, 0, 4),
            (i64::from(u32::MAX), 0, 4),
            (i64::from(u32::MAX) + 1, 0, 8),
            (1, 1, 8),
            ((1 << 34) - 1, 999_999_999, 8),
            (1 << 34, 0, 12),
            (-1, 0, 12),
            (i64::MIN, 999_999_999, 12),
        ];
        for (seconds, nanoseconds, length) in cases {
            let stamp = Timestamp { seconds, nanoseconds };
            let mut data = Vec::new();
            stamp.encode(&mut data);
            assert_eq!(data.len(), length, "{stamp:?}");
            assert_eq!(Timestamp::decode(&data).unwrap(), stamp);
        }
    }
}
