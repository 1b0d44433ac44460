//! New strings of units that are as wide as the widest character, or wider.

use pyo3::ffi;
use pyo3::prelude::*;

use crate::compat;
use crate::text::{from_ascii, from_units};

/// A new `str` of characters up to U+00FF.
pub(crate) fn from_latin1<'py>(py: Python<'py>, units: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    if units.len() < 2 {
        return from_units(py, 1, units.as_ptr().cast(), units.len());
    }
    if units.is_ascii() {
        return from_ascii(py, units);
    }
    copied(py, units)
}

/// A new `str` of characters up to U+FFFF.
pub(crate) fn from_ucs2<'py>(py: Python<'py>, units: &[u16]) -> PyResult<Bound<'py, PyAny>> {
    if units.len() < 2 {
        return from_units(py, 2, units.as_ptr().cast(), units.len());
    }
    // One wide character is enough to know.
    if units[0] >= 0x100 || units[1] >= 0x100 {
        return copied(py, units);
    }
    match units.iter().fold(0, |all, &unit| all | unit) {
        0..0x80 => narrowed::<_, Ascii>(py, units),
        0x80..0x100 => narrowed::<_, u8>(py, units),
        _ => copied(py, units),
    }
}

/// A new `str` of any characters.
pub(crate) fn from_ucs4<'py>(py: Python<'py>, units: &[u32]) -> PyResult<Bound<'py, PyAny>> {
    if units.len() < 2 {
        return from_units(py, 4, units.as_ptr().cast(), units.len());
    }
    match units.iter().fold(0, |all, &unit| all | unit) {
        0..0x80 => narrowed::<_, Ascii>(py, units),
        0x80..0x100 => narrowed::<_, u8>(py, units),
        0x100..0x1_0000 => narrowed::<_, u16>(py, units),
        _ => copied(py, units),
    }
}

/// What the units of a new `str` are.
trait UnitWidth {
    type Unit: Copy;

    /// A new `str`, more than one unit long, whose units are still to be written, and where they
    /// are.
    ///
    /// # Safety
    /// The interpreter is held.
    unsafe fn new(len: usize) -> (*mut ffi::PyObject, *mut Self::Unit);
}

/// Bytes below 0x80.
struct Ascii;

impl UnitWidth for Ascii {
    type Unit = u8;

    unsafe fn new(len: usize) -> (*mut ffi::PyObject, *mut u8) {
        // SAFETY: the caller's promise; the units of ASCII are right behind the header.
        unsafe {
            let object = compat::new_ascii(len);
            (object, object.cast::<ffi::PyASCIIObject>().wrapping_add(1).cast())
        }
    }
}

macro_rules! kinds {
    ($($unit:ty: $size:literal $widest:literal)*) => { $(
        impl UnitWidth for $unit {
            type Unit = $unit;

            #[inline(always)]
            unsafe fn new(len: usize) -> (*mut ffi::PyObject, *mut $unit) {
                // SAFETY: the caller's promise; the units are right behind the larger header.
                unsafe {
                    let object = compat::new_wide(len, $size, $widest);
                    (object, object.cast::<ffi::PyCompactUnicodeObject>().wrapping_add(1).cast())
                }
            }
        }
    )* };
}

kinds! { u8: 1 0xff u16: 2 0xffff u32: 4 0x0010_ffff }

/// A new `str` of just these units, which the widest of them needs.
#[inline(always)]
fn copied<'py, K: UnitWidth<Unit = K> + Copy>(
    py: Python<'py>,
    units: &[K],
) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the new text has room for that many units.
    unsafe {
        let (object, to) = K::new(units.len());
        let owned = Bound::from_owned_ptr_or_err(py, object)?;
        to.copy_from_nonoverlapping(units.as_ptr(), units.len());
        Ok(owned)
    }
}

/// A new `str` of units that are wider than they need to be.
fn narrowed<'py, U: Copy + Into<u32>, K: UnitWidth>(
    py: Python<'py>,
    units: &[U],
) -> PyResult<Bound<'py, PyAny>>
where
    K::Unit: Narrow,
{
    // SAFETY: the new text has room for that many units.
    unsafe {
        let (object, to) = K::new(units.len());
        let owned = Bound::from_owned_ptr_or_err(py, object)?;
        for (at, &unit) in units.iter().enumerate() {
            to.add(at).write(K::Unit::of(unit.into()));
        }
        Ok(owned)
    }
}

trait Narrow {
    /// The lower part of a unit.
    fn of(unit: u32) -> Self;
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has seen that nothing is lost")]
impl Narrow for u8 {
    #[inline(always)]
    fn of(unit: u32) -> Self {
        unit as Self
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the caller has seen that nothing is lost")]
impl Narrow for u16 {
    #[inline(always)]
    fn of(unit: u32) -> Self {
        unit as Self
    }
}
