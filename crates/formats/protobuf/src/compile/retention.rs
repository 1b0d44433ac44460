//! Options that only the source keeps are left out of descriptors.

use super::features::Element;
use super::link::{EachElement, each_element};
use crate::EncodeOptions;
use crate::descriptor::{At, FileProto, Options};
use crate::message::{Message, Value};
use crate::pool::Pool;

/// Writes the options of every element as bytes.
pub(super) fn strip(pool: &Pool, file: &mut FileProto) {
    each_element(file, &mut Stripper { pool });
}

struct Stripper<'p> {
    pool: &'p Pool,
}

impl EachElement for Stripper<'_> {
    fn element(&mut self, _element: Element, options: &mut Options, _scope: &str, _at: At) {
        let Some(message) = &options.message else { return };
        let mut kept = (**message).clone();
        let had_any = !kept.is_empty();
        self.message(&mut kept);
        options.bytes = kept.encode(self.pool, EncodeOptions::default());
        options.raw.clear();
        if had_any && kept.is_empty() {
            options.is_present = false;
        }
    }
}

impl Stripper<'_> {
    fn message(&self, message: &mut Message) {
        let of = message.of;
        message.fields.retain(|(number, _)| {
            let rules = self.pool.field(of, *number).and_then(|field| field.rules.as_ref());
            !rules.is_some_and(|rules| rules.is_source_only)
        });
        message.fields.iter_mut().for_each(|(_, value)| self.value(value));
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Message(message) => self.message(message),
            Value::List(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.value(value)),
            _ => {}
        }
    }
}
