//! A value as a tree, in Rust's own types.

mod access;
mod build;
mod convert;
mod emit;

use num_bigint::BigInt;

use crate::{ArrayBuf, TextBuf};

pub use build::ValueBuilder;

/// A value as a tree.
///
/// References to values elsewhere in the tree stay what they were in the stream:
/// [`Value::Marked`] and [`Value::Alias`]. For data full of them, to follow or to edit, use
/// [`Graph`](crate::Graph).
///
/// ```
/// use cannery_core::Value;
///
/// let box_ = Value::from_iter([("label", Value::from("stamp")), ("page", Value::from(3))]);
/// assert_eq!(box_.get("label").and_then(Value::as_str), Some("stamp"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer of 64 signed bits.
    Int(i64),
    /// An integer beyond that.
    BigInt(BigInt),
    /// A binary64 number.
    Float(f64),
    /// A string of characters.
    Text(TextBuf),
    /// A string of bytes.
    Bytes(Vec<u8>),
    /// An array of numbers.
    Array(Box<ArrayBuf>),
    /// An ordered, editable sequence.
    List(Vec<Value>),
    /// An ordered, immutable sequence.
    Tuple(Vec<Value>),
    /// Distinct values in no order.
    Set(Vec<Value>),
    /// Distinct values in no order, immutable.
    FrozenSet(Vec<Value>),
    /// Entries of key and value, in order of insertion.
    Map(Vec<(Value, Value)>),
    /// A named type and its parts.
    Object(Box<Object>),
    /// A value that is known by a number from here on.
    Marked(u64, Box<Value>),
    /// A value that was marked before (or is being marked: a cycle), once more.
    Alias(u64),
}

/// A value of a named type: its parts by name, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The name of its type, which is data.
    pub type_name: TextBuf,
    /// Its parts.
    pub parts: Vec<(TextBuf, Value)>,
}
