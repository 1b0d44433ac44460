//! The writer: a sink that appends the preferred serialization of each value (section 4.1).

use std::collections::HashMap;

use cannery_core::{
    ArraySource, BigInt, Buffer, Container, Error, ErrorKind, InlineBytes, NullSink, Result, Sink,
    Source, Text,
};

use crate::{ReadOptions, SIMPLE, TAG, UNDEFINED, VALUE, from_slice_prefix, half, head as h};

/// How to write. The default is the preferred serialization, entries in the order they come in.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct WriteOptions {
    /// The order of a map's entries and of a set's items.
    pub key_order: KeyOrder,
}

/// The order of a map's entries and of a set's items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyOrder {
    /// As they come.
    #[default]
    Given,
    /// By the bytes of their keys: deterministic encoding (section 4.2.1).
    Bytewise,
    /// Shorter keys first, then by their bytes: what RFC 7049 called canonical (section 4.2.3).
    LengthFirst,
}

impl WriteOptions {
    /// Sets [`key_order`](Self::key_order).
    #[must_use]
    pub fn key_order(mut self, order: KeyOrder) -> Self {
        self.key_order = order;
        self
    }
}

/// Writes each value in its shortest form; floats as binary16 or binary32 where nothing is lost.
///
/// Tuples are written as arrays, sets with tag 258, marks and aliases with tags 28 and 29. Refused
/// are arrays of numbers, and objects other than [`TAG`], [`SIMPLE`], [`UNDEFINED`] and [`VALUE`].
pub struct Writer<B = Vec<u8>> {
    out: B,
    options: WriteOptions,
    /// Values so far in what is open, the keys of a map among them.
    values: usize,
    /// Which part of an object comes next.
    part: Part,
    open: Vec<Level>,
    marks: HashMap<u64, u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// None: a value of its own.
    None,
    Tag,
    Simple,
}

/// What is open, until it ends.
struct Level {
    /// Where its header begins.
    start: usize,
    /// The items or entries that its header claims.
    claimed: usize,
    /// The values so far in what it is in.
    values_around: usize,
    /// Where its entries or items begin, if they are to be put in order.
    starts: Vec<usize>,
    kind: LevelKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LevelKind {
    Container(Container),
    Tag,
    Simple,
    Undefined,
    Value,
}

/// Encodes a value.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a kind that CBOR lacks; and the source's own.
pub fn to_vec(source: &impl Source) -> Result<Vec<u8>> {
    let mut writer = Writer::default();
    source.emit(&mut writer)?;
    Ok(writer.into_output())
}

impl Default for Writer {
    fn default() -> Self {
        Self::to(Vec::new(), WriteOptions::default())
    }
}

impl<B: Buffer> Writer<B> {
    /// A writer into `out`, behind what is in it.
    #[must_use]
    pub fn to(out: B, options: WriteOptions) -> Self {
        let marks = HashMap::new();
        Self { out, options, values: 0, part: Part::None, open: Vec::new(), marks }
    }

    /// Where it was written to.
    pub fn into_output(self) -> B {
        self.out
    }

    /// What is no number, in the shortest form that keeps its bits; in a fixed order of keys the one
    /// form that all agree on (section 4.2.2).
    #[cold]
    #[expect(clippy::cast_possible_truncation, reason = "what is cut off is 0")]
    fn nan(&mut self, bits: u64) -> Result<()> {
        let sign = bits >> 63;
        let fraction = bits & ((1 << 52) - 1);
        if self.options.key_order != KeyOrder::Given {
            return self.out.append_few(InlineBytes::with_u16(h::HALF, 0x7e00));
        }
        match fraction.trailing_zeros() {
            42.. => {
                let half = (sign << 15 | 0x7c00 | fraction >> 42) as u16;
                self.out.append_few(InlineBytes::with_u16(h::HALF, half))
            }
            29.. => {
                let single = (sign << 31 | 0x7f80_0000 | fraction >> 29) as u32;
                self.out.append_few(InlineBytes::with_u32(h::SINGLE, single))
            }
            _ => self.out.append_both(InlineBytes::one(h::DOUBLE), &bits.to_be_bytes()),
        }
    }

    /// A value begins in whatever is open.
    #[inline]
    fn value(&mut self) -> Result<()> {
        self.values += 1;
        if self.part != Part::None {
            return Err(misfit());
        }
        if self.options.key_order != KeyOrder::Given {
            self.note_item();
        }
        Ok(())
    }

    /// Remembers where an item of a set begins.
    fn note_item(&mut self) {
        let at = self.out.written().len();
        if let Some(level) = self.open.last_mut()
            && matches!(level.kind, LevelKind::Container(Container::Set | Container::FrozenSet))
        {
            level.starts.push(at);
        }
    }

    /// Remembers where an entry of a map begins.
    fn note_entry(&mut self) {
        if self.options.key_order == KeyOrder::Given {
            return;
        }
        let at = self.out.written().len();
        if let Some(level) = self.open.last_mut() {
            level.starts.push(at);
        }
    }

    #[inline]
    fn head(&mut self, major: u8, argument: u64) -> Result<()> {
        let major = major << 5;
        let few = if let Ok(argument) = u8::try_from(argument) {
            if argument < 24 {
                InlineBytes::one(major | argument)
            } else {
                InlineBytes::with_u8(major | h::ONE_BYTE, argument)
            }
        } else if let Ok(argument) = u16::try_from(argument) {
            InlineBytes::with_u16(major | (h::ONE_BYTE + 1), argument)
        } else if let Ok(argument) = u32::try_from(argument) {
            InlineBytes::with_u32(major | (h::ONE_BYTE + 2), argument)
        } else {
            return self
                .out
                .append_both(InlineBytes::one(major | (h::ONE_BYTE + 3)), &argument.to_be_bytes());
        };
        self.out.append_few(few)
    }

    fn string(&mut self, text: Text<'_>) -> Result<()> {
        let size = text.utf8_size();
        if size.has_surrogates {
            let message = "expected text, found a surrogate code point in it";
            let hint = "CBOR has no such text: write JSON, YAML, MessagePack or a `.can` file";
            return Err(Error::new(ErrorKind::Encoding, message).with_hint(hint));
        }
        self.head(h::TEXT, size.bytes as u64)?;
        text.append_to(&mut self.out)
    }

    /// The number of a tag, or a simple value.
    fn part(&mut self, value: u64) -> Result<()> {
        match std::mem::replace(&mut self.part, Part::None) {
            Part::Tag => self.head(h::TAG, value),
            _ => match u8::try_from(value) {
                Ok(value @ (..20 | 32..)) => self.head(h::SIMPLE, value.into()),
                // Not quite allowed, but written by others: it has no form of one byte.
                Ok(value @ 24..32) => {
                    self.out.append_few(InlineBytes::with_u8(h::SIMPLE_BYTE, value))
                }
                _ => Err(misfit()),
            },
        }
    }

    fn begin_level(&mut self, kind: LevelKind, claimed: usize) {
        let start = self.out.written().len();
        let (values_around, starts) = (std::mem::take(&mut self.values), Vec::new());
        self.open.push(Level { start, claimed, values_around, starts, kind });
    }

    /// Leaves what is open; gives it, and how many values were in it.
    fn end_level(&mut self) -> (Level, usize) {
        let level = self.open.pop().expect("an end after its beginning");
        let values = std::mem::replace(&mut self.values, level.values_around);
        (level, values)
    }

    /// A container has ended, and its length was not what its beginning claimed.
    #[cold]
    fn mend(&mut self, major: u8, level: &Level, length: usize) -> Result<()> {
        let header = |length: usize| {
            let mut writer = Writer::default();
            writer.head(major, length as u64).map(|()| writer.into_output())
        };
        let (old, new) = (header(level.claimed)?, header(length)?);
        self.out.replace(level.start..level.start + old.len(), &new)
    }

    /// Puts the entries or items that begin at `starts` in order.
    fn sort(&mut self, starts: &[usize]) {
        let Some(&first) = starts.first() else { return };
        let body = &mut self.out.written()[first..];
        let ends = starts[1..].iter().map(|end| end - first).chain([body.len()]);
        let parts = starts.iter().zip(ends).map(|(start, end)| &body[start - first..end]);
        let mut parts: Vec<&[u8]> = parts.collect();
        // No key is the beginning of another: what is behind them does not matter.
        if self.options.key_order == KeyOrder::LengthFirst {
            parts.sort_by_key(|part| (key_length(part), *part));
        } else {
            parts.sort_unstable();
        }
        let sorted = parts.concat();
        body.copy_from_slice(&sorted);
    }
}

fn key_length(part: &[u8]) -> usize {
    from_slice_prefix(part, &ReadOptions::default(), &mut NullSink).unwrap_or(part.len())
}

fn major(container: Container) -> u8 {
    if container == Container::Map { h::MAP } else { h::ARRAY }
}

impl<B: Buffer> Sink for Writer<B> {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.value()?;
        self.out.append_few(InlineBytes::one(h::NULL))
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        self.value()?;
        self.out.append_few(InlineBytes::one(if value { h::TRUE } else { h::FALSE }))
    }

    #[inline]
    fn int(&mut self, value: i64) -> Result<()> {
        if self.part != Part::None {
            return self.part(u64::try_from(value).map_err(|_| misfit())?);
        }
        self.value()?;
        match u64::try_from(value) {
            Ok(value) => self.head(h::UNSIGNED, value),
            Err(_) => self.head(h::NEGATIVE, (!value).cast_unsigned()),
        }
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        if self.part != Part::None {
            return self.part(u64::try_from(value.to_big_int()).map_err(|_| misfit())?);
        }
        self.value()?;
        let mut bytes = value.to_big_int().to_signed_bytes_be();
        let is_negative = bytes[0] >= 0x80;
        if is_negative {
            // The complement is -1 minus the number.
            for byte in &mut bytes {
                *byte = !*byte;
            }
        }
        let start = bytes.iter().position(|&byte| byte != 0).unwrap_or(bytes.len());
        let magnitude = &bytes[start..];
        if magnitude.len() <= 8 {
            let word = magnitude.iter().fold(0, |word, &byte| word << 8 | u64::from(byte));
            return self.head(if is_negative { h::NEGATIVE } else { h::UNSIGNED }, word);
        }
        self.head(h::TAG, if is_negative { h::TAG_NEGATIVE } else { h::TAG_POSITIVE })?;
        self.head(h::BYTES, magnitude.len() as u64)?;
        self.out.append(magnitude)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is looked whether anything was lost")]
    fn float(&mut self, value: f64) -> Result<()> {
        self.value()?;
        if value.is_nan() {
            return self.nan(value.to_bits());
        }
        let single = value as f32;
        if f64::from(single).to_bits() != value.to_bits() {
            return self.out.append_both(InlineBytes::one(h::DOUBLE), &value.to_be_bytes());
        }
        self.out.append_few(match half::from_single(single) {
            Some(half) => InlineBytes::with_u16(h::HALF, half),
            None => InlineBytes::with_u32(h::SINGLE, single.to_bits()),
        })
    }

    #[inline]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.value()?;
        self.string(value)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        self.value()?;
        self.head(h::BYTES, value.len() as u64)?;
        self.out.append(value)
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Err(lacks("arrays of numbers"))
    }

    #[inline]
    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.value()?;
        if matches!(container, Container::Set | Container::FrozenSet) {
            self.head(h::TAG, h::TAG_SET)?;
        }
        let claimed = len.unwrap_or(0);
        self.begin_level(LevelKind::Container(container), claimed);
        self.head(major(container), claimed as u64)
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        let (level, values) = self.end_level();
        self.sort(&level.starts);
        let length = if container == Container::Map { values / 2 } else { values };
        if length == level.claimed {
            return Ok(());
        }
        self.mend(major(container), &level, length)
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let kind = self.open.last().map(|level| level.kind);
        match kind {
            Some(LevelKind::Tag) if key == *"tag" && self.values == 0 => self.part = Part::Tag,
            Some(LevelKind::Tag) if key == *"value" && self.values == 0 => self.part = Part::None,
            Some(LevelKind::Simple) if key == *"value" => self.part = Part::Simple,
            Some(LevelKind::Value) if key == *"value" && self.values == 0 => {}
            Some(LevelKind::Tag | LevelKind::Simple | LevelKind::Undefined | LevelKind::Value) => {
                return Err(misfit());
            }
            _ => {
                self.note_entry();
                self.values += 1;
                return self.string(key);
            }
        }
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        self.note_entry();
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        self.value()?;
        let kind = match type_name.to_str().as_deref() {
            Some(TAG) => LevelKind::Tag,
            Some(SIMPLE) => LevelKind::Simple,
            Some(UNDEFINED) => LevelKind::Undefined,
            Some(VALUE) => LevelKind::Value,
            _ => return Err(lacks(&format!("type `{type_name}`"))),
        };
        self.begin_level(kind, 0);
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        let (level, values) = self.end_level();
        let written = self.out.written().len() - level.start;
        match level.kind {
            LevelKind::Undefined => self.out.append_few(InlineBytes::one(h::UNDEFINED)),
            LevelKind::Simple if written > 0 => Ok(()),
            LevelKind::Value if values == 1 => Ok(()),
            // A tag's number is written before its one value: that takes two bytes at least.
            LevelKind::Tag if values == 1 && has_tag(&self.out.written()[level.start..]) => Ok(()),
            _ => Err(misfit()),
        }
    }

    fn mark(&mut self, id: u64) -> Result<()> {
        if self.options.key_order != KeyOrder::Given {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "references are counted in the order they are written, which sorting changes",
            ));
        }
        self.marks.insert(id, self.marks.len() as u64);
        self.head(h::TAG, h::TAG_SHAREABLE)
    }

    fn alias(&mut self, id: u64) -> Result<()> {
        self.value()?;
        let Some(&number) = self.marks.get(&id) else {
            let message = format!("a reference to value {id}, which does not come before it");
            return Err(Error::new(ErrorKind::Reference, message));
        };
        self.head(h::TAG, h::TAG_SHARED)?;
        self.head(h::UNSIGNED, number)
    }
}

fn has_tag(written: &[u8]) -> bool {
    written.first().is_some_and(|byte| byte >> 5 == h::TAG)
}

#[cold]
fn misfit() -> Error {
    let message = format!(
        "expected `tag` (not negative) and then `value` as the parts of `{TAG}`, \
         `value` (0 to 19 or 24 to 255) as that of `{SIMPLE}`, none of `{UNDEFINED}`"
    );
    Error::new(ErrorKind::Value, message)
}

#[cold]
fn lacks(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("CBOR has no {what}"))
        .with_hint("`cannery.dump` writes any object, with its type")
}
