//! The parser: one loop over the text that sends events as it goes, and can stop for more data.
//!
//! It works in *units*: a value (of a container: its opening bracket and its first key), or what
//! stands behind a value (a comma and the next key, or a closing bracket). A unit sends nothing
//! before all its bytes were seen. So when the data ends in the middle of one, it is taken up again
//! from the unit's start as soon as there is more.

use cannery_core::{Container, Error, Limits, Note, Pos, Result, Sink, Wants};

use crate::ReadOptions;
use crate::number::{self, Number};
use crate::scan::{Scan, Task, with_best};
use crate::string::Strings;
use crate::syntax::{Failure, SyntaxError};

/// A piece of a text.
#[derive(Clone, Copy)]
pub(crate) struct Chunk<'a> {
    pub(crate) data: &'a [u8],
    /// Bytes of the text before this piece.
    pub(crate) base: u64,
    /// Whether the text ends with it.
    pub(crate) last: bool,
    /// Whether `data` is valid UTF-8; if not, it is so but for surrogates.
    pub(crate) utf8: bool,
}

/// Where the parser stands between two units, and what it needs on the way.
pub(crate) struct Parser {
    open: Open,
    state: State,
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
    pub(crate) fn new(options: &ReadOptions) -> Self {
        Self {
            open: Open::default(),
            state: State::Value,
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
        self.open = Open::default();
        self.state = State::Value;
        self.starved = false;
    }

    /// Reads on from `pos` to the end of the document; returns the index behind it.
    ///
    /// If it fails and is [`starved`](Self::starved), call it again with the data from
    /// [`unit`](Self::unit) on and more behind it.
    #[inline]
    pub(crate) fn run<S: Sink + ?Sized>(
        &mut self,
        chunk: Chunk<'_>,
        pos: usize,
        sink: &mut S,
    ) -> Result<usize> {
        self.starved = false;
        with_best(Run { parser: self, chunk, pos, sink })
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
    fn fail(&mut self, failure: Failure, chunk: Chunk<'_>) -> Error {
        let Failure { what, at, end } = failure;
        let truncated = end || at >= chunk.data.len();
        self.starved = truncated && !chunk.last;
        self.failed_at = at;
        let what = self.trailing_comma(what, at, chunk).unwrap_or(what);
        what.error(chunk.data.get(at..).unwrap_or_default(), truncated)
            .at_offset(chunk.base + at as u64)
    }

    /// A missing value or key behind a comma is better called a comma too many.
    fn trailing_comma(
        &self,
        what: SyntaxError,
        at: usize,
        chunk: Chunk<'_>,
    ) -> Option<SyntaxError> {
        let container = match (what, chunk.data.get(at)?) {
            (SyntaxError::ExpectedValue, b']') => Container::List,
            (SyntaxError::ExpectedKey, b'}') => Container::Map,
            _ => return None,
        };
        let before = chunk.data[..at].trim_ascii_end();
        let comma = chunk.base + before.len().checked_sub(1)? as u64;
        (before.ends_with(b",") && !self.open.is_empty())
            .then_some(SyntaxError::TrailingComma { container, comma })
    }

    /// Places an error of the sink at the value that it was given.
    #[cold]
    fn refused(&mut self, error: Error, chunk: Chunk<'_>, at: usize) -> Error {
        self.failed_at = at;
        error.at_offset(chunk.base + at as u64)
    }
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

/// What all steps of the loop share. The position is passed from hand to hand: it stays in a
/// register that way, and the parser's speed hangs on how fast one position follows another.
struct Cursor<'a, S: ?Sized, V> {
    parser: &'a mut Parser,
    chunk: Chunk<'a>,
    sink: &'a mut S,
    scan: V,
    wants: Wants,
}

/// How a value's unit ended.
enum Step {
    /// The value is complete.
    Complete,
    /// A container was opened; its first value follows.
    Opened,
}

impl<S: Sink + ?Sized, V: Scan> Cursor<'_, S, V> {
    #[inline(always)]
    fn document(&mut self, mut pos: usize) -> Result<usize> {
        let mut state = self.parser.state;
        loop {
            if state == State::Value {
                let step;
                (step, pos) = self.value(pos)?;
                if let Step::Opened = step {
                    continue;
                }
            }
            loop {
                let Some(container) = self.parser.open.innermost() else {
                    return Ok(pos);
                };
                let ended;
                (ended, pos) = self.after_value(pos, container)?;
                if !ended {
                    break;
                }
            }
            state = State::Value;
        }
    }

    /// Notes where a unit begins and skips the whitespace before it.
    #[inline(always)]
    fn unit(&mut self, state: State, pos: usize) -> usize {
        self.parser.state = state;
        self.parser.unit = pos;
        self.skip_whitespace(pos)
    }

    #[inline(always)]
    fn skip_whitespace(&self, pos: usize) -> usize {
        match self.chunk.data.get(pos) {
            Some(&byte) if byte > b' ' => pos,
            _ => self.scan.whitespace(self.chunk.data, pos),
        }
    }

    #[inline(always)]
    fn byte(&self, pos: usize) -> Option<u8> {
        self.chunk.data.get(pos).copied()
    }

    #[inline(always)]
    fn value(&mut self, pos: usize) -> Result<(Step, usize)> {
        let pos = self.unit(State::Value, pos);
        let end = match self.byte(pos) {
            Some(b'"') => self.text(pos)?,
            Some(b'{') => return self.begin_map(pos),
            Some(b'[') => return self.begin_list(pos),
            Some(b'0'..=b'9') => self.number(pos)?,
            Some(b'-') if self.byte(pos + 1) != Some(b'I') => self.number(pos)?,
            Some(b't') => {
                let end = self.word(pos, b"true")?;
                self.send(pos, |sink| sink.bool(true))?;
                end
            }
            Some(b'f') => {
                let end = self.word(pos, b"false")?;
                self.send(pos, |sink| sink.bool(false))?;
                end
            }
            Some(b'n') => {
                let end = self.word(pos, b"null")?;
                self.send(pos, Sink::null)?;
                end
            }
            _ => self.constant(pos)?,
        };
        Ok((Step::Complete, end))
    }

    /// Sends the event of the value at `pos`.
    #[inline(always)]
    fn send(&mut self, pos: usize, event: impl FnOnce(&mut S) -> Result<()>) -> Result<()> {
        if self.wants.positions {
            self.position(pos)?;
        }
        match event(self.sink) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.parser.refused(error, self.chunk, pos)),
        }
    }

    fn position(&mut self, pos: usize) -> Result<()> {
        self.sink.note(Note::At(Pos::offset(self.chunk.base + pos as u64)))
    }

    #[inline(always)]
    fn text(&mut self, pos: usize) -> Result<usize> {
        if self.wants.positions {
            self.position(pos)?;
        }
        let Chunk { data, utf8, .. } = self.chunk;
        let refused = match self.parser.strings.read(self.scan, data, pos, utf8) {
            Ok((text, end)) => match self.sink.text(text) {
                Ok(()) => return Ok(end),
                Err(error) => error,
            },
            Err(failure) => return Err(self.parser.fail(failure, self.chunk)),
        };
        Err(self.parser.refused(refused, self.chunk, pos))
    }

    #[inline(always)]
    fn number(&mut self, pos: usize) -> Result<usize> {
        let Chunk { data, last, .. } = self.chunk;
        let (number, end) = match number::read(data, pos, last) {
            Ok(read) => read,
            Err(failure) => return Err(self.parser.fail(failure, self.chunk)),
        };
        if self.wants.number_text {
            self.send(pos, |sink| sink.number(number::text(data, pos, end)))?;
            return Ok(end);
        }
        match number {
            Number::Int(value) => self.send(pos, |sink| sink.int(value))?,
            Number::Float(value) => self.send(pos, |sink| sink.float(value))?,
            Number::Big(value) => self.send(pos, |sink| sink.big_int(value))?,
        }
        Ok(end)
    }

    /// The index behind `word` if it stands at `pos`.
    #[inline(always)]
    fn word(&mut self, pos: usize, word: &[u8]) -> Result<usize> {
        let rest = &self.chunk.data[pos..];
        if rest.starts_with(word) {
            return Ok(pos + word.len());
        }
        let failure =
            Failure { what: SyntaxError::ExpectedValue, at: pos, end: word.starts_with(rest) };
        Err(self.parser.fail(failure, self.chunk))
    }

    /// What is left among the values: the constants that are not JSON, and what is none.
    #[cold]
    #[inline(never)]
    fn constant(&mut self, pos: usize) -> Result<usize> {
        let (word, value): (&[u8], f64) = match self.byte(pos) {
            Some(b'N') if self.parser.nan => (b"NaN", f64::NAN),
            Some(b'I') if self.parser.nan => (b"Infinity", f64::INFINITY),
            Some(b'-') if self.parser.nan => (b"-Infinity", f64::NEG_INFINITY),
            _ => {
                let failure = Failure::new(SyntaxError::ExpectedValue, pos);
                return Err(self.parser.fail(failure, self.chunk));
            }
        };
        let end = self.word(pos, word)?;
        self.send(pos, |sink| sink.float(value))?;
        Ok(end)
    }

    #[inline(always)]
    fn begin_list(&mut self, pos: usize) -> Result<(Step, usize)> {
        let next = self.skip_whitespace(pos + 1);
        match self.byte(next) {
            Some(b']') => {
                self.check_depth(pos)?;
                self.send(pos, |sink| sink.begin(Container::List, Some(0)))?;
                self.send(pos, |sink| sink.end(Container::List))?;
                Ok((Step::Complete, next + 1))
            }
            Some(_) => {
                self.check_depth(pos)?;
                self.send(pos, |sink| sink.begin(Container::List, None))?;
                self.parser.open.push(Container::List);
                Ok((Step::Opened, next))
            }
            None => self.fail(SyntaxError::ExpectedValue, next),
        }
    }

    #[inline(always)]
    fn begin_map(&mut self, pos: usize) -> Result<(Step, usize)> {
        let next = self.skip_whitespace(pos + 1);
        match self.byte(next) {
            Some(b'}') => {
                self.check_depth(pos)?;
                self.send(pos, |sink| sink.begin(Container::Map, Some(0)))?;
                self.send(pos, |sink| sink.end(Container::Map))?;
                Ok((Step::Complete, next + 1))
            }
            Some(b'"') => {
                self.check_depth(pos)?;
                let end = self.key(next, Some(pos))?;
                self.parser.open.push(Container::Map);
                Ok((Step::Opened, end))
            }
            _ => self.fail(SyntaxError::ExpectedKey, next),
        }
    }

    #[inline(always)]
    fn check_depth(&mut self, pos: usize) -> Result<()> {
        if self.parser.open.depth() < self.parser.limits.depth {
            return Ok(());
        }
        let error = self.parser.limits.too_deep();
        Err(self.parser.refused(error, self.chunk, pos))
    }

    /// Reads the key at `pos` and the colon behind it, and sends the key; before it, the beginning
    /// of the map if that is part of the same unit. Returns the index of what follows the colon.
    #[inline(always)]
    fn key(&mut self, pos: usize, map: Option<usize>) -> Result<usize> {
        let Chunk { data, utf8, .. } = self.chunk;
        let (key, end) = match self.parser.strings.read(self.scan, data, pos, utf8) {
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
        let sent = send_key(self.sink, self.wants, self.chunk.base, key, pos, map);
        if let Err(error) = sent {
            return Err(self.parser.refused(error, self.chunk, pos));
        }
        Ok(match data.get(colon + 1) {
            Some(b' ') => colon + 2,
            _ => colon + 1,
        })
    }

    /// Reads on behind a value; returns whether the container ended there.
    #[inline(always)]
    fn after_value(&mut self, pos: usize, container: Container) -> Result<(bool, usize)> {
        let pos = self.unit(State::AfterValue, pos);
        match (self.byte(pos), container) {
            (Some(b','), Container::Map) => {
                let key = self.skip_whitespace(pos + 1);
                if self.byte(key) != Some(b'"') {
                    return self.fail(SyntaxError::ExpectedKey, key);
                }
                Ok((false, self.key(key, None)?))
            }
            (Some(b','), _) => Ok((false, pos + 1)),
            (Some(b'}'), Container::Map) | (Some(b']'), Container::List) => {
                self.parser.open.pop();
                match self.sink.end(container) {
                    Ok(()) => Ok((true, pos + 1)),
                    Err(error) => Err(self.parser.refused(error, self.chunk, pos)),
                }
            }
            _ => self.fail(SyntaxError::ExpectedComma(container), pos),
        }
    }

    #[cold]
    #[inline(never)]
    fn fail<T>(&mut self, what: SyntaxError, at: usize) -> Result<T> {
        Err(self.parser.fail(Failure::new(what, at), self.chunk))
    }
}

#[inline(always)]
fn send_key<S: Sink + ?Sized>(
    sink: &mut S,
    wants: Wants,
    base: u64,
    key: cannery_core::Text<'_>,
    pos: usize,
    map: Option<usize>,
) -> Result<()> {
    let note = |sink: &mut S, pos| {
        if wants.positions { sink.note(Note::At(Pos::offset(base + pos as u64))) } else { Ok(()) }
    };
    if let Some(map) = map {
        note(sink, map)?;
        sink.begin(Container::Map, None)?;
    }
    note(sink, pos)?;
    sink.key(key)
}

/// The containers that are open, one bit for each.
#[derive(Default)]
struct Open {
    depth: usize,
    /// The innermost ones, the last in the lowest bit: 1 for a map.
    bits: u64,
    /// 64 more for each.
    outer: Vec<u64>,
}

impl Open {
    fn is_empty(&self) -> bool {
        self.depth == 0
    }

    fn depth(&self) -> usize {
        self.depth
    }

    #[inline(always)]
    fn innermost(&self) -> Option<Container> {
        if self.depth == 0 {
            return None;
        }
        Some(if self.bits & 1 == 1 { Container::Map } else { Container::List })
    }

    #[inline(always)]
    fn push(&mut self, container: Container) {
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.outer.push(self.bits);
        }
        self.depth += 1;
        self.bits = self.bits << 1 | u64::from(container == Container::Map);
    }

    #[inline(always)]
    fn pop(&mut self) {
        self.depth -= 1;
        self.bits >>= 1;
        if self.depth != 0 && self.depth.is_multiple_of(64) {
            self.bits = self.outer.pop().expect("64 more");
        }
    }
}
