//! Single numbers, written straight into memory: for writers that need no [`Sink`].
//!
//! [`Sink`]: cannery_core::Sink
#![expect(unsafe_code, reason = "the memory is not initialized, and its size is the caller's word")]

use super::{float, integer};

/// The most bytes that a number touches.
pub const NUMBER_ROOM: usize =
    if float::ROOM > integer::ROOM { float::ROOM } else { integer::ROOM };

/// Writes an integer to `to`; returns its length.
///
/// # Safety
/// [`NUMBER_ROOM`] bytes can be written to `to`.
#[inline(always)]
pub unsafe fn int(value: i64, to: *mut u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { integer::write(value, to) }
}

/// Writes a finite float to `to` as Python prints it; returns its length.
///
/// # Safety
/// [`NUMBER_ROOM`] bytes can be written to `to`.
#[inline(always)]
pub unsafe fn float(value: f64, to: *mut u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { float::write(value, to) }
}
