//! Why a step ran, or did not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cannery_core::printable;
use cannery_store::{Digest, KeyPart, Observation, RunId, StepRecord, StepStatus, Store};
use similar::TextDiff;

use crate::{Error, ErrorKind, Result};

/// How the labels of environment variables begin, whose values are not shown.
const VARIABLE: &str = "environment ";

/// How many lines are shown around those that changed.
const CONTEXT_LINES: usize = 2;

/// Why a step ran, or did not; it displays as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The step.
    pub step: StepRecord,
    /// The step whose result was used; or, when it ran, the latest one before it in any run of
    /// the pipeline that had a result.
    pub previous: Option<StepRecord>,
    /// Why.
    pub reason: Reason,
}

/// Why a step ran, or did not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It did not run: its key was known.
    Cached,
    /// It did not run: something before it failed.
    Skipped,
    /// It ran: it had never been done before.
    First,
    /// It ran: these parts of its key are others than before.
    Changed(Vec<Change>),
    /// It ran although its key was known: its cache is off, or its outputs or the files that it
    /// had written for others were changed.
    Repeated,
    /// Nothing that it depends on is another than in the run it is compared with.
    Same,
}

/// A part of a cache key that is another than before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// Which part (`code`, `input page`, `parameter prefix`).
    pub label: String,
    /// What it was; nothing when it is new.
    pub before: Option<KeyPart>,
    /// What it is; nothing when it is gone.
    pub after: Option<KeyPart>,
}

/// Says why the step called `label` (`make_page`, `make_page-2`) of a run ran, or did not.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such run or step.
pub fn why(store: &Store, run: RunId, label: &str) -> Result<Explanation> {
    let step = find_step(store, run, label)?;
    let previous = if step.cached {
        store.execution_found_by(&step)?
    } else {
        store.previous_execution(&step)?
    };
    let reason = reason(store, &step, previous.as_ref())?;
    Ok(Explanation { step, previous, reason })
}

/// Says what is different about the step called `label` in the run `against`, whether it ran or
/// not: its code, its values, or the files that it read.
///
/// # Errors
/// [`ErrorKind::NotFound`] when one of the runs is not there or has no such step.
pub fn why_against(store: &Store, run: RunId, label: &str, against: RunId) -> Result<Explanation> {
    let step = find_step(store, run, label)?;
    let previous = find_step(store, against, label)?;
    let changes = changes_between(store, &previous, &step)?;
    let reason = if changes.is_empty() { Reason::Same } else { Reason::Changed(changes) };
    Ok(Explanation { step, previous: Some(previous), reason })
}

/// What two steps depended on that differs: code, values, inputs, and what they looked at outside.
///
/// # Errors
/// Those of the store.
pub fn changes_between(
    store: &Store,
    before: &StepRecord,
    after: &StepRecord,
) -> Result<Vec<Change>> {
    Ok(changes(parts(store, before)?, parts(store, after)?))
}

fn find_step(store: &Store, run: RunId, label: &str) -> Result<StepRecord> {
    store.run(run)?;
    let steps = store.steps(run)?;
    if let Some(step) = steps.iter().find(|step| step.label() == label) {
        return Ok(step.clone());
    }
    let labels: Vec<_> = steps.iter().map(|step| format!("`{}`", step.label())).collect();
    Err(Error::new(ErrorKind::NotFound, format!("run {run} has no step `{label}`"))
        .with_hint(format!("its steps are: {}", labels.join(", "))))
}

fn reason(store: &Store, step: &StepRecord, previous: Option<&StepRecord>) -> Result<Reason> {
    if step.status == StepStatus::Skipped {
        return Ok(Reason::Skipped);
    }
    if step.cached {
        return Ok(Reason::Cached);
    }
    let Some(previous) = previous else { return Ok(Reason::First) };
    let changes = changes(parts(store, previous)?, parts(store, step)?);
    Ok(if changes.is_empty() { Reason::Repeated } else { Reason::Changed(changes) })
}

/// All that a step's result depended on: the parts of its key, and what it looked at outside.
fn parts(store: &Store, step: &StepRecord) -> Result<Vec<KeyPart>> {
    let mut parts = step.cache_key.map_or(Ok(Vec::new()), |key| store.key_parts(key))?;
    let ran = if step.cached { store.execution_found_by(step)? } else { None };
    let seen = store.observations(ran.as_ref().unwrap_or(step).id)?;
    parts.extend(seen.into_iter().map(part_of_observation));
    Ok(parts)
}

/// An observation's first line is its state; what follows is the text of a small file.
fn part_of_observation(seen: Observation) -> KeyPart {
    let (state, text) = match seen.state.split_once('\n') {
        Some((state, text)) => (state, Some(text)),
        None => (seen.state.as_str(), None),
    };
    let is_variable = seen.label.starts_with(VARIABLE);
    let shown = match text {
        None if is_variable && state != "absent" => "(redacted)",
        None => state,
        Some(text) => text,
    };
    let digest = Digest::of(state.as_bytes());
    KeyPart { digest, shown: Some(shown.to_owned()), label: seen.label }
}

fn changes(before: Vec<KeyPart>, after: Vec<KeyPart>) -> Vec<Change> {
    let by_label = |parts: Vec<KeyPart>| -> BTreeMap<String, KeyPart> {
        parts.into_iter().map(|part| (part.label.clone(), part)).collect()
    };
    let (mut before, mut after) = (by_label(before), by_label(after));
    let labels: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    let changes = labels
        .into_iter()
        .map(|label| {
            let (before, after) = (before.remove(&label), after.remove(&label));
            Change { label, before, after }
        })
        .filter(Change::is_one)
        .collect();
    without_summaries(changes)
}

/// How the labels of pieces of code begin; see [`StepBody::notes`](crate::StepBody::notes).
const PIECES: [&str; 7] =
    ["attribute ", "class ", "defaults ", "function ", "module ", "package ", "variable "];

/// Leaves out that the code as a whole is another where it is said which piece of it is.
fn without_summaries(changes: Vec<Change>) -> Vec<Change> {
    let is_piece = |change: &Change| PIECES.iter().any(|piece| change.label.starts_with(piece));
    let is_summary =
        |change: &Change| change.label == "code" || change.label.starts_with("code of ");
    let is_told = changes.iter().any(is_piece);
    changes.into_iter().filter(|change| !(is_told && is_summary(change))).collect()
}

impl Change {
    fn is_one(&self) -> bool {
        let digest = |part: &Option<KeyPart>| part.as_ref().map(|part| part.digest);
        digest(&self.before) != digest(&self.after)
    }

    /// The lines that are others, where both texts are known and one has several lines.
    #[must_use]
    pub fn diff(&self) -> Option<String> {
        let before = self.before.as_ref()?.shown.as_deref()?;
        let after = self.after.as_ref()?.shown.as_deref()?;
        if !before.contains('\n') && !after.contains('\n') {
            return None;
        }
        let diff = TextDiff::from_lines(before, after);
        let mut lines = Vec::new();
        for group in diff.grouped_ops(CONTEXT_LINES) {
            for operation in &group {
                lines.extend(diff.iter_changes(operation).map(|change| {
                    format!("{}{}", change.tag(), change.value().trim_end_matches('\n'))
                }));
            }
        }
        Some(lines.join("\n"))
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step `{}` of run {} ", printable(&self.step.label()), self.step.run)?;
        let previous = self.previous.as_ref().map_or(RunId(0), |step| step.run);
        match &self.reason {
            Reason::Cached => write!(f, "did not run: its result was known from run {previous}"),
            Reason::Skipped => f.write_str("did not run: something before it failed"),
            Reason::First => f.write_str("ran: no earlier run had completed it"),
            Reason::Repeated => write!(
                f,
                "ran although nothing had changed since run {previous}: \
                its cache is off, or its outputs, or files that it had written for others, were \
                changed"
            ),
            Reason::Same => write!(f, "depends on nothing else than in run {previous}"),
            Reason::Changed(changes) => {
                let did = if self.step.cached { "did not run" } else { "ran" };
                write!(f, "{did}: since run {previous}")?;
                changes.iter().try_for_each(|change| write!(f, "\n  {change}"))
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = printable(&self.label);
        if let Some(diff) = self.diff() {
            write!(f, "{label} changed:")?;
            return diff.lines().try_for_each(|line| write!(f, "\n    {}", printable(line)));
        }
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{label} is new: {}", shown(after)),
            (Some(before), None) => write!(f, "{label} is gone: {}", shown(before)),
            (Some(before), Some(after)) if shown(before) == shown(after) => {
                write!(f, "{label} changed")
            }
            (Some(before), Some(after)) => {
                write!(f, "{label} changed from {} to {}", shown(before), shown(after))
            }
            (None, None) => f.write_str(&label),
        }
    }
}

fn shown(part: &KeyPart) -> String {
    match &part.shown {
        // A digest of an input tells no more than its first digits.
        Some(text)
            if [32, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit()) =>
        {
            format!("`{}`", &text[..8])
        }
        Some(text) if text.contains('\n') => format!("`{} ...`", printable(first_line(text))),
        Some(text) => format!("`{}`", printable(text)),
        None => format!("`{}`", part.digest.short()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
