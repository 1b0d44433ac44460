//! From a tree to events, on a stack of its own: depth costs memory, never the thread's stack.

use std::slice::Iter;

use super::Value;
use crate::{BigInt, Container, Result, Sink, Source, TextBuf};

impl Source for Value {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        let mut open = Vec::new();
        open.extend(send(self, sink)?);
        while let Some(innermost) = open.last_mut() {
            if let Some(value) = innermost.next(sink)? {
                open.extend(send(value, sink)?);
            } else {
                innermost.end(sink)?;
                open.pop();
            }
        }
        Ok(())
    }
}

/// A container on its way, and what of it is still to come.
enum OpenValue<'a> {
    Items(Container, Iter<'a, Value>),
    Map(Iter<'a, (Value, Value)>, Option<&'a Value>),
    Object(Iter<'a, (TextBuf, Value)>),
}

impl<'a> OpenValue<'a> {
    /// The next child, its key sent before it.
    fn next<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<Option<&'a Value>> {
        match self {
            OpenValue::Items(_, items) => Ok(items.next()),
            OpenValue::Map(entries, due) => match due.take() {
                Some(value) => Ok(Some(value)),
                None => next_entry(entries, due, sink),
            },
            OpenValue::Object(parts) => match parts.next() {
                Some((name, value)) => sink.key(name.as_text()).map(|()| Some(value)),
                None => Ok(None),
            },
        }
    }

    fn end<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        match self {
            OpenValue::Items(container, _) => sink.end(*container),
            OpenValue::Map(..) => sink.end(Container::Map),
            OpenValue::Object(_) => sink.end_object(),
        }
    }
}

fn next_entry<'a, S: Sink + ?Sized>(
    entries: &mut Iter<'a, (Value, Value)>,
    due: &mut Option<&'a Value>,
    sink: &mut S,
) -> Result<Option<&'a Value>> {
    match entries.next() {
        Some((Value::Text(key), value)) => sink.key(key.as_text()).map(|()| Some(value)),
        Some((key, value)) => {
            *due = Some(value);
            sink.entry().map(|()| Some(key))
        }
        None => Ok(None),
    }
}

/// Sends a scalar whole, and of a container its beginning.
fn send<'a, S: Sink + ?Sized>(mut value: &'a Value, sink: &mut S) -> Result<Option<OpenValue<'a>>> {
    while let Value::Marked(id, inner) = value {
        sink.mark(*id)?;
        value = inner;
    }
    match value {
        Value::List(items) => begin(Container::List, items, sink).map(Some),
        Value::Tuple(items) => begin(Container::Tuple, items, sink).map(Some),
        Value::Set(items) => begin(Container::Set, items, sink).map(Some),
        Value::FrozenSet(items) => begin(Container::FrozenSet, items, sink).map(Some),
        Value::Map(entries) => {
            sink.begin(Container::Map, Some(entries.len()))?;
            Ok(Some(OpenValue::Map(entries.iter(), None)))
        }
        Value::Object(object) => {
            sink.begin_object(object.type_name.as_text(), Some(object.parts.len()))?;
            Ok(Some(OpenValue::Object(object.parts.iter())))
        }
        scalar => send_scalar(scalar, sink).map(|()| None),
    }
}

fn begin<'a, S: Sink + ?Sized>(
    container: Container,
    items: &'a [Value],
    sink: &mut S,
) -> Result<OpenValue<'a>> {
    sink.begin(container, Some(items.len()))?;
    Ok(OpenValue::Items(container, items.iter()))
}

fn send_scalar<S: Sink + ?Sized>(value: &Value, sink: &mut S) -> Result<()> {
    match value {
        Value::Null => sink.null(),
        Value::Bool(value) => sink.bool(*value),
        Value::Int(value) => sink.int(*value),
        Value::BigInt(value) => sink.big_int(BigInt::LittleEndian(&value.to_signed_bytes_le())),
        Value::Float(value) => sink.float(*value),
        Value::Text(value) => sink.text(value.as_text()),
        Value::Bytes(value) => sink.bytes(value),
        Value::Array(value) => sink.array(&value.as_view()),
        Value::Alias(id) => sink.alias(*id),
        _ => unreachable!("containers and marks are sent elsewhere"),
    }
}
