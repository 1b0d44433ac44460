//! The naming style that edition 2024 asks for.

use super::diagnostics::Diagnostics;
use super::features::{self, Element};
use crate::descriptor::{At, EnumProto, FieldProto, FileProto, MessageProto, Options};
use crate::edition::{self, Features};

pub(super) fn file(file: &FileProto, diagnostics: &mut Diagnostics) {
    let features = Features::of_edition(file.edition);
    let features = features::merge(features, Element::File, &file.options);
    let mut style = Style { diagnostics };
    if asks(features) && file.has_package && !file.package.split('.').all(is_lower_snake) {
        let text = format!("expected a package in `lower_snake_case`, found `{}`", file.package);
        style.diagnostics.error(file.package_at, text);
    }
    file.messages.iter().for_each(|message| style.message(message, features));
    file.enums.iter().for_each(|value| style.enumeration(value, features));
    file.extensions.iter().for_each(|field| style.field(field, features));
    for service in &file.services {
        let features = features::merge(features, Element::Service, &service.options);
        style.name("service", &service.name, service.name_at, features, is_title);
        for method in &service.methods {
            let features = features::merge(features, Element::Method, &method.options);
            style.name("method", &method.name, method.name_at, features, is_title);
        }
    }
}

fn asks(features: Features) -> bool {
    matches!(features.get(edition::NAMING_STYLE), edition::STYLE_2024 | edition::STYLE_2026)
}

struct Style<'a> {
    diagnostics: &'a mut Diagnostics,
}

impl Style<'_> {
    fn name(&mut self, what: &str, name: &str, at: At, features: Features, ok: fn(&str) -> bool) {
        if !asks(features) || ok(name) {
            return;
        }
        // Edition 2026 takes `part_1`, which edition 2024 wants to be `part1`.
        let is_2026 = features.get(edition::NAMING_STYLE) == edition::STYLE_2026;
        if is_2026 && ok(&without_underscores_before_digits(name)) {
            return;
        }
        let wanted = match what {
            "message" | "enum" | "service" | "method" => "TitleCase",
            "enum value" => "UPPER_SNAKE_CASE",
            _ => "lower_snake_case",
        };
        let text = format!("expected the name of a {what} in `{wanted}`, found `{name}`");
        self.diagnostics.error(at, text);
    }

    fn message(&mut self, message: &MessageProto, parent: Features) {
        if is_map_entry(&message.options) {
            return;
        }
        let features = features::merge(parent, Element::Message, &message.options);
        self.name("message", &message.name, message.name_at, features, is_title);
        message.fields.iter().for_each(|field| self.field(field, features));
        message.messages.iter().for_each(|nested| self.message(nested, features));
        message.enums.iter().for_each(|value| self.enumeration(value, features));
        message.extensions.iter().for_each(|field| self.field(field, features));
        for oneof in message.oneofs.iter().filter(|oneof| !oneof.is_synthetic) {
            let features = features::merge(features, Element::Oneof, &oneof.options);
            self.name("oneof", &oneof.name, oneof.name_at, features, is_lower_snake);
        }
    }

    fn field(&mut self, field: &FieldProto, parent: Features) {
        let features = features::merge(parent, Element::Field, &field.options);
        self.name("field", &field.name, field.name_at, features, is_lower_snake);
    }

    fn enumeration(&mut self, value: &EnumProto, parent: Features) {
        let features = features::merge(parent, Element::Enum, &value.options);
        self.name("enum", &value.name, value.name_at, features, is_title);
        for constant in &value.values {
            let features = features::merge(features, Element::EnumValue, &constant.options);
            self.name("enum value", &constant.name, constant.name_at, features, is_upper_snake);
        }
    }
}

fn is_map_entry(options: &Options) -> bool {
    options.message.as_ref().and_then(|message| message.integer(7)).is_some_and(|value| value != 0)
}

fn is_title(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// An underscore stands between two parts, of which the second begins with a letter.
fn has_good_underscores(name: &str) -> bool {
    !name.starts_with('_')
        && name
            .match_indices('_')
            .all(|(at, _)| name.as_bytes().get(at + 1).is_some_and(u8::is_ascii_alphabetic))
}

fn without_underscores_before_digits(name: &str) -> String {
    let mut ahead = name.chars().skip(1);
    let is_kept = |c: &char| {
        let next = ahead.next();
        *c != '_' || !next.is_some_and(|next| next.is_ascii_digit())
    };
    name.chars().filter(is_kept).collect()
}

fn is_lower_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && has_good_underscores(name)
}

fn is_upper_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && has_good_underscores(name)
}
