//! The project's own vectors: schemas that are wrong, and messages in every form.

use cannery_protobuf::{
    Compiler, DecodeOptions, EncodeOptions, JsonOptions, JsonReadOptions, Message, Pool, Sources,
    TextOptions,
};

fn compile(text: &str) -> Result<Pool, String> {
    let mut compiler = Compiler::new(Sources::default().with_text("a.proto", text));
    compiler.compile("a.proto").map_err(|errors| {
        let shown = errors.0.iter().map(|error| {
            let pos =
                error.pos.map_or(String::new(), |pos| format!("{}:{} ", pos.line, pos.column));
            format!("{pos}{}", error.message)
        });
        shown.collect::<Vec<_>>().join("\n")
    })?;
    Ok(compiler.into_pool())
}

#[test]
fn what_is_wrong_with_schemas() {
    let cases = [
        ("syntax = \"proto3\";\nmessage A { int32 x = 1 }", "2:25 expected `;`, found `}`"),
        ("syntax = \"proto4\";", "1:10 expected syntax `proto2` or `proto3`, found `proto4`"),
        ("syntax = \"proto3\"; message A { Nope n = 1; }", "1:32 `Nope` is not defined"),
        (
            "syntax = \"proto3\"; message A { int32 x = 1; int32 y = 1; }",
            "1:55 field number 1 is already used in `A` by field `x`",
        ),
        (
            "syntax = \"proto3\"; message A { int32 x = 1; string x = 2; }",
            "1:52 `A.x` is already defined",
        ),
        (
            "syntax = \"proto3\"; enum E { A = 1; }",
            "1:33 expected 0 as the number of the first value of an open enum",
        ),
        (
            "syntax = \"proto3\"; message A { required int32 x = 1; }",
            "1:41 expected no required field in proto3",
        ),
        (
            "syntax = \"proto2\"; message A { int32 x = 1; }",
            "1:32 expected `required`, `optional` or `repeated`",
        ),
        (
            "syntax = \"proto3\"; option (nope) = 1;",
            "1:27 option `(nope)` is unknown; is the file that defines it imported?",
        ),
        ("syntax = \"proto3\"; import \"b.proto\";", "1:20 import `b.proto` was not found"),
        (
            "syntax = \"proto3\"; import \"a.proto\";",
            "1:20 the file imports itself: a.proto -> a.proto",
        ),
        ("edition = \"1999\";", "1:11 expected edition `2023`, `2024` or `2026`, found `1999`"),
        (
            "syntax = \"proto3\"; message A { map<float, A> m = 1; }",
            "1:32 expected an integer, a bool or a string as the key of a map",
        ),
        (
            "syntax = \"proto3\"; message A { string s = 1 [deprecated = 1]; }",
            "1:59 expected `true` or `false`, found `1` for option `deprecated`",
        ),
        (
            "syntax = \"proto3\"; /* never ends",
            "1:33 expected `*/`, found the end of the file\n1:20 the comment that has no end begins here",
        ),
        (
            "syntax = \"proto3\"; message A { int32 x = 20000000000; }",
            "1:42 expected an integer up to 2147483647, found `20000000000`\n1:42 expected a positive field number",
        ),
    ];
    for (text, expected) in cases {
        let found = compile(text).err().unwrap_or_default();
        let first = found.lines().next().unwrap_or_default();
        assert_eq!(first, expected.lines().next().unwrap_or_default(), "{text}");
    }
}

#[test]
fn several_errors_are_told_in_one_run() {
    let text = "syntax = \"proto3\";\nmessage A { int32 = 1; Foo x 2; }\nenum { }\nmessage B { int32 ok = 1; }";
    let found = compile(text).unwrap_err();
    assert_eq!(
        found,
        "2:19 expected the field's name, found `=`\n\
         2:30 expected `=` and the field's number, found `2`\n\
         3:6 expected the name of the enum, found `{`"
    );
}

const SCHEMA: &str = r#"
syntax = "proto3";
package p;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum E { ZERO = 0; ONE = 1; }
message M {
  int32 i = 1; sint64 s = 2; fixed32 f = 3; double d = 4; bool b = 5; string t = 6; bytes y = 7;
  E e = 8; M m = 9; repeated int32 packed = 10; repeated string texts = 11;
  map<string, int32> map = 12; google.protobuf.Timestamp at = 13; google.protobuf.StringValue w = 14;
  optional int32 o = 15; oneof choice { int32 left = 16; string right = 17; }
}
"#;

/// Wire bytes, text and JSON of the same message.
const MESSAGES: [(&[u8], &str, &str); 12] = [
    (b"", "", "{}"),
    (b"\x08\x96\x01", "i: 150", r#"{"i":150}"#),
    (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "i: -1", r#"{"i":-1}"#),
    (b"\x10\x03", "s: -2", r#"{"s":"-2"}"#),
    (b"\x1d\x01\x00\x00\x00", "f: 1", r#"{"f":1}"#),
    (b"\x21\x00\x00\x00\x00\x00\x00\xf8\x3f", "d: 1.5", r#"{"d":1.5}"#),
    (
        b"\x28\x01\x32\x03a\"b\x3a\x02\x00\xff",
        r#"b: true t: "a\"b" y: "\000\377""#,
        r#"{"b":true,"t":"a\"b","y":"AP8="}"#,
    ),
    (b"\x40\x01\x4a\x02\x08\x01", "e: ONE m { i: 1 }", r#"{"e":"ONE","m":{"i":1}}"#),
    (
        b"\x52\x03\x01\x02\x03\x5a\x00\x5a\x01a",
        r#"packed: 1 packed: 2 packed: 3 texts: "" texts: "a""#,
        r#"{"packed":[1,2,3],"texts":["","a"]}"#,
    ),
    (b"\x62\x05\x0a\x01k\x10\x05", r#"map { key: "k" value: 5 }"#, r#"{"map":{"k":5}}"#),
    (
        b"\x6a\x02\x08\x01\x72\x03\x0a\x01x",
        r#"at { seconds: 1 } w { value: "x" }"#,
        r#"{"at":"1970-01-01T00:00:01Z","w":"x"}"#,
    ),
    (b"\x78\x00\x80\x01\x00", "o: 0 left: 0", r#"{"o":0,"left":0}"#),
];

#[test]
fn one_message_in_every_form() {
    let pool = compile(SCHEMA).unwrap();
    let of = pool.message("p.M").unwrap();
    for (wire, text, json) in MESSAGES {
        let message = Message::decode(&pool, of, wire, &DecodeOptions::default()).unwrap();
        assert_eq!(message.encode(&pool, EncodeOptions::default()), wire, "{text}");
        assert_eq!(message.to_text(&pool, TextOptions::default().single_line(true)), text);
        assert_eq!(message.to_json(&pool, JsonOptions::default()).unwrap(), json);
        assert_eq!(Message::from_text(&pool, of, text).unwrap(), message);
        assert_eq!(
            Message::from_json(&pool, of, json, JsonReadOptions::default()).unwrap(),
            message
        );
    }
}

#[test]
fn bytes_that_are_no_message() {
    let pool = compile(SCHEMA).unwrap();
    let of = pool.message("p.M").unwrap();
    let cases: [(&[u8], &str); 6] = [
        (b"\x08", "the message ends inside a value, after 0 bytes of it at byte 1"),
        (b"\x07", "expected a field number from 1 to 536870911 at byte 0"),
        (b"\x32\x02\xff\xfe", "expected a string in UTF-8 in `$.t` at byte 2"),
        (
            b"\x4a\x05\x08",
            "the message ends inside a value, after 1 bytes of it in `$.m` at byte 2",
        ),
        (b"\x4c", "expected a field, found the end of another group at byte 1"),
        (
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            "expected a varint of at most 10 bytes, found a longer one at byte 1",
        ),
    ];
    for (wire, expected) in cases {
        let error = Message::decode(&pool, of, wire, &DecodeOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{wire:?}");
    }
}

#[test]
fn every_cut_and_every_flipped_bit_is_an_answer() {
    let pool = compile(SCHEMA).unwrap();
    let of = pool.message("p.M").unwrap();
    let whole: Vec<u8> = MESSAGES.iter().flat_map(|(wire, _, _)| wire.iter().copied()).collect();
    let mut read = 0;
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        for data in [&bytes[..], &whole[..at / 8]] {
            let Ok(message) = Message::decode(&pool, of, data, &DecodeOptions::default()) else {
                continue;
            };
            let wire = message.encode(&pool, EncodeOptions::default().deterministic(true));
            let again = Message::decode(&pool, of, &wire, &DecodeOptions::default()).unwrap();
            assert_eq!(again.encode(&pool, EncodeOptions::default().deterministic(true)), wire);
            read += 1;
        }
    }
    assert!(read > 100, "only {read} could be read");
}

#[test]
fn depth_is_limited() {
    let pool = compile(SCHEMA).unwrap();
    let of = pool.message("p.M").unwrap();
    // Groups of unknown fields inside each other, without an end.
    let groups = vec![0x63; 1 << 20];
    assert!(Message::decode(&pool, of, &groups, &DecodeOptions::default()).is_err());
    let json = r#"{"m":"#.repeat(100_000);
    assert!(Message::from_json(&pool, of, &json, JsonReadOptions::default()).is_err());
    let text = "m {".repeat(100_000);
    assert!(Message::from_text(&pool, of, &text).is_err());
}

#[test]
fn a_descriptor_set_reads_back() {
    let pool = compile(SCHEMA).unwrap();
    let set = pool.descriptor_set("a.proto").unwrap();
    let mut compiler = Compiler::new(Sources::default());
    compiler.add_descriptor_set(&set).unwrap();
    let again = compiler.into_pool();
    assert_eq!(again.descriptor_set("a.proto").unwrap(), set);
    let of = again.message("p.M").unwrap();
    for (wire, text, _) in MESSAGES {
        let message = Message::decode(&again, of, wire, &DecodeOptions::default()).unwrap();
        assert_eq!(message.to_text(&again, TextOptions::default().single_line(true)), text);
    }
}
