//! The first byte of each data item: three bits of major type, five of argument (section 3).

pub(crate) const UNSIGNED: u8 = 0;
pub(crate) const NEGATIVE: u8 = 1;
pub(crate) const BYTES: u8 = 2;
pub(crate) const TEXT: u8 = 3;
pub(crate) const ARRAY: u8 = 4;
pub(crate) const MAP: u8 = 5;
pub(crate) const TAG: u8 = 6;
pub(crate) const SIMPLE: u8 = 7;

pub(crate) const FALSE: u8 = 0xf4;
pub(crate) const TRUE: u8 = 0xf5;
pub(crate) const NULL: u8 = 0xf6;
pub(crate) const UNDEFINED: u8 = 0xf7;
pub(crate) const SIMPLE_BYTE: u8 = 0xf8;
pub(crate) const HALF: u8 = 0xf9;
pub(crate) const SINGLE: u8 = 0xfa;
pub(crate) const DOUBLE: u8 = 0xfb;
pub(crate) const BREAK: u8 = 0xff;

/// The argument follows in one byte; in two, four and eight for the next three.
pub(crate) const ONE_BYTE: u8 = 24;

/// The argument that says that items follow until a break.
pub(crate) const INDEFINITE: u8 = 31;

pub(crate) const TAG_POSITIVE: u64 = 2;
pub(crate) const TAG_NEGATIVE: u64 = 3;
pub(crate) const TAG_SHAREABLE: u64 = 28;
pub(crate) const TAG_SHARED: u64 = 29;
pub(crate) const TAG_SET: u64 = 258;
pub(crate) const TAG_SELF_DESCRIBED: u64 = 55_799;
