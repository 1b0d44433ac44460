//! The tables of a linked file: what the codec works with.

use std::collections::HashMap;
use std::sync::Arc;

use super::features::{self, Element};
use super::names::join;
use crate::descriptor::{EnumProto, FieldProto, FileProto, MessageProto, OneofProto, REPEATED};
use crate::edition::{self, Features};
use crate::kind;
use crate::message::{Message, Value};
use crate::numbers::c_unescape;
use crate::pool::{
    Cardinality, EnumId, EnumType, Field, MessageId, MessageType, Oneof, OptionRules, Pool,
    SymbolKind,
};
use crate::well_known::WellKnown;

/// Fills the tables of all types of a file. May be done again when its options are known.
pub(super) fn fill(pool: &mut Pool, file: &FileProto, index: u32) {
    let features = Features::of_edition(file.edition);
    let features = features::merge(features, Element::File, &file.options);
    let mut tables = Tables { pool, edition: file.edition, file: index };
    for message in &file.messages {
        tables.message(message, &file.package, features, 0);
    }
    for value in &file.enums {
        tables.enumeration(value, &file.package, features, 0);
    }
    tables.extensions(&file.extensions, &file.package, features);
}

struct Tables<'p> {
    pool: &'p mut Pool,
    edition: i32,
    file: u32,
}

impl Tables<'_> {
    fn message(&mut self, message: &MessageProto, scope: &str, parent: Features, depth: usize) {
        let full = join(scope, &message.name);
        let features = features::merge(parent, Element::Message, &message.options);
        let Some(id) = self.pool.message(&full) else { return };
        let is_map_entry = is_map_entry(message);
        let mut fields: Vec<Field> = Vec::with_capacity(message.fields.len());
        for field in &message.fields {
            let oneof = field.oneof.and_then(|index| message.oneofs.get(index as usize));
            let features = oneof.map_or(features, |oneof| {
                features::merge(features, Element::Oneof, &oneof.options)
            });
            let mut built = self.field(field, features, &full, is_map_entry);
            built.full_name = join(&full, &field.name).into();
            built.containing = Some(id);
            fields.push(built);
        }
        let mut built = MessageType {
            full_name: full.as_str().into(),
            file: self.file,
            oneofs: oneofs(&message.oneofs, &message.fields),
            fields,
            extension_ranges: message.ranges.iter().map(|r| (r.range.start, r.range.end)).collect(),
            is_map_entry,
            is_message_set: flag(&message.options, 1),
            is_local: is_local(message.visibility, features, depth),
            well_known: WellKnown::from_name(&full),
            reserved_names: message.reserved_names.iter().map(|n| n.name.as_str().into()).collect(),
            ..MessageType::default()
        };
        let ranges = message.ranges.iter().filter_map(|item| {
            let options = item.options.message.as_deref()?.clone();
            Some((item.range.start, item.range.end, options))
        });
        let ranges: Vec<_> = ranges.collect();
        if !ranges.is_empty() {
            self.pool.range_options.insert(full.as_str().into(), ranges);
        }
        built.index();
        self.pool.messages[id.0 as usize] = built;
        for nested in &message.messages {
            self.message(nested, &full, features, depth + 1);
        }
        for value in &message.enums {
            self.enumeration(value, &full, features, depth + 1);
        }
        self.extensions(&message.extensions, &full, features);
    }

    fn extensions(&mut self, fields: &[FieldProto], scope: &str, features: Features) {
        for field in fields {
            let full = join(scope, &field.name);
            let Some(SymbolKind::Extension(id)) =
                self.pool.symbols.get(full.as_str()).map(|symbol| symbol.kind)
            else {
                continue;
            };
            let mut built = self.field(field, features, scope, false);
            built.is_extension = true;
            built.json_name = format!("[{full}]").into();
            built.full_name = full.into();
            built.has_presence = built.cardinality == Cardinality::Optional;
            built.containing = self.pool.message(&field.extendee);
            if let Some(extendee) = built.containing {
                self.pool.extension_numbers.insert((extendee, built.number), id);
            }
            self.pool.extensions[id.0 as usize] = built;
        }
    }

    fn enumeration(&mut self, value: &EnumProto, scope: &str, parent: Features, depth: usize) {
        let full = join(scope, &value.name);
        let features = features::merge(parent, Element::Enum, &value.options);
        let Some(id) = self.pool.enumeration(&full) else { return };
        let values: Vec<(Arc<str>, i32)> =
            value.values.iter().map(|value| (value.name.as_str().into(), value.number)).collect();
        let mut by_number = HashMap::new();
        for (name, number) in &values {
            by_number.entry(*number).or_insert_with(|| name.clone());
        }
        self.pool.enums[id.0 as usize] = EnumType {
            full_name: full.into(),
            by_name: values.iter().cloned().collect(),
            values,
            by_number,
            is_closed: features.get(edition::ENUM_TYPE) == edition::CLOSED,
            is_local: is_local(value.visibility, features, depth),
        };
    }

    fn field(&self, field: &FieldProto, parent: Features, scope: &str, in_entry: bool) -> Field {
        let features = features::of_field(parent, field, self.edition);
        let message = self.pool.message(&field.type_name).filter(|_| is_message(field.kind));
        let is_map = field.label == REPEATED
            && field.kind == kind::MESSAGE
            && is_own_entry(field, scope, self.pool);
        let is_delimited = features.get(edition::MESSAGE_ENCODING) == edition::DELIMITED;
        let kind = match field.kind {
            kind::MESSAGE if is_delimited && !is_map && !in_entry => kind::GROUP,
            other => other,
        };
        let presence = features.get(edition::FIELD_PRESENCE);
        let cardinality = match field.label {
            _ if is_map => Cardinality::Map,
            REPEATED => Cardinality::Repeated,
            _ if presence == edition::LEGACY_REQUIRED => Cardinality::Required,
            _ => Cardinality::Optional,
        };
        let is_single = field.label != REPEATED;
        let enumeration = self.enum_of(field);
        Field {
            name: field.name.as_str().into(),
            json_name: field.json_name.as_deref().unwrap_or(&field.name).into(),
            number: field.number.cast_unsigned(),
            kind,
            cardinality,
            message,
            enumeration,
            oneof: field.oneof,
            has_presence: is_single
                && (is_message(kind) || field.oneof.is_some() || presence != edition::IMPLICIT),
            is_packed: !is_single
                && kind::is_packable(kind)
                && features.get(edition::REPEATED_ENCODING) == edition::PACKED,
            validates_utf8: features.get(edition::UTF8_VALIDATION) == edition::VERIFY,
            default: field
                .default
                .as_deref()
                .and_then(|text| self.default(text, kind, enumeration)),
            group_name: self.group_name(field, kind, scope, message),
            rules: field.options.message.as_deref().and_then(|m| rules(m, self.pool)).map(Box::new),
            ..Field::default()
        }
    }

    fn enum_of(&self, field: &FieldProto) -> Option<EnumId> {
        if field.kind != kind::ENUM {
            return None;
        }
        self.pool.enumeration(field.type_name.strip_prefix('.').unwrap_or(&field.type_name))
    }

    /// The name of a group in text: that of its message, where the field is called the same.
    fn group_name(
        &self,
        field: &FieldProto,
        kind: u8,
        scope: &str,
        message: Option<MessageId>,
    ) -> Option<Arc<str>> {
        if kind != kind::GROUP {
            return None;
        }
        let message_type = self.pool.message_type(message?);
        let full = &message_type.full_name;
        let (outer, name) = full.rsplit_once('.').unwrap_or(("", full));
        let is_alike = name.to_ascii_lowercase() == field.name && outer == scope;
        (is_alike && message_type.file == self.file).then(|| name.into())
    }

    fn default(&self, text: &[u8], kind: u8, enumeration: Option<EnumId>) -> Option<Value> {
        if kind == kind::STRING {
            return Some(Value::Bytes(text.to_vec()));
        }
        if kind == kind::BYTES {
            return Some(Value::Bytes(c_unescape(text)));
        }
        let text = std::str::from_utf8(text).ok()?;
        Some(match kind {
            kind::DOUBLE => Value::F64(text.parse().ok()?),
            kind::FLOAT => Value::F32(text.parse().ok()?),
            kind::INT64 | kind::SINT64 | kind::SFIXED64 => Value::I64(text.parse().ok()?),
            kind::UINT64 | kind::FIXED64 => Value::U64(text.parse().ok()?),
            kind::INT32 | kind::SINT32 | kind::SFIXED32 => Value::I32(text.parse().ok()?),
            kind::UINT32 | kind::FIXED32 => Value::U32(text.parse().ok()?),
            kind::BOOL => Value::Bool(text == "true"),
            kind::ENUM => Value::Enum(self.enum_number(text, enumeration?)?),
            _ => return None,
        })
    }

    fn enum_number(&self, name: &str, id: EnumId) -> Option<i32> {
        // The enum's own table may not be filled yet; a second filling follows.
        self.pool.enum_type(id).by_name.get(name).copied()
    }
}

fn is_message(kind: u8) -> bool {
    matches!(kind, kind::MESSAGE | kind::GROUP)
}

pub(super) fn is_map_entry(message: &MessageProto) -> bool {
    message.options.identifier("map_entry") == Some("true") || flag(&message.options, 7)
}

/// Whether a field's type is the entry message that stands beside it.
fn is_own_entry(field: &FieldProto, scope: &str, pool: &Pool) -> bool {
    let entry = super::entry_name(&field.name);
    let expected = format!(".{}", join(scope, &entry));
    field.type_name == expected
        && pool.message(&field.type_name).is_some_and(|id| pool.map_entries.contains(&id))
}

fn flag(options: &crate::descriptor::Options, number: u32) -> bool {
    let message = options.message.as_ref();
    message.and_then(|message| message.integer(number)).is_some_and(|value| value != 0)
}

fn oneofs(oneofs: &[OneofProto], fields: &[FieldProto]) -> Vec<Oneof> {
    let one = |oneof: &OneofProto| Oneof {
        name: oneof.name.as_str().into(),
        is_synthetic: oneof.is_synthetic,
        fields: Vec::new(),
    };
    let mut made: Vec<Oneof> = oneofs.iter().map(one).collect();
    for (position, field) in (0_u32..).zip(fields) {
        let oneof = field.oneof.and_then(|index| made.get_mut(index as usize));
        if let Some(oneof) = oneof {
            oneof.fields.push(position);
        }
    }
    made
}

/// Whether other files may not name a type.
fn is_local(visibility: i32, features: Features, depth: usize) -> bool {
    match (visibility, features.get(edition::VISIBILITY)) {
        (1, _) => true,
        (2, _) | (_, edition::EXPORT_ALL) => false,
        (_, edition::EXPORT_TOP_LEVEL) => depth > 0,
        (_, edition::LOCAL_ALL | edition::STRICT) => true,
        _ => false,
    }
}

/// What a field that is an option says about its use.
fn rules(options: &Message, pool: &Pool) -> Option<OptionRules> {
    // The options of descriptor.proto itself are read when its own tables are there.
    pool.message("google.protobuf.FieldOptions")?;
    let support = options.message(22);
    let edition = |number| support.and_then(|support| support.integer(number));
    let as_i32 =
        |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok()).unwrap_or(0);
    let targets = options.items(19).iter().filter_map(|item| match item {
        Value::Enum(target) => Some(*target),
        _ => None,
    });
    let rules = OptionRules {
        is_source_only: options.integer(17) == Some(2),
        targets: targets.collect(),
        introduced: as_i32(edition(1)),
        removed: as_i32(edition(4)),
        removal_error: support.and_then(|s| s.text(5)).unwrap_or_default().to_owned(),
    };
    let has_any = rules.is_source_only
        || !rules.targets.is_empty()
        || rules.introduced != 0
        || rules.removed != 0;
    has_any.then_some(rules)
}
