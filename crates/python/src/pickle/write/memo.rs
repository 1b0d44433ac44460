//! What was written already, by identity.

use pyo3::ffi;

/// A table from objects, which it keeps alive, to their numbers.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<(*mut ffi::PyObject, usize)>,
    len: usize,
}

// SAFETY: the table is only used, and dropped, by threads that hold the interpreter.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Table {
    const FIRST_SIZE: usize = 16;

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
        let (found, value) = self.entries[self.slot(key)];
        (!found.is_null()).then_some(value)
    }

    /// Sets the number of an object.
    ///
    /// # Safety
    /// `key` must be an object, and the interpreter be held.
    #[inline]
    pub(super) unsafe fn set(&mut self, key: *mut ffi::PyObject, value: usize) {
        if (self.len + 1) * 3 > self.entries.len() * 2 {
            self.grow();
        }
        let at = self.slot(key);
        if self.entries[at].0.is_null() {
            // SAFETY: the caller's promise.
            unsafe { ffi::Py_INCREF(key) };
            self.len += 1;
        }
        self.entries[at] = (key, value);
    }

    #[cold]
    fn grow(&mut self) {
        let factor = if self.len > 50_000 { 2 } else { 4 };
        let size = (self.entries.len() * factor).max(Self::FIRST_SIZE);
        let old = std::mem::replace(&mut self.entries, vec![(std::ptr::null_mut(), 0); size]);
        for (key, value) in old {
            if !key.is_null() {
                let at = self.slot(key);
                self.entries[at] = (key, value);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (*mut ffi::PyObject, usize)> {
        self.entries.iter().copied().filter(|(key, _)| !key.is_null())
    }

    pub(super) fn clear(&mut self) {
        for (key, _) in std::mem::take(&mut self.entries) {
            // SAFETY: the references are ours; null is allowed.
            unsafe { ffi::Py_XDECREF(key) };
        }
        self.len = 0;
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.clear();
    }
}
