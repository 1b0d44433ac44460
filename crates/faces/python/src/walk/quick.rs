//! Lists and dictionaries by recursion, as long as it is shallow: it costs less than frames.

use cannery_core::{Container, Result, Segment, Sink};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::frame::{changed_size, key_before, key_segment};
use super::lent::{Item, list_item, next_entry};
use super::{Dialect, Key, PyWalker, is_exactly, scalar, send_key};
use crate::errors::from_exception;
use crate::stack;

/// How deep it goes: what is nested more deeply gets frames, and no more of the stack.
const LEVELS: usize = 64;

/// How deep the thread's stack lets it go.
pub(super) fn levels() -> usize {
    /// More than a level takes.
    const FRAMES: usize = 1 << 10;
    LEVELS.min(stack::room() / FRAMES)
}

/// Containers are walked without locks: other threads must not be able to change them meanwhile.
pub(super) const IS_SAFE: bool = cfg!(not(Py_GIL_DISABLED));

impl<'py, S: Sink, D: Dialect<'py>> PyWalker<'_, 'py, S, D> {
    /// Sends a value inside that many containers.
    pub(super) fn send_quickly(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Result<()> {
        if scalar::send(value, self.sink)? {
            return Ok(());
        }
        self.send_container(value, level)
    }

    #[inline]
    fn send_container(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Result<()> {
        if level < self.levels {
            if is_exactly(value, &raw mut ffi::PyDict_Type) {
                // SAFETY: the type was looked at above.
                return self.send_dict(unsafe { value.cast_unchecked() }, level);
            }
            if is_exactly(value, &raw mut ffi::PyList_Type) {
                // SAFETY: the type was looked at above.
                return self.send_list(unsafe { value.cast_unchecked() }, level);
            }
        }
        self.send_with_frames(value, level)
    }

    /// Any other type, and what is nested too deeply for recursion.
    #[inline(never)]
    fn send_with_frames(&mut self, value: &Bound<'py, PyAny>, level: usize) -> Result<()> {
        self.frames.around = level;
        let sent = self.run_frames(value).map_err(|error| self.with_path(error));
        self.frames.open.clear();
        sent
    }

    fn send_list(&mut self, list: &Bound<'py, PyList>, level: usize) -> Result<()> {
        let mut index = 0;
        self.sink.begin(Container::List, Some(list.len()))?;
        match self.send_items(list, &mut index, level) {
            Ok(()) => self.sink.end(Container::List),
            Err(error) => Err(error.inside(Segment::Index(index as u64))),
        }
    }

    #[inline]
    fn send_items(
        &mut self,
        list: &Bound<'py, PyList>,
        index: &mut usize,
        level: usize,
    ) -> Result<()> {
        // Asked each time: a function called for an item may have changed the list.
        while let Some(item) = list_item(list, *index) {
            if let Some(item) = item.send(self.sink)? {
                self.send_container(&item, level + 1)?;
            }
            *index += 1;
        }
        Ok(())
    }

    fn send_dict(&mut self, dict: &Bound<'py, PyDict>, level: usize) -> Result<()> {
        let mut cursor = 0;
        self.sink.begin(Container::Map, Some(dict.len()))?;
        match self.send_entries(dict, &mut cursor, level) {
            Ok(()) => self.sink.end(Container::Map),
            Err(error) => Err(match key_before(dict, cursor) {
                Some(key) => error.inside(key_segment(&key)),
                None => error,
            }),
        }
    }

    #[inline]
    fn send_entries(
        &mut self,
        dict: &Bound<'py, PyDict>,
        cursor: &mut ffi::Py_ssize_t,
        level: usize,
    ) -> Result<()> {
        let len = dict.len();
        while let Some((key, value)) = next_entry(dict, cursor) {
            if is_exactly(&key, &raw mut ffi::PyUnicode_Type) {
                send_key(&key, self.sink)?;
                if let Some(value) = value.send(self.sink)? {
                    self.send_container(&value, level + 1)?;
                }
            } else {
                self.send_entry(&key, value, level)?;
            }
            // A function called for a key or a value may have changed it.
            if dict.len() != len {
                return Err(from_exception(changed_size()));
            }
        }
        Ok(())
    }

    /// An entry whose key is no `str`.
    fn send_entry(
        &mut self,
        key: &Bound<'py, PyAny>,
        value: Item<'py>,
        level: usize,
    ) -> Result<()> {
        match self.dialect.key(key, self.sink)? {
            Key::Sent => {}
            Key::Skip => return Ok(()),
            Key::Value(key) => {
                self.sink.entry()?;
                self.send_quickly(&key, level + 1)?;
            }
        }
        match value.send(self.sink)? {
            Some(value) => self.send_container(&value, level + 1),
            None => Ok(()),
        }
    }
}
