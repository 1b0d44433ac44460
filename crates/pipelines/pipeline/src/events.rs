//! What an observer is told of a run's steps while they run.

use std::fmt;
use std::time::Duration;

use crate::Error;

/// Something that happened to a step.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum StepEvent<'a> {
    /// It begins to run.
    Began,
    /// Its result was known.
    Cached,
    /// It has run.
    Completed(Duration),
    /// It has failed.
    Failed(&'a Error),
    /// It was tried that often and is tried again after a pause.
    Retrying(u32, Duration, &'a Error),
    /// It takes longer than its timeout, and cannot be ended.
    Late(Duration),
    /// It has printed this.
    Printed(&'a [u8]),
}

/// Who is told, from any thread. Steps wait for it.
pub trait Observer: Send + Sync {
    /// Something happened to the step of this label (`train`, `train-2`).
    fn notice(&self, label: &str, event: StepEvent<'_>);
}

impl fmt::Debug for dyn Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
