//! Public conformance suites and corpora, read where they lie, never copied.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The folder of the suites: `CANNERY_SUITES`, or `../shared/suites` beside the repository.
///
/// Without them tests go on with the project's own vectors; that is said aloud.
#[must_use]
pub fn suites() -> Option<PathBuf> {
    folder("CANNERY_SUITES", "suites")
}

/// The folder of the corpora: `CANNERY_CORPORA`, or the one called `corpora` beside the suites.
#[must_use]
pub fn corpora() -> Option<PathBuf> {
    folder("CANNERY_CORPORA", "corpora")
}

fn folder(variable: &str, name: &str) -> Option<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3)?;
    let beside = || match std::env::var_os("CANNERY_SUITES") {
        Some(suites) => Path::new(&suites).with_file_name(name),
        None => repository.join("../shared").join(name),
    };
    let path = std::env::var_os(variable).map_or_else(beside, PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    say(&format!("SKIPPED: no {name} at {}; set {variable} to their folder", path.display()));
    None
}

/// Says aloud how many cases of a suite ran, past the test harness's capture.
pub fn report(what: &str, count: usize) {
    say(&format!("{what}: {count}"));
}

fn say(line: &str) {
    // Unlike `eprintln!`, the handle itself is not captured; if it is closed, no output is seen.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// What a conformance suite asks of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The input must be read.
    Accept,
    /// The input must be refused.
    Reject,
    /// Either, without a crash.
    Either,
}

/// One file of `JSONTestSuite`.
#[derive(Clone, Debug)]
pub struct JsonCase {
    /// The file's name.
    pub name: String,
    /// What its name asks for.
    pub expected: Expected,
    /// What is in it.
    pub text: Vec<u8>,
}

/// The cases of [JSONTestSuite](https://github.com/nst/JSONTestSuite), in order of their names;
/// none if the suites are absent.
///
/// # Panics
/// If a file of it cannot be read.
#[must_use]
pub fn json_suite() -> Vec<JsonCase> {
    let Some(suites) = suites() else { return Vec::new() };
    files(&suites.join("json/test_parsing")).into_iter().map(json_case).collect()
}

fn json_case((name, text): (String, Vec<u8>)) -> JsonCase {
    let expected = match name.as_bytes() {
        [b'y', ..] => Expected::Accept,
        [b'n', ..] => Expected::Reject,
        _ => Expected::Either,
    };
    JsonCase { name, expected, text }
}

/// The names and texts of the JSON corpora; none if they are absent.
///
/// # Panics
/// If one cannot be read.
#[must_use]
pub fn json_corpora() -> Vec<(String, Vec<u8>)> {
    let Some(corpora) = corpora() else { return Vec::new() };
    let mut all = files(&corpora);
    all.extend(files(&corpora.join("coco")));
    all.retain(|(name, _)| Path::new(name).extension().is_some_and(|e| e == "json"));
    all
}

/// The files directly in a folder, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file());
    let mut files: Vec<_> = paths.map(|path| (name(&path), read(&path))).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
