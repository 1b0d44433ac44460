//! Messages with a JSON form of their own.

use cannery_core::{Error, ErrorKind, Result};

use super::read::JsonReader;
use super::time;
use super::write::{JsonWriter, scientific};
use crate::message::{Message, Value};
use crate::pool::MessageId;
use crate::well_known::WellKnown;
use crate::{DecodeOptions, EncodeOptions};

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Value, message.into())
}

impl JsonWriter<'_> {
    /// Writes a message that has a form of its own.
    pub(super) fn special(&mut self, kind: WellKnown, message: &Message) -> Result<()> {
        write(self, kind, message)
    }
}

impl JsonReader<'_> {
    /// Reads a message that has a form of its own.
    pub(super) fn special(&mut self, kind: WellKnown, message: &mut Message) -> Result<()> {
        read(self, kind, message)
    }
}

fn write(writer: &mut JsonWriter<'_>, kind: WellKnown, message: &Message) -> Result<()> {
    let seconds = || message.integer(1).unwrap_or(0);
    let nanos = || message.integer(2).unwrap_or(0);
    match kind {
        WellKnown::Timestamp => {
            let text = time::timestamp_text(seconds(), nanos());
            writer.quoted(&text.ok_or_else(|| wrong("the timestamp is out of range"))?);
        }
        WellKnown::Duration => {
            let text = time::duration_text(seconds(), nanos());
            writer.quoted(&text.ok_or_else(|| wrong("the duration is out of range"))?);
        }
        WellKnown::FieldMask => {
            let paths = message.items(1).iter().map(|path| {
                let path = std::str::from_utf8(path.bytes()).unwrap_or_default();
                camel_case(path).ok_or_else(|| wrong(format!("`{path}` has no form in JSON")))
            });
            let paths = paths.collect::<Result<Vec<_>>>()?;
            writer.text(&paths.join(","));
        }
        WellKnown::Struct => write_struct(writer, message)?,
        WellKnown::ListValue => {
            writer.open('[');
            let mut is_first = true;
            for item in message.items(1) {
                writer.separate(&mut is_first);
                if let Value::Message(item) = item {
                    writer.message(item)?;
                }
            }
            writer.close(']', is_first);
        }
        WellKnown::Value => write_value(writer, message)?,
        WellKnown::Wrapper => {
            let field = &writer.pool.message_type(message.of).fields[0];
            let value = message.get(1).cloned().unwrap_or_else(|| writer.pool.zero_of(field));
            writer.value(field, &value)?;
        }
        WellKnown::Any => write_any(writer, message)?,
        WellKnown::None | WellKnown::Empty => {}
    }
    Ok(())
}

fn write_struct(writer: &mut JsonWriter<'_>, message: &Message) -> Result<()> {
    writer.open('{');
    let mut is_first = true;
    if let Some(Value::Map(entries)) = message.get(1) {
        for (key, value) in entries {
            let key = std::str::from_utf8(key.bytes()).unwrap_or_default();
            writer.key(key, &mut is_first);
            if let Value::Message(value) = value {
                writer.message(value)?;
            }
        }
    }
    writer.close('}', is_first);
    Ok(())
}

fn write_value(writer: &mut JsonWriter<'_>, message: &Message) -> Result<()> {
    match message.fields.first() {
        Some((2, Value::F64(number))) => {
            if !number.is_finite() {
                return Err(wrong("expected a finite number in `google.protobuf.Value`"));
            }
            writer.float(*number, || scientific(zmij::Buffer::new().format_finite(*number)));
        }
        Some((3, Value::Bytes(text))) => {
            let text = std::str::from_utf8(text).unwrap_or_default();
            writer.text(text);
        }
        Some((4, Value::Bool(value))) => writer.out.push_str(if *value { "true" } else { "false" }),
        Some((_, Value::Message(child))) => writer.message(child)?,
        _ => writer.out.push_str("null"),
    }
    Ok(())
}

fn write_any(writer: &mut JsonWriter<'_>, message: &Message) -> Result<()> {
    let url = message.text(1).unwrap_or_default();
    writer.open('{');
    let mut is_first = true;
    if message.fields.is_empty() {
        writer.close('}', is_first);
        return Ok(());
    }
    let name = url.rsplit_once('/').map_or("", |(_, name)| name);
    let Some(of) = writer.pool.message(name) else {
        return Err(wrong(format!("the type `{url}` of an `Any` is not known")));
    };
    let bytes = message.get(2).map_or(&[][..], Value::bytes);
    let child = Message::decode(writer.pool, of, bytes, &DecodeOptions::default())?;
    writer.key("@type", &mut is_first);
    writer.text(url);
    if writer.pool.message_type(of).well_known != WellKnown::None {
        writer.key("value", &mut is_first);
        writer.message(&child)?;
    } else if writer.depth == 0 {
        return Err(Error::new(ErrorKind::Depth, "messages are nested too deep"));
    } else {
        writer.depth -= 1;
        writer.fields(&child, &mut is_first)?;
        writer.depth += 1;
    }
    writer.close('}', is_first);
    Ok(())
}

/// `foo_bar.baz` as `fooBar.baz`, if that can be turned back.
fn camel_case(path: &str) -> Option<String> {
    let mut out = String::new();
    let mut capital = false;
    for c in path.chars() {
        if capital {
            if !c.is_ascii_lowercase() {
                return None;
            }
            out.push(c.to_ascii_uppercase());
            capital = false;
        } else if c == '_' {
            capital = true;
        } else if c.is_ascii_uppercase() {
            return None;
        } else {
            out.push(c);
        }
    }
    (!capital).then_some(out)
}

fn snake_case(path: &str) -> Option<String> {
    let mut out = String::new();
    for c in path.chars() {
        if c == '_' {
            return None;
        }
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    Some(out)
}

fn read(reader: &mut JsonReader<'_>, kind: WellKnown, message: &mut Message) -> Result<()> {
    match kind {
        WellKnown::Timestamp => times(reader, message, time::parse_timestamp, "a timestamp"),
        WellKnown::Duration => times(reader, message, time::parse_duration, "a duration"),
        WellKnown::FieldMask => {
            let at = reader.cursor.at;
            let text = reader.cursor.string()?;
            for path in text.split(',').filter(|_| !text.is_empty()) {
                let path = snake_case(path)
                    .ok_or_else(|| wrong(format!("`{path}` is no path")).at_offset(at as u64))?;
                message.list(1).push(Value::Bytes(path.into_bytes()));
            }
            Ok(())
        }
        WellKnown::Struct => read_struct(reader, message),
        WellKnown::ListValue => read_list(reader, message),
        WellKnown::Value => read_value(reader, message),
        WellKnown::Wrapper => {
            let pool = reader.pool;
            let field = &pool.message_type(message.of).fields[0];
            if let Some(value) = reader.value(field)?.filter(|value| !value.is_zero()) {
                message.set(1, value);
            }
            Ok(())
        }
        WellKnown::Any => read_any(reader, message),
        WellKnown::None | WellKnown::Empty => Ok(()),
    }
}

fn times(
    reader: &mut JsonReader<'_>,
    message: &mut Message,
    parse: fn(&str) -> Option<(i64, i64)>,
    what: &str,
) -> Result<()> {
    reader.cursor.peek();
    let at = reader.cursor.at;
    let text = reader.cursor.string()?;
    let parsed = parse(&text);
    let (seconds, nanos) = parsed
        .ok_or_else(|| wrong(format!("expected {what}, found `{text}`")).at_offset(at as u64))?;
    if seconds != 0 {
        message.set(1, Value::I64(seconds));
    }
    if nanos != 0 {
        message.set(2, Value::I32(i32::try_from(nanos).unwrap_or(0)));
    }
    Ok(())
}

/// The type of the values in a `Struct` or `ListValue`.
fn value_type(reader: &JsonReader<'_>, message: &Message) -> MessageId {
    let field = &reader.pool.message_type(message.of).fields[0];
    let field = if field.is_map() { reader.pool.entry_of(field).1 } else { field };
    field.message.expect("the field holds values")
}

fn read_struct(reader: &mut JsonReader<'_>, message: &mut Message) -> Result<()> {
    let of = value_type(reader, message);
    reader.cursor.consume(b'{')?;
    if reader.cursor.accept(b'}') {
        return Ok(());
    }
    let mut seen = std::collections::HashSet::new();
    loop {
        let key = reader.cursor.string()?;
        if !seen.insert(key.clone()) {
            let text = format!("the key `{key}` is set already");
            return Err(reader.cursor.error(ErrorKind::Value, text));
        }
        reader.cursor.consume(b':')?;
        let value = reader.message(of)?;
        message.map_entry(
            1,
            Value::Bytes(key.into_owned().into_bytes()),
            Value::Message(Box::new(value)),
        );
        if reader.cursor.accept(b'}') {
            return Ok(());
        }
        reader.cursor.consume(b',')?;
    }
}

fn read_list(reader: &mut JsonReader<'_>, message: &mut Message) -> Result<()> {
    let of = value_type(reader, message);
    reader.cursor.consume(b'[')?;
    if reader.cursor.accept(b']') {
        return Ok(());
    }
    loop {
        let value = reader.message(of)?;
        message.list(1).push(Value::Message(Box::new(value)));
        if reader.cursor.accept(b']') {
            return Ok(());
        }
        reader.cursor.consume(b',')?;
    }
}

fn read_value(reader: &mut JsonReader<'_>, message: &mut Message) -> Result<()> {
    let pool = reader.pool;
    let child = |number: u32| {
        let field = pool.field(message.of, number);
        field.and_then(|field| field.message).ok_or_else(|| wrong("`Value` has not its fields"))
    };
    match reader.cursor.peek() {
        b'{' => {
            let value = reader.message(child(5)?)?;
            message.set(5, Value::Message(Box::new(value)));
        }
        b'[' => {
            let value = reader.message(child(6)?)?;
            message.set(6, Value::Message(Box::new(value)));
        }
        b'"' => message.set(3, Value::Bytes(reader.cursor.string()?.into_owned().into_bytes())),
        _ if reader.cursor.word("null") => message.set(1, Value::Enum(0)),
        _ if reader.cursor.word("true") => message.set(4, Value::Bool(true)),
        _ if reader.cursor.word("false") => message.set(4, Value::Bool(false)),
        _ => {
            let number: f64 = reader.cursor.number()?.parse().map_err(|_| wrong("no number"))?;
            if !number.is_finite() {
                return Err(reader
                    .cursor
                    .error(ErrorKind::Value, "the number is too large".into()));
            }
            message.set(2, Value::F64(number));
        }
    }
    Ok(())
}

/// The type may stand behind the fields: the object is read twice.
fn read_any(reader: &mut JsonReader<'_>, message: &mut Message) -> Result<()> {
    reader.cursor.consume(b'{')?;
    if reader.cursor.accept(b'}') {
        return Ok(());
    }
    let start = reader.cursor.at;
    let mut url = None;
    loop {
        let key = reader.cursor.string()?;
        reader.cursor.consume(b':')?;
        if key == "@type" && url.is_none() {
            url = Some(reader.cursor.string()?);
        } else if key == "@type" {
            return Err(reader.cursor.error(ErrorKind::Value, "`@type` is set already".into()));
        } else {
            reader.cursor.skip(reader.depth + 1)?;
        }
        if reader.cursor.accept(b'}') {
            break;
        }
        reader.cursor.consume(b',')?;
    }
    let end = reader.cursor.at;
    let Some(url) = url else {
        return Err(reader.cursor.error(ErrorKind::Value, "expected `@type` in an `Any`".into()));
    };
    let of = url.rsplit_once('/').and_then(|(_, name)| reader.pool.message(name));
    let Some(of) = of else {
        let text = format!("the type `{url}` of an `Any` is not known");
        return Err(reader.cursor.error(ErrorKind::Value, text));
    };
    reader.cursor.at = start;
    let child = any_fields(reader, of)?;
    reader.cursor.at = end;
    message.set(1, Value::Bytes(url.into_owned().into_bytes()));
    let bytes = child.encode(reader.pool, EncodeOptions::default().deterministic(true));
    if !bytes.is_empty() {
        message.set(2, Value::Bytes(bytes));
    }
    Ok(())
}

/// The members of an `Any` but for its type.
fn any_fields(reader: &mut JsonReader<'_>, of: MessageId) -> Result<Message> {
    let is_plain = reader.pool.message_type(of).well_known == WellKnown::None;
    let mut child = Message::new(of);
    loop {
        reader.cursor.peek();
        let at = reader.cursor.at;
        let key = reader.cursor.string()?;
        reader.cursor.consume(b':')?;
        if key == "@type" {
            reader.cursor.string()?;
        } else if is_plain {
            if reader.depth == 0 {
                return Err(reader.cursor.error(ErrorKind::Depth, "nested too deep".into()));
            }
            reader.depth -= 1;
            reader.member(&mut child, &key, at)?;
            reader.depth += 1;
        } else if key == "value" {
            child = reader.message(of)?;
        } else if reader.options.ignore_unknown {
            reader.cursor.skip(100)?;
        } else {
            let text = format!("expected `value` in an `Any` of a well-known type, found `{key}`");
            return Err(wrong(text).at_offset(at as u64));
        }
        if reader.cursor.accept(b'}') {
            child.finish_maps();
            return Ok(child);
        }
        reader.cursor.consume(b',')?;
    }
}
