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

/// A float whose digits are found, and written later.
///
/// Where a number belongs is known when the length of the one before it is, for which its digits must
/// be known. A processor that waits for that finds the digits of one number after the other's; so
/// find those of a few, then write them.
#[derive(Clone, Copy)]
pub struct Found {
    value: f64,
    #[cfg(target_arch = "x86_64")]
    digits: float::vector::Found,
}

impl Found {
    /// Finds the digits of a finite float.
    ///
    /// # Safety
    /// On x86-64 the processor has AVX2 and BMI2, and the function that calls this is compiled for
    /// them.
    #[must_use]
    #[inline(always)]
    pub unsafe fn new(value: f64) -> Self {
        // SAFETY: the caller's promise.
        #[cfg(target_arch = "x86_64")]
        let digits = unsafe { float::vector::Found::new::<false>(value) };
        Self {
            value,
            #[cfg(target_arch = "x86_64")]
            digits,
        }
    }

    /// Writes them to `to`; returns the length.
    ///
    /// # Safety
    /// As that of [`new`](Found::new), and [`NUMBER_ROOM`] bytes can be written to `to`.
    #[inline(always)]
    pub unsafe fn write(&self, to: *mut u8) -> usize {
        // SAFETY: the caller's promise.
        unsafe {
            #[cfg(target_arch = "x86_64")]
            if let Some(length) = self.digits.write(to) {
                return length;
            }
            float::write_slowly(self.value, to)
        }
    }
}
