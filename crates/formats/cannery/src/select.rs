//! The stage that lets a part of a document pass.

use std::collections::VecDeque;

use cannery_core::{
    Container, Error, ErrorKind, Limits, Result, Segment, Sink, Source, Text, Value, ValueBuilder,
};
use cannery_format::{AdaptedSink, Event, EventAdapter};

use crate::elements::send_elements;
use crate::selection::{PathStep, Selection};

/// Passes on the value that a [`Selection`] means and stops the reader there; or, if it means many,
/// a list of them.
///
/// References must be resolved before: what they refer to may not pass.
pub(crate) struct Select<'a> {
    next: &'a mut dyn Sink,
    selection: &'a Selection,
    limits: Limits,
    /// The containers on the way: the children of the nth are matched with the nth step.
    open: Vec<SelectLevel>,
    /// Containers that are open in a value that is passed over.
    skipping: usize,
    /// Containers that are open in a value that is passed on.
    taking: usize,
    /// What keeps an item, and the containers that are open in it.
    holding: Option<(ValueBuilder, usize)>,
    found: bool,
    is_done: bool,
    /// This many containers on the way were found.
    reached: usize,
    /// This many steps lead to a value that is no container.
    ends_at: Option<usize>,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct SelectLevel {
    index: u64,
    is_keyed: bool,
    /// The current entry's key is the one of the step.
    matches: bool,
    /// A key that is no text comes.
    key_due: bool,
    /// Its last items, where it depends on the end of the list which of them are meant.
    held: VecDeque<Value>,
    /// The items that are let go from among them are matched as what is meant.
    is_letting_go: bool,
}

impl SelectLevel {
    fn new(is_keyed: bool) -> Self {
        Self {
            index: 0,
            is_keyed,
            matches: false,
            key_due: false,
            held: VecDeque::new(),
            is_letting_go: false,
        }
    }
}

enum Action {
    Skip,
    /// Keep it until it is known whether it is meant.
    Hold,
    Follow,
    Take,
}

impl<'a> Select<'a> {
    pub(crate) fn new(next: &'a mut dyn Sink, selection: &'a Selection, limits: Limits) -> Self {
        Self {
            next,
            selection,
            limits,
            open: Vec::new(),
            skipping: 0,
            taking: 0,
            holding: None,
            found: false,
            is_done: false,
            reached: 0,
            ends_at: None,
        }
    }

    /// The outcome of a reader that was driven into this sink: to be stopped here is no error, but
    /// to find nothing is.
    pub(crate) fn outcome(&mut self, read: Result<()>) -> Result<()> {
        if self.is_done {
            return Ok(());
        }
        read?;
        let each = self.selection.steps.iter().position(PathStep::is_many);
        match each {
            Some(each) if self.reached > each => {
                self.begin_many()?;
                self.next.end(Container::List)
            }
            _ => Err(self.nothing()),
        }
    }

    #[cold]
    fn nothing(&self) -> Error {
        let message = format!("there is nothing at `{}`", self.selection);
        let hint = match (self.ends_at, self.reached.checked_sub(1)) {
            (Some(ends), _) => {
                format!("`{}` is a single value, with nothing in it", self.selection.prefix(ends))
            }
            (None, Some(reached)) => {
                let (there, step) = (self.selection.prefix(reached), self.selection.step(reached));
                format!("`{there}` is there, but nothing in it that is `{step}`")
            }
            (None, None) => "there is no value at all".to_owned(),
        };
        Error::new(ErrorKind::NotFound, message).with_hint(hint)
    }

    fn begin_many(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.found, true) || !self.selection.is_many() {
            return Ok(());
        }
        self.next.begin(Container::List, None)
    }

    /// What becomes of the value that begins.
    fn action(&self) -> Action {
        let Some(level) = self.open.last() else {
            return if self.selection.steps.is_empty() { Action::Take } else { Action::Follow };
        };
        let step = &self.selection.steps[self.open.len() - 1];
        let matches = match step {
            _ if level.key_due => false,
            PathStep::Each => true,
            PathStep::FromEnd(_) | PathStep::Slice(_) if level.is_keyed => false,
            PathStep::FromEnd(_) | PathStep::Slice(_) if level.is_letting_go => true,
            PathStep::FromEnd(_) => return Action::Hold,
            PathStep::Slice(slice) if slice.lag().is_some() => return Action::Hold,
            PathStep::Slice(slice) => slice.takes(level.index, u64::MAX),
            PathStep::One(Segment::Index(index)) => !level.is_keyed && level.index == *index,
            PathStep::One(_) => level.matches,
        };
        match matches {
            false => Action::Skip,
            true if self.open.len() == self.selection.steps.len() => Action::Take,
            true => Action::Follow,
        }
    }

    /// Whether a text key is the one that the step asks for.
    fn is_wanted(&self, key: Text<'_>) -> bool {
        match self.open.len().checked_sub(1).map(|at| &self.selection.steps[at]) {
            Some(PathStep::One(Segment::Key(wanted))) => key == wanted.as_text(),
            _ => false,
        }
    }

    /// A value has ended that was not passed on.
    fn passed(&mut self) {
        let Some(level) = self.open.last_mut() else { return };
        if !std::mem::take(&mut level.key_due) {
            level.index += 1;
            level.matches = false;
        }
    }

    /// A value has ended that was passed on.
    fn taken(&mut self) -> Result<()> {
        self.passed();
        if self.selection.is_many() {
            return Ok(());
        }
        self.is_done = true;
        Err(Error::new(ErrorKind::Interrupted, "what was selected was read"))
    }

    fn follow(&mut self, event: Event<'_>) -> Result<()> {
        let is_keyed = match event {
            Event::Begin(container) => container == Container::Map,
            Event::BeginObject => true,
            Event::Array(array) => {
                let limits = self.limits;
                return send_elements(array, &limits, &mut AdaptedSink(self));
            }
            _ => {
                self.ends_at.get_or_insert(self.open.len());
                self.passed();
                return Ok(());
            }
        };
        self.open.push(SelectLevel::new(is_keyed));
        self.reached = self.reached.max(self.open.len());
        Ok(())
    }

    fn skip(&mut self, event: Event<'_>) {
        match event {
            Event::Begin(_) | Event::BeginObject => self.skipping += 1,
            Event::End | Event::EndObject => self.skipping -= 1,
            _ => {}
        }
        let is_part = matches!(event, Event::Key(_) | Event::Entry | Event::Mark);
        if self.skipping == 0 && !is_part {
            self.passed();
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Begin(_) | Event::BeginObject => self.taking += 1,
            Event::End | Event::EndObject => self.taking -= 1,
            Event::Key(_) | Event::Entry | Event::Mark => return Ok(()),
            Event::Value | Event::Array(_) => {}
        }
        if self.taking == 0 { self.taken() } else { Ok(()) }
    }

    /// Keeps an event of an item; with its last, the item is among those that are held.
    fn hold(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        let limits = self.limits;
        let (builder, open) = self.holding.get_or_insert_with(|| (ValueBuilder::new(limits), 0));
        send(builder)?;
        match event {
            Event::Begin(_) | Event::BeginObject => *open += 1,
            Event::End | Event::EndObject => *open -= 1,
            Event::Key(_) | Event::Entry | Event::Mark => return Ok(()),
            Event::Value | Event::Array(_) => {}
        }
        if *open > 0 {
            return Ok(());
        }
        let Some((builder, _)) = self.holding.take() else { return Ok(()) };
        self.held(builder.finish()?)
    }

    /// Puts an item to those that are held, and lets one go that is known to be meant or not.
    fn held(&mut self, item: Value) -> Result<()> {
        let step = self.selection.steps[self.open.len() - 1].clone();
        let Some(level) = self.open.last_mut() else { return Ok(()) };
        level.index += 1;
        level.held.push_back(item);
        let (most, starts_at_end) = match step {
            PathStep::FromEnd(places) => (places, true),
            PathStep::Slice(slice) => (slice.lag().unwrap_or(0), slice.start < 0),
            _ => return Ok(()),
        };
        if level.held.len() as u64 <= most {
            return Ok(());
        }
        let index = level.index - level.held.len() as u64;
        let first = level.held.pop_front();
        match (first, step) {
            (Some(first), PathStep::Slice(slice)) if !starts_at_end => {
                // It is so far from the end that only the beginning of the slice matters.
                let slice = crate::selection::Slice { stop: None, ..slice };
                if slice.takes(index, u64::MAX) { self.let_go(&first) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// Sends an item that is meant on its way.
    fn let_go(&mut self, item: &Value) -> Result<()> {
        if let Some(level) = self.open.last_mut() {
            level.is_letting_go = true;
        }
        item.emit(&mut AdaptedSink(&mut *self))?;
        if let Some(level) = self.open.last_mut() {
            level.is_letting_go = false;
            // It was counted when it came.
            level.index -= 1;
        }
        Ok(())
    }

    /// The list has ended: lets those of the items go that are meant.
    fn let_go_last(&mut self) -> Result<()> {
        let Some(level) = self.open.last_mut() else { return Ok(()) };
        let (held, len) = (std::mem::take(&mut level.held), level.index);
        let first = len - held.len() as u64;
        let step = self.selection.steps[self.open.len() - 1].clone();
        for (index, item) in (first..).zip(&held) {
            let is_meant = match step {
                PathStep::FromEnd(places) => len.checked_sub(places) == Some(index),
                PathStep::Slice(slice) => slice.takes(index, len),
                _ => false,
            };
            if is_meant {
                self.let_go(item)?;
            }
        }
        Ok(())
    }

    /// A container on the way has ended.
    fn leave(&mut self) -> Result<()> {
        if self.open.last().is_some_and(|level| !level.held.is_empty()) {
            self.let_go_last()?;
        }
        self.open.pop();
        self.passed();
        if self.open.is_empty() && self.found {
            // Many: else the reader was stopped at the first.
            self.is_done = true;
            return self.next.end(Container::List);
        }
        Ok(())
    }
}

impl EventAdapter for Select<'_> {
    fn adapt(
        &mut self,
        event: Event<'_>,
        send: impl FnOnce(&mut dyn Sink) -> Result<()>,
    ) -> Result<()> {
        if self.taking > 0 {
            send(self.next)?;
            return self.take(event);
        }
        if self.skipping > 0 {
            self.skip(event);
            return Ok(());
        }
        if self.holding.is_some() {
            return self.hold(event, send);
        }
        match event {
            Event::Key(key) => {
                let matches = self.is_wanted(key);
                if let Some(level) = self.open.last_mut() {
                    level.matches = matches;
                }
                return Ok(());
            }
            Event::Entry => {
                if let Some(level) = self.open.last_mut() {
                    level.key_due = true;
                }
                return Ok(());
            }
            Event::End | Event::EndObject => return self.leave(),
            _ => {}
        }
        match (self.action(), event) {
            (Action::Take, Event::Mark) => send(self.next),
            (Action::Hold, _) => self.hold(event, send),
            (_, Event::Mark) => Ok(()),
            (Action::Take, _) => {
                self.begin_many()?;
                send(self.next)?;
                self.take(event)
            }
            (Action::Follow, _) => self.follow(event),
            (Action::Skip, _) => {
                self.skip(event);
                Ok(())
            }
        }
    }

    fn next(&self) -> &dyn Sink {
        self.next
    }
}
