//! How deep values are, and how much work it is to hash them: references make both larger than
//! the document.

use std::collections::HashMap;

use cannery_core::{Container, Error, ErrorKind, Result};
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

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

/// This many keys with one hash are no accident.
const MAX_COLLISIONS: usize = 256;

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
                check_collisions(values.iter())
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
                check_collisions(keys())
            }
        }
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

/// The error for a value that lies deeper in references than the stack allows.
#[cold]
pub(crate) fn too_deep(what: &str) -> Error {
    let message = format!("{what} is a chain of more than {MAX_DEPTH} references");
    Error::new(ErrorKind::Depth, message)
}

/// Refuses keys that were chosen to have one hash: each is then compared with all before it.
///
/// Texts and bytes are hashed with a secret, and small integers are their own hashes.
fn check_collisions<'a, 'py: 'a>(keys: impl Iterator<Item = &'a Bound<'py, PyAny>>) -> Result<()> {
    let keys: Vec<_> = keys.filter(|key| may_collide(key)).collect();
    if keys.len() <= MAX_COLLISIONS {
        return Ok(());
    }
    let mut hashes = Vec::with_capacity(keys.len());
    for key in keys {
        // What cannot be hashed is refused where it is.
        hashes.push(key.hash().unwrap_or(0));
    }
    hashes.sort_unstable();
    if hashes.windows(MAX_COLLISIONS).any(|run| run[0] == run[MAX_COLLISIONS - 1]) {
        let message = format!("more than {MAX_COLLISIONS} keys have the same hash");
        return Err(Error::new(ErrorKind::Limit, message));
    }
    Ok(())
}

fn may_collide(key: &Bound<'_, PyAny>) -> bool {
    if let Ok(int) = key.cast_exact::<PyInt>() {
        return int.extract::<i64>().map_or(true, |value| value.unsigned_abs() >= (1 << 61) - 1);
    }
    let is_text = key.is_exact_instance_of::<PyString>()
        || key.is_exact_instance_of::<pyo3::types::PyBytes>();
    !is_text && !key.is_exact_instance_of::<PyFloat>()
}
