//! A run: steps come in, threads take them, results go out.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use cannery_store::{NewStep, RunId, RunStatus, SkippedStep, Store, Timestamp};

use crate::execute::{CachedSteps, Execution, find_output};
use crate::options::RunOptions;
use crate::outcome::{StepOutcome, interrupted};
use crate::schedule::{InputsOfSkipped, Schedule, StepResult};
use crate::{Argument, Error, ErrorKind, Input, Result, RunError, StepCall, StepRef};

/// How often a waiting thread lets its host look for signals.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Called at least every 50 ms by a thread that waits; an error stops the run.
///
/// While that thread does a step itself it is not called: the step's own code looks for signals,
/// as Python's does.
pub type Poll<'a> = &'a mut dyn FnMut() -> Result<()>;

/// What would become of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plan {
    /// Its result is known.
    Known,
    /// It would run.
    Runs,
    /// It needs one that would run, and may be known then.
    Depends,
    /// Its key cannot be made.
    Fails,
}

/// A run that has begun.
///
/// Steps run on the thread that [`wait`](Self::wait)s, and on further threads when more than one
/// is ready. A run that is dropped before it [`finish`](Self::finish)ed counts as interrupted.
pub struct Run {
    shared: Arc<Shared>,
}

struct Shared {
    /// Keeps nothing open by itself.
    store: Store,
    id: RunId,
    pipeline: Arc<str>,
    cached: CachedSteps,
    options: RunOptions,
    cancelled: Arc<AtomicBool>,
    state: Mutex<RunState>,
    changed: Condvar,
}

#[derive(Default)]
struct RunState {
    schedule: Schedule,
    /// Host threads that wait: they take what they need before workers do.
    waiting: usize,
    workers: usize,
    idle_workers: usize,
    threads: Vec<JoinHandle<()>>,
    /// Keeps the store open until the run has ended.
    held: Option<Store>,
    is_closed: bool,
}

impl Run {
    pub(crate) fn new(store: &Store, id: RunId, pipeline: &str, options: RunOptions) -> Self {
        let state = RunState { held: Some(store.held()), ..RunState::default() };
        let shared = Shared {
            store: store.dormant(),
            id,
            pipeline: pipeline.into(),
            cached: CachedSteps::default(),
            options,
            cancelled: Arc::default(),
            state: Mutex::new(state),
            changed: Condvar::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> RunId {
        self.shared.id
    }

    /// The store it is recorded in.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Adds a step. It begins when its inputs are there and a caller waits, or another thread is
    /// free.
    ///
    /// # Errors
    /// [`ErrorKind::Value`] for an argument that comes twice, [`ErrorKind::Reference`] for the
    /// step of another run, [`ErrorKind::Interrupted`] when the run has ended.
    pub fn submit(&self, call: StepCall) -> Result<StepRef> {
        let mut state = self.shared.lock();
        call.check(state.schedule.len())?;
        if state.is_closed {
            let message = format!("run {} has ended: step `{}` is too late", self.id(), call.name);
            return Err(Error::new(ErrorKind::Interrupted, message));
        }
        let step = StepRef(state.schedule.add(call));
        self.shared.employ(&mut state);
        Ok(step)
    }

    /// Waits until a step has ended, doing what it needs in the meantime, and its result is safe
    /// from a loss of power.
    ///
    /// # Errors
    /// The step's own error, or that of a step it needs; and what `poll` returns.
    pub fn wait(&self, step: StepRef, poll: Poll<'_>) -> Result<StepOutcome, RunError> {
        let outcome = self.shared.work_until(
            poll,
            |schedule| schedule.result(step.0),
            |schedule| schedule.take_for(step.0),
        )??;
        // Who is told of a result may rely on it.
        self.shared.store.settle()?;
        Ok(outcome)
    }

    /// How a step ended; nothing while it has not.
    #[must_use]
    pub fn outcome(&self, step: StepRef) -> Option<Result<StepOutcome, RunError>> {
        self.shared.lock().schedule.result(step.0)
    }

    /// How a step is called in this run: `make_page`, and `make_page-2` for the second.
    #[must_use]
    pub fn label(&self, step: StepRef) -> String {
        self.shared.lock().schedule.step(step.0).label()
    }

    /// Stops the run: no further step begins, and those that wait get an error.
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// Does all steps that are left and records the run's end.
    ///
    /// # Errors
    /// The first error of any step; steps that have not begun by then are skipped.
    pub fn finish(&self, poll: Poll<'_>) -> Result<(), RunError> {
        match self.finish_steps(poll) {
            Ok(()) => Ok(self.shared.close(RunStatus::Completed, None)?),
            Err(error) => {
                self.fail(&error, poll);
                Err(error)
            }
        }
    }

    /// Does all steps that are left; the run goes on.
    ///
    /// # Errors
    /// The first error of any step: of one that failed before, when the run
    /// [keeps going](crate::Engine::keep_going).
    pub fn finish_steps(&self, poll: Poll<'_>) -> Result<(), RunError> {
        let keeps_going = self.shared.options.keep_going;
        let done = self.shared.work_until(
            poll,
            |schedule| {
                let is_done = schedule.ready() == 0 && schedule.running().is_empty();
                match schedule.failure() {
                    Some(error) if is_done || !keeps_going => Some(Err(error.clone())),
                    _ => is_done.then_some(Ok(())),
                }
            },
            Schedule::take_any,
        );
        done.and_then(|result| result)
    }

    /// Keeps what the pipeline returned; see [`cannery_store::RunRecord::output`].
    ///
    /// # Errors
    /// Those of the store.
    pub fn set_output(&self, output: &str) -> Result<()> {
        self.shared.store.set_run_output(self.id(), output)
    }

    /// What would become of each step, by its label, of a run that is
    /// [rehearsed](crate::Engine::rehearse).
    #[must_use]
    pub fn plan(&self) -> Vec<(String, Plan)> {
        let state = self.shared.lock();
        let plan_of = |index| {
            let label = state.schedule.step(index).label();
            let plan = match state.schedule.result(index) {
                Some(Ok(_)) => Plan::Known,
                Some(Err(error)) if error.step() == Some(&label) => match error.kind() {
                    ErrorKind::NotFound => Plan::Runs,
                    _ => Plan::Fails,
                },
                _ => Plan::Depends,
            };
            (label, plan)
        };
        (0..state.schedule.len()).map(plan_of).collect()
    }

    /// Ends the run because the pipeline failed between its steps: those that have not begun are
    /// skipped, those that run are awaited, unless the error says that the user is in a hurry.
    pub fn fail(&self, error: &RunError, poll: Poll<'_>) {
        self.shared.lock().schedule.skip_rest(error);
        let is_stopped = error.kind() == ErrorKind::Interrupted
            || self.shared.await_running(poll).is_err()
            || self.shared.is_cancelled();
        let status = if is_stopped { RunStatus::Interrupted } else { RunStatus::Failed };
        // The run's own error tells more than one of writing it down.
        let _ = self.shared.close(status, Some(error));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if !self.shared.lock().is_closed {
            self.cancel();
            let error = RunError::from(Error::new(
                ErrorKind::Interrupted,
                "the run was given up before it was finished",
            ));
            self.shared.lock().schedule.skip_rest(&error);
            let _ = self.shared.close(RunStatus::Interrupted, Some(&error));
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Run({} in {:?})", self.id(), self.store())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, RunState> {
        // Nothing that can panic runs while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn cancel(&self) {
        let _state = self.lock();
        self.cancelled.store(true, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Does steps on this thread until `done` has an answer.
    fn work_until<T>(
        self: &Arc<Self>,
        poll: Poll<'_>,
        done: impl Fn(&Schedule) -> Option<T>,
        take: impl Fn(&mut Schedule) -> Option<usize>,
    ) -> Result<T, RunError> {
        let mut state = self.lock();
        let mut polled = Instant::now();
        state.waiting += 1;
        let result = loop {
            if let Some(answer) = done(&state.schedule) {
                break Ok(answer);
            }
            if self.is_cancelled() {
                break Err(interrupted().into());
            }
            let next = take(&mut state.schedule);
            // What is left after this thread has chosen is for the others.
            self.employ(&mut state);
            state = match next {
                Some(index) => self.perform(state, index),
                None => self.sleep(state, polled),
            };
            if polled.elapsed() >= POLL_INTERVAL {
                drop(state);
                let signal = poll();
                (state, polled) = (self.lock(), Instant::now());
                if let Err(error) = signal {
                    self.cancelled.store(true, Ordering::Relaxed);
                    break Err(error.into());
                }
            }
        };
        state.waiting -= 1;
        self.employ(&mut state);
        result
    }

    /// Waits until something has changed, or it is time to poll again.
    fn sleep<'a>(
        &self,
        state: MutexGuard<'a, RunState>,
        polled: Instant,
    ) -> MutexGuard<'a, RunState> {
        let left = POLL_INTERVAL.saturating_sub(polled.elapsed());
        self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Does one step; the result is entered and the lock held again when it returns.
    fn perform<'a>(
        &'a self,
        mut state: MutexGuard<'a, RunState>,
        index: usize,
    ) -> MutexGuard<'a, RunState> {
        let label = state.schedule.step(index).label();
        let execution = self.execution(&mut state.schedule, index);
        drop(state);
        let result = execution
            .and_then(|execution| execution.perform(&self.store, &self.cached, &self.options))
            .map_err(|error| RunError::in_step(label, error));
        let mut state = self.lock();
        self.enter(&mut state, index, result);
        state
    }

    fn enter(&self, state: &mut RunState, index: usize, result: StepResult) {
        if matches!(&result, Err(error) if error.kind() == ErrorKind::Interrupted) {
            self.cancelled.store(true, Ordering::Relaxed);
        }
        // What a run that has ended did not wait for is not kept in it.
        let result =
            if state.is_closed { result.map_err(|error| error.without_source()) } else { result };
        state.schedule.end(index, result);
        self.changed.notify_all();
    }

    fn execution(&self, schedule: &mut Schedule, index: usize) -> Result<Execution> {
        let call = schedule.take_call(index).ok_or_else(interrupted)?;
        let resolve = |input: &Input| match input {
            Input::Literal(bytes) => Ok(Argument::Literal(Arc::clone(bytes))),
            Input::Stored(artifact) => Ok(Argument::Artifact(artifact.clone())),
            Input::Output { step, output } => match schedule.result(step.0) {
                Some(Ok(outcome)) => {
                    let name = &schedule.step(step.0).name;
                    Ok(Argument::Artifact(Box::new(find_output(&outcome, output, name)?)))
                }
                _ => Err(interrupted()),
            },
        };
        let arguments = call.inputs.iter().map(|(name, input)| Ok((name.clone(), resolve(input)?)));
        Ok(Execution {
            run: self.id,
            pipeline: Arc::clone(&self.pipeline),
            position: index,
            arguments: arguments.collect::<Result<_>>()?,
            call,
            invocation: schedule.step(index).invocation,
            cancelled: Arc::clone(&self.cancelled),
        })
    }

    /// Wakes or hires workers for steps that no waiting thread will take at once.
    fn employ(self: &Arc<Self>, state: &mut RunState) {
        if self.spare(state) == 0 {
            return;
        }
        if state.idle_workers > 0 {
            self.changed.notify_all();
        } else if state.workers < self.options.workers {
            let shared = Arc::clone(self);
            let hired = thread::Builder::new()
                .name(format!("cannery worker {}", state.workers + 1))
                .spawn(move || shared.work());
            // Without it, steps run one after another on the thread that waits.
            state.workers += usize::from(hired.is_ok());
            state.threads.extend(hired);
        }
    }

    /// How many steps a worker may take. One is left for the host's thread while it is between
    /// its waits: it does best what it then waits for.
    fn spare(&self, state: &RunState) -> usize {
        let is_failed = state.schedule.failure().is_some() && !self.options.keep_going;
        if state.is_closed || self.is_cancelled() || is_failed {
            return 0;
        }
        state.schedule.ready().saturating_sub(usize::from(state.waiting == 0))
    }

    /// A worker's life.
    fn work(self: Arc<Self>) {
        let mut state = self.lock();
        while !state.is_closed && !self.is_cancelled() {
            if self.spare(&state) > 0
                && let Some(index) = state.schedule.take_any()
            {
                self.employ(&mut state);
                state = self.perform(state, index);
                continue;
            }
            state.idle_workers += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle_workers -= 1;
        }
        state.workers -= 1;
    }

    fn await_running(&self, poll: Poll<'_>) -> Result<()> {
        let mut state = self.lock();
        while !state.schedule.running().is_empty() && !self.is_cancelled() {
            state = self.sleep(state, Instant::now());
            drop(state);
            poll().inspect_err(|_| self.cancel())?;
            state = self.lock();
        }
        Ok(())
    }

    /// Records the run's end, ends its threads and lets go of all that it held.
    fn close(&self, status: RunStatus, error: Option<&RunError>) -> Result<()> {
        let mut state = self.lock();
        if std::mem::replace(&mut state.is_closed, true) {
            return Ok(());
        }
        self.changed.notify_all();
        let skipped: Vec<_> =
            state.schedule.skipped().map(|index| self.skipped(&state.schedule, index)).collect();
        let released = state.schedule.release();
        let (threads, held) = (std::mem::take(&mut state.threads), state.held.take());
        // Steps that are not waited for would hold their threads up.
        let is_idle = state.schedule.running().is_empty();
        drop(state);
        self.options.executor.shut_down();
        drop(released);
        if is_idle {
            let own = thread::current().id();
            let others = threads.into_iter().filter(|thread| thread.thread().id() != own);
            others.for_each(|thread| drop(thread.join()));
        }
        let is_dry = self.options.is_dry;
        let recorded = if is_dry { Ok(()) } else { self.record_end(&skipped, status, error) };
        drop(held);
        recorded
    }

    fn record_end(
        &self,
        skipped: &[SkippedStep],
        status: RunStatus,
        error: Option<&RunError>,
    ) -> Result<()> {
        self.cached.record(&self.store)?;
        self.store.record_skipped_steps(skipped)?;
        self.store.end_run(self.id, status, error.map(RunError::report).as_deref())?;
        self.store.settle()
    }

    fn skipped(&self, schedule: &Schedule, index: usize) -> SkippedStep {
        let step = schedule.step(index);
        let InputsOfSkipped { there, missing } = schedule.inputs_of_skipped(index);
        let step = NewStep {
            run: self.id,
            name: step.name.clone(),
            invocation: step.invocation,
            position: u32::try_from(index).unwrap_or(u32::MAX),
            cache_key: None,
            key_parts: Vec::new(),
            inputs: there,
            started: Timestamp::now(),
        };
        SkippedStep { step, needs: missing }
    }
}
