//! Steps, cache keys, runs and lineage; knows no format and no Python.
//!
//! A pipeline submits steps to a [`Run`]. Each step has a body, inputs (literals, stored
//! artifacts, or outputs of other steps) and a cache key made of all that its result depends on.
//! A step whose key is known does not run: its outputs are those of the step that did. Everything
//! that happens is recorded in the store.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! use cannery_pipeline::{Description, Engine, FnStep, Output, Run, RunError, StepCall, Store};
//!
//! fn text(bytes: Vec<u8>) -> Output {
//!     Output::bytes("value.txt", bytes, Description::new("str", "text/1"))
//! }
//!
//! fn greet(run: &Run, name: &str) -> Result<String, RunError> {
//!     let greeting = run.submit(
//!         StepCall::new("greeting", FnStep::new("version 1", |_| Ok(text(b"hello".into()).into()))),
//!     )?;
//!     let sentence = FnStep::new("version 1", |context| {
//!         let mut sentence = context.read("greeting", "value.txt")?;
//!         sentence.extend_from_slice(b", ");
//!         sentence.extend_from_slice(context.literal("name")?);
//!         Ok(text(sentence).into())
//!     });
//!     let sentence = run.submit(
//!         StepCall::new("sentence", sentence).input("greeting", greeting).literal("name", name),
//!     )?;
//!     let outcome = run.wait(sentence, &mut || Ok(()))?;
//!     let artifact = outcome.output("").expect("a step with one output leaves it unnamed");
//!     let bytes = run.store().read(artifact.digest, "value.txt")?;
//!     Ok(String::from_utf8_lossy(&bytes).into_owned())
//! }
//!
//! let engine = Engine::new(Store::open(folder.path())?);
//! for (name, expected, cached) in [("Ada", "hello, Ada", 0), ("Ada", "hello, Ada", 2), ("Bo", "hello, Bo", 1)] {
//!     let run = engine.begin_run("greet", "{}", None)?;
//!     assert_eq!(greet(&run, name)?, expected);
//!     run.finish(&mut || Ok(()))?;
//!     let steps = engine.store().steps(run.id())?;
//!     assert_eq!(steps.iter().filter(|step| step.cached).count(), cached);
//! }
//! # Ok(())
//! # }
//! ```

mod body;
mod call;
mod context;
mod engine;
mod error;
mod events;
mod execute;
mod executor;
mod key;
mod options;
mod outcome;
mod processes;
mod run;
mod schedule;
mod task;
mod usage;
mod watch;
mod why;
mod wire;
mod worker;

pub use body::{FnStep, Output, Outputs, StepBody};
pub use call::{Input, Retries, StepCall, StepRef};
pub use cannery_core::{Error, ErrorKind, Result};
pub use cannery_store::{
    ArtifactRecord, Description, Digest, KeyPart, NewRun, Observation, RunId, RunStatus,
    StepStatus, Store, Usage,
};
pub use context::{Argument, StepContext};
pub use engine::Engine;
pub use error::RunError;
pub use events::{Observer, StepEvent};
pub use executor::{Deadline, Executor, InProcess, StepJob};
pub use key::{CacheKey, KeyParts};
pub use outcome::StepOutcome;
pub use processes::{Processes, WorkerCommand};
pub use run::{Plan, Poll, Run};
pub use task::{Task, TaskBody, TaskInput};
pub use watch::{Sighting, Sightings, Watch};
pub use why::{Change, Explanation, Reason, changes_between, why, why_against};
pub use worker::{no_such_step, serve};
