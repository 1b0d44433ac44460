//! Records to events: a map for each row.

use std::io::Read;

use cannery_core::{
    BigInt, Container, Error, ErrorKind, Pos, Result, Segment, Sink, Text, is_ascii,
};
use cannery_places::RecordEnds;

use crate::table::{ENCODING_HINT, Survey, no_text};
use crate::types::{bool_of, float_of, is_int, short_int, trimmed};
use crate::{Column, ColumnType, Dialect, Ends, Field, Fields, Options, Table};

/// Bytes that types are inferred from, at most.
const SAMPLE: usize = 16 << 20;
/// A longer record is refused: a quote that is not closed takes in all that follows.
const LONGEST: usize = 256 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads rows one after another, each as a map from the columns' names to values.
pub struct Reader<R> {
    records: Records<R>,
    table: Table,
    /// The columns that are sent.
    wanted: Vec<bool>,
}

/// Cuts what is read into records.
pub(crate) struct Records<R> {
    source: R,
    buffer: Vec<u8>,
    /// The next record begins there.
    at: usize,
    ends: Ends,
    /// Rows before the next record, and where it begins in the source.
    row: u64,
    pos: Pos,
    is_over: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the header and as many rows as types are inferred from.
    ///
    /// # Errors
    /// Those of the reader; for a header that is no text, or a schema with a column that is none.
    pub fn new(source: R, options: &Options) -> Result<Self> {
        let mut records = Records::begin(source, options)?;
        let table = records.survey(options)?;
        if table.has_header {
            records.next()?;
            records.row = 0;
        }
        Ok(Self::over(records, table))
    }

    /// Reads rows of which the table is known: `source` begins with a row, the `row`-th of its file,
    /// on that line.
    pub fn with_table(source: R, table: Table, row: u64, line: u64) -> Self {
        let mut records = Records::new(source, table.dialect);
        records.row = row;
        records.pos.line = line;
        Self::over(records, table)
    }

    fn over(records: Records<R>, table: Table) -> Self {
        let wanted = vec![true; table.columns.len()];
        Self { records, table, wanted }
    }

    /// The columns.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Sends only the columns for which this is true. The others are not checked.
    pub fn select(&mut self, wanted: impl Fn(&Column) -> bool) {
        self.wanted = self.table.columns.iter().map(wanted).collect();
    }

    /// Sends the next row to `sink`; returns whether there was one.
    ///
    /// # Errors
    /// A field that is not of its column's type, a row with more or fewer fields than there are
    /// columns, a quote that is not closed, text that is not UTF-8; those of the reader.
    pub fn read<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<bool> {
        let Some((range, place)) = self.records.next()? else { return Ok(false) };
        let record = &self.records.buffer[range];
        let place = Place { record, ..place };
        let mut fields = Fields::new(record, self.table.dialect);
        sink.begin(Container::Map, Some(self.table.columns.len()))?;
        for (column, is_wanted) in self.table.columns.iter().zip(&self.wanted) {
            let Some(field) = fields.next() else { return Err(place.ragged(&self.table)) };
            if *is_wanted {
                sink.key(text_of(&column.name))?;
                send(&field, column, &self.table, &place, sink)?;
            }
        }
        if fields.next().is_some() {
            return Err(place.ragged(&self.table));
        }
        sink.end(Container::Map)?;
        Ok(true)
    }

    /// The columns that are sent.
    pub(crate) fn selected(&self) -> impl Iterator<Item = &Column> {
        let all = self.table.columns.iter().zip(&self.wanted);
        all.filter_map(|(column, is_wanted)| is_wanted.then_some(column))
    }

    /// The next record, not yet parsed.
    pub(crate) fn next_record(&mut self) -> Result<Option<(Place<'_>, &Table, &[bool])>> {
        let Some((range, place)) = self.records.next()? else { return Ok(None) };
        let record = &self.records.buffer[range];
        Ok(Some((Place { record, ..place }, &self.table, &self.wanted)))
    }
}

/// What the columns of a file are, as far as [`Options::infer_rows`] says, in constant memory.
///
/// # Errors
/// As [`Reader::new`], and for a quote that is not closed.
pub fn infer<R: Read>(source: R, options: &Options) -> Result<Table> {
    let mut records = Records::begin(source, options)?;
    let mut survey = Survey::new(records.ends.dialect(), options);
    let limit = options.infer_rows.unwrap_or(u64::MAX).saturating_add(1);
    for _ in 0..limit {
        let Some((range, place)) = records.next()? else { break };
        survey.take(&records.buffer[range], place.pos)?;
    }
    survey.finish()
}

impl<R: Read> Records<R> {
    /// The records behind a byte order mark.
    fn begin(source: R, options: &Options) -> Result<Self> {
        let mut records = Self::new(source, Dialect::default());
        records.fill(4096)?;
        records.skip_byte_order_mark()?;
        let dialect = match options.delimiter {
            Some(delimiter) => Dialect { delimiter },
            None => Dialect::of_start(&records.buffer[records.at..]),
        };
        records.ends = Ends::new(dialect);
        Ok(records)
    }

    fn new(source: R, dialect: Dialect) -> Self {
        let pos = Pos { offset: 0, line: 1, column: 0 };
        let (buffer, ends) = (Vec::new(), Ends::new(dialect));
        Self { source, buffer, at: 0, ends, row: 0, pos, is_over: false }
    }

    /// Reads until that many bytes are at hand, or no more come; drops what was read before.
    fn fill(&mut self, bytes: usize) -> Result<()> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = bytes.saturating_sub(self.buffer.len());
        cannery_core::reserve(&mut self.buffer, wanted)?;
        let read = self.source.by_ref().take(wanted as u64).read_to_end(&mut self.buffer);
        self.is_over = read.map_err(|e| Error::io(e, "cannot read the file"))? < wanted;
        Ok(())
    }

    fn skip_byte_order_mark(&mut self) -> Result<()> {
        match &self.buffer[..] {
            start if start.starts_with(BYTE_ORDER_MARK) => {
                self.at = BYTE_ORDER_MARK.len();
                self.pos.offset = self.at as u64;
            }
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
                let error = Error::new(ErrorKind::Encoding, "the text is in UTF-16");
                return Err(error.with_hint(ENCODING_HINT));
            }
            _ => {}
        }
        Ok(())
    }

    /// What the first records say about the columns; nothing is taken.
    fn survey(&mut self, options: &Options) -> Result<Table> {
        let mut survey = Survey::new(self.ends.dialect(), options);
        let mut ends = self.ends.clone();
        let (mut at, mut rows) = (self.at, 0);
        let limit = options.infer_rows.unwrap_or(u64::MAX).saturating_add(1);
        while rows < limit {
            let end = loop {
                let mut probe = ends.clone();
                match probe.next_end(&self.buffer[at..]) {
                    Some(len) => {
                        ends = probe;
                        break at + len;
                    }
                    None if self.is_over => break self.buffer.len(),
                    None if self.buffer.len() - self.at >= SAMPLE && rows > 0 => {
                        return survey.finish();
                    }
                    None => {
                        let seen = self.at;
                        self.fill(((self.buffer.len() - seen) * 2).max(1 << 16))?;
                        at -= seen;
                    }
                }
            };
            let record = &self.buffer[at..end];
            if record.iter().all(|byte| matches!(byte, b'\n' | b'\r')) {
                break;
            }
            survey.take(record, Pos { offset: 0, line: 1, column: 0 })?;
            at = end;
            rows += 1;
        }
        survey.finish()
    }

    /// The next record's place in the buffer, and in the source.
    fn next(&mut self) -> Result<Option<(std::ops::Range<usize>, Place<'static>)>> {
        let mut seen = self.at;
        let end = loop {
            if let Some(len) = self.ends.next_end(&self.buffer[seen..]) {
                break seen + len;
            }
            if self.is_over {
                if !self.ends.is_open() {
                    return Ok(None);
                }
                if self.ends.is_quoted() {
                    return Err(self.open_quote());
                }
                self.ends = Ends::new(self.ends.dialect());
                break self.buffer.len();
            }
            let kept = self.buffer.len() - self.at;
            if kept > LONGEST {
                return Err(self.too_long());
            }
            self.fill((kept * 2).max(1 << 16))?;
            seen = kept;
        };
        let range = self.at..end;
        let place = Place { row: self.row, pos: self.pos, record: &[] };
        let record = &self.buffer[range.clone()];
        self.pos.line += memchr::memchr_iter(b'\n', record).count() as u64;
        self.pos.offset += record.len() as u64;
        self.row += 1;
        self.at = end;
        Ok(Some((range, place)))
    }

    #[cold]
    fn open_quote(&mut self) -> Error {
        let rest = &self.buffer[self.at..];
        // The last field that begins with a quote is the one that has no end.
        let fields = Fields::new(rest, self.ends.dialect());
        let start = fields.filter(|field| field.is_quoted).last().map_or(0, |field| field.start);
        let place = Place { row: self.row, pos: self.pos, record: rest };
        let error = Error::new(ErrorKind::Truncated, "the quote that begins here is never closed");
        let error = error.at(place.at(start)).with_hint(
            "a quote within a quoted field is written twice; the file may also have been cut off",
        );
        self.is_over = true;
        self.at = self.buffer.len();
        self.ends = Ends::new(self.ends.dialect());
        error
    }

    #[cold]
    fn too_long(&mut self) -> Error {
        self.is_over = true;
        self.at = self.buffer.len();
        self.ends = Ends::new(self.ends.dialect());
        let message = format!("a row is longer than {} MB", LONGEST >> 20);
        Error::new(ErrorKind::Limit, message)
            .at(Pos { column: 1, ..self.pos })
            .with_hint("a quote that is not closed takes in all that follows")
    }
}

/// Where a record lies, for errors.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) row: u64,
    pos: Pos,
    pub(crate) record: &'a [u8],
}

impl Place<'_> {
    /// The place of a byte of the record.
    #[cold]
    pub(crate) fn at(&self, byte: usize) -> Pos {
        let pos = Pos::locate(self.record, byte as u64);
        let (offset, line) = (self.pos.offset + pos.offset, self.pos.line + pos.line - 1);
        Pos { offset, line, ..pos }
    }

    #[cold]
    pub(crate) fn ragged(&self, table: &Table) -> Error {
        let found = Fields::new(self.record, table.dialect).count();
        let expected = table.columns.len();
        let start = self.record.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let message =
            format!("row {} has {found} fields, and there are {expected} columns", self.row);
        Error::new(ErrorKind::Syntax, message).at(self.at(start)).with_hint(
            "a field with a delimiter in it stands in quotes; another delimiter may be meant",
        )
    }

    /// A field that is not of its column's type.
    #[cold]
    pub(crate) fn misfit(&self, field: &Field<'_>, column: &Column) -> Error {
        let shown: String = String::from_utf8_lossy(&field.text).chars().take(40).collect();
        let message = format!(
            "expected `{}` in column `{}`, found `{shown}` in row {}",
            column.kind.name(),
            column.name,
            self.row
        );
        let wider = ColumnType::of_field(&field.text).join(column.kind).name();
        Error::new(ErrorKind::Value, message)
            .at(self.at(field.start))
            .inside(Segment::Key(column.name.clone().into()))
            .inside(Segment::Index(self.row))
            .with_hint(format!(
                "types are inferred from the first rows: give this one, `schema={{{:?}: {wider}}}`, \
                 or name what stands for nothing, `missing=[{shown:?}]`",
                column.name
            ))
    }
}

/// The error of a field whose bytes are no text.
#[cold]
pub(crate) fn no_text_in(
    field: &Field<'_>,
    column: &Column,
    place: &Place<'_>,
    error: std::str::Utf8Error,
) -> Error {
    let pos = place.at(field.start + error.valid_up_to());
    no_text(pos, Some((&column.name, place.row)))
}

fn text_of(text: &str) -> Text<'_> {
    if is_ascii(text.as_bytes()) { Text::Ascii(text) } else { Text::Utf8(text) }
}

fn send<S: Sink + ?Sized>(
    field: &Field<'_>,
    column: &Column,
    table: &Table,
    place: &Place<'_>,
    sink: &mut S,
) -> Result<()> {
    let text = &*field.text;
    if table.is_missing(text, field.is_quoted, column.kind) {
        return sink.null();
    }
    match column.kind {
        ColumnType::Text => match std::str::from_utf8(text) {
            Ok(text) => sink.text(text_of(text)),
            Err(error) => Err(no_text_in(field, column, place, error)),
        },
        ColumnType::Int => match short_int(trimmed(text)) {
            Some(value) => sink.int(value),
            None => {
                send_long(trimmed(text), sink).unwrap_or_else(|| Err(place.misfit(field, column)))
            }
        },
        ColumnType::Float => match float_of(text) {
            Some(value) => sink.float(value),
            None => Err(place.misfit(field, column)),
        },
        ColumnType::Bool => match bool_of(text) {
            Some(value) => sink.bool(value),
            None => Err(place.misfit(field, column)),
        },
    }
}

/// Sends an integer of many digits; `None` if it is none.
fn send_long<S: Sink + ?Sized>(text: &[u8], sink: &mut S) -> Option<Result<()>> {
    if !is_int(text) {
        return None;
    }
    let digits = std::str::from_utf8(text).ok()?;
    Some(match digits.parse() {
        Ok(value) => sink.int(value),
        Err(_) => sink.big_int(BigInt::Decimal(digits)),
    })
}
