//! What came out of a step.

use cannery_core::{Error, ErrorKind};
use cannery_store::{ArtifactRecord, StepId};

/// What came out of a step.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StepOutcome {
    /// The step's number in the store, if it ran.
    pub id: Option<StepId>,
    /// Whether its result was known and it did not run.
    pub cached: bool,
    /// Its outputs, by name; the only one has the empty name.
    pub outputs: Vec<(String, ArtifactRecord)>,
}

impl StepOutcome {
    /// The output of this name; the only one has the empty name.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&ArtifactRecord> {
        self.outputs.iter().find(|(output, _)| output == name).map(|(_, artifact)| artifact)
    }
}

/// The error of a step that was not to end.
#[cold]
pub(crate) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the run was interrupted")
        .with_hint("run it again: finished steps are not repeated")
}
