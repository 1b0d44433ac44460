//! What the catalog tells and what it is told.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::{Digest, Error, ErrorKind, Timestamp};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A run's number in its store: 1, 2, ...
    RunId
    /// A step's number in its store.
    StepId
    /// An artifact version's number in its store.
    ArtifactId
}

macro_rules! statuses {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Its name, as the catalog and people write it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => {
                        let known = [$($text),*].join("`, `");
                        let message = format!("expected one of `{known}`, found `{text}`");
                        Err(Error::new(ErrorKind::Value, message))
                    }
                }
            }
        }
    };
}

statuses! {
    /// How a run stands.
    RunStatus {
        /// Its process lives and it has not ended.
        Running = "running",
        /// All its steps are completed.
        Completed = "completed",
        /// A step, or the pipeline between the steps, failed.
        Failed = "failed",
        /// It was stopped.
        Interrupted = "interrupted",
        /// Its process ended without saying so.
        Crashed = "crashed",
    }
}

statuses! {
    /// How a step stands.
    StepStatus {
        /// It has begun and not ended.
        Running = "running",
        /// Its outputs are kept; it ran, or was found in the cache.
        Completed = "completed",
        /// It ended with an error.
        Failed = "failed",
        /// It never began, for something before it failed.
        Skipped = "skipped",
        /// It was stopped.
        Interrupted = "interrupted",
        /// Its process ended without saying so.
        Crashed = "crashed",
    }
}

/// A run that begins.
#[derive(Clone, Debug, Default)]
pub struct NewRun {
    /// The pipeline's name.
    pub pipeline: String,
    /// The pipeline's parameters, as JSON.
    pub params: String,
    /// Which version of the code runs, if known (a commit, for one).
    pub code_version: Option<String>,
    /// What people call it by (`nightly`).
    pub tags: Vec<String>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// The pipeline's name.
    pub pipeline: String,
    /// How it stands.
    pub status: RunStatus,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; if its process is gone, the last that is known of it.
    pub ended: Option<Timestamp>,
    /// The pipeline's parameters, as JSON.
    pub params: String,
    /// Which version of the code ran, if known.
    pub code_version: Option<String>,
    /// The machine it ran on.
    pub host: String,
    /// The process it ran in.
    pub pid: u32,
    /// What went wrong.
    pub error: Option<String>,
    /// What the pipeline returned, as JSON in which artifacts are `{"$artifact": [name, version]}`.
    pub output: Option<String>,
    /// What people call it by.
    pub tags: Vec<String>,
}

impl RunRecord {
    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.ended.map(|ended| ended.since(self.started))
    }
}

/// A labelled part of a cache key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPart {
    /// What the part is (`code`, `input page`).
    pub label: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// The part itself, where it is short text.
    pub shown: Option<String>,
}

/// Something outside of the store that a step looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// What it is (`file /data/pages.csv`, `environment LANG`).
    pub label: String,
    /// How it was.
    pub state: String,
}

/// A step that begins, or is found in the cache, or is skipped.
#[derive(Clone, Debug)]
pub struct NewStep {
    /// The run it belongs to.
    pub run: RunId,
    /// The step's name.
    pub name: String,
    /// 1 for the first step of this name in the run, 2 for the next, ...
    pub invocation: u32,
    /// Which one it is in the order of submission, from 0.
    pub position: u32,
    /// Under which key its result is known, if it got so far.
    pub cache_key: Option<Digest>,
    /// What the key is made of.
    pub key_parts: Vec<KeyPart>,
    /// The artifacts that went in, by argument.
    pub inputs: Vec<(String, ArtifactId)>,
    /// When it began.
    pub started: Timestamp,
}

/// A step that never began, for something that it needs has no result.
#[derive(Clone, Debug)]
pub struct SkippedStep {
    /// The step, with those of its inputs that were there.
    pub step: NewStep,
    /// The steps that gave it nothing, by argument: see [`NEEDS`].
    pub needs: Vec<(String, String)>,
}

/// How the label of an observation of a skipped step begins: `needs rows` is the step, by its name
/// in the run, whose output it would have got as `rows`.
pub const NEEDS: &str = "needs ";

/// An output of a step that has just been kept.
#[derive(Clone, Debug)]
pub struct StepOutput {
    /// Which output it is; empty for the only one.
    pub output: String,
    /// The name its artifact gets.
    pub artifact: String,
    /// The digest of its manifest.
    pub content: Digest,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub enum StepEnd {
    /// With these outputs.
    Completed(Vec<StepOutput>),
    /// With this error.
    Failed(String),
    /// Stopped from outside.
    Interrupted,
}

/// What a step used of the machine, as far as the system tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Processor time.
    pub cpu: Option<Duration>,
    /// Bytes of memory that its process had at the most while it ran.
    pub memory: Option<u64>,
}

/// What is told of a step at its end, besides how it ended.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The digest of its log's bytes.
    pub log: Option<Digest>,
    /// What it looked at outside of the store.
    pub seen: Vec<Observation>,
    /// What it used.
    pub usage: Usage,
    /// How often it was tried.
    pub attempts: u32,
}

impl Default for StepReport {
    fn default() -> Self {
        Self { log: None, seen: Vec::new(), usage: Usage::default(), attempts: 1 }
    }
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepRecord {
    /// Its number.
    pub id: StepId,
    /// The run it belongs to.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// 1 for the first step of this name in the run, 2 for the next, ...
    pub invocation: u32,
    /// How it stands.
    pub status: StepStatus,
    /// Whether its result was known and it did not run.
    pub cached: bool,
    /// Under which key its result is known.
    pub cache_key: Option<Digest>,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Its log's bytes.
    pub log: Option<Digest>,
    /// What went wrong.
    pub error: Option<String>,
    /// What it used, as far as it is known.
    pub usage: Usage,
    /// How often it was tried until it ended so.
    pub attempts: u32,
}

impl ArtifactRecord {
    /// The last part of its path: the step's name, or `step.output`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit_once('/').map_or(self.name.as_str(), |(_, name)| name)
    }
}

impl StepRecord {
    /// Its name in the run; see [`step_label`].
    #[must_use]
    pub fn label(&self) -> String {
        step_label(&self.name, self.invocation)
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        self.ended.map(|ended| ended.since(self.started))
    }
}

/// The name of a step in its run: `make_page`, and `make_page-2` for the second of that name.
#[must_use]
pub fn step_label(name: &str, invocation: u32) -> String {
    if invocation == 1 { name.to_owned() } else { format!("{name}-{invocation}") }
}

/// The step that made an artifact version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Producer {
    /// Its number.
    pub step: StepId,
    /// Its run's number.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Which of its outputs; empty for the only one.
    pub output: String,
}

/// A version of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArtifactRecord {
    /// Its number.
    pub id: ArtifactId,
    /// Its path: `pipeline/step`, or `pipeline/step.output`; see [`artifact_path`](crate::artifact_path).
    pub name: String,
    /// 1, 2, ... for each name.
    pub version: u32,
    /// The digest of its manifest: equal contents have equal digests.
    pub digest: Digest,
    /// The type's full name.
    pub type_name: String,
    /// How its files are to be read.
    pub format: String,
    /// What its materializer says about it, as JSON.
    pub metadata: String,
    /// Bytes of its files together.
    pub size: u64,
    /// When it was made.
    pub created: Timestamp,
    /// The step that made it; nothing for what was added by hand.
    pub producer: Option<Producer>,
}

/// Which results of a cache key are used again; by default any.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Reuse {
    /// Not those that are older.
    pub not_older_than: Option<Duration>,
    /// Only those of this run.
    pub of_run: Option<RunId>,
}

impl Reuse {
    /// Only results that are not older.
    #[must_use]
    pub fn not_older_than(mut self, age: Duration) -> Self {
        self.not_older_than = Some(age);
        self
    }

    /// Only results of this run.
    #[must_use]
    pub fn of_run(mut self, run: RunId) -> Self {
        self.of_run = Some(run);
        self
    }
}

/// A completed step whose outputs are known and whole.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CachedStep {
    /// The step that ran.
    pub step: StepId,
    /// Its outputs.
    pub outputs: Vec<(String, ArtifactRecord)>,
}
