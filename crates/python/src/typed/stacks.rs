//! The builder's stacks, kept from one document to the next: most documents are small.

use std::sync::Mutex;

use pyo3::prelude::*;

use super::frame::Frame;
use super::make::Waiting;

/// Empty stacks with room.
pub(super) struct Stacks {
    values: Vec<Option<Py<PyAny>>>,
    frames: Vec<Frame<'static>>,
}

/// The most values to keep room for.
const MOST: usize = 1 << 12;

static RESTING: Mutex<Option<Stacks>> = Mutex::new(None);

impl Stacks {
    /// The stacks of an earlier builder, or new ones while those are in use.
    pub(super) fn take<'p, 'py>() -> (Vec<Waiting<'py>>, Vec<Frame<'p>>) {
        let resting = RESTING.lock().ok().and_then(|mut resting| resting.take());
        match resting {
            Some(Self { values, frames }) => (emptied(values), emptied(frames)),
            None => (Vec::with_capacity(64), Vec::with_capacity(16)),
        }
    }

    /// Keeps the stacks for the next builder.
    pub(super) fn give_back(values: Vec<Waiting<'_>>, frames: Vec<Frame<'_>>) {
        if values.capacity() > MOST || frames.capacity() > MOST {
            return;
        }
        let stacks = Self { values: emptied(values), frames: emptied(frames) };
        if let Ok(mut resting) = RESTING.lock() {
            *resting = Some(stacks);
        }
    }
}

/// The same memory for values that live longer or shorter: collecting in place keeps it.
fn emptied<A, B>(mut used: Vec<A>) -> Vec<B> {
    used.clear();
    used.into_iter().map(|_| unreachable!("it was cleared")).collect()
}
