//! Options: what was written becomes a message of the options' own type.

use super::diagnostics::Diagnostics;
use super::features::Element;
use super::link::{EachElement, each_element};
use super::option_value;
use super::scope::Scope;
use crate::DecodeOptions;
use crate::descriptor::{At, FileProto, NamePart, Options, RawOption};
use crate::message::{Message, Value};
use crate::pool::{Field, MessageId, Pool, SymbolKind};

/// Options are read in two passes: an extension is read by its features, which are options too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Plain,
    Extensions,
}

pub(super) fn interpret(
    pool: &Pool,
    scope: &Scope,
    file: &mut FileProto,
    diagnostics: &mut Diagnostics,
    pass: Pass,
) {
    let scope = scope.for_options();
    each_element(file, &mut Interpreter { pool, scope, diagnostics, pass });
}

/// Parts of an option's name: each leads into a message, which may not be nested deeper.
const MOST_PARTS: usize = 100;

struct Interpreter<'a> {
    pool: &'a Pool,
    scope: Scope,
    diagnostics: &'a mut Diagnostics,
    pass: Pass,
}

impl EachElement for Interpreter<'_> {
    fn element(&mut self, element: Element, options: &mut Options, scope: &str, at: At) {
        if !options.is_present {
            return;
        }
        let Some(of) = self.pool.message(element.options_type()) else {
            self.diagnostics.error(at, "`google/protobuf/descriptor.proto` has no such options");
            return;
        };
        let mut message = match options.message.take() {
            // What came as bytes is read again when the features of this file's own options are known.
            Some(_) if options.raw.is_empty() && !options.bytes.is_empty() => {
                self.read_bytes(of, &options.bytes, at)
            }
            Some(message) => *message,
            None => self.read_bytes(of, &options.bytes, at),
        };
        for raw in &options.raw {
            let is_extension = raw.name.first().is_some_and(|part| part.is_extension);
            if is_extension == (self.pass == Pass::Extensions) {
                self.option(&mut message, raw, scope);
            }
        }
        options.message = Some(Box::new(message));
    }
}

impl<'a> Interpreter<'a> {
    fn read_bytes(&mut self, of: MessageId, bytes: &[u8], at: At) -> Message {
        match Message::decode(self.pool, of, bytes, &DecodeOptions::default()) {
            Ok(message) => message,
            Err(error) => {
                self.diagnostics.error(at, format!("the options cannot be read: {error}"));
                Message::new(of)
            }
        }
    }

    fn option(&mut self, message: &mut Message, raw: &RawOption, scope: &str) {
        if raw.is("uninterpreted_option") {
            let text = "expected another name than the reserved `uninterpreted_option`";
            self.diagnostics.error(raw.name_at, text);
            return;
        }
        if raw.name.len() > MOST_PARTS {
            let text = format!("the name of an option has more than {MOST_PARTS} parts");
            self.diagnostics.error(raw.name_at, text);
            return;
        }
        let mut of = message.of;
        let mut path = Vec::with_capacity(raw.name.len());
        for (index, part) in raw.name.iter().enumerate() {
            let shown = shown(&raw.name[..=index]);
            let Some(field) = self.part(of, part, scope, raw.name_at, &shown) else { return };
            if index + 1 < raw.name.len() {
                let refusal = match field.message {
                    None => "is not a message, so it has no parts",
                    Some(_) if field.is_list() || field.is_map() => {
                        "is repeated: set it with `{...}`"
                    }
                    Some(next) => {
                        of = next;
                        path.push(field);
                        continue;
                    }
                };
                self.diagnostics.error(raw.name_at, format!("option `{shown}` {refusal}"));
                return;
            }
            path.push(field);
        }
        self.set(message, &path, raw);
    }

    /// The field that one part of a name means inside a message.
    fn part(
        &mut self,
        of: MessageId,
        part: &NamePart,
        scope: &str,
        at: At,
        shown: &str,
    ) -> Option<&'a Field> {
        let pool = self.pool;
        let field = if part.is_extension {
            match self.scope.lookup(pool, &part.name, scope, false) {
                Ok((_, symbol)) => match symbol.kind {
                    SymbolKind::Extension(id) => Some(&pool.extensions[id.0 as usize]),
                    _ => None,
                },
                Err(_) => None,
            }
        } else {
            pool.message_type(of).field_by_name(&part.name)
        };
        let Some(field) = field else {
            let text =
                format!("option `{shown}` is unknown; is the file that defines it imported?");
            self.diagnostics.error(at, text);
            return None;
        };
        if part.is_extension && field.containing != Some(of) {
            let of = &pool.message_type(of).full_name;
            self.diagnostics.error(at, format!("option `{shown}` is no extension of `{of}`"));
            return None;
        }
        Some(field)
    }

    fn set(&mut self, message: &mut Message, path: &[&Field], raw: &RawOption) {
        let [field, rest @ ..] = path else { return };
        if !rest.is_empty() {
            let of = field.message.expect("checked on the way");
            let make = || Value::Message(Box::new(Message::new(of)));
            if let Value::Message(child) = message.entry(field.number, make) {
                self.set(child, rest, raw);
            }
            return;
        }
        if !field.is_list() && !field.is_map() && message.get(field.number).is_some() {
            let text = format!("option `{}` is already set", shown(&raw.name));
            self.diagnostics.error(raw.name_at, text);
            return;
        }
        let value = option_value::read(self.pool, &self.scope, field, &raw.value);
        match value {
            Ok(value) if field.is_map() => {
                if let Value::Message(entry) = value {
                    let part = |number| entry.get(number).cloned();
                    let key = part(1).unwrap_or(Value::Bytes(Vec::new()));
                    let value = part(2).unwrap_or(Value::Bytes(Vec::new()));
                    message.map_entry(field.number, key, value);
                }
            }
            Ok(value) => message.put(field, value),
            Err(text) => {
                let text = format!("{text} for option `{}`", shown(&raw.name));
                self.diagnostics.error(raw.value_at, text);
            }
        }
    }
}

/// A name as it is written.
fn shown(name: &[NamePart]) -> String {
    let part = |part: &NamePart| {
        if part.is_extension { format!("({})", part.name) } else { part.name.clone() }
    };
    name.iter().map(part).collect::<Vec<_>>().join(".")
}
