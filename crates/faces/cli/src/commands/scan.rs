//! `cannery scan`: what opening files would do.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use cannery::pickle::scan::{Finding, ScanOptions, Verdict};
use cannery::{FileScan, Location, ScanReport, printable, scan_places};
use indicatif::ProgressBar;

use super::printing::print_json;
use crate::args::{ScanArgs, ScanFormat};
use crate::failure::Failure;
use crate::progress::bar_of_files;
use crate::style::Style;
use crate::{Console, ExitStatus};

/// Work that is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);
/// Findings of one file that are printed as text; `--json` has them all.
const MAX_FINDINGS: usize = 10;

pub(crate) fn scan(args: &ScanArgs, console: &mut Console<'_>) -> Result<ExitStatus, Failure> {
    let places: Vec<_> = args.paths.iter().map(Location::parse).collect();
    let report = scan_watched(&places, console);
    match args.format {
        ScanFormat::Sarif => print_json(&report.to_sarif(), console)?,
        ScanFormat::Text if !args.json => print_text(&report, console)?,
        _ => print_json(&report.to_value(), console)?,
    }
    Ok(match report.verdict() {
        Verdict::Ok => ExitStatus::Success,
        Verdict::Danger => ExitStatus::Findings,
        _ => ExitStatus::Incomplete,
    })
}

fn scan_watched(places: &[Location], console: &Console<'_>) -> ScanReport {
    let options = ScanOptions::default();
    if !console.shows_progress() {
        return scan_places(places, &options, &|_, _| ());
    }
    let started = Instant::now();
    let bar: Mutex<Option<ProgressBar>> = Mutex::new(None);
    let report = scan_places(places, &options, &|done, all| {
        if started.elapsed() < PATIENCE {
            return;
        }
        if let Ok(mut bar) = bar.lock() {
            let bar = bar.get_or_insert_with(|| bar_of_files("scanning", started));
            bar.set_length(all as u64);
            bar.set_position(done as u64);
        }
    });
    if let Ok(bar) = bar.into_inner() {
        bar.iter().for_each(ProgressBar::finish_and_clear);
    }
    report
}

fn print_text(report: &ScanReport, console: &mut Console<'_>) -> Result<(), Failure> {
    let width =
        report.files.iter().map(|file| file.name.chars().count()).max().unwrap_or(0).min(60);
    for file in &report.files {
        if file.scan.verdict > Verdict::Ok || !console.is_quiet() {
            print_file(file, width, console)?;
        }
    }
    if console.is_quiet() {
        return Ok(());
    }
    let mut line = format!("{} scanned", report.files.len());
    let counted = [
        (Verdict::Danger, "dangerous"),
        (Verdict::Unknown, "unknown"),
        (Verdict::Skipped, "skipped"),
        (Verdict::Code, "files of code"),
    ];
    for (verdict, name) in counted {
        let count = report.count(verdict);
        let name = if verdict == Verdict::Code && count == 1 { "file of code" } else { name };
        if count > 0 || verdict > Verdict::Ok {
            line = format!("{line}, {count} {name}");
        }
    }
    if report.verdict() == Verdict::Unknown && report.count(Verdict::Unknown) == 0 {
        line.push_str(": nothing to judge");
    }
    console.line(format_args!("{line}"))
}

fn print_file(file: &FileScan, width: usize, console: &mut Console<'_>) -> Result<(), Failure> {
    let verdict = verdict(file.scan.verdict, console);
    let (name, findings) = (printable(&file.name), &file.scan.findings);
    let first = findings.first().map_or_else(|| printable(&file.scan.summary).into_owned(), line);
    console.line(format_args!("{name:width$}  {verdict}  {first}"))?;
    for finding in findings.iter().skip(1).take(MAX_FINDINGS - 1) {
        console.line(format_args!("{:width$}           {}", "", line(finding)))?;
    }
    if let Some(more) = findings.len().checked_sub(MAX_FINDINGS).filter(|&more| more > 0) {
        console.line(format_args!("{:width$}           and {more} more", ""))?;
    }
    Ok(())
}

fn verdict(verdict: Verdict, console: &Console<'_>) -> String {
    let (text, style) = match verdict {
        Verdict::Skipped => ("skipped", Style::Faint),
        Verdict::Code => ("code   ", Style::Faint),
        Verdict::Ok => ("ok     ", Style::Good),
        Verdict::Unknown => ("unknown", Style::Strong),
        Verdict::Danger => ("DANGER ", Style::Bad),
    };
    console.styled(style, text)
}

/// A finding on a line, without what would break it.
fn line(finding: &Finding) -> String {
    let mut text = finding.reason.clone();
    if !finding.path.is_empty() && finding.path != "$" {
        text = format!("{text}  in {}", finding.path);
    }
    let inside = if finding.opcode.is_empty() && finding.offset == 0 {
        // It is about all of the file, or of the member.
        String::new()
    } else {
        format!("  at byte {}", finding.offset)
    };
    text.push_str(&inside);
    if !finding.opcode.is_empty() {
        text = format!("{text} ({})", finding.opcode);
    }
    if !finding.member.is_empty() {
        let of = if inside.is_empty() { "  in" } else { " of" };
        text = format!("{text}{of} {}", finding.member);
    }
    printable(&text).into_owned()
}
