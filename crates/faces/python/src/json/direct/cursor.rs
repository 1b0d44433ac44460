//! Writes into an object that grows; more bytes than count, as long as there is room for them.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use cannery_core::Text;
use cannery_json::raw::{self, Found};
use pyo3::ffi;
use pyo3::prelude::*;

use super::super::output::{Growing, Memory};
use super::copy::{self, Escaped, SLACK, STRETCH};
use super::deferred_strings::DeferredStrings;
#[cfg(target_arch = "x86_64")]
use super::expand;
use super::{Bail, Done};

/// Up to eight bytes, as a word.
#[derive(Clone, Copy, Default)]
pub(super) struct InlineBytes {
    word: u64,
    len: usize,
}

impl InlineBytes {
    /// `None` if it is longer.
    #[inline]
    pub(super) fn new(text: &str) -> Option<Self> {
        if text.len() > 8 {
            return None;
        }
        let bytes = text.bytes().rev();
        Some(Self {
            word: bytes.fold(0, |word, byte| word << 8 | u64::from(byte)),
            len: text.len(),
        })
    }

    /// The same with a quote before it; `None` if it is longer then.
    #[inline]
    pub(super) fn quoted(self) -> Option<Self> {
        let word = self.word << 8 | u64::from(b'"');
        (self.len < 8).then_some(Self { word, len: self.len + 1 })
    }

    /// A word of a few characters.
    #[inline(always)]
    pub(super) const fn word<const N: usize>(text: [u8; N]) -> Self {
        let mut bytes = [0; 8];
        let mut at = 0;
        while at < N {
            bytes[at] = text[at];
            at += 1;
        }
        Self { word: u64::from_le_bytes(bytes), len: N }
    }

    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.len
    }
}

/// Bytes that everything but a text may touch: a number, and two words behind it.
const FEW: usize = raw::NUMBER_ROOM + 16;

/// Units of a wide text between two looks at the room.
const PIECE: usize = 4096;

/// What a pen writes on before it takes an object: most texts are short, and one copy of a short text
/// is cheaper than making an object too long and cutting it.
pub(super) type StackBuffer = [MaybeUninit<u8>; 4096];

/// Apart from the loop that writes values, which would not fit the processor's caches with it in it.
///
/// # Safety
/// [`raw::NUMBER_ROOM`] bytes can be written to `to`.
#[inline(never)]
unsafe fn float_at(value: f64, to: *mut u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { raw::float(value, to) }
}

pub(super) struct Cursor<'d, 'py, M: Memory> {
    py: Python<'py>,
    /// What is written on, once the desk is full.
    growing: Option<Growing<'py, M>>,
    /// The room that it has at first.
    expected: usize,
    start: *mut u8,
    at: *mut u8,
    end: *mut u8,
    desk: PhantomData<&'d mut StackBuffer>,
    /// What is to be put into the text that is written.
    pub(super) missing: DeferredStrings,
    /// Whether no further container may be opened.
    pub(super) is_deepest: bool,
}

impl<'d, 'py, M: Memory> Cursor<'d, 'py, M> {
    /// A pen on a desk; what outgrows it is expected to be so long.
    #[inline]
    pub(super) fn new(py: Python<'py>, desk: &'d mut StackBuffer, expected: usize) -> Self {
        let std::ops::Range { start, end } = desk.as_mut_ptr_range();
        let (start, end) = (start.cast::<u8>(), end.cast());
        Self {
            py,
            growing: None,
            expected,
            start,
            at: start,
            end,
            desk: PhantomData,
            missing: DeferredStrings::default(),
            is_deepest: false,
        }
    }

    /// A pen without a desk; `None` if there is no memory for so much.
    pub(super) fn on_object(py: Python<'py>, capacity: usize) -> Option<Self> {
        let growing = Growing::with_capacity(py, capacity).ok()?;
        let (start, end) = growing.free();
        Some(Self {
            py,
            growing: Some(growing),
            expected: capacity,
            start,
            at: start,
            end,
            desk: PhantomData,
            missing: DeferredStrings::default(),
            is_deepest: false,
        })
    }

    /// Bytes written.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        // SAFETY: both point into the desk or the object.
        unsafe { self.at.offset_from(self.start).cast_unsigned() }
    }

    /// What was written.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: so much was written.
        unsafe { std::slice::from_raw_parts(self.start, self.len()) }
    }

    /// The object; `None` if there is no memory for it.
    #[inline]
    pub(super) fn finish(mut self) -> Option<Bound<'py, PyAny>> {
        let Some(mut growing) = self.growing.take() else {
            return M::copy(self.py, self.bytes()).ok();
        };
        // SAFETY: so much was written.
        unsafe { growing.set_len(self.len()) };
        growing.finish().ok()
    }

    /// Makes room for `len` bytes.
    #[inline(always)]
    fn room(&mut self, len: usize) -> Done {
        // SAFETY: both point into the desk or the object.
        let left = unsafe { self.end.offset_from(self.at).cast_unsigned() };
        if left < len { self.grow(len) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, len: usize) -> Done {
        let written = self.len();
        if let Some(growing) = &mut self.growing {
            // SAFETY: so much was written.
            unsafe { growing.set_len(written) };
            if growing.grow(len).is_err() {
                self.start = growing.start();
                (self.at, self.end) = growing.free();
                return Err(Bail);
            }
        } else {
            let capacity = self.expected.max(2 * (written + len));
            let mut growing = Growing::with_capacity(self.py, capacity).map_err(|_| Bail)?;
            // SAFETY: so much was written on the desk, and there is room for it.
            unsafe {
                growing.start().copy_from_nonoverlapping(self.start, written);
                growing.set_len(written);
            }
            self.growing = Some(growing);
        }
        let growing = self.growing.as_ref().ok_or(Bail)?;
        self.start = growing.start();
        (self.at, self.end) = growing.free();
        Ok(())
    }

    /// Forgets the last bytes.
    #[inline(always)]
    pub(super) fn back(&mut self, len: usize) {
        // SAFETY: the caller wrote them.
        self.at = unsafe { self.at.sub(len) };
    }

    /// # Safety
    /// There is room for eight bytes.
    #[inline(always)]
    unsafe fn put(&mut self, short: InlineBytes) {
        // SAFETY: the caller's promise; an array of bytes has no alignment.
        unsafe {
            self.at.cast::<[u8; 8]>().write(short.word.to_le_bytes());
            self.at = self.at.add(short.len);
        }
    }

    /// Writes two short texts.
    #[inline(always)]
    pub(super) fn word(&mut self, first: InlineBytes, second: InlineBytes) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room for both.
        unsafe {
            self.put(first);
            self.put(second);
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn byte_and(&mut self, byte: u8, tail: InlineBytes) -> Done {
        self.word(InlineBytes { word: byte.into(), len: 1 }, tail)
    }

    #[inline(always)]
    pub(super) fn int(&mut self, value: i64, tail: InlineBytes) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room for a number and a word.
        unsafe {
            self.at = self.at.add(raw::int(value, self.at));
            self.put(tail);
        }
        Ok(())
    }

    #[inline(always)]
    pub(super) fn float(&mut self, value: f64, tail: InlineBytes) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room for a number and a word.
        unsafe {
            self.at = self.at.add(float_at(value, self.at));
            self.put(tail);
        }
        Ok(())
    }

    /// Writes floats and something behind each.
    ///
    /// # Safety
    /// [`copy::is_supported`].
    #[inline(always)]
    pub(super) unsafe fn floats(&mut self, found: &[Found], tail: InlineBytes) -> Done {
        self.room(found.len() * FEW)?;
        for number in found {
            // SAFETY: there is room for a number and a word; the rest is the caller's promise.
            unsafe {
                self.at = self.at.add(number.write(self.at));
                self.put(tail);
            }
        }
        Ok(())
    }

    /// Writes an ASCII text in quotes; the closing one begins `tail`.
    ///
    /// # Safety
    /// [`copy::is_supported`].
    #[inline(always)]
    pub(super) unsafe fn ascii(
        &mut self,
        text: &[u8],
        escaped: Escaped,
        tail: InlineBytes,
    ) -> Done {
        self.room(text.len() + SLACK + FEW)?;
        // SAFETY: there is room for the quote, the text, what copying touches, and the tail.
        unsafe {
            self.at.write(b'"');
            let to = self.at.add(1);
            if text.len() <= STRETCH && copy::plain(text, to, escaped) {
                self.at = to.add(text.len());
                self.put(tail);
                return Ok(());
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.escaped(text, escaped, tail) }
    }

    /// Writes a text in UTF-8 in quotes, with the escapes that JSON requires.
    ///
    /// # Safety
    /// [`copy::is_supported`].
    #[inline(always)]
    pub(super) unsafe fn utf8(&mut self, text: &[u8], tail: InlineBytes) -> Done {
        // SAFETY: the caller's promise; bytes beyond ASCII are none that JSON escapes.
        unsafe { self.ascii(text, Escaped::Required, tail) }
    }

    /// [`ascii`](Self::ascii), for a text that is long, or has something to escape in it.
    ///
    /// # Safety
    /// [`copy::is_supported`], and there is room for the text and what copying touches.
    #[inline(never)]
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
    unsafe fn escaped(&mut self, text: &[u8], escaped: Escaped, tail: InlineBytes) -> Done {
        // SAFETY: the caller's promise, and room is made for six bytes for each of the others.
        unsafe {
            self.put(InlineBytes::word(*b"\""));
            let plain =
                if text.len() <= STRETCH { 0 } else { copy::stretches(text, self.at, escaped) };
            self.at = self.at.add(plain);
            for piece in text[plain..].chunks(PIECE) {
                self.room(piece.len() * 6 + SLACK)?;
                #[cfg(target_arch = "x86_64")]
                if expand::is_supported() {
                    self.at = expand::escape(piece, self.at, escaped);
                    continue;
                }
                self.at = copy::escape(piece, self.at, escaped);
            }
            self.room(FEW)?;
            self.put(tail);
        }
        Ok(())
    }

    /// Writes the quotes of a text beyond ASCII, which is put between them later; the closing one
    /// begins `tail`.
    ///
    /// # Safety
    /// It is a `str`, and alive until then.
    #[inline(always)]
    pub(super) unsafe fn leave_out(&mut self, text: *mut ffi::PyObject, tail: InlineBytes) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room for both; the rest is the caller's promise.
        unsafe {
            self.put(InlineBytes::word(*b"\""));
            self.missing.note(text, self.len())?;
            self.put(tail);
        }
        Ok(())
    }

    /// Writes a text beyond ASCII in quotes; the closing one begins `tail`.
    ///
    /// # Safety
    /// [`copy::is_supported`].
    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
    pub(super) unsafe fn wide(
        &mut self,
        text: Text<'_>,
        escaped: Escaped,
        tail: InlineBytes,
    ) -> Done {
        self.room(FEW)?;
        // SAFETY: there is room for a quote.
        unsafe { self.put(InlineBytes::word(*b"\"")) };
        match text {
            Text::Latin1(units) => self.units(units, escaped)?,
            Text::Ucs2(units) => self.units(units, escaped)?,
            Text::Ucs4(units) => self.units(units, escaped)?,
            _ => return Err(Bail),
        }
        self.room(FEW)?;
        // SAFETY: there is room for it.
        unsafe { self.put(tail) };
        Ok(())
    }

    #[inline(always)]
    fn units<U: copy::Unit>(&mut self, units: &[U], escaped: Escaped) -> Done {
        let ascii = escaped == Escaped::BeyondAscii;
        for piece in units.chunks(PIECE) {
            self.room(piece.len() * 12 + SLACK)?;
            // SAFETY: there is room for two escapes for each unit.
            self.at = unsafe {
                if ascii { copy::escape_all(piece, self.at) } else { copy::encode(piece, self.at)? }
            };
        }
        Ok(())
    }
}
