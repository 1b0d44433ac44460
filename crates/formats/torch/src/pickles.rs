//! Running the pickles of a checkpoint, each of them analyzed before.

use cannery_core::{Error, ErrorKind, Result};
use cannery_pickle::analyzer::{AnalyzerOptions, Finding, Verdict, analyze};
use cannery_pickle::{Framing, Machine, Ops};

use crate::heap::TorchHeap;
use crate::node_id::NodeId;

/// Runs the pickle that begins at `start`; returns its value and where it ends.
///
/// # Errors
/// [`ErrorKind::Untrusted`] if it names what does harm; [`ErrorKind::Limit`] for what takes far more
/// time or memory than the file pays for; those of the stream.
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
    let is_bomb = |found: &Finding| found.reason.ends_with("a resource bomb");
    let refused = |found: &&Finding| found.verdict == Verdict::Danger || is_bomb(found);
    let Some(found) = analyzed.findings.iter().find(refused) else {
        let has_equal_keys = analyzed.has_equal_keys(data, start);
        return if has_equal_keys { Err(equal_keys(start)) } else { Ok(()) };
    };
    let place = if found.path.is_empty() { String::new() } else { format!(" at `{}`", found.path) };
    let (kind, what) = if found.verdict == Verdict::Danger {
        (ErrorKind::Untrusted, "dangerous")
    } else {
        (ErrorKind::Limit, "refused")
    };
    let message = format!("the checkpoint is {what}: {}{place}", found.reason);
    Err(Error::new(kind, message)
        .at_offset(found.offset)
        .with_hint("nothing was imported, called or built; see it with `cannery explain`"))
}

#[cold]
fn equal_keys(start: usize) -> Error {
    let message =
        "the checkpoint is refused: keys that were chosen to have one hash: a resource bomb";
    Error::new(ErrorKind::Limit, message).at_offset(start as u64)
}
