//! From Python objects to events: with a stack of its own, so that depth is a limit and no crash.

mod frame;
mod graph;
mod json;
mod scalar;

use cannery_core::{Limits, Result, Sink, Text};
use pyo3::ffi;
use pyo3::prelude::*;

pub(crate) use graph::{Describer, send as send_graph};
pub(crate) use json::{JsonDialect, JsonOptions};

use self::frame::{Frame, Next};
use crate::errors::from_exception;
use crate::text;

/// What becomes of a value that is none of the plain scalars.
pub(crate) enum Step<'py> {
    /// It was sent whole.
    Done,
    /// It begins with this frame, whose opening event was sent.
    Enter(Frame<'py>),
    /// This value stands for it.
    Instead(Bound<'py, PyAny>),
}

/// How a kind of document sees Python's types.
pub(crate) trait Dialect<'py> {
    /// Whether Python code may run while a scalar is sent, because the sink writes to a Python
    /// object: then even scalars must be owned, not borrowed from their container.
    const OWNS: bool = false;

    /// Decides about a container or an object of any other type.
    fn value<S: Sink>(
        &mut self,
        value: &Bound<'py, PyAny>,
        open: &[Frame<'py>],
        sink: &mut S,
    ) -> Result<Step<'py>>;

    /// Sends a key that is no `str`, and says whether its entry shall follow; runs no Python code.
    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, sink: &mut S) -> Result<Key<'py>>;

    /// A frame ended.
    fn leave(&mut self, _frame: &Frame<'py>) {}
}

/// What becomes of a key that is no `str`.
pub(crate) enum Key<'py> {
    /// It was sent as text.
    Sent,
    /// Its entry is left out.
    Skip,
    /// It is to be sent as a value.
    Value(Bound<'py, PyAny>),
}

/// Sends a Python object, and everything in it, to a sink.
pub(crate) struct PyWalker<'a, 'py, S, D> {
    sink: &'a mut S,
    dialect: D,
    frames: Vec<Frame<'py>>,
    limits: Limits,
}

impl<'a, 'py, S: Sink, D: Dialect<'py>> PyWalker<'a, 'py, S, D> {
    /// A walker that sends to `sink`.
    pub(crate) fn new(sink: &'a mut S, dialect: D, limits: Limits) -> Self {
        Self { sink, dialect, frames: Vec::with_capacity(16), limits }
    }

    /// Sends one whole object, and gives the dialect back.
    ///
    /// # Errors
    /// As for [`walk`](Self::walk).
    pub(crate) fn walk_once(mut self, root: &Bound<'py, PyAny>) -> Result<D> {
        self.walk(root)?;
        Ok(self.dialect)
    }

    /// Sends one whole object.
    ///
    /// # Errors
    /// Those of the sink and of the dialect, with the path to the value that caused them.
    pub(crate) fn walk(&mut self, root: &Bound<'py, PyAny>) -> Result<()> {
        let result = self.run(root);
        result.map_err(|error| {
            self.frames.iter().rev().filter_map(Frame::segment).fold(error, |e, s| e.inside(s))
        })
    }

    fn run(&mut self, root: &Bound<'py, PyAny>) -> Result<()> {
        if !scalar::send(root, self.sink)? {
            self.value(root.clone())?;
        }
        while let Some(frame) = self.frames.last_mut() {
            match frame.advance(&mut self.dialect, self.sink)? {
                Next::Value(value) => self.value(value)?,
                Next::End => self.leave()?,
            }
        }
        Ok(())
    }

    fn value(&mut self, mut value: Bound<'py, PyAny>) -> Result<()> {
        loop {
            match self.dialect.value(&value, &self.frames, self.sink)? {
                Step::Done => return Ok(()),
                Step::Enter(frame) => return self.enter(frame),
                Step::Instead(other) => {
                    // It counts as a level: a function may replace values without an end.
                    self.enter(Frame::instead(value))?;
                    if scalar::send(&other, self.sink)? {
                        return Ok(());
                    }
                    value = other;
                }
            }
        }
    }

    fn enter(&mut self, frame: Frame<'py>) -> Result<()> {
        if self.frames.len() >= self.limits.depth {
            return Err(self.limits.too_deep());
        }
        self.frames.push(frame);
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.dialect.leave(&frame);
        frame.send_end(self.sink)
    }
}

/// Sends a text key, or a name that is text.
pub(crate) fn send_key<S: Sink>(key: &Bound<'_, PyAny>, sink: &mut S) -> Result<()> {
    sink.key(text_of(key)?)
}

pub(crate) fn text_of<'a>(value: &'a Bound<'_, PyAny>) -> Result<Text<'a>> {
    text::of_python(value).map_err(from_exception)
}

/// Whether the object's type is exactly this one.
#[inline]
pub(crate) fn is_exactly(value: &Bound<'_, PyAny>, class: *mut ffi::PyTypeObject) -> bool {
    std::ptr::eq(value.get_type_ptr(), class)
}
