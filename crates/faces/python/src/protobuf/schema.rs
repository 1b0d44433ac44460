//! A compiled schema, and what belongs to it on Python's side: names as `str` objects, classes.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use cannery_core::{Error, ErrorKind};
use cannery_protobuf::{
    Cardinality, Compiler, DecodeOptions, EncodeOptions, Field, JsonOptions, JsonReadOptions,
    Message, MessageId, Pool, SchemaErrors, Sources, TextOptions, Value,
};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyType};

use super::decode::{Budget, DecodeMode, PyTarget, check_room};
use super::encode::PyEncoder;
use crate::compat::{self, CollectorPause};
use crate::errors::OrRaise;
use crate::memory::{self, Name};
use crate::msgpack::Data;

/// Messages of a compiled schema, by full name.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct ProtoSchema {
    pub(crate) pool: Pool,
    /// The keys of dictionaries, by slot.
    pub(super) keys: Vec<Py<PyString>>,
    /// The attributes of dataclasses, by slot.
    pub(super) attributes: Vec<Py<PyString>>,
    /// The names of enum values, by enum.
    pub(super) enum_names: Vec<HashMap<i32, Py<PyString>>>,
    /// The dataclass of each message, where one was made. See [`ProtoSchema::class_of`].
    classes: RwLock<HashMap<MessageId, Arc<DataClass>>>,
    /// What was compiled or in the descriptor set, their imports aside.
    files: Vec<String>,
}

/// A generated dataclass.
pub(super) struct DataClass {
    pub(super) class: Py<PyType>,
    /// Attributes of a new instance that need no object of their own.
    pub(super) template: Py<PyDict>,
    /// Attributes that begin as a new list or a new dictionary.
    pub(super) lists: Vec<Py<PyString>>,
    pub(super) maps: Vec<Py<PyString>>,
}

/// The attribute of a dataclass for a field. One of Python's keywords is none; what begins with two
/// underscores would be what Python or a library calls or follows, or has another name in a class.
pub(super) fn attribute_of(name: &str) -> Cow<'_, str> {
    if name.starts_with("__") {
        return Cow::Owned(format!("{name}___"));
    }
    match KEYWORDS.binary_search(&name) {
        Ok(_) => Cow::Owned(format!("{name}_")),
        Err(_) => Cow::Borrowed(name),
    }
}

/// Python's keywords, which are no attributes.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue",
    "def", "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import",
    "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while",
    "with", "yield",
];

/// The key of unknown fields in a dictionary.
pub(super) const UNKNOWN: &str = "@unknown";

#[cold]
fn schema_error(errors: SchemaErrors) -> Error {
    let first = errors.0.first().cloned();
    let error = Error::new(ErrorKind::Syntax, errors.to_string());
    match first.and_then(|first| first.pos) {
        Some(pos) => error.map_pos(|_| pos),
        None => error,
    }
}

#[pymethods]
impl ProtoSchema {
    /// Compiles `files`, which are looked for in the folders `include` and among `texts`; or reads
    /// the bytes of a descriptor set.
    #[new]
    fn new(
        py: Python<'_>,
        files: Vec<String>,
        include: Vec<PathBuf>,
        texts: HashMap<String, String>,
        descriptor_set: Option<Vec<u8>>,
    ) -> PyResult<Self> {
        let compiled = py.detach(|| compile(files, include, texts, descriptor_set));
        let (pool, files) = compiled.map_err(schema_error).or_raise(py)?;
        let keys = pool.all_fields().map(|field| {
            let name = if field.is_extension() { field.json_name() } else { field.name() };
            PyString::intern(py, name).unbind()
        });
        let attributes = pool.all_fields().map(|field| {
            let name = if field.is_extension() { field.json_name() } else { field.name() };
            PyString::intern(py, &attribute_of(name)).unbind()
        });
        let attributes = attributes.collect();
        let names = |(_, enumeration): (_, &cannery_protobuf::EnumType)| {
            let mut names = HashMap::new();
            for (name, number) in enumeration.values() {
                names.entry(number).or_insert_with(|| PyString::intern(py, name).unbind());
            }
            names
        };
        let (keys, enum_names) = (keys.collect(), pool.enums().map(names).collect());
        Ok(Self { pool, keys, attributes, enum_names, classes: RwLock::default(), files })
    }

    /// The full names of all messages.
    fn messages(&self) -> Vec<&str> {
        self.pool.messages().map(|(_, message)| message.full_name()).collect()
    }

    /// The bytes of a `FileDescriptorSet` of the schema's files and all that they import.
    fn descriptor_set<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        memory::new_bytes(py, &self.pool.descriptor_set_of(self.files.iter().map(String::as_str)))
    }

    /// The number by which the other methods know a message.
    fn message(&self, name: &str) -> PyResult<u32> {
        let id = self.pool.message(name);
        id.map(MessageId::index).ok_or_else(|| PyKeyError::new_err(name.to_owned()))
    }

    /// What a message has: dictionaries of its fields, oneofs and the like.
    fn describe<'py>(&self, py: Python<'py>, message: u32) -> PyResult<Bound<'py, PyDict>> {
        let message_type = self.pool.message_type(self.id(message)?);
        let described = memory::new_dict(py)?;
        described.set_item(Name("name"), message_type.full_name())?;
        let fields = memory::new_list(py)?;
        for field in message_type.fields() {
            fields.append(self.describe_field(py, field)?)?;
        }
        described.set_item(Name("fields"), fields)?;
        Ok(described)
    }

    /// The names and numbers of an enum.
    fn enum_values(&self, name: &str) -> PyResult<Vec<(&str, i32)>> {
        let id = self.pool.enumeration(name);
        let id = id.ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
        Ok(self.pool.enum_type(id).values().collect())
    }

    /// Sets the dataclass that messages are decoded into.
    fn set_class(
        &self,
        message: u32,
        class: Bound<'_, PyType>,
        template: Bound<'_, PyDict>,
        lists: Vec<Bound<'_, PyString>>,
        maps: Vec<Bound<'_, PyString>>,
    ) -> PyResult<()> {
        // Instances are allocated past its own functions.
        if !compat::is_made_by_object(class.as_any())? {
            return Err(PyTypeError::new_err("expected a class whose instances `object` makes"));
        }
        let unbind =
            |names: Vec<Bound<'_, PyString>>| names.into_iter().map(Bound::unbind).collect();
        let data_class = DataClass {
            class: class.unbind(),
            template: template.unbind(),
            lists: unbind(lists),
            maps: unbind(maps),
        };
        let id = self.id(message)?;
        let mut classes = self.classes.write().unwrap_or_else(PoisonError::into_inner);
        let old = classes.insert(id, Arc::new(data_class));
        // What the old class lets go of may run Python code, which may need the lock.
        drop(classes);
        drop(old);
        Ok(())
    }

    /// The classes hold the schema, by way of their messages.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // No Python code runs while a thread has the lock.
        let Ok(classes) = self.classes.try_read() else { return Ok(()) };
        classes.values().try_for_each(|class| {
            visit.call(&class.class)?;
            visit.call(&class.template)
        })
    }

    fn __clear__(&self) {
        let mut classes = self.classes.write().unwrap_or_else(PoisonError::into_inner);
        let let_go = std::mem::take(&mut *classes);
        drop(classes);
        drop(let_go);
    }

    /// Decodes a message: to a dictionary, or to an instance of its dataclass.
    #[expect(clippy::too_many_arguments, reason = "its options, as Python names them")]
    #[pyo3(signature = (message, data, *, as_class, defaults, enum_numbers, depth))]
    fn decode<'py>(
        &self,
        py: Python<'py>,
        message: u32,
        data: &Bound<'py, PyAny>,
        as_class: bool,
        defaults: bool,
        enum_numbers: bool,
        depth: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = Data::of(data)?;
        let budget = Budget::of(data.bytes().len());
        let mode = DecodeMode { as_class, defaults, enum_numbers, budget: &budget };
        self.decode_bytes(py, self.id(message)?, data.bytes(), mode, depth)
    }

    /// Decodes a message to a dictionary, without any option: small messages are read so.
    fn decode_plain<'py>(
        &self,
        py: Python<'py>,
        message: u32,
        data: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let data = Data::of(data)?;
        let budget = Budget::of(data.bytes().len());
        let mode =
            DecodeMode { as_class: false, defaults: false, enum_numbers: false, budget: &budget };
        let depth = DecodeOptions::default().depth;
        self.decode_bytes(py, self.id(message)?, data.bytes(), mode, depth)
    }

    /// Encodes a dictionary, a dataclass or any object with the attributes.
    #[pyo3(signature = (message, value, *, deterministic, partial))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        message: u32,
        value: &Bound<'py, PyAny>,
        deterministic: bool,
        partial: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let id = self.id(message)?;
        let out = PyEncoder { schema: self, py, deterministic, partial }.encode(id, value)?;
        memory::new_bytes(py, &out)
    }

    /// A message, given as its bytes, as JSON.
    #[expect(clippy::too_many_arguments, reason = "its options, as Python names them")]
    #[pyo3(signature = (message, data, *, defaults, proto_names, enum_numbers, indent))]
    fn bytes_to_json(
        &self,
        py: Python<'_>,
        message: u32,
        data: &[u8],
        defaults: bool,
        proto_names: bool,
        enum_numbers: bool,
        indent: usize,
    ) -> PyResult<String> {
        let id = self.id(message)?;
        let options = JsonOptions::default().defaults(defaults).proto_names(proto_names);
        let options = options.enum_numbers(enum_numbers).indent(indent);
        let json = py.detach(|| self.tree(id, data)?.to_json(&self.pool, options));
        json.or_raise(py)
    }

    /// A message, as bytes or as an object, as JSON without any option.
    fn plain_json(
        &self,
        py: Python<'_>,
        message: u32,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<String> {
        let id = self.id(message)?;
        if let Ok(bytes) = value.cast::<PyBytes>() {
            let json = self.tree(id, bytes.as_bytes());
            let json = json.and_then(|tree| tree.to_json(&self.pool, JsonOptions::default()));
            return json.or_raise(py);
        }
        let encoder = PyEncoder { schema: self, py, deterministic: false, partial: true };
        let bytes = encoder.encode(id, value)?;
        let json = self.tree(id, &bytes);
        json.and_then(|tree| tree.to_json(&self.pool, JsonOptions::default())).or_raise(py)
    }

    /// A message from its JSON: a dictionary, or an instance of its dataclass.
    fn json_to_python<'py>(
        &self,
        py: Python<'py>,
        message: u32,
        text: &str,
        ignore_unknown: bool,
        as_class: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let id = self.id(message)?;
        let options = JsonReadOptions::default().ignore_unknown(ignore_unknown);
        let read = || {
            let message = Message::from_json(&self.pool, id, text, options)?;
            Ok(message.encode(&self.pool, EncodeOptions::default()))
        };
        // What is short is done before another thread has begun.
        let bytes = if text.len() < 4096 { read() } else { py.detach(read) };
        let bytes = bytes.or_raise(py)?;
        let budget = Budget::of(bytes.len());
        let mode = DecodeMode { as_class, defaults: false, enum_numbers: false, budget: &budget };
        let depth = DecodeOptions::default().depth;
        self.decode_bytes(py, id, &bytes, mode, depth)
    }

    /// A message, given as its bytes, in the text format.
    #[pyo3(signature = (message, data, *, unknown_fields, single_line))]
    fn bytes_to_text(
        &self,
        py: Python<'_>,
        message: u32,
        data: &[u8],
        unknown_fields: bool,
        single_line: bool,
    ) -> PyResult<String> {
        let id = self.id(message)?;
        let options =
            TextOptions::default().unknown_fields(unknown_fields).single_line(single_line);
        let text = py.detach(|| Ok(self.tree(id, data)?.to_text(&self.pool, options)));
        text.or_raise(py)
    }

    /// The bytes of a message from the text format.
    fn text_to_bytes<'py>(
        &self,
        py: Python<'py>,
        message: u32,
        text: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let id = self.id(message)?;
        let bytes = py.detach(|| {
            let message = Message::from_text(&self.pool, id, text)?;
            Ok(message.encode(&self.pool, EncodeOptions::default()))
        });
        memory::new_bytes(py, &bytes.or_raise(py)?)
    }
}

impl ProtoSchema {
    fn id(&self, message: u32) -> PyResult<MessageId> {
        let id = self.pool.message_at(message);
        id.ok_or_else(|| PyKeyError::new_err(message))
    }

    fn tree(&self, id: MessageId, data: &[u8]) -> cannery_core::Result<Message> {
        Message::decode(&self.pool, id, data, &DecodeOptions::default())
    }

    /// The dataclass of a message, where one was made. It is taken out of the lock: what is decoded
    /// next may run Python code, which may make the class of another message.
    pub(super) fn class_of(&self, id: MessageId) -> Option<Arc<DataClass>> {
        self.classes.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn decode_bytes<'py>(
        &self,
        py: Python<'py>,
        id: MessageId,
        data: &[u8],
        mode: DecodeMode<'_>,
        depth: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        check_room().or_raise(py)?;
        // Only C code runs meanwhile.
        let _pause = CollectorPause::new(py);
        let mut target = PyTarget::new(py, self, mode);
        let options = DecodeOptions::default().depth(depth);
        let decoded = cannery_protobuf::decode(&self.pool, id, data, &options, &mut target);
        let decoded = decoded.or_raise(py)?;
        target.wrap(id, decoded).or_raise(py)
    }

    fn describe_field<'py>(&self, py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyDict>> {
        let described = memory::new_dict(py)?;
        described.set_item(Name("name"), field.name())?;
        described.set_item(Name("json_name"), field.json_name())?;
        described.set_item(Name("number"), field.number())?;
        let label = match field.cardinality() {
            Cardinality::Optional => "optional",
            Cardinality::Required => "required",
            Cardinality::Repeated => "repeated",
            Cardinality::Map => "map",
        };
        described.set_item(Name("label"), label)?;
        described.set_item(Name("type"), field.type_name())?;
        described.set_item(Name("presence"), field.has_presence())?;
        if field.is_map() {
            let (key, value) = self.pool.map_entry(field);
            described.set_item(Name("key"), self.describe_field(py, key)?)?;
            described.set_item(Name("value"), self.describe_field(py, value)?)?;
        } else if let Some(id) = field.message() {
            described.set_item(Name("message"), self.pool.message_type(id).full_name())?;
        }
        if let Some(id) = field.enumeration() {
            described.set_item(Name("enum"), self.pool.enum_type(id).full_name())?;
        }
        let oneof = field
            .oneof()
            .zip(field.containing())
            .map(|(position, id)| &self.pool.message_type(id).oneofs()[position]);
        if let Some(oneof) = oneof.filter(|oneof| !oneof.is_synthetic()) {
            described.set_item(Name("oneof"), oneof.name())?;
        }
        let default = self.default_of(py, field)?;
        described.set_item(Name("default"), default)?;
        Ok(described)
    }

    /// What a field that is not set stands for.
    pub(super) fn default_of<'py>(
        &self,
        py: Python<'py>,
        field: &Field,
    ) -> PyResult<Bound<'py, PyAny>> {
        let zero = self.pool.zero(field);
        let value = field.default_value().unwrap_or(&zero);
        Ok(match value {
            Value::I32(value) => value.into_pyobject(py)?.into_any(),
            Value::I64(value) => value.into_pyobject(py)?.into_any(),
            Value::U32(value) => value.into_pyobject(py)?.into_any(),
            Value::U64(value) => value.into_pyobject(py)?.into_any(),
            Value::F32(value) => f64::from(*value).into_pyobject(py)?.into_any(),
            Value::F64(value) => value.into_pyobject(py)?.into_any(),
            Value::Bool(value) => value.into_pyobject(py)?.to_owned().into_any(),
            Value::Enum(number) => self.enum_value(py, field, *number, false)?,
            Value::Bytes(bytes) if field.kind() == cannery_protobuf::kind::STRING => {
                crate::text::from_utf8(py, String::from_utf8_lossy(bytes).as_bytes())?
            }
            Value::Bytes(bytes) => memory::new_bytes(py, bytes)?.into_any(),
            Value::Message(_) | Value::List(_) | Value::Map(_) => py.None().into_bound(py),
        })
    }

    #[inline]
    pub(super) fn enum_value<'py>(
        &self,
        py: Python<'py>,
        field: &Field,
        number: i32,
        as_number: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let names = field.enumeration().and_then(|id| self.enum_names.get(id.index()));
        match names.and_then(|names| names.get(&number)).filter(|_| !as_number) {
            Some(name) => Ok(name.bind(py).clone().into_any()),
            None => Ok(number.into_pyobject(py)?.into_any()),
        }
    }
}

/// The pool, and the names of the files that are no imports only.
fn compile(
    mut files: Vec<String>,
    include: Vec<PathBuf>,
    texts: HashMap<String, String>,
    descriptor_set: Option<Vec<u8>>,
) -> Result<(Pool, Vec<String>), SchemaErrors> {
    let mut sources = Sources::new(include);
    for (path, text) in texts {
        sources = sources.with_text(path, text);
    }
    let mut compiler = Compiler::new(sources);
    let of_set = descriptor_set.map(|data| compiler.add_descriptor_set(&data)).transpose()?;
    let mut errors = Vec::new();
    for file in &files {
        if let Err(mut found) = compiler.compile(file) {
            errors.append(&mut found.0);
        }
    }
    files.extend(of_set.into_iter().flatten());
    if errors.is_empty() { Ok((compiler.into_pool(), files)) } else { Err(SchemaErrors(errors)) }
}
