//! What `descriptor.proto` and custom options say about where and when an option may be used.

use super::diagnostics::Diagnostics;
use super::features::Element;
use super::link::{EachElement, each_element};
use crate::descriptor::{At, FileProto, Options};
use crate::edition;
use crate::message::{Message, Value};
use crate::pool::{Field, OptionRules, Pool};

pub(super) fn file(pool: &Pool, file: &mut FileProto, diagnostics: &mut Diagnostics) {
    let edition = file.edition;
    each_element(file, &mut Rules { pool, diagnostics, edition });
}

struct Rules<'a> {
    pool: &'a Pool,
    diagnostics: &'a mut Diagnostics,
    edition: i32,
}

impl EachElement for Rules<'_> {
    fn element(&mut self, element: Element, options: &mut Options, _scope: &str, at: At) {
        if element.has_features(options) && self.edition < edition::E2023 {
            self.diagnostics.error(at, "expected an edition: only they have features");
        }
        if let Some(message) = &options.message {
            self.message(message, element, at);
        }
    }
}

impl Rules<'_> {
    fn message(&mut self, message: &Message, element: Element, at: At) {
        for (number, value) in message.fields() {
            let Some(field) = self.pool.field(message.of, number) else { continue };
            if let Some(rules) = &field.rules {
                self.field(field, rules, element, at);
            }
            self.value(value, element, at);
        }
    }

    fn value(&mut self, value: &Value, element: Element, at: At) {
        match value {
            Value::Message(message) => self.message(message, element, at),
            Value::List(items) => items.iter().for_each(|item| self.value(item, element, at)),
            Value::Map(entries) => {
                entries.iter().for_each(|(_, value)| self.value(value, element, at));
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &Field, rules: &OptionRules, element: Element, at: At) {
        let name = &field.full_name;
        let (target, target_name) = element.target();
        if !rules.targets.is_empty() && !rules.targets.contains(&target) {
            let text = format!("option `{name}` cannot be set on a {target_name}");
            self.diagnostics.error(at, text);
        }
        let is_beyond = |limit: i32| limit != 0 && self.edition >= limit;
        if rules.introduced > self.edition && rules.introduced >= edition::E2023 {
            let text = format!(
                "option `{name}` came with edition {}, this file is of {}",
                edition::name(rules.introduced),
                edition::name(self.edition)
            );
            self.diagnostics.error(at, text);
        } else if is_beyond(rules.removed) {
            let why = rules.removal_error.trim_end_matches('.');
            let text = format!(
                "option `{name}` was removed in edition {}: {why}",
                edition::name(rules.removed)
            );
            self.diagnostics.error(at, text);
        }
    }
}
