//! Values by short texts that are known beforehand.

use std::collections::HashMap;

/// Entries up to which looking through all of them beats hashing.
const FEW: usize = 12;

/// Values by their names, in order.
pub(super) struct Lookup<T> {
    entries: Vec<(Box<[u8]>, T)>,
    index: HashMap<Box<[u8]>, usize>,
}

impl<T> Lookup<T> {
    /// The lookup for these names; of two that are equal the first one wins.
    pub(super) fn new(entries: Vec<(Box<[u8]>, T)>) -> Self {
        let mut index = HashMap::new();
        if entries.len() > FEW {
            for (at, (name, _)) in entries.iter().enumerate().rev() {
                index.insert(name.clone(), at);
            }
        }
        Self { entries, index }
    }

    /// Where the name is; `guess` is looked at first.
    #[inline]
    pub(super) fn position(&self, name: &[u8], guess: usize) -> Option<usize> {
        match self.entries.get(guess) {
            Some((known, _)) if same(known, name) => Some(guess),
            _ => self.find(name),
        }
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        if self.entries.len() > FEW {
            return self.index.get(name).copied();
        }
        self.entries.iter().position(|(known, _)| **known == *name)
    }

    /// The value of a name.
    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        self.position(name, 0).map(|at| &self.entries[at].1)
    }

    /// The name at a position.
    pub(super) fn name(&self, at: usize) -> Option<&[u8]> {
        self.entries.get(at).map(|(name, _)| &**name)
    }
}

/// Whether two short texts are equal, without a call: names are a few words long.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    // Words, of which the last may overlap the one before.
    if let (Some(last), Some(other)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        let ((words, _), (others, _)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
        return last == other && words.iter().zip(others).all(|(word, other)| word == other);
    }
    if let (Some(last), Some(other)) = (a.last_chunk::<4>(), b.last_chunk::<4>()) {
        return last == other && a.first_chunk::<4>() == b.first_chunk::<4>();
    }
    a.iter().zip(b).all(|(byte, other)| byte == other)
}
