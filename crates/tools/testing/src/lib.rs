//! What cannery's tests share: strategies, a checker of the event grammar, suites and corpora.

mod checked;
mod graphs;
mod suites;
mod values;

use cannery_core::{Source, Tape};

pub use checked::Checked;
pub use graphs::{any_graph, any_marked_value, isomorphic};
pub use suites::{Expected, JsonCase, corpora, json_corpora, json_suite, report, suites};
pub use values::{any_array, any_dtype, any_json_value, any_plain_value, any_text, any_value};

/// The events of a value, their grammar checked: what to compare where NaN must equal NaN.
///
/// # Panics
/// If the source breaks the grammar, or fails.
pub fn events<S: Source + ?Sized>(source: &S) -> Tape {
    let mut sink = Checked::new(Tape::default());
    source.emit(&mut sink).expect("a tape takes everything");
    sink.finish()
}
