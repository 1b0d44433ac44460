//! What a step's body sees of its run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cannery_store::{ArtifactRecord, RunId, ScratchFolder, Store};

use crate::{Error, ErrorKind, Result};

/// An input of a step, resolved.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Argument {
    /// A stored artifact.
    Artifact(Box<ArtifactRecord>),
    /// A parameter's bytes.
    Literal(Arc<[u8]>),
}

/// What a step's body sees of its run.
#[derive(Debug)]
pub struct StepContext {
    pub(crate) store: Store,
    pub(crate) run: RunId,
    pub(crate) pipeline: Arc<str>,
    pub(crate) name: String,
    pub(crate) invocation: u32,
    pub(crate) arguments: Vec<(String, Argument)>,
    pub(crate) cancelled: Arc<AtomicBool>,
    folders: Mutex<Vec<ScratchFolder>>,
    log: Mutex<String>,
}

impl StepContext {
    pub(crate) fn new(
        store: Store,
        (run, pipeline): (RunId, Arc<str>),
        (name, invocation): (String, u32),
        arguments: Vec<(String, Argument)>,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        let (folders, log) = (Mutex::default(), Mutex::default());
        Self { store, run, pipeline, name, invocation, arguments, cancelled, folders, log }
    }

    /// The store of the run.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The run's number.
    #[must_use]
    pub fn run(&self) -> RunId {
        self.run
    }

    /// The step's name.
    #[must_use]
    pub fn step(&self) -> &str {
        &self.name
    }

    /// 1 for the first step of this name in the run, 2 for the next, ...
    #[must_use]
    pub fn invocation(&self) -> u32 {
        self.invocation
    }

    /// All inputs, in the order in which they were given.
    #[must_use]
    pub fn arguments(&self) -> &[(String, Argument)] {
        &self.arguments
    }

    /// The artifact given for `argument`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none of that name.
    pub fn artifact(&self, argument: &str) -> Result<&ArtifactRecord> {
        match self.argument(argument)? {
            Argument::Artifact(artifact) => Ok(artifact),
            Argument::Literal(_) => Err(self.no_argument("artifact", argument)),
        }
    }

    /// The bytes of the parameter given for `argument`.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is none of that name.
    pub fn literal(&self, argument: &str) -> Result<&[u8]> {
        match self.argument(argument)? {
            Argument::Literal(bytes) => Ok(bytes),
            Argument::Artifact(_) => Err(self.no_argument("parameter", argument)),
        }
    }

    /// Reads one file of the artifact given for `argument`.
    pub fn read(&self, argument: &str, file: &str) -> Result<Vec<u8>> {
        self.store.read(self.artifact(argument)?.digest, file)
    }

    /// The artifact given for `argument`, as a folder to read from.
    pub fn folder(&self, argument: &str) -> Result<PathBuf> {
        self.store.view(self.artifact(argument)?.digest)
    }

    /// A new, empty folder for an output; gone when the step ends.
    pub fn output_folder(&self) -> Result<PathBuf> {
        let folder = self.store.scratch_folder()?;
        let path = folder.path().to_owned();
        self.folders.lock().unwrap_or_else(PoisonError::into_inner).push(folder);
        Ok(path)
    }

    /// Adds to the step's log, which is kept with its record.
    pub fn log(&self, text: &str) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }

    /// Whether the run was stopped: a long step may look from time to time.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(crate) fn take_log(&self) -> String {
        std::mem::take(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether a folder is one of [`output_folder`](Self::output_folder), or in one.
    pub(crate) fn owns(&self, folder: &std::path::Path) -> bool {
        let folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
        folders.iter().any(|own| folder.starts_with(own.path()))
    }

    fn argument(&self, argument: &str) -> Result<&Argument> {
        let found = self.arguments.iter().find(|(name, _)| name == argument);
        found.map(|(_, value)| value).ok_or_else(|| self.no_argument("argument", argument))
    }

    #[cold]
    fn no_argument(&self, what: &str, argument: &str) -> Error {
        let names: Vec<_> = self.arguments.iter().map(|(name, _)| name.as_str()).collect();
        let message = format!("step `{}` was given no {what} `{argument}`", self.name);
        Error::new(ErrorKind::NotFound, message)
            .with_hint(format!("its arguments are: {}", names.join(", ")))
    }
}
