//! From events to the objects of a plan, in one pass.

use cannery_core::{ArraySource, BigInt, Container, Error, Result, Sink, Text, Wants};
use pyo3::prelude::*;

use super::deferred::{Deferred, DepthChange};
use super::errors::{mismatch, refused};
use super::frame::{BEFORE_FIRST, OpenPlan, Shape};
use super::make::{self, MakeError, Slot};
use super::plan::{Converter, Dict, Entries, Items, Make, Node, Plan, Record, TypePlan};
use super::scalar;
use super::stacks::Stacks;
use crate::array::MadeDtypes;
use crate::compat::CollectorPause;
use crate::construct::make as plain;
use crate::construct::{Caches, Collisions, is_integer};
use crate::errors::from_exception;
use crate::text;

/// Builds the objects of a plan from the events of documents, one after the other.
///
/// Finished values wait on a stack until the container around them ends. Those of a record wait
/// each in its field's place.
pub(crate) struct TypedBuilder<'p, 'py> {
    pub(super) py: Python<'py>,
    pub(super) plan: &'p Plan,
    pub(super) values: Vec<Slot<'py>>,
    pub(super) top: OpenPlan<'p>,
    frames: Vec<OpenPlan<'p>>,
    /// Taken at the end, to be given back with the room that they had.
    stacks: Option<Box<Stacks>>,
    /// What the next value shall be.
    pub(super) expect: &'p Node,
    /// Whether the next value goes somewhere else than into objects of ours.
    pub(super) diverted: bool,
    pub(super) diversion: Option<Box<Deferred>>,
    /// How deep inside a value that are not asked for.
    pub(super) skipped: usize,
    caches: Option<Box<Caches>>,
    /// Whether a key may not occur twice; else the last value counts.
    keys_are_unique: bool,
    collisions: Collisions,
    // Dropped last, when nothing is left to build.
    _pause: CollectorPause,
}

impl<'p, 'py> TypedBuilder<'p, 'py> {
    /// A builder for any number of documents; `watched` if Python code runs between its events.
    pub(crate) fn new(plan: &'p Bound<'py, TypePlan>, watched: bool) -> Self {
        let (py, plan) = (plan.py(), &plan.get().0);
        let pause = if plan.calls_python || watched {
            CollectorPause::none()
        } else {
            CollectorPause::new(py)
        };
        Self::with_pause(py, plan, pause)
    }

    /// A builder for one small document, which the collector may run in: what little it would walk
    /// in vain costs less than the pause.
    #[inline]
    pub(crate) fn small(plan: &'p Bound<'py, TypePlan>) -> Self {
        Self::with_pause(plan.py(), &plan.get().0, CollectorPause::none())
    }

    #[inline]
    fn with_pause(py: Python<'py>, plan: &'p Plan, pause: CollectorPause) -> Self {
        let root = &plan.nodes[plan.root];
        let mut stacks = Stacks::take(py);
        let (values, frames) = stacks.room();
        Self {
            py,
            plan,
            values,
            top: OpenPlan { shape: Shape::Root, node: root, base: 0, at: 0 },
            frames,
            stacks: Some(stacks),
            expect: root,
            diverted: root.diverts,
            diversion: None,
            skipped: 0,
            caches: Some(Caches::take(py)),
            keys_are_unique: false,
            collisions: Collisions::default(),
            _pause: pause,
        }
    }

    /// The builder, for formats in which a key occurs once.
    pub(crate) fn with_unique_keys(mut self) -> Self {
        self.keys_are_unique = true;
        self
    }

    /// The value that was built, if a whole one was.
    pub(crate) fn take(&mut self) -> Option<Bound<'py, PyAny>> {
        self.values.pop().flatten()
    }

    /// The first values that were built, in order; what is left is dropped.
    pub(crate) fn take_first(mut self, count: usize) -> impl Iterator<Item = Bound<'py, PyAny>> {
        std::mem::take(&mut self.values).into_iter().take(count).flatten()
    }

    /// All values that were built, in order.
    pub(crate) fn take_all(&mut self) -> PyResult<Bound<'py, pyo3::types::PyList>> {
        make::list(self.py, &mut self.values, 0)?.cast_into().map_err(PyErr::from)
    }

    #[inline(always)]
    pub(super) fn expect(&mut self, node: &'p Node) {
        self.expect = node;
        self.diverted = node.diverts;
    }

    /// Puts a finished value where it belongs.
    #[inline(always)]
    pub(super) fn place(&mut self, value: Bound<'py, PyAny>) {
        match self.top.shape {
            Shape::Record(_) => self.values[self.top.base + self.top.at] = Some(value),
            Shape::Row(_) => {
                self.values[self.top.base + self.top.at] = Some(value);
                self.next_in_row();
            }
            Shape::Fixed(_) => {
                self.values.push(Some(value));
                self.next_in_row();
            }
            Shape::Dict(dict) => self.place_in_dict(dict, value),
            _ => self.values.push(Some(value)),
        }
    }

    #[inline(always)]
    fn place_made(&mut self, made: Result<Bound<'py, PyAny>>) -> Result<()> {
        match made {
            Ok(value) => {
                cannery_core::reserve(&mut self.values, 1)?;
                self.place(value);
                Ok(())
            }
            Err(error) => Err(self.located(error)),
        }
    }

    fn place_in_dict(&mut self, dict: &'p Dict, value: Bound<'py, PyAny>) {
        self.values.push(Some(value));
        if (self.values.len() - self.top.base) % 2 == 1 {
            self.expect(&self.plan.nodes[dict.value]);
        }
    }

    /// Goes on to the next item where each has its own node.
    pub(super) fn next_in_row(&mut self) {
        self.top.at += 1;
        self.expect_in_row();
    }

    fn expect_in_row(&mut self) {
        let at = self.top.at;
        let number = match self.top.shape {
            Shape::Fixed(items) => items.get(at).copied(),
            Shape::Row(record) => record.fields.get(at).map(|field| field.node),
            _ => None,
        };
        let node = match (number, self.top.shape) {
            (Some(number), _) => &self.plan.nodes[number],
            (None, Shape::Row(record)) if record.takes_more() => &self.plan.ignored,
            (None, _) => &self.plan.excess,
        };
        self.expect(node);
    }

    /// Expects again what a container expects of each item.
    #[inline]
    pub(super) fn restore(&mut self) {
        match self.top.shape {
            Shape::Items(_, item) => self.expect(item),
            // Another document may follow.
            Shape::Root => self.expect(self.top.node),
            _ => {}
        }
    }

    #[inline]
    pub(super) fn enter(&mut self, shape: Shape<'p>, at: usize) {
        self.frames.push(self.top);
        self.top = OpenPlan { shape, node: self.expect, base: self.values.len(), at };
    }

    #[inline]
    pub(super) fn enter_record(&mut self, record: &'p Record) {
        self.top.shape = Shape::Record(record);
        self.top.at = BEFORE_FIRST;
        self.values.resize_with(self.top.base + record.fields.len(), || None);
    }

    fn enter_items(&mut self, items: &'p Items) {
        let nodes = &self.plan.nodes;
        match items {
            Items::List(item)
            | Items::Tuple(item)
            | Items::Set(item)
            | Items::FrozenSet(item)
            | Items::Call(item, _) => {
                let item = &nodes[*item];
                self.enter(Shape::Items(items, item), 0);
                self.expect(item);
            }
            Items::Fixed(numbers) => {
                self.enter(Shape::Fixed(numbers), 0);
                self.expect_in_row();
            }
            Items::Record(number) => {
                let record = &self.plan.records[*number];
                self.enter(Shape::Row(record), 0);
                self.values.resize_with(self.top.base + record.fields.len(), || None);
                self.expect_in_row();
            }
        }
    }

    #[inline]
    fn enter_entries(&mut self, entries: &'p Entries) {
        match entries {
            Entries::Record(number) => {
                self.enter(Shape::Root, 0);
                self.enter_record(&self.plan.records[*number]);
            }
            Entries::Dict(dict) => self.enter(Shape::Dict(dict), 0),
            Entries::Tagged(tagged) => {
                self.enter(Shape::Tagged(tagged), 0);
                self.diversion = Some(Box::new(Deferred::tape()));
                self.diverted = true;
            }
        }
    }

    /// The container that has just ended.
    fn finish(&mut self) -> Result<Bound<'py, PyAny>> {
        let (py, base) = (self.py, self.top.base);
        if matches!(self.top.shape, Shape::Items(Items::Set(_) | Items::FrozenSet(_), _)) {
            self.collisions.check(self.values[base..].iter().flatten())?;
        }
        let made = match self.top.shape {
            Shape::Record(record) | Shape::Row(record) => return self.finish_record(record),
            Shape::Dict(dict) => return self.finish_dict(dict),
            Shape::Items(Items::List(_), _) => make::list(py, &mut self.values, base),
            Shape::Items(Items::Set(_), _) => make::set(py, &mut self.values, base, false),
            Shape::Items(Items::FrozenSet(_), _) => make::set(py, &mut self.values, base, true),
            Shape::Items(Items::Call(_, function), _) => {
                let list = make::list(py, &mut self.values, base).map_err(from_exception)?;
                return scalar::call(function, list, self.top.node, &|| "these items".to_owned());
            }
            Shape::Fixed(items) if self.top.at < items.len() => {
                let message = format!("expected {} items, got {}", items.len(), self.top.at);
                return Err(mismatch(message));
            }
            _ => make::tuple(py, &mut self.values, base),
        };
        made.map_err(|exception| refused(py, exception, None))
    }

    #[inline]
    fn finish_record(&mut self, record: &Record) -> Result<Bound<'py, PyAny>> {
        let made = make::record(self.py, record, &mut self.values, self.top.base);
        made.map_err(|unmade| match unmade {
            MakeError::Raised(exception) => refused(self.py, exception, None),
            MakeError::Missing(at) => {
                let name = record.shown_name(at);
                mismatch(format!("the field `{name}` of {} is missing", record.name))
            }
        })
    }

    fn finish_dict(&mut self, dict: &Dict) -> Result<Bound<'py, PyAny>> {
        let entries = (self.values.len() - self.top.base) / 2;
        self.collisions.check(self.values[self.top.base..].iter().step_by(2).flatten())?;
        let made = make::dict(self.py, &mut self.values, self.top.base);
        let made = made.map_err(|exception| refused(self.py, exception, None))?;
        if self.keys_are_unique && made.len().map_err(from_exception)? < entries {
            return Err(mismatch("a key occurs twice".to_owned()));
        }
        match &dict.make {
            None => Ok(made),
            Some(function) => {
                scalar::call(function, made, self.top.node, &|| "these entries".to_owned())
            }
        }
    }

    /// Leaves the container that ended with this value.
    #[inline]
    fn leave(&mut self, made: Bound<'py, PyAny>) -> Result<()> {
        let OpenPlan { shape, node, .. } = self.top;
        let is_map = matches!(shape, Shape::Dict(_) | Shape::Record(_));
        let check = if is_map { &node.map_check } else { &node.list_check };
        self.top = self.frames.pop().expect("readers close what they opened");
        let made = match check {
            None => made,
            Some(check) => scalar::check_by(check, made).map_err(|error| self.located(error))?,
        };
        self.place(made);
        self.restore();
        Ok(())
    }

    /// Says where in the document's value an error happened: at the value in work.
    #[cold]
    #[inline(never)]
    pub(super) fn located(&self, error: Error) -> Error {
        let frames = std::iter::once(&self.top).chain(self.frames.iter().rev());
        self.locate_in(frames, self.values.len(), error)
    }

    /// The same, for an error about the innermost container itself.
    #[cold]
    #[inline(never)]
    pub(super) fn located_outside(&self, error: Error) -> Error {
        self.locate_in(self.frames.iter().rev(), self.top.base.min(self.values.len()), error)
    }

    fn locate_in<'a>(
        &self,
        frames: impl Iterator<Item = &'a OpenPlan<'a>>,
        mut top: usize,
        mut error: Error,
    ) -> Error {
        for frame in frames {
            if let Some(segment) = frame.segment(&self.values, top) {
                error = error.inside(segment);
            }
            top = frame.base;
        }
        error
    }

    /// The error for a value of a kind that is not welcome here.
    #[cold]
    #[inline(never)]
    pub(super) fn unwelcome(&self, found: &str) -> Error {
        let expected = &self.expect.expected;
        self.located(mismatch(format!("expected {expected}, got {found}")))
    }

    #[inline(always)]
    fn text_object(&mut self, value: Text<'_>) -> PyResult<Bound<'py, PyAny>> {
        match (value, &mut self.caches) {
            (Text::Ascii(text), Some(caches)) => caches.value(self.py, text.as_bytes()),
            _ => text::to_python(self.py, value),
        }
    }

    #[inline]
    fn key_object(&mut self, key: &[u8]) -> Result<Bound<'py, PyAny>> {
        let made = match &mut self.caches {
            Some(caches) if key.is_ascii() => caches.key(self.py, key),
            _ => text::from_utf8(self.py, key),
        };
        made.map_err(from_exception)
    }

    #[inline(always)]
    fn record_key(&mut self, record: &'p Record, key: &[u8]) -> Result<()> {
        let guess = self.top.at.wrapping_add(1);
        match record.lookup.position(key, guess) {
            Some(at) => {
                if self.keys_are_unique && self.values[self.top.base + at].is_some() {
                    return Err(self.located_outside(twice(&String::from_utf8_lossy(key))));
                }
                self.top.at = at;
                self.expect(&self.plan.nodes[record.fields[at].node]);
                Ok(())
            }
            None => self.unknown_key(record, key),
        }
    }

    #[cold]
    fn unknown_key(&mut self, record: &Record, key: &[u8]) -> Result<()> {
        if record.refuses_unknown {
            let key = String::from_utf8_lossy(key);
            let message = format!("{} has no field `{key}`", record.name);
            let fields = record.names().join("`, `");
            let error = mismatch(message).with_hint(format!("its fields are `{fields}`"));
            return Err(self.located_outside(error));
        }
        self.expect(&self.plan.ignored);
        Ok(())
    }

    fn dict_key(&mut self, dict: &'p Dict, key: &[u8]) -> Result<()> {
        if dict.has_text_keys {
            let key = self.key_object(key)?;
            cannery_core::reserve(&mut self.values, 1)?;
            self.values.push(Some(key));
            self.expect(&self.plan.nodes[dict.value]);
            return Ok(());
        }
        self.parsed_key(&self.plan.nodes[dict.key], key)
    }

    /// A key that is no text in Python: what its text means as a value of its type.
    fn parsed_key(&mut self, node: &'p Node, key: &[u8]) -> Result<()> {
        let Ok(key) = std::str::from_utf8(key) else {
            return Err(self.located(mismatch(format!("expected {}", node.expected))));
        };
        let made = match (node, key) {
            (Node { text: Some(way), .. }, _) if matches!(way.make, Make::Keep) => {
                let made = text::from_utf8(self.py, key.as_bytes()).map_err(from_exception)?;
                scalar::checked(way, made)
            }
            (Node { text: Some(way), .. }, _) => scalar::text(self.py, way, key, node),
            (Node { null: Some(way), .. }, "null") => {
                scalar::plain(way, self.py.None().into_bound(self.py), node, &|| "null".into())
            }
            (Node { bool: Some(way), .. }, "true" | "false") => {
                let value = pyo3::types::PyBool::new(self.py, key == "true").to_owned();
                scalar::plain(way, value.into_any(), node, &|| key.to_owned())
            }
            _ => self.number_key(node, key),
        };
        match made {
            Ok(key) => {
                self.place(key);
                Ok(())
            }
            Err(error) => Err(self.located(error)),
        }
    }

    fn number_key(&self, node: &Node, key: &str) -> Result<Bound<'py, PyAny>> {
        let refused = || mismatch(format!("expected {} as a key, got `{key}`", node.expected));
        match (&node.int, &node.float) {
            (Some(Converter { make: Make::Decimal(class), .. }), _) => {
                let way = node.int.as_ref().expect("just seen");
                scalar::decimal(self.py, way, class, key, node).map_err(|_| refused())
            }
            (Some(way), _) if is_integer_text(key) => match key.parse() {
                Ok(value) => scalar::int(self.py, way, value, node),
                Err(_) => scalar::big_int(self.py, way, BigInt::Decimal(key), node),
            },
            (_, Some(way)) => {
                let value: f64 = key.parse().map_err(|_| refused())?;
                let made = plain::float(self.py, value).map_err(from_exception)?;
                scalar::plain(way, made, node, &|| key.to_owned())
            }
            _ => Err(refused()),
        }
    }
}

#[cold]
fn twice(key: &str) -> Error {
    mismatch(format!("the key `{key}` occurs twice"))
}

fn is_integer_text(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

impl Record {
    /// Whether a row may be longer than the record knows of.
    fn takes_more(&self) -> bool {
        self.make == super::plan::MakeRecord::Struct && !self.refuses_unknown
    }

    fn shown_name(&self, at: usize) -> String {
        let name = self.lookup.name(at).unwrap_or_default();
        String::from_utf8_lossy(name).into_owned()
    }

    fn names(&self) -> Vec<String> {
        let known = (0..self.fields.len()).filter(|&at| self.lookup.name(at).is_some());
        known.map(|at| self.shown_name(at)).collect()
    }
}

impl Drop for TypedBuilder<'_, '_> {
    fn drop(&mut self) {
        if let Some(caches) = self.caches.take() {
            caches.give_back(self.py);
        }
        if let Some(stacks) = self.stacks.take() {
            let frames = std::mem::take(&mut self.frames);
            stacks.give_back(self.py, std::mem::take(&mut self.values), frames);
        }
    }
}

/// The usual case, made at once; any other way by a function of its own.
macro_rules! scalar {
    ($self:ident, $kind:ident, $name:literal, $keep:expr, $by:expr) => {{
        let node = $self.expect;
        match &node.$kind {
            Some(Converter { make: Make::Keep, check: None }) => {
                let made = $keep.map_err(from_exception);
                $self.place_made(made)
            }
            Some(way) => {
                let made = $by(way, node);
                $self.place_made(made)
            }
            None => Err($self.unwelcome($name)),
        }
    }};
}

impl Sink for TypedBuilder<'_, '_> {
    fn null(&mut self) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.null());
        }
        let node = self.expect;
        let Some(way) = &node.null else { return Err(self.unwelcome("None")) };
        let null = self.py.None().into_bound(self.py);
        let made = scalar::plain(way, null, node, &|| "None".to_owned());
        self.place_made(made)
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.bool(value));
        }
        let node = self.expect;
        let Some(way) = &node.bool else { return Err(self.unwelcome("bool")) };
        let made = pyo3::types::PyBool::new(self.py, value).to_owned().into_any();
        let made = scalar::plain(way, made, node, &|| value.to_string());
        self.place_made(made)
    }

    #[inline(always)]
    fn int(&mut self, value: i64) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.int(value));
        }
        scalar!(self, int, "int", plain::int(self.py, value), |way, node| {
            scalar::int(self.py, way, value, node)
        })
    }

    #[cold]
    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.big_int(value));
        }
        scalar!(self, int, "int", plain::big_int(self.py, value), |way, node| {
            scalar::big_int(self.py, way, value, node)
        })
    }

    #[inline(always)]
    fn float(&mut self, value: f64) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.float(value));
        }
        scalar!(self, float, "float", plain::float(self.py, value), |way: &Converter, node| {
            let made = plain::float(self.py, value).map_err(from_exception)?;
            match &way.make {
                Make::Decimal(class) => {
                    let digits = made.repr().map_err(from_exception)?.to_string();
                    scalar::decimal(self.py, way, class, &digits, node)
                }
                _ => scalar::plain(way, made, node, &|| value.to_string()),
            }
        })
    }

    fn number(&mut self, text: &str) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.number(text));
        }
        let node = self.expect;
        let way = if is_integer(text) { &node.int } else { &node.float };
        if let Some(Converter { make: Make::Decimal(class), .. }) = way {
            let way = way.as_ref().expect("just seen");
            let made = scalar::decimal(self.py, way, class, text, node);
            return self.place_made(made);
        }
        match text.parse() {
            _ if !is_integer(text) => self.float(text.parse().unwrap_or(f64::NAN)),
            Ok(value) => self.int(value),
            Err(_) => self.big_int(BigInt::Decimal(text)),
        }
    }

    #[inline(always)]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.text(value));
        }
        scalar!(self, text, "str", self.text_object(value), |way: &Converter, node| {
            match (&way.make, value.to_str()) {
                (Make::Keep, _) | (_, None) => {
                    let made = text::to_python(self.py, value).map_err(from_exception)?;
                    scalar::plain(way, made, node, &|| "a text with surrogates".to_owned())
                }
                (_, Some(value)) => scalar::text(self.py, way, &value, node),
            }
        })
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.bytes(value));
        }
        let node = self.expect;
        let Some(way) = &node.bytes else { return Err(self.unwelcome("bytes")) };
        let made = crate::memory::new_bytes(self.py, value).map_err(from_exception)?.into_any();
        let made = scalar::plain(way, made, node, &|| "these bytes".to_owned());
        self.place_made(made)
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Scalar, &mut |sink| sink.array(value));
        }
        let array = crate::array::to_numpy(self.py, value, None, &mut MadeDtypes::default())?;
        match &self.expect.list {
            _ if self.expect.is_any => self.place(array),
            Some(Items::Call(_, function)) => {
                let node = self.expect;
                let made = scalar::call(function, array, node, &|| "this array".to_owned());
                return self.place_made(made);
            }
            _ => return Err(self.unwelcome("an array")),
        }
        Ok(())
    }

    #[inline]
    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Open, &mut |sink| sink.begin(container, len));
        }
        let node = self.expect;
        if container == Container::Map {
            let Some(entries) = &node.map else { return Err(self.unwelcome("dict")) };
            self.enter_entries(entries);
            return Ok(());
        }
        let items = match container {
            Container::Tuple if node.is_any => &self.plan.plain.tuple,
            Container::Set if node.is_any => &self.plan.plain.set,
            Container::FrozenSet if node.is_any => &self.plan.plain.frozen_set,
            _ => match &node.list {
                Some(items) => items,
                None => return Err(self.unwelcome("list")),
            },
        };
        self.enter_items(items);
        Ok(())
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        if self.is_inside_diverted() {
            return self.defer(DepthChange::Close, &mut |sink| sink.end(container));
        }
        match self.finish() {
            Ok(made) => self.leave(made),
            Err(error) => Err(self.located_outside(error)),
        }
    }

    #[inline(always)]
    fn predict_key(&mut self, ahead: &[u8], first: bool) -> Option<usize> {
        let (record, at) = match (&self.expect.map, self.top.shape) {
            _ if self.is_inside_diverted() || first && self.diverted => return None,
            (Some(Entries::Record(number)), _) if first => (&self.plan.records[*number], 0),
            (_, Shape::Record(record)) if !first => (record, self.top.at.wrapping_add(1)),
            _ => return None,
        };
        record.fields.get(at)?.ahead.stands_at(ahead)
    }

    #[inline(always)]
    fn predicted_key(&mut self) -> Result<()> {
        let Shape::Record(record) = self.top.shape else { return Ok(()) };
        let at = self.top.at.wrapping_add(1);
        if self.keys_are_unique && self.values[self.top.base + at].is_some() {
            return Err(self.located_outside(twice(&record.shown_name(at))));
        }
        self.top.at = at;
        self.expect(&self.plan.nodes[record.fields[at].node]);
        Ok(())
    }

    #[inline(always)]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if self.is_inside_diverted() {
            return self.divert_key(key);
        }
        match self.top.shape {
            Shape::Record(record) => match key {
                Text::Ascii(key) | Text::Utf8(key) => self.record_key(record, key.as_bytes()),
                other => self.record_key(record, &other.to_utf8()),
            },
            Shape::Dict(dict) => self.dict_key(dict, &key.to_utf8()),
            Shape::Extension => {
                self.expect(&self.plan.parts);
                Ok(())
            }
            // A well-known object's value; other parts say what its value says too.
            _ if key == *"value" => {
                self.expect(self.top.node);
                Ok(())
            }
            _ => {
                self.expect(&self.plan.ignored);
                Ok(())
            }
        }
    }

    fn entry(&mut self) -> Result<()> {
        if self.is_inside_diverted() {
            return self.defer(DepthChange::Within, &mut |sink| sink.entry());
        }
        let Shape::Dict(dict) = self.top.shape else {
            let error =
                mismatch(format!("expected {}, got a key that is no text", self.top.node.expected));
            return Err(self.located_outside(error));
        };
        self.expect(&self.plan.nodes[dict.key]);
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, parts: Option<usize>) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Open, &mut |sink| sink.begin_object(type_name, parts));
        }
        if type_name == *cannery_msgpack::TIMESTAMP || type_name == *cannery_msgpack::EXT {
            return self.begin_extension(type_name);
        }
        let is_named = self.expect.text.as_ref().is_some_and(|way| !matches!(way.make, Make::Keep));
        if !is_named {
            return Err(self.unwelcome(&type_name.to_str_lossy()));
        }
        self.enter(Shape::Boxed, 0);
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        if self.is_inside_diverted() {
            return self.defer(DepthChange::Close, &mut |sink| sink.end_object());
        }
        let OpenPlan { base, node, shape, .. } = self.top;
        let value = match shape {
            Shape::Extension => Some(self.finish_extension()?),
            _ => self.values.drain(base..).next().flatten(),
        };
        self.top = self.frames.pop().expect("readers close what they opened");
        match value {
            Some(value) => {
                self.place(value);
                self.restore();
                Ok(())
            }
            None => Err(self.located(mismatch(format!("expected {}, got nothing", node.expected)))),
        }
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        if self.diverted {
            return self.defer(DepthChange::Within, &mut |sink| sink.mark(id));
        }
        Ok(())
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        let _ = id;
        Err(self.located(mismatch("a reference to another value in typed data".to_owned())))
    }

    fn wants(&self) -> Wants {
        Wants::default().number_text(self.plan.wants_number_text).units(true)
    }
}
