//! The header: what tensors there are and which bytes are theirs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use cannery_core::{Error, ErrorKind, Pos, Result, TensorDtype};

use crate::dtype::dtype_of_code;
use crate::json::Parser;

/// Bytes that a header may have at most.
pub const MAX_HEADER: u64 = 100_000_000;

/// Bytes of the number before the header: its length.
pub(crate) const LENGTH_SIZE: u64 = 8;

/// The key among the tensors' names that holds no tensor.
pub(crate) const METADATA: &str = "__metadata__";

/// A tensor as the header describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub dtype: &'static TensorDtype,
    /// Its sides, outermost first.
    pub shape: Vec<u64>,
    /// Where its bytes begin, counted from the end of the header.
    pub start: u64,
    /// Where they end.
    pub end: u64,
}

/// What the header of a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The tensors, in the order of their bytes.
    pub tensors: Vec<TensorEntry>,
    /// Texts by name, in the order of the file.
    pub metadata: Vec<(String, String)>,
    /// Bytes before the first tensor's.
    pub data_start: u64,
}

/// Whether a file may be of this format, by its first bytes: a length and a JSON object.
#[must_use]
pub fn looks_like(start: &[u8]) -> bool {
    let Some((length, rest)) = start.split_first_chunk() else { return false };
    let length = u64::from_le_bytes(*length);
    let mut rest = rest.iter().skip_while(|byte| byte.is_ascii_whitespace());
    length > 1
        && length <= MAX_HEADER
        && rest.next() == Some(&b'{')
        && matches!(rest.find(|byte| !byte.is_ascii_whitespace()), Some(b'"' | b'}'))
}

impl Header {
    /// The length of the header of a file of `file_len` bytes that begins so.
    ///
    /// # Errors
    /// [`ErrorKind::Truncated`] if the file ends before the header does, [`ErrorKind::Limit`] if
    /// it claims to be too long.
    pub fn length(start: &[u8], file_len: u64) -> Result<u64> {
        let Some((length, _)) = start.split_first_chunk() else {
            let message = format!("expected the length of a header, found {} bytes", start.len());
            return Err(Error::new(ErrorKind::Truncated, message).at_offset(0));
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER {
            let message = format!("the header claims to be {length} bytes long");
            let hint = format!("no more than {MAX_HEADER} are read; is it safetensors at all?");
            return Err(Error::new(ErrorKind::Limit, message).at_offset(0).with_hint(hint));
        }
        let found = file_len.saturating_sub(LENGTH_SIZE);
        if length > found {
            let message = format!("expected {length} bytes of header, found {found}");
            return Err(Error::new(ErrorKind::Truncated, message).at_offset(0).with_hint(CUT_OFF));
        }
        Ok(length)
    }

    /// The header of a file of `file_len` bytes, whose text this is, and which must account for
    /// every byte behind it.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`] and others, with the offset in the file.
    pub fn parse(text: &[u8], file_len: u64) -> Result<Self> {
        let in_file = |e: Error| e.map_pos(|pos| Pos::offset(pos.offset + LENGTH_SIZE));
        let data_start = LENGTH_SIZE + text.len() as u64;
        let (mut tensors, metadata) = entries(text).map_err(in_file)?;
        tensors.sort_by_key(|(_, tensor)| (tensor.start, tensor.end));
        let end = check(&tensors).map_err(in_file)?;
        let found = file_len.saturating_sub(data_start);
        if end != found {
            return Err(uncovered(end, found).at_offset(data_start + end.min(found)));
        }
        let tensors = tensors.into_iter().map(|(_, tensor)| tensor).collect();
        Ok(Self { tensors, metadata, data_start })
    }

    /// The header of a whole file.
    ///
    /// # Errors
    /// As [`Header::length`] and [`Header::parse`].
    pub fn from_slice(file: &[u8]) -> Result<Self> {
        let len = file.len() as u64;
        let length = usize::try_from(Self::length(file, len)?).unwrap_or(usize::MAX);
        let start = 8;
        Self::parse(file.get(start..start + length).unwrap_or_default(), len)
    }
}

const CUT_OFF: &str = "the file was cut off; write or copy it again";

/// The tensors with their offsets in the text, and the metadata.
type Entries = (Vec<(usize, TensorEntry)>, Vec<(String, String)>);

fn entries(text: &[u8]) -> Result<Entries> {
    let mut parser = Parser::new(text)?;
    if text.first() != Some(&b'{') {
        return Err(parser.unexpected("`{` at the start"));
    }
    let (mut tensors, mut metadata, mut names) = (Vec::new(), None, HashSet::new());
    parser.object(|parser, name, at| {
        let is_new = names.insert(name.clone());
        if !is_new {
            let message = format!("the name `{name}` occurs twice");
            return Err(Error::new(ErrorKind::Value, message).at_offset(at as u64));
        }
        if name == METADATA {
            metadata = Some(texts(parser)?);
        } else {
            let tensor = tensor(parser, name.into_owned())?;
            tensors.push((at, tensor));
        }
        Ok(())
    })?;
    parser.end()?;
    Ok((tensors, metadata.unwrap_or_default()))
}

/// Texts by name, or null.
fn texts(parser: &mut Parser<'_>) -> Result<Vec<(String, String)>> {
    let mut texts: Vec<(String, String)> = Vec::new();
    if parser.null() {
        return Ok(texts);
    }
    let mut indices = HashMap::new();
    parser.object(|parser, key, _| {
        let value = parser.string()?.into_owned();
        // Of two entries with one key, the last is meant.
        let index = *indices.entry(key.clone()).or_insert(texts.len());
        if index == texts.len() {
            texts.push((key.into_owned(), value));
        } else {
            texts[index].1 = value;
        }
        Ok(())
    })?;
    Ok(texts)
}

/// What is known of a tensor while its description is parsed.
#[derive(Default)]
struct Parts {
    dtype: Option<&'static TensorDtype>,
    shape: Option<Vec<u64>>,
    offsets: Option<(u64, u64)>,
}

/// A tensor: an object of three fields, or a list of their values.
fn tensor(parser: &mut Parser<'_>, name: String) -> Result<TensorEntry> {
    let at = parser.position() as u64;
    let mut parts = Parts::default();
    if parser.peek() == Some(b'[') {
        let mut fields = ["dtype", "shape", "data_offsets"].into_iter();
        parser.list(|parser| match fields.next() {
            Some(field) => parts.field(parser, field, at),
            None => Err(parser.unexpected("no more than three parts of a tensor")),
        })?;
    } else {
        parser.object(|parser, field, at| parts.field(parser, &field, at as u64))?;
    }
    let missing = |field| {
        let message = format!("the tensor `{name}` has no `{field}`");
        Error::new(ErrorKind::Value, message).at_offset(at)
    };
    let dtype = parts.dtype.ok_or_else(|| missing("dtype"))?;
    let shape = parts.shape.ok_or_else(|| missing("shape"))?;
    let (start, end) = parts.offsets.ok_or_else(|| missing("data_offsets"))?;
    Ok(TensorEntry { name, dtype, shape, start, end })
}

impl Parts {
    fn field(&mut self, parser: &mut Parser<'_>, field: &str, at: u64) -> Result<()> {
        let is_repeated = match field {
            "dtype" => self.dtype.replace(dtype(parser)?).is_some(),
            "shape" => self.shape.replace(sizes(parser)?).is_some(),
            "data_offsets" => self.offsets.replace(offsets(parser)?).is_some(),
            _ => return parser.skip(),
        };
        if is_repeated {
            let message = format!("a tensor has the field `{field}` twice");
            return Err(Error::new(ErrorKind::Value, message).at_offset(at));
        }
        Ok(())
    }
}

/// The code of a type, which the library also takes as `{"F32": null}`.
fn dtype(parser: &mut Parser<'_>) -> Result<&'static TensorDtype> {
    let mut at = parser.position();
    let mut code = Cow::Borrowed("");
    if parser.peek() == Some(b'{') {
        let mut count = 0;
        parser.object(|parser, key, key_at| {
            (code, at, count) = (key, key_at, count + 1);
            if count == 1 && parser.null() { Ok(()) } else { Err(parser.unexpected("null")) }
        })?;
    } else {
        code = parser.string()?;
    }
    dtype_of_code(&code).ok_or_else(|| {
        let message = format!("expected a type such as `F32`, found `{code}`");
        Error::new(ErrorKind::Unsupported, message).at_offset(at as u64)
    })
}

fn sizes(parser: &mut Parser<'_>) -> Result<Vec<u64>> {
    let mut sizes = Vec::new();
    parser.list(|parser| {
        sizes.push(parser.size()?);
        Ok(())
    })?;
    Ok(sizes)
}

fn offsets(parser: &mut Parser<'_>) -> Result<(u64, u64)> {
    let at = parser.position() as u64;
    match sizes(parser)?[..] {
        [start, end] => Ok((start, end)),
        ref other => {
            let message = format!("expected two offsets, found {}", other.len());
            Err(Error::new(ErrorKind::Syntax, message).at_offset(at))
        }
    }
}

/// Checks tensors in the order of their bytes: none may be missing between them, and each must have
/// those of its shape. Gives the end of the last one.
fn check(tensors: &[(usize, TensorEntry)]) -> Result<u64> {
    let mut end = 0;
    for (at, tensor) in tensors {
        check_one(tensor, end).map_err(|e| e.at_offset(*at as u64))?;
        end = tensor.end;
    }
    Ok(end)
}

fn check_one(tensor: &TensorEntry, due: u64) -> Result<()> {
    let TensorEntry { name, dtype, shape, start, end } = tensor;
    let fault = |message: String| Err(Error::new(ErrorKind::Value, message));
    if start > end {
        return fault(format!("the tensor `{name}` ends at {end}, before it begins at {start}"));
    }
    if *start != due {
        let found = if *start > due { "bytes of no tensor" } else { "bytes of two tensors" };
        return fault(format!(
            "expected the tensor `{name}` to begin at {due}, found {start}: {found}"
        ));
    }
    let count = shape.iter().try_fold(1_u64, |count, &side| count.checked_mul(side));
    let Some(bits) = count.and_then(|count| count.checked_mul(dtype.bits())) else {
        return fault(format!("the tensor `{name}` of shape {shape:?} is too large"));
    };
    if !bits.is_multiple_of(8) {
        return fault(format!(
            "the tensor `{name}` of {dtype} {shape:?} does not fill whole bytes"
        ));
    }
    let (expected, found) = (bits / 8, end - start);
    if expected == found {
        return Ok(());
    }
    fault(format!(
        "expected {expected} bytes for the tensor `{name}` of {dtype} {shape:?}, found {found}"
    ))
}

#[cold]
fn uncovered(expected: u64, found: u64) -> Error {
    let message = format!("expected {expected} bytes of tensors, found {found}");
    if found < expected {
        return Error::new(ErrorKind::Truncated, message).with_hint(CUT_OFF);
    }
    Error::new(ErrorKind::Value, message).with_hint("there are bytes that belong to no tensor")
}
