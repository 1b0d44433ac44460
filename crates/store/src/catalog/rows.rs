//! From rows to records.

use std::str::FromStr;

use rusqlite::types::Type;
use rusqlite::{Connection, Params, Row};

use super::{ArtifactId, ArtifactRecord, Producer, RunId, RunRecord, StepId, StepRecord};
use crate::{Digest, Error, Timestamp};

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
            pipeline: row.get("pipeline")?,
            status: parsed(row, "status")?,
            started: Timestamp::from_micros(row.get("started")?),
            ended: moment(row, "ended")?,
            params: row.get("params")?,
            code_version: row.get("code_version")?,
            host: row.get("host")?,
            pid: row.get("pid")?,
            error: row.get("error")?,
        })
    }
}

impl FromRow for StepRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: StepId(row.get("id")?),
            run: RunId(row.get("run")?),
            name: row.get("name")?,
            invocation: row.get("invocation")?,
            status: parsed(row, "status")?,
            cached: row.get("cached")?,
            cache_key: optional_digest(row, "cache_key")?,
            started: Timestamp::from_micros(row.get("started")?),
            ended: moment(row, "ended")?,
            log: optional_digest(row, "log")?,
            error: row.get("error")?,
        })
    }
}

impl FromRow for ArtifactRecord {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: ArtifactId(row.get("id")?),
            name: row.get("name")?,
            version: row.get("version")?,
            digest: Digest::from_bytes(row.get("digest")?),
            type_name: row.get("type_name")?,
            format: row.get("format")?,
            metadata: row.get("metadata")?,
            size: row.get("size")?,
            created: Timestamp::from_micros(row.get("created")?),
            producer: producer(row)?,
        })
    }
}

fn producer(row: &Row<'_>) -> rusqlite::Result<Option<Producer>> {
    let Some(step) = row.get("step")? else { return Ok(None) };
    Ok(Some(Producer {
        step: StepId(step),
        run: RunId(row.get("run")?),
        name: row.get("step_name")?,
        output: row.get("output")?,
    }))
}

fn moment(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

pub(super) fn optional_digest(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Digest>> {
    Ok(row.get::<_, Option<[u8; 32]>>(column)?.map(Digest::from_bytes))
}

fn parsed<T: FromStr<Err = Error>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    text.parse().map_err(|error: Error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
    })
}
