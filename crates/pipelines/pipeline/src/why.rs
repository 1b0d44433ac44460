//! Why a step ran, or did not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use cannery_core::printable;
use cannery_store::{Digest, KeyPart, RunId, StepRecord, StepStatus, Store};

use crate::{Error, ErrorKind, Result};

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
    /// It ran although its key was known: its cache is off, or its outputs were damaged.
    Repeated,
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
    parts.extend(seen.into_iter().map(|observation| KeyPart {
        digest: Digest::of(observation.state.as_bytes()),
        label: observation.label,
        shown: Some(observation.state),
    }));
    Ok(parts)
}

fn changes(before: Vec<KeyPart>, after: Vec<KeyPart>) -> Vec<Change> {
    let by_label = |parts: Vec<KeyPart>| -> BTreeMap<String, KeyPart> {
        parts.into_iter().map(|part| (part.label.clone(), part)).collect()
    };
    let (mut before, mut after) = (by_label(before), by_label(after));
    let labels: BTreeSet<_> = before.keys().chain(after.keys()).cloned().collect();
    labels
        .into_iter()
        .map(|label| {
            let (before, after) = (before.remove(&label), after.remove(&label));
            Change { label, before, after }
        })
        .filter(|change| change.before != change.after)
        .collect()
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
                its cache is off, or its outputs were damaged"
            ),
            Reason::Changed(changes) => {
                write!(f, "ran: since run {previous}")?;
                changes.iter().try_for_each(|change| write!(f, "\n  {change}"))
            }
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = printable(&self.label);
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{label} is new: {}", shown(after)),
            (Some(before), None) => write!(f, "{label} is gone: {}", shown(before)),
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
        Some(text) if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("`{}`", &text[..8])
        }
        Some(text) => format!("`{}`", printable(text)),
        None => format!("`{}`", part.digest.short()),
    }
}
