//! Runs: their beginning, their end, and which of them are gone without an end.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::rows::{FromRow, all, name, shorten};
use super::{NewRun, RunId, RunRecord, RunStatus};
use crate::{Error, ErrorKind, Result, Store, Timestamp};

/// A run that says `running` although its process is gone was interrupted. `:gone` is a JSON
/// array of their numbers.
const RUNS: &str = "
    SELECT id, pipeline, started, ended, params, code_version, host, pid, error,
        CASE WHEN status = 'running' AND id IN (SELECT value FROM json_each(:gone))
            THEN 'interrupted' ELSE status END AS status
    FROM runs";

/// Which runs are asked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<String>,
    /// Only those that stand so.
    pub status: Option<RunStatus>,
    /// No more than so many, the newest.
    pub limit: Option<u32>,
}

impl RunFilter {
    /// Only of this pipeline.
    #[must_use]
    pub fn pipeline(mut self, name: impl Into<String>) -> Self {
        self.pipeline = Some(name.into());
        self
    }

    /// Only those that stand so.
    #[must_use]
    pub fn status(mut self, status: RunStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// No more than so many, the newest.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Store {
    /// Records that a run begins. It counts as running until [`end_run`](Self::end_run), or until
    /// this process is gone.
    pub fn begin_run(&self, run: &NewRun) -> Result<RunId> {
        self.check_writable()?;
        let session = self.scratch().session()?;
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        self.catalog().write("record the run", |catalog| {
            self.record_gone_runs(catalog)?;
            catalog
                .prepare_cached(
                    "INSERT INTO runs
                        (pipeline, status, started, params, code_version, host, pid, session)
                    VALUES (?, 'running', ?, ?, ?, ?, ?, ?)",
                )?
                .insert(params![
                    run.pipeline,
                    Timestamp::now().as_micros(),
                    run.params,
                    run.code_version,
                    host,
                    std::process::id(),
                    session.token(),
                ])
                .map(RunId)
        })
    }

    /// Records that a run has ended, and how. Steps of it that still run count as interrupted,
    /// unless they record their own end later.
    pub fn end_run(&self, run: RunId, status: RunStatus, error: Option<&str>) -> Result<()> {
        let now = Timestamp::now().as_micros();
        self.catalog().write("record the run's end", |catalog| {
            catalog
                .prepare_cached("UPDATE runs SET status = ?, ended = ?, error = ? WHERE id = ?")?
                .execute(params![status.as_str(), now, error.map(shorten), run.0])?;
            catalog
                .prepare_cached(
                    "UPDATE steps SET status = 'interrupted', ended = ?
                        WHERE run = ? AND status = 'running'",
                )?
                .execute(params![now, run.0])?;
            Ok(())
        })
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>> {
        let sql = format!(
            "SELECT * FROM ({RUNS}) WHERE (:pipeline IS NULL OR pipeline = :pipeline)
                AND (:status IS NULL OR status = :status)
            ORDER BY id DESC LIMIT coalesce(:limit, -1)"
        );
        self.catalog().read("list the runs", |catalog| {
            all(
                catalog,
                &sql,
                named_params! {
                    ":gone": self.gone_runs(catalog)?,
                    ":pipeline": filter.pipeline,
                    ":status": filter.status.map(RunStatus::as_str),
                    ":limit": filter.limit,
                },
            )
        })
    }

    /// The run of this number.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub fn run(&self, id: RunId) -> Result<RunRecord> {
        let found = self.catalog().read("look up the run", |catalog| {
            catalog
                .prepare_cached(&format!("SELECT * FROM ({RUNS}) WHERE id = :id"))?
                .query_row(
                    named_params! {":gone": self.gone_runs(catalog)?, ":id": id.0},
                    RunRecord::from_row,
                )
                .optional()
        })?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("the store has no run {id}"))
                .with_hint("`cannery runs` lists them")
        })
    }

    /// The numbers of runs whose process is gone although they say `running`, as JSON.
    pub(super) fn gone_runs(&self, catalog: &Connection) -> rusqlite::Result<String> {
        let mut query =
            catalog.prepare_cached("SELECT id, session FROM runs WHERE status = 'running'")?;
        let mut rows = query.query([])?;
        let mut gone = Vec::new();
        while let Some(row) = rows.next()? {
            if !self.scratch().is_alive(&name(row, "session")?) {
                gone.push(row.get::<_, i64>(0)?.to_string());
            }
        }
        Ok(format!("[{}]", gone.join(",")))
    }

    /// Writes down what [`gone_runs`](Self::gone_runs) finds, so that it is not asked for ever.
    fn record_gone_runs(&self, catalog: &Connection) -> rusqlite::Result<()> {
        let gone = self.gone_runs(catalog)?;
        if gone == "[]" {
            return Ok(());
        }
        for sql in [
            "UPDATE runs SET status = 'interrupted'
                WHERE id IN (SELECT value FROM json_each(?))",
            "UPDATE steps SET status = 'interrupted'
                WHERE status = 'running' AND run IN (SELECT value FROM json_each(?))",
        ] {
            catalog.execute(sql, [&gone])?;
        }
        Ok(())
    }
}
