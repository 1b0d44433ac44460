//! Writing: the header first, then the tensors in the order of the library.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Write;

use cannery_core::{Error, ErrorKind, Result, TensorDtype};

use crate::dtype::{dtype_code, rank};
use crate::header::{MAX_HEADER, METADATA};
use crate::json::push_string;

/// Headers are padded to a multiple of this, so that the tensors are aligned.
const ALIGNMENT: usize = 8;

/// A tensor in memory: its elements little-endian, in the order of their indices.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type of its elements.
    pub dtype: &'a TensorDtype,
    /// Its sides, outermost first.
    pub shape: &'a [u64],
    /// Its elements.
    pub data: &'a [u8],
}

/// Where the tensors of a file go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The length of the header and the header, with which the file begins.
    pub header: Vec<u8>,
    /// The indices of the tensors in the order in which they are to be written.
    pub order: Vec<usize>,
    /// The bytes of all tensors.
    pub data_len: u64,
}

impl Layout {
    /// The layout of tensors of these names, types and shapes: the same bytes as the library's.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] if the format has no such type, [`ErrorKind::Value`] if a name
    /// occurs twice or elements do not fill whole bytes, [`ErrorKind::Limit`] if the header would
    /// be too long to be read again.
    pub fn new<'a>(
        tensors: impl IntoIterator<Item = (&'a str, &'a TensorDtype, &'a [u64])>,
        metadata: &[(String, String)],
    ) -> Result<Self> {
        let tensors: Vec<_> = tensors.into_iter().collect();
        check_names(tensors.iter().map(|(name, _, _)| *name))?;
        let mut order: Vec<usize> = (0..tensors.len()).collect();
        order.sort_by(|&a, &b| {
            let ((a_name, a, _), (b_name, b, _)) = (tensors[a], tensors[b]);
            rank(b).cmp(&rank(a)).then(a_name.cmp(b_name))
        });
        let mut text = String::from("{");
        if !metadata.is_empty() {
            push_metadata(metadata, &mut text);
        }
        let mut end = 0_u64;
        for &index in &order {
            let (name, dtype, shape) = tensors[index];
            if text.len() > 1 {
                text.push(',');
            }
            let start = end;
            end = end_of(name, dtype, shape, start)?;
            push_tensor(name, dtype, shape, (start, end), &mut text)?;
        }
        text.push('}');
        Ok(Self { header: header(text)?, order, data_len: end })
    }
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = HashSet::from([METADATA]);
    for name in names {
        if !seen.insert(name) {
            let message = match name {
                METADATA => format!("no tensor can have the name `{METADATA}`"),
                name => format!("the name `{name}` occurs twice"),
            };
            return Err(Error::new(ErrorKind::Value, message));
        }
    }
    Ok(())
}

fn push_metadata(metadata: &[(String, String)], text: &mut String) {
    push_string(METADATA, text);
    for (index, (key, value)) in metadata.iter().enumerate() {
        text.push_str(if index == 0 { ":{" } else { "," });
        push_string(key, text);
        text.push(':');
        push_string(value, text);
    }
    text.push('}');
}

/// Where a tensor that begins at `start` ends.
fn end_of(name: &str, dtype: &TensorDtype, shape: &[u64], start: u64) -> Result<u64> {
    let count = shape.iter().try_fold(1_u64, |count, &side| count.checked_mul(side));
    let bits = count.and_then(|count| count.checked_mul(dtype.bits()));
    let bits = bits.ok_or_else(|| {
        Error::new(ErrorKind::Limit, format!("the tensor `{name}` of {shape:?} is too large"))
    })?;
    if !bits.is_multiple_of(8) {
        let message = format!("the tensor `{name}` of {dtype} {shape:?} does not fill whole bytes");
        return Err(Error::new(ErrorKind::Value, message));
    }
    start.checked_add(bits / 8).ok_or_else(Error::out_of_memory)
}

fn push_tensor(
    name: &str,
    dtype: &TensorDtype,
    shape: &[u64],
    (start, end): (u64, u64),
    text: &mut String,
) -> Result<()> {
    let code = dtype_code(dtype).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("safetensors has no type `{dtype}` (`{name}`)"))
            .with_hint("convert the tensor to a type that it has")
    })?;
    push_string(name, text);
    let sides: Vec<_> = shape.iter().map(u64::to_string).collect();
    let shape = sides.join(",");
    // Writing to a string does not fail.
    let _ =
        write!(text, r#":{{"dtype":"{code}","shape":[{shape}],"data_offsets":[{start},{end}]}}"#);
    Ok(())
}

fn header(text: String) -> Result<Vec<u8>> {
    let mut text = text.into_bytes();
    text.resize(text.len().next_multiple_of(ALIGNMENT), b' ');
    if text.len() as u64 > MAX_HEADER {
        let message = format!("the header would be {} bytes long", text.len());
        let hint = "split the tensors over several files";
        return Err(Error::new(ErrorKind::Limit, message).with_hint(hint));
    }
    Ok([&(text.len() as u64).to_le_bytes()[..], &text].concat())
}

/// Writes tensors as the bytes of a file.
///
/// # Errors
/// As [`Layout::new`]; [`ErrorKind::Value`] if a tensor has not the bytes of its shape.
pub fn to_vec(tensors: &[Tensor<'_>], metadata: &[(String, String)]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    to_writer(tensors, metadata, &mut bytes)?;
    Ok(bytes)
}

/// Writes tensors to a writer.
///
/// # Errors
/// As [`to_vec`], and those of the writer.
pub fn to_writer(
    tensors: &[Tensor<'_>],
    metadata: &[(String, String)],
    writer: &mut impl Write,
) -> Result<()> {
    for tensor in tensors {
        let (expected, found) =
            (end_of(tensor.name, tensor.dtype, tensor.shape, 0)?, tensor.data.len());
        if expected != found as u64 {
            let name = tensor.name;
            let message = format!("expected {expected} bytes for `{name}`, found {found}");
            return Err(Error::new(ErrorKind::Value, message));
        }
    }
    let layout = Layout::new(tensors.iter().map(|t| (t.name, t.dtype, t.shape)), metadata)?;
    let cannot_write = |e| Error::io(e, "cannot write the tensors");
    writer.write_all(&layout.header).map_err(cannot_write)?;
    for index in layout.order {
        writer.write_all(tensors[index].data).map_err(cannot_write)?;
    }
    Ok(())
}
