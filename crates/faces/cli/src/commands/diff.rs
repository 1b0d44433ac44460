//! `cannery diff`: what distinguishes two versions of artifacts, two files of tensors, or two
//! messages of Protobuf.

use std::ffi::OsString;
use std::path::Path;

use cannery::{
    ConvertOptions, DiffOptions, Error, ErrorKind, Input, Location, OpenSource, OpenTensors,
    ReadOptions, TensorChange, TensorValues, Value, diff_tensors, diff_values, format_of, json,
    open_tensors, printable,
};

use super::printing::print_json;
use super::stores;
use crate::args::{DiffArgs, OF_PROTOBUF};
use crate::failure::Failure;
use crate::style::Style;
use crate::{Console, ExitStatus};

pub(crate) fn diff(args: &DiffArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    match artifact_names(args) {
        Some((first, second)) => artifacts(first, second, args, console),
        None if is_protobuf(args) => messages(args, console),
        None => tensors(args, console),
    }
}

/// Whether one of the files is a message: by the schema that is named, or by what it holds.
fn is_protobuf(args: &DiffArgs) -> bool {
    [&args.first, &args.second].into_iter().any(|file| {
        let location = Location::parse(file);
        let is_named = args.schema.from(None, &location).is_some();
        let format = || Input::open(&location).and_then(|input| format_of(&input));
        is_named || format().is_ok_and(|format| OF_PROTOBUF.contains(&format.id()))
    })
}

fn messages(args: &DiffArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let (first, second) = (value(&args.first, args)?, value(&args.second, args)?);
    let (atol, rtol) = (args.atol, args.rtol);
    let near = |one: f64, other: f64| {
        one.to_bits() == other.to_bits() || (one - other).abs() <= atol + rtol * other.abs()
    };
    let diff = diff_values(&first, &second, near);
    if args.store.json {
        print_json(&diff, console)?;
    } else {
        for change in &diff.changes {
            let path = change.path.to_string();
            let path = console.styled(Style::Strong, printable(&path).into_owned());
            let line = match (&change.first, &change.second) {
                (Some(first), None) => format!("only in the first file: {}", shown(first)?),
                (None, Some(second)) => format!("only in the second file: {}", shown(second)?),
                (first, second) => {
                    let [first, second] = [first, second].map(Option::as_ref);
                    let shown = |value: Option<&Value>| value.map_or(Ok(String::new()), shown);
                    format!("{} became {}", shown(first)?, shown(second)?)
                }
            };
            console.short_line(format!("{path}  {line}"))?;
        }
        let (same, changes) = (diff.same, diff.changes.len());
        console.line(format!("{same} the same, {changes} different"))?;
    }
    Ok(if diff.changes.is_empty() { ExitStatus::Success } else { ExitStatus::Findings })
}

/// A file as a tree.
fn value(file: &OsString, args: &DiffArgs) -> Result<Value, Failure> {
    let location = Location::parse(file);
    let read = ReadOptions::default().nan(true).message(args.schema.message_of());
    let from = args.schema.from(None, &location);
    let options = ConvertOptions::default().from(from).read(read);
    let source = OpenSource::open(Input::open(&location)?, &options);
    let value = source.and_then(|source| source.into_value(&options));
    Ok(value.map_err(|error| error.in_file(location.name()))?)
}

/// A value on one line, cut where it is long.
fn shown(value: &Value) -> Result<String, Failure> {
    const SHOWN: usize = 100;
    let text = String::from_utf8_lossy(&json::to_vec(value)?).into_owned();
    let text = printable(&text).into_owned();
    Ok(match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    })
}

/// What is no file and can be an artifact's name, on both sides.
fn artifact_names(args: &DiffArgs) -> Option<(&str, &str)> {
    let name = |text: &'_ OsString| !Path::new(text).exists() && text != "-";
    let is_named = args.store.store.is_some() || stores::folder(&args.store).is_ok();
    let is_both = is_named && name(&args.first) && name(&args.second);
    is_both.then(|| args.first.to_str().zip(args.second.to_str())).flatten()
}

fn artifacts(
    first: &str,
    second: &str,
    args: &DiffArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let (first, second) = (store.find_artifact(first)?, store.find_artifact(second)?);
    let diff = cannery_lineage::diff_artifacts(&store, &first, &second)?;
    if args.store.json {
        print_json(&cannery_lineage::diff_value(&diff), console)?;
    } else {
        console.lines(&diff)?;
    }
    Ok(if diff.is_same_value() { ExitStatus::Success } else { ExitStatus::Findings })
}

fn tensors(args: &DiffArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let (first, second) = (open(&args.first)?, open(&args.second)?);
    let options = DiffOptions::default().atol(args.atol).rtol(args.rtol);
    let diff = diff_tensors(&*first.container, &*second.container, options)?;
    if args.store.json {
        print_json(&diff, console)?;
    } else {
        for change in &diff.changes {
            let name = console.styled(Style::Strong, change.name());
            console.line(format!("{name}  {}", describe(change)))?;
        }
        let (same, changes) = (diff.same, diff.changes.len());
        console.line(format!("{same} the same, {changes} different"))?;
    }
    Ok(if diff.changes.is_empty() { ExitStatus::Success } else { ExitStatus::Findings })
}

fn open(file: &OsString) -> Result<OpenTensors, Failure> {
    let location = Location::parse(file);
    match open_tensors(&location)? {
        Some(open) => Ok(open),
        None => Err(no_tensors(&location).into()),
    }
}

#[cold]
fn no_tensors(location: &Location) -> Error {
    let Location::Path(path) = location else {
        return Error::new(ErrorKind::Unsupported, "files are compared, not standard input");
    };
    let error = match std::fs::metadata(path) {
        Err(error) => Error::io(error, "cannot open the file"),
        Ok(_) => Error::new(ErrorKind::Unsupported, "it is no file of named tensors").with_hint(
            "safetensors, checkpoints, NPZ, NPY and folders of NPY are compared, and Protobuf",
        ),
    };
    error.in_file(location.name())
}

fn describe(change: &TensorChange) -> String {
    match change {
        TensorChange::Missing { .. } => "only in the first file".to_owned(),
        TensorChange::Added { .. } => "only in the second file".to_owned(),
        TensorChange::Renamed { to, .. } => format!("renamed to {to}"),
        TensorChange::Shape { shapes: (one, other), .. } => {
            format!("shape {one:?} became {other:?}")
        }
        TensorChange::Dtype { dtypes: (one, other), .. } => {
            format!("{one} became {other}, with the same values")
        }
        TensorChange::Values { dtypes, values, .. } => {
            let dtypes = dtypes.as_ref().map(|(one, other)| format!("{one} became {other}, "));
            format!("{}{}", dtypes.unwrap_or_default(), describe_values(values))
        }
    }
}

fn describe_values(values: &TensorValues) -> String {
    let TensorValues { count, all, max, mean, first } = values;
    let by = if max.is_nan() {
        String::new()
    } else {
        format!(", by {max:.3e} at most, {mean:.3e} on average")
    };
    format!("{count} of {all} values differ{by}, the first at {first:?}")
}
