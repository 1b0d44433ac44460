//! A raised document keeps to the grammar, and lowered and raised again is the same.
#![no_main]

use cannery_core::tagged::{TagDecoder, TagEncoder};
use cannery_core::{Error, Graph, GraphBuilder, Limits, Source, Tape, Value};
use cannery_testing::{Checked, events, isomorphic};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(document) = cannery_json::to_value(data) else { return };
    let Ok(first) = raised(&document) else { return };
    let tape = events(&first);
    let lowered = lowered(&tape);
    let again = raised(&lowered).expect("what we raised, we can lower and raise again");
    assert!(isomorphic(&first, &again), "{first:?} became {again:?}");
});

/// The graph of a document; a graph, for it checks that references lead somewhere.
fn raised(document: &Value) -> Result<Graph, Error> {
    let mut sink = TagDecoder::new(GraphBuilder::new(Limits::default()));
    document.emit(&mut sink)?;
    sink.into_inner().finish()
}

fn lowered(tape: &Tape) -> Value {
    let mut sink = TagEncoder::new(Checked::new(Tape::default()));
    tape.emit(&mut sink).expect("everything can be lowered");
    let lowered = sink.into_inner().finish();
    Value::from_source(&lowered, Limits::unlimited()).expect("a tree")
}
