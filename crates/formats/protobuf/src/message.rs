//! A message as a tree: for options, JSON, text and all that edits.

use std::cmp::Ordering;

use crate::ids::MessageId;

/// A message of some type of a [`Pool`](crate::Pool).
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub(crate) of: MessageId,
    /// Values by field number, ascending.
    pub(crate) fields: Vec<(u32, Value)>,
    /// The records of unknown fields, as they came.
    pub(crate) unknown: Vec<u8>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `int32`, `sint32`, `sfixed32`.
    I32(i32),
    /// `int64`, `sint64`, `sfixed64`.
    I64(i64),
    /// `uint32`, `fixed32`.
    U32(u32),
    /// `uint64`, `fixed64`.
    U64(u64),
    /// `float`.
    F32(f32),
    /// `double`.
    F64(f64),
    /// `bool`.
    Bool(bool),
    /// An enum's number.
    Enum(i32),
    /// `string`, which is UTF-8 unless its schema is proto2, and `bytes`.
    Bytes(Vec<u8>),
    /// A message or group.
    Message(Box<Message>),
    /// A repeated field.
    List(Vec<Value>),
    /// A map, in the order of the wire; its keys are distinct.
    Map(Vec<(Value, Value)>),
}

impl Message {
    /// An empty message.
    #[must_use]
    pub fn new(of: MessageId) -> Self {
        Self { of, fields: Vec::new(), unknown: Vec::new() }
    }

    /// Its type.
    #[must_use]
    pub fn message_id(&self) -> MessageId {
        self.of
    }

    /// The value of the field with this number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Value> {
        let found = self.fields.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&self.fields[found].1)
    }

    /// The values that are set, by number.
    pub fn fields(&self) -> impl Iterator<Item = (u32, &Value)> {
        self.fields.iter().map(|(number, value)| (*number, value))
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Value> {
        let found = self.fields.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(&mut self.fields[found].1)
    }

    /// The value of a field, put there by `make` if it is not set.
    pub(crate) fn entry(&mut self, number: u32, make: impl FnOnce() -> Value) -> &mut Value {
        // Records mostly come in order: look at the end first.
        let position = match self.fields.last() {
            Some((last, _)) if *last == number => Ok(self.fields.len() - 1),
            Some((last, _)) if *last > number => {
                self.fields.binary_search_by_key(&number, |(number, _)| *number)
            }
            _ => Err(self.fields.len()),
        };
        let position = position.unwrap_or_else(|position| {
            self.fields.insert(position, (number, make()));
            position
        });
        &mut self.fields[position].1
    }

    /// Sets a field.
    pub(crate) fn set(&mut self, number: u32, value: Value) {
        let mut value = Some(value);
        let slot = self.entry(number, || value.take().expect("made once"));
        if let Some(value) = value {
            *slot = value;
        }
    }

    pub(crate) fn remove(&mut self, number: u32) -> Option<Value> {
        let found = self.fields.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        Some(self.fields.remove(found).1)
    }

    pub(crate) fn list(&mut self, number: u32) -> &mut Vec<Value> {
        match self.entry(number, || Value::List(Vec::new())) {
            Value::List(list) => list,
            _ => unreachable!("a repeated field holds a list"),
        }
    }

    /// Sets an entry of a map; a key that is there already moves to the end.
    pub(crate) fn map_entry(&mut self, number: u32, key: Value, value: Value) {
        let Value::Map(entries) = self.entry(number, || Value::Map(Vec::new())) else {
            unreachable!("a map field holds a map")
        };
        entries.push((key, value));
    }

    /// Keeps the last entry of each key of every map.
    pub(crate) fn finish_maps(&mut self) {
        for (_, value) in &mut self.fields {
            if let Value::Map(entries) = value {
                keep_last(entries);
            }
        }
    }

    pub(crate) fn text(&self, number: u32) -> Option<&str> {
        match self.get(number)? {
            Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The number of an integer, enum or bool field, widened.
    pub(crate) fn integer(&self, number: u32) -> Option<i64> {
        match self.get(number)? {
            Value::I32(value) | Value::Enum(value) => Some((*value).into()),
            Value::I64(value) => Some(*value),
            Value::U32(value) => Some((*value).into()),
            Value::Bool(value) => Some((*value).into()),
            _ => None,
        }
    }

    pub(crate) fn message(&self, number: u32) -> Option<&Message> {
        match self.get(number)? {
            Value::Message(message) => Some(message),
            _ => None,
        }
    }

    pub(crate) fn items(&self, number: u32) -> &[Value] {
        match self.get(number) {
            Some(Value::List(items)) => items,
            _ => &[],
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.unknown.is_empty()
    }
}

fn are_distinct(entries: &[(Value, Value)]) -> bool {
    #[derive(PartialEq, Eq, Hash)]
    enum Key<'v> {
        Bytes(&'v [u8]),
        Other(SortKey),
    }
    let mut seen = std::collections::HashSet::with_capacity(entries.len());
    entries.iter().all(|(key, _)| {
        seen.insert(match key {
            Value::Bytes(bytes) => Key::Bytes(bytes),
            other => Key::Other(other.sort_key()),
        })
    })
}

/// Drops all but the last entry of each key, which takes the place of the first.
fn keep_last(entries: &mut Vec<(Value, Value)>) {
    if entries.len() < 2 || are_distinct(entries) {
        return;
    }
    let mut seen = std::collections::HashMap::with_capacity(entries.len());
    let mut kept: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries.drain(..) {
        match seen.entry(key.sort_key()) {
            std::collections::hash_map::Entry::Occupied(at) => {
                let at: usize = *at.get();
                kept[at].1 = value;
            }
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(kept.len());
                kept.push((key, value));
            }
        }
    }
    *entries = kept;
}

/// A map key in a form that can be compared and hashed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SortKey {
    Integer(u64),
    Bytes(Vec<u8>),
}

/// The order of deterministic encoding, which is upb's: integers as unsigned ones, the largest
/// first; strings by their bytes, the longer first of two that begin alike.
impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => right.cmp(left),
            (Self::Bytes(left), Self::Bytes(right)) => {
                let shared = left.len().min(right.len());
                let order = left[..shared].cmp(&right[..shared]);
                order.then(right.len().cmp(&left.len()))
            }
            (Self::Integer(_), Self::Bytes(_)) => Ordering::Less,
            (Self::Bytes(_), Self::Integer(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Value {
    pub(crate) fn sort_key(&self) -> SortKey {
        match self {
            Value::I32(value) | Value::Enum(value) => {
                SortKey::Integer(value.cast_unsigned().into())
            }
            Value::I64(value) => SortKey::Integer(value.cast_unsigned()),
            Value::U32(value) => SortKey::Integer((*value).into()),
            Value::U64(value) => SortKey::Integer(*value),
            Value::Bool(value) => SortKey::Integer((*value).into()),
            Value::Bytes(bytes) => SortKey::Bytes(bytes.clone()),
            _ => SortKey::Integer(0),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Value::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// Whether it is what a field without presence has when it is not set.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Value::I32(value) | Value::Enum(value) => *value == 0,
            Value::I64(value) => *value == 0,
            Value::U32(value) => *value == 0,
            Value::U64(value) => *value == 0,
            // A negative zero is a value of its own.
            Value::F32(value) => value.to_bits() == 0,
            Value::F64(value) => value.to_bits() == 0,
            Value::Bool(value) => !value,
            Value::Bytes(bytes) => bytes.is_empty(),
            Value::Message(_) => false,
            Value::List(items) => items.is_empty(),
            Value::Map(entries) => entries.is_empty(),
        }
    }
}
