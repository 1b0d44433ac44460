//! A run of a pipeline whose steps are called from Rust.

use std::fmt;
use std::marker::PhantomData;

use cannery_pipeline::{Engine, NewRun, Result, Run, RunError, RunId, StepRef, Store};
use cannery_store::ArtifactRecord;
use serde::de::DeserializeOwned;

use crate::stored;

/// What a step gives, at once; its value is there when the step has ended.
pub struct Artifact<T> {
    pub(crate) step: StepRef,
    value: PhantomData<fn() -> T>,
}

impl<T> Artifact<T> {
    pub(crate) fn new(step: StepRef) -> Self {
        Self { step, value: PhantomData }
    }
}

impl<T> Clone for Artifact<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Artifact<T> {}

impl<T> fmt::Debug for Artifact<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Artifact({})", self.step.position())
    }
}

/// A stored artifact, to be given to a step.
#[derive(Clone, Debug)]
pub struct Stored<T> {
    /// What the store says of it.
    pub record: ArtifactRecord,
    value: PhantomData<fn() -> T>,
}

/// A run in progress, to which steps are added.
#[derive(Debug)]
pub struct Steps {
    pub(crate) run: Run,
}

impl Steps {
    /// The run's number.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.run.id()
    }

    /// The store of the run.
    #[must_use]
    pub fn store(&self) -> &Store {
        self.run.store()
    }

    /// A stored artifact as an argument of a step, by its path, `path@version` or `path@alias`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) when there is none.
    pub fn stored<T>(&self, name: &str) -> Result<Stored<T>> {
        let record = self.store().find_artifact(name)?;
        Ok(Stored { record, value: PhantomData })
    }

    /// Waits for a step, and reads its value.
    ///
    /// # Errors
    /// The step's own error, or that of one that it needs.
    pub fn load<T: DeserializeOwned>(&self, artifact: Artifact<T>) -> Result<T, RunError> {
        let outcome = self.run.wait(artifact.step, &mut || Ok(()))?;
        let record = outcome.output("").ok_or_else(stored::no_output)?;
        Ok(stored::read(self.store(), record)?)
    }
}

/// A run that has ended, and the artifact that its pipeline returned.
#[derive(Debug)]
pub struct Done<T> {
    /// The run's number.
    pub run: RunId,
    /// The artifact.
    pub artifact: ArtifactRecord,
    store: Store,
    cached: bool,
    value: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Done<T> {
    /// Reads the value.
    ///
    /// # Errors
    /// Those of the store, and [`ErrorKind::Type`](crate::ErrorKind::Type) where something else is
    /// stored than the type asks for.
    pub fn load(&self) -> Result<T> {
        stored::read(&self.store, &self.artifact)
    }

    /// Whether no step of the run has run, for all results were known.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        self.cached
    }
}

/// Runs a pipeline: `pipeline` calls its steps and returns the artifact that it is about.
///
/// # Errors
/// Those of `pipeline` and of its steps.
pub fn run<T>(
    store: &Store,
    name: &str,
    pipeline: impl FnOnce(&Steps) -> Result<Artifact<T>, RunError>,
) -> Result<Done<T>, RunError> {
    let about = NewRun { pipeline: name.to_owned(), params: "{}".to_owned(), ..NewRun::default() };
    run_with(&Engine::new(store.clone()), &about, pipeline)
}

/// Runs a pipeline on an engine of one's own, with parameters and tags that are recorded.
///
/// # Errors
/// Those of `pipeline` and of its steps.
pub fn run_with<T>(
    engine: &Engine,
    about: &NewRun,
    pipeline: impl FnOnce(&Steps) -> Result<Artifact<T>, RunError>,
) -> Result<Done<T>, RunError> {
    let store = engine.store().clone();
    let steps = Steps { run: engine.begin(about)? };
    let returned = pipeline(&steps).and_then(|artifact| {
        let outcome = steps.run.wait(artifact.step, &mut || Ok(()))?;
        Ok(outcome.output("").cloned().ok_or_else(stored::no_output)?)
    });
    match returned {
        Ok(artifact) => {
            steps.run.set_output(&reference(&artifact)?)?;
            steps.run.finish(&mut || Ok(()))?;
            let cached = store.steps(steps.id())?.iter().all(|step| step.cached);
            Ok(Done { run: steps.id(), artifact, store, cached, value: PhantomData })
        }
        Err(error) => {
            steps.run.fail(&error, &mut || Ok(()));
            Err(error)
        }
    }
}

/// What the run keeps as its output, as Python writes it.
fn reference(artifact: &ArtifactRecord) -> Result<String> {
    let version = (artifact.name.as_str(), artifact.version);
    cannery::to_string(&std::collections::BTreeMap::from([("$artifact", version)]), "json")
        .map(|text| text.trim_end().to_owned())
}
