//! YAML's events are saphyr-parser's but for the listed cases; what is read is written and read
//! again; what is opened to be edited is every byte of the text.
#![no_main]

use cannery_core::{Graph, Limits, Value};
use cannery_testing::isomorphic;
use cannery_yaml::{Document, ReadOptions, to_string, to_value};
use libfuzzer_sys::fuzz_target;

#[expect(dead_code, reason = "what the test of the list looks at")]
#[path = "../../crates/formats/yaml/tests/peer/mod.rs"]
mod peer;

const MAX_LEN: usize = 1000;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > MAX_LEN {
        return;
    }
    if let Some(difference) = peer::differences::difference(text) {
        panic!("{difference}");
    }
    if let Ok(document) = Document::parse(text, &ReadOptions::default()) {
        assert_eq!(document.text(), text);
    }
    if let Ok(value) = to_value(text) {
        is_written(&value);
    }
});

fn is_written(value: &Value) {
    let Ok(written) = to_string(value) else { return };
    let again = to_value(&written).expect("what we write, we can read");
    let graph = |value| Graph::from_source(value, Limits::default()).expect("it was read");
    assert!(isomorphic(&graph(value), &graph(&again)), "{written}");
}
