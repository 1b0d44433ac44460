//! From rows to records.

use std::str::FromStr;
use std::time::Duration;

use rusqlite::types::{Type, ValueRef};
use rusqlite::{Connection, Params, Row, RowIndex};

use super::{ArtifactId, ArtifactRecord, Producer, RunId, RunRecord, StepId, StepRecord, Usage};
use crate::{Digest, Error, ErrorKind, Timestamp};

/// A record that is read from columns of its own.
pub(super) trait FromRow: Sized {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self>;
}

/// All records of a query.
pub(super) fn all<T: FromRow>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, T::from_row)?.collect()
}

impl FromRow for RunRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: RunId(row.get("id")?),
            pipeline: name(row, "pipeline")?,
            status: parsed(row, "status")?,
            started: moment(row, "started")?,
            ended: optional_moment(row, "ended")?,
            params: lossy(row, "params")?,
            code_version: shortened(row, "code_version")?,
            host: name(row, "host")?,
            pid: row.get("pid")?,
            error: shortened(row, "error")?,
            output: shortened(row, "output")?,
            tags: name(row, "tags")?.lines().map(str::to_owned).collect(),
        })
    }
}

impl FromRow for StepRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: StepId(row.get("id")?),
            run: RunId(row.get("run")?),
            name: name(row, "name")?,
            invocation: row.get("invocation")?,
            status: parsed(row, "status")?,
            cached: row.get("cached")?,
            cache_key: optional_digest(row, "cache_key")?,
            started: moment(row, "started")?,
            ended: optional_moment(row, "ended")?,
            log: optional_digest(row, "log")?,
            error: shortened(row, "error")?,
            usage: usage(row)?,
            attempts: row.get("attempts")?,
        })
    }
}

fn usage(row: &Row<'_>) -> rusqlite::Result<Usage> {
    let cpu: Option<u64> = row.get("cpu")?;
    Ok(Usage { cpu: cpu.map(Duration::from_micros), memory: row.get("memory")? })
}

impl FromRow for ArtifactRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: ArtifactId(row.get("id")?),
            name: name(row, "name")?,
            version: row.get("version")?,
            digest: Digest::from_bytes(row.get("digest")?),
            type_name: name(row, "type_name")?,
            format: name(row, "format")?,
            metadata: lossy(row, "metadata")?,
            size: row.get("size")?,
            created: moment(row, "created")?,
            producer: producer(row)?,
        })
    }
}

fn producer(row: &Row<'_>) -> rusqlite::Result<Option<Producer>> {
    let Some(step) = row.get("step")? else { return Ok(None) };
    Ok(Some(Producer {
        step: StepId(step),
        run: RunId(row.get("run")?),
        name: name(row, "step_name")?,
        output: name(row, "output")?,
    }))
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    dated(row.get(column)?, column)
}

fn optional_moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?.map(|micros| dated(micros, column)).transpose()
}

/// A moment of a year that calendars have; those of Python end with 9999.
fn dated(micros: i64, column: &str) -> rusqlite::Result<Timestamp> {
    let moment = Timestamp::from_micros(micros);
    if moment.has_date() {
        return Ok(moment);
    }
    let message = format!("a `{column}` of {micros}, a time outside of the years 1 to 9999");
    let error = Error::new(ErrorKind::Corrupt, message);
    Err(rusqlite::Error::FromSqlConversionFailure(0, Type::Integer, error.into()))
}

pub(super) fn optional_digest(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(Digest::from_bytes))
}

fn parsed<T: FromStr<Err = Error>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    name(row, column)?.parse().map_err(|error: Error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
    })
}

/// Bytes that a name may have.
const MOST_NAME: usize = 64 << 10;

/// Bytes that are shown of an error's text.
const MOST_ERROR: usize = 1 << 20;

/// A text that should be UTF-8 and may not be, of a catalog that another program wrote.
pub(super) fn lossy(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<String> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
        other => Err(rusqlite::Error::InvalidColumnType(0, "text".to_owned(), other.data_type())),
    }
}

/// A name: of a length that names have.
pub(super) fn name(row: &Row<'_>, column: &str) -> rusqlite::Result<String> {
    match row.get_ref(column)? {
        ValueRef::Text(bytes) if bytes.len() > MOST_NAME => {
            let message = format!("a `{column}` of {} bytes", bytes.len());
            let error = Error::new(ErrorKind::Limit, message);
            Err(rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into()))
        }
        _ => lossy(row, column),
    }
}

/// A text that may be missing, and is cut where it is longer than anybody reads.
fn shortened(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(None),
        ValueRef::Text(bytes) => {
            let bytes = &bytes[..bytes.len().min(MOST_ERROR)];
            Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
        }
        other => Err(rusqlite::Error::InvalidColumnType(0, column.into(), other.data_type())),
    }
}

/// The beginning of an error's text, as much as is read again.
pub(super) fn shorten(text: &str) -> &str {
    let ends = (0..=MOST_ERROR.min(text.len())).rev();
    &text[..ends.into_iter().find(|&end| text.is_char_boundary(end)).unwrap_or(0)]
}

/// A text that may be missing.
pub(super) fn optional(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    if row.get_ref(column)? == ValueRef::Null { Ok(None) } else { lossy(row, column).map(Some) }
}
