//! Schemas as data: what `descriptor.proto` describes, with the places of the text they came from.

mod decode;
mod encode;

pub(crate) use decode::read_set;

use crate::message::Message;

/// A byte offset in the file's text.
pub(crate) type At = u32;

/// One `.proto` file.
#[derive(Clone, Debug, Default)]
pub struct FileProto {
    /// The path by which it is imported.
    pub name: String,
    pub(crate) package: String,
    pub(crate) dependencies: Vec<Import>,
    pub(crate) option_dependencies: Vec<Import>,
    pub(crate) messages: Vec<MessageProto>,
    pub(crate) enums: Vec<EnumProto>,
    pub(crate) services: Vec<ServiceProto>,
    pub(crate) extensions: Vec<FieldProto>,
    pub(crate) options: Options,
    pub(crate) syntax: String,
    pub(crate) edition: i32,
    pub(crate) package_at: At,
    pub(crate) has_package: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Import {
    pub(crate) path: String,
    pub(crate) is_public: bool,
    pub(crate) is_weak: bool,
    pub(crate) at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct MessageProto {
    pub(crate) name: String,
    pub(crate) fields: Vec<FieldProto>,
    pub(crate) extensions: Vec<FieldProto>,
    pub(crate) messages: Vec<MessageProto>,
    pub(crate) enums: Vec<EnumProto>,
    pub(crate) ranges: Vec<ExtensionRange>,
    pub(crate) oneofs: Vec<OneofProto>,
    pub(crate) options: Options,
    pub(crate) reserved: Vec<Range>,
    pub(crate) reserved_names: Vec<ReservedName>,
    pub(crate) visibility: i32,
    pub(crate) name_at: At,
}

/// Numbers from `start` to before `end`; of an enum, up to and with `end`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range {
    pub(crate) start: i32,
    pub(crate) end: i32,
    pub(crate) at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ReservedName {
    pub(crate) name: String,
    pub(crate) at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ExtensionRange {
    pub(crate) range: Range,
    pub(crate) options: Options,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct OneofProto {
    pub(crate) name: String,
    pub(crate) options: Options,
    pub(crate) name_at: At,
    pub(crate) is_synthetic: bool,
}

/// The label of a field, as `FieldDescriptorProto.Label` numbers them.
pub(crate) const OPTIONAL: u8 = 1;
pub(crate) const REQUIRED: u8 = 2;
pub(crate) const REPEATED: u8 = 3;

#[derive(Clone, Debug, Default)]
pub(crate) struct FieldProto {
    pub(crate) name: String,
    pub(crate) number: i32,
    /// 0 where none is written.
    pub(crate) label: u8,
    /// As `FieldDescriptorProto.Type` numbers them; 0 until the name of the type is resolved.
    pub(crate) kind: u8,
    pub(crate) type_name: String,
    pub(crate) extendee: String,
    pub(crate) default: Option<Vec<u8>>,
    pub(crate) oneof: Option<u32>,
    pub(crate) json_name: Option<String>,
    pub(crate) has_json_name: bool,
    pub(crate) options: Options,
    pub(crate) proto3_optional: bool,
    pub(crate) name_at: At,
    pub(crate) number_at: At,
    pub(crate) type_at: At,
    pub(crate) extendee_at: At,
    pub(crate) default_at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EnumProto {
    pub(crate) name: String,
    pub(crate) values: Vec<EnumValueProto>,
    pub(crate) options: Options,
    pub(crate) reserved: Vec<Range>,
    pub(crate) reserved_names: Vec<ReservedName>,
    pub(crate) visibility: i32,
    pub(crate) name_at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct EnumValueProto {
    pub(crate) name: String,
    pub(crate) number: i32,
    pub(crate) options: Options,
    pub(crate) name_at: At,
    pub(crate) number_at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ServiceProto {
    pub(crate) name: String,
    pub(crate) methods: Vec<MethodProto>,
    pub(crate) options: Options,
    pub(crate) name_at: At,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct MethodProto {
    pub(crate) name: String,
    pub(crate) input: String,
    pub(crate) output: String,
    pub(crate) options: Options,
    pub(crate) client_streaming: bool,
    pub(crate) server_streaming: bool,
    pub(crate) name_at: At,
    pub(crate) input_at: At,
    pub(crate) output_at: At,
}

/// The options of one element: as written until they are interpreted, then a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// Whether the descriptor has options, even if there are none in them.
    pub(crate) is_present: bool,
    pub(crate) raw: Vec<RawOption>,
    /// What a descriptor set says, or what is written into one: options of source retention are
    /// left out there.
    pub(crate) bytes: Vec<u8>,
    pub(crate) message: Option<Box<Message>>,
}

/// `option name = value;` as written.
#[derive(Clone, Debug)]
pub(crate) struct RawOption {
    pub(crate) name: Vec<NamePart>,
    pub(crate) value: RawValue,
    pub(crate) name_at: At,
    pub(crate) value_at: At,
}

/// One part of an option's name; an extension's stands in parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamePart {
    pub(crate) name: String,
    pub(crate) is_extension: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RawValue {
    Identifier(String),
    Positive(u64),
    Negative(i64),
    Double(f64),
    Text(Vec<u8>),
    Aggregate(String),
}

impl RawOption {
    /// Whether the name is this one word.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(&self.name[..], [part] if !part.is_extension && part.name == name)
    }
}

impl Options {
    /// The identifier that the option `name` is set to.
    pub(crate) fn identifier(&self, name: &str) -> Option<&str> {
        self.raw.iter().find(|option| option.is(name)).and_then(|option| match &option.value {
            RawValue::Identifier(text) => Some(text.as_str()),
            _ => None,
        })
    }
}
