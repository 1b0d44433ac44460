//! kawanet/msgpack-test-suite: every listed encoding decodes to the value, and the value is written
//! as one of the listed encodings.

use cannery_core::{Object, Value};
use cannery_msgpack::{EXT, TIMESTAMP, to_value, to_vec};
use num_bigint::BigInt;

#[test]
fn every_listed_encoding_is_read_and_one_of_them_is_written() {
    let Some(suites) = cannery_testing::suites() else { return };
    let text = std::fs::read(suites.join("msgpack/msgpack-test-suite.json")).unwrap();
    let Value::Map(groups) = cannery_json::to_value(&text).unwrap() else { panic!("a map") };
    let (mut read, mut written) = (0, 0);
    for case in groups.iter().flat_map(|(_, cases)| items(cases)) {
        let expected = expected(case);
        let encodings: Vec<Vec<u8>> = items(&case["msgpack"]).iter().map(hexadecimal).collect();
        for encoding in &encodings {
            let found = to_value(encoding).unwrap();
            assert!(same(&found, &expected), "{encoding:02x?}: {found:?} is not {expected:?}");
            read += 1;
        }
        let encoding = to_vec(&expected).unwrap();
        assert!(encodings.contains(&encoding), "{expected:?} became {encoding:02x?}");
        written += 1;
    }
    cannery_testing::report("msgpack-test-suite encodings read", read);
    cannery_testing::report("msgpack-test-suite values written", written);
    assert_eq!((read, written), (233, 85));
}

fn items(value: &Value) -> &[Value] {
    let Value::List(items) = value else { panic!("expected a list, found {value:?}") };
    items
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// The bytes that the suite writes as `01-ab`.
fn hexadecimal(value: &Value) -> Vec<u8> {
    let bytes = text(value).split('-').filter(|byte| !byte.is_empty());
    bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn expected(case: &Value) -> Value {
    let Value::Map(entries) = case else { panic!("a map") };
    let entry = |name: &str| case.get(name);
    if let Some(digits) = entry("bignum") {
        return integer(&text(digits).parse().unwrap());
    }
    if let Some(bytes) = entry("binary") {
        return Value::Bytes(hexadecimal(bytes));
    }
    if let Some(Value::List(parts)) = entry("timestamp") {
        return object(TIMESTAMP, [("seconds", &parts[0]), ("nanoseconds", &parts[1])]);
    }
    if let Some(Value::List(parts)) = entry("ext") {
        let data = Value::Bytes(hexadecimal(&parts[1]));
        return object(EXT, [("code", &parts[0]), ("data", &data)]);
    }
    entries[0].1.clone()
}

fn integer(number: &BigInt) -> Value {
    i64::try_from(number).map_or_else(|_| Value::BigInt(number.clone()), Value::Int)
}

fn object<const N: usize>(type_name: &str, parts: [(&str, &Value); N]) -> Value {
    let parts = parts.map(|(name, part)| (name.into(), part.clone())).into();
    Value::Object(Box::new(Object { type_name: type_name.into(), parts }))
}

/// Equal, where a float may stand for an integer: the suite lists both for whole numbers.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "what the suite lists")]
        (Value::Float(found), Value::Int(expected)) => *found == *expected as f64,
        #[expect(clippy::float_cmp, reason = "what the suite lists")]
        (Value::Float(found), Value::BigInt(expected)) => {
            *found == expected.to_string().parse::<f64>().unwrap()
        }
        #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "what the suite lists")]
        (Value::Int(found), Value::Float(expected)) => *found as f64 == *expected,
        _ => found == expected,
    }
}
