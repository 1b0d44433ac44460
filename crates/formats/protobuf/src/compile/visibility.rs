//! From edition 2024 on, types may be local to their file.

use super::diagnostics::Diagnostics;
use super::features::{self, Element};
use crate::descriptor::{FieldProto, FileProto, MessageProto};
use crate::edition::{self, Features};
use crate::pool::{Pool, SymbolKind};

pub(super) fn file(pool: &Pool, file: &FileProto, diagnostics: &mut Diagnostics) {
    let features = Features::of_edition(file.edition);
    let features = features::merge(features, Element::File, &file.options);
    let own = pool.files.len() as u32;
    let mut check = Check { pool, own, diagnostics };
    file.messages.iter().for_each(|message| check.message(message));
    file.extensions.iter().for_each(|field| check.field(field));
    for method in file.services.iter().flat_map(|service| &service.methods) {
        check.name(&method.input, method.input_at);
        check.name(&method.output, method.output_at);
    }
    if features.get(edition::VISIBILITY) == edition::STRICT {
        file.messages.iter().for_each(|message| check.strict(message));
    }
}

struct Check<'a> {
    pool: &'a Pool,
    own: u32,
    diagnostics: &'a mut Diagnostics,
}

impl Check<'_> {
    fn message(&mut self, message: &MessageProto) {
        message.fields.iter().chain(&message.extensions).for_each(|field| self.field(field));
        message.messages.iter().for_each(|nested| self.message(nested));
    }

    fn field(&mut self, field: &FieldProto) {
        self.name(&field.extendee, field.extendee_at);
        self.name(&field.type_name, field.type_at);
    }

    fn name(&mut self, name: &str, at: u32) {
        let name = name.strip_prefix('.').unwrap_or(name);
        let Some(symbol) = self.pool.symbols.get(name) else { return };
        let is_local = match symbol.kind {
            SymbolKind::Message(id) => self.pool.message_type(id).is_local,
            SymbolKind::Enum(id) => self.pool.enum_type(id).is_local,
            _ => false,
        };
        if is_local && symbol.file != self.own {
            let file = &self.pool.files[symbol.file as usize].name;
            self.diagnostics.error(at, format!("`{name}` is local to `{file}`"));
        }
    }

    /// Under strict visibility only types at the top may be exported, and the enums of a message
    /// that is a mere namespace.
    fn strict(&mut self, message: &MessageProto) {
        let is_namespace = message.fields.is_empty()
            && message.reserved.iter().any(|range| range.start == 1 && range.end == 1 << 29);
        for nested in &message.messages {
            if nested.visibility == 2 {
                let text = "expected no export of a nested message under strict visibility";
                self.diagnostics.error(nested.name_at, text);
            }
            self.strict(nested);
        }
        for value in message.enums.iter().filter(|value| value.visibility == 2 && !is_namespace) {
            let text = "expected no export of a nested enum under strict visibility";
            self.diagnostics.error(value.name_at, text);
        }
    }
}
