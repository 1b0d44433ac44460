//! Shared values written out in full, for targets that have no references.

use std::collections::HashMap;
use std::ops::Range;

use crate::graph::never_marked;
use crate::limits::exceeded;
use crate::{
    ArraySource, BigInt, Container, Error, ErrorKind, Event, Limits, Note, Result, Sink, Tape,
    Text, Wants,
};

/// A sink that sends on what it receives without marks and aliases: in place of each alias, the
/// marked value once more.
///
/// What is inside marked values is kept in memory; everything else passes through. Replayed values
/// count against [`Limits::nodes`], and their bytes against those that [`Limits`] allows for the
/// bytes kept, so that a few lines cannot expand to billions.
///
/// Values that hold themselves are refused with [`ErrorKind::Cycle`].
///
/// ```
/// use cannery_core::{Container, Limits, Sink, ExpandAliases, Value, ValueBuilder};
///
/// let mut sink = ExpandAliases::new(ValueBuilder::new(Limits::default()), Limits::default());
/// sink.begin(Container::List, None)?;
/// sink.mark(1)?;
/// sink.int(7)?;
/// sink.alias(1)?;
/// sink.end(Container::List)?;
/// assert_eq!(sink.into_inner().finish()?, Value::from_iter([7, 7]));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct ExpandAliases<S> {
    inner: S,
    limits: Limits,
    tape: Tape,
    /// Where on the tape a marked value lies; nowhere yet while it is still coming.
    marked: HashMap<u64, Option<Range<usize>>>,
    coming: Vec<Coming>,
    depth: usize,
    entry_due: bool,
    kept_bytes: u64,
    replayed_bytes: u64,
    replayed_nodes: u64,
}

/// What an event counts besides its text: with quotes, commas and blanks it is written as so much.
const EVENT: u64 = 16;

/// A marked value whose last event has not come.
struct Coming {
    id: u64,
    start: usize,
    depth: usize,
}

impl<S: Sink> ExpandAliases<S> {
    /// A sink that writes shared values out in full to `inner`.
    pub fn new(inner: S, limits: Limits) -> Self {
        Self {
            inner,
            limits,
            tape: Tape::default(),
            marked: HashMap::new(),
            coming: Vec::new(),
            depth: 0,
            entry_due: false,
            kept_bytes: 0,
            replayed_bytes: 0,
            replayed_nodes: 0,
        }
    }

    /// The sink below.
    pub fn into_inner(self) -> S {
        self.inner
    }

    /// Keeps an event, if it is part of a marked value.
    fn keep(&mut self, event: impl FnOnce() -> Event) {
        if !self.coming.is_empty() {
            let event = event();
            self.kept_bytes += EVENT + event.size();
            self.tape.events.push(event);
        }
    }

    /// Sends on an entry's announcement, now that its key is known not to be text.
    fn announce(&mut self) -> Result<()> {
        if std::mem::take(&mut self.entry_due) { self.inner.entry() } else { Ok(()) }
    }

    /// A value has ended, and with it the marked value that it may be.
    fn complete(&mut self) {
        let end = self.tape.events.len();
        while let Some(done) = self.coming.pop_if(|coming| coming.depth == self.depth) {
            self.marked.insert(done.id, Some(done.start..end));
        }
    }

    fn begins(&mut self, event: impl FnOnce() -> Event) -> Result<()> {
        self.keep(event);
        self.announce()?;
        self.depth += 1;
        Ok(())
    }

    fn ends(&mut self, event: impl FnOnce() -> Event) {
        self.keep(event);
        self.depth -= 1;
    }

    fn range(&self, id: u64) -> Result<Range<usize>> {
        let range = self.marked.get(&id).ok_or_else(|| never_marked(id))?;
        range.clone().ok_or_else(cycle)
    }

    /// Sends a part of the tape, the values of aliases in it included.
    fn replay(&mut self, range: Range<usize>) -> Result<()> {
        let mut ranges = vec![range];
        while let Some(range) = ranges.last_mut() {
            match range.next().map(|at| &self.tape.events[at]) {
                Some(Event::Alias(id)) => {
                    let range = self.range(*id)?;
                    ranges.push(range);
                }
                Some(_) => {
                    let at = range.start - 1;
                    self.replay_event(at)?;
                }
                None => drop(ranges.pop()),
            }
        }
        Ok(())
    }

    fn replay_event(&mut self, at: usize) -> Result<()> {
        let event = &self.tape.events[at];
        self.replayed_nodes += 1;
        self.replayed_bytes += EVENT + event.size();
        if self.replayed_nodes > self.limits.nodes {
            return Err(exceeded("values"));
        }
        if self.replayed_bytes > self.limits.replayed_for(self.kept_bytes) {
            return Err(exceeded("bytes"));
        }
        match (std::mem::take(&mut self.entry_due), event) {
            (_, Event::Entry) => {
                self.entry_due = true;
                Ok(())
            }
            (true, Event::Text(text)) => self.inner.key(text.as_text()),
            (true, event) => self.inner.entry().and_then(|()| event.send(&mut self.inner)),
            (false, event) => event.send(&mut self.inner),
        }
    }
}

#[cold]
fn cycle() -> Error {
    Error::new(ErrorKind::Cycle, "a value that holds itself cannot be written without references")
        .with_hint("write a format that has references, or full-fidelity tags")
}

macro_rules! pass_on {
    ($($name:ident($($arg:ident: $type:ty),*) => $event:expr;)*) => {$(
        #[inline]
        fn $name(&mut self $(, $arg: $type)*) -> Result<()> {
            self.keep(|| $event);
            self.announce()?;
            self.inner.$name($($arg),*)?;
            self.complete();
            Ok(())
        }
    )*};
}

impl<S: Sink> Sink for ExpandAliases<S> {
    pass_on! {
        null() => Event::Null;
        bool(value: bool) => Event::Bool(value);
        int(value: i64) => Event::Int(value);
        big_int(value: BigInt<'_>) => Event::BigInt(value.to_big_int());
        float(value: f64) => Event::Float(value);
        number(text: &str) => Event::Number(text.into());
        bytes(value: &[u8]) => Event::Bytes(value.into());
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.keep(|| Event::Text(value.into()));
        if std::mem::take(&mut self.entry_due) {
            self.inner.key(value)?;
        } else {
            self.inner.text(value)?;
        }
        self.complete();
        Ok(())
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        if !self.coming.is_empty() {
            let event = Event::array(value)?;
            self.keep(|| event);
        }
        self.announce()?;
        self.inner.array(value)?;
        self.complete();
        Ok(())
    }

    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.begins(|| Event::Begin(container, len))?;
        self.inner.begin(container, len)
    }

    fn end(&mut self, container: Container) -> Result<()> {
        self.ends(|| Event::End(container));
        self.inner.end(container)?;
        self.complete();
        Ok(())
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.keep(|| Event::Key(key.into()));
        self.inner.key(key)
    }

    fn entry(&mut self) -> Result<()> {
        self.keep(|| Event::Entry);
        self.entry_due = true;
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        self.begins(|| Event::BeginObject(type_name.into(), parts))?;
        self.inner.begin_object(type_name, parts)
    }

    fn end_object(&mut self) -> Result<()> {
        self.ends(|| Event::EndObject);
        self.inner.end_object()?;
        self.complete();
        Ok(())
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        self.marked.insert(id, None);
        self.coming.push(Coming { id, start: self.tape.events.len(), depth: self.depth });
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        let range = self.range(id)?;
        self.keep(|| Event::Alias(id));
        self.replay(range)?;
        self.complete();
        Ok(())
    }

    fn note(&mut self, note: Note<'_>) -> Result<()> {
        self.inner.note(note)
    }

    fn wants(&self) -> Wants {
        self.inner.wants()
    }
}
