//! How tasks and their outcomes are written to a pipe: fields with their lengths, in frames.
//!
//! Both ends are the same release of the same program, so there are no versions in it.

use std::io::{self, Read, Write};

use cannery_store::Digest;

/// Bytes that are read at once of a frame: memory grows with what comes, not with what is claimed.
const CHUNK: u64 = 1 << 20;

/// Fields in the making.
#[derive(Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub(crate) fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.0.extend_from_slice(digest.as_bytes());
        self
    }

    /// A list: its length, and each item.
    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads fields in the order in which they were written; `None` is a defect of the other end.
pub(crate) struct FieldReader<'a>(&'a [u8]);

impl<'a> FieldReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    pub(crate) fn digest(&mut self) -> Option<Digest> {
        let (digest, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(Digest::from_bytes(*digest))
    }

    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let length = self.number()?;
        (0..length).map(|_| read(self)).collect()
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Writes one frame.
pub(crate) fn write_frame(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&(bytes.len() as u64).to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Reads one frame; nothing at the end of the input.
pub(crate) fn read_frame(mut from: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u64::from_le_bytes(length);
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(CHUNK)).unwrap_or(0));
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn fields_read_back(
            number in any::<u64>(),
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..5),
            text in ".{0,9}",
        ) {
            let mut fields = Fields::default();
            fields.number(number).text(&text).digest(&Digest::of(&[1]));
            fields.list(&items, |fields, item| { fields.bytes(item); });
            let bytes = fields.finish();
            let mut reader = FieldReader::new(&bytes);
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.text(), Some(text));
            prop_assert_eq!(reader.digest(), Some(Digest::of(&[1])));
            prop_assert_eq!(reader.list(|r| r.bytes().map(<[u8]>::to_vec)), Some(items));
            prop_assert_eq!(reader.end(), Some(()));
        }

        #[test]
        fn frames_read_back_and_a_torn_one_is_an_error(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..4),
        ) {
            let mut pipe = Vec::new();
            for frame in &frames {
                write_frame(&mut pipe, frame).unwrap();
            }
            let mut from = pipe.as_slice();
            for frame in &frames {
                let read = read_frame(&mut from).unwrap();
                prop_assert_eq!(read.as_ref(), Some(frame));
            }
            prop_assert!(read_frame(from).unwrap().is_none());
            if !frames.last().unwrap().is_empty() {
                let torn = &pipe[..pipe.len() - 1];
                let mut from = torn;
                for _ in 1..frames.len() {
                    read_frame(&mut from).unwrap();
                }
                prop_assert!(read_frame(from).is_err());
            }
        }
    }
}
