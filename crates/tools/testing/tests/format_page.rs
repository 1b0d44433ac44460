//! The examples of `docs/format.md` are what cannery reads and writes.

use cannery_core::tagged::{TagDecoder, TagEncoder};
use cannery_core::{Error, Graph, Limits, Source, Value, ValueBuilder};

const PAGE: &str = include_str!("../../../../docs/format.md");

#[test]
fn every_example_is_read_and_written_again() {
    let examples = blocks("json");
    for example in &examples {
        let value = raised(example).unwrap_or_else(|e| panic!("{example}: {e:?}"));
        assert_eq!(lowered(&value), document(example), "{example}");
    }
    cannery_testing::report("examples of docs/format.md read and written", examples.len());
    assert!(examples.len() >= 14);
}

#[test]
fn every_bad_example_is_refused() {
    let examples = blocks("json refused");
    for example in &examples {
        assert!(raised(example).is_err(), "{example} was read");
    }
    assert!(examples.len() >= 5);
}

/// The contents of the page's blocks that are fenced as `info`.
fn blocks(info: &str) -> Vec<&'static str> {
    let fence = format!("```{info}\n");
    let starts = PAGE.match_indices(&fence).map(|(at, _)| &PAGE[at + fence.len()..]);
    starts.map(|rest| rest.split("\n```").next().expect("the fence's end")).collect()
}

/// What a document stands for; its references, too, must lead somewhere.
fn raised(example: &str) -> Result<Value, Error> {
    let mut sink = TagDecoder::new(ValueBuilder::new(Limits::default()));
    document(example).emit(&mut sink)?;
    let value = sink.into_inner().finish()?;
    Graph::from_source(&value, Limits::default()).map(|_| value)
}

fn lowered(value: &Value) -> Value {
    let mut sink = TagEncoder::new(ValueBuilder::new(Limits::default()));
    value.emit(&mut sink).expect("everything can be lowered");
    sink.into_inner().finish().expect("a whole document")
}

fn document(example: &str) -> Value {
    cannery_json::to_value(example.as_bytes()).expect("a JSON document")
}
