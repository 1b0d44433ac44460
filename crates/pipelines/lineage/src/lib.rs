//! What was made from what: as a graph, a picture, events of `OpenLineage`, and what differs.
//!
//! [`Graph`] is read from a store, for a run or for an artifact. The command, notebooks and pages
//! draw it by the same layout: [`Graph::to_svg`]; [`Graph::to_mermaid`] gives it to programs that
//! have a layout of their own. [`open_lineage`] writes runs as events. [`diff_artifacts`] and
//! [`compare_runs`] say what differs between two versions and two runs.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! use cannery_lineage::Graph;
//! use cannery_pipeline::{Description, Engine, FnStep, Output, StepCall, Store};
//!
//! let engine = Engine::new(Store::open(folder.path())?);
//! let run = engine.begin_run("daily", "{}", None)?;
//! let read = FnStep::new("1", |_| {
//!     Ok(Output::bytes("value.json", "[1, 2]", Description::new("list", "json/1")).into())
//! });
//! run.submit(StepCall::new("read", read))?;
//! run.finish(&mut || Ok(()))?;
//!
//! let graph = Graph::of_run(engine.store(), run.id())?;
//! assert!(graph.to_svg().starts_with("<svg "));
//! assert!(graph.to_mermaid().starts_with("flowchart LR"));
//! # Ok(())
//! # }
//! ```

mod as_json;
mod compare;
mod diff;
mod graph;
mod layout;
mod mermaid;
mod open_lineage;
mod svg;
mod text;
mod values;

pub use as_json::{change_value, comparison_value, diff_value};
pub use cannery_store::{Error, ErrorKind, Result, Store};
pub use compare::{RunComparison, StepComparison, compare_runs};
pub use diff::{ArtifactDiff, diff_artifacts};
pub use graph::{Graph, GraphEdge, GraphNode, NodeStatus, Port, Reach};
pub use open_lineage::{OpenLineageOptions, open_lineage, runs_of};
pub use text::{Changed, seconds, shown_type};
pub use values::{FileDiff, ValueChange, ValueDiff};
