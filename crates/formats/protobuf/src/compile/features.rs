//! Features: those of an edition, of the file, and what each element changes for what is inside it.

use crate::descriptor::{FieldProto, Options, REQUIRED};
use crate::edition::{self, Features};
use crate::kind;

/// The number of the field `features` in the options of each kind of element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    File,
    ExtensionRange,
    Message,
    Field,
    Oneof,
    Enum,
    EnumValue,
    Service,
    Method,
}

impl Element {
    pub(super) fn options_type(self) -> &'static str {
        match self {
            Self::File => "google.protobuf.FileOptions",
            Self::ExtensionRange => "google.protobuf.ExtensionRangeOptions",
            Self::Message => "google.protobuf.MessageOptions",
            Self::Field => "google.protobuf.FieldOptions",
            Self::Oneof => "google.protobuf.OneofOptions",
            Self::Enum => "google.protobuf.EnumOptions",
            Self::EnumValue => "google.protobuf.EnumValueOptions",
            Self::Service => "google.protobuf.ServiceOptions",
            Self::Method => "google.protobuf.MethodOptions",
        }
    }

    fn features(self) -> u32 {
        match self {
            Self::File | Self::ExtensionRange => 50,
            Self::Message => 12,
            Self::Field => 21,
            Self::Oneof => 1,
            Self::Enum => 7,
            Self::EnumValue => 2,
            Self::Service => 34,
            Self::Method => 35,
        }
    }

    /// As `FieldOptions.OptionTargetType` numbers it, and its name in messages.
    pub(super) fn target(self) -> (i32, &'static str) {
        match self {
            Self::File => (1, "file"),
            Self::ExtensionRange => (2, "extension range"),
            Self::Message => (3, "message"),
            Self::Field => (4, "field"),
            Self::Oneof => (5, "oneof"),
            Self::Enum => (6, "enum"),
            Self::EnumValue => (7, "enum entry"),
            Self::Service => (8, "service"),
            Self::Method => (9, "method"),
        }
    }

    pub(super) fn has_features(self, options: &Options) -> bool {
        options.message.as_ref().is_some_and(|message| message.get(self.features()).is_some())
    }
}

/// The features inside an element with these options.
pub(super) fn merge(parent: Features, element: Element, options: &Options) -> Features {
    let set = options.message.as_ref().and_then(|message| message.message(element.features()));
    let Some(set) = set else { return parent };
    let numbers = edition::FIELD_PRESENCE..=edition::VISIBILITY;
    numbers.fold(parent, |features, number| match set.integer(number) {
        Some(value) => features.with(number, u8::try_from(value).unwrap_or(0)),
        None => features,
    })
}

/// The features of a field; in proto2 and proto3 its label, type and options stand for some.
pub(super) fn of_field(parent: Features, field: &FieldProto, file_edition: i32) -> Features {
    let mut features = merge(parent, Element::Field, &field.options);
    if file_edition >= edition::E2023 {
        return features;
    }
    if field.label == REQUIRED {
        features = features.with(edition::FIELD_PRESENCE, edition::LEGACY_REQUIRED);
    }
    if field.kind == kind::GROUP {
        features = features.with(edition::MESSAGE_ENCODING, edition::DELIMITED);
    }
    match packed_option(&field.options) {
        Some(true) => features.with(edition::REPEATED_ENCODING, edition::PACKED),
        Some(false) => features.with(edition::REPEATED_ENCODING, edition::EXPANDED),
        None => features,
    }
}

pub(super) fn packed_option(options: &Options) -> Option<bool> {
    options.message.as_ref()?.integer(2).map(|value| value != 0)
}
