//! Steps of pipelines in Rust: functions of serde's types, whose artifacts Python reads, too.
//!
//! `#[step]` puts a module of its name beside a function. Its `call` adds a call of the step to a
//! run: what it is given are values, artifacts of other steps, or stored ones, of Rust or of
//! Python. A step whose result is known does not run.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use cannery_steps::{Store, run, step};
//!
//! #[step]
//! fn split(text: &str) -> Vec<String> {
//!     text.split_whitespace().map(str::to_owned).collect()
//! }
//!
//! #[step]
//! fn count(words: &[String]) -> BTreeMap<String, u64> {
//!     let mut counts = BTreeMap::new();
//!     words.iter().for_each(|word| *counts.entry(word.clone()).or_default() += 1);
//!     counts
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     # let folder = tempfile::tempdir()?;
//!     # let folder = folder.path();
//!     let store = Store::open(folder)?;
//!     for cached in [false, true] {
//!         let done = run(&store, "words", |steps| {
//!             let words = split::call(steps, "to be or not to be")?;
//!             count::call(steps, words)
//!         })?;
//!         assert_eq!(done.load()?["be"], 2);
//!         assert_eq!(done.is_cached(), cached);
//!     }
//!     Ok(())
//! }
//! ```

// What the attribute writes names this crate, in its own documentation and tests, too.
extern crate self as cannery_steps;

mod call;
mod run;
mod stored;

pub use call::{Call, Given, Inputs, StepInfo, failed};
pub use cannery_macros::step;
pub use cannery_pipeline::{Engine, Error, ErrorKind, NewRun, Result, RunError, RunId, Store};
pub use cannery_store::ArtifactRecord;
pub use run::{Artifact, Done, Steps, Stored, run, run_with};
pub use stored::read;
