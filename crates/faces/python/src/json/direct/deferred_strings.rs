//! Texts beyond ASCII, put into a document that was written without them.
//!
//! How wide the characters of a `str` are is known when the last of its parts is: so whatever is ASCII
//! is written first, and where another text belongs is only noted. Then both go into the result, each
//! character where it stays.

use std::marker::PhantomData;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

use super::{Bail, Done, copy};
use crate::compat;
use crate::json::output::PyUnicode_Resize;
use crate::memory::is_within_page;

/// Units behind the last one that counts that may be touched.
const SLACK: usize = 64;

/// Units at a time.
const BLOCK: usize = 16;

/// How many the last document lacked: many are alike.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// The texts that a document lacks.
#[derive(Default)]
pub(super) struct DeferredStrings {
    texts: Vec<Text>,
    /// How many characters they have.
    units: usize,
    /// The bytes that the widest of them takes for a character.
    widest: u32,
}

struct Text {
    object: *mut ffi::PyObject,
    /// How many bytes of the document are before it.
    at: usize,
}

impl DeferredStrings {
    /// Notes a text that belongs behind that many bytes.
    ///
    /// # Safety
    /// It is a `str`, and alive until all are joined.
    #[inline(always)]
    pub(super) unsafe fn note(&mut self, object: *mut ffi::PyObject, at: usize) -> Done {
        // SAFETY: the caller's promise.
        unsafe {
            if !compat::make_ready(object) {
                // The writer will meet the same exception.
                ffi::PyErr_Clear();
                return Err(Bail);
            }
            let (kind, is_ascii) = compat::text_kind(object);
            if is_ascii {
                // A text of the oldest kind: it must not make the result a wider one.
                return Err(Bail);
            }
            self.units += ffi::PyUnicode_GET_LENGTH(object).cast_unsigned();
            self.widest = self.widest.max(kind);
        }
        if self.texts.capacity() == 0 {
            self.texts.reserve(LAST.load(Ordering::Relaxed).clamp(16, 1 << 16));
        }
        self.texts.push(Text { object, at });
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The whole document; `None` if there is no memory for it.
    ///
    /// # Safety
    /// [`copy::is_supported`].
    pub(super) unsafe fn join<'py>(
        &self,
        py: Python<'py>,
        document: &[u8],
    ) -> Option<Bound<'py, PyAny>> {
        LAST.store(self.texts.len(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe {
            match self.widest {
                1 => joined::<u8>(py, document, self),
                2 => joined::<u16>(py, document, self),
                _ => joined::<u32>(py, document, self),
            }
        }
    }
}

/// # Safety
/// [`copy::is_supported`].
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
unsafe fn joined<'py, U: Unit>(
    py: Python<'py>,
    document: &[u8],
    missing: &DeferredStrings,
) -> Option<Bound<'py, PyAny>> {
    let mut result = Growing::<U>::new(py, document.len() + missing.units)?;
    let (mut to, mut done) = (data(result.object), 0);
    // SAFETY: there is room for everything but escapes, which make their own.
    unsafe {
        for text in &missing.texts {
            to = widen(&document[done..text.at], to);
            done = text.at;
            let len = ffi::PyUnicode_GET_LENGTH(text.object).cast_unsigned();
            let units = ffi::PyUnicode_DATA(text.object);
            to = match compat::text_kind(text.object).0 {
                1 => result.text(units.cast::<u8>(), len, to)?,
                2 => result.text(units.cast::<u16>(), len, to)?,
                _ => result.text(units.cast::<u32>(), len, to)?,
            };
        }
        to = widen(&document[done..], to);
    }
    result.finish(to)
}

/// Writes ASCII to `to`; returns where what follows belongs.
///
/// # Safety
/// There is room for it and [`SLACK`]; a block can be read behind it.
#[inline(always)]
unsafe fn widen<U: Unit>(ascii: &[u8], to: *mut U) -> *mut U {
    let mut pos = 0;
    // SAFETY: the caller's promise.
    unsafe {
        while pos < ascii.len() {
            U::store_bytes(ascii.as_ptr().add(pos), to.add(pos));
            pos += BLOCK;
        }
        to.add(ascii.len())
    }
}

/// A `str` of characters of one width that grows. Where the next character belongs is passed along,
/// so that it stays in a register.
struct Growing<'py, U> {
    py: Python<'py>,
    object: *mut ffi::PyObject,
    capacity: usize,
    /// Units of room beyond what is still to come and [`SLACK`].
    spare: usize,
    unit: PhantomData<U>,
}

impl<'py, U: Unit> Growing<'py, U> {
    fn new(py: Python<'py>, len: usize) -> Option<Self> {
        let spare = len / 64;
        let capacity = len + spare + SLACK;
        // SAFETY: the interpreter is held.
        let object = unsafe { ffi::PyUnicode_New(capacity.cast_signed(), U::LARGEST) };
        if object.is_null() {
            PyErr::take(py);
            return None;
        }
        Some(Self { py, object, capacity, spare, unit: PhantomData })
    }

    /// Units written before `to`.
    fn len(&self, to: *mut U) -> usize {
        // SAFETY: both point into the object.
        unsafe { to.offset_from(data(self.object)).cast_unsigned() }
    }

    /// Writes a text with its escapes to `to`; returns where what follows belongs, or `None` if there
    /// is no memory for them.
    ///
    /// # Safety
    /// There is room for it and [`SLACK`].
    #[inline(always)]
    unsafe fn text<F: Unit>(
        &mut self,
        mut from: *const F,
        mut len: usize,
        mut to: *mut U,
    ) -> Option<*mut U> {
        // SAFETY: `len` units are left behind `from`; for what is behind them see `last_block`.
        unsafe {
            while len > 0 {
                let block = if len >= 2 * BLOCK { 2 * BLOCK } else { BLOCK.min(len) };
                let found = match block {
                    BLOCK => F::copy_block(from, to),
                    0..BLOCK => last_block(from, block, to) & ((1 << block) - 1),
                    _ => {
                        let second = F::copy_block(from.add(BLOCK), to.add(BLOCK));
                        F::copy_block(from, to) | second << BLOCK
                    }
                };
                if found == 0 {
                    (from, to, len) = (from.add(block), to.add(block), len - block);
                    continue;
                }
                let plain = found.trailing_zeros() as usize;
                to = self.escape((*from.add(plain)).low_byte(), to.add(plain))?;
                (from, len) = (from.add(plain + 1), len - plain - 1);
            }
        }
        Some(to)
    }

    /// Writes what stands for a character that must be escaped.
    #[inline(always)]
    unsafe fn escape(&mut self, byte: u8, mut to: *mut U) -> Option<*mut U> {
        let (escape, len) = copy::escape_of(byte);
        if self.spare < len {
            to = self.grow(to)?;
        }
        self.spare -= len - 1;
        let mut block = [0; BLOCK];
        block[..8].copy_from_slice(&escape);
        // SAFETY: there is room for a block behind what is to come.
        unsafe {
            U::store_bytes(block.as_ptr(), to);
            Some(to.add(len))
        }
    }

    /// Makes more room; returns where what followed `to` belongs.
    #[cold]
    fn grow(&mut self, to: *mut U) -> Option<*mut U> {
        let (len, more) = (self.len(to), self.capacity / 4 + SLACK);
        self.resize(self.capacity + more)?;
        self.spare += more;
        // SAFETY: that many were written.
        Some(unsafe { data::<U>(self.object).add(len) })
    }

    fn resize(&mut self, capacity: usize) -> Option<()> {
        // SAFETY: no other code has seen the object yet.
        if unsafe { PyUnicode_Resize(&raw mut self.object, capacity.cast_signed()) } < 0 {
            PyErr::take(self.py);
            return None;
        }
        self.capacity = capacity;
        Some(())
    }

    /// The text in its final length.
    fn finish(mut self, to: *mut U) -> Option<Bound<'py, PyAny>> {
        let len = self.len(to);
        if self.capacity - len < len / 16 {
            // SAFETY: no other code has seen the object yet, and it is longer.
            unsafe { cut::<U>(self.object, len) };
        } else {
            self.resize(len)?;
        }
        let object = std::mem::replace(&mut self.object, ptr::null_mut());
        // SAFETY: the reference is ours, and we forget it.
        Some(unsafe { Bound::from_owned_ptr(self.py, object) })
    }
}

impl<U> Drop for Growing<'_, U> {
    fn drop(&mut self) {
        // SAFETY: null, or a reference of our own.
        unsafe { ffi::Py_XDECREF(self.object) };
    }
}

/// Where the characters of a text that is not ASCII begin.
fn data<U>(object: *mut ffi::PyObject) -> *mut U {
    // SAFETY: they lie right behind the larger header.
    unsafe { object.cast::<ffi::PyCompactUnicodeObject>().add(1).cast() }
}

/// Makes a text shorter, and leaves its memory as it is.
///
/// # Safety
/// It is ours alone, and has more than `len` units.
unsafe fn cut<U: Unit>(object: *mut ffi::PyObject, len: usize) {
    // SAFETY: the caller's promise; texts end in a NUL.
    unsafe {
        (*object.cast::<ffi::PyASCIIObject>()).length = len.cast_signed();
        // What is as wide as a `wchar_t` is also a text of those, with a length of its own.
        #[cfg(not(Py_3_12))]
        if !(*object.cast::<ffi::PyASCIIObject>()).wstr.is_null() {
            (*object.cast::<ffi::PyCompactUnicodeObject>()).wstr_length = len.cast_signed();
        }
        data::<U>(object).add(len).write(U::default());
    }
}

/// [`copy_block`](Unit::copy_block) of less than a block.
///
/// # Safety
/// `len` units can be read, and a block be written.
#[inline(always)]
unsafe fn last_block<F: Unit, U: Unit>(from: *const F, len: usize, to: *mut U) -> u32 {
    // SAFETY: memory is given out in pages, so that what is behind the text in the same page can be
    // read; it is not looked at. At the end of a page the text is copied first.
    unsafe {
        if is_within_page(from, BLOCK * size_of::<F>()) {
            return F::copy_block(from, to);
        }
        let mut block = [F::default(); BLOCK];
        block.as_mut_ptr().copy_from_nonoverlapping(from, len);
        F::copy_block(block.as_ptr(), to)
    }
}

/// A character as it lies in a `str`.
trait Unit: Copy + Default {
    /// The largest of its width.
    const LARGEST: u32;

    /// A character that must be escaped is ASCII.
    fn low_byte(self) -> u8;

    /// Copies a block of units that are no wider; returns a bit for each that must be escaped.
    ///
    /// # Safety
    /// [`copy::is_supported`]; a block can be read and written.
    unsafe fn copy_block<U: Unit>(from: *const Self, to: *mut U) -> u32;

    /// Writes a block of bytes.
    ///
    /// # Safety
    /// As for [`copy_block`](Unit::copy_block).
    unsafe fn store_bytes(from: *const u8, to: *mut Self);

    /// Writes a block of half-words.
    ///
    /// # Safety
    /// As for [`copy_block`](Unit::copy_block).
    unsafe fn store_halves(from: *const u16, to: *mut Self);
}

#[cfg(target_arch = "x86_64")]
mod simd {
    //! Sixteen units at a time.
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8,
        _mm_or_si128, _mm_set1_epi8, _mm_srli_si128, _mm_storeu_si128, _mm256_castsi256_ps,
        _mm256_cmpeq_epi16, _mm256_cmpeq_epi32, _mm256_cvtepu8_epi16, _mm256_cvtepu8_epi32,
        _mm256_cvtepu16_epi32, _mm256_loadu_si256, _mm256_min_epu16, _mm256_min_epu32,
        _mm256_movemask_epi8, _mm256_movemask_ps, _mm256_or_si256, _mm256_set1_epi16,
        _mm256_set1_epi32, _mm256_storeu_si256, _pext_u32,
    };

    use super::Unit;

    const QUOTE: i8 = b'"'.cast_signed();
    const BACKSLASH: i8 = b'\\'.cast_signed();
    const LAST_CONTROL: i8 = 0x1f;

    impl Unit for u8 {
        const LARGEST: u32 = 0xff;

        fn low_byte(self) -> u8 {
            self
        }

        #[inline(always)]
        unsafe fn copy_block<U: Unit>(from: *const Self, to: *mut U) -> u32 {
            // SAFETY: the caller's promise.
            unsafe {
                U::store_bytes(from, to);
                let units = _mm_loadu_si128(from.cast());
                let quote = _mm_cmpeq_epi8(units, _mm_set1_epi8(QUOTE));
                let backslash = _mm_cmpeq_epi8(units, _mm_set1_epi8(BACKSLASH));
                let least = _mm_min_epu8(units, _mm_set1_epi8(LAST_CONTROL));
                let stops =
                    _mm_or_si128(quote, _mm_or_si128(backslash, _mm_cmpeq_epi8(least, units)));
                _mm_movemask_epi8(stops).cast_unsigned()
            }
        }

        #[inline(always)]
        unsafe fn store_bytes(from: *const u8, to: *mut Self) {
            // SAFETY: the caller's promise.
            unsafe { _mm_storeu_si128(to.cast(), _mm_loadu_si128(from.cast())) }
        }

        unsafe fn store_halves(_from: *const u16, _to: *mut Self) {
            unreachable!("a document is as wide as the widest of its texts")
        }
    }

    impl Unit for u16 {
        const LARGEST: u32 = 0xffff;

        #[expect(clippy::cast_possible_truncation, reason = "it is ASCII")]
        fn low_byte(self) -> u8 {
            self as u8
        }

        #[inline(always)]
        unsafe fn copy_block<U: Unit>(from: *const Self, to: *mut U) -> u32 {
            // SAFETY: the caller's promise.
            unsafe {
                U::store_halves(from, to);
                let units = load(from.cast());
                let quote = _mm256_cmpeq_epi16(units, _mm256_set1_epi16(QUOTE.into()));
                let backslash = _mm256_cmpeq_epi16(units, _mm256_set1_epi16(BACKSLASH.into()));
                let least = _mm256_min_epu16(units, _mm256_set1_epi16(LAST_CONTROL.into()));
                let others = _mm256_or_si256(backslash, _mm256_cmpeq_epi16(least, units));
                let stops = _mm256_movemask_epi8(_mm256_or_si256(quote, others)).cast_unsigned();
                _pext_u32(stops, 0x5555_5555)
            }
        }

        #[inline(always)]
        unsafe fn store_bytes(from: *const u8, to: *mut Self) {
            // SAFETY: the caller's promise.
            unsafe { store(to.cast(), _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast()))) }
        }

        #[inline(always)]
        unsafe fn store_halves(from: *const u16, to: *mut Self) {
            // SAFETY: the caller's promise.
            unsafe { store(to.cast(), load(from.cast())) }
        }
    }

    impl Unit for u32 {
        const LARGEST: u32 = 0x0010_ffff;

        #[expect(clippy::cast_possible_truncation, reason = "it is ASCII")]
        fn low_byte(self) -> u8 {
            self as u8
        }

        #[inline(always)]
        unsafe fn copy_block<U: Unit>(from: *const Self, to: *mut U) -> u32 {
            // SAFETY: the caller's promise; a document is as wide as the widest of its texts.
            unsafe {
                let halves = [load(from.cast()), load(from.add(8).cast())];
                store(to.cast(), halves[0]);
                store(to.cast::<u32>().add(8).cast(), halves[1]);
                let stops = halves.map(|units| {
                    let quote = _mm256_cmpeq_epi32(units, _mm256_set1_epi32(QUOTE.into()));
                    let backslash = _mm256_cmpeq_epi32(units, _mm256_set1_epi32(BACKSLASH.into()));
                    let least = _mm256_min_epu32(units, _mm256_set1_epi32(LAST_CONTROL.into()));
                    let others = _mm256_or_si256(backslash, _mm256_cmpeq_epi32(least, units));
                    let stops = _mm256_or_si256(quote, others);
                    _mm256_movemask_ps(_mm256_castsi256_ps(stops)).cast_unsigned()
                });
                stops[0] | stops[1] << 8
            }
        }

        #[inline(always)]
        unsafe fn store_bytes(from: *const u8, to: *mut Self) {
            // SAFETY: the caller's promise.
            unsafe {
                let bytes: __m128i = _mm_loadu_si128(from.cast());
                store(to.cast(), _mm256_cvtepu8_epi32(bytes));
                store(to.add(8).cast(), _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(bytes)));
            }
        }

        #[inline(always)]
        unsafe fn store_halves(from: *const u16, to: *mut Self) {
            // SAFETY: the caller's promise.
            unsafe {
                store(to.cast(), _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())));
                let upper = _mm_loadu_si128(from.add(8).cast());
                store(to.add(8).cast(), _mm256_cvtepu16_epi32(upper));
            }
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const __m256i) -> __m256i {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_si256(from) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut __m256i, units: __m256i) {
        // SAFETY: the caller's promise.
        unsafe { _mm256_storeu_si256(to, units) }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod simd {
    //! One unit after the other, for processors on which this is not called.
    use super::Unit;

    macro_rules! unit {
        ($unit:ty, $largest:expr) => {
            impl Unit for $unit {
                const LARGEST: u32 = $largest;

                fn low_byte(self) -> u8 {
                    (self & 0x7f) as u8
                }

                unsafe fn copy_block<U: Unit>(_from: *const Self, _to: *mut U) -> u32 {
                    unreachable!("others are not supported")
                }

                unsafe fn store_bytes(_from: *const u8, _to: *mut Self) {
                    unreachable!("others are not supported")
                }

                unsafe fn store_halves(_from: *const u16, _to: *mut Self) {
                    unreachable!("others are not supported")
                }
            }
        };
    }

    unit!(u8, 0xff);
    unit!(u16, 0xffff);
    unit!(u32, 0x0010_ffff);
}
