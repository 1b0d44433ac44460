//! The writer: a sink that turns events into text as they come.

mod array;
mod copy;
mod escape;
mod float;
mod integer;
mod options;
mod output;
pub mod raw;

use cannery_core::{ArraySource, BigInt, Container, Error, ErrorKind, Result, Sink, Source, Text};

pub use options::{NonFinite, WriteOptions};
pub use output::{Chunks, Output};

use output::{InlineBytes, put, put_bytes};

/// A sink that writes JSON to an [`Output`].
///
/// Documents may follow one another; see [`WriteOptions::trailing_newline`]. A tuple is written as
/// an array, an array of numbers as nested arrays, element by element. Kinds that JSON lacks are
/// refused; [`cannery_core::tagged`] lowers them to the ones it has.
///
/// ```
/// use cannery_core::{Container, Sink, Text};
/// use cannery_json::{WriteOptions, Writer};
///
/// let mut writer = Writer::new(Vec::new(), WriteOptions::default());
/// writer.begin(Container::Map, None)?;
/// writer.key(Text::Ascii("mean"))?;
/// writer.float(0.5)?;
/// writer.end(Container::Map)?;
/// assert_eq!(writer.into_output(), br#"{"mean":0.5}"#);
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct Writer<O> {
    out: O,
    depth: usize,
    pending: Pending,
    /// The comma, alone and with the quote of the string behind it.
    comma: InlineBytes,
    comma_quote: InlineBytes,
    /// The colon, with the quote of the key before it.
    quote_colon: InlineBytes,
    /// Whether the colon is too long for that.
    long_colon: bool,
    /// Whether there are lines, or a comma too long for the above.
    laid_out: bool,
    options: WriteOptions,
}

/// What must be written before the next value or key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    /// Nothing: a document begins, or a key was written.
    Nothing,
    /// A new line, where there are lines: it is the first of its container.
    First,
    /// A comma, and perhaps a new line.
    Comma,
}

/// Writes one value to a new vector, compact.
///
/// ```
/// use cannery_core::Value;
/// assert_eq!(cannery_json::to_vec(&Value::from_iter([1, 2]))?, b"[1,2]");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) for kinds that JSON lacks, [`Value`](ErrorKind::Value)
/// for NaN and infinities, and those of the source.
pub fn to_vec<S: Source + ?Sized>(source: &S) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new(), WriteOptions::default());
    source.emit(&mut writer)?;
    Ok(writer.into_output())
}

/// Writes one value to an [`io::Write`](std::io::Write), piece by piece.
///
/// ```
/// use cannery_core::Value;
/// use cannery_json::{WriteOptions, to_writer};
///
/// let mut file = Vec::new();
/// to_writer(&Value::from_iter([1, 2]), &mut file, WriteOptions::default().indent("  "))?;
/// assert_eq!(file, b"[\n  1,\n  2\n]");
/// # Ok::<(), cannery_core::Error>(())
/// ```
///
/// # Errors
/// As [`to_vec`], and those of `out`.
pub fn to_writer<S: Source + ?Sized, W: std::io::Write>(
    source: &S,
    out: W,
    options: WriteOptions,
) -> Result<()> {
    let mut writer = Writer::new(Chunks::new(out), options);
    source.emit(&mut writer)?;
    writer.into_output().finish().map(drop)
}

impl<O: Output> Writer<O> {
    /// A writer to `out`.
    pub fn new(out: O, options: WriteOptions) -> Self {
        let comma = InlineBytes::new(&[&options.item_separator]);
        let comma_quote = InlineBytes::new(&[&options.item_separator, "\""]);
        let quote_colon = InlineBytes::new(&["\"", &options.key_separator]);
        Self {
            out,
            depth: 0,
            pending: Pending::Nothing,
            long_colon: quote_colon.is_none(),
            laid_out: options.indent.is_some() || comma_quote.is_none(),
            comma: comma.unwrap_or_default(),
            comma_quote: comma_quote.unwrap_or(InlineBytes::QUOTE),
            quote_colon: quote_colon.unwrap_or(InlineBytes::QUOTE),
            options,
        }
    }

    /// What is written to.
    pub fn output(&mut self) -> &mut O {
        &mut self.out
    }

    /// What was written to.
    pub fn into_output(self) -> O {
        self.out
    }

    /// Forgets that a document was begun; what was written of it is the output's matter.
    pub(crate) fn forget_document(&mut self) {
        self.depth = 0;
        self.pending = Pending::Nothing;
    }

    /// Writes what must stand before a value, unless it is short: then returns it.
    #[inline(always)]
    fn lead(&mut self) -> Result<InlineBytes> {
        if self.laid_out {
            self.indent_line()?;
            return Ok(InlineBytes::EMPTY);
        }
        Ok(if self.pending == Pending::Comma { self.comma } else { InlineBytes::EMPTY })
    }

    /// The same before a string; what it returns ends with a quote.
    #[inline(always)]
    fn lead_quote(&mut self) -> Result<InlineBytes> {
        if self.laid_out {
            self.indent_line()?;
            return Ok(InlineBytes::QUOTE);
        }
        Ok(if self.pending == Pending::Comma { self.comma_quote } else { InlineBytes::QUOTE })
    }

    fn indent_line(&mut self) -> Result<()> {
        if self.pending == Pending::Nothing {
            return Ok(());
        }
        if self.pending == Pending::Comma {
            put(&mut self.out, self.options.item_separator.as_bytes())?;
        }
        self.new_line()
    }

    /// A new line and its indentation, where there are lines.
    fn new_line(&mut self) -> Result<()> {
        let Some(indent) = &self.options.indent else { return Ok(()) };
        put(&mut self.out, b"\n")?;
        if indent.is_empty() {
            return Ok(());
        }
        (0..self.depth).try_for_each(|_| put(&mut self.out, indent.as_bytes()))
    }

    /// Writes a value of a few bytes.
    #[inline(always)]
    fn word<const N: usize>(&mut self, text: &[u8; N]) -> Result<()> {
        let lead = self.lead()?;
        put_bytes(&mut self.out, lead, text)?;
        self.ended()
    }

    /// Writes a value of any length.
    fn long(&mut self, text: &[u8]) -> Result<()> {
        let lead = self.lead()?;
        put_bytes(&mut self.out, lead, &[])?;
        put(&mut self.out, text)?;
        self.ended()
    }

    /// Writes a number of which the digits of a binary32 say everything.
    fn single(&mut self, value: f32) -> Result<()> {
        if !value.is_finite() {
            return self.non_finite(f64::from(value));
        }
        let lead = self.lead()?;
        output::put_single(&mut self.out, lead, value)?;
        self.ended()
    }

    /// Prepares for what follows a value.
    #[inline(always)]
    fn ended(&mut self) -> Result<()> {
        if self.depth == 0 {
            return self.end_document();
        }
        self.pending = Pending::Comma;
        Ok(())
    }

    #[inline(never)]
    fn end_document(&mut self) -> Result<()> {
        self.pending = Pending::Nothing;
        if self.options.trailing_newline {
            put(&mut self.out, b"\n")?;
        }
        self.out.end_document()
    }

    #[inline(always)]
    fn open(&mut self, bracket: u8) -> Result<()> {
        let lead = self.lead()?;
        put_bytes(&mut self.out, lead, &[bracket])?;
        self.depth += 1;
        self.pending = Pending::First;
        Ok(())
    }

    #[inline(always)]
    fn close(&mut self, bracket: u8) -> Result<()> {
        self.depth -= 1;
        if self.laid_out && self.pending == Pending::Comma {
            self.new_line()?;
        }
        put_bytes(&mut self.out, InlineBytes::EMPTY, &[bracket])?;
        self.ended()
    }

    #[cold]
    fn non_finite(&mut self, value: f64) -> Result<()> {
        match self.options.non_finite {
            NonFinite::Null => self.word(b"null"),
            NonFinite::Write => self.long(float::name(value).as_bytes()),
            NonFinite::Refuse => Err(refused_float(value)),
        }
    }
}

#[cold]
fn refused_float(value: f64) -> Error {
    let name = match value {
        v if v.is_nan() => "NaN",
        v if v > 0.0 => "infinity",
        _ => "-infinity",
    };
    Error::new(ErrorKind::Value, format!("JSON has no {name}"))
        .with_hint("write it as `null`, or as Python does, with the option `non_finite`")
}

#[cold]
fn lacking(kind: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("JSON has no {kind}"))
        .with_hint("the tagged form has; or turn it into a kind that JSON has")
}

impl<O: Output> Sink for Writer<O> {
    #[inline]
    fn null(&mut self) -> Result<()> {
        self.word(b"null")
    }

    #[inline]
    fn bool(&mut self, value: bool) -> Result<()> {
        if value { self.word(b"true") } else { self.word(b"false") }
    }

    #[inline]
    fn int(&mut self, value: i64) -> Result<()> {
        let lead = self.lead()?;
        output::put_int(&mut self.out, lead, value)?;
        self.ended()
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.long(value.to_decimal().as_bytes())
    }

    #[inline]
    fn float(&mut self, value: f64) -> Result<()> {
        if !value.is_finite() {
            return self.non_finite(value);
        }
        let lead = self.lead()?;
        output::put_float(&mut self.out, lead, value)?;
        self.ended()
    }

    fn number(&mut self, text: &str) -> Result<()> {
        self.long(text.as_bytes())
    }

    #[inline]
    fn text(&mut self, value: Text<'_>) -> Result<()> {
        let lead = self.lead_quote()?;
        escape::string(&mut self.out, &self.options, lead, value, InlineBytes::QUOTE)?;
        self.ended()
    }

    fn bytes(&mut self, _value: &[u8]) -> Result<()> {
        Err(lacking("bytes"))
    }

    fn array(&mut self, value: &dyn ArraySource) -> Result<()> {
        array::send(value, self)
    }

    #[inline]
    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        match container {
            Container::Map => self.open(b'{'),
            Container::List | Container::Tuple => self.open(b'['),
            Container::Set | Container::FrozenSet => Err(lacking("sets")),
        }
    }

    #[inline]
    fn end(&mut self, container: Container) -> Result<()> {
        self.close(if container == Container::Map { b'}' } else { b']' })
    }

    #[inline]
    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let lead = self.lead_quote()?;
        escape::string(&mut self.out, &self.options, lead, key, self.quote_colon)?;
        if self.long_colon {
            put(&mut self.out, self.options.key_separator.as_bytes())?;
        }
        self.pending = Pending::Nothing;
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        Err(lacking("keys other than text"))
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        Err(lacking(&format!("objects such as `{type_name}`")))
    }

    fn end_object(&mut self) -> Result<()> {
        Err(lacking("objects"))
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Err(lacking("shared references"))
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Err(lacking("shared references"))
    }
}
