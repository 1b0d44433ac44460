//! Messages as Python objects, built straight from the bytes.

use std::cell::Cell;
use std::ptr;

use cannery_core::{Error, ErrorKind, Result};
use cannery_protobuf::{EntryValue, Field, MessageId, Packed, Scalar, Target, WellKnown};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use super::scalars::to_python;
use super::schema::{ProtoSchema, UNKNOWN};
use super::well_known;
use crate::compat;
use crate::construct::make;
use crate::errors::from_exception;
use crate::memory::{self, Name};
use crate::stack;

/// What messages become.
#[derive(Clone, Copy)]
pub(super) struct DecodeMode<'b> {
    /// Instances of their dataclasses, not dictionaries.
    pub(super) as_class: bool,
    /// Fields that are not set are there, with their defaults.
    pub(super) defaults: bool,
    /// Enums are numbers, not names.
    pub(super) enum_numbers: bool,
    pub(super) budget: &'b Budget,
}

/// What a message may cost besides its bytes: a schema of a stranger can make each of them dear.
pub(super) struct Budget {
    /// Attributes and keys that are there although no byte stands for them.
    unset: Cell<u64>,
    /// Steps of going through the fields of a oneof, and bytes that are moved once more.
    steps: Cell<u64>,
    /// Messages of type `Any` that are being decoded within each other.
    anys: Cell<usize>,
}

/// A message within an `Any`, while it is decoded.
pub(super) struct InsideAny<'b>(&'b Cell<usize>);

impl Drop for InsideAny<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Budget {
    pub(super) fn of(length: usize) -> Self {
        let length = length as u64;
        let unset = (1 << 20) + length.saturating_mul(16);
        let steps = (1 << 26) + length.saturating_mul(256);
        Self { unset: Cell::new(unset), steps: Cell::new(steps), anys: Cell::new(0) }
    }

    fn take(left: &Cell<u64>, count: usize, of: &str) -> Result<()> {
        let Some(rest) = left.get().checked_sub(count as u64) else {
            let message = format!("the message needs too many {of} for its size");
            return Err(Error::new(ErrorKind::Limit, message));
        };
        left.set(rest);
        Ok(())
    }

    /// `None` where so many are within each other already that the bytes of one more stay bytes: each
    /// of them copies what is in it.
    pub(super) fn enter_any(&self) -> Option<InsideAny<'_>> {
        const DEEPEST: usize = 100;
        (self.anys.get() < DEEPEST).then(|| {
            self.anys.set(self.anys.get() + 1);
            InsideAny(&self.anys)
        })
    }

    #[inline]
    fn take_unset(&self, count: usize) -> Result<()> {
        Self::take(&self.unset, count, "fields that are not set")
    }

    #[inline]
    pub(super) fn take_steps(&self, count: usize) -> Result<()> {
        Self::take(&self.steps, count, "steps to put fields together that come in pieces")
    }
}

/// What is left of the stack for one message more, with all that is called for it.
const ROOM: usize = 24 << 10;

/// Refuses to go deeper where the stack ends, whatever depth was asked for.
pub(super) fn check_room() -> Result<()> {
    if stack::room() >= ROOM {
        return Ok(());
    }
    let message = "messages are nested deeper than the stack of this thread allows";
    Err(Error::new(ErrorKind::Depth, message))
}

/// Builds dictionaries; those of dataclasses become the instances' own.
pub(super) struct PyTarget<'py, 's> {
    py: Python<'py>,
    schema: &'s ProtoSchema,
    mode: DecodeMode<'s>,
    /// The list that was appended to last, the field's slot and the dictionary that it is in: a
    /// repeated field mostly comes in one piece.
    last: (*mut ffi::PyObject, usize, *mut ffi::PyObject),
}

impl<'py, 's> PyTarget<'py, 's> {
    pub(super) fn new(py: Python<'py>, schema: &'s ProtoSchema, mode: DecodeMode<'s>) -> Self {
        Self { py, schema, mode, last: (ptr::null_mut(), 0, ptr::null_mut()) }
    }

    #[inline]
    fn name(&self, field: &Field) -> &'s Bound<'py, PyString> {
        let names = if self.mode.as_class { &self.schema.attributes } else { &self.schema.keys };
        names[field.slot()].bind(self.py)
    }

    #[inline]
    fn key(&self, field: &Field) -> *mut ffi::PyObject {
        self.name(field).as_ptr()
    }

    #[inline]
    fn convert(&self, field: &Field, value: Scalar<'_>) -> Result<Bound<'py, PyAny>> {
        if let Scalar::Enum(number) = value {
            let made = self.schema.enum_value(self.py, field, number, self.mode.enum_numbers);
            return made.map_err(from_exception);
        }
        to_python(self.py, value).map_err(from_exception)
    }

    /// Sets an entry of a dictionary.
    #[inline]
    fn set(
        &self,
        dict: &Bound<'py, PyDict>,
        field: &Field,
        value: &Bound<'py, PyAny>,
    ) -> Result<()> {
        // SAFETY: a dictionary, an interned key and a value, all alive; the interpreter is held.
        let done = unsafe { compat::set_entry(dict.as_ptr(), self.key(field), value.as_ptr()) };
        if done == 0 { Ok(()) } else { Err(self.raised()) }
    }

    #[cold]
    fn raised(&self) -> Error {
        from_exception(PyErr::fetch(self.py))
    }

    /// The list of a repeated field, borrowed from the dictionary that it is in.
    #[inline]
    fn list(&mut self, dict: &Bound<'py, PyDict>, field: &Field) -> Result<*mut ffi::PyObject> {
        let (last_dict, slot, list) = self.last;
        if last_dict == dict.as_ptr() && slot == field.slot() {
            return Ok(list);
        }
        // SAFETY: a dictionary and a key, both alive; the entry is only borrowed while the
        // dictionary holds it, which nothing changes before the message ends.
        let mut list = unsafe { ffi::PyDict_GetItemWithError(dict.as_ptr(), self.key(field)) };
        if list.is_null() {
            let new = memory::new_list(self.py).map_err(from_exception)?;
            self.set(dict, field, new.as_any())?;
            list = new.as_ptr();
        }
        // SAFETY: the entry is alive, for the dictionary holds it.
        if unsafe { ffi::PyList_CheckExact(list) } == 0 {
            let message = format!("the template of a class holds no list for `{}`", field.name());
            return Err(Error::new(ErrorKind::Type, message));
        }
        self.last = (dict.as_ptr(), field.slot(), list);
        Ok(list)
    }

    #[inline]
    fn append(
        &mut self,
        dict: &Bound<'py, PyDict>,
        field: &Field,
        value: &Bound<'py, PyAny>,
    ) -> Result<()> {
        let list = self.list(dict, field)?;
        // SAFETY: the list is alive, for the dictionary holds it.
        let done = unsafe { ffi::PyList_Append(list, value.as_ptr()) };
        if done == 0 { Ok(()) } else { Err(self.raised()) }
    }

    /// Removes the other members of a field's oneof.
    #[inline]
    fn clear_oneof(&self, dict: &Bound<'py, PyDict>, field: &Field) -> Result<()> {
        match field.oneof() {
            Some(oneof) if !dict.is_empty() => self.clear_others(dict, field, oneof),
            _ => Ok(()),
        }
    }

    fn clear_others(&self, dict: &Bound<'py, PyDict>, field: &Field, oneof: usize) -> Result<()> {
        let Some(containing) = field.containing() else { return Ok(()) };
        let message_type = self.schema.pool.message_type(containing);
        self.mode.budget.take_steps(message_type.members(oneof).count())?;
        for other in message_type.members(oneof) {
            let key = self.name(other);
            if other.number() == field.number() || !dict.contains(key).map_err(from_exception)? {
                continue;
            }
            let removed = if self.mode.as_class {
                dict.set_item(key, self.py.None())
            } else {
                dict.del_item(key)
            };
            removed.map_err(from_exception)?;
        }
        Ok(())
    }

    /// The finished form of a message: an instance, or what a well-known message stands for.
    pub(super) fn wrap(
        &self,
        of: MessageId,
        dict: Bound<'py, PyDict>,
    ) -> Result<Bound<'py, PyAny>> {
        let kind = self.schema.pool.message_type(of).well_known();
        if kind != WellKnown::None {
            let made = well_known::from_dict(self.py, self.schema, self.mode, kind, of, &dict);
            if let Some(value) = made.map_err(from_exception)? {
                return Ok(value);
            }
        }
        if !self.mode.as_class {
            return Ok(dict.into_any());
        }
        self.instance(of, dict).map_err(from_exception)
    }

    fn instance(&self, of: MessageId, dict: Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        let Some(class) = self.schema.class_of(of) else { return Ok(dict.into_any()) };
        let class = class.class.bind(self.py);
        // SAFETY: `object.__new__` of a class that was generated by us and has a `__dict__`.
        let made = unsafe {
            let made = ffi::PyType_GenericAlloc(class.as_type_ptr(), 0);
            Bound::from_owned_ptr_or_err(self.py, made)?
        };
        make::set_attributes(&made, dict.as_any())?;
        Ok(made)
    }

    /// The dictionary that holds what was decoded of a message before.
    fn reopen(&self, of: MessageId, there: Bound<'py, PyAny>) -> Result<Bound<'py, PyDict>> {
        if let Ok(dict) = there.cast::<PyDict>()
            && self.schema.pool.message_type(of).well_known() == WellKnown::None
        {
            return Ok(dict.clone());
        }
        let kind = self.schema.pool.message_type(of).well_known();
        if kind == WellKnown::None {
            let dict = there.getattr(Name("__dict__")).map_err(from_exception)?;
            return dict.cast_into::<PyDict>().map_err(|error| from_exception(error.into()));
        }
        well_known::to_dict(self.py, self.schema, self.mode, of, &there).map_err(from_exception)
    }
}

impl<'py> Target for PyTarget<'py, '_> {
    type Message = Bound<'py, PyDict>;

    #[inline]
    fn start(&mut self, of: MessageId) -> Result<Bound<'py, PyDict>> {
        check_room()?;
        if !self.mode.as_class {
            return memory::new_dict(self.py).map_err(from_exception);
        }
        let Some(class) = self.schema.class_of(of) else {
            return memory::new_dict(self.py).map_err(from_exception);
        };
        let template = class.template.bind(self.py);
        self.mode.budget.take_unset(template.len() + class.lists.len() + class.maps.len())?;
        let dict = template.copy().map_err(from_exception)?;
        for name in &class.lists {
            let list = memory::new_list(self.py);
            list.and_then(|list| dict.set_item(name, list)).map_err(from_exception)?;
        }
        for name in &class.maps {
            let map = memory::new_dict(self.py);
            map.and_then(|map| dict.set_item(name, map)).map_err(from_exception)?;
        }
        Ok(dict)
    }

    #[inline]
    fn scalar(
        &mut self,
        message: &mut Bound<'py, PyDict>,
        field: &Field,
        value: Scalar<'_>,
    ) -> Result<()> {
        if field.is_list() {
            let value = self.convert(field, value)?;
            return self.append(message, field, &value);
        }
        self.clear_oneof(message, field)?;
        if !field.has_presence() && is_zero(value) && !self.mode.as_class && !self.mode.defaults {
            let key = self.name(field);
            if message.contains(key).map_err(from_exception)? {
                message.del_item(key).map_err(from_exception)?;
            }
            return Ok(());
        }
        let value = self.convert(field, value)?;
        self.set(message, field, &value)
    }

    fn packed(
        &mut self,
        message: &mut Bound<'py, PyDict>,
        field: &Field,
        values: &mut Packed<'_>,
    ) -> Result<()> {
        if values.as_bytes().is_empty() {
            return Ok(());
        }
        let list = self.list(message, field)?;
        // SAFETY: the list is alive, for the dictionary holds it.
        let is_new = unsafe { ffi::PyList_GET_SIZE(list) } == 0;
        if !is_new {
            while let Some(value) = values.next_value()? {
                let value = self.convert(field, value)?;
                self.append(message, field, &value)?;
            }
            return Ok(());
        }
        let count = values.count();
        // SAFETY: a new list of `count` places, each filled once before others see it.
        let list = unsafe {
            let list = ffi::PyList_New(count.cast_signed());
            let list = Bound::from_owned_ptr_or_err(self.py, list).map_err(from_exception)?;
            let mut index = 0;
            let mut put = |value: Result<Bound<'py, PyAny>>| {
                if index == count {
                    return Err(self.raised());
                }
                ffi::PyList_SET_ITEM(list.as_ptr(), index.cast_signed(), value?.into_ptr());
                index += 1;
                Ok(())
            };
            let py = self.py;
            if values.are_integers() {
                values.integers(|value| put(make::int(py, value).map_err(from_exception)))?;
            } else if !values.floats(|value| put(make::float(py, value).map_err(from_exception)))? {
                while let Some(value) = values.next_value()? {
                    put(self.convert(field, value))?;
                }
            }
            list
        };
        self.set(message, field, &list)?;
        self.last = (message.as_ptr(), field.slot(), list.as_ptr());
        Ok(())
    }

    fn open(
        &mut self,
        message: &mut Bound<'py, PyDict>,
        field: &Field,
        of: MessageId,
    ) -> Result<Bound<'py, PyDict>> {
        if !field.is_list() {
            self.clear_oneof(message, field)?;
            let key = self.name(field);
            let there = message.get_item(key).map_err(from_exception)?;
            if let Some(there) = there.filter(|there| !there.is_none()) {
                check_room()?;
                return self.reopen(of, there);
            }
        }
        self.start(of)
    }

    fn close(
        &mut self,
        message: &mut Bound<'py, PyDict>,
        field: &Field,
        child: Bound<'py, PyDict>,
    ) -> Result<()> {
        let of = field.message().expect("a field of messages has their type");
        let value = self.wrap(of, child)?;
        if field.is_list() {
            self.append(message, field, &value)
        } else {
            self.set(message, field, &value)
        }
    }

    fn entry(
        &mut self,
        message: &mut Bound<'py, PyDict>,
        field: &Field,
        key: Scalar<'_>,
        value: EntryValue<'_, Bound<'py, PyDict>>,
    ) -> Result<()> {
        let (key_field, value_field) = self.schema.pool.map_entry(field);
        let key = self.convert(key_field, key)?;
        let value = match value {
            EntryValue::Scalar(value) => self.convert(value_field, value)?,
            EntryValue::Message(child) => {
                let of = value_field.message().expect("a map of messages has their type");
                self.wrap(of, child)?
            }
        };
        let name = self.name(field);
        let map = if let Some(map) = message.get_item(name).map_err(from_exception)? {
            map.cast_into::<PyDict>().map_err(|error| from_exception(error.into()))?
        } else {
            let map = memory::new_dict(self.py).map_err(from_exception)?;
            self.set(message, field, map.as_any())?;
            map
        };
        map.set_item(key, value).map_err(from_exception)
    }

    #[cold]
    fn unknown(&mut self, message: &mut Bound<'py, PyDict>, records: &[u8]) -> Result<()> {
        let name = if self.mode.as_class { "_unknown" } else { UNKNOWN };
        let before = message.get_item(name).map_err(from_exception)?;
        let mut all = match before {
            Some(before) => {
                let before =
                    before.cast::<PyBytes>().map_err(|error| from_exception(error.into()))?;
                self.mode.budget.take_steps(before.as_bytes().len() / 4)?;
                before.as_bytes().to_vec()
            }
            None => Vec::new(),
        };
        all.extend_from_slice(records);
        let all = memory::new_bytes(self.py, &all);
        all.and_then(|all| message.set_item(name, all)).map_err(from_exception)
    }

    #[inline]
    fn finish(&mut self, message: &mut Bound<'py, PyDict>, of: MessageId) -> Result<()> {
        // The dictionary may be gone before the next one is made in its place.
        self.last = (ptr::null_mut(), 0, ptr::null_mut());
        if self.mode.defaults && !self.mode.as_class {
            self.mode.budget.take_unset(self.schema.pool.message_type(of).fields().len())?;
            self.fill(message, of).map_err(from_exception)?;
        }
        Ok(())
    }
}

impl<'py> PyTarget<'py, '_> {
    /// Sets what is not set to its default; messages and members of oneofs stay away.
    fn fill(&self, message: &Bound<'py, PyDict>, of: MessageId) -> PyResult<()> {
        let message_type = self.schema.pool.message_type(of);
        if message_type.well_known() != WellKnown::None {
            return Ok(());
        }
        for field in message_type.fields() {
            let key = self.name(field);
            let is_left = field.oneof().is_some()
                || (field.message().is_some() && !field.is_list() && !field.is_map());
            if is_left || message.contains(key)? {
                continue;
            }
            if field.is_list() {
                message.set_item(key, memory::new_list(self.py)?)?;
            } else if field.is_map() {
                message.set_item(key, memory::new_dict(self.py)?)?;
            } else if field.enumeration().is_some() && self.mode.enum_numbers {
                message.set_item(key, self.schema.pool.default_number(field))?;
            } else {
                message.set_item(key, self.schema.default_of(self.py, field)?)?;
            }
        }
        Ok(())
    }
}

pub(super) fn is_zero(value: Scalar<'_>) -> bool {
    match value {
        Scalar::I32(value) | Scalar::Enum(value) => value == 0,
        Scalar::I64(value) => value == 0,
        Scalar::U32(value) => value == 0,
        Scalar::U64(value) => value == 0,
        Scalar::F32(value) => value.to_bits() == 0,
        Scalar::F64(value) => value.to_bits() == 0,
        Scalar::Bool(value) => !value,
        Scalar::Text(text) => text.is_empty(),
        Scalar::LooseText(bytes) | Scalar::Bytes(bytes) => bytes.is_empty(),
    }
}
