//! The error of a run: a step's error, shared by everybody who waits for it.

use std::fmt;
use std::sync::Arc;

use crate::{Error, ErrorKind};

/// Why a step has no result, or a run did not complete.
///
/// Several wait for one step, so its error is shared. The host's own exception is the
/// [`source`](std::error::Error::source) of [`error`](Self::error), to be downcast by the host.
#[derive(Clone, Debug)]
pub struct RunError {
    step: Option<String>,
    error: Arc<Error>,
}

impl RunError {
    pub(crate) fn in_step(step: String, error: Error) -> Self {
        Self { step: Some(step), error: Arc::new(error) }
    }

    /// The same in words, without the host's exception.
    pub(crate) fn without_source(&self) -> Self {
        let told = Error::new(self.error.kind(), self.error.message().to_owned());
        let told = self.error.hint().map(str::to_owned).into_iter().fold(told, Error::with_hint);
        Self { step: self.step.clone(), error: Arc::new(told) }
    }

    /// The step in which it happened, as it is called in its run (`make_page`, `make_page-2`);
    /// nothing when it happened outside of every step.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }

    /// What happened.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// The whole report: where and what, and below it the hint.
    #[must_use]
    pub fn report(&self) -> String {
        match self.error.hint() {
            Some(hint) => format!("{self}\n\nhint: {hint}"),
            None => self.to_string(),
        }
    }
}

impl From<Error> for RunError {
    fn from(error: Error) -> Self {
        Self { step: None, error: Arc::new(error) }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "step `{step}` failed: {}", self.error),
            None => self.error.fmt(f),
        }
    }
}

impl std::error::Error for RunError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.step.as_ref().map(|_| &*self.error as _)
    }
}
