//! What several commands print in the same way.

use std::ffi::OsString;
use std::io::Write as _;

use cannery::{Source, Value, json};

use crate::failure::Failure;
use crate::style::Style;
use crate::{Console, ExitStatus};

/// Does something for every file, also behind one that failed; each failure is told at once.
pub(super) fn for_each_file(
    files: &[OsString],
    console: &mut Console<'_>,
    mut command: impl FnMut(&OsString, &mut Console<'_>) -> Result<(), Failure>,
) -> Result<ExitStatus, Failure> {
    let mut status = ExitStatus::Success;
    for file in files {
        match command(file, console) {
            Err(failure @ Failure::Error(_)) => status = console.report(failure),
            other => other?,
        }
    }
    Ok(status)
}

/// Prints a value as one line of JSON.
pub(super) fn print_json(
    value: &(impl Source + ?Sized),
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let mut bytes = json::to_vec(value)?;
    bytes.push(b'\n');
    Ok(console.json_out().write_all(&bytes)?)
}

/// A map of JSON's.
pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    entries.into_iter().collect()
}

/// What the catalog keeps as JSON.
pub(super) fn json_value(text: &str) -> Value {
    json::to_value(text.as_bytes()).unwrap_or_else(|_| text.into())
}

/// How a status looks.
pub(super) fn style_of(status: &str) -> Style {
    match status {
        "completed" => Style::Good,
        "failed" | "interrupted" | "crashed" => Style::Bad,
        "running" => Style::Strong,
        _ => Style::Faint,
    }
}
