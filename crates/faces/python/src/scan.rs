//! Verdicts on files and pickles taken apart: plain tuples here, made into classes in Python.

use std::collections::BTreeMap;
use std::ffi::OsString;

use cannery::pickle::dis::{DisOptions, Memo, dis};
use cannery::pickle::explain::explain;
use cannery::pickle::opcode::{OPCODES, Slot};
use cannery::pickle::scan::{Finding, Scan, ScanOptions, scan};
use cannery::{Location, scan_places};
use pyo3::prelude::*;

use crate::errors::to_exception;
use crate::memory;

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(pickle_dis, module)?)?;
    module.add_function(wrap_pyfunction!(pickle_explain, module)?)?;
    module.add_function(wrap_pyfunction!(scan_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(scan_paths, module)?)
}

/// Verdict, name, offset, opcode, path, reason, member.
type FindingTuple = (&'static str, String, u64, &'static str, String, String, String);
/// Name, verdict, summary, bytes, pickles, findings.
type FileTuple = (String, &'static str, String, u64, u64, Vec<FindingTuple>);

fn finding(finding: Finding) -> FindingTuple {
    let Finding { verdict, name, offset, opcode, path, reason, member, .. } = finding;
    (verdict.name(), name, offset, opcode, path, reason, member)
}

fn file(name: String, scan: Scan) -> FileTuple {
    let findings = scan.findings.into_iter().map(finding).collect();
    (name, scan.verdict.name(), scan.summary, scan.bytes, scan.pickles, findings)
}

fn options(max_unpacked: Option<u64>) -> ScanOptions {
    let options = cannery::with_checks(ScanOptions::default());
    match max_unpacked {
        Some(bytes) => options.max_unpacked(bytes),
        None => options,
    }
}

/// Scans bytes.
#[pyfunction]
#[pyo3(signature = (data, max_unpacked=None))]
fn scan_bytes(py: Python<'_>, data: &[u8], max_unpacked: Option<u64>) -> FileTuple {
    let scanned = py.detach(|| scan(data, &options(max_unpacked)));
    file(String::new(), scanned)
}

/// Scans files and folders.
#[pyfunction]
#[pyo3(signature = (paths, max_unpacked=None))]
fn scan_paths(py: Python<'_>, paths: Vec<OsString>, max_unpacked: Option<u64>) -> Vec<FileTuple> {
    let places: Vec<Location> = paths.iter().map(Location::parse).collect();
    let report = py.detach(|| scan_places(&places, &options(max_unpacked), &|_, _| ()));
    report.files.into_iter().map(|scanned| file(scanned.name, scanned.scan)).collect()
}

/// The text, the length of the pickle, the memo, and what is wrong with it.
type DisTuple = (String, usize, BTreeMap<i64, &'static str>, Option<PyErr>);

/// Disassembles the first pickle.
#[pyfunction]
fn pickle_dis(
    py: Python<'_>,
    data: &[u8],
    memo: BTreeMap<i64, String>,
    indent: usize,
    annotate: usize,
    stack: bool,
    base: u64,
) -> DisTuple {
    let mut memo: Memo = memo.into_iter().map(|(index, name)| (index, slot(&name))).collect();
    let printable = |c: char| is_printable(py, c).unwrap_or(false);
    let options = DisOptions::default()
        .indent(indent)
        .annotate(annotate)
        .stack(stack)
        .base(base)
        .printable(&printable);
    let mut text = String::new();
    let result = dis(data, &options, &mut memo, &mut text);
    let memo = memo.into_iter().map(|(index, slot)| (index, slot.name())).collect();
    match result {
        Ok(end) => (text, end, memo, None),
        Err(error) => (text, data.len(), memo, Some(to_exception(py, error))),
    }
}

/// Python knows best which characters its `repr` prints.
fn is_printable(py: Python<'_>, c: char) -> PyResult<bool> {
    memory::new_text(py, c.encode_utf8(&mut [0; 4]))?.call_method0("isprintable")?.extract()
}

fn slot(name: &str) -> Slot {
    let slots = OPCODES.iter().flat_map(|opcode| opcode.info().after);
    slots.copied().find(|slot| slot.name() == name).unwrap_or(Slot::Any)
}

/// The pickles in a file, as Python programs.
#[pyfunction]
fn pickle_explain(py: Python<'_>, data: &[u8]) -> String {
    py.detach(|| explain(data))
}
