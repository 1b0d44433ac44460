//! Memory that outlives a call, for the next one: most documents are small.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::prelude::*;

/// A place for one thing that no call uses at the moment.
///
/// With the interpreter's lock, its holder is alone, and an exchange that other processors
/// could see half of would take as long as reading a small document does.
pub(crate) struct ObjectSlot<T>(AtomicPtr<T>);

impl<T: Send> ObjectSlot<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// What rests there, which is then the caller's; nothing while another call uses it.
    #[inline]
    pub(crate) fn take(&self, py: Python<'_>) -> Option<Box<T>> {
        let object_slot = self.swap(py, ptr::null_mut());
        // SAFETY: `give_back` left it there from a box, and the finder takes it away.
        (!object_slot.is_null()).then(|| unsafe { Box::from_raw(object_slot) })
    }

    /// Leaves something there; what was there is dropped.
    #[inline]
    pub(crate) fn give_back(&self, py: Python<'_>, thing: Box<T>) {
        let former = self.swap(py, Box::into_raw(thing));
        if !former.is_null() {
            // SAFETY: as in `take`.
            drop(unsafe { Box::from_raw(former) });
        }
    }

    #[inline]
    fn swap(&self, _py: Python<'_>, thing: *mut T) -> *mut T {
        if cfg!(Py_GIL_DISABLED) {
            return self.0.swap(thing, Ordering::AcqRel);
        }
        let former = self.0.load(Ordering::Relaxed);
        self.0.store(thing, Ordering::Relaxed);
        former
    }
}

/// The memory of a vector, for elements that live longer or shorter.
#[inline]
pub(crate) fn emptied<A, B>(mut used: Vec<A>) -> Vec<B> {
    const { assert!(size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>()) }
    used.clear();
    let mut used = ManuallyDrop::new(used);
    // SAFETY: the memory is that of a vector, for elements of the same size and alignment, of which
    // there are none.
    unsafe { Vec::from_raw_parts(used.as_mut_ptr().cast(), 0, used.capacity()) }
}
