//! What the analyzer is told, and what it says.

use std::ops::Range;

use cannery_core::Error;

use super::finding::{Finding, Verdict};
use crate::hashes::has_equal_hashes;
use crate::inert::graph_of;
use crate::policy::Profile;

/// What the analyzer found in one pickle.
#[derive(Debug)]
#[non_exhaustive]
pub struct Analyzed {
    /// Every reason for its verdict, the worst first.
    pub findings: Vec<Finding>,
    /// Bytes from the beginning of the data to the end of the pickle, or to where reading stopped.
    pub end: usize,
    /// Why it was not read to its `STOP`.
    pub error: Option<Error>,
    /// Instructions read.
    pub opcodes: u64,
    /// Whether a module would be imported, or an extension code looked up.
    pub imports: bool,
    /// How often it refers to containers that it made before.
    pub(crate) references: u64,
    /// Keys whose hashes the file can choose.
    pub(crate) keys: u64,
    /// Tensors whose bytes lie outside of the pickle: `PyTorch`'s persistent ids.
    pub storages: Vec<Storage>,
    /// Parts of the data that are no instructions: the raw arrays.
    pub raw: Vec<Range<usize>>,
    /// The libraries whose objects it holds: the last of their profiles.
    pub profile: Profile,
    /// All that is not ok, instruction by instruction, if it was asked for.
    pub trace: Vec<Note>,
}

/// So few keys are not looked at once more, for their hashes.
pub(crate) const FEW_KEYS: u64 = 64;

/// Longer pickles are not looked through once more for them.
const LONGEST_LOOKED_THROUGH: usize = 64 << 20;

impl Analyzed {
    /// Whether keys of the pickle, which begins at `start` of the data, were chosen to have one hash: a
    /// container of them takes hours to fill.
    #[must_use]
    pub fn has_equal_keys(&self, data: &[u8], start: usize) -> bool {
        let len = self.end.saturating_sub(start);
        self.keys >= FEW_KEYS
            && len <= LONGEST_LOOKED_THROUGH
            && has_equal_hashes(&graph_of(data, start))
    }
}

/// What is not ok about one instruction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Note {
    /// The offset of its opcode.
    pub offset: usize,
    /// How bad it is.
    pub verdict: Verdict,
    /// The name it is about; empty if it is about none.
    pub name: String,
    /// What is known about it.
    pub reason: String,
}

/// Which instructions are noted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trace {
    #[default]
    Nothing,
    /// Those that put names of the table to another use, and those that are about no name.
    Violations,
    Everything,
}

impl Analyzed {
    /// The verdict on this pickle alone.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let found = self.findings.iter().map(|finding| finding.verdict).max();
        let read = if self.error.is_some() { Verdict::Unknown } else { Verdict::Ok };
        found.unwrap_or_default().max(read)
    }
}

/// A tensor's bytes, outside of its pickle.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Storage {
    /// The name of its member, or of its part of a legacy file.
    pub key: String,
    /// Its class, as in `FloatStorage`.
    pub class: String,
    /// How many elements it has.
    pub elements: u64,
    /// How many of them are seen through it.
    pub view: u64,
}

/// How a pickle is analyzed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AnalyzerOptions {
    /// Whether arrays of joblib's are followed by their raw numbers, as joblib writes them.
    pub raw_arrays: bool,
    /// Whether persistent ids are what the file's format uses them for, as `PyTorch` does.
    pub persistent_ids: bool,
    pub(super) trace: Trace,
    pub(super) nesting: u32,
}

impl Default for AnalyzerOptions {
    fn default() -> Self {
        Self { raw_arrays: true, persistent_ids: false, trace: Trace::Nothing, nesting: 0 }
    }
}

impl AnalyzerOptions {
    /// Sets [`raw_arrays`](AnalyzerOptions::raw_arrays).
    #[must_use]
    pub fn raw_arrays(mut self, yes: bool) -> Self {
        self.raw_arrays = yes;
        self
    }

    /// Sets [`persistent_ids`](AnalyzerOptions::persistent_ids).
    #[must_use]
    pub fn persistent_ids(mut self, yes: bool) -> Self {
        self.persistent_ids = yes;
        self
    }

    /// Whether [`Analyzed::trace`] is kept.
    #[must_use]
    pub fn trace(mut self, yes: bool) -> Self {
        self.trace = if yes { Trace::Everything } else { Trace::Nothing };
        self
    }
}
