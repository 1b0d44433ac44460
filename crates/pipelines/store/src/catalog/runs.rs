//! Runs: their beginning, their end, and which of them are gone without an end.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use super::rows::{FromRow, all, name, shorten};
use super::{NewRun, RunId, RunRecord, RunStatus};
use crate::{Error, ErrorKind, Result, Store, Timestamp, failpoint};

/// A run that says `running` although its process is gone has crashed. `:gone` is a JSON array of
/// their numbers.
const RUNS: &str = "
    SELECT id, pipeline, started, params, code_version, host, pid,
        iif(is_gone, 'crashed', status) AS status,
        iif(is_gone, coalesce(last_sign, started), ended) AS ended,
        iif(is_gone, last_words, error) AS error
    FROM (SELECT *, status = 'running' AND id IN (SELECT value FROM json_each(:gone)) AS is_gone,
        (SELECT max(coalesce(s.ended, s.started)) FROM steps s WHERE s.run = runs.id) AS last_sign,
        'its process ' || pid || ' on ' || host || ' ended without a word; completed by then: '
        || (SELECT count(*) FROM steps s WHERE s.run = runs.id AND s.status = 'completed')
        || ' steps' || coalesce((SELECT '; at work: ' || group_concat(s.name, ', ') FROM steps s
            WHERE s.run = runs.id AND s.status = 'running'), '') AS last_words
        FROM runs)";

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
        let session = self.session()?;
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let (begun, gone) = self.catalog().write("record the run", |catalog| {
            let gone = self.record_gone_runs(catalog)?;
            let begun = catalog
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
                .map(RunId)?;
            Ok((begun, gone))
        })?;
        failpoint::reach("run begun");
        gone.into_iter().try_for_each(|run| self.write_run_record(run))?;
        Ok(begun)
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
        })?;
        failpoint::reach("run ended");
        self.write_run_record(run)
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
        let gone = self.find_gone_runs(catalog)?;
        let numbers: Vec<_> = gone.iter().map(RunId::to_string).collect();
        Ok(format!("[{}]", numbers.join(",")))
    }

    fn find_gone_runs(&self, catalog: &Connection) -> rusqlite::Result<Vec<RunId>> {
        let mut query =
            catalog.prepare_cached("SELECT id, session FROM runs WHERE status = 'running'")?;
        let mut rows = query.query([])?;
        let mut gone = Vec::new();
        while let Some(row) = rows.next()? {
            if !self.scratch().is_alive(&name(row, "session")?) {
                gone.push(RunId(row.get("id")?));
            }
        }
        Ok(gone)
    }

    /// The numbers of runs, ended or not, whose process has the store open still, as JSON.
    pub(crate) fn runs_of_living_sessions(&self, catalog: &Connection) -> rusqlite::Result<String> {
        let mut query =
            catalog.prepare("SELECT session, json_group_array(id) FROM runs GROUP BY 1")?;
        let mut rows = query.query([])?;
        let mut living = Vec::new();
        while let Some(row) = rows.next()? {
            if self.scratch().is_living_other(&name(row, "session")?) {
                let numbers: String = row.get(1)?;
                living.push(numbers.trim_matches(['[', ']']).to_owned());
            }
        }
        Ok(format!("[{}]", living.join(",")))
    }

    /// Whether a run is going on, of any process.
    pub(crate) fn has_living_runs(&self, catalog: &Connection) -> rusqlite::Result<bool> {
        let running: usize =
            catalog.query_row("SELECT count(*) FROM runs WHERE status = 'running'", [], |row| {
                row.get(0)
            })?;
        Ok(running > self.find_gone_runs(catalog)?.len())
    }

    /// Writes down which runs are gone, so that it is not asked for ever, and returns them.
    pub(crate) fn record_gone_runs(&self, catalog: &Connection) -> rusqlite::Result<Vec<RunId>> {
        let gone = self.find_gone_runs(catalog)?;
        if gone.is_empty() {
            return Ok(gone);
        }
        let numbers = self.gone_runs(catalog)?;
        let of_gone = format!("SELECT * FROM ({RUNS}) WHERE status = 'crashed'");
        for sql in [
            format!(
                "UPDATE runs SET status = 'crashed', ended = g.ended, error = g.error
                FROM ({of_gone}) g WHERE g.id = runs.id AND runs.status = 'running'"
            ),
            "UPDATE steps SET status = 'crashed'
                WHERE status = 'running' AND run IN (SELECT value FROM json_each(:gone))"
                .to_owned(),
        ] {
            catalog.execute(&sql, named_params! {":gone": numbers})?;
        }
        Ok(gone)
    }
}
