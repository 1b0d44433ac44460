//! Waiting for what services answer.

use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cannery_core::{Error, ErrorKind, Result};
use tokio::runtime::{Builder, Runtime};

/// The threads that speak to services, and the process that they belong to.
static RUNTIME: Mutex<Option<(u32, Arc<Runtime>)>> = Mutex::new(None);

/// What the program does while it waits.
static WAITING: OnceLock<Waiting> = OnceLock::new();

/// How often that is asked while an answer is waited for.
const ASKED_EVERY: Duration = Duration::from_millis(100);

/// How a program waits for services, see [`set_waiting`].
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Calls the function, which waits: without locks that others need meanwhile.
    pub without_locks: fn(&mut dyn FnMut()),
    /// Asked every tenth of a second: whether the user wants to stop.
    pub is_interrupted: fn() -> bool,
}

/// Sets how this program waits for services; the first one counts.
pub fn set_waiting(waiting: Waiting) {
    let _ = WAITING.set(waiting);
}

/// The threads of this process: a child that was forked has none of its parent's.
pub(super) fn runtime() -> Result<Arc<Runtime>> {
    let mut found = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    match found.take() {
        Some((owner, runtime)) if owner == process => {
            return Ok(Arc::clone(&found.insert((process, runtime)).1));
        }
        // Its threads are not there to be waited for.
        Some((_, parents)) => std::mem::forget(parents),
        None => {}
    }
    let made =
        Builder::new_multi_thread().worker_threads(2).thread_name("cannery").enable_all().build();
    let made = made.map_err(|e| Error::io(e, "cannot start threads for the network"))?;
    Ok(Arc::clone(&found.insert((process, Arc::new(made))).1))
}

/// Waits for an answer.
pub(super) fn block_on<T>(answer: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = runtime()?;
    let waiting = WAITING.get();
    let is_interrupted = || waiting.is_some_and(|waiting| (waiting.is_interrupted)());
    let mut answer = pin!(answer);
    let mut found = None;
    let mut wait = || {
        let answer = runtime.block_on(async {
            loop {
                if let Ok(answer) = tokio::time::timeout(ASKED_EVERY, &mut answer).await {
                    return answer;
                }
                if is_interrupted() {
                    return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
                }
            }
        });
        found = Some(answer);
    };
    match waiting {
        Some(waiting) => (waiting.without_locks)(&mut wait),
        None => wait(),
    }
    found.unwrap_or_else(|| Err(Error::new(ErrorKind::Interrupted, "nothing was waited for")))
}
