//! Reading one document.

use std::io::Read;

use cannery_core::{Limits, Result, Sink, Text, Value, ValueBuilder};

use crate::ReadOptions;
use crate::input::{
    Input, Slice, Stream, document, extra_data, skip_byte_order_mark, skip_whitespace,
};
use crate::parser::Parser;
use crate::units::Units;

/// Reads one document and sends it to `sink`; anything but whitespace behind it is an error.
///
/// ```
/// use cannery_core::{Limits, Value, ValueBuilder};
/// use cannery_json::{ReadOptions, from_slice};
///
/// let mut builder = ValueBuilder::new(Limits::default());
/// from_slice(b"[1, 2]", &ReadOptions::default(), &mut builder)?;
/// assert_eq!(builder.finish()?, Value::List(vec![Value::Int(1), Value::Int(2)]));
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// [`Syntax`](cannery_core::ErrorKind::Syntax) or [`Truncated`](cannery_core::ErrorKind::Truncated)
/// with the byte offset and a [`SyntaxError`](crate::SyntaxError),
/// [`Encoding`](cannery_core::ErrorKind::Encoding) (before any other), [`Depth`](cannery_core::ErrorKind::Depth), and
/// those of the sink, at the offset of the value that it refused.
pub fn from_slice<S: Sink + ?Sized>(
    data: &[u8],
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let mut slice = Slice::new(data);
    only_document(&mut slice, options, sink).map_err(|error| slice.first_error(error, options))
}

/// [`from_slice`], for text that is known to be valid.
pub fn from_str<S: Sink + ?Sized>(text: &str, options: &ReadOptions, sink: &mut S) -> Result<()> {
    only_document(&mut Slice::from_str(text), options, sink)
}

/// [`from_slice`], for text in any encoding. Where that is one unit a character, so are strings that
/// are not ASCII, and the positions in errors are those of characters.
///
/// ```
/// use cannery_core::{Limits, Text, ValueBuilder};
/// use cannery_json::{ReadOptions, from_text};
///
/// let mut builder = ValueBuilder::new(Limits::default());
/// from_text(Text::Latin1(b"[\"\xe9\"]"), &ReadOptions::default(), &mut builder)?;
/// assert_eq!(builder.finish()?, vec!["é".into()].into());
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub fn from_text<S: Sink + ?Sized>(
    text: Text<'_>,
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let units = match text {
        Text::Ascii(text) | Text::Utf8(text) => return from_str(text, options, sink),
        Text::Surrogates(bytes) => return from_slice(bytes, options, sink),
        Text::Latin1(units) => Units::Latin1(units),
        Text::Ucs2(units) => Units::Ucs2(units),
        Text::Ucs4(units) => Units::Ucs4(units),
    };
    only_document(&mut Slice::of_units(units, &units.shadow()), options, sink)
}

/// Reads the document at the start of `data`, which may go on behind it; returns the offset where
/// the document ends.
///
/// What is behind it is not looked at, whatever it is.
pub fn from_slice_prefix<S: Sink + ?Sized>(
    data: &[u8],
    options: &ReadOptions,
    sink: &mut S,
) -> Result<usize> {
    first_document(&mut Slice::new(data), options, sink)
}

/// [`from_slice_prefix`], for text that is known to be valid.
pub fn from_str_prefix<S: Sink + ?Sized>(
    text: &str,
    options: &ReadOptions,
    sink: &mut S,
) -> Result<usize> {
    first_document(&mut Slice::from_str(text), options, sink)
}

/// Reads one document from a reader, of which no more than a piece is in memory at any time.
///
/// ```
/// use cannery_core::{Limits, ValueBuilder};
/// use cannery_json::{ReadOptions, from_reader};
///
/// let mut builder = ValueBuilder::new(Limits::default());
/// let file = std::io::Cursor::new("[1,\n 2,\n oops]");
/// let error = from_reader(file, &ReadOptions::default(), &mut builder).unwrap_err();
/// assert_eq!(error.to_string(), "expected a value, found `o` at line 3 column 2");
/// ```
///
/// # Errors
/// As [`from_slice`], with line and column, and those of the reader.
pub fn from_reader<R: Read, S: Sink + ?Sized>(
    reader: R,
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let mut stream = Stream::new(reader);
    stream.begin()?;
    only_document(&mut stream, options, sink)
}

/// Reads one document as a [`Value`], with the default options.
///
/// ```
/// assert_eq!(cannery_json::to_value(b"true")?, cannery_core::Value::Bool(true));
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub fn to_value(data: &[u8]) -> Result<Value> {
    let mut builder = ValueBuilder::new(Limits::default());
    from_slice(data, &ReadOptions::default(), &mut builder)?;
    builder.finish()
}

#[inline(always)]
fn first_document<I: Input, S: Sink + ?Sized>(
    input: &mut I,
    options: &ReadOptions,
    sink: &mut S,
) -> Result<usize> {
    let start = skip_byte_order_mark(input.chunk(), options)?;
    document(&mut Parser::new(options), input, start, sink)
}

#[inline]
fn only_document<I: Input, S: Sink + ?Sized>(
    input: &mut I,
    options: &ReadOptions,
    sink: &mut S,
) -> Result<()> {
    let end = first_document(input, options, sink)?;
    let mut end = skip_whitespace(input, end)?;
    // A whole character, for the error to show.
    while input.chunk().data.len() - end < 4 && !input.chunk().last {
        input.advance(end)?;
        end = 0;
    }
    if end == input.chunk().data.len() {
        return Ok(());
    }
    Err(input.locate(extra_data(input.chunk(), end)))
}
