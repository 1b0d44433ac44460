//! What differs between two versions of artifacts: how they were made, and the values.

use std::collections::BTreeSet;
use std::fmt;

use cannery::{printable, size_name};
use cannery_pipeline::{Change, changes_between};
use cannery_store::{ArtifactRecord, StepId, Store};

use crate::text::Changed;
use crate::values::{FileDiff, ValueDiff};
use crate::{Result, shown_type};

/// Differences of a file that people are shown.
const MOST_SHOWN: usize = 20;

/// What differs between two versions of artifacts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArtifactDiff {
    /// The first version.
    pub before: ArtifactRecord,
    /// The second one.
    pub after: ArtifactRecord,
    /// The inputs of the steps that made them which differ: the argument, and the versions.
    pub inputs: Vec<Changed>,
    /// What else the steps depended on that differs: code, parameters, files.
    pub made: Vec<Change>,
    /// What differs in the values.
    pub values: ValueDiff,
}

/// Compares two versions of artifacts: the code, parameters, inputs and files of the steps that
/// made them, and the values.
///
/// # Errors
/// Those of the store, for contents that are damaged or gone.
pub fn diff_artifacts(
    store: &Store,
    before: &ArtifactRecord,
    after: &ArtifactRecord,
) -> Result<ArtifactDiff> {
    let mut diff = ArtifactDiff {
        before: before.clone(),
        after: after.clone(),
        inputs: Vec::new(),
        made: Vec::new(),
        values: ValueDiff::between(store, before.digest, after.digest)?,
    };
    if let (Some(first), Some(second)) = (&before.producer, &after.producer) {
        let (first, second) = (store.step(first.step)?, store.step(second.step)?);
        diff.inputs = input_changes(store, first.id, second.id)?;
        let changes = changes_between(store, &first, &second)?;
        // Inputs are told by their names instead of their digests.
        let is_input = |change: &Change| change.label.starts_with("input ");
        diff.made = changes.into_iter().filter(|change| !is_input(change)).collect();
    }
    Ok(diff)
}

fn input_changes(store: &Store, before: StepId, after: StepId) -> Result<Vec<Changed>> {
    let (old, new) = (store.step_inputs(before)?, store.step_inputs(after)?);
    let arguments: BTreeSet<&String> = old.iter().chain(&new).map(|(name, _)| name).collect();
    let of = |inputs: &[(String, ArtifactRecord)], name: &String| {
        inputs.iter().find(|(argument, _)| argument == name).map(|(_, artifact)| artifact.clone())
    };
    let mut changes = Vec::new();
    for name in arguments {
        let (old, new) = (of(&old, name), of(&new, name));
        let digest = |artifact: &Option<ArtifactRecord>| artifact.as_ref().map(|a| a.digest);
        if digest(&old) != digest(&new) {
            changes.push((name.clone(), old.as_ref().map(version), new.as_ref().map(version)));
        }
    }
    Ok(changes)
}

fn version(artifact: &ArtifactRecord) -> String {
    format!("{}@{}", artifact.name, artifact.version)
}

impl ArtifactDiff {
    /// Whether the values are the same, however they were made.
    #[must_use]
    pub fn is_same_value(&self) -> bool {
        self.before.digest == self.after.digest
    }
}

impl fmt::Display for ArtifactDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (version(&self.before), version(&self.after));
        write!(f, "{} and {}", printable(&before), printable(&after))?;
        for (argument, old, new) in &self.inputs {
            let text = |name: &Option<String>| {
                name.as_deref().map_or("nothing".into(), |name| printable(name).into_owned())
            };
            write!(f, "\n  input {}: {} -> {}", printable(argument), text(old), text(new))?;
        }
        for change in &self.made {
            write!(f, "\n  {change}")?;
        }
        if self.inputs.is_empty() && self.made.is_empty() {
            f.write_str("\n  made alike")?;
        }
        if self.is_same_value() {
            return f.write_str("\n  the values are the same");
        }
        let (old, new) = (&self.before.type_name, &self.after.type_name);
        if old != new {
            let (old, new) = (shown_type(old), shown_type(new));
            write!(f, "\n  type: {} -> {}", printable(&old), printable(&new))?;
        }
        let (old, new) = (&self.before.format, &self.after.format);
        if old != new {
            write!(f, "\n  format: {} -> {}", printable(old), printable(new))?;
        }
        self.values.files.iter().try_for_each(|file| write_file(f, file))
    }
}

fn differences(count: u64) -> String {
    if count == 1 { "1 difference".to_owned() } else { format!("{count} differences") }
}

fn write_file(f: &mut fmt::Formatter<'_>, file: &FileDiff) -> fmt::Result {
    let path = printable(&file.path);
    match (file.before, file.after) {
        (Some(_), None) => return write!(f, "\n  {path} is gone"),
        (None, Some(size)) => return write!(f, "\n  {path} is new: {}", size_name(size)),
        (Some(old), Some(new)) if file.changes.is_empty() => {
            return write!(f, "\n  {path} differs: {} -> {}", size_name(old), size_name(new));
        }
        _ => write!(f, "\n  {path}: {}", differences(file.count))?,
    }
    let shown = file.changes.len().min(MOST_SHOWN);
    for change in &file.changes[..shown] {
        let place = printable(&change.place);
        match (&change.before, &change.after) {
            (Some(old), Some(new)) => write!(f, "\n    {place}: {old} -> {new}")?,
            (Some(old), None) => write!(f, "\n    {place} is gone: {old}")?,
            (None, Some(new)) => write!(f, "\n    {place}: {new}")?,
            (None, None) => {}
        }
    }
    let more = file.count.saturating_sub(shown as u64);
    if more > 0 {
        write!(f, "\n    and {more} more")?;
    }
    Ok(())
}
