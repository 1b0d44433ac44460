//! The writer: a sink that appends the shortest encoding of each value.

use cannery_core::{
    ArraySource, BigInt, Container, Error, ErrorKind, Result, Sink, Source, Text, TextBuf,
};

use crate::marker as m;
use crate::{EXT, TIMESTAMP, Timestamp};

/// Writes a value in the shortest encoding the specification has for it.
///
/// Tuples are written as arrays. Kinds that MessagePack lacks are refused: sets, integers beyond 64
/// bits, arrays of numbers, references, and objects other than [`EXT`] and [`TIMESTAMP`].
#[derive(Default)]
pub struct Writer {
    out: Vec<u8>,
    open: Vec<Frame>,
}

/// What a value that is still open has to know until it ends.
enum Frame {
    /// An array or a map: where its header begins, the length claimed there, and the values so
    /// far, the keys of a map among them.
    Sized { header: usize, claimed: usize, values: usize },
    /// One of the objects that MessagePack knows.
    Extension(Extension),
}

/// The parts of a timestamp or an extension, until it ends and can be written.
#[derive(Default)]
struct Extension {
    type_name: &'static str,
    part: Option<TextBuf>,
    code: Option<i64>,
    data: Option<Vec<u8>>,
    seconds: Option<i64>,
    nanoseconds: Option<i64>,
}

/// Encodes a value.
///
/// # Errors
/// [`ErrorKind::Unsupported`] for a kind that MessagePack lacks; and the source's own.
pub fn to_vec(source: &impl Source) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    source.emit(&mut writer)?;
    Ok(writer.into_bytes())
}

impl Writer {
    /// A writer into memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    /// Notes that a value begins in whatever is open.
    #[inline]
    fn value(&mut self) -> Result<()> {
        match self.open.last_mut() {
            Some(Frame::Sized { values, .. }) => *values += 1,
            Some(Frame::Extension(extension)) => return Err(extension.misfit()),
            None => {}
        }
        Ok(())
    }

    #[inline]
    fn marked<const N: usize>(&mut self, marker: u8, word: [u8; N]) {
        self.out.push(marker);
        self.out.extend_from_slice(&word);
    }

    /// The header of a string, of bytes or of an extension.
    #[inline]
    fn sized(&mut self, markers: [u8; 3], length: usize) -> Result<()> {
        if let Ok(length) = u8::try_from(length) {
            self.marked(markers[0], [length]);
        } else if let Ok(length) = u16::try_from(length) {
            self.marked(markers[1], length.to_be_bytes());
        } else {
            let length = u32::try_from(length).map_err(|_| too_long(length))?;
            self.marked(markers[2], length.to_be_bytes());
        }
        Ok(())
    }

    #[inline]
    fn string(&mut self, text: Text<'_>) -> Result<()> {
        let bytes = text.to_utf8();
        match u8::try_from(bytes.len()) {
            Ok(length @ ..32) => self.out.push(m::FIXSTR | length),
            _ => self.sized([m::STR8, m::STR16, m::STR32], bytes.len())?,
        }
        self.out.extend_from_slice(&bytes);
        Ok(())
    }

    fn extension(&mut self, code: i8, data: &[u8]) -> Result<()> {
        match data.len() {
            1 => self.out.push(m::FIXEXT1),
            2 => self.out.push(m::FIXEXT1 + 1),
            4 => self.out.push(m::FIXEXT1 + 2),
            8 => self.out.push(m::FIXEXT1 + 3),
            16 => self.out.push(m::FIXEXT16),
            length => self.sized([m::EXT8, m::EXT16, m::EXT32], length)?,
        }
        self.out.push(code.cast_unsigned());
        self.out.extend_from_slice(data);
        Ok(())
    }

    /// A container has ended: if its length was not what its beginning claimed, mends the header.
    #[cold]
    fn mend(
        &mut self,
        container: Container,
        header: usize,
        claimed: usize,
        length: usize,
    ) -> Result<()> {
        let old = container_header(container, claimed)?;
        let new = container_header(container, length)?;
        self.out.splice(header..header + old.as_slice().len(), new.as_slice().iter().copied());
        Ok(())
    }
}

impl Sink for Writer {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.value()?;
        self.out.push(m::NIL);
        Ok(())
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        self.value()?;
        self.out.push(if value { m::TRUE } else { m::FALSE });
        Ok(())
    }

    #[inline]
    fn int(&mut self, value: i64) -> Result<()> {
        if let Some(Frame::Extension(extension)) = self.open.last_mut() {
            return extension.int(value);
        }
        self.value()?;
        match u64::try_from(value) {
            Ok(value) => write_unsigned(self, value),
            Err(_) => write_negative(self, value),
        }
        Ok(())
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.value()?;
        let number = match value {
            BigInt::U64(number) => Some(number),
            other => other.to_big_int().try_into().ok(),
        };
        let number = number.ok_or_else(|| lacks("integers beyond 64 bits"))?;
        write_unsigned(self, number);
        Ok(())
    }

    #[inline]
    fn float(&mut self, value: f64) -> Result<()> {
        self.value()?;
        self.marked(m::FLOAT64, value.to_be_bytes());
        Ok(())
    }

    #[inline]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        self.value()?;
        self.string(value)
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if let Some(Frame::Extension(extension)) = self.open.last_mut() {
            return extension.bytes(value);
        }
        self.value()?;
        self.sized([m::BIN8, m::BIN16, m::BIN32], value.len())?;
        self.out.extend_from_slice(value);
        Ok(())
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Err(lacks("arrays of numbers"))
    }

    #[inline]
    fn begin(&mut self, container: Container, len: Option<usize>) -> Result<()> {
        self.value()?;
        let claimed = len.unwrap_or(0);
        let header = self.out.len();
        self.out.extend_from_slice(container_header(container, claimed)?.as_slice());
        self.open.push(Frame::Sized { header, claimed, values: 0 });
        Ok(())
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        let Some(Frame::Sized { header, claimed, values }) = self.open.pop() else {
            unreachable!("an end without its beginning");
        };
        let length = if container == Container::Map { values / 2 } else { values };
        if length == claimed { Ok(()) } else { self.mend(container, header, claimed, length) }
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        if let Some(Frame::Extension(extension)) = self.open.last_mut() {
            extension.part = Some(key.into());
            return Ok(());
        }
        self.value()?;
        self.string(key)
    }

    fn entry(&mut self) -> Result<()> {
        Ok(())
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        self.value()?;
        let known = [TIMESTAMP, EXT].into_iter().find(|known| type_name == **known);
        let type_name = known.ok_or_else(|| lacks(&format!("the type `{type_name}`")))?;
        self.open.push(Frame::Extension(Extension { type_name, ..Extension::default() }));
        Ok(())
    }

    fn end_object(&mut self) -> Result<()> {
        let Some(Frame::Extension(extension)) = self.open.pop() else {
            unreachable!("an end without its beginning");
        };
        let (code, data) = extension.finish()?;
        self.extension(code, &data)
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Err(lacks("references"))
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Err(lacks("references"))
    }
}

impl Extension {
    fn int(&mut self, value: i64) -> Result<()> {
        let slot = match self.part.as_ref().and_then(TextBuf::as_str) {
            Some("code") => &mut self.code,
            Some("seconds") => &mut self.seconds,
            Some("nanoseconds") => &mut self.nanoseconds,
            _ => return Err(self.misfit()),
        };
        *slot = Some(value);
        Ok(())
    }

    fn bytes(&mut self, value: &[u8]) -> Result<()> {
        if self.part.as_ref().and_then(TextBuf::as_str) != Some("data") {
            return Err(self.misfit());
        }
        self.data = Some(value.to_vec());
        Ok(())
    }

    fn finish(self) -> Result<(i8, Vec<u8>)> {
        let misfit = self.misfit();
        let whole = if self.type_name == TIMESTAMP { self.timestamp() } else { self.extension() };
        whole.ok_or(misfit)
    }

    fn timestamp(self) -> Option<(i8, Vec<u8>)> {
        let nanoseconds = u32::try_from(self.nanoseconds?).ok().filter(|&n| n < 1_000_000_000)?;
        let mut data = Vec::with_capacity(12);
        Timestamp { seconds: self.seconds?, nanoseconds }.encode(&mut data);
        Some((m::TIMESTAMP_CODE, data))
    }

    fn extension(self) -> Option<(i8, Vec<u8>)> {
        Some((i8::try_from(self.code?).ok()?, self.data?))
    }

    #[cold]
    fn misfit(&self) -> Error {
        let expected = if self.type_name == TIMESTAMP {
            "`seconds` (64 bits) and `nanoseconds` (below 10^9)"
        } else {
            "`code` (-128 to 127) and `data` (bytes)"
        };
        let message = format!("expected {expected} as the parts of `{}`", self.type_name);
        Error::new(ErrorKind::Value, message)
    }
}

#[inline]
fn write_unsigned(writer: &mut Writer, value: u64) {
    if let Ok(value) = u8::try_from(value) {
        match value {
            0..=m::POSITIVE_FIXINT_MAX => writer.out.push(value),
            _ => writer.marked(m::UINT8, [value]),
        }
    } else if let Ok(value) = u16::try_from(value) {
        writer.marked(m::UINT16, value.to_be_bytes());
    } else if let Ok(value) = u32::try_from(value) {
        writer.marked(m::UINT32, value.to_be_bytes());
    } else {
        writer.marked(m::UINT64, value.to_be_bytes());
    }
}

#[inline]
fn write_negative(writer: &mut Writer, value: i64) {
    if let Ok(value) = i8::try_from(value) {
        match value {
            -32.. => writer.out.push(value.cast_unsigned()),
            _ => writer.marked(m::INT8, value.to_be_bytes()),
        }
    } else if let Ok(value) = i16::try_from(value) {
        writer.marked(m::INT16, value.to_be_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        writer.marked(m::INT32, value.to_be_bytes());
    } else {
        writer.marked(m::INT64, value.to_be_bytes());
    }
}

/// The bytes before an array or a map: one, three or five of them.
struct Header {
    bytes: [u8; 5],
    length: usize,
}

impl Header {
    #[inline]
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[inline]
fn container_header(container: Container, length: usize) -> Result<Header> {
    let (fix, wide) = match container {
        Container::List | Container::Tuple => (m::FIXARRAY, m::ARRAY16),
        Container::Map => (m::FIXMAP, m::MAP16),
        Container::Set | Container::FrozenSet => return Err(lacks("sets")),
    };
    let mut bytes = [0; 5];
    let length = match (u8::try_from(length), u16::try_from(length), u32::try_from(length)) {
        (Ok(length @ ..16), ..) => {
            bytes[0] = fix | length;
            1
        }
        (_, Ok(length), _) => {
            bytes[0] = wide;
            bytes[1..3].copy_from_slice(&length.to_be_bytes());
            3
        }
        (_, _, Ok(length)) => {
            bytes[0] = wide + 1;
            bytes[1..].copy_from_slice(&length.to_be_bytes());
            5
        }
        _ => return Err(too_long(length)),
    };
    Ok(Header { bytes, length })
}

#[cold]
fn lacks(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("MessagePack has no {what}"))
        .with_hint("`cannery.dump` writes any object, with its type")
}

#[cold]
fn too_long(length: usize) -> Error {
    let message = format!("expected a length below 2^32, found {length}");
    Error::new(ErrorKind::Unsupported, message)
}
