//! What a step does.

use std::path::PathBuf;

use cannery_store::{Description, KeyPart, Observation, Usage};

use crate::{Error, ErrorKind, KeyParts, Result, StepContext, TaskBody};

/// What a step does: a Rust closure ([`FnStep`]), a Python function, or anything else.
///
/// Bodies are called from any thread, several at a time. A panic counts as a failure of the step.
pub trait StepBody: Send + Sync {
    /// What the result depends on besides the step's name and inputs: the code, the formats its
    /// outputs are stored in, the environment. The inputs are there to look at; their contents
    /// are parts of the key already.
    fn key_parts(&self, context: &StepContext) -> Result<KeyParts>;

    /// What is kept beside the key of a step that runs, for [`why`](crate::why) to compare: the
    /// pieces of its code by name, say, with their texts. They are no part of the key.
    fn notes(&self) -> Result<Vec<KeyPart>> {
        Ok(Vec::new())
    }

    /// Does the step's work.
    ///
    /// # Errors
    /// Any; a host's own exception travels as [`Error::host`](crate::Error::host), and
    /// [`ErrorKind::Interrupted`](crate::ErrorKind::Interrupted) ends the whole run.
    fn execute(&self, context: &StepContext) -> Result<Outputs>;

    /// Called now and then while the step waits for another process that computes its result; an
    /// error ends the wait.
    ///
    /// # Errors
    /// Whatever shall stop the run.
    fn poll(&self) -> Result<()> {
        Ok(())
    }

    /// Whether all that an earlier execution looked at outside of the store
    /// ([`Outputs::observed`]) is as it was. Only then its result is used again.
    fn is_unchanged(&self, seen: &[Observation]) -> Result<bool> {
        Ok(seen.is_empty())
    }

    /// The call as data, for another process to do.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when no other process can find the function, or be given the
    /// parameters.
    fn task(&self, context: &StepContext) -> Result<TaskBody> {
        let message = format!("step `{}` exists in this process only", context.step());
        Err(Error::new(ErrorKind::Unsupported, message).with_hint("run it in threads"))
    }

    /// Takes what the step's body in another process has noted ([`Outputs::with_notes`]).
    ///
    /// # Errors
    /// Any; the step has failed then.
    fn take_notes(&self, _notes: &[u8]) -> Result<()> {
        Ok(())
    }

    /// The host's own exception in an error, as bytes for another process.
    fn error_to_bytes(&self, _error: &Error) -> Vec<u8> {
        Vec::new()
    }

    /// An error with the host's own exception, from the bytes that another process sent.
    fn error_from_bytes(&self, _bytes: &[u8]) -> Option<Error> {
        None
    }
}

/// A step that is a Rust closure.
pub struct FnStep<F> {
    version: String,
    function: F,
}

impl<F> FnStep<F>
where
    F: Fn(&StepContext) -> Result<Outputs> + Send + Sync,
{
    /// A step that calls `function`. Rust cannot look into a closure: `version` stands for its
    /// code, and is to be changed whenever the result would be another.
    #[must_use]
    pub fn new(version: impl Into<String>, function: F) -> Self {
        Self { version: version.into(), function }
    }
}

impl<F> StepBody for FnStep<F>
where
    F: Fn(&StepContext) -> Result<Outputs> + Send + Sync,
{
    fn key_parts(&self, _: &StepContext) -> Result<KeyParts> {
        Ok(KeyParts::new().with("code", self.version.as_str()))
    }

    fn execute(&self, context: &StepContext) -> Result<Outputs> {
        (self.function)(context)
    }
}

impl StepBody for std::sync::Arc<dyn StepBody> {
    fn key_parts(&self, context: &StepContext) -> Result<KeyParts> {
        (**self).key_parts(context)
    }

    fn execute(&self, context: &StepContext) -> Result<Outputs> {
        (**self).execute(context)
    }
}

/// What came out of a step, still to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub(crate) name: String,
    pub(crate) source: OutputSource,
    pub(crate) about: Description,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OutputSource {
    Folder(PathBuf),
    File(PathBuf),
    Bytes(String, Vec<u8>),
}

impl Output {
    /// All files in a folder. In a folder of [`StepContext::output_folder`] they are moved into
    /// the store and must not change any more; elsewhere they are copied.
    #[must_use]
    pub fn folder(path: impl Into<PathBuf>, about: Description) -> Self {
        Self { name: String::new(), source: OutputSource::Folder(path.into()), about }
    }

    /// A copy of one file, under its own name.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>, about: Description) -> Self {
        Self { name: String::new(), source: OutputSource::File(path.into()), about }
    }

    /// One file, given as its name and its bytes.
    #[must_use]
    pub fn bytes(file: impl Into<String>, bytes: impl Into<Vec<u8>>, about: Description) -> Self {
        let source = OutputSource::Bytes(file.into(), bytes.into());
        Self { name: String::new(), source, about }
    }

    /// Names it, when a step has several outputs; its artifact's path is then
    /// `pipeline/step.name`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// All that came out of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    pub(crate) items: Vec<Output>,
    pub(crate) observations: Vec<Observation>,
    pub(crate) usage: Usage,
    pub(crate) notes: Vec<u8>,
}

impl Outputs {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an output.
    #[must_use]
    pub fn with(mut self, output: Output) -> Self {
        self.items.push(output);
        self
    }

    /// Says what the step looked at outside of the store (a file, an environment variable) and
    /// how it was; see [`StepBody::is_unchanged`].
    #[must_use]
    pub fn observed(mut self, label: impl Into<String>, state: impl Into<String>) -> Self {
        self.observations.push(Observation { label: label.into(), state: state.into() });
        self
    }

    /// What the body in the process of the run is to be told; see [`StepBody::take_notes`].
    #[must_use]
    pub fn with_notes(mut self, notes: impl Into<Vec<u8>>) -> Self {
        self.notes = notes.into();
        self
    }
}

impl From<Output> for Outputs {
    fn from(output: Output) -> Self {
        Self::new().with(output)
    }
}

impl FromIterator<Output> for Outputs {
    fn from_iter<I: IntoIterator<Item = Output>>(outputs: I) -> Self {
        Self { items: outputs.into_iter().collect(), ..Self::default() }
    }
}
