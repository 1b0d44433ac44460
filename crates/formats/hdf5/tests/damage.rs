//! Damaged copies of a valid file: what checksums cover is as it was, or an error is raised.
//!
//! The fuzz target `hdf5` goes on where this loop ends.

mod structure;

/// Numbers that look random, the same ones in each run.
struct Random(u64);

impl Random {
    /// Splitmix: <https://prng.di.unimi.it/splitmix64.c>.
    fn below(&mut self, most: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ z >> 31) % most).expect("a small number")
    }
}

#[test]
fn what_checksums_cover_is_never_another_thing() {
    let whole = structure::valid();
    structure::check_damaged(whole.to_vec());
    let mut random = Random(15);
    for _ in 0..1500 {
        let mut bytes = whole.to_vec();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len() as u64);
            bytes[at] ^= 1 << random.below(8);
        }
        if random.below(8) == 0 {
            bytes.truncate(random.below(whole.len() as u64));
        }
        structure::check_damaged(bytes);
    }
}

#[test]
fn pieces_in_other_places_do_no_harm() {
    let whole = structure::valid();
    let mut random = Random(16);
    for _ in 0..500 {
        let mut bytes = whole.to_vec();
        let len = random.below(64) + 1;
        let most = (bytes.len() - len) as u64;
        let [from, to] = [0, 1].map(|_| random.below(most));
        bytes.copy_within(from..from + len, to);
        structure::walk(bytes);
    }
}
