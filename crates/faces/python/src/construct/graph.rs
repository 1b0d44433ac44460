//! Data with shared and cyclic references and with objects of named types.

use std::collections::HashMap;

use cannery_core::{ArraySource, BigInt, Container, Error, ErrorKind, Result};
use pyo3::exceptions::{PyAttributeError, PyRecursionError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PySet, PyString, PyTuple, PyType};

use super::delayed::{DelayedContainers, DelayedKeys, FIRST_OWN_ID, Target, has_only_scalar_keys};
use super::gaps::{Gap, Holder, Placeholder};
use super::hooks::{Hooks, container_object};
use super::make;
use super::moments;
use super::reviver::Reviver;
use super::weight::{ARRAY_DEPTH, Weight, Weights, free_of, is_array, too_deep};
use crate::compat::with_collector;
use crate::errors::from_exception;
use crate::memory;
use crate::walk::MomentKind;

/// Keeps track of marked values, so that each alias is the very object that was marked.
pub(crate) struct GraphHooks<'py> {
    reviver: Option<Reviver<'py>>,
    mark: Option<u64>,
    marked: HashMap<u64, Marked<'py>>,
    open: Vec<OpenContainer<'py>>,
    gaps: Vec<Gap<'py>>,
    unfinished: Vec<Unfinished<'py>>,
    delayed: DelayedContainers<'py>,
    /// Where in `open` the objects are that can be referred to while they are read.
    open_objects: HashMap<u64, usize>,
    classes: HashMap<usize, Class<'py>>,
    weights: Weights,
    /// How many marked values are still being read.
    open_marks: usize,
    /// Whether the reviver makes something hashable of lists, sets and dictionaries that are keys.
    mends_keys: bool,
}

/// What the reviver knows about a name, which is kept: its address must stay its own.
struct Class<'py> {
    _name: Bound<'py, PyAny>,
    plain: Option<Bound<'py, PyType>>,
    moment: Option<MomentKind>,
    /// The names of the last instance, which were looked at: the next one mostly has the same.
    names: Vec<Bound<'py, PyAny>>,
}

enum Marked<'py> {
    /// And the outermost open object that it refers to.
    Made(Bound<'py, PyAny>, Weight, Option<usize>),
    /// An immutable container whose parts are still being read, and its place among what is open.
    OpenContainer(usize),
}

/// A container that has begun.
struct OpenContainer<'py> {
    id: Option<u64>,
    /// The object itself, if it could be made before its parts.
    object: Option<Bound<'py, PyAny>>,
    type_name: Option<Bound<'py, PyAny>>,
    /// The outermost of the tuples that it lies in, one directly in the other, by its place; for
    /// what is no tuple, the place after its own.
    tuples_from: usize,
    /// Whether its parts are its attributes.
    is_plain: bool,
    /// Whether its parts may say a date or time.
    moment: Option<MomentKind>,
    gaps_before: usize,
    /// Of its parts.
    parts: Weight,
    /// The outermost open object that its parts refer to, by its place among what is open.
    refers_to: Option<usize>,
    delayed_before: u64,
}

/// An object that waits until there are no gaps in its parts.
struct Unfinished<'py> {
    type_name: Bound<'py, PyAny>,
    instance: Bound<'py, PyAny>,
    parts: Bound<'py, PyAny>,
    /// Whether it copies what is in its parts: sets and maps have to be filled before.
    copies: bool,
}

/// The part that holds what a collection is filled with.
const ITEMS: &str = "__items__";

/// This many digits Python makes an integer of, whatever it was told.
const MOST_DIGITS: usize = 640;

impl<'py> GraphHooks<'py> {
    /// Hooks that give objects to `reviver`, or refuse them.
    pub(crate) fn new(reviver: Option<Reviver<'py>>) -> Self {
        Self {
            reviver,
            mark: None,
            marked: HashMap::new(),
            open: Vec::new(),
            gaps: Vec::new(),
            unfinished: Vec::new(),
            delayed: DelayedContainers::default(),
            open_objects: HashMap::new(),
            classes: HashMap::new(),
            weights: Weights::default(),
            open_marks: 0,
            mends_keys: false,
        }
    }

    /// The same, where documents have containers as keys: the reviver's `immutable` makes of them what
    /// has a hash.
    pub(crate) fn with_container_keys(mut self) -> Self {
        self.mends_keys = true;
        self
    }

    /// Makes keys and items of sets hashable that are containers.
    fn mend_keys(&self, container: Container, values: &mut [Bound<'py, PyAny>]) -> Result<()> {
        let step = match container {
            Container::Map => 2,
            Container::Set | Container::FrozenSet => 1,
            Container::List | Container::Tuple => return Ok(()),
        };
        let Some(reviver) = &self.reviver else { return Ok(()) };
        for key in values.iter_mut().step_by(step) {
            let has_no_hash = key.is_exact_instance_of::<PyList>()
                || key.is_exact_instance_of::<PyDict>()
                || key.is_exact_instance_of::<PySet>();
            if has_no_hash {
                *key = reviver.immutable(key).map_err(from_exception)?;
            }
        }
        Ok(())
    }

    /// What is known about a name; `None` if all objects are refused.
    fn class(&mut self, type_name: &Bound<'py, PyAny>) -> PyResult<Option<&Class<'py>>> {
        let address = type_name.as_ptr() as usize;
        if !self.classes.contains_key(&address) {
            let Some(reviver) = &self.reviver else { return Ok(None) };
            let text = type_name.cast::<PyString>()?.to_cow().unwrap_or_default();
            let moment = MomentKind::from_name(&text);
            let plain = if moment.is_none() { reviver.plain_class(type_name)? } else { None };
            let class = Class { _name: type_name.clone(), plain, moment, names: Vec::new() };
            self.classes.insert(address, class);
        }
        Ok(self.classes.get(&address))
    }

    fn push(&mut self, object: Option<Bound<'py, PyAny>>, type_name: Option<Bound<'py, PyAny>>) {
        let id = self.mark.take();
        if let Some(id) = id {
            self.open_marks += usize::from(object.is_none());
            let made = |object| Marked::Made(object, Weight::default(), None);
            self.marked
                .insert(id, object.clone().map_or(Marked::OpenContainer(self.open.len()), made));
            if object.is_some() && type_name.is_some() {
                self.open_objects.insert(id, self.open.len());
            }
        }
        self.open.push(OpenContainer {
            id,
            object,
            type_name,
            tuples_from: self.open.len() + 1,
            is_plain: false,
            moment: None,
            gaps_before: self.gaps.len(),
            parts: Weight::default(),
            refers_to: None,
            delayed_before: self.delayed.count(),
        });
    }

    /// Takes note of a finished value: for the container that it is in, and for its aliases.
    fn weigh(&mut self, open: &OpenContainer<'py>, value: &Bound<'py, PyAny>, weight: Weight) {
        self.weights.note(value, weight);
        // What it refers to itself is complete by now.
        let refers_to = open.refers_to.filter(|&place| place < self.open.len());
        if let Some(around) = self.open.last_mut() {
            around.parts.add(weight);
            around.refer_to(refers_to);
        }
        let marked = open.id.and_then(|id| self.marked.get_mut(&id));
        if let Some(Marked::Made(_, known, known_refers_to)) = marked {
            (*known, *known_refers_to) = (weight, refers_to);
        }
    }

    /// What an object weighs. Instances of classes written in Python are freed and hashed within
    /// the interpreter's own bounds; a record keeps its hash.
    fn weight_of_object(&self, object: &Bound<'py, PyAny>, parts: Weight) -> Weight {
        let work = parts.work.saturating_add(1);
        let reviver = self.reviver.as_ref();
        if Some(free_of(object)) == reviver.and_then(Reviver::free_of_instances) {
            return Weight { hash_depth: 0, work, ..parts };
        }
        let levels = if is_array(object) { ARRAY_DEPTH } else { 1 };
        Weight {
            hash_depth: parts.hash_depth.saturating_add(1),
            free_depth: parts.free_depth.saturating_add(levels),
            work,
        }
    }

    fn pop(&mut self) -> OpenContainer<'py> {
        let open = self.open.pop().expect("readers close what they opened");
        if let (Some(id), Some(_)) = (open.id, &open.type_name) {
            self.open_objects.remove(&id);
        }
        open
    }

    /// Which of the values are placeholders: their positions and what they wait for.
    fn placeholders(&self, values: &[Bound<'py, PyAny>]) -> Vec<(usize, u64)> {
        if self.open_marks == 0 {
            return Vec::new();
        }
        let waiting = values.iter().enumerate().filter_map(|(index, value)| {
            value.cast_exact::<Placeholder>().ok().map(|found| (index, found.get().id))
        });
        waiting.collect()
    }

    fn made(&mut self, open: &OpenContainer<'py>, value: &Bound<'py, PyAny>) -> Result<()> {
        let Some(id) = open.id else { return Ok(()) };
        let made = Marked::Made(value.clone(), Weight::default(), None);
        let before = self.marked.insert(id, made);
        self.open_marks -= usize::from(matches!(before, Some(Marked::OpenContainer(_))));
        self.fill_gaps(id, open.gaps_before, value)
    }

    /// Fills the gaps that wait for a value: they were found after it had begun.
    fn fill_gaps(&mut self, id: u64, from: usize, value: &Bound<'py, PyAny>) -> Result<()> {
        let from = from.min(self.gaps.len());
        let py = value.py();
        for gap in self.gaps.extract_if(from.., |gap| gap.id == id) {
            let kind = gap.kind;
            with_collector(py, || gap.fill(value)).map_err(|error| match kind {
                Holder::Container(container) => no_hash(py, container, error),
                // It was made, but nothing of it can be changed.
                Holder::Object if is_unset(py, &error) => cannot_wait_in("an object"),
                Holder::Object => from_exception(error),
            })?;
        }
        Ok(())
    }

    fn finish(&self, object: &Unfinished<'py>) -> PyResult<()> {
        let Some(reviver) = &self.reviver else { return Ok(()) };
        reviver.finish(&object.type_name, Some(&object.instance), &object.parts).map(drop)
    }

    /// Refuses a tuple that holds itself directly or by way of other tuples, which the interpreter
    /// would hash without end; and keys and items of sets that are not whole yet.
    fn check_gaps(
        &self,
        container: Container,
        values: &[Bound<'py, PyAny>],
        waiting: &[(usize, u64)],
        open: &OpenContainer<'py>,
    ) -> Result<()> {
        let holds_itself = |&(_, id): &(usize, u64)| match self.marked.get(&id) {
            // A frozen set that is delayed is not open any more: its place is another's.
            Some(&Marked::OpenContainer(place)) => {
                place >= open.tuples_from && !self.delayed.holds(id)
            }
            _ => false,
        };
        let step = match container {
            Container::Tuple if waiting.iter().any(holds_itself) => {
                return Err(cannot_wait_in("a tuple"));
            }
            Container::Set | Container::FrozenSet => 1,
            Container::Map => 2,
            Container::List | Container::Tuple => return Ok(()),
        };
        if self.gaps.len() > open.gaps_before
            && values.iter().step_by(step).any(|key| self.has_gap(key))
        {
            return Err(cannot_wait_in("a key or an item of a set"));
        }
        Ok(())
    }

    /// Whether a tuple, or one in it, waits for what it lies in.
    fn has_gap(&self, key: &Bound<'py, PyAny>) -> bool {
        let Ok(tuple) = key.cast_exact::<PyTuple>() else { return false };
        tuple.iter().any(|item| match item.cast_exact::<Placeholder>() {
            Ok(found) => !self.delayed.holds(found.get().id),
            Err(_) => self.has_gap(&item),
        })
    }

    fn note_gaps(
        &mut self,
        holder: &Bound<'py, PyAny>,
        container: Container,
        found: Vec<(Bound<'py, PyAny>, u64)>,
    ) {
        let kind = Holder::Container(container);
        self.delayed.gaps += found.iter().filter(|(_, id)| self.delayed.holds(*id)).count();
        let gaps =
            found.into_iter().map(|(place, id)| Gap { holder: holder.clone(), kind, place, id });
        self.gaps.extend(gaps);
    }

    /// Refuses attributes that answer a protocol.
    fn check_names(
        &mut self,
        type_name: &Bound<'py, PyAny>,
        values: &[Bound<'py, PyAny>],
    ) -> Result<()> {
        let class = self.classes.get_mut(&(type_name.as_ptr() as usize));
        let class = class.expect("`begin_object` asked for it");
        let (entries, _) = values.as_chunks::<2>();
        for (index, [name, _]) in entries.iter().enumerate() {
            if class.names.get(index).is_some_and(|known| known.is(name)) {
                continue;
            }
            if is_special(name) {
                let reviver = self.reviver.as_ref().expect("`begin_object` had one");
                reviver.check_name(type_name, name).map_err(from_exception)?;
            }
            class.names.truncate(index);
            class.names.push(name.clone());
        }
        Ok(())
    }

    /// The object of the parts.
    fn object_of(
        &mut self,
        open: &OpenContainer<'py>,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>> {
        if let (true, Some(instance)) = (open.is_plain, &open.object) {
            // Gaps in the parts are gaps in the attributes, and are filled there.
            make::set_attributes(instance, parts).map_err(from_exception)?;
            return Ok(instance.clone());
        }
        let has_gaps = self.gaps.len() > open.gaps_before;
        let copies = self.delayed.count() > open.delayed_before && !self.delayed.is_empty();
        match &open.object {
            Some(instance) if has_gaps || (copies && parts.contains(ITEMS).unwrap_or(false)) => {
                let (instance, parts) = (instance.clone(), parts.clone());
                let value = instance.clone();
                let type_name = type_name.clone();
                self.unfinished.push(Unfinished { type_name, instance, parts, copies });
                Ok(value)
            }
            None if has_gaps || copies => self.make_with_gaps(type_name, parts, open),
            instance => {
                let reviver = self.reviver.as_ref().expect("`begin_object` had one");
                reviver.finish(type_name, instance.as_ref(), parts).map_err(from_exception)
            }
        }
    }

    /// The open object that the keys of a container wait for; `None` if they can be hashed now.
    fn delayed_until(
        &self,
        container: Container,
        values: &[Bound<'py, PyAny>],
        open: &OpenContainer<'py>,
    ) -> Option<usize> {
        let refers_to = match open.refers_to {
            None if self.unfinished.is_empty() => return None,
            None => 0,
            Some(place) => place,
        };
        let is_inside = refers_to < self.open.len();
        (is_inside && !has_only_scalar_keys(container, values)).then_some(refers_to)
    }

    /// Puts by a set or map whose keys cannot be hashed yet; gives what stands for it.
    fn delay(
        &mut self,
        until: usize,
        container: Container,
        values: Vec<Bound<'py, PyAny>>,
        open: &OpenContainer<'py>,
        py: Python<'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if container == Container::FrozenSet {
            let id = open.id.unwrap_or_else(|| self.delayed.own_id());
            self.open_marks += usize::from(open.id.is_none());
            self.delayed.push(until, Target::FrozenSet(id), values, open.parts);
            return Ok(Bound::new(py, Placeholder { id })?.into_any());
        }
        let made = match &open.object {
            Some(object) => object.clone(),
            None if container == Container::Map => memory::new_dict(py)?.into_any(),
            None => PySet::empty(py)?.into_any(),
        };
        let target = Target::Filled(made.clone(), container);
        self.delayed.push(until, target, values, open.parts);
        Ok(made)
    }

    /// Hashes keys whose objects have their attributes now.
    fn fill_delayed(&mut self, py: Python<'py>, delayed: Vec<DelayedKeys<'py>>) -> Result<()> {
        for DelayedKeys { target, mut values, parts, .. } in delayed {
            match target {
                Target::Filled(object, container) => {
                    self.weights.check(container, &values, parts)?;
                    let filled = fill(&object, container, &mut values, 0);
                    filled.map_err(|error| no_hash(py, container, error))?;
                }
                Target::FrozenSet(id) => {
                    let container = Container::FrozenSet;
                    self.weights.check(container, &values, parts)?;
                    let made =
                        with_collector(py, || container_object(py, container, &mut values, 0));
                    let made = made.map_err(|error| no_hash(py, container, error))?;
                    self.delayed.forget(id);
                    self.marked.insert(id, Marked::Made(made.clone(), parts, None));
                    self.open_marks -= 1;
                    let before = self.gaps.len();
                    self.fill_gaps(id, 0, &made)?;
                    self.delayed.gaps -= before - self.gaps.len();
                }
            }
        }
        Ok(())
    }

    /// Finishes what waited for gaps to be filled, and fills what waited for objects.
    fn settle(&mut self, py: Python<'py>) -> Result<()> {
        let is_ready = self.delayed.is_one_ready(self.open.len());
        let is_waiting = is_ready || !self.unfinished.is_empty();
        if !is_waiting || self.gaps.len() > self.delayed.gaps {
            return Ok(());
        }
        if self.gaps.is_empty() {
            self.finish_unfinished(|object| !object.copies)?;
        }
        if is_ready {
            let delayed = self.delayed.take_ready(self.open.len());
            self.fill_delayed(py, delayed)?;
        }
        if self.gaps.is_empty() && self.delayed.is_empty() {
            self.finish_unfinished(|_| true)?;
        }
        Ok(())
    }

    fn finish_unfinished(&mut self, is_due: impl Fn(&Unfinished<'py>) -> bool) -> Result<()> {
        let (due, later) = std::mem::take(&mut self.unfinished).into_iter().partition(is_due);
        self.unfinished = later;
        let due: Vec<Unfinished<'py>> = due;
        due.iter().try_for_each(|object| self.finish(object)).map_err(from_exception)
    }

    /// A record instead of an object that would overflow the stack when it is freed or hashed.
    fn instead(
        &self,
        open: &OpenContainer<'py>,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
    ) -> Result<Bound<'py, PyAny>> {
        let has_gaps = self.gaps.len() > open.gaps_before;
        match &self.reviver {
            Some(reviver) if open.object.is_none() && !has_gaps => {
                reviver.record(type_name, parts).map_err(from_exception)
            }
            _ => Err(too_deep(&format!("an object of type `{type_name}`"))),
        }
    }

    /// Makes an object that is part of itself by way of what it refers to.
    fn make_with_gaps(
        &mut self,
        type_name: &Bound<'py, PyAny>,
        parts: &Bound<'py, PyAny>,
        open: &OpenContainer<'py>,
    ) -> Result<Bound<'py, PyAny>> {
        let reviver = self.reviver.as_ref().expect("`begin_object` had one");
        if let Some(instance) = reviver.shell(type_name, parts).map_err(from_exception)? {
            let (type_name, parts, made) = (type_name.clone(), parts.clone(), instance.clone());
            self.unfinished.push(Unfinished { type_name, instance, parts, copies: true });
            return Ok(made);
        }
        let gaps_before = open.gaps_before;
        if self.gaps.len() == gaps_before {
            // It may look into its parts: what they hold has to have its hash now.
            let delayed = self.delayed.take_since(open.delayed_before);
            self.fill_delayed(type_name.py(), delayed)?;
            let reviver = self.reviver.as_ref().expect("`begin_object` had one");
            return reviver.finish(type_name, None, parts).map_err(from_exception);
        }
        let content = parts.get_item(ITEMS).ok();
        let mut found = self.gaps[gaps_before..].iter();
        // These items are copied out of their tuple: a gap in it would stay.
        let in_content = content.is_some_and(|content| found.any(|gap| gap.holder.is(&content)));
        if in_content || !reviver.can_wait(type_name).map_err(from_exception)? {
            return Err(cannot_wait(type_name));
        }
        let made = reviver.finish(type_name, None, parts).map_err(from_exception)?;
        for gap in &mut self.gaps[gaps_before..] {
            if !gap.holder.is(parts) {
                continue;
            }
            if !gap.moves_to(&made) {
                return Err(cannot_wait(type_name));
            }
        }
        Ok(made)
    }
}

impl OpenContainer<'_> {
    /// Takes note that a part refers to an open object.
    fn refer_to(&mut self, place: Option<usize>) {
        self.refers_to = match (self.refers_to, place) {
            (Some(known), Some(place)) => Some(known.min(place)),
            (known, place) => known.or(place),
        };
    }
}

impl<'py> Hooks<'py> for GraphHooks<'py> {
    const CALLS_PYTHON: bool = true;
    // But not while Python code runs: see `with_collector`.
    const PAUSES: bool = true;

    /// Of any size, whatever the interpreter's own limit: digits become an integer fast here.
    fn big_int(&mut self, py: Python<'py>, value: BigInt<'_>) -> PyResult<Bound<'py, PyAny>> {
        match value {
            BigInt::Decimal(digits) if digits.len() > MOST_DIGITS => {
                let bytes = value.to_big_int().to_signed_bytes_le();
                make::big_int(py, BigInt::LittleEndian(&bytes))
            }
            value => make::big_int(py, value),
        }
    }

    fn placed(&mut self, value: &Bound<'py, PyAny>) {
        self.weights.count();
        if let Some(id) = self.mark.take() {
            self.marked.insert(id, Marked::Made(value.clone(), Weight::default(), None));
        }
    }

    fn ends_plainly(&mut self, container: Container, values: &[Bound<'py, PyAny>]) -> bool {
        let is_plain = match container {
            Container::List => true,
            Container::Map => {
                values.iter().step_by(2).all(PyAnyMethods::is_exact_instance_of::<PyString>)
            }
            Container::Tuple | Container::Set | Container::FrozenSet => false,
        };
        let Some(open) = self.open.last().filter(|_| is_plain) else { return false };
        let weight = open.parts.of_container(container, values.len() as u64);
        let is_lone = open.id.is_none() && open.refers_to.is_none() && self.open_marks == 0;
        let nothing_waits = self.unfinished.is_empty() && self.delayed.is_empty();
        if !is_lone || !nothing_waits || !self.weights.is_unnoted(weight) {
            return false;
        }
        self.open.pop();
        if let Some(around) = self.open.last_mut() {
            around.parts.add(weight);
        }
        true
    }

    fn begin(&mut self, py: Python<'py>, container: Container) -> PyResult<()> {
        let object = match container {
            _ if self.mark.is_none() => None,
            Container::List => Some(memory::new_list(py)?.into_any()),
            Container::Map => Some(memory::new_dict(py)?.into_any()),
            Container::Set => Some(PySet::empty(py)?.into_any()),
            Container::Tuple | Container::FrozenSet => None,
        };
        let tuples_from = self.open.last().map_or(0, |around| around.tuples_from);
        self.push(object, None);
        if container == Container::Tuple {
            self.open.last_mut().expect("just pushed").tuples_from = tuples_from;
        }
        Ok(())
    }

    fn end(
        &mut self,
        py: Python<'py>,
        container: Container,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let open = self.pop();
        let waiting = self.placeholders(&values[base..]);
        let places = places(py, container, &values[base..], &waiting)?;
        let count = (values.len() - base) as u64;
        let weight = open.parts.of_container(container, count);
        if weight.is_too_deep() {
            return Err(too_deep("a tuple"));
        }
        if waiting.is_empty()
            && let Some(until) = self.delayed_until(container, &values[base..], &open)
        {
            let keys = values.split_off(base);
            let made = self.delay(until, container, keys, &open, py).map_err(from_exception)?;
            if open.object.is_none() && container != Container::FrozenSet {
                self.made(&open, &made)?;
            }
            self.weigh(&open, &made, weight);
            return Ok(made);
        }
        self.weights.check(container, &values[base..], open.parts)?;
        self.check_gaps(container, &values[base..], &waiting, &open)?;
        if self.mends_keys {
            self.mend_keys(container, &mut values[base..])?;
        }
        let made = match &open.object {
            Some(object) => fill(object, container, values, base).map(|()| object.clone()),
            None if matches!(container, Container::Set | Container::FrozenSet) => {
                with_collector(py, || container_object(py, container, values, base))
            }
            None => container_object(py, container, values, base),
        };
        let made = made.map_err(|error| no_hash(py, container, error))?;
        self.note_gaps(&made, container, places);
        if open.object.is_none() {
            self.made(&open, &made)?;
        }
        self.weigh(&open, &made, weight);
        self.settle(py)?;
        Ok(made)
    }

    /// A record of what the array is made of: with NumPy it is one again.
    fn array_without_numpy(
        &mut self,
        py: Python<'py>,
        value: &dyn ArraySource,
    ) -> Result<Bound<'py, PyAny>> {
        let Some(reviver) = &self.reviver else {
            return super::hooks::Plain.array_without_numpy(py, value);
        };
        let parts = crate::array::parts_of(py, value)?;
        let name = memory::new_text(py, "numpy.array").map_err(from_exception)?.into_any();
        reviver.record(&name, &parts).map_err(from_exception)
    }

    fn begin_object(&mut self, type_name: Bound<'py, PyAny>) -> Result<()> {
        let class = self.class(&type_name).map_err(from_exception)?;
        let (plain, moment) =
            class.map_or((None, None), |class| (class.plain.as_ref(), class.moment));
        if moment.is_some() {
            self.push(None, Some(type_name));
            self.open.last_mut().expect("just pushed").moment = moment;
            return Ok(());
        }
        if let Some(class) = plain {
            let instance = empty_instance(class).map_err(from_exception)?;
            self.push(Some(instance), Some(type_name));
            self.open.last_mut().expect("just pushed").is_plain = true;
            return Ok(());
        }
        let Some(reviver) = &self.reviver else {
            return super::hooks::Plain.begin_object(type_name);
        };
        let instance = reviver.begin(&type_name).map_err(from_exception)?;
        self.push(instance, Some(type_name));
        Ok(())
    }

    fn end_object(
        &mut self,
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Result<Bound<'py, PyAny>> {
        let open = self.pop();
        if let Some(made) = open.moment.and_then(|kind| moments::make(py, kind, &values[base..])) {
            values.truncate(base);
            self.made(&open, &made)?;
            self.weigh(&open, &made, Weight { hash_depth: 1, work: 1, ..open.parts });
            return Ok(made);
        }
        let type_name = open.type_name.clone().expect("an object has a name");
        if open.moment.is_some() {
            // It has more to it: the reviver knows.
            let reviver = self.reviver.as_ref().expect("`begin_object` had one");
            reviver.begin(&type_name).map_err(from_exception)?;
        }
        let waiting = self.placeholders(&values[base..]);
        let places = places(py, Container::Map, &values[base..], &waiting)?;
        if open.is_plain {
            self.check_names(&type_name, &values[base..])?;
        }
        if open.object.is_none() {
            // Records and instances refer to their parts, objects of the table may copy them.
            self.weights.copy(values[base..].iter().skip(1).step_by(2))?;
        }
        let parts = make::dict(py, values, base).map_err(from_exception)?;
        self.note_gaps(&parts, Container::Map, places);
        let made = self.object_of(&open, &type_name, &parts)?;
        let mut weight = self.weight_of_object(&made, open.parts);
        let made = if weight.is_too_deep() {
            weight = Weight { hash_depth: 0, ..open.parts };
            self.instead(&open, &type_name, &parts)?
        } else {
            made
        };
        if open.object.is_none() {
            self.made(&open, &made)?;
        }
        self.weigh(&open, &made, weight);
        self.settle(py)?;
        Ok(made)
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        if id >= FIRST_OWN_ID {
            return Err(Error::new(ErrorKind::Reference, format!("a value is marked {id}")));
        }
        if self.marked.contains_key(&id) {
            let message = format!("two values are marked {id}");
            return Err(Error::new(ErrorKind::Reference, message));
        }
        self.mark = Some(id);
        Ok(())
    }

    fn alias(&mut self, py: Python<'py>, id: u64) -> Result<Bound<'py, PyAny>> {
        match self.marked.get(&id) {
            Some(Marked::Made(value, weight, refers_to)) => {
                self.weights.count();
                self.weights.note_shared(value);
                let place = self.open_objects.get(&id).copied().or(*refers_to);
                let place = place.filter(|&place| place < self.open.len());
                if let Some(open) = self.open.last_mut() {
                    // The hash of a record is known by then.
                    open.parts.add(*weight);
                    open.refer_to(place);
                }
                Ok(value.clone())
            }
            Some(Marked::OpenContainer(_)) => {
                let placeholder = Bound::new(py, Placeholder { id }).map_err(from_exception)?;
                Ok(placeholder.into_any())
            }
            None => Err(Error::new(
                ErrorKind::Reference,
                format!("a reference to value {id}, which does not come before it"),
            )),
        }
    }
}

/// Whether a name is of the form that protocols look up: `__array_interface__`.
fn is_special(name: &Bound<'_, PyAny>) -> bool {
    let name = name.cast::<PyString>().ok();
    let name = name.as_ref().and_then(|name| name.to_cow().ok());
    name.is_some_and(|name| name.starts_with("__") && name.ends_with("__"))
}

/// What `object.__new__(class)` gives.
fn empty_instance<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    // SAFETY: the reviver has seen that the class has no `__new__` of its own, so that an
    // instance is memory of its size, all zero but for the header.
    unsafe {
        let class = class.as_type_ptr();
        Bound::from_owned_ptr_or_err(py, ffi::PyType_GenericAlloc(class, 0))
    }
}

fn fill<'py>(
    object: &Bound<'py, PyAny>,
    container: Container,
    values: &mut Vec<Bound<'py, PyAny>>,
    base: usize,
) -> PyResult<()> {
    if container == Container::Map {
        return make::fill_dict(object, values, base);
    }
    let method = if container == Container::List { "append" } else { "add" };
    for value in values.drain(base..) {
        if container == Container::List {
            object.call_method1(method, (value,))?;
        } else {
            with_collector(object.py(), || object.call_method1(method, (value,)))?;
        }
    }
    Ok(())
}

/// Where in its container each placeholder is: the index, the key, or the placeholder itself.
fn places<'py>(
    py: Python<'py>,
    container: Container,
    values: &[Bound<'py, PyAny>],
    waiting: &[(usize, u64)],
) -> Result<Vec<(Bound<'py, PyAny>, u64)>> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let place = |&(index, id): &(usize, u64)| {
        let place = match container {
            Container::List | Container::Tuple => {
                make::int(py, index.cast_signed() as i64).map_err(from_exception)?
            }
            Container::Map if index % 2 == 1 => values[index - 1].clone(),
            Container::Set => values[index].clone(),
            Container::Map => return Err(cannot_wait_in("a key")),
            Container::FrozenSet => return Err(cannot_wait_in("a frozenset")),
        };
        Ok((place, id))
    };
    waiting.iter().map(place).collect()
}

/// What went wrong when a set or the keys of a map were put together.
#[cold]
fn no_hash(py: Python<'_>, container: Container, error: PyErr) -> Error {
    let is_hashed = !matches!(container, Container::List | Container::Tuple);
    let says_so = error.is_instance_of::<PyTypeError>(py)
        || error.is_instance_of::<PyRecursionError>(py)
        || is_unset(py, &error);
    if !is_hashed || !says_so {
        return from_exception(error);
    }
    let place = if container == Container::Map { "a key of a map" } else { "an item of a set" };
    let message = format!("{place} has no hash: {}", error.value(py));
    let hint =
        "an object that is a key or an item within itself must not be hashed by its attributes";
    let made = Error::new(ErrorKind::Unsupported, message);
    if is_unset(py, &error) { made.with_hint(hint) } else { made }
}

/// Whether an object was asked for an attribute: one that is part of itself may have none yet.
fn is_unset(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyAttributeError>(py)
}

#[cold]
fn cannot_wait(type_name: &Bound<'_, PyAny>) -> Error {
    cannot_wait_in(&format!("an object of type `{type_name}`"))
}

#[cold]
fn cannot_wait_in(what: &str) -> Error {
    let message = format!("{what} is part of itself by way of an immutable value");
    Error::new(ErrorKind::Unsupported, message)
}
