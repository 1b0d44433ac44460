//! Python's types as the standard library's `json` sees them.

use std::collections::HashSet;

use cannery_core::{Container, Error, ErrorKind, Result, Sink, Text};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyTuple};

use super::frame::OpenContainer;
use super::{Dialect, Frames, Key, WalkStep, is_exactly, rich, scalar};
use crate::errors::from_exception;
use crate::memory;

/// Open containers up to which looking through all of them beats hashing.
const FEW: usize = 32;

/// What the caller of `json.dumps` chose.
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct JsonOptions<'py> {
    /// Called for values of other types.
    pub(crate) default: Option<Bound<'py, PyAny>>,
    /// Leave out entries whose keys cannot be text.
    pub(crate) skip_keys: bool,
    /// Sort the entries of each mapping by key.
    pub(crate) sort_keys: bool,
    /// Write NaN and the infinities, which JSON has not.
    pub(crate) allow_nan: bool,
    /// Look for containers inside themselves.
    pub(crate) check_circular: bool,
    /// Write iterators as arrays.
    pub(crate) iterators: bool,
}

impl JsonOptions<'_> {
    /// JSON and nothing else.
    pub(crate) fn strict() -> Self {
        Self {
            default: None,
            skip_keys: false,
            sort_keys: false,
            allow_nan: false,
            check_circular: true,
            iterators: false,
        }
    }
}

/// The types that JSON has, and those that the standard library counts among them.
///
/// `TO_PYTHON` says that the sink calls Python code, the `write` of a file.
pub(crate) struct JsonDialect<'py, const TO_PYTHON: bool> {
    options: JsonOptions<'py>,
    entered: HashSet<usize>,
}

impl<'py, const TO_PYTHON: bool> JsonDialect<'py, TO_PYTHON> {
    /// The dialect with its options.
    pub(crate) fn new(options: JsonOptions<'py>) -> Self {
        Self { options, entered: HashSet::new() }
    }

    #[inline]
    fn check_cycle(
        &mut self,
        value: &Bound<'py, PyAny>,
        open: &[OpenContainer<'py>],
    ) -> Result<()> {
        if !self.options.check_circular {
            return Ok(());
        }
        let (few, many) = open.split_at(open.len().min(FEW));
        // Frames beyond the first few are in the set; bring it up to date.
        for frame in many.iter().skip(self.entered.len()) {
            self.entered.insert(address(frame.identity()));
        }
        let found = few.iter().any(|frame| frame.identity().is(value))
            || !self.entered.is_empty() && self.entered.contains(&address(value));
        if found { Err(circular()) } else { Ok(()) }
    }

    /// The entries of a subclass by its own `items`, and sorted ones.
    fn mapping<S: Sink>(
        &self,
        value: Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<OpenContainer<'py>> {
        if let Ok(dict) = value.cast_exact::<PyDict>() {
            let pairs = dict.items();
            return self.sorted_pairs(value, pairs, sink);
        }
        let items = value.call_method0("items").and_then(|items| {
            let list = value.py().get_type::<PyList>().call1((items,))?;
            list.cast_into::<PyList>().map_err(PyErr::from)
        });
        let pairs = items.map_err(from_exception)?;
        if self.options.sort_keys {
            return self.sorted_pairs(value, pairs, sink);
        }
        sink.begin(Container::Map, None)?;
        Ok(OpenContainer::pairs(value, pairs))
    }

    fn sorted_pairs<S: Sink>(
        &self,
        object: Bound<'py, PyAny>,
        pairs: Bound<'py, PyList>,
        sink: &mut S,
    ) -> Result<OpenContainer<'py>> {
        pairs.sort().map_err(from_exception)?;
        let len = (!self.options.skip_keys).then(|| pairs.len());
        sink.begin(Container::Map, len)?;
        Ok(OpenContainer::pairs(object, pairs))
    }

    /// Subclasses, iterators, and whatever else a function is given for.
    #[cold]
    fn other<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        if scalar::send_subclass(&value, sink)? {
            return Ok(WalkStep::Done);
        }
        self.check_cycle(&value, frames.open())?;
        let frame = if value.is_instance_of::<PyDict>() {
            self.mapping(value, sink)?
        } else if has_own_iter(&value) {
            own_items(value, sink)?
        } else if let Ok(list) = value.cast::<PyList>() {
            sink.begin(Container::List, Some(list.len()))?;
            OpenContainer::list(list.clone())
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            sink.begin(Container::List, Some(tuple.len()))?;
            OpenContainer::tuple(tuple.clone(), Container::List)
        } else if let Some(iterator) = self.iterator(&value) {
            sink.begin(Container::List, None)?;
            OpenContainer::iterator(value, iterator, Container::List)
        } else {
            return self.call_default(value, sink);
        };
        frames.enter(frame)?;
        Ok(WalkStep::Entered)
    }

    fn rich_key(&self, key: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyAny>>> {
        match &self.options.default {
            Some(default) if rich::is_name(default) => rich::key(key),
            _ => Ok(None),
        }
    }

    fn iterator(&self, value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyIterator>> {
        let iterator = value.cast::<PyIterator>().ok().filter(|_| self.options.iterators)?;
        // A file gives its lines: it was meant to be read.
        let is_file = value.hasattr(pyo3::intern!(value.py(), "read")).unwrap_or(false);
        (!is_file).then(|| iterator.clone())
    }

    fn call_default<S: Sink>(
        &self,
        value: Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        match &self.options.default {
            Some(default) if rich::is_name(default) => {
                rich::check_name(default)?;
                match rich::send(&value, TO_PYTHON, sink)? {
                    rich::Sent::Whole => Ok(WalkStep::Done),
                    rich::Sent::Instead(other) => Ok(WalkStep::Instead(value, other)),
                    rich::Sent::Unknown => Err(not_serializable(&value)),
                }
            }
            Some(default) => {
                let other = default.call1((&value,)).map_err(from_exception)?;
                Ok(WalkStep::Instead(value, other))
            }
            None => Err(not_serializable(&value)),
        }
    }
}

impl<'py, const TO_PYTHON: bool> Dialect<'py> for JsonDialect<'py, TO_PYTHON> {
    #[inline]
    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        let is_dict = is_exactly(&value, &raw mut ffi::PyDict_Type);
        let is_list = is_exactly(&value, &raw mut ffi::PyList_Type);
        if !is_list && (!is_dict || self.options.sort_keys) {
            return self.other(value, frames, sink);
        }
        self.check_cycle(&value, frames.open())?;
        if is_list {
            // SAFETY: the type was looked at above.
            let list = unsafe { value.cast_into_unchecked::<PyList>() };
            sink.begin(Container::List, Some(list.len()))?;
            frames.enter(OpenContainer::list(list))?;
        } else {
            // SAFETY: nothing else comes here.
            let dict = unsafe { value.cast_into_unchecked::<PyDict>() };
            sink.begin(Container::Map, (!self.options.skip_keys).then(|| dict.len()))?;
            frames.enter(OpenContainer::dict(dict))?;
        }
        Ok(WalkStep::Entered)
    }

    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, sink: &mut S) -> Result<Key<'py>> {
        // SAFETY: the object is live; the checks read the flags of its type.
        let (is_text, is_float, is_int) = unsafe {
            let pointer = key.as_ptr();
            (
                ffi::PyUnicode_Check(pointer) != 0,
                ffi::PyFloat_Check(pointer) != 0,
                ffi::PyLong_Check(pointer) != 0,
            )
        };
        if is_text {
            super::send_key(key, sink)?;
        } else if let Some(name) = constant_name(key) {
            sink.key(Text::Ascii(name))?;
        } else if is_float {
            let value = scalar::float_of(key);
            if !value.is_finite() && !self.options.allow_nan {
                return Err(out_of_range(value));
            }
            send_float_key(value, key.py(), sink)?;
        } else if is_int {
            let class = key.py().get_type::<pyo3::types::PyInt>();
            let text = class.call_method1("__repr__", (key,)).map_err(from_exception)?;
            super::send_key(&text, sink)?;
        } else if let Some(text) = self.rich_key(key)? {
            super::send_key(&text, sink)?;
        } else if self.options.skip_keys {
            return Ok(Key::Skip);
        } else {
            return Err(bad_key(key));
        }
        Ok(Key::Sent)
    }

    fn leave(&mut self, frame: &OpenContainer<'py>) {
        if !self.entered.is_empty() {
            self.entered.remove(&address(frame.identity()));
        }
    }
}

/// Whether it is a list or a tuple of a class that says itself what is in it.
fn has_own_iter(value: &Bound<'_, PyAny>) -> bool {
    let class = value.get_type_ptr();
    // SAFETY: the classes of live objects are live.
    let iter_of = |class: *mut ffi::PyTypeObject| unsafe { (*class).tp_iter.map(|f| f as usize) };
    let plain = if value.is_instance_of::<PyList>() {
        &raw mut ffi::PyList_Type
    } else if value.is_instance_of::<PyTuple>() {
        &raw mut ffi::PyTuple_Type
    } else {
        return false;
    };
    class != plain && iter_of(class) != iter_of(plain)
}

/// The items that a subclass of `list` or `tuple` gives, as the standard library's encoder asks for
/// them: not if it says that it is empty.
fn own_items<'py, S: Sink>(value: Bound<'py, PyAny>, sink: &mut S) -> Result<OpenContainer<'py>> {
    sink.begin(Container::List, None)?;
    if !value.is_truthy().map_err(from_exception)? {
        let empty = memory::new_list(value.py()).map_err(from_exception)?;
        return Ok(OpenContainer::list(empty));
    }
    let iterator = PyIterator::from_object(&value).map_err(from_exception)?;
    Ok(OpenContainer::iterator(value, iterator, Container::List))
}

fn address(value: &Bound<'_, PyAny>) -> usize {
    value.as_ptr() as usize
}

fn constant_name(key: &Bound<'_, PyAny>) -> Option<&'static str> {
    if key.is_none() {
        return Some("null");
    }
    let value = key.cast::<pyo3::types::PyBool>().ok()?;
    Some(if value.is_true() { "true" } else { "false" })
}

/// A float as a key, in the interpreter's own spelling.
fn send_float_key<S: Sink>(value: f64, py: Python<'_>, sink: &mut S) -> Result<()> {
    if value.is_finite() {
        let number = pyo3::types::PyFloat::new(py, value);
        let text = number.repr().map_err(from_exception)?;
        return super::send_key(&text, sink);
    }
    sink.key(Text::Ascii(match value {
        v if v.is_nan() => "NaN",
        v if v > 0.0 => "Infinity",
        _ => "-Infinity",
    }))
}

#[cold]
fn circular() -> Error {
    Error::new(ErrorKind::Cycle, "Circular reference detected")
        .with_hint("`cannery.dump` saves data that refers to itself")
}

/// The error for a float that JSON does not have.
#[cold]
pub(crate) fn out_of_range(value: f64) -> Error {
    let name = text_of_constant(value);
    let message = format!("Out of range float values are not JSON compliant: {name}");
    Error::new(ErrorKind::Value, message).with_hint(
        "pass `allow_nan=True`; to `json.encode` and JSONL `nan=\"null\"` or `\"write\"`",
    )
}

/// Python's name for a float that JSON does not have.
fn text_of_constant(value: f64) -> &'static str {
    match value {
        v if v.is_nan() => "nan",
        v if v > 0.0 => "inf",
        _ => "-inf",
    }
}

#[cold]
fn bad_key(key: &Bound<'_, PyAny>) -> Error {
    let class = class_name(key);
    let message = format!("keys must be str, int, float, bool or None, not {class}");
    Error::new(ErrorKind::Type, message)
        .with_hint("pass `skipkeys=True` to leave such entries out, or save with `cannery.dump`")
}

#[cold]
fn not_serializable(value: &Bound<'_, PyAny>) -> Error {
    let message = format!("Object of type {} is not JSON serializable", class_name(value));
    Error::new(ErrorKind::Type, message)
        .with_hint("pass `default=`, or save any object with `cannery.dump`")
}

fn class_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string())
}
