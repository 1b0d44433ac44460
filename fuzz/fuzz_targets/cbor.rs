//! What is read is written, and read again as the same events.
#![no_main]

use cannery_cbor::{ReadOptions, from_slice, to_vec};
use cannery_core::Tape;
use cannery_testing::Checked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(first) = read(data) else { return };
    let bytes = to_vec(&first).expect("what we read, we can write");
    let again = read(&bytes).expect("and read again");
    // Lengths are told where they are known, and are no part of what is said.
    assert_eq!(again.events, first.events);
});

fn read(data: &[u8]) -> Result<Tape, cannery_core::Error> {
    let mut sink = Checked::new(Tape::default());
    from_slice(data, &ReadOptions::default(), &mut sink)?;
    Ok(sink.finish())
}
