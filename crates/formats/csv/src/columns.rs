//! Rows as columns of numbers, for arrays.

use std::io::Read;

use cannery_core::{Error, ErrorKind, Result};

use crate::read::{Place, no_text_in};
use crate::types::{bool_of, float_of, is_int, short_int, trimmed};
use crate::{Column, ColumnType, Field, Fields, Reader, Table};

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnData {
    /// Truth values, 0 or 1.
    Bool(Vec<u8>),
    /// Integers; a missing one is 0.
    Int(Vec<i64>),
    /// Numbers; a missing one is NaN.
    Float(Vec<f64>),
    /// Texts; a missing one is `None`.
    Text(Vec<Option<String>>),
}

/// A column by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Its name.
    pub name: String,
    /// Its values.
    pub data: ColumnData,
    /// The rows in which it has none.
    pub missing: Vec<u64>,
}

impl ColumnData {
    fn new(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool(Vec::new()),
            ColumnType::Int => Self::Int(Vec::new()),
            ColumnType::Float => Self::Float(Vec::new()),
            ColumnType::Text => Self::Text(Vec::new()),
        }
    }

    fn push_missing(&mut self) {
        match self {
            Self::Bool(values) => values.push(0),
            Self::Int(values) => values.push(0),
            Self::Float(values) => values.push(f64::NAN),
            Self::Text(values) => values.push(None),
        }
    }

    fn push(&mut self, field: &Field<'_>, column: &Column, place: &Place<'_>) -> Result<()> {
        let misfit = || place.misfit(field, column);
        match self {
            Self::Bool(values) => {
                values.push(bool_of(&field.text).ok_or_else(misfit)?.into());
            }
            Self::Int(values) => values.push(match short_int(trimmed(&field.text)) {
                Some(value) => value,
                None => long_int(field, column, place)?,
            }),
            Self::Float(values) => values.push(float_of(&field.text).ok_or_else(misfit)?),
            Self::Text(values) => match std::str::from_utf8(&field.text) {
                Ok(text) => values.push(Some(text.to_owned())),
                Err(error) => return Err(no_text_in(field, column, place, error)),
            },
        }
        Ok(())
    }
}

fn long_int(field: &Field<'_>, column: &Column, place: &Place<'_>) -> Result<i64> {
    let text = trimmed(&field.text);
    let parsed = std::str::from_utf8(text).ok().filter(|_| is_int(text));
    let Some(digits) = parsed else { return Err(place.misfit(field, column)) };
    digits.parse().map_err(|_| {
        let message = format!(
            "the integer in column `{}` of row {} has more than 64 bits",
            column.name, place.row
        );
        Error::new(ErrorKind::Limit, message).at(place.at(field.start)).with_hint(format!(
            "rows hold integers of any size (`as_=\"rows\"`); or read it as `schema={{{:?}: float}}`",
            column.name
        ))
    })
}

impl<R: Read> Reader<R> {
    /// Reads the rows that are left into columns, those that are selected.
    ///
    /// # Errors
    /// As [`read`](Self::read); for an integer of more than 64 bits.
    pub fn read_columns(&mut self) -> Result<Vec<Columns>> {
        let mut columns: Vec<_> = self.selected().map(new_column).collect();
        let mut row = 0;
        while let Some((place, table, wanted)) = self.next_record()? {
            add_row(&mut columns, row, &place, table, wanted)?;
            row += 1;
        }
        Ok(columns)
    }
}

fn new_column(column: &Column) -> Columns {
    let data = ColumnData::new(column.kind);
    Columns { name: column.name.clone(), data, missing: Vec::new() }
}

fn add_row(
    columns: &mut [Columns],
    row: u64,
    place: &Place<'_>,
    table: &Table,
    wanted: &[bool],
) -> Result<()> {
    let mut fields = Fields::new(place.record, table.dialect);
    let mut columns = columns.iter_mut();
    for (column, is_wanted) in table.columns.iter().zip(wanted) {
        let Some(field) = fields.next() else { return Err(place.ragged(table)) };
        let Some(target) = is_wanted.then(|| columns.next()).flatten() else { continue };
        if table.is_missing(&field.text, field.is_quoted, column.kind) {
            target.data.push_missing();
            target.missing.push(row);
        } else {
            target.data.push(&field, column, place)?;
        }
    }
    if fields.next().is_some() { Err(place.ragged(table)) } else { Ok(()) }
}
