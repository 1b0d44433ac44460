//! Runs: their beginning, their end, and which of them are gone without an end.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};

use super::rows::{FromRow, all, name, shorten};
use super::{NewRun, RunId, RunRecord, RunStatus};
use crate::{Error, ErrorKind, Result, Store, Timestamp, failpoint};

/// A run that says `running` although its process is gone has crashed. `:gone` is a JSON array of
/// their numbers.
const RUNS: &str = "
    SELECT id, pipeline, started, params, code_version, host, pid, output,
        coalesce(tags, '') AS tags,
        iif(is_gone, 'crashed', status) AS status,
        iif(is_gone, coalesce(last_sign, started), ended) AS ended,
        iif(is_gone, last_words, error) AS error
    FROM (SELECT *, status = 'running' AND id IN (SELECT value FROM json_each(:gone)) AS is_gone,
        (SELECT max(coalesce(s.ended, s.started)) FROM steps s WHERE s.run = runs.id) AS last_sign,
        'its process ' || pid || ' on ' || host || ' ended without a word; completed by then: '
        || (SELECT count(*) FROM steps s WHERE s.run = runs.id AND s.status = 'completed')
        || ' steps' || coalesce((SELECT '; at work: ' || group_concat(s.name, ', ') FROM steps s
            WHERE s.run = runs.id AND s.status = 'running'), '') AS last_words
        FROM runs LEFT JOIN run_notes ON run_notes.run = runs.id)";

/// Which runs are asked for.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only of this pipeline.
    pub pipeline: Option<String>,
    /// Only those that stand so.
    pub status: Option<RunStatus>,
    /// Only those with this tag.
    pub tag: Option<String>,
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

    /// Only those with this tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
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
        run.tags.iter().try_for_each(|tag| check_tag(tag))?;
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
            if !run.tags.is_empty() {
                note_tags(catalog, begun, &run.tags)?;
            }
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

    /// Keeps what a run's pipeline returned; see [`RunRecord::output`].
    pub fn set_run_output(&self, run: RunId, output: &str) -> Result<()> {
        self.catalog().write("record the run's output", |catalog| {
            catalog
                .prepare_cached(
                    "INSERT INTO run_notes VALUES (?1, ?2, '')
                        ON CONFLICT (run) DO UPDATE SET output = ?2",
                )?
                .execute(params![run.0, output])
                .map(|_| ())
        })
    }

    /// Sets what people call a run by.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such run, [`ErrorKind::Value`] for what is no tag.
    pub fn set_run_tags(&self, run: RunId, tags: &[String]) -> Result<()> {
        tags.iter().try_for_each(|tag| check_tag(tag))?;
        let has_ended = self.run(run)?.ended.is_some();
        self.catalog().write("record the run's tags", |catalog| note_tags(catalog, run, tags))?;
        // That of a run in progress is written at its end.
        if has_ended { self.write_run_record(run) } else { Ok(()) }
    }

    /// Runs, newest first.
    pub fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>> {
        let sql = format!(
            "SELECT * FROM ({RUNS}) WHERE (:pipeline IS NULL OR pipeline = :pipeline)
                AND (:status IS NULL OR status = :status)
                AND (:tag IS NULL OR instr(char(10) || tags || char(10), char(10) || :tag || char(10)))
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
                    ":tag": filter.tag,
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

    /// The folder in `tmp/` of the process that a run is of.
    pub(crate) fn session_folder_of(&self, run: RunId) -> Result<Option<PathBuf>> {
        let token = self.catalog().read("look up the run", |catalog| {
            let mut query = catalog.prepare_cached("SELECT session FROM runs WHERE id = ?")?;
            query.query_row([run.0], |row| name(row, "session")).optional()
        })?;
        Ok(token.and_then(|token| self.scratch().folder_of(&token)))
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

/// Refuses what cannot be told from other tags in a line.
fn check_tag(tag: &str) -> Result<()> {
    if tag.is_empty() || tag.len() > 200 || tag.chars().any(char::is_control) {
        let message = format!("`{}` is no tag", tag.escape_debug());
        return Err(Error::new(ErrorKind::Value, message)
            .with_hint("a tag is a word or a few, without line breaks"));
    }
    Ok(())
}

fn note_tags(catalog: &Transaction<'_>, run: RunId, tags: &[String]) -> rusqlite::Result<()> {
    catalog
        .prepare_cached(
            "INSERT INTO run_notes VALUES (?1, NULL, ?2) ON CONFLICT (run) DO UPDATE SET tags = ?2",
        )?
        .execute(params![run.0, tags.join("\n")])
        .map(|_| ())
}
