//! Strings, from each encoding that text comes in, straight into the output.

use cannery_core::{Result, Text};

use super::WriteOptions;
use super::copy::{SLACK, Stops};
use super::output::{Output, Pen, Short, put_bytes, put_pen, put_text};

/// Characters that are written between two looks at the room.
const PIECE: usize = 512;

/// The most bytes that one character takes: two escaped halves of a surrogate pair.
const WIDEST: usize = 12;

/// Writes `text` between `lead`, which ends with a quote, and `tail`, which begins with one.
#[inline(always)]
pub(super) fn string(
    out: &mut impl Output,
    options: &WriteOptions,
    lead: Short,
    text: Text<'_>,
    tail: Short,
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
fn utf8(out: &mut impl Output, how: How, lead: Short, bytes: &[u8], tail: Short) -> Result<()> {
    // A long one is not copied at once, lest a buffer grow to its size.
    let first = if bytes.len() > COPIED { &[][..] } else { bytes };
    let tail_now = if bytes.len() > COPIED { Short::EMPTY } else { tail };
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
        let mut done = put_text(out, Short::EMPTY, piece, Short::EMPTY, how.stops())?;
        bytes = &bytes[done..];
        if done == piece.len() {
            continue;
        }
        put_pen(out, PIECE * WIDEST, |pen| {
            let limit = bytes.len().min(PIECE);
            done = 0;
            // Escapes come in clusters: a few more characters before copying is tried again.
            while done < limit && (done == 0 || how.stops().contains(bytes[done])) {
                done += escape_utf8(pen, how, &bytes[done..]);
            }
        })?;
        bytes = &bytes[done..];
    }
    Ok(())
}

/// Writes the first character of `bytes`; returns its length.
fn escape_utf8(pen: &mut Pen<'_>, how: How, bytes: &[u8]) -> usize {
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
    code_point(pen, how, unit);
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
    lead: Short,
    text: Text<'_>,
    tail: Short,
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
        put_pen(out, piece.len() * WIDEST + SLACK, |pen| {
            let mut rest = piece;
            while let Some(&unit) = rest.first() {
                code_point(pen, how, u32::from(unit));
                let copied = pen.copy_until(&rest[1..], Stops::SpecialAndBeyondAscii);
                rest = &rest[1 + copied..];
            }
        })?;
    }
    Ok(())
}

fn code_points<U: Copy + Into<u32>>(out: &mut impl Output, how: How, units: &[U]) -> Result<()> {
    for piece in units.chunks(PIECE) {
        put_pen(out, piece.len() * WIDEST, |pen| {
            for &unit in piece {
                code_point(pen, how, unit.into());
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
        put_pen(out, WIDEST, |pen| length = escape_utf8(pen, how, other))?;
        rest = &other[length..];
    }
    Ok(())
}

/// Writes one character, escaped where it must be.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "each byte is masked to its bits")]
fn code_point(pen: &mut Pen<'_>, how: How, unit: u32) {
    let tail = |shift: u32| 0x80 | (unit >> shift & 0x3f) as u8;
    match unit {
        0..0x7f => ascii(pen, unit as u8),
        _ if how.ascii => escape_units(pen, unit),
        0x7f => pen.push([0x7f]),
        0x80..0x800 => pen.push([0xc0 | (unit >> 6) as u8, tail(0)]),
        0xd800..0xe000 if !how.raw_surrogates => escape_unit(pen, unit),
        0x800..0x1_0000 => pen.push([0xe0 | (unit >> 12) as u8, tail(6), tail(0)]),
        _ => pen.push([0xf0 | (unit >> 18 & 0x07) as u8, tail(12), tail(6), tail(0)]),
    }
}

#[inline(always)]
fn ascii(pen: &mut Pen<'_>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        8 => b'b',
        12 => b'f',
        0..0x20 => return escape_unit(pen, u32::from(byte)),
        _ => return pen.push([byte]),
    };
    pen.push([b'\\', short]);
}

/// Writes an escape, or two where it takes a surrogate pair.
fn escape_units(pen: &mut Pen<'_>, unit: u32) {
    if let Some(beyond) = unit.checked_sub(0x1_0000) {
        escape_unit(pen, 0xd800 + (beyond >> 10));
        escape_unit(pen, 0xdc00 + (beyond & 0x3ff));
    } else {
        escape_unit(pen, unit);
    }
}

fn escape_unit(pen: &mut Pen<'_>, unit: u32) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| DIGITS[(unit >> shift & 0xf) as usize];
    pen.push([b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
