//! Where a step's work is done: on the thread that takes it, or elsewhere.

use std::fmt;
use std::time::{Duration, Instant};

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
    pub deadline: Option<Deadline>,
    /// Told of what it prints, as far as the executor does not let it print itself.
    pub printed: &'a (dyn Fn(&[u8]) + Sync),
}

/// When a step must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    timeout: Duration,
}

impl Deadline {
    /// That time from now; `None` if it is longer than can be counted.
    #[must_use]
    pub fn after(timeout: Duration) -> Option<Self> {
        Some(Self { at: Instant::now().checked_add(timeout)?, timeout })
    }

    /// Whether it is over.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        Instant::now() > self.at
    }

    /// The error of a step that took longer.
    #[must_use]
    pub fn exceeded(&self, what_then: &str) -> Error {
        let message = format!("it took longer than its timeout of {:?}, {what_then}", self.timeout);
        Error::new(ErrorKind::Timeout, message)
    }
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
            Some(deadline) if deadline.has_passed() => {
                Err(deadline.exceeded("and ended only now").with_hint(
                    "a thread cannot be ended; `executor=\"processes\"` ends a step in time",
                ))
            }
            _ => Ok(outputs),
        }
    }
}
