//! Messages that JSON and Python treat in a way of their own.

/// Which of the well-known messages a type is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the message of that name in `google.protobuf`")]
pub enum WellKnown {
    #[default]
    None,
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    /// `BoolValue`, `StringValue` and the like: a scalar in a message.
    Wrapper,
    Empty,
}

impl WellKnown {
    pub(crate) fn from_name(name: &str) -> Self {
        match name.strip_prefix("google.protobuf.").unwrap_or_default() {
            "Any" => Self::Any,
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "Struct" => Self::Struct,
            "Value" => Self::Value,
            "ListValue" => Self::ListValue,
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
            | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
            _ => Self::None,
        }
    }
}
