//! What a file's columns are: its header, and the types of the first rows.

use std::collections::{HashMap, HashSet};

use cannery_core::{Error, ErrorKind, Pos, Result};

use crate::{ColumnType, Dialect, Fields};

/// How a file is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The byte between fields; by default the first record tells ([`Dialect::of_start`]).
    pub delimiter: Option<u8>,
    /// Where the names of the columns are.
    pub header: Header,
    /// Types of columns by name, which are not inferred.
    pub types: Vec<(String, ColumnType)>,
    /// Rows that types are inferred from, within 16 MiB; `None` for all rows there are.
    pub infer_rows: Option<u64>,
    /// Fields without quotes that stand for a missing value, besides the empty one.
    pub missing: Vec<String>,
}

/// Where the names of columns are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// In the first record.
    #[default]
    First,
    /// Nowhere: `column_1` and so on.
    None,
    /// Here; the first record is a row.
    Names(Vec<String>),
}

impl Default for Options {
    fn default() -> Self {
        let (delimiter, header, types) = (None, Header::First, Vec::new());
        Self { delimiter, header, types, infer_rows: Some(10_000), missing: Vec::new() }
    }
}

impl Options {
    /// Sets [`delimiter`](Self::delimiter).
    #[must_use]
    pub fn delimiter(mut self, byte: Option<u8>) -> Self {
        self.delimiter = byte;
        self
    }

    /// Sets [`header`](Self::header).
    #[must_use]
    pub fn header(mut self, header: Header) -> Self {
        self.header = header;
        self
    }

    /// Sets [`types`](Self::types).
    #[must_use]
    pub fn types(mut self, types: Vec<(String, ColumnType)>) -> Self {
        self.types = types;
        self
    }

    /// Sets [`infer_rows`](Self::infer_rows).
    #[must_use]
    pub fn infer_rows(mut self, rows: Option<u64>) -> Self {
        self.infer_rows = rows;
        self
    }

    /// Sets [`missing`](Self::missing).
    #[must_use]
    pub fn missing(mut self, texts: Vec<String>) -> Self {
        self.missing = texts;
        self
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, which no other column has.
    pub name: String,
    /// What its fields are.
    pub kind: ColumnType,
}

/// The columns of a file and how its records are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The bytes between fields.
    pub dialect: Dialect,
    /// Whether the first record is a header.
    pub has_header: bool,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// Fields without quotes that stand for a missing value, besides the empty one.
    pub missing: Vec<Vec<u8>>,
}

impl Table {
    /// Whether a field stands for a missing value in a column of this type.
    pub(crate) fn is_missing(&self, text: &[u8], is_quoted: bool, kind: ColumnType) -> bool {
        if text.is_empty() {
            return !is_quoted || kind != ColumnType::Text;
        }
        !is_quoted && self.missing.iter().any(|one| one == text)
    }
}

/// Takes the first records of a file one by one, and says what its columns are.
pub(crate) struct Survey<'o> {
    options: &'o Options,
    table: Table,
    kinds: Vec<Option<ColumnType>>,
    is_first: bool,
}

impl<'o> Survey<'o> {
    pub(crate) fn new(dialect: Dialect, options: &'o Options) -> Self {
        let missing = options.missing.iter().map(|text| text.clone().into_bytes()).collect();
        let has_header = options.header == Header::First;
        let table = Table { dialect, has_header, columns: Vec::new(), missing };
        Self { options, table, kinds: Vec::new(), is_first: true }
    }

    /// Takes the next record, which begins at `pos`.
    pub(crate) fn take(&mut self, record: &[u8], pos: Pos) -> Result<()> {
        if std::mem::take(&mut self.is_first) {
            self.name_columns(record, pos)?;
            if self.table.has_header {
                return Ok(());
            }
        }
        let fields = Fields::new(record, self.table.dialect);
        for (field, kind) in fields.zip(&mut self.kinds) {
            if !self.table.is_missing(&field.text, field.is_quoted, ColumnType::Text) {
                // Quoted numbers may be missing, too.
                let is_nothing = field.text.is_empty();
                let own = (!is_nothing).then(|| ColumnType::of_field(&field.text));
                *kind = match (*kind, own) {
                    (Some(kind), Some(own)) => Some(kind.join(own)),
                    (kind, own) => kind.or(own),
                };
            }
        }
        Ok(())
    }

    fn name_columns(&mut self, record: &[u8], pos: Pos) -> Result<()> {
        let fields = Fields::new(record, self.table.dialect);
        let names = match &self.options.header {
            Header::First => {
                fields.map(|field| name_of(&field.text, pos)).collect::<Result<_>>()?
            }
            Header::None => fields.map(|_| String::new()).collect(),
            Header::Names(names) => names.clone(),
        };
        let unnamed = |(name, kind)| Column { name, kind };
        let unique = unique(names).into_iter().map(|name| (name, ColumnType::Text));
        self.table.columns = unique.map(unnamed).collect();
        self.kinds = vec![None; self.table.columns.len()];
        Ok(())
    }

    /// What the columns are, as far as the records that were taken tell.
    pub(crate) fn finish(mut self) -> Result<Table> {
        if let (true, Header::Names(names)) = (self.is_first, &self.options.header) {
            let column = |name| Column { name, kind: ColumnType::Text };
            self.table.columns = unique(names.clone()).into_iter().map(column).collect();
            self.kinds = vec![None; self.table.columns.len()];
        }
        for (column, kind) in self.table.columns.iter_mut().zip(&self.kinds) {
            column.kind = kind.unwrap_or(ColumnType::Text);
        }
        for (name, kind) in &self.options.types {
            let column = self.table.columns.iter_mut().find(|column| column.name == *name);
            match column {
                Some(column) => column.kind = *kind,
                None if self.is_first => {}
                None => return Err(self.no_column(name)),
            }
        }
        Ok(self.table)
    }

    #[cold]
    fn no_column(&self, name: &str) -> Error {
        let there = self.table.columns.iter().map(|column| format!("`{}`", column.name));
        let message = format!("the schema names a column `{name}` that the file does not have");
        let there: Vec<_> = there.collect();
        Error::new(ErrorKind::Value, message).with_hint(format!("it has {}", there.join(", ")))
    }
}

fn name_of(text: &[u8], pos: Pos) -> Result<String> {
    match std::str::from_utf8(text) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(no_text(pos, None)),
    }
}

/// Gives columns without a name one, and tells those of one name apart, as pandas does.
fn unique(names: Vec<String>) -> Vec<String> {
    let given: HashSet<String> = names.iter().cloned().collect();
    let mut taken = HashSet::new();
    // What was tried for a name is taken for good: a header of one name only is linear.
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut unique = Vec::with_capacity(names.len());
    for (at, name) in names.into_iter().enumerate() {
        let name = if name.is_empty() { format!("column_{}", at + 1) } else { name };
        let mut own = name.clone();
        if taken.contains(&own) {
            let count = counts.entry(name.clone()).or_default();
            while *count == 0 || taken.contains(&own) || given.contains(&own) {
                *count += 1;
                own = format!("{name}.{count}");
            }
        }
        taken.insert(own.clone());
        unique.push(own);
    }
    unique
}

pub(crate) const ENCODING_HINT: &str = "cannery reads UTF-8: convert it first (`iconv -f LATIN1 -t UTF-8`); in \
    Python, pass `open(path, encoding=...)`";

/// The error of bytes that are no text.
#[cold]
pub(crate) fn no_text(pos: Pos, column: Option<(&str, u64)>) -> Error {
    let place = match column {
        Some((name, row)) => format!("the field in column `{name}` of row {row}"),
        None => "the header".to_owned(),
    };
    Error::new(ErrorKind::Encoding, format!("{place} is not UTF-8"))
        .at(pos)
        .with_hint(ENCODING_HINT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_columns_of_one_name_take_linear_time() {
        let names = unique(vec!["a".to_owned(); 300_000]);
        assert_eq!(names[299_999], "a.299999");
    }

    #[test]
    fn names_are_made_unique() {
        let names = ["a", "", "a", "a.1", "", "a"].map(str::to_owned).to_vec();
        assert_eq!(unique(names), ["a", "column_2", "a.2", "a.1", "column_5", "a.3"]);
    }
}
