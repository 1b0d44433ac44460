//! The types of fields, as `FieldDescriptorProto.Type` numbers them.

#![expect(missing_docs, reason = "each is the type of that name")]

use crate::wire;

pub const DOUBLE: u8 = 1;
pub const FLOAT: u8 = 2;
pub const INT64: u8 = 3;
pub const UINT64: u8 = 4;
pub const INT32: u8 = 5;
pub const FIXED64: u8 = 6;
pub const FIXED32: u8 = 7;
pub const BOOL: u8 = 8;
pub const STRING: u8 = 9;
pub const GROUP: u8 = 10;
pub const MESSAGE: u8 = 11;
pub const BYTES: u8 = 12;
pub const UINT32: u8 = 13;
pub const ENUM: u8 = 14;
pub const SFIXED32: u8 = 15;
pub const SFIXED64: u8 = 16;
pub const SINT32: u8 = 17;
pub const SINT64: u8 = 18;

const NAMES: [&str; 19] = [
    "", "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string",
    "group", "", "bytes", "uint32", "", "sfixed32", "sfixed64", "sint32", "sint64",
];

/// The type that a schema calls so.
pub(crate) fn from_name(name: &str) -> Option<u8> {
    let index = NAMES.iter().position(|known| *known == name)?;
    (!name.is_empty()).then_some(index as u8)
}

/// What a schema calls the type.
pub(crate) fn name(kind: u8) -> &'static str {
    match kind {
        MESSAGE => "message",
        ENUM => "enum",
        _ => NAMES.get(usize::from(kind)).copied().unwrap_or_default(),
    }
}

/// The smallest and largest value of an integer type; the smallest as its distance from 0.
pub(crate) fn integer_range(kind: u8) -> (u64, u64) {
    match kind {
        INT32 | SINT32 | SFIXED32 | ENUM => (1 << 31, (1 << 31) - 1),
        INT64 | SINT64 | SFIXED64 => (1 << 63, (1 << 63) - 1),
        UINT32 | FIXED32 => (0, u32::MAX.into()),
        _ => (0, u64::MAX),
    }
}

/// How values of the type lie on the wire.
pub(crate) fn wire_type(kind: u8) -> u8 {
    match kind {
        DOUBLE | FIXED64 | SFIXED64 => wire::FIXED64,
        FLOAT | FIXED32 | SFIXED32 => wire::FIXED32,
        STRING | BYTES | MESSAGE => wire::LENGTH,
        GROUP => wire::START_GROUP,
        _ => wire::VARINT,
    }
}

/// Whether several values of the type may be packed into one.
pub(crate) fn is_packable(kind: u8) -> bool {
    !matches!(kind, STRING | BYTES | MESSAGE | GROUP)
}
