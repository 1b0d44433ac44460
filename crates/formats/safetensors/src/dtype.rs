//! The codes of the types of elements: `F32`, `BF16`, `F8_E4M3`.

use cannery_core::TensorDtype;

/// Every type of the format with its code, in the order in which the library writes tensors: the
/// last first, so that those of wide elements come before those of narrow ones.
const CODES: [(&str, TensorDtype); 22] = [
    ("BOOL", TensorDtype::Bool),
    ("F4", TensorDtype::Float4E2M1),
    ("F6_E2M3", TensorDtype::Float6E2M3),
    ("F6_E3M2", TensorDtype::Float6E3M2),
    ("U8", TensorDtype::Uint(1)),
    ("I8", TensorDtype::Int(1)),
    ("F8_E5M2", TensorDtype::Float8E5M2),
    ("F8_E4M3", TensorDtype::Float8E4M3),
    ("F8_E8M0", TensorDtype::Float8E8M0),
    ("F8_E4M3FNUZ", TensorDtype::Float8E4M3Fnuz),
    ("F8_E5M2FNUZ", TensorDtype::Float8E5M2Fnuz),
    ("I16", TensorDtype::Int(2)),
    ("U16", TensorDtype::Uint(2)),
    ("F16", TensorDtype::Float(2)),
    ("BF16", TensorDtype::BFloat16),
    ("I32", TensorDtype::Int(4)),
    ("U32", TensorDtype::Uint(4)),
    ("F32", TensorDtype::Float(4)),
    ("C64", TensorDtype::Complex(8)),
    ("F64", TensorDtype::Float(8)),
    ("I64", TensorDtype::Int(8)),
    ("U64", TensorDtype::Uint(8)),
];

/// The code of a type, if the format has it.
#[must_use]
pub fn dtype_code(dtype: &TensorDtype) -> Option<&'static str> {
    CODES.iter().find(|(_, known)| known == dtype).map(|(code, _)| *code)
}

/// The type that a code stands for.
#[must_use]
pub fn dtype_of_code(code: &str) -> Option<&'static TensorDtype> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, dtype)| dtype)
}

/// The place of a type in the order of the library; those that the format lacks come last.
pub(crate) fn rank(dtype: &TensorDtype) -> usize {
    CODES.iter().position(|(_, known)| known == dtype).unwrap_or(CODES.len())
}
