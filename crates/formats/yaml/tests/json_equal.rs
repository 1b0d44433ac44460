//! yaml-test-suite: the documents of a stream equal those the suite gives as JSON.

use cannery_core::{Limits, Value, ValueBuilder};
use cannery_yaml::{Documents, ReadOptions};

mod cases;

#[test]
fn documents_equal_the_suite_json() {
    let Some(suites) = cannery_testing::suites() else { return };
    let (mut equal, mut wrong) = (0, Vec::new());
    for case in cases::cases(&suites.join("yaml")) {
        let (Ok(source), Ok(json)) = (case.read("in.yaml"), case.read("in.json")) else { continue };
        if case.must_fail() {
            continue;
        }
        let expected = json_documents(&json);
        let found = documents(&source);
        if found.as_ref().is_ok_and(|found| same(found, &expected)) {
            equal += 1;
        } else {
            wrong.push(format!("{}: expected\n{expected:?}\nfound\n{found:?}", case.name()));
        }
    }
    cannery_testing::report("yaml-test-suite documents equal to JSON", equal);
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
    assert_eq!(equal, 279);
}

fn documents(source: &str) -> cannery_core::Result<Vec<Value>> {
    let mut stream = Documents::new(source, &ReadOptions::default().merge_keys(false));
    let mut found = Vec::new();
    loop {
        let mut builder = ValueBuilder::new(Limits::default());
        if !stream.read_next(&mut builder)? {
            return Ok(found);
        }
        found.push(plain(builder.finish()?));
    }
}

fn json_documents(mut text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    while !text.trim().is_empty() {
        let mut builder = ValueBuilder::new(Limits::default());
        let options = cannery_json::ReadOptions::default();
        let used =
            cannery_json::from_slice_prefix(text.as_bytes(), &options, &mut builder).unwrap();
        found.push(builder.finish().unwrap());
        text = &text[used..];
    }
    found
}

/// The value as JSON has it: without tags, aliases written out, keys as text, sets as mappings.
fn plain(value: Value) -> Value {
    let mut marked = std::collections::HashMap::new();
    plain_part(value, &mut marked)
}

fn plain_part(value: Value, marked: &mut std::collections::HashMap<u64, Value>) -> Value {
    match value {
        Value::Marked(id, value) => {
            let value = plain_part(*value, marked);
            marked.insert(id, value.clone());
            value
        }
        Value::Alias(id) => marked[&id].clone(),
        Value::Object(object) => {
            let (_, value) = object.parts.into_iter().next().expect("a tag has its node");
            plain_part(value, marked)
        }
        Value::List(items) => {
            Value::List(items.into_iter().map(|i| plain_part(i, marked)).collect())
        }
        Value::Set(items) => {
            Value::Map(items.into_iter().map(|i| (plain_part(i, marked), Value::Null)).collect())
        }
        Value::Map(entries) => {
            let entry =
                |(key, value)| (text_key(plain_part(key, marked)), plain_part(value, marked));
            Value::Map(entries.into_iter().map(entry).collect())
        }
        Value::Bytes(bytes) => Value::Bytes(bytes),
        other => other,
    }
}

fn text_key(key: Value) -> Value {
    let text = match &key {
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        _ => return key,
    };
    Value::Text(text.into())
}

/// Equal, the order of entries aside; JSON writes 1e3 where YAML has 1000.0.
fn same(found: &[Value], expected: &[Value]) -> bool {
    found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| same_value(a, b))
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::List(a), Value::List(b)) => same(a, b),
        (Value::Map(a), Value::Map(b)) => {
            let find = |key: &Value| b.iter().find(|(other, _)| same_value(key, other));
            a.len() == b.len()
                && a.iter().all(|(key, value)| find(key).is_some_and(|(_, b)| same_value(value, b)))
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::float_cmp,
            reason = "1.0 and 1 are one number in JSON"
        )]
        (Value::Float(float), Value::Int(int)) | (Value::Int(int), Value::Float(float)) => {
            *float == *int as f64
        }
        (Value::Bytes(bytes), Value::Text(text)) => {
            text.as_str().is_some_and(|text| base64(text) == *bytes)
        }
        _ => a == b,
    }
}

/// What a `!!binary` of this content is.
fn base64(text: &str) -> Vec<u8> {
    let quoted = format!("!!binary {text:?}");
    match cannery_yaml::to_value(&quoted) {
        Ok(Value::Bytes(bytes)) => bytes,
        other => panic!("{other:?}"),
    }
}
