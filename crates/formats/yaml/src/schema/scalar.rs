//! What a plain scalar may be.

/// What a plain scalar is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'a> {
    Text,
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond a machine word; its digits may have underscores among them.
    Digits {
        negative: bool,
        digits: &'a str,
        radix: u32,
    },
    Float(f64),
    Date,
    DateTime,
}

/// An integer of `digits`, a machine word if it fits one.
pub(super) fn integer(negative: bool, digits: &str, radix: u32) -> Scalar<'_> {
    match i64::from_str_radix(digits, radix) {
        Ok(number) if negative => Scalar::Int(-number),
        Ok(number) => Scalar::Int(number),
        Err(_) => Scalar::Digits { negative, digits, radix },
    }
}
