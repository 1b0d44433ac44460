//! The types that columns have, and which fields are of them.

/// What the fields of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnType {
    /// `true` and `false`, in lower or upper case or capitalized.
    Bool,
    /// Decimal integers of any size, without leading zeros.
    Int,
    /// Decimal numbers, `inf` and `nan` in any case.
    Float,
    /// Any text.
    Text,
}

impl ColumnType {
    /// Its name, which is that of Python's type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Text => "str",
        }
    }

    /// The type of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Bool, Self::Int, Self::Float, Self::Text].into_iter().find(|one| one.name() == name)
    }

    /// The narrowest type that a field is of.
    #[must_use]
    pub fn of_field(text: &[u8]) -> Self {
        if bool_of(text).is_some() {
            Self::Bool
        } else if is_int(trimmed(text)) {
            Self::Int
        } else if float_of(text).is_some() {
            Self::Float
        } else {
            Self::Text
        }
    }

    /// The narrowest type that has the values of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) => Self::Float,
            _ => Self::Text,
        }
    }
}

/// Blanks around a number are not part of it.
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    match text {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => text.trim_ascii(),
        _ => text,
    }
}

pub(crate) fn bool_of(text: &[u8]) -> Option<bool> {
    match text {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}

/// Whether a text is an integer that is written the same again. `-0` is none, nor is `007`: that is
/// no number but a name.
pub(crate) fn is_int(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match digits {
        [b'0'] => digits.len() == text.len(),
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The value of an integer of up to 18 digits, which fits whatever they are.
pub(crate) fn short_int(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut value = 0_i64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if digits.len() < text.len() { -value } else { value })
}

/// The value of a decimal number.
pub(crate) fn float_of(text: &[u8]) -> Option<f64> {
    let text = trimmed(text);
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let is_number = match unsigned {
        // Leading zeros: a name.
        [b'0', b'0'..=b'9', ..] => false,
        [b'0'..=b'9', ..] => true,
        [b'.', rest @ ..] => rest.first().is_some_and(u8::is_ascii_digit),
        _ => {
            let names: [&[u8]; 3] = [b"inf", b"infinity", b"nan"];
            names.iter().any(|name| unsigned.eq_ignore_ascii_case(name))
        }
    };
    if !is_number {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_their_narrowest_type() {
        let cases = [
            ("int", "0 1 -1 12345678901234567890123 999999999999999999"),
            ("float", "1.5 -0 1e5 1E-7 .5 -.5 1. nan NaN -inf Infinity 0.0 12e400"),
            ("bool", "true False TRUE"),
            ("str", "x 007 -01 00.5 +5 1_000 0x10 1.2.3 - . e5 1e tRUE --1 ٣ NA -.e1 infin"),
        ];
        for (name, fields) in cases {
            for field in fields.split(' ') {
                assert_eq!(ColumnType::of_field(field.as_bytes()).name(), name, "{field}");
            }
        }
        assert_eq!(ColumnType::of_field(b" 5\t"), ColumnType::Int);
        assert_eq!(ColumnType::of_field(b""), ColumnType::Text);
    }

    #[test]
    fn short_integers_are_their_digits() {
        for value in [0, 1, -1, 42, 999_999_999_999_999_999_i64, -999_999_999_999_999_999] {
            assert_eq!(short_int(value.to_string().as_bytes()), Some(value));
        }
        for text in ["", "-", "-0", "01", "1a", "1234567890123456789"] {
            assert_eq!(short_int(text.as_bytes()), None, "{text}");
        }
    }
}
