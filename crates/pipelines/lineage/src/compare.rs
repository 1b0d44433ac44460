//! What differs between two runs.

use std::collections::BTreeMap;
use std::fmt;

use cannery::{Value, json, printable};
use cannery_pipeline::{Change, changes_between};
use cannery_store::{ArtifactRecord, RunId, RunRecord, StepRecord, Store};

use crate::Result;
use crate::text::{Changed, json_text, seconds};

/// What differs between two runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunComparison {
    /// The first run.
    pub before: RunRecord,
    /// The second one.
    pub after: RunRecord,
    /// Parameters of the pipeline that differ, as JSON.
    pub parameters: Vec<Changed>,
    /// Steps that only the first run has.
    pub only_before: Vec<String>,
    /// Steps that only the second run has.
    pub only_after: Vec<String>,
    /// Steps of both that differ.
    pub steps: Vec<StepComparison>,
}

/// What differs between a step of two runs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepComparison {
    /// Its name in both runs.
    pub name: String,
    /// How it stands in both, where that differs.
    pub status: Option<(String, String)>,
    /// What it depended on that differs.
    pub changes: Vec<Change>,
    /// Outputs with other values: the name, which is empty for the only one, and the versions.
    pub outputs: Vec<Changed>,
}

/// Compares two runs of a store: parameters, code, steps, what they depended on, and outputs.
///
/// # Errors
/// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is no such run.
pub fn compare_runs(store: &Store, before: RunId, after: RunId) -> Result<RunComparison> {
    let (before, after) = (store.run(before)?, store.run(after)?);
    let (old, new) = (store.steps(before.id)?, store.steps(after.id)?);
    let find = |steps: &[StepRecord], label: &str| {
        steps.iter().find(|step| step.label() == label).cloned()
    };
    let only = |steps: &[StepRecord], others: &[StepRecord]| -> Vec<String> {
        steps.iter().map(StepRecord::label).filter(|label| find(others, label).is_none()).collect()
    };
    let mut steps = Vec::new();
    for step in &old {
        if let Some(other) = find(&new, &step.label()) {
            steps.extend(compare_steps(store, step, &other)?);
        }
    }
    let parameters = parameter_changes(&before.params, &after.params);
    let (only_before, only_after) = (only(&old, &new), only(&new, &old));
    Ok(RunComparison { before, after, parameters, only_before, only_after, steps })
}

fn compare_steps(
    store: &Store,
    before: &StepRecord,
    after: &StepRecord,
) -> Result<Option<StepComparison>> {
    let changes = changes_between(store, before, after)?;
    let outputs = output_changes(store, before, after)?;
    let (old, new) = (before.status.as_str(), after.status.as_str());
    let status = (old != new).then(|| (old.to_owned(), new.to_owned()));
    let is_same = changes.is_empty() && outputs.is_empty() && status.is_none();
    Ok((!is_same).then(|| StepComparison { name: before.label(), status, changes, outputs }))
}

fn output_changes(store: &Store, before: &StepRecord, after: &StepRecord) -> Result<Vec<Changed>> {
    let by_name = |step: &StepRecord| -> Result<BTreeMap<String, ArtifactRecord>> {
        Ok(store.step_outputs(step.id)?.into_iter().collect())
    };
    let pairs = paired(by_name(before)?, by_name(after)?);
    let digest = |artifact: &Option<ArtifactRecord>| artifact.as_ref().map(|found| found.digest);
    let version = |artifact: ArtifactRecord| format!("{}@{}", artifact.name, artifact.version);
    let others = pairs.into_iter().filter(|(_, old, new)| digest(old) != digest(new));
    Ok(others.map(|(name, old, new)| (name, old.map(version), new.map(version))).collect())
}

fn parameter_changes(before: &str, after: &str) -> Vec<Changed> {
    let by_name = |text: &str| -> BTreeMap<String, String> {
        let Ok(Value::Map(entries)) = json::to_value(text.as_bytes()) else {
            return BTreeMap::new();
        };
        let entry =
            |(key, value): (Value, Value)| Some((key.as_str()?.to_owned(), json_text(&value)));
        entries.into_iter().filter_map(entry).collect()
    };
    let pairs = paired(by_name(before), by_name(after));
    pairs.into_iter().filter(|(_, old, new)| old != new).collect()
}

fn paired<T>(
    before: BTreeMap<String, T>,
    mut after: BTreeMap<String, T>,
) -> Vec<(String, Option<T>, Option<T>)> {
    let mut pairs: Vec<_> = before
        .into_iter()
        .map(|(name, old)| {
            let new = after.remove(&name);
            (name, Some(old), new)
        })
        .collect();
    pairs.extend(after.into_iter().map(|(name, new)| (name, None, Some(new))));
    pairs
}

impl RunComparison {
    /// Whether nothing differs but times and the version of the code.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.parameters.is_empty()
            && self.only_before.is_empty()
            && self.only_after.is_empty()
            && self.steps.is_empty()
    }
}

impl fmt::Display for RunComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (&self.before, &self.after);
        write!(f, "run {} and run {}", before.id, after.id)?;
        if before.pipeline != after.pipeline {
            let (old, new) = (printable(&before.pipeline), printable(&after.pipeline));
            write!(f, "\n  pipeline: {old} -> {new}")?;
        }
        for (name, old, new) in &self.parameters {
            write!(
                f,
                "\n  parameter {}: {} -> {}",
                printable(name),
                told(old.as_ref()),
                told(new.as_ref())
            )?;
        }
        if before.code_version != after.code_version {
            let (old, new) =
                (told(before.code_version.as_ref()), told(after.code_version.as_ref()));
            write!(f, "\n  code version: {old} -> {new}")?;
        }
        for name in &self.only_before {
            write!(f, "\n  step {} is only in run {}", printable(name), before.id)?;
        }
        for name in &self.only_after {
            write!(f, "\n  step {} is only in run {}", printable(name), after.id)?;
        }
        self.steps.iter().try_for_each(|step| write!(f, "\n{step}"))?;
        if self.is_same() {
            f.write_str("\n  the same steps, with the same results")?;
        }
        match (before.duration(), after.duration()) {
            (Some(old), Some(new)) => write!(f, "\n  took {} -> {}", seconds(old), seconds(new)),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for StepComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  step {}", printable(&self.name))?;
        if let Some((old, new)) = &self.status {
            write!(f, "\n    {old} -> {new}")?;
        }
        for change in &self.changes {
            let told = change.to_string().replace('\n', "\n  ");
            write!(f, "\n    {told}")?;
        }
        for (name, old, new) in &self.outputs {
            let name = if name.is_empty() { "output" } else { name.as_str() };
            write!(
                f,
                "\n    {}: {} -> {}",
                printable(name),
                told(old.as_ref()),
                told(new.as_ref())
            )?;
        }
        Ok(())
    }
}

fn told(text: Option<&String>) -> String {
    text.map_or_else(|| "nothing".to_owned(), |text| printable(text).into_owned())
}
