//! `cannery completions`: what a shell must know to complete command lines.

use clap::CommandFactory;

use crate::args::{Args, CompletionsArgs};
use crate::failure::Failure;
use crate::{Console, ExitStatus};

pub(crate) fn completions(
    args: &CompletionsArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "cannery", &mut script);
    console.out().write_all(&script)?;
    Ok(ExitStatus::Success)
}
