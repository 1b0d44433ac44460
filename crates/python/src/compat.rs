//! What differs between the interpreters we know, each with a fallback for those we do not.
//!
//! Everything here is a thin wrapper around CPython's C API that PyO3 does not offer, or offers
//! more slowly than a parser's inner loop can bear.

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
            }
            ffi::PyDict_SetItem(dict, key, value)
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
        // SAFETY: the interpreter is held, and the dictionary nobody else's. A presized one would have
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
        // SAFETY: templates are dictionaries that nobody else knows, so that no entry was ever
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
        // The interpreter has the small ones already; three digits are rare.
        if magnitude <= 256 || magnitude >> (2 * DIGIT) != 0 {
            // SAFETY: the caller's promise.
            return unsafe { ffi::PyLong_FromLongLong(value) };
        }
        let digits = 1 + usize::from(magnitude >> DIGIT != 0);
        // SAFETY: the layout is padded to two digits, and as many are said to be there as there are.
        unsafe {
            let object = new_object(&raw mut ffi::PyLong_Type, size_of::<Int>());
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
            first.add(1).write((magnitude >> DIGIT) as u32);
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

    /// What the header of such a text says of it: one byte a character, in one piece, ASCII, and,
    /// where there are others, ready.
    const ASCII_STATE: u32 = 1 << 2 | 1 << 5 | 1 << 6 | if cfg!(Py_3_12) { 0 } else { 1 << 7 };

    /// A new ASCII text whose `len` characters, more than one, are still to be written; null with an
    /// exception set if there is no memory for it.
    ///
    /// # Safety
    /// The interpreter must be held.
    #[inline(always)]
    pub(crate) unsafe fn new_ascii(len: usize) -> *mut ffi::PyObject {
        const HEADER: usize = size_of::<ffi::PyASCIIObject>();
        // SAFETY: the memory is the header's, the characters' and a NUL's, and comes from where
        // strings go back to.
        unsafe {
            let object = new_object(&raw mut ffi::PyUnicode_Type, HEADER + len + 1);
            if object.is_null() {
                return object;
            }
            let text = object.cast::<ffi::PyASCIIObject>();
            (*text).length = len.cast_signed();
            (*text).hash = -1;
            (*text).state = ASCII_STATE;
            #[cfg(not(Py_3_12))]
            {
                (*text).wstr = std::ptr::null_mut();
            }
            text.add(1).cast::<u8>().add(len).write(0);
            object
        }
    }

    /// A new text of units of 1, 2 or 4 bytes, not all of which will be ASCII; they, more than one,
    /// are still to be written. Null with an exception set if there is no memory for it.
    ///
    /// # Safety
    /// The interpreter must be held; `widest` is the largest unit of the size.
    #[inline(always)]
    pub(crate) unsafe fn new_wide(len: usize, size: u8, widest: u32) -> *mut ffi::PyObject {
        const HEADER: usize = size_of::<ffi::PyCompactUnicodeObject>();
        // Until 3.11, what has the width of C's wide characters is shared with them.
        if size == 4 {
            // SAFETY: the caller's promise.
            return unsafe { ffi::PyUnicode_New(len.cast_signed(), widest) };
        }
        // SAFETY: the memory is the header's, the units' and a NUL's, and comes from where strings
        // go back to. Zeros stand for the copies that the header has no use for yet.
        unsafe {
            let object = new_object(&raw mut ffi::PyUnicode_Type, HEADER + (len + 1) * usize::from(size));
            if object.is_null() {
                return object;
            }
            let text = object.cast::<ffi::PyCompactUnicodeObject>();
            let behind_head = object.add(1).cast::<u8>();
            behind_head.write_bytes(0, HEADER - size_of::<ffi::PyObject>());
            (*text)._base.length = len.cast_signed();
            (*text)._base.hash = -1;
            (*text)._base.state = ASCII_STATE & !(7 << 2 | 1 << 6) | u32::from(size) << 2;
            text.add(1).cast::<u8>().add(len * usize::from(size)).write_bytes(0, size.into());
            object
        }
    }

    /// The characters of a text that is ASCII and in one piece with its header.
    ///
    /// # Safety
    /// `text` must be a `str`, and live as long as `'a`.
    #[inline]
    pub(crate) unsafe fn compact_ascii<'a>(text: *mut ffi::PyObject) -> Option<&'a str> {
        let text = text.cast::<ffi::PyASCIIObject>();
        // SAFETY: bits 5 and 6 of `state` (see `text_kind`) say that so many ASCII characters
        // follow the header.
        unsafe {
            if (*text).state >> 5 & 3 != 3 {
                return None;
            }
            let len = (*text).length.cast_unsigned();
            let bytes = std::slice::from_raw_parts(text.add(1).cast::<u8>(), len);
            Some(std::str::from_utf8_unchecked(bytes))
        }
    }

    /// The UTF-8 of a text in one piece that is not ASCII, if somebody has asked for it before.
    ///
    /// # Safety
    /// `text` must be a `str`, and live as long as `'a`.
    #[inline]
    pub(crate) unsafe fn cached_utf8<'a>(text: *mut ffi::PyObject) -> Option<&'a str> {
        let text = text.cast::<ffi::PyCompactUnicodeObject>();
        // SAFETY: bits 5 and 6 of `state` (see `text_kind`) tell that the larger header is there;
        // what the interpreter keeps in it is valid, and stays while the text lives.
        unsafe {
            if (*text)._base.state >> 5 & 3 != 1 || (*text).utf8.is_null() {
                return None;
            }
            let len = (*text).utf8_length.cast_unsigned();
            let bytes = std::slice::from_raw_parts((*text).utf8.cast::<u8>(), len);
            Some(std::str::from_utf8_unchecked(bytes))
        }
    }

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str` that is ready.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: every `str` begins with this header. Bits of `state`, in 3.11 to 3.13:
        // interned 2, kind 3, compact 1, ascii 1.
        let state = unsafe { (*text.cast::<ffi::PyASCIIObject>()).state };
        (state >> 2 & 7, state >> 6 & 1 == 1)
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

    /// Where in an instance the slot is that a class attribute stands for, if it is one.
    pub(crate) fn slot_offset(attribute: &Bound<'_, PyAny>) -> Option<usize> {
        /// `T_OBJECT_EX`: an object, or null.
        const OBJECT: std::ffi::c_int = 16;
        if !std::ptr::eq(attribute.get_type_ptr(), &raw const ffi::PyMemberDescr_Type) {
            return None;
        }
        // SAFETY: a descriptor of this very type has this layout.
        let member = unsafe { &*(*attribute.as_ptr().cast::<MemberDescriptor>()).member };
        (member.type_code == OBJECT).then(|| usize::try_from(member.offset).ok()).flatten()
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

    /// The entries of a dictionary, where they lie: here nobody knows.
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

    /// Where in an instance a slot is: not known here, so that slots are set by their names.
    pub(crate) fn slot_offset(_attribute: &Bound<'_, PyAny>) -> Option<usize> {
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

    /// A new ASCII text whose characters are still to be written.
    ///
    /// # Safety
    /// The interpreter must be held.
    pub(crate) unsafe fn new_ascii(len: usize) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len.cast_signed(), 0x7f) }
    }

    /// A new text, not all of it ASCII, whose units are still to be written.
    ///
    /// # Safety
    /// The interpreter must be held; `widest` is the largest unit of the size.
    pub(crate) unsafe fn new_wide(len: usize, _size: u8, widest: u32) -> *mut ffi::PyObject {
        // SAFETY: the caller's promise.
        unsafe { ffi::PyUnicode_New(len.cast_signed(), widest) }
    }

    /// The characters of a text, if that is cheap to find out: here it is not.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn compact_ascii<'a>(_text: *mut ffi::PyObject) -> Option<&'a str> {
        None
    }

    /// The UTF-8 of a text, if somebody has asked for it before: here nobody knows.
    ///
    /// # Safety
    /// None.
    #[inline]
    pub(crate) unsafe fn cached_utf8<'a>(_text: *mut ffi::PyObject) -> Option<&'a str> {
        None
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

    /// Width of a character in bytes (1, 2 or 4), and whether all are ASCII.
    ///
    /// # Safety
    /// `text` must be a `str`.
    #[inline]
    pub(crate) unsafe fn text_kind(text: *mut ffi::PyObject) -> (u32, bool) {
        // SAFETY: the caller's promise.
        unsafe {
            let kind = ffi::PyUnicode_KIND(text);
            let ascii = kind == 1 && is_ascii(text);
            (kind, ascii)
        }
    }

    unsafe fn is_ascii(text: *mut ffi::PyObject) -> bool {
        // SAFETY: the text has one byte a character, and lives as long as the caller's reference.
        unsafe {
            let data = ffi::PyUnicode_DATA(text).cast::<u8>();
            let len = ffi::PyUnicode_GET_LENGTH(text).cast_unsigned();
            std::slice::from_raw_parts(data, len).is_ascii()
        }
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

/// Makes a `str` of the oldest kind (3.11 only) fit to be read.
///
/// # Safety
/// `text` must be a `str`, and the interpreter be held.
#[inline]
pub(crate) unsafe fn make_ready(text: *mut ffi::PyObject) -> bool {
    #[cfg(Py_3_12)]
    {
        let _ = text;
        true
    }
    #[cfg(not(Py_3_12))]
    // SAFETY: the caller's promise.
    unsafe {
        ffi::PyUnicode_READY(text) == 0
    }
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
/// what was built so far and finds nothing. No Python code may run meanwhile: then nobody can see
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
        Self { was_enabled }
    }

    /// No pause, for builds that call Python code.
    pub(crate) fn none() -> Self {
        Self { was_enabled: false }
    }
}

impl Drop for CollectorPause {
    fn drop(&mut self) {
        if self.was_enabled {
            // SAFETY: the interpreter is held for as long as the builder that owns the pause.
            unsafe { ffi::PyGC_Enable() };
        }
    }
}
