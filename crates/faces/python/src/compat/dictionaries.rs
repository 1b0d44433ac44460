//! Dictionaries: their tables read where they lie, and written as a whole.

use pyo3::ffi;
use pyo3::prelude::*;

/// An entry of a dictionary's table in which all keys are `str`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) key: *mut ffi::PyObject,
    pub(crate) value: *mut ffi::PyObject,
}

known_layout! {
    use super::with_collector;

    unsafe extern "C" {
        fn _PyDict_NewPresized(min_used: ffi::Py_ssize_t) -> *mut ffi::PyObject;
        fn _PyDict_SetItem_KnownHash(
            dict: *mut ffi::PyObject,
            key: *mut ffi::PyObject,
            value: *mut ffi::PyObject,
            hash: ffi::Py_hash_t,
        ) -> std::ffi::c_int;
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

    /// The size of the table for that many entries, as a power of two; eight at least.
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
}

unknown_layout! {
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
