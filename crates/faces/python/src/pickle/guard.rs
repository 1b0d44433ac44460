//! Keys that would take forever to hash or to tell apart.

use std::collections::{HashMap, HashSet};

use cannery_core::{Error, ErrorKind, Result};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyInt, PyList, PyTuple, PyType};

use crate::compat;
use crate::construct::COMPARED_BY_CLASS;
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

/// Levels of what is hashed.
const MAX_DEPTH: u32 = 500;

impl Guard {
    /// A guard for that many bytes of input.
    pub(crate) fn new(input: usize) -> Self {
        let budget = (1 << 20) + 16 * input as u64;
        Self { spent: 0, budget, collisions: HashMap::new() }
    }

    /// Forgets what was spent: the pickle is read from its beginning once more.
    pub(crate) fn restart(&mut self) {
        *self = Self { budget: self.budget, ..Self::default() };
    }

    /// Refuses a key that is a bomb.
    #[inline]
    pub(crate) fn check(
        &mut self,
        container: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
    ) -> Result<()> {
        if is_harmless(key) { Ok(()) } else { self.check_other(container, key) }
    }

    /// Refuses the arguments of a call that would hash, or copy, far more than the file holds.
    ///
    /// The rules of the table, and what they call, go through containers in containers (`looks`).
    pub(crate) fn check_call(
        &mut self,
        callable: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyTuple>,
        looks: bool,
    ) -> Result<()> {
        let hashes = hashes_items(callable);
        for argument in arguments {
            self.spend(size_of_data(&argument))?;
            if looks {
                self.check_data(&argument)?;
            }
            if hashes && let Ok(items) = argument.cast_exact::<PyList>() {
                for item in items {
                    self.check_item(items, &item)?;
                }
            } else if hashes && let Ok(items) = argument.cast_exact::<PyTuple>() {
                for item in items {
                    self.check_item(items, &item)?;
                }
            }
        }
        Ok(())
    }

    /// Counts the items of plain containers, as often as references lead to them; refuses data that
    /// a rule of the table would take forever to go through.
    pub(crate) fn check_data(&mut self, data: &Bound<'_, PyAny>) -> Result<()> {
        let mut waiting = Vec::new();
        let mut around = HashSet::new();
        waiting.extend(is_container(data).then(|| Some(data.clone())));
        // `None` for the end of the container that was begun last.
        let mut open: Vec<usize> = Vec::new();
        while let Some(next) = waiting.pop() {
            let Some(data) = next else {
                around.remove(&open.pop().unwrap_or_default());
                continue;
            };
            let address = data.as_ptr().addr();
            if !around.insert(address) {
                continue; // it is part of itself
            }
            open.push(address);
            waiting.push(None);
            let before = waiting.len();
            let len = if let Ok(list) = data.cast_exact::<PyList>() {
                waiting.extend(list.iter().filter(is_container).map(Some));
                list.len()
            } else if let Ok(tuple) = data.cast_exact::<PyTuple>() {
                waiting.extend(tuple.iter().filter(is_container).map(Some));
                tuple.len()
            } else if let Ok(dict) = data.cast_exact::<PyDict>() {
                let pairs = dict.iter().flat_map(|(key, value)| [key, value]);
                waiting.extend(pairs.filter(is_container).map(Some));
                dict.len()
            } else {
                0
            };
            self.spend(len + waiting.len() - before)?;
        }
        Ok(())
    }

    /// An item that will be a key, or has one if it is a pair; or neither, if it has no hash.
    fn check_item(&mut self, container: &Bound<'_, PyAny>, item: &Bound<'_, PyAny>) -> Result<()> {
        self.weigh(item)?;
        let key = item.cast_exact::<PyTuple>().ok().filter(|pair| pair.len() == 2);
        let key = key.map(|pair| pair.get_item(0)).transpose().map_err(from_exception)?;
        for key in key.iter().chain([item]) {
            if !is_harmless(key) && key.hash().is_ok() {
                self.check_other(container, key)?;
            }
        }
        Ok(())
    }

    fn check_other(&mut self, container: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> Result<()> {
        self.weigh(key)?;
        let hash = key.hash().map_err(from_exception)?;
        let count = self.collisions.entry((container.as_ptr().addr(), hash)).or_insert(0);
        let alike = *count;
        *count += 1;
        let cost = if key.is_exact_instance_of::<PyInt>() { 1 } else { COMPARED_BY_CLASS };
        let compared = self.spend_steps(u64::from(alike) * cost);
        if compared.is_err() || alike >= MAX_COLLISIONS { Err(colliding()) } else { Ok(()) }
    }

    /// Counts the values in a tuple, or a frozen set, as often as hashing or comparing it looks at
    /// them; refuses what is nested too deeply for C's `hash`, which does not count its calls.
    fn weigh(&mut self, key: &Bound<'_, PyAny>) -> Result<()> {
        let py = key.py();
        let mut waiting = vec![(key.as_ptr(), 0_u32)];
        while let Some((object, depth)) = waiting.pop() {
            self.spend(1)?;
            if depth > MAX_DEPTH {
                return Err(deep());
            }
            // SAFETY: the key keeps all that it contains alive; neither tuples nor slices nor frozen
            // sets change.
            unsafe {
                if ffi::PyTuple_Check(object) != 0 {
                    let len = ffi::PyTuple_GET_SIZE(object);
                    let items = (0..len).map(|at| ffi::PyTuple_GET_ITEM(object, at));
                    waiting.extend(items.map(|item| (item, depth + 1)));
                } else if ffi::PyFrozenSet_CheckExact(object) != 0 {
                    let set = Bound::from_borrowed_ptr(py, object);
                    let set =
                        set.cast_exact::<PyFrozenSet>().map_err(|e| from_exception(e.into()))?;
                    waiting.extend(set.iter().map(|item| (item.as_ptr(), depth + 1)));
                } else if ffi::PySlice_Check(object) != 0 {
                    let slice = object.cast::<ffi::PySliceObject>();
                    let parts = [(*slice).start, (*slice).stop, (*slice).step];
                    waiting.extend(parts.map(|part| (part, depth + 1)));
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, steps: usize) -> Result<()> {
        self.spend_steps(steps as u64)
    }

    fn spend_steps(&mut self, steps: u64) -> Result<()> {
        self.spent = self.spent.saturating_add(steps);
        if self.spent > self.budget { Err(heavy()) } else { Ok(()) }
    }
}

/// Whether it is a key that cannot be made to collide.
#[inline]
fn is_harmless(key: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the key is an object; its value is only looked at if it is an `int`.
    unsafe {
        ffi::PyUnicode_CheckExact(key.as_ptr()) != 0
            || (ffi::PyLong_CheckExact(key.as_ptr()) != 0
                && compat::small_int(key.as_ptr()).is_some())
    }
}

/// Whether it is a plain container that may hold others.
fn is_container(data: &Bound<'_, PyAny>) -> bool {
    data.is_exact_instance_of::<PyList>()
        || data.is_exact_instance_of::<PyTuple>()
        || data.is_exact_instance_of::<PyDict>()
}

/// How much a copy of an argument copies; nothing of what is no container and no bytes.
fn size_of_data(argument: &Bound<'_, PyAny>) -> usize {
    // SAFETY: an object, whose size is asked only of types that have one.
    unsafe {
        let object = argument.as_ptr();
        let flags = compat::type_flags(ffi::Py_TYPE(object));
        let sized = ffi::Py_TPFLAGS_LIST_SUBCLASS
            | ffi::Py_TPFLAGS_TUPLE_SUBCLASS
            | ffi::Py_TPFLAGS_BYTES_SUBCLASS
            | ffi::Py_TPFLAGS_UNICODE_SUBCLASS
            | ffi::Py_TPFLAGS_DICT_SUBCLASS;
        if flags & sized == 0
            && ffi::PyByteArray_Check(object) == 0
            && ffi::PyAnySet_Check(object) == 0
        {
            return 0;
        }
    }
    argument.len().unwrap_or(0)
}

/// Whether it makes a set or a dictionary of its arguments.
fn hashes_items(callable: &Bound<'_, PyAny>) -> bool {
    let Ok(class) = callable.cast::<PyType>() else { return false };
    // SAFETY: three types.
    unsafe {
        let class = class.as_type_ptr();
        [&raw mut ffi::PyDict_Type, &raw mut ffi::PySet_Type, &raw mut ffi::PyFrozenSet_Type]
            .into_iter()
            .any(|base| ffi::PyType_IsSubtype(class, base) != 0)
    }
}

#[cold]
fn heavy() -> Error {
    Error::new(
        ErrorKind::Limit,
        "keys made of tuples inside tuples that would take forever to hash, or copies of copies",
    )
}

#[cold]
fn deep() -> Error {
    Error::new(ErrorKind::Limit, format!("a key nested more than {MAX_DEPTH} levels deep"))
        .with_hint("no data needs such keys: hashing them would overflow the stack")
}

#[cold]
fn colliding() -> Error {
    Error::new(ErrorKind::Limit, format!("more than {MAX_COLLISIONS} keys with the same hash"))
        .with_hint("they were chosen to make the dictionary slow")
}
