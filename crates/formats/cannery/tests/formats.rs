//! Every text and binary format into every other, rows and documents, parts of them.

use cannery::{
    ConvertOptions, Error, Input, Location, OpenSource, Output, ReadOptions, Result, Value,
    WriteOptions, convert_between, format_of_id, json,
};
use cannery_testing::{any_plain_value, any_value};
use proptest::prelude::*;

const FORMATS: [&str; 3] = ["json", "yaml", "msgpack"];

fn convert_with(
    bytes: impl Into<Vec<u8>>,
    from: &str,
    to: &str,
    options: ConvertOptions,
) -> Result<Vec<u8>> {
    let options = options.from(Some(from.to_owned()));
    let source = OpenSource::open(Input::from_memory(bytes.into())?, &options)?;
    let mut out = Vec::new();
    let output = Output::to_stream(&mut out);
    convert_between(source, output, format_of_id(to)?, &options, &mut ())?;
    Ok(out)
}

fn convert(bytes: impl Into<Vec<u8>>, from: &str, to: &str) -> Result<Vec<u8>> {
    convert_with(bytes, from, to, ConvertOptions::default())
}

fn text(bytes: Result<Vec<u8>>) -> String {
    bytes.map_or_else(|e: Error| e.report(), |bytes| String::from_utf8(bytes).unwrap())
}

proptest! {
    #[test]
    fn documents_survive_every_way(value in any_plain_value()) {
        let first = json::to_vec(&value).unwrap();
        let first = [first, b"\n".to_vec()].concat();
        for between in FORMATS {
            let there = convert(first.clone(), "json", between).unwrap();
            for last in FORMATS {
                let on = convert(there.clone(), between, last).unwrap();
                let back = convert(on, last, "json").unwrap();
                prop_assert_eq!(&back, &first, "by {} and {}", between, last);
            }
        }
    }

    #[test]
    fn rows_survive_every_way(rows in prop::collection::vec(any_plain_value(), 2..6)) {
        let lines: Vec<_> = rows.iter().map(|row| json::to_vec(row).unwrap()).collect();
        let first = [lines.join(&b'\n'), b"\n".to_vec()].concat();
        for between in FORMATS {
            let there = convert(first.clone(), "jsonl", between).unwrap();
            for last in FORMATS {
                let on = convert(there.clone(), between, last).unwrap();
                let back = convert(on, last, "jsonl").unwrap();
                prop_assert_eq!(&back, &first, "by {} and {}", between, last);
            }
        }
    }

    #[test]
    fn few_rows_survive_if_they_are_said_to_be_rows(row in any_plain_value(), some: bool) {
        let line = [json::to_vec(&row).unwrap(), b"\n".to_vec()].concat();
        let first = if some { line } else { Vec::new() };
        for between in ["yaml", "msgpack"] {
            let there = convert(first.clone(), "jsonl", between).unwrap();
            let options = ConvertOptions::default().read(ReadOptions::default().rows(true));
            let back = convert_with(there, between, "jsonl", options).unwrap();
            prop_assert_eq!(&back, &first, "by {}", between);
        }
    }

    #[test]
    fn tagged_documents_survive_every_way(value in any_value()) {
        let mut writer = cannery::tagged::TagEncoder::new(json::Writer::new(
            Vec::new(),
            json::WriteOptions::default().trailing_newline(true),
        ));
        cannery::Source::emit(&value, &mut writer).unwrap();
        let tagged = ConvertOptions::default().tagged(true);
        // Two halves of a surrogate pair side by side are read as what they are together.
        let first = writer.into_inner().into_output();
        let first = convert_with(first, "json", "json", tagged.clone()).unwrap();
        for between in FORMATS {
            let there = convert_with(first.clone(), "json", between, tagged.clone());
            // Half of a surrogate pair is no character of a format in UTF-8.
            let Ok(there) = there else { continue };
            let Ok(back) = convert_with(there, between, "json", tagged.clone()) else { continue };
            prop_assert_eq!(&back, &first, "by {}", between);
        }
    }
}

#[test]
fn a_stream_of_documents_is_rows() {
    let stream =
        "# first\na: 1\n...\n---\n[x, {y: z}]\n---\n# nothing in it\n---\n|\n text\n# end\n";
    insta::assert_snapshot!(text(convert(stream, "yaml", "jsonl")), @r#"
    {"a":1}
    ["x",{"y":"z"}]
    null
    "text\n"
    "#);
    insta::assert_snapshot!(text(convert(stream, "yaml", "json")), @r#"[{"a":1},["x",{"y":"z"}],null,"text\n"]"#);
    insta::assert_snapshot!(text(convert(stream, "yaml", "yaml")), @r"
    ---
    a: 1
    ---
    - x
    - 'y': z
    --- null
    --- |
      text
    ");
}

#[test]
fn one_document_is_itself() {
    insta::assert_snapshot!(text(convert("a: 1\n# end\n", "yaml", "json")), @r#"{"a":1}"#);
    insta::assert_snapshot!(text(convert("- 1\n- {b: 2}\n", "yaml", "jsonl")), @r#"
    1
    {"b":2}
    "#);
    insta::assert_snapshot!(text(convert("a: 1\n", "yaml", "jsonl")), @r#"{"a":1}"#);
    insta::assert_snapshot!(text(convert("# nothing\n", "yaml", "json")), @"null");
    assert_eq!(convert("# nothing\n", "yaml", "jsonl").unwrap(), b"");
    assert_eq!(convert("", "jsonl", "msgpack").unwrap(), b"");
    assert_eq!(convert("", "msgpack", "jsonl").unwrap(), b"");
    insta::assert_snapshot!(text(convert("", "msgpack", "json")), @r"
    the file is empty

    hint: an empty file is rows, none of them: write it as jsonl
    ");
}

#[test]
fn anchors_are_kept_or_written_out() {
    let shared = "a: &x [1, 2]\nb: *x\n";
    insta::assert_snapshot!(text(convert(shared, "yaml", "json")), @r#"{"a":[1,2],"b":[1,2]}"#);
    insta::assert_snapshot!(text(convert(shared, "yaml", "yaml")), @r"
    a: &a
    - 1
    - 2
    b: *a
    ");
    insta::assert_snapshot!(text(convert("a: &x [1, *x]\n", "yaml", "json")), @r"
    a value that holds itself cannot be written without references at line 1 column 11

    hint: the option `tagged` writes it with its type
    ");
}

#[test]
fn references_survive_as_each_format_has_them() {
    let tagged = || ConvertOptions::default().tagged(true);
    let cyclic = "a: &x\n- 1\n- *x\n";
    let json = text(convert_with(cyclic, "yaml", "json", tagged()));
    assert_eq!(json, "{\"a\":{\"$id\":0,\"$type\":\"list\",\"value\":[1,{\"$ref\":0}]}}\n");
    let back = text(convert_with(json, "json", "yaml", tagged()));
    assert_eq!(back, "a: &a\n- 1\n- *a\n");
}

#[test]
fn what_a_target_lacks_is_refused_or_tagged() {
    let cases = [
        "a: [!!binary AP8=]",
        "? [1, 2]\n: 3",
        "- 1\n- a: .nan",
        "!point {x: 1}",
        "!!set {a, b}",
        "- 2026-11-21\n- !!timestamp 2026-11-21",
    ];
    let mut report = String::new();
    for case in cases {
        let tagged = ConvertOptions::default().tagged(true);
        report += text(convert(case, "yaml", "json")).trim_end();
        report += "\n";
        report += &text(convert_with(case, "yaml", "json", tagged));
    }
    insta::assert_snapshot!(report, @r#"
    JSON has no bytes in `$.a[0]` at line 1 column 14

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    {"a":[{"$type":"bytes","value":"AP8="}]}
    JSON has no keys other than text in `$[entry 0]` at line 1 column 3

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    {"$items":[[[1,2],3]]}
    JSON has no NaN in `$[1].a` at line 2 column 6

    hint: the option `nan` writes it as Python does, `tagged` with its type
    [1,{"a":{"$type":"float","value":"nan"}}]
    JSON has no objects such as `!point` at line 1 column 8

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    {"$type":"!point","value":{"x":1}}
    JSON has no sets at line 1 column 7

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    {"$type":"set","value":["a","b"]}
    JSON has no objects such as `datetime.date` in `$[1]` at line 2 column 15

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    ["2026-11-21",{"$type":"datetime.date","value":"2026-11-21"}]
    "#);
    let big = text(convert("[18446744073709551616]", "json", "msgpack"));
    insta::assert_snapshot!(big, @r"
    MessagePack has no integers beyond 64 bits in `$[0]` at line 1 column 2

    hint: the option `tagged` writes it with its type, `lossy` as the nearest thing there is
    ");
}

#[test]
fn errors_say_where() {
    let rows = "{\"a\": 1}\n{\"a\": tru}\n";
    insta::assert_snapshot!(text(convert(rows, "jsonl", "yaml")), @"expected a value, found `t` at line 2 column 7");
    insta::assert_snapshot!(text(convert("a: 1\n---\nb: [1\n---\n", "yaml", "json")), @r"
    expected `,` or `]`, found the end of the input at line 4 column 1

    hint: the `[` at line 3 column 4 is not closed
    ");
    insta::assert_snapshot!(text(convert("a: 1\n---\nb: *c\n", "yaml", "json")), @r"
    alias `*c` has no anchor at line 3 column 4

    hint: define it first with `&c`, or put the text in quotes
    ");
    let cut: Vec<_> = [&b"\x81\xa1a\x01"[..], b"\x81\xa1a\xa5ab"].concat();
    insta::assert_snapshot!(text(convert(cut, "msgpack", "json")), @r"
    expected 5 more bytes, found 2 at byte 8

    hint: the input was cut off or is not complete yet
    ");
    insta::assert_snapshot!(text(convert(&b"\x92\x01\xc1"[..], "msgpack", "json")), @"expected a value, found byte `0xc1` at byte 2");
}

#[test]
fn parts_are_selected() {
    let document = r#"{"rows": [{"id": 1, "x y": [5, 6]}, {"id": 2}, {"id": 3}], "n": null}"#;
    let select = |path: &str, to: &str| {
        let select = Some(path.parse().unwrap());
        text(convert_with(document, "json", to, ConvertOptions::default().select(select)))
    };
    insta::assert_snapshot!(select("$", "json"), @r#"{"rows":[{"id":1,"x y":[5,6]},{"id":2},{"id":3}],"n":null}"#);
    insta::assert_snapshot!(select("$.rows[1]", "json"), @r#"{"id":2}"#);
    insta::assert_snapshot!(select("$.rows[0]['x y'][1]", "json"), @"6");
    insta::assert_snapshot!(select("$.n", "yaml"), @"null");
    insta::assert_snapshot!(select("$.rows", "jsonl"), @r#"
    {"id":1,"x y":[5,6]}
    {"id":2}
    {"id":3}
    "#);
    insta::assert_snapshot!(select("$.rows[*].id", "json"), @"[1,2,3]");
    insta::assert_snapshot!(select("$.rows[*].id", "jsonl"), @r"
    1
    2
    3
    ");
    insta::assert_snapshot!(select("$.rows[*].nobody", "json"), @"[]");
    insta::assert_snapshot!(select("$.rows[7]", "json"), @r"
    there is nothing at `$.rows[7]`

    hint: `$.rows` is there, but nothing in it that is `[7]`
    ");
    insta::assert_snapshot!(select("$.n.x", "json"), @r"
    there is nothing at `$.n.x`

    hint: `$.n` is a single value, with nothing in it
    ");
    insta::assert_snapshot!(select("$.rows[1]", "jsonl"), @r"
    expected a list of rows, found a single value in `$.rows[1]` at line 1 column 37

    hint: write JSON, which holds any value
    ");
}

#[test]
fn a_part_before_a_broken_one_is_read() {
    let select = ConvertOptions::default().select(Some("$.a".parse().unwrap()));
    assert_eq!(convert_with("{\"a\": 1, oops", "json", "json", select).unwrap(), b"1\n");
}

#[test]
fn the_path_in_an_error_is_that_of_the_document() {
    let select = ConvertOptions::default().select(Some("$.b[0]".parse().unwrap()));
    let refused = text(convert_with("b: [{c: .inf}]", "yaml", "json", select));
    insta::assert_snapshot!(refused, @r"
    JSON has no infinity in `$.b[0].c` at line 1 column 9

    hint: the option `nan` writes it as Python does, `tagged` with its type
    ");
}

#[test]
fn content_tells_the_format() {
    let cases: [(&[u8], &str); 25] = [
        (b"{\"a\": 1}", "json"),
        (b" [1, 2]", "json"),
        (b"\"text\"", "json"),
        (b"-1.5e3\n", "json"),
        (b"null", "json"),
        (b"{\"a\": 1}\n{\"a\": 2}\n", "jsonl"),
        (b"a: 1\n", "yaml"),
        (b"\"a\": 1\n", "yaml"),
        (b"name:\n  - x\n", "yaml"),
        (b"true: 1\n", "yaml"),
        (b"# settings\n\nlr: 0.1\n", "yaml"),
        (b"- 1\n- 2\n", "yaml"),
        (b"---\n1\n", "yaml"),
        (b"%YAML 1.2\n---\nx", "yaml"),
        (b"\xef\xbb\xbfa: \xc3\xa9", "yaml"),
        (b"\x81\xa1a\x01", "msgpack"),
        (b"\x92\x01\x02\x92\x03\x04", "msgpack"),
        (b"\xdc\x00\x10\x01\x02", "msgpack"),
        (b"\x93NUMPY\x01\x00", "npy"),
        (b"\xde\x00\x01\xa3abc\xc0", "msgpack"),
        (b"\xa1aa\x01", "cbor"),
        (b"\xd9\xd9\xf7\x01", "cbor"),
        (b"\x80\x04\x95\x03\0\0\0\0\0\0\0]\x94.", "pickle"),
        (b"\x80\x02]q\0.", "pickle"),
        (b"\x89HDF\r\n\x1a\n\0", "hdf5"),
    ];
    for (start, expected) in cases {
        let input = Input::from_memory(start.to_vec()).unwrap();
        let found = cannery::format_of(&input).map_or("none", |format| format.id());
        assert_eq!(found, expected, "{}", start.escape_ascii());
    }
    // A text, a list with a byte that begins nothing, documents with rubbish behind them.
    for start in [&b"hello world"[..], b"\x91\xc1", b"\x91\x01\xc1", b"\x81\xa1a\x01\xc1\xff"] {
        let input = Input::from_memory(start.to_vec()).unwrap();
        assert!(cannery::format_of(&input).is_err(), "{}", start.escape_ascii());
    }
}

#[test]
fn other_encodings_of_yaml_are_read() {
    let units: Vec<u16> = "a: é😀\n".encode_utf16().collect();
    let expected = "{\"a\":\"é😀\"}\n".as_bytes();
    for mark in [&[0xfeff_u16][..], &[]] {
        let units = [mark, &units].concat();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        assert_eq!(convert(big, "yaml", "json").unwrap(), expected);
        assert_eq!(convert(little, "yaml", "json").unwrap(), expected);
    }
    let wide: Vec<u8> = "a: é😀\n".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    assert_eq!(convert(wide, "yaml", "json").unwrap(), expected);
    let broken = convert(&b"\xff\xfea\x00\x00\xd8"[..], "yaml", "json");
    insta::assert_snapshot!(text(broken), @r"
    expected UTF-16, found other bytes

    hint: save the file in UTF-8
    ");
}

#[test]
fn indentation_is_the_targets() {
    let value = Value::from_iter([("a", Value::from_iter([("b", Value::from_iter([1]))]))]);
    let bytes = json::to_vec(&value).unwrap();
    let options = ConvertOptions::default().write(WriteOptions::default().indent(Some(4)));
    insta::assert_snapshot!(text(convert_with(bytes.clone(), "json", "yaml", options.clone())), @r"
    a:
        b:
        - 1
    ");
    insta::assert_snapshot!(text(convert_with(bytes, "json", "json", options)), @r#"
    {
        "a": {
            "b": [
                1
            ]
        }
    }
    "#);
}

#[test]
fn a_mark_wins_over_a_name_and_a_name_over_a_guess() {
    let cases: [(&str, &[u8], &str); 7] = [
        ("a.yaml", b"['a', b]\n", "yaml"),
        ("a.yaml", b"{\"a\": 1}\n", "yaml"),
        ("a.json", b"- 1\n", "json"),
        ("a.msgpack", b"{\"a\": 1}", "msgpack"),
        ("a.json", b"\x93NUMPY\x01\x00", "npy"),
        ("a.msgpack", b"\x89HDF\r\n\x1a\n", "hdf5"),
        ("a.json", b"{\"a\": 1}\n{\"a\": 2}\n", "jsonl"),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (name, content, expected) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let input = Input::open(&Location::from(&path)).unwrap();
        assert_eq!(cannery::format_of(&input).unwrap().id(), expected, "{name}");
    }
}

#[test]
fn a_lossy_conversion_says_what_was_lost() {
    let text = r#"{"$type": "tuple", "value": [1,
        {"$type": "set", "value": [2]}, {"$type": "bytes", "value": "AP8="},
        {"$type": "float", "value": "nan"}, {"$type": "datetime.date", "value": "2026-11-21"},
        {"$type": "my.Point", "value": {"x": 1, "y": 2}}, {"$type": "my.Box", "a": 3, "b": 4}]}"#;
    let can = convert_with(text, "json", "can", ConvertOptions::default().tagged(true)).unwrap();
    assert!(convert(can.as_slice(), "can", "json").is_err());
    let options = ConvertOptions::default().from(Some("can".to_owned())).lossy(true);
    let source = OpenSource::open(Input::from_memory(can).unwrap(), &options).unwrap();
    let mut out = Vec::new();
    let output = Output::to_stream(&mut out);
    let json = format_of_id("json").unwrap();
    let losses = convert_between(source, output, json, &options, &mut ()).unwrap();
    let lines: Vec<_> = losses.lines().collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    1 × NaN and infinities became null
    1 × bytes became text in base64
    3 × objects became their parts
    1 × sets became lists
    1 × tuples became lists
    ");
    insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"[1,[2],"AP8=",null,"2026-11-21",{"x":1,"y":2},{"a":3,"b":4}]"#);
}

#[test]
fn keys_that_are_numbers_become_text() {
    let yaml = "200: ok\ntrue: 1\nnull: 2\n1.5: 3\n";
    let json = text(convert(yaml, "yaml", "json"));
    assert_eq!(json, "{\"200\":\"ok\",\"true\":1,\"null\":2,\"1.5\":3}\n");
    assert_eq!(text(convert(yaml, "yaml", "yaml")), yaml);
}

#[test]
fn a_key_twice_is_refused_where_readers_refuse_it() {
    let json = r#"{"b": [{"a": 1, "c": {"a": 0}, "a": 2}]}"#;
    insta::assert_snapshot!(text(convert(json, "json", "yaml")), @"the key `a` occurs twice, which YAML refuses in `$.b[0].a` at line 1 column 32");
    assert_eq!(text(convert(json, "json", "json")).matches("\"a\"").count(), 3);
}
