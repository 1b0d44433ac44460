//! `cannery convert`: a file in another format.

use std::time::Instant;

use cannery::{
    ConvertOptions, Format, Input, Location, Losses, OpenSource, Output, ReadOptions,
    TensorOptions, Value, WriteOptions, convert_between, format_of_id,
};

use super::cat::refuse_terminal;
use super::printing::print_json;
use crate::args::ConvertArgs;
use crate::failure::Failure;
use crate::progress::ProgressLine;
use crate::style::Style;
use crate::{Console, ExitStatus};

pub(crate) fn convert(
    args: &ConvertArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let (source, target) = (Location::parse(&args.source), Location::parse(&args.target));
    let message = args.part.schema.message_of();
    let read = ReadOptions::default().nan(args.nan).rows(args.part.rows).message(message.clone());
    let write = WriteOptions::default().nan(args.nan).indent(args.indent).message(message);
    let write = write.any_rows(args.part.rows);
    let options = ConvertOptions::default()
        .from(args.part.schema.from(args.from.as_ref(), &source))
        .to(args.to.clone())
        .select(args.part.path.clone())
        .tagged(args.part.tagged)
        .lossy(args.tensors.lossy)
        .tensors(
            TensorOptions::default()
                .dtype(args.tensors.dtype.clone())
                .include(args.tensors.include.clone())
                .shard_size(args.tensors.shard_size)
                .lossy(args.tensors.lossy),
        )
        .read(read)
        .write(write);
    let to_standard = match &args.to {
        Some(id) if target == Location::Standard => Some(format_of_id(id)?),
        _ => None,
    };
    if let Some(to) = to_standard {
        refuse_terminal(to, console)?;
    }
    let started = Instant::now();
    let mut progress =
        ProgressLine::new(console, format!("{} to {}", source.name(), target.name()));
    let tensors = cannery::convert_if_tensors(&source, &target, &options)?;
    let mut losses = Losses::default();
    if tensors.is_none() {
        losses = match to_standard.filter(|to| is_json(*to)) {
            Some(to) => print(&source, to, &options, console, &mut progress)?,
            None => cannery::convert(&source, &target, &options, &mut progress)?,
        };
    }
    drop(progress);
    for line in losses.lines() {
        console.complain(Style::Hint, "lost", line);
    }
    for what in tensors.iter().flat_map(|done| &done.left_out) {
        console.complain(Style::Hint, "left out", what);
    }
    // Standard output may be the target.
    if args.json && target != Location::Standard {
        let seconds = Value::Float(started.elapsed().as_secs_f64());
        let mut done = vec![
            ("source", source.name().into()),
            ("target", target.name().into()),
            ("seconds", seconds),
        ];
        if !losses.is_empty() {
            done.push(("lost", losses.lines().map(Value::from).collect::<Value>()));
        }
        if let Some(tensors) = tensors {
            let texts = |all: Vec<String>| all.into_iter().map(Value::from).collect::<Value>();
            done.push(("tensors", (tensors.tensors as u64).into()));
            done.push(("files", texts(tensors.files)));
            done.push(("left_out", texts(tensors.left_out)));
        }
        print_json(&done.into_iter().collect::<Value>(), console)?;
    }
    Ok(ExitStatus::Success)
}

fn is_json(format: &dyn Format) -> bool {
    matches!(format.id(), "json" | "jsonl")
}

/// Writes JSON to standard output, which may be a terminal: what is not printable is escaped.
fn print(
    source: &Location,
    to: &'static dyn Format,
    options: &ConvertOptions,
    console: &mut Console<'_>,
    progress: &mut ProgressLine,
) -> Result<Losses, Failure> {
    let mut input = Input::open(source)?;
    if let Some((counter, size)) = input.count_reads() {
        cannery::Progress::reads(progress, counter, size);
    }
    let open = OpenSource::open(input, options).map_err(|e| e.in_file(source.name()))?;
    let output = Output::to_stream(console.json_out());
    let losses = convert_between(open, output, to, options, progress);
    Ok(losses.map_err(|e| e.in_file(source.name()))?)
}
