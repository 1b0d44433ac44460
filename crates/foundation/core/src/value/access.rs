//! Looking into a value.

use std::ops::Index;

use super::{Object, Value};
use crate::ArrayView;

impl Value {
    /// The value without the numbers it is known by. All accessors look through them.
    #[must_use]
    pub fn unmarked(&self) -> &Value {
        let mut value = self;
        while let Value::Marked(_, inner) = value {
            value = inner;
        }
        value
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.unmarked(), Value::Null)
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.unmarked() {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self.unmarked() {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is one that a binary64 holds exactly.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the bound rules it out")]
    pub fn as_f64(&self) -> Option<f64> {
        const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        match self.unmarked() {
            Value::Float(value) => Some(*value),
            Value::Int(value) if value.unsigned_abs() <= EXACT => Some(*value as f64),
            _ => None,
        }
    }

    /// The text, if it is text without surrogates.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.unmarked() {
            Value::Text(value) => value.as_str(),
            _ => None,
        }
    }

    /// The bytes, if it is a string of them.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self.unmarked() {
            Value::Bytes(value) => Some(value),
            _ => None,
        }
    }

    /// The array, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<ArrayView<'_>> {
        match self.unmarked() {
            Value::Array(value) => Some(value.as_view()),
            _ => None,
        }
    }

    /// The object, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self.unmarked() {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The items, if it is a list, tuple or set of either kind.
    #[must_use]
    pub fn items(&self) -> Option<&[Value]> {
        match self.unmarked() {
            Value::List(items)
            | Value::Tuple(items)
            | Value::Set(items)
            | Value::FrozenSet(items) => Some(items),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    #[must_use]
    pub fn entries(&self) -> Option<&[(Value, Value)]> {
        match self.unmarked() {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The item at a position of a list, tuple or set.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&Value> {
        self.items()?.get(index)
    }

    /// What a map holds behind a text key, or an object as a part; the last of several.
    ///
    /// It looks at one entry after the other.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self.unmarked() {
            Value::Map(entries) => {
                entries.iter().rev().find(|(k, _)| k.as_str() == Some(key)).map(|(_, v)| v)
            }
            Value::Object(object) => object.get(key),
            _ => None,
        }
    }
}

impl Object {
    /// The part of this name; the last of several.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.parts.iter().rev().find(|(part, _)| part == name).map(|(_, value)| value)
    }
}

impl Index<&str> for Value {
    type Output = Value;

    /// As [`get`](Value::get).
    ///
    /// # Panics
    /// If there is nothing behind the key.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or_else(|| panic!("no `{key}` in the value"))
    }
}

impl Index<usize> for Value {
    type Output = Value;

    /// As [`at`](Value::at).
    ///
    /// # Panics
    /// If there is no item at the position.
    fn index(&self, index: usize) -> &Value {
        self.at(index).unwrap_or_else(|| panic!("no item {index} in the value"))
    }
}
