//! Calls of steps: what `#[step]` writes uses these.

use cannery_pipeline::{
    Argument, Error, ErrorKind, FnStep, Input, Result, RunError, StepCall, StepContext,
};
use cannery_store::ArtifactRecord;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::run::{Artifact, Steps, Stored};
use crate::stored;

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its name in the store.
    pub name: &'static str,
    /// The module that it is written in.
    pub module: &'static str,
    /// The digest of its code.
    pub fingerprint: &'static str,
    /// What its author calls this version; may be empty.
    pub version: &'static str,
}

/// An argument of a step: a value, or an artifact of one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Given<T> {
    /// A value.
    Value(T),
    /// What another step of the run gives.
    Output(Artifact<T>),
    /// A stored artifact.
    Stored(Box<ArtifactRecord>),
}

impl<T> From<T> for Given<T> {
    fn from(value: T) -> Self {
        Self::Value(value)
    }
}

impl From<&str> for Given<String> {
    fn from(value: &str) -> Self {
        Self::Value(value.to_owned())
    }
}

impl<T> From<Artifact<T>> for Given<T> {
    fn from(artifact: Artifact<T>) -> Self {
        Self::Output(artifact)
    }
}

impl<T> From<Stored<T>> for Given<T> {
    fn from(artifact: Stored<T>) -> Self {
        Self::Stored(Box::new(artifact.record))
    }
}

/// A call of a step, in the making.
#[derive(Debug)]
pub struct Call {
    info: &'static StepInfo,
    inputs: Vec<(&'static str, Input)>,
}

impl Call {
    /// A call without arguments.
    #[must_use]
    pub fn new(info: &'static StepInfo) -> Self {
        Self { info, inputs: Vec::new() }
    }

    /// Adds an argument.
    ///
    /// # Errors
    /// Those of serde, for a value that cannot be written.
    pub fn argument<T: Serialize>(
        mut self,
        name: &'static str,
        given: Given<T>,
    ) -> Result<Self, RunError> {
        let input = match given {
            Given::Value(value) => Input::Literal(stored::document(&value)?.into()),
            Given::Output(artifact) => artifact.step.into(),
            Given::Stored(artifact) => Input::Stored(artifact),
        };
        self.inputs.push((name, input));
        Ok(self)
    }

    /// Adds the call to a run; `function` reads the arguments and does the step's work.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] when the run has ended.
    pub fn submit<T: Serialize>(
        self,
        steps: &Steps,
        function: impl Fn(&Inputs<'_>) -> Result<T> + Send + Sync + 'static,
    ) -> Result<Artifact<T>, RunError> {
        let StepInfo { module, fingerprint, version, .. } = self.info;
        let code = format!("rust {module} {fingerprint} {version}");
        let body = FnStep::new(code.trim_end(), move |context| {
            let value = function(&Inputs(context))?;
            Ok(stored::written(&value)?.into())
        });
        let call = StepCall::new(self.info.name, body);
        let call =
            self.inputs.into_iter().fold(call, |call, (name, input)| call.input(name, input));
        Ok(Artifact::new(steps.run.submit(call)?))
    }
}

/// The arguments of a step that runs.
#[derive(Debug)]
pub struct Inputs<'a>(&'a StepContext);

impl Inputs<'_> {
    /// Reads an argument.
    ///
    /// # Errors
    /// [`ErrorKind::Type`] where something else is stored than the type asks for; the message
    /// names the argument.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let arguments = self.0.arguments();
        let found = arguments.iter().find(|(argument, _)| argument == name);
        let value = match found.map(|(_, value)| value) {
            Some(Argument::Literal(bytes)) => cannery::from_slice_tagged(bytes, "json"),
            Some(Argument::Artifact(artifact)) => stored::read(self.0.store(), artifact),
            _ => {
                let message = format!("step `{}` was given no `{name}`", self.0.step());
                Err(Error::new(ErrorKind::NotFound, message))
            }
        };
        value.map_err(|error| {
            let message = format!("{}({name}): {error}", self.0.step());
            let wrapped = Error::new(error.kind(), message);
            error.hint().map(str::to_owned).into_iter().fold(wrapped, Error::with_hint)
        })
    }
}

/// The error of a step's own function.
pub fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    Error::new(ErrorKind::Host, error.to_string())
}
