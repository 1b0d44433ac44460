//! The project's own chores, run as `cargo xtask CHORE`.

mod arrows;
mod circles;
mod files;
mod metadata;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "\
usage: cargo xtask house|circles

house     proves the arrows between the crates, that there are no more circles of files
          than before, and reads every tracked file for machine paths (all fail) and for
          length (reported)
circles   lists the files that import each other in a circle, and what ties them";

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("house") => house(),
        Some("circles") => circles(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: could not look: {error:#}");
        ExitCode::from(2)
    })
}

fn circles() -> Result<ExitCode> {
    for circle in circles::find(&metadata::read()?)? {
        println!("{circle}");
    }
    Ok(ExitCode::SUCCESS)
}

fn house() -> Result<ExitCode> {
    let metadata = metadata::read()?;
    let report = files::read_tracked(&metadata.workspace_root)?;
    let circles = circles::find(&metadata)?.len();
    let mut faults = arrows::faults(&metadata);
    faults.extend(circles::fault(circles));
    faults.extend(report.faults);

    for notice in &report.notices {
        println!("notice: {notice}");
    }
    for fault in &faults {
        println!("fault: {fault}");
    }
    let crates = metadata.members().count();
    let (files, found) = (report.files, faults.len());
    println!("house: {crates} crates, {files} files, {circles} circles, {found} faults");
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
