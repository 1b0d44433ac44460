//! One step from its inputs to its record.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cannery_store::{
    ArtifactRecord, CachedStep, Claim, Digest, NewStep, RunId, StepEnd, StepId, StepOutput,
    StepReport, Store, Timestamp, artifact_path, failpoint,
};

use crate::body::OutputSource;
use crate::options::RunOptions;
use crate::outcome::interrupted;
use crate::{
    Argument, Deadline, Error, ErrorKind, KeyParts, Output, Outputs, Result, StepCall, StepContext,
    StepEvent, StepJob, StepOutcome,
};

/// How often it is asked whether another process has computed a result.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(30);

/// How many cached steps are recorded together, at most.
const MANY_CACHED: usize = 256;

/// Steps of a run whose results were known, until they are recorded.
#[derive(Default)]
pub(crate) struct CachedSteps(Mutex<Vec<(NewStep, CachedStep)>>);

impl CachedSteps {
    fn add(&self, store: &Store, step: NewStep, known: CachedStep) -> Result<()> {
        let mut steps = self.lock();
        steps.push((step, known));
        let is_many = steps.len() >= MANY_CACHED;
        drop(steps);
        if is_many { self.record(store) } else { Ok(()) }
    }

    /// Records all that have not been.
    pub(crate) fn record(&self, store: &Store) -> Result<()> {
        let steps = std::mem::take(&mut *self.lock());
        store.record_cached_steps(&steps)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(NewStep, CachedStep)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there is of a step's result.
enum Found {
    Known(CachedStep),
    /// Nothing, and the right to compute it, where results are looked for at all.
    Claimed(Option<Claim>),
}

/// A step that is to be done.
pub(crate) struct Execution {
    pub(crate) run: RunId,
    pub(crate) pipeline: Arc<str>,
    pub(crate) position: usize,
    pub(crate) call: StepCall,
    pub(crate) invocation: u32,
    pub(crate) arguments: Vec<(String, Argument)>,
    pub(crate) cancelled: Arc<AtomicBool>,
}

impl Execution {
    /// Finds the step's result or makes it, and records how it went; of a result that was found,
    /// `cached` is told, which are recorded together.
    pub(crate) fn perform(
        self,
        store: &Store,
        cached: &CachedSteps,
        options: &RunOptions,
    ) -> Result<StepOutcome> {
        let context = self.context(store);
        let observed = Observed { label: context.label(), options, began: Instant::now() };
        let outcome = self.find_or_run(&context, cached, &observed);
        match &outcome {
            Ok(outcome) if outcome.cached => observed.tell(StepEvent::Cached),
            Ok(_) => observed.tell(StepEvent::Completed(observed.began.elapsed())),
            Err(error) => observed.tell(StepEvent::Failed(error)),
        }
        outcome
    }

    fn find_or_run(
        self,
        context: &StepContext,
        cached: &CachedSteps,
        observed: &Observed<'_>,
    ) -> Result<StepOutcome> {
        let store = &context.store;
        let mut step = self.new_step();
        let of_body = contain_panic(|| self.call.body.key_parts(context));
        let keys = of_body.and_then(|parts| Ok((self.all_parts(parts.clone()).into_key()?, parts)));
        let (key, parts) = match keys {
            Ok(keys) => keys,
            Err(error) if observed.options.is_dry => return Err(error),
            Err(error) => {
                let id = store.begin_step(&step)?;
                return fail(context, id, error, 1);
            }
        };
        step.cache_key = Some(key.digest);
        step.key_parts = key.parts;
        if observed.options.is_dry {
            return self.rehearse(store, key.digest);
        }
        let claim = match self.find(store, key.digest)? {
            Found::Known(known) => {
                let outputs = store.adopt(known, &self.call.name, &self.pipeline)?;
                let outcome =
                    StepOutcome { id: None, cached: true, outputs: outputs.outputs.clone() };
                cached.add(store, step, outputs)?;
                return Ok(outcome);
            }
            Found::Claimed(claim) => claim,
        };
        failpoint::reach("key claimed");
        // Whatever fails in them is less than the step itself.
        step.key_parts.extend(contain_panic(|| self.call.body.notes()).unwrap_or_default());
        let id = store.begin_step(&step)?;
        context.begin_log(id)?;
        observed.tell(StepEvent::Began);
        let outcome = self.execute(context, id, &parts, observed);
        // Not before the result is recorded: who waits for it looks it up then.
        drop(claim);
        outcome
    }

    /// Says whether the result is known, and that it would run if not.
    fn rehearse(&self, store: &Store, key: Digest) -> Result<StepOutcome> {
        let known = if self.call.use_cache { self.known(store, key)? } else { None };
        let outputs = known.map(|known| known.outputs);
        outputs
            .map(|outputs| StepOutcome { id: None, cached: true, outputs })
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "its result is not known: it would run"))
    }

    /// Tries it until it succeeds, or there are no more attempts.
    fn execute(
        &self,
        context: &StepContext,
        id: StepId,
        parts: &KeyParts,
        observed: &Observed<'_>,
    ) -> Result<StepOutcome> {
        for attempt in 1.. {
            let made = self.attempt(context, parts, observed);
            let kept = made
                .and_then(|made| Ok((keep(context, made.items)?, made.observations, made.usage)));
            let error = match kept {
                Ok((outputs, seen, usage)) => {
                    let log = context.keep_log()?;
                    let report = StepReport { log, seen, usage, attempts: attempt };
                    return complete(context, id, outputs, &report);
                }
                Err(error) => error,
            };
            let is_final = error.kind() == ErrorKind::Interrupted || context.is_cancelled();
            let pause = self.call.retries.pause_after(attempt).filter(|_| !is_final);
            let Some(pause) = pause else { return fail(context, id, error, attempt) };
            observed.tell(StepEvent::Retrying(attempt, pause, &error));
            let text = format!("[attempt {attempt} failed: {}]\n", error.report());
            let waited = context.log(&text).and_then(|()| self.pause(context, pause));
            if let Err(stopped) = waited {
                return fail(context, id, stopped, attempt);
            }
        }
        unreachable!("attempts do not end before they are counted out")
    }

    fn attempt(
        &self,
        context: &StepContext,
        parts: &KeyParts,
        observed: &Observed<'_>,
    ) -> Result<Outputs> {
        let options = observed.options;
        let deadline = self.call.timeout.and_then(Deadline::after);
        let job = StepJob {
            body: &*self.call.body,
            context,
            key_parts: parts,
            deadline,
            printed: &|bytes| observed.tell(StepEvent::Printed(bytes)),
        };
        let execute = || contain_panic(|| options.executor.execute(&job));
        match self.call.timeout {
            Some(timeout) if !options.executor.can_end_steps() => {
                warning_when_late(timeout, observed, execute)
            }
            _ => execute(),
        }
    }

    /// Waits before the next attempt.
    fn pause(&self, context: &StepContext, pause: Duration) -> Result<()> {
        let until = Instant::now() + pause;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if context.is_cancelled() {
                return Err(interrupted());
            }
            contain_panic(|| self.call.body.poll())?;
            thread::sleep(left.min(LONGEST_WAIT));
        }
        Ok(())
    }

    /// Looks for a result of the key, and waits while another step, of any process, computes one.
    /// If none is there, nothing else computes one until the claim is dropped.
    fn find(&self, store: &Store, key: Digest) -> Result<Found> {
        if self.call.use_cache
            && let Some(known) = self.known(store, key)?
        {
            return Ok(Found::Known(known));
        }
        // Before it runs, for hours perhaps, and not after.
        store.check_writable()?;
        if !self.call.use_cache {
            return Ok(Found::Claimed(None));
        }
        let mut wait = SHORTEST_WAIT;
        let claim = loop {
            if let Some(claim) = store.claim(key)? {
                break claim;
            }
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(interrupted());
            }
            contain_panic(|| self.call.body.poll())?;
            thread::sleep(wait);
            wait = (wait * 2).min(LONGEST_WAIT);
        };
        // It may have been computed since it was looked for.
        Ok(match self.known(store, key)? {
            Some(known) => Found::Known(known),
            None => Found::Claimed(Some(claim)),
        })
    }

    fn known(&self, store: &Store, key: Digest) -> Result<Option<CachedStep>> {
        store.cached_step_if(key, &self.call.reuse(self.run), &mut |seen| {
            contain_panic(|| self.call.body.is_unchanged(seen))
        })
    }

    fn new_step(&self) -> NewStep {
        let artifacts = self.arguments.iter().filter_map(|(name, argument)| match argument {
            Argument::Artifact(artifact) => Some((name.clone(), artifact.id)),
            Argument::Literal(_) => None,
        });
        NewStep {
            run: self.run,
            name: self.call.name.clone(),
            invocation: self.invocation,
            position: u32::try_from(self.position).unwrap_or(u32::MAX),
            cache_key: None,
            key_parts: Vec::new(),
            inputs: artifacts.collect(),
            started: Timestamp::now(),
        }
    }

    fn context(&self, store: &Store) -> StepContext {
        let name = (self.call.name.clone(), self.invocation);
        let cancelled = Arc::clone(&self.cancelled);
        let run = (self.run, Arc::clone(&self.pipeline));
        StepContext::new(store.clone(), run, name, self.arguments.clone(), cancelled)
    }

    fn all_parts(&self, of_body: KeyParts) -> KeyParts {
        let mut parts = of_body.with("step", self.call.name.as_str());
        for (name, argument) in &self.arguments {
            match argument {
                Argument::Artifact(artifact) => {
                    parts.add(format!("input {name}"), artifact.digest.to_string());
                }
                Argument::Literal(bytes) => parts.add(format!("parameter {name}"), &**bytes),
            }
        }
        parts
    }
}

/// A step that an observer may be told about.
struct Observed<'a> {
    label: String,
    options: &'a RunOptions,
    began: Instant,
}

impl Observed<'_> {
    fn tell(&self, event: StepEvent<'_>) {
        if let Some(observer) = &self.options.observer {
            observer.notice(&self.label, event);
        }
    }
}

/// Does the work, and tells the observer when it takes longer than it may.
fn warning_when_late<T>(timeout: Duration, observed: &Observed<'_>, work: impl FnOnce() -> T) -> T {
    thread::scope(|scope| {
        let (done, ended) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            if ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                observed.tell(StepEvent::Late(timeout));
            }
        });
        let result = work();
        drop(done);
        result
    })
}

fn complete(
    context: &StepContext,
    id: StepId,
    outputs: Vec<StepOutput>,
    report: &StepReport,
) -> Result<StepOutcome> {
    let outputs = context.store.end_step(id, &StepEnd::Completed(outputs), report)?;
    Ok(StepOutcome { id: Some(id), cached: false, outputs })
}

fn fail(context: &StepContext, id: StepId, error: Error, attempts: u32) -> Result<StepOutcome> {
    let end = match error.kind() {
        ErrorKind::Interrupted => StepEnd::Interrupted,
        _ => StepEnd::Failed(error.report()),
    };
    // The step's own error tells more than one of writing it down.
    let log = context.keep_log().unwrap_or_default();
    let _ =
        context.store.end_step(id, &end, &StepReport { log, attempts, ..StepReport::default() });
    Err(error)
}

fn keep(context: &StepContext, outputs: Vec<Output>) -> Result<Vec<StepOutput>> {
    let mut kept: Vec<StepOutput> = Vec::with_capacity(outputs.len());
    for output in outputs {
        if kept.iter().any(|other| other.output == output.name) {
            let message = format!("step has two outputs named `{}`", output.name);
            return Err(Error::new(ErrorKind::Value, message));
        }
        kept.push(StepOutput {
            content: keep_output(context, &output)?,
            artifact: artifact_path(&context.pipeline, &context.name, &output.name),
            output: output.name,
        });
    }
    Ok(kept)
}

fn keep_output(context: &StepContext, output: &Output) -> Result<Digest> {
    let (store, about) = (&context.store, &output.about);
    match &output.source {
        OutputSource::Folder(path) if context.owns(path) => store.take_folder(path, about),
        OutputSource::Folder(path) => store.put_folder(path, about),
        OutputSource::File(path) => store.put_file(&file_name(path)?, path, about),
        OutputSource::Bytes(name, bytes) => store.put_bytes(name, bytes, about),
    }
}

fn file_name(path: &Path) -> Result<String> {
    path.file_name().and_then(|name| name.to_str()).map(str::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Unsupported, format!("no UTF-8 file name: `{}`", path.display()))
    })
}

pub(crate) fn contain_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = format!("it panicked: {}", panic_message(&*panic));
        Err(Error::new(ErrorKind::Host, message))
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// The artifact of an input, once the step that makes it has ended.
pub(crate) fn find_output(
    outcome: &StepOutcome,
    output: &str,
    step: &str,
) -> Result<ArtifactRecord> {
    outcome.output(output).cloned().ok_or_else(|| {
        let names: Vec<_> = outcome.outputs.iter().map(|(name, _)| name.as_str()).collect();
        let hint = match names.as_slice() {
            [""] => "its only output has no name".to_owned(),
            names => format!("its outputs are: {}", names.join(", ")),
        };
        Error::new(ErrorKind::NotFound, format!("step `{step}` has no output `{output}`"))
            .with_hint(hint)
    })
}
