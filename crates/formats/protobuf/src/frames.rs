//! Many messages in one stream: length-prefixed, and the records of `TFRecord` files.

use std::io::{Read, Write};

use cannery_core::{Error, ErrorKind, Result};

/// How messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A varint of the length, then the message.
    Delimited,
    /// Length, CRC of the length, message, CRC of the message.
    TfRecord,
}

/// Reads messages one by one, in the memory of the largest.
#[derive(Debug)]
pub struct FrameReader<R> {
    source: R,
    framing: Framing,
    offset: u64,
    largest: u64,
}

/// One message of a stream, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The bytes before its length.
    pub offset: u64,
    /// The bytes before the message itself.
    pub data_offset: u64,
    /// The message.
    pub data: Vec<u8>,
}

impl<R: Read> FrameReader<R> {
    /// Reads from `source`.
    pub fn new(source: R, framing: Framing) -> Self {
        Self { source, framing, offset: 0, largest: i32::MAX as u64 }
    }

    /// Refuses messages of more bytes than this.
    #[must_use]
    pub fn largest(mut self, bytes: u64) -> Self {
        self.largest = bytes;
        self
    }

    /// The next message; `None` behind the last.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::Corrupt`] where a checksum is wrong (the message is
    /// passed over, reading can go on), [`ErrorKind::Limit`], and those of the source.
    pub fn next_frame(&mut self) -> Result<Option<Frame>> {
        let start = self.offset;
        let frame = match self.framing {
            Framing::Delimited => self.delimited(),
            Framing::TfRecord => self.record(),
        };
        let at = |error: Error| error.at_offset(start);
        let behind = if self.framing == Framing::TfRecord { 4 } else { 0 };
        Ok(frame.map_err(at)?.map(|data| {
            let data_offset = self.offset - behind - data.len() as u64;
            Frame { offset: start, data_offset, data }
        }))
    }

    fn delimited(&mut self) -> Result<Option<Vec<u8>>> {
        let mut length = 0_u64;
        for index in 0..10 {
            let Some(byte) = self.byte()? else {
                return if index == 0 { Ok(None) } else { Err(truncated()) };
            };
            length |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                return self.take(length).map(Some);
            }
        }
        Err(Error::new(ErrorKind::Syntax, "expected the length of a message as a varint"))
    }

    fn record(&mut self) -> Result<Option<Vec<u8>>> {
        let mut head = [0; 12];
        let Some(first) = self.byte()? else { return Ok(None) };
        head[0] = first;
        self.fill(&mut head[1..])?;
        let (length, crc) = head.split_at(8);
        if masked_crc(length) != le32(crc) {
            let text = "the checksum of a record's length is wrong";
            return Err(Error::new(ErrorKind::Corrupt, text).with_hint("is it a TFRecord file?"));
        }
        let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
        let data = self.take(length)?;
        let mut crc = [0; 4];
        self.fill(&mut crc)?;
        if masked_crc(&data) != le32(&crc) {
            return Err(Error::new(ErrorKind::Corrupt, "the checksum of a record is wrong"));
        }
        Ok(Some(data))
    }

    fn byte(&mut self) -> Result<Option<u8>> {
        let mut byte = [0];
        loop {
            match self.source.read(&mut byte) {
                Ok(0) => return Ok(None),
                Ok(_) => {
                    self.offset += 1;
                    return Ok(Some(byte[0]));
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io(error, "cannot read a message")),
            }
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        match self.source.read_exact(buffer) {
            Ok(()) => {
                self.offset += buffer.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Err(truncated()),
            Err(error) => Err(Error::io(error, "cannot read a message")),
        }
    }

    /// This many bytes, for which room is made as they come: the length is only a claim.
    fn take(&mut self, length: u64) -> Result<Vec<u8>> {
        if length > self.largest {
            let text = format!("a message of {length} bytes exceeds the limit of {}", self.largest);
            return Err(Error::new(ErrorKind::Limit, text).with_hint("raise the limit"));
        }
        let mut data = Vec::with_capacity(usize::try_from(length.min(1 << 20)).unwrap_or(0));
        let read = (&mut self.source).take(length).read_to_end(&mut data);
        let read = read.map_err(|error| Error::io(error, "cannot read a message"))?;
        self.offset += read as u64;
        if (read as u64) < length {
            return Err(truncated());
        }
        Ok(data)
    }
}

#[cold]
fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the stream ends inside a message")
}

fn le32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}

/// Writes one message and what its framing puts around it.
///
/// # Errors
/// Those of the target.
pub fn write_frame<W: Write>(target: &mut W, framing: Framing, data: &[u8]) -> Result<()> {
    let written = match framing {
        Framing::Delimited => {
            let mut length = Vec::with_capacity(10);
            crate::wire::put_varint(&mut length, data.len() as u64);
            target.write_all(&length).and_then(|()| target.write_all(data))
        }
        Framing::TfRecord => {
            let length = (data.len() as u64).to_le_bytes();
            let mut head = length.to_vec();
            head.extend(masked_crc(&length).to_le_bytes());
            let write = target.write_all(&head).and_then(|()| target.write_all(data));
            write.and_then(|()| target.write_all(&masked_crc(data).to_le_bytes()))
        }
    };
    written.map_err(|error| Error::io(error, "cannot write a message"))
}

/// CRC-32C, rotated and moved as `TFRecord` has it, so that a CRC of a CRC is none.
pub(crate) fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

const TABLES: [[u32; 256]; 8] = crc_tables();

const fn crc_tables() -> [[u32; 256]; 8] {
    let mut tables = [[0_u32; 256]; 8];
    let mut index = 0;
    while index < 256 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][index] = crc;
        index += 1;
    }
    let mut index = 0;
    while index < 256 {
        let mut slice = 1;
        while slice < 8 {
            let before = tables[slice - 1][index];
            tables[slice][index] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            slice += 1;
        }
        index += 1;
    }
    tables
}

/// CRC-32C (Castagnoli), eight bytes at a time.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    let (chunks, rest) = data.as_chunks::<8>();
    for chunk in chunks {
        let word = u64::from_le_bytes(*chunk) ^ u64::from(crc);
        let bytes = word.to_le_bytes();
        crc = 0;
        for (index, byte) in bytes.iter().enumerate() {
            crc ^= TABLES[7 - index][usize::from(*byte)];
        }
    }
    for byte in rest {
        crc = crc >> 8 ^ TABLES[0][usize::from(crc as u8 ^ *byte)];
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn what_is_written_reads_back() {
        let messages = [b"".to_vec(), b"a".to_vec(), vec![7; 300]];
        for framing in [Framing::Delimited, Framing::TfRecord] {
            let mut stream = Vec::new();
            for message in &messages {
                write_frame(&mut stream, framing, message).unwrap();
            }
            let mut reader = FrameReader::new(&stream[..], framing);
            for message in &messages {
                assert_eq!(&reader.next_frame().unwrap().unwrap().data, message);
            }
            assert_eq!(reader.next_frame().unwrap(), None);
            let mut reader = FrameReader::new(&stream[..stream.len() - 1], framing);
            reader.next_frame().unwrap();
            reader.next_frame().unwrap();
            assert_eq!(reader.next_frame().unwrap_err().kind(), ErrorKind::Truncated);
        }
    }

    #[test]
    fn a_length_is_only_a_claim() {
        let mut reader = FrameReader::new(&b"\xff\xff\xff\xff\x07abc"[..], Framing::Delimited);
        assert_eq!(reader.next_frame().unwrap_err().kind(), ErrorKind::Truncated);
        let mut reader = FrameReader::new(&b"\xff\xff\xff\xff\xffabc"[..], Framing::Delimited);
        assert!(reader.next_frame().is_err());
    }

    #[test]
    fn damage_is_named_by_its_offset() {
        let mut stream = Vec::new();
        for _ in 0..2 {
            write_frame(&mut stream, Framing::TfRecord, b"abc").unwrap();
        }
        stream[13] ^= 1;
        let mut reader = FrameReader::new(&stream[..], Framing::TfRecord);
        let error = reader.next_frame().unwrap_err();
        assert_eq!(error.to_string(), "the checksum of a record is wrong at byte 0");
        assert_eq!(
            reader.next_frame().unwrap().unwrap(),
            Frame { offset: 19, data_offset: 31, data: b"abc".to_vec() }
        );
    }
}
