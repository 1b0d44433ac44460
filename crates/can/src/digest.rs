//! The digest of bytes that are all there, found out on all cores.

use std::num::NonZero;
use std::thread;

use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use blake3::{Hash, Hasher};

/// Parts below this size are hashed in one piece: sooner done than handed to another thread.
const WORTH_A_THREAD: usize = 1 << 20;

/// The BLAKE3 digest of these bytes.
///
/// Threads are begun for the occasion: those of a pool would be missing in a forked process.
pub(crate) fn digest(bytes: &[u8]) -> Hash {
    if bytes.len() < 2 * WORTH_A_THREAD {
        return blake3::hash(bytes);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    // The two sides of a tree are not of one size: more parts than cores even that out.
    let depth = cores.min(8).ilog2();
    let (left, right) = sides(bytes, 0, depth);
    merge_subtrees_root(&left, &right, Mode::Hash)
}

/// The values of both halves of a tree of more than one chunk, which begins at `offset`.
fn sides(bytes: &[u8], offset: usize, depth: u32) -> (ChainingValue, ChainingValue) {
    let middle = usize::try_from(left_subtree_len(bytes.len() as u64)).unwrap_or(usize::MAX);
    let (left, right) = bytes.split_at(middle);
    thread::scope(|scope| {
        let left = scope.spawn(move || subtree(left, offset, depth));
        let right = subtree(right, offset + middle, depth);
        (left.join().expect("hashing does not panic"), right)
    })
}

fn subtree(bytes: &[u8], offset: usize, depth: u32) -> ChainingValue {
    if depth == 0 || bytes.len() < 2 * WORTH_A_THREAD {
        return Hasher::new().set_input_offset(offset as u64).update(bytes).finalize_non_root();
    }
    let (left, right) = sides(bytes, offset, depth - 1);
    merge_subtrees_non_root(&left, &right, Mode::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_blake3_whatever_the_length_and_the_number_of_parts() {
        let bytes: Vec<u8> = (0..=250).cycle().take(9 * WORTH_A_THREAD).collect();
        let mib = WORTH_A_THREAD;
        for len in [0, 1, 2 * mib - 1, 2 * mib, 2 * mib + 1, 3 * mib + 1025, 4 * mib, 9 * mib] {
            let bytes = &bytes[..len];
            assert_eq!(digest(bytes), blake3::hash(bytes), "{len} bytes");
            for depth in [0, 1, 3].into_iter().filter(|_| len > 1024) {
                let (left, right) = sides(bytes, 0, depth);
                assert_eq!(merge_subtrees_root(&left, &right, Mode::Hash), blake3::hash(bytes));
            }
        }
    }
}
