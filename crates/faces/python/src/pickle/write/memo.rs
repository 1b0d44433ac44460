//! What was written already, by identity.

use std::cell::Cell;
use std::collections::TryReserveError;

use pyo3::ffi;
use pyo3::prelude::*;

use super::Raised;
use crate::memory;

type Entry = (*mut ffi::PyObject, usize);

const EMPTY: Entry = (std::ptr::null_mut(), 0);
/// Entries whose memory is kept for the next table: new memory costs more than a small pickle.
const KEPT: usize = 1 << 15;

/// A table from objects, which it keeps alive, to their numbers.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// Where the entries wait while they get more room.
    waiting: Vec<Entry>,
    len: usize,
    /// The object that was looked for last and not found, and its place.
    missed: Cell<Option<Entry>>,
}

thread_local! {
    /// Empty, with memory.
    static SPARE: Cell<(Vec<Entry>, Vec<Entry>)> = const { Cell::new((Vec::new(), Vec::new())) };
}

// SAFETY: the table is only used, and dropped, by threads that hold the interpreter.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    const FIRST_SIZE: usize = 32;

    /// A table in memory that was used before.
    pub(super) fn warm() -> Self {
        let (entries, waiting) = SPARE.take();
        Self { entries, waiting, len: 0, missed: Cell::new(None) }
    }

    #[inline]
    fn slot(&self, key: *mut ffi::PyObject) -> usize {
        let mask = self.entries.len() - 1;
        // Objects lie 16 bytes apart; neighbours shall be neighbours here. Where one is in the way, the
        // higher bits say where to go on: arenas that fall on each other would make long runs.
        let mut rest = key.addr() >> 4;
        let mut at = rest & mask;
        loop {
            let found = self.entries[at].0;
            if found == key || found.is_null() {
                return at;
            }
            rest >>= 5;
            at = (at * 5 + rest + 1) & mask;
        }
    }

    #[inline]
    pub(super) fn get(&self, key: *mut ffi::PyObject) -> Option<usize> {
        if self.entries.is_empty() {
            return None;
        }
        let at = self.slot(key);
        let (found, value) = self.entries[at];
        if found.is_null() {
            self.missed.set(Some((key, at)));
            return None;
        }
        Some(value)
    }

    /// Sets the number of an object.
    ///
    /// # Errors
    /// `MemoryError`, which is raised.
    ///
    /// # Safety
    /// `key` must be an object, and the interpreter be held.
    #[inline]
    pub(super) unsafe fn set(
        &mut self,
        key: *mut ffi::PyObject,
        value: usize,
    ) -> Result<(), Raised> {
        if (self.len + 1) * 3 > self.entries.len() * 2 {
            self.grow()?;
        }
        let at = match self.missed.get() {
            // A place that is still free is the one where looking for it would end again.
            Some((missed, at)) if missed == key && self.entries[at].0.is_null() => at,
            _ => self.slot(key),
        };
        if self.entries[at].0.is_null() {
            // SAFETY: the caller's promise.
            unsafe { ffi::Py_INCREF(key) };
            self.len += 1;
        }
        self.entries[at] = (key, value);
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), Raised> {
        let factor = if self.len > 50_000 { 2 } else { 4 };
        let size = (self.entries.len() * factor).max(Self::FIRST_SIZE);
        let mut larger = Vec::new();
        if self.entries.capacity() < size {
            larger.try_reserve_exact(size).map_err(no_memory)?;
        }
        self.waiting.try_reserve(self.len).map_err(no_memory)?;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend(self.entries.iter().filter(|(key, _)| !key.is_null()));
        self.entries.clear();
        if self.entries.capacity() < size {
            self.entries = larger;
        }
        self.entries.resize(size, EMPTY);
        self.missed.set(None);
        for (key, value) in waiting.drain(..) {
            let at = self.slot(key);
            self.entries[at] = (key, value);
        }
        self.waiting = waiting;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (*mut ffi::PyObject, usize)> {
        self.entries.iter().copied().filter(|(key, _)| !key.is_null())
    }

    /// Shows the objects to the collector.
    pub(super) fn traverse<E>(
        &self,
        mut visit: impl FnMut(&Py<PyAny>) -> Result<(), E>,
    ) -> Result<(), E> {
        for (key, _) in &self.entries {
            if !key.is_null() {
                // SAFETY: a `Py` is a pointer to an object, and this is one that the table holds.
                visit(unsafe { &*std::ptr::from_ref(key).cast::<Py<PyAny>>() })?;
            }
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        // What goes away with its last reference may look at the table.
        let mut entries = std::mem::take(&mut self.entries);
        self.len = 0;
        self.missed.set(None);
        for (key, _) in &entries {
            // SAFETY: the references are ours; null is allowed.
            unsafe { ffi::Py_XDECREF(*key) };
        }
        entries.clear();
        self.entries = entries;
    }
}

#[cold]
fn no_memory(_: TryReserveError) -> Raised {
    memory::error().into()
}

impl Drop for Table {
    fn drop(&mut self) {
        self.clear();
        if self.entries.capacity() <= KEPT && self.waiting.capacity() <= KEPT {
            let kept = (std::mem::take(&mut self.entries), std::mem::take(&mut self.waiting));
            SPARE.set(kept);
        }
    }
}
