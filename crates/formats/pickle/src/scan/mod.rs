//! The scanner: verdicts on files with pickles in every wrapping people use.
//!
//! A file is taken for what its bytes say, whatever its name is. What cannot be read to its end is
//! never `ok`, and neither is what lies about itself.

mod array;
mod copies;
mod kind;
mod literal;
mod packed;
mod safetensors;
mod seven;
mod skip;
mod stream;
mod tar;
mod text;
mod torch;
mod zip;

use crate::analyzer::{Analyzed, AnalyzerOptions};
pub use crate::analyzer::{Finding, Verdict};
use crate::policy::Profile;
use kind::FileKind;

/// How much work a scan may be.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ScanOptions {
    /// Bytes that all wrappings of a file may unpack to; what holds more is `unknown`.
    pub max_unpacked: u64,
    /// Archives and wrappings inside of one another.
    pub max_depth: u32,
    /// Members of archives.
    pub max_members: usize,
    /// How the header of safetensors is read; without it such files are `unknown`.
    pub safetensors: Option<SafetensorsCheck>,
    /// How texts are read; without it each is taken for a document with tags.
    pub text: Option<TextCheck>,
    /// How documents in texts are judged; without it they are searched for names only.
    pub documents: Option<DocumentCheck>,
    /// How documents in bytes are read; without it such files are `skipped`.
    pub binary: Option<BinaryCheck>,
}

/// What a text is to those who read JSON and YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// No document.
    Prose,
    /// A document of data.
    Data,
    /// A YAML document with tags of its own.
    Tagged,
    /// A document that is nested too deeply, or expands to too much.
    Bomb,
}

/// Reads a text.
pub type TextCheck = fn(&str) -> TextKind;

/// Says why reading a document would cost far more than it holds.
pub type DocumentCheck = fn(&[u8]) -> Option<&'static str>;

/// Says what document fills bytes from the first to the last; `None` if none does.
pub type BinaryCheck = fn(&[u8]) -> Option<BinaryDocument>;

/// A document in bytes: MessagePack, CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryDocument {
    /// The name of its format.
    pub name: &'static str,
    /// Why reading it would cost far more than it holds.
    pub bomb: Option<&'static str>,
}

/// Says where the header of safetensors lies, and how: the byte and the reason.
pub type SafetensorsCheck = fn(&[u8]) -> std::result::Result<(), (u64, String)>;

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            max_unpacked: 2 << 30,
            max_depth: 8,
            max_members: 100_000,
            safetensors: None,
            text: None,
            documents: None,
            binary: None,
        }
    }
}

impl ScanOptions {
    /// Sets [`max_unpacked`](ScanOptions::max_unpacked).
    #[must_use]
    pub fn max_unpacked(mut self, bytes: u64) -> Self {
        self.max_unpacked = bytes;
        self
    }

    /// Sets [`safetensors`](ScanOptions::safetensors).
    #[must_use]
    pub fn safetensors(mut self, check: SafetensorsCheck) -> Self {
        self.safetensors = Some(check);
        self
    }

    /// Sets [`text`](ScanOptions::text).
    #[must_use]
    pub fn text(mut self, check: TextCheck) -> Self {
        self.text = Some(check);
        self
    }

    /// Sets [`documents`](ScanOptions::documents).
    #[must_use]
    pub fn documents(mut self, check: DocumentCheck) -> Self {
        self.documents = Some(check);
        self
    }

    /// Sets [`binary`](ScanOptions::binary).
    #[must_use]
    pub fn binary(mut self, check: BinaryCheck) -> Self {
        self.binary = Some(check);
        self
    }

    /// Sets [`max_depth`](ScanOptions::max_depth).
    #[must_use]
    pub fn max_depth(mut self, depth: u32) -> Self {
        self.max_depth = depth;
        self
    }
}

/// What a scan of one file came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Scan {
    /// The worst of its findings; without any, whether there was something to judge.
    pub verdict: Verdict,
    /// Why it is not `ok`, the worst first.
    pub findings: Vec<Finding>,
    /// What it is, in a few words: `a pickle of NumPy data`.
    pub summary: String,
    /// Pickles that were analyzed.
    pub pickles: u64,
    /// Its length.
    pub bytes: u64,
}

impl Scan {
    /// The outcome for what could not even be opened.
    #[must_use]
    pub fn unreadable(reason: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unknown,
            findings: vec![Finding::of_file(Verdict::Unknown, 0, reason)],
            summary: "unreadable".to_owned(),
            pickles: 0,
            bytes: 0,
        }
    }

    /// Adds what another look at the file has found, after what was found before.
    pub fn add(&mut self, verdict: Verdict, reason: impl Into<String>) {
        self.verdict = self.verdict.max(verdict);
        self.findings.push(Finding::of_file(verdict, 0, reason).printable());
    }
}

/// Says what opening a file would do, from its bytes alone.
///
/// ```
/// use cannery_pickle::scan::{ScanOptions, Verdict, scan};
///
/// let report = scan(b"cos\nsystem\n(S'echo hi'\ntR.", &ScanOptions::default());
/// assert_eq!(report.verdict, Verdict::Danger);
/// assert_eq!(report.findings[0].reason,
///     "calls os.system(\"echo hi\"): runs programs, changes files and the environment");
/// assert_eq!(scan(b"(lp0\nI1\na.", &ScanOptions::default()).verdict, Verdict::Ok);
/// assert_eq!(scan(b"(lp0\nI1\na", &ScanOptions::default()).verdict, Verdict::Unknown);
/// ```
#[must_use]
pub fn scan(data: &[u8], options: &ScanOptions) -> Scan {
    scan_with(data, options, AnalyzerOptions::default())
}

/// A pickle that a scan found.
pub(crate) struct Found {
    pub(crate) member: String,
    pub(crate) data: Vec<u8>,
    pub(crate) start: usize,
}

/// Scans, and keeps the pickles that were found.
pub(crate) fn scan_keeping(data: &[u8], options: &ScanOptions) -> (Scan, Vec<Found>) {
    let mut scanner = Scanner::new(options, AnalyzerOptions::default());
    scanner.kept = Some(Vec::new());
    let what = scanner.content(data);
    let kept = scanner.kept.take().unwrap_or_default();
    (scanner.finish(what, data.len()), kept)
}

fn scan_with(data: &[u8], options: &ScanOptions, analyzer: AnalyzerOptions) -> Scan {
    let mut scanner = Scanner::new(options, analyzer);
    let what = scanner.content(data);
    scanner.finish(what, data.len())
}

/// Analyzes a pickle that another one would read.
pub(crate) fn analyze_inner(data: &[u8], is_torch: bool, options: AnalyzerOptions) -> Scan {
    let analyzer = options.persistent_ids(is_torch);
    let small = ScanOptions { max_members: 1000, ..ScanOptions::default() };
    let small = small.max_unpacked(64 << 20).max_depth(2);
    scan_with(data, &small, analyzer)
}

struct Scanner {
    options: ScanOptions,
    analyzer: AnalyzerOptions,
    unpacked: u64,
    members: usize,
    depth: u32,
    /// The members of archives that lead to what is being read.
    place: Vec<String>,
    findings: Vec<Finding>,
    pickles: u64,
    /// The best that can be said without findings: `ok` once anything was judged.
    judged: Verdict,
    profile: Profile,
    /// The pickles themselves, if they are asked for.
    kept: Option<Vec<Found>>,
}

impl Scanner {
    fn new(options: &ScanOptions, analyzer: AnalyzerOptions) -> Self {
        Self {
            options: *options,
            analyzer,
            unpacked: 0,
            members: 0,
            depth: 0,
            place: Vec::new(),
            findings: Vec::new(),
            pickles: 0,
            judged: Verdict::Skipped,
            profile: Profile::Data,
            kept: None,
        }
    }

    fn finish(mut self, what: String, len: usize) -> Scan {
        self.findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        let verdict = self.findings.first().map_or(self.judged, |finding| finding.verdict);
        let summary = if self.pickles == 0 { what } else { self.summary(&what) };
        Scan { verdict, findings: self.findings, summary, pickles: self.pickles, bytes: len as u64 }
    }

    /// What something is, with what its pickles hold: `a pickle of NumPy data, compressed`.
    fn summary(&self, what: &str) -> String {
        let (what, packed) = match what.find(", ") {
            Some(at) => what.split_at(at),
            None => (what, ""),
        };
        format!("{what} of {} data{packed}", profile_name(self.profile))
    }

    /// Scans bytes for what they are; says what that is.
    fn content(&mut self, data: &[u8]) -> String {
        if self.depth > self.options.max_depth {
            self.note(Verdict::Unknown, 0, "archives are nested too deeply");
            return "an archive".to_owned();
        }
        self.depth += 1;
        let kind = FileKind::of(data);
        let is_judged = !matches!(
            kind,
            FileKind::Pickle
                | FileKind::Text
                | FileKind::Empty
                | FileKind::Code(_)
                | FileKind::Other(_)
        );
        if is_judged && !kind.is_wrapping() {
            self.judged = Verdict::Ok;
        }
        if kind != FileKind::Pickle && kind != FileKind::LegacyTorch {
            // What another reader might do with it all the same.
            self.polyglot(data);
        }
        if kind.is_wrapping() && kind != FileKind::Zip && zip::ends_as_zip(data) {
            self.note(Verdict::Unknown, 0, "a ZIP archive and something else at once");
            self.zip(data);
        }
        let what = self.content_of(kind, data);
        self.depth -= 1;
        what
    }

    fn content_of(&mut self, kind: FileKind, data: &[u8]) -> String {
        match kind {
            FileKind::Packed(packing) => self.packed(packing, data),
            FileKind::Zip => self.zip(data),
            FileKind::Tar => self.tar(data),
            FileKind::SevenZip => self.seven_zip(data),
            FileKind::Npy => self.npy(data),
            FileKind::LegacyTorch => self.legacy_torch(data),
            FileKind::Hdf5 => self.hdf5(data),
            FileKind::Safetensors => self.safetensors(data),
            FileKind::Gguf => {
                self.template(data);
                self.no_pickles(data);
                "GGUF, no pickle".to_owned()
            }
            FileKind::Pickle => self.stream(data),
            FileKind::Other(name) => {
                self.other_wrappings(data);
                self.no_pickles(data);
                name.to_owned()
            }
            FileKind::Code(name) => {
                self.other_wrappings(data);
                self.code(name)
            }
            FileKind::Empty => "an empty file".to_owned(),
            FileKind::Text => self.text(data),
            FileKind::Unscanned(name) => {
                self.note(Verdict::Unknown, 0, &format!("{name}, which cannery does not scan"));
                name.to_owned()
            }
        }
    }

    /// Notes something about the bytes at hand.
    fn note(&mut self, verdict: Verdict, offset: usize, reason: &str) {
        self.keep(Finding::of_file(verdict, offset as u64, reason));
    }

    fn keep(&mut self, mut finding: Finding) {
        const MAX_FINDINGS: usize = 1000;
        if self.findings.len() >= MAX_FINDINGS && finding.verdict < Verdict::Danger {
            return;
        }
        finding.member = self.place.join("!");
        let finding = finding.printable();
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// Takes over what was found in the pickle that begins at `start`.
    fn keep_analyzed(&mut self, data: &[u8], start: usize, analyzed: Analyzed) {
        if let Some(kept) = &mut self.kept {
            // Raw arrays have an end of their own, which the analyzer knows.
            let data = data[..analyzed.end.min(data.len())].to_vec();
            kept.push(Found { member: self.place.join("!"), data, start });
        }
        self.pickles += 1;
        self.judged = Verdict::Ok;
        if analyzed.profile >= Profile::Pandas
            && let Some(at) = memchr::memmem::find(data, b"dateutil/")
        {
            let reason = "a time zone that pandas would read from a file of the pickle's choice";
            self.note(Verdict::Unknown, at, reason);
        }
        self.profile = self.profile.max(analyzed.profile);
        if analyzed.references >= copies::FEW_REFERENCES
            && let Some((at, reason)) = copies::bomb(data, start, analyzed.end)
        {
            self.note(Verdict::Unknown, at, reason);
        }
        if analyzed.has_equal_keys(data, start) {
            let reason = "keys that all have the same hash: a resource bomb";
            self.note(Verdict::Unknown, start, reason);
        }
        analyzed.findings.into_iter().for_each(|finding| self.keep(finding));
    }

    /// Scans a member of an archive.
    fn member(&mut self, name: &str, data: &[u8]) {
        self.inside(name, |scanner| {
            scanner.content(data);
        });
    }

    fn inside(&mut self, name: &str, scan: impl FnOnce(&mut Self)) {
        self.place.push(name.to_owned());
        scan(self);
        self.place.pop();
    }

    /// Notes a member whose name leads out of the folder that the archive is unpacked to.
    fn leading_out(&mut self, name: &str) {
        let name = name.replace('\\', "/");
        let has_drive = name.as_bytes().get(1) == Some(&b':');
        if name.starts_with('/') || has_drive || name.split('/').any(|part| part == "..") {
            self.note(Verdict::Unknown, 0, "a member that leaves the folder it is unpacked to");
        }
    }

    /// Counts a member; false if there are too many.
    fn count_member(&mut self) -> bool {
        self.members += 1;
        if self.members == self.options.max_members + 1 {
            self.note(Verdict::Unknown, 0, "more members than anybody needs: a resource bomb");
        }
        self.members <= self.options.max_members
    }

    /// Bytes that may still be unpacked.
    fn unpacking_left(&self) -> u64 {
        self.options.max_unpacked.saturating_sub(self.unpacked)
    }

    /// Its attributes may be pickles to `PyTables` and configurations to Keras; what its chunks
    /// hold compressed is not looked into, so that it is never read to its end.
    fn hdf5(&mut self, data: &[u8]) -> String {
        self.configuration(data, TextKind::Tagged);
        self.search(data, 0);
        let reason = "HDF5: searched for pickles and code, but not inside of compressed chunks";
        self.note(Verdict::Unknown, 0, reason);
        "HDF5".to_owned()
    }
}

fn profile_name(profile: Profile) -> &'static str {
    match profile {
        Profile::Data => "plain",
        Profile::Numpy => "NumPy",
        Profile::Pandas => "pandas",
        Profile::Scipy => "SciPy",
        Profile::Sklearn => "scikit-learn",
        Profile::Torch => "PyTorch",
    }
}
