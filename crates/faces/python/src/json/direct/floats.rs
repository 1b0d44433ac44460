//! Lists of floats and lists of rows of them, a few at a time.
//!
//! The digits of a few are found before any of them is written; see [`Found`].

use std::mem::MaybeUninit;
use std::ptr;

use cannery_json::raw::Found;
use pyo3::ffi;

use super::cursor::{Cursor, InlineBytes};
use super::{Bail, Style};
use crate::json::output::Memory;

/// Floats that are written together.
const MOST: usize = 16;

/// Whether a list goes on with what is written together: a float, or a short row of them.
///
/// # Safety
/// The object is alive, and no other code runs.
#[inline(always)]
pub(super) unsafe fn come_next(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise; a row is looked into after its type and length were seen.
    unsafe { is_float(object) || row(object).is_some_and(|row| is_float(row[0])) }
}

/// Writes as many as are written together of the items from `next` to `end`, and a comma behind each;
/// returns where the next item is.
///
/// # Safety
/// As for [`come_next`], of all items; [`is_supported`](super::copy::is_supported).
#[cold]
#[inline(never)]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
pub(super) unsafe fn write<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    next: usize,
    end: usize,
    style: &Style,
) -> Result<usize, Bail> {
    const ITEM: usize = size_of::<*mut ffi::PyObject>();
    // SAFETY: the caller's promise.
    unsafe {
        let items = std::slice::from_raw_parts(next as *const _, (end - next) / ITEM);
        let count = if is_float(items[0]) {
            let mut batch = Batch { found: [MaybeUninit::uninit(); MOST], len: 0 };
            let count = batch.add(&items[..items.len().min(MOST)]);
            cursor.floats(batch.finds(), style.comma)?;
            count
        } else if cursor.is_deepest {
            0
        } else {
            rows(cursor, items, style)?
        };
        Ok(next + count * ITEM)
    }
}

/// The same of rows; returns how many are written.
///
/// # Safety
/// As for [`write`].
#[inline(always)]
unsafe fn rows<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    items: &[*mut ffi::PyObject],
    style: &Style,
) -> Result<usize, Bail> {
    let mut batch = Batch { found: [MaybeUninit::uninit(); MOST], len: 0 };
    let (mut lengths, mut count) = ([0; MOST], 0);
    // SAFETY: the caller's promise.
    unsafe {
        for &item in items {
            let Some(row) = row(item).filter(|row| row.len() <= MOST - batch.len) else { break };
            if batch.add(row) < row.len() {
                break;
            }
            lengths[count] = row.len();
            count += 1;
        }
        let mut found = batch.finds();
        for &length in &lengths[..count] {
            let (row, others) = found.split_at(length);
            cursor.byte_and(b'[', InlineBytes::default())?;
            cursor.floats(row, style.comma)?;
            cursor.back(style.comma.len());
            cursor.byte_and(b']', style.comma)?;
            found = others;
        }
    }
    Ok(count)
}

/// Floats with their digits.
struct Batch {
    found: [MaybeUninit<Found>; MOST],
    len: usize,
}

impl Batch {
    /// Adds objects up to the first that is no finite float; returns how many that are.
    ///
    /// # Safety
    /// As for [`write`], and there are no more than there is room for.
    #[inline(always)]
    unsafe fn add(&mut self, items: &[*mut ffi::PyObject]) -> usize {
        let start = self.len;
        for &item in items {
            // SAFETY: the value is read after the type was seen; the rest is the caller's promise.
            unsafe {
                if !is_float(item) || !ffi::PyFloat_AS_DOUBLE(item).is_finite() {
                    break;
                }
                self.found[self.len].write(Found::new(ffi::PyFloat_AS_DOUBLE(item)));
            }
            self.len += 1;
        }
        self.len - start
    }

    #[inline(always)]
    fn finds(&self) -> &[Found] {
        // SAFETY: that many were written.
        unsafe { std::slice::from_raw_parts(self.found.as_ptr().cast(), self.len) }
    }
}

#[inline(always)]
unsafe fn is_float(object: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe { ptr::eq(ffi::Py_TYPE(object), &raw const ffi::PyFloat_Type) }
}

/// The items of a list that is a row by its length.
#[inline(always)]
unsafe fn row<'a>(object: *mut ffi::PyObject) -> Option<&'a [*mut ffi::PyObject]> {
    // SAFETY: the caller's promise; the fields are read after the type was seen.
    unsafe {
        if !ptr::eq(ffi::Py_TYPE(object), &raw const ffi::PyList_Type) {
            return None;
        }
        let len = ffi::PyList_GET_SIZE(object).cast_unsigned();
        if !(2..=MOST / 2).contains(&len) {
            return None;
        }
        Some(std::slice::from_raw_parts((*object.cast::<ffi::PyListObject>()).ob_item, len))
    }
}
