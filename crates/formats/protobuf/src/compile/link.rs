//! Linking: names to types, options to messages, features, and the checks of all that.

use std::collections::HashMap;
use std::sync::Arc;

use super::declare::Declarations;
use super::diagnostics::Diagnostics;
use super::features::Element;
use super::names::{join, json_name};
use super::scope::{Scope, Unresolved};
use super::{json_names, options, rules, style, tables, validate, visibility};
use crate::descriptor::{At, FieldProto, FileProto, MessageProto, Options, ServiceProto};
use crate::kind;
use crate::pool::{MessageId, Pool, SymbolKind};

/// Files that all files together see through imports: a row of public ones adds its square.
const MOST_SEEN: usize = 1 << 22;

/// Links a file whose imports are in the pool, and adds it unless it has errors.
pub(super) fn link(pool: &mut Pool, mut file: FileProto, diagnostics: &mut Diagnostics) {
    let index = pool.files.len() as u32;
    let sizes = (pool.messages.len(), pool.enums.len(), pool.extensions.len());
    let mut declarations = Declarations { pool, file: index, diagnostics, added: Vec::new() };
    declarations.file(&file);
    let added = declarations.added;
    let paths = |imports: &[crate::descriptor::Import]| -> Vec<String> {
        imports.iter().map(|import| import.path.clone()).collect()
    };
    let scope =
        Scope::new(pool, index, &paths(&file.dependencies), &paths(&file.option_dependencies));
    pool.seen_files += scope.files();
    if pool.seen_files > MOST_SEEN {
        diagnostics.error(0, "files see too many others through public imports in a row");
    }
    check(pool, &mut file, &scope, diagnostics, index);
    if diagnostics.is_empty() {
        pool.file_index.insert(file.name.clone(), pool.files.len());
        pool.files.push(file);
    } else {
        take_back(pool, &added, sizes, index);
    }
}

/// Removes what a file with errors declared.
fn take_back(pool: &mut Pool, added: &[Arc<str>], sizes: (usize, usize, usize), index: u32) {
    for name in added {
        pool.symbols.remove(name);
    }
    pool.extension_numbers.retain(|_, id| (id.0 as usize) < sizes.2);
    pool.map_entries.retain(|id| (id.0 as usize) < sizes.0);
    pool.messages.truncate(sizes.0);
    pool.enums.truncate(sizes.1);
    pool.extensions.truncate(sizes.2);
    for files in pool.packages.values_mut() {
        files.retain(|file| *file != index);
    }
    let packages = &pool.packages;
    pool.symbols.retain(|name, symbol| {
        symbol.kind != SymbolKind::Package || packages.get(name).is_some_and(|f| !f.is_empty())
    });
}

fn check(
    pool: &mut Pool,
    file: &mut FileProto,
    scope: &Scope,
    diagnostics: &mut Diagnostics,
    index: u32,
) {
    note_map_entries(pool, &file.messages, &file.package);
    let mut linker = Linker { pool, scope, diagnostics };
    linker.file(file);
    if !diagnostics.is_empty() {
        return;
    }
    tables::fill(pool, file, index);
    // What options say about fields decides how options are read: first those that are no
    // extensions, the features among them, then the rest.
    tables::fill(pool, file, index);
    options::interpret(pool, scope, file, diagnostics, options::Pass::Plain);
    if !diagnostics.is_empty() {
        return;
    }
    tables::fill(pool, file, index);
    options::interpret(pool, scope, file, diagnostics, options::Pass::Extensions);
    if !diagnostics.is_empty() {
        return;
    }
    tables::fill(pool, file, index);
    validate::file(pool, file, diagnostics);
    json_names::file(pool, file, diagnostics);
    rules::file(pool, file, diagnostics);
    // Descriptor sets do not say which style of names and which visibility their source asked for.
    if diagnostics.has_text() {
        visibility::file(pool, file, diagnostics);
        style::file(file, diagnostics);
    }
    if diagnostics.is_empty() {
        super::retention::strip(pool, file);
    }
}

fn note_map_entries(pool: &mut Pool, messages: &[MessageProto], scope: &str) {
    for message in messages {
        let full = join(scope, &message.name);
        let says_so = tables::is_map_entry(message) || has_map_entry_byte(&message.options);
        if let Some(id) = pool.message(&full).filter(|_| says_so) {
            pool.map_entries.insert(id);
        }
        note_map_entries(pool, &message.messages, &full);
    }
}

/// Whether the options of a descriptor set say `map_entry`, before they are read as a message.
fn has_map_entry_byte(options: &Options) -> bool {
    let mut cursor = crate::wire::Cursor::new(&options.bytes);
    let mut is_entry = false;
    while !cursor.is_empty() {
        let Ok((number, wire)) = cursor.tag() else { return is_entry };
        if (number, wire) == (7, crate::wire::VARINT) {
            is_entry = cursor.varint().is_ok_and(|value| value != 0);
        } else if cursor.skip(number, wire, 10).is_err() {
            return is_entry;
        }
    }
    is_entry
}

struct Linker<'a> {
    pool: &'a mut Pool,
    scope: &'a Scope,
    diagnostics: &'a mut Diagnostics,
}

impl Linker<'_> {
    fn file(&mut self, file: &mut FileProto) {
        let package = file.package.clone();
        for message in &mut file.messages {
            self.message(message, &package);
        }
        for field in &mut file.extensions {
            self.field(field, &package, None);
        }
        for service in &mut file.services {
            self.service(service, &package);
        }
    }

    fn message(&mut self, message: &mut MessageProto, scope: &str) {
        let full = join(scope, &message.name);
        let id = self.pool.message(&full);
        for nested in &mut message.messages {
            self.message(nested, &full);
        }
        let mut numbers = HashMap::new();
        for index in 0..message.fields.len() {
            self.field(&mut message.fields[index], &full, id);
            let field = &message.fields[index];
            let first = *numbers.entry(field.number).or_insert(index);
            if first != index {
                let text = format!(
                    "field number {} is already used in `{full}` by field `{}`",
                    field.number, message.fields[first].name
                );
                self.diagnostics.error(field.number_at, text);
            }
        }
        for field in &mut message.extensions {
            self.field(field, &full, None);
        }
        self.oneofs(message);
    }

    fn oneofs(&mut self, message: &MessageProto) {
        let mut members_of = vec![Vec::new(); message.oneofs.len()];
        for (position, field) in message.fields.iter().enumerate() {
            let index = field.oneof.and_then(|index| usize::try_from(index).ok());
            if let Some(members) = index.and_then(|index| members_of.get_mut(index)) {
                members.push(position);
            }
        }
        for (members, oneof) in members_of.iter().zip(&message.oneofs) {
            if members.is_empty() {
                self.diagnostics.error(oneof.name_at, "expected at least one field in the oneof");
            }
            let is_gap = |pair: &[usize]| pair[0] + 1 != pair[1];
            if let Some(gap) = members.windows(2).find(|pair| is_gap(pair)) {
                let text = "expected the fields of a oneof behind each other";
                self.diagnostics.error(message.fields[gap[0] + 1].name_at, text);
            }
        }
    }

    /// `containing` is the message of an ordinary field, and nothing for an extension.
    fn field(&mut self, field: &mut FieldProto, scope: &str, containing: Option<MessageId>) {
        let full = join(scope, &field.name);
        if field.json_name.is_none() {
            field.json_name = Some(json_name(&field.name));
        }
        if containing.is_none() && !self.extendee(field, &full) {
            return;
        }
        if !field.type_name.is_empty() {
            self.field_type(field, &full);
        }
    }

    /// Resolves what a field extends, and checks its number.
    fn extendee(&mut self, field: &mut FieldProto, full: &str) -> bool {
        let name = field.extendee.clone();
        let Some((extendee, kind)) = self.resolve(&name, full, field.extendee_at, true) else {
            return false;
        };
        let SymbolKind::Message(id) = kind else {
            self.diagnostics.error(field.extendee_at, format!("`{name}` is not a message"));
            return false;
        };
        field.extendee = format!(".{extendee}");
        let number = field.number;
        let file = &self.pool.messages[id.0 as usize];
        let ranges = self.ranges_of(&extendee, file.file);
        if !ranges.iter().any(|(start, end)| (*start..*end).contains(&number)) {
            let text = format!("`{extendee}` does not declare {number} as an extension number");
            self.diagnostics.error(field.number_at, text);
            return true;
        }
        let key = (id, number.cast_unsigned());
        let own = self.pool.symbols.get(full).map(|symbol| symbol.kind);
        let Some(SymbolKind::Extension(own)) = own else { return true };
        match self.pool.extension_numbers.get(&key) {
            Some(other) if *other != own => {
                let other = &self.pool.extensions[other.0 as usize];
                let text = format!(
                    "extension number {number} is already used in `{extendee}` by `{}`",
                    other.full_name
                );
                self.diagnostics.error(field.number_at, text);
            }
            _ => drop(self.pool.extension_numbers.insert(key, own)),
        }
        true
    }

    fn ranges_of(&self, extendee: &str, _file: u32) -> Vec<(i32, i32)> {
        let id = self.pool.message(extendee).expect("just resolved");
        self.pool.message_type(id).extension_ranges.clone()
    }

    fn resolve(
        &mut self,
        name: &str,
        relative_to: &str,
        at: At,
        only_types: bool,
    ) -> Option<(String, SymbolKind)> {
        match self.scope.lookup(self.pool, name, relative_to, only_types) {
            Ok((full, symbol)) => Some((full, symbol.kind)),
            Err(unresolved) => {
                let is_undefined = unresolved == Unresolved::Undefined;
                let message = unresolved.message(name);
                debug_assert!(!message.is_empty() || is_undefined);
                self.diagnostics.error(at, message);
                None
            }
        }
    }

    fn field_type(&mut self, field: &mut FieldProto, full: &str) {
        let name = field.type_name.clone();
        let Some((type_name, symbol)) = self.resolve(&name, full, field.type_at, true) else {
            return;
        };
        let found = match symbol {
            SymbolKind::Message(_) => kind::MESSAGE,
            SymbolKind::Enum(_) => kind::ENUM,
            _ => {
                self.diagnostics.error(field.type_at, format!("`{name}` is not a type"));
                return;
            }
        };
        if field.kind == 0 {
            field.kind = found;
        }
        field.type_name = format!(".{type_name}");
        match (field.kind, &field.default) {
            (kind::MESSAGE | kind::GROUP, Some(_)) => {
                self.diagnostics.error(field.default_at, "expected no default: messages have none");
            }
            (kind::ENUM, Some(default)) => {
                let value = String::from_utf8_lossy(default).into_owned();
                self.enum_default(&type_name, &value, field.default_at);
            }
            _ => {}
        }
    }

    fn enum_default(&mut self, enumeration: &str, value: &str, at: At) {
        let alias = join(enumeration, value);
        let is_known = matches!(
            self.pool.symbols.get(alias.as_str()).map(|symbol| symbol.kind),
            Some(SymbolKind::EnumValue(_))
        );
        if !is_known {
            let text = format!("enum `{enumeration}` has no value called `{value}`");
            self.diagnostics.error(at, text);
        }
    }

    fn service(&mut self, service: &mut ServiceProto, scope: &str) {
        let service_name = join(scope, &service.name);
        for method in &mut service.methods {
            let full = join(&service_name, &method.name);
            for (name, at) in
                [(&mut method.input, method.input_at), (&mut method.output, method.output_at)]
            {
                let Some((found, symbol)) = self.resolve(&name.clone(), &full, at, false) else {
                    continue;
                };
                if matches!(symbol, SymbolKind::Message(_)) {
                    *name = format!(".{found}");
                } else {
                    self.diagnostics.error(at, format!("`{name}` is not a message"));
                }
            }
        }
    }
}

/// What every pass over all elements of a file does with each of them.
pub(super) trait EachElement {
    /// `scope` is the name relative to which the element's options are looked up.
    fn element(&mut self, element: Element, options: &mut Options, scope: &str, at: At);
}

/// Calls `visit` for every element of a file, the file first.
pub(super) fn each_element(file: &mut FileProto, visit: &mut impl EachElement) {
    let package = file.package.clone();
    visit.element(Element::File, &mut file.options, &join(&package, "dummy"), 0);
    for message in &mut file.messages {
        each_in_message(message, &package, visit);
    }
    for value in &mut file.enums {
        each_in_enum(value, &package, visit);
    }
    for service in &mut file.services {
        let full = join(&package, &service.name);
        visit.element(Element::Service, &mut service.options, &full, service.name_at);
        for method in &mut service.methods {
            let scope = join(&full, &method.name);
            visit.element(Element::Method, &mut method.options, &scope, method.name_at);
        }
    }
    each_field(&mut file.extensions, &package, visit);
}

fn each_field(fields: &mut [FieldProto], scope: &str, visit: &mut impl EachElement) {
    for field in fields {
        let full = join(scope, &field.name);
        visit.element(Element::Field, &mut field.options, &full, field.name_at);
    }
}

fn each_in_message(message: &mut MessageProto, scope: &str, visit: &mut impl EachElement) {
    let full = join(scope, &message.name);
    visit.element(Element::Message, &mut message.options, &full, message.name_at);
    for oneof in &mut message.oneofs {
        let scope = join(&full, &oneof.name);
        visit.element(Element::Oneof, &mut oneof.options, &scope, oneof.name_at);
    }
    each_field(&mut message.fields, &full, visit);
    for nested in &mut message.messages {
        each_in_message(nested, &full, visit);
    }
    for value in &mut message.enums {
        each_in_enum(value, &full, visit);
    }
    for range in &mut message.ranges {
        visit.element(Element::ExtensionRange, &mut range.options, &full, range.range.at);
    }
    each_field(&mut message.extensions, &full, visit);
}

fn each_in_enum(
    value: &mut crate::descriptor::EnumProto,
    scope: &str,
    visit: &mut impl EachElement,
) {
    let full = join(scope, &value.name);
    visit.element(Element::Enum, &mut value.options, &full, value.name_at);
    for constant in &mut value.values {
        let scope = join(scope, &constant.name);
        visit.element(Element::EnumValue, &mut constant.options, &scope, constant.name_at);
    }
}
