//! Datatypes: what an element is.

mod encode;
mod parse;

/// The type of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datatype {
    /// The bytes of an element in the file.
    pub size: u32,
    /// What these bytes mean.
    pub class: TypeClass,
}

/// In which order the bytes of a number stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// The lowest first.
    Little,
    /// The highest first.
    Big,
    /// That of VAX: pairs of bytes, the highest pair first.
    Vax,
}

/// How a text of fixed size ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StringPadding {
    /// At the first NUL.
    NullTerminated,
    /// Before the NULs at the end.
    NullPadded,
    /// Before the spaces at the end.
    SpacePadded,
}

/// In which encoding a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CharacterSet {
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
}

/// Where the parts of a floating-point number are, in bits from the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FloatLayout {
    /// In which order its bytes stand.
    pub order: ByteOrder,
    /// Where its bits begin.
    pub offset: u16,
    /// How many bits it has.
    pub precision: u16,
    /// Where its sign is.
    pub sign: u8,
    /// Where its exponent begins.
    pub exponent_at: u8,
    /// How many bits its exponent has.
    pub exponent_bits: u8,
    /// Where its mantissa begins.
    pub mantissa_at: u8,
    /// How many bits its mantissa has.
    pub mantissa_bits: u8,
    /// What is subtracted from its exponent.
    pub bias: u32,
    /// 0: the mantissa's highest bit is stored, 1: always set and stored, 2: set and not stored.
    pub normalization: u8,
}

/// A member of a compound type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: Vec<u8>,
    /// Where it begins, in bytes.
    pub offset: u32,
    /// Its type.
    pub datatype: Datatype,
}

/// What a reference refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// An object, by its address.
    Object,
    /// A part of a dataset, in a global heap.
    Region,
    /// An object, of HDF5 1.12 and later.
    NewObject,
    /// A part of a dataset, of HDF5 1.12 and later.
    NewRegion,
    /// An attribute, of HDF5 1.12 and later.
    NewAttribute,
}

/// The classes of types.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeClass {
    /// An integer, or bits without a meaning.
    Fixed {
        /// In which order its bytes stand.
        order: ByteOrder,
        /// Whether it is in two's complement.
        signed: bool,
        /// Where its bits begin.
        offset: u16,
        /// How many bits it has.
        precision: u16,
        /// Whether it is of the class of bit fields.
        is_bits: bool,
    },
    /// A floating-point number.
    Float(FloatLayout),
    /// Seconds since 1970.
    Time {
        /// In which order its bytes stand.
        order: ByteOrder,
        /// How many bits it has.
        precision: u16,
    },
    /// A text of fixed size.
    String {
        /// How it ends.
        padding: StringPadding,
        /// Its encoding.
        charset: CharacterSet,
    },
    /// Bytes without a meaning.
    Opaque {
        /// What the writer says they are.
        tag: Vec<u8>,
    },
    /// Members side by side.
    Compound(Vec<Member>),
    /// A reference.
    Reference(ReferenceKind),
    /// An integer whose values have names.
    Enum {
        /// The integer.
        base: Box<Datatype>,
        /// The names, and the bytes of the values.
        members: Vec<(Vec<u8>, Vec<u8>)>,
    },
    /// Any number of elements.
    Sequence(Box<Datatype>),
    /// A text of any length.
    VarString {
        /// How it ends.
        padding: StringPadding,
        /// Its encoding.
        charset: CharacterSet,
    },
    /// An array of fixed shape.
    Array {
        /// Its elements.
        base: Box<Datatype>,
        /// Its shape.
        shape: Vec<u32>,
    },
    /// A complex number: two numbers of the base.
    Complex(Box<Datatype>),
    /// A text with a padding or an encoding that stands for nothing: as in the format's own
    /// library, its elements cannot be read, and all that is around them can.
    UnknownText {
        /// The code of how it ends.
        padding: u32,
        /// The code of its encoding.
        charset: u32,
        /// Whether it is of any length.
        is_variable: bool,
    },
}

impl Datatype {
    /// A type whose elements take `size` bytes.
    #[must_use]
    pub fn new(size: u32, class: TypeClass) -> Self {
        Self { size, class }
    }

    /// Whether elements lead to a global heap.
    #[must_use]
    pub fn has_heap_data(&self) -> bool {
        match &self.class {
            TypeClass::Sequence(_) | TypeClass::VarString { .. } => true,
            TypeClass::UnknownText { is_variable, .. } => *is_variable,
            TypeClass::Reference(kind) => *kind != ReferenceKind::Object,
            TypeClass::Compound(members) => members.iter().any(|m| m.datatype.has_heap_data()),
            TypeClass::Array { base, .. } => base.has_heap_data(),
            _ => false,
        }
    }
}
