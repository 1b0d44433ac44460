//! Pickles one behind the other, whatever lies between them and behind the last.

use cannery_core::ErrorKind;

use super::{BinaryDocument, FileKind, Scanner, Verdict};
use crate::analyzer::{Analyzed, AnalyzerOptions, analyze};
use crate::policy::{danger, has_dangers, is_path, python3_name};

/// Places in bytes of no known format at which a pickle is looked for.
const MAX_CANDIDATES: usize = 20_000;
/// Bytes of pickles that are looked for there, all together.
const MAX_SEARCHED: usize = 256 << 20;
/// Bytes of no known format that are searched at all.
const MAX_LOOKED_AT: usize = 256 << 20;

impl Scanner {
    /// Analyzes the pickles of a file that is no archive; says what it is.
    pub(super) fn stream(&mut self, data: &[u8]) -> String {
        let first = analyze(data, 0, &self.analyzer);
        if first.error.is_some() && !first.findings.iter().any(|finding| is_path(&finding.name)) {
            return self.no_pickle(data, first);
        }
        if is_prose(data, &first, self.analyzer) {
            return self.content_of(FileKind::Text, data);
        }
        let mut count = 1;
        let mut end = first.end;
        let mut broken = first.error.is_some();
        self.keep_analyzed(data, 0, first);
        while !broken && !is_filling(&data[end..]) {
            let next = analyze(data, end, &self.analyzer);
            if next.error.is_some() && next.findings.iter().all(|finding| finding.name.is_empty()) {
                self.behind(data, end);
                break;
            }
            count += 1;
            let start = std::mem::replace(&mut end, next.end);
            broken = next.error.is_some();
            self.keep_analyzed(data, start, next);
        }
        if broken {
            self.search(data, end);
        }
        if count == 1 { "a pickle".to_owned() } else { format!("{count} pickles") }
    }

    /// The first instructions already fail, and none of them looks up a name: loading it as a
    /// pickle does nothing.
    fn no_pickle(&mut self, data: &[u8], first: Analyzed) -> String {
        if let Some(document) = self.options.binary.and_then(|read| read(data)) {
            return self.binary_document(data, document);
        }
        if reads_as_text(data, &first) {
            self.other_wrappings(data);
            return self.content_of(FileKind::Text, data);
        }
        if is_no_pickle(data, &first) {
            return self.unknown_data(data);
        }
        let end = first.end;
        self.keep_analyzed(data, 0, first);
        self.search(data, end);
        "a broken pickle".to_owned()
    }

    /// Bytes that are a document from the first to the last.
    fn binary_document(&mut self, data: &[u8], document: BinaryDocument) -> String {
        self.judged = Verdict::Ok;
        if let Some(reason) = document.bomb {
            self.note(Verdict::Unknown, 0, reason);
        }
        self.other_wrappings(data);
        self.no_pickles(data);
        format!("a document of {}, no pickle", document.name)
    }

    fn behind(&mut self, data: &[u8], end: usize) {
        let reason = format!("{} bytes behind the pickle are none", data.len() - end);
        self.note(Verdict::Unknown, end, &reason);
        self.search(data, end);
    }

    /// Looks for pickles in bytes that are none as a whole.
    pub(super) fn search(&mut self, data: &[u8], from: usize) {
        self.known_names(data, from);
        let is_kept =
            |analyzed: &Analyzed| analyzed.error.is_none() || analyzed.verdict() == Verdict::Danger;
        if let Some(at) = self.candidates(data, from, is_kept) {
            self.note(Verdict::Unknown, at, "too many beginnings of pickles to look at all");
        }
    }

    /// Looks for hostile pickles in a file of a format that has none.
    pub(super) fn no_pickles(&mut self, data: &[u8]) {
        self.known_names(data, 0);
        let is_hostile =
            |analyzed: &Analyzed| analyzed.findings.iter().any(|finding| is_path(&finding.name));
        self.candidates(data, 0, is_hostile);
    }

    /// Analyzes what may be a pickle, and keeps what meets the condition; returns where it stopped
    /// if there is too much to look at.
    fn candidates(
        &mut self,
        data: &[u8],
        from: usize,
        is_kept: impl Fn(&Analyzed) -> bool,
    ) -> Option<usize> {
        let mut at = from.min(data.len());
        let end = data.len().min(at.saturating_add(MAX_LOOKED_AT));
        let mut searched = 0;
        for _ in 0..MAX_CANDIDATES {
            let Some(found) = memchr::memchr(0x80, &data[at..end]) else {
                return (end < data.len()).then_some(end);
            };
            let start = at + found;
            at = start + 1;
            if !matches!(data.get(start + 1), Some(0..=5)) {
                continue;
            }
            let analyzed = analyze(data, start, &self.analyzer);
            searched += analyzed.end.saturating_sub(start);
            if is_kept(&analyzed) {
                at = analyzed.end.clamp(at, end);
                self.keep_analyzed(data, start, analyzed);
            }
            if searched > MAX_SEARCHED {
                break;
            }
        }
        Some(at)
    }

    /// Looks for `GLOBAL`s and `INST`s of dangerous names, wherever they are.
    pub(super) fn known_names(&mut self, data: &[u8], from: usize) {
        let mut at = from.min(data.len());
        let end = data.len().min(at.saturating_add(MAX_LOOKED_AT));
        while let Some(found) = memchr::memchr(b'\n', &data[at..end]) {
            let line = at + found;
            at = line + 1;
            let Some((opcode, module)) = name_before(&data[..line]) else { continue };
            let rest = &data[at.min(data.len())..data.len().min(at + 256)];
            let Some(end) = rest.iter().position(|&b| b == b'\n') else { continue };
            let Some(name) = name_text(&rest[..end]) else { continue };
            let (module, name) = python3_name(module, name);
            if let Some(what) = danger(module, name) {
                let reason = format!("refers to {module}.{name} outside of any pickle: {what}");
                let mut finding = super::Finding::of_file(Verdict::Danger, opcode as u64, reason);
                finding.name = format!("{module}.{name}");
                finding.opcode = "GLOBAL";
                self.keep(finding);
            }
        }
    }

    /// What `pickle.load` would make of a file that is something else.
    pub(super) fn polyglot(&mut self, data: &[u8]) {
        if data.starts_with(b"P") {
            // A persistent id, which `pickle.load` refuses: every ZIP archive begins so.
            return;
        }
        let analyzed = analyze(data, 0, &self.analyzer);
        let is_pickle = analyzed.error.is_none();
        let found = analyzed.findings.iter().any(|finding| is_path(&finding.name));
        if found || is_pickle || analyzed.verdict() == Verdict::Danger {
            self.note(Verdict::Unknown, 0, "a pickle and something else at once");
            self.keep_analyzed(data, 0, analyzed);
        }
    }
}

/// Opcodes that letters and numbers may be by chance.
const BY_CHANCE: u64 = 8;

/// Whether the machine stops soon, before it imports anything, in what nothing says is a pickle.
fn is_no_pickle(data: &[u8], first: &Analyzed) -> bool {
    // Later protocols than the last may be those of later readers.
    let says_so = matches!(data, [0x80, 0..=16, ..]);
    let is_cut = first.error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Truncated);
    !first.imports && !says_so && first.opcodes <= if is_cut { 2 } else { BY_CHANCE }
}

/// Whether a text begins with a pickle by chance (`N.` is one), and is none behind it.
fn is_prose(data: &[u8], first: &Analyzed, options: AnalyzerOptions) -> bool {
    let rest = &data[first.end.min(data.len())..];
    first.opcodes <= BY_CHANCE
        && first.error.is_none()
        && !first.imports
        && !is_filling(rest)
        && is_text(data)
        && {
            let next = analyze(data, first.end, &options);
            next.error.is_some() && !next.imports && reads_as_text(data, &next)
        }
}

/// Whether a text is no pickle: its letters soon stop making sense as opcodes, and not because
/// it ends.
fn reads_as_text(data: &[u8], first: &Analyzed) -> bool {
    let is_cut = first.error.as_ref().is_none_or(|error| error.kind() == ErrorKind::Truncated);
    // Names with blanks in them are lines of a text.
    let has_lines = first.findings.iter().any(|finding| !finding.name.is_empty());
    // A line that begins with `P` asks for an object that only some readers know.
    let is_refused = has_lines || data.starts_with(b"P");
    let is_short = first.opcodes < if is_cut { 3 } else { BY_CHANCE };
    !first.imports && (is_refused || is_short) && is_text(data)
}

/// The module of a `GLOBAL` or `INST` whose first line ends here, and the place of its opcode.
fn name_before(data: &[u8]) -> Option<(usize, &str)> {
    let start = data.iter().rev().take(100).take_while(|&&b| is_name_byte(b)).count();
    let word = &data[data.len() - start..];
    // The opcode is a letter itself, and so may be what comes before it.
    let known = |at: &usize| {
        let module = std::str::from_utf8(&word[at + 1..]).unwrap_or("");
        !module.is_empty() && (has_dangers(module) || python3_name(module, "").0 != module)
    };
    let at = (0..word.len()).filter(|&at| matches!(word[at], b'c' | b'i')).find(known)?;
    Some((data.len() - start + at, std::str::from_utf8(&word[at + 1..]).ok()?))
}

fn name_text(line: &[u8]) -> Option<&str> {
    let is_name = !line.is_empty() && line.iter().all(|&b| is_name_byte(b));
    std::str::from_utf8(line).ok().filter(|_| is_name)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// What text editors and block devices leave behind a file.
pub(super) fn is_filling(rest: &[u8]) -> bool {
    // Longer holes are no filling, and take minutes to read.
    if rest.len() > MAX_LOOKED_AT {
        return false;
    }
    rest.iter().all(|b| matches!(b, b'\n' | b'\r' | b' ' | b'\t')) || rest.iter().all(|&b| b == 0)
}

pub(super) fn is_text(data: &[u8]) -> bool {
    let is_control = |&b: &u8| b < 0x20 && !matches!(b, b'\n' | b'\r' | b'\t' | 0x0c | 0x1b);
    !data.iter().any(is_control) && simdutf8::basic::from_utf8(data).is_ok()
}
