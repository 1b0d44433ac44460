//! Descriptors from the bytes of a `FileDescriptorSet`.

use cannery_core::{Error, ErrorKind, Result};

use super::{
    EnumProto, EnumValueProto, ExtensionRange, FieldProto, FileProto, Import, MessageProto,
    MethodProto, NamePart, OneofProto, Options, Range, RawOption, RawValue, ReservedName,
    ServiceProto,
};
use crate::wire::{Cursor, FIXED32, FIXED64, LENGTH, VARINT};

/// One record: its number, and what it holds.
enum Record<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

impl<'a> Record<'a> {
    fn text(&self) -> Result<String> {
        let bytes = self.bytes()?.to_vec();
        let wrong = |_| Error::new(ErrorKind::Encoding, "expected UTF-8 in a descriptor");
        String::from_utf8(bytes).map_err(wrong)
    }

    fn bytes(&self) -> Result<&'a [u8]> {
        match self {
            Record::Bytes(bytes) => Ok(bytes),
            Record::Number(_) => Err(wrong_type()),
        }
    }

    fn number(&self) -> Result<u64> {
        match self {
            Record::Number(number) => Ok(*number),
            Record::Bytes(_) => Err(wrong_type()),
        }
    }

    fn int(&self) -> Result<i32> {
        Ok(self.number()? as i32)
    }

    /// The numbers of a repeated field, packed or not.
    fn ints(&self) -> Result<Vec<i32>> {
        let Record::Bytes(bytes) = self else { return Ok(vec![self.int()?]) };
        let mut cursor = Cursor::new(bytes);
        let mut numbers = Vec::new();
        while !cursor.is_empty() {
            numbers.push(Record::Number(cursor.varint()?).int()?);
        }
        Ok(numbers)
    }

    fn byte(&self) -> Result<u8> {
        Ok(u8::try_from(self.number()?).unwrap_or(0))
    }

    fn flag(&self) -> Result<bool> {
        Ok(self.number()? != 0)
    }
}

fn wrong_type() -> Error {
    Error::new(ErrorKind::Syntax, "expected a descriptor, found a field of another wire type")
}

/// Reads every record of a message.
fn records<'a>(data: &'a [u8], mut take: impl FnMut(u32, Record<'a>) -> Result<()>) -> Result<()> {
    let mut cursor = Cursor::new(data);
    while !cursor.is_empty() {
        let (number, wire) = cursor.tag()?;
        let record = match wire {
            VARINT => Record::Number(cursor.varint()?),
            FIXED64 => Record::Number(u64::from_le_bytes(cursor.fixed()?)),
            FIXED32 => Record::Number(u32::from_le_bytes(cursor.fixed()?).into()),
            LENGTH => Record::Bytes(cursor.bytes()?),
            _ => {
                cursor.skip(number, wire, 100)?;
                continue;
            }
        };
        take(number, record)?;
    }
    Ok(())
}

/// The files of a `FileDescriptorSet`.
pub(crate) fn read_set(data: &[u8]) -> Result<Vec<FileProto>> {
    let mut files = Vec::new();
    records(data, |number, record| {
        if number == 1 {
            files.push(FileProto::read(record.bytes()?)?);
        }
        Ok(())
    })?;
    Ok(files)
}

impl FileProto {
    /// Reads a `FileDescriptorProto`.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn read(data: &[u8]) -> Result<Self> {
        let mut file = FileProto::default();
        let (mut public, mut weak) = (Vec::new(), Vec::new());
        records(data, |number, record| {
            match number {
                1 => file.name = record.text()?,
                2 => (file.package, file.has_package) = (record.text()?, true),
                3 => file.dependencies.push(Import { path: record.text()?, ..Import::default() }),
                4 => file.messages.push(MessageProto::read(record.bytes()?, 0)?),
                5 => file.enums.push(EnumProto::read(record.bytes()?)?),
                6 => file.services.push(ServiceProto::read(record.bytes()?)?),
                7 => file.extensions.push(FieldProto::read(record.bytes()?)?),
                8 => file.options = Options::read(record.bytes()?)?,
                10 => public.extend(record.ints()?),
                11 => weak.extend(record.ints()?),
                12 => file.syntax = record.text()?,
                14 => file.edition = record.int()?,
                15 => file
                    .option_dependencies
                    .push(Import { path: record.text()?, ..Import::default() }),
                _ => {}
            }
            Ok(())
        })?;
        let missing = || Error::new(ErrorKind::Value, "an index of an import is out of range");
        for (indices, is_public) in [(public, true), (weak, false)] {
            for index in indices {
                let index = usize::try_from(index).map_err(|_| missing())?;
                let import = file.dependencies.get_mut(index).ok_or_else(missing)?;
                if is_public { import.is_public = true } else { import.is_weak = true }
            }
        }
        Ok(file)
    }
}

impl MessageProto {
    fn read(data: &[u8], depth: usize) -> Result<Self> {
        if depth > 64 {
            return Err(Error::new(ErrorKind::Depth, "messages are nested deeper than 64 levels"));
        }
        let mut message = MessageProto::default();
        records(data, |number, record| {
            match number {
                1 => message.name = record.text()?,
                2 => message.fields.push(FieldProto::read(record.bytes()?)?),
                3 => message.messages.push(MessageProto::read(record.bytes()?, depth + 1)?),
                4 => message.enums.push(EnumProto::read(record.bytes()?)?),
                5 => message.ranges.push(ExtensionRange::read(record.bytes()?)?),
                6 => message.extensions.push(FieldProto::read(record.bytes()?)?),
                7 => message.options = Options::read(record.bytes()?)?,
                8 => message.oneofs.push(OneofProto::read(record.bytes()?)?),
                9 => message.reserved.push(Range::read(record.bytes()?)?),
                10 => message.reserved_names.push(ReservedName { name: record.text()?, at: 0 }),
                11 => message.visibility = record.int()?,
                _ => {}
            }
            Ok(())
        })?;
        for field in &message.fields {
            if let Some(index) = field.oneof
                && let Some(oneof) = message.oneofs.get_mut(index as usize)
            {
                oneof.is_synthetic |= field.proto3_optional;
            }
        }
        Ok(message)
    }
}

impl Range {
    fn read(data: &[u8]) -> Result<Self> {
        let mut range = Range::default();
        records(data, |number, record| {
            match number {
                1 => range.start = record.int()?,
                2 => range.end = record.int()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(range)
    }
}

impl ExtensionRange {
    fn read(data: &[u8]) -> Result<Self> {
        let mut options = Options::default();
        records(data, |number, record| {
            if number == 3 {
                options = Options::read(record.bytes()?)?;
            }
            Ok(())
        })?;
        Ok(Self { range: Range::read(data)?, options })
    }
}

impl OneofProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut oneof = OneofProto::default();
        records(data, |number, record| {
            match number {
                1 => oneof.name = record.text()?,
                2 => oneof.options = Options::read(record.bytes()?)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(oneof)
    }
}

impl FieldProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut field = FieldProto::default();
        records(data, |number, record| {
            match number {
                1 => field.name = record.text()?,
                2 => field.extendee = record.text()?,
                3 => field.number = record.int()?,
                4 => field.label = record.byte()?,
                5 => field.kind = record.byte()?,
                6 => field.type_name = record.text()?,
                7 => field.default = Some(record.bytes()?.to_vec()),
                8 => field.options = Options::read(record.bytes()?)?,
                9 => field.oneof = Some(record.int()?.cast_unsigned()),
                10 => field.json_name = Some(record.text()?),
                17 => field.proto3_optional = record.flag()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(field)
    }
}

impl EnumProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut value = EnumProto::default();
        records(data, |number, record| {
            match number {
                1 => value.name = record.text()?,
                2 => value.values.push(EnumValueProto::read(record.bytes()?)?),
                3 => value.options = Options::read(record.bytes()?)?,
                4 => value.reserved.push(Range::read(record.bytes()?)?),
                5 => value.reserved_names.push(ReservedName { name: record.text()?, at: 0 }),
                6 => value.visibility = record.int()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(value)
    }
}

impl EnumValueProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut value = EnumValueProto::default();
        records(data, |number, record| {
            match number {
                1 => value.name = record.text()?,
                2 => value.number = record.int()?,
                3 => value.options = Options::read(record.bytes()?)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(value)
    }
}

impl ServiceProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut service = ServiceProto::default();
        records(data, |number, record| {
            match number {
                1 => service.name = record.text()?,
                2 => service.methods.push(MethodProto::read(record.bytes()?)?),
                3 => service.options = Options::read(record.bytes()?)?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(service)
    }
}

impl MethodProto {
    fn read(data: &[u8]) -> Result<Self> {
        let mut method = MethodProto::default();
        records(data, |number, record| {
            match number {
                1 => method.name = record.text()?,
                2 => method.input = record.text()?,
                3 => method.output = record.text()?,
                4 => method.options = Options::read(record.bytes()?)?,
                5 => method.client_streaming = record.flag()?,
                6 => method.server_streaming = record.flag()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(method)
    }
}

impl Options {
    fn read(data: &[u8]) -> Result<Self> {
        let mut options = Options { is_present: true, ..Options::default() };
        let mut cursor = Cursor::new(data);
        while !cursor.is_empty() {
            let start = cursor.at;
            let (number, wire) = cursor.tag()?;
            if (number, wire) == (999, LENGTH) {
                options.raw.push(RawOption::read(cursor.bytes()?)?);
            } else {
                cursor.skip(number, wire, 100)?;
                options.bytes.extend_from_slice(&data[start..cursor.at]);
            }
        }
        Ok(options)
    }
}

impl RawOption {
    fn read(data: &[u8]) -> Result<Self> {
        let mut name = Vec::new();
        let mut value = RawValue::Identifier(String::new());
        records(data, |number, record| {
            match number {
                2 => name.push(NamePart::read(record.bytes()?)?),
                3 => value = RawValue::Identifier(record.text()?),
                4 => value = RawValue::Positive(record.number()?),
                5 => value = RawValue::Negative(record.number()?.cast_signed()),
                6 => value = RawValue::Double(f64::from_bits(record.number()?)),
                7 => value = RawValue::Text(record.bytes()?.to_vec()),
                8 => value = RawValue::Aggregate(record.text()?),
                _ => {}
            }
            Ok(())
        })?;
        Ok(RawOption { name, value, name_at: 0, value_at: 0 })
    }
}

impl NamePart {
    fn read(data: &[u8]) -> Result<Self> {
        let mut part = NamePart { name: String::new(), is_extension: false };
        records(data, |number, record| {
            match number {
                1 => part.name = record.text()?,
                2 => part.is_extension = record.flag()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(part)
    }
}
