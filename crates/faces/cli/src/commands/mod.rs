//! The commands, one module for each or for a few of a kind.

pub(crate) mod aliases;
pub(crate) mod artifacts;
pub(crate) mod cat;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod diff;
mod files;
pub(crate) mod fmt;
mod hdf5;
pub(crate) mod inspect;
pub(crate) mod lineage;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod map_chunks;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod scan;
mod stores;
pub(crate) mod upkeep;
pub(crate) mod validate;

use std::ffi::OsString;
use std::io::Write as _;

use cannery::{Source, Value, json};
use cannery_lineage::{seconds, shown_type};

use crate::console::Style;
use crate::failure::Failure;
use crate::{Console, ExitStatus};

/// Does something for every file, also behind one that failed; each failure is told at once.
fn for_each_file(
    files: &[OsString],
    console: &mut Console<'_>,
    mut command: impl FnMut(&OsString, &mut Console<'_>) -> Result<(), Failure>,
) -> Result<ExitStatus, Failure> {
    let mut status = ExitStatus::Success;
    for file in files {
        match command(file, console) {
            Err(failure @ Failure::Error(_)) => status = failure.report(console),
            other => other?,
        }
    }
    Ok(status)
}

/// Prints a value as one line of JSON.
fn print_json(value: &(impl Source + ?Sized), console: &mut Console<'_>) -> Result<(), Failure> {
    let mut bytes = json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(console.json_out().write_all(&bytes)?)
}

/// A map of JSON's.
fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}

/// What the catalog keeps as JSON.
fn json_value(text: &str) -> Value {
    json::to_value(text.as_bytes()).unwrap_or_else(|_| text.into())
}

/// How a status looks.
fn style_of(status: &str) -> Style {
    match status {
        "completed" => Style::Good,
        "failed" | "interrupted" | "crashed" => Style::Bad,
        "running" => Style::Strong,
        _ => Style::Faint,
    }
}
