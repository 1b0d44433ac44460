//! The engine: a store and how many steps run side by side.

use std::sync::Arc;
use std::thread;

use cannery_store::{NewRun, Store};

use crate::options::RunOptions;
use crate::{Executor, InProcess, Observer, Result, Run};

/// Runs pipelines on a store.
#[derive(Clone, Debug)]
pub struct Engine {
    store: Store,
    pub(crate) options: RunOptions,
}

impl Engine {
    /// An engine that keeps every core busy when there are steps enough.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let options = RunOptions {
            workers: cores - 1,
            executor: Arc::new(InProcess),
            observer: None,
            keep_going: false,
            is_dry: false,
        };
        Self { store, options }
    }

    /// Sets how many threads run steps besides the one that waits; with 0, steps run one after
    /// another on the thread that waits.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.options.workers = workers;
        self
    }

    /// Sets where the work of steps is done, instead of on the threads of this process.
    #[must_use]
    pub fn executor(mut self, executor: Arc<dyn Executor>) -> Self {
        self.options.executor = executor;
        self
    }

    /// Sets who is told what happens to steps.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.options.observer = Some(observer);
        self
    }

    /// Whether steps that do not need one that has failed run all the same.
    #[must_use]
    pub fn keep_going(mut self, keep_going: bool) -> Self {
        self.options.keep_going = keep_going;
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
        let (pipeline, params) = (pipeline.into(), params.into());
        self.begin(&NewRun { pipeline, params, code_version, ..NewRun::default() })
    }

    /// Begins a run.
    ///
    /// # Errors
    /// [`ErrorKind::Permission`](crate::ErrorKind::Permission) when the store is read-only,
    /// [`ErrorKind::Value`](crate::ErrorKind::Value) for what cannot be a tag.
    pub fn begin(&self, run: &NewRun) -> Result<Run> {
        // Held until the run ends; the run's own handle does not outlast it.
        let store = self.store.held();
        let id = store.begin_run(run)?;
        Ok(Run::new(&store, id, &run.pipeline, self.options.clone()))
    }

    /// Begins a run in which no step runs and of which nothing is recorded: it tells which results
    /// are known ([`Run::plan`]).
    #[must_use]
    pub fn rehearse(&self) -> Run {
        let options = RunOptions { is_dry: true, keep_going: true, ..self.options.clone() };
        Run::new(&self.store.held(), cannery_store::RunId(0), "", options)
    }
}
