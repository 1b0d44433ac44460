//! How deep values are, and how much work it is to hash them: references make both larger than
//! the document.

use std::collections::HashMap;
use std::ffi::CStr;

use cannery_core::{Container, Error, ErrorKind, Limits, Result};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyList, PySet, PyString, PyTuple};

use super::collisions::Collisions;

/// How deep values may lie in others. The interpreter hashes tuples, and frees objects of compiled
/// types, by recursion, without a look at how much of the stack is left; a level takes some 100
/// bytes of it.
pub(crate) const MAX_DEPTH: u32 = 1024;

/// What a level of arrays of objects counts for: freeing one takes that much more of the stack.
pub(crate) const ARRAY_DEPTH: u32 = 24;

/// Values larger than this are known by their addresses, until they are in a container.
const NOTED_DEPTH: u32 = 32;
const NOTED_WORK: u64 = 1024;

/// What hashing may cost in relation to the values read, and what it may cost anyway.
const WORK_PER_VALUE: u64 = 16;
const FREE_WORK: u64 = 1 << 20;

/// What an entry of a list, and of a set or map, is reckoned to take where it is copied.
const ITEM: u64 = 8;
const ENTRY: u64 = 128;

/// What one value of a document is reckoned to take in it.
const VALUE: u64 = 16;

/// Shorter texts and containers are not worth counting.
const SHORTEST_COPY: usize = 64;

/// How deep a value is, and how many values are visited when it is hashed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    /// Levels of values that are hashed by way of their parts. Instances of classes written in
    /// Python end the count: the interpreter bounds the depth of calls.
    pub(super) hash_depth: u32,
    /// Levels of values that are freed by recursion, those between them not counted.
    pub(super) free_depth: u32,
    /// How many values are hashed with it.
    pub(super) work: u64,
}

impl Weight {
    /// Takes in a part.
    pub(super) fn add(&mut self, part: Weight) {
        self.hash_depth = self.hash_depth.max(part.hash_depth);
        self.free_depth = self.free_depth.max(part.free_depth);
        self.work = self.work.saturating_add(part.work);
    }

    /// The weight of a container of these parts and that many values.
    pub(super) fn of_container(self, container: Container, count: u64) -> Self {
        let hash_depth = match container {
            Container::Tuple | Container::FrozenSet => self.hash_depth.saturating_add(1),
            // They have no hash.
            Container::List | Container::Map | Container::Set => 0,
        };
        Self { hash_depth, work: self.work.saturating_add(count), ..self }
    }

    /// Whether the interpreter would overflow the stack on it.
    pub(super) fn is_too_deep(self) -> bool {
        self.hash_depth.max(self.free_depth) > MAX_DEPTH
    }
}

/// What is known of the values that are being put together.
#[derive(Default)]
pub(super) struct Weights {
    /// By address, while they wait for their container.
    noted: HashMap<usize, Weight>,
    values: u64,
    hashed: u64,
    /// Values that references lead to, by address, and what a copy of each takes.
    shared: HashMap<usize, u64>,
    copied: u64,
    collisions: Collisions,
}

impl Weights {
    /// Counts a value that was read.
    pub(super) fn count(&mut self) {
        self.values += 1;
    }

    /// Remembers a value that is more than ordinarily deep or large.
    pub(super) fn note(&mut self, value: &Bound<'_, PyAny>, weight: Weight) {
        if weight.hash_depth > NOTED_DEPTH || weight.work > NOTED_WORK {
            self.noted.insert(value.as_ptr() as usize, weight);
        } else if !self.noted.is_empty() {
            // What lay at this address before is gone.
            self.noted.remove(&(value.as_ptr() as usize));
        }
    }

    /// Whether [`note`](Self::note) would do nothing about a value of this weight.
    pub(super) fn is_unnoted(&self, weight: Weight) -> bool {
        self.noted.is_empty() && weight.hash_depth <= NOTED_DEPTH && weight.work <= NOTED_WORK
    }

    /// Checks what is about to be hashed for a set or for the keys of a map.
    ///
    /// # Errors
    /// [`ErrorKind::Depth`] or [`ErrorKind::Limit`]: it would overflow the stack or take too long.
    pub(super) fn check(
        &mut self,
        container: Container,
        values: &[Bound<'_, PyAny>],
        parts: Weight,
    ) -> Result<()> {
        match container {
            Container::List | Container::Tuple => Ok(()),
            Container::Set | Container::FrozenSet => {
                self.may_hash(Weight { work: parts.work + values.len() as u64, ..parts })?;
                self.collisions.check(values.iter())
            }
            Container::Map => {
                let (entries, _) = values.as_chunks::<2>();
                let keys = || entries.iter().map(|[key, _]| key);
                if keys().all(PyAnyMethods::is_exact_instance_of::<PyString>) {
                    return Ok(());
                }
                for key in keys() {
                    let known = self.noted.get(&(key.as_ptr() as usize)).copied();
                    let least = Weight { work: 1, ..Weight::default() };
                    self.may_hash(known.unwrap_or(least))?;
                }
                self.collisions.check(keys())
            }
        }
    }

    /// Remembers a value that a reference leads to, which stays where it is.
    pub(super) fn note_shared(&mut self, value: &Bound<'_, PyAny>) {
        let size = size_of_copy(value);
        if size > 0 {
            self.shared.insert(value.as_ptr() as usize, size);
        }
    }

    /// Counts what an object that is made of these parts may copy of those that are shared.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`]: references make it far more than the document holds.
    pub(super) fn copy<'a, 'py: 'a>(
        &mut self,
        parts: impl Iterator<Item = &'a Bound<'py, PyAny>>,
    ) -> Result<()> {
        if self.shared.is_empty() {
            return Ok(());
        }
        let sizes = parts.filter_map(|part| self.shared.get(&(part.as_ptr() as usize)));
        let size: u64 = sizes.sum();
        self.copied = self.copied.saturating_add(size);
        if size == 0 || self.copied <= Limits::default().replayed_for(VALUE * self.values) {
            return Ok(());
        }
        let message = "objects copy what they share with others so often that it takes far more \
                       memory than the document";
        Err(Error::new(ErrorKind::Limit, message))
    }

    fn may_hash(&mut self, weight: Weight) -> Result<()> {
        if weight.hash_depth > MAX_DEPTH {
            return Err(too_deep("a key or an item of a set"));
        }
        self.hashed = self.hashed.saturating_add(weight.work);
        if self.hashed > FREE_WORK + WORK_PER_VALUE * self.values {
            let message = "keys and items of sets share parts so often that hashing them \
                           takes too long";
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }
}

/// How an object is freed: the same way for all instances of classes written in Python.
pub(crate) fn free_of(object: &Bound<'_, PyAny>) -> usize {
    // SAFETY: the object is live, and so is its type.
    unsafe { (*ffi::Py_TYPE(object.as_ptr())).tp_dealloc.map_or(0, |free| free as usize) }
}

pub(crate) fn is_array(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is live, and so is its type, whose name ends in a NUL.
    unsafe { CStr::from_ptr((*ffi::Py_TYPE(object.as_ptr())).tp_name) == c"numpy.ndarray" }
}

/// The error for a value that lies deeper in references than the stack allows.
#[cold]
pub(crate) fn too_deep(what: &str) -> Error {
    let message = format!("{what} is a chain of more than {MAX_DEPTH} references");
    Error::new(ErrorKind::Depth, message)
}

/// How many bytes a copy of a value takes; 0 of what is short, or no plain container and no text.
pub(super) fn size_of_copy(value: &Bound<'_, PyAny>) -> u64 {
    let unit = if value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyBytes>()
    {
        1
    } else if value.is_exact_instance_of::<PyList>() || value.is_exact_instance_of::<PyTuple>() {
        ITEM
    } else if value.is_exact_instance_of::<PyDict>()
        || value.is_exact_instance_of::<PySet>()
        || value.is_exact_instance_of::<PyFrozenSet>()
    {
        ENTRY
    } else {
        return 0;
    };
    let len = value.len().unwrap_or(0);
    if len < SHORTEST_COPY { 0 } else { len as u64 * unit }
}
