//! What is wrong with texts, all of it.

use cannery::{ReadOptions, format_of_id};

fn errors(id: &str, text: impl AsRef<[u8]>) -> String {
    let format = format_of_id(id).unwrap();
    let errors = format.validate(text.as_ref(), &ReadOptions::default());
    errors.iter().map(|error| error.report().replace("\n\n", "\n") + "\n").collect()
}

#[test]
fn every_duplicate_of_json_is_found_and_the_first_error() {
    insta::assert_snapshot!(errors("json", "{\"a\": 1,\n \"b\": {\"a\": [], \"a\": 2},\n \"\\u0061\": 3, oops"), @r"
    the key `a` occurs twice in its map at line 2 column 17
    hint: it is at line 2 column 8 before; readers take one of them
    the key `a` occurs twice in its map at line 3 column 2
    hint: it is at line 1 column 2 before; readers take one of them
    expected a key in double quotes, found `o` at line 3 column 15
    ");
    assert_eq!(errors("json", "{\"a\": {\"a\": 1}, \"b\": {\"a\": 1}}"), "");
}

#[test]
fn every_bad_line_is_found() {
    insta::assert_snapshot!(errors("jsonl", "{\"a\": 1}\n{\"a\": x}\n[1\n{\"b\": 1, \"b\": 2}\n}\n"), @r"
    expected a value, found `x` at line 2 column 7
    expected `,` or `]`, found `{` at line 4 column 1
    hint: the document began on line 3
    the key `b` occurs twice in its map at line 4 column 10
    hint: it is at line 4 column 2 before; readers take one of them
    expected a value, found `}` at line 5 column 1
    ");
}

#[test]
fn every_bad_document_is_found() {
    let text = "a: 1\na: 2\n---\nb: [1\n---\nc: *d\n---\nbase: &b {x: 1}\ne:\n  <<: *b\n  x: 2\n";
    insta::assert_snapshot!(errors("yaml", text), @r"
    the key `a` occurs twice in its map at line 2 column 1
    hint: it is at line 1 column 1 before; readers take one of them
    expected `,` or `]`, found the end of the input at line 5 column 1
    hint: the `[` at line 4 column 4 is not closed
    alias `*d` has no anchor at line 6 column 4
    hint: define it first with `&d`, or put the text in quotes
    ");
    assert_eq!(errors("yaml", "a: 1\nb: {a: 1}\n"), "");
    insta::assert_snapshot!(errors("yaml", b"a: \xff"), @"expected UTF-8, found bytes that are not at line 1 column 4");
}

#[test]
fn other_formats_tell_their_first_error() {
    insta::assert_snapshot!(errors("msgpack", b"\x92\x01\xc1"), @"expected a value, found byte `0xc1` at byte 2");
    insta::assert_snapshot!(errors("npy", b"\x93NUMPY\x01\x00\xff"), @r"
    the file ends inside its header
    hint: it was cut off; write or copy it again
    ");
}
