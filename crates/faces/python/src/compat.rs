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

mod strings;

pub(crate) use strings::{cached_utf8, compact_ascii, make_ready, new_ascii, new_wide, text_kind};

/// An entry of a dictionary's table in which all keys are `str`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) key: *mut ffi::PyObject,
    pub(crate) value: *mut ffi::PyObject,
}

/// Whether objects may be read where they lie.
pub(crate) const KNOWN_LAYOUT: bool = cfg!(all(not(Py_3_14), not(Py_GIL_DISABLED)));

known_layout! {
    unsafe extern "C" {
        fn _PyDict_NewPresized(min_used: ffi::Py_ssize_t) -> *mut ffi::PyObject;
        fn _PyDict_SetItem_KnownHash(
            dict: *mut ffi::PyObject,
            key: *mut ffi::PyObject,
            value: *mut ffi::PyObject,
            hash: ffi::Py_hash_t,
        ) -> std::ffi::c_int;
    }

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

    /// A new dictionary with room for `len` entries, or null with an exception set.
    #[inline]
    pub(crate) unsafe fn new_dict(len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller holds the interpreter; any length is allowed.
        unsafe { _PyDict_NewPresized(len.cast_signed()) }
    }

    /// Puts an entry into a dictionary of our own; -1 with an exception set on failure.
    ///
    /// # Safety
    /// `dict` must be a `dict`, `key` an object with a hash, and the interpreter be held.
    #[inline]
    pub(crate) unsafe fn set_entry(
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> std::ffi::c_int {
        // SAFETY: an exact `str` has the hash field that is read, and the rest is the caller's
        // promise.
        unsafe {
            if ffi::PyUnicode_CheckExact(key) != 0 {
                let hash = (*key.cast::<ffi::PyASCIIObject>()).hash;
                if hash != -1 {
                    return _PyDict_SetItem_KnownHash(dict, key, value, hash);
                }
                return ffi::PyDict_SetItem(dict, key, value);
            }
            // Its class may have a `__hash__` in Python.
            with_collector(Python::assume_attached(), || ffi::PyDict_SetItem(dict, key, value))
        }
    }

    /// The layout of a `dict`.
    #[repr(C)]
    struct Dict {
        base: ffi::PyObject,
        used: ffi::Py_ssize_t,
        version: u64,
        keys: *mut Keys,
        /// Not null if the keys are shared with other dictionaries.
        values: *mut std::ffi::c_void,
    }

    /// The layout of a dictionary's table, behind which the indices lie, and then the entries.
    #[repr(C)]
    struct Keys {
        references: ffi::Py_ssize_t,
        log2_size: u8,
        log2_index_bytes: u8,
        kind: u8,
        version: u32,
        usable: ffi::Py_ssize_t,
        entry_count: ffi::Py_ssize_t,
    }

    /// The kind of such a table, if it is not shared.
    const TEXT_KEYS: u8 = 1;

    /// The entries of a dictionary that is a table of its own with `str` keys: where the first one
    /// is, and how many there are. Some may have no value (null).
    ///
    /// # Safety
    /// `dict` must be a `dict` or of a subclass.
    #[inline(always)]
    pub(crate) unsafe fn text_entries(dict: *mut ffi::PyObject) -> Option<(*mut Entry, usize)> {
        // SAFETY: the caller's promise; the entries lie behind 2 to the power of
        // `log2_index_bytes` bytes of indices.
        unsafe {
            let dict = dict.cast::<Dict>();
            let keys = (*dict).keys;
            if (*keys).kind != TEXT_KEYS || !(*dict).values.is_null() {
                return None;
            }
            let entries = keys.add(1).cast::<u8>().add(1 << (*keys).log2_index_bytes);
            Some((entries.cast(), (*keys).entry_count.cast_unsigned()))
        }
    }

    /// How many entries a dictionary has.
    ///
    /// # Safety
    /// `dict` must be a `dict` or of a subclass.
    #[inline(always)]
    pub(crate) unsafe fn dict_len(dict: *mut ffi::PyObject) -> usize {
        // SAFETY: the caller's promise.
        unsafe { (*dict.cast::<Dict>()).used.cast_unsigned() }
    }

    /// A dictionary with these keys and any values; none if two of the keys are equal.
    #[cold]
    pub(crate) fn template<'py>(
        py: Python<'py>,
        entries: &[[Bound<'py, PyAny>; 2]],
    ) -> Option<Bound<'py, PyAny>> {
        // SAFETY: the interpreter is held, and the dictionary no other code's. A presized one would have
        // a table for keys of any type.
        unsafe {
            let dict = ffi::PyDict_New();
            let dict = Bound::from_owned_ptr_or_opt(py, dict).or_else(no_exception)?;
            for [key, _] in entries {
                if set_entry(dict.as_ptr(), key.as_ptr(), key.as_ptr()) < 0 {
                    return no_exception();
                }
            }
            let (_, count) = text_entries(dict.as_ptr())?;
            (count == entries.len()).then_some(dict)
        }
    }

    /// Memory for a dictionary's table, from where the interpreter will give it back to.
    unsafe fn new_table(size: usize) -> *mut Keys {
        // SAFETY: the caller holds the interpreter.
        unsafe {
            #[cfg(not(Py_3_13))]
            return ffi::PyObject_Malloc(size).cast();
            #[cfg(Py_3_13)]
            return ffi::PyMem_Malloc(size).cast();
        }
    }

    /// Gives the memory of a table back.
    #[cold]
    unsafe fn free_table(table: *mut Keys) {
        // SAFETY: the caller has it from `new_table`, and holds the interpreter.
        unsafe {
            #[cfg(not(Py_3_13))]
            ffi::PyObject_Free(table.cast());
            #[cfg(Py_3_13)]
            ffi::PyMem_Free(table.cast());
        }
    }

    /// The most entries of a table of this size: two thirds.
    const fn usable(log2_size: u32) -> usize {
        (2 << log2_size) / 3
    }

    /// The size of the table for so many entries, as a power of two; eight at least.
    #[inline(always)]
    const fn log2_size_for(entries: usize) -> u32 {
        let log2 = (entries * 3).div_ceil(2).next_power_of_two().trailing_zeros();
        if log2 < 3 { 3 } else { log2 }
    }

    /// The hash of a `str`, which keeps it.
    ///
    /// # Safety
    /// `key` is an exact `str`, and the interpreter held.
    #[inline(always)]
    unsafe fn text_hash(key: *mut ffi::PyObject) -> usize {
        // SAFETY: the caller's promise; to hash a text cannot fail.
        unsafe {
            let known = (*key.cast::<ffi::PyASCIIObject>()).hash;
            let hash = if known == -1 { ffi::PyObject_Hash(key) } else { known };
            hash.cast_unsigned()
        }
    }

    /// Writes where the entries are to be found, in the order in which the interpreter looks for
    /// them; `false` if two keys may be equal.
    ///
    /// # Safety
    /// `indices` has room for a table of that size, whose bytes are all ones; the keys are exact
    /// `str`, fewer than the table has places and than `I` can number.
    #[inline(always)]
    unsafe fn write_indices<I: Copy + TryFrom<usize> + TryInto<usize>>(
        indices: *mut I,
        mask: usize,
        pairs: &[[Bound<'_, PyAny>; 2]],
    ) -> bool {
        for (number, [key, _]) in pairs.iter().enumerate() {
            // SAFETY: the caller's promise; places are within the table, numbers within the entries.
            unsafe {
                let hash = text_hash(key.as_ptr());
                let (mut place, mut rest) = (hash & mask, hash);
                while let Ok(taken) = (*indices.add(place)).try_into()
                    && let Some([other, _]) = pairs.get(taken)
                {
                    if std::ptr::eq(other.as_ptr(), key.as_ptr())
                        || text_hash(other.as_ptr()) == hash
                    {
                        return false;
                    }
                    rest >>= 5;
                    place = place.wrapping_mul(5).wrapping_add(rest).wrapping_add(1) & mask;
                }
                let Ok(number) = number.try_into() else { return false };
                indices.add(place).write(number);
            }
        }
        true
    }

    /// A dictionary of the keys and values from `base` on, which then leave the stack; `None`, and
    /// nothing happens, if a key is no `str`, or two may be equal.
    ///
    /// The entries lie on the stack as they lie in a dictionary's table: what is left to write is
    /// where each is found, which the interpreter would do with a call for each key.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "powers of two below 64")]
    pub(crate) fn text_dict<'py>(
        py: Python<'py>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Option<Bound<'py, PyAny>> {
        let (pairs, _) = values[base..].as_chunks::<2>();
        let count = pairs.len();
        let log2_size = log2_size_for(count);
        if count == 0 || log2_size >= 32 {
            return None;
        }
        let mut flags = 0;
        // SAFETY: as for `dict_like`; the head, the indices and the entries are written as the
        // interpreter writes them.
        unsafe {
            for [key, value] in pairs {
                if !std::ptr::eq(key.get_type_ptr(), &raw const ffi::PyUnicode_Type) {
                    return None;
                }
                flags |= (*value.get_type_ptr()).tp_flags;
            }
            let log2_index_bytes = log2_size + u32::from(log2_size >= 8) + u32::from(log2_size >= 16);
            let (head, usable) = (size_of::<Keys>() + (1 << log2_index_bytes), usable(log2_size));
            let table = new_table(head + usable * size_of::<Entry>());
            if table.is_null() {
                return None;
            }
            table.write(Keys {
                references: 1,
                log2_size: log2_size as u8,
                log2_index_bytes: log2_index_bytes as u8,
                kind: TEXT_KEYS,
                version: 0,
                usable: (usable - count).cast_signed(),
                entry_count: count.cast_signed(),
            });
            let indices = table.add(1).cast::<u8>();
            indices.write_bytes(0xff, 1 << log2_index_bytes);
            let mask = (1 << log2_size) - 1;
            let are_unique = match log2_index_bytes - log2_size {
                0 => write_indices::<u8>(indices, mask, pairs),
                1 => write_indices::<u16>(indices.cast(), mask, pairs),
                _ => write_indices::<u32>(indices.cast(), mask, pairs),
            };
            let dict = if are_unique { ffi::PyDict_New() } else { std::ptr::null_mut() };
            if dict.is_null() {
                free_table(table);
                return no_exception();
            }
            let entries = table.byte_add(head).cast::<Entry>();
            entries.copy_from_nonoverlapping(pairs.as_ptr().cast::<Entry>(), count);
            entries.add(count).write_bytes(0, usable - count);
            values.set_len(base);
            let fields = dict.cast::<Dict>();
            (*fields).keys = table;
            (*fields).used = count.cast_signed();
            // An empty dictionary is none that the collector knows.
            if flags & ffi::Py_TPFLAGS_HAVE_GC != 0 {
                ffi::PyObject_GC_Track(dict.cast());
            }
            Bound::from_owned_ptr_or_opt(py, dict)
        }
    }

    /// A dictionary of the keys and values from `base` on, which then leave the stack; `None`, and
    /// nothing happens, if the keys are not those of the template.
    ///
    /// The head and the indices of its table are those of the template's, and the entries lie on
    /// the stack already as they lie in a table.
    #[inline]
    pub(crate) fn dict_like<'py>(
        template: &Bound<'py, PyAny>,
        values: &mut Vec<Bound<'py, PyAny>>,
        base: usize,
    ) -> Option<Bound<'py, PyAny>> {
        let (pairs, _) = values[base..].as_chunks::<2>();
        // SAFETY: templates are dictionaries that no other code knows, so that no entry was ever
        // removed; they keep the keys alive, so that the same address is the same key. The new
        // dictionary has the table of all empty ones, which is never freed; it gets one of its own,
        // of the size that the template's has, and with it the references from the stack.
        unsafe {
            let (known, count) = text_entries(template.as_ptr())?;
            if count != pairs.len() {
                return None;
            }
            let mut flags = 0;
            for (index, [key, value]) in pairs.iter().enumerate() {
                if !std::ptr::eq((*known.add(index)).key, key.as_ptr()) {
                    return None;
                }
                flags |= (*value.get_type_ptr()).tp_flags;
            }
            let source = (*template.as_ptr().cast::<Dict>()).keys;
            let head = known.byte_offset_from(source).cast_unsigned();
            let unused = (*source).usable.cast_unsigned();
            let dict = ffi::PyDict_New();
            let dict = Bound::from_owned_ptr_or_opt(template.py(), dict).or_else(no_exception)?;
            let table = new_table(head + (count + unused) * size_of::<Entry>());
            if table.is_null() {
                return None;
            }
            table.cast::<u8>().copy_from_nonoverlapping(source.cast::<u8>(), head);
            let entries = table.byte_add(head).cast::<Entry>();
            entries.copy_from_nonoverlapping(pairs.as_ptr().cast::<Entry>(), count);
            entries.add(count).write_bytes(0, unused);
            values.set_len(base);
            let fields = dict.as_ptr().cast::<Dict>();
            (*fields).keys = table;
            (*fields).used = count.cast_signed();
            // An empty dictionary is none that the collector knows.
            if flags & ffi::Py_TPFLAGS_HAVE_GC != 0 {
                ffi::PyObject_GC_Track(dict.as_ptr().cast());
            }
            Some(dict)
        }
    }

    #[cold]
    fn no_exception<T>() -> Option<T> {
        // SAFETY: the interpreter is held by the caller, who holds objects.
        unsafe { ffi::PyErr_Clear() };
        None
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

    /// How many entries a dictionary has.
    ///
    /// # Safety
    /// `dict` must be a `dict` or of a subclass.
    pub(crate) unsafe fn dict_len(dict: *mut ffi::PyObject) -> usize {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyDict_Size(dict).cast_unsigned() }
    }

    /// The entries of a dictionary, where they lie: here it is not known.
    ///
    /// # Safety
    /// None.
    pub(crate) unsafe fn text_entries(_dict: *mut ffi::PyObject) -> Option<(*mut Entry, usize)> {
        None
    }

    /// A template for dictionaries: here there is none.
    pub(crate) fn template<'py>(
        _py: Python<'py>,
        _entries: &[[Bound<'py, PyAny>; 2]],
    ) -> Option<Bound<'py, PyAny>> {
        None
    }

    /// A copy of a template with other values: here there is none.
    pub(crate) fn dict_like<'py>(
        _template: &Bound<'py, PyAny>,
        _values: &mut Vec<Bound<'py, PyAny>>,
        _base: usize,
    ) -> Option<Bound<'py, PyAny>> {
        None
    }

    /// A dictionary whose table is written by ourselves: not here.
    pub(crate) fn text_dict<'py>(
        _py: Python<'py>,
        _values: &mut Vec<Bound<'py, PyAny>>,
        _base: usize,
    ) -> Option<Bound<'py, PyAny>> {
        None
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

    /// A new dictionary, or null with an exception set.
    #[inline]
    pub(crate) unsafe fn new_dict(_len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller holds the interpreter.
        unsafe { ffi::PyDict_New() }
    }

    /// Puts an entry into a dictionary of our own; -1 with an exception set on failure.
    ///
    /// # Safety
    /// `dict` must be a `dict`, and the interpreter be held.
    #[inline]
    pub(crate) unsafe fn set_entry(
        dict: *mut ffi::PyObject,
        key: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> std::ffi::c_int {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyDict_SetItem(dict, key, value) }
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
