//! The order of a set's items in deterministic mode, which depends on nothing but the items.
//!
//! Items are sorted by what is written of them, where digests stand for the sets inside of them.
//! Each set is digested once, the inner ones first: depth costs memory, never stack or time.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use pyo3::prelude::*;
use pyo3::types::{PyFrozenSet, PyList};

use super::memo::Table;
use super::{Object, Options, Pickler, Raised, Saved, Sharing};
use crate::memory;

const DIGEST: usize = blake3::OUT_LEN;

/// The sets that were sorted already, by address.
#[derive(Default)]
pub(super) struct Orders<'py>(HashMap<usize, Sorted<'py>>);

/// A set, kept so that its address stays its own, and its items in their order.
struct Sorted<'py> {
    _set: Object<'py>,
    items: Bound<'py, PyList>,
    digest: [u8; DIGEST],
}

/// Where the digest of a set is to come.
pub(super) struct Hole<'py> {
    at: usize,
    set: Object<'py>,
}

/// A set on its way to be sorted, with what was written of its items.
struct OpenSet<'py> {
    set: Object<'py>,
    items: Vec<(Range<usize>, Object<'py>)>,
    written: Vec<u8>,
    holes: Vec<Hole<'py>>,
}

enum SortStep<'py> {
    Enter(Object<'py>),
    Leave(OpenSet<'py>),
}

impl<'py> Orders<'py> {
    /// The items of a set in their order.
    pub(super) fn items(
        &mut self,
        options: &Options<'py>,
        set: &Object<'py>,
    ) -> Result<Object<'py>, Raised> {
        self.sort(&options.for_keys(set.py())?, set)?;
        match self.0.get(&set.as_ptr().addr()) {
            Some(sorted) => Ok(sorted.items.clone().into_any()),
            None => Ok(set.clone()),
        }
    }

    /// Sorts a set and all sets inside of it.
    fn sort(&mut self, options: &Options<'py>, set: &Object<'py>) -> Saved {
        let mut open = HashSet::new();
        let mut steps = vec![SortStep::Enter(set.clone())];
        while let Some(step) = steps.pop() {
            match step {
                SortStep::Enter(set) => {
                    let address = set.as_ptr().addr();
                    // A set that contains itself, through an object, counts for nothing in there.
                    if self.0.contains_key(&address) || !open.insert(address) {
                        continue;
                    }
                    let frame = OpenSet::write(options, set)?;
                    let inner: Vec<_> = frame.holes.iter().map(|hole| hole.set.clone()).collect();
                    steps.push(SortStep::Leave(frame));
                    steps.extend(inner.into_iter().map(SortStep::Enter));
                }
                SortStep::Leave(frame) => {
                    let address = frame.set.as_ptr().addr();
                    open.remove(&address);
                    let sorted = frame.sorted(self)?;
                    self.0.insert(address, sorted);
                }
            }
        }
        Ok(())
    }
}

impl<'py> OpenSet<'py> {
    /// Writes the items of a set one behind the other, each for itself.
    fn write(options: &Options<'py>, set: Object<'py>) -> Result<Self, Raised> {
        let py = set.py();
        let (equal, mut memo) = (memory::new_dict(py)?, Table::warm());
        let sharing = || Sharing { equal: Some(equal.clone()), ..Sharing::default() };
        let mut pickler = Pickler::new(py, options, &mut memo, None, sharing())?;
        pickler.holes = Some(Vec::new());
        let mut items = Vec::new();
        for item in set.try_iter()? {
            let item = item?;
            let start = pickler.out.len();
            pickler.save_whole(&item)?;
            items.push((start..pickler.out.len(), item));
            equal.clear();
            pickler.memo.clear();
            pickler.sharing = sharing();
        }
        let (written, holes) = (pickler.out.take()?, pickler.holes.take());
        let (written, holes) = (written.as_bytes().to_vec(), holes.unwrap_or_default());
        Ok(Self { set, items, written, holes })
    }

    /// Sorts the items: the sets inside of them are.
    fn sorted(mut self, orders: &Orders<'py>) -> Result<Sorted<'py>, Raised> {
        for hole in &self.holes {
            if let Some(inner) = orders.0.get(&hole.set.as_ptr().addr()) {
                self.written[hole.at..hole.at + DIGEST].copy_from_slice(&inner.digest);
            }
        }
        let written = &self.written;
        self.items
            .sort_by(|(one, _), (other, _)| written[one.clone()].cmp(&written[other.clone()]));
        let mut digest = blake3::Hasher::new();
        digest.update(&[u8::from(self.set.is_exact_instance_of::<PyFrozenSet>())]);
        for (key, _) in &self.items {
            digest.update(&(key.len() as u64).to_le_bytes()).update(&written[key.clone()]);
        }
        let items = PyList::new(self.set.py(), self.items.into_iter().map(|(_, item)| item))?;
        Ok(Sorted { _set: self.set, items, digest: *digest.finalize().as_bytes() })
    }
}

impl<'py> Pickler<'_, 'py> {
    /// Leaves a hole for the digest of a set, if only keys are written; false otherwise.
    pub(super) fn save_digest(&mut self, set: &Object<'py>) -> Result<bool, Raised> {
        let at = self.out.len();
        let Some(holes) = &mut self.holes else { return Ok(false) };
        holes.push(Hole { at, set: set.clone() });
        self.out.push(&[0; DIGEST])?;
        Ok(true)
    }
}
