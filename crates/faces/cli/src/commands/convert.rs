//! `cannery convert`: a file in another format.

use std::time::Instant;

use cannery::{ConvertOptions, Location, ReadOptions, Value, WriteOptions};

use super::{object, print_json};
use crate::args::ConvertArgs;
use crate::failure::Failure;
use crate::progress::ProgressLine;
use crate::{Console, ExitStatus};

pub(crate) fn convert(
    args: &ConvertArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let (source, target) = (Location::from(&args.source), Location::from(&args.target));
    let message = args.part.schema.message_of();
    let read = ReadOptions::default().nan(args.nan).rows(args.part.rows).message(message.clone());
    let write = WriteOptions::default().nan(args.nan).indent(args.indent).message(message);
    let options = ConvertOptions::default()
        .from(args.part.schema.from(args.from.as_ref(), &source))
        .to(args.to.clone())
        .select(args.part.path.clone())
        .tagged(args.part.tagged)
        .read(read)
        .write(write);
    let started = Instant::now();
    let mut progress =
        ProgressLine::new(console, format!("{} to {}", source.name(), target.name()));
    cannery::convert(&source, &target, &options, &mut progress)?;
    drop(progress);
    // Standard output may be the target.
    if args.json && target != Location::Standard {
        let done = object([
            ("source", source.name().into()),
            ("target", target.name().into()),
            ("seconds", Value::Float(started.elapsed().as_secs_f64())),
        ]);
        print_json(&done, console)?;
    }
    Ok(ExitStatus::Success)
}
