//! Descriptors as bytes, field by field in the order of their numbers.

use super::{
    EnumProto, EnumValueProto, FieldProto, FileProto, MessageProto, MethodProto, NamePart,
    OneofProto, Options, Range, RawOption, RawValue, ServiceProto,
};
use crate::wire::{FIXED64, LENGTH, VARINT, put_bytes, put_tag, put_varint, with_length};

fn text(out: &mut Vec<u8>, number: u32, text: &str) {
    put_bytes(out, number, text.as_bytes());
}

fn text_if(out: &mut Vec<u8>, number: u32, value: &str) {
    if !value.is_empty() {
        text(out, number, value);
    }
}

fn int(out: &mut Vec<u8>, number: u32, value: i32) {
    put_tag(out, number, VARINT);
    put_varint(out, i64::from(value).cast_unsigned());
}

fn flag(out: &mut Vec<u8>, number: u32, value: bool) {
    if value {
        int(out, number, 1);
    }
}

fn part(out: &mut Vec<u8>, number: u32, body: impl FnOnce(&mut Vec<u8>)) {
    put_tag(out, number, LENGTH);
    with_length(out, body);
}

impl FileProto {
    /// The file as `FileDescriptorProto`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let out_ref = &mut out;
        text(out_ref, 1, &self.name);
        if self.has_package {
            text(out_ref, 2, &self.package);
        }
        self.dependencies.iter().for_each(|import| text(out_ref, 3, &import.path));
        self.messages.iter().for_each(|message| part(out_ref, 4, |out| message.write(out)));
        self.enums.iter().for_each(|value| part(out_ref, 5, |out| value.write(out)));
        self.services.iter().for_each(|service| part(out_ref, 6, |out| service.write(out)));
        self.extensions.iter().for_each(|field| part(out_ref, 7, |out| field.write(out)));
        self.options.write(out_ref, 8);
        for (number, wanted) in [(10, true), (11, false)] {
            for (index, import) in (0..).zip(&self.dependencies) {
                if if wanted { import.is_public } else { import.is_weak } {
                    int(out_ref, number, index);
                }
            }
        }
        text_if(out_ref, 12, &self.syntax);
        if self.syntax == "editions" {
            int(out_ref, 14, self.edition);
        }
        self.option_dependencies.iter().for_each(|import| text(out_ref, 15, &import.path));
        out
    }
}

fn range(out: &mut Vec<u8>, value: Range) {
    int(out, 1, value.start);
    int(out, 2, value.end);
}

impl MessageProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        self.fields.iter().for_each(|field| part(out, 2, |out| field.write(out)));
        self.messages.iter().for_each(|message| part(out, 3, |out| message.write(out)));
        self.enums.iter().for_each(|value| part(out, 4, |out| value.write(out)));
        for item in &self.ranges {
            part(out, 5, |out| {
                range(out, item.range);
                item.options.write(out, 3);
            });
        }
        self.extensions.iter().for_each(|field| part(out, 6, |out| field.write(out)));
        self.options.write(out, 7);
        self.oneofs.iter().for_each(|oneof| part(out, 8, |out| oneof.write(out)));
        self.reserved.iter().for_each(|&item| part(out, 9, |out| range(out, item)));
        self.reserved_names.iter().for_each(|item| text(out, 10, &item.name));
        if self.visibility != 0 {
            int(out, 11, self.visibility);
        }
    }
}

impl OneofProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        self.options.write(out, 2);
    }
}

impl FieldProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        text_if(out, 2, &self.extendee);
        int(out, 3, self.number);
        int(out, 4, self.label.into());
        if self.kind != 0 {
            int(out, 5, self.kind.into());
        }
        text_if(out, 6, &self.type_name);
        if let Some(default) = &self.default {
            put_bytes(out, 7, default);
        }
        self.options.write(out, 8);
        if let Some(oneof) = self.oneof {
            int(out, 9, oneof.cast_signed());
        }
        if let Some(json_name) = &self.json_name {
            text(out, 10, json_name);
        }
        flag(out, 17, self.proto3_optional);
    }
}

impl EnumProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        self.values.iter().for_each(|value| part(out, 2, |out| value.write(out)));
        self.options.write(out, 3);
        self.reserved.iter().for_each(|&item| part(out, 4, |out| range(out, item)));
        self.reserved_names.iter().for_each(|item| text(out, 5, &item.name));
        if self.visibility != 0 {
            int(out, 6, self.visibility);
        }
    }
}

impl EnumValueProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        int(out, 2, self.number);
        self.options.write(out, 3);
    }
}

impl ServiceProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        self.methods.iter().for_each(|method| part(out, 2, |out| method.write(out)));
        self.options.write(out, 3);
    }
}

impl MethodProto {
    fn write(&self, out: &mut Vec<u8>) {
        text(out, 1, &self.name);
        text(out, 2, &self.input);
        text(out, 3, &self.output);
        self.options.write(out, 4);
        flag(out, 5, self.client_streaming);
        flag(out, 6, self.server_streaming);
    }
}

impl Options {
    fn write(&self, out: &mut Vec<u8>, number: u32) {
        if !self.is_present {
            return;
        }
        part(out, number, |out| {
            out.extend_from_slice(&self.bytes);
            self.raw.iter().for_each(|option| part(out, 999, |out| option.write(out)));
        });
    }
}

impl RawOption {
    fn write(&self, out: &mut Vec<u8>) {
        for NamePart { name, is_extension } in &self.name {
            part(out, 2, |out| {
                text(out, 1, name);
                int(out, 2, i32::from(*is_extension));
            });
        }
        match &self.value {
            RawValue::Identifier(value) => text(out, 3, value),
            RawValue::Positive(value) => {
                put_tag(out, 4, VARINT);
                put_varint(out, *value);
            }
            RawValue::Negative(value) => {
                put_tag(out, 5, VARINT);
                put_varint(out, value.cast_unsigned());
            }
            RawValue::Double(value) => {
                put_tag(out, 6, FIXED64);
                out.extend_from_slice(&value.to_le_bytes());
            }
            RawValue::Text(value) => put_bytes(out, 7, value),
            RawValue::Aggregate(value) => text(out, 8, value),
        }
    }
}
