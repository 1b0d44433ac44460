//! Answers the requests of Protobuf's conformance runner.

use std::path::Path;

use cannery_protobuf::{
    Compiler, DecodeOptions, EncodeOptions, JsonOptions, JsonReadOptions, Message, Pool, Sources,
    TextOptions, Value,
};

/// The schemas of the suite's messages, and of the requests themselves.
pub(crate) fn schemas(root: &Path) -> Pool {
    let mut compiler = Compiler::new(Sources::new(vec![root.to_owned()]));
    for file in [
        "conformance/conformance.proto",
        "google/protobuf/test_messages_proto2.proto",
        "google/protobuf/test_messages_proto3.proto",
        "google/protobuf/test_messages_proto2_editions.proto",
        "google/protobuf/test_messages_proto3_editions.proto",
        "conformance/test_protos/test_messages_edition2023.proto",
    ] {
        compiler.compile(file).unwrap_or_else(|errors| panic!("{errors}"));
    }
    compiler.into_pool()
}

/// One answer: a field of `ConformanceResponse` and its content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    ParseError(String),
    SerializeError(String),
    Protobuf(Vec<u8>),
    Json(String),
    Text(String),
    Skipped(String),
}

const PROTOBUF: i32 = 1;
const JSON: i32 = 2;
const TEXT: i32 = 4;
const IGNORE_UNKNOWN: i32 = 3;

fn text(message: &Message, number: u32) -> Option<&str> {
    match message.get(number)? {
        Value::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn number(message: &Message, number: u32) -> i32 {
    match message.get(number) {
        Some(Value::Enum(value)) => *value,
        _ => 0,
    }
}

/// Parses and writes what a request asks for.
pub(crate) fn answer(pool: &Pool, request: &[u8]) -> Answer {
    let of = pool.message("conformance.ConformanceRequest").expect("compiled");
    let request = Message::decode(pool, of, request, &DecodeOptions::default()).expect("a request");
    let Some(of) = text(&request, 4).and_then(|name| pool.message(name)) else {
        return Answer::Skipped("the message type is not known".to_owned());
    };
    let parsed = if let Some(Value::Bytes(data)) = request.get(1) {
        Message::decode(pool, of, data, &DecodeOptions::default())
    } else if let Some(json) = text(&request, 2) {
        let ignores = number(&request, 5) == IGNORE_UNKNOWN;
        let options = JsonReadOptions::default().ignore_unknown(ignores);
        Message::from_json(pool, of, json, options)
    } else if let Some(source) = text(&request, 8) {
        Message::from_text(pool, of, source)
    } else if request.get(7).is_some() {
        return Answer::Skipped("JSPB is Google's own".to_owned());
    } else {
        // An empty payload of a field without presence in the recording.
        Message::decode(pool, of, b"", &DecodeOptions::default())
    };
    let message = match parsed {
        Ok(message) => message,
        Err(error) => return Answer::ParseError(error.to_string()),
    };
    match number(&request, 3) {
        PROTOBUF => Answer::Protobuf(message.encode(pool, EncodeOptions::default())),
        JSON => match message.to_json(pool, JsonOptions::default()) {
            Ok(json) => Answer::Json(json),
            Err(error) => Answer::SerializeError(error.to_string()),
        },
        TEXT => {
            let shows_unknown = matches!(request.get(9), Some(Value::Bool(true)));
            let options = TextOptions::default().unknown_fields(shows_unknown);
            Answer::Text(message.to_text(pool, options))
        }
        _ => Answer::Skipped("only the wire format, JSON and text are written".to_owned()),
    }
}

/// The bytes of a `ConformanceResponse`.
#[allow(dead_code, reason = "only the testee for the live runner answers in bytes")]
pub(crate) fn response(answer: &Answer) -> Vec<u8> {
    let (number, content) = match answer {
        Answer::ParseError(text) => (1, text.as_bytes()),
        Answer::Protobuf(bytes) => (3, bytes.as_slice()),
        Answer::Json(text) => (4, text.as_bytes()),
        Answer::Skipped(text) => (5, text.as_bytes()),
        Answer::SerializeError(text) => (6, text.as_bytes()),
        Answer::Text(text) => (8, text.as_bytes()),
    };
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}
