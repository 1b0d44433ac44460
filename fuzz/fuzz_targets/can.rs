//! What is read from a `.can` file is written and read back the same, whatever the bytes were.
#![no_main]

use cannery_can::{Bytes, CanFile, to_vec};
use cannery_core::{Error, Graph, GraphBuilder, Limits};
use cannery_testing::isomorphic;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The input is a document, too: few random archives get past their checksums.
    if let Ok(document) = cannery_json::to_value(data) {
        let bytes = to_vec(&document).expect("every document is a value");
        read(bytes).expect("what was written is read");
    }
    let Ok(first) = read(data.to_vec()) else { return };
    let again = to_vec(&first).and_then(read).expect("what was read is written and read again");
    assert!(isomorphic(&first, &again), "{first:?} became {again:?}");
});

fn read(bytes: Vec<u8>) -> Result<Graph, Error> {
    let mut builder = GraphBuilder::new(Limits::default());
    CanFile::from_bytes(Bytes::from(bytes), Limits::default())?.send(&mut builder)?;
    builder.finish()
}
