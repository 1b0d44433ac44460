//! The digests of bytes that are all there, found out on all cores, while others go on.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Scope};

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root,
};
use blake3::{Hash, Hasher};

/// The size of a part: a power of two, so that each is a whole branch of the tree that BLAKE3
/// makes of its input. Bytes that are not longer are hashed in one piece.
pub(crate) const PART: usize = 1 << 20;

/// This many parts are worth a thread: on a busy machine, fewer are done before it begins.
const WORTH_A_THREAD: usize = 4;

/// More threads than this wait for memory, not for a core.
const MOST_THREADS: usize = 8;

/// Bytes that are being hashed: each thread takes the next part.
pub(crate) struct Digests<'b> {
    inputs: Vec<Input<'b>>,
    next: AtomicUsize,
}

struct Input<'b> {
    bytes: &'b [u8],
    first_part: usize,
    parts: Vec<OnceLock<ChainingValue>>,
}

impl<'b> Digests<'b> {
    /// Nothing is hashed before [`start`](Self::start) or [`finish`](Self::finish).
    pub(crate) fn new(inputs: impl IntoIterator<Item = &'b [u8]>) -> Self {
        let mut first_part = 0;
        let input = |bytes: &'b [u8]| {
            let count = if bytes.len() > PART { bytes.len().div_ceil(PART) } else { 0 };
            let parts = (0..count).map(|_| OnceLock::new()).collect();
            first_part += count;
            Input { bytes, first_part: first_part - count, parts }
        };
        Self { inputs: inputs.into_iter().map(input).collect(), next: AtomicUsize::new(0) }
    }

    /// Has other threads begin. They are of this scope only: those of a pool would be missing in a
    /// forked process.
    pub(crate) fn start<'s>(&'s self, scope: &'s Scope<'s, '_>) {
        let cores = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        for _ in 1..cores.min(self.parts() / WORTH_A_THREAD) {
            // Without another thread, this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, || self.work());
        }
    }

    /// Helps until all is done. The digests are those of the inputs, in their order.
    pub(crate) fn finish(&self) -> impl Iterator<Item = Hash> {
        self.work();
        self.inputs.iter().map(Input::digest)
    }

    fn parts(&self) -> usize {
        self.inputs.last().map_or(0, |last| last.first_part + last.parts.len())
    }

    fn work(&self) {
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            let input = self.inputs.partition_point(|input| input.first_part <= part);
            let Some(input) = self.inputs[..input].last() else { return };
            let Some(place) = input.parts.get(part - input.first_part) else { return };
            place.get_or_init(|| input.part(part - input.first_part));
        }
    }
}

impl Input<'_> {
    fn part(&self, index: usize) -> ChainingValue {
        let start = index * PART;
        let end = self.bytes.len().min(start + PART);
        let mut hasher = Hasher::new();
        hasher.set_input_offset(start as u64).update(&self.bytes[start..end]).finalize_non_root()
    }

    /// Waits for the parts that other threads have taken.
    fn digest(&self) -> Hash {
        if self.parts.is_empty() {
            return blake3::hash(self.bytes);
        }
        let parts: Vec<_> = self.parts.iter().map(|part| *part.wait()).collect();
        let (left, right) = parts.split_at(left_len(parts.len()));
        merge_subtrees_root(&branch(left), &branch(right), Mode::Hash)
    }
}

fn branch(parts: &[ChainingValue]) -> ChainingValue {
    if let [part] = parts {
        return *part;
    }
    let (left, right) = parts.split_at(left_len(parts.len()));
    merge_subtrees_non_root(&branch(left), &branch(right), Mode::Hash)
}

/// The left side of a branch is as large as a power of two lets it be, the right one not empty.
fn left_len(parts: usize) -> usize {
    parts.next_power_of_two() / 2
}

/// The BLAKE3 digest of these bytes.
pub(crate) fn digest(bytes: &[u8]) -> Hash {
    if bytes.len() <= PART {
        return blake3::hash(bytes);
    }
    let digests = Digests::new([bytes]);
    thread::scope(|scope| {
        digests.start(scope);
        digests.finish().next().expect("one for each input")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_blake3_whatever_the_length() {
        let bytes: Vec<u8> = (0..=250).cycle().take(9 * PART).collect();
        let lens = [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 1025, 4 * PART, 9 * PART];
        for len in lens {
            assert_eq!(digest(&bytes[..len]), blake3::hash(&bytes[..len]), "{len} bytes");
        }
        let digests = Digests::new(lens.iter().map(|&len| &bytes[..len]));
        let alone: Vec<_> = digests.finish().collect();
        assert_eq!(alone, lens.map(|len| blake3::hash(&bytes[..len])));
    }
}
