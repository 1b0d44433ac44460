//! From events to Python objects, in one pass: no tree in between.

mod ahead;
mod cache;
mod collisions;
mod delayed;
mod gaps;
mod graph;
mod hooks;
pub(crate) mod make;
mod merge;
mod moments;
mod msgpack;
mod reviver;
mod shape;
mod weight;
mod worth;
mod yaml;

use std::collections::HashMap;

use cannery_core::{ArraySource, BigInt, Container, Result, Sink, Text, Wants};
use pyo3::prelude::*;
use pyo3::types::PyList;

pub(crate) use ahead::KeyBlock;
pub(crate) use cache::Caches;
pub(crate) use collisions::{COMPARED_BY_CLASS, Collisions};
pub(crate) use gaps::Placeholder;
pub(crate) use graph::GraphHooks;
pub(crate) use hooks::{Duplicates, Hooks, JsonHooks, Plain, Watched, is_integer};
pub(crate) use merge::MergeKey;
pub(crate) use msgpack::{
    MsgpackHooks, TimestampAs, UnpackOptions, epoch, ext_type, own_error, timestamp, utc_datetime,
};
pub(crate) use reviver::Reviver;
pub(crate) use weight::{ARRAY_DEPTH, MAX_DEPTH, free_of, is_array, too_deep};
pub(crate) use yaml::{YamlHooks, hashable, is_duplicate};

use crate::array::{MadeDtypes, Mapping};
use crate::compat::CollectorPause;
use crate::errors::from_exception;
use crate::text;

/// Builds one Python object from the events of a document.
///
/// Finished values wait on a stack until the container around them ends; it then takes exactly
/// what lies above its base, so that lists and dictionaries are made in their final size.
pub(crate) struct PyBuilder<'py, H: Hooks<'py>> {
    py: Python<'py>,
    values: Vec<Bound<'py, PyAny>>,
    bases: Vec<usize>,
    /// Taken at the end, to be given back.
    caches: Option<Box<Caches>>,
    wide_keys: Option<HashMap<Vec<u8>, Bound<'py, PyAny>>>,
    hooks: H,
    mapping: Option<Mapping>,
    dtypes: MadeDtypes<'py>,
    // Dropped last, when nothing is left to build.
    _pause: CollectorPause,
}

impl<'py, H: Hooks<'py>> PyBuilder<'py, H> {
    /// A builder for any number of documents, one after the other.
    pub(crate) fn new(py: Python<'py>, hooks: H) -> Self {
        let pause = if H::PAUSES { CollectorPause::new(py) } else { CollectorPause::none() };
        Self::with_pause(py, hooks, pause)
    }

    /// A builder for one small document, which the collector may run in: what little it would walk
    /// in vain costs less than the pause.
    #[inline]
    pub(crate) fn small(py: Python<'py>, hooks: H) -> Self {
        Self::with_pause(py, hooks, CollectorPause::none())
    }

    #[inline]
    fn with_pause(py: Python<'py>, hooks: H, pause: CollectorPause) -> Self {
        crate::memory::put_by();
        let mut caches = Caches::take(py);
        let (values, bases) = caches.room();
        Self {
            py,
            values,
            bases,
            caches: Some(caches),
            wide_keys: None,
            hooks,
            mapping: None,
            dtypes: MadeDtypes::default(),
            _pause: pause,
        }
    }

    /// Takes arrays that lie in the file from its mapping, where that is better than a copy.
    pub(crate) fn over(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// The value that was built, if a whole one was.
    pub(crate) fn take(&mut self) -> Option<Bound<'py, PyAny>> {
        self.values.pop()
    }

    /// The interpreter that it builds for.
    pub(crate) fn py(&self) -> Python<'py> {
        self.py
    }

    /// The value or key that was built last.
    pub(crate) fn last(&self) -> Option<&Bound<'py, PyAny>> {
        self.values.last()
    }

    /// The first values that were built, in order; what is left is dropped.
    pub(crate) fn take_first(mut self, count: usize) -> impl Iterator<Item = Bound<'py, PyAny>> {
        std::mem::take(&mut self.values).into_iter().take(count)
    }

    /// All values that were built, in order.
    pub(crate) fn take_all(&mut self) -> PyResult<Bound<'py, PyList>> {
        make::list(self.py, &mut self.values, 0)?.cast_into().map_err(PyErr::from)
    }

    #[inline(always)]
    fn place(&mut self, value: Bound<'py, PyAny>) -> Result<()> {
        self.hooks.placed(&value);
        self.push(value)
    }

    /// Puts a value on the stack, whose height comes from the document.
    #[inline(always)]
    fn push(&mut self, value: Bound<'py, PyAny>) -> Result<()> {
        cannery_core::reserve(&mut self.values, 1)?;
        self.values.push(value);
        Ok(())
    }

    #[inline(always)]
    fn place_made(&mut self, made: PyResult<Bound<'py, PyAny>>) -> Result<()> {
        match made {
            Ok(value) => self.place(value),
            Err(exception) => Err(from_exception(exception)),
        }
    }

    fn open(&mut self) -> Result<()> {
        cannery_core::reserve(&mut self.bases, 1)?;
        self.bases.push(self.values.len());
        Ok(())
    }

    fn close(&mut self) -> usize {
        self.bases.pop().expect("readers close what they opened")
    }

    /// A key beyond ASCII: made once for each document.
    #[cold]
    fn wide_key(&mut self, key: Text<'_>) -> PyResult<Bound<'py, PyAny>> {
        let bytes = key.to_utf8();
        let keys = self.wide_keys.get_or_insert_default();
        keys.try_reserve(1).map_err(|_| crate::memory::error())?;
        if let Some(known) = keys.get(&*bytes) {
            return Ok(known.clone());
        }
        let made = text::from_utf8(self.py, &bytes)?;
        made.hash()?;
        keys.insert(bytes.into_owned(), made.clone());
        Ok(made)
    }

    #[inline(always)]
    fn key_object(&mut self, key: Text<'_>) -> PyResult<Bound<'py, PyAny>> {
        let ascii = match key {
            Text::Ascii(text) => text,
            Text::Utf8(text) if text.is_ascii() => text,
            other => return self.wide_key(other),
        };
        match &mut self.caches {
            Some(caches) => caches.key(self.py, ascii.as_bytes()),
            None => text::from_ascii(self.py, ascii.as_bytes()),
        }
    }
}

impl<'py, H: Hooks<'py>> Drop for PyBuilder<'py, H> {
    fn drop(&mut self) {
        if let Some(mut caches) = self.caches.take() {
            caches.keep_room(std::mem::take(&mut self.values), std::mem::take(&mut self.bases));
            caches.give_back(self.py);
        }
    }
}

impl<'py, H: Hooks<'py>> Sink for PyBuilder<'py, H> {
    #[inline(always)]
    fn null(&mut self) -> Result<()> {
        self.place(self.py.None().into_bound(self.py))
    }

    #[inline(always)]
    fn bool(&mut self, value: bool) -> Result<()> {
        self.place(pyo3::types::PyBool::new(self.py, value).to_owned().into_any())
    }

    #[inline(always)]
    fn null_or_bool(&mut self, value: Option<bool>) -> Result<()> {
        match &self.caches {
            Some(caches) => self.place(caches.null_or_bool(self.py, value)),
            None => match value {
                None => self.null(),
                Some(value) => self.bool(value),
            },
        }
    }

    #[inline(always)]
    fn int(&mut self, value: i64) -> Result<()> {
        if let (Ok(small), Some(caches)) = (u8::try_from(value), &self.caches) {
            return self.place(caches.small_int(self.py, small));
        }
        self.place_made(make::int(self.py, value))
    }

    #[cold]
    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        let made = self.hooks.big_int(self.py, value);
        self.place_made(made)
    }

    #[inline(always)]
    fn float(&mut self, value: f64) -> Result<()> {
        let made = self.hooks.float(self.py, value);
        self.place_made(made)
    }

    fn number(&mut self, text: &str) -> Result<()> {
        let made = self.hooks.number(self.py, text);
        self.place_made(made)
    }

    #[inline(always)]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if let (Text::Ascii(text), Some(caches)) = (value, &mut self.caches) {
            let made = caches.value(self.py, text.as_bytes());
            return self.place_made(made);
        }
        self.place_made(text::to_python(self.py, value))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        let made = crate::memory::new_bytes(self.py, value).map(Bound::into_any);
        self.place_made(made)
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        let array =
            match crate::array::to_numpy(self.py, value, self.mapping.as_mut(), &mut self.dtypes) {
                Err(_) if crate::array::is_numpy_missing(self.py) => {
                    self.hooks.array_without_numpy(self.py, value)?
                }
                made => made?,
            };
        self.place(array)
    }

    #[inline]
    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        self.open()?;
        self.hooks.begin(self.py, container).map_err(from_exception)
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        let base = self.close();
        if self.hooks.ends_plainly(container, &self.values[base..]) {
            let made = match &mut self.caches {
                Some(caches) if container == Container::Map => {
                    caches.shapes.dict(self.py, &mut self.values, base)
                }
                _ => hooks::container_object(self.py, container, &mut self.values, base),
            };
            return self.place_made(made);
        }
        let made = self.hooks.end(self.py, container, &mut self.values, base)?;
        self.place(made)
    }

    #[inline(always)]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let key = self.key_object(key).map_err(from_exception)?;
        self.push(key)
    }

    #[inline(always)]
    fn predict_key(&mut self, ahead: &[u8], _first: bool) -> Option<usize> {
        self.caches.as_mut()?.predict_key(ahead)
    }

    #[inline(always)]
    fn predicted_key(&mut self) -> Result<()> {
        if let Some(key) = self.caches.as_mut().and_then(|caches| caches.predicted_key(self.py)) {
            self.push(key)?;
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        let name = self.key_object(type_name).map_err(from_exception)?;
        self.open()?;
        self.hooks.begin_object(name)
    }

    fn end_object(&mut self) -> Result<()> {
        let base = self.close();
        let made = self.hooks.end_object(self.py, &mut self.values, base)?;
        self.place(made)
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.hooks.mark(id)
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        let value = self.hooks.alias(self.py, id)?;
        self.push(value)
    }

    fn wants(&self) -> Wants {
        Wants::default().number_text(self.hooks.wants_number_text()).units(true)
    }
}
