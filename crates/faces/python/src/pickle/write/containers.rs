//! Tuples, lists, dictionaries and sets: begun at once, continued as their items allow.
//!
//! A container writes its items one behind the other for as long as they are leaves, or containers
//! that are not nested deeply. At one that is, it goes on the stack of tasks with its place, and the
//! item above it. While a container is begun it opens none of these items (`may_open`), so that
//! nothing here calls itself without end.

use cannery_pickle::Opcode;
use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFrozenSet, PyIterator, PySet};

use super::tasks::Task;
use super::{BATCH, Object, Pickler, Raised, Saved, code};
use crate::memory;
use crate::pickle::attributes::next_entry;

/// A tuple with its first items written.
pub(super) struct TupleTask<'py> {
    tuple: Object<'py>,
    at: usize,
}

/// A list with its first items written.
pub(super) struct ListTask<'py> {
    list: Object<'py>,
    at: usize,
    in_batch: usize,
    style: Style,
    /// Whether the batch has its `MARK`, or the item its `APPEND` yet to come.
    begun: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    Batches,
    /// Every item has an opcode of its own.
    Each,
    /// The only item has one.
    Single,
}

/// A dictionary with its first entries written.
pub(super) struct DictTask<'py> {
    dict: Bound<'py, PyDict>,
    position: isize,
    in_batch: usize,
    size: isize,
    begun: bool,
    /// The entry that is next; no key if that was written.
    key: Option<Object<'py>>,
    value: Option<Object<'py>>,
}

/// A set with its first items written.
pub(super) struct SetTask<'py> {
    set: Object<'py>,
    items: Bound<'py, PyIterator>,
    in_batch: usize,
    begun: bool,
}

impl<'py> Pickler<'_, 'py> {
    pub(super) fn save_tuple(&mut self, tuple: &Object<'py>) -> Saved {
        if self.counted(tuple).is_none() {
            self.op(code!(Mark))?;
        }
        self.continue_tuple(TupleTask { tuple: tuple.clone(), at: 0 }, false)
    }

    /// The opcode for that many items, which needs no mark.
    fn counted(&self, tuple: &Object<'py>) -> Option<Opcode> {
        // SAFETY: an exact tuple.
        match unsafe { ffi::PyTuple_GET_SIZE(tuple.as_ptr()) } {
            1 if self.protocol >= 2 => Some(Opcode::Tuple1),
            2 if self.protocol >= 2 => Some(Opcode::Tuple2),
            3 if self.protocol >= 2 => Some(Opcode::Tuple3),
            _ => None,
        }
    }

    pub(super) fn continue_tuple(&mut self, mut task: TupleTask<'py>, may_open: bool) -> Saved {
        let tuple = task.tuple.as_ptr();
        // SAFETY: an exact tuple, which does not change.
        let len = unsafe { ffi::PyTuple_GET_SIZE(tuple) }.cast_unsigned();
        while task.at < len {
            // SAFETY: the index is below the length; the tuple, which the task owns, keeps it.
            let item = unsafe { ffi::PyTuple_GET_ITEM(tuple, task.at.cast_signed()) };
            if self.leaf(item)? {
                task.at += 1;
                continue;
            }
            // SAFETY: as above.
            let item = unsafe { Object::from_borrowed_ptr(self.py, item) };
            if self.save_nested(&item)? {
                task.at += 1;
                continue;
            }
            task.at += usize::from(may_open);
            return self.interrupt(Task::Tuple(task), may_open.then_some(item));
        }
        self.end_tuple(&task.tuple, len)
    }

    fn end_tuple(&mut self, tuple: &Object<'py>, len: usize) -> Saved {
        let counted = self.counted(tuple);
        // A tuple that contains itself was written while its items were.
        if let Some(index) = self.memo.get(tuple.as_ptr()) {
            match counted {
                Some(_) => (0..len).try_for_each(|_| self.op(code!(Pop)))?,
                None if self.binary() => self.op(code!(PopMark))?,
                None => (0..=len).try_for_each(|_| self.op(code!(Pop)))?,
            }
            return self.get(index);
        }
        self.op([counted.unwrap_or(Opcode::Tuple) as u8])?;
        self.put(tuple.as_ptr())
    }

    /// Leaves a container at an item that is no leaf: that comes first, if it may be opened now.
    #[inline]
    fn interrupt(&mut self, task: Task<'py>, item: Option<Object<'py>>) -> Saved {
        self.later(task);
        match item {
            Some(item) => self.open(&item),
            None => Ok(()),
        }
    }

    pub(super) fn save_list(&mut self, list: &Object<'py>) -> Saved {
        if self.binary() { self.op(code!(EmptyList)) } else { self.out.push(b"(l") }?;
        self.put(list.as_ptr())?;
        // SAFETY: an exact list.
        let style = match unsafe { ffi::PyList_GET_SIZE(list.as_ptr()) } {
            0 => return Ok(()),
            _ if !self.binary() => Style::Each,
            1 => Style::Single,
            _ => Style::Batches,
        };
        let list = list.clone();
        self.continue_list(ListTask { list, at: 0, in_batch: 0, style, begun: false }, false)
    }

    pub(super) fn continue_list(&mut self, mut task: ListTask<'py>, may_open: bool) -> Saved {
        if task.style != Style::Batches {
            return self.continue_list_of_each(task, may_open);
        }
        loop {
            if !std::mem::replace(&mut task.begun, true) {
                self.op(code!(Mark))?;
            }
            while task.in_batch < BATCH
                && let Some(item) = task.item()
            {
                let is_written = self.leaf(item.as_ptr())? || self.save_nested(&item)?;
                if is_written || may_open {
                    task.at += 1;
                    task.in_batch += 1;
                }
                if !is_written {
                    return self.interrupt(Task::List(task), may_open.then_some(item));
                }
            }
            self.op(code!(Appends))?;
            if task.item().is_none() {
                return Ok(());
            }
            (task.in_batch, task.begun) = (0, false);
        }
    }

    fn continue_list_of_each(&mut self, mut task: ListTask<'py>, may_open: bool) -> Saved {
        loop {
            if std::mem::replace(&mut task.begun, false) {
                self.op(code!(Append))?;
                if task.style == Style::Single {
                    return Ok(());
                }
            }
            let Some(item) = task.item() else { return Ok(()) };
            let is_written = self.leaf(item.as_ptr())? || self.save_nested(&item)?;
            if is_written || may_open {
                task.at += 1;
                task.begun = true;
            }
            if !is_written {
                return self.interrupt(Task::List(task), may_open.then_some(item));
            }
        }
    }

    pub(super) fn save_dict(&mut self, dict: &Object<'py>) -> Saved {
        if self.binary() { self.op(code!(EmptyDict)) } else { self.out.push(b"(d") }?;
        self.put(dict.as_ptr())?;
        // SAFETY: an exact dictionary.
        let size = unsafe { ffi::PyDict_Size(dict.as_ptr()) };
        if size == 0 {
            return Ok(());
        }
        if !self.binary() {
            let items = dict.call_method0(intern!(self.py, "items"))?;
            return self.pairs_later(items.try_iter()?.as_any());
        }
        let dict = dict.cast::<PyDict>().map_err(PyErr::from)?.clone();
        let (position, in_batch, begun) = (0, 0, false);
        let task = DictTask { dict, position, in_batch, size, begun, key: None, value: None };
        self.continue_dict(task, false)
    }

    pub(super) fn continue_dict(&mut self, mut task: DictTask<'py>, may_open: bool) -> Saved {
        loop {
            if !std::mem::replace(&mut task.begun, true) && task.size > 1 {
                self.op(code!(Mark))?;
            }
            while task.in_batch < BATCH
                && let Some(value) = task.value()
            {
                if let Some(key) = task.key.take()
                    && !self.leaf(key.as_ptr())?
                    && !self.save_nested(&key)?
                {
                    task.key = (!may_open).then(|| key.clone());
                    task.value = Some(value);
                    return self.interrupt(Task::Dict(task), may_open.then_some(key));
                }
                if !self.leaf(value.as_ptr())? && !self.save_nested(&value)? {
                    task.in_batch += usize::from(may_open);
                    task.value = (!may_open).then(|| value.clone());
                    return self.interrupt(Task::Dict(task), may_open.then_some(value));
                }
                task.in_batch += 1;
            }
            self.op(if task.size > 1 { code!(SetItems) } else { code!(SetItem) })?;
            // SAFETY: an exact dictionary.
            if unsafe { ffi::PyDict_Size(task.dict.as_ptr()) } != task.size {
                let message = "dictionary changed size during iteration";
                return Err(PyRuntimeError::new_err(message).into());
            }
            if task.in_batch < BATCH {
                return Ok(());
            }
            (task.in_batch, task.begun) = (0, false);
        }
    }

    pub(super) fn save_any_set(&mut self, set: &Object<'py>) -> Saved {
        if self.save_digest(set)? {
            return Ok(());
        }
        if set.is_exact_instance_of::<PySet>() {
            self.save_set(set)
        } else {
            self.save_frozenset(set)
        }
    }

    fn save_set(&mut self, set: &Object<'py>) -> Saved {
        if self.protocol < 4 {
            return self.save_set_as_call(set, &self.py.get_type::<PySet>().into_any());
        }
        self.op(code!(EmptySet))?;
        self.put(set.as_ptr())?;
        if set.len()? > 0 {
            let task = self.set_task(set)?;
            self.later(Task::Set(task));
        }
        Ok(())
    }

    fn set_task(&mut self, set: &Object<'py>) -> Result<SetTask<'py>, Raised> {
        let items = self.items_of(set)?.try_iter()?;
        Ok(SetTask { set: set.clone(), items, in_batch: 0, begun: false })
    }

    pub(super) fn continue_set(&mut self, mut task: SetTask<'py>) -> Saved {
        loop {
            if !std::mem::replace(&mut task.begun, true) {
                self.op(code!(Mark))?;
            }
            while task.in_batch < BATCH
                && let Some(item) = task.items.next()
            {
                let item = item?;
                task.in_batch += 1;
                if !self.leaf(item.as_ptr())? {
                    self.later(Task::Set(task));
                    return self.open(&item);
                }
            }
            self.op(code!(AddItems))?;
            if task.in_batch < BATCH {
                return Ok(());
            }
            (task.in_batch, task.begun) = (0, false);
        }
    }

    fn save_frozenset(&mut self, set: &Object<'py>) -> Saved {
        if self.protocol < 4 {
            return self.save_set_as_call(set, &self.py.get_type::<PyFrozenSet>().into_any());
        }
        self.op(code!(Mark))?;
        let task = self.set_task(set)?;
        self.later(Task::FrozenSet(task));
        Ok(())
    }

    pub(super) fn continue_frozenset(&mut self, mut task: SetTask<'py>) -> Saved {
        while let Some(item) = task.items.next() {
            let item = item?;
            if !self.leaf(item.as_ptr())? {
                self.later(Task::FrozenSet(task));
                return self.open(&item);
            }
        }
        if let Some(index) = self.memo.get(task.set.as_ptr()) {
            self.op(code!(PopMark))?;
            return self.get(index);
        }
        self.op(code!(FrozenSet))?;
        self.put(task.set.as_ptr())
    }

    fn save_set_as_call(&mut self, set: &Object<'py>, class: &Object<'py>) -> Saved {
        let items = memory::new_list(self.py)?;
        for item in self.items_of(set)?.try_iter()? {
            items.append(item?)?;
        }
        let reduced = (class, (items,)).into_pyobject(self.py)?;
        self.save_reduce(&reduced, Some(set))
    }

    /// A set's items: in their own order, or in one that depends on nothing but them.
    fn items_of(&mut self, set: &Object<'py>) -> Result<Object<'py>, Raised> {
        if !self.options.deterministic || set.len()? < 2 {
            return Ok(set.clone());
        }
        self.sharing.orders.items(self.options, set)
    }
}

impl<'py> ListTask<'py> {
    /// The next item; the list may have changed since the last one.
    #[inline]
    fn item(&self) -> Option<Object<'py>> {
        let list = self.list.as_ptr();
        // SAFETY: an exact list; the index is checked, and the reference keeps the item alive.
        unsafe {
            if self.at >= ffi::PyList_GET_SIZE(list).cast_unsigned() {
                return None;
            }
            let item = ffi::PyList_GET_ITEM(list, self.at.cast_signed());
            Some(Object::from_borrowed_ptr(self.list.py(), item))
        }
    }
}

impl<'py> DictTask<'py> {
    /// The next value, whose key is noted if that is to be written too.
    #[inline]
    fn value(&mut self) -> Option<Object<'py>> {
        if let Some(value) = self.value.take() {
            return Some(value);
        }
        let (key, value) = next_entry(&self.dict, &mut self.position)?;
        self.key = Some(key);
        Some(value)
    }
}
