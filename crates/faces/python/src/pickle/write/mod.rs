//! Writing pickles: what CPython's `_pickle` writes, byte for byte.

mod batches;
mod buffer;
mod canonical;
mod containers;
mod dump;
mod globals;
mod memo;
mod output;
mod plain;
mod reduce;
mod scalars;
mod tasks;

use std::collections::HashSet;

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;

pub(super) use dump::register;

use canonical::{Hole, Orders};
use memo::Table;
use output::Output;
use plain::Plain;
use tasks::Task;

use super::registries::registries;

/// An exception was raised; the interpreter has it.
pub(super) struct Raised;

impl From<PyErr> for Raised {
    #[cold]
    fn from(exception: PyErr) -> Self {
        // SAFETY: exceptions are only raised while the interpreter is held.
        exception.restore(unsafe { Python::assume_attached() });
        Raised
    }
}

type Saved = Result<(), Raised>;
type Object<'py> = Bound<'py, PyAny>;

/// Items of a list, dictionary or set that one opcode takes.
const BATCH: usize = 1000;

/// Opcodes, by the names they have in `pickle`.
mod op {
    pub(super) use cannery_pickle::Opcode::*;
}

macro_rules! code {
    ($name:ident) => {
        [cannery_pickle::Opcode::$name as u8]
    };
}
use code;

/// What a pickler is told.
#[derive(Clone)]
pub(super) struct Options<'py> {
    pub(super) protocol: u8,
    pub(super) fix_imports: bool,
    pub(super) fast: bool,
    /// Whether the output shall depend on the value alone.
    pub(super) deterministic: bool,
    pub(super) buffer_callback: Option<Object<'py>>,
    pub(super) persistent_id: Option<Object<'py>>,
    pub(super) reducer_override: Option<Object<'py>>,
    pub(super) dispatch_table: Option<Object<'py>>,
}

impl<'py> Options<'py> {
    fn new(protocol: u8) -> Self {
        Self {
            protocol,
            fix_imports: true,
            fast: false,
            deterministic: false,
            buffer_callback: None,
            persistent_id: None,
            reducer_override: None,
            dispatch_table: None,
        }
    }

    /// The same, but buffers that would leave the stream go nowhere.
    fn for_keys(&self, py: Python<'py>) -> PyResult<Self> {
        // `not_` of a buffer is false: it leaves the stream.
        let silent = || py.import("operator")?.getattr("not_");
        let buffer_callback = self.buffer_callback.as_ref().map(|_| silent()).transpose()?;
        Ok(Self { buffer_callback, ..self.clone() })
    }
}

/// One `dump`.
struct Pickler<'a, 'py> {
    py: Python<'py>,
    options: &'a Options<'py>,
    protocol: u8,
    out: Output<'py>,
    memo: &'a mut Table,
    /// What is still to be written, the next last.
    tasks: Vec<Task<'py>>,
    /// Containers that are being written by calls, one inside the other.
    depth: u32,
    /// Which classes have instances that are nothing but their attributes.
    plain: Plain,
    /// The dispatch table of `copyreg`, unless the pickler has its own.
    dispatch: Bound<'py, pyo3::types::PyDict>,
    /// What is being written, in fast mode, which has no memo to notice a cycle.
    open: HashSet<usize>,
    sharing: Sharing<'py>,
    /// If the keys of a set's items are written: the sets inside of them.
    holes: Option<Vec<Hole<'py>>>,
}

/// In deterministic mode: which of the objects, by their order, are referred to again.
#[derive(Default)]
struct Sharing<'py> {
    /// The first pass marks those here, the second one puts only those into the memo.
    used: Vec<bool>,
    seen: usize,
    /// In the second pass: how many of the objects before each were put into the memo.
    numbers: Vec<usize>,
    numbered: usize,
    is_second_pass: bool,
    orders: Orders<'py>,
    /// Equal texts and bytes count as the same.
    equal: Option<Bound<'py, pyo3::types::PyDict>>,
}

impl<'a, 'py> Pickler<'a, 'py> {
    fn new(
        py: Python<'py>,
        options: &'a Options<'py>,
        memo: &'a mut Table,
        file_write: Option<Object<'py>>,
        sharing: Sharing<'py>,
    ) -> PyResult<Self> {
        Ok(Self {
            py,
            options,
            protocol: options.protocol,
            out: Output::new(py, file_write),
            memo,
            tasks: Vec::new(),
            depth: 0,
            plain: Plain::default(),
            dispatch: registries(py)?.dispatch_table.bind(py).clone(),
            open: HashSet::new(),
            sharing,
            holes: None,
        })
    }
}

impl<'py> Pickler<'_, 'py> {
    /// Writes a whole pickle.
    fn dump(&mut self, object: &Object<'py>) -> Saved {
        if self.protocol >= 2 {
            self.out.push(&[op::Proto as u8, self.protocol])?;
            self.out.framing = self.protocol >= 4;
        }
        self.save_whole(object)?;
        self.op(code!(Stop))?;
        self.out.commit_frame();
        self.out.framing = false;
        Ok(())
    }

    #[inline]
    fn op(&mut self, code: [u8; 1]) -> Saved {
        self.out.push(&code)
    }

    fn binary(&self) -> bool {
        self.protocol > 0
    }

    /// Writes an object that holds no others, or is in the memo; false if it is another.
    #[inline]
    fn leaf(&mut self, object: *mut ffi::PyObject) -> Result<bool, Raised> {
        self.out.boundary()?;
        if self.options.persistent_id.is_some() {
            return Ok(false);
        }
        self.save_leaf(object)
    }

    fn save_leaf(&mut self, object: *mut ffi::PyObject) -> Result<bool, Raised> {
        // SAFETY: the caller keeps the object alive; types are compared, not entered.
        unsafe {
            let class = ffi::Py_TYPE(object);
            if class == &raw mut ffi::PyLong_Type {
                self.save_int(object)?;
            } else if object == ffi::Py_None() {
                self.op(code!(None))?;
            } else if class == &raw mut ffi::PyFloat_Type {
                self.save_float(object)?;
            } else if class == &raw mut ffi::PyBool_Type {
                self.save_bool(object == ffi::Py_True())?;
            } else {
                let object = self.canonical(object, class);
                if let Some(index) = self.memo.get(object) {
                    self.get(index)?;
                } else if class == &raw mut ffi::PyUnicode_Type {
                    self.save_text(object)?;
                } else if class == &raw mut ffi::PyTuple_Type && ffi::PyTuple_GET_SIZE(object) == 0
                {
                    self.save_empty_tuple()?;
                } else {
                    return Ok(false);
                }
            }
            Ok(true)
        }
    }

    fn save_empty_tuple(&mut self) -> Saved {
        if self.binary() { self.op(code!(EmptyTuple)) } else { self.out.push(b"(t") }
    }

    /// Begins to write an object that is no leaf.
    fn open(&mut self, object: &Object<'py>) -> Saved {
        if self.options.persistent_id.is_some()
            && (self.save_persistent(object)? || self.save_leaf(object.as_ptr())?)
        {
            return Ok(());
        }
        self.open_container(object)
    }

    fn open_container(&mut self, object: &Object<'py>) -> Saved {
        self.check_depth()?;
        // SAFETY: an object.
        let class = unsafe { ffi::Py_TYPE(object.as_ptr()) };
        if class == &raw mut ffi::PyDict_Type {
            self.note_open(object)?;
            self.save_dict(object)
        } else if class == &raw mut ffi::PyList_Type {
            self.note_open(object)?;
            self.save_list(object)
        } else if class == &raw mut ffi::PyTuple_Type {
            self.save_tuple(object)
        } else if class == &raw mut ffi::PySet_Type || class == &raw mut ffi::PyFrozenSet_Type {
            self.save_any_set(object)
        } else if class == &raw mut ffi::PyBytes_Type {
            self.save_bytes(object)
        } else if class == &raw mut ffi::PyByteArray_Type {
            self.save_bytearray(object)
        } else {
            self.save_other(object, class)
        }
    }

    /// In fast mode nothing is in the memo, so a cycle has to be noticed otherwise.
    fn note_open(&mut self, object: &Object<'py>) -> Saved {
        if !self.options.fast {
            return Ok(());
        }
        let address = object.as_ptr().addr();
        if !self.open.insert(address) {
            let message = "fast mode: can't pickle cyclic objects";
            return Err(PyValueError::new_err(message).into());
        }
        self.later(Task::Close(address));
        Ok(())
    }

    /// Refers to what is in the memo.
    fn get(&mut self, index: usize) -> Saved {
        let index = if self.options.deterministic { self.number_of(index) } else { index };
        if !self.binary() {
            return self.out.push(format!("g{index}\n").as_bytes());
        }
        match u8::try_from(index) {
            Ok(index) => self.out.push(&[op::BinGet as u8, index]),
            Err(_) => self.push_index(op::LongBinGet as u8, index),
        }
    }

    fn push_index(&mut self, opcode: u8, index: usize) -> Saved {
        let Ok(index) = u32::try_from(index) else {
            return Err(self.pickling_error("memo id too large for LONG_BINPUT"));
        };
        let [a, b, c, d] = index.to_le_bytes();
        self.out.push(&[opcode, a, b, c, d])
    }

    /// Puts what was just written into the memo.
    #[inline]
    fn put(&mut self, object: *mut ffi::PyObject) -> Saved {
        if self.options.fast {
            return Ok(());
        }
        let mut index = self.memo.len();
        // SAFETY: the object is live.
        unsafe { self.memo.set(object, index)? };
        if self.options.deterministic {
            let Some(number) = self.number() else { return Ok(()) };
            index = number;
        }
        if self.protocol >= 4 {
            return self.op(code!(Memoize));
        }
        if !self.binary() {
            return self.out.push(format!("p{index}\n").as_bytes());
        }
        match u8::try_from(index) {
            Ok(index) => self.out.push(&[op::BinPut as u8, index]),
            Err(_) => self.push_index(op::LongBinPut as u8, index),
        }
    }

    /// Writes the id that the caller's `persistent_id` gives an object, if it gives one.
    #[cold]
    fn save_persistent(&mut self, object: &Object<'py>) -> Result<bool, Raised> {
        let Some(persistent_id) = &self.options.persistent_id else { return Ok(false) };
        let id = persistent_id.call1((object,))?;
        if id.is_none() {
            return Ok(false);
        }
        if self.binary() {
            self.later(Task::Op(code!(BinPersId)));
            self.later(Task::SaveId(id));
            return Ok(true);
        }
        let id = id.str()?;
        let id = id.to_cow()?;
        if !id.is_ascii() {
            return Err(self.pickling_error("persistent IDs in protocol 0 must be ASCII strings"));
        }
        self.out.push(format!("P{id}\n").as_bytes())?;
        Ok(true)
    }

    #[cold]
    fn pickling_error(&self, message: &str) -> Raised {
        let error = || -> PyResult<PyErr> {
            let class =
                self.py.import("cannery.errors")?.getattr(intern!(self.py, "PicklingError"))?;
            Ok(PyErr::from_value(class.call1((message,))?))
        };
        error().unwrap_or_else(|failure| failure).into()
    }
}

/// What makes the output depend on the value alone.
impl Pickler<'_, '_> {
    /// The first object equal to this one, of texts and bytes in deterministic mode.
    #[inline]
    fn canonical(
        &mut self,
        object: *mut ffi::PyObject,
        class: *mut ffi::PyTypeObject,
    ) -> *mut ffi::PyObject {
        let Some(equal) = &self.sharing.equal else { return object };
        if class != &raw mut ffi::PyUnicode_Type && class != &raw mut ffi::PyBytes_Type {
            return object;
        }
        // SAFETY: a dictionary that keeps the first of equal objects, which are hashable.
        let first = unsafe { ffi::PyDict_SetDefault(equal.as_ptr(), object, object) };
        if first.is_null() { object } else { first }
    }

    /// The number of the next object for the memo, if it is referred to again.
    fn number(&mut self) -> Option<usize> {
        let sharing = &mut self.sharing;
        let order = sharing.seen;
        sharing.seen += 1;
        if !sharing.is_second_pass {
            sharing.used.push(false);
            return Some(order);
        }
        sharing.numbers.push(sharing.numbered);
        if !sharing.used.get(order).copied().unwrap_or(true) {
            return None;
        }
        sharing.numbered += 1;
        Some(sharing.numbered - 1)
    }

    /// The number that an object got; `order` is its place among all objects.
    fn number_of(&mut self, order: usize) -> usize {
        let sharing = &mut self.sharing;
        if !sharing.is_second_pass {
            if let Some(used) = sharing.used.get_mut(order) {
                *used = true;
            }
            return order;
        }
        sharing.numbers.get(order).copied().unwrap_or(order)
    }
}
