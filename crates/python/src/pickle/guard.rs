//! Keys that would take forever to hash or to tell apart.

use std::collections::HashMap;

use cannery_core::{Error, ErrorKind, Result};
use pyo3::ffi;
use pyo3::prelude::*;

use crate::compat;
use crate::errors::from_exception;

/// Counts what hashing costs, and how many keys of one container have the same hash.
///
/// Text cannot be made to collide (its hash has a secret), and neither can small integers.
#[derive(Default)]
pub(crate) struct Guard {
    spent: u64,
    budget: u64,
    collisions: HashMap<(usize, isize), u32>,
}

/// Keys of one container that may have the same hash.
const MAX_COLLISIONS: u32 = 500;

impl Guard {
    /// A guard for so many bytes of input.
    pub(crate) fn new(input: usize) -> Self {
        let budget = (1 << 20) + 16 * input as u64;
        Self { spent: 0, budget, collisions: HashMap::new() }
    }

    /// Refuses a key that is a bomb.
    #[inline]
    pub(crate) fn check(
        &mut self,
        container: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
    ) -> Result<()> {
        // SAFETY: the key is an object; its value is only looked at if it is an `int`.
        let harmless = unsafe {
            ffi::PyUnicode_CheckExact(key.as_ptr()) != 0
                || (ffi::PyLong_CheckExact(key.as_ptr()) != 0
                    && compat::small_int(key.as_ptr()).is_some())
        };
        if harmless { Ok(()) } else { self.check_other(container, key) }
    }

    fn check_other(&mut self, container: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> Result<()> {
        self.weigh(key)?;
        let hash = key.hash().map_err(from_exception)?;
        let count = self.collisions.entry((container.as_ptr().addr(), hash)).or_insert(0);
        *count += 1;
        if *count > MAX_COLLISIONS { Err(colliding()) } else { Ok(()) }
    }

    /// Counts the values in a tuple as often as hashing it looks at them.
    fn weigh(&mut self, key: &Bound<'_, PyAny>) -> Result<()> {
        let mut waiting = vec![key.as_ptr()];
        while let Some(object) = waiting.pop() {
            self.spent += 1;
            if self.spent > self.budget {
                return Err(heavy());
            }
            // SAFETY: the key keeps all that it contains alive, and tuples do not change.
            unsafe {
                if ffi::PyTuple_CheckExact(object) != 0 {
                    let len = ffi::PyTuple_GET_SIZE(object);
                    waiting.extend((0..len).map(|at| ffi::PyTuple_GET_ITEM(object, at)));
                }
            }
        }
        Ok(())
    }
}

#[cold]
fn heavy() -> Error {
    Error::new(
        ErrorKind::Limit,
        "keys made of tuples inside tuples that would take forever to hash",
    )
}

#[cold]
fn colliding() -> Error {
    Error::new(ErrorKind::Limit, format!("more than {MAX_COLLISIONS} keys with the same hash"))
        .with_hint("they were chosen to make the dictionary slow")
}
