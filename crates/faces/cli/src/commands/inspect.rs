//! `cannery inspect`: what is inside a file.

use cannery::{Inspection, Location, Node, ReadOptions, TensorSummary, printable, size_name};

use super::printing::{for_each_file, print_json};
use crate::args::InspectArgs;
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Cut, cut};
use crate::tree::Tree;
use crate::{Console, ExitStatus};

/// Names are padded to the longest of their neighbours, up to here.
const MAX_PADDING: usize = 28;

/// Characters of a file's name that are shown at least.
const MIN_NAME: usize = 24;

/// What is counted rather than the length of something.
const COUNTED: [&str; 12] = [
    "tensors",
    "inputs",
    "outputs",
    "operators",
    "initializers",
    "functions",
    "layers",
    "features",
    "elements",
    "blocks",
    "events",
    "fields",
];

pub(crate) fn inspect(
    args: &InspectArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    for_each_file(&args.files, console, |file, console| {
        let options = ReadOptions::default().nan(true).message(args.schema.message_of());
        let place = Location::parse(file);
        let inspection = match &args.schema.from(args.from.as_ref(), &place) {
            Some(id) => cannery::inspect_from(&place, id, &options)?,
            None => cannery::inspect(&place, &options)?,
        };
        if args.json {
            return print_json(&inspection, console);
        }
        tree(&inspection, console).print(console)?;
        inspection.tensors.as_ref().map_or(Ok(()), |summary| totals(summary, console))
    })
}

/// The totals below a tree of tensors.
fn totals(summary: &TensorSummary, console: &mut Console<'_>) -> Result<(), Failure> {
    let line = |tensors: u64, parameters: u64, bytes: u64| {
        let tensors = count(tensors, "tensor");
        format!("{tensors}  {}  {}", count(parameters, "parameter"), size_name(bytes))
    };
    let all = line(summary.tensors, summary.parameters, summary.bytes);
    console.line(format!("{}  {all}", console.styled(Style::Strong, "total")))?;
    for total in &summary.dtypes {
        let all = line(total.tensors, total.parameters, total.bytes);
        let dtype = printable(&total.dtype).into_owned();
        console.line(format!("  {}  {all}", console.styled(Style::Strong, dtype)))?;
    }
    for (key, text) in &summary.metadata {
        console.short_line(format!("metadata  {key}: {text}"))?;
    }
    for what in &summary.others {
        console.short_line(format!("no tensor  {what}"))?;
    }
    Ok(())
}

/// A number of things, in groups of three digits.
fn count(number: u64, thing: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let plural = if number == 1 { "" } else { "s" };
    format!("{grouped} {thing}{plural}")
}

fn tree(inspection: &Inspection, console: &Console<'_>) -> Tree {
    let mut title = inspection.title.to_owned();
    if let Some(compression) = inspection.compression {
        title = format!("{title} ({})", compression.name());
    }
    let size = inspection.size.map(size_name).unwrap_or_default();
    let (summary, parts) = summary(&inspection.root, None);
    let line = [title, size, summary].into_iter().filter(|part| !part.is_empty());
    let line = line.collect::<Vec<_>>().join("  ");
    let room = console.width().saturating_sub(line.chars().count() + 2);
    let name = cut(&printable(&inspection.name), room.max(MIN_NAME), Cut::Start);
    let line = format!("{}  {line}", console.styled(Style::Strong, name));
    Tree { line, children: children(parts, inspection.root.count, console) }
}

fn children(parts: &[Node], count: Option<u64>, console: &Console<'_>) -> Vec<Tree> {
    let name = |node: &Node| {
        node.name.as_deref().map_or(String::new(), |name| printable(name).into_owned())
    };
    let width = parts.iter().map(|node| name(node).chars().count()).max().unwrap_or(0);
    let width = width.min(MAX_PADDING);
    let tree = |node| {
        let (summary, parts) = summary(node, count);
        let name = format!("{:width$}", name(node));
        let line = format!("{}  {summary}", console.styled(Style::Strong, name));
        Tree { line, children: children(parts, inner_count(node), console) }
    };
    parts.iter().map(tree).collect()
}

/// What a node is in a few words, and the parts that are still to be shown below it.
///
/// The items of a list need no line of their own.
fn summary(node: &Node, among: Option<u64>) -> (String, &[Node]) {
    let mut words = node.kind.clone();
    let mut parts = node.parts.as_slice();
    if let Some(array) = array(node) {
        words = array;
    }
    if let Some(len) = node.len {
        words = match words.strip_suffix('s') {
            Some(thing) if COUNTED.contains(&words.as_str()) => count(len.1, thing),
            _ => format!("{words} of {}", range(len)),
        };
    }
    let mut details = node.details.as_deref();
    if let [items] = parts
        && items.name.as_deref() == Some("[]")
        && items
            .len
            .is_none_or(|_| items.parts.iter().all(|part| part.name.as_deref() != Some("[]")))
    {
        words = format!("{words}: {}", array(items).unwrap_or_else(|| items.kind.clone()));
        if let Some(len) = items.len {
            words = format!("{words} of {}", range(len));
        }
        (details, parts) = (items.details.as_deref(), &items.parts);
    }
    let size = node.bytes.map(size_name);
    let seen = node.count.zip(among).filter(|(count, among)| count < among);
    let seen = seen.map(|(count, among)| format!("in {count} of {among}"));
    let more = [size, details.map(str::to_owned), seen];
    let words = more.into_iter().flatten().fold(words, |words, more| format!("{words}  {more}"));
    (printable(&words).into_owned(), parts)
}

/// The type and the sides of an array, as every container shows them.
fn array(node: &Node) -> Option<String> {
    let (dtype, shape) = (node.dtype.as_ref()?, node.shape.as_ref()?);
    let order = if node.fortran_order { "  Fortran order" } else { "" };
    Some(format!("{dtype} {shape:?}{order}"))
}

/// How many maps the parts of a node are the fields of.
fn inner_count(node: &Node) -> Option<u64> {
    match node.parts.as_slice() {
        [items] if items.name.as_deref() == Some("[]") => items.count,
        _ => node.count,
    }
}

fn range((least, greatest): (u64, u64)) -> String {
    if least == greatest { greatest.to_string() } else { format!("{least} to {greatest}") }
}
