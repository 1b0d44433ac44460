//! Python objects as messages: dictionaries, dataclasses, and anything with the attributes.

use std::borrow::Cow;

use cannery_core::{Error, ErrorKind, Result, Segment};
use cannery_protobuf::{
    Cardinality, Field, MessageId, Value, WellKnown, sort_entries, write_message_set_item,
    write_nested, write_scalar,
};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyMapping, PyString, PyTuple};

use super::decode::check_room;
use super::scalars::{with_scalar, wrong_type};
use super::schema::{ProtoSchema, UNKNOWN, attribute_of};
use super::well_known;
use crate::errors::{OrRaise, from_exception};
use crate::memory;

/// Messages inside each other, at most: a cycle ends here.
const DEPTH: usize = 100;

pub(super) struct PyEncoder<'py, 's> {
    pub(super) schema: &'s ProtoSchema,
    pub(super) py: Python<'py>,
    pub(super) deterministic: bool,
    /// Required fields may be missing.
    pub(super) partial: bool,
}

impl<'py> PyEncoder<'py, '_> {
    pub(super) fn encode(&self, of: MessageId, value: &Bound<'py, PyAny>) -> PyResult<Vec<u8>> {
        let mut out = Vec::new();
        let written = self.message(of, value, &mut out, DEPTH);
        written.map_err(with_path_before).or_raise(self.py)?;
        Ok(out)
    }

    /// The fields of a message, without anything around them.
    pub(super) fn message(
        &self,
        of: MessageId,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if depth == 0 {
            let message = format!("messages are nested deeper than {DEPTH} levels");
            return Err(Error::new(ErrorKind::Depth, message));
        }
        check_room()?;
        let kind = self.schema.pool.message_type(of).well_known();
        if kind != WellKnown::None
            && let Some(dict) = well_known::plain(self, kind, of, value)?
        {
            return self.dict(of, &dict, out, depth);
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            return self.dict(of, dict, out, depth);
        }
        if let Ok(mapping) = value.cast::<PyMapping>() {
            let dict = memory::new_dict(self.py).map_err(from_exception)?;
            dict.update(mapping).map_err(from_exception)?;
            return self.dict(of, &dict, out, depth);
        }
        self.object(of, value, out, depth)
    }

    fn dict(
        &self,
        of: MessageId,
        dict: &Bound<'py, PyDict>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let message_type = self.schema.pool.message_type(of);
        let mut found = 0;
        for &(_, position) in message_type.by_number() {
            let field = &message_type.fields()[position as usize];
            let key = self.schema.keys[field.slot()].as_ptr();
            // SAFETY: a dictionary and an interned key; the value is borrowed from it, and owned
            // before anything else happens.
            let value = unsafe {
                let value = ffi::PyDict_GetItemWithError(dict.as_ptr(), key);
                Bound::from_borrowed_ptr_or_opt(self.py, value)
            };
            let Some(value) = value else { continue };
            found += 1;
            self.field(of, field, &value, out, depth)?;
        }
        if found < dict.len() {
            self.others(of, dict, out, depth)?;
        }
        self.check_required(of, |field| {
            let key = self.schema.keys[field.slot()].bind(self.py);
            dict.get_item(key).is_ok_and(|value| value.is_some_and(|value| !value.is_none()))
        })?;
        self.check_oneofs(of, |field| {
            let key = self.schema.keys[field.slot()].bind(self.py);
            dict.get_item(key).is_ok_and(|value| value.is_some_and(|value| !value.is_none()))
        })
    }

    /// Entries that are no fields: extensions, unknown fields, names in JSON, and mistakes.
    fn others(
        &self,
        of: MessageId,
        dict: &Bound<'py, PyDict>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let pool = &self.schema.pool;
        let message_type = pool.message_type(of);
        let mut unknown = None;
        let mut extensions = Vec::new();
        for (key, value) in dict {
            let Ok(name) = key.cast::<PyString>() else {
                return Err(wrong_type("the name of a field as key", &key));
            };
            let name = name.to_string_lossy();
            if message_type.field_by_name(&name).is_some() {
                continue;
            }
            if name == UNKNOWN {
                unknown = Some(value);
                continue;
            }
            let extension = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
            let extension = extension.and_then(|full| pool.extension(full));
            match extension.filter(|field| field.containing() == Some(of)) {
                Some(field) => extensions.push((field, value)),
                None => return Err(self.no_field(of, &name)),
            }
        }
        extensions.sort_by_key(|(field, _)| field.number());
        for (field, value) in extensions {
            self.field(of, field, &value, out, depth)?;
        }
        if let Some(unknown) = unknown {
            let bytes = unknown
                .cast::<PyBytes>()
                .map_err(|_| wrong_type("bytes", &unknown).inside(Segment::Key(UNKNOWN.into())))?;
            out.extend_from_slice(bytes.as_bytes());
        }
        Ok(())
    }

    #[cold]
    fn no_field(&self, of: MessageId, name: &str) -> Error {
        let message_type = self.schema.pool.message_type(of);
        let message = format!("{} has no field `{name}`", message_type.full_name());
        let error = Error::new(ErrorKind::Value, message);
        match message_type.fields().iter().find(|field| field.json_name() == name) {
            Some(field) => {
                error.with_hint(format!("it is called `{}` here, `{name}` in JSON", field.name()))
            }
            None => error,
        }
    }

    /// Attributes of any object; those that are missing or `None` are not set.
    fn object(
        &self,
        of: MessageId,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let message_type = self.schema.pool.message_type(of);
        if value.is_instance_of::<PyString>()
            || value.is_none()
            || value.hasattr("__index__").unwrap_or(false)
        {
            return Err(wrong_type(message_type.full_name(), value));
        }
        // A message of Google's library says which of its fields are set.
        if value.hasattr("SerializePartialToString").unwrap_or(false) {
            let bytes = value.call_method0("SerializePartialToString").map_err(from_exception)?;
            out.extend_from_slice(&bytes.extract::<Vec<u8>>().map_err(from_exception)?);
            return Ok(());
        }
        let mut is_any = message_type.fields().is_empty();
        let mut set = vec![false; message_type.fields().len()];
        for &(_, position) in message_type.by_number() {
            let field = &message_type.fields()[position as usize];
            let attribute = self.attribute(value, field)?;
            let Some(attribute) = attribute else { continue };
            is_any = true;
            if attribute.is_none() {
                continue;
            }
            set[position as usize] = true;
            self.field(of, field, &attribute, out, depth)?;
        }
        if !is_any {
            return Err(wrong_type(message_type.full_name(), value));
        }
        if let Ok(unknown) = value.getattr("_unknown")
            && let Ok(bytes) = unknown.cast::<PyBytes>()
        {
            out.extend_from_slice(bytes.as_bytes());
        }
        let is_set = |field: &Field| {
            let position =
                message_type.fields().iter().position(|other| std::ptr::eq(other, field));
            position.is_some_and(|position| set[position])
        };
        self.check_required(of, is_set)?;
        self.check_oneofs(of, is_set)
    }

    fn attribute(
        &self,
        value: &Bound<'py, PyAny>,
        field: &Field,
    ) -> Result<Option<Bound<'py, PyAny>>> {
        // An object has `__init__`, whatever its fields are.
        if !(field.name().starts_with("__") && field.name().ends_with("__")) {
            let key = self.schema.keys[field.slot()].bind(self.py);
            let found = value.getattr_opt(key).map_err(from_exception)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        // Words and names of Python's own have underscores behind them.
        let name = attribute_of(field.name());
        let name = if name == field.name() { Cow::Owned(format!("{name}_")) } else { name };
        value.getattr_opt(&*name).map_err(from_exception)
    }

    fn check_required(&self, of: MessageId, is_set: impl Fn(&Field) -> bool) -> Result<()> {
        let message_type = self.schema.pool.message_type(of);
        if self.partial || !message_type.has_required() {
            return Ok(());
        }
        for field in message_type.fields() {
            if field.cardinality() == Cardinality::Required && !is_set(field) {
                let message = format!("the required field `{}` is not set", field.name());
                let error = Error::new(ErrorKind::Value, message);
                return Err(error.with_hint("pass `partial=True` to write it all the same"));
            }
        }
        Ok(())
    }

    fn check_oneofs(&self, of: MessageId, is_set: impl Fn(&Field) -> bool) -> Result<()> {
        let message_type = self.schema.pool.message_type(of);
        for (position, oneof) in message_type.oneofs().iter().enumerate() {
            if oneof.is_synthetic() {
                continue;
            }
            let mut set = message_type.members(position).filter(|field| is_set(field));
            if let (Some(first), Some(second)) = (set.next(), set.next()) {
                let message = format!(
                    "expected one field of oneof `{}`, got `{}` and `{}`",
                    oneof.name(),
                    first.name(),
                    second.name()
                );
                return Err(Error::new(ErrorKind::Value, message));
            }
        }
        Ok(())
    }

    fn field(
        &self,
        of: MessageId,
        field: &Field,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if value.is_none() && !self.takes_none(field) {
            return Ok(());
        }
        let written = match field.cardinality() {
            Cardinality::Repeated => self.list(field, value, out, depth),
            Cardinality::Map => self.map(field, value, out, depth),
            _ if field.is_extension() && self.schema.pool.message_type(of).is_message_set() => {
                let of = field.message().expect("message sets hold messages");
                write_message_set_item(out, field, |out| self.message(of, value, out, depth - 1))
            }
            _ => self.single(field, value, out, depth),
        };
        written.map_err(|error| {
            let name = if field.is_extension() { field.json_name() } else { field.name() };
            error.inside(Segment::Key(name.into()))
        })
    }

    /// Whether `None` is a value: that of `google.protobuf.Value` or `NullValue`.
    fn takes_none(&self, field: &Field) -> bool {
        let pool = &self.schema.pool;
        let is_value = field
            .message()
            .is_some_and(|id| pool.message_type(id).well_known() == WellKnown::Value);
        is_value && !field.is_list() && !field.is_map()
    }

    #[inline]
    fn single(
        &self,
        field: &Field,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if let Some(of) = field.message() {
            return write_nested(out, field, |out| self.message(of, value, out, depth - 1));
        }
        with_scalar(self.schema, field, value, |scalar| {
            if field.has_presence() || !super::decode::is_zero(scalar) {
                write_scalar(out, field, scalar, true);
            }
        })
    }

    fn element(
        &self,
        field: &Field,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if let Some(of) = field.message() {
            return write_nested(out, field, |out| self.message(of, value, out, depth - 1));
        }
        let tagged = !field.is_packed();
        with_scalar(self.schema, field, value, |scalar| write_scalar(out, field, scalar, tagged))
    }

    fn list(
        &self,
        field: &Field,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if field.is_packed() {
            let start = out.len();
            write_nested(out, field, |out| {
                each(field, value, |item| self.element(field, item, out, depth))
            })?;
            if is_empty(&out[start..]) {
                out.truncate(start);
            }
            return Ok(());
        }
        each(field, value, |item| self.element(field, item, out, depth))
    }

    fn map(
        &self,
        field: &Field,
        value: &Bound<'py, PyAny>,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        let (key_field, value_field) = self.schema.pool.map_entry(field);
        let Ok(mapping) = value.cast::<PyMapping>() else {
            return Err(wrong_type("a dict", value));
        };
        let mut entries = Vec::new();
        for pair in mapping.items().map_err(from_exception)?.iter() {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) =
                pair.extract().map_err(from_exception)?;
            let shown = || key.str().map_or_else(|_| "key".into(), |key| key.to_string());
            let mut entry = Vec::new();
            write_nested(&mut entry, field, |out| {
                with_scalar(self.schema, key_field, &key, |key| {
                    write_scalar(out, key_field, key, true);
                })?;
                self.element(value_field, &value, out, depth)
            })
            .map_err(|error: Error| error.inside(Segment::Key(shown().as_str().into())))?;
            let key = with_scalar(self.schema, key_field, &key, |key| Value::from(key))?;
            entries.push((key, entry));
        }
        if self.deterministic {
            sort_entries(&mut entries);
        }
        for (_, entry) in &entries {
            out.extend_from_slice(entry);
        }
        Ok(())
    }
}

/// Calls `take` with every item of a list, tuple or other iterable.
fn each<'py>(
    field: &Field,
    value: &Bound<'py, PyAny>,
    mut take: impl FnMut(&Bound<'py, PyAny>) -> Result<()>,
) -> Result<()> {
    let at = |index: usize| move |error: Error| error.inside(Segment::Index(index as u64));
    if let Ok(list) = value.cast::<PyList>() {
        for (index, item) in list.iter().enumerate() {
            take(&item).map_err(at(index))?;
        }
        return Ok(());
    }
    if let Ok(tuple) = value.cast::<PyTuple>() {
        for (index, item) in tuple.iter().enumerate() {
            take(&item).map_err(at(index))?;
        }
        return Ok(());
    }
    let is_text = value.is_instance_of::<PyString>()
        || value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyDict>();
    let items = value.try_iter().ok().filter(|_| !is_text);
    let expected = || wrong_type(&format!("a list of {}", field.type_name()), value);
    for (index, item) in items.ok_or_else(expected)?.enumerate() {
        take(&item.map_err(from_exception)?).map_err(at(index))?;
    }
    Ok(())
}

/// Whether a record is a length of 0.
fn is_empty(record: &[u8]) -> bool {
    // The tag's last byte is the first without a high bit.
    let tag = record.iter().position(|byte| *byte < 0x80).unwrap_or(0);
    record[tag + 1..] == [0]
}

/// The path stands before the message, in the way of an attribute.
#[cold]
fn with_path_before(error: Error) -> Error {
    let path = error.path().to_string();
    let path = path.trim_start_matches('$').trim_start_matches('.');
    if path.is_empty() || error.kind() == ErrorKind::Host {
        return error;
    }
    let moved = Error::new(error.kind(), format!("{path}: {}", error.message()));
    match error.hint() {
        Some(hint) => moved.with_hint(hint.to_owned()),
        None => moved,
    }
}
