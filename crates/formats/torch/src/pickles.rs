//! Running the pickles of a checkpoint, each of them analyzed before.

use cannery_core::{Error, ErrorKind, Result};
use cannery_pickle::analyzer::{AnalyzerOptions, Verdict, analyze};
use cannery_pickle::{Framing, Machine, Ops};

use crate::heap::TorchHeap;
use crate::node::NodeId;

/// Runs the pickle that begins at `start`; returns its value and where it ends.
///
/// # Errors
/// [`ErrorKind::Untrusted`] if it names what does harm; those of the stream.
pub(crate) fn run(
    heap: TorchHeap,
    data: &[u8],
    start: usize,
) -> Result<(TorchHeap, NodeId, usize)> {
    refuse_danger(data, start)?;
    let ops = Ops::new(data, start, Framing::Strict);
    let mut machine = Machine::new(ops, heap);
    let value = machine.run()?;
    let end = machine.position();
    Ok((machine.heap, value, end))
}

fn refuse_danger(data: &[u8], start: usize) -> Result<()> {
    let options = AnalyzerOptions::default().raw_arrays(false).persistent_ids(true);
    let analyzed = analyze(data, start, &options);
    let Some(found) = analyzed.findings.iter().find(|found| found.verdict == Verdict::Danger)
    else {
        return Ok(());
    };
    let place = if found.path.is_empty() { String::new() } else { format!(" at `{}`", found.path) };
    let message = format!("the checkpoint is dangerous: {}{place}", found.reason);
    Err(Error::new(ErrorKind::Untrusted, message)
        .at_offset(found.offset)
        .with_hint("nothing was imported, called or built; see it with `cannery explain`"))
}
