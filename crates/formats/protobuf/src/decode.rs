//! The decoder: driven by the tables of a pool, straight into whatever is to be built.

use cannery_core::{Error, ErrorKind, Result, Segment};

use crate::kind;
use crate::message::{Message, Value};
use crate::pool::{Field, MessageId, Pool};
use crate::wire::{
    self, Cursor, END_GROUP, FIXED32, FIXED64, LENGTH, START_GROUP, VARINT, put_tag, put_varint,
};

/// The value of a scalar field as the wire holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "each is the value of the types of that width")]
pub enum Scalar<'a> {
    I32(i32),
    I64(i64),
    U32(u32),
    U64(u64),
    F32(f32),
    F64(f64),
    Bool(bool),
    Enum(i32),
    /// Text that was checked to be UTF-8.
    Text(&'a str),
    /// Text of a schema that does not ask for UTF-8.
    LooseText(&'a [u8]),
    Bytes(&'a [u8]),
}

/// The value of a map's entry.
#[derive(Debug)]
pub enum EntryValue<'a, M> {
    /// A scalar.
    Scalar(Scalar<'a>),
    /// A message, whole.
    Message(M),
}

/// What a decoder builds: a tree, Python objects, events.
///
/// Records come in any order, and a message may come in pieces: so fields are set and messages
/// opened again rather than sent once.
pub trait Target {
    /// A message in the making.
    type Message;

    /// A new message.
    fn start(&mut self, of: MessageId) -> Result<Self::Message>;

    /// Sets a scalar field, or appends to it if it is repeated. Other members of its oneof go.
    fn scalar(
        &mut self,
        message: &mut Self::Message,
        field: &Field,
        value: Scalar<'_>,
    ) -> Result<()>;

    /// Appends numbers that came packed: `data` holds whole values of the field's type.
    fn packed(
        &mut self,
        message: &mut Self::Message,
        field: &Field,
        values: &mut Packed<'_>,
    ) -> Result<()> {
        while let Some(value) = values.next_value()? {
            self.scalar(message, field, value)?;
        }
        Ok(())
    }

    /// The message to decode a field into: the one that is there, or for a repeated field a new one.
    fn open(
        &mut self,
        message: &mut Self::Message,
        field: &Field,
        of: MessageId,
    ) -> Result<Self::Message>;

    /// Puts what [`open`](Self::open) gave into its place.
    fn close(
        &mut self,
        message: &mut Self::Message,
        field: &Field,
        child: Self::Message,
    ) -> Result<()>;

    /// Sets an entry of a map.
    fn entry(
        &mut self,
        message: &mut Self::Message,
        field: &Field,
        key: Scalar<'_>,
        value: EntryValue<'_, Self::Message>,
    ) -> Result<()>;

    /// Keeps records of unknown fields.
    fn unknown(&mut self, message: &mut Self::Message, records: &[u8]) -> Result<()>;

    /// A message is complete.
    fn finish(&mut self, _message: &mut Self::Message, _of: MessageId) -> Result<()> {
        Ok(())
    }
}

/// How to decode.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DecodeOptions {
    /// Messages inside each other, at most. Default 100.
    pub depth: usize,
    /// Bytes of a message, at most. Default 2 GiB, the format's own limit.
    pub size: usize,
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self { depth: 100, size: i32::MAX as usize }
    }
}

impl DecodeOptions {
    /// Sets [`depth`](Self::depth).
    #[must_use]
    pub fn depth(mut self, depth: usize) -> Self {
        self.depth = depth;
        self
    }

    /// Sets [`size`](Self::size).
    #[must_use]
    pub fn size(mut self, size: usize) -> Self {
        self.size = size;
        self
    }
}

/// Decodes a message into a target.
///
/// # Errors
/// [`ErrorKind::Truncated`], [`ErrorKind::Syntax`], [`ErrorKind::Encoding`] (a string that is not
/// UTF-8), [`ErrorKind::Depth`] and [`ErrorKind::Limit`], with offset and path; and the target's.
pub fn decode<T: Target>(
    pool: &Pool,
    of: MessageId,
    data: &[u8],
    options: &DecodeOptions,
    target: &mut T,
) -> Result<T::Message> {
    let mut message = target.start(of)?;
    decode_into(pool, of, data, options, target, &mut message)?;
    Ok(message)
}

/// Decodes a message into one that is there: fields that are set in both are merged.
///
/// # Errors
/// As [`decode`].
pub fn decode_into<T: Target>(
    pool: &Pool,
    of: MessageId,
    data: &[u8],
    options: &DecodeOptions,
    target: &mut T,
    message: &mut T::Message,
) -> Result<()> {
    if data.len() > options.size {
        let text =
            format!("a message of {} bytes exceeds the limit of {}", data.len(), options.size);
        return Err(Error::new(ErrorKind::Limit, text).with_hint("raise the size limit"));
    }
    let mut decoder = Decoder { pool, target, depth: options.depth };
    let mut cursor = Cursor::new(data);
    decoder.message(of, message, &mut cursor, 0)
}

struct Decoder<'p, 't, T> {
    pool: &'p Pool,
    target: &'t mut T,
    depth: usize,
}

impl<T: Target> Decoder<'_, '_, T> {
    /// Reads records to the end of the bytes, or of the group with the number `group`.
    fn message(
        &mut self,
        of: MessageId,
        message: &mut T::Message,
        cursor: &mut Cursor<'_>,
        group: u32,
    ) -> Result<()> {
        if self.depth == 0 {
            let error = Error::new(ErrorKind::Depth, "messages are nested deeper than the limit");
            return Err(error.with_hint("raise the depth limit if this input is trusted"));
        }
        self.depth -= 1;
        let message_type = self.pool.message_type(of);
        loop {
            if cursor.is_empty() {
                if group != 0 {
                    return Err(cursor.truncated());
                }
                break;
            }
            let start = cursor.at;
            let (number, wire) = cursor.tag()?;
            // The number of a group's end may be that of a field inside it.
            if wire == END_GROUP {
                if number != group || group == 0 {
                    return Err(cursor.bad("expected a field, found the end of another group"));
                }
                break;
            }
            match message_type.field(number) {
                Some(field) => self.field(message, field, wire, cursor, start)?,
                None => self.other(of, message, number, wire, cursor, start)?,
            }
        }
        self.depth += 1;
        self.target.finish(message, of)
    }

    /// An extension, an item of a message set, or an unknown field.
    #[inline(never)]
    fn other(
        &mut self,
        of: MessageId,
        message: &mut T::Message,
        number: u32,
        wire: u8,
        cursor: &mut Cursor<'_>,
        start: usize,
    ) -> Result<()> {
        if (number, wire) == (1, START_GROUP) && self.pool.message_type(of).is_message_set {
            return self.message_set_item(of, message, cursor);
        }
        match self.pool.extension_of(of, number) {
            Some(field) => self.field(message, field, wire, cursor, start),
            None => self.skip(message, number, wire, cursor, start),
        }
    }

    #[inline(never)]
    fn skip(
        &mut self,
        message: &mut T::Message,
        number: u32,
        wire: u8,
        cursor: &mut Cursor<'_>,
        start: usize,
    ) -> Result<()> {
        cursor.skip(number, wire, self.depth)?;
        self.target.unknown(message, &cursor.data[start..cursor.at])
    }

    #[inline]
    fn field(
        &mut self,
        message: &mut T::Message,
        field: &Field,
        wire: u8,
        cursor: &mut Cursor<'_>,
        start: usize,
    ) -> Result<()> {
        let expected = kind::wire_type(field.kind);
        if wire != expected {
            if wire == LENGTH && field.is_list() && kind::is_packable(field.kind) {
                return self.packed(message, field, cursor);
            }
            return self.skip(message, field.number, wire, cursor, start);
        }
        match field.kind {
            kind::MESSAGE if field.is_map() => self.map_entry(message, field, cursor),
            kind::MESSAGE | kind::GROUP => self.child(message, field, cursor),
            _ => {
                let value = scalar(field, cursor)?;
                if let Scalar::Enum(number) = value
                    && self.is_closed_to(field, number)
                {
                    return self.target.unknown(message, &enum_record(field.number, number));
                }
                self.target.scalar(message, field, value)
            }
        }
    }

    #[inline]
    fn is_closed_to(&self, field: &Field, number: i32) -> bool {
        field.enumeration.is_some_and(|id| {
            let enumeration = self.pool.enum_type(id);
            enumeration.is_closed && !enumeration.by_number.contains_key(&number)
        })
    }

    fn packed(
        &mut self,
        message: &mut T::Message,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let begin = cursor.at;
        let bytes = cursor.bytes()?;
        let offset = (cursor.at - bytes.len()) as u64;
        let at = |error: Error| inside(error, field).map_pos(|pos| shift(pos, offset));
        let is_closed = field.enumeration.is_some_and(|id| self.pool.enum_type(id).is_closed);
        let mut packed = Packed { field, cursor: Cursor::new(bytes) };
        if !is_closed {
            return self.target.packed(message, field, &mut packed).map_err(at);
        }
        while let Some(value) = packed.next_value().map_err(at)? {
            match value {
                Scalar::Enum(number) if self.is_closed_to(field, number) => {
                    self.target.unknown(message, &enum_record(field.number, number))?;
                }
                value => self.target.scalar(message, field, value)?,
            }
        }
        debug_assert!(cursor.at > begin);
        Ok(())
    }

    fn child(
        &mut self,
        message: &mut T::Message,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let of = field.message.expect("a field of messages has their type");
        let mut child = self.target.open(message, field, of)?;
        let decoded = if field.kind == kind::GROUP {
            self.message(of, &mut child, cursor, field.number)
        } else {
            self.nested(of, &mut child, cursor)
        };
        decoded.map_err(|error| inside(error, field))?;
        self.target.close(message, field, child)
    }

    /// A length-prefixed message.
    fn nested(
        &mut self,
        of: MessageId,
        child: &mut T::Message,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let bytes = cursor.bytes()?;
        let end = cursor.at;
        // The same bytes cut short, so that offsets stay those of the whole.
        let mut inner = Cursor { data: &cursor.data[..end], at: end - bytes.len() };
        self.message(of, child, &mut inner, 0)
    }

    fn map_entry(
        &mut self,
        message: &mut T::Message,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let bytes = cursor.bytes()?;
        let mut inner = Cursor { data: &cursor.data[..cursor.at], at: cursor.at - bytes.len() };
        self.entry(message, field, &mut inner).map_err(|error| inside(error, field))
    }

    fn entry(
        &mut self,
        message: &mut T::Message,
        field: &Field,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let (key_field, value_field) = self.pool.entry_of(field);
        let entry = cursor.at;
        let mut key = zero(key_field, self.pool);
        let mut value = None;
        let mut child = None;
        let mut has_unknown = false;
        while !cursor.is_empty() {
            let (number, wire) = cursor.tag()?;
            if number == 1 && wire == kind::wire_type(key_field.kind) {
                key = scalar(key_field, cursor)?;
            } else if number == 2 && wire == kind::wire_type(value_field.kind) {
                if let Some(of) = value_field.message {
                    let mut open = match child.take() {
                        Some(child) => child,
                        None => self.target.start(of)?,
                    };
                    if value_field.kind == kind::GROUP {
                        self.message(of, &mut open, cursor, 2)?;
                    } else {
                        self.nested(of, &mut open, cursor)?;
                    }
                    child = Some(open);
                } else {
                    value = Some(scalar(value_field, cursor)?);
                }
            } else if wire == END_GROUP {
                return Err(cursor.bad("expected a field, found the end of a group"));
            } else {
                cursor.skip(number, wire, self.depth)?;
                has_unknown = true;
            }
        }
        let is_closed = matches!(value, Some(Scalar::Enum(number))
            if self.is_closed_to(value_field, number));
        if has_unknown || is_closed {
            // The whole entry is unknown, as for upb: so nothing of it is lost.
            let mut record = Vec::new();
            wire::put_bytes(&mut record, field.number, &cursor.data[entry..]);
            return self.target.unknown(message, &record);
        }
        let value = match (value_field.message, child) {
            (Some(_), Some(child)) => EntryValue::Message(child),
            (Some(of), None) => {
                let mut child = self.target.start(of)?;
                self.target.finish(&mut child, of)?;
                EntryValue::Message(child)
            }
            (None, _) => EntryValue::Scalar(value.unwrap_or_else(|| zero(value_field, self.pool))),
        };
        self.target.entry(message, field, key, value)
    }

    /// One extension in the old layout: a group of the extension's number and its message.
    fn message_set_item(
        &mut self,
        of: MessageId,
        message: &mut T::Message,
        cursor: &mut Cursor<'_>,
    ) -> Result<()> {
        let mut type_id = None;
        let mut body: Option<&[u8]> = None;
        loop {
            if cursor.is_empty() {
                return Err(cursor.truncated());
            }
            match cursor.tag()? {
                (1, END_GROUP) => break,
                (2, VARINT) => {
                    let number = cursor.varint()?;
                    // The first of each counts.
                    type_id.get_or_insert(number);
                }
                (3, LENGTH) => {
                    let bytes = cursor.bytes()?;
                    body.get_or_insert(bytes);
                }
                (_, END_GROUP) => {
                    return Err(cursor.bad("expected the end of the message set's item"));
                }
                (number, wire) => cursor.skip(number, wire, self.depth)?,
            }
        }
        let (Some(type_id), Some(body)) = (type_id, body) else { return Ok(()) };
        let number = u32::try_from(type_id).unwrap_or(0);
        let Some(field) = self.pool.extension_of(of, number).filter(|field| field.is_message())
        else {
            return self.target.unknown(message, &message_set_record(type_id, body));
        };
        let of = field.message.expect("checked to be a message");
        let mut child = self.target.open(message, field, of)?;
        self.message(of, &mut child, &mut Cursor::new(body), 0)
            .map_err(|error| inside(error, field))?;
        self.target.close(message, field, child)
    }
}

fn shift(mut pos: cannery_core::Pos, by: u64) -> cannery_core::Pos {
    pos.offset += by;
    pos
}

#[cold]
fn inside(error: Error, field: &Field) -> Error {
    error.inside(Segment::Key((&*field.name).into()))
}

fn enum_record(number: u32, value: i32) -> Vec<u8> {
    let mut record = Vec::with_capacity(16);
    put_tag(&mut record, number, VARINT);
    put_varint(&mut record, i64::from(value).cast_unsigned());
    record
}

pub(crate) fn message_set_record(type_id: u64, body: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(body.len() + 16);
    put_tag(&mut record, 1, START_GROUP);
    put_tag(&mut record, 2, VARINT);
    put_varint(&mut record, type_id);
    wire::put_bytes(&mut record, 3, body);
    put_tag(&mut record, 1, END_GROUP);
    record
}

/// What a map's key or value is where the wire does not say.
fn zero(field: &Field, pool: &Pool) -> Scalar<'static> {
    match field.kind {
        kind::DOUBLE => Scalar::F64(0.0),
        kind::FLOAT => Scalar::F32(0.0),
        kind::INT64 | kind::SINT64 | kind::SFIXED64 => Scalar::I64(0),
        kind::UINT64 | kind::FIXED64 => Scalar::U64(0),
        kind::UINT32 | kind::FIXED32 => Scalar::U32(0),
        kind::BOOL => Scalar::Bool(false),
        kind::STRING => Scalar::Text(""),
        kind::BYTES => Scalar::Bytes(&[]),
        kind::ENUM => {
            let first = field.enumeration.and_then(|id| pool.enum_type(id).values.first());
            Scalar::Enum(first.map_or(0, |(_, number)| *number))
        }
        _ => Scalar::I32(0),
    }
}

/// Reads a value of a scalar field.
#[inline]
fn scalar<'a>(field: &Field, cursor: &mut Cursor<'a>) -> Result<Scalar<'a>> {
    Ok(match field.kind {
        kind::DOUBLE => Scalar::F64(f64::from_le_bytes(cursor.fixed()?)),
        kind::FLOAT => Scalar::F32(f32::from_le_bytes(cursor.fixed()?)),
        kind::INT64 => Scalar::I64(cursor.varint()?.cast_signed()),
        kind::UINT64 => Scalar::U64(cursor.varint()?),
        kind::INT32 => Scalar::I32(cursor.varint()? as i32),
        kind::FIXED64 => Scalar::U64(u64::from_le_bytes(cursor.fixed()?)),
        kind::FIXED32 => Scalar::U32(u32::from_le_bytes(cursor.fixed()?)),
        kind::BOOL => Scalar::Bool(cursor.varint()? != 0),
        kind::STRING => text(field, cursor)?,
        kind::BYTES => Scalar::Bytes(cursor.bytes()?),
        kind::UINT32 => Scalar::U32(cursor.varint()? as u32),
        kind::ENUM => Scalar::Enum(cursor.varint()? as i32),
        kind::SFIXED32 => Scalar::I32(i32::from_le_bytes(cursor.fixed()?)),
        kind::SFIXED64 => Scalar::I64(i64::from_le_bytes(cursor.fixed()?)),
        kind::SINT32 => Scalar::I32(wire::unzigzag(u64::from(cursor.varint()? as u32)) as i32),
        _ => Scalar::I64(wire::unzigzag(cursor.varint()?)),
    })
}

#[inline]
fn text<'a>(field: &Field, cursor: &mut Cursor<'a>) -> Result<Scalar<'a>> {
    let bytes = cursor.bytes()?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Scalar::Text(text)),
        Err(_) if !field.validates_utf8 => Ok(Scalar::LooseText(bytes)),
        Err(error) => Err(not_utf8(field, cursor.at - bytes.len() + error.valid_up_to())),
    }
}

#[cold]
fn not_utf8(field: &Field, at: usize) -> Error {
    let error = Error::new(ErrorKind::Encoding, "expected a string in UTF-8");
    inside(error.at_offset(at as u64), field)
}

/// The numbers of a packed field.
#[derive(Debug)]
pub struct Packed<'a> {
    field: &'a Field,
    cursor: Cursor<'a>,
}

impl<'a> Packed<'a> {
    /// The next number.
    ///
    /// # Errors
    /// If the bytes end inside it.
    #[inline]
    pub fn next_value(&mut self) -> Result<Option<Scalar<'a>>> {
        if self.cursor.is_empty() {
            return Ok(None);
        }
        scalar(self.field, &mut self.cursor).map(Some)
    }

    /// Whether [`integers`](Self::integers) has all values of the field's type.
    #[must_use]
    pub fn are_integers(&self) -> bool {
        let of = self.field.kind;
        let others = matches!(of, kind::DOUBLE | kind::FLOAT | kind::BOOL | kind::ENUM);
        !others && !matches!(of, kind::UINT64 | kind::FIXED64)
    }

    /// Hands over all numbers as integers with a sign, in a loop for each type.
    ///
    /// # Errors
    /// If the bytes end inside one; those of `take`.
    #[inline]
    pub fn integers(&mut self, mut take: impl FnMut(i64) -> Result<()>) -> Result<()> {
        let mut each = |cursor: &mut Cursor<'a>, read: fn(&mut Cursor<'a>) -> Result<i64>| {
            while !cursor.is_empty() {
                take(read(cursor)?)?;
            }
            Ok(())
        };
        let cursor = &mut self.cursor;
        match self.field.kind {
            kind::INT64 => each(cursor, |cursor| Ok(cursor.varint()?.cast_signed())),
            kind::INT32 => each(cursor, |cursor| Ok((cursor.varint()? as i32).into())),
            kind::UINT32 => each(cursor, |cursor| Ok((cursor.varint()? as u32).into())),
            kind::SINT32 => each(cursor, |cursor| {
                Ok((wire::unzigzag(u64::from(cursor.varint()? as u32)) as i32).into())
            }),
            kind::SINT64 => each(cursor, |cursor| Ok(wire::unzigzag(cursor.varint()?))),
            kind::FIXED32 => each(cursor, |cursor| Ok(u32::from_le_bytes(cursor.fixed()?).into())),
            kind::SFIXED32 => each(cursor, |cursor| Ok(i32::from_le_bytes(cursor.fixed()?).into())),
            _ => each(cursor, |cursor| Ok(i64::from_le_bytes(cursor.fixed()?))),
        }
    }

    /// Hands over all numbers of a field of doubles or floats; `false` for others.
    ///
    /// # Errors
    /// If the bytes end inside one; those of `take`.
    #[inline]
    pub fn floats(&mut self, mut take: impl FnMut(f64) -> Result<()>) -> Result<bool> {
        let cursor = &mut self.cursor;
        match self.field.kind {
            kind::DOUBLE => {
                while !cursor.is_empty() {
                    take(f64::from_le_bytes(cursor.fixed()?))?;
                }
            }
            kind::FLOAT => {
                while !cursor.is_empty() {
                    take(f32::from_le_bytes(cursor.fixed()?).into())?;
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The bytes of the numbers that are left.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        &self.cursor.data[self.cursor.at..]
    }

    /// How many numbers there are, looking only at where they end.
    #[must_use]
    pub fn count(&self) -> usize {
        let rest = &self.cursor.data[self.cursor.at..];
        match kind::wire_type(self.field.kind) {
            FIXED64 => rest.len() / 8,
            FIXED32 => rest.len() / 4,
            _ => rest.iter().filter(|byte| **byte < 0x80).count(),
        }
    }
}

impl From<Scalar<'_>> for Value {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::I32(value) => Value::I32(value),
            Scalar::I64(value) => Value::I64(value),
            Scalar::U32(value) => Value::U32(value),
            Scalar::U64(value) => Value::U64(value),
            Scalar::F32(value) => Value::F32(value),
            Scalar::F64(value) => Value::F64(value),
            Scalar::Bool(value) => Value::Bool(value),
            Scalar::Enum(value) => Value::Enum(value),
            Scalar::Text(text) => Value::Bytes(text.as_bytes().to_vec()),
            Scalar::LooseText(bytes) | Scalar::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        }
    }
}

/// Builds [`Message`]s.
#[derive(Debug)]
pub(crate) struct TreeBuilder<'p> {
    pub(crate) pool: &'p Pool,
}

impl TreeBuilder<'_> {
    fn clear_oneof(&self, message: &mut Message, field: &Field) {
        let Some(oneof) = field.oneof else { return };
        let message_type = self.pool.message_type(message.of);
        for &position in &message_type.oneofs[oneof as usize].fields {
            let number = message_type.fields[position as usize].number;
            if number != field.number {
                message.remove(number);
            }
        }
    }
}

impl Target for TreeBuilder<'_> {
    type Message = Message;

    fn start(&mut self, of: MessageId) -> Result<Message> {
        Ok(Message::new(of))
    }

    fn scalar(&mut self, message: &mut Message, field: &Field, value: Scalar<'_>) -> Result<()> {
        self.clear_oneof(message, field);
        let value = Value::from(value);
        if !field.is_list() && !field.has_presence && value.is_zero() {
            message.remove(field.number);
        } else {
            message.put(field, value);
        }
        Ok(())
    }

    fn open(&mut self, message: &mut Message, field: &Field, of: MessageId) -> Result<Message> {
        self.clear_oneof(message, field);
        if !field.is_list()
            && let Some(Value::Message(there)) = message.get_mut(field.number)
        {
            return Ok(std::mem::replace(there, Message::new(of)));
        }
        Ok(Message::new(of))
    }

    fn close(&mut self, message: &mut Message, field: &Field, child: Message) -> Result<()> {
        message.put(field, Value::Message(Box::new(child)));
        Ok(())
    }

    fn entry(
        &mut self,
        message: &mut Message,
        field: &Field,
        key: Scalar<'_>,
        value: EntryValue<'_, Message>,
    ) -> Result<()> {
        let value = match value {
            EntryValue::Scalar(scalar) => scalar.into(),
            EntryValue::Message(message) => Value::Message(Box::new(message)),
        };
        message.map_entry(field.number, key.into(), value);
        Ok(())
    }

    fn unknown(&mut self, message: &mut Message, records: &[u8]) -> Result<()> {
        message.unknown.extend_from_slice(records);
        Ok(())
    }

    fn finish(&mut self, message: &mut Message, _of: MessageId) -> Result<()> {
        message.finish_maps();
        Ok(())
    }
}

impl Message {
    /// Decodes a message.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn decode(
        pool: &Pool,
        of: MessageId,
        data: &[u8],
        options: &DecodeOptions,
    ) -> Result<Self> {
        decode(pool, of, data, options, &mut TreeBuilder { pool })
    }
}
