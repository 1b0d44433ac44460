//! Removing what nothing reaches.
//!
//! Records go first: of runs that are not to be kept, the steps that nothing kept was made by. Then
//! objects that no record names are swept, unless they are new: what is being written, or used
//! again, is in use by a run that has not recorded it yet. Such runs are known by their sessions'
//! locks, which are leases: nothing goes that is not older than the oldest of them, nor a run whose
//! process has the store open still.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::{Transaction, named_params};

use crate::{Digest, Result, RunId, ScratchFolder, Store, Timestamp, failure, plain, verify};

/// How old what goes must be at least, when nothing else is said.
const GRACE: Duration = Duration::from_secs(3600);

/// What is removed from a store; by default only objects that no record names.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct GcOptions {
    /// Runs are removed of which this number of newer ones of the same pipeline have completed.
    pub keep_last: Option<u32>,
    /// Runs are removed that ended this long ago. With `keep_last`, those for which both is true.
    pub older_than: Option<Duration>,
    /// How old what goes must be at least, records and objects alike.
    pub grace: Duration,
    /// Whether it is only told what would go.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { keep_last: None, older_than: None, grace: GRACE, dry_run: false }
    }
}

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// Runs.
    pub runs: Vec<RunId>,
    /// Steps of runs.
    pub steps: u64,
    /// Versions of artifacts, as `name@version`.
    pub artifacts: Vec<String>,
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that nothing names and that are too new to go.
    pub too_new: u64,
    /// Whether records were kept because a run is going on that may come to use them.
    pub is_busy: bool,
}

impl GcOptions {
    /// Keeps this number of completed runs of each pipeline.
    #[must_use]
    pub fn keep_last(mut self, runs: u32) -> Self {
        self.keep_last = Some(runs);
        self
    }

    /// Keeps runs that ended less long ago.
    #[must_use]
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Sets how old what goes must be at least.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Only tells what would go.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Removes what nothing reaches from a store.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`](crate::ErrorKind::Permission) for a store that can only be read.
    pub fn collect(self, store: &Store) -> Result<Collected> {
        store.check_writable()?;
        let mut collected = Collected::default();
        // Before it is looked what the records name: what is kept from now on may be named later.
        let aside = store.scratch_folder()?;
        let before = self.newest_to_remove(store, &aside)?;
        let contents = self.remove_records(store, &mut collected)?;
        let mut named = store.all_logs()?;
        for content in contents {
            // The files of a manifest that is damaged cannot be found through it any more.
            let manifest = store.manifest(content);
            named.extend(manifest.into_iter().flat_map(|it| it.files).map(|file| file.digest));
            named.insert(content);
        }
        self.sweep(store, &named, before, &aside, &mut collected)?;
        Ok(collected)
    }

    /// Until when an object must have been written, or used again, to go: by the clock of the file
    /// system, which is another machine's perhaps.
    fn newest_to_remove(self, store: &Store, aside: &ScratchFolder) -> Result<SystemTime> {
        let found = fs::metadata(aside.path()).and_then(|found| found.modified());
        let now = found.map_err(|error| failure::io(error, "look at", aside.path()))?;
        let before = now.checked_sub(self.grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let leased = store.scratch().oldest_living();
        Ok(leased.map_or(before, |began| began.min(before)))
    }

    /// Removes records, and returns the contents that the others name.
    fn remove_records(self, store: &Store, collected: &mut Collected) -> Result<BTreeSet<Digest>> {
        let (contents, thinned) = store.catalog().write("remove old records", |catalog| {
            let mut thinned = Vec::new();
            catalog.execute_batch("SAVEPOINT gc")?;
            store.record_gone_runs(catalog)?;
            if self.keep_last.is_some() || self.older_than.is_some() {
                // A run finds results before it records that it uses them.
                collected.is_busy = store.has_living_runs(catalog)?;
                if !collected.is_busy {
                    thinned = self.remove_runs(store, catalog, collected)?;
                }
            }
            let contents = contents(catalog)?;
            let end = if self.dry_run { "ROLLBACK TO gc; RELEASE gc" } else { "RELEASE gc" };
            catalog.execute_batch(end)?;
            Ok((contents, thinned))
        })?;
        if !self.dry_run {
            collected.runs.iter().for_each(|run| store.remove_run_record(*run));
            thinned.into_iter().try_for_each(|run| store.write_run_record(run))?;
        }
        Ok(contents)
    }

    /// Removes old runs; returns those of which some steps are needed still.
    fn remove_runs(
        self,
        store: &Store,
        catalog: &Transaction<'_>,
        collected: &mut Collected,
    ) -> rusqlite::Result<Vec<RunId>> {
        let age = self.older_than.unwrap_or_default().max(self.grace);
        let before = Timestamp::now().before(age).as_micros();
        catalog.execute_batch(TEMPORARY)?;
        catalog.execute(
            OLD_RUNS,
            named_params! {
                ":keep": self.keep_last.unwrap_or(0),
                ":before": before,
                ":leased": store.runs_of_living_sessions(catalog)?,
            },
        )?;
        catalog.execute(NEEDED_STEPS, [])?;
        let in_use = "(SELECT run FROM steps WHERE id IN (SELECT id FROM needed_steps))";
        collected.runs =
            runs(catalog, &format!("SELECT id FROM old_runs WHERE id NOT IN {in_use}"))?;
        let thinned = format!(
            "SELECT DISTINCT run FROM steps WHERE run IN (SELECT id FROM old_runs)
                AND run IN {in_use} AND id NOT IN (SELECT id FROM needed_steps)"
        );
        let thinned = runs(catalog, &thinned)?;
        let names = "SELECT name || '@' || version FROM artifacts WHERE id IN";
        collected.artifacts = catalog
            .prepare(&format!("{names} ({GONE_ARTIFACTS}) ORDER BY id"))?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        collected.steps = catalog.query_row(
            "SELECT count(*) FROM steps WHERE id NOT IN (SELECT id FROM needed_steps)",
            [],
            |row| row.get(0),
        )?;
        catalog.execute_batch(&format!("CREATE TEMP TABLE gone_artifacts AS {GONE_ARTIFACTS}"))?;
        catalog.execute_batch(REMOVE)?;
        Ok(thinned)
    }

    /// Removes objects that nothing names, but those that are new.
    fn sweep(
        self,
        store: &Store,
        named: &BTreeSet<Digest>,
        before: SystemTime,
        aside: &ScratchFolder,
        collected: &mut Collected,
    ) -> Result<()> {
        for (digest, path) in verify::objects(store.root())? {
            if named.contains(&digest) {
                continue;
            }
            match self.remove(&path, before, aside)? {
                Some(size) => {
                    collected.objects += 1;
                    collected.bytes += size;
                    if !self.dry_run {
                        store.remove_view(digest);
                    }
                }
                None => collected.too_new += 1,
            }
        }
        Ok(())
    }

    /// Removes one object that is old enough; returns its size.
    fn remove(self, path: &Path, before: SystemTime, aside: &ScratchFolder) -> Result<Option<u64>> {
        let cannot = |error| failure::io(error, "remove", path);
        let Ok(found) = fs::symlink_metadata(path) else { return Ok(None) };
        if found.modified().map_err(cannot)? >= before {
            return Ok(None);
        }
        if self.dry_run {
            return Ok(Some(found.len()));
        }
        let moved = aside.path().join("object");
        fs::rename(path, &moved).map_err(cannot)?;
        // Who used it again in between has marked it so, and relies on it.
        let is_used = fs::symlink_metadata(&moved).and_then(|found| found.modified());
        if is_used.map_err(cannot)? >= before {
            fs::rename(&moved, path).map_err(cannot)?;
            return Ok(None);
        }
        if plain::is_folder(&moved) {
            fs::remove_dir_all(&moved).map_err(cannot)?;
        } else {
            fs::remove_file(&moved).map_err(cannot)?;
        }
        Ok(Some(found.len()))
    }
}

fn runs(catalog: &Transaction<'_>, sql: &str) -> rusqlite::Result<Vec<RunId>> {
    catalog.prepare(sql)?.query_map([], |row| row.get(0).map(RunId))?.collect()
}

/// Removes what the temporary tables say.
const REMOVE: &str = "
    DELETE FROM inputs WHERE step NOT IN (SELECT id FROM needed_steps);
    DELETE FROM outputs WHERE step NOT IN (SELECT id FROM needed_steps);
    DELETE FROM observations WHERE step NOT IN (SELECT id FROM needed_steps);
    DELETE FROM step_usage WHERE step NOT IN (SELECT id FROM needed_steps);
    DELETE FROM artifacts WHERE id IN (SELECT id FROM gone_artifacts);
    DELETE FROM steps WHERE id NOT IN (SELECT id FROM needed_steps);
    DELETE FROM key_parts WHERE cache_key NOT IN
        (SELECT cache_key FROM steps WHERE cache_key IS NOT NULL);
    DELETE FROM run_notes WHERE run IN (SELECT id FROM old_runs)
        AND run NOT IN (SELECT run FROM steps);
    DELETE FROM runs WHERE id IN (SELECT id FROM old_runs)
        AND id NOT IN (SELECT run FROM steps);
    DROP TABLE temp.old_runs; DROP TABLE temp.needed_steps; DROP TABLE temp.gone_artifacts;";

const TEMPORARY: &str = "
    CREATE TEMP TABLE old_runs (id INTEGER PRIMARY KEY);
    CREATE TEMP TABLE needed_steps (id INTEGER PRIMARY KEY);";

/// Runs that are not to be kept for themselves.
const OLD_RUNS: &str = "
    INSERT INTO temp.old_runs
    SELECT id FROM (
        SELECT *, sum(status = 'completed') OVER (
            PARTITION BY pipeline ORDER BY id DESC
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS newer
        FROM runs)
    WHERE status <> 'running' AND coalesce(newer, 0) >= :keep
        AND coalesce(ended, started) < :before
        AND id NOT IN (SELECT value FROM json_each(:leased))";

/// Steps of runs that are kept, and those that made what went into or came out
/// of these, or has an alias.
const NEEDED_STEPS: &str = "
    INSERT INTO temp.needed_steps
    WITH RECURSIVE needed(id) AS (
        SELECT id FROM steps WHERE run NOT IN (SELECT id FROM old_runs)
        UNION
        SELECT a.step FROM aliases l JOIN artifacts a ON a.id = l.artifact
            WHERE a.step IS NOT NULL
        UNION
        SELECT a.step FROM needed n JOIN inputs u ON u.step = n.id
        JOIN artifacts a ON a.id = u.artifact WHERE a.step IS NOT NULL
        UNION
        SELECT a.step FROM needed n JOIN outputs u ON u.step = n.id
        JOIN artifacts a ON a.id = u.artifact WHERE a.step IS NOT NULL
    )
    SELECT id FROM needed";

/// Artifact versions that steps made of which none is needed.
const GONE_ARTIFACTS: &str = "
    SELECT id FROM artifacts WHERE step IS NOT NULL AND step NOT IN (SELECT id FROM needed_steps)";

fn contents(catalog: &Transaction<'_>) -> rusqlite::Result<BTreeSet<Digest>> {
    catalog
        .prepare("SELECT DISTINCT digest FROM artifacts")?
        .query_map([], |row| Ok(Digest::from_bytes(row.get(0)?)))?
        .collect()
}
