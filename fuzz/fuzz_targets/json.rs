//! JSON's readers agree with each other and with serde_json; what is read is written.
#![no_main]

use std::collections::BTreeMap;
use std::io::Read;

use cannery_core::{Error, ErrorKind, Event, Limits, Tape, Value};
use cannery_json::{ReadOptions, from_reader, from_slice, from_str, to_vec};
use cannery_testing::{Checked, events};
use libfuzzer_sys::fuzz_target;

// serde_json recurses; deeper input would test its stack.
const MAX_LEN: usize = 1000;

fuzz_target!(|data: &[u8]| {
    if data.len() > MAX_LEN {
        return;
    }
    let options = strict();
    let read = tape(|sink| from_slice(data, &options, sink));
    streams_agree(data, &read);
    if let Ok(text) = std::str::from_utf8(data) {
        assert_same(&read, &tape(|sink| from_str(text, &options, sink)));
    }
    peer_agrees(data, &read);
    if let Ok(first) = read {
        is_written(&first);
    }
});

fn strict() -> ReadOptions {
    let limits = Limits::default().depth(MAX_LEN);
    ReadOptions::default().limits(limits).surrogates(false).byte_order_mark(false)
}

fn tape(read: impl FnOnce(&mut Checked<Tape>) -> Result<(), Error>) -> Result<Tape, Error> {
    let mut sink = Checked::new(Tape::default());
    read(&mut sink).map(|()| sink.finish())
}

/// A reader that hands out a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = self.1.min(out.len());
        self.0.read(&mut out[..len])
    }
}

fn streams_agree(data: &[u8], read: &Result<Tape, Error>) {
    for step in [1, 7] {
        assert_same(read, &tape(|sink| from_reader(Trickle(data, step), &strict(), sink)));
    }
}

fn assert_same(a: &Result<Tape, Error>, b: &Result<Tape, Error>) {
    match (a, b) {
        (Ok(a), Ok(b)) => assert_eq!(a, b),
        // A slice is looked at for its encoding first, a stream as it comes.
        (Err(a), Err(b)) if a.kind() == ErrorKind::Encoding || b.kind() == ErrorKind::Encoding => {}
        (Err(a), Err(b)) => assert_eq!((a.kind(), a.message()), (b.kind(), b.message())),
        _ => panic!("{a:?} is not {b:?}"),
    }
}

fn peer_agrees(data: &[u8], read: &Result<Tape, Error>) {
    let mut peer = serde_json::Deserializer::from_slice(data);
    peer.disable_recursion_limit();
    let theirs =
        serde::Deserialize::deserialize(&mut peer).and_then(|value| peer.end().map(|()| value));
    match (read, theirs) {
        (Ok(tape), Ok(theirs)) => {
            let ours = Value::from_source(tape, Limits::unlimited()).expect("a tree");
            assert!(same(&ours, &theirs), "{ours:?} is not {theirs:?}");
        }
        (Err(_), Err(_)) => {}
        (ours, theirs) => panic!("{ours:?}, but the peer: {theirs:?}"),
    }
}

fn same(ours: &Value, theirs: &serde_json::Value) -> bool {
    use serde_json::Value as Theirs;
    match (ours, theirs) {
        (Value::Null, Theirs::Null) => true,
        (Value::Bool(a), Theirs::Bool(b)) => a == b,
        (Value::Text(a), Theirs::String(b)) => a == b.as_str(),
        (Value::Int(a), Theirs::Number(b)) => a.to_string() == digits(b),
        (Value::BigInt(a), Theirs::Number(b)) => a.to_string() == digits(b),
        (Value::Float(a), Theirs::Number(b)) => b.to_string().parse() == Ok(*a),
        (Value::List(a), Theirs::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Map(a), Theirs::Object(b)) => {
            // The last of several equal keys counts, for both.
            let a: BTreeMap<_, _> = a.iter().map(|(key, value)| (key.as_str(), value)).collect();
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| key.and_then(|key| b.get(key)).is_some_and(|b| same(a, b)))
        }
        _ => false,
    }
}

/// An integer's digits; `-0` is zero.
fn digits(number: &serde_json::Number) -> String {
    match number.to_string() {
        text if text == "-0" => "0".to_owned(),
        text => text,
    }
}

fn is_written(first: &Tape) {
    // A float beyond binary64 is read as an infinity, which JSON cannot say.
    if first.events.iter().any(|e| matches!(e, Event::Float(float) if !float.is_finite())) {
        return;
    }
    let bytes = to_vec(first).expect("what we read, we can write");
    let again = tape(|sink| from_slice(&bytes, &strict(), sink)).expect("and read again");
    assert_eq!(events(&again), *first);
}
