//! The project's own chores, run as `cargo xtask CHORE`.

mod arrows;
mod circles;
mod files;
mod metadata;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
usage: cargo xtask house

house   proves the arrows between the crates and that no files import each other in a
        circle, and reads every tracked file for machine paths (all fail) and for length
        (reported)";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("house") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    house().unwrap_or_else(|error| {
        eprintln!("house: could not look: {error:#}");
        ExitCode::from(2)
    })
}

fn house() -> Result<ExitCode> {
    let metadata = metadata::read()?;
    let report = files::read_tracked(&metadata.workspace_root)?;
    let mut faults = arrows::faults(&metadata);
    faults.extend(circles::faults(&metadata)?);
    faults.extend(report.faults);

    for notice in &report.notices {
        println!("notice: {notice}");
    }
    for fault in &faults {
        println!("fault: {fault}");
    }
    let crates = metadata.members().count();
    println!("house: {crates} crates, {} files, {} faults", report.files, faults.len());
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
