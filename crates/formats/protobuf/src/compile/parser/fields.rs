//! Fields, extensions and groups.

use super::{Failed, Parsed, Parser};
use crate::descriptor::{FieldProto, MessageProto, OPTIONAL, REPEATED, REQUIRED};
use crate::edition;
use crate::kind;
use crate::numbers;

impl Parser<'_> {
    pub(super) fn extend(
        &mut self,
        extensions: &mut Vec<FieldProto>,
        messages: &mut Vec<MessageProto>,
    ) -> Parsed {
        self.next();
        let extendee_at = self.at();
        let extendee = self.type_name()?;
        self.consume("{")?;
        // At least one, as protoc has it.
        loop {
            if self.is_end() {
                return self.expected("`}` at the end of the extensions");
            }
            match self.labelled_field(messages, &extendee) {
                Ok(mut field) => {
                    field.extendee_at = extendee_at;
                    extensions.push(field);
                }
                Err(Failed) => self.skip_statement(),
            }
            if self.accept("}") {
                return Ok(());
            }
        }
    }

    /// A field with the label that may stand before it.
    pub(super) fn labelled_field(
        &mut self,
        messages: &mut Vec<MessageProto>,
        extendee: &str,
    ) -> Parsed<FieldProto> {
        let labels = [("optional", OPTIONAL), ("required", REQUIRED), ("repeated", REPEATED)];
        let label = labels.iter().find(|(word, _)| self.is(word)).map_or(0, |(_, label)| *label);
        if label != 0 {
            self.check_label(label);
            self.next();
        }
        let mut field = self.field(messages, label, extendee, None)?;
        field.proto3_optional = label == OPTIONAL && self.edition == edition::PROTO3;
        Ok(field)
    }

    fn check_label(&mut self, label: u8) {
        if self.edition < edition::E2023 {
            return;
        }
        if label == OPTIONAL {
            self.error("expected no label: in editions fields have presence without `optional`");
        } else if label == REQUIRED {
            self.error(
                "expected no label: editions have `features.field_presence = LEGACY_REQUIRED`",
            );
        }
    }

    /// A field behind its label.
    pub(super) fn field(
        &mut self,
        messages: &mut Vec<MessageProto>,
        label: u8,
        extendee: &str,
        oneof: Option<u32>,
    ) -> Parsed<FieldProto> {
        let mut field = FieldProto { label, oneof, type_at: self.at(), ..FieldProto::default() };
        extendee.clone_into(&mut field.extendee);
        let map = self.field_type(&mut field)?;
        field.name_at = self.at();
        field.name = self.identifier("the field's name")?;
        self.consume_number_sign()?;
        field.number_at = self.at();
        field.number = self.field_number("the field's number")?;
        if self.is("[") {
            self.field_options(&mut field)?;
        }
        if field.kind == kind::GROUP {
            let group = self.group(&mut field)?;
            messages.push(group);
        } else {
            self.end_of_statement()?;
        }
        if let Some((key, value)) = map {
            messages.push(super::maps::entry(&mut field, key, value));
        }
        Ok(field)
    }

    fn consume_number_sign(&mut self) -> Parsed {
        if self.accept("=") { Ok(()) } else { self.expected("`=` and the field's number") }
    }

    /// The type of a field; of a map, those of its key and value.
    fn field_type(&mut self, field: &mut FieldProto) -> Parsed<Option<(FieldProto, FieldProto)>> {
        if self.accept("map") {
            if self.is("<") {
                return self.map_type(field).map(Some);
            }
            "map".clone_into(&mut field.type_name);
            // What looked like a map is a message of that name, perhaps a part of a longer one.
            while self.accept(".") {
                field.type_name.push('.');
                field.type_name.push_str(&self.identifier("an identifier")?);
            }
        }
        if field.label == 0 {
            if self.edition == edition::PROTO2 && field.oneof.is_none() {
                self.error("expected `required`, `optional` or `repeated`");
            }
            field.label = OPTIONAL;
        }
        if field.type_name.is_empty() {
            self.type_into(field)?;
        }
        Ok(None)
    }

    pub(super) fn type_into(&mut self, field: &mut FieldProto) -> Parsed {
        field.type_at = self.at();
        match kind::from_name(self.current_str()) {
            Some(kind) => {
                field.kind = kind;
                self.next();
            }
            None => field.type_name = self.type_name()?,
        }
        Ok(())
    }

    /// The name of a message or an enum.
    pub(super) fn type_name(&mut self) -> Parsed<String> {
        if kind::from_name(self.current_str()).is_some() {
            self.error(format!("expected the name of a message, found `{}`", self.current_str()));
            let name = self.current_str().to_owned();
            self.next();
            return Ok(name);
        }
        let mut name = String::new();
        if self.accept(".") {
            name.push('.');
        }
        name.push_str(&self.dotted_name("the name of a type")?);
        Ok(name)
    }

    fn map_type(&mut self, field: &mut FieldProto) -> Parsed<(FieldProto, FieldProto)> {
        let refusal = if field.oneof.is_some() {
            "expected no map in a oneof"
        } else if field.label != 0 {
            "expected no label: maps have none"
        } else if !field.extendee.is_empty() {
            "expected no map as an extension"
        } else {
            ""
        };
        if !refusal.is_empty() {
            self.error(refusal);
            return Err(Failed);
        }
        field.label = REPEATED;
        self.consume("<")?;
        let (mut key, mut value) = (FieldProto::default(), FieldProto::default());
        self.type_into(&mut key)?;
        self.consume(",")?;
        self.type_into(&mut value)?;
        self.consume(">")?;
        Ok((key, value))
    }

    fn group(&mut self, field: &mut FieldProto) -> Parsed<MessageProto> {
        if self.edition >= edition::E2023 {
            let message =
                "expected no group: editions have `features.message_encoding = DELIMITED`";
            self.diagnostics.error(field.type_at, message);
        }
        if !field.name.starts_with(|first: char| first.is_ascii_uppercase()) {
            self.diagnostics.error(field.name_at, "expected a group's name with a capital letter");
        }
        let mut group = MessageProto { name: field.name.clone(), ..MessageProto::default() };
        group.name_at = field.name_at;
        field.type_name.clone_from(&field.name);
        field.name.make_ascii_lowercase();
        if !self.is("{") {
            return self.expected("`{` and the fields of the group");
        }
        self.message_block(&mut group)?;
        Ok(group)
    }

    fn field_options(&mut self, field: &mut FieldProto) -> Parsed {
        field.options.is_present = true;
        self.next();
        let mut has_options = false;
        loop {
            if self.is("default") {
                self.default(field)?;
            } else if self.is("json_name") {
                self.json_name(field)?;
            } else {
                self.option_assignment(&mut field.options)?;
                has_options = true;
            }
            if !self.accept(",") {
                break;
            }
        }
        // Defaults and JSON names are parts of the field itself.
        field.options.is_present = has_options;
        self.consume("]")
    }

    fn json_name(&mut self, field: &mut FieldProto) -> Parsed {
        if field.has_json_name {
            self.error("expected `json_name` once, found it again");
        }
        self.next();
        self.consume("=")?;
        field.json_name = Some(self.text("a string")?);
        field.has_json_name = true;
        Ok(())
    }

    fn default(&mut self, field: &mut FieldProto) -> Parsed {
        if field.default.is_some() {
            self.error("expected `default` once, found it again");
        }
        self.next();
        self.consume("=")?;
        field.default_at = self.at();
        field.default = Some(self.default_value(field.kind)?);
        Ok(())
    }

    fn default_value(&mut self, of: u8) -> Parsed<Vec<u8>> {
        Ok(match of {
            // An enum, as far as is known yet.
            0 => self.identifier("an enum value's name as default")?.into_bytes(),
            kind::BOOL => {
                if !self.is("true") && !self.is("false") {
                    return self.expected("`true` or `false`");
                }
                self.identifier("`true` or `false`")?.into_bytes()
            }
            kind::STRING => self.string("a string as default")?,
            kind::BYTES => numbers::c_escape(&self.string("a string as default")?).into_bytes(),
            kind::FLOAT | kind::DOUBLE => {
                let is_negative = self.accept("-");
                let value = self.number()?;
                let value = if is_negative { -value } else { value };
                let write =
                    if of == kind::FLOAT { numbers::float_text } else { numbers::double_text };
                write(value).into_bytes()
            }
            kind::GROUP | kind::MESSAGE => {
                self.error("expected no default: messages have none");
                return Err(Failed);
            }
            _ => self.default_integer(of)?.into_bytes(),
        })
    }

    fn default_integer(&mut self, of: u8) -> Parsed<String> {
        let (min, max) = kind::integer_range(of);
        let is_negative = self.accept("-");
        if is_negative && min == 0 {
            self.error("expected a default of at least 0");
        }
        let limit = if is_negative && min != 0 { max + 1 } else { max };
        let value = self.integer(limit, "an integer as default")?;
        Ok(format!("{}{value}", if is_negative && value != 0 { "-" } else { "" }))
    }
}
