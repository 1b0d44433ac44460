//! Events, kept to be sent again.

use num_bigint::BigInt as OwnedBigInt;

use crate::{ArrayBuf, ArraySource, BigInt, Container, Result, Sink, Source, Text, TextBuf};

/// One event of a [`Sink`], owned.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is named after the method of `Sink` it stands for")]
#[non_exhaustive]
pub enum Event {
    Null,
    Bool(bool),
    Int(i64),
    BigInt(OwnedBigInt),
    Float(f64),
    Number(Box<str>),
    Text(TextBuf),
    Bytes(Box<[u8]>),
    Array(Box<ArrayBuf>),
    Begin(Container, Option<usize>),
    End(Container),
    Key(TextBuf),
    Entry,
    BeginObject(TextBuf, Option<usize>),
    EndObject,
    Mark(u64),
    Alias(u64),
}

impl Event {
    /// Sends it.
    ///
    /// # Errors
    /// Those of the sink.
    pub fn send<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        match self {
            Event::Null => sink.null(),
            Event::Bool(value) => sink.bool(*value),
            Event::Int(value) => sink.int(*value),
            Event::BigInt(value) => sink.big_int(BigInt::LittleEndian(&value.to_signed_bytes_le())),
            Event::Float(value) => sink.float(*value),
            Event::Number(text) => sink.number(text),
            Event::Text(text) => sink.text(text.as_text()),
            Event::Bytes(bytes) => sink.bytes(bytes),
            Event::Array(array) => sink.array(&array.as_view()),
            Event::Begin(container, len) => sink.begin(*container, *len),
            Event::End(container) => sink.end(*container),
            Event::Key(key) => sink.key(key.as_text()),
            Event::Entry => sink.entry(),
            Event::BeginObject(type_name, parts) => sink.begin_object(type_name.as_text(), *parts),
            Event::EndObject => sink.end_object(),
            Event::Mark(id) => sink.mark(*id),
            Event::Alias(id) => sink.alias(*id),
        }
    }
}

impl Event {
    /// The event of an array, read into memory.
    ///
    /// # Errors
    /// Those of the array's source.
    pub fn array(value: &dyn ArraySource) -> Result<Self> {
        Ok(Event::Array(Box::new(ArrayBuf::from_source(value)?)))
    }

    /// Bytes it stands for in a source, roughly.
    pub(crate) fn size(&self) -> u64 {
        let size = match self {
            Event::Number(text) => text.len(),
            Event::Text(text) | Event::Key(text) | Event::BeginObject(text, _) => text.len(),
            Event::Bytes(bytes) => bytes.len(),
            Event::Array(array) => array.as_view().data().len(),
            _ => 1,
        };
        size as u64
    }
}

impl PartialEq for Event {
    /// Floats are compared by their bits, and length hints not at all.
    fn eq(&self, other: &Self) -> bool {
        use Event::{
            Alias, Array, Begin, BeginObject, BigInt, Bool, Bytes, End, EndObject, Entry, Float,
            Int, Key, Mark, Null, Number, Text,
        };
        match (self, other) {
            (Null, Null) | (Entry, Entry) | (EndObject, EndObject) => true,
            (Bool(a), Bool(b)) => a == b,
            (Int(a), Int(b)) => a == b,
            (BigInt(a), BigInt(b)) => a == b,
            (Float(a), Float(b)) => a.to_bits() == b.to_bits(),
            (Number(a), Number(b)) => a == b,
            (Text(a), Text(b)) | (Key(a), Key(b)) | (BeginObject(a, _), BeginObject(b, _)) => {
                a == b
            }
            (Bytes(a), Bytes(b)) => a == b,
            (Array(a), Array(b)) => a == b,
            (Begin(a, _), Begin(b, _)) | (End(a), End(b)) => a == b,
            (Mark(a), Mark(b)) | (Alias(a), Alias(b)) => a == b,
            _ => false,
        }
    }
}

/// A sink that keeps all events, and a source that sends them again.
///
/// ```
/// use cannery_core::{Event, Source, Tape, Value};
///
/// let mut tape = Tape::default();
/// Value::from_iter([1]).emit(&mut tape)?;
/// assert_eq!(tape.events[1], Event::Int(1));
/// # Ok::<(), cannery_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tape {
    /// The events, in order.
    pub events: Vec<Event>,
}

impl Tape {
    fn push(&mut self, event: Event) {
        self.events.push(event);
    }
}

impl Source for Tape {
    fn emit<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<()> {
        self.events.iter().try_for_each(|event| event.send(sink))
    }
}

macro_rules! keep {
    ($($name:ident($($arg:ident: $type:ty),*) => $event:expr;)*) => {$(
        fn $name(&mut self $(, $arg: $type)*) -> Result<()> {
            self.push($event);
            Ok(())
        }
    )*};
}

impl Sink for Tape {
    keep! {
        null() => Event::Null;
        bool(value: bool) => Event::Bool(value);
        int(value: i64) => Event::Int(value);
        big_int(value: BigInt<'_>) => Event::BigInt(value.to_big_int());
        float(value: f64) => Event::Float(value);
        number(text: &str) => Event::Number(text.into());
        text(value: Text<'_>) => Event::Text(value.into());
        bytes(value: &[u8]) => Event::Bytes(value.into());
        begin(container: Container, len: Option<usize>) => Event::Begin(container, len);
        end(container: Container) => Event::End(container);
        key(key: Text<'_>) => Event::Key(key.into());
        entry() => Event::Entry;
        begin_object(type_name: Text<'_>, parts: Option<usize>) =>
            Event::BeginObject(type_name.into(), parts);
        end_object() => Event::EndObject;
        mark(id: u64) => Event::Mark(id);
        alias(id: u64) => Event::Alias(id);
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        self.push(Event::array(value)?);
        Ok(())
    }
}
