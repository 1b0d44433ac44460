//! Caches of what documents repeat: their keys above all, and short texts.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::ahead::KeyBlock;
use super::shape::Shapes;
use super::worth::Worth;
use crate::object_slot::{ObjectSlot, emptied};
use crate::text;

/// Slots of each cache; a power of two. Documents rarely have more distinct keys.
const SLOTS: usize = 2048;

/// The longest key that is kept, in bytes.
const LONGEST_KEY: usize = 64;

/// Slots that a key may be in: its own and its neighbours. Keys that took turns in one slot would be
/// made again and again, and the shapes of their records with them.
const NEIGHBOURS: usize = 4;

/// Places of what follows which keys; a power of two.
const SEQUELS: usize = 4096;

/// The longest value that is kept: of longer ones too few come again.
const LONGEST_VALUE: usize = 16;

/// What outlives a build, for the next one: many documents have the keys of the one before.
pub(crate) struct Caches {
    keys: Keys,
    values: Box<[Slot]>,
    /// Whether values come again.
    repeats: Worth,
    pub(super) shapes: Shapes,
    /// The numbers of a byte: the interpreter has one object of each.
    small_ints: Box<[Py<PyAny>]>,
    /// `False`, `True` and `None`.
    words: [Py<PyAny>; 3],
    /// Empty: room for values that wait for their container.
    stack: Vec<Py<PyAny>>,
    /// Empty: room for where containers began.
    bases: Vec<usize>,
}

static RESTING: ObjectSlot<Caches> = ObjectSlot::new();

/// Values for which room is kept, at most.
const ROOM: usize = 1 << 16;

impl Caches {
    /// The caches of an earlier build, or new ones while those are in use.
    #[inline]
    pub(crate) fn take(py: Python<'_>) -> Box<Self> {
        RESTING.take(py).unwrap_or_else(|| Self::new(py))
    }

    #[cold]
    fn new(py: Python<'_>) -> Box<Self> {
        Box::new(Self {
            keys: Keys::new(),
            values: slots(),
            repeats: Worth::default(),
            shapes: Shapes::new(),
            small_ints: (0..=u8::MAX).map(|value| small_int(py, value)).collect(),
            words: [
                PyBool::new(py, false).to_owned().into_any().unbind(),
                PyBool::new(py, true).to_owned().into_any().unbind(),
                py.None(),
            ],
            stack: Vec::with_capacity(256),
            bases: Vec::with_capacity(32),
        })
    }

    /// Keeps the caches for the next build.
    #[inline]
    pub(crate) fn give_back(self: Box<Self>, py: Python<'_>) {
        RESTING.give_back(py, self);
    }

    /// Room for values and for where containers begin.
    #[inline]
    pub(super) fn room<'py>(&mut self) -> (Vec<Bound<'py, PyAny>>, Vec<usize>) {
        (emptied(std::mem::take(&mut self.stack)), std::mem::take(&mut self.bases))
    }

    /// Keeps the room for the next build.
    #[inline]
    pub(super) fn keep_room(&mut self, stack: Vec<Bound<'_, PyAny>>, mut bases: Vec<usize>) {
        bases.clear();
        if stack.capacity() <= ROOM {
            self.stack = emptied(stack);
            self.bases = bases;
        }
    }

    /// The `int` of a byte.
    #[inline(always)]
    pub(super) fn small_int<'py>(&self, py: Python<'py>, value: u8) -> Bound<'py, PyAny> {
        match self.small_ints.get(usize::from(value)) {
            Some(int) => int.bind(py).clone(),
            None => small_int(py, value).into_bound(py),
        }
    }

    /// `None`, `True` or `False`, without a branch.
    #[inline(always)]
    pub(super) fn null_or_bool<'py>(
        &self,
        py: Python<'py>,
        value: Option<bool>,
    ) -> Bound<'py, PyAny> {
        self.words[value.map_or(2, usize::from)].bind(py).clone()
    }

    /// The key of these ASCII characters.
    #[inline(always)]
    pub(crate) fn key<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.keys.get(py, bytes)
    }

    /// The length of the key that is likely to come next, if it and a quote are what is ahead.
    #[inline(always)]
    pub(super) fn predict_key(&mut self, ahead: &[u8]) -> Option<usize> {
        self.keys.predict(ahead)
    }

    /// The key just foreseen.
    #[inline(always)]
    pub(super) fn predicted_key<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        self.keys.predicted(py)
    }

    /// The value of these ASCII characters.
    #[inline(always)]
    pub(crate) fn value<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        if bytes.len() > LONGEST_VALUE || bytes.len() < 2 || !self.repeats.is_given() {
            return text::from_ascii(py, bytes);
        }
        let ends = Ends::of(bytes);
        let slot = &mut self.values[ends.slot(bytes.len(), 0)];
        if let Some(text) = slot.holds(bytes, ends) {
            self.repeats.right();
            return Ok(text.bind(py).clone());
        }
        self.repeats.wrong();
        slot.replace(py, bytes, ends)
    }
}

fn small_int(py: Python<'_>, value: u8) -> Py<PyAny> {
    let Ok(int) = value.into_pyobject(py);
    int.into_any().unbind()
}

fn slots<S: Default>() -> Box<[S]> {
    std::iter::repeat_with(S::default).take(SLOTS).collect()
}

/// A short ASCII text.
#[derive(Default)]
struct Slot {
    text: Option<Py<PyAny>>,
    len: u32,
    ends: Ends,
}

/// A key, and how it stands in a document.
#[derive(Default)]
struct KeySlot {
    slot: Slot,
    /// Made when the key comes again.
    ahead: Option<KeyBlock>,
}

/// Keys by their bytes, and the order they come in.
struct Keys {
    slots: Box<[KeySlot]>,
    /// The slot of the key that followed the last time, for each hash of the keys before it.
    sequels: Box<[u16]>,
    /// The hash of the last keys.
    before: usize,
    /// Whether keys come again.
    repeats: Worth,
    /// Whether they come in the same order.
    guesses: Worth,
}

/// The first and the last bytes of a text: of up to 16, they are all.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    head: u64,
    tail: u64,
}

impl Ends {
    /// Those of at least two bytes.
    #[inline(always)]
    fn of(bytes: &[u8]) -> Self {
        if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            return Self { head: u64::from_le_bytes(*head), tail: u64::from_le_bytes(*tail) };
        }
        if let (Some(head), Some(tail)) = (bytes.first_chunk(), bytes.last_chunk()) {
            let (head, tail) = (u32::from_le_bytes(*head), u32::from_le_bytes(*tail));
            return Self { head: head.into(), tail: tail.into() };
        }
        let pair = |at: usize| u64::from(bytes[at]) << 8 | u64::from(bytes[at + 1]);
        Self { head: pair(0), tail: pair(bytes.len() - 2) }
    }

    /// A hash that is quick; the cache compares, so it may collide.
    #[inline(always)]
    fn slot(self, len: usize, middle: u64) -> usize {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = (self.head ^ middle).wrapping_mul(FACTOR).rotate_left(29) ^ self.tail;
        ((mixed ^ len as u64).wrapping_mul(FACTOR) >> 40) as usize % SLOTS
    }
}

/// Eight bytes between the ends of a text that is longer than both.
#[inline(always)]
fn middle(bytes: &[u8]) -> u64 {
    let half = bytes.len() / 2;
    bytes[half - 4..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk))
}

impl Keys {
    fn new() -> Self {
        Self {
            slots: slots(),
            sequels: vec![0; SEQUELS].into(),
            before: 0,
            repeats: Worth::default(),
            guesses: Worth::default(),
        }
    }

    /// The slot of the key that is likely to come next. Records repeat their keys in order: so the
    /// place is known before the text is.
    #[inline(always)]
    fn expected(&self) -> usize {
        usize::from(self.sequels[self.before % SEQUELS]) % SLOTS
    }

    /// Notes which key came.
    #[inline(always)]
    fn passed(&mut self, at: usize) {
        // Two keys are remembered: some follow others in more than one kind of record.
        self.before = (self.before << 6 ^ at) % SEQUELS;
    }

    #[inline(always)]
    fn predict(&mut self, ahead: &[u8]) -> Option<usize> {
        if !self.guesses.is_given() {
            return None;
        }
        // No closure: it would not be compiled for the parser's instructions.
        let KeySlot { ahead: expected, .. } = &self.slots[self.expected()];
        let Some(block) = expected else {
            self.guesses.wrong();
            return None;
        };
        let found = block.stands_at(ahead);
        if found.is_some() {
            self.guesses.right();
        } else {
            self.guesses.wrong();
        }
        found
    }

    #[inline(always)]
    fn predicted<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let at = self.expected();
        self.passed(at);
        Some(self.slots[at].slot.text.as_ref()?.bind(py).clone())
    }

    #[inline(always)]
    fn get<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        if bytes.len() > LONGEST_KEY || bytes.len() < 2 || !self.repeats.is_given() {
            return text::from_ascii(py, bytes);
        }
        self.find(py, bytes)
    }

    #[inline(never)]
    #[expect(clippy::cast_possible_truncation, reason = "slots are few")]
    fn find<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let ends = Ends::of(bytes);
        let home = ends.slot(bytes.len(), if bytes.len() > 16 { middle(bytes) } else { 0 });
        let mut free = home;
        for at in (0..NEIGHBOURS).map(|neighbour| home ^ neighbour) {
            let KeySlot { slot, ahead } = &mut self.slots[at];
            if let Some(text) = slot.holds(bytes, ends) {
                let text = text.bind(py).clone();
                ahead.get_or_insert_with(|| KeyBlock::new(bytes));
                self.sequels[self.before % SEQUELS] = at as u16;
                self.passed(at);
                self.repeats.right();
                return Ok(text);
            }
            if slot.text.is_none() {
                free = at;
                break;
            }
        }
        self.sequels[self.before % SEQUELS] = free as u16;
        self.passed(free);
        self.repeats.wrong();
        self.slots[free].replace(py, bytes, ends)
    }
}

/// The characters of a text in a slot.
#[inline(always)]
fn characters(text: &Py<PyAny>, len: usize) -> &[u8] {
    // SAFETY: slots hold ASCII texts and their lengths; their characters are right behind the
    // header.
    unsafe {
        let data = text.as_ptr().cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
        std::slice::from_raw_parts(data, len)
    }
}

impl Slot {
    /// Its text, if it is this one.
    #[inline(always)]
    fn holds(&self, bytes: &[u8], ends: Ends) -> Option<&Py<PyAny>> {
        let text =
            self.text.as_ref().filter(|_| self.len as usize == bytes.len() && self.ends == ends)?;
        (bytes.len() <= 16 || characters(text, bytes.len()) == bytes).then_some(text)
    }

    #[inline(never)]
    fn replace<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
        ends: Ends,
    ) -> PyResult<Bound<'py, PyAny>> {
        let text = text::from_ascii(py, bytes)?;
        if let Some(former) = self.text.replace(text.clone().unbind()) {
            former.drop_ref(py);
        }
        (self.len, self.ends) = (u32::try_from(bytes.len()).unwrap_or(0), ends);
        Ok(text)
    }
}

impl KeySlot {
    #[inline(never)]
    fn replace<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
        ends: Ends,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.ahead = None;
        self.slot.replace(py, bytes, ends)
    }
}
