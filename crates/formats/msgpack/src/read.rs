//! The reader: one pass over the bytes, straight into the sink.

use cannery_core::{
    BigInt, Container, Error, ErrorKind, Limits, Result, Sink, Text, Value, ValueBuilder,
};

use crate::marker as m;
use crate::text::{from_utf8, is_utf8_with_surrogates};
use crate::{EXT, ReadOptions, STR, TIMESTAMP, Timestamp};

/// Reads one document; bytes after it are an error.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`] (byte 0xc1, trailing bytes),
/// [`ErrorKind::Encoding`], [`ErrorKind::Limit`] and [`ErrorKind::Depth`], each with its offset;
/// and the sink's own.
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
    let mut reader = Reader::new(data, options);
    let mut level = Level::DOCUMENT;
    match reader.read(&mut level, sink) {
        Ok(()) => Ok(reader.at),
        // A value that the sink refuses was read to its end; what is wrong begins at its start.
        Err(error) if error.kind() == ErrorKind::Type => Err(error.at_offset(reader.start as u64)),
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

/// What the array or map at the beginning of `data` says before its first value: what it is, how
/// many items or entries it has, and how many bytes that took.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Limit`], and [`ErrorKind::Type`] for any other value.
pub fn read_header(data: &[u8], options: &ReadOptions) -> Result<(Container, usize, usize)> {
    let mut reader = Reader::new(data, options);
    let marker = reader.byte()?;
    let Some((container, length)) = reader.container(marker)? else {
        let message = format!("expected an array or a map, found {}", m::kind(marker));
        return Err(Error::new(ErrorKind::Type, message).at_offset(0));
    };
    Ok((container, length, reader.at))
}

pub(crate) struct Reader<'a> {
    data: &'a [u8],
    pub(crate) at: usize,
    /// Where the value in work began, unless all of it was read.
    pub(crate) start: usize,
    options: &'a ReadOptions,
    /// Whether more of the document may come later.
    pub(crate) is_partial: bool,
    pub(crate) open: Vec<Level>,
}

/// An open array or map, or the document around them all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub(crate) container: Container,
    /// Values still to come, the keys of a map among them.
    pub(crate) left: u64,
}

impl Level {
    /// A document is read like an array of one item, whose beginning and end is not told.
    pub(crate) const DOCUMENT: Self = Self { container: Container::List, left: 1 };
}

/// A container that begins with the value just read, if it is one.
type Opened = Option<Level>;

impl<'a> Reader<'a> {
    pub(crate) fn new(data: &'a [u8], options: &'a ReadOptions) -> Self {
        Self { data, at: 0, start: 0, options, is_partial: false, open: Vec::new() }
    }

    /// Reads on from `level`, the innermost that is open, to the end of the document.
    #[inline]
    pub(crate) fn read<S: Sink + ?Sized>(&mut self, level: &mut Level, sink: &mut S) -> Result<()> {
        loop {
            if level.left == 0 {
                let Some(outer) = self.open.pop() else { return Ok(()) };
                sink.end(level.container)?;
                *level = outer;
                continue;
            }
            self.start = self.at;
            let opened = if level.container == Container::Map && level.left.is_multiple_of(2) {
                self.key(sink)?
            } else {
                self.value(sink)?
            };
            level.left -= 1;
            if let Some(inner) = opened {
                self.open.push(*level);
                *level = inner;
            }
        }
    }

    /// A text key goes out as such, any other as an entry.
    #[inline(always)]
    fn key<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<Opened> {
        let marker = self.byte()?;
        if !self.options.raw
            && let Some(length) = self.text_length(marker)?
        {
            if let Some(text) = self.text(length)? {
                sink.key(text)?;
                return Ok(None);
            }
            sink.entry()?;
            self.invalid_text(length, sink)?;
            return Ok(None);
        }
        self.entry(marker, sink)
    }

    #[inline(never)]
    fn entry<S: Sink + ?Sized>(&mut self, marker: u8, sink: &mut S) -> Result<Opened> {
        self.at = self.start;
        if self.options.strict_keys && !m::is_string(marker) {
            return Err(strict_key(marker));
        }
        sink.entry()?;
        self.value(sink)
    }

    /// Sends a scalar whole; of a container only the beginning, the rest is left to `read`.
    #[inline(always)]
    fn value<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<Opened> {
        let marker = self.byte()?;
        match marker {
            0..=m::POSITIVE_FIXINT_MAX => sink.int(i64::from(marker))?,
            m::FIXMAP..m::FIXARRAY => {
                return self.open(Container::Map, usize::from(marker & 0x0f), sink);
            }
            m::FIXARRAY..m::FIXSTR => {
                return self.open(Container::List, usize::from(marker & 0x0f), sink);
            }
            m::FIXSTR..m::NIL => self.string(usize::from(marker & 0x1f), sink)?,
            m::NIL => sink.null()?,
            m::FALSE => sink.bool(false)?,
            m::TRUE => sink.bool(true)?,
            m::BIN8..=m::BIN32 => {
                let length = self.length(marker - m::BIN8)?;
                check(length, self.options.sizes.bytes, "max_bin_len")?;
                sink.bytes(self.take(length)?)?;
            }
            m::EXT8..=m::EXT32 => {
                let length = self.length(marker - m::EXT8)?;
                self.extension(length, sink)?;
            }
            m::FLOAT32 => sink.float(f32::from_be_bytes(self.word()?).into())?,
            m::FLOAT64 => sink.float(f64::from_be_bytes(self.word()?))?,
            m::UINT8 => sink.int(u8::from_be_bytes(self.word()?).into())?,
            m::UINT16 => sink.int(u16::from_be_bytes(self.word()?).into())?,
            m::UINT32 => sink.int(u32::from_be_bytes(self.word()?).into())?,
            m::UINT64 => self.unsigned(sink)?,
            m::INT8 => sink.int(i8::from_be_bytes(self.word()?).into())?,
            m::INT16 => sink.int(i16::from_be_bytes(self.word()?).into())?,
            m::INT32 => sink.int(i32::from_be_bytes(self.word()?).into())?,
            m::INT64 => sink.int(i64::from_be_bytes(self.word()?))?,
            m::FIXEXT1..=m::FIXEXT16 => self.extension(1 << (marker - m::FIXEXT1), sink)?,
            m::STR8..=m::STR32 => {
                let length = self.length(marker - m::STR8)?;
                self.string(length, sink)?;
            }
            m::ARRAY16..=m::MAP32 => {
                if let Some((container, length)) = self.container(marker)? {
                    return self.open(container, length, sink);
                }
            }
            m::NEGATIVE_FIXINT.. => sink.int(i64::from(marker.cast_signed()))?,
            m::UNUSED => {
                self.at = self.start;
                return Err(Error::new(ErrorKind::Syntax, "expected a value, found byte `0xc1`"));
            }
        }
        Ok(None)
    }

    fn unsigned<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<()> {
        let number = u64::from_be_bytes(self.word()?);
        match i64::try_from(number) {
            Ok(number) => sink.int(number),
            Err(_) => sink.big_int(BigInt::U64(number)),
        }
    }

    /// The array or map that `marker` begins, if it begins one, and its length.
    fn container(&mut self, marker: u8) -> Result<Option<(Container, usize)>> {
        let (container, length) = match marker {
            m::FIXMAP..m::FIXARRAY => (Container::Map, usize::from(marker & 0x0f)),
            m::FIXARRAY..m::FIXSTR => (Container::List, usize::from(marker & 0x0f)),
            m::ARRAY16 | m::ARRAY32 => (Container::List, self.length(marker - m::ARRAY16 + 1)?),
            m::MAP16 | m::MAP32 => (Container::Map, self.length(marker - m::MAP16 + 1)?),
            _ => return Ok(None),
        };
        let sizes = &self.options.sizes;
        match container {
            Container::Map => check(length, sizes.map, "max_map_len")?,
            _ => check(length, sizes.array, "max_array_len")?,
        }
        Ok(Some((container, length)))
    }

    #[inline(always)]
    fn open<S: Sink + ?Sized>(
        &mut self,
        container: Container,
        length: usize,
        sink: &mut S,
    ) -> Result<Opened> {
        let (left, most) = match container {
            Container::Map => (length as u64 * 2, self.options.sizes.map),
            _ => (length as u64, self.options.sizes.array),
        };
        let is_too_deep = self.open.len() >= self.options.limits.depth;
        let rest = self.data.len() - self.at;
        // Each value takes a byte at least: what cannot follow is refused before it is built.
        let cannot_follow = left > rest as u64 && !self.is_partial;
        if is_too_deep || length > most || cannot_follow {
            return Err(self.cannot_open(container, length, left));
        }
        sink.begin(container, Some(length))?;
        Ok(Some(Level { container, left }))
    }

    #[cold]
    fn cannot_open(&self, container: Container, length: usize, left: u64) -> Error {
        if self.open.len() >= self.options.limits.depth {
            return self.options.limits.too_deep();
        }
        let (most, option) = match container {
            Container::Map => (self.options.sizes.map, "max_map_len"),
            _ => (self.options.sizes.array, "max_array_len"),
        };
        if length > most {
            return too_large(length, most, option);
        }
        let rest = self.data.len() - self.at;
        let message = format!("the input ends after {rest} of at least {left} bytes");
        Error::new(ErrorKind::Truncated, message)
    }

    fn extension<S: Sink + ?Sized>(&mut self, length: usize, sink: &mut S) -> Result<()> {
        check(length, self.options.sizes.extension, "max_ext_len")?;
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
    #[inline(always)]
    fn text_length(&mut self, marker: u8) -> Result<Option<usize>> {
        Ok(match marker {
            m::FIXSTR..m::NIL => Some(usize::from(marker & 0x1f)),
            m::STR8..=m::STR32 => Some(self.length(marker - m::STR8)?),
            _ => None,
        })
    }

    #[inline(always)]
    fn string<S: Sink + ?Sized>(&mut self, length: usize, sink: &mut S) -> Result<()> {
        if self.options.raw {
            check(length, self.options.sizes.text, "max_str_len")?;
            return sink.bytes(self.take(length)?);
        }
        match self.text(length)? {
            Some(text) => sink.text(text),
            None => self.invalid_text(length, sink),
        }
    }

    /// The string of that many bytes; `None`, and none of it taken, if it is to be sent as no text.
    #[inline(always)]
    fn text(&mut self, length: usize) -> Result<Option<Text<'a>>> {
        check(length, self.options.sizes.text, "max_str_len")?;
        let bytes = self.take(length)?;
        match from_utf8(bytes) {
            Some(text) => Ok(Some(text)),
            None => self.no_utf8(bytes),
        }
    }

    #[cold]
    fn no_utf8(&mut self, bytes: &'a [u8]) -> Result<Option<Text<'a>>> {
        if self.options.surrogates && is_utf8_with_surrogates(bytes) {
            return Ok(Some(Text::Surrogates(bytes)));
        }
        self.at -= bytes.len();
        if self.options.invalid_text { Ok(None) } else { Err(not_utf8(bytes)) }
    }

    #[cold]
    fn invalid_text<S: Sink + ?Sized>(&mut self, length: usize, sink: &mut S) -> Result<()> {
        let bytes = self.take(length)?;
        sink.begin_object(Text::Ascii(STR), Some(1))?;
        sink.key(Text::Ascii("data"))?;
        sink.bytes(bytes)?;
        sink.end_object()
    }

    /// The length that follows a marker: 1, 2 or 4 bytes for a `size` of 0, 1 or 2.
    #[inline(always)]
    fn length(&mut self, size: u8) -> Result<usize> {
        Ok(match size {
            0 => usize::from(self.byte()?),
            1 => usize::from(u16::from_be_bytes(self.word()?)),
            _ => u32::from_be_bytes(self.word()?) as usize,
        })
    }

    #[inline(always)]
    fn byte(&mut self) -> Result<u8> {
        let Some(&byte) = self.data.get(self.at) else { return Err(truncated(1, 0)) };
        self.at += 1;
        Ok(byte)
    }

    #[inline(always)]
    fn word<const N: usize>(&mut self) -> Result<[u8; N]> {
        let rest = &self.data[self.at..];
        let Some(word) = rest.first_chunk() else { return Err(truncated(N, rest.len())) };
        self.at += N;
        Ok(*word)
    }

    #[inline(always)]
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let rest = &self.data[self.at..];
        let Some(bytes) = rest.get(..length) else { return Err(truncated(length, rest.len())) };
        self.at += length;
        Ok(bytes)
    }
}

#[inline]
fn check(length: usize, most: usize, option: &'static str) -> Result<()> {
    if length > most { Err(too_large(length, most, option)) } else { Ok(()) }
}

#[cold]
fn truncated(expected: usize, found: usize) -> Error {
    let message = format!("expected {expected} more bytes, found {found}");
    Error::new(ErrorKind::Truncated, message)
        .with_hint("the input was cut off or is not complete yet")
}

#[cold]
fn too_large(length: usize, most: usize, option: &'static str) -> Error {
    Error::new(ErrorKind::Limit, format!("{length} exceeds {option}({most})"))
        .with_hint(format!("raise `{option}` if this input is trusted"))
}

#[cold]
fn strict_key(marker: u8) -> Error {
    let message = format!("{} is not allowed for map key", m::kind(marker));
    Error::new(ErrorKind::Value, message).with_hint("pass `strict_map_key=False` to accept any key")
}

#[cold]
fn not_utf8(bytes: &[u8]) -> Error {
    let at = std::str::from_utf8(bytes).err().map_or(0, |e| e.valid_up_to());
    let message =
        format!("expected a string in UTF-8, found byte `{:#04x}` at {at} in it", bytes[at]);
    Error::new(ErrorKind::Encoding, message).with_hint("`raw` reads strings as bytes")
}
