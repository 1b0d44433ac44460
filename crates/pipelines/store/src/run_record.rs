//! Runs as files in `runs/`: what the catalog says of each run that has ended, from which it can be
//! made anew.
//!
//! A record is text: a first line with its version, for each table a line with the names of its
//! columns and a line for each row, and a last line with the digest of all before it. Values are an
//! integer (`i`), text (`t`), bytes (`b`, in hexadecimal) or nothing (`-`), with tabs between them.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, named_params};

use crate::{Digest, Error, ErrorKind, Result, RunId, Store, failpoint, failure, plain};

/// The folder of records.
pub(crate) const FOLDER: &str = "runs";

const FIRST_LINE: &str = "cannery run 1";

/// Bytes of a record, at most.
const MOST_BYTES: u64 = 256 << 20;

/// What is told of a run, by table; `:run` is its number.
const TABLES: [(&str, &str); 10] = [
    ("runs", "SELECT * FROM runs WHERE id = :run"),
    ("steps", "SELECT * FROM steps WHERE run = :run"),
    (
        "artifacts",
        "SELECT * FROM artifacts WHERE id IN (
            SELECT artifact FROM inputs WHERE step IN (SELECT id FROM steps WHERE run = :run)
            UNION
            SELECT artifact FROM outputs WHERE step IN (SELECT id FROM steps WHERE run = :run))",
    ),
    (
        "key_parts",
        "SELECT * FROM key_parts WHERE cache_key IN (
            SELECT cache_key FROM steps WHERE run = :run AND cached = 0)",
    ),
    (
        "observations",
        "SELECT * FROM observations WHERE step IN (SELECT id FROM steps WHERE run = :run)",
    ),
    ("inputs", "SELECT * FROM inputs WHERE step IN (SELECT id FROM steps WHERE run = :run)"),
    ("outputs", "SELECT * FROM outputs WHERE step IN (SELECT id FROM steps WHERE run = :run)"),
    ("run_notes", "SELECT * FROM run_notes WHERE run = :run"),
    (
        "step_usage",
        "SELECT * FROM step_usage WHERE step IN (SELECT id FROM steps WHERE run = :run)",
    ),
    (
        "aliases",
        "SELECT * FROM aliases WHERE artifact IN (
            SELECT id FROM artifacts WHERE step IN (SELECT id FROM steps WHERE run = :run))",
    ),
];

/// What is told of an artifact version that no step made.
const BY_HAND: [(&str, &str); 1] = [("artifacts", "SELECT * FROM artifacts WHERE id = :run")];

impl Store {
    /// Writes the record of a run that has ended; on a store that can only be read, nothing.
    pub(crate) fn write_run_record(&self, run: RunId) -> Result<()> {
        self.write_record(&TABLES, run.0, &record_path(self.root(), run))?;
        failpoint::reach("run record written");
        Ok(())
    }

    /// Writes the record of an artifact version that no step made.
    pub(crate) fn write_artifact_record(&self, artifact: i64) -> Result<()> {
        let path = self.root().join(FOLDER).join(format!("artifact-{artifact}"));
        self.write_record(&BY_HAND, artifact, &path)
    }

    fn write_record(&self, tables: &[(&str, &str)], of: i64, path: &Path) -> Result<()> {
        if self.is_read_only() {
            return Ok(());
        }
        let text = self.catalog().read("read the run", |catalog| text_of(catalog, tables, of))?;
        let write = || -> io::Result<()> {
            let folder = path.parent().unwrap_or(path);
            fs::create_dir_all(folder)?;
            plain::write_whole(folder, path, text.as_bytes())
        };
        write().map_err(|error| failure::io(error, "write", path))
    }

    /// Whether a run's record is there and whole.
    pub(crate) fn has_run_record(&self, run: RunId) -> bool {
        read(&record_path(self.root(), run)).is_ok()
    }

    /// Removes the record of a run that the catalog has forgotten.
    pub(crate) fn remove_run_record(&self, run: RunId) {
        // One that stays is a run that comes back when the catalog is made anew; no more.
        let _ = fs::remove_file(record_path(self.root(), run));
    }
}

fn record_path(root: &Path, run: RunId) -> PathBuf {
    root.join(FOLDER).join(run.to_string())
}

fn text_of(catalog: &Connection, tables: &[(&str, &str)], of: i64) -> rusqlite::Result<String> {
    let mut text = format!("{FIRST_LINE}\n");
    for (table, sql) in tables {
        let mut query = catalog.prepare_cached(sql)?;
        let columns = query.column_count();
        text.push_str(table);
        for name in query.column_names() {
            let _ = write!(text, "\t{name}");
        }
        text.push('\n');
        let mut rows = query.query(named_params! {":run": of})?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                push_value(&mut text, row.get_ref(column)?);
            }
            text.push('\n');
        }
    }
    let digest = Digest::of(text.as_bytes());
    let _ = writeln!(text, "end {digest}");
    Ok(text)
}

fn push_value(text: &mut String, value: ValueRef<'_>) {
    text.push('\t');
    match value {
        ValueRef::Integer(number) => {
            let _ = write!(text, "i{number}");
        }
        ValueRef::Text(bytes) => {
            text.push('t');
            for character in String::from_utf8_lossy(bytes).chars() {
                match character {
                    '\\' => text.push_str(r"\\"),
                    '\n' => text.push_str(r"\n"),
                    '\r' => text.push_str(r"\r"),
                    '\t' => text.push_str(r"\t"),
                    plain => text.push(plain),
                }
            }
        }
        ValueRef::Blob(bytes) => {
            text.push('b');
            for byte in bytes {
                let _ = write!(text, "{byte:02x}");
            }
        }
        // The catalog has no column of real numbers.
        ValueRef::Real(_) | ValueRef::Null => text.push('-'),
    }
}

/// The rows of one table in a record.
pub(crate) struct TableRows {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Value>>,
}

/// Reads a record back, and proves it.
///
/// # Errors
/// [`ErrorKind::Corrupt`] when it is not as it was written.
pub(crate) fn read(path: &Path) -> Result<Vec<TableRows>> {
    let text = proven_text(path)?;
    let mut lines = text.lines();
    match lines.next().and_then(|line| line.strip_prefix("cannery run ")) {
        Some("1") => parse(lines).ok_or_else(|| damaged(path)),
        Some(version) => Err(failure::newer(path, "run record", version, 1)),
        None => Err(damaged(path)),
    }
}

/// Copies a record that is as it was written; any other, or what is no plain file, is left out.
pub(crate) fn copy(from: &Path, folder: &Path) -> io::Result<()> {
    let (Ok(mut text), Some(name)) = (proven_text(from), from.file_name()) else { return Ok(()) };
    let digest = Digest::of(text.as_bytes());
    let _ = writeln!(text, "end {digest}");
    plain::write_whole(folder, &folder.join(name), text.as_bytes())
}

/// The text of a record without its last line, which has its digest.
fn proven_text(path: &Path) -> Result<String> {
    let mut text = plain::read_text(path, MOST_BYTES).map_err(|e| failure::io(e, "read", path))?;
    let end = text.trim_end().rfind('\n').ok_or_else(|| damaged(path))? + 1;
    let said = text.split_off(end);
    if said.trim_end().strip_prefix("end ") != Some(&Digest::of(text.as_bytes()).to_string()) {
        return Err(damaged(path));
    }
    Ok(text)
}

#[cold]
fn damaged(path: &Path) -> Error {
    let message = "the record of a run is not as it was written";
    Error::new(ErrorKind::Corrupt, message).in_file(path.display().to_string())
}

fn parse<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Vec<TableRows>> {
    let mut found: Vec<TableRows> = Vec::new();
    for line in lines {
        let mut fields = line.split('\t');
        let first = fields.next()?;
        if first.is_empty() {
            let row: Vec<Value> = fields.map(value).collect::<Option<_>>()?;
            let rows = found.last_mut()?;
            (row.len() == rows.columns.len()).then_some(())?;
            rows.rows.push(row);
        } else {
            let table = TABLES.iter().find(|(table, _)| *table == first)?.0;
            let columns: Vec<String> = fields.map(str::to_owned).collect();
            columns.iter().all(|name| is_column(name)).then_some(())?;
            found.push(TableRows { name: table, columns, rows: Vec::new() });
        }
    }
    Some(found)
}

/// Whether it can be the name of a column: it becomes part of a statement.
fn is_column(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

fn value(field: &str) -> Option<Value> {
    match field.split_at_checked(1)? {
        ("i", number) => number.parse().ok().map(Value::Integer),
        ("t", text) => unescape(text).map(Value::Text),
        ("b", hex) => bytes(hex).map(Value::Blob),
        ("-", "") => Some(Value::Null),
        _ => None,
    }
}

fn unescape(field: &str) -> Option<String> {
    let mut text = String::with_capacity(field.len());
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(text)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_back() {
        let values = [
            Value::Integer(-3),
            Value::Text("a\tb\\n\nc\r\u{1b}".into()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 255, 16]),
            Value::Null,
        ];
        for expected in values {
            let mut text = String::new();
            push_value(&mut text, (&expected).into());
            let field = text.strip_prefix('\t').unwrap();
            assert!(!field.contains(['\t', '\n', '\r']), "{field:?}");
            assert_eq!(value(field), Some(expected));
        }
        for broken in ["", "x1", "i", "ione", "bzz", "-1", "ta\\"] {
            assert_eq!(value(broken), None, "{broken}");
        }
    }
}
