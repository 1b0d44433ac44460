//! The reader: one pass over the bytes, straight into the sink.

use std::borrow::Cow;

use cannery_core::{
    BigInt, Container, Error, ErrorKind, Limits, Result, Sink, Text, Value, ValueBuilder,
};

use crate::{SIMPLE, TAG, UNDEFINED, half, head as h};

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What to build at most. The length of the input bounds every declared size besides.
    pub limits: Limits,
}

impl ReadOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}

/// Reads one document; bytes after it are an error.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`], [`ErrorKind::Encoding`],
/// [`ErrorKind::Reference`] and [`ErrorKind::Depth`], each with its offset; and the sink's own.
pub fn from_slice<S: Sink + ?Sized>(
    data: &[u8],
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let used = from_slice_prefix(data, options, sink)?;
    if used == data.len() {
        return Ok(());
    }
    Err(Error::bytes_behind(used, data.len()))
}

/// Reads the document at the beginning of `data` and says how many bytes it took.
///
/// # Errors
/// As [`from_slice`], except that bytes may follow.
pub fn from_slice_prefix<S: Sink + ?Sized>(
    data: &[u8],
    options: &ReadOptions,
    sink: &mut S,
) -> Result<usize> {
    let mut reader =
        Reader { data, at: 0, options, open: Vec::new(), marks: 0, awaits: Awaits::Anything };
    match reader.document(sink) {
        Ok(()) => Ok(reader.at),
        Err(error) => Err(error.at_offset(reader.at as u64)),
    }
}

/// Reads one document as a tree.
///
/// # Errors
/// As [`from_slice`].
pub fn to_value(data: &[u8]) -> Result<Value> {
    let mut builder = ValueBuilder::new(Limits::default());
    from_slice(data, &ReadOptions::default(), &mut builder)?;
    builder.finish()
}

struct Reader<'a> {
    data: &'a [u8],
    at: usize,
    options: &'a ReadOptions,
    open: Vec<Level>,
    /// Values that were marked as shareable so far.
    marks: u64,
    awaits: Awaits,
}

/// What the tag just read lets follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Anything,
    /// The items of a set.
    Set,
    /// The value that was marked: it has no second mark.
    Marked,
}

/// What is open around the next value.
#[derive(Clone, Copy)]
struct Level {
    kind: LevelKind,
    /// Values still to come, the keys of a map among them; `None` until a break.
    left: Option<u64>,
    /// Of a map without a length: whether a value is due, not a key.
    value_due: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LevelKind {
    Container(Container),
    Tag,
}

/// The first byte of a data item, taken apart.
#[derive(Clone, Copy)]
struct Head {
    byte: u8,
    /// `None` if items follow until a break.
    argument: Option<u64>,
}

impl Head {
    fn major(self) -> u8 {
        self.byte >> 5
    }
}

impl Level {
    fn expects_key(&self) -> bool {
        self.kind == LevelKind::Container(Container::Map)
            && self.left.map_or(!self.value_due, |left| left.is_multiple_of(2))
    }

    /// One of its values begins.
    fn count(&mut self) {
        self.left = self.left.map(|left| left - 1);
        self.value_due = !self.value_due;
    }
}

impl<'a> Reader<'a> {
    fn document<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        self.value(sink)?;
        while let Some(level) = self.open.last_mut() {
            if level.left == Some(0) {
                self.close(sink)?;
            } else if level.left.is_none() && self.data.get(self.at) == Some(&h::BREAK) {
                if level.kind == LevelKind::Container(Container::Map) && level.value_due {
                    return Err(unexpected("a value,", h::BREAK));
                }
                self.at += 1;
                self.close(sink)?;
            } else if level.expects_key() {
                level.count();
                self.key(sink)?;
            } else {
                level.count();
                self.value(sink)?;
            }
        }
        Ok(())
    }

    fn close<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        match self.open.pop().map(|level| level.kind) {
            Some(LevelKind::Container(container)) => sink.end(container),
            Some(LevelKind::Tag) => sink.end_object(),
            None => Ok(()),
        }
    }

    /// A text key goes out as such, any other as an entry.
    fn key<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let start = self.at;
        let head = self.head()?;
        if head.major() == h::TEXT {
            let bytes = self.string(head)?;
            return sink.key(text(&bytes)?);
        }
        self.at = start;
        sink.entry()?;
        self.value(sink)
    }

    /// Sends a scalar whole; of a container only the beginning, the rest is left to `document`.
    fn value<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let mut start = self.at;
        let mut head = self.head()?;
        while (head.major(), head.argument) == (h::TAG, Some(h::TAG_SELF_DESCRIBED)) {
            start = self.at;
            head = self.head()?;
        }
        let awaits = std::mem::replace(&mut self.awaits, Awaits::Anything);
        if awaits == Awaits::Set && head.major() != h::ARRAY {
            self.at = start;
            return Err(unexpected("an array, the items of a set,", head.byte));
        }
        match (head.major(), head.argument) {
            (h::UNSIGNED, Some(value)) => send_unsigned(value, sink),
            (h::NEGATIVE, Some(value)) => send_negative(value, sink),
            (h::BYTES, _) => sink.bytes(&self.string(head)?),
            (h::TEXT, _) => {
                let bytes = self.string(head)?;
                sink.text(text(&bytes)?)
            }
            (h::ARRAY, length) => {
                let container =
                    if awaits == Awaits::Set { Container::Set } else { Container::List };
                self.begin(container, length, sink)
            }
            (h::MAP, length) => self.begin(Container::Map, length, sink),
            (h::TAG, Some(tag)) => self.tag(tag, awaits, sink),
            (h::SIMPLE, Some(argument)) => simple(head.byte, argument, sink),
            _ => {
                self.at = start;
                Err(unexpected("a value,", head.byte))
            }
        }
    }

    fn tag<S: Sink + ?Sized>(&mut self, tag: u64, awaits: Awaits, sink: &mut S) -> Result<()> {
        match tag {
            h::TAG_POSITIVE | h::TAG_NEGATIVE => self.big_int(tag == h::TAG_NEGATIVE, sink),
            h::TAG_SHAREABLE | h::TAG_SHARED if awaits == Awaits::Marked => {
                let message = "expected a value behind its mark, found a mark or a reference";
                Err(Error::new(ErrorKind::Syntax, message))
            }
            h::TAG_SHAREABLE => {
                sink.mark(self.marks)?;
                self.marks += 1;
                self.awaits = Awaits::Marked;
                self.value(sink)
            }
            h::TAG_SHARED => self.shared(sink),
            h::TAG_SET => {
                self.awaits = Awaits::Set;
                self.value(sink)
            }
            _ => {
                self.deeper()?;
                let level = Level { kind: LevelKind::Tag, left: Some(1), value_due: true };
                self.open.push(level);
                sink.begin_object(Text::Ascii(TAG), Some(2))?;
                sink.key(Text::Ascii("tag"))?;
                send_unsigned(tag, sink)?;
                sink.key(Text::Ascii("value"))
            }
        }
    }

    fn shared<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let head = self.head()?;
        match (head.major(), head.argument) {
            (h::UNSIGNED, Some(id)) if id < self.marks => sink.alias(id),
            (h::UNSIGNED, Some(id)) => {
                let message =
                    format!("a reference to value {id}, of {} shareable ones", self.marks);
                Err(Error::new(ErrorKind::Reference, message))
            }
            _ => Err(unexpected("the number of a shared value,", head.byte)),
        }
    }

    fn big_int<S: Sink + ?Sized>(&mut self, is_negative: bool, sink: &mut S) -> Result<()> {
        let head = self.head()?;
        if head.major() != h::BYTES {
            return Err(unexpected("bytes, the magnitude of an integer,", head.byte));
        }
        let magnitude = self.string(head)?;
        let start = magnitude.iter().position(|&byte| byte != 0).unwrap_or(magnitude.len());
        let magnitude = &magnitude[start..];
        if let Some(small) = word(magnitude) {
            return if is_negative {
                send_negative(small, sink)
            } else {
                send_unsigned(small, sink)
            };
        }
        // The complement of a magnitude is -1 minus it, as the tag means it.
        let flip = if is_negative { 0xff } else { 0 };
        let little: Vec<u8> =
            magnitude.iter().rev().map(|byte| byte ^ flip).chain([flip]).collect();
        sink.big_int(BigInt::LittleEndian(&little))
    }

    fn begin<S: Sink + ?Sized>(
        &mut self,
        container: Container,
        length: Option<u64>,
        sink: &mut S,
    ) -> Result<()> {
        self.deeper()?;
        let each = if container == Container::Map { 2 } else { 1 };
        let left = length.map(|length| length.saturating_mul(each));
        let rest = (self.data.len() - self.at) as u64;
        // Each value takes a byte at least: what cannot follow is refused before it is built.
        if left.is_some_and(|left| left > rest) {
            let message =
                format!("the input ends after {rest} of at least {} bytes", left.unwrap_or(0));
            return Err(Error::new(ErrorKind::Truncated, message));
        }
        self.open.push(Level { kind: LevelKind::Container(container), left, value_due: false });
        sink.begin(container, length.and_then(|length| usize::try_from(length).ok()))
    }

    fn deeper(&self) -> Result<()> {
        if self.open.len() >= self.options.limits.depth {
            return Err(self.options.limits.too_deep());
        }
        Ok(())
    }

    fn head(&mut self) -> Result<Head> {
        let start = self.at;
        let [byte] = self.word()?;
        let argument = match byte & 0x1f {
            short @ 0..24 => Some(short.into()),
            24 => Some(u8::from_be_bytes(self.word()?).into()),
            25 => Some(u16::from_be_bytes(self.word()?).into()),
            26 => Some(u32::from_be_bytes(self.word()?).into()),
            27 => Some(u64::from_be_bytes(self.word()?)),
            h::INDEFINITE if matches!(byte >> 5, h::BYTES..=h::MAP) => None,
            _ => {
                self.at = start;
                return Err(unexpected("a value,", byte));
            }
        };
        Ok(Head { byte, argument })
    }

    /// The bytes of a string, in one piece or put together from several.
    fn string(&mut self, head: Head) -> Result<Cow<'a, [u8]>> {
        if let Some(length) = head.argument {
            return self.take(length).map(Cow::Borrowed);
        }
        let mut bytes = Vec::new();
        while self.data.get(self.at) != Some(&h::BREAK) {
            let chunk = self.head()?;
            match chunk.argument {
                Some(length) if chunk.major() == head.major() => {
                    let piece = self.take(length)?;
                    // Each piece must be text by itself.
                    if head.major() == h::TEXT {
                        text(piece)?;
                    }
                    bytes.extend_from_slice(piece);
                }
                _ => return Err(unexpected("a piece of the string, or its end,", chunk.byte)),
            }
        }
        self.at += 1;
        Ok(Cow::Owned(bytes))
    }

    fn word<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = &self.data[self.at..];
        let Some(word) = rest.first_chunk() else { return Err(truncated(N as u64, rest.len())) };
        self.at += N;
        Ok(*word)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..];
        let bytes = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        let Some(bytes) = bytes else { return Err(truncated(length, rest.len())) };
        self.at += bytes.len();
        Ok(bytes)
    }
}

fn send_unsigned<S: Sink + ?Sized>(value: u64, sink: &mut S) -> Result<()> {
    match i64::try_from(value) {
        Ok(value) => sink.int(value),
        Err(_) => sink.big_int(BigInt::U64(value)),
    }
}

/// -1 minus `value`.
fn send_negative<S: Sink + ?Sized>(value: u64, sink: &mut S) -> Result<()> {
    if let Ok(value) = i64::try_from(value) {
        return sink.int(!value);
    }
    let mut little = [0xff; 9];
    little[..8].copy_from_slice(&(!value).to_le_bytes());
    sink.big_int(BigInt::LittleEndian(&little))
}

/// The number of at most eight bytes.
fn word(magnitude: &[u8]) -> Option<u64> {
    let mut word = [0; 8];
    let start = word.len().checked_sub(magnitude.len())?;
    word[start..].copy_from_slice(magnitude);
    Some(u64::from_be_bytes(word))
}

#[expect(clippy::cast_possible_truncation, reason = "the first byte says how many bits there are")]
fn simple<S: Sink + ?Sized>(byte: u8, argument: u64, sink: &mut S) -> Result<()> {
    match byte {
        h::FALSE => sink.bool(false),
        h::TRUE => sink.bool(true),
        h::NULL => sink.null(),
        h::HALF => sink.float(half::to_double(argument as u16)),
        h::SINGLE => sink.float(half::single_to_double(argument as u32)),
        h::DOUBLE => sink.float(f64::from_bits(argument)),
        h::UNDEFINED => {
            sink.begin_object(Text::Ascii(UNDEFINED), Some(0))?;
            sink.end_object()
        }
        // Those have a form of one byte.
        h::SIMPLE_BYTE if argument < 24 => Err(unexpected("a simple value above 23,", byte)),
        _ => {
            sink.begin_object(Text::Ascii(SIMPLE), Some(1))?;
            sink.key(Text::Ascii("value"))?;
            send_unsigned(argument, sink)?;
            sink.end_object()
        }
    }
}

fn text(bytes: &[u8]) -> Result<Text<'_>> {
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Ok(Text::Ascii(text)),
        Ok(text) => Ok(Text::Utf8(text)),
        Err(_) => Err(not_utf8(bytes)),
    }
}

#[cold]
fn unexpected(expected: &str, byte: u8) -> Error {
    Error::new(ErrorKind::Syntax, format!("expected {expected} found byte `{byte:#04x}`"))
}

#[cold]
fn truncated(expected: u64, found: usize) -> Error {
    let message = format!("expected {expected} more bytes, found {found}");
    Error::new(ErrorKind::Truncated, message)
        .with_hint("the input was cut off or is not complete yet")
}

#[cold]
fn not_utf8(bytes: &[u8]) -> Error {
    let at = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    let message =
        format!("expected a string in UTF-8, found byte `{:#04x}` at {at} in it", bytes[at]);
    Error::new(ErrorKind::Encoding, message)
}
