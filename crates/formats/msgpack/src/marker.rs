//! The first byte of each value, as the specification's table "Formats" has them.

pub(crate) const POSITIVE_FIXINT_MAX: u8 = 0x7f;
pub(crate) const FIXMAP: u8 = 0x80;
pub(crate) const FIXARRAY: u8 = 0x90;
pub(crate) const FIXSTR: u8 = 0xa0;
pub(crate) const NIL: u8 = 0xc0;
pub(crate) const FALSE: u8 = 0xc2;
pub(crate) const TRUE: u8 = 0xc3;
pub(crate) const BIN8: u8 = 0xc4;
pub(crate) const BIN32: u8 = 0xc6;
pub(crate) const EXT8: u8 = 0xc7;
pub(crate) const EXT32: u8 = 0xc9;
pub(crate) const FLOAT32: u8 = 0xca;
pub(crate) const FLOAT64: u8 = 0xcb;
pub(crate) const UINT8: u8 = 0xcc;
pub(crate) const UINT16: u8 = 0xcd;
pub(crate) const UINT32: u8 = 0xce;
pub(crate) const UINT64: u8 = 0xcf;
pub(crate) const INT8: u8 = 0xd0;
pub(crate) const INT16: u8 = 0xd1;
pub(crate) const INT32: u8 = 0xd2;
pub(crate) const INT64: u8 = 0xd3;
pub(crate) const FIXEXT1: u8 = 0xd4;
pub(crate) const FIXEXT16: u8 = 0xd8;
pub(crate) const STR8: u8 = 0xd9;
pub(crate) const STR16: u8 = 0xda;
pub(crate) const STR32: u8 = 0xdb;
pub(crate) const ARRAY16: u8 = 0xdc;
pub(crate) const ARRAY32: u8 = 0xdd;
pub(crate) const MAP16: u8 = 0xde;
pub(crate) const MAP32: u8 = 0xdf;
pub(crate) const NEGATIVE_FIXINT: u8 = 0xe0;

/// The code of the one extension that the specification defines.
pub(crate) const TIMESTAMP_CODE: i8 = -1;

/// The one byte that begins nothing.
pub(crate) const UNUSED: u8 = 0xc1;

/// Whether it begins a string or bytes.
pub(crate) fn is_string(marker: u8) -> bool {
    matches!(marker, FIXSTR..NIL | BIN8..=BIN32 | STR8..=STR32)
}

/// What it begins, for messages.
pub(crate) fn kind(marker: u8) -> &'static str {
    match marker {
        FIXMAP..FIXARRAY | MAP16..=MAP32 => "a map",
        FIXARRAY..FIXSTR | ARRAY16..=ARRAY32 => "an array",
        FIXSTR..NIL | STR8..=STR32 => "a string",
        NIL => "nil",
        UNUSED => "byte `0xc1`",
        FALSE | TRUE => "a boolean",
        BIN8..=BIN32 => "bytes",
        EXT8..=EXT32 | FIXEXT1..=FIXEXT16 => "an extension",
        FLOAT32 | FLOAT64 => "a float",
        _ => "an integer",
    }
}
