//! Objects of other types: what their `__reduce_ex__` says.

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::tasks::Task;
use super::{Object, Pickler, Raised, Saved, code};
use crate::compat;
use crate::pickle::registries::registries;

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
        object: &Object<'py>,
        class: *mut ffi::PyTypeObject,
    ) -> Saved {
        let py = self.py;
        // SAFETY: the object is alive, and keeps its type alive until its code runs, which may give
        // it another.
        let class_object = unsafe { Object::from_borrowed_ptr(py, class.cast()) };
        if class.cast() == registries(py)?.buffer.as_ptr() {
            return self.save_buffer(object);
        }
        if let Some(reducer) = &self.options.reducer_override {
            let reduced = reducer.call1((object,))?;
            if !reduced.is(py.NotImplemented()) {
                return self.save_reduced(object, &reduced);
            }
        }
        if class == &raw mut ffi::PyType_Type {
            return self.save_type(object);
        }
        if class == &raw mut ffi::PyFunction_Type {
            return self.save_global(object, None);
        }
        let reduced = match self.reducer_of(&class_object)? {
            Some(reducer) => reducer.call1((object,))?,
            None if object.is_instance_of::<PyType>() => return self.save_global(object, None),
            None if self.save_plain(object, class)? => return Ok(()),
            None => self.reduce(object)?,
        };
        self.save_reduced(object, &reduced)
    }

    /// What an object says itself about how it is made.
    fn reduce(&self, object: &Object<'py>) -> Result<Object<'py>, Raised> {
        let py = self.py;
        if let Some(reduce) = compat::attribute(object, intern!(py, "__reduce_ex__"))? {
            return Ok(reduce.call1((self.protocol,))?);
        }
        if let Some(reduce) = compat::attribute(object, intern!(py, "__reduce__"))? {
            return Ok(reduce.call0()?);
        }
        let message = format!("can't pickle '{}' object", object.get_type().repr()?);
        Err(self.pickling_error(&message))
    }

    /// The function that a dispatch table has for a type.
    fn reducer_of(&self, class: &Object<'py>) -> PyResult<Option<Object<'py>>> {
        let Some(table) = &self.options.dispatch_table else {
            return self.dispatch.get_item(class);
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
        self.save_reduce(reduced, Some(object))
    }

    /// Writes how an object is made, and puts that object into the memo.
    pub(super) fn save_reduce(
        &mut self,
        reduced: &Bound<'py, PyTuple>,
        object: Option<&Object<'py>>,
    ) -> Saved {
        let reduced = self.take_apart(reduced)?;
        if let Some(state) = &reduced.state {
            self.state_later(&reduced, state, object);
        }
        if let Some(pairs) = &reduced.pairs {
            self.pairs_later(pairs)?;
        }
        if let Some(items) = &reduced.items {
            self.items_later(items)?;
        }
        if let Some(object) = object {
            self.later(Task::Made(object.clone()));
        }
        self.save_making(&reduced, object)
    }

    fn state_later(
        &mut self,
        reduced: &Reduced<'py>,
        state: &Object<'py>,
        object: Option<&Object<'py>>,
    ) {
        let (Some(set_state), Some(object)) = (&reduced.set_state, object) else {
            self.later(Task::Op(code!(Build)));
            return self.later(Task::Save(state.clone()));
        };
        for code in [code!(Pop), code!(Reduce), code!(Tuple2)] {
            self.later(Task::Op(code));
        }
        for part in [state, object, set_state] {
            self.later(Task::Save(part.clone()));
        }
    }

    fn take_apart(&self, reduced: &Bound<'py, PyTuple>) -> Result<Reduced<'py>, Raised> {
        let fail = |message: &str| Err(self.pickling_error(message));
        if !(2..=6).contains(&reduced.len()) {
            return fail("tuple returned by __reduce__ must contain 2 through 6 elements");
        }
        let part = |at: usize| match reduced.len() {
            len if at < len => reduced.get_item(at).ok().filter(|part| !part.is_none()),
            _ => None,
        };
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

    fn save_making(&mut self, reduced: &Reduced<'py>, object: Option<&Object<'py>>) -> Saved {
        if self.protocol >= 2
            && let Some(name) = compat::attribute(&reduced.callable, intern!(self.py, "__name__"))?
            && let Ok(name) = name.cast::<PyString>()
        {
            if name == "__newobj_ex__" {
                return self.save_new_with_keywords(&reduced.arguments);
            }
            if name == "__newobj__" {
                return self.save_new(&reduced.arguments, object);
            }
        }
        self.save_call(&reduced.callable, reduced.arguments.as_any(), code!(Reduce))
    }

    /// Writes what is called, its arguments, and the opcode that does it.
    fn save_call(
        &mut self,
        callable: &Object<'py>,
        arguments: &Object<'py>,
        code: [u8; 1],
    ) -> Saved {
        self.later(Task::Op(code));
        self.later(Task::Save(arguments.clone()));
        self.save(callable)
    }

    fn save_new(&mut self, arguments: &Bound<'py, PyTuple>, object: Option<&Object<'py>>) -> Saved {
        if arguments.is_empty() {
            return Err(self.pickling_error("__newobj__ arglist is empty"));
        }
        let class = arguments.get_item(0)?;
        if compat::attribute(&class, intern!(self.py, "__new__"))?.is_none() {
            return Err(self.pickling_error("args[0] from __newobj__ args has no __new__"));
        }
        if let Some(object) = object
            && !object.getattr(intern!(self.py, "__class__"))?.is(&class)
        {
            let message = "args[0] from __newobj__ args has the wrong class";
            return Err(self.pickling_error(message));
        }
        let arguments = arguments.get_slice(1, arguments.len());
        self.save_call(&class, arguments.as_any(), code!(NewObj))
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
        if !keywords.is_instance_of::<PyDict>() {
            return fail(format!(
                "third item from NEWOBJ_EX argument tuple must be a dict, not {}",
                found(&keywords)?
            ));
        }
        if self.protocol >= 4 {
            self.later(Task::Op(code!(NewObjEx)));
            self.later(Task::Save(keywords));
            self.later(Task::Save(arguments.clone().into_any()));
            return self.save(&class);
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
        self.save_call(&partial, PyTuple::empty(py).as_any(), code!(Reduce))
    }
}
