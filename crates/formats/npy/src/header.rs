//! The header of an array file: what the bytes behind it are.

use std::io::Read;

use cannery_core::{ArraySource, Dtype, Error, ErrorKind, Order, Result};

use crate::descr;
use crate::literal::{self, Literal};

/// How every NPY file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of magic and version.
const PREAMBLE: usize = 8;

/// The data of a file begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// Headers are this long at most, whatever they claim: far more than 10,000 named fields need.
const LONGEST: u64 = 16 << 20;

/// NumPy leaves room for the growing side to become this many digits, so that a file can be
/// appended to in place.
const GROWTH_DIGITS: usize = 21;

/// What the header of an NPY file says: the type, shape and order of the array behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The type of the elements.
    pub dtype: Dtype,
    /// The sides of the array, outermost first; empty for a single element.
    pub shape: Vec<u64>,
    /// Which index runs fastest.
    pub order: Order,
}

impl Header {
    /// The header of `array`.
    #[must_use]
    pub fn of(array: &(impl ArraySource + ?Sized)) -> Self {
        Self { dtype: array.dtype().clone(), shape: array.shape().to_vec(), order: array.order() }
    }

    /// Reads a header and leaves `source` at the first byte of the data.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`], [`ErrorKind::Version`], and those of a description that is no header.
    pub fn from_reader(source: &mut (impl Read + ?Sized)) -> Result<(Self, u64)> {
        let mut preamble = [0; PREAMBLE];
        let read = fill(source, &mut preamble)?;
        check_magic(&preamble[..read])?;
        let len_size = len_size(preamble[6], preamble[7])?;
        let mut len = [0; 4];
        if fill(source, &mut len[..len_size])? < len_size {
            return Err(truncated());
        }
        let len = check_len(u32::from_le_bytes(len))?;
        let text_at = (PREAMBLE + len_size) as u64;
        let mut text = Vec::new();
        let read = source.take(len).read_to_end(&mut text).map_err(cannot_read)?;
        if (read as u64) < len {
            return Err(truncated());
        }
        let header = Self::parse(&text, preamble[6]).map_err(|e| shift(e, text_at))?;
        Ok((header, text_at + len))
    }

    /// Reads the header at the beginning of `bytes`; also gives its length.
    ///
    /// # Errors
    /// As [`Header::from_reader`].
    pub fn from_slice(mut bytes: &[u8]) -> Result<(Self, u64)> {
        Self::from_reader(&mut bytes)
    }

    /// Parses the text of a header of format version `major`.
    fn parse(text: &[u8], major: u8) -> Result<Self> {
        let text = decode(text, major)?;
        let Literal::Dict(entries) = literal::parse(&text)? else {
            return Err(Error::new(ErrorKind::Syntax, "expected a dictionary as header"));
        };
        let (mut dtype, mut shape, mut order) = (None, None, None);
        for (key, value) in &entries {
            let repeated = match key {
                Literal::Text(key) if key == "descr" => {
                    dtype.replace(descr::from_literal(value)?).is_some()
                }
                Literal::Text(key) if key == "shape" => {
                    shape.replace(descr::shape_from(value)?).is_some()
                }
                Literal::Text(key) if key == "fortran_order" => {
                    order.replace(order_from(value)?).is_some()
                }
                _ => true,
            };
            if repeated {
                return Err(wrong_keys());
            }
        }
        let (Some(dtype), Some(shape), Some(order)) = (dtype, shape, order) else {
            return Err(wrong_keys());
        };
        let header = Self { dtype, shape, order };
        header.check_empty()?;
        Ok(header)
    }

    /// Refuses shapes that no byte stands for, beyond what anything needs: each of their sides may
    /// be gone through, and some readers multiply them.
    fn check_empty(&self) -> Result<()> {
        const MOST: u64 = 1 << 22;
        let is_empty = self.dtype.itemsize() == 0 || self.shape.contains(&0);
        let places = self.shape.iter().fold(1_u64, |n, &side| n.saturating_mul(side.max(1)));
        if is_empty && places > MOST {
            let shape = &self.shape;
            let message = format!("the shape {shape:?} is too large for an array without data");
            return Err(Error::new(ErrorKind::Limit, message));
        }
        Ok(())
    }

    /// The header as bytes, the same as NumPy writes; their number is a multiple of 64.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if NPY has no such type.
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let text = self.to_literal()?;
        // NumPy's choice: the oldest version that can hold it.
        let latin1: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        let (major, text) = match latin1 {
            Some(text) if u16::try_from(padded_len(text.len(), 2)).is_ok() => (1, text),
            Some(text) => (2, text),
            None => (3, text.into_bytes()),
        };
        let len_size = if major == 1 { 2 } else { 4 };
        let len = padded_len(text.len(), len_size);
        let mut bytes = Vec::with_capacity(PREAMBLE + len_size + len);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[major, 0]);
        bytes.extend_from_slice(&(len as u64).to_le_bytes()[..len_size]);
        bytes.extend_from_slice(&text);
        bytes.resize(PREAMBLE + len_size + len - 1, b' ');
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn to_literal(&self) -> Result<String> {
        let descr = descr::to_literal(&self.dtype)?;
        let (order, growing) = match self.order {
            Order::C => ("False", self.shape.first()),
            Order::Fortran => ("True", self.shape.last()),
        };
        let shape = descr::shape_to_literal(&self.shape);
        let room = growing.map_or(0, |side| GROWTH_DIGITS - side.to_string().len());
        let text = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
        Ok(text + &" ".repeat(room))
    }

    /// Bytes of the data behind the header.
    ///
    /// # Errors
    /// [`ErrorKind::Limit`] if they do not fit 63 bits.
    pub fn data_len(&self) -> Result<u64> {
        cannery_core::size_in_bytes(&self.dtype, &self.shape)
    }

    /// Where data that begins at `start` ends, in a file of `file_len` bytes.
    ///
    /// Ask this before allocating anything for the data: a header can claim what it likes.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if that is beyond the end of the file.
    pub fn data_end(&self, start: u64, file_len: u64) -> Result<u64> {
        let (expected, found) = (self.data_len()?, file_len.saturating_sub(start));
        if found < expected {
            let message = format!("expected {expected} bytes of data, found {found}");
            let error = Error::new(ErrorKind::Truncated, message).at_offset(file_len);
            return Err(error.with_hint("the file was cut off; write or copy it again"));
        }
        Ok(start + expected)
    }
}

/// The length of a header's text, padded so that the data is aligned.
fn padded_len(text: usize, len_size: usize) -> usize {
    let before = PREAMBLE + len_size;
    // At least the newline; NumPy pads a whole block when none is needed, and so do we.
    let end = before + text + 1;
    end + (ALIGNMENT - end % ALIGNMENT) - before
}

/// Checks the first bytes of a file, of which there may be fewer than a preamble.
fn check_magic(start: &[u8]) -> Result<()> {
    let magic = &start[..start.len().min(MAGIC.len())];
    if !MAGIC.starts_with(magic) {
        let found = magic.escape_ascii();
        let message = format!("expected `\\x93NUMPY` at the start of an NPY file, found `{found}`");
        return Err(Error::new(ErrorKind::Syntax, message).at_offset(0));
    }
    if start.len() < PREAMBLE { Err(truncated()) } else { Ok(()) }
}

/// How many bytes hold the header's length.
fn len_size(major: u8, minor: u8) -> Result<usize> {
    match (major, minor) {
        (1, 0) => Ok(2),
        (2 | 3, 0) => Ok(4),
        _ => {
            let message = format!("expected NPY version 1.0, 2.0 or 3.0, found {major}.{minor}");
            Err(Error::new(ErrorKind::Version, message).at_offset(MAGIC.len() as u64))
        }
    }
}

fn check_len(len: u32) -> Result<u64> {
    let len = u64::from(len);
    if len <= LONGEST {
        return Ok(len);
    }
    let message = format!("the header claims to be {len} bytes long");
    let hint = format!("no more than {LONGEST} are read; the file is probably damaged");
    Err(Error::new(ErrorKind::Limit, message).at_offset(PREAMBLE as u64).with_hint(hint))
}

fn decode(text: &[u8], major: u8) -> Result<String> {
    if major < 3 {
        return Ok(text.iter().map(|&byte| char::from(byte)).collect());
    }
    String::from_utf8(text.to_vec()).map_err(|e| {
        let at = e.utf8_error().valid_up_to() as u64;
        Error::new(ErrorKind::Encoding, "the header is not UTF-8").at_offset(at)
    })
}

fn order_from(value: &Literal) -> Result<Order> {
    match value {
        Literal::Bool(true) => Ok(Order::Fortran),
        Literal::Bool(false) => Ok(Order::C),
        other => {
            let found = other.name();
            let message = format!("expected a truth value as `fortran_order`, found {found}");
            Err(Error::new(ErrorKind::Syntax, message))
        }
    }
}

#[cold]
fn wrong_keys() -> Error {
    let message = "expected exactly the keys `descr`, `fortran_order` and `shape` in the header";
    Error::new(ErrorKind::Syntax, message)
}

/// An error inside the header's text, as one inside the file.
#[cold]
fn shift(error: Error, text_at: u64) -> Error {
    error.map_pos(|pos| cannery_core::Pos::offset(pos.offset + text_at)).at_offset(text_at)
}

#[cold]
fn truncated() -> Error {
    Error::new(ErrorKind::Truncated, "the file ends inside its header")
        .with_hint("it was cut off; write or copy it again")
}

#[cold]
fn cannot_read(error: std::io::Error) -> Error {
    Error::io(error, "cannot read the header")
}

/// Reads until `buffer` is full or the source ends.
fn fill(source: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(cannot_read(e)),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use cannery_core::DtypeKind;

    use super::*;

    /// A file of version 1.0 whose header has this text.
    fn file(text: &str) -> Vec<u8> {
        let len = u16::try_from(text.len()).unwrap().to_le_bytes();
        [MAGIC, &[1, 0], &len, text.as_bytes()].concat()
    }

    fn report(bytes: &[u8]) -> String {
        Header::from_slice(bytes).unwrap_err().report()
    }

    #[test]
    fn a_header_is_the_bytes_numpy_writes() {
        let dtype = Dtype::new(DtypeKind::Float(8));
        let header = Header { dtype, shape: vec![3, 4], order: Order::Fortran };
        let bytes = header.to_vec().unwrap();
        assert_eq!(bytes.len(), 128);
        insta::assert_snapshot!(bytes.escape_ascii(), @r"\x93NUMPY\x01\x00v\x00{\'descr\': \'<f8\', \'fortran_order\': True, \'shape\': (3, 4), }                                                           \n");
        assert_eq!(Header::from_slice(&bytes).unwrap(), (header, 128));
    }

    #[test]
    fn versions_follow_the_text() {
        let header = |names: &[String]| {
            let fields = names.iter().map(|name| format!("('{name}', '|u1')")).collect::<Vec<_>>();
            let dtype = descr::dtype_from_descr(&format!("[{}]", fields.join(", "))).unwrap();
            Header { dtype, shape: vec![], order: Order::C }
        };
        let many: Vec<_> = (0..6000).map(|i| format!("f{i}")).collect();
        let cases = [(vec!["é".to_owned()], 1), (many, 2), (vec!["€".to_owned()], 3)];
        for (names, major) in cases {
            let header = header(&names);
            let bytes = header.to_vec().unwrap();
            assert_eq!((bytes[6], bytes.len() % ALIGNMENT), (major, 0));
            assert_eq!(Header::from_slice(&bytes).unwrap(), (header, bytes.len() as u64));
        }
    }

    #[test]
    fn python_2_wrote_long_integers() {
        let bytes = file("{'descr': u'<f8', 'shape': (2L, 3), 'fortran_order': False}");
        assert_eq!(Header::from_slice(&bytes).unwrap().0.shape, [2, 3]);
    }

    #[test]
    fn broken_preambles() {
        insta::assert_snapshot!(report(b""), @r"
        the file ends inside its header

        hint: it was cut off; write or copy it again
        ");
        insta::assert_snapshot!(report(b"PK\x03\x04\0\0\0\0\0\0"), @r"expected `\x93NUMPY` at the start of an NPY file, found `PK\x03\x04\x00\x00` at byte 0");
        insta::assert_snapshot!(report(b"\x93NUMPX"), @r"expected `\x93NUMPY` at the start of an NPY file, found `\x93NUMPX` at byte 0");
        insta::assert_snapshot!(report(b"\x93NUMPY\x04\0\0\0"), @"expected NPY version 1.0, 2.0 or 3.0, found 4.0 at byte 6");
        insta::assert_snapshot!(report(b"\x93NUMPY\x02\0\xff\xff\xff\xff"), @r"
        the header claims to be 4294967295 bytes long at byte 8

        hint: no more than 16777216 are read; the file is probably damaged
        ");
        insta::assert_snapshot!(report(b"\x93NUMPY\x03\0\x01\0\0\0\xff"), @"the header is not UTF-8 at byte 12");
        let whole = file("{'descr': '<f8', 'shape': (), 'fortran_order': False}");
        for end in 0..whole.len() {
            let error = Header::from_slice(&whole[..end]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Truncated, "cut at {end}");
        }
    }

    #[test]
    fn broken_texts() {
        let text = |descr: &str, order: &str, shape: &str| {
            file(&format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"))
        };
        insta::assert_snapshot!(report(&file("{'descr' '<f8'}")), @r"expected `:` in the header, found `\'` at byte 19");
        insta::assert_snapshot!(report(&file("[]")), @"expected a dictionary as header at byte 10");
        insta::assert_snapshot!(report(&file("{'descr': '<f8'}")), @"expected exactly the keys `descr`, `fortran_order` and `shape` in the header at byte 10");
        insta::assert_snapshot!(report(&text("'<f3'", "False", "()")), @"expected an array type like `<f4`, found `<f3` at byte 10");
        insta::assert_snapshot!(report(&text("7", "False", "()")), @"expected a type as `descr`, found an integer at byte 10");
        insta::assert_snapshot!(report(&text("['x']", "False", "()")), @"expected a field `(name, type, shape)`, found a string at byte 10");
        insta::assert_snapshot!(report(&text("[('x', '<f4'), ('x', '<f4')]", "False", "()")), @"the field `x` occurs twice at byte 10");
        insta::assert_snapshot!(report(&text("[('x', '<f4', (65536, 65536))]", "False", "()")), @"an element of the array is larger than 2 GiB at byte 10");
        insta::assert_snapshot!(report(&text("'<f8'", "0", "()")), @"expected a truth value as `fortran_order`, found an integer at byte 10");
        insta::assert_snapshot!(report(&text("'<f8'", "False", "3")), @"expected a tuple as `shape`, found an integer at byte 10");
        insta::assert_snapshot!(report(&text("'<f8'", "False", "('x',)")), @"expected integers in `shape`, found a string at byte 10");
        insta::assert_snapshot!(report(&text("'<f8'", "False", "(-1,)")), @"expected a side of at least 0, found `-1` at byte 10");
        insta::assert_snapshot!(report(&text("'|O'", "False", "(4,)")), @r"
        the array holds Python objects, stored as a pickle at byte 10

        hint: a pickle can run code when it is opened; look at it with `cannery scan`
        ");
        insta::assert_snapshot!(report(&text("[('x', '|O8')]", "False", "(4,)")), @r"
        the array holds Python objects, stored as a pickle at byte 10

        hint: a pickle can run code when it is opened; look at it with `cannery scan`
        ");
    }
}
