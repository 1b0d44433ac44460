//! Documents that are right, read where they lie; whatever is wrong is for the longer way to tell.

use std::mem::MaybeUninit;

use cannery_core::{Sink, Text};
use cannery_json::ReadOptions;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::document::is_plain_utf8;
use crate::{compat, text};

/// A document whose bytes can be looked at without running any code, which shall not run twice.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Bytes(&'a [u8]),
    Text(Text<'a>),
}

impl<'a> Source<'a> {
    /// The document in text, or in bytes that seem to be UTF-8.
    #[inline(always)]
    pub(super) fn new(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        Self::utf8(object).filter(|source| match source {
            Self::Bytes(bytes) => is_plain_utf8(bytes),
            Self::Text(_) => true,
        })
    }

    /// The document in text, or in bytes that must be UTF-8.
    #[inline(always)]
    pub(super) fn utf8(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            return Some(Self::Bytes(bytes.as_bytes()));
        }
        object.cast_exact::<PyString>().ok()?;
        // SAFETY: it is a `str`, which lives as long as what is borrowed from it.
        if let Some(ascii) = unsafe { compat::compact_ascii(object.as_ptr()) } {
            return Some(Self::Text(Text::Ascii(ascii)));
        }
        Self::of_units(object)
    }

    /// Of other texts than ASCII the units are read, for strings are copies of them; but not if the
    /// interpreter keeps the UTF-8 as well, and that is hardly more, because most is ASCII.
    #[inline(never)]
    fn of_units(object: &'a Bound<'_, PyAny>) -> Option<Self> {
        // SAFETY: it is a `str`, which lives as long as what is borrowed from it.
        unsafe {
            if let Some(utf8) = compat::cached_utf8(object.as_ptr())
                && utf8.len() / 3 < ffi::PyUnicode_GET_LENGTH(object.as_ptr()).cast_unsigned() / 2
            {
                return Some(Self::Text(Text::Utf8(utf8)));
            }
        }
        // SAFETY: it is a `str`, which lives as long as what is borrowed from it.
        let units = unsafe { text::units(object.as_ptr()) };
        if units.is_none() {
            drop(PyErr::take(object.py()));
        }
        units.map(Self::Text)
    }

    /// Whether it is not worth much preparation.
    #[inline(always)]
    pub(super) fn is_short(self) -> bool {
        match self {
            Self::Bytes(bytes) => bytes.len() <= SHORT,
            Self::Text(Text::Ascii(text)) => text.len() <= SHORT,
            Self::Text(_) => false,
        }
    }

    /// Reads the document, if it is right.
    #[inline(always)]
    pub(super) fn read<S: Sink>(self, options: &ReadOptions, sink: &mut S) -> Option<()> {
        match self {
            Self::Bytes(bytes) if bytes.len() > SHORT => {
                cannery_json::from_slice(bytes, options, sink).ok()
            }
            Self::Bytes(bytes) => {
                let padded = Padded::new(bytes);
                padded.is_over(cannery_json::from_slice_prefix(padded.bytes(), options, sink).ok()?)
            }
            Self::Text(Text::Ascii(text)) if text.len() <= SHORT => {
                let padded = Padded::new(text.as_bytes());
                // SAFETY: text, and spaces behind it.
                let text = unsafe { std::str::from_utf8_unchecked(padded.bytes()) };
                padded.is_over(cannery_json::from_str_prefix(text, options, sink).ok()?)
            }
            Self::Text(text) => cannery_json::from_text(text, options, sink).ok(),
        }
    }
}

/// A document as short as that is read from a copy with spaces behind it, which change nothing: the
/// reader takes whole blocks, and would go through the rest byte by byte.
const SHORT: usize = 480;

/// A block.
const PADDING: usize = 32;

/// A short document, and spaces behind it.
struct Padded {
    block: [MaybeUninit<u8>; SHORT + PADDING],
    len: usize,
}

impl Padded {
    #[inline(always)]
    fn new(document: &[u8]) -> Self {
        let mut block = [MaybeUninit::uninit(); SHORT + PADDING];
        let (before, behind) = block.split_at_mut(document.len());
        let padding = &mut behind[..PADDING];
        // SAFETY: there is room for the document in the part that is as long.
        unsafe {
            let len = before.len();
            before.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(document.as_ptr(), len);
        }
        padding.fill(MaybeUninit::new(b' '));
        Self { block, len: document.len() }
    }

    #[inline(always)]
    fn bytes(&self) -> &[u8] {
        let written = &self.block[..self.len + PADDING];
        // SAFETY: that many were written.
        unsafe { std::slice::from_raw_parts(written.as_ptr().cast(), written.len()) }
    }

    /// Whether nothing but whitespace is behind the value.
    #[inline(always)]
    fn is_over(&self, end: usize) -> Option<()> {
        let rest = self.bytes().get(end..self.len).unwrap_or_default();
        let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        rest.iter().all(is_white).then_some(())
    }
}
