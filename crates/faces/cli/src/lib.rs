//! The cannery command: a library with two faces, the program `cannery` and the Python package's.
//!
//! A command gets a [`Console`] to write to and returns an [`ExitStatus`]; it never ends the
//! process, so that tests run whole command lines in memory.
//!
//! ```
//! use cannery_cli::{Console, ExitStatus, PythonProcess};
//!
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! let args = ["cannery", "inspect", "no-such-file.json"].map(Into::into);
//! let status = cannery_cli::main(&args, &mut PythonProcess, &mut Console::new(&mut out, &mut err));
//! assert_eq!(status, ExitStatus::Incomplete);
//! assert!(err.starts_with(b"error: no-such-file.json: cannot open the file"));
//! ```

mod args;
mod commands;
mod console;
mod escape;
mod failure;
mod host;
mod interrupt;
mod progress;
mod status;
mod style;
mod table;
mod tree;
mod units;

use std::ffi::OsString;

use cannery::printable;
use clap::Parser;

use crate::args::{Args, Command};
pub use crate::console::Console;
use crate::failure::Failure;
pub use crate::host::{Host, MapRequest, PythonProcess, RunRequest};
pub use crate::status::ExitStatus;

/// What is wrong with a command line, said of its arguments as they can be printed: a message quotes
/// them, line ends and all.
fn of_printable(args: &[OsString], usage: clap::Error) -> clap::Error {
    let args: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    let shown: Vec<_> = args.iter().map(|arg| printable(arg)).collect();
    if shown.iter().eq(&args) {
        return usage;
    }
    Args::try_parse_from(shown.iter().map(|arg| &**arg)).err().unwrap_or(usage)
}

/// Runs a command line, whose first word is the program's name.
///
/// Errors are written to the console, as one message and what to do about it.
pub fn main(args: &[OsString], host: &mut dyn Host, console: &mut Console<'_>) -> ExitStatus {
    let outcome = match Args::try_parse_from(args) {
        Ok(args) => {
            console.set_looks(args.color, args.quiet);
            run(args.command, host, console)
        }
        Err(usage) => console.usage(&of_printable(args, usage)),
    };
    let outcome = outcome.and_then(|status| console.flush().map(|()| status));
    outcome.unwrap_or_else(|failure| console.report(failure))
}

fn run(
    command: Command,
    host: &mut dyn Host,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    if console.is_standard() && !matches!(command, Command::Run(_) | Command::MapChunks(_)) {
        interrupt::quit_on_ctrl_c();
    }
    match command {
        Command::Inspect(args) => commands::inspect::inspect(&args, console),
        Command::Cat(args) => commands::cat::cat(&args, console),
        Command::Head(args) => commands::cat::head(&args, console),
        Command::Convert(args) => commands::convert::convert(&args, console),
        Command::MapChunks(args) => commands::map_chunks::map_chunks(&args, host, console),
        Command::Diff(args) => commands::diff::diff(&args, console),
        Command::Fmt(args) => commands::fmt::fmt(&args, console),
        Command::Validate(args) => commands::validate::validate(&args, console),
        Command::Scan(args) => commands::scan::scan(&args, console),
        Command::Run(args) => commands::run::run(&args, host, console),
        Command::Runs(args) => commands::runs::runs(&args, console),
        Command::Artifacts(args) => commands::artifacts::artifacts(&args, console),
        Command::Lineage(args) => commands::lineage::lineage(&args, console),
        Command::Compare(args) => commands::compare::compare(&args, console),
        Command::Tag(args) => commands::aliases::tag(&args, console),
        Command::Alias(args) => commands::aliases::alias(&args, console),
        Command::Why(args) => commands::runs::why(&args, console),
        Command::Logs(args) => commands::logs::logs(&args, console),
        Command::Fsck(args) => commands::upkeep::fsck(&args, console),
        Command::Gc(args) => commands::upkeep::gc(&args, console),
        Command::Store(command) => commands::upkeep::store(&command, console),
        Command::Completions(args) => commands::completions::completions(&args, console),
        Command::Man(args) => commands::man::man(&args, console),
    }
}
