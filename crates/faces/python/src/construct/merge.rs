//! Merge keys: `<<: *base` puts the entries of finished mappings below a mapping's own.

use cannery_core::{Error, ErrorKind, Limits, Result};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::errors::from_exception;

/// What one merged entry is reckoned to take, in bytes.
const ENTRY: u64 = 64;

/// Stands among the keys of a mapping for `<<`.
#[pyclass(frozen)]
pub(crate) struct MergeKey;

/// Merges mappings, as many entries as the size of the document allows.
pub(super) struct Merger {
    allowed: u64,
}

impl Merger {
    /// For a document of that many bytes.
    pub(super) fn new(size: usize) -> Self {
        Self { allowed: Limits::default().bytes_for(size as u64) / ENTRY }
    }

    /// Takes the merge keys out of `entries`, and puts what they name into `target`: of equal keys
    /// the first. Mappings that are still `open` cannot be merged.
    pub(super) fn merge<'a, 'py: 'a>(
        &mut self,
        target: &Bound<'py, PyAny>,
        entries: &mut Vec<Bound<'py, PyAny>>,
        open: &(impl Iterator<Item = &'a Bound<'py, PyAny>> + Clone),
    ) -> Result<()> {
        let mut own = Vec::with_capacity(entries.len());
        let mut merged = Vec::new();
        let mut pairs = entries.drain(..);
        while let (Some(key), Some(value)) = (pairs.next(), pairs.next()) {
            if !key.is_exact_instance_of::<MergeKey>() {
                own.extend([key, value]);
                continue;
            }
            merged.push(value);
        }
        drop(pairs);
        // Of several merge keys the last has precedence, as with every key that occurs twice.
        for value in merged.into_iter().rev() {
            for source in sources(value)? {
                if source.is(target) || open.clone().any(|open| open.is(&source)) {
                    return Err(itself());
                }
                self.merge_one(target, &source)?;
            }
        }
        *entries = own;
        Ok(())
    }

    fn merge_one<'py>(
        &mut self,
        target: &Bound<'py, PyAny>,
        source: &Bound<'py, PyDict>,
    ) -> Result<()> {
        let left = self.allowed.checked_sub(source.len() as u64 + 1);
        self.allowed = left.ok_or_else(too_many)?;
        // SAFETY: both are dictionaries; entries that are there are kept.
        let status = unsafe { ffi::PyDict_Merge(target.as_ptr(), source.as_ptr(), 0) };
        if status < 0 { Err(from_exception(PyErr::fetch(target.py()))) } else { Ok(()) }
    }
}

/// The mappings that the value of a merge key names.
fn sources(value: Bound<'_, PyAny>) -> Result<Vec<Bound<'_, PyDict>>> {
    let value = match value.cast_into::<PyDict>() {
        Ok(dict) => return Ok(vec![dict]),
        Err(error) => error.into_inner(),
    };
    let Ok(list) = value.cast::<PyList>() else { return Err(misfit(&value)) };
    list.iter().map(|item| item.cast_into().map_err(|error| misfit(&error.into_inner()))).collect()
}

#[cold]
fn misfit(found: &Bound<'_, PyAny>) -> Error {
    let class = found.get_type();
    let class = class.name().map_or_else(|_| "?".to_owned(), |name| name.to_string());
    let message = format!("expected a mapping to merge, found a value of type `{class}`");
    Error::new(ErrorKind::Type, message)
        .with_hint("`<<` takes an alias to a mapping, or a list of them")
}

#[cold]
fn itself() -> Error {
    Error::new(ErrorKind::Cycle, "a mapping is merged into itself")
        .with_hint("remove the `<<` that refers to the mapping it stands in")
}

#[cold]
fn too_many() -> Error {
    Error::new(ErrorKind::Limit, "the merge keys expand to more entries than the limit allows")
        .with_hint("a document may merge a million entries, and 17 more for each of its bytes")
}
