//! Damaged copies of a valid file are as it, or errors say why not; any other file does no harm.
#![no_main]

use cannery_hdf5::MAGIC;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/formats/hdf5/tests/structure/mod.rs"]
mod structure;

fuzz_target!(|data: &[u8]| {
    if data.starts_with(MAGIC) {
        return structure::walk(data.to_vec());
    }
    let mut bytes = structure::valid().to_vec();
    for damage in data.chunks_exact(3) {
        let at = usize::from(damage[0]) << 8 | usize::from(damage[1]);
        let len = bytes.len();
        bytes[at % len] ^= damage[2];
    }
    structure::check_damaged(bytes);
});
