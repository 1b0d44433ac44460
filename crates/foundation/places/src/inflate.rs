//! A bound for what compressed bytes expand to, counted while they do.

#[cfg(feature = "compression")]
pub(crate) use counted::{Bounded, Counted};

use cannery_core::Limits;

/// The environment variable that says how many bytes an input may expand to.
pub(crate) const VARIABLE: &str = "CANNERY_MAX_EXPANDED";

/// What to do about an input that expands to more than its limit.
pub const EXPANSION_HINT: &str = "if this input is trusted, name the bytes that it may expand to in \
    the environment variable `CANNERY_MAX_EXPANDED`: `CANNERY_MAX_EXPANDED=8G`";

/// The limits that hold where a caller names none: the defaults, or what the environment variable
/// `CANNERY_MAX_EXPANDED` allows (`800000000`, `500M`, `8G`) where that is more.
#[must_use]
pub fn default_limits() -> Limits {
    let limits = Limits::default();
    limits.base_bytes(limits.base_bytes.max(named_bytes()))
}

/// What the environment variable allows, for packed bytes and for aliases, which may be written
/// out to a quarter of it; 0 if it says nothing.
pub(crate) fn named_bytes() -> u64 {
    let named = std::env::var(VARIABLE).ok().and_then(|text| bytes_of(&text));
    named.map_or(0, |bytes| bytes.saturating_mul(4))
}

fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = match text.chars().last()? {
        'k' | 'K' => 1 << 10,
        'm' | 'M' => 1 << 20,
        'g' | 'G' => 1 << 30,
        't' | 'T' => 1 << 40,
        _ => return text.parse().ok(),
    };
    text[..text.len() - 1].trim_end().parse::<u64>().ok()?.checked_mul(unit)
}

/// The counting itself.
#[cfg(feature = "compression")]
mod counted {
    use std::io::{self, BufRead, Read};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use cannery_core::{Error, ErrorKind, Limits};

    use super::{EXPANSION_HINT, default_limits};

    /// Compressed bytes, counted as a decoder takes them.
    pub(crate) struct Counted<R> {
        packed: R,
        consumed: Arc<AtomicU64>,
    }

    impl<R> Counted<R> {
        pub(crate) fn new(packed: R) -> (Self, Arc<AtomicU64>) {
            let consumed = Arc::new(AtomicU64::new(0));
            (Self { packed, consumed: Arc::clone(&consumed) }, consumed)
        }
    }

    impl<R: BufRead> Read for Counted<R> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = self.packed.read(out)?;
            self.consumed.fetch_add(len as u64, Ordering::Relaxed);
            Ok(len)
        }
    }

    impl<R: BufRead> BufRead for Counted<R> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            self.packed.fill_buf()
        }

        fn consume(&mut self, len: usize) {
            self.consumed.fetch_add(len as u64, Ordering::Relaxed);
            self.packed.consume(len);
        }
    }

    /// Expanded bytes, of which there may be only that many for each compressed one that was taken.
    pub(crate) struct Bounded<R> {
        pub(super) expanded: R,
        pub(super) consumed: Arc<AtomicU64>,
        pub(super) produced: u64,
        pub(super) limits: Limits,
    }

    impl<R> Bounded<R> {
        pub(crate) fn new(expanded: R, consumed: Arc<AtomicU64>) -> Self {
            Self::with_limits(expanded, consumed, default_limits())
        }

        pub(crate) fn with_limits(expanded: R, consumed: Arc<AtomicU64>, limits: Limits) -> Self {
            Self { expanded, consumed, produced: 0, limits }
        }
    }

    impl<R: Read> Read for Bounded<R> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = self.expanded.read(out)?;
            self.produced += len as u64;
            let consumed = self.consumed.load(Ordering::Relaxed);
            if self.produced > self.limits.expanded_for(consumed) {
                return Err(io::Error::other(bomb(self.produced, consumed)));
            }
            Ok(len)
        }
    }

    #[cold]
    fn bomb(produced: u64, consumed: u64) -> Error {
        let message = format!(
            "the compressed file expands to more than its limit allows: its first {consumed} bytes \
            to {produced}"
        );
        Error::new(ErrorKind::Limit, message).with_hint(EXPANSION_HINT)
    }
}

#[cfg(all(test, feature = "compression"))]
mod tests {
    use std::io::{self, Read};
    use std::sync::Arc;

    use cannery_core::{Error, ErrorKind};

    use super::*;

    #[test]
    fn sizes_have_units() {
        let cases = [
            ("12", Some(12)),
            ("3k", Some(3 << 10)),
            (" 500 M ", Some(500 << 20)),
            ("8G", Some(8 << 30)),
            ("G", None),
            ("much", None),
            ("99999999999999T", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(bytes_of(text), bytes, "{text}");
        }
    }

    #[test]
    fn more_than_the_ratio_is_an_error() {
        let (mut packed, consumed) = Counted::new(&[0; 10][..]);
        io::copy(&mut packed, &mut io::sink()).unwrap();
        let limits = Limits::default().base_bytes(1000);
        let read = |len| {
            let expanded = io::repeat(b'x').take(len);
            let consumed = Arc::clone(&consumed);
            let mut bounded = Bounded::with_limits(expanded, consumed, limits);
            io::copy(&mut bounded, &mut io::sink())
        };
        assert_eq!(read(3000).unwrap(), 3000);
        let error = Error::io(read(30_000).unwrap_err(), "cannot read");
        assert_eq!(error.kind(), ErrorKind::Limit);
        assert!(error.hint().unwrap().contains(VARIABLE), "{error}");
    }
}
