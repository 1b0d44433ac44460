//! What steps looked at outside of the store while they ran: files, environment variables.

use rusqlite::{Connection, Row, Transaction, params};

use super::rows::{FromRow, all, lossy, name};
use super::{Observation, StepId};
use crate::{Result, Store};

impl Store {
    /// What a step looked at while it ran, by label.
    pub fn observations(&self, step: StepId) -> Result<Vec<Observation>> {
        self.catalog()
            .read("look up what the step looked at", |catalog| observations(catalog, step))
    }
}

/// Records what a step has looked at, with its end: its result must never be known without what
/// it depends on.
pub(super) fn record(
    catalog: &Transaction<'_>,
    step: StepId,
    seen: &[Observation],
) -> rusqlite::Result<()> {
    let mut insert =
        catalog.prepare_cached("INSERT OR REPLACE INTO observations VALUES (?, ?, ?)")?;
    for observation in seen {
        insert.execute(params![step.0, observation.label, observation.state])?;
    }
    Ok(())
}

pub(super) fn observations(
    catalog: &Connection,
    step: StepId,
) -> rusqlite::Result<Vec<Observation>> {
    all(catalog, "SELECT label, state FROM observations WHERE step = ? ORDER BY label", [step.0])
}

impl FromRow for Observation {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { label: name(row, "label")?, state: lossy(row, "state")? })
    }
}
