//! The parser: one loop over the text that sends events as it goes, and can stop for more data.
//!
//! It works in *units*: a value (of a container: its opening bracket and its first key), or what
//! stands behind a value (a comma and the next key, or a closing bracket). A unit sends nothing
//! before all its bytes were seen. So when the data ends in the middle of one, it is taken up again
//! from the unit's start as soon as there is more.

use std::borrow::Cow;

use cannery_core::{Container, Error, Limits, Note, Pos, Result, Sink, Text, Wants};

use crate::ReadOptions;
use crate::number::{self, Integer, Whole};
use crate::scan::{Scan, Task, with_best};
use crate::string::{self, Strings};
use crate::syntax::{Failure, SyntaxError};
use crate::units::Units;

/// A piece of a text.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) data: &'a [u8],
    /// Bytes of the text before this piece.
    pub(crate) base: u64,
    /// Whether the text ends with it.
    pub(crate) last: bool,
    /// What `data` is.
    pub(crate) source: Source<'a>,
}

/// What a text's bytes are.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// Whatever was sent; strings are validated one by one.
    Unknown,
    /// UTF-8.
    Utf8,
    /// The shadow of these units.
    Units(Units<'a>),
}

impl<'a> Chunk<'a> {
    /// The bytes from `at` on that an error may show.
    pub(crate) fn shown(&self, at: usize) -> Cow<'a, [u8]> {
        match self.source {
            Source::Units(units) => units.shown(at),
            _ => Cow::Borrowed(self.data.get(at..).unwrap_or_default()),
        }
    }
}

/// Where the parser stands between two units, and what it needs on the way.
pub(crate) struct Parser {
    state: State,
    open: OpenContainers,
    outer: Vec<u64>,
    limits: Limits,
    nan: bool,
    strings: Strings,
    unit: usize,
    failed_at: usize,
    starved: bool,
}

/// What the next unit is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    AfterValue,
}

impl Parser {
    #[inline]
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            state: State::Value,
            open: OpenContainers::default(),
            outer: Vec::new(),
            limits: options.limits,
            nan: options.nan,
            strings: Strings::new(options),
            unit: 0,
            failed_at: 0,
            starved: false,
        }
    }

    /// Makes it ready for another document.
    pub(crate) fn reset(&mut self) {
        self.state = State::Value;
        self.open = OpenContainers::default();
        self.outer.clear();
        self.starved = false;
    }

    /// Reads on from `pos` to the end of the document; returns the index behind it.
    ///
    /// If it fails and is [`starved`](Self::starved), call it again with the data from
    /// [`unit`](Self::unit) on and more behind it.
    #[inline(always)]
    pub(crate) fn run<S: Sink + ?Sized>(
        &mut self,
        chunk: Chunk<'_>,
        pos: usize,
        sink: &mut S,
    ) -> Result<usize> {
        self.starved = false;
        with_best(Run { parser: self, chunk, pos, sink })
    }

    /// Reads documents with nothing but whitespace between them: one at least, and on while they
    /// begin before `end` and are fewer than `most`. What stands at `pos` must be no whitespace.
    pub(crate) fn run_many<S: Sink + ?Sized>(
        &mut self,
        chunk: Chunk<'_>,
        pos: usize,
        end: usize,
        most: usize,
        sink: &mut S,
    ) -> Many {
        self.starved = false;
        with_best(RunMany { run: Run { parser: self, chunk, pos, sink }, end, most })
    }

    /// Whether the error just returned came from the end of a chunk that is not the last.
    pub(crate) fn starved(&self) -> bool {
        self.starved
    }

    /// Where the unit begins that was not finished.
    pub(crate) fn unit(&self) -> usize {
        self.unit
    }

    /// The index that the error just returned points at.
    pub(crate) fn failed_at(&self) -> usize {
        self.failed_at
    }

    /// Notes that the text could not be read on at this index.
    pub(crate) fn failed(&mut self, at: usize) {
        self.failed_at = at;
    }

    #[cold]
    #[inline(never)]
    fn fail(&mut self, failure: Failure, chunk: Chunk<'_>) -> Error {
        let Failure { what, at, end } = failure;
        let rest = &*chunk.shown(at);
        // The error will show a whole character: the one here, or behind the backslash here.
        let shown = rest.strip_prefix(b"\\").unwrap_or(rest);
        let cut_off = shown.len() < 4 && shown.first().is_some_and(|&b| b >= 0x80);
        let truncated = end || rest.is_empty();
        // So will its hint, which knows these words.
        let cut_off = cut_off || begins_constant(rest);
        self.starved = (truncated || cut_off) && !chunk.last;
        self.failed_at = at;
        let what = match string::first_invalid(&rest[..rest.len().min(4)], false) {
            Some(0) => SyntaxError::NotUtf8,
            _ => trailing_comma(what, at, chunk).unwrap_or(what),
        };
        what.error(rest, truncated).at_offset(chunk.base + at as u64)
    }

    /// Places an error of the sink at the value that it was given.
    #[cold]
    #[inline(never)]
    fn refused(&mut self, error: Error, base: u64, at: usize) -> Error {
        self.failed_at = at;
        error.at_offset(base + at as u64)
    }

    /// Keeps where the unit began that failed, for it may be read again.
    #[cold]
    #[inline(never)]
    fn stop(&mut self, error: Error, state: State, unit: usize, open: OpenContainers) -> Error {
        (self.state, self.unit, self.open) = (state, unit, open);
        error
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&mut self, base: u64, at: usize) -> Error {
        let error = self.limits.too_deep();
        self.refused(error, base, at)
    }

    /// The constant at `at` that is not JSON, and where it ends; if there is none, or they are not
    /// accepted, a value was expected.
    #[cold]
    #[inline(never)]
    fn constant(&mut self, chunk: Chunk<'_>, at: usize) -> Result<(f64, usize)> {
        let rest = chunk.data.get(at..).unwrap_or_default();
        let (word, value): (&[u8], f64) = match rest.first() {
            Some(b'N') => (b"NaN", f64::NAN),
            Some(b'I') => (b"Infinity", f64::INFINITY),
            _ => (b"-Infinity", f64::NEG_INFINITY),
        };
        if self.nan && rest.starts_with(word) {
            return Ok((value, at + word.len()));
        }
        // The hint is for the whole word: more of it may come.
        let end = word.starts_with(rest) && (self.nan || !chunk.last);
        Err(self.fail(Failure { what: SyntaxError::ExpectedValue, at, end }, chunk))
    }

    #[cold]
    #[inline(never)]
    fn bad_word(&mut self, chunk: Chunk<'_>, at: usize, word: &[u8]) -> Error {
        let end = word.starts_with(&chunk.data[at..]);
        self.fail(Failure { what: SyntaxError::ExpectedValue, at, end }, chunk)
    }
}

/// Whether it is the beginning of a constant that is not JSON, and not all of it.
fn begins_constant(rest: &[u8]) -> bool {
    let begins = |word: &[u8]| word.len() > rest.len() && word.starts_with(rest);
    [&b"NaN"[..], b"Infinity", b"-Infinity"].into_iter().any(begins)
}

/// A word that stands for a value.
struct Word {
    text: &'static str,
    len: usize,
    bytes: u64,
    /// Ones where the bytes count.
    mask: u64,
    value: Option<bool>,
}

/// By two bits of their first letters.
static WORDS: [Word; 4] = [
    Word::new("false", Some(false)),
    Word::new("null", None),
    Word::new("true", Some(true)),
    Word::new("", None),
];

impl Word {
    const fn new(text: &'static str, value: Option<bool>) -> Self {
        let (mut bytes, mut mask, mut at) = (0, 0, text.len());
        while at > 0 {
            at -= 1;
            bytes = bytes << 8 | text.as_bytes()[at] as u64;
            mask = mask << 8 | 0xff;
        }
        Self { text, len: text.len(), bytes, mask, value }
    }

    fn text(&self) -> &'static [u8] {
        self.text.as_bytes()
    }
}

/// A missing value or key behind a comma is better called a comma too many.
fn trailing_comma(what: SyntaxError, at: usize, chunk: Chunk<'_>) -> Option<SyntaxError> {
    let container = match (what, chunk.data.get(at)?) {
        (SyntaxError::ExpectedValue, b']') => Container::List,
        (SyntaxError::ExpectedKey, b'}') => Container::Map,
        _ => return None,
    };
    let before = chunk.data[..at].trim_ascii_end();
    let comma = chunk.base + before.len().checked_sub(1)? as u64;
    before.ends_with(b",").then_some(SyntaxError::TrailingComma { container, comma })
}

struct Run<'a, S: ?Sized> {
    parser: &'a mut Parser,
    chunk: Chunk<'a>,
    pos: usize,
    sink: &'a mut S,
}

impl<S: Sink + ?Sized> Task for Run<'_, S> {
    type Output = Result<usize>;

    #[inline(always)]
    fn run<V: Scan>(self, scan: V) -> Result<usize> {
        let wants = self.sink.wants();
        let Self { parser, chunk, pos, sink } = self;
        Cursor { parser, chunk, sink, scan, wants }.document(pos)
    }
}

/// What came of reading several documents.
pub(crate) struct Many {
    /// This many were read.
    pub(crate) count: usize,
    /// The index behind the last of them, or of the one that failed.
    pub(crate) pos: usize,
    /// Why another one could not be read.
    pub(crate) failure: Option<Error>,
}

struct RunMany<'a, S: ?Sized> {
    run: Run<'a, S>,
    end: usize,
    most: usize,
}

impl<S: Sink + ?Sized> Task for RunMany<'_, S> {
    type Output = Many;

    #[inline(always)]
    fn run<V: Scan>(self, scan: V) -> Many {
        let Run { parser, chunk, mut pos, sink } = self.run;
        let wants = sink.wants();
        let mut cursor = Cursor { parser, chunk, sink, scan, wants };
        let mut count = 0;
        loop {
            cursor.parser.reset();
            match cursor.document(pos) {
                Ok(end) => pos = end,
                Err(error) => return Many { count, pos, failure: Some(error) },
            }
            count += 1;
            if count == self.most || pos >= self.end {
                return Many { count, pos, failure: None };
            }
            let next = cursor.skip_whitespace(pos);
            if next >= self.end || begins_separator(chunk.data[next]) {
                return Many { count, pos, failure: None };
            }
            pos = next;
        }
    }
}

/// Whether the byte may begin what stands between documents and is no whitespace: a record separator
/// (RFC 7464), or the byte order mark of the next of several files put together.
#[inline(always)]
pub(crate) fn begins_separator(byte: u8) -> bool {
    matches!(byte, 0x1e | 0xef)
}

/// How a value's unit ended, and the index behind it.
enum Unit {
    /// The value is complete.
    Complete(usize),
    /// It is a container; its first value follows.
    Opened(usize, Container),
}

/// How the unit behind a value ended, and the index behind that.
enum After {
    /// With the end of the container, a value itself.
    Ended(usize),
    /// Where the next value follows.
    Next(usize),
}

/// What all steps of the loop share.
///
/// The position and the open containers are passed from hand to hand, and `self` is not given to
/// anything that is not inlined: so all of it stays in registers, and the parser's speed hangs on
/// how fast one position follows another.
struct Cursor<'a, S: ?Sized, V> {
    parser: &'a mut Parser,
    chunk: Chunk<'a>,
    sink: &'a mut S,
    scan: V,
    wants: Wants,
}

impl<S: Sink + ?Sized, V: Scan> Cursor<'_, S, V> {
    #[inline(always)]
    fn document(&mut self, mut pos: usize) -> Result<usize> {
        let mut open = self.parser.open;
        let mut state = self.parser.state;
        loop {
            if state == State::Value {
                match self.value(pos, open) {
                    Ok(Unit::Complete(end)) => pos = end,
                    Ok(Unit::Opened(next, container)) => {
                        (pos, open) = (next, open.push(container, &mut self.parser.outer));
                        continue;
                    }
                    Err(error) => return Err(self.parser.stop(error, State::Value, pos, open)),
                }
            }
            while open.depth > 0 {
                match self.after_value(pos, open) {
                    Ok(After::Ended(end)) => {
                        (pos, open) = (end, open.pop(&mut self.parser.outer));
                    }
                    Ok(After::Next(next)) => {
                        pos = next;
                        break;
                    }
                    Err(error) => {
                        return Err(self.parser.stop(error, State::AfterValue, pos, open));
                    }
                }
            }
            if open.depth == 0 {
                return Ok(pos);
            }
            state = State::Value;
        }
    }

    #[inline(always)]
    fn skip_whitespace(&self, pos: usize) -> usize {
        match self.byte(pos) {
            Some(byte) if byte > b' ' => pos,
            _ => self.scan.whitespace(self.chunk.data, pos),
        }
    }

    #[inline(always)]
    fn byte(&self, pos: usize) -> Option<u8> {
        self.chunk.data.get(pos).copied()
    }

    #[inline(always)]
    fn value(&mut self, pos: usize, open: OpenContainers) -> Result<Unit> {
        let pos = self.skip_whitespace(pos);
        let end = match self.byte(pos) {
            Some(b'"') => self.text(pos)?,
            Some(b'{') => return self.begin_map(pos, open),
            Some(b'[') => return self.begin_list(pos, open),
            Some(b'0'..=b'9') => self.number(pos)?,
            Some(b'-') if self.byte(pos + 1) != Some(b'I') => self.number(pos)?,
            Some(b't' | b'f' | b'n') => {
                let (value, end) = self.word(pos)?;
                self.note_position(pos)?;
                let sent = self.sink.null_or_bool(value);
                self.accepted(sent, pos)?;
                end
            }
            _ => {
                let (value, end) = self.parser.constant(self.chunk, pos)?;
                self.note_position(pos)?;
                let sent = self.sink.float(value);
                self.accepted(sent, pos)?;
                end
            }
        };
        Ok(Unit::Complete(end))
    }

    /// Goes on if the sink accepted the value at `pos`.
    ///
    /// Events are not sent by closures, which would not be compiled for the parser's instructions.
    #[inline(always)]
    fn accepted(&mut self, sent: Result<()>, pos: usize) -> Result<()> {
        match sent {
            Ok(()) => Ok(()),
            Err(error) => Err(self.parser.refused(error, self.chunk.base, pos)),
        }
    }

    #[inline(always)]
    fn note_position(&mut self, pos: usize) -> Result<()> {
        if self.wants.positions { note(self.sink, self.chunk.base, pos) } else { Ok(()) }
    }

    #[inline(always)]
    fn text(&mut self, pos: usize) -> Result<usize> {
        self.note_position(pos)?;
        let Chunk { data, source, base, .. } = self.chunk;
        let run = self.scan.plain(data, pos + 1);
        if let Some(text) = string::ascii_until_quote(data, pos + 1, run) {
            return match self.sink.text(text) {
                Ok(()) => Ok(run.end + 1),
                Err(error) => Err(self.parser.refused(error, base, pos)),
            };
        }
        if let Some(text) = self.parser.strings.of_units(data, pos + 1, run, source) {
            return match self.sink.text(text) {
                Ok(()) => Ok(run.end + 1),
                Err(error) => Err(self.parser.refused(error, base, pos)),
            };
        }
        let refused =
            match self.parser.strings.read(self.scan, data, pos, run, source, self.wants.units) {
                Ok((text, end)) => match self.sink.text(text) {
                    Ok(()) => return Ok(end),
                    Err(error) => error,
                },
                Err(failure) => return Err(self.parser.fail(failure, self.chunk)),
            };
        Err(self.parser.refused(refused, base, pos))
    }

    #[inline(always)]
    fn number(&mut self, pos: usize) -> Result<usize> {
        let data = self.chunk.data;
        let whole = match Whole::read(self.scan, data, pos) {
            Ok(whole) => whole,
            Err(failure) => return Err(self.parser.fail(failure, self.chunk)),
        };
        if whole.goes_on(data)
            && let Some((value, end)) = whole.real(self.scan, data)
        {
            self.check_number_ends(pos, end)?;
            self.note_position(pos)?;
            let sent = if self.wants.number_text {
                self.sink.number(number::text(data, pos, end))
            } else {
                self.sink.float(value)
            };
            self.accepted(sent, pos)?;
            return Ok(end);
        }
        self.check_number_ends(pos, whole.end)?;
        self.note_position(pos)?;
        let sent = if self.wants.number_text {
            self.sink.number(number::text(data, pos, whole.end))
        } else {
            match whole.integer(data) {
                Integer::Small(value) => self.sink.int(value),
                Integer::Big(value) => self.sink.big_int(value),
            }
        };
        self.accepted(sent, pos)?;
        Ok(whole.end)
    }

    #[inline(always)]
    fn check_number_ends(&mut self, pos: usize, end: usize) -> Result<()> {
        if self.chunk.last || !number::may_go_on(self.chunk.data, end) {
            return Ok(());
        }
        let failure = Failure::at_end(SyntaxError::ExpectedValue, pos);
        Err(self.parser.fail(failure, self.chunk))
    }

    /// The value of the word at `pos`, where its first letter stands, and the index behind it.
    #[inline(always)]
    fn word(&mut self, pos: usize) -> Result<(Option<bool>, usize)> {
        let data = self.chunk.data;
        let word = &WORDS[usize::from(data[pos] >> 3 & 3)];
        // Which of the words it is cannot be predicted: so no branch depends on it.
        let stands = match data.get(pos..).and_then(|rest| rest.first_chunk()) {
            Some(ahead) => (u64::from_le_bytes(*ahead) ^ word.bytes) & word.mask == 0,
            None => data[pos..].starts_with(word.text()),
        };
        if stands {
            return Ok((word.value, pos + word.len));
        }
        Err(self.parser.bad_word(self.chunk, pos, word.text()))
    }

    #[inline(always)]
    fn begin_list(&mut self, pos: usize, open: OpenContainers) -> Result<Unit> {
        let next = self.skip_whitespace(pos + 1);
        match self.byte(next) {
            Some(b']') => {
                self.check_depth(pos, open)?;
                self.note_position(pos)?;
                let sent = self.sink.begin(Container::List, Some(0));
                self.accepted(sent, pos)?;
                self.note_position(pos)?;
                let sent = self.sink.end(Container::List);
                self.accepted(sent, pos)?;
                Ok(Unit::Complete(next + 1))
            }
            Some(_) => {
                self.check_depth(pos, open)?;
                self.note_position(pos)?;
                let sent = self.sink.begin(Container::List, None);
                self.accepted(sent, pos)?;
                Ok(Unit::Opened(next, Container::List))
            }
            None => self.fail(SyntaxError::ExpectedValue, next),
        }
    }

    #[inline(always)]
    fn begin_map(&mut self, pos: usize, open: OpenContainers) -> Result<Unit> {
        let next = self.skip_whitespace(pos + 1);
        match self.byte(next) {
            Some(b'}') => {
                self.check_depth(pos, open)?;
                self.note_position(pos)?;
                let sent = self.sink.begin(Container::Map, Some(0));
                self.accepted(sent, pos)?;
                self.note_position(pos)?;
                let sent = self.sink.end(Container::Map);
                self.accepted(sent, pos)?;
                Ok(Unit::Complete(next + 1))
            }
            Some(b'"') => {
                self.check_depth(pos, open)?;
                let end = self.key(next, Some(pos))?;
                Ok(Unit::Opened(end, Container::Map))
            }
            _ => self.fail(SyntaxError::ExpectedKey, next),
        }
    }

    #[inline(always)]
    fn check_depth(&mut self, pos: usize, open: OpenContainers) -> Result<()> {
        if open.depth < self.parser.limits.depth {
            return Ok(());
        }
        Err(self.parser.too_deep(self.chunk.base, pos))
    }

    /// Reads the key at `pos` and the colon behind it, and sends the key; before it, the beginning
    /// of the map if that is part of the same unit. Returns the index of what follows the colon.
    #[inline(always)]
    fn key(&mut self, pos: usize, map: Option<usize>) -> Result<usize> {
        let Chunk { data, source, base, .. } = self.chunk;
        if !self.wants.positions
            && let Some(len) = self.sink.predict_key(&data[pos + 1..], map.is_some())
            && self.byte(pos + len + 2) == Some(b':')
        {
            if let Err(error) = send_predicted_key(self.sink, base, map) {
                return Err(self.parser.refused(error, base, pos));
            }
            return Ok(self.behind_colon(pos + len + 2));
        }
        let run = self.scan.plain(data, pos + 1);
        if let Some(key) = string::ascii_until_quote(data, pos + 1, run) {
            let colon = self.colon(run.end + 1)?;
            if let Err(error) = send_key(self.sink, self.wants, base, key, pos, map) {
                return Err(self.parser.refused(error, base, pos));
            }
            return Ok(self.behind_colon(colon));
        }
        let (key, end) = match self.parser.strings.read(self.scan, data, pos, run, source, false) {
            Ok(read) => read,
            Err(failure) => return Err(self.parser.fail(failure, self.chunk)),
        };
        let colon = match data.get(end) {
            Some(b':') => end,
            _ => self.scan.whitespace(data, end),
        };
        if data.get(colon) != Some(&b':') {
            return self.fail(SyntaxError::ExpectedColon, colon);
        }
        if let Err(error) = send_key(self.sink, self.wants, base, key, pos, map) {
            return Err(self.parser.refused(error, base, pos));
        }
        Ok(self.behind_colon(colon))
    }

    /// The index of the colon behind a key.
    #[inline(always)]
    fn colon(&mut self, end: usize) -> Result<usize> {
        if self.byte(end) == Some(b':') {
            return Ok(end);
        }
        let colon = self.scan.whitespace(self.chunk.data, end);
        if self.byte(colon) != Some(b':') {
            return self.fail(SyntaxError::ExpectedColon, colon);
        }
        Ok(colon)
    }

    #[inline(always)]
    fn behind_colon(&self, colon: usize) -> usize {
        colon + 1 + usize::from(self.byte(colon + 1) == Some(b' '))
    }

    /// Reads on behind a value: the end of the container, or what leads to the next value.
    #[inline(always)]
    fn after_value(&mut self, pos: usize, open: OpenContainers) -> Result<After> {
        let pos = self.skip_whitespace(pos);
        let container = open.innermost();
        match (self.byte(pos), container) {
            (Some(b','), Container::Map) => {
                let key = self.skip_whitespace(pos + 1);
                if self.byte(key) != Some(b'"') {
                    return self.fail(SyntaxError::ExpectedKey, key);
                }
                Ok(After::Next(self.key(key, None)?))
            }
            (Some(b','), _) => Ok(After::Next(pos + 1)),
            (Some(b'}'), Container::Map) | (Some(b']'), Container::List) => {
                match self.sink.end(container) {
                    Ok(()) => {}
                    Err(error) => return Err(self.parser.refused(error, self.chunk.base, pos)),
                }
                Ok(After::Ended(pos + 1))
            }
            _ => self.fail(SyntaxError::ExpectedComma(container), pos),
        }
    }

    #[inline(always)]
    fn fail<T>(&mut self, what: SyntaxError, at: usize) -> Result<T> {
        Err(self.parser.fail(Failure { what, at, end: false }, self.chunk))
    }
}

#[cold]
fn note<S: Sink + ?Sized>(sink: &mut S, base: u64, pos: usize) -> Result<()> {
    sink.note(Note::At(Pos::offset(base + pos as u64)))
}

#[inline(always)]
fn send_key<S: Sink + ?Sized>(
    sink: &mut S,
    wants: Wants,
    base: u64,
    key: Text<'_>,
    pos: usize,
    map: Option<usize>,
) -> Result<()> {
    if let Some(map) = map {
        if wants.positions {
            note(sink, base, map)?;
        }
        sink.begin(Container::Map, None).map_err(|error| error.at_offset(base + map as u64))?;
    }
    if wants.positions {
        note(sink, base, pos)?;
    }
    sink.key(key)
}

#[inline(always)]
fn send_predicted_key<S: Sink + ?Sized>(sink: &mut S, base: u64, map: Option<usize>) -> Result<()> {
    if let Some(map) = map {
        sink.begin(Container::Map, None).map_err(|error| error.at_offset(base + map as u64))?;
    }
    sink.predicted_key()
}

/// The containers that are open: a bit for each of the innermost ones, more of them elsewhere.
#[derive(Clone, Copy, Default)]
struct OpenContainers {
    depth: usize,
    /// The innermost container in the lowest bit: 1 for a map.
    bits: u64,
}

impl OpenContainers {
    #[inline(always)]
    fn innermost(self) -> Container {
        if self.bits & 1 == 1 { Container::Map } else { Container::List }
    }

    /// `outer` takes the bits of 64 levels whenever that many are full.
    #[inline(always)]
    fn push(self, container: Container, outer: &mut Vec<u64>) -> Self {
        if self.depth % 64 == 63 {
            outer.push(self.bits);
        }
        Self {
            depth: self.depth + 1,
            bits: self.bits << 1 | u64::from(container == Container::Map),
        }
    }

    #[inline(always)]
    fn pop(self, outer: &mut Vec<u64>) -> Self {
        let depth = self.depth - 1;
        let bits = if depth % 64 == 63 { outer.pop().unwrap_or_default() } else { self.bits >> 1 };
        Self { depth, bits }
    }
}
