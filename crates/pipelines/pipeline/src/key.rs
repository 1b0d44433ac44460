//! Cache keys: all that a step's result depends on, as labelled parts.

use cannery_store::{Digest, Hasher, KeyPart};

use crate::{Error, ErrorKind, Result};

/// Changes with the way keys are computed, so that keys of different ways never meet.
const VERSION: &[u8] = b"cannery cache key 1";

/// Longer parts are kept as digests only.
const LONGEST_SHOWN: usize = 200;

/// The parts of a cache key, in the making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyParts(Vec<(String, Vec<u8>)>);

impl KeyParts {
    /// No parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a part. Short text is also kept as it is, for [`why`](crate::why) to show.
    #[must_use]
    pub fn with(mut self, label: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        self.add(label, bytes);
        self
    }

    /// Adds a part; see [`with`](Self::with).
    pub fn add(&mut self, label: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((label.into(), bytes.into()));
    }

    /// The digest of each part, by label.
    pub(crate) fn digests(&self) -> Vec<(String, Digest)> {
        self.0.iter().map(|(label, bytes)| (label.clone(), Digest::of(bytes))).collect()
    }

    /// The key. The order in which parts were added does not matter.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] when two parts have one label.
    pub fn into_key(mut self) -> Result<CacheKey> {
        self.0.sort_unstable();
        if let Some(pair) = self.0.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let message = format!("cache key has two parts labelled `{}`", pair[0].0);
            return Err(Error::new(ErrorKind::Value, message));
        }
        let mut hasher = Hasher::new();
        hasher.update(VERSION);
        for (label, bytes) in &self.0 {
            // With its length before it, no field runs into the next.
            for field in [label.as_bytes(), bytes] {
                hasher.update(&(field.len() as u64).to_le_bytes());
                hasher.update(field);
            }
        }
        let parts = self.0.into_iter().map(|(label, bytes)| part(label, &bytes)).collect();
        Ok(CacheKey { digest: hasher.digest(), parts })
    }
}

/// Under which name a step's result is known, and what the name was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheKey {
    /// The name.
    pub digest: Digest,
    /// What it was made of, by label.
    pub parts: Vec<KeyPart>,
}

fn part(label: String, bytes: &[u8]) -> KeyPart {
    let is_plain = |text: &&str| !text.chars().any(char::is_control);
    let shown = (bytes.len() <= LONGEST_SHOWN)
        .then(|| std::str::from_utf8(bytes).ok().filter(is_plain))
        .flatten();
    KeyPart { label, digest: Digest::of(bytes), shown: shown.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(parts: &[(&str, &[u8])]) -> Digest {
        let parts =
            parts.iter().fold(KeyParts::new(), |all, (label, bytes)| all.with(*label, *bytes));
        parts.into_key().unwrap().digest
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let keys = [
            digest(&[]),
            digest(&[("", b"")]),
            digest(&[("ab", b"c")]),
            digest(&[("a", b"bc")]),
            digest(&[("a", b"b"), ("c", b"")]),
            digest(&[("a", b""), ("b", b"c")]),
        ];
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "key {i} is not unique");
        }
    }

    #[test]
    fn short_text_is_shown() {
        let key = KeyParts::new()
            .with("binary", [0xff, 0x00])
            .with("long", "x".repeat(201))
            .with("short", "3")
            .into_key()
            .unwrap();
        let shown: Vec<_> = key.parts.iter().map(|part| part.shown.as_deref()).collect();
        assert_eq!(shown, [None, None, Some("3")]);
    }

    #[test]
    fn a_label_comes_once() {
        let twice = KeyParts::new().with("code", "1").with("code", "2").into_key();
        insta::assert_snapshot!(twice.unwrap_err(), @"cache key has two parts labelled `code`");
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_content_does(
            parts in prop::collection::btree_map("[a-c]{0,3}", prop::collection::vec(any::<u8>(), 0..4), 0..5),
            other in prop::collection::btree_map("[a-c]{0,3}", prop::collection::vec(any::<u8>(), 0..4), 0..5),
        ) {
            let key = |parts: KeyParts| parts.into_key().unwrap().digest;
            let forwards = key(KeyParts(parts.clone().into_iter().collect()));
            let backwards = key(KeyParts(parts.clone().into_iter().rev().collect()));
            prop_assert_eq!(forwards, backwards);
            prop_assert_eq!(key(KeyParts(other.clone().into_iter().collect())) == forwards, other == parts);
        }
    }
}
