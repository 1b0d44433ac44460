//! YAML's choices: anchors, tags, merge keys, duplicate keys, and keys that Python cannot hash.

use cannery_core::{Container, Error, ErrorKind, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyString};

use super::collisions::Collisions;
use super::hooks::{Duplicates, Hooks};
use super::make;
use super::merge::{MergeKey, Merger};
use crate::errors::from_exception;
use crate::memory;
use crate::yaml::tags::{Making, Tags};

/// The message of an error that [`is_duplicate`] knows again.
const DUPLICATE: &str = "a key occurs twice";

/// The hooks of `yaml.load`; with `CALLS`, constructors run while a document is built.
pub(crate) struct YamlHooks<'py, const CALLS: bool> {
    duplicates: Duplicates,
    tags: Tags<'py>,
    /// Containers that are open.
    depth: usize,
    anchors: Anchors<'py>,
    /// Values with a tag that are open.
    tagged: Vec<(Option<u64>, Making<'py>)>,
    /// The depths of the open mappings with a merge key.
    merges: Vec<usize>,
    merger: Merger,
    collisions: Collisions,
    /// Items of keys that are sequences, up to now.
    key_items: usize,
}

/// The values that aliases stand for.
#[derive(Default)]
struct Anchors<'py> {
    /// The anchor of the next value.
    mark: Option<u64>,
    /// Every value with an anchor, by its number; `None` while it cannot be referred to yet.
    values: Vec<Option<Bound<'py, PyAny>>>,
    /// Containers with an anchor that are open, and their depths.
    open: Vec<(usize, Bound<'py, PyAny>)>,
}

impl<'py, const CALLS: bool> YamlHooks<'py, CALLS> {
    /// Hooks for one document, of which `size` bytes are there.
    pub(crate) fn new(duplicates: Duplicates, tags: Tags<'py>, size: usize) -> Self {
        Self {
            duplicates,
            tags,
            depth: 0,
            anchors: Anchors::default(),
            tagged: Vec::new(),
            merges: Vec::new(),
            merger: Merger::new(size),
            collisions: Collisions::default(),
            key_items: 0,
        }
    }

    #[inline]
    fn mapping(
        &mut self,
        py: Python<'py>,
        target: Option<Bound<'py, PyAny>>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        self.collisions.check(values[base..].iter().step_by(2))?;
        let is_merged = self.merges.pop_if(|depth| *depth == self.depth).is_some();
        if is_merged || target.is_some() || self.duplicates == Duplicates::First {
            return self.unusual_mapping(py, target, is_merged, values, base);
        }
        let entries = (values.len() - base) / 2;
        let dict = match make::dict(py, values, base) {
            Ok(dict) => dict,
            Err(exception) => {
                hashable_keys(py, exception, &mut values[base..], 2, &mut self.key_items)?;
                self.collisions.check(values[base..].iter().step_by(2))?;
                make::dict(py, values, base).map_err(from_exception)?
            }
        };
        if self.duplicates == Duplicates::Error && len(&dict) < entries {
            return Err(duplicate());
        }
        Ok(dict)
    }

    /// A mapping that was begun already, that merges others, or whose first values count.
    #[cold]
    fn unusual_mapping(
        &mut self,
        py: Python<'py>,
        target: Option<Bound<'py, PyAny>>,
        is_merged: bool,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let target = match target {
            Some(target) => target,
            None => memory::new_dict(py).map_err(from_exception)?.into_any(),
        };
        let mut entries = values.split_off(base);
        if is_merged {
            let open = self.anchors.open.iter().map(|(_, value)| value);
            self.merger.merge(&target, &mut entries, &open)?;
        }
        let count = entries.len() / 2;
        let first = self.duplicates == Duplicates::First;
        let make = |entries: &mut Vec<_>| {
            if first { first_wins(py, entries) } else { make::dict(py, entries, 0) }
        };
        let own = match make(&mut entries) {
            Ok(own) => own,
            Err(exception) => {
                hashable_keys(py, exception, &mut entries, 2, &mut self.key_items)?;
                self.collisions.check(entries.iter().step_by(2))?;
                make(&mut entries).map_err(from_exception)?
            }
        };
        if self.duplicates == Duplicates::Error && len(&own) < count {
            return Err(duplicate());
        }
        let own = own.cast_into::<PyDict>().map_err(|error| from_exception(error.into()))?;
        let dict = target.cast::<PyDict>().map_err(|error| from_exception(error.into()))?;
        dict.update(own.as_mapping()).map_err(from_exception)?;
        Ok(target)
    }

    fn set(
        &mut self,
        py: Python<'py>,
        target: Option<Bound<'py, PyAny>>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let count = values.len() - base;
        self.collisions.check(values[base..].iter())?;
        let items = match PySet::new(py, &values[base..]) {
            Ok(items) => items,
            Err(exception) => {
                hashable_keys(py, exception, &mut values[base..], 1, &mut self.key_items)?;
                self.collisions.check(values[base..].iter())?;
                PySet::new(py, &values[base..]).map_err(from_exception)?
            }
        };
        values.truncate(base);
        if self.duplicates == Duplicates::Error && items.len() < count {
            return Err(duplicate());
        }
        match target {
            None => Ok(items.into_any()),
            Some(target) => {
                target.call_method1("update", (items,)).map_err(from_exception)?;
                Ok(target)
            }
        }
    }
}

impl<'py, const CALLS: bool> Hooks<'py> for YamlHooks<'py, CALLS> {
    const CALLS_PYTHON: bool = CALLS;

    #[inline]
    fn placed(&mut self, value: &Bound<'py, PyAny>) {
        if let Some(id) = self.anchors.mark.take() {
            self.anchors.set(id, Some(value.clone()));
        }
    }

    #[inline]
    fn begin(&mut self, py: Python<'py>, container: Container) -> PyResult<()> {
        self.depth += 1;
        match self.anchors.mark.take() {
            None => Ok(()),
            Some(id) => self.anchors.begin(py, container, id, self.depth),
        }
    }

    #[inline]
    fn end(
        &mut self,
        py: Python<'py>,
        container: Container,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let target = self.anchors.open.pop_if(|(depth, _)| *depth == self.depth);
        let target = target.map(|(_, target)| target);
        let made = match (container, target) {
            (Container::Map, target) => self.mapping(py, target, values, base),
            (Container::Set, target) => self.set(py, target, values, base),
            (_, Some(target)) => fill_list(target, values, base),
            (_, None) => make::list(py, values, base).map_err(from_exception),
        };
        self.depth -= 1;
        made
    }

    fn begin_object(&mut self, type_name: Bound<'py, PyAny>) -> Result<()> {
        let mark = self.anchors.mark.take();
        let name = type_name.cast_into::<PyString>().map_err(|e| from_exception(e.into()))?;
        let making = self.tags.begin(name).map_err(from_exception)?;
        if let Some(id) = mark {
            self.anchors.set(id, making.early());
        }
        self.tagged.push((mark, making));
        Ok(())
    }

    fn end_object(
        &mut self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let (mark, making) = self.tagged.pop().expect("readers close what they opened");
        let value = if values.len() > base { values.pop() } else { None };
        values.truncate(base);
        let Some(value) = value else {
            // The only object without parts is the key `<<`.
            self.merges.push(self.depth);
            return Bound::new(py, MergeKey).map(Bound::into_any).map_err(from_exception);
        };
        let made = making.finish(value)?;
        if let Some(id) = mark {
            self.anchors.set(id, Some(made.clone()));
        }
        Ok(made)
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.anchors.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, _py: Python<'py>, id: u64) -> Result<Bound<'py, PyAny>> {
        let value = usize::try_from(id).ok().and_then(|index| self.anchors.values.get(index));
        value.cloned().flatten().ok_or_else(|| {
            Error::new(ErrorKind::Cycle, "a value that a constructor makes is part of itself")
                .with_hint("leave the tag to `Tagged`, which can hold itself")
        })
    }
}

impl<'py> Anchors<'py> {
    fn set(&mut self, id: u64, value: Option<Bound<'py, PyAny>>) {
        // Numbers are given one after the other, from 0.
        let index = usize::try_from(id).unwrap_or(usize::MAX);
        if index >= self.values.len() {
            self.values.resize(index + 1, None);
        }
        self.values[index] = value;
    }

    fn begin(
        &mut self,
        py: Python<'py>,
        container: Container,
        id: u64,
        depth: usize,
    ) -> PyResult<()> {
        let object = match container {
            Container::Map => memory::new_dict(py)?.into_any(),
            Container::Set => PySet::empty(py)?.into_any(),
            _ => memory::new_list(py)?.into_any(),
        };
        self.open.push((depth, object.clone()));
        self.set(id, Some(object));
        Ok(())
    }
}

/// Whether a document was refused for a key that occurs twice; where, is not known.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    error.kind() == ErrorKind::Value && error.message() == DUPLICATE
}

#[cold]
fn duplicate() -> Error {
    Error::new(ErrorKind::Value, DUPLICATE)
}

fn len(dict: &Bound<'_, PyAny>) -> usize {
    // SAFETY: the caller made it as a dictionary.
    unsafe { ffi::PyDict_Size(dict.as_ptr()) }.cast_unsigned()
}

fn first_wins<'py>(
    py: Python<'py>,
    entries: &mut Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let dict = memory::new_dict(py)?;
    let (pairs, _) = entries.as_chunks::<2>();
    for [key, value] in pairs {
        if !dict.contains(key)? {
            dict.set_item(key, value)?;
        }
    }
    Ok(dict.into_any())
}

fn fill_list<'py>(
    target: Bound<'py, PyAny>,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> Result<Bound<'py, PyAny>> {
    let list = target.cast::<PyList>().map_err(|error| from_exception(error.into()))?;
    for value in values.drain(base..) {
        list.append(value).map_err(from_exception)?;
    }
    Ok(target)
}

/// Turns the sequences among keys into tuples, after `exception` said that a key has no hash; keys
/// are at every `step`-th place.
#[cold]
fn hashable_keys<'py>(
    py: Python<'py>,
    exception: PyErr,
    values: &mut [Bound<'py, PyAny>],
    step: usize,
    count: &mut usize,
) -> Result<()> {
    if !exception.is_instance_of::<PyTypeError>(py) {
        return Err(from_exception(exception));
    }
    for key in values.iter_mut().step_by(step) {
        *key = hashable_within(key, 0, count)?;
    }
    Ok(())
}

/// How many items the keys of a document may have that are sequences.
const LARGEST_KEYS: usize = 1 << 20;

/// The key itself, or a tuple for a list.
#[cold]
pub(crate) fn hashable<'py>(key: &Bound<'py, PyAny>) -> Result<Bound<'py, PyAny>> {
    hashable_within(key, 0, &mut 0)
}

/// As [`hashable`], at a level of sequences in sequences; counts the items of all.
fn hashable_within<'py>(
    key: &Bound<'py, PyAny>,
    level: usize,
    count: &mut usize,
) -> Result<Bound<'py, PyAny>> {
    if let Ok(list) = key.cast_exact::<PyList>() {
        if level > cannery_core::Limits::default().depth {
            return Err(no_key("a sequence that is part of itself"));
        }
        // Aliases make a sequence of few bytes as large as one likes.
        *count += list.len();
        if *count > LARGEST_KEYS {
            return Err(no_key("a sequence of that many items"));
        }
        let items = list.iter().map(|item| hashable_within(&item, level + 1, count));
        let items = items.collect::<Result<Vec<_>>>()?;
        let tuple = memory::new_tuple(key.py(), &items).map_err(from_exception)?;
        return Ok(tuple.into_any());
    }
    if key.hash().is_ok() {
        return Ok(key.clone());
    }
    Err(no_key(match key {
        key if key.is_exact_instance_of::<PyDict>() => "a mapping",
        key if key.is_exact_instance_of::<PySet>() => "a set",
        _ => "this value",
    }))
}

#[cold]
fn no_key(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} cannot be the key of a `dict`")).with_hint(
        "a template such as `{{ x }}` stands in quotes; for a key that is a collection, give it a \
         tag, such as `!key`, and pass `constructors={\"!key\": function}` to make something of it \
         that has a hash",
    )
}
