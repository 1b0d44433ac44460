//! Values that do not become objects of ours at once: those that are not asked for, those that another
//! library reads, and those before a tag.

use cannery_core::{Event, Result, Sink, Source, Tape, Text};
use cannery_json::{WriteOptions, Writer};
use pyo3::prelude::*;

use super::builder::TypedBuilder;
use super::errors::{mismatch, refused, shown};
use super::frame::Shape;
use super::plan::{Record, Tagged};

/// Where events go, and how deep inside the diverted value they are.
pub(super) struct Deferred {
    target: Target,
    depth: usize,
}

enum Target {
    /// They are read again, from JSON.
    Json(Box<Writer<Vec<u8>>>),
    /// They are sent again when the tag was seen; `true` when the next event is its value.
    Tape(Tape, bool),
}

/// What an event is to the depth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum DepthChange {
    Scalar,
    Open,
    Close,
    /// A key, or what stands before a value.
    Within,
}

type Send<'a> = &'a mut dyn FnMut(&mut dyn Sink) -> Result<()>;

impl Deferred {
    /// For the entries of an object before its tag.
    pub(super) fn tape() -> Self {
        Self { target: Target::Tape(Tape::default(), false), depth: 0 }
    }

    /// For a value that is read from JSON.
    fn json() -> Self {
        let writer = Writer::new(Vec::new(), WriteOptions::default());
        Self { target: Target::Json(Box::new(writer)), depth: 0 }
    }

    fn send(&mut self, step: DepthChange, send: Send<'_>) -> Result<()> {
        match &mut self.target {
            Target::Json(sink) => send(sink)?,
            Target::Tape(sink, _) => send(sink)?,
        }
        match step {
            DepthChange::Open => self.depth += 1,
            DepthChange::Close => self.depth -= 1,
            DepthChange::Scalar | DepthChange::Within => {}
        }
        Ok(())
    }
}

impl<'p> TypedBuilder<'p, '_> {
    /// Whether the next event is part of a diverted value that has begun.
    #[inline(always)]
    pub(super) fn is_inside_diverted(&self) -> bool {
        self.skipped > 0 || self.diversion.is_some()
    }

    /// Sends an event where the value in work goes.
    #[inline(always)]
    pub(super) fn defer(&mut self, step: DepthChange, send: Send<'_>) -> Result<()> {
        if std::ptr::eq(self.expect, &raw const self.plan.ignored) {
            self.skip(step);
            return Ok(());
        }
        self.divert_wanted(step, send)
    }

    /// Passes over an event of a value that are not asked for: documents may be full of them.
    #[inline(always)]
    fn skip(&mut self, step: DepthChange) {
        match step {
            DepthChange::Scalar => {}
            DepthChange::Open => self.skipped += 1,
            DepthChange::Close => self.skipped -= 1,
            DepthChange::Within => return,
        }
        if self.skipped == 0 && matches!(self.top.shape, Shape::Row(_)) {
            self.next_in_row();
        }
    }

    #[inline(never)]
    fn divert_wanted(&mut self, step: DepthChange, send: Send<'_>) -> Result<()> {
        if std::ptr::eq(self.expect, &raw const self.plan.excess) && self.diversion.is_none() {
            let most = self.top.at;
            let error = mismatch(format!("expected {most} items, got more"));
            return Err(self.located_outside(error));
        }
        let mut diversion = self.diversion.take().unwrap_or_else(|| Box::new(Deferred::json()));
        if let Target::Tape(tape, tag_is_next) = &mut diversion.target {
            if *tag_is_next {
                return self.tag(std::mem::take(tape), send);
            }
            if step == DepthChange::Close && diversion.depth == 0 {
                return Err(self.without_tag());
            }
        }
        diversion.send(step, send).map_err(|error| self.located(error))?;
        let is_tape = matches!(diversion.target, Target::Tape(..));
        if is_tape || diversion.depth > 0 || step == DepthChange::Within {
            self.diversion = Some(diversion);
            return Ok(());
        }
        self.arrived(diversion.target)
    }

    /// A diverted value is complete.
    fn arrived(&mut self, target: Target) -> Result<()> {
        if let (Target::Json(writer), Some(read)) = (target, &self.expect.read) {
            let data = crate::memory::new_bytes(self.py, &writer.into_output())
                .map_err(crate::errors::from_exception)?;
            let value = read.bind(self.py).call1((data,));
            let value =
                value.map_err(|exception| self.located(refused(self.py, exception, None)))?;
            self.place(value);
            self.restore();
            return Ok(());
        }
        if let Shape::Row(_) = self.top.shape {
            self.next_in_row();
        }
        Ok(())
    }

    /// A key inside a diverted value.
    #[inline(always)]
    pub(super) fn divert_key(&mut self, key: Text<'_>) -> Result<()> {
        if self.skipped > 0 { Ok(()) } else { self.divert_key_wanted(key) }
    }

    #[inline(never)]
    fn divert_key_wanted(&mut self, key: Text<'_>) -> Result<()> {
        if let (Some(diversion), Shape::Tagged(tagged)) = (&mut self.diversion, self.top.shape)
            && let Deferred { target: Target::Tape(_, tag_is_next), depth: 0 } = &mut **diversion
            && *key.to_utf8() == *tagged.key
        {
            *tag_is_next = true;
            return Ok(());
        }
        self.defer(DepthChange::Within, &mut |sink| sink.key(key))
    }

    /// The tag was found: its record is known, and what came before it is sent again.
    fn tag(&mut self, before: Tape, send: Send<'_>) -> Result<()> {
        let Shape::Tagged(tagged) = self.top.shape else { unreachable!("a tape is for tags") };
        let mut tag = Tape::default();
        send(&mut tag)?;
        let Some(number) = tagged.find(&tag) else {
            let key = String::from_utf8_lossy(&tagged.key).into_owned();
            let found = tag.events.first().map_or_else(String::new, describe);
            let message = format!("expected {}, got {found}", tagged.expected);
            let error = mismatch(message).inside(cannery_core::Segment::Key(key.into()));
            return Err(self.located(error));
        };
        let record: &'p Record = &self.plan.records[number];
        self.diverted = false;
        self.enter_record(record);
        self.key(Text::Surrogates(&tagged.key))?;
        tag.emit(self)?;
        before.emit(self)
    }

    #[cold]
    fn without_tag(&self) -> cannery_core::Error {
        let Shape::Tagged(tagged) = self.top.shape else { unreachable!("a tape is for tags") };
        let key = String::from_utf8_lossy(&tagged.key);
        let expected = &self.top.node.expected;
        let error =
            mismatch(format!("the field `{key}`, which tells {expected} apart, is missing"));
        self.located_outside(error)
    }
}

impl Tagged {
    fn find(&self, tag: &Tape) -> Option<usize> {
        match tag.events.first()? {
            Event::Text(text) => self.names.get(text.as_str()?.as_bytes()).copied(),
            Event::Int(number) => self.numbers.get(number).copied(),
            Event::Number(text) => self.numbers.get(&text.parse().ok()?).copied(),
            _ => None,
        }
    }
}

/// The value of a tag, as messages show it.
fn describe(event: &Event) -> String {
    match event {
        Event::Text(text) => shown(&text.to_string()),
        Event::Int(number) => number.to_string(),
        Event::Number(number) => number.to_string(),
        Event::Null => "None".to_owned(),
        Event::Bool(_) => "bool".to_owned(),
        Event::Float(_) => "float".to_owned(),
        Event::Begin(cannery_core::Container::Map, _) => "dict".to_owned(),
        _ => "list".to_owned(),
    }
}
