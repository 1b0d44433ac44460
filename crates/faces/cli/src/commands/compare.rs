//! `cannery compare`: what differs between two runs.

use cannery_lineage::{compare_runs, comparison_value};
use cannery_store::RunId;

use super::printing::print_json;
use super::stores;
use crate::args::CompareArgs;
use crate::failure::Failure;
use crate::{Console, ExitStatus};

pub(crate) fn compare(
    args: &CompareArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let comparison = compare_runs(&store, RunId(args.before), RunId(args.after))?;
    if args.store.json {
        print_json(&comparison_value(&comparison), console)?;
    } else {
        console.lines(&comparison)?;
    }
    Ok(if comparison.is_same() { ExitStatus::Success } else { ExitStatus::Findings })
}
