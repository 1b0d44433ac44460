//! Artifact versions.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Transaction, named_params, params};

use super::rows::{FromRow, all};
use super::{ArtifactId, ArtifactRecord, CachedStep, RunId, StepId, StepOutput};
use crate::{Digest, Error, ErrorKind, Manifest, Result, Store, Timestamp, blame};

pub(super) const ARTIFACTS: &str = "
    SELECT a.*, s.run AS run, s.name AS step_name
    FROM artifacts a LEFT JOIN steps s ON s.id = a.step";

/// Which artifact versions are asked for; without more, the latest of every name.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ArtifactFilter {
    /// Only of this name: a path (`daily/train`), or its last part where no other path ends so.
    pub name: Option<String>,
    /// Only those that came out of this run's steps, cached ones included.
    pub run: Option<RunId>,
    /// All versions instead of the latest.
    pub all_versions: bool,
    /// No more than so many, the newest.
    pub limit: Option<u32>,
}

impl ArtifactFilter {
    /// Only of this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Only those that came out of this run's steps, cached ones included; of any version.
    #[must_use]
    pub fn run(mut self, run: RunId) -> Self {
        self.run = Some(run);
        self.all_versions()
    }

    /// All versions instead of the latest.
    #[must_use]
    pub fn all_versions(mut self) -> Self {
        self.all_versions = true;
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
    /// Artifact versions, newest first.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] when several paths end with the name.
    pub fn artifacts(&self, filter: &ArtifactFilter) -> Result<Vec<ArtifactRecord>> {
        let path = match &filter.name {
            Some(name) => match self.named(name)? {
                None => return Ok(Vec::new()),
                path => path,
            },
            None => None,
        };
        let sql = format!(
            "SELECT * FROM ({ARTIFACTS}) a WHERE (:name IS NULL OR name = :name)
                AND (:run IS NULL OR id IN (SELECT artifact FROM outputs
                    WHERE step IN (SELECT id FROM steps WHERE run = :run)))
                AND (:all OR version = (SELECT max(version) FROM artifacts l WHERE l.name = a.name))
            ORDER BY id DESC LIMIT coalesce(:limit, -1)"
        );
        let run = filter.run.map(|run| run.0);
        self.catalog().read("list the artifacts", |catalog| {
            all(
                catalog,
                &sql,
                named_params! {
                    ":name": path,
                    ":run": run,
                    ":all": filter.all_versions,
                    ":limit": filter.limit,
                },
            )
        })
    }

    /// A version of an artifact, or its latest, by its path (`daily/train`) or the last part of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], with the names and versions that there are;
    /// [`ErrorKind::Value`] when several paths end with the name.
    pub fn artifact(&self, name: &str, version: Option<u32>) -> Result<ArtifactRecord> {
        let path = self.named(name)?;
        let name = path.as_deref().unwrap_or(name);
        let found = self.catalog().read("look up the artifact", |catalog| {
            let sql = format!(
                "SELECT * FROM ({ARTIFACTS}) WHERE name = ?1 AND (?2 IS NULL OR version = ?2)
                ORDER BY version DESC LIMIT 1"
            );
            catalog
                .prepare_cached(&sql)?
                .query_row(params![name, version], ArtifactRecord::from_row)
                .optional()
        })?;
        match found {
            Some(artifact) => Ok(artifact),
            None => Err(self.no_such_artifact(name, version)?),
        }
    }

    /// The artifact of this number.
    pub fn artifact_by_id(&self, id: ArtifactId) -> Result<ArtifactRecord> {
        let found =
            self.catalog().read("look up the artifact", |catalog| by_id(catalog, id).optional())?;
        let message = || format!("the store has no artifact version of number {id}");
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, message()))
    }

    /// Finds an artifact by what people type: a name, `name@version`, `name@alias`, or the first digits (four
    /// or more) of its digest. Of several versions with one content it is the latest.
    pub fn find_artifact(&self, text: &str) -> Result<ArtifactRecord> {
        if let Some((name, version)) = text.rsplit_once('@')
            && let Ok(version) = version.parse()
        {
            return self.artifact(name, Some(version));
        }
        if let Some((name, alias)) = text.rsplit_once('@')
            && let Some(found) = self.aliased(name, alias)?
        {
            return Ok(found);
        }
        let by_name = self.artifact(text, None);
        match by_name {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.artifact_by_prefix(text)?.ok_or(error)
            }
            result => result,
        }
    }

    fn aliased(&self, name: &str, alias: &str) -> Result<Option<ArtifactRecord>> {
        let path = self.named(name)?;
        self.alias_target(path.as_deref().unwrap_or(name), alias)
    }

    /// The path that a name stands for: itself, or the only one that ends with it.
    fn named(&self, name: &str) -> Result<Option<String>> {
        let paths: Vec<String> = self.catalog().read("look up the artifact's name", |catalog| {
            let mut exact =
                catalog.prepare_cached("SELECT 1 FROM artifacts WHERE name = ? LIMIT 1")?;
            if exact.exists([name])? {
                return Ok(vec![name.to_owned()]);
            }
            let mut ending = catalog.prepare_cached(
                "SELECT DISTINCT name FROM artifacts
                WHERE substr(name, -length(?1) - 1) = '/' || ?1 ORDER BY 1",
            )?;
            ending.query_map([name], |row| row.get(0))?.collect()
        })?;
        match paths.as_slice() {
            [_, _, ..] => Err(ambiguous(name, &paths)),
            _ => Ok(paths.into_iter().next()),
        }
    }

    /// Takes over a known result that another pipeline has made, as artifacts of `pipeline`: a new
    /// version of each, unless the latest has the same content. On a store that can only be read
    /// the other pipeline's stay.
    pub fn adopt(&self, known: CachedStep, step: &str, pipeline: &str) -> Result<CachedStep> {
        let path = |output: &str| artifact_path(pipeline, step, output);
        let is_own = |(output, artifact): &(String, ArtifactRecord)| artifact.name == path(output);
        if self.is_read_only() || known.outputs.iter().all(is_own) {
            return Ok(known);
        }
        let mut outputs = Vec::with_capacity(known.outputs.len());
        for (output, artifact) in known.outputs {
            let manifest = self.manifest_of(&artifact)?;
            let path = path(&output);
            let own = self.catalog().write("record the artifact", |catalog| {
                let latest = latest(catalog, &path)?;
                let version = latest.as_ref().map_or(1, |latest| latest.version.saturating_add(1));
                if let Some(latest) = latest.filter(|latest| latest.digest == artifact.digest) {
                    return Ok(latest);
                }
                let producer =
                    artifact.producer.as_ref().map(|made| (made.step, made.output.as_str()));
                let content = artifact.digest;
                insert(catalog, &New { name: &path, version, content, producer }, &manifest)
            })?;
            outputs.push((output, own));
        }
        Ok(CachedStep { step: known.step, outputs })
    }

    fn artifact_by_prefix(&self, prefix: &str) -> Result<Option<ArtifactRecord>> {
        let (Some(low), Some(high)) = (padded(prefix, '0'), padded(prefix, 'f')) else {
            return Ok(None);
        };
        let found: Vec<ArtifactRecord> = self.catalog().read("look up the digest", |catalog| {
            let sql = format!(
                "SELECT * FROM ({ARTIFACTS}) WHERE digest BETWEEN ? AND ? ORDER BY id DESC"
            );
            all(catalog, &sql, [low.as_bytes(), high.as_bytes()])
        })?;
        if found.iter().all(|artifact| artifact.digest == found[0].digest) {
            return Ok(found.into_iter().next());
        }
        let message = format!("several artifacts have a digest that begins `{prefix}`");
        Err(Error::new(ErrorKind::Conflict, message).with_hint("give more digits"))
    }

    /// Records a kept content as a version of `name` that no step made. The latest version is
    /// returned when it has this content.
    pub fn add_artifact(&self, name: &str, content: Digest) -> Result<ArtifactRecord> {
        self.check_writable()?;
        let manifest = self.manifest(content)?;
        self.blobs().settle()?;
        let artifact = self.catalog().write("record the artifact", |catalog| {
            let latest = latest(catalog, name)?;
            match latest {
                Some(artifact)
                    if artifact.digest == content && blame::agrees(&artifact, &manifest) =>
                {
                    Ok(artifact)
                }
                latest => {
                    let version = latest.map_or(1, |artifact| artifact.version.saturating_add(1));
                    insert(catalog, &New { name, version, content, producer: None }, &manifest)
                }
            }
        })?;
        self.write_artifact_record(artifact.id.0)?;
        Ok(artifact)
    }

    /// The digests of all contents that the catalog names.
    pub(crate) fn all_contents(&self) -> Result<Vec<Digest>> {
        self.catalog().read("list the artifacts", |catalog| {
            catalog
                .prepare("SELECT DISTINCT digest FROM artifacts ORDER BY digest")?
                .query_map([], |row| Ok(Digest::from_bytes(row.get(0)?)))?
                .collect()
        })
    }

    /// The digests of all logs that the catalog names.
    pub(crate) fn all_logs(&self) -> Result<BTreeSet<Digest>> {
        self.catalog().read("list the logs", |catalog| {
            catalog
                .prepare("SELECT DISTINCT log FROM steps WHERE log IS NOT NULL")?
                .query_map([], |row| Ok(Digest::from_bytes(row.get(0)?)))?
                .collect()
        })
    }

    /// The paths of artifacts of a step that has several outputs.
    fn outputs_of(&self, step: &str) -> Result<Vec<String>> {
        self.catalog().read("look up the artifact's name", |catalog| {
            catalog
                .prepare(
                    "SELECT DISTINCT name FROM artifacts WHERE output <> '' AND (
                        name = ?1 || '.' || output
                        OR substr(name, -length(?1 || output) - 2) = '/' || ?1 || '.' || output)
                    ORDER BY 1",
                )?
                .query_map([step], |row| row.get(0))?
                .collect()
        })
    }

    #[cold]
    fn no_such_artifact(&self, name: &str, version: Option<u32>) -> Result<Error> {
        let versions = self.artifacts(&ArtifactFilter::default().name(name).all_versions())?;
        if let (Some(version), Some(latest)) = (version, versions.first()) {
            let message = format!("artifact `{name}` has no version {version}");
            return Ok(Error::new(ErrorKind::NotFound, message)
                .with_hint(format!("its versions are 1 to {}", latest.version)));
        }
        let outputs = self.outputs_of(name)?;
        if !outputs.is_empty() {
            let message = format!("`{name}` has an artifact for each of its outputs");
            return Ok(Error::new(ErrorKind::NotFound, message)
                .with_hint(format!("they are: `{}`", outputs.join("`, `"))));
        }
        let names: Vec<_> = self
            .artifacts(&ArtifactFilter::default().limit(8))?
            .into_iter()
            .map(|artifact| format!("`{}`", artifact.name))
            .collect();
        let hint = match names.as_slice() {
            [] => "the store is empty: run a pipeline first".to_owned(),
            names => format!("the store has, newest first: {}", names.join(", ")),
        };
        let message = format!("the store has no artifact `{name}`");
        Ok(Error::new(ErrorKind::NotFound, message).with_hint(hint))
    }
}

/// The path of a step's artifact: `daily/train`, and `daily/split.low` for one of several outputs.
#[must_use]
pub fn artifact_path(pipeline: &str, step: &str, output: &str) -> String {
    match output {
        "" => format!("{pipeline}/{step}"),
        output => format!("{pipeline}/{step}.{output}"),
    }
}

#[cold]
fn ambiguous(name: &str, paths: &[String]) -> Error {
    let message = format!("several artifacts are called `{name}`: `{}`", paths.join("`, `"));
    Error::new(ErrorKind::Value, message).with_hint("give the path of one of them")
}

/// The first, or the last, digest that begins with `prefix`; nothing if none can.
fn padded(prefix: &str, digit: char) -> Option<Digest> {
    if prefix.len() < 4 {
        return None;
    }
    let rest = digit.to_string().repeat(64_usize.checked_sub(prefix.len())?);
    format!("{prefix}{rest}").parse().ok()
}

/// An artifact version that is to be recorded.
struct New<'a> {
    name: &'a str,
    version: u32,
    content: Digest,
    producer: Option<(StepId, &'a str)>,
}

/// Records an output of a step: a new version, unless the latest has the same content and was
/// made from the same inputs.
pub(super) fn record(
    catalog: &Transaction<'_>,
    step: StepId,
    output: &StepOutput,
    manifest: &Manifest,
) -> rusqlite::Result<ArtifactRecord> {
    let latest = latest(catalog, &output.artifact)?;
    let version = latest.as_ref().map_or(1, |artifact| artifact.version.saturating_add(1));
    let is_same = |artifact: &ArtifactRecord| {
        artifact.digest == output.content && blame::agrees(artifact, manifest)
    };
    if let Some(artifact) = latest.filter(is_same) {
        let producer = artifact.producer.as_ref().map(|producer| producer.step);
        if producer.map(|step| input_contents(catalog, step)).transpose()?
            == Some(input_contents(catalog, step)?)
        {
            return Ok(artifact);
        }
    }
    let producer = Some((step, output.output.as_str()));
    let new = New { name: &output.artifact, version, content: output.content, producer };
    insert(catalog, &new, manifest)
}

fn insert(
    catalog: &Transaction<'_>,
    new: &New<'_>,
    manifest: &Manifest,
) -> rusqlite::Result<ArtifactRecord> {
    let about = &manifest.description;
    let (step, output) = new.producer.unzip();
    let id = catalog
        .prepare_cached(
            "INSERT INTO artifacts
                (name, version, digest, type_name, format, metadata, size, created, step, output)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )?
        .insert(params![
            new.name,
            new.version,
            new.content.as_bytes(),
            about.type_name,
            about.format,
            about.metadata,
            manifest.size(),
            Timestamp::now().as_micros(),
            step.map(|step| step.0),
            output.unwrap_or_default(),
        ])?;
    by_id(catalog, ArtifactId(id))
}

fn latest(catalog: &Connection, name: &str) -> rusqlite::Result<Option<ArtifactRecord>> {
    let sql = format!("SELECT * FROM ({ARTIFACTS}) WHERE name = ? ORDER BY version DESC LIMIT 1");
    catalog.prepare_cached(&sql)?.query_row([name], ArtifactRecord::from_row).optional()
}

fn by_id(catalog: &Connection, id: ArtifactId) -> rusqlite::Result<ArtifactRecord> {
    let sql = format!("SELECT * FROM ({ARTIFACTS}) WHERE id = ?");
    catalog.prepare_cached(&sql)?.query_row([id.0], ArtifactRecord::from_row)
}

/// What went into a step: the argument and the content's digest of each input.
fn input_contents(catalog: &Connection, step: StepId) -> rusqlite::Result<Vec<(String, [u8; 32])>> {
    catalog
        .prepare_cached(
            "SELECT i.argument, a.digest FROM inputs i JOIN artifacts a ON a.id = i.artifact
            WHERE i.step = ? ORDER BY i.position",
        )?
        .query_map([step.0], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}
