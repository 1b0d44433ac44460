//! The tagged form: every kind of value in maps, lists, text and numbers.
//!
//! [`TagEncoder`] lowers the events that a plain format has no words for, [`TagDecoder`] raises them
//! again. Both work event by event in constant memory, but for scalars inside a tag. The form is
//! described for people and other languages in `docs/format.md`.
//!
//! | event | tagged form |
//! |---|---|
//! | tuple, set, frozenset | `{"$type": "tuple", "value": [...]}` |
//! | map | `{"a": 1}`; from the first key that is not text on, pairs: `{"a": 1, "$items": [[2, 3]]}` |
//! | object | `{"$type": "datetime.date", "value": "2026-11-21"}`: its name, then its parts |
//! | bytes | `{"$type": "bytes", "value": "AP8="}`, base64, or `{"$bytes": "bytes/0.bin"}` |
//! | NaN and infinities | `{"$type": "float", "value": "nan"}`, `"inf"`, `"-inf"` |
//! | a high surrogate before a low one | `{"$type": "surrogates", "value": "7aC97biA"}`, base64 |
//! | array | `{"$type": "ndarray", "dtype": "<f4", "shape": [2], "order": "C", "data": "..."}`, or `{"$array": "arrays/0.npy"}` |
//! | mark | `"$id": 1` as the first key; what is no map otherwise is wrapped: `{"$id": 1, "$type": "list", "value": [...]}` |
//! | alias | `{"$ref": 1}` |
//!
//! A key that begins with `$` gets another `$` in front, and so does the name of an object's type
//! that begins with `$` or is one of the names above. One with a high surrogate before a low one is
//! `$surrogates:` and its bytes in base64.

mod decode;
mod encode;
mod malformed;
mod scalar;
mod support;

use crate::{Container, Text};

pub use decode::TagDecoder;
pub use encode::TagEncoder;
pub use support::TagSupport;

/// One level of a value becomes that many of a document at most: a map, its pairs, and a pair.
///
/// A reader of tagged documents multiplies its [`Limits::depth`](crate::Limits::depth) by it, to
/// read all that a writer with the same limits may write.
pub const MAX_LEVELS: usize = 3;

const ID: Text<'static> = Text::Ascii("$id");
const REF: Text<'static> = Text::Ascii("$ref");
const TYPE: Text<'static> = Text::Ascii("$type");
const ITEMS: Text<'static> = Text::Ascii("$items");
const ARRAY: Text<'static> = Text::Ascii("$array");
const BYTES: Text<'static> = Text::Ascii("$bytes");
/// Before a key, or the name of a type, whose UTF-8 with surrogates follows in base64.
const SPLIT: &str = "$surrogates:";
const VALUE: Text<'static> = Text::Ascii("value");

/// The type names that are no object's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    /// `list`, `tuple`, `set`, `frozenset`.
    Items(Container),
    Scalar(Scalar),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    Null,
    Bool,
    Int,
    Float,
    Str,
    Surrogates,
    Bytes,
    Array,
}

const TAGS: [(&str, Tag); 12] = [
    ("list", Tag::Items(Container::List)),
    ("tuple", Tag::Items(Container::Tuple)),
    ("set", Tag::Items(Container::Set)),
    ("frozenset", Tag::Items(Container::FrozenSet)),
    ("null", Tag::Scalar(Scalar::Null)),
    ("bool", Tag::Scalar(Scalar::Bool)),
    ("int", Tag::Scalar(Scalar::Int)),
    ("float", Tag::Scalar(Scalar::Float)),
    ("str", Tag::Scalar(Scalar::Str)),
    ("surrogates", Tag::Scalar(Scalar::Surrogates)),
    ("bytes", Tag::Scalar(Scalar::Bytes)),
    ("ndarray", Tag::Scalar(Scalar::Array)),
];

impl Tag {
    fn from_name(name: &str) -> Option<Self> {
        TAGS.iter().find(|(known, _)| *known == name).map(|&(_, tag)| tag)
    }

    fn name(self) -> &'static str {
        TAGS.iter().find(|(_, tag)| *tag == self).expect("a map is no tag").0
    }

    /// Whether it says nothing that a plain value does not, and so is only met with a mark.
    fn needs_mark(self) -> bool {
        match self {
            Tag::Items(container) => container == Container::List,
            Tag::Scalar(scalar) => matches!(scalar, Scalar::Null | Scalar::Bool | Scalar::Str),
        }
    }
}
