//! JSON names must differ.

use std::collections::HashMap;

use super::diagnostics::Diagnostics;
use super::features::{self, Element};
use super::names::json_name;
use crate::descriptor::{EnumProto, FileProto, MessageProto};
use crate::edition::{self, Features};
use crate::pool::Pool;

pub(super) fn file(_pool: &Pool, file: &FileProto, diagnostics: &mut Diagnostics) {
    let features = Features::of_edition(file.edition);
    let features = features::merge(features, Element::File, &file.options);
    let mut check = Check { diagnostics };
    file.messages.iter().for_each(|message| check.message(message, features));
    file.enums.iter().for_each(|value| check.enumeration(value, features));
}

struct Check<'a> {
    diagnostics: &'a mut Diagnostics,
}

impl Check<'_> {
    fn message(&mut self, message: &MessageProto, parent: Features) {
        let features = features::merge(parent, Element::Message, &message.options);
        let allows = features.get(edition::JSON_FORMAT) == edition::JSON_ALLOW;
        let is_legacy = is_set(&message.options, 11);
        self.names(message, false, allows && !is_legacy);
        self.names(message, true, allows && !is_legacy);
        message.messages.iter().for_each(|nested| self.message(nested, features));
        message.enums.iter().for_each(|value| self.enumeration(value, features));
    }

    /// Default names among each other, then custom ones with all.
    fn names(&mut self, message: &MessageProto, use_custom: bool, is_strict: bool) {
        let mut seen: HashMap<String, (&str, bool)> = HashMap::new();
        for field in &message.fields {
            let default = json_name(&field.name);
            let custom = field.json_name.as_deref().filter(|name| *name != default);
            let custom = if use_custom { custom } else { None };
            let is_custom = custom.is_some();
            let name = custom.unwrap_or(&default).to_owned();
            let Some(&(other, other_custom)) = seen.get(&name) else {
                seen.insert(name, (&field.name, is_custom));
                continue;
            };
            let is_reported = use_custom && !is_custom && !other_custom;
            let involves_default = !is_custom || !other_custom;
            if is_reported || (involves_default && !is_strict) {
                continue;
            }
            let text =
                format!("the JSON name `{name}` of field `{}` is that of `{other}`", field.name);
            self.diagnostics.error(field.name_at, text);
        }
    }

    /// Values whose names are the same without the enum's prefix, in capitals or not.
    fn enumeration(&mut self, value: &EnumProto, parent: Features) {
        let features = features::merge(parent, Element::Enum, &value.options);
        let allows = features.get(edition::JSON_FORMAT) == edition::JSON_ALLOW;
        if !allows || is_set(&value.options, 6) {
            return;
        }
        let mut seen: HashMap<String, (&str, i32)> = HashMap::new();
        for constant in &value.values {
            let stripped = pascal_case(without_prefix(&constant.name, &value.name));
            let own = (constant.name.as_str(), constant.number);
            let other = *seen.entry(stripped).or_insert(own);
            if other.0 != own.0 && other.1 != own.1 {
                let text = format!(
                    "enum value `{}` is called as `{}` but for case and the enum's name",
                    own.0, other.0
                );
                self.diagnostics.error(constant.name_at, text);
            }
        }
    }
}

fn is_set(options: &crate::descriptor::Options, number: u32) -> bool {
    options.message.as_ref().and_then(|m| m.integer(number)).is_some_and(|value| value != 0)
}

/// A value's name without that of its enum, if something is left.
fn without_prefix<'a>(value: &'a str, enumeration: &str) -> &'a str {
    let prefix: Vec<u8> =
        enumeration.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase()).collect();
    let bytes = value.as_bytes();
    let (mut at, mut matched) = (0, 0);
    while at < bytes.len() && matched < prefix.len() {
        if bytes[at] != b'_' {
            if bytes[at].to_ascii_lowercase() != prefix[matched] {
                return value;
            }
            matched += 1;
        }
        at += 1;
    }
    let rest = value[at..].trim_start_matches('_');
    if matched < prefix.len() || rest.is_empty() { value } else { rest }
}

fn pascal_case(name: &str) -> String {
    let mut out = String::new();
    let mut capital = true;
    for c in name.chars() {
        if c == '_' {
            capital = true;
        } else {
            out.push(if capital { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() });
            capital = false;
        }
    }
    out
}
