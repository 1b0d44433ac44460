//! Names for bytes: BLAKE3 digests.

use std::fmt;
use std::io;
use std::str::FromStr;

use crate::{Error, ErrorKind};

/// The BLAKE3 digest of some bytes, which is their name in a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// A digest read back from its 32 bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first eight hexadecimal digits, for people.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string()[..8].to_owned()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let hash = blake3::Hash::from_hex(text).map_err(|_| {
            let message = format!("expected a digest of 64 hexadecimal digits, found `{text}`");
            Error::new(ErrorKind::Syntax, message)
        })?;
        Ok(Self(*hash.as_bytes()))
    }
}

/// Computes a [`Digest`] from bytes that come in pieces.
#[derive(Clone, Debug, Default)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// A hasher that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }

    /// Takes in all that `reader` has; returns how many bytes that were.
    pub(crate) fn update_reader(&mut self, reader: impl io::Read) -> io::Result<u64> {
        let before = self.0.count();
        self.0.update_reader(reader)?;
        Ok(self.0.count() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_from_its_text() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert_eq!(digest.short(), "6437b3ac");
    }

    #[test]
    fn pieces_and_whole_agree() {
        let mut hasher = Hasher::new();
        hasher.update(b"a");
        assert_eq!(hasher.update_reader(&b"bc"[..]).unwrap(), 2);
        assert_eq!(hasher.digest(), Digest::of(b"abc"));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        insta::assert_snapshot!(
            "xyz".parse::<Digest>().unwrap_err(),
            @"expected a digest of 64 hexadecimal digits, found `xyz`"
        );
    }
}
