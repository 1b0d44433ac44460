//! What iterators give, in batches for one opcode each.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyTuple};

use super::tasks::Task;
use super::{BATCH, Object, Pickler, Raised, Saved, code};

/// Items of a list, or pairs of a dictionary, that is there already.
pub(super) struct Batches<'py> {
    iterator: Bound<'py, PyIterator>,
    /// The opcode for one, and for several.
    codes: [[u8; 1]; 2],
    pairs: bool,
    /// What was taken from the iterator and is to be written next, last first.
    waiting: Vec<Object<'py>>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    /// Between batches.
    Fresh,
    /// The opcode for one follows what is written now.
    One,
    /// This many are in the open batch.
    Open(usize),
    Finished,
}

impl<'py> Pickler<'_, 'py> {
    /// Writes what an iterator gives, for a list that is there already.
    pub(super) fn items_later(&mut self, items: &Object<'py>) -> Saved {
        self.batches_later(items, [code!(Append), code!(Appends)], false)
    }

    /// Writes the pairs that an iterator gives, for a dictionary that is there already.
    pub(super) fn pairs_later(&mut self, items: &Object<'py>) -> Saved {
        self.batches_later(items, [code!(SetItem), code!(SetItems)], true)
    }

    fn batches_later(&mut self, items: &Object<'py>, codes: [[u8; 1]; 2], pairs: bool) -> Saved {
        let iterator = items.try_iter()?;
        let waiting = Vec::new();
        let batches = Batches { iterator, codes, pairs, waiting, state: State::Fresh };
        self.later(Task::Items(Box::new(batches)));
        Ok(())
    }

    pub(super) fn continue_batches(&mut self, mut batches: Box<Batches<'py>>) -> Saved {
        loop {
            while let Some(object) = batches.waiting.pop() {
                if !self.leaf(object.as_ptr())? {
                    self.later(Task::Items(batches));
                    return self.open(&object);
                }
            }
            let state = batches.state;
            match state {
                State::Finished => return Ok(()),
                State::Fresh => self.start_batch(&mut batches)?,
                State::One => {
                    self.op(batches.codes[0])?;
                    let is_last = self.binary() || !batches.take()?;
                    batches.state = if is_last { State::Finished } else { State::One };
                }
                State::Open(BATCH) => {
                    self.op(batches.codes[1])?;
                    batches.state = State::Fresh;
                }
                State::Open(count) if batches.take()? => {
                    batches.state = State::Open(count + 1);
                }
                State::Open(_) => {
                    self.op(batches.codes[1])?;
                    batches.state = State::Finished;
                }
            }
        }
    }

    /// Looks whether there is one more, or several.
    fn start_batch(&mut self, batches: &mut Batches<'py>) -> Saved {
        if !batches.take()? {
            batches.state = State::Finished;
            return Ok(());
        }
        if !self.binary() {
            batches.state = State::One;
            return Ok(());
        }
        let first = std::mem::take(&mut batches.waiting);
        if batches.take()? {
            self.op(code!(Mark))?;
            batches.state = State::Open(2);
        } else {
            batches.state = State::One;
        }
        batches.waiting.extend(first);
        Ok(())
    }
}

impl Batches<'_> {
    /// Takes the next from the iterator; false if there is none.
    fn take(&mut self) -> Result<bool, Raised> {
        let Some(item) = self.iterator.next() else { return Ok(false) };
        let item = item?;
        if !self.pairs {
            self.waiting.push(item);
            return Ok(true);
        }
        match item.cast::<PyTuple>() {
            Ok(pair) if pair.len() == 2 => {
                self.waiting.push(pair.get_item(1)?);
                self.waiting.push(pair.get_item(0)?);
                Ok(true)
            }
            _ => Err(PyTypeError::new_err("dict items iterator must return 2-tuples").into()),
        }
    }
}
