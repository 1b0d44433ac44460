//! What the analyzer has to say, and where in the object it found it.

use std::borrow::Cow;
use std::fmt;

use cannery_core::{Path, Segment};

use crate::repr::printable;

/// What loading a pickle would come to; the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No loader would unpickle it, and it is no document: not judged.
    Skipped,
    /// A program's source or machine code: it runs when it is imported or started, and is not judged.
    Code,
    /// Data only, read to the end.
    #[default]
    Ok,
    /// Something that cannery does not know, or could not read.
    Unknown,
    /// Something that no data needs and that does harm.
    Danger,
}

impl Verdict {
    /// `skipped`, `code`, `ok`, `unknown` or `danger`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Skipped => "skipped",
            Verdict::Code => "code",
            Verdict::Ok => "ok",
            Verdict::Unknown => "unknown",
            Verdict::Danger => "danger",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One reason why a file is not `ok`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How bad it is.
    pub verdict: Verdict,
    /// The name it is about, as in `os.system`; empty if it is about none.
    pub name: String,
    /// Bytes before it in its file, or in the member of an archive that `member` names.
    pub offset: u64,
    /// The opcode that does it; empty outside of pickles.
    pub opcode: &'static str,
    /// Where in the object: `$.model.steps[1]`.
    pub path: String,
    /// What is known about it, as a sentence without its full stop.
    pub reason: String,
    /// Where in the archive it is: `data.pkl`, `inner.zip!data.pkl`; empty for the file itself.
    pub member: String,
}

impl Finding {
    /// The same, with everything that comes from the file as it may be printed.
    pub(crate) fn printable(mut self) -> Self {
        for text in [&mut self.name, &mut self.path, &mut self.reason, &mut self.member] {
            if let Cow::Owned(shown) = printable(text) {
                *text = shown;
            }
        }
        self
    }

    /// A finding about a file as a whole.
    pub(crate) fn of_file(verdict: Verdict, offset: u64, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            name: String::new(),
            offset,
            opcode: "",
            path: String::new(),
            reason: reason.into(),
            member: String::new(),
        }
    }
}

/// How far the pickle goes with a name; more is worse to know about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UseKind {
    Refers,
    Makes,
    Calls,
}

/// A finding while the pickle is still being read.
pub(super) struct Draft {
    pub(super) finding: Finding,
    pub(super) deed: UseKind,
    /// The trail of the outermost value that holds it so far.
    root: u16,
    /// Innermost first.
    segments: Vec<Segment>,
}

/// Which findings lie inside which values.
///
/// A value that holds findings has a trail; when the value is put into another, the findings
/// whose outermost holder it was get a step of their path and move to the other's trail.
pub(super) struct Provenance {
    pub(super) drafts: Vec<Draft>,
    members: Vec<Vec<u16>>,
}

/// The trail of a name that may only be called, and of a tuple of arguments that holds one.
pub(super) const GUARDED: u16 = 1;

/// Findings, and steps of a path, beyond which it is not looked at.
const MAX_FINDINGS: usize = 200;
const MAX_STEPS: usize = 64;

impl Provenance {
    pub(super) fn new() -> Self {
        // Trail 0 is that of values without findings.
        Self { drafts: Vec::new(), members: vec![Vec::new(), Vec::new()] }
    }

    /// Adds a finding; returns its index and its trail, which is 0 if there are too many.
    pub(super) fn add(&mut self, finding: Finding, deed: UseKind) -> Option<(usize, u16)> {
        if self.drafts.len() >= MAX_FINDINGS {
            return self.add_instead(finding, deed);
        }
        let index = self.drafts.len();
        let root = self.open();
        self.drafts.push(Draft { finding, deed, root, segments: Vec::new() });
        self.members[usize::from(root)].push(u16::try_from(index).unwrap_or(u16::MAX));
        Some((index, root))
    }

    /// The worst must be heard, however many others there are.
    fn add_instead(&mut self, finding: Finding, deed: UseKind) -> Option<(usize, u16)> {
        let (index, draft) =
            self.drafts.iter_mut().enumerate().min_by_key(|(_, draft)| draft.finding.verdict)?;
        (draft.finding.verdict < finding.verdict).then(|| {
            draft.finding = finding;
            draft.deed = deed;
        });
        Some((index, 0))
    }

    /// Says more about a finding, and starts its path anew.
    pub(super) fn replace(&mut self, index: usize, finding: Finding, deed: UseKind) -> u16 {
        let root = self.open();
        self.members[usize::from(root)].push(u16::try_from(index).unwrap_or(u16::MAX));
        self.drafts[index] = Draft { finding, deed, root, segments: Vec::new() };
        root
    }

    fn open(&mut self) -> u16 {
        let Ok(trail) = u16::try_from(self.members.len()) else { return 0 };
        self.members.push(Vec::new());
        trail
    }

    /// Moves what `child` holds to `parent`, a step further in; returns the parent's trail.
    #[cold]
    pub(super) fn attach(&mut self, parent: u16, child: u16, step: Option<&Segment>) -> u16 {
        let parent = if parent == 0 { self.open() } else { parent };
        if parent == 0 || parent == child {
            return parent;
        }
        let held = std::mem::take(&mut self.members[usize::from(child)]);
        for index in held {
            let draft = &mut self.drafts[usize::from(index)];
            if draft.root != child {
                continue;
            }
            draft.root = parent;
            if draft.segments.len() < MAX_STEPS {
                draft.segments.extend(step.cloned());
            }
            self.members[usize::from(parent)].push(index);
        }
        parent
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        let finish = |draft: Draft| {
            let path = Path(draft.segments.into_iter().rev().collect());
            Finding { path: path.to_string(), ..draft.finding }.printable()
        };
        let mut findings: Vec<_> = self.drafts.into_iter().map(finish).collect();
        // The worst first, in the order of the file.
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.verdict), finding.offset));
        findings
    }
}
