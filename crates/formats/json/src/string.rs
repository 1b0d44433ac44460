//! Strings: borrowed where they hold no escapes, else unescaped into a buffer.

use std::ops::Range;

use cannery_core::Text;

use crate::ReadOptions;
use crate::parser::Source;
use crate::scan::{Run, Scan, Task};
use crate::syntax::{Failure, SyntaxError};
use crate::units::Units;

/// Reads strings; owns the buffer that unescaped ones lie in.
pub(crate) struct Strings {
    unescaped: Vec<u8>,
    /// A string's units.
    units: Vec<u16>,
    /// Unescaped strings of texts of units.
    characters: Vec<u32>,
    control_characters: bool,
    surrogates: bool,
}

/// An unescaped string, which lies in the buffer.
struct Unescaped {
    end: usize,
    /// Whether it is ASCII.
    ascii: bool,
    /// Whether it is ASCII where it was not escaped.
    ascii_source: bool,
    /// Whether there are lone surrogates among its escapes.
    surrogates: bool,
    /// Where it lies instead, if it does.
    wide: Option<Wide>,
}

/// Where an unescaped string lies that was not made as bytes.
#[derive(Clone, Copy)]
enum Wide {
    Units,
    Characters,
}

/// What a letter behind a backslash stands for; zero if that is more than a table says.
static ESCAPED: [u8; 256] = {
    let mut escaped = [0; 256];
    escaped[b'"' as usize] = b'"';
    escaped[b'\\' as usize] = b'\\';
    escaped[b'/' as usize] = b'/';
    escaped[b'n' as usize] = b'\n';
    escaped[b't' as usize] = b'\t';
    escaped[b'r' as usize] = b'\r';
    escaped[b'b' as usize] = 8;
    escaped[b'f' as usize] = 12;
    escaped
};

/// Unescaping, compiled for each [`Scan`] apart from the parser's loop.
struct Unescape<'a> {
    strings: &'a mut Strings,
    data: &'a [u8],
    open: usize,
    run: Run,
    units: bool,
}

impl Task for Unescape<'_> {
    type Output = Result<Unescaped, Failure>;

    #[inline(always)]
    fn run<V: Scan>(self, scan: V) -> Self::Output {
        self.strings.unescape(scan, self.data, self.open, self.run, self.units)
    }
}

impl Strings {
    #[inline]
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            unescaped: Vec::new(),
            units: Vec::new(),
            characters: Vec::new(),
            control_characters: options.control_characters,
            surrogates: options.surrogates,
        }
    }

    /// The string whose plain run begins at `start`, if it is nothing else, and units.
    #[inline(always)]
    pub(crate) fn of_units<'t>(
        &self,
        data: &[u8],
        start: usize,
        run: Run,
        source: Source<'t>,
    ) -> Option<Text<'t>> {
        match source {
            Source::Units(units) if self.surrogates && data.get(run.end) == Some(&b'"') => {
                Some(units.text(start..run.end))
            }
            _ => None,
        }
    }

    /// Reads the string whose opening quote is at `open`, and behind it a plain run; returns the
    /// index behind its closing quote.
    ///
    /// The string is validated where the data was not, if it is not ASCII; with `units`, it may then
    /// be decoded as well.
    #[inline(never)]
    pub(crate) fn read<'t, V: Scan>(
        &'t mut self,
        scan: V,
        data: &'t [u8],
        open: usize,
        run: Run,
        source: Source<'t>,
        units: bool,
    ) -> Result<(Text<'t>, usize), Failure> {
        if let Some(text) = ascii_until_quote(data, open + 1, run) {
            return Ok((text, run.end + 1));
        }
        if data.get(run.end) != Some(&b'"') {
            return self.read_escaped(scan, data, open, run, source, units);
        }
        if units
            && matches!(source, Source::Unknown)
            && scan.decode(data, open + 1..run.end, &mut self.units)
        {
            return Ok((Text::Ucs2(&self.units), run.end + 1));
        }
        if units
            && matches!(source, Source::Unknown)
            && scan.decode_characters(data, open + 1..run.end, &mut self.characters)
        {
            return Ok((Text::Ucs4(&self.characters), run.end + 1));
        }
        let bytes = &data[open + 1..run.end];
        let text = match source {
            Source::Unknown => validated(bytes, self.surrogates, open + 1)?,
            Source::Utf8 => text::utf8(bytes),
            Source::Units(units) => {
                let text = units.text(open + 1..run.end);
                self.check(text, open)?;
                text
            }
        };
        Ok((text, run.end + 1))
    }

    #[inline(never)]
    fn read_escaped<'t, V: Scan>(
        &'t mut self,
        scan: V,
        data: &[u8],
        open: usize,
        run: Run,
        source: Source<'_>,
        units: bool,
    ) -> Result<(Text<'t>, usize), Failure> {
        let units = units && !matches!(source, Source::Units(_));
        let string = scan.apart(Unescape { strings: self, data, open, run, units })?;
        match string.wide {
            Some(Wide::Units) => return Ok((Text::Ucs2(&self.units), string.end)),
            Some(Wide::Characters) => return Ok((Text::Ucs4(&self.characters), string.end)),
            None => {}
        }
        let mut surrogates = string.surrogates;
        if !string.ascii_source {
            match source {
                Source::Utf8 => {}
                // What is between the escapes is UTF-8 if all of it is with them.
                Source::Unknown if units && self.decode_unescaped(scan) => {
                    return Ok((Text::Ucs2(&self.units), string.end));
                }
                Source::Unknown => {
                    let source = &data[open + 1..string.end - 1];
                    let text = validated(source, self.surrogates, open + 1)?;
                    surrogates |= matches!(text, Text::Surrogates(_));
                }
                Source::Units(units) => {
                    self.unescape_units(scan, data, units, open + 1..string.end - 1)?;
                    self.check(Text::Ucs4(&self.characters), open)?;
                    return Ok((Text::Ucs4(&self.characters), string.end));
                }
            }
        }
        let text = if surrogates {
            Text::Surrogates(&self.unescaped)
        } else if string.ascii {
            text::ascii(&self.unescaped)
        } else {
            text::utf8(&self.unescaped)
        };
        Ok((text, string.end))
    }

    #[inline(always)]
    fn unescape<V: Scan>(
        &mut self,
        scan: V,
        data: &[u8],
        open: usize,
        mut run: Run,
        mut units: bool,
    ) -> Result<Unescaped, Failure> {
        self.unescaped.clear();
        self.unescaped.extend_from_slice(&data[open + 1..run.end]);
        let mut string =
            Unescaped { end: 0, ascii: true, ascii_source: true, surrogates: false, wide: None };
        loop {
            string.ascii_source &= run.ascii;
            let from = match data.get(run.end) {
                Some(b'"') => {
                    string.ascii &= string.ascii_source;
                    return Ok(Unescaped { end: run.end + 1, ..string });
                }
                Some(b'\\') => {
                    if units && string.ascii_source && data.get(run.end + 1) == Some(&b'u') {
                        if let Some((end, wide)) = self.unescape_to_units(scan, data, run.end) {
                            return Ok(Unescaped { end, wide: Some(wide), ..string });
                        }
                        units = false;
                    }
                    let (code, end) = self.escape(data, run.end, open)?;
                    self.push(code, &mut string);
                    end
                }
                Some(&control) if self.control_characters => {
                    self.unescaped.push(control);
                    run.end + 1
                }
                Some(_) => return Err(Failure::new(SyntaxError::ControlCharacter, run.end)),
                None => return Err(Failure::at_end(SyntaxError::UnterminatedString, open)),
            };
            run = scan.plain_into(data, from, &mut self.unescaped);
        }
    }

    /// Goes on with a string that is ASCII so far, from the escape at `at` on, in units, or where a
    /// surrogate is among these, in characters. Returns the index behind the closing quote, and
    /// which it is; nothing if the string is not ASCII between its escapes, or not right.
    #[inline(always)]
    fn unescape_to_units<V: Scan>(
        &mut self,
        scan: V,
        data: &[u8],
        at: usize,
    ) -> Option<(usize, Wide)> {
        self.units.clear();
        widen(&self.unescaped, &mut self.units)?;
        let mut surrogates = false;
        let (mut pos, mut end) = (at, at);
        loop {
            widen(&data[pos..end], &mut self.units)?;
            match data.get(end)? {
                b'"' => break,
                b'\\' => {}
                _ => return None,
            }
            pos = end;
            while let Some([b'\\', letter, digits @ ..]) = data.get(pos..) {
                let unit = match ESCAPED[usize::from(*letter)] {
                    0 if *letter == b'u' => {
                        pos += 6;
                        hexadecimal(digits.first_chunk()?)?
                    }
                    0 => return None,
                    byte => {
                        pos += 2;
                        byte.into()
                    }
                };
                surrogates |= unit & 0xf800 == 0xd800;
                cannery_core::reserve(&mut self.units, 1).ok()?;
                self.units.push(unit);
            }
            let run = scan.plain(data, pos);
            if !run.ascii {
                return None;
            }
            end = run.end;
        }
        if !surrogates {
            return Some((end + 1, Wide::Units));
        }
        self.characters.clear();
        self.characters.try_reserve(self.units.len()).ok()?;
        for character in char::decode_utf16(self.units.iter().copied()) {
            match character {
                Ok(character) => self.characters.push(character.into()),
                Err(lone) if self.surrogates => {
                    self.characters.push(lone.unpaired_surrogate().into());
                }
                Err(_) => return None,
            }
        }
        Some((end + 1, Wide::Characters))
    }

    /// Unescapes a string that is known to be right, for the units behind its shadow.
    fn unescape_units<V: Scan>(
        &mut self,
        scan: V,
        data: &[u8],
        units: Units<'_>,
        string: Range<usize>,
    ) -> Result<(), Failure> {
        self.characters.clear();
        let mut pos = string.start;
        loop {
            let end = scan.plain_outlined(data, pos).end;
            units.append(pos..end, &mut self.characters);
            if end >= string.end {
                return Ok(());
            }
            let (code, behind) = match data[end] {
                b'\\' => self.escape(data, end, string.start)?,
                control => (control.into(), end + 1),
            };
            self.characters.push(code);
            pos = behind;
        }
    }

    /// The code point of the escape at `at`, and the index behind it.
    #[inline(always)]
    fn escape(&self, data: &[u8], at: usize, open: usize) -> Result<(u32, usize), Failure> {
        let Some(&letter) = data.get(at + 1) else {
            return Err(Failure::at_end(SyntaxError::UnterminatedString, open));
        };
        let byte = ESCAPED[usize::from(letter)];
        if byte == 0 {
            return match letter {
                b'u' => self.unicode_escape(data, at),
                _ => Err(Failure::new(SyntaxError::InvalidEscape, at)),
            };
        }
        Ok((byte.into(), at + 2))
    }

    #[inline(never)]
    fn unicode_escape(&self, data: &[u8], at: usize) -> Result<(u32, usize), Failure> {
        let unit = unit_at(data, at)?;
        if unit & 0xf800 != 0xd800 {
            return Ok((unit, at + 6));
        }
        if unit < 0xdc00
            && let Some(low) = low_surrogate(data, at + 6)?
        {
            return Ok((0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), at + 12));
        }
        if self.surrogates {
            return Ok((unit, at + 6));
        }
        // Its other half may be in the data that has not come yet.
        let end = matches!(data.get(at + 6..), Some([] | [b'\\']));
        Err(Failure { what: SyntaxError::LoneSurrogate, at, end })
    }

    /// Adds an escaped character.
    #[inline(always)]
    fn push(&mut self, code: u32, string: &mut Unescaped) {
        match u8::try_from(code) {
            Ok(byte) if byte < 0x80 => self.unescaped.push(byte),
            _ => self.push_wide(code, string),
        }
    }

    #[inline(never)]
    fn push_wide(&mut self, code: u32, string: &mut Unescaped) {
        string.ascii = false;
        if let Some(character) = char::from_u32(code) {
            let mut utf8 = [0; 4];
            self.unescaped.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        } else {
            string.surrogates = true;
            self.unescaped.extend_from_slice(&surrogate(code));
        }
    }

    /// Decodes the unescaped string into units, if that is possible.
    fn decode_unescaped<V: Scan>(&mut self, scan: V) -> bool {
        let len = self.unescaped.len();
        // What a reader of blocks wants to find behind it.
        self.unescaped.extend_from_slice(&[b'"'; 32]);
        let decoded = scan.decode(&self.unescaped, 0..len, &mut self.units);
        self.unescaped.truncate(len);
        decoded
    }

    /// Refuses surrogates in a string of units where they are not accepted.
    #[inline]
    fn check(&self, text: Text<'_>, open: usize) -> Result<(), Failure> {
        if self.surrogates || text.to_str().is_some() {
            return Ok(());
        }
        Err(Failure::new(SyntaxError::LoneSurrogate, open))
    }
}

/// The string whose plain run begins at `start`, if it is nothing else and ASCII: most are.
///
/// Apart from the other cases, so that the text is passed on in registers.
#[inline(always)]
pub(crate) fn ascii_until_quote(data: &[u8], start: usize, run: Run) -> Option<Text<'_>> {
    let whole = run.ascii && data.get(run.end) == Some(&b'"');
    whole.then(|| text::ascii(&data[start..run.end]))
}

/// The second half of a surrogate pair, if the escape for it stands at `at`.
fn low_surrogate(data: &[u8], at: usize) -> Result<Option<u32>, Failure> {
    if !matches!(data.get(at..), Some([b'\\', b'u', ..])) {
        return Ok(None);
    }
    Ok(Some(unit_at(data, at)?).filter(|low| (0xdc00..0xe000).contains(low)))
}

/// The four hexadecimal digits behind the `\u` at `at`. Errors point at the `u`, as Python's do.
fn unit_at(data: &[u8], at: usize) -> Result<u32, Failure> {
    let rest = &data[at + 2..];
    // A closing quote must follow at least, and Python insists on that here already.
    let Some([digits @ .., _]) = rest.first_chunk::<5>() else {
        let end = rest.iter().take(4).all(u8::is_ascii_hexdigit);
        return Err(Failure { what: SyntaxError::InvalidUnicodeEscape, at: at + 1, end });
    };
    let mut unit = 0;
    for &digit in digits {
        let Some(value) = char::from(digit).to_digit(16) else {
            return Err(Failure::new(SyntaxError::InvalidUnicodeEscape, at + 1));
        };
        unit = unit << 4 | value;
    }
    Ok(unit)
}

/// Adds ASCII as units.
#[inline(always)]
fn widen(ascii: &[u8], to: &mut Vec<u16>) -> Option<()> {
    cannery_core::reserve(to, ascii.len()).ok()?;
    let start = to.len();
    to.resize(start + ascii.len(), 0);
    for (unit, byte) in to[start..].iter_mut().zip(ascii) {
        *unit = u16::from(*byte);
    }
    Some(())
}

/// The value of each hexadecimal digit; more than four bits for what is none.
static DIGITS: [u8; 256] = {
    let mut values = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        values[b"0123456789ABCDEF"[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// The unit of four hexadecimal digits.
#[inline(always)]
fn hexadecimal(digits: &[u8; 4]) -> Option<u16> {
    // Not by `map`, which would not be compiled for the parser's instructions.
    let a = DIGITS[usize::from(digits[0])];
    let b = DIGITS[usize::from(digits[1])];
    let c = DIGITS[usize::from(digits[2])];
    let d = DIGITS[usize::from(digits[3])];
    let unit = u16::from(a) << 12 | u16::from(b) << 8 | u16::from(c) << 4 | u16::from(d);
    if a | b | c | d < 16 { Some(unit) } else { None }
}

fn surrogate(code: u32) -> [u8; 3] {
    [0xed, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]
}

/// The text of a string's bytes, which begin at `start` in the data.
#[inline(never)]
fn validated(bytes: &[u8], surrogates: bool, start: usize) -> Result<Text<'_>, Failure> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(Text::Utf8(text));
    }
    match first_invalid(bytes, surrogates) {
        None => Ok(Text::Surrogates(bytes)),
        Some(at) => Err(Failure::new(SyntaxError::NotUtf8, start + at)),
    }
}

/// The index of the first byte that is not UTF-8 and, where they are accepted, no surrogate.
#[cold]
pub(crate) fn first_invalid(bytes: &[u8], surrogates: bool) -> Option<usize> {
    let mut pos = 0;
    while let Err(error) = std::str::from_utf8(&bytes[pos..]) {
        pos += error.valid_up_to();
        match bytes[pos..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] if surrogates => pos += 3,
            _ => return Some(pos),
        }
    }
    None
}

mod text {
    //! Bytes that are known to be text.
    #![expect(unsafe_code, reason = "validating each string again would cost a third of the time")]

    use cannery_core::Text;

    /// The text of bytes that were all seen to be ASCII.
    #[inline(always)]
    pub(super) fn ascii(bytes: &[u8]) -> Text<'_> {
        debug_assert!(bytes.is_ascii(), "ASCII");
        // SAFETY: the caller has seen that all bytes are below 0x80.
        Text::Ascii(unsafe { std::str::from_utf8_unchecked(bytes) })
    }

    /// The text of bytes that come from validated data, cut at ASCII bytes, and of escapes.
    #[inline(always)]
    pub(super) fn utf8(bytes: &[u8]) -> Text<'_> {
        debug_assert!(std::str::from_utf8(bytes).is_ok(), "UTF-8");
        // SAFETY: what the caller validated was cut at ASCII bytes, which are never part of another
        // character, and escapes are whole characters; so all characters are whole.
        Text::Utf8(unsafe { std::str::from_utf8_unchecked(bytes) })
    }
}
