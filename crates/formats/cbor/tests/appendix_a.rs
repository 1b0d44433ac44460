//! RFC 8949, appendix A: each example is read as the value it is, and written as it was.

use cannery_cbor::{SIMPLE, TAG, UNDEFINED, to_value, to_vec};
use cannery_core::{Object, Value};

#[test]
fn every_example_is_read_and_those_in_preferred_form_are_written() {
    let Some(suites) = cannery_testing::suites() else { return };
    let text = std::fs::read(suites.join("cbor/appendix_a.json")).unwrap();
    let Value::List(cases) = cannery_json::to_value(&text).unwrap() else { panic!("a list") };
    let (mut read, mut written) = (0, 0);
    for case in &cases {
        let encoded = hexadecimal(case["hex"].as_str().unwrap());
        let found = to_value(&encoded).unwrap_or_else(|e| panic!("{encoded:02x?}: {e}"));
        match case.get("decoded") {
            Some(expected) => assert!(same(&found, expected), "{found:?} is not {expected:?}"),
            None => assert_eq!(diagnostic(&found), plain(case["diagnostic"].as_str().unwrap())),
        }
        read += 1;
        if case["roundtrip"] == Value::Bool(true) {
            assert_eq!(to_vec(&found).unwrap(), encoded, "{found:?}");
            written += 1;
        }
    }
    cannery_testing::report("CBOR appendix A read", read);
    cannery_testing::report("CBOR appendix A written", written);
    assert_eq!((read, written), (82, 65));
}

fn hexadecimal(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Equal, where JSON wrote whole floats as integers.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        #[expect(clippy::float_cmp, reason = "the very same")]
        (Value::Float(a), b) => b.as_f64().is_some_and(|b| *a == b),
        (a, b) => a == b,
    }
}

/// Diagnostic notation without the mark of strings in pieces.
fn plain(text: &str) -> String {
    text.replace("(_ h'0102', h'030405')", "h'0102030405'")
}

/// The notation of section 8, as far as the examples need it.
fn diagnostic(value: &Value) -> String {
    match value {
        Value::Float(float) if float.is_nan() => "NaN".to_owned(),
        Value::Float(float) if float.is_infinite() => {
            format!("{}Infinity", if *float < 0.0 { "-" } else { "" })
        }
        Value::Float(float) => float.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Text(text) => format!("\"{text}\""),
        Value::Bytes(bytes) => {
            let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("h'{}'", digits.concat())
        }
        Value::Map(entries) => {
            let entry = |(key, value): &(Value, Value)| {
                format!("{}: {}", diagnostic(key), diagnostic(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => diagnostic_object(object),
        other => panic!("{other:?}"),
    }
}

fn diagnostic_object(object: &Object) -> String {
    let parts: Vec<String> = object.parts.iter().map(|(_, part)| diagnostic(part)).collect();
    match object.type_name.as_str() {
        Some(TAG) => format!("{}({})", parts[0], parts[1]),
        Some(SIMPLE) => format!("simple({})", parts[0]),
        Some(UNDEFINED) => "undefined".to_owned(),
        other => panic!("{other:?}"),
    }
}
