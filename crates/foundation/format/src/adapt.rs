//! Sinks that stand between a reader and a writer: one method instead of seventeen.

use cannery_core::{ArraySource, BigInt, Container, Note, Result, Sink, Text, Wants};

/// What kind of event comes, as far as it matters in between.
#[derive(Clone, Copy)]
pub enum Event<'a> {
    /// A value of one event: a scalar, an alias.
    Value,
    /// An array of numbers, which some take as nested lists.
    Array(&'a dyn ArraySource),
    /// A container begins.
    Begin(Container),
    /// A container ends.
    End,
    /// A key that is text: its value comes next.
    Key(Text<'a>),
    /// A key of another kind comes next, and then its value.
    Entry,
    /// An object begins.
    BeginObject,
    /// An object ends.
    EndObject,
    /// Something about the next value.
    Mark,
}

/// Decides what becomes of each event; wrapped in a [`AdaptedSink`] it is a sink.
pub trait EventAdapter {
    /// Passes an event on by giving `send` the next sink, or does something else.
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()>;

    /// The next sink.
    fn next(&self) -> &dyn Sink;
}

impl<R: EventAdapter> EventAdapter for &mut R {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        (**self).adapt(event, send)
    }

    fn next(&self) -> &dyn Sink {
        (**self).next()
    }
}

/// A [`EventAdapter`] as a sink.
pub struct AdaptedSink<R>(pub R);

impl<R: EventAdapter> Sink for AdaptedSink<R> {
    fn null(&mut self) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.null())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.bool(value))
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.int(value))
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.big_int(value))
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.float(value))
    }

    fn number(&mut self, text: &str) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.number(text))
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.text(value))
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.bytes(value))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        self.0.adapt(Event::Array(value), |sink| sink.array(value))
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.0.adapt(Event::Begin(container), |sink| sink.begin(container, len))
    }

    fn end(&mut self, container: Container) -> Result<()> {
        self.0.adapt(Event::End, |sink| sink.end(container))
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.0.adapt(Event::Key(key), |sink| sink.key(key))
    }

    fn entry(&mut self) -> Result<()> {
        self.0.adapt(Event::Entry, |sink| sink.entry())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.0.adapt(Event::BeginObject, |sink| sink.begin_object(type_name, parts))
    }

    fn end_object(&mut self) -> Result<()> {
        self.0.adapt(Event::EndObject, |sink| sink.end_object())
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.0.adapt(Event::Mark, |sink| sink.mark(id))
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.0.adapt(Event::Value, |sink| sink.alias(id))
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.0.adapt(Event::Mark, |sink| sink.note(note))
    }

    fn wants(&self) -> Wants {
        self.0.next().wants()
    }
}
