//! Caches of what documents repeat: their keys above all, and short texts.

use std::sync::Mutex;

use pyo3::ffi;
use pyo3::prelude::*;

use super::shape::Shapes;
use crate::text;

/// Slots of each cache; a power of two. Documents rarely have more distinct keys.
const SLOTS: usize = 2048;

/// The longest key that is kept, in bytes.
const LONGEST_KEY: usize = 64;

/// The longest value that is kept: of longer ones too few come again.
const LONGEST_VALUE: usize = 16;

/// What outlives a build, for the next one: many documents have the keys of the one before.
pub(crate) struct Caches {
    keys: Texts<LONGEST_KEY>,
    values: Texts<LONGEST_VALUE>,
    pub(super) shapes: Shapes,
}

static RESTING: Mutex<Option<Caches>> = Mutex::new(None);

impl Caches {
    /// The caches of an earlier build, or new ones while those are in use.
    pub(crate) fn take() -> Self {
        let resting = RESTING.lock().ok().and_then(|mut resting| resting.take());
        resting.unwrap_or_else(|| Self {
            keys: Texts::new(),
            values: Texts::new(),
            shapes: Shapes::new(),
        })
    }

    /// Keeps the caches for the next build.
    pub(crate) fn give_back(self) {
        if let Ok(mut resting) = RESTING.lock() {
            *resting = Some(self);
        }
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

    /// The value of these ASCII characters.
    #[inline(always)]
    pub(crate) fn value<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        self.values.get(py, bytes)
    }
}

/// Short ASCII strings by their bytes; keys are hashed once for all dictionaries.
struct Texts<const LONGEST: usize> {
    slots: Box<[Slot]>,
    /// The slot of the text asked for before.
    last: usize,
}

#[derive(Default)]
struct Slot {
    text: Option<Py<PyAny>>,
    len: u32,
    /// The slot of the text that was asked for after this one.
    next: u32,
    ends: Ends,
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

#[expect(clippy::cast_possible_truncation, reason = "slots and lengths are few")]
impl<const LONGEST: usize> Texts<LONGEST> {
    fn new() -> Self {
        Self { slots: std::iter::repeat_with(Slot::default).take(SLOTS).collect(), last: 0 }
    }

    #[inline(always)]
    fn get<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        if bytes.len() > LONGEST || bytes.len() < 2 {
            return text::from_ascii(py, bytes);
        }
        let ends = Ends::of(bytes);
        // Records repeat their keys in order: so the place is known before the text is.
        let is_key = LONGEST == LONGEST_KEY;
        let next = self.slots[self.last % SLOTS].next as usize % SLOTS;
        if is_key && let Some(text) = self.slots[next].holds(bytes, ends) {
            self.last = next;
            return Ok(text.bind(py).clone());
        }
        let at = ends.slot(bytes.len(), if bytes.len() > 16 { middle(bytes) } else { 0 });
        if is_key {
            self.slots[self.last % SLOTS].next = at as u32;
            self.last = at;
        }
        match self.slots[at].holds(bytes, ends) {
            Some(text) => Ok(text.bind(py).clone()),
            None => self.slots[at].replace(py, bytes, ends, is_key),
        }
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

#[expect(clippy::cast_possible_truncation, reason = "lengths of at most 64")]
impl Slot {
    /// Its text, if it is this one.
    #[inline(always)]
    fn holds(&self, bytes: &[u8], ends: Ends) -> Option<&Py<PyAny>> {
        let len = self.len as usize;
        let text = self.text.as_ref().filter(|_| len == bytes.len() && self.ends == ends)?;
        (len <= 16 || characters(text, len) == bytes).then_some(text)
    }

    #[inline(never)]
    fn replace<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
        ends: Ends,
        is_key: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let text = text::from_ascii(py, bytes)?;
        if is_key {
            text.hash()?;
        }
        self.text = Some(text.clone().unbind());
        (self.len, self.ends) = (bytes.len() as u32, ends);
        Ok(text)
    }
}
