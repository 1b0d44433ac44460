//! `cannery run`: a pipeline of a Python file.

use std::ffi::OsStr;
use std::path::PathBuf;

use cannery::{Error, ErrorKind};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::{Console, ExitStatus, Host, RunRequest};

pub(crate) fn run(
    args: &RunArgs,
    host: &mut dyn Host,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let (file, pipeline) = target(&args.target);
    let params = names_and_values(&args.params, "--param epochs=3")?;
    let backfill = names_and_values(&args.backfill, "--backfill day=2026-11-01..2026-11-30")?;
    console.flush()?;
    let request = RunRequest {
        file,
        pipeline,
        params,
        params_files: args.params_files.clone(),
        force: args.force.clone(),
        no_cache: args.no_cache,
        ttl: args.ttl,
        workers: args.workers,
        executor: args.executor.clone(),
        keep_going: args.keep_going,
        dry_run: args.dry_run,
        tags: args.tags.clone(),
        partition: args.partition.clone(),
        resume: args.resume,
        backfill,
        store: args.store.clone(),
        quiet: console.is_quiet(),
        json: args.json,
    };
    Ok(host.run(&request)?)
}

/// The file and the pipeline of `FILE.py:PIPELINE`; a colon elsewhere belongs to the file.
pub(super) fn target(text: &OsStr) -> (PathBuf, Option<String>) {
    let split = text.to_str().and_then(|text| text.rsplit_once(".py:"));
    match split {
        Some((file, pipeline)) if !pipeline.contains(['/', '\\']) => {
            (format!("{file}.py").into(), Some(pipeline.to_owned()))
        }
        _ => (text.into(), None),
    }
}

fn names_and_values(given: &[String], example: &str) -> Result<Vec<(String, String)>, Error> {
    let split = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::new(ErrorKind::Value, format!("expected `NAME=VALUE`, found `{text}`"))
            .with_hint(format!("for one: `{example}`"))),
    };
    given.iter().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipeline_may_follow_its_file() {
        let cases = [
            ("a.py", "a.py", None),
            ("a.py:train", "a.py", Some("train")),
            ("C:\\x\\a.py:train", "C:\\x\\a.py", Some("train")),
            ("x.py:y/a.py", "x.py:y/a.py", None),
        ];
        for (text, file, pipeline) in cases {
            assert_eq!(target(text.as_ref()), (file.into(), pipeline.map(str::to_owned)));
        }
    }
}
