//! `cannery fsck FILE`: what of an HDF5 file is damaged, and what is whole.

use std::path::{Path, PathBuf};

use cannery::hdf5::{Checkup, Finding};
use cannery::{Error, ErrorKind, Value, printable, size_name};

use super::printing::{object, print_json};
use crate::args::FsckArgs;
use crate::failure::Failure;
use crate::style::Style;
use crate::{Console, ExitStatus};

/// Findings that are printed, at most; `--json` has more.
const SHOWN: usize = 1000;

pub(super) fn check(
    file: &Path,
    args: &FsckArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let checkup = Checkup::of_path(file, 0)?;
    let repaired = match &args.repair {
        None => None,
        Some(None) => {
            let message = "`--repair` needs the name of the new file";
            let hint = "`cannery fsck FILE --repair OUT`; FILE stays as it is";
            return Err(Error::new(ErrorKind::Value, message).with_hint(hint).into());
        }
        Some(Some(to)) => {
            checkup.repair_to(to)?;
            Some(to)
        }
    };
    if args.store.json {
        print_json(&value_of(&checkup, repaired), console)?;
    } else {
        print(&checkup, repaired, console)?;
    }
    Ok(if checkup.is_ok() { ExitStatus::Success } else { ExitStatus::Findings })
}

fn print(
    checkup: &Checkup,
    repaired: Option<&PathBuf>,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    for finding in checkup.damaged.iter().take(SHOWN) {
        console.lines(line(finding))?;
    }
    for finding in checkup.unchecked.iter().take(SHOWN) {
        console.lines(format_args!("not checked: {}", line(finding)))?;
    }
    let verdict = match checkup.damaged_count {
        0 => console.styled(Style::Good, "ok"),
        count => console.styled(Style::Bad, format_args!("{count} damaged")),
    };
    console.lines(format_args!(
        "{verdict}: {} of {} objects whole, {} attributes, {} chunks ({})",
        checkup.whole_count,
        checkup.groups + checkup.datasets + checkup.datatypes,
        checkup.attributes,
        checkup.chunks,
        size_name(checkup.chunk_bytes),
    ))?;
    if let Some(to) = repaired {
        console
            .lines(format_args!("all that is whole is in {}", printable(&to.to_string_lossy())))?;
    }
    Ok(())
}

fn name(bytes: &[u8]) -> String {
    printable(&String::from_utf8_lossy(bytes)).into_owned()
}

fn line(finding: &Finding) -> String {
    let at = finding.offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
    format!("{}{at}: {}", name(&finding.name), finding.what)
}

fn value_of(checkup: &Checkup, repaired: Option<&PathBuf>) -> Value {
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let finding = |finding: &Finding| {
        object([
            ("name", text(&finding.name)),
            ("offset", finding.offset.into()),
            ("what", finding.what.as_str().into()),
        ])
    };
    object([
        ("ok", checkup.is_ok().into()),
        ("damaged", checkup.damaged.iter().map(finding).collect()),
        ("damaged_count", checkup.damaged_count.into()),
        ("not_checked", checkup.unchecked.iter().map(finding).collect()),
        ("whole", checkup.whole.iter().map(|path| text(path)).collect()),
        ("whole_count", checkup.whole_count.into()),
        ("groups", checkup.groups.into()),
        ("datasets", checkup.datasets.into()),
        ("datatypes", checkup.datatypes.into()),
        ("attributes", checkup.attributes.into()),
        ("chunks", checkup.chunks.into()),
        ("chunk_bytes", checkup.chunk_bytes.into()),
        ("repaired", repaired.map(|path| path.to_string_lossy().into_owned()).into()),
    ])
}
