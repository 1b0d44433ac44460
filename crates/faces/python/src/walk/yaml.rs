//! Python's types as PyYAML's safe dumper sees them.

use std::collections::HashMap;

use cannery_core::{Container, Error, ErrorKind, Note, Result, Sink, Style, Text};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyBytes, PyDate, PyDateTime, PyDict, PyFrozenSet, PyIterator, PyList, PySet, PyString, PyTuple,
};

use super::frame::OpenContainer;
use super::{Dialect, Frames, Key, WalkStep, is_exactly, scalar, text_of};
use crate::compat;
use crate::errors::from_exception;
use crate::memory;
use crate::yaml::Tagged;

/// What the caller of `yaml.dump` chose about values.
pub(crate) struct YamlOptions<'py> {
    /// Sort the entries of each mapping by key, where the keys can be compared.
    pub(crate) sort_keys: bool,
    /// Write collections of scalars in brackets.
    pub(crate) flow_leaves: bool,
    /// Functions that make plain values of others, by type.
    pub(crate) representers: Option<Bound<'py, PyDict>>,
}

/// The types that plain YAML has; what occurs more than once becomes an alias.
pub(crate) struct YamlDialect<'py> {
    options: YamlOptions<'py>,
    /// The numbers of the containers met so far that other code holds too, by address.
    marks: HashMap<usize, u64>,
    /// Values made on the way: their addresses must stay their own.
    made: Vec<Bound<'py, PyAny>>,
}

impl<'py> YamlDialect<'py> {
    /// The dialect with its options, for one document.
    pub(crate) fn new(options: YamlOptions<'py>) -> Self {
        Self { options, marks: HashMap::new(), made: Vec::new() }
    }

    /// Sends what comes before a container. It may be an alias: then nothing follows.
    #[inline]
    fn is_alias<S: Sink>(
        &mut self,
        value: &Bound<'py, PyAny>,
        frames: &Frames<'py>,
        sink: &mut S,
    ) -> Result<bool> {
        if self.options.flow_leaves && is_leaf(value) {
            sink.note(Note::Style(Style::Flow))?;
        }
        // The container around it and we hold it; if no other code does, it has only this place.
        let held = 2 + frames.open().last().map_or(0, OpenContainer::holds);
        // SAFETY: the object is live.
        if unsafe { ffi::Py_REFCNT(value.as_ptr()) } <= held {
            return Ok(false);
        }
        self.mark(value, sink)
    }

    fn mark<S: Sink>(&mut self, value: &Bound<'py, PyAny>, sink: &mut S) -> Result<bool> {
        let next = self.marks.len() as u64;
        self.marks.try_reserve(1).map_err(|_| Error::out_of_memory())?;
        let id = *self.marks.entry(value.as_ptr() as usize).or_insert(next);
        if id < next {
            sink.alias(id)?;
        } else {
            sink.mark(id)?;
        }
        Ok(id < next)
    }

    fn dict<S: Sink>(&self, dict: Bound<'py, PyDict>, sink: &mut S) -> Result<OpenContainer<'py>> {
        sink.begin(Container::Map, Some(dict.len()))?;
        if !self.options.sort_keys || is_sorted(&dict) {
            return Ok(OpenContainer::dict(dict));
        }
        let pairs = dict.items();
        match pairs.sort() {
            Ok(()) => Ok(OpenContainer::pairs(dict.into_any(), pairs)),
            // Keys that cannot be compared stay in their order, as PyYAML has it.
            Err(error) if error.is_instance_of::<PyTypeError>(dict.py()) => {
                Ok(OpenContainer::dict(dict))
            }
            Err(error) => Err(from_exception(error)),
        }
    }

    fn set<S: Sink>(&self, set: Bound<'py, PyAny>, sink: &mut S) -> Result<OpenContainer<'py>> {
        let len = set.len().map_err(from_exception)?;
        let mut items = set.clone();
        if self.options.sort_keys {
            let list = set.py().get_type::<PyList>().call1((&set,)).map_err(from_exception)?;
            match list.call_method0("sort") {
                Ok(_) => items = list,
                Err(error) if error.is_instance_of::<PyTypeError>(set.py()) => {}
                Err(error) => return Err(from_exception(error)),
            }
        }
        let iterator = PyIterator::from_object(&items).map_err(from_exception)?;
        sink.begin(Container::Set, Some(len))?;
        Ok(OpenContainer::iterator(set, iterator, Container::Set))
    }

    /// Everything but `dict` and `list`.
    fn other<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            sink.bytes(bytes.as_bytes())?;
            return Ok(WalkStep::Done);
        }
        if let Some(type_name) = moment_type(&value) {
            send_moment(&value, type_name, sink)?;
            return Ok(WalkStep::Done);
        }
        let is_tuple = is_exactly(&value, &raw mut ffi::PyTuple_Type);
        let is_set =
            value.is_exact_instance_of::<PySet>() || value.is_exact_instance_of::<PyFrozenSet>();
        let is_tagged = value.is_exact_instance_of::<Tagged>();
        if !is_tuple && !is_set && !is_tagged {
            return self.subclass(value, frames, sink);
        }
        // There is only one empty tuple, wherever it occurs.
        let is_empty = is_tuple && value.len().is_ok_and(|len| len == 0);
        if !is_empty && self.is_alias(&value, frames, sink)? {
            return Ok(WalkStep::Done);
        }
        let frame = if is_tuple {
            let tuple =
                value.cast_into::<PyTuple>().map_err(|error| from_exception(error.into()))?;
            sink.begin(Container::List, Some(tuple.len()))?;
            OpenContainer::tuple(tuple, Container::List)
        } else if is_set {
            self.set(value, sink)?
        } else {
            tagged(value, sink)?
        };
        frames.enter(frame)?;
        Ok(WalkStep::Entered)
    }

    /// What a function of the caller makes of the value; without one, a subclass is written as the
    /// type that it derives from, a member of an enumeration and a scalar of NumPy by its value.
    #[cold]
    fn subclass<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        if let Some(function) = self.representer(&value).map_err(from_exception)? {
            return self.instead(function.call1((&value,)), value);
        }
        if let Some(plain) = plain_scalar(&value).map_err(from_exception)? {
            return self.instead(Ok(plain), value);
        }
        if scalar::send_subclass(&value, sink)? {
            return Ok(WalkStep::Done);
        }
        let py = value.py();
        let is_container = value.is_instance_of::<PyDict>()
            || value.is_instance_of::<PyList>()
            || value.is_instance_of::<PyTuple>()
            || value.is_instance_of::<PySet>()
            || value.is_instance_of::<PyFrozenSet>();
        if !is_container {
            return Err(unknown(&value));
        }
        if self.is_alias(&value, frames, sink)? {
            return Ok(WalkStep::Done);
        }
        let frame = if value.is_instance_of::<PyDict>() {
            let items = value.call_method0(pyo3::intern!(py, "items"));
            let plain = items.and_then(|items| py.get_type::<PyDict>().call1((items,)));
            let plain = self.kept(plain)?.cast_into();
            self.dict(plain.map_err(|error| from_exception(error.into()))?, sink)?
        } else if value.is_instance_of::<PySet>() || value.is_instance_of::<PyFrozenSet>() {
            self.set(value, sink)?
        } else {
            let list = self.kept(py.get_type::<PyList>().call1((&value,)))?;
            sink.begin(Container::List, Some(list.len().map_err(from_exception)?))?;
            OpenContainer::list(list.cast_into().map_err(|e| from_exception(e.into()))?)
        };
        frames.enter(frame)?;
        Ok(WalkStep::Entered)
    }

    fn instead(
        &mut self,
        made: PyResult<Bound<'py, PyAny>>,
        value: Bound<'py, PyAny>,
    ) -> Result<WalkStep<'py>> {
        Ok(WalkStep::Instead(value, self.kept(made)?))
    }

    fn kept(&mut self, made: PyResult<Bound<'py, PyAny>>) -> Result<Bound<'py, PyAny>> {
        let made = made.map_err(from_exception)?;
        self.made.push(made.clone());
        Ok(made)
    }

    fn representer(&self, value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(representers) = &self.options.representers else { return Ok(None) };
        for class in value.get_type().mro() {
            if let Some(function) = representers.get_item(class)? {
                return Ok(Some(function));
            }
        }
        Ok(None)
    }
}

impl<'py> Dialect<'py> for YamlDialect<'py> {
    #[inline]
    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        let is_dict = is_exactly(&value, &raw mut ffi::PyDict_Type);
        if !is_dict && !is_exactly(&value, &raw mut ffi::PyList_Type) {
            return self.other(value, frames, sink);
        }
        if self.is_alias(&value, frames, sink)? {
            return Ok(WalkStep::Done);
        }
        // SAFETY: the type was looked at above.
        let frame = unsafe {
            if is_dict {
                self.dict(value.cast_into_unchecked(), sink)?
            } else {
                let list = value.cast_into_unchecked::<PyList>();
                sink.begin(Container::List, Some(list.len()))?;
                OpenContainer::list(list)
            }
        };
        frames.enter(frame)?;
        Ok(WalkStep::Entered)
    }

    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, _sink: &mut S) -> Result<Key<'py>> {
        Ok(Key::Value(key.clone()))
    }
}

/// Whether the keys of a dictionary are ASCII texts in order: then nothing needs to be sorted.
fn is_sorted(dict: &Bound<'_, PyDict>) -> bool {
    let mut last = "";
    dict.iter().all(|(key, _)| {
        if !is_exactly(&key, &raw mut ffi::PyUnicode_Type) {
            return false;
        }
        // SAFETY: a `str`, which the dictionary keeps alive.
        match unsafe { compat::compact_ascii(key.as_ptr()) } {
            Some(text) if text >= last => {
                last = text;
                true
            }
            _ => false,
        }
    })
}

/// Whether a container holds scalars only.
fn is_leaf(value: &Bound<'_, PyAny>) -> bool {
    if let Ok(dict) = value.cast::<PyDict>() {
        return dict.iter().all(|(key, value)| is_scalar(&key) && is_scalar(&value));
    }
    value.try_iter().is_ok_and(|mut items| items.all(|item| item.is_ok_and(|i| is_scalar(&i))))
}

fn is_scalar(value: &Bound<'_, PyAny>) -> bool {
    !(value.is_instance_of::<PyDict>()
        || value.is_instance_of::<PyList>()
        || value.is_instance_of::<PyTuple>()
        || value.is_instance_of::<PySet>()
        || value.is_instance_of::<PyFrozenSet>()
        || value.is_instance_of::<Tagged>())
}

/// The value of a member of an enumeration, and of a scalar of NumPy.
fn plain_scalar<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let enumeration = py.import("enum")?.getattr("Enum")?;
    if value.is_instance(&enumeration)? {
        return value.getattr("value").map(Some);
    }
    let modules = py.import("sys")?.getattr("modules")?;
    let Ok(numpy) = modules.get_item("numpy") else { return Ok(None) };
    if !value.is_instance(&numpy.getattr("generic")?)? {
        return Ok(None);
    }
    let plain = value.call_method0("item")?;
    // A long double and a record have none.
    Ok((!plain.is_instance(&numpy.getattr("generic")?)?).then_some(plain))
}

fn tagged<'py, S: Sink>(value: Bound<'py, PyAny>, sink: &mut S) -> Result<OpenContainer<'py>> {
    let (tag, content) = {
        let tagged = value.cast::<Tagged>().map_err(|error| from_exception(error.into()))?.borrow();
        (tagged.tag.bind(value.py()).clone(), tagged.value.bind(value.py()).clone())
    };
    sink.begin_object(text_of(&tag)?, Some(1))?;
    let parts = memory::new_dict(value.py()).map_err(from_exception)?;
    parts.set_item("value", content).map_err(from_exception)?;
    Ok(OpenContainer::object(value, parts))
}

fn moment_type(value: &Bound<'_, PyAny>) -> Option<&'static str> {
    if value.is_exact_instance_of::<PyDateTime>() {
        return Some("datetime.datetime");
    }
    value.is_exact_instance_of::<PyDate>().then_some("datetime.date")
}

fn send_moment<S: Sink>(
    value: &Bound<'_, PyAny>,
    type_name: &'static str,
    sink: &mut S,
) -> Result<()> {
    let text = value.call_method0("isoformat").map_err(from_exception)?;
    let text = text.cast::<PyString>().map_err(|error| from_exception(error.into()))?;
    let text = text.to_str().map_err(from_exception)?;
    let zone = text.get(19..).and_then(|rest| rest.find(['+', '-']).map(|at| &rest[at..]));
    if zone.is_some_and(|zone| zone.len() > "+00:00".len()) {
        let message = format!("YAML has no time zone with seconds: `{text}`");
        return Err(Error::new(ErrorKind::Unsupported, message)
            .with_hint("convert it first: `.astimezone(datetime.timezone.utc)`"));
    }
    sink.begin_object(Text::Ascii(type_name), Some(1))?;
    sink.key(Text::Ascii("value"))?;
    sink.text(Text::Utf8(text))?;
    sink.end_object()
}

#[cold]
fn unknown(value: &Bound<'_, PyAny>) -> Error {
    let class = value.get_type();
    let name = class.fully_qualified_name();
    let name = name.map_or_else(|_| "object".to_owned(), |name| name.to_string());
    let message = format!("YAML has no values of type `{name}`");
    Error::new(ErrorKind::Unsupported, message).with_hint(
        "convert it first, or pass `representers={its type: function}`; `cannery.dump` saves any \
         object",
    )
}
