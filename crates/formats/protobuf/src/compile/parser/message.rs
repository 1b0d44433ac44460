//! Messages: their statements, ranges and reserved names.

use super::{Parsed, Parser};
use crate::compile::lexer::TokenKind;
use crate::descriptor::{
    ExtensionRange, MessageProto, OneofProto, Options, Range, RawValue, ReservedName,
};
use crate::edition;

/// Messages inside each other.
const MAX_NESTING: usize = 31;

/// Behind the last number of an ordinary message, and of a message set.
const END_OF_NUMBERS: i32 = 1 << 29;
/// `max`, until it is known which of the two a message is.
const MAX_MARK: i32 = -1;

impl Parser<'_> {
    pub(super) fn message(&mut self) -> Parsed<MessageProto> {
        self.check_nesting()?;
        self.next();
        let mut message = MessageProto { name_at: self.at(), ..MessageProto::default() };
        message.name = self.identifier("the name of the message")?;
        self.message_block(&mut message)?;
        if self.edition == edition::PROTO3 {
            message.add_synthetic_oneofs();
        }
        Ok(message)
    }

    pub(super) fn message_block(&mut self, message: &mut MessageProto) -> Parsed {
        self.check_nesting()?;
        self.consume("{")?;
        self.depth += 1;
        while !self.accept("}") {
            if self.is_end() {
                self.depth -= 1;
                return self.expected("`}` at the end of the message");
            }
            if self.message_statement(message).is_err() {
                self.skip_statement();
            }
        }
        self.depth -= 1;
        message.resolve_max();
        Ok(())
    }

    fn check_nesting(&mut self) -> Parsed {
        if self.depth < MAX_NESTING {
            return Ok(());
        }
        self.error(format!("expected at most {MAX_NESTING} messages inside each other"));
        Err(super::Failed)
    }

    fn message_statement(&mut self, message: &mut MessageProto) -> Parsed {
        if self.accept(";") {
            return Ok(());
        }
        let visibility = self.visibility()?;
        match self.current_str() {
            "message" => {
                let mut nested = self.message()?;
                nested.visibility = visibility;
                message.messages.push(nested);
                Ok(())
            }
            "enum" => {
                let mut value = self.enumeration()?;
                value.visibility = visibility;
                message.enums.push(value);
                Ok(())
            }
            "extensions" => self.extension_ranges(message),
            "reserved" => self.reserved(message),
            "extend" => self.extend(&mut message.extensions, &mut message.messages),
            "option" => self.option_statement(&mut message.options),
            "oneof" => self.oneof(message),
            _ => {
                let field = self.labelled_field(&mut message.messages, "")?;
                message.fields.push(field);
                Ok(())
            }
        }
    }

    fn oneof(&mut self, message: &mut MessageProto) -> Parsed {
        self.next();
        let index = message.oneofs.len() as u32;
        let name_at = self.at();
        let name = self.identifier("the name of the oneof")?;
        message.oneofs.push(OneofProto { name, name_at, ..OneofProto::default() });
        self.consume("{")?;
        // At least one field, as protoc has it.
        loop {
            if self.is_end() {
                return self.expected("`}` at the end of the oneof");
            }
            if self.is("option") {
                self.option_statement(&mut message.oneofs[index as usize].options)?;
            } else {
                if ["required", "optional", "repeated"].iter().any(|label| self.is(label)) {
                    self.error("expected no label: fields of a oneof have none");
                    self.next();
                }
                match self.field(&mut message.messages, 0, "", Some(index)) {
                    Ok(field) => message.fields.push(field),
                    Err(_) => self.skip_statement(),
                }
            }
            if self.accept("}") {
                return Ok(());
            }
        }
    }

    fn extension_ranges(&mut self, message: &mut MessageProto) -> Parsed {
        self.next();
        let first = message.ranges.len();
        loop {
            let at = self.at();
            let start = self.field_number("a range of field numbers")?;
            let end = self.range_end(start, 1)?;
            let range = Range { start, end, at };
            message.ranges.push(ExtensionRange { range, options: Options::default() });
            if !self.accept(",") {
                break;
            }
        }
        if self.is("[") {
            let mut options = Options::default();
            self.bracketed_options(&mut options)?;
            message.ranges[first..].iter_mut().for_each(|range| range.options = options.clone());
        }
        self.end_of_statement()
    }

    /// What follows the first number of a range; `extra` is 1 where the end is exclusive.
    fn range_end(&mut self, start: i32, extra: i32) -> Parsed<i32> {
        if !self.accept("to") {
            return Ok(start.wrapping_add(extra));
        }
        if self.accept("max") {
            return Ok(if extra == 1 { MAX_MARK } else { i32::MAX });
        }
        let end =
            if extra == 1 { self.field_number("an integer")? } else { self.signed("an integer")? };
        Ok(end.wrapping_add(extra))
    }

    fn reserved(&mut self, message: &mut MessageProto) -> Parsed {
        self.next();
        if let Some(names) = self.reserved_names()? {
            message.reserved_names.extend(names);
            return Ok(());
        }
        let mut what = "a field's name or a range of field numbers";
        loop {
            let at = self.at();
            let start = self.field_number(what)?;
            what = "a range of field numbers";
            let end = self.range_end(start, 1)?;
            message.reserved.push(Range { start, end, at });
            if !self.accept(",") {
                return self.end_of_statement();
            }
        }
    }

    /// Reserved names: strings in proto2 and proto3, identifiers in editions.
    pub(super) fn reserved_names(&mut self) -> Parsed<Option<Vec<ReservedName>>> {
        let is_edition = self.edition >= edition::E2023;
        let is_text = match self.token.kind {
            TokenKind::Text if is_edition => {
                return self.expected("identifiers: in editions reserved names have no quotes");
            }
            TokenKind::Identifier if !is_edition => {
                return self.expected("strings: only in editions reserved names have no quotes");
            }
            TokenKind::Text => true,
            TokenKind::Identifier => false,
            _ => return Ok(None),
        };
        let mut names = Vec::new();
        loop {
            let at = self.at();
            let name = if is_text {
                self.text("a field's name")?
            } else {
                self.identifier("a field's name")?
            };
            names.push(ReservedName { name, at });
            if !self.accept(",") {
                break;
            }
        }
        self.end_of_statement()?;
        Ok(Some(names))
    }

    pub(super) fn reserved_values(&mut self) -> Parsed<Vec<Range>> {
        let mut ranges = Vec::new();
        let mut what = "a value's name or a range of numbers";
        loop {
            let at = self.at();
            let start = self.signed(what)?;
            what = "a range of numbers";
            let end = self.range_end(start, 0)?;
            ranges.push(Range { start, end, at });
            if !self.accept(",") {
                break;
            }
        }
        self.end_of_statement()?;
        Ok(ranges)
    }
}

impl MessageProto {
    /// Puts the number behind the last one where a range says `max`.
    fn resolve_max(&mut self) {
        let is_set = self.options.raw.iter().any(|option| {
            let value = matches!(&option.value, RawValue::Identifier(text) if text == "true");
            option.is("message_set_wire_format") && value
        });
        let end = if is_set { i32::MAX } else { END_OF_NUMBERS };
        let ranges = self.ranges.iter_mut().map(|range| &mut range.range);
        for range in ranges.chain(&mut self.reserved) {
            if range.end == MAX_MARK {
                range.end = end;
            }
        }
    }

    /// A oneof of its own for each `optional` field of proto3, behind all others.
    pub(super) fn add_synthetic_oneofs(&mut self) {
        let mut names: std::collections::HashSet<String> =
            self.fields.iter().map(|field| field.name.clone()).collect();
        names.extend(self.oneofs.iter().map(|oneof| oneof.name.clone()));
        for field in self.fields.iter_mut().filter(|field| field.proto3_optional) {
            let mut name = field.name.clone();
            if !name.starts_with('_') {
                name.insert(0, '_');
            }
            while names.contains(&name) {
                name.insert(0, 'X');
            }
            names.insert(name.clone());
            field.oneof = Some(self.oneofs.len() as u32);
            let oneof = OneofProto { name, is_synthetic: true, ..OneofProto::default() };
            self.oneofs.push(OneofProto { name_at: field.name_at, ..oneof });
        }
    }
}
