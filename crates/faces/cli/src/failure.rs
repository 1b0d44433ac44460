//! Why a command could not complete, and how that is said.

use std::io;

use cannery::{Error, ErrorKind};

use crate::console::Style;
use crate::{Console, ExitStatus};

/// Why a command could not complete.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell.
    Error(Error),
    /// Nobody reads the results any more; that is no error (`cannery cat big.json | head`).
    BrokenPipe,
}

impl Failure {
    /// Tells it, and says how the command ended.
    pub(crate) fn report(self, console: &mut Console<'_>) -> ExitStatus {
        match self {
            Failure::BrokenPipe => ExitStatus::Success,
            Failure::Error(error) if error.kind() == ErrorKind::Interrupted => {
                ExitStatus::Interrupted
            }
            Failure::Error(error) => {
                console.complain(Style::Bad, "error", &error);
                if let Some(hint) = error.hint() {
                    console.complain(Style::Hint, "hint", hint);
                }
                ExitStatus::Incomplete
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let source = std::error::Error::source(&error);
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        match io {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::Error(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Error::io(error, "cannot write the results").into()
    }
}
