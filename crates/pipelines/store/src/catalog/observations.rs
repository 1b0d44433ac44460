//! What steps looked at outside of the store while they ran: files, environment variables.

use rusqlite::{Connection, Row, params};

use super::rows::{FromRow, all, lossy, name};
use super::{Observation, StepId};
use crate::{Result, Store};

impl Store {
    /// Records what a step that runs has looked at. To be called before the step ends: its result
    /// must never be known without what it depends on.
    pub fn record_observations(&self, step: StepId, seen: &[Observation]) -> Result<()> {
        if seen.is_empty() {
            return Ok(());
        }
        self.catalog().write("record what the step looked at", |catalog| {
            let mut insert =
                catalog.prepare_cached("INSERT OR REPLACE INTO observations VALUES (?, ?, ?)")?;
            for observation in seen {
                insert.execute(params![step.0, observation.label, observation.state])?;
            }
            Ok(())
        })
    }

    /// What a step looked at while it ran, by label.
    pub fn observations(&self, step: StepId) -> Result<Vec<Observation>> {
        self.catalog()
            .read("look up what the step looked at", |catalog| observations(catalog, step))
    }
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
