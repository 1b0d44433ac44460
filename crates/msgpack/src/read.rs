//! The reader: one pass over the bytes, straight into the sink.

use cannery_core::{
    BigInt, Container, Error, ErrorKind, Limits, Result, Sink, Text, Value, ValueBuilder,
};

use crate::marker as m;
use crate::{EXT, TIMESTAMP, Timestamp};

/// How to read.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What to build at most. The length of the input bounds every declared size besides.
    pub limits: Limits,
    /// Send strings as bytes, whatever is in them (`raw=True` of the Python package).
    pub raw: bool,
    /// Accept strings with surrogate code points (`unicode_errors="surrogatepass"`).
    pub surrogates: bool,
}

impl ReadOptions {
    /// Sets [`limits`](Self::limits).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`raw`](Self::raw).
    #[must_use]
    pub fn raw(mut self, yes: bool) -> Self {
        self.raw = yes;
        self
    }

    /// Sets [`surrogates`](Self::surrogates).
    #[must_use]
    pub fn surrogates(mut self, yes: bool) -> Self {
        self.surrogates = yes;
        self
    }
}

/// Reads one document; bytes after it are an error.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`] (byte 0xc1, trailing bytes),
/// [`ErrorKind::Encoding`] and [`ErrorKind::Depth`], each with its offset; and the sink's own.
pub fn from_slice<S: Sink + ?Sized>(
    data: &[u8],
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let used = from_slice_prefix(data, options, sink)?;
    if used == data.len() {
        return Ok(());
    }
    let message = format!("expected the end of the document, found {} bytes", data.len() - used);
    Err(Error::new(ErrorKind::Syntax, message)
        .at_offset(used as u64)
        .with_hint("several documents in a row are read one at a time"))
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
    let mut reader = Reader { data, at: 0, options, open: Vec::new() };
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
    open: Vec<Frame>,
}

/// An open array or map.
#[derive(Clone, Copy)]
struct Frame {
    container: Container,
    /// Values still to come, the keys of a map among them.
    left: u64,
}

impl Frame {
    fn expects_key(self) -> bool {
        self.container == Container::Map && self.left.is_multiple_of(2)
    }
}

impl<'a> Reader<'a> {
    fn document<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        self.value(sink)?;
        while let Some(frame) = self.open.last_mut() {
            if frame.left == 0 {
                let container = frame.container;
                self.open.pop();
                sink.end(container)?;
            } else if frame.expects_key() {
                frame.left -= 1;
                self.key(sink)?;
            } else {
                frame.left -= 1;
                self.value(sink)?;
            }
        }
        Ok(())
    }

    /// A text key goes out as such, any other as an entry.
    #[inline]
    fn key<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let start = self.at;
        let marker = self.byte()?;
        if let Some(length) = self.text_length(marker)?
            && !self.options.raw
        {
            let text = self.text(length)?;
            return sink.key(text);
        }
        self.at = start;
        sink.entry()?;
        self.value(sink)
    }

    /// Sends a scalar whole; of a container only the beginning, the rest is left to `document`.
    #[inline]
    fn value<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let start = self.at;
        let marker = self.byte()?;
        if let Some(length) = self.text_length(marker)? {
            return if self.options.raw {
                sink.bytes(self.take(length)?)
            } else {
                let text = self.text(length)?;
                sink.text(text)
            };
        }
        match marker {
            0..=m::POSITIVE_FIXINT_MAX => sink.int(i64::from(marker)),
            m::NEGATIVE_FIXINT.. => sink.int(i64::from(marker.cast_signed())),
            m::FIXMAP..m::FIXARRAY => self.open(Container::Map, u64::from(marker & 0x0f), sink),
            m::FIXARRAY..m::FIXSTR => self.open(Container::List, u64::from(marker & 0x0f), sink),
            m::NIL => sink.null(),
            m::FALSE => sink.bool(false),
            m::TRUE => sink.bool(true),
            m::UINT8 => self.word().map(u8::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::UINT16 => self.word().map(u16::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::UINT32 => self.word().map(u32::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::UINT64 => self.unsigned(sink),
            m::INT8 => self.word().map(i8::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::INT16 => self.word().map(i16::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::INT32 => self.word().map(i32::from_be_bytes).and_then(|n| sink.int(n.into())),
            m::INT64 => self.word().map(i64::from_be_bytes).and_then(|n| sink.int(n)),
            m::FLOAT32 => self.word().map(f32::from_be_bytes).and_then(|n| sink.float(n.into())),
            m::FLOAT64 => self.word().map(f64::from_be_bytes).and_then(|n| sink.float(n)),
            m::BIN8..=m::BIN32 => {
                let length = self.length(marker - m::BIN8)?;
                sink.bytes(self.take(length)?)
            }
            m::ARRAY16 | m::ARRAY32 => {
                let length = self.length(marker - m::ARRAY16 + 1)?;
                self.open(Container::List, length as u64, sink)
            }
            m::MAP16 | m::MAP32 => {
                let length = self.length(marker - m::MAP16 + 1)?;
                self.open(Container::Map, length as u64, sink)
            }
            m::EXT8..=m::EXT32 => {
                let length = self.length(marker - m::EXT8)?;
                self.extension(length, sink)
            }
            m::FIXEXT1..=m::FIXEXT16 => self.extension(1 << (marker - m::FIXEXT1), sink),
            _ => {
                self.at = start;
                Err(Error::new(ErrorKind::Syntax, "expected a value, found byte `0xc1`"))
            }
        }
    }

    fn unsigned<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let number = u64::from_be_bytes(self.word()?);
        match i64::try_from(number) {
            Ok(number) => sink.int(number),
            Err(_) => sink.big_int(BigInt::U64(number)),
        }
    }

    fn open<S: Sink + ?Sized>(
        &mut self,
        container: Container,
        length: u64,
        sink: &mut S,
    ) -> Result<()> {
        if self.open.len() >= self.options.limits.depth {
            return Err(self.options.limits.too_deep());
        }
        let left = if container == Container::Map { length * 2 } else { length };
        let rest = self.data.len() - self.at;
        // Each value takes a byte at least: what cannot follow is refused before it is built.
        if left > rest as u64 {
            let message = format!("the input ends after {rest} of at least {left} bytes");
            return Err(Error::new(ErrorKind::Truncated, message));
        }
        self.open.push(Frame { container, left });
        sink.begin(container, usize::try_from(length).ok())
    }

    fn extension<S: Sink + ?Sized>(&mut self, length: usize, sink: &mut S) -> Result<()> {
        let code = i8::from_be_bytes(self.word()?);
        let data = self.take(length)?;
        if code == m::TIMESTAMP_CODE {
            let stamp = Timestamp::decode(data)?;
            sink.begin_object(Text::Ascii(TIMESTAMP), Some(2))?;
            sink.key(Text::Ascii("seconds"))?;
            sink.int(stamp.seconds)?;
            sink.key(Text::Ascii("nanoseconds"))?;
            sink.int(stamp.nanoseconds.into())?;
        } else {
            sink.begin_object(Text::Ascii(EXT), Some(2))?;
            sink.key(Text::Ascii("code"))?;
            sink.int(code.into())?;
            sink.key(Text::Ascii("data"))?;
            sink.bytes(data)?;
        }
        sink.end_object()
    }

    /// The length of the string that `marker` begins, if it begins one.
    #[inline]
    fn text_length(&mut self, marker: u8) -> Result<Option<usize>> {
        Ok(match marker {
            m::FIXSTR..m::NIL => Some(usize::from(marker & 0x1f)),
            m::STR8..=m::STR32 => Some(self.length(marker - m::STR8)?),
            _ => None,
        })
    }

    #[inline]
    fn text(&mut self, length: usize) -> Result<Text<'a>> {
        let start = self.at;
        let bytes = self.take(length)?;
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) if text.is_ascii() => Ok(Text::Ascii(text)),
            Ok(text) => Ok(Text::Utf8(text)),
            Err(_) if self.options.surrogates && is_utf8_with_surrogates(bytes) => {
                Ok(Text::Surrogates(bytes))
            }
            Err(_) => {
                self.at = start;
                Err(not_utf8(bytes))
            }
        }
    }

    /// The length that follows a marker: 1, 2 or 4 bytes for a `size` of 0, 1 or 2.
    #[inline]
    fn length(&mut self, size: u8) -> Result<usize> {
        Ok(match size {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.word()?)),
            _ => u32::from_be_bytes(self.word()?) as usize,
        })
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.data.get(self.at).ok_or_else(|| truncated(1, 0))?;
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn word<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = &self.data[self.at..];
        let word = rest.first_chunk().ok_or_else(|| truncated(N, rest.len()))?;
        self.at += N;
        Ok(*word)
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..];
        let bytes = rest.get(..length).ok_or_else(|| truncated(length, rest.len()))?;
        self.at += length;
        Ok(bytes)
    }
}

#[cold]
fn truncated(expected: usize, found: usize) -> Error {
    let message = format!("expected {expected} more bytes, found {found}");
    Error::new(ErrorKind::Truncated, message)
        .with_hint("the input was cut off or is not complete yet")
}

#[cold]
fn not_utf8(bytes: &[u8]) -> Error {
    let at = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    let message =
        format!("expected a string in UTF-8, found byte `{:#04x}` at {at} in it", bytes[at]);
    Error::new(ErrorKind::Encoding, message).with_hint("`raw` reads strings as bytes")
}

/// UTF-8 but for surrogates: with each surrogate's three bytes taken out, the rest is UTF-8.
fn is_utf8_with_surrogates(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else { return true };
        match bytes[error.valid_up_to()..] {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, ref rest @ ..] => bytes = rest,
            _ => return false,
        }
    }
}
