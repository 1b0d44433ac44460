//! Runs as events of `OpenLineage` (<https://openlineage.io/spec>), one JSON document to a line.
//!
//! A run of a pipeline is a run of a job, and each of its steps is one of a job of its own, whose
//! parent it is. Artifacts are datasets, and files that a step has read are, too.

use std::collections::BTreeSet;

use cannery::{Value, json};
use cannery_store::{
    ArtifactRecord, RunId, RunRecord, RunStatus, StepRecord, StepStatus, Store, Timestamp,
};

use crate::Result;

const PRODUCER: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/tree/v", env!("CARGO_PKG_VERSION"));
const EVENT_SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const FACETS: &str = "https://openlineage.io/spec/facets/";

/// How the labels of files that a step has read begin.
const FILE: &str = "file ";

/// How events are written.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenLineageOptions {
    /// What jobs and artifacts are told apart by from those of other stores; by default the
    /// store's folder.
    pub namespace: Option<String>,
}

impl OpenLineageOptions {
    /// Sets [`namespace`](Self::namespace).
    #[must_use]
    pub fn namespace(mut self, namespace: Option<String>) -> Self {
        self.namespace = namespace;
        self
    }
}

/// The events of runs, in the order in which they happened: each begins, and ends if it has ended.
/// Every line of the text is an event.
///
/// # Errors
/// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such run.
pub fn open_lineage(store: &Store, runs: &[RunId], options: &OpenLineageOptions) -> Result<String> {
    let namespace = options.namespace.clone();
    let namespace = namespace.unwrap_or_else(|| format!("cannery:{}", store.root().display()));
    let events = Events { store, namespace };
    let mut text = Vec::new();
    for run in runs {
        let mut all = events.of_run(&store.run(*run)?)?;
        // What began at the same time stays in order: a run before its steps.
        all.sort_by_key(|(moment, _)| *moment);
        for (_, event) in all {
            text.extend(json::to_vec(&event)?);
            text.push(b'\n');
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

struct Events<'a> {
    store: &'a Store,
    namespace: String,
}

/// A moment, and what happened then. The second number orders what happened at once.
type Event = ((Timestamp, u8), Value);

/// What of a job's run is the same in all of its events.
struct JobRun<'a> {
    id: String,
    name: String,
    kind: &'a str,
    facets: Vec<(&'a str, Value)>,
}

impl Events<'_> {
    fn of_run(&self, run: &RunRecord) -> Result<Vec<Event>> {
        let id = uuid(run.started, &["run", &self.namespace, &run.id.to_string()]);
        let mut facets = vec![("processing_engine", engine())];
        facets.extend(parameters(&run.params).map(|all| ("executionParameters", all)));
        if !run.tags.is_empty() || run.code_version.is_some() {
            facets.push(("tags", tags(run)));
        }
        let job = JobRun { id: id.clone(), name: run.pipeline.clone(), kind: "PIPELINE", facets };
        let mut events = vec![self.event(&job, run.started, 0, "START", &[], &[], None)];
        let parent = facet(
            "1-1-0/ParentRunFacet.json",
            [("run", object([("runId", id.into())])), ("job", self.job_name(&run.pipeline))],
        );
        for step in self.store.steps(run.id)? {
            events.extend(self.of_step(run, &step, &parent)?);
        }
        if let Some(ended) = run.ended {
            let event = match run.status {
                RunStatus::Completed => "COMPLETE",
                RunStatus::Interrupted => "ABORT",
                _ => "FAIL",
            };
            events.push(self.event(&job, ended, 3, event, &[], &[], run.error.as_deref()));
        }
        Ok(events)
    }

    fn of_step(&self, run: &RunRecord, step: &StepRecord, parent: &Value) -> Result<Vec<Event>> {
        if step.status == StepStatus::Skipped {
            return Ok(Vec::new());
        }
        let id = uuid(step.started, &["step", &self.namespace, &step.id.to_string()]);
        let about = [
            ("cached", step.cached.into()),
            ("invocation", step.invocation.into()),
            ("attempts", step.attempts.into()),
            ("cacheKey", step.cache_key.map(|key| key.to_string()).into()),
        ];
        let about = custom_facet("CanneryStepRunFacet", about);
        let job = JobRun {
            id,
            name: format!("{}/{}", run.pipeline, step.name),
            kind: "STEP",
            facets: vec![("parent", parent.clone()), ("cannery_step", about)],
        };
        let mut inputs = Vec::new();
        for (_, artifact) in self.store.step_inputs(step.id)? {
            let dataset = self.dataset(&artifact, "inputFacets", None);
            if !inputs.contains(&dataset) {
                inputs.push(dataset);
            }
        }
        inputs.extend(self.files(step)?);
        let mut events = vec![self.event(&job, step.started, 1, "START", &inputs, &[], None)];
        let event = match step.status {
            StepStatus::Running => return Ok(events),
            StepStatus::Completed => "COMPLETE",
            StepStatus::Interrupted => "ABORT",
            _ => "FAIL",
        };
        let ended = step.ended.or(run.ended).unwrap_or(step.started);
        let mut outputs = Vec::new();
        for (_, artifact) in self.store.step_outputs(step.id)? {
            let files = self.store.manifest(artifact.digest).ok().map(|found| found.files.len());
            outputs.push(self.dataset(&artifact, "outputFacets", files));
        }
        let error = step.error.as_deref();
        events.push(self.event(&job, ended, 2, event, &inputs, &outputs, error));
        Ok(events)
    }

    #[expect(clippy::too_many_arguments, reason = "these are an event's fields")]
    fn event(
        &self,
        job: &JobRun<'_>,
        moment: Timestamp,
        order: u8,
        kind: &str,
        inputs: &[Value],
        outputs: &[Value],
        error: Option<&str>,
    ) -> Event {
        let mut run_facets = job.facets.clone();
        if let Some(error) = error {
            run_facets.push(("errorMessage", error_message(error)));
        }
        let Value::Map(mut about) = self.job_name(&job.name) else {
            unreachable!("a job's name is a map");
        };
        let job_type = [
            ("processingType", Value::from("BATCH")),
            ("integration", "CANNERY".into()),
            ("jobType", job.kind.into()),
        ];
        let job_type = facet("2-0-3/JobTypeJobFacet.json", job_type);
        about.push(("facets".into(), object([("jobType", job_type)])));
        let run = object([
            ("runId", job.id.as_str().into()),
            ("facets", run_facets.into_iter().collect::<Value>()),
        ]);
        let event = object([
            ("eventType", kind.into()),
            ("eventTime", precise(moment).into()),
            ("producer", PRODUCER.into()),
            ("schemaURL", EVENT_SCHEMA.into()),
            ("run", run),
            ("job", Value::Map(about)),
            ("inputs", inputs.iter().cloned().collect()),
            ("outputs", outputs.iter().cloned().collect()),
        ]);
        ((moment, order), event)
    }

    fn job_name(&self, name: &str) -> Value {
        object([("namespace", self.namespace.as_str().into()), ("name", name.into())])
    }

    fn dataset(&self, artifact: &ArtifactRecord, own: &str, files: Option<usize>) -> Value {
        let version = [("datasetVersion", Value::from(artifact.version.to_string()))];
        let version = facet("1-0-1/DatasetVersionDatasetFacet.json", version);
        let storage = [
            ("storageLayer", Value::from("cannery")),
            ("fileFormat", artifact.format.as_str().into()),
        ];
        let storage = facet("1-0-1/StorageDatasetFacet.json", storage);
        let about = [
            ("digest", artifact.digest.to_string().into()),
            ("type", artifact.type_name.as_str().into()),
        ];
        let about = custom_facet("CanneryArtifactDatasetFacet", about);
        let facets =
            object([("version", version), ("storage", storage), ("cannery_artifact", about)]);
        let statistics = files.map(|files| {
            let counts = [("size", artifact.size.into()), ("fileCount", (files as u64).into())];
            let facet = facet("1-0-2/OutputStatisticsOutputDatasetFacet.json", counts);
            object([("outputStatistics", facet)])
        });
        object([
            ("namespace", self.namespace.as_str().into()),
            ("name", artifact.name.as_str().into()),
            ("facets", facets),
            (own, statistics.unwrap_or_else(|| Value::Map(Vec::new()))),
        ])
    }

    /// The files that a step has read, or the step whose result it used.
    fn files(&self, step: &StepRecord) -> Result<Vec<Value>> {
        let ran = if step.cached { self.store.execution_found_by(step)? } else { None };
        let seen = self.store.observations(ran.as_ref().unwrap_or(step).id)?;
        let files = seen.iter().filter_map(|seen| {
            let path = seen.label.strip_prefix(FILE)?;
            // One that was looked for and not found is no input.
            (!seen.state.starts_with("absent"))
                .then(|| object([("namespace", "file".into()), ("name", path.into())]))
        });
        Ok(files.collect())
    }
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}

fn facet<const N: usize>(schema: &str, entries: [(&str, Value); N]) -> Value {
    let name = schema.rsplit('/').next().unwrap_or(schema).trim_end_matches(".json");
    with_schema(format!("{FACETS}{schema}#/$defs/{name}"), entries)
}

/// A facet that only cannery has; its schema is the page that tells of it.
fn custom_facet<const N: usize>(name: &str, entries: [(&str, Value); N]) -> Value {
    with_schema(format!("{PRODUCER}/docs/pipelines.md#{name}"), entries)
}

fn with_schema<const N: usize>(schema: String, entries: [(&str, Value); N]) -> Value {
    let base = [("_producer", Value::from(PRODUCER)), ("_schemaURL", schema.into())];
    base.into_iter().chain(entries).collect()
}

fn engine() -> Value {
    let version = env!("CARGO_PKG_VERSION");
    let entries = [
        ("version", Value::from(version)),
        ("name", "cannery".into()),
        ("openlineageAdapterVersion", version.into()),
    ];
    facet("1-1-1/ProcessingEngineRunFacet.json", entries)
}

/// A pipeline's parameters, if it has any.
fn parameters(text: &str) -> Option<Value> {
    let Ok(Value::Map(entries)) = json::to_value(text.as_bytes()) else { return None };
    let all: Value = entries
        .into_iter()
        .filter_map(|(key, value)| {
            // Values are texts there.
            let text = match &value {
                Value::Text(text) => text.to_string(),
                other => String::from_utf8_lossy(&json::to_vec(other).ok()?).into_owned(),
            };
            Some(object([("key", key.as_str()?.into()), ("value", text.into())]))
        })
        .collect();
    let is_empty = matches!(&all, Value::List(items) if items.is_empty());
    (!is_empty).then(|| facet("1-0-0/ExecutionParametersRunFacet.json", [("parameters", all)]))
}

fn tags(run: &RunRecord) -> Value {
    let tag = |key: &str, value: &str, source: &str| {
        object([("key", key.into()), ("value", value.into()), ("source", source.into())])
    };
    let of_user = run.tags.iter().map(|text| tag(text, "true", "USER"));
    let of_code =
        run.code_version.iter().map(|version| tag("code_version", version, "INTEGRATION"));
    facet("1-0-0/TagsRunFacet.json", [("tags", of_user.chain(of_code).collect())])
}

fn error_message(error: &str) -> Value {
    let entries = [("message", Value::from(error)), ("programmingLanguage", "PYTHON".into())];
    facet("1-0-1/ErrorMessageRunFacet.json", entries)
}

/// A moment with its microseconds.
fn precise(moment: Timestamp) -> String {
    let whole = moment.to_string();
    let micros = moment.as_micros().rem_euclid(1_000_000);
    format!("{}.{micros:06}Z", whole.trim_end_matches('Z'))
}

/// A UUID of version 7 (RFC 9562, 5.7): the time, and instead of random bits the digest of what
/// it stands for, so that a run has the same one in every export.
fn uuid(moment: Timestamp, of: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in of {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    let millis = moment.as_micros().div_euclid(1000).cast_unsigned().to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// The runs that made artifacts, each once.
#[must_use]
pub fn runs_of(artifacts: &[ArtifactRecord]) -> Vec<RunId> {
    let runs = artifacts.iter().filter_map(|artifact| artifact.producer.as_ref());
    runs.map(|producer| producer.run).collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_uuid() {
        let moment = Timestamp::from_micros(1_795_255_200_123_456);
        let first = uuid(moment, &["run", "a", "1"]);
        insta::assert_snapshot!(&first[..18], @"01a1fd8c-697b-7bfb");
        assert_eq!(first, uuid(moment, &["run", "a", "1"]));
        assert_ne!(first, uuid(moment, &["run", "a1", ""]));
        assert_eq!(precise(moment), "2026-11-21T10:00:00.123456Z");
    }
}
