//! Compiled schemas: messages, enums and extensions with everything resolved, ready for the codec.

use std::collections::HashMap;
use std::sync::Arc;

use crate::descriptor::FileProto;
use crate::message::{Message, Value};
use crate::well_known::WellKnown;

pub use crate::ids::{EnumId, ExtensionId, MessageId};

/// All messages, enums and extensions of some files and of those that they import.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    pub(crate) files: Vec<FileProto>,
    pub(crate) file_index: HashMap<String, usize>,
    pub(crate) messages: Vec<MessageType>,
    pub(crate) enums: Vec<EnumType>,
    pub(crate) extensions: Vec<Field>,
    pub(crate) symbols: HashMap<Arc<str>, Symbol>,
    pub(crate) packages: HashMap<Arc<str>, Vec<u32>>,
    pub(crate) map_entries: std::collections::HashSet<MessageId>,
    /// The options of extension ranges, those of source retention too.
    pub(crate) range_options: HashMap<Arc<str>, Vec<(i32, i32, Message)>>,
    pub(crate) extension_numbers: HashMap<(MessageId, u32), ExtensionId>,
    /// How many files those that were linked see, all together.
    pub(crate) seen_files: usize,
}

/// What a full name stands for, and the file that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Symbol {
    pub(crate) kind: SymbolKind,
    pub(crate) file: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SymbolKind {
    Package,
    Message(MessageId),
    Enum(EnumId),
    EnumValue(EnumId),
    Field,
    Extension(ExtensionId),
    Oneof,
    Service,
    Method,
}

/// A message type.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct MessageType {
    pub(crate) full_name: Arc<str>,
    pub(crate) file: u32,
    pub(crate) fields: Vec<Field>,
    pub(crate) oneofs: Vec<Oneof>,
    /// Positions of the fields by number, the numbers ascending.
    pub(crate) by_number: Vec<(u32, u32)>,
    /// One more than the position of a field with a small number; 0 where there is none.
    pub(crate) dense: Vec<u16>,
    pub(crate) by_name: HashMap<Arc<str>, u32>,
    pub(crate) by_json_name: HashMap<Arc<str>, u32>,
    pub(crate) extension_ranges: Vec<(i32, i32)>,
    pub(crate) is_map_entry: bool,
    pub(crate) is_message_set: bool,
    pub(crate) has_required: bool,
    pub(crate) is_local: bool,
    pub(crate) well_known: WellKnown,
    pub(crate) reserved_names: Vec<Arc<str>>,
}

/// A oneof with more than one use: the synthetic ones of proto3 are not among them.
#[derive(Clone, Debug, Default)]
pub struct Oneof {
    pub(crate) name: Arc<str>,
    pub(crate) is_synthetic: bool,
    pub(crate) fields: Vec<u32>,
}

/// How often a field may occur.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cardinality {
    /// At most once.
    #[default]
    Optional,
    /// Exactly once.
    Required,
    /// Any number of times.
    Repeated,
    /// Any number of times, each with a key.
    Map,
}

/// A field or an extension.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own")]
pub struct Field {
    pub(crate) name: Arc<str>,
    /// Of an extension, with its package.
    pub(crate) full_name: Arc<str>,
    pub(crate) json_name: Arc<str>,
    pub(crate) number: u32,
    pub(crate) kind: u8,
    pub(crate) cardinality: Cardinality,
    pub(crate) message: Option<MessageId>,
    pub(crate) enumeration: Option<EnumId>,
    pub(crate) oneof: Option<u32>,
    pub(crate) has_presence: bool,
    pub(crate) is_packed: bool,
    pub(crate) validates_utf8: bool,
    pub(crate) is_extension: bool,
    /// A number of its own among all fields of the pool.
    pub(crate) slot: u32,
    pub(crate) default: Option<Value>,
    pub(crate) containing: Option<MessageId>,
    /// The group's name in text, where the field stands for one.
    pub(crate) group_name: Option<Arc<str>>,
    /// Options that the compiler itself asks for.
    pub(crate) rules: Option<Box<OptionRules>>,
}

/// What `descriptor.proto` says about a field that is an option.
#[derive(Clone, Debug, Default)]
pub(crate) struct OptionRules {
    pub(crate) is_source_only: bool,
    pub(crate) targets: Vec<i32>,
    pub(crate) introduced: i32,
    pub(crate) removed: i32,
    pub(crate) removal_error: String,
}

/// An enum.
#[derive(Clone, Debug, Default)]
pub struct EnumType {
    pub(crate) full_name: Arc<str>,
    pub(crate) values: Vec<(Arc<str>, i32)>,
    pub(crate) by_name: HashMap<Arc<str>, i32>,
    /// The first name of each number.
    pub(crate) by_number: HashMap<i32, Arc<str>>,
    pub(crate) is_closed: bool,
    pub(crate) is_local: bool,
}

impl Pool {
    /// The message with this [`index`](MessageId::index).
    #[must_use]
    pub fn message_at(&self, index: u32) -> Option<MessageId> {
        ((index as usize) < self.messages.len()).then_some(MessageId(index))
    }

    /// What a field of this type holds when nothing is said.
    #[must_use]
    pub fn zero(&self, field: &Field) -> Value {
        self.zero_of(field)
    }

    /// The number of an enum field's default.
    #[must_use]
    pub fn default_number(&self, field: &Field) -> i32 {
        match field.default.clone().unwrap_or_else(|| self.zero_of(field)) {
            Value::Enum(number) => number,
            _ => 0,
        }
    }

    /// The message type with this full name.
    #[must_use]
    pub fn message(&self, name: &str) -> Option<MessageId> {
        match self.symbols.get(name.strip_prefix('.').unwrap_or(name))?.kind {
            SymbolKind::Message(id) => Some(id),
            _ => None,
        }
    }

    /// The enum with this full name.
    #[must_use]
    pub fn enumeration(&self, name: &str) -> Option<EnumId> {
        match self.symbols.get(name)?.kind {
            SymbolKind::Enum(id) => Some(id),
            _ => None,
        }
    }

    /// The extension with this full name.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Field> {
        match self.symbols.get(name)?.kind {
            SymbolKind::Extension(id) => Some(&self.extensions[id.0 as usize]),
            _ => None,
        }
    }

    /// The type behind an id.
    #[must_use]
    pub fn message_type(&self, id: MessageId) -> &MessageType {
        &self.messages[id.0 as usize]
    }

    /// The enum behind an id.
    #[must_use]
    pub fn enum_type(&self, id: EnumId) -> &EnumType {
        &self.enums[id.0 as usize]
    }

    /// The files, each behind those that it imports.
    #[must_use]
    pub fn files(&self) -> &[FileProto] {
        &self.files
    }

    /// All message types, the entries of maps left out.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &MessageType)> {
        let all = (0..).map(MessageId).zip(&self.messages);
        all.filter(|(_, message)| !message.is_map_entry)
    }

    /// The field or extension of a message with this number.
    #[inline]
    #[must_use]
    pub fn field(&self, message: MessageId, number: u32) -> Option<&Field> {
        let message_type = self.message_type(message);
        match message_type.field(number) {
            Some(field) => Some(field),
            None => self.extension_of(message, number),
        }
    }

    #[inline(never)]
    pub(crate) fn extension_of(&self, message: MessageId, number: u32) -> Option<&Field> {
        let id = self.extension_numbers.get(&(message, number))?;
        Some(&self.extensions[id.0 as usize])
    }

    /// The type of a field that holds messages.
    pub(crate) fn type_of(&self, field: &Field) -> (MessageId, &MessageType) {
        let id = field.message.expect("a field of messages has their type");
        (id, self.message_type(id))
    }

    /// Key and value of a map.
    pub(crate) fn entry_of(&self, field: &Field) -> (&Field, &Field) {
        let (_, entry) = self.type_of(field);
        (&entry.fields[0], &entry.fields[1])
    }

    /// How many slots its fields and extensions have.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.messages.iter().map(|message| message.fields.len()).sum::<usize>()
            + self.extensions.len()
    }

    /// All fields and extensions, by slot.
    pub fn all_fields(&self) -> impl Iterator<Item = &Field> {
        self.messages.iter().flat_map(|message| &message.fields).chain(&self.extensions)
    }

    /// All enums, by id.
    pub fn enums(&self) -> impl Iterator<Item = (EnumId, &EnumType)> {
        (0..).map(EnumId).zip(&self.enums)
    }

    /// Key and value of a map field.
    #[must_use]
    pub fn map_entry(&self, field: &Field) -> (&Field, &Field) {
        self.entry_of(field)
    }

    pub(crate) fn assign_slots(&mut self) {
        let fields = self.messages.iter_mut().flat_map(|message| &mut message.fields);
        for (slot, field) in (0..).zip(fields.chain(&mut self.extensions)) {
            field.slot = slot;
        }
    }

    /// The default of a field whose schema says none.
    pub(crate) fn zero_of(&self, field: &Field) -> Value {
        use crate::kind;
        match field.kind {
            kind::DOUBLE => Value::F64(0.0),
            kind::FLOAT => Value::F32(0.0),
            kind::INT64 | kind::SINT64 | kind::SFIXED64 => Value::I64(0),
            kind::UINT64 | kind::FIXED64 => Value::U64(0),
            kind::UINT32 | kind::FIXED32 => Value::U32(0),
            kind::BOOL => Value::Bool(false),
            kind::STRING | kind::BYTES => Value::Bytes(Vec::new()),
            kind::ENUM => {
                let first = field.enumeration.and_then(|id| self.enum_type(id).values.first());
                Value::Enum(first.map_or(0, |(_, number)| *number))
            }
            kind::MESSAGE | kind::GROUP => {
                Value::Message(Box::new(Message::new(self.type_of(field).0)))
            }
            _ => Value::I32(0),
        }
    }

    /// The bytes of a `FileDescriptorSet` of a file and all that it imports.
    #[must_use]
    pub fn descriptor_set(&self, file: &str) -> Option<Vec<u8>> {
        self.file_index.get(file)?;
        Some(self.descriptor_set_of([file].into_iter()))
    }

    /// As [`descriptor_set`](Self::descriptor_set), of several files; unknown ones are left out.
    #[must_use]
    pub fn descriptor_set_of<'a>(&self, files: impl Iterator<Item = &'a str>) -> Vec<u8> {
        let (mut is_there, mut order) = (vec![false; self.files.len()], Vec::new());
        for file in files.filter_map(|file| self.file_index.get(file)) {
            self.collect(*file, &mut is_there, &mut order);
        }
        let mut out = Vec::new();
        for index in order {
            crate::wire::put_bytes(&mut out, 1, &self.files[index].to_bytes());
        }
        out
    }

    /// Imports first, in the order in which they are named.
    ///
    /// Not by recursion: a descriptor set may have any number of files in a row.
    fn collect(&self, file: usize, is_there: &mut [bool], order: &mut Vec<usize>) {
        let mut open = vec![(file, 0)];
        while let Some((file, next)) = open.last_mut() {
            let file_proto = &self.files[*file];
            let mut imports = file_proto.dependencies.iter().chain(&file_proto.option_dependencies);
            let import = imports.nth(*next).filter(|_| !is_there[*file]);
            *next += 1;
            if let Some(import) = import {
                let found = self.file_index.get(&import.path).filter(|found| !is_there[**found]);
                open.extend(found.map(|&found| (found, 0)));
            } else {
                if !std::mem::replace(&mut is_there[*file], true) {
                    order.push(*file);
                }
                open.pop();
            }
        }
    }
}

impl MessageType {
    /// Its name, with the package.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// Positions of its fields in [`fields`](Self::fields) by number, ascending.
    #[must_use]
    pub fn by_number(&self) -> &[(u32, u32)] {
        &self.by_number
    }

    /// Whether it is a message set, whose extensions have a layout of their own.
    #[must_use]
    pub fn is_message_set(&self) -> bool {
        self.is_message_set
    }

    /// Its fields, in the order of the schema.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Its oneofs, those behind `optional` in proto3 among them.
    #[must_use]
    pub fn oneofs(&self) -> &[Oneof] {
        &self.oneofs
    }

    /// The field with this number.
    #[inline]
    #[must_use]
    pub fn field(&self, number: u32) -> Option<&Field> {
        match self.dense.get(number as usize) {
            Some(0) => None,
            Some(&position) => Some(&self.fields[usize::from(position) - 1]),
            None => self.sparse_field(number),
        }
    }

    fn sparse_field(&self, number: u32) -> Option<&Field> {
        let found = self.by_number.binary_search_by_key(&number, |&(number, _)| number).ok()?;
        Some(&self.fields[self.by_number[found].1 as usize])
    }

    /// The field with this name in the schema.
    #[must_use]
    pub fn field_by_name(&self, name: &str) -> Option<&Field> {
        self.by_name.get(name).map(|&position| &self.fields[position as usize])
    }

    /// The fields of a oneof, by its position.
    pub fn members(&self, oneof: usize) -> impl Iterator<Item = &Field> {
        let members = self.oneofs[oneof].fields.iter();
        members.map(|&position| &self.fields[position as usize])
    }

    /// Whether some field must be set.
    #[must_use]
    pub fn has_required(&self) -> bool {
        self.has_required
    }

    /// Which kind of well-known message it is.
    #[must_use]
    pub fn well_known(&self) -> WellKnown {
        self.well_known
    }

    /// Fills the tables by which fields are found.
    pub(crate) fn index(&mut self) {
        let positions = (0_u32..).zip(&self.fields);
        self.by_number = positions.map(|(position, field)| (field.number, position)).collect();
        self.by_number.sort_unstable();
        self.has_required =
            self.fields.iter().any(|field| field.cardinality == Cardinality::Required);
        self.dense = vec![0; 64];
        for &(number, position) in &self.by_number {
            if number as usize >= 1024 || position >= u32::from(u16::MAX) - 1 {
                break;
            }
            if number as usize >= self.dense.len() {
                self.dense.resize(number as usize + 1, 0);
            }
            self.dense[number as usize] = position as u16 + 1;
        }
        self.by_name =
            (0..).zip(&self.fields).map(|(at, field)| (field.name.clone(), at)).collect();
        self.by_json_name =
            (0..).zip(&self.fields).map(|(at, field)| (field.json_name.clone(), at)).collect();
    }
}

impl Field {
    /// Its name in the schema.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name in JSON.
    #[must_use]
    pub fn json_name(&self) -> &str {
        &self.json_name
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// How often it may occur.
    #[must_use]
    pub fn cardinality(&self) -> Cardinality {
        self.cardinality
    }

    /// A number of its own among all fields and extensions of the pool, from 0 up to
    /// [`Pool::slots`]: for tables beside the pool's own.
    #[inline]
    #[must_use]
    pub fn slot(&self) -> usize {
        self.slot as usize
    }

    /// Its type, one of [`kind`](crate::kind).
    #[inline]
    #[must_use]
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// Whether its values stand packed in one record.
    #[inline]
    #[must_use]
    pub fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Whether its text must be UTF-8.
    #[must_use]
    pub fn validates_utf8(&self) -> bool {
        self.validates_utf8
    }

    /// What a schema calls its type; `message`, `group` or `enum` for those with a name.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        crate::kind::name(self.kind)
    }

    /// Its name, with the package and the message around it.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// The type of its messages, or of a map's entries.
    #[inline]
    #[must_use]
    pub fn message(&self) -> Option<MessageId> {
        self.message
    }

    /// The type of its enum values.
    #[inline]
    #[must_use]
    pub fn enumeration(&self) -> Option<EnumId> {
        self.enumeration
    }

    /// Whether it is told apart from its default.
    #[inline]
    #[must_use]
    pub fn has_presence(&self) -> bool {
        self.has_presence
    }

    /// The oneof that it is a member of, by its position in [`MessageType::oneofs`].
    #[inline]
    #[must_use]
    pub fn oneof(&self) -> Option<usize> {
        self.oneof.map(|oneof| oneof as usize)
    }

    /// The message that it is a field of, or that it extends.
    #[must_use]
    pub fn containing(&self) -> Option<MessageId> {
        self.containing
    }

    /// Whether it is an extension.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        self.is_extension
    }

    /// The default that the schema gives.
    #[must_use]
    pub fn default_value(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    /// Whether it occurs any number of times.
    #[inline]
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.cardinality == Cardinality::Repeated
    }

    /// Whether it is a map.
    #[inline]
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.cardinality == Cardinality::Map
    }

    pub(crate) fn is_message(&self) -> bool {
        matches!(self.kind, crate::kind::MESSAGE | crate::kind::GROUP)
    }
}

impl Oneof {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it stands behind an `optional` field of proto3.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        self.is_synthetic
    }
}

impl EnumType {
    /// Whether numbers that it does not name are unknown fields.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Its name, with the package.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// Names and numbers, in the order of the schema.
    pub fn values(&self) -> impl Iterator<Item = (&str, i32)> {
        self.values.iter().map(|(name, number)| (&**name, *number))
    }

    /// The name of a number.
    #[must_use]
    pub fn name_of(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(|name| &**name)
    }

    /// The number of a name.
    #[must_use]
    pub fn number_of(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }
}

impl Message {
    /// Sets a field, or adds to it if it is repeated.
    pub(crate) fn put(&mut self, field: &Field, value: Value) {
        if field.is_list() {
            self.list(field.number).push(value);
        } else {
            self.set(field.number, value);
        }
    }
}
