//! The writer: a sink that appends the shortest encoding of each value.

use cannery_core::{
    ArraySource, BigInt, Buffer, Container, Error, ErrorKind, InlineBytes, Limits, Result, Sink,
    Source, Text, Value, ValueBuilder, Wants,
};

use crate::marker as m;
use crate::{EXT, ReadOptions, STR, TIMESTAMP, Timestamp, WriteOptions, from_slice};

/// Writes a value in the shortest encoding the specification has for it.
///
/// Tuples are written as arrays. Kinds that MessagePack lacks are refused: sets, integers beyond 64
/// bits, arrays of numbers, references, and objects other than [`EXT`], [`TIMESTAMP`] and [`STR`].
pub struct Writer<'a, B = Vec<u8>> {
    out: B,
    options: WriteOptions,
    encode: Option<Encode<'a>>,
    /// Values so far in what is open, the keys of a map among them.
    values: usize,
    open: Vec<Level>,
}

type Encode<'a> = Box<dyn FnMut(Text<'_>) -> Result<Vec<u8>> + 'a>;

/// What is open, until it ends.
struct Level {
    /// Where it begins.
    start: usize,
    /// The items or entries that its header claims.
    claimed: usize,
    /// The values so far in what it is in.
    values_around: usize,
}

/// The parts of an object are written as a map, and read back when all are there.
const MAX_PARTS: u8 = 15;

/// Encodes a value.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a kind that MessagePack lacks; and the source's own.
pub fn to_vec(source: &impl Source) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    source.emit(&mut writer)?;
    Ok(writer.into_bytes())
}

impl Default for Writer<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer<'_> {
    /// A writer into memory.
    #[must_use]
    pub fn new() -> Self {
        Self::to(Vec::new(), WriteOptions::default())
    }

    /// Everything written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    /// Everything written so far; may be taken out between two documents.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }
}

impl<'a, B: Buffer> Writer<'a, B> {
    /// A writer into `out`, behind what is in it.
    #[must_use]
    pub fn to(out: B, options: WriteOptions) -> Self {
        Self { out, options, encode: None, values: 0, open: Vec::new() }
    }

    /// Asks `encode` for the bytes of text that has surrogates in it, in place of refusing it.
    #[must_use]
    pub fn encode_with(mut self, encode: impl FnMut(Text<'_>) -> Result<Vec<u8>> + 'a) -> Self {
        self.encode = Some(Box::new(encode));
        self
    }

    /// Where it was written to.
    pub fn into_output(self) -> B {
        self.out
    }

    /// Writes only what an array or a map of `length` items or entries begins with; they follow as
    /// documents of their own.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for a length of 2^32 and more, and for sets.
    pub fn header(&mut self, container: Container, length: usize) -> Result<()> {
        self.out.append_few(container_header(container, length)?)
    }

    /// Writes an extension.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for 2^32 bytes and more.
    pub fn extension(&mut self, code: i8, data: &[u8]) -> Result<()> {
        self.values += 1;
        self.extension_body(code, data)
    }

    fn extension_body(&mut self, code: i8, data: &[u8]) -> Result<()> {
        let header = match data.len() {
            1 => InlineBytes::one(m::FIXEXT1),
            2 => InlineBytes::one(m::FIXEXT1 + 1),
            4 => InlineBytes::one(m::FIXEXT1 + 2),
            8 => InlineBytes::one(m::FIXEXT1 + 3),
            16 => InlineBytes::one(m::FIXEXT16),
            length => long_header(m::EXT8, length)?,
        };
        self.out.append_few(header)?;
        self.out.append_both(InlineBytes::one(code.cast_unsigned()), data)
    }

    #[inline(always)]
    fn string(&mut self, text: Text<'_>) -> Result<()> {
        match text {
            Text::Ascii(text) | Text::Utf8(text) => self.raw(text.as_bytes()),
            other => self.wide_string(other),
        }
    }

    /// Bytes as a string, whatever they are.
    #[inline(always)]
    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        let header = self.string_header(bytes.len())?;
        self.out.append_both(header, bytes)
    }

    #[inline(always)]
    fn string_header(&self, length: usize) -> Result<InlineBytes> {
        match u8::try_from(length) {
            Ok(length @ ..32) => Ok(InlineBytes::one(m::FIXSTR | length)),
            // The old specification knew no length of one byte.
            _ if self.options.old_specification => wide_header(m::STR16, length),
            _ => long_header(m::STR8, length),
        }
    }

    #[inline(never)]
    fn wide_string(&mut self, text: Text<'_>) -> Result<()> {
        let size = text.utf8_size();
        if size.has_surrogates && !self.options.surrogates {
            let Some(encode) = &mut self.encode else { return Err(surrogates()) };
            let bytes = encode(text)?;
            return self.raw(&bytes);
        }
        let header = self.string_header(size.bytes)?;
        self.out.append_few(header)?;
        text.append_to(&mut self.out)
    }

    #[inline(always)]
    fn unsigned(&mut self, value: u64) -> Result<()> {
        let few = if let Ok(value) = u8::try_from(value) {
            match value {
                0..=m::POSITIVE_FIXINT_MAX => InlineBytes::one(value),
                _ => InlineBytes::with_u8(m::UINT8, value),
            }
        } else if let Ok(value) = u16::try_from(value) {
            InlineBytes::with_u16(m::UINT16, value)
        } else if let Ok(value) = u32::try_from(value) {
            InlineBytes::with_u32(m::UINT32, value)
        } else {
            return self.out.append_both(InlineBytes::one(m::UINT64), &value.to_be_bytes());
        };
        self.out.append_few(few)
    }

    #[inline]
    fn negative(&mut self, value: i64) -> Result<()> {
        let few = if let Ok(value) = i8::try_from(value) {
            match value {
                -32.. => InlineBytes::one(value.cast_unsigned()),
                _ => InlineBytes::with_u8(m::INT8, value.cast_unsigned()),
            }
        } else if let Ok(value) = i16::try_from(value) {
            InlineBytes::with_u16(m::INT16, value.cast_unsigned())
        } else if let Ok(value) = i32::try_from(value) {
            InlineBytes::with_u32(m::INT32, value.cast_unsigned())
        } else {
            return self.out.append_both(InlineBytes::one(m::INT64), &value.to_be_bytes());
        };
        self.out.append_few(few)
    }

    #[inline]
    fn begin_level(&mut self, claimed: usize) {
        let start = self.out.written().len();
        self.open.push(Level { start, claimed, values_around: self.values });
        self.values = 0;
    }

    /// Leaves what is open; gives it, and how many values were in it.
    #[inline]
    fn end_level(&mut self) -> (Level, usize) {
        let level = self.open.pop().expect("an end after its beginning");
        let values = std::mem::replace(&mut self.values, level.values_around);
        (level, values)
    }

    /// A container has ended, and its length was not what its beginning claimed.
    #[cold]
    fn mend(&mut self, container: Container, level: &Level, length: usize) -> Result<()> {
        let old = container_header(container, level.claimed)?.len;
        let new = container_header(container, length)?;
        let bytes = &new.word.to_le_bytes()[..new.len];
        self.out.replace(level.start..level.start + old, bytes)
    }
}

impl<B: Buffer> Sink for Writer<'_, B> {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.values += 1;
        self.out.append_few(InlineBytes::one(m::NIL))
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        self.values += 1;
        self.out.append_few(InlineBytes::one(if value { m::TRUE } else { m::FALSE }))
    }

    #[inline(always)]
    fn int(&mut self, value: i64) -> Result<()> {
        self.values += 1;
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => self.negative(value),
        }
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.values += 1;
        let number = match value {
            BigInt::U64(number) => Some(number),
            other => other.to_big_int().try_into().ok(),
        };
        match number {
            Some(number) => self.unsigned(number),
            None => Err(lacks("integers beyond 64 bits")),
        }
    }

    #[inline(always)]
    fn float(&mut self, value: f64) -> Result<()> {
        self.values += 1;
        if !self.options.single_floats {
            return self.out.append_both(InlineBytes::one(m::FLOAT64), &value.to_be_bytes());
        }
        #[expect(clippy::cast_possible_truncation, reason = "that is what was asked for")]
        let single = value as f32;
        if single.is_infinite() && value.is_finite() {
            return Err(too_large(value));
        }
        self.out.append_few(InlineBytes::with_u32(m::FLOAT32, single.to_bits()))
    }

    #[inline(always)]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.values += 1;
        self.string(value)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.values += 1;
        if self.options.old_specification {
            return self.raw(value);
        }
        let header = long_header(m::BIN8, value.len())?;
        self.out.append_both(header, value)
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Err(lacks("arrays of numbers"))
    }

    #[inline]
    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.values += 1;
        let claimed = len.unwrap_or(0);
        let header = container_header(container, claimed)?;
        self.begin_level(claimed);
        self.out.append_few(header)
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        let (level, values) = self.end_level();
        let length = if container == Container::Map { values / 2 } else { values };
        if length == level.claimed { Ok(()) } else { self.mend(container, &level, length) }
    }

    #[inline(always)]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        self.values += 1;
        self.string(key)
    }

    fn entry(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        self.values += 1;
        let known = OBJECTS.iter().position(|&known| type_name == *known);
        let known = known.ok_or_else(|| lacks(&format!("type `{type_name}`")))?;
        self.begin_level(known);
        self.out.append_few(InlineBytes::one(m::FIXMAP))
    }

    fn end_object(&mut self) -> Result<()> {
        let (level, values) = self.end_level();
        let kind = level.claimed;
        let parts = u8::try_from(values / 2).ok().filter(|&parts| parts <= MAX_PARTS);
        let parts = parts.ok_or_else(|| misfit(kind))?;
        let written = &mut self.out.written()[level.start..];
        written[0] |= parts;
        let parts = Parts::read(written).ok_or_else(|| misfit(kind))?;
        self.out.truncate(level.start);
        match OBJECTS[kind] {
            STR => self.raw(parts.bytes("data").ok_or_else(|| misfit(kind))?),
            TIMESTAMP => {
                let data = parts.timestamp().ok_or_else(|| misfit(kind))?;
                self.extension_body(m::TIMESTAMP_CODE, &data)
            }
            _ => {
                let (code, data) = parts.extension().ok_or_else(|| misfit(kind))?;
                self.extension_body(code, data)
            }
        }
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Err(lacks("references"))
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Err(lacks("references"))
    }

    fn wants(&self) -> Wants {
        Wants::default().machine_ints(true)
    }
}

/// The objects that MessagePack knows.
const OBJECTS: [&str; 3] = [EXT, TIMESTAMP, STR];

/// The parts of an object.
struct Parts(Value);

impl Parts {
    fn read(written: &[u8]) -> Option<Self> {
        let mut builder = ValueBuilder::new(Limits::default());
        // As bytes: a string in the old specification is anything.
        from_slice(written, &ReadOptions::default().raw(true), &mut builder).ok()?;
        builder.finish().ok().map(Self)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let Value::Map(entries) = &self.0 else { return None };
        let is_named = |key: &Value| matches!(key, Value::Bytes(key) if key == name.as_bytes());
        entries.iter().find(|(key, _)| is_named(key)).map(|(_, value)| value)
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    fn bytes(&self, name: &str) -> Option<&[u8]> {
        match self.get(name)? {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn timestamp(&self) -> Option<Vec<u8>> {
        let nanoseconds = u32::try_from(self.int("nanoseconds")?).ok()?;
        let stamp = Timestamp { seconds: self.int("seconds")?, nanoseconds };
        let mut data = Vec::with_capacity(12);
        (nanoseconds < 1_000_000_000).then(|| stamp.encode(&mut data))?;
        Some(data)
    }

    fn extension(&self) -> Option<(i8, &[u8])> {
        Some((i8::try_from(self.int("code")?).ok()?, self.bytes("data")?))
    }
}

#[cold]
fn misfit(kind: usize) -> Error {
    let name = OBJECTS[kind];
    let expected = match name {
        TIMESTAMP => "`seconds` (64 bits) and `nanoseconds` (below 10^9)",
        EXT => "`code` (-128 to 127) and `data` (bytes)",
        _ => "`data` (bytes)",
    };
    Error::new(ErrorKind::Value, format!("expected {expected} as the parts of `{name}`"))
}

/// A length of two bytes, or of four behind the next marker.
#[inline]
fn wide_header(marker: u8, length: usize) -> Result<InlineBytes> {
    if let Ok(length) = u16::try_from(length) {
        return Ok(InlineBytes::with_u16(marker, length));
    }
    match u32::try_from(length) {
        Ok(length) => Ok(InlineBytes::with_u32(marker + 1, length)),
        Err(_) => Err(too_long(length)),
    }
}

/// A length of one byte, two or four, behind this marker or one of the next two.
#[inline]
fn long_header(marker: u8, length: usize) -> Result<InlineBytes> {
    match u8::try_from(length) {
        Ok(length) => Ok(InlineBytes::with_u8(marker, length)),
        Err(_) => wide_header(marker + 1, length),
    }
}

#[inline]
fn container_header(container: Container, length: usize) -> Result<InlineBytes> {
    let (short, wide) = match container {
        Container::List | Container::Tuple => (m::FIXARRAY, m::ARRAY16),
        Container::Map => (m::FIXMAP, m::MAP16),
        Container::Set | Container::FrozenSet => return Err(lacks("sets")),
    };
    match u8::try_from(length) {
        Ok(length @ ..16) => Ok(InlineBytes::one(short | length)),
        _ => wide_header(wide, length),
    }
}

#[cold]
fn too_large(value: f64) -> Error {
    let message = format!("Float value {value:e} is too large for 32 bits");
    Error::new(ErrorKind::Value, message).with_hint("write it in 64 bits: without single floats")
}

#[cold]
fn lacks(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("MessagePack has no {what}"))
        .with_hint("`cannery.dump` writes any object, with its type")
}

#[cold]
fn surrogates() -> Error {
    Error::new(ErrorKind::Encoding, "expected text, found a surrogate code point in it")
        .with_hint("pass `unicode_errors=\"surrogatepass\"` to write it all the same")
}

#[cold]
fn too_long(length: usize) -> Error {
    let message = format!("expected a length below 2^32, found {length}");
    Error::new(ErrorKind::Unsupported, message)
}
