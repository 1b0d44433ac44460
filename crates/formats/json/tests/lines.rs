//! JSONL: what is read, where errors are, and how reading goes on behind them.

use std::fmt::Write as _;
use std::io::Read;

use cannery_core::{Container, ErrorKind, Sink, Value};
use cannery_json::{ReadOptions, WriteOptions, lines, to_vec};
use cannery_testing::any_json_value;
use proptest::prelude::*;

/// A reader that hands out a few bytes at a time.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(out.len());
        self.0.read(&mut out[..count])
    }
}

/// What is read from `text`, a line for each document or error; the same in pieces of any size.
fn read(text: &[u8]) -> String {
    let whole = read_from(text);
    for size in [1, 2, 3, 7] {
        assert_eq!(read_from(Dribble(text, size)), whole, "in pieces of {size}");
    }
    whole
}

fn read_from(reader: impl Read) -> String {
    let mut found = String::new();
    for value in lines::Reader::new(reader, ReadOptions::default()).values() {
        match value {
            Ok(value) => found += &String::from_utf8(to_vec(&value).unwrap()).unwrap(),
            Err(error) => {
                let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
                write!(found, "{:?}: {error}{hint}", error.kind()).unwrap();
            }
        }
        found.push('\n');
    }
    found
}

#[test]
fn lines_and_other_arrangements() {
    insta::assert_snapshot!(read(b""), @"");
    insta::assert_snapshot!(read(b"\n \r\n"), @"");
    insta::assert_snapshot!(read(b"\xef\xbb\xbf{\"a\":1}\r\n\r\n[2]\n\n\"three\"\n4"), @r#"
    {"a":1}
    [2]
    "three"
    4
    "#);
    insta::assert_snapshot!(read(b"{}[]1 2\"x\"null"), @r#"
    {}
    []
    1
    2
    "x"
    null
    "#);
    insta::assert_snapshot!(read(b"{\n  \"a\": [\n    1\n  ]\n}\n{\n}\n"), @r#"
    {"a":[1]}
    {}
    "#);
}

#[test]
fn errors_and_what_comes_behind_them() {
    insta::assert_snapshot!(read(b"1\n{\"a\": oops}\n3\n"), @r"
    1
    Syntax: expected a value, found `o` at line 2 column 7
    3
    ");
    // The first line is cut off; the second one is whole.
    insta::assert_snapshot!(read(b"{\"a\": 1, \n{\"a\": 2}\n{\"a\": 3}\n"), @r#"
    Syntax: expected a key in double quotes, found `{` at line 2 column 1 (the document began on line 1)
    {"a":2}
    {"a":3}
    "#);
    insta::assert_snapshot!(read(b"{\"a\": [1, 2\n{\"a\": 2}\n"), @r#"
    Syntax: expected `,` or `]`, found `{` at line 2 column 1 (the document began on line 1)
    {"a":2}
    "#);
    insta::assert_snapshot!(read(b"{\"a\": \"cut\n{\"a\": 2}\n"), @r#"
    Syntax: control character `\n` in a string at line 1 column 11 (escape it, or allow it with the option `control_characters`)
    {"a":2}
    "#);
    // A document on many lines, broken in the middle.
    insta::assert_snapshot!(read(b"{\n  \"a\": 1\n  \"b\": 2\n}\n{\n  \"c\": 3\n}\n"), @r#"
    Syntax: expected `,` or `}`, found `"` at line 3 column 3 (the document began on line 1)
    {"c":3}
    "#);
    insta::assert_snapshot!(read(b"1\n[2"), @r"
    1
    Truncated: expected `,` or `]`, found the end of the input at line 2 column 3
    ");
    insta::assert_snapshot!(read(b"1\n\"\xff\"\n3\n"), @r"
    1
    Encoding: byte `0xff` is not UTF-8 at line 2 column 2 (JSON is written in UTF-8: convert the text first)
    3
    ");
    insta::assert_snapshot!(read(b"1\n2 \xff\n3\n\xff"), @r"
    1
    2
    Encoding: byte `0xff` is not UTF-8 at line 2 column 3 (JSON is written in UTF-8: convert the text first)
    3
    Encoding: byte `0xff` is not UTF-8 at line 4 column 1 (JSON is written in UTF-8: convert the text first)
    ");
    insta::assert_snapshot!(read("1\n[\"é\", ?]\n3\n".as_bytes()), @r"
    1
    Syntax: expected a value, found `?` at line 2 column 7
    3
    ");
}

#[test]
fn positions_count_from_the_start_of_the_text() {
    let mut text = "{\"long\": \"line\"}\n".repeat(100_000);
    text += "[1, 2, oops]\n7\n";
    let mut reader = lines::Reader::new(text.as_bytes(), ReadOptions::default());
    let errors: Vec<_> = reader.values().filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    let pos = errors[0].pos().unwrap();
    assert_eq!((pos.line, pos.column, pos.offset), (100_001, 8, 1_700_007));
}

#[test]
fn a_reader_that_fails_is_over() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let mut reader = lines::Reader::new(Broken, ReadOptions::default());
    let errors: Vec<_> = reader.values().collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0].as_ref().unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn a_document_that_fails_leaves_no_trace() {
    let mut writer = lines::Writer::new(Vec::new(), WriteOptions::default().indent("  "));
    writer.write(&Value::from_iter([1])).unwrap();
    let bad = Value::List(vec![Value::from(1), Value::Bytes(vec![1])]);
    assert_eq!(writer.write(&bad).unwrap_err().kind(), ErrorKind::Unsupported);
    writer.sink().begin(Container::List, None).unwrap();
    writer.discard();
    writer.sink().int(2).unwrap();
    assert_eq!(writer.finish().unwrap(), b"[1]\n2\n");
}

/// Whether a JSON text has two lone surrogates side by side, which no reader can tell from a pair.
fn splits_a_pair(text: &[u8]) -> bool {
    let is_half = |escape: &[u8], third: &[u8]| {
        escape.starts_with(b"\\ud") && third.contains(&escape[3].to_ascii_lowercase())
    };
    text.windows(12).any(|both| is_half(both, b"89ab") && is_half(&both[6..], b"cdef"))
}

proptest! {
    #[test]
    fn what_is_written_reads_back(values in prop::collection::vec(any_json_value(), 0..5)) {
        let mut writer = lines::Writer::new(Vec::new(), WriteOptions::default());
        for value in &values {
            writer.write(value).unwrap();
        }
        let text = writer.finish().unwrap();
        prop_assume!(!splits_a_pair(&text));
        prop_assert_eq!(String::from_utf8_lossy(&text).matches('\n').count(), values.len());
        let mut reader = lines::Reader::new(&text[..], ReadOptions::default());
        let back: Vec<_> = reader.values().map(Result::unwrap).collect();
        prop_assert_eq!(back, values);
    }
}
