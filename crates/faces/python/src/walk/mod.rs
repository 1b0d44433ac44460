//! From Python objects to events: with a stack of its own, so that depth is a limit and no crash.

mod addresses;
mod frame;
mod graph;
mod iterators;
mod json;
mod lent;
mod moments;
mod msgpack;
mod quick;
mod rich;
mod scalar;
mod survey;
mod yaml;

use cannery_core::{Error, Limits, Result, Sink, Text};
use pyo3::ffi;
use pyo3::prelude::*;

pub(crate) use graph::{Describer, send as send_graph, send_surveyed};
pub(crate) use iterators::writes_iterators;
pub(crate) use json::{JsonDialect, JsonOptions, out_of_range};
pub(crate) use moments::{MomentKind, utc};
pub(crate) use msgpack::{MsgpackDialect, PackOptions};
pub(crate) use survey::{Surveyed, survey};
pub(crate) use yaml::{YamlDialect, YamlOptions};

use self::frame::{Next, OpenContainer};
use crate::errors::from_exception;
use crate::memory;
use crate::text;

/// What became of a value that is none of the plain scalars.
pub(crate) enum WalkStep<'py> {
    /// It was sent whole.
    Done,
    /// It began: its opening event was sent, and a frame for it is on the stack.
    Entered,
    /// The second value stands for it, the first.
    Instead(Bound<'py, PyAny>, Bound<'py, PyAny>),
}

/// How a kind of document sees Python's types.
pub(crate) trait Dialect<'py> {
    /// Whether every `list` and `dict` is sent as it is, so that [`Dialect::value`] need not be
    /// asked about them.
    const PLAIN_CONTAINERS: bool = false;

    /// Decides about a container or an object of any other type.
    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>>;

    /// Sends a key that is no `str`, and says whether its entry shall follow.
    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, sink: &mut S) -> Result<Key<'py>>;

    /// A frame ended.
    fn leave(&mut self, _frame: &OpenContainer<'py>) {}
}

/// The containers that were entered and not left yet, the innermost last.
pub(crate) struct Frames<'py> {
    open: Vec<OpenContainer<'py>>,
    /// Containers around the outermost of them, which have no frames.
    around: usize,
    limits: Limits,
}

impl<'py> Frames<'py> {
    /// Enters a container. Inlined so that the frame is made where it will stay.
    #[inline(always)]
    pub(crate) fn enter(&mut self, frame: OpenContainer<'py>) -> Result<()> {
        if self.around + self.open.len() >= self.limits.depth {
            return Err(self.limits.too_deep());
        }
        cannery_core::reserve(&mut self.open, 1)?;
        self.open.push(frame);
        Ok(())
    }

    /// The open containers, the innermost last.
    pub(crate) fn open(&self) -> &[OpenContainer<'py>] {
        &self.open
    }
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
    frames: Frames<'py>,
    /// How many levels of containers are sent by recursion.
    levels: usize,
}

impl<'a, 'py, S: Sink, D: Dialect<'py>> PyWalker<'a, 'py, S, D> {
    /// A walker that sends to `sink`.
    pub(crate) fn new(sink: &'a mut S, dialect: D, limits: Limits) -> Self {
        memory::put_by();
        let levels = quick::levels().min(limits.depth);
        Self { sink, dialect, frames: Frames { open: Vec::new(), around: 0, limits }, levels }
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
        self.run(root).map_err(|error| self.with_path(error))
    }

    #[cold]
    fn with_path(&self, error: Error) -> Error {
        let segments = self.frames.open.iter().rev().filter_map(OpenContainer::segment);
        segments.fold(error, Error::inside)
    }

    fn run(&mut self, root: &Bound<'py, PyAny>) -> Result<()> {
        if D::PLAIN_CONTAINERS && quick::IS_SAFE {
            return self.send_quickly(root, 0);
        }
        self.run_frames(root)
    }

    fn run_frames(&mut self, root: &Bound<'py, PyAny>) -> Result<()> {
        if !scalar::send(root, self.sink)? {
            self.value(root.clone())?;
        }
        while let Some(frame) = self.frames.open.last_mut() {
            match frame.advance(&mut self.dialect, self.sink)? {
                Next::Value(value) => self.value(value)?,
                Next::End => self.leave()?,
            }
        }
        Ok(())
    }

    #[inline]
    fn value(&mut self, value: Bound<'py, PyAny>) -> Result<()> {
        match self.dialect.value(value, &mut self.frames, self.sink)? {
            WalkStep::Done | WalkStep::Entered => Ok(()),
            WalkStep::Instead(value, other) => self.instead(value, other),
        }
    }

    #[cold]
    fn instead(
        &mut self,
        mut value: Bound<'py, PyAny>,
        mut other: Bound<'py, PyAny>,
    ) -> Result<()> {
        loop {
            // It counts as a level: a function may replace values without an end.
            self.frames.enter(OpenContainer::instead(value))?;
            if scalar::send(&other, self.sink)? {
                return Ok(());
            }
            match self.dialect.value(other, &mut self.frames, self.sink)? {
                WalkStep::Done | WalkStep::Entered => return Ok(()),
                WalkStep::Instead(next, its_other) => (value, other) = (next, its_other),
            }
        }
    }

    #[inline]
    fn leave(&mut self) -> Result<()> {
        let Some(frame) = self.frames.open.last() else { return Ok(()) };
        self.dialect.leave(frame);
        let end = frame.end();
        // Dropped in its place: moving it out first would cost more than all else here.
        self.frames.open.truncate(self.frames.open.len() - 1);
        end.send(self.sink)
    }
}

/// Sends a text key, or a name that is text.
#[inline]
pub(crate) fn send_key<S: Sink>(key: &Bound<'_, PyAny>, sink: &mut S) -> Result<()> {
    sink.key(text_of(key)?)
}

/// The characters of a `str`, where they lie.
#[inline]
pub(crate) fn text_of<'a>(value: &'a Bound<'_, PyAny>) -> Result<Text<'a>> {
    // SAFETY: the callers have seen that it is a `str`; the reference keeps it alive.
    match unsafe { text::of_pointer(value.as_ptr()) } {
        Some(text) => Ok(text),
        None => Err(from_exception(PyErr::fetch(value.py()))),
    }
}

/// Whether the object's type is exactly this one.
#[inline]
pub(crate) fn is_exactly(value: &Bound<'_, PyAny>, class: *mut ffi::PyTypeObject) -> bool {
    std::ptr::eq(value.get_type_ptr(), class)
}
