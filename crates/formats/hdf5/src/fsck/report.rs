//! What a check finds, and what a repaired file does without.

use std::collections::BTreeMap;
use std::sync::Arc;

use cannery_core::Error;

use crate::core::FileCore;
use crate::header::Message;
use crate::links::Link;
use crate::selection::Selection;
use crate::write::Place;

/// Findings that are kept, at most; all are counted.
const MAX_FINDINGS: usize = 10_000;

/// Names of whole objects that are kept, at most; all are counted.
pub(super) const MAX_NAMES: usize = 100_000;

/// Something that is damaged, or that could not be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The path of the object, as the file has it; `/` for the file itself.
    pub name: Vec<u8>,
    /// The byte of the file where it is.
    pub offset: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What a check has found.
#[derive(Default)]
#[non_exhaustive]
pub struct Checkup {
    /// What is damaged: the first of it.
    pub damaged: Vec<Finding>,
    /// What is damaged, all of it.
    pub damaged_count: u64,
    /// What could not be checked, such as chunks with a filter that is not known.
    pub unchecked: Vec<Finding>,
    /// The paths of objects that are whole, the first of them.
    pub whole: Vec<Vec<u8>>,
    /// Groups that were looked at.
    pub groups: u64,
    /// Datasets that were looked at.
    pub datasets: u64,
    /// Committed datatypes that were looked at.
    pub datatypes: u64,
    /// Objects in which nothing is damaged.
    pub whole_count: u64,
    /// Attributes that are whole.
    pub attributes: u64,
    /// Chunks that are whole.
    pub chunks: u64,
    /// Bytes that these chunks take in the file.
    pub chunk_bytes: u64,
    pub(crate) repairs: Repairs,
    pub(crate) core: Option<Arc<FileCore>>,
}

/// What a repaired file does without or has otherwise.
#[derive(Default)]
pub(crate) struct Repairs {
    pub(crate) objects: BTreeMap<u64, ObjectRepair>,
    /// Objects that no whole link leads to.
    pub(crate) lost: Vec<u64>,
    /// Whether there is no root group that can be read.
    pub(crate) root: bool,
}

/// What is whole of an object that is damaged.
#[derive(Default)]
pub(crate) struct ObjectRepair {
    pub(crate) links: Option<(Vec<Link>, bool)>,
    pub(crate) attributes: Option<Vec<Message>>,
    pub(crate) chunks: Option<ChunkRepair>,
    /// Where elements lead to heap objects that are damaged.
    pub(crate) elements: Vec<Selection>,
}

/// The chunks of a dataset that are whole, and where others were.
pub(crate) struct ChunkRepair {
    pub(crate) whole: Vec<(Place, crate::chunks::Chunk)>,
    pub(crate) damaged: Vec<Place>,
}

impl std::fmt::Debug for Checkup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Checkup");
        shown.field("damaged", &self.damaged).field("whole", &self.whole_count);
        shown.finish_non_exhaustive()
    }
}

impl Checkup {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damaged_count == 0
    }

    pub(super) fn add(&mut self, base: u64, name: Vec<u8>, error: &Error) {
        self.damaged_count += 1;
        if self.damaged.len() < MAX_FINDINGS {
            self.damaged.push(finding(base, name, error));
        }
    }

    pub(super) fn add_unchecked(&mut self, base: u64, name: Vec<u8>, error: &Error) {
        if self.unchecked.len() < MAX_FINDINGS {
            self.unchecked.push(finding(base, name, error));
        }
    }
}

fn finding(base: u64, name: Vec<u8>, error: &Error) -> Finding {
    let offset = error.pos().map(|pos| pos.offset.saturating_add(base));
    Finding { name, offset, what: error.message().to_owned() }
}
