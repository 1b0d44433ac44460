//! The types of the elements of arrays.

mod describe;
mod typestr;

use std::borrow::Cow;

pub(crate) use describe::to_shape;

/// The type of an array's elements: a kind and the order of its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dtype {
    /// What an element is.
    pub kind: DtypeKind,
    /// How its words lie in memory; `Little` where it makes no difference.
    pub byte_order: ByteOrder,
}

/// What an element of an array is. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DtypeKind {
    /// One byte, 0 or 1.
    Bool,
    /// A signed integer of 1, 2, 4 or 8 bytes.
    Int(u8),
    /// An unsigned integer of 1, 2, 4 or 8 bytes.
    Uint(u8),
    /// An IEEE 754 number of 2, 4 or 8 bytes, or the platform's wider one of 12 or 16.
    Float(u8),
    /// Two floats, 8, 16, 24 or 32 bytes together.
    Complex(u8),
    /// The upper half of a binary32.
    BFloat16,
    /// An 8-bit float with 4 bits of exponent and no infinities (OCP E4M3).
    Float8E4M3,
    /// An 8-bit float with 5 bits of exponent (OCP E5M2).
    Float8E5M2,
    /// This many bytes, padded with NUL.
    Bytes(usize),
    /// This many UCS-4 characters, padded with NUL.
    Unicode(usize),
    /// An `i64` counting from 1970-01-01; the smallest value is "not a time".
    Datetime(TimeUnit),
    /// An `i64` difference; the smallest value is "not a time".
    Timedelta(TimeUnit),
    /// This many bytes without a meaning.
    Void(usize),
    /// A record of named fields.
    Struct {
        /// In order of declaration.
        fields: Vec<Field>,
        /// With padding.
        itemsize: usize,
    },
}

/// A named field of a [`DtypeKind::Struct`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// A second name, if it has one.
    pub title: Option<String>,
    /// The type of it, or of its elements if it has a shape.
    pub dtype: Dtype,
    /// The shape of a sub-array; empty for a single element.
    pub shape: Vec<u64>,
    /// Bytes before it in the record.
    pub offset: usize,
}

/// The unit of a datetime or timedelta: that many (`count`) of a NumPy unit code.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TimeUnit {
    /// How many base units make one.
    pub count: u32,
    /// NumPy's code: `Y M W D h m s ms us ns ps fs as`, or `generic`.
    pub code: Cow<'static, str>,
}

/// How the bytes of a word lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    #[default]
    Little,
    /// Most significant byte first.
    Big,
}

impl Dtype {
    /// A little-endian type.
    #[must_use]
    pub fn new(kind: DtypeKind) -> Self {
        Self { kind, byte_order: ByteOrder::Little }
    }

    /// Bytes of one element.
    #[must_use]
    pub fn itemsize(&self) -> usize {
        match &self.kind {
            DtypeKind::Bool | DtypeKind::Float8E4M3 | DtypeKind::Float8E5M2 => 1,
            DtypeKind::BFloat16 => 2,
            DtypeKind::Int(n)
            | DtypeKind::Uint(n)
            | DtypeKind::Float(n)
            | DtypeKind::Complex(n) => usize::from(*n),
            DtypeKind::Bytes(n) | DtypeKind::Void(n) => *n,
            DtypeKind::Unicode(n) => n.saturating_mul(4),
            DtypeKind::Datetime(_) | DtypeKind::Timedelta(_) => 8,
            DtypeKind::Struct { itemsize, .. } => *itemsize,
        }
    }
}
