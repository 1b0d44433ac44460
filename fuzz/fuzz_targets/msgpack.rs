//! What is read is written, no longer than it was but for floats, and read again.
#![no_main]

use cannery_core::{Event, Tape};
use cannery_msgpack::{ReadOptions, from_slice, to_vec};
use cannery_testing::Checked;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(first) = read(data) else { return };
    let bytes = to_vec(&first).expect("what we read, we can write");
    // A binary32 is written as a binary64, of which it is one.
    let floats = first.events.iter().filter(|e| matches!(e, Event::Float(_))).count();
    let (before, after) = (data.len() + 4 * floats, bytes.len());
    assert!(after <= before, "{before} bytes became {after}");
    let again = read(&bytes).expect("and read again");
    assert_eq!(again, first);
});

fn read(data: &[u8]) -> Result<Tape, cannery_core::Error> {
    let mut sink = Checked::new(Tape::default());
    from_slice(data, &ReadOptions::default(), &mut sink)?;
    Ok(sink.finish())
}
