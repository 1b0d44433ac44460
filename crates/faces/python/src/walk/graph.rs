//! Any Python object, with every reference to it kept: what `cannery.dump` saves.

use std::collections::{HashMap, HashSet};

use cannery_core::{Container, Error, ErrorKind, Limits, NullSink, Result, Sink};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyIterator, PyList, PySet, PyString, PyTuple};

use super::addresses::{Addresses, ByAddress};
use super::frame::OpenContainer;
use super::moments::{self, MomentKind};
use super::survey::{self, Surveyed};
use super::{Dialect, Frames, Key, PyWalker, WalkStep, is_exactly, text_of};
use crate::array::{KnownDtypes, NumpyArray};
use crate::construct::{ARRAY_DEPTH, MAX_DEPTH, free_of, is_array, too_deep};
use crate::errors::from_exception;

/// The Python side of objects: `describe(value)` gives a type name and a `dict` of parts, and
/// `in_order(set)` the items of a set in an order that is the same in every process.
#[derive(Clone)]
pub(crate) struct Describer<'py> {
    describer: Bound<'py, PyAny>,
    /// Whether it is asked about dates and times, too.
    describes_moments: bool,
}

/// What is known about a class.
struct Class<'py> {
    /// So that it lives, and its address stays its own.
    _kept: Bound<'py, PyAny>,
    kind: ClassKind<'py>,
    /// Asked for where one of its instances is part of itself.
    making: Option<Making>,
}

/// When a reader makes the instances of a class, as far as it matters to those in themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Making {
    /// Before their parts.
    Before,
    /// After them, but they may refer to it.
    Waiting,
    /// After them, and none may refer to it.
    After,
}

/// How the instances of a class are sent.
enum ClassKind<'py> {
    /// NumPy's arrays.
    Array,
    Moment(MomentKind),
    /// Their attributes say all, under the name of the class.
    Plain(Bound<'py, PyString>),
    /// The describer is asked about each.
    Described,
}

/// A type name and parts, kept with the object: its address must stay its own.
struct Description<'py> {
    _object: Bound<'py, PyAny>,
    type_name: Bound<'py, PyString>,
    parts: Bound<'py, PyDict>,
}

/// Every type, and which values occur more than once.
pub(crate) struct GraphDialect<'py> {
    describer: Describer<'py>,
    descriptions: ByAddress<Description<'py>>,
    classes: ByAddress<Class<'py>>,
    dtypes: KnownDtypes<'py>,
    pass: Pass,
    // Addresses of values that were met once, and of those met again.
    met: Addresses,
    shared: Addresses,
    marks: ByAddress<u64>,
    /// Where the shared values lie that were entered and not left yet.
    open: ByAddress<usize>,
    /// Of the containers that were entered.
    levels: Vec<Level>,
    /// How instances of classes written in Python are freed.
    free_of_instances: usize,
}

/// How deep a container lies in others, as the reader will count it.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Values around it that are hashed by way of it.
    hashed: u32,
    /// Values around it that are freed by recursion.
    freed: u32,
}

#[derive(PartialEq, Eq)]
enum Pass {
    /// Find out what is shared: a mark comes before the value it is for.
    Survey,
    Emit,
}

/// Sends any Python object to a sink that knows marks and objects.
///
/// # Errors
/// Those of the sink, and of the describer for values that are no data.
pub(crate) fn send<'py, S: Sink>(
    value: &Bound<'py, PyAny>,
    describer: Describer<'py>,
    limits: Limits,
    sink: &mut S,
) -> Result<()> {
    let surveyed =
        if describer.describes_moments { Surveyed::default() } else { survey::survey(value)? };
    send_surveyed(value, surveyed, describer, limits, sink)
}

/// The same for a value that was looked at.
///
/// # Errors
/// As [`send`].
pub(crate) fn send_surveyed<'py, S: Sink>(
    value: &Bound<'py, PyAny>,
    surveyed: Surveyed,
    describer: Describer<'py>,
    limits: Limits,
    sink: &mut S,
) -> Result<()> {
    if let Some(shared) = surveyed.shared {
        let is_tree = shared.is_empty();
        let dialect = GraphDialect { shared, pass: Pass::Emit, ..GraphDialect::new(describer) };
        if is_tree {
            return PyWalker::new(sink, TreeDialect(dialect), limits).walk_once(value).map(drop);
        }
        return PyWalker::new(sink, dialect, limits).walk_once(value).map(drop);
    }
    let dialect = GraphDialect::new(describer);
    let mut dialect = PyWalker::new(&mut NullSink, dialect, limits).walk_once(value)?;
    dialect.pass = Pass::Emit;
    PyWalker::new(sink, dialect, limits).walk_once(value).map(drop)
}

impl<'py> GraphDialect<'py> {
    fn new(describer: Describer<'py>) -> Self {
        // The describer is an instance of such a class itself.
        let free_of_instances = free_of(&describer.describer);
        Self {
            describer,
            descriptions: HashMap::default(),
            classes: HashMap::default(),
            dtypes: KnownDtypes::default(),
            pass: Pass::Survey,
            met: HashSet::default(),
            shared: HashSet::default(),
            marks: HashMap::default(),
            open: HashMap::default(),
            levels: Vec::new(),
            free_of_instances,
        }
    }

    /// Takes note of a container that is entered.
    ///
    /// # Errors
    /// [`cannery_core::ErrorKind::Depth`], where the reader would refuse it.
    fn descend(&mut self, value: &Bound<'py, PyAny>) -> Result<()> {
        let around = self.levels.last().copied().unwrap_or_default();
        let exactly = |class| is_exactly(value, class);
        let is_hashed =
            exactly(&raw mut ffi::PyTuple_Type) || exactly(&raw mut ffi::PyFrozenSet_Type);
        let is_plain = exactly(&raw mut ffi::PyDict_Type)
            || exactly(&raw mut ffi::PyList_Type)
            || exactly(&raw mut ffi::PySet_Type);
        let level = if is_hashed {
            Level { hashed: around.hashed + 1, ..around }
        } else if is_plain || free_of(value) == self.free_of_instances {
            Level { hashed: 0, ..around }
        } else {
            let levels = if is_array(value) { ARRAY_DEPTH } else { 1 };
            Level { hashed: around.hashed + 1, freed: around.freed + levels }
        };
        if level.hashed.max(level.freed) > MAX_DEPTH {
            return Err(too_deep("it"));
        }
        self.levels.try_reserve(1).map_err(|_| Error::out_of_memory())?;
        self.levels.push(level);
        Ok(())
    }

    /// Notes that a value was met; whether it was sent (or seen) before and is done with.
    fn meet<S: Sink>(&mut self, value: &Bound<'py, PyAny>, sink: &mut S) -> Result<bool> {
        let address = value.as_ptr() as usize;
        if self.pass == Pass::Survey {
            return self.survey(value, address);
        }
        if !self.shared.contains(&address) {
            return Ok(false);
        }
        if let Some(&id) = self.marks.get(&address) {
            sink.alias(id)?;
            return Ok(true);
        }
        let id = self.marks.len() as u64 + 1;
        self.marks.try_reserve(1).map_err(|_| Error::out_of_memory())?;
        self.marks.insert(address, id);
        sink.mark(id)?;
        Ok(false)
    }

    /// Looks at a reference to a value that it is part of.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`], if no reader could make it.
    fn check_cycle(&mut self, value: &Bound<'py, PyAny>, frames: &Frames<'py>) -> Result<()> {
        let Some(&depth) = self.open.get(&(value.as_ptr() as usize)) else { return Ok(()) };
        if self.making(value)? == Making::Before {
            return Ok(());
        }
        for frame in &frames.open()[depth..] {
            if self.making(frame.identity())? == Making::After {
                let name = frame.identity().get_type().name().map_err(from_exception)?;
                return Err(in_itself(&name.to_string_lossy()));
            }
        }
        Ok(())
    }

    fn making(&mut self, value: &Bound<'py, PyAny>) -> Result<Making> {
        let address = value.as_ptr() as usize;
        let Some(description) = self.descriptions.get(&address) else {
            // Plain instances, lists and dictionaries come before what they hold.
            let is_tuple = is_exactly(value, &raw mut ffi::PyTuple_Type);
            return Ok(if is_tuple { Making::Waiting } else { Making::Before });
        };
        let class = value.get_type_ptr() as usize;
        let Some(known) = self.classes.get_mut(&class) else { return Ok(Making::Before) };
        if let Some(making) = known.making {
            return Ok(making);
        }
        let asked = (value.get_type(), &description.type_name);
        let answer = self.describer.describer.call_method1("making", asked);
        let making = match answer.and_then(|answer| answer.extract()).map_err(from_exception)? {
            0 => Making::Before,
            1 => Making::Waiting,
            _ => Making::After,
        };
        known.making = Some(making);
        Ok(making)
    }

    fn survey(&mut self, value: &Bound<'py, PyAny>, address: usize) -> Result<bool> {
        // One reference is the walker's: with one more, there is only one place it can be in.
        // SAFETY: the object is live.
        if unsafe { ffi::Py_REFCNT(value.as_ptr()) } <= 2 {
            return Ok(false);
        }
        self.met.try_reserve(1).map_err(|_| Error::out_of_memory())?;
        let again = !self.met.insert(address);
        if again {
            self.shared.try_reserve(1).map_err(|_| Error::out_of_memory())?;
            self.shared.insert(address);
        }
        Ok(again)
    }

    fn container<S: Sink>(
        &self,
        value: &Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<Option<OpenContainer<'py>>> {
        let exactly = |class| is_exactly(value, class);
        let frame = if exactly(&raw mut ffi::PyDict_Type) {
            let dict = value.cast::<PyDict>().map_err(downcast)?;
            sink.begin(Container::Map, Some(dict.len()))?;
            OpenContainer::dict(dict.clone())
        } else if exactly(&raw mut ffi::PyList_Type) {
            let list = value.cast::<PyList>().map_err(downcast)?;
            sink.begin(Container::List, Some(list.len()))?;
            OpenContainer::list(list.clone())
        } else if exactly(&raw mut ffi::PyTuple_Type) {
            let tuple = value.cast::<PyTuple>().map_err(downcast)?;
            sink.begin(Container::Tuple, Some(tuple.len()))?;
            OpenContainer::tuple(tuple.clone(), Container::Tuple)
        } else if value.cast_exact::<PySet>().is_ok() {
            self.set(value, Container::Set, sink)?
        } else if value.cast_exact::<PyFrozenSet>().is_ok() {
            self.set(value, Container::FrozenSet, sink)?
        } else {
            return Ok(None);
        };
        Ok(Some(frame))
    }

    fn set<S: Sink>(
        &self,
        value: &Bound<'py, PyAny>,
        container: Container,
        sink: &mut S,
    ) -> Result<OpenContainer<'py>> {
        let items =
            self.describer.describer.call_method1("in_order", (value,)).map_err(from_exception)?;
        sink.begin(container, Some(value.len().map_err(from_exception)?))?;
        let iterator = PyIterator::from_object(&items).map_err(from_exception)?;
        Ok(OpenContainer::iterator(value.clone(), iterator, container))
    }

    /// Sends a value that is no container and has no bytes; the frame of one with parts.
    fn other<S: Sink>(
        &mut self,
        value: &Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<Option<OpenContainer<'py>>> {
        let class = value.get_type_ptr() as usize;
        if !self.classes.contains_key(&class) {
            let known = self.describer.class_of(value).map_err(from_exception)?;
            self.classes.insert(class, known);
        }
        match &self.classes[&class].kind {
            &ClassKind::Moment(kind) => {
                if moments::send(value, kind, sink)? {
                    return Ok(None);
                }
            }
            ClassKind::Array => {
                if let Some(array) = self.dtypes.array(value).map_err(from_exception)? {
                    if self.pass == Pass::Emit {
                        sink.array(&array)?;
                    }
                    return Ok(None);
                }
            }
            ClassKind::Plain(name) => return plain(value, name, sink).map(Some),
            ClassKind::Described => {}
        }
        self.object(value, sink).map(Some)
    }

    fn object<S: Sink>(
        &mut self,
        value: &Bound<'py, PyAny>,
        sink: &mut S,
    ) -> Result<OpenContainer<'py>> {
        let address = value.as_ptr() as usize;
        if !self.descriptions.contains_key(&address) {
            let description = self.describer.describe(value).map_err(from_exception)?;
            self.descriptions.try_reserve(1).map_err(|_| Error::out_of_memory())?;
            self.descriptions.insert(address, description);
        }
        let description = &self.descriptions[&address];
        let name = text_of(&description.type_name)?;
        sink.begin_object(name, Some(description.parts.len()))?;
        Ok(OpenContainer::object(value.clone(), description.parts.clone()))
    }
}

/// An instance whose attributes say all about it, without a call into Python.
fn plain<'py, S: Sink>(
    value: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    sink: &mut S,
) -> Result<OpenContainer<'py>> {
    // SAFETY: the object is live, and the interpreter held.
    let attributes = unsafe {
        let dict = ffi::PyObject_GenericGetDict(value.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(value.py(), dict)
    };
    let attributes = attributes.map_err(from_exception)?;
    let attributes = attributes.cast_into::<PyDict>().map_err(|e| from_exception(e.into()))?;
    check_names(&attributes)?;
    sink.begin_object(text_of(name)?, Some(attributes.len()))?;
    Ok(OpenContainer::object(value.clone(), attributes))
}

/// Refuses attributes by which libraries ask an object what it is: no reader sets them.
fn check_names(attributes: &Bound<'_, PyDict>) -> Result<()> {
    for (name, _) in attributes.iter() {
        let Ok(name) = name.cast::<PyString>() else { continue };
        if name.to_str().is_ok_and(|name| name.starts_with("__") && name.ends_with("__")) {
            let names = name.py().import("cannery._objects._names").map_err(from_exception)?;
            names.call_method1("refuse_saving", (name,)).map_err(from_exception)?;
        }
    }
    Ok(())
}

impl<'py> Describer<'py> {
    /// One for documents of any objects.
    pub(crate) fn new(describer: Bound<'py, PyAny>) -> Self {
        Self { describer, describes_moments: false }
    }

    /// One for a format that has dates of its own.
    pub(crate) fn of_moments(describer: Bound<'py, PyAny>) -> Self {
        Self { describer, describes_moments: true }
    }

    fn class_of(&self, value: &Bound<'py, PyAny>) -> PyResult<Class<'py>> {
        let class = value.get_type().into_any();
        let moment = if self.describes_moments { None } else { MomentKind::of(value) };
        let kind = if let Some(kind) = moment {
            ClassKind::Moment(kind)
        } else if NumpyArray::is_class(&class)? {
            ClassKind::Array
        } else {
            let name: Option<Bound<'py, PyString>> =
                self.describer.call_method1("plain_name", (&class,))?.extract()?;
            name.map_or(ClassKind::Described, ClassKind::Plain)
        };
        Ok(Class { _kept: class, kind, making: None })
    }

    fn describe(&self, value: &Bound<'py, PyAny>) -> PyResult<Description<'py>> {
        let described = self.describer.call_method1("describe", (value,))?;
        let (type_name, parts) = described.extract()?;
        Ok(Description { _object: value.clone(), type_name, parts })
    }
}

impl<'py> Dialect<'py> for GraphDialect<'py> {
    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            sink.bytes(bytes.as_bytes())?;
            return Ok(WalkStep::Done);
        }
        if self.meet(&value, sink)? {
            if !self.open.is_empty() {
                self.check_cycle(&value, frames)?;
            }
            return Ok(WalkStep::Done);
        }
        let frame = if let Some(frame) = self.container(&value, sink)? {
            frame
        } else {
            match self.other(&value, sink)? {
                Some(frame) => frame,
                None => return Ok(WalkStep::Done),
            }
        };
        self.descend(frame.identity())?;
        let address = value.as_ptr() as usize;
        if self.marks.contains_key(&address) {
            self.open.try_reserve(1).map_err(|_| Error::out_of_memory())?;
            self.open.insert(address, frames.open().len());
        }
        frames.enter(frame)?;
        Ok(WalkStep::Entered)
    }

    fn leave(&mut self, frame: &OpenContainer<'py>) {
        self.levels.pop();
        if !self.open.is_empty() {
            self.open.remove(&(frame.identity().as_ptr() as usize));
        }
    }

    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, _sink: &mut S) -> Result<Key<'py>> {
        Ok(Key::Value(key.clone()))
    }
}

/// Plain containers of which none occurs twice: there is nothing to take note of at lists and
/// dictionaries, which are then sent by recursion.
struct TreeDialect<'py>(GraphDialect<'py>);

impl<'py> Dialect<'py> for TreeDialect<'py> {
    const PLAIN_CONTAINERS: bool = true;

    fn value<S: Sink>(
        &mut self,
        value: Bound<'py, PyAny>,
        frames: &mut Frames<'py>,
        sink: &mut S,
    ) -> Result<WalkStep<'py>> {
        self.0.value(value, frames, sink)
    }

    fn leave(&mut self, frame: &OpenContainer<'py>) {
        self.0.leave(frame);
    }

    fn key<S: Sink>(&mut self, key: &Bound<'py, PyAny>, sink: &mut S) -> Result<Key<'py>> {
        self.0.key(key, sink)
    }
}

#[cold]
fn in_itself(class: &str) -> Error {
    let message = format!("a {class} that is part of itself cannot be saved");
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("it would have to be made before its parts: keep the reference to it elsewhere")
}

fn downcast(error: pyo3::CastError<'_, '_>) -> cannery_core::Error {
    from_exception(error.into())
}
