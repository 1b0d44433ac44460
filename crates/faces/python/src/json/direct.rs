//! The shortest way from plain objects to compact text: read where they lie, written where the
//! text will stay.
//!
//! It knows exact types and valid text only, and holds the interpreter from beginning to end, so
//! that nothing changes meanwhile. At whatever else it meets it gives up, and the walker and the
//! writer, who know everything, begin anew: nothing has happened yet that anybody could notice.

mod copy;
mod cursor;
mod deferred_strings;
#[cfg(target_arch = "x86_64")]
mod expand;
mod floats;

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use cannery_core::Limits;
use cannery_json::WriteOptions;
use pyo3::ffi;
use pyo3::prelude::*;

use self::copy::Escaped;
use self::cursor::{Cursor, InlineBytes, StackBuffer};
use super::output::{AsciiMemory, BytesMemory, Memory, TaggedMemory};
use crate::compat::{self, Entry};
use crate::text;

/// It met something that it leaves to others.
pub(crate) struct Bail;

type Done = Result<(), Bail>;

/// What stands around values, and how deep they may be nested.
pub(super) struct Style {
    comma: InlineBytes,
    quote_comma: InlineBytes,
    quote_colon: InlineBytes,
    escaped: Escaped,
    depth: usize,
}

impl Style {
    /// None if the layout is not plain.
    pub(super) fn new(layout: &WriteOptions, depth: usize) -> Option<Self> {
        if layout.indent.is_some() || layout.trailing_newline {
            return None;
        }
        Self::on_one_line(&layout.item_separator, &layout.key_separator, layout.ensure_ascii, depth)
    }

    /// The shortest.
    pub(super) const fn shortest(depth: usize) -> Self {
        Self {
            comma: InlineBytes::word(*b","),
            quote_comma: InlineBytes::word(*b"\","),
            quote_colon: InlineBytes::word(*b"\":"),
            escaped: Escaped::Required,
            depth,
        }
    }

    /// The standard library's.
    pub(super) const fn usual(depth: usize) -> Self {
        Self {
            comma: InlineBytes::word(*b", "),
            quote_comma: InlineBytes::word(*b"\", "),
            quote_colon: InlineBytes::word(*b"\": "),
            escaped: Escaped::BeyondAscii,
            depth,
        }
    }

    /// None if the separators are not short, or not ASCII.
    #[inline]
    pub(super) fn on_one_line(
        comma: &str,
        colon: &str,
        ensure_ascii: bool,
        depth: usize,
    ) -> Option<Self> {
        if !(comma.is_ascii() && colon.is_ascii()) {
            return None;
        }
        let comma = InlineBytes::new(comma)?;
        Some(Self {
            comma,
            quote_comma: comma.quoted()?,
            quote_colon: InlineBytes::new(colon)?.quoted()?,
            escaped: if ensure_ascii { Escaped::BeyondAscii } else { Escaped::Required },
            depth,
        })
    }
}

/// The length of the last text: many texts are as long as the one before.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// The text of `obj` as UTF-8, or `None` to say that it must be made another way.
#[inline]
pub(super) fn bytes<'py>(obj: &Bound<'py, PyAny>, style: &Style) -> Option<Bound<'py, PyAny>> {
    let mut desk: StackBuffer = [MaybeUninit::uninit(); _];
    written::<BytesMemory>(&mut desk, obj, style)?.finish()
}

/// The [tagged form](cannery_core::tagged) of a tree of plain objects and tuples, or `None` to say that
/// it must be made another way. Nothing in it may occur twice.
pub(crate) fn tagged<'py>(tree: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    let style = Style::shortest(Limits::default().depth);
    let mut desk: StackBuffer = [MaybeUninit::uninit(); _];
    written::<TaggedMemory>(&mut desk, tree, &style)?.finish()
}

/// The text of `obj`, or `None` to say that it must be made another way.
#[inline]
pub(super) fn string<'py>(obj: &Bound<'py, PyAny>, style: &Style) -> Option<Bound<'py, PyAny>> {
    let mut desk: StackBuffer = [MaybeUninit::uninit(); _];
    let cursor = written::<AsciiMemory>(&mut desk, obj, style)?;
    if cursor.missing.is_empty() {
        return cursor.finish();
    }
    // SAFETY: the processor has what it needs, and the object keeps its texts alive.
    unsafe { cursor.missing.join(obj.py(), cursor.bytes()) }
}

/// Writes rows as lines, as long as they are plain.
pub(crate) struct Lines<'py> {
    cursor: Cursor<'static, 'py, BytesMemory>,
    style: Style,
}

impl<'py> Lines<'py> {
    /// `None` where nothing is written directly.
    pub(crate) fn new(py: Python<'py>) -> Option<Self> {
        let style = Style::new(&WriteOptions::default(), Limits::default().depth)?;
        let cursor = if is_possible() { Cursor::on_object(py, 64 << 10) } else { None }?;
        Some(Self { cursor, style })
    }

    /// Adds a row; if it is not plain, nothing is added.
    pub(crate) fn add(&mut self, row: &Bound<'py, PyAny>) -> Result<(), Bail> {
        let before = self.cursor.len();
        // SAFETY: the processor has what it needs, and the row is alive.
        let written = unsafe { write(&mut self.cursor, row.as_ptr(), &self.style) };
        match written.and_then(|()| self.cursor.byte_and(b'\n', InlineBytes::default())) {
            Ok(()) => Ok(()),
            Err(gave_up) => {
                // Where the memory itself was lost, less is left.
                self.cursor.back(self.cursor.len().saturating_sub(before));
                Err(gave_up)
            }
        }
    }

    /// The lines, which [`clear`](Lines::clear) forgets.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.cursor.bytes()
    }

    pub(crate) fn clear(&mut self) {
        self.cursor.back(self.cursor.len());
    }
}

fn is_possible() -> bool {
    copy::is_supported() && compat::KNOWN_LAYOUT
}

fn written<'d, 'py, M: Memory>(
    desk: &'d mut StackBuffer,
    obj: &Bound<'py, PyAny>,
    style: &Style,
) -> Option<Cursor<'d, 'py, M>> {
    if !is_possible() {
        return None;
    }
    let last = LAST.load(Ordering::Relaxed);
    let mut cursor = Cursor::new(obj.py(), desk, last + last / 32 + 512);
    // SAFETY: the processor has what it needs, and the object is alive.
    unsafe { write(&mut cursor, obj.as_ptr(), style) }.ok()?;
    LAST.store(cursor.len(), Ordering::Relaxed);
    Some(cursor)
}

/// An open container: what is left of it.
///
/// Plain words, so that it stays in registers: moving it through memory would cost more than all
/// else that is done for a small container.
#[derive(Clone, Copy)]
struct OpenLevel {
    kind: LevelKind,
    /// Where the next item or entry is; the dictionary, if its table is not known.
    next: usize,
    /// Where they end; how far the dictionary was gone through, if its table is not known.
    end: usize,
}

/// As wide as its neighbours: padding would be moved too, byte by byte.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
enum LevelKind {
    /// A list or a tuple.
    Items,
    /// A tuple in a tag.
    TaggedItems,
    /// A dictionary whose table is known.
    Entries,
    /// Any other dictionary.
    Cursor,
    /// Nothing is left: the value is written, and the comma behind it.
    Written,
}

impl OpenLevel {
    const WRITTEN: Self = Self { kind: LevelKind::Written, next: 0, end: 0 };

    #[inline(always)]
    fn is_open(self) -> bool {
        self.kind != LevelKind::Written
    }

    /// What closes it.
    #[inline(always)]
    fn bracket(self) -> InlineBytes {
        match self.kind {
            LevelKind::Items => InlineBytes::word(*b"]"),
            LevelKind::TaggedItems => InlineBytes::word(*b"]}"),
            _ => InlineBytes::word(*b"}"),
        }
    }
}

/// Writes a whole object.
///
/// One function from the root to the last bracket, so that the open container stays in registers; what
/// is rare or long is called.
///
/// # Safety
/// [`copy::is_supported`], and `root` is alive.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
unsafe fn write<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    root: *mut ffi::PyObject,
    style: &Style,
) -> Done {
    // SAFETY: all objects are reached from the root, which keeps them alive while no other code runs;
    // `next` is before `end`, or there is nothing left.
    unsafe {
        let mut outer: Vec<OpenLevel> = Vec::new();
        cursor.is_deepest = style.depth == 0;
        let mut level = value(cursor, root, style)?;
        cursor.is_deepest = style.depth == 1;
        'open: while level.is_open() {
            let inner = 'inner: {
                match level.kind {
                    LevelKind::Items | LevelKind::TaggedItems => {
                        while level.next < level.end {
                            let item = *(level.next as *const *mut ffi::PyObject);
                            if floats::come_next(item) {
                                let written = floats::write(cursor, level.next, level.end, style)?;
                                if written > level.next {
                                    level.next = written;
                                    continue;
                                }
                            }
                            level.next += size_of::<*mut ffi::PyObject>();
                            let inner = value(cursor, item, style)?;
                            if inner.is_open() {
                                break 'inner inner;
                            }
                        }
                    }
                    LevelKind::Entries => {
                        while level.next < level.end {
                            let Entry { key, value: item } = *(level.next as *const Entry);
                            level.next += size_of::<Entry>();
                            // An entry that was removed.
                            if item.is_null() {
                                continue;
                            }
                            name(cursor, key, style)?;
                            let inner = value(cursor, item, style)?;
                            if inner.is_open() {
                                break 'inner inner;
                            }
                        }
                    }
                    _ => {
                        // A copy: what others point to does not stay in registers.
                        let mut dict = level;
                        let inner = next_entry(cursor, &mut dict, style)?;
                        level = dict;
                        if inner.is_open() {
                            break 'inner inner;
                        }
                    }
                }
                cursor.back(style.comma.len());
                cursor.word(level.bracket(), style.comma)?;
                cursor.is_deepest = false;
                level = outer.pop().unwrap_or(OpenLevel::WRITTEN);
                continue 'open;
            };
            outer.push(level);
            level = inner;
            cursor.is_deepest = outer.len() + 1 >= style.depth;
        }
        cursor.back(style.comma.len());
        Ok(())
    }
}

/// Writes what is left of a dictionary whose table is not known, up to the next container in it.
#[cold]
#[inline(never)]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
unsafe fn next_entry<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    level: &mut OpenLevel,
    style: &Style,
) -> Result<OpenLevel, Bail> {
    let (mut key, mut item) = (ptr::null_mut(), ptr::null_mut());
    let mut place = level.end.cast_signed();
    // SAFETY: as for `write`.
    unsafe {
        let dict = level.next as *mut ffi::PyObject;
        while ffi::PyDict_Next(dict, &raw mut place, &raw mut key, &raw mut item) != 0 {
            level.end = place.cast_unsigned();
            if !ptr::eq(ffi::Py_TYPE(key), &raw const ffi::PyUnicode_Type) {
                return Err(Bail);
            }
            name(cursor, key, style)?;
            let inner = value(cursor, item, style)?;
            if inner.is_open() {
                return Ok(inner);
            }
        }
    }
    Ok(OpenLevel::WRITTEN)
}

/// Writes a value and a comma, or what opens it.
#[inline(always)]
unsafe fn value<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    object: *mut ffi::PyObject,
    style: &Style,
) -> Result<OpenLevel, Bail> {
    // SAFETY: as for `write`; each type's fields are read after the type was seen.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if ptr::eq(class, &raw const ffi::PyUnicode_Type) {
            text(cursor, object, style, style.quote_comma)?;
        } else if ptr::eq(class, &raw const ffi::PyLong_Type) {
            cursor.int(int(object)?, style.comma)?;
        } else if ptr::eq(class, &raw const ffi::PyFloat_Type) {
            let number = ffi::PyFloat_AS_DOUBLE(object);
            if !number.is_finite() {
                return Err(Bail);
            }
            cursor.float(number, style.comma)?;
        } else if ptr::eq(class, &raw const ffi::PyDict_Type) {
            return dict(cursor, object, style);
        } else if ptr::eq(class, &raw const ffi::PyList_Type) {
            let items = (*object.cast::<ffi::PyListObject>()).ob_item;
            return list(cursor, items.cast_const(), ffi::PyList_GET_SIZE(object), style);
        } else if let Some(word) = word(object) {
            cursor.word(word, style.comma)?;
        } else if ptr::eq(class, &raw const ffi::PyTuple_Type) {
            let items = &raw const (*object.cast::<ffi::PyTupleObject>()).ob_item;
            let len = ffi::PyTuple_GET_SIZE(object);
            return if M::TAGS {
                tuple(cursor, items.cast(), len, style)
            } else {
                list(cursor, items.cast(), len, style)
            };
        } else {
            return Err(Bail);
        }
    }
    Ok(OpenLevel::WRITTEN)
}

/// How `None`, `True` or `False` is written: they come in no order that could be predicted, so that no
/// branch depends on which it is.
#[inline(always)]
fn word(object: *mut ffi::PyObject) -> Option<InlineBytes> {
    const WORDS: [InlineBytes; 3] =
        [InlineBytes::word(*b"null"), InlineBytes::word(*b"true"), InlineBytes::word(*b"false")];
    // SAFETY: the interpreter's own objects.
    let (is_true, is_false, is_none) = unsafe {
        (
            ptr::eq(object, ffi::Py_True()),
            ptr::eq(object, ffi::Py_False()),
            ptr::eq(object, ffi::Py_None()),
        )
    };
    if !(is_true | is_false | is_none) {
        return None;
    }
    Some(WORDS[usize::from(is_true) + 2 * usize::from(is_false)])
}

#[inline(always)]
unsafe fn list<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    items: *const *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
    style: &Style,
) -> Result<OpenLevel, Bail> {
    if cursor.is_deepest {
        return Err(Bail);
    }
    if len == 0 {
        cursor.word(InlineBytes::word(*b"[]"), style.comma)?;
        return Ok(OpenLevel::WRITTEN);
    }
    cursor.byte_and(b'[', InlineBytes::default())?;
    // SAFETY: that many items there are.
    let end = unsafe { items.add(len.cast_unsigned()) };
    Ok(OpenLevel { kind: LevelKind::Items, next: items as usize, end: end as usize })
}

/// A tuple in a tag that says so.
#[cold]
unsafe fn tuple<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    items: *const *mut ffi::PyObject,
    len: ffi::Py_ssize_t,
    style: &Style,
) -> Result<OpenLevel, Bail> {
    cursor.word(InlineBytes::word(*b"{\"$type\""), InlineBytes::word(*b":\"tuple\""))?;
    cursor.word(InlineBytes::word(*b",\"value\""), InlineBytes::word(*b":"))?;
    // SAFETY: the caller's promise.
    let level = unsafe { list(cursor, items, len, style) }?;
    if level.is_open() {
        return Ok(OpenLevel { kind: LevelKind::TaggedItems, ..level });
    }
    cursor.back(style.comma.len());
    cursor.word(InlineBytes::word(*b"}"), style.comma)?;
    Ok(level)
}

#[inline(always)]
unsafe fn dict<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    object: *mut ffi::PyObject,
    style: &Style,
) -> Result<OpenLevel, Bail> {
    // SAFETY: the caller saw that it is a dictionary.
    unsafe {
        if cursor.is_deepest {
            return Err(Bail);
        }
        if compat::dict_len(object) == 0 {
            cursor.word(InlineBytes::word(*b"{}"), style.comma)?;
            return Ok(OpenLevel::WRITTEN);
        }
        cursor.byte_and(b'{', InlineBytes::default())?;
        Ok(match compat::text_entries(object) {
            Some((entries, count)) => OpenLevel {
                kind: LevelKind::Entries,
                next: entries as usize,
                end: entries.add(count) as usize,
            },
            None => OpenLevel { kind: LevelKind::Cursor, next: object as usize, end: 0 },
        })
    }
}

#[inline(always)]
unsafe fn int(object: *mut ffi::PyObject) -> Result<i64, Bail> {
    // SAFETY: the caller saw that it is an int; then the call can only overflow.
    unsafe {
        if let Some(small) = compat::small_int(object) {
            return Ok(small);
        }
        let mut overflow = 0;
        let word = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        if overflow == 0 { Ok(word) } else { Err(Bail) }
    }
}

/// Writes a key and a colon.
#[inline(always)]
unsafe fn name<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    key: *mut ffi::PyObject,
    style: &Style,
) -> Done {
    // SAFETY: as for `text`.
    unsafe {
        if M::TAGS && is_escaped(key) {
            return Err(Bail);
        }
        text(cursor, key, style, style.quote_colon)
    }
}

/// Whether a key is written with another `$` before it.
///
/// # Safety
/// It is a `str`, and alive.
#[inline(always)]
unsafe fn is_escaped(key: *mut ffi::PyObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        if let Some(ascii) = compat::compact_ascii(key) {
            return ascii.as_bytes().first() == Some(&b'$');
        }
        let Some(text) = text::units(key) else {
            // The writer will meet the same exception.
            ffi::PyErr_Clear();
            return true;
        };
        text.to_str_lossy().starts_with('$')
    }
}

/// Writes a text, a quote before it and `tail`, which begins with one, behind it.
#[inline(always)]
unsafe fn text<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    object: *mut ffi::PyObject,
    style: &Style,
    tail: InlineBytes,
) -> Done {
    // SAFETY: the caller saw that it is a text, or it is a key of a table that has only texts.
    unsafe {
        match compat::compact_ascii(object) {
            Some(ascii) => cursor.ascii(ascii.as_bytes(), style.escaped, tail),
            None if M::IS_TEXT && style.escaped == Escaped::Required => {
                cursor.leave_out(object, tail)
            }
            None => wide(cursor, object, style, tail),
        }
    }
}

#[inline(never)]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt"))]
unsafe fn wide<M: Memory>(
    cursor: &mut Cursor<'_, '_, M>,
    object: *mut ffi::PyObject,
    style: &Style,
    tail: InlineBytes,
) -> Done {
    // SAFETY: as for `text`.
    unsafe {
        if style.escaped == Escaped::Required
            && let Some(utf8) = compat::cached_utf8(object)
        {
            return cursor.utf8(utf8.as_bytes(), tail);
        }
        let Some(text) = text::units(object) else {
            // The writer will meet the same exception.
            ffi::PyErr_Clear();
            return Err(Bail);
        };
        cursor.wide(text, style.escaped, tail)
    }
}
