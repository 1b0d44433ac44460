//! A step as a pipeline calls it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cannery_store::{ArtifactRecord, Reuse, RunId};

use crate::{Error, ErrorKind, Result, StepBody};

/// A step that was submitted to a run, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepRef(pub(crate) usize);

impl StepRef {
    /// How many steps were submitted to the run before it.
    #[must_use]
    pub fn position(self) -> usize {
        self.0
    }
}

/// What goes into a step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Input {
    /// An output of another step; the only one is named by the empty string.
    Output {
        /// The step.
        step: StepRef,
        /// Which of its outputs.
        output: String,
    },
    /// An artifact version that is there already.
    Stored(Box<ArtifactRecord>),
    /// A parameter, as bytes that are equal exactly when the parameters are.
    Literal(Arc<[u8]>),
}

impl From<StepRef> for Input {
    fn from(step: StepRef) -> Self {
        Self::Output { step, output: String::new() }
    }
}

impl From<ArtifactRecord> for Input {
    fn from(artifact: ArtifactRecord) -> Self {
        Self::Stored(Box::new(artifact))
    }
}

/// A step with its inputs, ready to be submitted.
#[derive(Clone)]
pub struct StepCall {
    pub(crate) name: String,
    pub(crate) body: Arc<dyn StepBody>,
    pub(crate) inputs: Vec<(String, Input)>,
    pub(crate) use_cache: bool,
    pub(crate) force: bool,
    pub(crate) ttl: Option<Duration>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) retries: Retries,
}

/// How often a step that fails is tried again, and after which pauses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retries {
    /// How often, at most.
    pub count: u32,
    /// The first pause.
    pub delay: Duration,
    /// How many times as long each further pause is.
    pub backoff: f64,
}

impl Default for Retries {
    fn default() -> Self {
        Self { count: 0, delay: Duration::from_secs(1), backoff: 2.0 }
    }
}

impl Retries {
    /// The longest pause.
    const LONGEST: Duration = Duration::from_secs(3600);

    /// The pause after that many attempts; nothing when there are no more.
    pub(crate) fn pause_after(&self, attempts: u32) -> Option<Duration> {
        let factor = self.backoff.powi(i32::try_from(attempts).unwrap_or(i32::MAX) - 1);
        let seconds = self.delay.as_secs_f64() * factor;
        let pause = Duration::try_from_secs_f64(seconds).unwrap_or(Self::LONGEST);
        (attempts <= self.count).then(|| pause.min(Self::LONGEST))
    }
}

impl StepCall {
    /// A call without inputs.
    #[must_use]
    pub fn new(name: impl Into<String>, body: impl StepBody + 'static) -> Self {
        Self::shared(name, Arc::new(body))
    }

    /// A call of a body that others call too.
    #[must_use]
    pub fn shared(name: impl Into<String>, body: Arc<dyn StepBody>) -> Self {
        let name = name.into();
        Self {
            name,
            body,
            inputs: Vec::new(),
            use_cache: true,
            force: false,
            ttl: None,
            timeout: None,
            retries: Retries::default(),
        }
    }

    /// Adds an input: an output of another step, or a stored artifact.
    #[must_use]
    pub fn input(mut self, argument: impl Into<String>, input: impl Into<Input>) -> Self {
        self.inputs.push((argument.into(), input.into()));
        self
    }

    /// Adds one of several outputs of another step.
    #[must_use]
    pub fn output_of(
        self,
        argument: impl Into<String>,
        step: StepRef,
        output: impl Into<String>,
    ) -> Self {
        self.input(argument, Input::Output { step, output: output.into() })
    }

    /// Adds a parameter, as bytes that are equal exactly when the parameters are.
    #[must_use]
    pub fn literal(mut self, argument: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        self.inputs.push((argument.into(), Input::Literal(bytes.as_ref().into())));
        self
    }

    /// Whether a known result is used instead of running. Results are kept in any case.
    #[must_use]
    pub fn use_cache(mut self, use_cache: bool) -> Self {
        self.use_cache = use_cache;
        self
    }

    /// Whether it runs although its result is known. What comes out is the result from then on;
    /// further calls of the same in this run use it.
    #[must_use]
    pub fn force(mut self, force: bool) -> Self {
        self.force = force;
        self
    }

    /// How old a known result may be; without, it may be of any age.
    #[must_use]
    pub fn ttl(mut self, ttl: Option<Duration>) -> Self {
        self.ttl = ttl;
        self
    }

    /// How long it may run: after that it is ended, where its executor can, and has failed.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often it is tried again when it fails.
    #[must_use]
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Which known results this call may use in `run`.
    pub(crate) fn reuse(&self, run: RunId) -> Reuse {
        let reuse = if self.force { Reuse::default().of_run(run) } else { Reuse::default() };
        self.ttl.into_iter().fold(reuse, Reuse::not_older_than)
    }

    pub(crate) fn dependencies(&self) -> BTreeSet<usize> {
        let steps = self.inputs.iter().filter_map(|(_, input)| match input {
            Input::Output { step, .. } => Some(step.0),
            Input::Stored(_) | Input::Literal(_) => None,
        });
        steps.collect()
    }

    /// Refuses a name with a `/`, an argument that comes twice and a step that this run does not have.
    pub(crate) fn check(&self, submitted: usize) -> Result<()> {
        if self.name.contains('/') {
            let message = format!("a step's name has no `/`, found `{}`", self.name);
            return Err(Error::new(ErrorKind::Value, message)
                .with_hint("artifacts are named `pipeline/step`: give the step another `name=`"));
        }
        let mut seen = BTreeSet::new();
        if let Some((argument, _)) = self.inputs.iter().find(|(name, _)| !seen.insert(name)) {
            let message = format!("step `{}` gets the argument `{argument}` twice", self.name);
            return Err(Error::new(ErrorKind::Value, message));
        }
        match self.dependencies().last() {
            Some(&last) if last >= submitted => {
                let message = format!("step `{}` gets the output of another run's step", self.name);
                Err(Error::new(ErrorKind::Reference, message)
                    .with_hint("pass the stored artifact instead"))
            }
            _ => Ok(()),
        }
    }
}
