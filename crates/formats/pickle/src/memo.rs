//! The machine's memo: what was put aside, by its number.

use std::collections::HashMap;

/// Objects by number. Numbers come one after another in what picklers write; a number out of turn
/// costs an entry of its own, not room for all below it.
#[derive(Clone, Debug)]
pub struct Memo<R> {
    dense: Vec<Option<R>>,
    sparse: HashMap<u64, R>,
    len: usize,
}

impl<R> Default for Memo<R> {
    fn default() -> Self {
        Self { dense: Vec::new(), sparse: HashMap::new(), len: 0 }
    }
}

impl<R: Clone> Memo<R> {
    /// How far beyond the end a number may lie to be kept in a row with the others.
    const GAP: usize = 64;
    /// Room for the objects of a small pickle.
    const FIRST: usize = 32;

    /// The object of that number.
    #[inline]
    #[must_use]
    pub fn get(&self, index: u64) -> Option<&R> {
        match usize::try_from(index).ok().and_then(|index| self.dense.get(index)) {
            Some(Some(object)) => Some(object),
            _ => self.sparse.get(&index),
        }
    }

    /// Puts an object aside.
    #[inline]
    pub fn put(&mut self, index: u64, object: R) {
        match usize::try_from(index) {
            Ok(at) if at == self.dense.len() && self.sparse.is_empty() => {
                if at == 0 {
                    self.dense.reserve(Self::FIRST);
                }
                self.dense.push(Some(object));
                self.len += 1;
            }
            _ => self.put_out_of_turn(index, object),
        }
    }

    fn put_out_of_turn(&mut self, index: u64, object: R) {
        self.len += usize::from(self.get(index).is_none());
        match usize::try_from(index) {
            Ok(at) if at < self.dense.len() + Self::GAP => {
                self.sparse.remove(&index);
                if at >= self.dense.len() {
                    self.dense.resize_with(at + 1, || None);
                }
                self.dense[at] = Some(object);
            }
            _ => {
                self.sparse.insert(index, object);
            }
        }
    }

    /// How many objects there are: the number that `MEMOIZE` gives next.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All numbers and their objects.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &R)> {
        let dense = self.dense.iter().enumerate();
        let dense = dense.filter_map(|(at, object)| Some((at as u64, object.as_ref()?)));
        dense.chain(self.sparse.iter().map(|(&at, object)| (at, object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_turn_are_found_and_counted_once() {
        let mut memo = Memo::default();
        for index in [0, 1, 5, 5, u64::MAX, 1 << 40, 3, 70, 70, u64::MAX] {
            memo.put(index, index);
        }
        assert_eq!(memo.len(), 7);
        assert_eq!(memo.iter().count(), 7);
        assert!(memo.iter().all(|(index, &object)| index == object));
        assert!(memo.get(2).is_none() && memo.get(u64::MAX).is_some() && memo.get(5).is_some());
    }
}
