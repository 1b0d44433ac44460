//! The recorded requests of the conformance runner, and upb's answers.

mod common;
#[path = "common/conformance.rs"]
mod testee;

use cannery_protobuf::{DecodeOptions, EncodeOptions, Message, Pool, Value};
use testee::Answer;

/// Requests and answers, each with its length before it.
fn pairs(data: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut records = Vec::new();
    let mut rest = data;
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let (record, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
        records.push(record);
        rest = behind;
    }
    records.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn recorded(pool: &Pool, answer: &[u8]) -> Answer {
    let of = pool.message("conformance.ConformanceResponse").expect("compiled");
    let message = Message::decode(pool, of, answer, &DecodeOptions::default()).expect("an answer");
    let (number, value) = message.fields().next().expect("one field is set");
    let Value::Bytes(content) = value else { panic!("expected bytes, found {value:?}") };
    let text = || String::from_utf8(content.clone()).expect("UTF-8");
    match number {
        1 => Answer::ParseError(text()),
        3 => Answer::Protobuf(content.clone()),
        4 => Answer::Json(text()),
        6 => Answer::SerializeError(text()),
        8 => Answer::Text(text()),
        _ => Answer::Skipped(text()),
    }
}

/// The message type that a request names.
fn type_of(pool: &Pool, request: &[u8]) -> cannery_protobuf::MessageId {
    let of = pool.message("conformance.ConformanceRequest").expect("compiled");
    let message = Message::decode(pool, of, request, &DecodeOptions::default()).expect("a request");
    let Some(Value::Bytes(name)) = message.get(4) else { panic!("a request names its type") };
    pool.message(std::str::from_utf8(name).expect("UTF-8")).expect("a known type")
}

/// Whether two answers say the same; the same message may be written in more than one way.
fn is_same(pool: &Pool, request: &[u8], ours: &Answer, theirs: &Answer) -> bool {
    match (ours, theirs) {
        (Answer::Protobuf(ours), Answer::Protobuf(theirs)) => {
            let canonical = |bytes: &[u8]| {
                let of = type_of(pool, request);
                let message = Message::decode(pool, of, bytes, &DecodeOptions::default());
                let options = EncodeOptions::default().deterministic(true);
                message.expect("was written").encode(pool, options)
            };
            ours == theirs || canonical(ours) == canonical(theirs)
        }
        (Answer::Json(ours), Answer::Json(theirs)) => {
            let value = |text: &str| cannery_json::to_value(text.as_bytes()).expect("JSON");
            same_json(&value(ours), &value(theirs))
        }
        (Answer::ParseError(_), Answer::ParseError(_))
        | (Answer::SerializeError(_), Answer::SerializeError(_)) => true,
        _ => ours == theirs,
    }
}

/// Equal but for the order of keys, and for 1 and 1.0.
fn same_json(left: &cannery_core::Value, right: &cannery_core::Value) -> bool {
    use cannery_core::Value as V;
    match (left, right) {
        (V::Map(left), V::Map(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| {
                    right.iter().any(|(other, there)| key == other && same_json(value, there))
                })
        }
        (V::List(left), V::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same_json(l, r))
        }
        (V::Int(int), V::Float(float)) | (V::Float(float), V::Int(int)) => {
            (*int as f64).to_bits() == float.to_bits()
        }
        _ => left == right,
    }
}

#[test]
fn recorded_requests_are_answered_as_upb_does() {
    let Some(suite) = common::suite() else { return };
    let pool = testee::schemas(&suite.join("schemas"));
    let corpus = std::fs::read(suite.join("corpus.bin")).expect("the corpus");
    let pairs = pairs(&corpus);
    let (mut same, mut better, mut failed) = (0, 0, Vec::new());
    for (request, answer) in &pairs {
        let ours = testee::answer(&pool, request);
        let theirs = recorded(&pool, answer);
        if is_same(&pool, request, &ours, &theirs) {
            same += 1;
        } else if upb_is_wrong(request, &ours) {
            better += 1;
        } else {
            failed.push(format!(
                "{request:?}\n  {}\n  ours {ours:?}\n  upb  {theirs:?}",
                String::from_utf8_lossy(request).escape_debug()
            ));
        }
    }
    cannery_testing::report("Protobuf conformance requests", pairs.len());
    cannery_testing::report("  answered as upb does", same);
    cannery_testing::report("  answered rightly where upb fails the runner", better);
    let shown = failed.iter().take(30).cloned().collect::<Vec<_>>().join("\n");
    assert!(failed.is_empty(), "{} differ:\n{shown}", failed.len());
    assert_eq!((same + better, better), (pairs.len(), 8));
}

/// `FieldNameDuplicateDifferentCasing`: one field under both of its names must be refused, and upb
/// takes it.
fn upb_is_wrong(request: &[u8], ours: &Answer) -> bool {
    let text = String::from_utf8_lossy(request);
    matches!(ours, Answer::ParseError(_))
        && text.contains("optional_nested_message")
        && text.contains("optionalNestedMessage")
}
