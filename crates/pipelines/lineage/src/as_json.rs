//! What differs, as values that are printed as JSON and given to Python.

use cannery::Value;
use cannery_pipeline::{Change, KeyPart};
use cannery_store::{ArtifactRecord, RunRecord};

use crate::compare::{RunComparison, StepComparison};
use crate::diff::ArtifactDiff;
use crate::text::Changed;
use crate::values::{FileDiff, ValueChange};

/// A comparison of two versions of artifacts, as a map.
#[must_use]
pub fn diff_value(diff: &ArtifactDiff) -> Value {
    object([
        ("before", artifact_value(&diff.before)),
        ("after", artifact_value(&diff.after)),
        ("same_value", diff.is_same_value().into()),
        ("inputs", versions(&diff.inputs, "argument")),
        ("made", diff.made.iter().map(change_value).collect()),
        ("files", diff.values.files.iter().map(file_value).collect()),
    ])
}

/// A comparison of two runs, as a map.
#[must_use]
pub fn comparison_value(comparison: &RunComparison) -> Value {
    let texts = |names: &[String]| names.iter().map(String::as_str).collect::<Value>();
    object([
        ("before", run_value(&comparison.before)),
        ("after", run_value(&comparison.after)),
        ("same", comparison.is_same().into()),
        ("parameters", versions(&comparison.parameters, "parameter")),
        ("only_before", texts(&comparison.only_before)),
        ("only_after", texts(&comparison.only_after)),
        ("steps", comparison.steps.iter().map(step_value).collect()),
    ])
}

/// A part of a key that is another than before, as a map.
#[must_use]
pub fn change_value(change: &Change) -> Value {
    let part = |part: &Option<KeyPart>| {
        part.as_ref().map(|part| part.shown.clone().unwrap_or_else(|| part.digest.to_string()))
    };
    object([
        ("label", change.label.as_str().into()),
        ("before", part(&change.before).into()),
        ("after", part(&change.after).into()),
        ("diff", change.diff().into()),
    ])
}

fn artifact_value(artifact: &ArtifactRecord) -> Value {
    object([
        ("artifact", artifact.name.as_str().into()),
        ("version", artifact.version.into()),
        ("digest", artifact.digest.to_string().into()),
        ("type", artifact.type_name.as_str().into()),
        ("format", artifact.format.as_str().into()),
        ("run", artifact.producer.as_ref().map(|producer| producer.run.0).into()),
    ])
}

fn run_value(run: &RunRecord) -> Value {
    object([
        ("run", run.id.0.into()),
        ("pipeline", run.pipeline.as_str().into()),
        ("status", run.status.as_str().into()),
        ("code_version", run.code_version.clone().into()),
        ("seconds", run.duration().map(|duration| duration.as_secs_f64()).into()),
    ])
}

fn step_value(step: &StepComparison) -> Value {
    let (old, new) = step.status.clone().unzip();
    object([
        ("step", step.name.as_str().into()),
        ("status", object([("before", old.into()), ("after", new.into())])),
        ("changes", step.changes.iter().map(change_value).collect()),
        ("outputs", versions(&step.outputs, "output")),
    ])
}

fn file_value(file: &FileDiff) -> Value {
    object([
        ("file", file.path.as_str().into()),
        ("before", file.before.into()),
        ("after", file.after.into()),
        ("differences", file.count.into()),
        ("changes", file.changes.iter().map(place_value).collect()),
    ])
}

fn place_value(change: &ValueChange) -> Value {
    object([
        ("place", change.place.as_str().into()),
        ("before", change.before.clone().into()),
        ("after", change.after.clone().into()),
    ])
}

fn versions(changes: &[Changed], of: &str) -> Value {
    let change = |(name, old, new): &Changed| {
        object([
            (of, name.as_str().into()),
            ("before", old.clone().into()),
            ("after", new.clone().into()),
        ])
    };
    changes.iter().map(change).collect()
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}
