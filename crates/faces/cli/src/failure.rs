//! Why a command could not complete, and how that is said.

use std::io;

use cannery::Error;

/// Why a command could not complete.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell.
    Error(Error),
    /// The reader of the results is gone; that is no error (`cannery cat big.json | head`).
    BrokenPipe,
}

/// What options of the library are for the command: a part of a hint, and the hint to show instead.
const HINTS: [(&str, Option<&str>); 10] = [
    (
        "raise the depth limit",
        Some("if it is trusted, `cannery.json.decode(data, depth=8192)` in Python reads it"),
    ),
    ("allow them with the option `nan`", Some("`--nan` allows NaN and infinities")),
    ("`control_characters`", Some("write it as an escape: `\\n`, `\\u0007`")),
    ("the option `nan`", Some("`--nan` writes it as Python does, `--tagged` with its type")),
    (
        "the option `tagged`",
        Some(
            "`--tagged` writes it with its type; `convert --lossy` writes the nearest thing there is",
        ),
    ),
    ("`non_finite`", Some("`--nan` writes it as Python does, `--tagged` with its type")),
    ("`load_all`", Some("`--rows` reads documents in a row")),
    ("unicode_errors", Some("`--tagged` writes it all the same")),
    ("strict_map_key", None),
    ("`raw`", None),
];

/// The hint of an error, as far as it helps at the command line.
pub(crate) fn hint_of(error: &Error) -> Option<&str> {
    let hint = error.hint()?;
    match HINTS.iter().find(|(part, _)| hint.contains(part)) {
        Some((_, shown)) => *shown,
        None => Some(hint),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let source = std::error::Error::source(&error);
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        match io {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => Failure::BrokenPipe,
            _ => Failure::Error(error),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Error::io(error, "cannot write the results").into()
    }
}
