//! What a step's body sees of its run.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cannery_store::{ArtifactRecord, Digest, RunId, ScratchFolder, StepId, Store, step_label};

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
    folders: Mutex<OutputFolders>,
    log: OnceLock<PathBuf>,
}

/// Where the folders for outputs are made.
#[derive(Debug)]
enum OutputFolders {
    /// In the store's scratch, gone when the step ends.
    Scratch(Vec<ScratchFolder>),
    /// In the folder of a task, as many as that.
    OfTask(PathBuf, usize),
}

impl StepContext {
    pub(crate) fn new(
        store: Store,
        (run, pipeline): (RunId, Arc<str>),
        (name, invocation): (String, u32),
        arguments: Vec<(String, Argument)>,
        cancelled: Arc<AtomicBool>,
    ) -> Self {
        let folders = Mutex::new(OutputFolders::Scratch(Vec::new()));
        let log = OnceLock::new();
        Self { store, run, pipeline, name, invocation, arguments, cancelled, folders, log }
    }

    /// The same in a worker process: with a folder for its outputs, and the file of its log.
    pub(crate) fn in_worker(self, output: PathBuf, log: PathBuf) -> Self {
        let folders = Mutex::new(OutputFolders::OfTask(output, 0));
        Self { folders, log: log.into(), ..self }
    }

    /// Names the file of the step's log, when the step begins.
    pub(crate) fn begin_log(&self, id: StepId) -> Result<()> {
        let path = self.store.live_log(id)?;
        self.log.get_or_init(|| path);
        Ok(())
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

    /// How it is called in its run: `train`, and `train-2` for the second of that name.
    #[must_use]
    pub fn label(&self) -> String {
        step_label(&self.name, self.invocation)
    }

    /// A new, empty folder for an output; gone when the step ends.
    pub fn output_folder(&self) -> Result<PathBuf> {
        match &mut *self.folders.lock().unwrap_or_else(PoisonError::into_inner) {
            OutputFolders::Scratch(folders) => {
                let folder = self.store.scratch_folder()?;
                let path = folder.path().to_owned();
                folders.push(folder);
                Ok(path)
            }
            OutputFolders::OfTask(folder, count) => {
                let path = folder.join(count.to_string());
                *count += 1;
                fs::create_dir(&path)
                    .map_err(|e| Error::io(e, format!("cannot make `{}`", path.display())))?;
                Ok(path)
            }
        }
    }

    /// Adds to the step's log, which is kept with its record.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn log(&self, text: &str) -> Result<()> {
        let path = self.log_path()?;
        let file = File::options().append(true).create(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|e| Error::io(e, format!("cannot write the log `{}`", path.display())))
    }

    /// The file that what the step prints is added to; it need not be there yet.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] before the step runs, while its key is made.
    pub fn log_path(&self) -> Result<PathBuf> {
        let message = || format!("step `{}` does not run yet, and has no log", self.name);
        self.log.get().cloned().ok_or_else(|| Error::new(ErrorKind::Value, message()))
    }

    /// Whether the run was stopped: a long step may look from time to time.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Keeps the log's bytes in the store, if there are any.
    pub(crate) fn keep_log(&self) -> Result<Option<Digest>> {
        let Some(path) = self.log.get() else { return Ok(None) };
        if path.metadata().map_or(0, |found| found.len()) == 0 {
            return Ok(None);
        }
        let blob = self.store.blobs().put_file(path)?;
        // What stays is removed with the process's folder.
        let _ = fs::remove_file(path);
        Ok(Some(blob.digest))
    }

    /// Whether a folder is one of [`output_folder`](Self::output_folder), or in one.
    pub(crate) fn owns(&self, folder: &std::path::Path) -> bool {
        match &*self.folders.lock().unwrap_or_else(PoisonError::into_inner) {
            OutputFolders::Scratch(folders) => {
                folders.iter().any(|own| folder.starts_with(own.path()))
            }
            OutputFolders::OfTask(own, _) => folder.starts_with(own),
        }
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
