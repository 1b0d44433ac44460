//! The store and its records, as Python sees them: wrapped by `cannery/_store.py`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cannery_lineage::{
    Graph, OpenLineageOptions, Reach, compare_runs, comparison_value, diff_artifacts, diff_value,
    open_lineage, runs_of,
};
use cannery_store::{
    ArtifactFilter, ArtifactId, ArtifactRecord, Direction, Error, ErrorKind, Result, RunFilter,
    RunId, RunRecord, StepId, StepRecord,
};
use pyo3::prelude::*;

use crate::errors::OrRaise;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Store>()?;
    module.add_class::<Run>()?;
    module.add_class::<Step>()?;
    module.add_class::<LinkedView>()?;
    module.add_class::<Files>()?;
    module.add_class::<Artifact>()
}

/// An open store, until it is closed.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct Store {
    root: PathBuf,
    inner: Mutex<Option<cannery_store::Store>>,
}

impl Store {
    fn new(inner: cannery_store::Store) -> Self {
        Self { root: inner.root().to_owned(), inner: Mutex::new(Some(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Option<cannery_store::Store>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store, which must not have been closed.
    pub(crate) fn get(&self) -> Result<cannery_store::Store> {
        self.lock().clone().ok_or_else(|| {
            let message = format!("the store `{}` has been closed", self.root.display());
            Error::new(ErrorKind::Value, message).with_hint("open it again: `Store(path)`")
        })
    }

    /// Asks the store while other threads of Python go on.
    fn ask<T: Send>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&cannery_store::Store) -> Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| question(&self.get()?)).or_raise(py)
    }
}

#[pymethods]
impl Store {
    /// Opens the store at `root`, or the one that belongs to the current folder.
    #[new]
    #[pyo3(signature = (root=None))]
    fn open(py: Python<'_>, root: Option<PathBuf>) -> PyResult<Self> {
        let open = || {
            let root = root.map_or_else(|| cannery_store::Store::place("."), Ok)?;
            cannery_store::Store::shared(root)
        };
        py.detach(open).or_raise(py).map(Self::new)
    }

    /// A handle that keeps no file open between questions, and that `close` does not reach.
    fn dormant(&self, py: Python<'_>) -> PyResult<Self> {
        Ok(Self::new(self.get().or_raise(py)?.dormant()))
    }

    /// Closes its files, unless another handle or a run in progress uses them.
    fn close(&self, py: Python<'_>) {
        py.detach(|| drop(self.lock().take()));
    }

    #[getter]
    fn root(&self) -> PathBuf {
        self.root.clone()
    }

    #[getter]
    fn is_read_only(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.get().or_raise(py)?.is_read_only())
    }

    #[pyo3(signature = (name, version=None))]
    fn artifact(&self, py: Python<'_>, name: &str, version: Option<u32>) -> PyResult<Artifact> {
        self.ask(py, |store| store.artifact(name, version)).map(Artifact)
    }

    #[pyo3(signature = (*, name=None, run=None, all_versions=false, limit=None))]
    fn artifacts(
        &self,
        py: Python<'_>,
        name: Option<String>,
        run: Option<i64>,
        all_versions: bool,
        limit: Option<u32>,
    ) -> PyResult<Vec<Artifact>> {
        let mut filter = ArtifactFilter::default();
        filter.name = name;
        filter.run = run.map(RunId);
        filter.all_versions = all_versions;
        filter.limit = limit;
        let found = self.ask(py, |store| store.artifacts(&filter))?;
        Ok(found.into_iter().map(Artifact).collect())
    }

    #[pyo3(signature = (*, pipeline=None, status=None, tag=None, limit=None))]
    fn runs(
        &self,
        py: Python<'_>,
        pipeline: Option<String>,
        status: Option<&str>,
        tag: Option<String>,
        limit: Option<u32>,
    ) -> PyResult<Vec<Run>> {
        let mut filter = RunFilter::default();
        filter.pipeline = pipeline;
        filter.status = status.map(str::parse).transpose().or_raise(py)?;
        filter.tag = tag;
        filter.limit = limit;
        let found = self.ask(py, |store| store.runs(&filter))?;
        Ok(found.into_iter().map(Run).collect())
    }

    fn run(&self, py: Python<'_>, id: i64) -> PyResult<Run> {
        self.ask(py, |store| store.run(RunId(id))).map(Run)
    }

    fn set_run_tags(&self, py: Python<'_>, id: i64, tags: Vec<String>) -> PyResult<()> {
        self.ask(py, |store| store.set_run_tags(RunId(id), &tags))
    }

    /// What a step has printed, from that byte on; nothing where there is nothing.
    fn step_log(&self, py: Python<'_>, step: i64, from: u64) -> PyResult<Vec<u8>> {
        self.ask(py, |store| {
            let mut printed = Vec::new();
            if let Some(mut log) = store.step_log(&store.step(StepId(step))?, from)? {
                let read = std::io::Read::read_to_end(&mut log, &mut printed);
                read.map_err(|error| Error::io(error, "cannot read the step's log"))?;
            }
            Ok(printed)
        })
    }

    /// Calls a version by an alias: `name@alias`.
    fn set_alias(&self, py: Python<'_>, alias: &str, artifact: &Artifact) -> PyResult<()> {
        self.ask(py, |store| store.set_alias(alias, &artifact.0))
    }

    fn remove_alias(&self, py: Python<'_>, name: &str, alias: &str) -> PyResult<bool> {
        self.ask(py, |store| store.remove_alias(name, alias))
    }

    /// All aliases: the artifact's name, the alias and the version.
    fn aliases(&self, py: Python<'_>) -> PyResult<Vec<(String, String, u32)>> {
        let found = self.ask(py, cannery_store::Store::aliases)?;
        Ok(found.into_iter().map(|each| (each.name, each.alias, each.version)).collect())
    }

    /// An artifact by what people type: `name`, `name@version`, `name@alias`, or its digest.
    fn find_artifact(&self, py: Python<'_>, text: &str) -> PyResult<Artifact> {
        self.ask(py, |store| store.find_artifact(text)).map(Artifact)
    }

    fn steps(&self, py: Python<'_>, run: i64) -> PyResult<Vec<Step>> {
        let found = self.ask(py, |store| store.steps(RunId(run)))?;
        Ok(found.into_iter().map(Step).collect())
    }

    fn step(&self, py: Python<'_>, id: i64) -> PyResult<Step> {
        self.ask(py, |store| store.step(StepId(id))).map(Step)
    }

    /// The step that ran and whose result a cached one used; nothing for one that ran itself.
    fn execution_found_by(&self, py: Python<'_>, step: i64) -> PyResult<Option<Step>> {
        let found = self.ask(py, |store| {
            let step = store.step(StepId(step))?;
            if step.cached { store.execution_found_by(&step) } else { Ok(None) }
        })?;
        Ok(found.map(Step))
    }

    fn step_inputs(&self, py: Python<'_>, step: i64) -> PyResult<Vec<(String, Artifact)>> {
        let found = self.ask(py, |store| store.step_inputs(StepId(step)))?;
        Ok(found.into_iter().map(|(name, record)| (name, Artifact(record))).collect())
    }

    fn step_outputs(&self, py: Python<'_>, step: i64) -> PyResult<Vec<(String, Artifact)>> {
        let found = self.ask(py, |store| store.step_outputs(StepId(step)))?;
        Ok(found.into_iter().map(|(name, record)| (name, Artifact(record))).collect())
    }

    /// The direct sources of an artifact, or what was made directly from it.
    #[pyo3(signature = (artifact, *, down=false))]
    fn neighbours(&self, py: Python<'_>, artifact: i64, down: bool) -> PyResult<Vec<Artifact>> {
        let id = ArtifactId(artifact);
        let ask = |store: &cannery_store::Store| {
            if down { store.downstream(id) } else { store.upstream(id) }
        };
        let found = self.ask(py, ask)?;
        Ok(found.into_iter().map(Artifact).collect())
    }

    /// The artifact and all it was made from (or what was made from it), the nearest first.
    #[pyo3(signature = (artifact, *, down=false))]
    fn lineage(&self, py: Python<'_>, artifact: i64, down: bool) -> PyResult<Vec<Artifact>> {
        let direction = if down { Direction::Down } else { Direction::Up };
        let id = ArtifactId(artifact);
        let found = self.ask(py, |store| store.lineage(id, direction))?;
        Ok(found.artifacts.into_iter().map(Artifact).collect())
    }

    /// A run's steps, or an artifact's lineage (`up`, `down` or `both`), as `svg`, as `mermaid`, or
    /// as events of `openlineage`.
    #[pyo3(signature = (format, *, run=None, artifact=None, reach="up", namespace=None))]
    fn picture(
        &self,
        py: Python<'_>,
        format: &str,
        run: Option<i64>,
        artifact: Option<i64>,
        reach: &str,
        namespace: Option<String>,
    ) -> PyResult<String> {
        let reach = match reach {
            "down" => Reach::Down,
            "both" => Reach::Both,
            _ => Reach::Up,
        };
        self.ask(py, |store| {
            if format == "openlineage" {
                let runs = runs_asked(store, run, artifact, reach)?;
                let options = OpenLineageOptions::default().namespace(namespace);
                return open_lineage(store, &runs, &options);
            }
            let graph = match (run, artifact) {
                (Some(run), _) => Graph::of_run(store, RunId(run))?,
                (None, artifact) => {
                    Graph::of_artifact(store, ArtifactId(artifact.unwrap_or_default()), reach)?
                }
            };
            Ok(if format == "svg" { graph.to_svg() } else { graph.to_mermaid() })
        })
    }

    /// What differs between two versions, for people and as JSON.
    fn diff(
        &self,
        py: Python<'_>,
        before: &Artifact,
        after: &Artifact,
    ) -> PyResult<(String, String)> {
        self.ask(py, |store| {
            let diff = diff_artifacts(store, &before.0, &after.0)?;
            let json = cannery::json::to_vec(&diff_value(&diff))?;
            Ok((diff.to_string(), String::from_utf8_lossy(&json).into_owned()))
        })
    }

    /// What differs between two runs, for people and as JSON.
    fn compare(&self, py: Python<'_>, before: i64, after: i64) -> PyResult<(String, String)> {
        self.ask(py, |store| {
            let comparison = compare_runs(store, RunId(before), RunId(after))?;
            let json = cannery::json::to_vec(&comparison_value(&comparison))?;
            Ok((comparison.to_string(), String::from_utf8_lossy(&json).into_owned()))
        })
    }

    /// A stored content as a folder that must not be written to.
    fn view(&self, py: Python<'_>, digest: &str) -> PyResult<PathBuf> {
        let digest = digest.parse().or_raise(py)?;
        self.ask(py, |store| store.view(digest))
    }

    /// A stored content as a folder of links, for readers that do not write; it goes with the
    /// object.
    fn linked_view(&self, py: Python<'_>, digest: &str) -> PyResult<LinkedView> {
        let digest = digest.parse().or_raise(py)?;
        self.ask(py, |store| store.linked_view(digest)).map(LinkedView)
    }

    /// The files of a stored content, each of which is proven when it is asked for.
    fn files(&self, py: Python<'_>, digest: &str) -> PyResult<Files> {
        let digest = digest.parse().or_raise(py)?;
        self.ask(py, |store| store.files(digest)).map(Files)
    }

    /// What an artifact's manifest says it is: type, format and metadata. The catalog repeats it,
    /// and is refused where it differs.
    fn describe(&self, py: Python<'_>, artifact: &Artifact) -> PyResult<(String, String, String)> {
        let about = self.ask(py, |store| store.manifest_of(&artifact.0))?.description;
        Ok((about.type_name, about.format, about.metadata))
    }

    /// What a step looked at outside of the store, and how it was.
    fn observations(&self, py: Python<'_>, step: i64) -> PyResult<Vec<(String, String)>> {
        let seen = self.ask(py, |store| store.observations(StepId(step)))?;
        Ok(seen.into_iter().map(|observation| (observation.label, observation.state)).collect())
    }

    /// Parts of a step's cache key: label, digest, and the part itself where it is short text.
    fn key_parts(
        &self,
        py: Python<'_>,
        key: &str,
    ) -> PyResult<Vec<(String, String, Option<String>)>> {
        let key = key.parse().or_raise(py)?;
        let parts = self.ask(py, |store| store.key_parts(key))?;
        Ok(parts.into_iter().map(|p| (p.label, p.digest.to_string(), p.shown)).collect())
    }
}

fn runs_asked(
    store: &cannery_store::Store,
    run: Option<i64>,
    artifact: Option<i64>,
    reach: Reach,
) -> Result<Vec<RunId>> {
    if let Some(run) = run {
        return Ok(vec![RunId(run)]);
    }
    let Some(artifact) = artifact else {
        return Ok(store.runs(&RunFilter::default())?.iter().rev().map(|run| run.id).collect());
    };
    let mut artifacts = Vec::new();
    for direction in reach.directions() {
        artifacts.extend(store.lineage(ArtifactId(artifact), *direction)?.artifacts);
    }
    Ok(runs_of(&artifacts))
}

/// A folder of links to files of the store.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct LinkedView(cannery_store::ScratchFolder);

#[pymethods]
impl LinkedView {
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}

/// The files of a stored content.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct Files(cannery_store::Files);

#[pymethods]
impl Files {
    /// The store's own file of this name, which must not be written to.
    fn path(&self, py: Python<'_>, name: &str) -> PyResult<PathBuf> {
        py.detach(|| self.0.path(name)).or_raise(py)
    }
}

/// A run's record.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct Run(pub(crate) RunRecord);

#[pymethods]
impl Run {
    #[getter]
    fn id(&self) -> i64 {
        self.0.id.0
    }

    #[getter]
    fn pipeline(&self) -> &str {
        &self.0.pipeline
    }

    #[getter]
    fn status(&self) -> &'static str {
        self.0.status.as_str()
    }

    /// Seconds since 1970.
    #[getter]
    fn started(&self) -> f64 {
        seconds(self.0.started)
    }

    #[getter]
    fn ended(&self) -> Option<f64> {
        self.0.ended.map(seconds)
    }

    #[getter]
    fn duration(&self) -> Option<f64> {
        self.0.duration().map(|duration| duration.as_secs_f64())
    }

    #[getter]
    fn params(&self) -> &str {
        &self.0.params
    }

    #[getter]
    fn code_version(&self) -> Option<&str> {
        self.0.code_version.as_deref()
    }

    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    #[getter]
    fn pid(&self) -> u32 {
        self.0.pid
    }

    #[getter]
    fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// What the pipeline returned, as JSON.
    #[getter]
    fn output(&self) -> Option<&str> {
        self.0.output.as_deref()
    }

    #[getter]
    fn tags(&self) -> Vec<String> {
        self.0.tags.clone()
    }
}

/// A step's record.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct Step(pub(crate) StepRecord);

#[pymethods]
impl Step {
    #[getter]
    fn id(&self) -> i64 {
        self.0.id.0
    }

    #[getter]
    fn run(&self) -> i64 {
        self.0.run.0
    }

    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name in the run.
    #[getter]
    fn label(&self) -> String {
        self.0.label()
    }

    #[getter]
    fn status(&self) -> &'static str {
        self.0.status.as_str()
    }

    #[getter]
    fn cached(&self) -> bool {
        self.0.cached
    }

    #[getter]
    fn cache_key(&self) -> Option<String> {
        self.0.cache_key.map(|key| key.to_string())
    }

    /// Seconds since 1970.
    #[getter]
    fn started(&self) -> f64 {
        seconds(self.0.started)
    }

    #[getter]
    fn duration(&self) -> Option<f64> {
        self.0.duration().as_ref().map(Duration::as_secs_f64)
    }

    #[getter]
    fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// Seconds of processor time.
    #[getter]
    fn cpu(&self) -> Option<f64> {
        self.0.usage.cpu.as_ref().map(Duration::as_secs_f64)
    }

    /// Bytes at the most.
    #[getter]
    fn memory(&self) -> Option<u64> {
        self.0.usage.memory
    }

    #[getter]
    fn attempts(&self) -> u32 {
        self.0.attempts
    }
}

/// An artifact version's record.
#[pyclass(module = "cannery._native", frozen)]
pub(crate) struct Artifact(pub(crate) ArtifactRecord);

#[pymethods]
impl Artifact {
    #[getter]
    fn id(&self) -> i64 {
        self.0.id.0
    }

    /// The last part of its path.
    #[getter]
    fn name(&self) -> &str {
        self.0.short_name()
    }

    #[getter]
    fn path(&self) -> &str {
        &self.0.name
    }

    #[getter]
    fn version(&self) -> u32 {
        self.0.version
    }

    #[getter]
    fn digest(&self) -> String {
        self.0.digest.to_string()
    }

    #[getter]
    fn type_name(&self) -> &str {
        &self.0.type_name
    }

    #[getter]
    fn format(&self) -> &str {
        &self.0.format
    }

    #[getter]
    fn metadata(&self) -> &str {
        &self.0.metadata
    }

    #[getter]
    fn size(&self) -> u64 {
        self.0.size
    }

    /// Seconds since 1970.
    #[getter]
    fn created(&self) -> f64 {
        seconds(self.0.created)
    }

    /// Number of the step that made it.
    #[getter]
    fn producer(&self) -> Option<i64> {
        self.0.producer.as_ref().map(|producer| producer.step.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of this millennium fit 52 bits")]
fn seconds(moment: cannery_store::Timestamp) -> f64 {
    moment.as_micros() as f64 / 1e6
}
