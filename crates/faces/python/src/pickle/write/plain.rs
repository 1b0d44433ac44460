//! Instances that are nothing but their attributes: what `object.__reduce_ex__` would say of them is
//! known without asking.

use std::collections::HashMap;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyDict, PyType};

use super::tasks::Task;
use super::{Object, Pickler, Raised, code};
use crate::compat;

/// What was found out about classes: by address, with the version of the class it is true of.
#[derive(Default)]
pub(super) struct Plain {
    known: HashMap<usize, (u32, bool)>,
    last: (usize, u32, bool),
}

/// What makes `object.__reduce_ex__` call code, or look elsewhere than in the attributes.
const OVERRIDDEN: [&str; 3] = ["__reduce_ex__", "__reduce__", "__getstate__"];
const ADDED: [&str; 2] = ["__getnewargs_ex__", "__getnewargs__"];

impl<'py> Pickler<'_, 'py> {
    /// Writes an instance of a class that was written before, if it is a plain one.
    pub(super) fn save_plain(
        &mut self,
        object: &Object<'py>,
        class: *mut ffi::PyTypeObject,
    ) -> Result<bool, Raised> {
        if !compat::KNOWN_LAYOUT || self.protocol < 2 || self.options.persistent_id.is_some() {
            return Ok(false);
        }
        if self.memo.get(class.cast()).is_none() || !self.is_plain(class)? {
            return Ok(false);
        }
        // SAFETY: a plain class has instances with a dictionary, made here if there was none.
        let attributes = unsafe {
            let attributes = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
            Bound::from_owned_ptr_or_err(self.py, attributes)?.cast_into_unchecked::<PyDict>()
        };
        if has_special_names(&attributes) {
            return Ok(false);
        }
        self.leaf(class.cast())?;
        self.out.boundary()?;
        self.op(code!(EmptyTuple))?;
        self.op(code!(NewObj))?;
        self.put(object.as_ptr())?;
        if attributes.is_empty() {
            return Ok(true);
        }
        self.later(Task::Op(code!(Build)));
        self.save(attributes.as_any())?;
        Ok(true)
    }

    /// Whether the instances of a class are plain; asked again when the class was changed.
    fn is_plain(&mut self, class: *mut ffi::PyTypeObject) -> PyResult<bool> {
        // SAFETY: the type of an object that is alive.
        let version = unsafe { (*class).tp_version_tag };
        let (known, known_version, answer) = self.plain.last;
        if known == class.addr() && known_version == version && version != 0 {
            return Ok(answer);
        }
        let answer = match self.plain.known.get(&class.addr()) {
            Some(&(known_version, answer)) if known_version == version && version != 0 => answer,
            _ => {
                // SAFETY: as above.
                let object = unsafe { Bound::from_borrowed_ptr(self.py, class.cast()) };
                let answer = is_plain(&object)?;
                // Looking gave it a version, if it had none.
                // SAFETY: as above.
                let version = unsafe { (*class).tp_version_tag };
                self.plain.known.insert(class.addr(), (version, answer));
                answer
            }
        };
        self.plain.last = (class.addr(), version, answer);
        Ok(answer)
    }
}

fn is_plain(class: &Object<'_>) -> PyResult<bool> {
    let py = class.py();
    if !class.get_type().is(py.get_type::<PyType>()) || !has_plain_layout(class) {
        return Ok(false);
    }
    let object = py.get_type::<PyAny>();
    for name in OVERRIDDEN {
        if !class.getattr(name)?.is(&object.getattr(name)?) {
            return Ok(false);
        }
    }
    for name in ADDED {
        if class.hasattr(name)? {
            return Ok(false);
        }
    }
    let mut names = Vec::new();
    for base in class.getattr("__mro__")?.try_iter()? {
        let own = base?.getattr("__dict__")?;
        names.extend(own.get_item("__slotnames__").ok().filter(|names| !names.is_none()));
        let shadowed = own.get_item("__dict__").is_ok_and(|found| !is_getset(&found))
            || own.get_item("__class__").is_ok_and(|found| !is_getset(&found));
        if shadowed {
            return Ok(false);
        }
    }
    Ok(names.iter().all(|names| names.len().is_ok_and(|len| len == 0)))
}

fn is_getset(descriptor: &Object<'_>) -> bool {
    descriptor.get_type().name().is_ok_and(|name| name == "getset_descriptor")
}

/// Whether instances are an `object` with a dictionary of attributes, and found in the usual way.
fn has_plain_layout(class: &Object<'_>) -> bool {
    const MANAGED_DICT: std::ffi::c_ulong = 1 << 4;
    let class = class.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: a type, of a version whose flags are known.
    unsafe {
        let weak = isize::from((*class).tp_weaklistoffset > 0) * size_of::<usize>().cast_signed();
        let without_slots = ffi::PyBaseObject_Type.tp_basicsize + weak;
        (*class).tp_basicsize == without_slots
            && (*class).tp_itemsize == 0
            && compat::type_flags(class) & MANAGED_DICT != 0
            && (*class).tp_new.is_some()
            && (*class).tp_getattro.is_some_and(|get| {
                get as usize == ffi::PyObject_GenericGetAttr as *const () as usize
            })
    }
}

/// Whether an instance has attributes of its own of the names that are looked up on it.
fn has_special_names(attributes: &Bound<'_, PyDict>) -> bool {
    let (mut key, mut position) = (std::ptr::null_mut(), 0);
    // SAFETY: a dictionary, which no code changes meanwhile; keys are only looked at.
    unsafe {
        let dict = attributes.as_ptr();
        while ffi::PyDict_Next(dict, &raw mut position, &raw mut key, std::ptr::null_mut()) != 0 {
            let plain = ffi::PyUnicode_CheckExact(key) != 0
                && compat::compact_ascii(key).is_none_or(|name| !name.starts_with("__"));
            if !plain {
                return true;
            }
        }
    }
    false
}
