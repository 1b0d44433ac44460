//! The engine: a store and how many steps run side by side.

use std::thread;

use cannery_store::{NewRun, Store};

use crate::{Result, Run};

/// Runs pipelines on a store.
#[derive(Clone, Debug)]
pub struct Engine {
    store: Store,
    workers: usize,
}

impl Engine {
    /// An engine that keeps every core busy when there are steps enough.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { store, workers: cores - 1 }
    }

    /// Sets how many threads run steps besides the one that waits; with 0, steps run one after
    /// another on the thread that waits.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The store it runs on.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Begins a run of the pipeline of this name. Its parameters, as JSON, and its code's version
    /// are kept for people; they are in no cache key.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`](crate::ErrorKind::Permission) when the store is read-only.
    pub fn begin_run(
        &self,
        pipeline: impl Into<String>,
        params: impl Into<String>,
        code_version: Option<String>,
    ) -> Result<Run> {
        let run = NewRun { pipeline: pipeline.into(), params: params.into(), code_version };
        // Held until the run ends; the run's own handle does not outlast it.
        let store = self.store.held();
        let id = store.begin_run(&run)?;
        Ok(Run::new(&store, id, &run.pipeline, self.workers))
    }
}
