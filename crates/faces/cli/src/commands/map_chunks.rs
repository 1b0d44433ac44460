//! `cannery map-chunks`: a Python function over a file of rows that may be larger than memory.

use cannery::{Error, ErrorKind};

use super::run::target;
use crate::args::MapChunksArgs;
use crate::failure::Failure;
use crate::{Console, ExitStatus, Host, MapRequest};

pub(crate) fn map_chunks(
    args: &MapChunksArgs,
    host: &mut dyn Host,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let (file, function) = target(&args.function);
    let function = function.ok_or_else(|| no_function(&file.to_string_lossy()))?;
    console.flush()?;
    Ok(host.map_chunks(&MapRequest {
        file,
        function,
        source: args.source.clone(),
        target: args.target.clone(),
        rows: args.rows,
        bytes: args.bytes,
        workers: args.workers,
        restart: args.restart,
        json: args.json,
        quiet: console.is_quiet(),
    })?)
}

#[cold]
fn no_function(file: &str) -> Error {
    Error::new(ErrorKind::Value, format!("expected `FILE.py:FUNCTION`, found `{file}`"))
        .with_hint("for one: `cannery map-chunks clean.py:clean in.jsonl out.jsonl`")
}
