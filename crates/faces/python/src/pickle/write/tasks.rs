//! What is still to be written, kept on a stack of our own: depth costs memory, never stack.

use pyo3::exceptions::PyRecursionError;

use super::batches::Batches;
use super::containers::{DictTask, ListTask, SetTask, TupleTask};
use super::{Object, Pickler, Raised, Saved};
use crate::memory;

/// Tasks that may wait. An object that makes new ones for ever is stopped by it, before memory ends.
const MAX_TASKS: usize = 1_000_000;

/// Containers inside of containers that are written by calls.
const MAX_CALLS: u32 = 12;

/// One step; those that a step puts on the stack come before the ones that waited.
pub(super) enum Task<'py> {
    Save(Object<'py>),
    /// Writes what `persistent_id` gave, without asking it again.
    SaveId(Object<'py>),
    Op([u8; 1]),
    /// Writes module and name as `GLOBAL` has them.
    #[cfg(Py_3_13)]
    Name(Object<'py>, Object<'py>),
    /// Puts an object into the memo: its making was written.
    Made(Object<'py>),
    Put(Object<'py>),
    Tuple(TupleTask<'py>),
    List(ListTask<'py>),
    Dict(DictTask<'py>),
    Set(SetTask<'py>),
    FrozenSet(SetTask<'py>),
    Items(Box<Batches<'py>>),
    /// In fast mode: the container at this address is no longer being written.
    Close(usize),
}

impl<'py> Pickler<'_, 'py> {
    /// Writes an object and all that it holds.
    pub(super) fn save_whole(&mut self, object: &Object<'py>) -> Saved {
        self.save(object)?;
        while let Some(task) = self.tasks.pop() {
            self.perform(task)?;
        }
        Ok(())
    }

    fn perform(&mut self, task: Task<'py>) -> Saved {
        match task {
            Task::List(task) => self.continue_list(task, true),
            Task::Dict(task) => self.continue_dict(task, true),
            Task::Tuple(task) => self.continue_tuple(task, true),
            Task::Op(code) => self.op(code),
            #[cfg(Py_3_13)]
            Task::Name(module, name) => self.save_two_lines(&module, &name),
            Task::Save(object) => self.save(&object),
            Task::Made(object) => self.made(&object),
            Task::Put(object) => self.put(object.as_ptr()),
            Task::Set(task) => self.continue_set(task),
            Task::FrozenSet(task) => self.continue_frozenset(task),
            Task::Items(batches) => self.continue_batches(batches),
            Task::SaveId(id) => {
                self.out.boundary()?;
                if self.save_leaf(id.as_ptr())? { Ok(()) } else { self.open_container(&id) }
            }
            Task::Close(address) => {
                self.open.remove(&address);
                Ok(())
            }
        }
    }

    /// Writes an object that is no leaf, and all that it holds, if that is not nested deeply: calls
    /// are faster than tasks.
    #[inline]
    pub(super) fn save_nested(&mut self, object: &Object<'py>) -> Result<bool, Raised> {
        if self.depth == MAX_CALLS {
            return Ok(false);
        }
        self.depth += 1;
        let waiting = self.tasks.len();
        self.open(object)?;
        while self.tasks.len() > waiting
            && let Some(task) = self.tasks.pop()
        {
            self.perform(task)?;
        }
        self.depth -= 1;
        Ok(true)
    }

    /// Writes an object now, or puts what is left of it on the stack.
    pub(super) fn save(&mut self, object: &Object<'py>) -> Saved {
        if self.leaf(object.as_ptr())? { Ok(()) } else { self.open(object) }
    }

    /// Notes what to do later; the last that is noted is done first.
    #[inline]
    pub(super) fn later(&mut self, task: Task<'py>) {
        self.tasks.push(task);
    }

    /// Puts an object that was just made into the memo, unless it was while its parts were written.
    fn made(&mut self, object: &Object<'py>) -> Saved {
        match self.memo.get(object.as_ptr()) {
            Some(index) => {
                self.op(super::code!(Pop))?;
                self.get(index)
            }
            None => self.put(object.as_ptr()),
        }
    }

    /// Makes sure of room for what opening a container puts on the stack.
    pub(super) fn check_depth(&mut self) -> Saved {
        const AT_ONCE: usize = 16;
        if self.tasks.len() < MAX_TASKS {
            if self.tasks.capacity() - self.tasks.len() < AT_ONCE {
                self.tasks.try_reserve(AT_ONCE).map_err(|_| memory::error())?;
            }
            return Ok(());
        }
        let message = "maximum recursion depth exceeded while pickling an object";
        Err(PyRecursionError::new_err(message).into())
    }
}
