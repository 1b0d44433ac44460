//! Tuples, lists, dictionaries and sets.

use cannery_pickle::Opcode;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyList, PySet, PyTuple};

use super::{BATCH, Object, Pickler, Raised, Saved, code};

impl<'py> Pickler<'_, 'py> {
    pub(super) fn save_tuple(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: an exact tuple that the caller keeps alive, here and below.
        let len = unsafe { ffi::PyTuple_GET_SIZE(object) }.cast_unsigned();
        if len == 0 {
            return if self.binary() { self.op(code!(EmptyTuple)) } else { self.out.push(b"(t") };
        }
        let counted = match (len, self.protocol >= 2) {
            (1, true) => Some(Opcode::Tuple1),
            (2, true) => Some(Opcode::Tuple2),
            (3, true) => Some(Opcode::Tuple3),
            _ => None,
        };
        if counted.is_none() {
            self.op(code!(Mark))?;
        }
        for at in 0..len {
            // SAFETY: tuples do not change.
            self.save(unsafe { ffi::PyTuple_GET_ITEM(object, at.cast_signed()) })?;
        }
        // A tuple that contains itself was written while its items were.
        if let Some(index) = self.memo.get(object) {
            match counted {
                Some(_) => (0..len).try_for_each(|_| self.op(code!(Pop)))?,
                None if self.binary() => self.op(code!(PopMark))?,
                None => (0..=len).try_for_each(|_| self.op(code!(Pop)))?,
            }
            return self.get(index);
        }
        self.op([counted.unwrap_or(Opcode::Tuple) as u8])?;
        self.put(object)
    }

    pub(super) fn save_list(&mut self, object: *mut ffi::PyObject) -> Saved {
        if self.binary() { self.op(code!(EmptyList)) } else { self.out.push(b"(l") }?;
        self.put(object)?;
        // SAFETY: an exact list that the caller keeps alive, here and below.
        let len = || unsafe { ffi::PyList_GET_SIZE(object) }.cast_unsigned();
        // SAFETY: the index is below the length; the reference keeps the item alive.
        let item = |at: usize| unsafe {
            Object::from_borrowed_ptr(self.py, ffi::PyList_GET_ITEM(object, at.cast_signed()))
        };
        match len() {
            0 => return Ok(()),
            1 if self.binary() => {
                let first = item(0);
                self.save(first.as_ptr())?;
                return self.op(code!(Append));
            }
            _ => {}
        }
        let mut at = 0;
        while at < len() {
            if self.binary() {
                self.op(code!(Mark))?;
            }
            let end = at + BATCH;
            while at < end && at < len() {
                // SAFETY: as above.
                let item = unsafe {
                    Object::from_borrowed_ptr(
                        self.py,
                        ffi::PyList_GET_ITEM(object, at.cast_signed()),
                    )
                };
                self.save(item.as_ptr())?;
                at += 1;
                if !self.binary() {
                    self.op(code!(Append))?;
                }
            }
            if self.binary() {
                self.op(code!(Appends))?;
            }
        }
        Ok(())
    }

    pub(super) fn save_dict(&mut self, object: *mut ffi::PyObject) -> Saved {
        if self.binary() { self.op(code!(EmptyDict)) } else { self.out.push(b"(d") }?;
        self.put(object)?;
        // SAFETY: an exact dictionary that the caller keeps alive.
        let size = unsafe { ffi::PyDict_Size(object) };
        if size == 0 {
            return Ok(());
        }
        if !self.binary() {
            // SAFETY: as above.
            let dict = unsafe { Object::from_borrowed_ptr(self.py, object) };
            let items = dict.call_method0(intern!(self.py, "items"))?.try_iter()?;
            return self.save_pairs(items.as_any());
        }
        let mut position = 0;
        loop {
            if size > 1 {
                self.op(code!(Mark))?;
            }
            let count = self.save_entries(object, &mut position)?;
            self.op(if size > 1 { code!(SetItems) } else { code!(SetItem) })?;
            // SAFETY: as above.
            if unsafe { ffi::PyDict_Size(object) } != size {
                let message = "dictionary changed size during iteration";
                return Err(PyRuntimeError::new_err(message).into());
            }
            if count < BATCH {
                return Ok(());
            }
        }
    }

    /// Writes up to so many entries as one opcode takes, and tells how many.
    fn save_entries(
        &mut self,
        object: *mut ffi::PyObject,
        position: &mut isize,
    ) -> Result<usize, Raised> {
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        let mut count = 0;
        // SAFETY: a dictionary; key and value are kept alive while they are written, which may
        // run code that takes them out.
        while unsafe { ffi::PyDict_Next(object, position, &raw mut key, &raw mut value) != 0 } {
            // SAFETY: as above.
            let (key, value) = unsafe {
                (Object::from_borrowed_ptr(self.py, key), Object::from_borrowed_ptr(self.py, value))
            };
            self.save(key.as_ptr())?;
            self.save(value.as_ptr())?;
            count += 1;
            if count == BATCH {
                break;
            }
        }
        Ok(count)
    }

    pub(super) fn save_set(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: an exact set that the caller keeps alive.
        let set = unsafe { Object::from_borrowed_ptr(self.py, object) };
        if self.protocol < 4 {
            return self.save_set_as_call(&set, &self.py.get_type::<PySet>().into_any());
        }
        self.op(code!(EmptySet))?;
        self.put(object)?;
        let size = set.len()?;
        if size == 0 {
            return Ok(());
        }
        let mut items = self.items_of(&set)?.try_iter()?;
        loop {
            let mut count = 0;
            self.op(code!(Mark))?;
            while count < BATCH {
                let Some(item) = items.next() else { break };
                self.save(item?.as_ptr())?;
                count += 1;
            }
            self.op(code!(AddItems))?;
            if set.len()? != size {
                let message = "set changed size during iteration";
                return Err(PyRuntimeError::new_err(message).into());
            }
            if count < BATCH {
                return Ok(());
            }
        }
    }

    pub(super) fn save_frozenset(&mut self, object: *mut ffi::PyObject) -> Saved {
        // SAFETY: an exact frozenset that the caller keeps alive.
        let set = unsafe { Object::from_borrowed_ptr(self.py, object) };
        if self.protocol < 4 {
            return self.save_set_as_call(&set, &self.py.get_type::<PyFrozenSet>().into_any());
        }
        self.op(code!(Mark))?;
        for item in self.items_of(&set)?.try_iter()? {
            self.save(item?.as_ptr())?;
        }
        if let Some(index) = self.memo.get(object) {
            self.op(code!(PopMark))?;
            return self.get(index);
        }
        self.op(code!(FrozenSet))?;
        self.put(object)
    }

    fn save_set_as_call(&mut self, set: &Object<'py>, class: &Object<'py>) -> Saved {
        let items = PyList::empty(self.py);
        for item in self.items_of(set)?.try_iter()? {
            items.append(item?)?;
        }
        let reduced = (class, (items,)).into_pyobject(self.py)?;
        self.save_reduce(&reduced, set.as_ptr())
    }

    /// A set's items: in their own order, or in one that depends on nothing but them.
    fn items_of(&self, set: &Object<'py>) -> Result<Object<'py>, Raised> {
        if !self.options.deterministic {
            return Ok(set.clone());
        }
        let mut sorted = Vec::with_capacity(set.len()?);
        for item in set.try_iter()? {
            let item = item?;
            sorted.push((super::dump::deterministic_bytes(self.options, &item)?, item));
        }
        sorted.sort_by(|(first, _), (second, _)| first.cmp(second));
        Ok(PyList::new(self.py, sorted.into_iter().map(|(_, item)| item))?.into_any())
    }

    /// Writes what an iterator gives, for a list that is there already.
    pub(super) fn save_items(&mut self, items: &Object<'py>) -> Saved {
        let mut items = items.try_iter()?;
        self.save_batches(&mut items, [Opcode::Append, Opcode::Appends], |pickler, item| {
            pickler.save(item.as_ptr())
        })
    }

    /// Writes the pairs that an iterator gives, for a dictionary that is there already.
    pub(super) fn save_pairs(&mut self, items: &Object<'py>) -> Saved {
        let mut items = items.try_iter()?;
        self.save_batches(&mut items, [Opcode::SetItem, Opcode::SetItems], |pickler, pair| {
            let pair = match pair.cast::<PyTuple>() {
                Ok(pair) if pair.len() == 2 => pair,
                _ => {
                    let message = "dict items iterator must return 2-tuples";
                    return Err(pyo3::exceptions::PyTypeError::new_err(message).into());
                }
            };
            pickler.save(pair.get_item(0)?.as_ptr())?;
            pickler.save(pair.get_item(1)?.as_ptr())
        })
    }

    fn save_batches(
        &mut self,
        items: &mut Bound<'py, pyo3::types::PyIterator>,
        [single, several]: [Opcode; 2],
        save: impl Fn(&mut Self, &Object<'py>) -> Saved,
    ) -> Saved {
        if !self.binary() {
            for item in items {
                save(self, &item?)?;
                self.op([single as u8])?;
            }
            return Ok(());
        }
        loop {
            let Some(first) = items.next() else { return Ok(()) };
            let first = first?;
            let Some(second) = items.next() else {
                save(self, &first)?;
                return self.op([single as u8]);
            };
            self.op(code!(Mark))?;
            save(self, &first)?;
            drop(first);
            save(self, &second?)?;
            let mut count = 2;
            while count < BATCH
                && let Some(item) = items.next()
            {
                save(self, &item?)?;
                count += 1;
            }
            self.op([several as u8])?;
            if count < BATCH {
                return Ok(());
            }
        }
    }
}

/// Whether it is an exact dictionary, for type checks elsewhere.
pub(super) fn is_dict(object: &Object<'_>) -> bool {
    object.is_instance_of::<PyDict>()
}
