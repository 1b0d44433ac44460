//! What can stand between a reader and a writer: arrays lowered to lists, paths kept for errors,
//! the outermost list opened up or cut short.

use std::collections::HashSet;

use cannery_core::{
    Container, Error, ErrorKind, Limits, Path, Result, Segment, Sink, Text, TextBuf,
};
use cannery_format::{Event, EventAdapter};

use crate::Progress;
use crate::elements::{first_rows, send_elements};

/// Sends arrays as nested lists, for writers that have no arrays.
pub(crate) struct ArraysToLists<'a> {
    pub(crate) next: &'a mut dyn Sink,
    pub(crate) limits: Limits,
}

impl EventAdapter for ArraysToLists<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        match event {
            Event::Array(array) => send_elements(array, &self.limits, self.next),
            _ => send(self.next),
        }
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}

/// Refuses a key that occurs twice in a map, for formats whose readers do.
pub(crate) struct UniqueKeys<'a> {
    next: &'a mut dyn Sink,
    title: &'static str,
    /// The keys of each open map; `None` for what is no map.
    open: Vec<Option<HashSet<TextBuf>>>,
}

impl<'a> UniqueKeys<'a> {
    pub(crate) fn new(next: &'a mut dyn Sink, title: &'static str) -> Self {
        Self { next, title, open: Vec::new() }
    }

    fn check(&mut self, key: Text<'_>) -> Result<()> {
        let Some(Some(keys)) = self.open.last_mut() else { return Ok(()) };
        if keys.insert(TextBuf::from(key)) {
            return Ok(());
        }
        let message = format!("the key `{key}` occurs twice, which {} refuses", self.title);
        Err(Error::new(ErrorKind::Value, message))
    }
}

impl EventAdapter for UniqueKeys<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        match event {
            Event::Begin(Container::Map) => self.open.push(Some(HashSet::new())),
            Event::Begin(_) | Event::BeginObject => self.open.push(None),
            Event::End | Event::EndObject => drop(self.open.pop()),
            Event::Key(key) => self.check(key)?,
            _ => {}
        }
        send(self.next)
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}

/// Says in errors where in the value they happened, and shows a [`Progress`] how far it has come.
pub(crate) struct PathTracker<'a> {
    next: &'a mut dyn Sink,
    watch: &'a mut dyn Progress,
    /// The path to the value that comes.
    base: Path,
    events: u64,
    levels: Vec<TrackedLevel>,
}

/// Events between two looks of the watch.
const WATCH_EVERY: u64 = 4096;

/// A container or object that is open.
struct TrackedLevel {
    /// Whether its children are counted: it is no map and no object.
    counted: bool,
    index: u64,
    key: String,
    /// The current entry has a key that is no text.
    is_entry: bool,
    /// That key is still to come.
    key_due: bool,
}

impl<'a> PathTracker<'a> {
    pub(crate) fn new(next: &'a mut dyn Sink, watch: &'a mut dyn Progress, base: Path) -> Self {
        Self { next, watch, base, events: 0, levels: Vec::new() }
    }

    fn open(&mut self, counted: bool) {
        let key = String::new();
        self.levels.push(TrackedLevel { counted, index: 0, key, is_entry: false, key_due: false });
    }

    /// A value is complete.
    fn complete(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            if level.key_due {
                level.key_due = false;
            } else {
                level.index += 1;
                level.is_entry = false;
            }
        }
    }

    fn after(&mut self, event: Event<'_>) {
        match event {
            Event::Value | Event::Array(_) => self.complete(),
            Event::Begin(container) => self.open(container != Container::Map),
            Event::BeginObject => self.open(false),
            Event::End | Event::EndObject => {
                self.levels.pop();
                self.complete();
            }
            Event::Key(_) | Event::Entry | Event::Mark => {}
        }
    }

    /// Keys count from the moment they come: a writer may refuse the key itself.
    fn before(&mut self, event: Event<'_>) {
        let Some(level) = self.levels.last_mut() else { return };
        match event {
            Event::Key(key) => {
                level.key.clear();
                level.key.push_str(&key.to_str_lossy());
            }
            Event::Entry => (level.is_entry, level.key_due) = (true, true),
            _ => {}
        }
    }

    #[cold]
    fn locate(&self, error: Error) -> Error {
        if !error.path().0.is_empty() {
            return error;
        }
        let inner = self.levels.iter().rev().map(TrackedLevel::segment);
        let outer = self.base.0.iter().rev().cloned();
        inner.chain(outer).fold(error, Error::inside)
    }
}

impl TrackedLevel {
    fn segment(&self) -> Segment {
        match self {
            TrackedLevel { counted: true, index, .. } => Segment::Index(*index),
            TrackedLevel { is_entry: true, index, .. } => Segment::Entry(format!("entry {index}")),
            TrackedLevel { key, .. } => Segment::Key(TextBuf::from(key.as_str())),
        }
    }
}

impl EventAdapter for PathTracker<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        self.before(event);
        send(self.next).map_err(|error| self.locate(error))?;
        self.after(event);
        self.events += 1;
        if self.events.is_multiple_of(WATCH_EVERY) {
            self.watch.look(self.events)?;
        }
        Ok(())
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}

/// Sends the items of the outermost list one after the other, without the list.
///
/// Anything but a list or tuple is refused, unless `lenient`: then it is sent as the only item.
pub(crate) struct SplitRows<'a> {
    pub(crate) next: &'a mut dyn Sink,
    pub(crate) lenient: bool,
    pub(crate) depth: usize,
    /// Whether the outermost value is a list.
    pub(crate) opened: bool,
}

impl<'a> SplitRows<'a> {
    pub(crate) fn new(next: &'a mut dyn Sink, lenient: bool) -> Self {
        Self { next, lenient, depth: 0, opened: false }
    }
}

impl EventAdapter for SplitRows<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        match event {
            Event::Begin(Container::List | Container::Tuple) if self.depth == 0 => {
                self.opened = true;
                self.depth = 1;
                return Ok(());
            }
            Event::Mark if self.depth == 0 => return Ok(()),
            Event::End if self.opened && self.depth == 1 => {
                self.depth = 0;
                return Ok(());
            }
            _ if self.depth == 0 && !self.lenient => return Err(no_rows()),
            Event::Begin(..) | Event::BeginObject => self.depth += 1,
            Event::End | Event::EndObject => self.depth -= 1,
            _ => {}
        }
        send(self.next)
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}

#[cold]
fn no_rows() -> Error {
    Error::new(ErrorKind::Type, "expected a list of rows, found a single value")
        .with_hint("write JSON, which holds any value")
}

/// Passes on the first items of the outermost list, map or array, and stops the reader there.
pub(crate) struct Head<'a> {
    next: &'a mut dyn Sink,
    left: u64,
    depth: usize,
    open: Option<Container>,
    is_done: bool,
}

impl<'a> Head<'a> {
    pub(crate) fn new(next: &'a mut dyn Sink, count: u64) -> Self {
        Self { next, left: count, depth: 0, open: None, is_done: false }
    }

    /// The outcome of a reader that was driven into this sink: to be stopped here is no error.
    pub(crate) fn outcome(&self, read: Result<()>) -> Result<()> {
        if self.is_done { Ok(()) } else { read }
    }

    /// Ends the outermost container in the reader's place, and the reader by an error.
    fn stop(&mut self) -> Result<()> {
        if let Some(container) = self.open.take() {
            self.next.end(container)?;
        }
        self.is_done = true;
        Err(Error::new(ErrorKind::Interrupted, "as many items as wanted were read"))
    }

    fn complete(&mut self) -> Result<()> {
        if self.depth == 1 && self.open.is_some() {
            self.left -= 1;
            if self.left == 0 {
                return self.stop();
            }
        }
        Ok(())
    }

    fn enter(&mut self, container: Option<Container>) -> Result<()> {
        self.depth += 1;
        if self.depth == 1 {
            self.open = container;
            if self.left == 0 && container.is_some() {
                return self.stop();
            }
        }
        Ok(())
    }
}

impl EventAdapter for Head<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        match event {
            Event::Array(array) if self.depth == 0 => {
                return self.next.array(&first_rows(array, self.left)?.as_view());
            }
            // As many as are wanted, which the source's own count is not.
            Event::Begin(container) if self.depth == 0 => {
                self.next.begin(container, None)?;
                return self.enter(Some(container));
            }
            // Its key will be counted as a value.
            Event::Entry if self.depth == 1 => self.left += 1,
            Event::End if self.depth == 1 => self.open = None,
            _ => {}
        }
        send(self.next)?;
        match event {
            Event::Begin(..) | Event::BeginObject => self.enter(None),
            Event::End | Event::EndObject => {
                self.depth -= 1;
                self.complete()
            }
            Event::Value | Event::Array(_) => self.complete(),
            _ => Ok(()),
        }
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}
