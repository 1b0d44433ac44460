//! The rules of messages and fields, once names and options are known.

use super::declarations;
use super::diagnostics::Diagnostics;
use super::features::{self, Element, packed_option};
use super::names::join;
use super::validate_enum;
use crate::descriptor::{FieldProto, FileProto, MessageProto, REPEATED, REQUIRED};
use crate::edition::{self, Features};
use crate::kind;
use crate::pool::{Field, MessageType, Pool};

/// What extensions in proto3 may extend.
const OPTION_MESSAGES: [&str; 10] = [
    "FileOptions",
    "MessageOptions",
    "FieldOptions",
    "EnumOptions",
    "EnumValueOptions",
    "ServiceOptions",
    "MethodOptions",
    "OneofOptions",
    "ExtensionRangeOptions",
    "StreamOptions",
];

const OPTIMIZE_FOR: u32 = 9;
const LITE_RUNTIME: i64 = 3;

pub(super) fn file(pool: &Pool, file: &FileProto, diagnostics: &mut Diagnostics) {
    let features = Features::of_edition(file.edition);
    let features = features::merge(features, Element::File, &file.options);
    let mut checker = Checker { pool, diagnostics, edition: file.edition, is_lite: is_lite(file) };
    checker.imports(file);
    checker.file_features(features, file);
    for message in &file.messages {
        checker.message(message, &file.package, features);
    }
    for value in &file.enums {
        checker.enumeration(value, features);
    }
    for field in &file.extensions {
        checker.field(field, &file.package, features);
    }
}

fn is_lite(file: &FileProto) -> bool {
    let options = file.options.message.as_ref();
    options.and_then(|message| message.integer(OPTIMIZE_FOR)) == Some(LITE_RUNTIME)
}

pub(super) struct Checker<'a> {
    pub(super) pool: &'a Pool,
    pub(super) diagnostics: &'a mut Diagnostics,
    pub(super) edition: i32,
    is_lite: bool,
}

impl Checker<'_> {
    fn imports(&mut self, file: &FileProto) {
        if self.is_lite {
            return;
        }
        for import in &file.dependencies {
            let other = self.pool.file_index.get(&import.path).map(|&at| &self.pool.files[at]);
            if other.is_some_and(is_lite) {
                let text = format!("`{}` is for the lite runtime, this file is not", import.path);
                self.diagnostics.error(import.at, text);
            }
        }
    }

    fn file_features(&mut self, features: Features, file: &FileProto) {
        if self.edition >= edition::E2023
            && features.get(edition::FIELD_PRESENCE) == edition::LEGACY_REQUIRED
        {
            self.diagnostics.error(0, "expected no required presence for the whole file");
        }
        let unknown =
            (edition::FIELD_PRESENCE..=edition::JSON_FORMAT).find(|n| features.get(*n) == 0);
        if unknown.is_some() && file.options.is_present {
            self.diagnostics.error(0, "expected a value for every feature, found an unknown one");
        }
    }

    fn message(&mut self, message: &MessageProto, scope: &str, parent: Features) {
        let full = join(scope, &message.name);
        let features = features::merge(parent, Element::Message, &message.options);
        let Some(id) = self.pool.message(&full) else { return };
        let compiled = self.pool.message_type(id);
        self.message_rules(message, compiled);
        let mut nested: Vec<&str> = message.messages.iter().map(|m| m.name.as_str()).collect();
        nested.sort_unstable();
        for field in &message.fields {
            let oneof = field.oneof.and_then(|index| message.oneofs.get(index as usize));
            let parent = oneof.map_or(features, |oneof| {
                features::merge(features, Element::Oneof, &oneof.options)
            });
            self.field(field, &full, parent);
            self.map_clash(field, message, &nested);
        }
        for nested in &message.messages {
            self.message(nested, &full, features);
        }
        for value in &message.enums {
            self.enumeration(value, features);
        }
        for range in &message.ranges {
            declarations::range(range, self.diagnostics);
        }
        for field in &message.extensions {
            self.field(field, &full, features);
        }
    }

    fn message_rules(&mut self, message: &MessageProto, compiled: &MessageType) {
        let is_proto3 = self.edition == edition::PROTO3;
        if is_proto3 && compiled.is_message_set {
            self.diagnostics.error(message.name_at, "expected no message set in proto3");
        }
        for item in &message.ranges {
            if is_proto3 {
                self.diagnostics.error(item.range.at, "expected no extension ranges in proto3");
            }
            if !compiled.is_message_set && item.range.end > 1 << 29 {
                let text = "expected extension numbers of at most 536870911";
                self.diagnostics.error(item.range.at, text);
            }
        }
        if message.options.identifier("map_entry").is_some() && !Self::is_generated_entry(message) {
            let text = "expected `map<key, value>`: `map_entry` is not for schemas to set";
            self.diagnostics.error(message.name_at, text);
        }
    }

    /// Whether a message is the entry of a map, which the parser made.
    fn is_generated_entry(message: &MessageProto) -> bool {
        let [key, value] = &message.fields[..] else { return false };
        key.name == "key" && value.name == "value" && message.name.ends_with("Entry")
    }

    /// Two maps, or a map and a message, that would have entries of one name; by the sorted names of
    /// the messages inside.
    fn map_clash(&mut self, field: &FieldProto, message: &MessageProto, nested: &[&str]) {
        let entry = super::entry_name(&field.name);
        let first = nested.partition_point(|name| **name < *entry);
        if nested.get(first + 1).is_some_and(|second| *second == entry) {
            let text = format!("the entries of map `{}` are called as another message", field.name);
            self.diagnostics.error(message.name_at, text);
        }
    }

    pub(super) fn field(&mut self, field: &FieldProto, scope: &str, parent: Features) {
        let full = join(scope, &field.name);
        let pool = self.pool;
        let compiled = if field.extendee.is_empty() {
            let message = pool.message(scope).map(|id| pool.message_type(id));
            message.and_then(|message| message.field_by_name(&field.name))
        } else {
            pool.extension(&full)
        };
        let Some(compiled) = compiled else { return };
        let features = features::of_field(parent, field, self.edition);
        if field.extendee.is_empty() {
            self.message_set_field(field, compiled);
        } else {
            self.extension(field, compiled);
        }
        self.type_options(field, compiled);
        self.json_name(field);
        if compiled.is_map() {
            self.map(field, compiled);
        }
        if self.edition == edition::PROTO3 {
            self.proto3_field(field);
        }
        self.enum_rules(field, compiled);
        if self.edition >= edition::E2023 {
            self.field_features(field, compiled, features);
        }
    }

    fn message_set_field(&mut self, field: &FieldProto, compiled: &Field) {
        let containing = compiled.containing.map(|id| self.pool.message_type(id));
        if containing.is_some_and(|message| message.is_message_set) {
            let text = "expected extensions only: message sets have no fields";
            self.diagnostics.error(field.name_at, text);
        }
    }

    fn extension(&mut self, field: &FieldProto, compiled: &Field) {
        let Some(extendee) = compiled.containing else { return };
        let extendee = self.pool.message_type(extendee);
        let is_message = field.kind == kind::MESSAGE && field.label != REPEATED;
        if extendee.is_message_set && (!is_message || field.label == REQUIRED) {
            let text = "expected an optional message as extension of a message set";
            self.diagnostics.error(field.type_at, text);
        }
        if !extendee.is_message_set && field.number.cast_unsigned() > crate::wire::MAX_FIELD {
            let text = "expected a field number of at most 536870911";
            self.diagnostics.error(field.number_at, text);
        }
        if self.edition == edition::PROTO3 {
            let name = extendee.full_name.strip_prefix("google.protobuf.");
            if !name.is_some_and(|name| OPTION_MESSAGES.contains(&name)) {
                let text = "expected an extension of options: proto3 has no other";
                self.diagnostics.error(field.extendee_at, text);
            }
        }
        let lite = |index: u32| self.pool.files.get(index as usize).is_none_or(is_lite);
        if self.is_lite && !lite(extendee.file) {
            let text = "expected a file that is not for the lite runtime: the extended one is not";
            self.diagnostics.error(field.extendee_at, text);
        }
        if field.label == REQUIRED {
            let text = format!("the extension `{}` cannot be required", compiled.full_name);
            self.diagnostics.error(field.type_at, text);
        }
        declarations::extension(self.pool, field, compiled, self.diagnostics);
    }

    /// Options that are only for some types.
    fn type_options(&mut self, field: &FieldProto, compiled: &Field) {
        let Some(options) = field.options.message.as_deref() else { return };
        let is_packable = field.label == REPEATED && kind::is_packable(compiled.kind);
        if packed_option(&field.options) == Some(true) && !is_packable {
            let text = "expected a repeated field of numbers, bools or enums for `packed`";
            self.diagnostics.error(field.type_at, text);
        }
        let is_set = |number| options.integer(number).is_some_and(|value| value != 0);
        if (is_set(5) || is_set(15)) && !compiled.is_message() {
            self.diagnostics.error(field.type_at, "expected a field of messages for `lazy`");
        }
        let is_wide = matches!(
            compiled.kind,
            kind::INT64 | kind::UINT64 | kind::SINT64 | kind::FIXED64 | kind::SFIXED64
        );
        if is_set(6) && !is_wide {
            self.diagnostics.error(field.type_at, "expected an integer of 64 bits for `jstype`");
        }
        if self.edition >= edition::E2023 && packed_option(&field.options).is_some() {
            let text = "expected `features.repeated_field_encoding`: editions have no `packed`";
            self.diagnostics.error(field.name_at, text);
        }
        let ctype = options.integer(1);
        if ctype.is_some() {
            self.ctype(field, ctype);
        }
    }

    fn ctype(&mut self, field: &FieldProto, ctype: Option<i64>) {
        if self.edition >= edition::E2024 {
            let text = "expected `features.(pb.cpp).string_type`: edition 2024 has no `ctype`";
            self.diagnostics.error(field.name_at, text);
        } else if self.edition == edition::E2023 {
            if !matches!(field.kind, kind::STRING | kind::BYTES) {
                let text = "expected a string or bytes for `ctype`";
                self.diagnostics.error(field.name_at, text);
            } else if ctype == Some(1) && !field.extendee.is_empty() {
                let text = "expected no `ctype = CORD` on an extension";
                self.diagnostics.error(field.name_at, text);
            }
        }
    }

    fn json_name(&mut self, field: &FieldProto) {
        if !field.has_json_name {
            return;
        }
        if !field.extendee.is_empty() {
            self.diagnostics.error(field.name_at, "expected no `json_name` on an extension");
            return;
        }
        let name = field.json_name.as_deref().unwrap_or_default();
        if name.starts_with('[') && name.ends_with(']') {
            let text = format!("expected a JSON name without brackets, found `{name}`");
            self.diagnostics.error(field.name_at, text);
        } else if name.contains('\0') {
            self.diagnostics.error(field.name_at, "expected a JSON name without zero bytes");
        }
    }

    fn map(&mut self, field: &FieldProto, compiled: &Field) {
        let (key, value) = self.pool.entry_of(compiled);
        match key.kind {
            kind::ENUM => {
                self.diagnostics.error(field.type_at, "expected no enum as the key of a map");
            }
            kind::DOUBLE | kind::FLOAT | kind::BYTES | kind::MESSAGE | kind::GROUP => {
                let text = "expected an integer, a bool or a string as the key of a map";
                self.diagnostics.error(field.type_at, text);
            }
            _ => {}
        }
        if let Some(id) = value.enumeration {
            let first = self.pool.enum_type(id).values.first();
            if first.is_some_and(|(_, number)| *number != 0) {
                let text = "expected 0 as the first value of an enum in a map";
                self.diagnostics.error(field.type_at, text);
            }
        }
    }

    fn proto3_field(&mut self, field: &FieldProto) {
        if field.label == REQUIRED {
            self.diagnostics.error(field.type_at, "expected no required field in proto3");
        }
        if field.default.is_some() {
            self.diagnostics.error(field.default_at, "expected no default in proto3");
        }
        if field.kind == kind::GROUP {
            self.diagnostics.error(field.type_at, "expected no group in proto3");
        }
    }

    /// A closed enum has no place where any number may come.
    fn enum_rules(&mut self, field: &FieldProto, compiled: &Field) {
        let Some(id) = compiled.enumeration else { return };
        let enumeration = self.pool.enum_type(id);
        let is_implicit = field.label != REPEATED && !compiled.has_presence;
        if !enumeration.is_closed {
            return;
        }
        if self.edition == edition::PROTO3 {
            let text =
                format!("expected an open enum in proto3, `{}` is closed", enumeration.full_name);
            self.diagnostics.error(field.type_at, text);
        } else if is_implicit && self.edition >= edition::E2023 {
            let in_entry =
                compiled.containing.is_some_and(|id| self.pool.message_type(id).is_map_entry);
            if !in_entry {
                let text = format!(
                    "expected an open enum for a field without presence, `{}` is closed",
                    enumeration.full_name
                );
                self.diagnostics.error(field.name_at, text);
            }
        }
    }

    fn field_features(&mut self, field: &FieldProto, compiled: &Field, features: Features) {
        let own = field.options.message.as_ref().and_then(|options| options.message(21));
        let sets = |number| own.is_some_and(|own| own.integer(number).is_some());
        let is_repeated = field.label == REPEATED;
        let presence = features.get(edition::FIELD_PRESENCE);
        let in_entry =
            compiled.containing.is_some_and(|id| self.pool.message_type(id).is_map_entry);
        let mut refuse = |text: &str| self.diagnostics.error(field.name_at, text);
        if in_entry {
            return;
        }
        if presence == edition::IMPLICIT && field.default.is_some() {
            refuse("expected no default for a field without presence");
        }
        if sets(edition::FIELD_PRESENCE) {
            if is_repeated {
                refuse("expected no presence: repeated fields have none");
            } else if field.oneof.is_some() {
                refuse("expected no presence: it is given to fields of a oneof");
            } else if presence == edition::IMPLICIT && compiled.is_message() {
                refuse("expected presence: messages always have it");
            } else if !field.extendee.is_empty() && presence == edition::LEGACY_REQUIRED {
                refuse("expected an extension that is not required");
            } else if !field.extendee.is_empty() && presence == edition::IMPLICIT {
                refuse("expected presence: extensions always have it");
            }
        }
        if sets(edition::REPEATED_ENCODING) {
            if !is_repeated {
                refuse("expected a repeated field for a repeated encoding");
            } else if !kind::is_packable(compiled.kind)
                && features.get(edition::REPEATED_ENCODING) == edition::PACKED
            {
                refuse("expected numbers, bools or enums for the packed encoding");
            }
        }
        let (_, is_text) = self.kinds(compiled, kind::STRING);
        if sets(edition::UTF8_VALIDATION) && !is_text {
            self.diagnostics.error(field.name_at, "expected a string for UTF-8 validation");
        }
        if sets(edition::MESSAGE_ENCODING) && (!compiled.is_message() || compiled.is_map()) {
            self.diagnostics
                .error(field.name_at, "expected a field of messages for their encoding");
        }
    }

    /// Whether a field is of this kind; and whether it is, or is a map with some of it.
    fn kinds(&self, compiled: &Field, wanted: u8) -> (bool, bool) {
        let is_own = compiled.kind == wanted;
        if !compiled.is_map() {
            return (is_own, is_own);
        }
        let (key, value) = self.pool.entry_of(compiled);
        (is_own, key.kind == wanted || value.kind == wanted)
    }

    fn enumeration(&mut self, value: &crate::descriptor::EnumProto, parent: Features) {
        let features = features::merge(parent, Element::Enum, &value.options);
        validate_enum::check(value, features, self.diagnostics);
    }
}
