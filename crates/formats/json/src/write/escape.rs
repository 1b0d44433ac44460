//! Strings, from each encoding that text comes in, straight into the output.

use cannery_core::{Result, Text};

use super::WriteOptions;
use super::copy::{SLACK, Stops};
use super::output::{Cursor, InlineBytes, Output, put_bytes, put_pen, put_text};

/// Characters that are written between two looks at the room.
const PIECE: usize = 512;

/// The most bytes that one character takes: two escaped halves of a surrogate pair.
const WIDEST: usize = 12;

/// Writes `text` between `lead`, which ends with a quote, and `tail`, which begins with one.
#[inline(always)]
pub(super) fn string(
    out: &mut impl Output,
    options: &WriteOptions,
    lead: InlineBytes,
    text: Text<'_>,
    tail: InlineBytes,
) -> Result<()> {
    let how = How { ascii: options.ensure_ascii, raw_surrogates: options.raw_surrogates };
    match text {
        Text::Ascii(text) | Text::Utf8(text) => utf8(out, how, lead, text.as_bytes(), tail),
        other => foreign(out, how, lead, other, tail),
    }
}

/// What is escaped beyond what must be.
#[derive(Clone, Copy)]
struct How {
    ascii: bool,
    raw_surrogates: bool,
}

impl How {
    fn stops(self) -> Stops {
        if self.ascii { Stops::SpecialAndBeyondAscii } else { Stops::Special }
    }
}

#[inline(always)]
fn utf8(
    out: &mut impl Output,
    how: How,
    lead: InlineBytes,
    bytes: &[u8],
    tail: InlineBytes,
) -> Result<()> {
    // A long one is not copied at once, lest a buffer grow to its size.
    let first = if bytes.len() > COPIED { &[][..] } else { bytes };
    let tail_now = if bytes.len() > COPIED { InlineBytes::EMPTY } else { tail };
    let copied = put_text(out, lead, first, tail_now, how.stops())?;
    if copied == bytes.len() {
        return Ok(());
    }
    rest_of_utf8(out, how, &bytes[copied..])?;
    put_bytes(out, tail, &[])
}

/// How much is copied between two looks at the room.
const COPIED: usize = 32 << 10;

/// Writes UTF-8, surrogates in the general scheme included, with its escapes.
#[inline(never)]
fn rest_of_utf8(out: &mut impl Output, how: How, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let piece = &bytes[..bytes.len().min(COPIED)];
        let mut done = put_text(out, InlineBytes::EMPTY, piece, InlineBytes::EMPTY, how.stops())?;
        bytes = &bytes[done..];
        if done == piece.len() {
            continue;
        }
        put_pen(out, PIECE * WIDEST, |cursor| {
            let limit = bytes.len().min(PIECE);
            done = 0;
            // Escapes come in clusters: a few more characters before copying is tried again.
            while done < limit && (done == 0 || how.stops().contains(bytes[done])) {
                done += escape_utf8(cursor, how, &bytes[done..]);
            }
        })?;
        bytes = &bytes[done..];
    }
    Ok(())
}

/// Writes the first character of `bytes`; returns its length.
fn escape_utf8(cursor: &mut Cursor<'_>, how: How, bytes: &[u8]) -> usize {
    let (unit, length) = match *bytes {
        [a @ 0xc0..=0xdf, b, ..] => (bits(a, 0x1f) << 6 | bits(b, 0x3f), 2),
        [a @ 0xe0..=0xef, b, c, ..] => {
            (bits(a, 0x0f) << 12 | bits(b, 0x3f) << 6 | bits(c, 0x3f), 3)
        }
        [a @ 0xf0..=0xff, b, c, d, ..] => {
            let upper = bits(a, 0x07) << 18 | bits(b, 0x3f) << 12;
            (upper | bits(c, 0x3f) << 6 | bits(d, 0x3f), 4)
        }
        [a, ..] => (u32::from(a), 1),
        [] => return 0,
    };
    code_point(cursor, how, unit);
    length
}

fn bits(byte: u8, mask: u8) -> u32 {
    u32::from(byte & mask)
}

/// Writes text that is not UTF-8 yet.
#[inline(never)]
fn foreign(
    out: &mut impl Output,
    how: How,
    lead: InlineBytes,
    text: Text<'_>,
    tail: InlineBytes,
) -> Result<()> {
    put_bytes(out, lead, &[])?;
    match text {
        Text::Latin1(units) => latin1(out, how, units)?,
        Text::Ucs2(units) => code_points(out, how, units)?,
        Text::Ucs4(units) => code_points(out, how, units)?,
        Text::Surrogates(bytes) => surrogates(out, how, bytes)?,
        Text::Ascii(text) | Text::Utf8(text) => rest_of_utf8(out, how, text.as_bytes())?,
    }
    put_bytes(out, tail, &[])
}

fn latin1(out: &mut impl Output, how: How, units: &[u8]) -> Result<()> {
    for piece in units.chunks(PIECE) {
        put_pen(out, piece.len() * WIDEST + SLACK, |cursor| {
            let mut rest = piece;
            while let Some(&unit) = rest.first() {
                code_point(cursor, how, u32::from(unit));
                let copied = cursor.copy_until(&rest[1..], Stops::SpecialAndBeyondAscii);
                rest = &rest[1 + copied..];
            }
        })?;
    }
    Ok(())
}

fn code_points<U: Copy + Into<u32>>(out: &mut impl Output, how: How, units: &[U]) -> Result<()> {
    for piece in units.chunks(PIECE) {
        put_pen(out, piece.len() * WIDEST, |cursor| {
            for &unit in piece {
                code_point(cursor, how, unit.into());
            }
        })?;
    }
    Ok(())
}

/// UTF-8 with surrogates, which are escaped even where other characters are not.
fn surrogates(out: &mut impl Output, how: How, bytes: &[u8]) -> Result<()> {
    if how.ascii || how.raw_surrogates {
        return rest_of_utf8(out, how, bytes);
    }
    let mut rest = bytes;
    while !rest.is_empty() {
        let at = rest.windows(2).position(|pair| matches!(pair, [0xed, 0xa0..=0xbf]));
        let (valid, other) = rest.split_at(at.unwrap_or(rest.len()));
        rest_of_utf8(out, how, valid)?;
        let mut length = 0;
        put_pen(out, WIDEST, |cursor| length = escape_utf8(cursor, how, other))?;
        rest = &other[length..];
    }
    Ok(())
}

/// Writes one character, escaped where it must be.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "each byte is masked to its bits")]
fn code_point(cursor: &mut Cursor<'_>, how: How, unit: u32) {
    let tail = |shift: u32| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x7f => ascii(cursor, unit as u8),
        _ if how.ascii => escape_units(cursor, unit),
        0x7f => cursor.push([0x7f]),
        0x80..0x800 => cursor.push([0xc0 | (unit >> 6) as u8, tail(0)]),
        0xd800..0xe000 if !how.raw_surrogates => escape_unit(cursor, unit),
        0x800..0x1_0000 => cursor.push([0xe0 | (unit >> 12) as u8, tail(6), tail(0)]),
        _ => cursor.push([0xf0 | (unit >> 18 & 0x07) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[inline(always)]
fn ascii(cursor: &mut Cursor<'_>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        8 => b'b',
        12 => b'f',
        0..0x20 => return escape_unit(cursor, u32::from(byte)),
        _ => return cursor.push([byte]),
    };
    cursor.push([b'\\', short]);
}

/// Writes an escape, or two where it takes a surrogate pair.
fn escape_units(cursor: &mut Cursor<'_>, unit: u32) {
    if let Some(beyond) = unit.checked_sub(0x1_0000) {
        escape_unit(cursor, 0xd800 + (beyond >> 10));
        escape_unit(cursor, 0xdc00 + (beyond & 0x3ff));
    } else {
        escape_unit(cursor, unit);
    }
}

fn escape_unit(cursor: &mut Cursor<'_>, unit: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| DIGITS[(unit >> shift & 0xf) as usize];
    cursor.push([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
