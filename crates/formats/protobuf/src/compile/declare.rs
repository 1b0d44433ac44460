//! The first pass: every name of a file enters the pool, and numbers and ranges are checked.

use std::collections::HashSet;
use std::sync::Arc;

use super::diagnostics::Diagnostics;
use super::names::join;
use crate::descriptor::{
    At, EnumProto, FieldProto, FileProto, MessageProto, Range, ReservedName, ServiceProto,
};
use crate::pool::{
    EnumId, EnumType, ExtensionId, Field, MessageId, MessageType, Pool, Symbol, SymbolKind,
};
use crate::wire::MAX_FIELD;

pub(super) struct Declarations<'a> {
    pub(super) pool: &'a mut Pool,
    pub(super) file: u32,
    pub(super) diagnostics: &'a mut Diagnostics,
    /// What was added, to be taken back if the file has errors.
    pub(super) added: Vec<Arc<str>>,
}

impl Declarations<'_> {
    pub(super) fn file(&mut self, file: &FileProto) {
        if file.has_package {
            self.package(file);
        }
        let package = &file.package;
        file.messages.iter().for_each(|message| self.message(message, package, None));
        file.enums.iter().for_each(|value| self.enumeration(value, package));
        file.services.iter().for_each(|service| self.service(service, package));
        file.extensions.iter().for_each(|field| self.extension(field, package));
    }

    fn package(&mut self, file: &FileProto) {
        let name = &file.package;
        let ends = name.match_indices('.').map(|(at, _)| at).chain([name.len()]);
        for end in ends.collect::<Vec<_>>() {
            let part: Arc<str> = name[..end].into();
            let symbol = Symbol { kind: SymbolKind::Package, file: self.file };
            let there = *self.pool.symbols.entry(part.clone()).or_insert(symbol);
            if there.kind != SymbolKind::Package {
                let message =
                    format!("`{part}` is already defined, as something else than a package");
                self.diagnostics.error(file.package_at, message);
                return;
            }
            self.pool.packages.entry(part).or_default().push(self.file);
        }
    }

    fn add(&mut self, scope: &str, name: &str, kind: SymbolKind, at: At) -> String {
        let full = join(scope, name);
        let is_identifier = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // Only in descriptor sets: a name in a text is one.
        if name.is_empty() || !is_identifier {
            self.diagnostics.error(at, format!("expected an identifier, found `{name}`"));
        }
        let key: Arc<str> = full.as_str().into();
        if let Some(there) = self.pool.symbols.get(&key) {
            let message = if there.file == self.file {
                format!("`{full}` is already defined")
            } else {
                let other = self.pool.files.get(there.file as usize);
                let other = other.map_or("", |file| file.name.as_str());
                format!("`{full}` is already defined in `{other}`")
            };
            self.diagnostics.error(at, message);
            return full;
        }
        self.added.push(key.clone());
        self.pool.symbols.insert(key, Symbol { kind, file: self.file });
        full
    }

    /// `entry_of` is the place of the message around a map's entry, which has none of its own.
    fn message(&mut self, message: &MessageProto, scope: &str, entry_of: Option<At>) {
        let id = MessageId(self.pool.messages.len() as u32);
        let full = join(scope, &message.name);
        let full_name = full.as_str().into();
        let extension_ranges =
            message.ranges.iter().map(|item| (item.range.start, item.range.end)).collect();
        let file = self.file;
        self.pool.messages.push(MessageType {
            full_name,
            file,
            extension_ranges,
            ..Default::default()
        });
        for oneof in &message.oneofs {
            self.add(&full, &oneof.name, SymbolKind::Oneof, oneof.name_at);
        }
        for field in &message.fields {
            self.field_number(field);
            let at = entry_of.unwrap_or(field.name_at);
            self.add(&full, &field.name, SymbolKind::Field, at);
        }
        for nested in &message.messages {
            let is_entry = nested.options.identifier("map_entry").is_some();
            self.message(nested, &full, is_entry.then_some(message.name_at));
        }
        message.enums.iter().for_each(|value| self.enumeration(value, &full));
        self.extension_ranges(message);
        message.extensions.iter().for_each(|field| self.extension(field, &full));
        self.reserved_ranges(message);
        let at = entry_of.unwrap_or(message.name_at);
        self.add(scope, &message.name, SymbolKind::Message(id), at);
        self.overlaps(message);
    }

    fn field_number(&mut self, field: &FieldProto) {
        let number = field.number;
        let message = if number <= 0 {
            "expected a positive field number"
        } else if number.cast_unsigned() > MAX_FIELD {
            if !field.extendee.is_empty() {
                // Those of message sets may be larger; others are outside of every range.
                return;
            }
            "expected a field number of at most 536870911"
        } else if (19000..20000).contains(&number) {
            "field numbers 19000 to 19999 are reserved for protobuf itself"
        } else {
            return;
        };
        self.diagnostics.error(field.number_at, message);
    }

    fn extension(&mut self, field: &FieldProto, scope: &str) {
        self.field_number(field);
        let id = ExtensionId(self.pool.extensions.len() as u32);
        let full = self.add(scope, &field.name, SymbolKind::Extension(id), field.name_at);
        self.pool.extensions.push(Field { full_name: full.into(), ..Field::default() });
    }

    fn extension_ranges(&mut self, message: &MessageProto) {
        for item in &message.ranges {
            let range = item.range;
            if range.start <= 0 {
                self.diagnostics.error(range.at, "expected positive extension numbers");
            }
            if range.start >= range.end {
                let text = "expected the end of the range behind its start";
                self.diagnostics.error(range.at, text);
            }
        }
    }

    fn reserved_ranges(&mut self, message: &MessageProto) {
        for range in &message.reserved {
            if range.start <= 0 {
                self.diagnostics.error(range.at, "expected positive reserved numbers");
            }
            if range.start >= range.end {
                let text = "expected the end of the range behind its start";
                self.diagnostics.error(range.at, text);
            }
        }
    }

    /// Ranges that overlap, and fields that use what is reserved.
    fn overlaps(&mut self, message: &MessageProto) {
        self.overlapping(&message.reserved, 1);
        self.twice(&message.reserved_names);
        let ranges: Vec<Range> = message.ranges.iter().map(|item| item.range).collect();
        let (extensions, reserved) = (Covered::of(&ranges, 1), Covered::of(&message.reserved, 1));
        let names = names_of(&message.reserved_names);
        for field in &message.fields {
            let number = field.number;
            let including = message.ranges.iter().filter(|item| item.range.contains(number));
            if extensions.contains(number) && !self.diagnostics.is_full() {
                for item in including {
                    let text = format!(
                        "extension range {} to {} includes field `{}` ({number})",
                        item.range.start,
                        item.range.end - 1,
                        field.name
                    );
                    self.diagnostics.error(item.range.at, text);
                }
            }
            if reserved.contains(number) {
                let text = format!("field `{}` uses the reserved number {number}", field.name);
                self.diagnostics.error(field.number_at, text);
            }
            if names.contains(field.name.as_str()) {
                self.diagnostics
                    .error(field.name_at, format!("the field name `{}` is reserved", field.name));
            }
        }
        self.extension_overlaps(&ranges, &message.reserved);
        self.overlapping(&ranges, 1);
    }

    fn extension_overlaps(&mut self, ranges: &[Range], reserved: &[Range]) {
        let covered = Covered::of(reserved, 1);
        for range in ranges {
            if self.diagnostics.is_full() || !covered.overlaps(*range) {
                continue;
            }
            let overlapped = reserved.iter().find(|other| range.overlaps(**other));
            if let Some(other) = overlapped {
                let text = format!(
                    "extension range {} to {} overlaps the reserved range {} to {}",
                    range.start,
                    range.end - 1,
                    other.start,
                    other.end - 1
                );
                self.diagnostics.error(range.at, text);
            }
        }
    }

    /// `extra` is 1 where the end is exclusive.
    fn overlapping(&mut self, ranges: &[Range], extra: i32) {
        if Covered::of(ranges, extra).is_apart {
            return;
        }
        for (index, range) in ranges.iter().enumerate() {
            if self.diagnostics.is_full() {
                return;
            }
            let exclusive =
                |range: &Range| Range { end: range.end.saturating_add(1 - extra), ..*range };
            let clashes = ranges[index + 1..]
                .iter()
                .filter(|other| exclusive(other).overlaps(exclusive(range)));
            // At the first of the two, as protoc has it.
            for other in clashes {
                let text = format!(
                    "range {} to {} overlaps the range {} to {}",
                    range.start,
                    range.end - extra,
                    other.start,
                    other.end - extra
                );
                self.diagnostics.error(range.at, text);
            }
        }
    }

    fn twice(&mut self, names: &[ReservedName]) {
        let mut seen = HashSet::new();
        for item in names {
            if !seen.insert(&item.name) {
                self.diagnostics.error(item.at, format!("`{}` is reserved twice", item.name));
            }
        }
    }

    fn enumeration(&mut self, value: &EnumProto, scope: &str) {
        let id = EnumId(self.pool.enums.len() as u32);
        let full = join(scope, &value.name);
        let full_name = full.as_str().into();
        self.pool.enums.push(EnumType { full_name, ..Default::default() });
        if value.values.is_empty() {
            self.diagnostics.error(value.name_at, "expected at least one value in the enum");
        }
        self.add(scope, &value.name, SymbolKind::Enum(id), value.name_at);
        // Values are siblings of their enum, not parts of it.
        for constant in &value.values {
            self.add(scope, &constant.name, SymbolKind::EnumValue(id), constant.name_at);
        }
        let mut seen = HashSet::new();
        for constant in &value.values {
            if !seen.insert(&constant.name) {
                // Told above already.
                continue;
            }
            let alias: Arc<str> = join(&full, &constant.name).into();
            let symbol = Symbol { kind: SymbolKind::EnumValue(id), file: self.file };
            if self.pool.symbols.insert(alias.clone(), symbol).is_none() {
                self.added.push(alias);
            }
        }
        self.reserved_values(value);
    }

    fn reserved_values(&mut self, value: &EnumProto) {
        for range in &value.reserved {
            if range.start > range.end {
                let text = "expected the end of the range behind its start";
                self.diagnostics.error(range.at, text);
            }
        }
        self.overlapping(&value.reserved, 0);
        self.twice(&value.reserved_names);
        let (reserved, names) = (Covered::of(&value.reserved, 0), names_of(&value.reserved_names));
        for constant in &value.values {
            let number = constant.number;
            if reserved.contains(number) {
                let text =
                    format!("enum value `{}` uses the reserved number {number}", constant.name);
                self.diagnostics.error(constant.number_at, text);
            }
            if names.contains(constant.name.as_str()) {
                let text = format!("the enum value `{}` is reserved", constant.name);
                self.diagnostics.error(constant.name_at, text);
            }
        }
    }

    fn service(&mut self, service: &ServiceProto, scope: &str) {
        let full = self.add(scope, &service.name, SymbolKind::Service, service.name_at);
        for method in &service.methods {
            self.add(&full, &method.name, SymbolKind::Method, method.name_at);
        }
    }
}

fn names_of(reserved: &[ReservedName]) -> HashSet<&str> {
    reserved.iter().map(|reserved| reserved.name.as_str()).collect()
}

/// Ranges in order, for questions that many numbers ask: a schema may have as many of both.
struct Covered {
    /// Beginnings, and how far it reaches from there or from any before.
    sorted: Vec<(i32, i64)>,
    /// No two have a number in common.
    is_apart: bool,
}

impl Covered {
    /// `extra` is 1 where the end is exclusive.
    fn of(ranges: &[Range], extra: i32) -> Self {
        let end = |range: &Range| i64::from(range.end) + i64::from(1 - extra);
        let mut sorted: Vec<_> = ranges.iter().map(|range| (range.start, end(range))).collect();
        sorted.sort_unstable();
        let (mut reach, mut is_apart) = (i64::MIN, true);
        for (start, end) in &mut sorted {
            is_apart &= i64::from(*start) >= reach && i64::from(*start) <= *end;
            reach = reach.max(*end);
            *end = reach;
        }
        Self { sorted, is_apart }
    }

    fn contains(&self, number: i32) -> bool {
        self.reach(number) > i64::from(number)
    }

    /// Whether a range, its end exclusive, has a number in common with these.
    fn overlaps(&self, range: Range) -> bool {
        self.reach(range.end.saturating_sub(1)) > i64::from(range.start)
    }

    /// How far those reach that begin at a number or before.
    fn reach(&self, number: i32) -> i64 {
        let behind = self.sorted.partition_point(|(start, _)| *start <= number);
        behind.checked_sub(1).map_or(i64::MIN, |last| self.sorted[last].1)
    }
}

impl Range {
    fn contains(self, number: i32) -> bool {
        (self.start..self.end).contains(&number)
    }

    fn overlaps(self, other: Range) -> bool {
        self.start < other.end && other.start < self.end
    }
}
