//! `cannery cat` and `cannery head`: the values of a file.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use cannery::{
    ConvertOptions, Documents, Error, ErrorKind, Format, Input, Location, OpenSource, OpenTensors,
    Output, Progress as _, ReadOptions, Selection, WriteOptions, convert_between, format_of_id,
    open_tensors,
};

use super::printing::for_each_file;
use crate::args::{CatAllArgs, CatArgs, HeadArgs};
use crate::failure::Failure;
use crate::progress::ProgressLine;
use crate::style::Style;
use crate::{Console, ExitStatus};

/// Blanks that documents are indented with.
const INDENT: usize = 2;

pub(crate) fn cat(args: &CatAllArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    for_each_file(&args.cat.files, console, |file, console| {
        print(file, &args.cat, args.lines, console)
    })
}

pub(crate) fn head(args: &HeadArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    for_each_file(&args.cat.files, console, |file, console| {
        print(file, &args.cat, Some(args.lines), console)
    })
}

fn print(
    file: &OsString,
    args: &CatArgs,
    head: Option<u64>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let place = Location::parse(file);
    let part = &args.part;
    let options = ConvertOptions::default()
        .from(part.schema.from(args.from.as_ref(), &place))
        .select(part.path.clone())
        .tagged(part.tagged)
        .head(head)
        .read(ReadOptions::default().nan(true).rows(part.rows).message(part.schema.message_of()));
    let (source, reads) = open(&place, args, &options, console)?;
    let (to, write) = layout(&source, args, head)?;
    // What has values that JSON lacks is shown with their types, where nothing else was asked for.
    let is_text = matches!(source.format().id(), "json" | "jsonl");
    let shows_types = !is_text && args.to.is_none() && !part.tagged;
    // YAML's anchors save writing; in other formats, what is shared says which object it is.
    let is_yaml = source.format().id() == "yaml";
    let options = if shows_types { options.for_people().expands_aliases(is_yaml) } else { options };
    let mut progress = ProgressLine::new(console, place.name());
    if let Some((counter, size)) = reads {
        progress.reads(counter, size);
    }
    let is_json = matches!(to.id(), "json" | "jsonl");
    refuse_terminal(to, console)?;
    // YAML's writer quotes and escapes what is not printable itself.
    let output = if is_json {
        Output::to_stream(console.json_out())
    } else {
        Output::to_stream(console.out())
    };
    convert_between(source, output, to, &options.write(write), &mut progress)
        .map_err(|e| e.in_file(place.name()))?;
    Ok(())
}

/// The bytes that were read so far, and those that there are.
type ReadCounter = (Arc<AtomicU64>, u64);

/// Opens a file; a checkpoint as its tensors.
fn open(
    place: &Location,
    args: &CatArgs,
    options: &ConvertOptions,
    console: &mut Console<'_>,
) -> Result<(OpenSource, Option<ReadCounter>), Failure> {
    let is_asked_for = args.from.as_ref().is_none_or(|from| from == "torch");
    if is_asked_for && let Some(tensors) = open_tensors(place)?.filter(OpenTensors::is_checkpoint) {
        for what in tensors.container.others() {
            console.complain(Style::Hint, "no tensor", what);
        }
        return Ok((OpenSource::of_tensors(tensors)?, None));
    }
    let mut input = Input::open(place)?;
    let reads = input.count_reads();
    let source = OpenSource::open(input, options).map_err(|e| e.in_file(place.name()))?;
    Ok((source, reads))
}

/// Refuses what a terminal would obey: bytes that are no text, and text without escapes.
pub(super) fn refuse_terminal(to: &dyn Format, console: &Console<'_>) -> Result<(), Failure> {
    if !console.is_terminal() || matches!(to.id(), "json" | "jsonl" | "yaml") {
        return Ok(());
    }
    let message = format!("{} is not text that shows itself, for a terminal", to.title());
    Err(Error::new(ErrorKind::Unsupported, message)
        .with_hint("write it to a file: `> FILE`, or `cannery convert SOURCE FILE`")
        .into())
}

/// Rows are printed one to a line; a document is laid out in lines, or is one line on demand.
fn layout(
    source: &OpenSource,
    args: &CatArgs,
    head: Option<u64>,
) -> Result<(&'static dyn Format, WriteOptions), Failure> {
    let write = WriteOptions::default().nan(args.nan);
    let write = write.message(args.part.schema.message_of());
    if let Some(id) = &args.to {
        let to = format_of_id(id)?;
        let indent = (to.id() == "json").then_some(INDENT);
        return Ok((to, write.any_rows(true).indent(indent)));
    }
    if args.json {
        return Ok((format_of_id("json")?, write));
    }
    let selects_one = args.part.path.as_ref().is_some_and(|path| !path.is_many());
    let has_rows = source.documents() == Documents::Several && !selects_one;
    let by_rows = head.is_some()
        || has_rows
        || source.format().capabilities().arrays
        || args.part.path.as_ref().is_some_and(Selection::is_many);
    if by_rows {
        return Ok((format_of_id("jsonl")?, write.any_rows(true)));
    }
    Ok((format_of_id("json")?, write.indent(Some(INDENT))))
}
