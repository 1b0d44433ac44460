//! Where the walker is inside each container it has entered.

use cannery_core::{Container, Result, Segment, Sink, TextBuf};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyTuple};

use super::{Dialect, Key, scalar, send_key};
use crate::errors::from_exception;
use crate::text;

/// A container that was entered and not left yet.
pub(crate) struct Frame<'py> {
    /// The object it stands for: the same one must not be entered again inside.
    pub(crate) object: Bound<'py, PyAny>,
    end: End,
    parts: Parts<'py>,
}

/// What is sent when it is left.
#[derive(Clone, Copy)]
enum End {
    Container(Container),
    Object,
    Nothing,
}

enum Parts<'py> {
    List { list: Bound<'py, PyList>, index: usize },
    Tuple { tuple: Bound<'py, PyTuple>, index: usize },
    Dict(Entries<'py>),
    Pairs { pairs: Bound<'py, PyList>, index: usize, waiting: Option<Bound<'py, PyAny>> },
    Iterator { iterator: Bound<'py, PyIterator>, index: u64 },
    Nothing,
}

/// The entries of a dictionary, by the interpreter's own cursor.
struct Entries<'py> {
    dict: Bound<'py, PyDict>,
    len: usize,
    cursor: ffi::Py_ssize_t,
    key: Option<Bound<'py, PyAny>>,
    waiting: Option<Bound<'py, PyAny>>,
}

/// What the walker is to do next.
pub(crate) enum Next<'py> {
    /// Send this value, which is no plain scalar.
    Value(Bound<'py, PyAny>),
    /// Leave the frame.
    End,
}

impl<'py> Frame<'py> {
    fn new(object: &Bound<'py, PyAny>, end: End, parts: Parts<'py>) -> Self {
        Self { object: object.clone(), end, parts }
    }

    /// The items of a list, or of one made for `object`.
    pub(crate) fn list(
        object: &Bound<'py, PyAny>,
        list: Bound<'py, PyList>,
        container: Container,
    ) -> Self {
        Self::new(object, End::Container(container), Parts::List { list, index: 0 })
    }

    /// The items of a tuple.
    pub(crate) fn tuple(tuple: &Bound<'py, PyTuple>, container: Container) -> Self {
        let parts = Parts::Tuple { tuple: tuple.clone(), index: 0 };
        Self::new(tuple, End::Container(container), parts)
    }

    /// The entries of a dictionary.
    pub(crate) fn dict(dict: &Bound<'py, PyDict>) -> Self {
        let entries = Parts::Dict(Entries::of(dict.clone()));
        Self::new(dict, End::Container(Container::Map), entries)
    }

    /// The entries of a mapping as a list of pairs.
    pub(crate) fn pairs(object: &Bound<'py, PyAny>, pairs: Bound<'py, PyList>) -> Self {
        let parts = Parts::Pairs { pairs, index: 0, waiting: None };
        Self::new(object, End::Container(Container::Map), parts)
    }

    /// The items of a set, or whatever an iterator gives.
    pub(crate) fn iterator(
        object: &Bound<'py, PyAny>,
        iterator: Bound<'py, PyIterator>,
        container: Container,
    ) -> Self {
        Self::new(object, End::Container(container), Parts::Iterator { iterator, index: 0 })
    }

    /// The parts of an object of a named type.
    pub(crate) fn object(object: &Bound<'py, PyAny>, parts: Bound<'py, PyDict>) -> Self {
        Self::new(object, End::Object, Parts::Dict(Entries::of(parts)))
    }

    /// A level without events of its own.
    pub(crate) fn instead(object: Bound<'py, PyAny>) -> Self {
        Self { object, end: End::Nothing, parts: Parts::Nothing }
    }

    /// Sends scalars up to the next value that needs the walker, or to the end.
    pub(crate) fn advance<S: Sink, D: Dialect<'py>>(
        &mut self,
        dialect: &mut D,
        sink: &mut S,
    ) -> Result<Next<'py>> {
        match &mut self.parts {
            Parts::List { list, index } => advance_list::<S, D>(list, index, sink),
            Parts::Tuple { tuple, index } => advance_tuple(tuple, index, sink),
            Parts::Dict(entries) => entries.advance(dialect, sink),
            Parts::Pairs { pairs, index, waiting } => {
                advance_pairs(pairs, index, waiting, dialect, sink)
            }
            Parts::Iterator { iterator, index } => advance_iterator(iterator, index, sink),
            Parts::Nothing => Ok(Next::End),
        }
    }

    /// Sends the closing event.
    pub(crate) fn send_end<S: Sink>(&self, sink: &mut S) -> Result<()> {
        match self.end {
            End::Container(container) => sink.end(container),
            End::Object => sink.end_object(),
            End::Nothing => Ok(()),
        }
    }

    /// The step from this container to the value in work.
    pub(crate) fn segment(&self) -> Option<Segment> {
        match &self.parts {
            Parts::List { index, .. } | Parts::Tuple { index, .. } => {
                Some(Segment::Index(index.saturating_sub(1) as u64))
            }
            Parts::Iterator { index, .. } => Some(Segment::Index(index.saturating_sub(1))),
            Parts::Dict(entries) => entries.key.as_ref().map(key_segment),
            Parts::Pairs { pairs, index, .. } => {
                let pair = pairs.get_item(index.checked_sub(1)?).ok()?;
                pair.get_item(0).ok().as_ref().map(key_segment)
            }
            Parts::Nothing => None,
        }
    }
}

fn key_segment(key: &Bound<'_, PyAny>) -> Segment {
    match key.cast::<pyo3::types::PyString>() {
        Ok(_) => Segment::Key(text::of_python(key).map_or_else(|_| "?".into(), TextBuf::from)),
        Err(_) => Segment::Entry(key.repr().map_or_else(|_| "?".into(), |text| text.to_string())),
    }
}

fn advance_list<'py, S: Sink, D: Dialect<'py>>(
    list: &Bound<'py, PyList>,
    index: &mut usize,
    sink: &mut S,
) -> Result<Next<'py>> {
    // Asked each time: a function called for an item may have changed the list.
    while let Some(item) = list_item(list, *index) {
        *index += 1;
        let _owned = D::OWNS.then(|| (*item).clone());
        if !scalar::send(&item, sink)? {
            return Ok(Next::Value((*item).clone()));
        }
    }
    Ok(Next::End)
}

#[cfg(not(Py_GIL_DISABLED))]
#[inline]
fn list_item<'a, 'py>(
    list: &'a Bound<'py, PyList>,
    index: usize,
) -> Option<Borrowed<'a, 'py, PyAny>> {
    if index >= list.len() {
        return None;
    }
    // SAFETY: the index is inside the list, which keeps the item alive while nobody else runs:
    // scalars are sent without calling Python code, everything else is owned first.
    unsafe {
        let item = ffi::PyList_GET_ITEM(list.as_ptr(), index.cast_signed());
        Some(Borrowed::from_ptr(list.py(), item))
    }
}

#[cfg(Py_GIL_DISABLED)]
fn list_item<'py>(list: &Bound<'py, PyList>, index: usize) -> Option<Bound<'py, PyAny>> {
    list.get_item(index).ok()
}

fn advance_tuple<'py, S: Sink>(
    tuple: &Bound<'py, PyTuple>,
    index: &mut usize,
    sink: &mut S,
) -> Result<Next<'py>> {
    while *index < tuple.len() {
        let item = tuple.get_borrowed_item(*index).map_err(from_exception)?;
        *index += 1;
        if !scalar::send(&item, sink)? {
            return Ok(Next::Value(item.to_owned()));
        }
    }
    Ok(Next::End)
}

fn advance_iterator<'py, S: Sink>(
    iterator: &mut Bound<'py, PyIterator>,
    index: &mut u64,
    sink: &mut S,
) -> Result<Next<'py>> {
    while let Some(item) = iterator.next() {
        let item = item.map_err(from_exception)?;
        *index += 1;
        if !scalar::send(&item, sink)? {
            return Ok(Next::Value(item));
        }
    }
    Ok(Next::End)
}

fn advance_pairs<'py, S: Sink, D: Dialect<'py>>(
    pairs: &Bound<'py, PyList>,
    index: &mut usize,
    waiting: &mut Option<Bound<'py, PyAny>>,
    dialect: &mut D,
    sink: &mut S,
) -> Result<Next<'py>> {
    loop {
        let value = match waiting.take() {
            Some(value) => value,
            None if *index >= pairs.len() => return Ok(Next::End),
            None => {
                let pair = pairs.get_item(*index).map_err(from_exception)?;
                *index += 1;
                let (key, value) = split(&pair).map_err(from_exception)?;
                match start_entry(&key, dialect, sink)? {
                    Key::Sent => value,
                    Key::Skip => continue,
                    Key::Value(key) => {
                        *waiting = Some(value);
                        return Ok(Next::Value(key));
                    }
                }
            }
        };
        if !scalar::send(&value, sink)? {
            return Ok(Next::Value(value));
        }
    }
}

type Pair<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn split<'py>(pair: &Bound<'py, PyAny>) -> PyResult<Pair<'py>> {
    let pair = pair.cast::<PyTuple>().ok().filter(|pair| pair.len() == 2);
    let pair =
        pair.ok_or_else(|| pyo3::exceptions::PyValueError::new_err("items must return 2-tuples"))?;
    Ok((pair.get_item(0)?, pair.get_item(1)?))
}

/// Sends a key, whatever its type; `Key::Value` if it is still to be sent as a value.
#[inline]
fn start_entry<'py, S: Sink, D: Dialect<'py>>(
    key: &Bound<'py, PyAny>,
    dialect: &mut D,
    sink: &mut S,
) -> Result<Key<'py>> {
    if super::is_exactly(key, &raw mut ffi::PyUnicode_Type) {
        send_key(key, sink)?;
        return Ok(Key::Sent);
    }
    match dialect.key(key, sink)? {
        Key::Value(key) => {
            sink.entry()?;
            let sent = scalar::send(&key, sink)?;
            Ok(if sent { Key::Sent } else { Key::Value(key) })
        }
        other => Ok(other),
    }
}

impl<'py> Entries<'py> {
    fn of(dict: Bound<'py, PyDict>) -> Self {
        // Other threads may change it: walk a copy of our own.
        #[cfg(Py_GIL_DISABLED)]
        let dict = dict.copy().unwrap_or(dict);
        let len = dict.len();
        Self { dict, len, cursor: 0, key: None, waiting: None }
    }

    fn advance<S: Sink, D: Dialect<'py>>(
        &mut self,
        dialect: &mut D,
        sink: &mut S,
    ) -> Result<Next<'py>> {
        // Functions called for values may have changed it since it was left.
        if self.dict.len() != self.len {
            return Err(from_exception(changed_size()));
        }
        if let Some(value) = self.waiting.take()
            && !scalar::send(&value, sink)?
        {
            return Ok(Next::Value(value));
        }
        while let Some((key, value)) = self.next() {
            let _owned = D::OWNS.then(|| ((*key).clone(), (*value).clone()));
            match start_entry(&key, dialect, sink) {
                Ok(Key::Sent) => {}
                Ok(Key::Skip) => continue,
                Ok(Key::Value(as_value)) => {
                    self.waiting = Some(value.to_owned());
                    self.key = Some(key.to_owned());
                    return Ok(Next::Value(as_value));
                }
                Err(error) => return Err(error),
            }
            match scalar::send(&value, sink) {
                Ok(true) => {}
                Ok(false) => {
                    let value = value.to_owned();
                    self.key = Some(key.to_owned());
                    return Ok(Next::Value(value));
                }
                Err(error) => {
                    self.key = Some(key.to_owned());
                    return Err(error);
                }
            }
        }
        self.key = None;
        Ok(Next::End)
    }

    #[inline]
    fn next<'a>(&mut self) -> Option<(Borrowed<'a, 'py, PyAny>, Borrowed<'a, 'py, PyAny>)> {
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the cursor belongs to this dictionary, which keeps both alive while nobody else
        // runs: keys and scalars of exact types are sent without calling Python code, and
        // `start_entry` and the caller own everything else first.
        unsafe {
            let found = ffi::PyDict_Next(
                self.dict.as_ptr(),
                &raw mut self.cursor,
                &raw mut key,
                &raw mut value,
            );
            (found != 0).then(|| {
                let py = self.dict.py();
                (Borrowed::from_ptr(py, key), Borrowed::from_ptr(py, value))
            })
        }
    }
}

#[cold]
fn changed_size() -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err("dictionary changed size during iteration")
}
