//! A cache of the short strings that documents repeat: their keys above all.

use std::sync::Mutex;

use pyo3::ffi;
use pyo3::prelude::*;

use crate::text;

/// Slots; a power of two. Documents rarely have more distinct keys.
const SLOTS: usize = 2048;

/// The longest text that is kept, in bytes.
const LONGEST: usize = 64;

/// Short ASCII strings by their bytes, hashed once for all dictionaries they will be keys of.
pub(crate) struct TextCache {
    slots: Box<[Slot]>,
}

#[derive(Default)]
struct Slot {
    text: Option<Py<PyAny>>,
    len: usize,
}

/// A cache at rest, for the next build: many documents have the keys of the one before.
static RESTING: Mutex<Option<TextCache>> = Mutex::new(None);

impl TextCache {
    /// The cache of an earlier build, or a new one while that is in use.
    pub(crate) fn take() -> Self {
        let resting = RESTING.lock().ok().and_then(|mut resting| resting.take());
        resting.unwrap_or_else(|| Self {
            slots: std::iter::repeat_with(Slot::default).take(SLOTS).collect(),
        })
    }

    /// Keeps the cache for the next build.
    pub(crate) fn give_back(self) {
        if let Ok(mut resting) = RESTING.lock() {
            *resting = Some(self);
        }
    }

    /// The `str` of these ASCII characters.
    #[inline]
    pub(crate) fn get<'py>(
        &mut self,
        py: Python<'py>,
        bytes: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        if bytes.len() > LONGEST || bytes.len() < 2 {
            return text::from_ascii(py, bytes);
        }
        let slot = &mut self.slots[hash(bytes) % SLOTS];
        if slot.len == bytes.len()
            && let Some(text) = &slot.text
        {
            // SAFETY: the slot holds an ASCII text of this length, which has its characters
            // right behind the header.
            let cached = unsafe {
                let data = text.as_ptr().cast::<ffi::PyASCIIObject>().add(1).cast::<u8>();
                std::slice::from_raw_parts(data, slot.len)
            };
            if cached == bytes {
                return Ok(text.bind(py).clone());
            }
        }
        slot.replace(py, bytes)
    }
}

impl Slot {
    #[cold]
    fn replace<'py>(&mut self, py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
        let text = text::from_ascii(py, bytes)?;
        text.hash()?;
        self.text = Some(text.clone().unbind());
        self.len = bytes.len();
        Ok(text)
    }
}

/// A hash that is quick for few bytes; the cache compares the bytes, so it may collide.
#[inline]
fn hash(bytes: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = (state ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    state = (state ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    (state >> 40) as usize
}
