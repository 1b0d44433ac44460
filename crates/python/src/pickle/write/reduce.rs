//! Objects of other types: what their `__reduce_ex__` says.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::containers::is_dict;
use super::{Object, Pickler, Raised, Saved, code};

/// What `__reduce__` returned, taken apart.
struct Reduced<'py> {
    callable: Object<'py>,
    arguments: Bound<'py, PyTuple>,
    state: Option<Object<'py>>,
    items: Option<Object<'py>>,
    pairs: Option<Object<'py>>,
    set_state: Option<Object<'py>>,
}

impl<'py> Pickler<'_, 'py> {
    pub(super) fn save_other(
        &mut self,
        object: *mut ffi::PyObject,
        class: *mut ffi::PyTypeObject,
    ) -> Saved {
        let py = self.py;
        // SAFETY: the caller keeps the object alive, and it its type.
        let (object, class) = unsafe {
            (Object::from_borrowed_ptr(py, object), Object::from_borrowed_ptr(py, class.cast()))
        };
        if is_pickle_buffer(&object) {
            return self.save_buffer(&object);
        }
        let is_type = class.is(py.get_type::<PyType>());
        // SAFETY: a type object of the interpreter.
        let is_function = class.as_ptr() == (&raw mut ffi::PyFunction_Type).cast();
        if let Some(reducer) = &self.options.reducer_override {
            let reduced = reducer.call1((&object,))?;
            if !reduced.is(py.NotImplemented()) {
                return self.save_reduced(&object, &reduced);
            }
        }
        if is_type {
            return self.save_type(&object);
        }
        if is_function {
            return self.save_global(&object, None);
        }
        let reduced = match self.reducer_of(&class)? {
            Some(reducer) => reducer.call1((&object,))?,
            None if object.is_instance_of::<PyType>() => return self.save_global(&object, None),
            None => self.reduce(&object)?,
        };
        self.save_reduced(&object, &reduced)
    }

    /// What an object says itself about how it is made.
    fn reduce(&self, object: &Object<'py>) -> Result<Object<'py>, Raised> {
        let py = self.py;
        if let Some(reduce) = object.getattr_opt(intern!(py, "__reduce_ex__"))? {
            return Ok(reduce.call1((self.protocol,))?);
        }
        if let Some(reduce) = object.getattr_opt(intern!(py, "__reduce__"))? {
            return Ok(reduce.call0()?);
        }
        let message = format!("can't pickle '{}' object", object.get_type().repr()?);
        Err(self.pickling_error(&message))
    }

    /// The function that a dispatch table has for a type.
    fn reducer_of(&self, class: &Object<'py>) -> PyResult<Option<Object<'py>>> {
        let Some(table) = &self.options.dispatch_table else {
            return self.dispatch.cast::<PyDict>()?.get_item(class);
        };
        match table.get_item(class) {
            Ok(reducer) => Ok(Some(reducer)),
            Err(e) if e.is_instance_of::<pyo3::exceptions::PyKeyError>(self.py) => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn save_reduced(&mut self, object: &Object<'py>, reduced: &Object<'py>) -> Saved {
        if reduced.is_instance_of::<PyString>() {
            return self.save_global(object, Some(reduced));
        }
        let Ok(reduced) = reduced.cast::<PyTuple>() else {
            return Err(self.pickling_error("__reduce__ must return a string or tuple"));
        };
        self.save_reduce(reduced, object.as_ptr())
    }

    /// Writes how an object is made, and puts it into the memo unless it is null.
    pub(super) fn save_reduce(
        &mut self,
        reduced: &Bound<'py, PyTuple>,
        object: *mut ffi::PyObject,
    ) -> Saved {
        let reduced = self.take_apart(reduced)?;
        self.save_making(&reduced, object)?;
        if !object.is_null() {
            // An object that contains itself was written while its arguments were.
            if let Some(index) = self.memo.get(object) {
                self.op(code!(Pop))?;
                return self.get(index);
            }
            self.put(object)?;
        }
        if let Some(items) = &reduced.items {
            self.save_items(items)?;
        }
        if let Some(pairs) = &reduced.pairs {
            self.save_pairs(pairs)?;
        }
        let Some(state) = &reduced.state else { return Ok(()) };
        let Some(set_state) = &reduced.set_state else {
            self.save(state.as_ptr())?;
            return self.op(code!(Build));
        };
        self.save(set_state.as_ptr())?;
        self.save(object)?;
        self.save(state.as_ptr())?;
        self.op(code!(Tuple2))?;
        self.op(code!(Reduce))?;
        self.op(code!(Pop))
    }

    fn take_apart(&self, reduced: &Bound<'py, PyTuple>) -> Result<Reduced<'py>, Raised> {
        let fail = |message: &str| Err(self.pickling_error(message));
        if !(2..=6).contains(&reduced.len()) {
            return fail("tuple returned by __reduce__ must contain 2 through 6 elements");
        }
        let part = |at: usize| reduced.get_item(at).ok().filter(|part| !part.is_none());
        let callable = reduced.get_item(0)?;
        if !callable.is_callable() {
            return fail("first item of the tuple returned by __reduce__ must be callable");
        }
        let Ok(arguments) = reduced.get_item(1)?.cast_into::<PyTuple>() else {
            return fail("second item of the tuple returned by __reduce__ must be a tuple");
        };
        let (items, pairs, set_state) = (part(3), part(4), part(5));
        for (part, which) in [(&items, "fourth"), (&pairs, "fifth")] {
            if let Some(part) = part
                // SAFETY: an object.
                && unsafe { ffi::PyIter_Check(part.as_ptr()) } == 0
            {
                return fail(&format!(
                    "{which} element of the tuple returned by __reduce__ must be an iterator, not {}",
                    part.get_type().name()?
                ));
            }
        }
        if let Some(set_state) = &set_state
            && !set_state.is_callable()
        {
            return fail(&format!(
                "sixth element of the tuple returned by __reduce__ must be a function, not {}",
                set_state.get_type().name()?
            ));
        }
        Ok(Reduced { callable, arguments, state: part(2), items, pairs, set_state })
    }

    fn save_making(&mut self, reduced: &Reduced<'py>, object: *mut ffi::PyObject) -> Saved {
        if self.protocol >= 2
            && let Some(name) = reduced.callable.getattr_opt(intern!(self.py, "__name__"))?
            && let Ok(name) = name.cast::<PyString>()
        {
            if name == "__newobj_ex__" {
                return self.save_new_with_keywords(&reduced.arguments);
            }
            if name == "__newobj__" {
                return self.save_new(&reduced.arguments, object);
            }
        }
        self.save(reduced.callable.as_ptr())?;
        self.save(reduced.arguments.as_ptr())?;
        self.op(code!(Reduce))
    }

    fn save_new(&mut self, arguments: &Bound<'py, PyTuple>, object: *mut ffi::PyObject) -> Saved {
        if arguments.is_empty() {
            return Err(self.pickling_error("__newobj__ arglist is empty"));
        }
        let class = arguments.get_item(0)?;
        if !class.hasattr(intern!(self.py, "__new__"))? {
            return Err(self.pickling_error("args[0] from __newobj__ args has no __new__"));
        }
        if !object.is_null() {
            // SAFETY: the caller keeps the object alive.
            let object = unsafe { Object::from_borrowed_ptr(self.py, object) };
            if !object.getattr(intern!(self.py, "__class__"))?.is(&class) {
                let message = "args[0] from __newobj__ args has the wrong class";
                return Err(self.pickling_error(message));
            }
        }
        self.save(class.as_ptr())?;
        self.save(arguments.get_slice(1, arguments.len()).as_ptr())?;
        self.op(code!(NewObj))
    }

    fn save_new_with_keywords(&mut self, all: &Bound<'py, PyTuple>) -> Saved {
        let fail = |message: String| Err(self.pickling_error(&message));
        if all.len() != 3 {
            return fail(format!(
                "length of the NEWOBJ_EX argument tuple must be exactly 3, not {}",
                all.len()
            ));
        }
        let (class, arguments, keywords) = (all.get_item(0)?, all.get_item(1)?, all.get_item(2)?);
        let found = |object: &Object<'py>| -> PyResult<String> {
            Ok(object.get_type().name()?.to_string())
        };
        if !class.is_instance_of::<PyType>() {
            return fail(format!(
                "first item from NEWOBJ_EX argument tuple must be a class, not {}",
                found(&class)?
            ));
        }
        let Ok(arguments) = arguments.cast::<PyTuple>() else {
            return fail(format!(
                "second item from NEWOBJ_EX argument tuple must be a tuple, not {}",
                found(&arguments)?
            ));
        };
        if !is_dict(&keywords) {
            return fail(format!(
                "third item from NEWOBJ_EX argument tuple must be a dict, not {}",
                found(&keywords)?
            ));
        }
        if self.protocol >= 4 {
            self.save(class.as_ptr())?;
            self.save(arguments.as_ptr())?;
            self.save(keywords.as_ptr())?;
            return self.op(code!(NewObjEx));
        }
        self.save_new_as_partial(&class, arguments, &keywords)
    }

    /// Older protocols have no opcode with keywords: a partial call does it.
    fn save_new_as_partial(
        &mut self,
        class: &Object<'py>,
        arguments: &Bound<'py, PyTuple>,
        keywords: &Object<'py>,
    ) -> Saved {
        let py = self.py;
        let mut all = vec![class.getattr(intern!(py, "__new__"))?, class.clone()];
        all.extend(arguments.iter());
        let partial = py.import(intern!(py, "functools"))?.getattr(intern!(py, "partial"))?;
        let keywords = keywords.cast::<PyDict>().map_err(PyErr::from)?;
        let partial = partial.call(PyTuple::new(py, all)?, Some(keywords))?;
        self.save(partial.as_ptr())?;
        self.save(PyTuple::empty(py).as_ptr())?;
        self.op(code!(Reduce))
    }

    /// Writes a buffer: out of band if the caller takes it, else like bytes.
    fn save_buffer(&mut self, object: &Object<'py>) -> Saved {
        if self.protocol < 5 {
            return Err(self.pickling_error("PickleBuffer can only pickled with protocol >= 5"));
        }
        let view = View::get(object)?;
        if !view.is_contiguous() {
            return Err(self.pickling_error(
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer",
            ));
        }
        let in_band = match &self.options.buffer_callback {
            Some(callback) => callback.call1((object,))?.is_truthy()?,
            None => true,
        };
        if in_band {
            return match view.0.readonly {
                0 => self.save_bytearray_data(object.as_ptr(), view.bytes(), None),
                _ => self.save_bytes_data(object.as_ptr(), view.bytes(), None),
            };
        }
        self.op(code!(NextBuffer))?;
        if view.0.readonly == 0 { Ok(()) } else { self.op(code!(ReadonlyBuffer)) }
    }
}

fn is_pickle_buffer(object: &Object<'_>) -> bool {
    object.get_type().name().is_ok_and(|name| name == "PickleBuffer")
        && object
            .py()
            .import("_pickle")
            .and_then(|m| m.getattr("PickleBuffer"))
            .is_ok_and(|class| object.get_type().is(&class))
}

/// A buffer as it is, strides and all; released when dropped.
struct View(Box<ffi::Py_buffer>);

impl View {
    fn get(object: &Object<'_>) -> Result<Self, Raised> {
        let mut buffer = Box::new(ffi::Py_buffer::new());
        // SAFETY: a place for a buffer, filled on success.
        let failed = unsafe {
            ffi::PyObject_GetBuffer(object.as_ptr(), &raw mut *buffer, ffi::PyBUF_FULL_RO)
        };
        if failed == 0 { Ok(Self(buffer)) } else { Err(Raised) }
    }

    fn is_contiguous(&self) -> bool {
        // SAFETY: the buffer was filled.
        unsafe { ffi::PyBuffer_IsContiguous(&raw const *self.0, b'A'.cast_signed() as _) != 0 }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: the buffer is contiguous and held.
        unsafe { std::slice::from_raw_parts(self.0.buf.cast(), self.0.len.cast_unsigned()) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: the buffer was filled.
        unsafe { ffi::PyBuffer_Release(&raw mut *self.0) };
    }
}
