//! The table of opcodes, protocols 0 to 5: what machine, disassembler and scanner go by.

/// What follows an opcode in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Nothing.
    None,
    /// An unsigned byte.
    U8,
    /// Two bytes, little-endian, unsigned, as all below.
    U16,
    /// Four bytes, signed.
    I32,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// A line with a quoted and escaped string.
    QuotedLine,
    /// A line as it is.
    Line,
    /// Two lines: a module and a name in it.
    TwoLines,
    /// A line in Python's "raw unicode escape" encoding.
    EscapedLine,
    /// A line with an integer, or `00` and `01` for the truth values.
    DecimalShort,
    /// A line with an integer, and perhaps an `L`.
    DecimalLong,
    /// A line with a float.
    FloatLine,
    /// Eight bytes, big-endian binary64.
    Float8,
    /// A byte with the length of a two's complement integer, and that.
    Long1,
    /// Four signed bytes with the length of a two's complement integer, and that.
    Long4,
    /// A byte with the length of a Python 2 string, and that.
    String1,
    /// Four signed bytes with the length of a Python 2 string, and that.
    String4,
    /// A byte with a length, and that many bytes.
    Bytes1,
    /// Four bytes with a length, and that many bytes.
    Bytes4,
    /// Eight bytes with a length, and that many bytes.
    Bytes8,
    /// As [`Bytes8`](Argument::Bytes8), editable.
    ByteArray8,
    /// A byte with a length, and that many bytes of UTF-8.
    Unicode1,
    /// Four bytes with a length, and that many bytes of UTF-8.
    Unicode4,
    /// Eight bytes with a length, and that many bytes of UTF-8.
    Unicode8,
}

/// What an opcode takes from the stack or leaves on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the type of its name")]
pub enum Slot {
    /// The mark that the nearest `MARK` left.
    Mark,
    /// Everything above the mark.
    Slice,
    Any,
    None,
    Bool,
    Int,
    IntOrBool,
    Float,
    Str,
    Bytes,
    BytesOrStr,
    ByteArray,
    Buffer,
    Tuple,
    List,
    Dict,
    Set,
    FrozenSet,
}

impl Slot {
    /// Its name in `pickletools`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Slot::Mark => "mark",
            Slot::Slice => "stackslice",
            Slot::Any => "any",
            Slot::None => "None",
            Slot::Bool => "bool",
            Slot::Int => "int",
            Slot::IntOrBool => "int_or_bool",
            Slot::Float => "float",
            Slot::Str => "str",
            Slot::Bytes => "bytes",
            Slot::BytesOrStr => "bytes_or_str",
            Slot::ByteArray => "bytearray",
            Slot::Buffer => "buffer",
            Slot::Tuple => "tuple",
            Slot::List => "list",
            Slot::Dict => "dict",
            Slot::Set => "set",
            Slot::FrozenSet => "frozenset",
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Its name in `pickletools`.
    pub name: &'static str,
    /// Its byte.
    pub code: u8,
    /// What follows it.
    pub argument: Argument,
    /// What it takes from the stack, the top last.
    pub before: &'static [Slot],
    /// What it leaves on the stack, the top last.
    pub after: &'static [Slot],
    /// The first protocol that has it.
    pub protocol: u8,
    /// What it does.
    pub doc: &'static str,
}

macro_rules! opcodes {
    ($($variant:ident = $code:literal, $name:literal, $argument:ident,
        [$($before:ident),*] => [$($after:ident),*], $protocol:literal, $doc:literal;)*) => {
        /// An instruction of pickle's machine.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Opcode {
            $(#[doc = $doc] $variant = $code,)*
        }

        /// All opcodes, in the order of `pickletools`.
        pub const OPCODES: &[Opcode] = &[$(Opcode::$variant),*];

        impl Opcode {
            /// Its row of the table.
            #[must_use]
            pub const fn info(self) -> &'static Info {
                match self {
                    $(Opcode::$variant => &Info {
                        name: $name,
                        code: $code,
                        argument: Argument::$argument,
                        before: &[$(Slot::$before),*],
                        after: &[$(Slot::$after),*],
                        protocol: $protocol,
                        doc: $doc,
                    },)*
                }
            }
        }
    };
}

opcodes! {
    Int = b'I', "INT", DecimalShort, [] => [IntOrBool], 0, "Push an integer or bool";
    BinInt = b'J', "BININT", I32, [] => [Int], 1, "Push a four-byte signed integer";
    BinInt1 = b'K', "BININT1", U8, [] => [Int], 1, "Push a one-byte unsigned integer";
    BinInt2 = b'M', "BININT2", U16, [] => [Int], 1, "Push a two-byte unsigned integer";
    Long = b'L', "LONG", DecimalLong, [] => [Int], 0, "Push a long integer";
    Long1 = 0x8a, "LONG1", Long1, [] => [Int], 2, "Long integer using one-byte length";
    Long4 = 0x8b, "LONG4", Long4, [] => [Int], 2, "Long integer using found-byte length";
    String = b'S', "STRING", QuotedLine, [] => [BytesOrStr], 0, "Push a Python string object";
    BinString = b'T', "BINSTRING", String4, [] => [BytesOrStr], 1, "Push a Python string object";
    ShortBinString = b'U', "SHORT_BINSTRING", String1, [] => [BytesOrStr], 1, "Push a Python string object";
    BinBytes = b'B', "BINBYTES", Bytes4, [] => [Bytes], 3, "Push a Python bytes object";
    ShortBinBytes = b'C', "SHORT_BINBYTES", Bytes1, [] => [Bytes], 3, "Push a Python bytes object";
    BinBytes8 = 0x8e, "BINBYTES8", Bytes8, [] => [Bytes], 4, "Push a Python bytes object";
    ByteArray8 = 0x96, "BYTEARRAY8", ByteArray8, [] => [ByteArray], 5, "Push a Python bytearray object";
    NextBuffer = 0x97, "NEXT_BUFFER", None, [] => [Buffer], 5, "Push an out-of-band buffer object";
    ReadonlyBuffer = 0x98, "READONLY_BUFFER", None, [Buffer] => [Buffer], 5, "Make an out-of-band buffer object read-only";
    None = b'N', "NONE", None, [] => [None], 0, "Push None on the stack";
    NewTrue = 0x88, "NEWTRUE", None, [] => [Bool], 2, "Push True onto the stack";
    NewFalse = 0x89, "NEWFALSE", None, [] => [Bool], 2, "Push False onto the stack";
    Unicode = b'V', "UNICODE", EscapedLine, [] => [Str], 0, "Push a Python Unicode string object";
    ShortBinUnicode = 0x8c, "SHORT_BINUNICODE", Unicode1, [] => [Str], 4, "Push a Python Unicode string object";
    BinUnicode = b'X', "BINUNICODE", Unicode4, [] => [Str], 1, "Push a Python Unicode string object";
    BinUnicode8 = 0x8d, "BINUNICODE8", Unicode8, [] => [Str], 4, "Push a Python Unicode string object";
    Float = b'F', "FLOAT", FloatLine, [] => [Float], 0, "Newline-terminated decimal float literal";
    BinFloat = b'G', "BINFLOAT", Float8, [] => [Float], 1, "Float stored in binary form, with 8 bytes of data";
    EmptyList = b']', "EMPTY_LIST", None, [] => [List], 1, "Push an empty list";
    Append = b'a', "APPEND", None, [List, Any] => [List], 0, "Append an object to a list";
    Appends = b'e', "APPENDS", None, [List, Mark, Slice] => [List], 1, "Extend a list by a slice of stack objects";
    List = b'l', "LIST", None, [Mark, Slice] => [List], 0, "Build a list out of the topmost stack slice, after markobject";
    EmptyTuple = b')', "EMPTY_TUPLE", None, [] => [Tuple], 1, "Push an empty tuple";
    Tuple = b't', "TUPLE", None, [Mark, Slice] => [Tuple], 0, "Build a tuple out of the topmost stack slice, after markobject";
    Tuple1 = 0x85, "TUPLE1", None, [Any] => [Tuple], 2, "Build a one-tuple out of the topmost item on the stack";
    Tuple2 = 0x86, "TUPLE2", None, [Any, Any] => [Tuple], 2, "Build a two-tuple out of the top two items on the stack";
    Tuple3 = 0x87, "TUPLE3", None, [Any, Any, Any] => [Tuple], 2, "Build a three-tuple out of the top three items on the stack";
    EmptyDict = b'}', "EMPTY_DICT", None, [] => [Dict], 1, "Push an empty dict";
    Dict = b'd', "DICT", None, [Mark, Slice] => [Dict], 0, "Build a dict out of the topmost stack slice, after markobject";
    SetItem = b's', "SETITEM", None, [Dict, Any, Any] => [Dict], 0, "Add a key+value pair to an existing dict";
    SetItems = b'u', "SETITEMS", None, [Dict, Mark, Slice] => [Dict], 1, "Add an arbitrary number of key+value pairs to an existing dict";
    EmptySet = 0x8f, "EMPTY_SET", None, [] => [Set], 4, "Push an empty set";
    AddItems = 0x90, "ADDITEMS", None, [Set, Mark, Slice] => [Set], 4, "Add an arbitrary number of items to an existing set";
    FrozenSet = 0x91, "FROZENSET", None, [Mark, Slice] => [FrozenSet], 4, "Build a frozenset out of the topmost slice, after markobject";
    Pop = b'0', "POP", None, [Any] => [], 0, "Discard the top stack item, shrinking the stack by one item";
    Dup = b'2', "DUP", None, [Any] => [Any, Any], 0, "Push the top stack item onto the stack again, duplicating it";
    Mark = b'(', "MARK", None, [] => [Mark], 0, "Push markobject onto the stack";
    PopMark = b'1', "POP_MARK", None, [Mark, Slice] => [], 1, "Pop all the stack objects at and above the topmost markobject";
    Get = b'g', "GET", DecimalShort, [] => [Any], 0, "Read an object from the memo and push it on the stack";
    BinGet = b'h', "BINGET", U8, [] => [Any], 1, "Read an object from the memo and push it on the stack";
    LongBinGet = b'j', "LONG_BINGET", U32, [] => [Any], 1, "Read an object from the memo and push it on the stack";
    Put = b'p', "PUT", DecimalShort, [] => [], 0, "Store the stack top into the memo.  The stack is not popped";
    BinPut = b'q', "BINPUT", U8, [] => [], 1, "Store the stack top into the memo.  The stack is not popped";
    LongBinPut = b'r', "LONG_BINPUT", U32, [] => [], 1, "Store the stack top into the memo.  The stack is not popped";
    Memoize = 0x94, "MEMOIZE", None, [Any] => [Any], 4, "Store the stack top into the memo.  The stack is not popped";
    Ext1 = 0x82, "EXT1", U8, [] => [Any], 2, "Extension code";
    Ext2 = 0x83, "EXT2", U16, [] => [Any], 2, "Extension code";
    Ext4 = 0x84, "EXT4", I32, [] => [Any], 2, "Extension code";
    Global = b'c', "GLOBAL", TwoLines, [] => [Any], 0, "Push a global object (module.attr) on the stack";
    StackGlobal = 0x93, "STACK_GLOBAL", None, [Str, Str] => [Any], 4, "Push a global object (module.attr) on the stack";
    Reduce = b'R', "REDUCE", None, [Any, Any] => [Any], 0, "Push an object built from a callable and an argument tuple";
    Build = b'b', "BUILD", None, [Any, Any] => [Any], 0, "Finish building an object, via __setstate__ or dict update";
    Inst = b'i', "INST", TwoLines, [Mark, Slice] => [Any], 0, "Build a class instance";
    Obj = b'o', "OBJ", None, [Mark, Any, Slice] => [Any], 1, "Build a class instance";
    NewObj = 0x81, "NEWOBJ", None, [Any, Any] => [Any], 2, "Build an object instance";
    NewObjEx = 0x92, "NEWOBJ_EX", None, [Any, Any, Any] => [Any], 4, "Build an object instance";
    Proto = 0x80, "PROTO", U8, [] => [], 2, "Protocol version indicator";
    Stop = b'.', "STOP", None, [Any] => [], 0, "Stop the unpickling machine";
    Frame = 0x95, "FRAME", U64, [] => [], 4, "Indicate the beginning of a new frame";
    PersId = b'P', "PERSID", Line, [] => [Any], 0, "Push an object identified by a persistent ID";
    BinPersId = b'Q', "BINPERSID", None, [Any] => [Any], 1, "Push an object identified by a persistent ID";
}

const BY_CODE: [Option<Opcode>; 256] = {
    let mut table = [None; 256];
    let mut at = 0;
    while at < OPCODES.len() {
        table[OPCODES[at] as usize] = Some(OPCODES[at]);
        at += 1;
    }
    table
};

impl Opcode {
    /// The opcode of a byte.
    #[must_use]
    #[inline]
    pub fn from_code(code: u8) -> Option<Self> {
        BY_CODE[usize::from(code)]
    }

    /// Its name in `pickletools`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// Whether it takes everything down to the nearest mark.
    #[must_use]
    pub fn takes_mark(self) -> bool {
        self.info().before.contains(&Slot::Mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole_and_every_byte_finds_its_row() {
        assert_eq!(OPCODES.len(), 68);
        for &opcode in OPCODES {
            assert_eq!(Opcode::from_code(opcode.info().code), Some(opcode));
        }
        assert_eq!(BY_CODE.iter().flatten().count(), 68);
    }
}
