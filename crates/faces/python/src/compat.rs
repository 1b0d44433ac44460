//! What differs between the interpreters we know, each with a fallback for those we do not.
//!
//! Everything here is a thin wrapper around CPython's C API that PyO3 does not offer, or offers
//! more slowly than a parser's inner loop can bear.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;

/// The versions whose private dictionary functions and string layout were read and tested.
macro_rules! known_layout {
    ($($item:item)*) => { $(#[cfg(all(not(Py_3_14), not(Py_GIL_DISABLED)))] $item)* };
}

/// Every other interpreter.
macro_rules! unknown_layout {
    ($($item:item)*) => { $(#[cfg(any(Py_3_14, Py_GIL_DISABLED))] $item)* };
}

mod dictionaries;
mod strings;

pub(crate) use dictionaries::{
    Entry, dict_len, dict_like, new_dict, set_entry, template, text_dict, text_entries,
};
pub(crate) use strings::{cached_utf8, compact_ascii, make_ready, new_ascii, new_wide, text_kind};

/// Whether objects may be read where they lie.
pub(crate) const KNOWN_LAYOUT: bool = cfg!(all(not(Py_3_14), not(Py_GIL_DISABLED)));

known_layout! {
    unsafe extern "C" {
        fn _PyType_Lookup(
            class: *mut ffi::PyTypeObject,
            name: *mut ffi::PyObject,
        ) -> *mut ffi::PyObject;
    }

    /// What a class or a base of it has by a name, borrowed and unbound; null if nothing.
    ///
    /// # Safety
    /// `class` must be a type, `name` a `str`, and the interpreter be held.
    #[inline]
    pub(crate) unsafe fn type_attribute(
        class: *mut ffi::PyTypeObject,
        name: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { _PyType_Lookup(class, name) }
    }

    /// The layout of an `int`; digits have 30 bits.
    #[repr(C)]
    struct Int {
        #[cfg(not(Py_3_12))]
        base: ffi::PyVarObject,
        #[cfg(Py_3_12)]
        base: ffi::PyObject,
        /// From 3.12 on: the number of digits above three bits that say 0 for a positive number,
        /// 1 for none and 2 for a negative one.
        #[cfg(Py_3_12)]
        tag: usize,
        first_digit: u32,
    }

    /// The memory for an object that begins with a reference count of one and a type; null with an
    /// exception set if there is none.
    ///
    /// # Safety
    /// The interpreter must be held; objects of the type come from the interpreter's memory for
    /// objects and are not known to the collector; all fields are still to be written.
    #[inline(always)]
    unsafe fn new_object(class: *mut ffi::PyTypeObject, size: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe {
            let object = ffi::PyObject_Malloc(size).cast::<ffi::PyObject>();
            if object.is_null() {
                return ffi::PyErr_NoMemory();
            }
            object.write(ffi::PyObject { ob_type: class, ..ffi::PyObject_HEAD_INIT });
            object
        }
    }

    /// A new `float`, or null with an exception set.
    ///
    /// # Safety
    /// The interpreter must be held.
    #[inline(always)]
    pub(crate) unsafe fn new_float(value: f64) -> *mut ffi::PyObject {
        // SAFETY: the layout of a float is the interpreter's public one.
        unsafe {
            let object = new_object(&raw mut ffi::PyFloat_Type, size_of::<ffi::PyFloatObject>());
            if !object.is_null() {
                (*object.cast::<ffi::PyFloatObject>()).ob_fval = value;
            }
            object
        }
    }

    /// An `int`, or null with an exception set.
    ///
    /// # Safety
    /// The interpreter must be held.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "digits have 30 bits")]
    pub(crate) unsafe fn new_int(value: i64) -> *mut ffi::PyObject {
        const DIGIT: u32 = 30;
        let magnitude = value.unsigned_abs();
        // The interpreter has the small ones already.
        if magnitude <= 256 {
            // SAFETY: the caller's promise.
            return unsafe { ffi::PyLong_FromLongLong(value) };
        }
        let digits = 1
            + usize::from(magnitude >> DIGIT != 0)
            + usize::from(magnitude >> (2 * DIGIT) != 0);
        // SAFETY: the layout is padded to two digits, and there is room for a third where it counts;
        // as many are said to be there as there are.
        unsafe {
            let room = if digits > 2 { size_of::<Int>() + 8 } else { size_of::<Int>() };
            let object = new_object(&raw mut ffi::PyLong_Type, room);
            if object.is_null() {
                return object;
            }
            let int = object.cast::<Int>();
            #[cfg(not(Py_3_12))]
            {
                let size = digits.cast_signed();
                (*int).base.ob_size = if value < 0 { -size } else { size };
            }
            #[cfg(Py_3_12)]
            {
                (*int).tag = digits << 3 | if value < 0 { 2 } else { 0 };
            }
            let first = &raw mut (*int).first_digit;
            first.write(magnitude as u32 & ((1 << DIGIT) - 1));
            first.add(1).write((magnitude >> DIGIT) as u32 & ((1 << DIGIT) - 1));
            if digits > 2 {
                first.add(2).write((magnitude >> (2 * DIGIT)) as u32);
            }
            object
        }
    }

    /// The value of an `int` of at most one digit.
    ///
    /// # Safety
    /// `int` must be an `int` or of a subclass.
    #[inline]
    pub(crate) unsafe fn small_int(int: *mut ffi::PyObject) -> Option<i64> {
        let int = int.cast::<Int>();
        // SAFETY: there is always room for a first digit; it counts if there is one.
        unsafe {
            #[cfg(not(Py_3_12))]
            let (small, sign) = ((-1..=1).contains(&(*int).base.ob_size), (*int).base.ob_size as i64);
            #[cfg(Py_3_12)]
            let (small, sign) = ((*int).tag < 2 << 3, 1 - ((*int).tag & 3) as i64);
            small.then(|| sign * i64::from((*int).first_digit))
        }
    }

    /// The value of an `int` of at most two digits.
    ///
    /// # Safety
    /// `int` must be an `int` or of a subclass.
    #[inline]
    pub(crate) unsafe fn medium_int(int: *mut ffi::PyObject) -> Option<i64> {
        let int = int.cast::<Int>();
        // SAFETY: there is always room for a first digit, and for each that counts.
        unsafe {
            #[cfg(not(Py_3_12))]
            let (digits, sign) =
                ((*int).base.ob_size.unsigned_abs(), (*int).base.ob_size.signum() as i64);
            #[cfg(Py_3_12)]
            let (digits, sign) = ((*int).tag >> 3, 1 - ((*int).tag & 3) as i64);
            let low = i64::from((*int).first_digit);
            match digits {
                0 | 1 => Some(sign * low),
                2 => {
                    let high = (&raw const (*int).first_digit).add(1).read();
                    Some(sign * (i64::from(high) << 30 | low))
                }
                _ => None,
            }
        }
    }

    /// A new list of these objects, whose references it takes over; null with an exception set if
    /// there is no memory for it.
    ///
    /// # Safety
    /// The interpreter must be held, and `items` be that many references.
    #[inline]
    pub(crate) unsafe fn new_list(items: *const *mut ffi::PyObject, len: usize) -> *mut ffi::PyObject {
        // SAFETY: the memory for the items comes from where the interpreter will give it back to; the
        // list is empty until they are there.
        unsafe {
            let list = ffi::PyList_New(0);
            if list.is_null() || len == 0 {
                return list;
            }
            let memory = ffi::PyMem_Malloc(size_of_val(std::slice::from_raw_parts(items, len)));
            if memory.is_null() {
                ffi::Py_DECREF(list);
                return ffi::PyErr_NoMemory();
            }
            let memory = memory.cast::<*mut ffi::PyObject>();
            memory.copy_from_nonoverlapping(items, len);
            let fields = list.cast::<ffi::PyListObject>();
            (*fields).ob_item = memory;
            (*fields).allocated = len.cast_signed();
            (*fields).ob_base.ob_size = len.cast_signed();
            list
        }
    }
}

known_layout! {
    /// How a slot describes itself; the fields before `member` are those of every descriptor.
    #[repr(C)]
    struct MemberDescriptor {
        base: ffi::PyObject,
        class: *mut ffi::PyTypeObject,
        name: *mut ffi::PyObject,
        qualname: *mut ffi::PyObject,
        member: *mut ffi::PyMemberDef,
    }

    /// Where in the instances of a class the slot is that an attribute of it stands for, if it is one.
    ///
    /// A class may have any object as an attribute, and so the slot of another class, in whose
    /// instances it lies elsewhere.
    pub(crate) fn slot_offset(
        class: &Bound<'_, pyo3::types::PyType>,
        attribute: &Bound<'_, PyAny>,
    ) -> Option<usize> {
        /// `T_OBJECT_EX`: an object, or null.
        const OBJECT: std::ffi::c_int = 16;
        if !std::ptr::eq(attribute.get_type_ptr(), &raw const ffi::PyMemberDescr_Type) {
            return None;
        }
        let class = class.as_type_ptr();
        // SAFETY: a descriptor of this very type has this layout; both are types.
        let (member, is_own, size) = unsafe {
            let descriptor = attribute.as_ptr().cast::<MemberDescriptor>();
            let is_own = ffi::PyType_IsSubtype(class, (*descriptor).class) != 0;
            (&*(*descriptor).member, is_own, (*class).tp_basicsize.cast_unsigned())
        };
        let offset = usize::try_from(member.offset).ok()?;
        let is_inside = (size_of::<ffi::PyObject>()..=size.saturating_sub(size_of::<usize>()))
            .contains(&offset)
            && offset % align_of::<usize>() == 0;
        (is_own && is_inside && member.type_code == OBJECT).then_some(offset)
    }
}

unknown_layout! {
    /// Nothing is known of what classes have.
    ///
    /// # Safety
    /// None is needed.
    pub(crate) unsafe fn type_attribute(
        _class: *mut ffi::PyTypeObject,
        _name: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject {
        std::ptr::null_mut()
    }

    /// Where in an instance a slot is: not known here, so that slots are set by their names.
    pub(crate) fn slot_offset(
        _class: &Bound<'_, pyo3::types::PyType>,
        _attribute: &Bound<'_, PyAny>,
    ) -> Option<usize> {
        None
    }

    /// The value of an `int` that is cheap to look at: here none is.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn medium_int(_int: *mut ffi::PyObject) -> Option<i64> {
        None
    }

    /// A new `float`, or null with an exception set.
    ///
    /// # Safety
    /// The interpreter must be held.
    pub(crate) unsafe fn new_float(value: f64) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyFloat_FromDouble(value) }
    }

    /// An `int`, or null with an exception set.
    ///
    /// # Safety
    /// The interpreter must be held.
    pub(crate) unsafe fn new_int(value: i64) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyLong_FromLongLong(value) }
    }

    /// A new list of these objects, whose references it takes over.
    ///
    /// # Safety
    /// The interpreter must be held, and `items` be that many references.
    pub(crate) unsafe fn new_list(items: *const *mut ffi::PyObject, len: usize) -> *mut ffi::PyObject {
        // SAFETY: a new list of `len` has that many empty places.
        unsafe {
            let list = ffi::PyList_New(len.cast_signed());
            if !list.is_null() {
                for index in 0..len {
                    ffi::PyList_SET_ITEM(list, index.cast_signed(), *items.add(index));
                }
            }
            list
        }
    }

    /// The value of an `int` that is cheap to look at: here none is.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn small_int(_int: *mut ffi::PyObject) -> Option<i64> {
        None
    }
}

/// The flags of a type.
///
/// # Safety
/// `class` must be a type.
#[inline(always)]
pub(crate) unsafe fn type_flags(class: *mut ffi::PyTypeObject) -> std::ffi::c_ulong {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(Py_GIL_DISABLED)]
        return (*class).tp_flags.load(std::sync::atomic::Ordering::Relaxed);
        #[cfg(not(Py_GIL_DISABLED))]
        return (*class).tp_flags;
    }
}

/// Whether no class but `object` says in C how instances are made: then `object.__new__` makes them.
#[cold]
pub(crate) fn is_made_by_object(class: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Ok(class) = class.cast::<pyo3::types::PyType>() else { return Ok(false) };
    let object = class.py().get_type::<PyAny>();
    for base in class.mro() {
        let own = base.getattr("__dict__")?;
        let new = own.get_item("__new__").ok();
        let is_in_c = new.is_some_and(|new| new.is_instance_of::<pyo3::types::PyCFunction>());
        if !base.is(&object) && is_in_c {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An object's attribute; `None` if it has none of that name, for which no exception is made.
#[inline]
pub(crate) fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, pyo3::types::PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    #[cfg(not(Py_3_13))]
    unsafe extern "C" {
        #[link_name = "_PyObject_LookupAttr"]
        fn PyObject_GetOptionalAttr(
            object: *mut ffi::PyObject,
            name: *mut ffi::PyObject,
            result: *mut *mut ffi::PyObject,
        ) -> std::ffi::c_int;
    }
    #[cfg(Py_3_13)]
    use ffi::PyObject_GetOptionalAttr;
    let mut found = std::ptr::null_mut();
    // SAFETY: an object, a `str`, and a place for a new reference.
    unsafe {
        if PyObject_GetOptionalAttr(object.as_ptr(), name.as_ptr(), &raw mut found) < 0 {
            return Err(PyErr::fetch(object.py()));
        }
        Ok(Bound::from_owned_ptr_or_opt(object.py(), found))
    }
}

/// Asks for large pages under memory that is about to be filled: their faults cost less than the
/// copying itself otherwise.
///
/// Only for what certainly has a mapping of its own: the allocator's heap would keep the advice.
#[inline]
pub(crate) fn expect_large(start: *mut u8, len: usize) {
    const WORTH_IT: usize = 32 << 20;
    if len >= WORTH_IT {
        large_pages(start, len);
    }
}

#[cfg(target_os = "linux")]
#[cold]
fn large_pages(start: *mut u8, len: usize) {
    const ADVICE: std::ffi::c_int = 14; // MADV_HUGEPAGE
    const PAGE: usize = 4096;
    unsafe extern "C" {
        fn madvise(
            start: *mut std::ffi::c_void,
            len: usize,
            advice: std::ffi::c_int,
        ) -> std::ffi::c_int;
    }
    let before = start.align_offset(PAGE);
    // SAFETY: whole pages inside of memory that is the caller's; advice changes no byte of it, and
    // a kernel that does not know it says no.
    unsafe {
        madvise(start.add(before).cast(), (len - before) / PAGE * PAGE, ADVICE);
    }
}

#[cfg(not(target_os = "linux"))]
fn large_pages(_: *mut u8, _: usize) {}

/// Keeps the cyclic collector from running while an object tree is built.
///
/// Every new container would otherwise bring the next collection nearer, and each collection walks
/// what was built so far and finds nothing. No Python code may run meanwhile: then no code can see
/// the pause, and no other thread can pause at the same time.
pub(crate) struct CollectorPause {
    was_enabled: bool,
}

impl CollectorPause {
    /// Pauses the collector until the value is dropped.
    pub(crate) fn new(_py: Python<'_>) -> Self {
        // Without the lock, other threads would be left without a collector too.
        #[cfg(Py_GIL_DISABLED)]
        let was_enabled = false;
        // SAFETY: the interpreter is held.
        #[cfg(not(Py_GIL_DISABLED))]
        let was_enabled = unsafe { ffi::PyGC_Disable() == 1 };
        if was_enabled {
            PAUSED.store(true, Ordering::Relaxed);
        }
        Self { was_enabled }
    }

    /// No pause, for builds that call Python code.
    pub(crate) fn none() -> Self {
        Self { was_enabled: false }
    }
}

impl Drop for CollectorPause {
    fn drop(&mut self) {
        if self.was_enabled && PAUSED.swap(false, Ordering::Relaxed) {
            // SAFETY: the interpreter is held for as long as the builder that owns the pause.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}

/// Whether the collector is off because of a pause, and not because Python code wants it so.
static PAUSED: AtomicBool = AtomicBool::new(false);

/// Runs what calls Python code in the middle of a build: the collector's state is the caller's while
/// it runs, and what it makes of it stays.
#[inline]
pub(crate) fn with_collector<T>(_py: Python<'_>, run: impl FnOnce() -> T) -> T {
    if !PAUSED.swap(false, Ordering::Relaxed) {
        return run();
    }
    // SAFETY: the interpreter is held.
    unsafe { ffi::PyGC_Enable() };
    let outcome = run();
    // SAFETY: as above.
    if unsafe { ffi::PyGC_Disable() } == 1 {
        PAUSED.store(true, Ordering::Relaxed);
    }
    outcome
}
