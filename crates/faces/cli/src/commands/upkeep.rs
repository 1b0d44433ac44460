//! `cannery fsck`, `gc` and `store`: whether a store is whole, and how much it holds.

use cannery::{Error, ErrorKind, Value, printable, size_name};
use cannery_store::{Checkup, Collected, Finding, FsckOptions, GcOptions};

use super::printing::{object, print_json};
use super::stores;
use crate::args::{
    FsckArgs, GcArgs, StoreArgs, StoreCommand, StoreCopyArgs, StoreQuotaArgs, StoreSizeArgs,
};
use crate::failure::Failure;
use crate::style::Style;
use crate::table::{Cell, Cut, Table};
use crate::{Console, ExitStatus};

pub(crate) fn fsck(args: &FsckArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    if let Some(file) = &args.file {
        return super::hdf5::check(file, args, console);
    }
    if let Some(Some(named)) = &args.repair {
        let named = named.display();
        let message = format!("a store is repaired in place, not to `{named}`");
        let hint = "to repair a file, name it first: `cannery fsck FILE --repair OUT`";
        return Err(Error::new(ErrorKind::Value, message).with_hint(hint).into());
    }
    let options = FsckOptions::default().read_data(args.read_data).repair(args.repair.is_some());
    check(options, &args.store, console)
}

pub(crate) fn store(
    command: &StoreCommand,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    match command {
        StoreCommand::Copy(args) => copy(args, console),
        StoreCommand::Verify(args) => {
            check(FsckOptions::default().read_data(true), &args.store, console)
        }
        StoreCommand::Size(args) => size(args, console),
        StoreCommand::Quota(args) => quota(args, console),
    }
}

fn check(
    options: FsckOptions,
    store: &StoreArgs,
    console: &mut Console<'_>,
) -> Result<ExitStatus, Failure> {
    let checkup = options.check(stores::folder(store)?)?;
    if store.json {
        print_json(&checkup_value(&checkup), console)?;
    } else {
        print_checkup(&checkup, console)?;
    }
    Ok(if checkup.is_ok() { ExitStatus::Success } else { ExitStatus::Findings })
}

fn print_checkup(checkup: &Checkup, console: &mut Console<'_>) -> Result<(), Failure> {
    for Finding { message, repair, .. } in &checkup.findings {
        let repair = repair.as_ref().map(|done| format!(": {done}")).unwrap_or_default();
        console.lines(format_args!("{}{}", printable(message), printable(&repair)))?;
    }
    let found = checkup.findings.len();
    let repaired = checkup.findings.iter().filter(|finding| finding.repair.is_some()).count();
    let verdict = match (found, repaired) {
        (0, _) => console.styled(Style::Good, "ok"),
        _ if found == repaired => {
            console.styled(Style::Good, format_args!("ok, {repaired} repaired"))
        }
        (_, 0) => console.styled(Style::Bad, format_args!("{found} findings")),
        _ => console.styled(Style::Bad, format_args!("{found} findings, {repaired} repaired")),
    };
    let read = if checkup.has_read_data { " read" } else { "" };
    console.lines(format_args!(
        "{verdict}: {} objects ({}){read}, {} artifact versions, {} runs",
        checkup.objects,
        size_name(checkup.bytes),
        checkup.artifacts,
        checkup.runs
    ))?;
    if checkup.unreferenced > 0 {
        let size = size_name(checkup.unreferenced_bytes);
        let count = checkup.unreferenced;
        console.lines(format_args!(
            "nothing refers to {count} objects ({size}): `cannery gc` removes them"
        ))?;
    }
    Ok(())
}

fn checkup_value(checkup: &Checkup) -> Value {
    let finding = |finding: &Finding| {
        object([
            ("message", finding.message.as_str().into()),
            ("repair", finding.repair.clone().into()),
        ])
    };
    object([
        ("ok", checkup.is_ok().into()),
        ("objects", checkup.objects.into()),
        ("bytes", checkup.bytes.into()),
        ("read_data", checkup.has_read_data.into()),
        ("artifacts", checkup.artifacts.into()),
        ("runs", checkup.runs.into()),
        ("unreferenced", checkup.unreferenced.into()),
        ("unreferenced_bytes", checkup.unreferenced_bytes.into()),
        ("findings", checkup.findings.iter().map(finding).collect()),
    ])
}

pub(crate) fn gc(args: &GcArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    let mut options = GcOptions::default().grace(args.grace).dry_run(args.dry_run);
    options.keep_last = args.keep_last;
    options.older_than = args.older_than;
    let collected = options.collect(&store)?;
    if args.store.json {
        print_json(&collected_value(&collected, args.dry_run), console)?;
    } else {
        print_collected(&collected, args.dry_run, console)?;
    }
    Ok(ExitStatus::Success)
}

fn print_collected(
    collected: &Collected,
    dry_run: bool,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if collected.is_busy {
        console.lines("a run is going on: old runs are kept until it has ended")?;
    }
    if dry_run {
        for artifact in &collected.artifacts {
            console.lines(format_args!("{}", printable(artifact)))?;
        }
    }
    console.lines(format_args!(
        "{}: {} runs, {} artifact versions, {} objects ({})",
        if dry_run { "would remove" } else { "removed" },
        collected.runs.len(),
        collected.artifacts.len(),
        collected.objects,
        size_name(collected.bytes)
    ))?;
    if collected.too_new > 0 {
        let count = collected.too_new;
        console.lines(format_args!(
            "kept: {count} objects that no run names and that are new (`--grace`)"
        ))?;
    }
    Ok(())
}

fn collected_value(collected: &Collected, dry_run: bool) -> Value {
    object([
        ("dry_run", dry_run.into()),
        ("runs", collected.runs.iter().map(|run| Value::from(run.0)).collect()),
        ("steps", collected.steps.into()),
        ("artifacts", collected.artifacts.iter().map(|name| Value::from(name.as_str())).collect()),
        ("objects", collected.objects.into()),
        ("bytes", collected.bytes.into()),
        ("too_new", collected.too_new.into()),
        ("busy", collected.is_busy.into()),
    ])
}

fn copy(args: &StoreCopyArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let copied = stores::open(&args.store)?.copy_to(&args.target)?;
    let status = if copied.damaged == 0 { ExitStatus::Success } else { ExitStatus::Findings };
    if args.store.json {
        let value = object([
            ("objects", copied.objects.into()),
            ("bytes", copied.bytes.into()),
            ("damaged", copied.damaged.into()),
        ]);
        print_json(&value, console)?;
        return Ok(status);
    }
    let size = size_name(copied.bytes);
    console.lines(format_args!("copied {} objects ({size})", copied.objects))?;
    if copied.damaged > 0 {
        let count = copied.damaged;
        console.lines(format_args!(
            "left out {count} that are damaged or missing: `cannery fsck` names them"
        ))?;
    }
    Ok(status)
}

fn size(args: &StoreSizeArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let size = stores::open(&args.store)?.size()?;
    if args.store.json {
        let artifacts = size.artifacts.iter().map(|(name, bytes)| {
            object([("artifact", name.as_str().into()), ("bytes", (*bytes).into())])
        });
        let value = object([
            ("objects", size.objects.into()),
            ("bytes", size.bytes.into()),
            ("quota", size.quota.into()),
            ("artifacts", artifacts.collect()),
        ]);
        print_json(&value, console)?;
        return Ok(ExitStatus::Success);
    }
    let of = size.quota.map(|quota| format!(" of {}", size_name(quota))).unwrap_or_default();
    console.lines(format_args!("{} objects, {}{of}", size.objects, size_name(size.bytes)))?;
    let mut table = Table::new(["ARTIFACT", "ALL VERSIONS"]).cut([Cut::Middle, Cut::No]);
    for (name, bytes) in &size.artifacts {
        table.row([Cell::styled(name, Style::Strong), size_name(*bytes).into()]);
    }
    table.print("no artifacts", console)?;
    Ok(ExitStatus::Success)
}

fn quota(args: &StoreQuotaArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let store = stores::open(&args.store)?;
    if let Some(quota) = args.bytes {
        store.set_quota(quota.0)?;
    }
    let quota = store.quota()?;
    if args.store.json {
        print_json(&object([("quota", quota.into())]), console)?;
    } else {
        let text = quota.map_or_else(|| "no quota".to_owned(), size_name);
        console.lines(text)?;
    }
    Ok(ExitStatus::Success)
}
