//! Events to records: a row for each map.

use std::io::Write;

use cannery_core::{ArraySource, BigInt, Container, Error, ErrorKind, Result, Sink, Text};

use crate::Dialect;

/// Bytes that are handed on at a time.
const ENOUGH: usize = 1 << 16;

/// Writes values as rows: maps by the names of their keys, lists by position, others as one field.
///
/// The first row says what the columns are. A text that is empty stands in quotes, a missing value is
/// an empty field; what holds several values has no place in a field and is refused.
///
/// ```
/// use cannery_core::{Source, Value};
/// use cannery_csv::{Dialect, Writer};
///
/// let mut writer = Writer::new(Vec::new(), Dialect::default());
/// let row = Value::from_iter([("a", Value::from(1)), ("b", Value::from("x,y"))]);
/// row.emit(&mut writer)?;
/// assert_eq!(writer.finish()?, b"a,b\n1,\"x,y\"\n");
/// # Ok::<(), cannery_core::Error>(())
/// ```
pub struct Writer<W> {
    out: W,
    dialect: Dialect,
    /// Whole records that are not handed on yet.
    buffer: Vec<u8>,
    columns: Vec<String>,
    /// Whether the columns are known, and whether they were written.
    is_named: bool,
    has_header: bool,
    row: Row,
    rows: u64,
}

/// The row that is being written.
#[derive(Default)]
struct Row {
    shape: Shape,
    /// The fields so far, by column; `None` where there is none yet.
    fields: Vec<Option<Vec<u8>>>,
    /// The column of the next value.
    at: usize,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    /// Between rows.
    #[default]
    None,
    Map,
    List,
}

impl<W: Write> Writer<W> {
    /// A writer of rows whose columns the first one names.
    pub fn new(out: W, dialect: Dialect) -> Self {
        let (buffer, columns, row) = (Vec::new(), Vec::new(), Row::default());
        let (is_named, has_header) = (false, false);
        Self { out, dialect, buffer, columns, is_named, has_header, row, rows: 0 }
    }

    /// A writer of rows that follow others: of these columns, and without a header.
    pub fn with_columns(out: W, dialect: Dialect, columns: Vec<String>) -> Self {
        Self { columns, is_named: true, has_header: true, ..Self::new(out, dialect) }
    }

    /// The names of the columns; none before the first row.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Forgets a row that has not ended.
    pub fn discard(&mut self) {
        self.row = Row::default();
    }

    /// Writes what is left and returns what it was written to.
    ///
    /// # Errors
    /// Those of the `io::Write`.
    pub fn finish(mut self) -> Result<W> {
        self.hand_on()?;
        Ok(self.out)
    }

    fn hand_on(&mut self) -> Result<()> {
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|e| Error::io(e, "cannot write the file"))
    }

    /// Takes the text of a value.
    fn field(&mut self, text: Vec<u8>) -> Result<()> {
        match self.row.shape {
            Shape::None => {
                self.begin_row(Shape::List)?;
                if !self.is_named {
                    self.columns.push("value".to_owned());
                }
                self.set(text)?;
                self.end_row()
            }
            Shape::Map => self.set(text),
            Shape::List => {
                if !self.is_named && self.row.at == self.columns.len() {
                    self.columns.push(format!("column_{}", self.row.at + 1));
                }
                self.set(text)?;
                self.row.at += 1;
                Ok(())
            }
        }
    }

    fn set(&mut self, text: Vec<u8>) -> Result<()> {
        let at = self.row.at;
        if at >= self.columns.len() {
            return Err(self.too_many());
        }
        if self.row.fields.len() <= at {
            self.row.fields.resize(at + 1, None);
        }
        self.row.fields[at] = Some(text);
        Ok(())
    }

    fn begin_row(&mut self, shape: Shape) -> Result<()> {
        if self.row.shape != Shape::None {
            return Err(self.nested(if shape == Shape::Map { "a map" } else { "a list" }));
        }
        self.row.shape = shape;
        self.row.at = 0;
        self.row.fields.iter_mut().for_each(|field| *field = None);
        Ok(())
    }

    fn end_row(&mut self) -> Result<()> {
        self.is_named = true;
        if self.columns.is_empty() {
            return Err(self.no_columns());
        }
        if !std::mem::replace(&mut self.has_header, true) {
            let dialect = self.dialect;
            let names = std::mem::take(&mut self.columns);
            self.put_record(names.iter().map(|name| Some(quoted(name.as_bytes(), dialect))));
            self.columns = names;
        }
        self.row.fields.resize(self.columns.len(), None);
        let fields = std::mem::take(&mut self.row.fields);
        self.put_record(fields.iter().cloned());
        self.row.fields = fields;
        self.row.shape = Shape::None;
        self.rows += 1;
        if self.buffer.len() >= ENOUGH { self.hand_on() } else { Ok(()) }
    }

    fn put_record(&mut self, fields: impl Iterator<Item = Option<Vec<u8>>>) {
        let start = self.buffer.len();
        for (at, field) in fields.enumerate() {
            if at > 0 {
                self.buffer.push(self.dialect.delimiter);
            }
            self.buffer.extend_from_slice(&field.unwrap_or_default());
        }
        if self.buffer.len() == start {
            // An empty line is no record.
            self.buffer.extend_from_slice(b"\"\"");
        }
        self.buffer.push(b'\n');
    }

    #[cold]
    fn nested(&self, what: &str) -> Error {
        let column = self.columns.get(self.row.at).map_or("?", String::as_str);
        let message = format!(
            "a field of CSV holds one value, found {what} in column `{column}` of row {}",
            self.rows
        );
        Error::new(ErrorKind::Unsupported, message)
            .with_hint("write it as JSON Lines (`.jsonl`), or make columns of its parts")
    }

    #[cold]
    fn too_many(&self) -> Error {
        let message = format!(
            "row {} has more than the {} fields of the first one",
            self.rows,
            self.columns.len()
        );
        Error::new(ErrorKind::Value, message).with_hint("all rows of a table have the same columns")
    }

    #[cold]
    fn new_column(&self, key: &str) -> Error {
        let message = format!("row {} has a column `{key}` that the first one has not", self.rows);
        Error::new(ErrorKind::Value, message).with_hint(
            "the first row says what the columns are: give it that key, with `null` where there is \
             nothing; or write JSON Lines (`.jsonl`)",
        )
    }

    #[cold]
    fn no_columns(&self) -> Error {
        Error::new(ErrorKind::Value, format!("row {} has no columns", self.rows))
            .with_hint("a table has one column at least")
    }
}

/// A text as a field: in quotes where it needs them.
fn quoted(text: &[u8], dialect: Dialect) -> Vec<u8> {
    let needs = |&byte: &u8| byte == dialect.delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    // Blanks around a number would be taken for part of it, a mark at the start for none.
    let is_plain =
        !text.is_empty() && !text.iter().any(needs) && !text.starts_with(b"\xef\xbb\xbf");
    if is_plain {
        return text.to_vec();
    }
    let mut field = vec![b'"'];
    for &byte in text {
        if byte == b'"' {
            field.push(b'"');
        }
        field.push(byte);
    }
    field.push(b'"');
    field
}

impl<W: Write> Sink for Writer<W> {
    fn null(&mut self) -> Result<()> {
        self.field(Vec::new())
    }

    fn bool(&mut self, value: bool) -> Result<()> {
        self.field(if value { b"true".to_vec() } else { b"false".to_vec() })
    }

    fn int(&mut self, value: i64) -> Result<()> {
        self.field(value.to_string().into_bytes())
    }

    fn big_int(&mut self, value: BigInt<'_>) -> Result<()> {
        self.field(value.to_decimal().into_owned().into_bytes())
    }

    fn float(&mut self, value: f64) -> Result<()> {
        self.field(match value {
            value if value.is_nan() => b"nan".to_vec(),
            value if value.is_infinite() => {
                if value > 0.0 {
                    b"inf".to_vec()
                } else {
                    b"-inf".to_vec()
                }
            }
            value => zmij::Buffer::new().format_finite(value).as_bytes().to_vec(),
        })
    }

    fn text(&mut self, value: Text<'_>) -> Result<()> {
        let text = value.try_to_utf8()?;
        if std::str::from_utf8(&text).is_err() {
            let message = format!("a text in row {} has half a surrogate pair", self.rows);
            return Err(Error::new(ErrorKind::Encoding, message)
                .with_hint("CSV is UTF-8, which has no bytes for it"));
        }
        self.field(quoted(&text, self.dialect))
    }

    fn bytes(&mut self, _value: &[u8]) -> Result<()> {
        Err(self.nested("bytes"))
    }

    fn array(&mut self, _value: &dyn ArraySource) -> Result<()> {
        Err(self.nested("an array"))
    }

    fn begin(&mut self, container: Container, _len: Option<usize>) -> Result<()> {
        match container {
            Container::Map => self.begin_row(Shape::Map),
            Container::List | Container::Tuple => self.begin_row(Shape::List),
            Container::Set | Container::FrozenSet => Err(self.nested("a set")),
        }
    }

    fn end(&mut self, _container: Container) -> Result<()> {
        if self.row.shape == Shape::List && self.row.at < self.columns.len() && self.is_named {
            let message = format!("row {} has fewer than {} fields", self.rows, self.columns.len());
            return Err(Error::new(ErrorKind::Value, message)
                .with_hint("all rows of a table have the same columns"));
        }
        self.end_row()
    }

    fn key(&mut self, key: Text<'_>) -> Result<()> {
        let key = key.try_to_utf8()?;
        let key = String::from_utf8_lossy(&key);
        if self.row.shape != Shape::Map {
            return Err(self.nested("an object"));
        }
        // Keys come in the order of the columns, mostly.
        let next = self.row.fields.iter().take_while(|field| field.is_some()).count();
        let found = match self.columns.get(next) {
            Some(name) if *name == key => Some(next),
            _ => self.columns.iter().position(|name| *name == key),
        };
        self.row.at = match found {
            Some(at) => at,
            None if !self.is_named => {
                self.columns.push(key.into_owned());
                self.columns.len() - 1
            }
            None => return Err(self.new_column(&key)),
        };
        Ok(())
    }

    fn entry(&mut self) -> Result<()> {
        Err(Error::new(ErrorKind::Unsupported, "the names of columns are texts")
            .with_hint("give the columns names that are text"))
    }

    fn begin_object(&mut self, type_name: Text<'_>, _parts: Option<usize>) -> Result<()> {
        let name = type_name.to_utf8();
        Err(self.nested(&format!("a `{}`", String::from_utf8_lossy(&name))))
    }

    fn end_object(&mut self) -> Result<()> {
        Ok(())
    }

    fn mark(&mut self, _id: u64) -> Result<()> {
        Ok(())
    }

    fn alias(&mut self, _id: u64) -> Result<()> {
        Err(self.nested("a reference"))
    }
}
