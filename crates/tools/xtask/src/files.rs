//! What is read off the tracked files: their length, and paths of one machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Above this many lines it is time to ask whether a file should be split.
const LONG: usize = 800;

/// The kinds of file whose length is a question.
const CODE: [&str; 4] = ["rs", "py", "pyi", "sh"];

/// Folders that exist on one machine only. Put together here, so that this file names none.
const MACHINE_FOLDERS: [&str; 3] =
    [concat!("/", "work/"), concat!("/", "root/"), concat!("/", "tmp/bash_jobs")];

/// What was found in the tracked files.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) files: usize,
    pub(crate) faults: Vec<String>,
    pub(crate) notices: Vec<String>,
}

/// Reads every file that git tracks under `root`.
pub(crate) fn read_tracked(root: &Path) -> Result<Report> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    ensure!(output.status.success(), "git ls-files failed: is this a clone?");

    let mut report = Report::default();
    for name in String::from_utf8(output.stdout)?.split_terminator('\0') {
        // A file may be deleted but not yet committed so, or be binary: neither has lines.
        if let Ok(text) = std::fs::read_to_string(root.join(name)) {
            look(name, &text, &mut report);
        }
        report.files += 1;
    }
    Ok(report)
}

fn look(name: &str, text: &str, report: &mut Report) {
    for (index, line) in text.lines().enumerate() {
        if let Some(folder) = machine_folder(line) {
            let line = index + 1;
            report.faults.push(format!("{name}:{line}: `{folder}` is a path of one machine"));
        }
    }
    let lines = text.lines().count();
    if lines > LONG && is_code(name) {
        report.notices.push(format!("{name}: {lines} lines; above {LONG} it is time to split"));
    }
}

fn is_code(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| CODE.contains(&extension))
}

/// The machine folder that `line` names from the root, not as a part of a longer path.
fn machine_folder(line: &str) -> Option<&'static str> {
    MACHINE_FOLDERS.into_iter().find(|folder| {
        line.match_indices(folder).any(|(at, _)| !line[..at].ends_with(part_of_a_name))
    })
}

fn part_of_a_name(character: char) -> bool {
    character.is_alphanumeric() || "_-.$}".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_folders_are_found_at_the_start_of_a_path_only() {
        let root = concat!("/", "root/");
        let cases = [
            (format!("open('{root}.cargo')"), true),
            (format!("{root}x"), true),
            (format!("the group at a{root}b"), false),
            (format!("..{root}x"), false),
            ("/network/drive".to_owned(), false),
        ];
        for (line, expected) in cases {
            assert_eq!(machine_folder(&line).is_some(), expected, "{line}");
        }
    }

    #[test]
    fn long_code_is_a_notice_and_a_machine_path_a_fault() {
        let mut report = Report::default();
        look("long.rs", &"\n".repeat(LONG + 1), &mut report);
        look("long.md", &"\n".repeat(LONG + 1), &mut report);
        look("notes.md", &format!("\nsee {}\n", MACHINE_FOLDERS[0]), &mut report);
        insta::assert_snapshot!(report.notices.join("\n"), @"long.rs: 801 lines; above 800 it is time to split");
        assert_eq!(
            report.faults,
            [format!("notes.md:2: `{}` is a path of one machine", MACHINE_FOLDERS[0])]
        );
    }
}
