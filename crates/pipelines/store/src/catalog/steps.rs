//! Steps: their beginning, their end, and finding them again by cache key.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, Transaction, named_params, params};

use super::artifacts::{self, ARTIFACTS};
use super::observations::{self, observations};
use super::rows::{FromRow, all, name, optional, optional_digest, shorten};
use super::{
    ArtifactRecord, CachedStep, KeyPart, NEEDS, NewStep, Observation, Reuse, RunId, SkippedStep,
    StepEnd, StepId, StepOutput, StepRecord, StepReport, StepStatus, Usage,
};
use crate::{Digest, Error, ErrorKind, Manifest, Result, Store, Timestamp, failpoint};

/// See `RUNS`: a step of a run that is gone crashed with it.
const STEPS: &str = "
    SELECT id, run, position, name, invocation, cached, cache_key, started, ended, log, error,
        cpu, memory, coalesce(attempts, 1) AS attempts,
        CASE WHEN status = 'running' AND run IN (SELECT value FROM json_each(:gone))
            THEN 'crashed' ELSE status END AS status
    FROM steps LEFT JOIN step_usage ON step = id";

/// Of how many results of one key it is asked whether they still hold.
const MOST_CANDIDATES: u32 = 16;

/// By how much the clocks of machines that share a store may differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

impl Store {
    /// Records that a step begins.
    pub fn begin_step(&self, step: &NewStep) -> Result<StepId> {
        let begun = self.catalog().write("record the step", |catalog| {
            insert_step(catalog, step, StepStatus::Running, false)
        });
        failpoint::reach("step begun");
        begun
    }

    /// Records that a step has ended, how, and what it looked at outside of the store; returns its
    /// outputs as artifact versions.
    ///
    /// An output becomes a new version of its artifact unless the latest version has the same
    /// content and was made from the same inputs.
    pub fn end_step(
        &self,
        id: StepId,
        end: &StepEnd,
        report: &StepReport,
    ) -> Result<Vec<(String, ArtifactRecord)>> {
        let (status, error, outputs) = match end {
            StepEnd::Completed(outputs) => (StepStatus::Completed, None, self.described(outputs)?),
            StepEnd::Failed(error) => (StepStatus::Failed, Some(shorten(error)), Vec::new()),
            StepEnd::Interrupted => (StepStatus::Interrupted, None, Vec::new()),
        };
        failpoint::reach("outputs kept");
        let ended = self.catalog().write("record the step's end", |catalog| {
            observations::record(catalog, id, &report.seen)?;
            catalog
                .prepare_cached(
                    "UPDATE steps SET status = ?, ended = ?, log = ?, error = ? WHERE id = ?",
                )?
                .execute(params![
                    status.as_str(),
                    Timestamp::now().as_micros(),
                    report.log.as_ref().map(Digest::as_bytes),
                    error,
                    id.0
                ])?;
            record_usage(catalog, id, report)?;
            record_outputs(catalog, id, &outputs)
        });
        failpoint::reach("step ended");
        ended
    }

    /// Records steps whose outputs were known and that did not run.
    pub fn record_cached_steps(&self, steps: &[(NewStep, CachedStep)]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        self.catalog().write("record the cached steps", |catalog| {
            for (step, known) in steps {
                let id = insert_step(catalog, step, StepStatus::Completed, true)?;
                for (position, (output, artifact)) in known.outputs.iter().enumerate() {
                    insert_output(catalog, id, position, output, artifact)?;
                }
            }
            Ok(())
        })
    }

    /// Records steps that never began, for something before them failed.
    pub fn record_skipped_steps(&self, steps: &[SkippedStep]) -> Result<()> {
        if steps.is_empty() {
            return Ok(());
        }
        self.catalog().write("record the skipped steps", |catalog| {
            steps.iter().try_for_each(|SkippedStep { step, needs }| {
                let id = insert_step(catalog, step, StepStatus::Skipped, false)?;
                let needs = needs.iter().map(|(argument, needed)| Observation {
                    label: format!("{NEEDS}{argument}"),
                    state: needed.clone(),
                });
                observations::record(catalog, id, &needs.collect::<Vec<_>>())
            })
        })
    }

    /// The latest step that ran under this cache key and whose outputs are all there, whatever it
    /// looked at outside of the store.
    pub fn cached_step(&self, key: Digest) -> Result<Option<CachedStep>> {
        self.cached_step_if(key, &Reuse::default(), &mut |_| Ok(true))
    }

    /// Like [`cached_step`](Self::cached_step), but only one that may be used again, and for which
    /// all that it looked at outside `is_still` as it was. One that looked at nothing is not asked
    /// about.
    pub fn cached_step_if(
        &self,
        key: Digest,
        reuse: &Reuse,
        is_still: &mut dyn FnMut(&[Observation]) -> Result<bool>,
    ) -> Result<Option<CachedStep>> {
        for (candidate, seen) in self.candidates(key, reuse)? {
            if !seen.is_empty() && !is_still(&seen)? {
                continue;
            }
            let is_whole = |(_, artifact): &(_, ArtifactRecord)| {
                self.manifest_of(artifact).is_ok_and(|manifest| self.has_files(&manifest))
            };
            // One that is damaged is not replaced by an older one, which may be another value.
            return Ok(Some(candidate).filter(|found| found.outputs.iter().all(is_whole)));
        }
        Ok(None)
    }

    /// Steps that ran under this cache key, the latest first, and what they looked at.
    fn candidates(
        &self,
        key: Digest,
        reuse: &Reuse,
    ) -> Result<Vec<(CachedStep, Vec<Observation>)>> {
        let now = Timestamp::now();
        let since = reuse.not_older_than.map(|age| now.before(age).as_micros());
        // What ended after now was timed by a clock that was wrong: its age is not known.
        let until = now.after(CLOCK_DIFFERENCE).as_micros();
        self.catalog().read("look up the cache key", |catalog| {
            catalog
                .prepare_cached(
                    "SELECT id FROM steps
                    WHERE cache_key = :key AND status = 'completed' AND cached = 0
                        AND (:since IS NULL OR ended BETWEEN :since AND :until)
                        AND (:run IS NULL OR run = :run)
                    ORDER BY id DESC LIMIT :most",
                )?
                .query_map(
                    named_params! {
                        ":key": key.as_bytes(),
                        ":since": since,
                        ":until": until,
                        ":run": reuse.of_run.map(|run| run.0),
                        ":most": MOST_CANDIDATES,
                    },
                    |row| row.get(0).map(StepId),
                )?
                .map(|step| {
                    let step = step?;
                    let known = CachedStep { step, outputs: outputs(catalog, step)? };
                    Ok((known, observations(catalog, step)?))
                })
                .collect()
        })
    }

    /// The steps of a run, in the order of submission.
    pub fn steps(&self, run: RunId) -> Result<Vec<StepRecord>> {
        self.catalog().read("list the steps", |catalog| {
            let gone = self.gone_runs(catalog)?;
            all(
                catalog,
                &format!("SELECT * FROM ({STEPS}) WHERE run = :run ORDER BY position"),
                named_params! {":gone": gone, ":run": run.0},
            )
        })
    }

    /// The step of this number.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub fn step(&self, id: StepId) -> Result<StepRecord> {
        let found = self.catalog().read("look up the step", |catalog| {
            let gone = self.gone_runs(catalog)?;
            catalog
                .prepare_cached(&format!("SELECT * FROM ({STEPS}) WHERE id = :id"))?
                .query_row(named_params! {":gone": gone, ":id": id.0}, StepRecord::from_row)
                .optional()
        })?;
        let message = || format!("the store has no step {id}");
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, message()))
    }

    /// The latest step before `step` that had a result, of the same name in the same pipeline.
    pub fn previous_execution(&self, step: &StepRecord) -> Result<Option<StepRecord>> {
        let pipeline = "SELECT pipeline FROM runs WHERE runs.id =";
        let condition = format!(
            "name = :name AND invocation = :invocation AND id < :id AND status = 'completed'
                AND ({pipeline} run) = ({pipeline} :run)"
        );
        self.latest_step(
            &condition,
            named_params! {
                ":gone": "[]",
                ":name": step.name,
                ":invocation": step.invocation,
                ":id": step.id.0,
                ":run": step.run.0,
            },
        )
    }

    /// The latest step that is called so in its run; see [`step_label`](crate::step_label).
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none.
    pub fn last_step(&self, label: &str) -> Result<StepRecord> {
        let condition = "(name = :label AND invocation = 1)
            OR (name || '-' || invocation = :label AND invocation > 1)";
        let gone = self.catalog().read("list the runs", |catalog| self.gone_runs(catalog))?;
        let found = self.latest_step(condition, named_params! {":gone": gone, ":label": label})?;
        found.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("no run has a step `{label}`"))
                .with_hint("`cannery runs RUN` lists the steps of a run")
        })
    }

    /// The step that ran and whose result a cached `step` used.
    pub fn execution_found_by(&self, step: &StepRecord) -> Result<Option<StepRecord>> {
        let condition = "cache_key = :key AND status = 'completed' AND cached = 0 AND id < :id";
        let key = step.cache_key.as_ref().map(Digest::as_bytes);
        self.latest_step(condition, named_params! {":gone": "[]", ":key": key, ":id": step.id.0})
    }

    fn latest_step(&self, condition: &str, params: impl Params) -> Result<Option<StepRecord>> {
        self.catalog().read("look up earlier steps", |catalog| {
            catalog
                .prepare_cached(&format!(
                    "SELECT * FROM ({STEPS}) WHERE {condition} ORDER BY id DESC LIMIT 1"
                ))?
                .query_row(params, StepRecord::from_row)
                .optional()
        })
    }

    /// The artifacts that went into a step, by argument.
    pub fn step_inputs(&self, step: StepId) -> Result<Vec<(String, ArtifactRecord)>> {
        let sql = format!(
            "SELECT i.argument AS label, a.* FROM inputs i
            JOIN ({ARTIFACTS}) a ON a.id = i.artifact WHERE i.step = ? ORDER BY i.position"
        );
        self.catalog().read("list the step's inputs", |catalog| labelled(catalog, &sql, step))
    }

    /// The artifacts that came out of a step, by output.
    pub fn step_outputs(&self, step: StepId) -> Result<Vec<(String, ArtifactRecord)>> {
        self.catalog().read("list the step's outputs", |catalog| outputs(catalog, step))
    }

    /// What a cache key was made of, by label.
    pub fn key_parts(&self, key: Digest) -> Result<Vec<KeyPart>> {
        self.catalog().read("look up the cache key's parts", |catalog| {
            let sql = "SELECT label, digest, shown FROM key_parts WHERE cache_key = ? ORDER BY 1";
            all(catalog, sql, [key.as_bytes()])
        })
    }

    /// Outputs with their manifests, read before the transaction begins.
    fn described<'a>(&self, outputs: &'a [StepOutput]) -> Result<Vec<Described<'a>>> {
        outputs.iter().map(|output| Ok((output, self.manifest(output.content)?))).collect()
    }
}

fn record_usage(
    catalog: &Transaction<'_>,
    step: StepId,
    report: &StepReport,
) -> rusqlite::Result<()> {
    let Usage { cpu, memory } = report.usage;
    if cpu.is_none() && memory.is_none() && report.attempts == 1 {
        return Ok(());
    }
    catalog
        .prepare_cached("INSERT OR REPLACE INTO step_usage VALUES (?, ?, ?, ?)")?
        .execute(params![step.0, cpu.map(micros), memory, report.attempts])
        .map(|_| ())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

type Described<'a> = (&'a StepOutput, Manifest);

fn insert_step(
    catalog: &Transaction<'_>,
    step: &NewStep,
    status: StepStatus,
    cached: bool,
) -> rusqlite::Result<StepId> {
    let key = step.cache_key.as_ref().map(Digest::as_bytes);
    let id = catalog
        .prepare_cached(
            "INSERT INTO steps
                (run, position, name, invocation, status, cached, cache_key, started, ended)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .insert(params![
            step.run.0,
            step.position,
            step.name,
            step.invocation,
            status.as_str(),
            cached,
            key,
            step.started.as_micros(),
            cached.then_some(step.started.as_micros()),
        ])?;
    // Those of a known result are known.
    if !cached {
        insert_key_parts(catalog, step)?;
    }
    let mut insert = catalog.prepare_cached("INSERT INTO inputs VALUES (?, ?, ?, ?)")?;
    for (position, (argument, artifact)) in step.inputs.iter().enumerate() {
        insert.execute(params![id, position, argument, artifact.0])?;
    }
    Ok(StepId(id))
}

fn insert_key_parts(catalog: &Transaction<'_>, step: &NewStep) -> rusqlite::Result<()> {
    let Some(key) = &step.cache_key else { return Ok(()) };
    let mut is_known =
        catalog.prepare_cached("SELECT 1 FROM key_parts WHERE cache_key = ? LIMIT 1")?;
    if is_known.exists([key.as_bytes()])? {
        return Ok(());
    }
    let mut insert =
        catalog.prepare_cached("INSERT OR IGNORE INTO key_parts VALUES (?, ?, ?, ?)")?;
    for part in &step.key_parts {
        insert.execute(params![key.as_bytes(), part.label, part.digest.as_bytes(), part.shown])?;
    }
    Ok(())
}

fn record_outputs(
    catalog: &Transaction<'_>,
    step: StepId,
    outputs: &[Described<'_>],
) -> rusqlite::Result<Vec<(String, ArtifactRecord)>> {
    let mut records = Vec::with_capacity(outputs.len());
    for (position, (output, manifest)) in outputs.iter().enumerate() {
        let artifact = artifacts::record(catalog, step, output, manifest)?;
        insert_output(catalog, step, position, &output.output, &artifact)?;
        records.push((output.output.clone(), artifact));
    }
    Ok(records)
}

fn insert_output(
    catalog: &Transaction<'_>,
    step: StepId,
    position: usize,
    output: &str,
    artifact: &ArtifactRecord,
) -> rusqlite::Result<()> {
    catalog.prepare_cached("INSERT INTO outputs VALUES (?, ?, ?, ?)")?.execute(params![
        step.0,
        position,
        output,
        artifact.id.0
    ])?;
    Ok(())
}

fn outputs(catalog: &Connection, step: StepId) -> rusqlite::Result<Vec<(String, ArtifactRecord)>> {
    let sql = format!(
        "SELECT o.output AS label, a.* FROM outputs o
        JOIN ({ARTIFACTS}) a ON a.id = o.artifact WHERE o.step = ? ORDER BY o.position"
    );
    labelled(catalog, &sql, step)
}

fn labelled(
    catalog: &Connection,
    sql: &str,
    step: StepId,
) -> rusqlite::Result<Vec<(String, ArtifactRecord)>> {
    catalog
        .prepare_cached(sql)?
        .query_map([step.0], |row| Ok((name(row, "label")?, ArtifactRecord::from_row(row)?)))?
        .collect()
}

impl FromRow for KeyPart {
    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let digest = optional_digest(row, "digest")?.unwrap_or(Digest::from_bytes([0; 32]));
        Ok(Self { label: name(row, "label")?, digest, shown: optional(row, "shown")? })
    }
}
