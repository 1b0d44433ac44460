//! Keys that were chosen to have one hash: each is compared with all before it.

use cannery_core::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyInt, PyString};

/// This many keys with one hash are no accident.
const MAX_COLLISIONS: usize = 256;

/// How many comparisons with such keys one document may take, in comparisons of integers.
const MAX_COMPARED: u64 = 1 << 20;

/// And how many more for each key: of -1 and -2, which have one hash, many tuples are made.
const COMPARED_PER_KEY: u64 = 2 * COMPARED_BY_CLASS;

/// What a comparison of other keys takes: for a class written in Python some microseconds.
pub(crate) const COMPARED_BY_CLASS: u64 = 64;

/// Counts the comparisons that keys with the same hash take.
#[derive(Default)]
pub(crate) struct Collisions {
    compared: u64,
    keys: u64,
}

impl Collisions {
    /// Counts those of the keys of one container.
    ///
    /// Texts and bytes are hashed with a secret, and small integers are their own hashes.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`]: too many of them have the same hash.
    pub(crate) fn check<'a, 'py: 'a>(
        &mut self,
        keys: impl Iterator<Item = &'a Bound<'py, PyAny>>,
    ) -> Result<()> {
        let mut keys = keys.filter(|key| may_collide(key));
        let (Some(first), Some(second)) = (keys.next(), keys.next()) else { return Ok(()) };
        let mut hashes = Vec::new();
        for key in [first, second].into_iter().chain(keys) {
            let cost = if key.is_exact_instance_of::<PyInt>() { 1 } else { COMPARED_BY_CLASS };
            // What cannot be hashed is refused, or made something else, where it is.
            hashes.extend(key.hash().map(|hash| (hash, cost)));
        }
        hashes.sort_unstable();
        self.keys += hashes.len() as u64;
        let most = MAX_COMPARED + self.keys * COMPARED_PER_KEY;
        for run in hashes.chunk_by(|one, other| one.0 == other.0) {
            let (count, cost) = (run.len() as u64, run[run.len() - 1].1);
            self.compared += count * (count - 1) / 2 * cost;
            if run.len() > MAX_COLLISIONS || self.compared > most {
                return Err(colliding());
            }
        }
        Ok(())
    }
}

#[cold]
fn colliding() -> Error {
    let message = format!("more than {MAX_COLLISIONS} keys have the same hash, or many do often");
    Error::new(ErrorKind::Limit, message).with_hint("they were chosen to make the container slow")
}

/// Whether a key's hash can be chosen.
#[inline]
pub(crate) fn may_collide(key: &Bound<'_, PyAny>) -> bool {
    if key.is_exact_instance_of::<PyString>() {
        return false;
    }
    if let Ok(int) = key.cast_exact::<PyInt>() {
        return int.extract::<i64>().map_or(true, |value| value.unsigned_abs() >= (1 << 61) - 1);
    }
    !key.is_exact_instance_of::<PyBytes>() && !key.is_exact_instance_of::<PyFloat>()
}
