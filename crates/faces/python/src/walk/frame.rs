//! Where the walker is inside each container it has entered.

use cannery_core::{Container, Result, Segment, Sink, TextBuf};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyTuple};

use super::lent::{Item, list_item, next_entry};
use super::{Dialect, Key, scalar, send_key};
use crate::errors::from_exception;
use crate::text;

/// A container that was entered and not left yet.
pub(crate) struct OpenContainer<'py> {
    /// What is gone through.
    source: Bound<'py, PyAny>,
    /// The object that it was made for, if that is another.
    made_for: Option<Bound<'py, PyAny>>,
    /// The value of an entry whose key is still being sent.
    waiting: Option<Item<'py>>,
    end: End,
    parts: Parts,
}

/// What is sent when it is left.
#[derive(Clone, Copy)]
pub(super) enum End {
    Container(Container),
    Object,
    Nothing,
}

/// What its source is, and where in it the walker is.
#[derive(Clone, Copy)]
enum Parts {
    List {
        index: usize,
    },
    Tuple {
        index: usize,
    },
    /// The interpreter's own cursor, and how many entries there were at the beginning.
    Dict {
        cursor: ffi::Py_ssize_t,
        len: usize,
    },
    Pairs {
        index: usize,
    },
    Iterator {
        index: u64,
    },
    Nothing,
}

/// What the walker is to do next.
pub(crate) enum Next<'py> {
    /// Send this value, which is no plain scalar.
    Value(Bound<'py, PyAny>),
    /// Leave the frame.
    End,
}

impl<'py> OpenContainer<'py> {
    #[inline(always)]
    fn new(source: Bound<'py, PyAny>, end: End, parts: Parts) -> Self {
        Self { source, made_for: None, waiting: None, end, parts }
    }

    fn made_for(self, object: Bound<'py, PyAny>) -> Self {
        Self { made_for: Some(object), ..self }
    }

    /// The items of a list.
    #[inline(always)]
    pub(crate) fn list(list: Bound<'py, PyList>) -> Self {
        Self::new(list.into_any(), End::Container(Container::List), Parts::List { index: 0 })
    }

    /// The items of a tuple.
    pub(crate) fn tuple(tuple: Bound<'py, PyTuple>, container: Container) -> Self {
        Self::new(tuple.into_any(), End::Container(container), Parts::Tuple { index: 0 })
    }

    /// The entries of a dictionary.
    #[inline(always)]
    pub(crate) fn dict(dict: Bound<'py, PyDict>) -> Self {
        let end = End::Container(Container::Map);
        let parts = Parts::Dict { cursor: 0, len: dict.len() };
        // Other threads may change it: walk a copy of our own, for the original.
        #[cfg(Py_GIL_DISABLED)]
        if let Ok(copy) = dict.copy() {
            let parts = Parts::Dict { cursor: 0, len: copy.len() };
            return Self::new(copy.into_any(), end, parts).made_for(dict.into_any());
        }
        Self::new(dict.into_any(), end, parts)
    }

    /// The entries of a mapping as a list of pairs.
    pub(crate) fn pairs(mapping: Bound<'py, PyAny>, pairs: Bound<'py, PyList>) -> Self {
        let end = End::Container(Container::Map);
        Self::new(pairs.into_any(), end, Parts::Pairs { index: 0 }).made_for(mapping)
    }

    /// The items of a set, or whatever an iterator gives.
    pub(crate) fn iterator(
        object: Bound<'py, PyAny>,
        iterator: Bound<'py, PyIterator>,
        container: Container,
    ) -> Self {
        let end = End::Container(container);
        Self::new(iterator.into_any(), end, Parts::Iterator { index: 0 }).made_for(object)
    }

    /// The parts of an object of a named type.
    pub(crate) fn object(object: Bound<'py, PyAny>, parts: Bound<'py, PyDict>) -> Self {
        Self { end: End::Object, ..Self::dict(parts).made_for(object) }
    }

    /// A level without events of its own.
    pub(crate) fn instead(object: Bound<'py, PyAny>) -> Self {
        Self::new(object, End::Nothing, Parts::Nothing)
    }

    /// Whether it is a level without events of its own: what is sent next stands for its object.
    pub(crate) fn is_instead(&self) -> bool {
        matches!(self.parts, Parts::Nothing)
    }

    /// The object it stands for: the same one must not be entered again inside.
    #[inline]
    pub(crate) fn identity(&self) -> &Bound<'py, PyAny> {
        self.made_for.as_ref().unwrap_or(&self.source)
    }

    /// What is sent when it is left.
    #[inline]
    pub(super) fn end(&self) -> End {
        self.end
    }

    /// How many references to each value the frame itself holds.
    #[inline]
    pub(crate) fn holds(&self) -> isize {
        isize::from(matches!(self.parts, Parts::Pairs { .. }))
    }

    /// Sends scalars up to the next value that needs the walker, or to the end.
    #[inline(always)]
    pub(crate) fn advance<S: Sink, D: Dialect<'py>>(
        &mut self,
        dialect: &mut D,
        sink: &mut S,
    ) -> Result<Next<'py>> {
        let (source, waiting) = (&self.source, &mut self.waiting);
        // SAFETY: each kind of parts is only made with a source of its type.
        unsafe {
            match &mut self.parts {
                Parts::Dict { cursor, len } => {
                    let entries = Entries { dict: source.cast_unchecked(), cursor, waiting };
                    entries.advance(*len, dialect, sink)
                }
                Parts::List { index } => advance_list(source.cast_unchecked(), index, sink),
                Parts::Tuple { index } => advance_tuple(source.cast_unchecked(), index, sink),
                Parts::Pairs { index } => {
                    advance_pairs(source.cast_unchecked(), index, waiting, dialect, sink)
                }
                Parts::Iterator { index } => advance_iterator(source.cast_unchecked(), index, sink),
                Parts::Nothing => Ok(Next::End),
            }
        }
    }

    /// The step from this container to the value in work.
    pub(crate) fn segment(&self) -> Option<Segment> {
        match self.parts {
            Parts::List { index } | Parts::Tuple { index } => {
                Some(Segment::Index(index.saturating_sub(1) as u64))
            }
            Parts::Iterator { index } => Some(Segment::Index(index.saturating_sub(1))),
            Parts::Dict { cursor, .. } => {
                let dict = self.source.cast::<PyDict>().ok()?;
                key_before(dict, cursor).as_ref().map(key_segment)
            }
            Parts::Pairs { index } => {
                let pair = self.source.get_item(index.checked_sub(1)?).ok()?;
                pair.get_item(0).ok().as_ref().map(key_segment)
            }
            Parts::Nothing => None,
        }
    }
}

impl End {
    /// Sends the closing event.
    #[inline]
    pub(super) fn send<S: Sink>(self, sink: &mut S) -> Result<()> {
        match self {
            End::Container(container) => sink.end(container),
            End::Object => sink.end_object(),
            End::Nothing => Ok(()),
        }
    }
}

/// The key of the entry that the cursor has just passed.
pub(super) fn key_before<'py>(
    dict: &Bound<'py, PyDict>,
    cursor: ffi::Py_ssize_t,
) -> Option<Bound<'py, PyAny>> {
    let mut passed = 0;
    while let Some((key, _)) = next_entry(dict, &mut passed) {
        if passed >= cursor {
            return Some(key);
        }
    }
    None
}

pub(super) fn key_segment(key: &Bound<'_, PyAny>) -> Segment {
    match key.cast::<pyo3::types::PyString>() {
        Ok(_) => Segment::Key(text::of_python(key).map_or_else(|_| "?".into(), TextBuf::from)),
        Err(_) => Segment::Entry(key.repr().map_or_else(|_| "?".into(), |text| text.to_string())),
    }
}

#[inline(always)]
fn advance_list<'py, S: Sink>(
    list: &Bound<'py, PyList>,
    index: &mut usize,
    sink: &mut S,
) -> Result<Next<'py>> {
    // Asked each time: a function called for an item may have changed the list.
    while let Some(item) = list_item(list, *index) {
        *index += 1;
        if let Some(value) = item.send(sink)? {
            return Ok(Next::Value(value));
        }
    }
    Ok(Next::End)
}

fn advance_tuple<'py, S: Sink>(
    tuple: &Bound<'py, PyTuple>,
    index: &mut usize,
    sink: &mut S,
) -> Result<Next<'py>> {
    while *index < tuple.len() {
        let item = tuple.get_item(*index).map_err(from_exception)?;
        *index += 1;
        if !scalar::send(&item, sink)? {
            return Ok(Next::Value(item));
        }
    }
    Ok(Next::End)
}

fn advance_iterator<'py, S: Sink>(
    iterator: &Bound<'py, PyIterator>,
    index: &mut u64,
    sink: &mut S,
) -> Result<Next<'py>> {
    for item in iterator.clone() {
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
    waiting: &mut Option<Item<'py>>,
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
                    Key::Sent => Item::Owned(value),
                    Key::Skip => continue,
                    Key::Value(key) => {
                        *waiting = Some(Item::Owned(value));
                        return Ok(Next::Value(key));
                    }
                }
            }
        };
        if let Some(value) = value.send(sink)? {
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
#[inline(always)]
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

/// The entries of a dictionary that are left.
struct Entries<'a, 'py> {
    dict: &'a Bound<'py, PyDict>,
    cursor: &'a mut ffi::Py_ssize_t,
    waiting: &'a mut Option<Item<'py>>,
}

impl<'py> Entries<'_, 'py> {
    #[inline(always)]
    fn advance<S: Sink, D: Dialect<'py>>(
        self,
        len: usize,
        dialect: &mut D,
        sink: &mut S,
    ) -> Result<Next<'py>> {
        // Functions called for values may have changed it since it was left.
        if self.dict.len() != len {
            return Err(from_exception(changed_size()));
        }
        if let Some(value) = self.waiting.take()
            && let Some(value) = value.send(sink)?
        {
            return Ok(Next::Value(value));
        }
        while let Some((key, value)) = next_entry(self.dict, self.cursor) {
            match start_entry(&key, dialect, sink)? {
                Key::Sent => {}
                Key::Skip => continue,
                Key::Value(as_value) => {
                    *self.waiting = Some(value);
                    return Ok(Next::Value(as_value));
                }
            }
            if let Some(value) = value.send(sink)? {
                return Ok(Next::Value(value));
            }
        }
        // The functions that the sink calls may have changed it, too.
        if self.dict.len() != len {
            return Err(from_exception(changed_size()));
        }
        Ok(Next::End)
    }
}

#[cold]
pub(super) fn changed_size() -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err("dictionary changed size during iteration")
}
