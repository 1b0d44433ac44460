//! Bytes to objects: each is made where it is read, and put where it stays.

use cannery_core::is_ascii;
use cannery_msgpack::Timestamp;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::most_levels;
use super::template::Templates;
use crate::compat::{self, CollectorPause};
use crate::construct::{Caches, ext_type, make, timestamp};
use crate::memory;
use crate::text;

/// The object at the beginning of `data`, and how many bytes it took; `None` to say that it must
/// be made another way.
///
/// Its containers may be nested as deeply as said, and be as large as their bytes. With
/// `text_keys`, maps have keys of text and of bytes only.
pub(crate) fn object<'py>(
    py: Python<'py>,
    data: &[u8],
    depth: usize,
    text_keys: bool,
) -> Option<(Bound<'py, PyAny>, usize)> {
    if !compat::KNOWN_LAYOUT {
        return None;
    }
    let _pause = CollectorPause::new(py);
    let (caches, templates) = (Caches::take(py), Templates::take());
    let mut reader = Reader { py, data, at: 0, text_keys, caches, templates };
    let made = reader.object(most_levels(depth), 0);
    let Reader { at, caches, templates, .. } = reader;
    caches.give_back(py);
    templates.give_back();
    Some((made?, at))
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    data: &'a [u8],
    at: usize,
    text_keys: bool,
    caches: Box<Caches>,
    templates: Templates,
}

impl<'a, 'py> Reader<'a, 'py> {
    /// The next object, which may hold that many levels of containers. This many others are `owed`
    /// behind it by what is open: as each takes a byte, no more is allocated than there is.
    #[inline(always)]
    fn object(&mut self, levels: usize, owed: usize) -> Option<Bound<'py, PyAny>> {
        let py = self.py;
        let [marker] = self.word()?;
        let made = match marker {
            ..0x80 => make::int(py, marker.into()),
            0x80..0x90 => return self.map(usize::from(marker & 15), levels, owed),
            0x90..0xa0 => return self.array(usize::from(marker & 15), levels, owed),
            0xa0..0xc0 => return self.text(usize::from(marker & 31)),
            0xc0 => return Some(py.None().into_bound(py)),
            0xc2 | 0xc3 => return Some(PyBool::new(py, marker == 0xc3).to_owned().into_any()),
            0xca => make::float(py, f32::from_be_bytes(self.word()?).into()),
            0xcb => make::float(py, f64::from_be_bytes(self.word()?)),
            0xcc => make::int(py, u8::from_be_bytes(self.word()?).into()),
            0xcd => make::int(py, u16::from_be_bytes(self.word()?).into()),
            0xce => make::int(py, u32::from_be_bytes(self.word()?).into()),
            0xcf => self.unsigned()?,
            0xd0 => make::int(py, i8::from_be_bytes(self.word()?).into()),
            0xd1 => make::int(py, i16::from_be_bytes(self.word()?).into()),
            0xd2 => make::int(py, i32::from_be_bytes(self.word()?).into()),
            0xd3 => make::int(py, i64::from_be_bytes(self.word()?)),
            0xe0.. => make::int(py, marker.cast_signed().into()),
            _ => return self.longer(marker, levels, owed),
        };
        made.ok()
    }

    /// What has a length of its own.
    #[inline(never)]
    fn longer(&mut self, marker: u8, levels: usize, owed: usize) -> Option<Bound<'py, PyAny>> {
        match marker {
            0xc4..=0xc6 => {
                let len = self.length(marker - 0xc4)?;
                memory::new_bytes(self.py, self.take(len)?).ok().map(Bound::into_any)
            }
            0xc7..=0xc9 => {
                let len = self.length(marker - 0xc7)?;
                self.extension(len)
            }
            0xd4..=0xd8 => self.extension(1 << (marker - 0xd4)),
            0xd9..=0xdb => {
                let len = self.length(marker - 0xd9)?;
                self.text(len)
            }
            0xdc | 0xdd => {
                let len = self.length(marker - 0xdc + 1)?;
                self.array(len, levels, owed)
            }
            0xde | 0xdf => {
                let len = self.length(marker - 0xde + 1)?;
                self.map(len, levels, owed)
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn word<const N: usize>(&mut self) -> Option<[u8; N]> {
        let word = *self.data.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(word)
    }

    /// A length of 1, 2 or 4 bytes for a `size` of 0, 1 or 2.
    #[inline(always)]
    fn length(&mut self, size: u8) -> Option<usize> {
        match size {
            0 => Some(u8::from_be_bytes(self.word()?).into()),
            1 => Some(u16::from_be_bytes(self.word()?).into()),
            _ => usize::try_from(u32::from_be_bytes(self.word()?)).ok(),
        }
    }

    #[inline(always)]
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let bytes = self.data.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(bytes)
    }

    fn unsigned(&mut self) -> Option<PyResult<Bound<'py, PyAny>>> {
        let number = u64::from_be_bytes(self.word()?);
        Some(match i64::try_from(number) {
            Ok(number) => make::int(self.py, number),
            Err(_) => number.into_pyobject(self.py).map(Bound::into_any).map_err(PyErr::from),
        })
    }

    #[inline(always)]
    fn text(&mut self, len: usize) -> Option<Bound<'py, PyAny>> {
        let bytes = self.take(len)?;
        if is_ascii(bytes) { self.caches.value(self.py, bytes).ok() } else { self.wide(bytes) }
    }

    #[inline(never)]
    fn wide(&mut self, bytes: &[u8]) -> Option<Bound<'py, PyAny>> {
        let text = simdutf8::basic::from_utf8(bytes).ok()?;
        text::from_utf8(self.py, text.as_bytes()).ok()
    }

    fn extension(&mut self, len: usize) -> Option<Bound<'py, PyAny>> {
        let py = self.py;
        let code = i8::from_be_bytes(self.word()?);
        let data = self.take(len)?;
        match code {
            0.. => {
                let code = make::int(py, code.into()).ok()?;
                ext_type(&code, memory::new_bytes(py, data).ok()?.as_any()).ok()
            }
            -1 => {
                let moment = Timestamp::decode(data).ok()?;
                let seconds = make::int(py, moment.seconds).ok()?;
                timestamp(&seconds, &make::int(py, moment.nanoseconds.into()).ok()?).ok()
            }
            _ => None,
        }
    }

    /// Whether that many objects may follow, besides those that must.
    #[inline(always)]
    fn may_follow(&self, count: usize, owed: usize) -> bool {
        count + owed <= self.data.len() - self.at
    }

    #[inline(never)]
    fn array(&mut self, len: usize, levels: usize, owed: usize) -> Option<Bound<'py, PyAny>> {
        let levels = levels.checked_sub(1)?;
        if !self.may_follow(len, owed) {
            return None;
        }
        // SAFETY: the interpreter is held.
        let list = unsafe {
            Bound::from_owned_ptr_or_err(self.py, ffi::PyList_New(len.cast_signed())).ok()?
        };
        // The list is as long as it has items: an extension's class may run code, which may find the
        // list, and change it.
        let fields = list.as_ptr().cast::<ffi::PyListObject>();
        // SAFETY: a new list, which has no items yet but room for so many.
        unsafe { (*fields).ob_base.ob_size = 0 };
        for index in 0..len {
            let item = self.object(levels, owed + len - index - 1)?;
            // SAFETY: there is room where the list is as it was left, and it takes over the reference.
            unsafe {
                if (*fields).ob_base.ob_size != index.cast_signed()
                    || (*fields).allocated <= index.cast_signed()
                {
                    return None;
                }
                (*fields).ob_item.add(index).write(item.into_ptr());
                (*fields).ob_base.ob_size += 1;
            }
        }
        Some(list)
    }

    #[inline(never)]
    fn map(&mut self, len: usize, levels: usize, owed: usize) -> Option<Bound<'py, PyAny>> {
        let levels = levels.checked_sub(1)?;
        if !self.may_follow(2 * len, owed) {
            return None;
        }
        let slot = Templates::slot(self.data.get(self.at..)?, len);
        if let Some(mut filling) = self.templates.filling(self.py, slot, len) {
            for index in 0..len {
                if !self.takes_key(filling.key(index)) {
                    let dict = filling.leave(index)?;
                    return self.entries(dict, index..len, slot, levels, owed);
                }
                let value = self.object(levels, owed + 2 * (len - index) - 2)?;
                filling.set(index, value);
            }
            self.templates.fits(slot);
            return Some(filling.finish());
        }
        // SAFETY: the interpreter is held.
        let dict = unsafe { Bound::from_owned_ptr_or_err(self.py, compat::new_dict(len)).ok()? };
        self.entries(dict, 0..len, slot, levels, owed)
    }

    /// Puts entries into a dictionary: all that are left of its map.
    fn entries(
        &mut self,
        dict: Bound<'py, PyAny>,
        entries: std::ops::Range<usize>,
        slot: usize,
        levels: usize,
        owed: usize,
    ) -> Option<Bound<'py, PyAny>> {
        let len = entries.end;
        for index in entries {
            let left = owed + 2 * (len - index) - 2;
            let key = self.key(left + 1)?;
            let value = self.object(levels, left)?;
            // SAFETY: all three are live, and the dictionary is ours.
            let status = unsafe { compat::set_entry(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
            if status < 0 {
                drop(PyErr::take(self.py));
                return None;
            }
        }
        self.templates.note(slot, &dict, len);
        Some(dict)
    }

    #[inline(always)]
    fn key(&mut self, owed: usize) -> Option<Bound<'py, PyAny>> {
        let marker = *self.data.get(self.at)?;
        let (start, len) = (
            self.at,
            match marker {
                0xa0..0xc0 => {
                    self.at += 1;
                    usize::from(marker & 31)
                }
                0xd9..=0xdb => {
                    self.at += 1;
                    self.length(marker - 0xd9)?
                }
                0xc4..=0xc6 => return self.object(0, owed),
                _ if self.text_keys => return None,
                _ => return self.object(0, owed),
            },
        );
        debug_assert!(start < self.at, "the marker was passed");
        let bytes = self.take(len)?;
        if is_ascii(bytes) { self.caches.key(self.py, bytes).ok() } else { self.wide(bytes) }
    }

    /// Goes behind this key, if it is the next one.
    #[inline(always)]
    fn takes_key(&mut self, key: &[u8]) -> bool {
        let rest = &self.data[self.at..];
        #[expect(clippy::cast_possible_truncation, reason = "templates have no longer keys")]
        let (header, is_text) = match (key.len() as u8, rest) {
            (len @ ..32, [marker, ..]) => (1, *marker == 0xa0 | len),
            (len, [0xd9, found, ..]) => (2, *found == len),
            _ => (2, false),
        };
        let end = header + key.len();
        if is_text && rest.get(header..end) == Some(key) {
            self.at += end;
            return true;
        }
        false
    }
}
