//! Where a step's work is done: on the thread that takes it, or elsewhere.

use std::fmt;
use std::time::Instant;

use crate::{Error, ErrorKind, KeyParts, Outputs, Result, StepBody, StepContext, usage};

/// A step that is to be executed.
pub struct StepJob<'a> {
    /// What it does.
    pub body: &'a dyn StepBody,
    /// What it sees of its run.
    pub context: &'a StepContext,
    /// What its body said the result depends on.
    pub key_parts: &'a KeyParts,
    /// When it must have ended.
    pub deadline: Option<Instant>,
    /// Told of what it prints, as far as the executor does not let it print itself.
    pub printed: &'a (dyn Fn(&[u8]) + Sync),
}

/// Executes steps whose results are not known. The engine has looked for the result before, and
/// keeps outputs, logs and errors after, the same for every executor.
///
/// Called from several threads at once, one for each step that runs at a time.
pub trait Executor: Send + Sync + fmt::Debug {
    /// Executes a step.
    ///
    /// # Errors
    /// The step's own; [`ErrorKind::Timeout`](crate::ErrorKind::Timeout) after its deadline,
    /// [`ErrorKind::Worker`](crate::ErrorKind::Worker) where the executor could not do it.
    fn execute(&self, job: &StepJob<'_>) -> Result<Outputs>;

    /// Whether a step can be ended at its deadline; else it is only known to be late.
    fn can_end_steps(&self) -> bool {
        false
    }

    /// Ends what the executor has at work. Called once, after the run's last step or when the run
    /// is stopped.
    fn shut_down(&self) {}
}

/// Executes steps on the engine's own threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl Executor for InProcess {
    fn execute(&self, job: &StepJob<'_>) -> Result<Outputs> {
        let measuring = usage::Measuring::of_thread();
        let mut outputs = job.body.execute(job.context)?;
        outputs.usage = measuring.usage();
        match job.deadline {
            Some(deadline) if Instant::now() > deadline => Err(late()),
            _ => Ok(outputs),
        }
    }
}

#[cold]
fn late() -> Error {
    Error::new(ErrorKind::Timeout, "it took longer than its timeout, and ended only now").with_hint(
        "a thread cannot be ended from outside; `executor=\"processes\"` ends a step in time",
    )
}
