//! Files as they come, what is read of them and what is said about those that are wrong.

use cannery_core::{Limits, Source, Value, ValueBuilder};
use cannery_csv::{Column, ColumnType, Dialect, Header, Options, Reader, Table, Writer, infer};
use proptest::prelude::*;

fn rows_with(text: &[u8], options: &Options) -> Result<Vec<Value>, cannery_core::Error> {
    let mut reader = Reader::new(text, options)?;
    let mut rows = Vec::new();
    loop {
        let mut row = ValueBuilder::new(Limits::default());
        if !reader.read(&mut row)? {
            return Ok(rows);
        }
        rows.push(row.finish()?);
    }
}

fn rows(text: &str) -> String {
    let rows = rows_with(text.as_bytes(), &Options::default()).unwrap();
    rows.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// A row as Python would show it.
fn shown(row: &Value) -> String {
    let Value::Map(entries) = row else { panic!("a row is a map: {row:?}") };
    let field = |value: &Value| match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::BigInt(value) => value.to_string(),
        Value::Float(value) => format!("{value:?}"),
        Value::Text(text) => format!("{:?}", text.to_string()),
        other => panic!("no field: {other:?}"),
    };
    let key = |key: &Value| match key {
        Value::Text(text) => format!("{:?}", text.to_string()),
        other => panic!("no name: {other:?}"),
    };
    let entries = entries.iter().map(|(name, value)| format!("{}: {}", key(name), field(value)));
    format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
}

fn error(text: &[u8]) -> String {
    rows_with(text, &Options::default()).unwrap_err().report()
}

#[test]
fn what_stands_in_files() {
    let cases = [
        ("", ""),
        ("a,b\n", ""),
        ("a,b", ""),
        ("a,b\n1,2", r#"{"a": 1, "b": 2}"#),
        ("\u{feff}a,b\r\n1,x\r\n", r#"{"a": 1, "b": "x"}"#),
        ("a\r1\r2\r", r#"{"a": 1} {"a": 2}"#),
        ("a,b\n\n\n1,2\n\n", r#"{"a": 1, "b": 2}"#),
        ("a\n\"x\ny\"\n", r#"{"a": "x\ny"}"#),
        ("a,b\n\"\",\n", r#"{"a": "", "b": null}"#),
        ("a\n\"1\"\n\"\"\n", r#"{"a": 1} {"a": null}"#),
        ("a\n007\n", r#"{"a": "007"}"#),
        ("a\n1\n2.5\n", r#"{"a": 1.0} {"a": 2.5}"#),
        ("a\ntrue\n0\n", r#"{"a": "true"} {"a": "0"}"#),
        ("a\n12345678901234567890123\n", r#"{"a": 12345678901234567890123}"#),
        ("a;b\n1,5;x\n", r#"{"a": "1,5", "b": "x"}"#),
        ("a\tb\n1\tx y\n", r#"{"a": 1, "b": "x y"}"#),
        ("a,a,,a.1\n1,2,3,4\n", r#"{"a": 1, "a.2": 2, "column_3": 3, "a.1": 4}"#),
        ("\"a\"\"b\",\"c,d\"\n1,2\n", r#"{"a\"b": 1, "c,d": 2}"#),
        ("a, b\n1, 2\n", r#"{"a": 1, " b": 2}"#),
    ];
    for (text, expected) in cases {
        assert_eq!(rows(text), expected, "{text:?}");
    }
}

#[test]
fn what_is_wrong_has_a_place_and_a_cure() {
    insta::assert_snapshot!(error(b"a,b\n1,2\n\n3\n"), @r"
    row 1 has 1 fields, and there are 2 columns at line 4 column 1

    hint: a field with a delimiter in it stands in quotes; another delimiter may be meant
    ");
    insta::assert_snapshot!(error(b"a,b\n1,2,3\n"), @r"
    row 0 has 3 fields, and there are 2 columns at line 2 column 1

    hint: a field with a delimiter in it stands in quotes; another delimiter may be meant
    ");
    insta::assert_snapshot!(error(b"a,b\n\"x\ny\",\"z\n1,2\n"), @r"
    the quote that begins here is never closed at line 3 column 4

    hint: a quote within a quoted field is written twice; the file may also have been cut off
    ");
    insta::assert_snapshot!(error(b"a,b\nx,\"y\xff\"\n"), @r"
    the field in column `b` of row 0 is not UTF-8 at line 2 column 4

    hint: cannery reads UTF-8: convert it first (`iconv -f LATIN1 -t UTF-8`); in Python, pass `open(path, encoding=...)`
    ");
    insta::assert_snapshot!(error(b"\xff\xfea\0,\0"), @r"
    the text is in UTF-16

    hint: cannery reads UTF-8: convert it first (`iconv -f LATIN1 -t UTF-8`); in Python, pass `open(path, encoding=...)`
    ");
}

#[test]
fn a_value_outside_of_its_type_is_no_other_value() {
    let options = Options::default().infer_rows(Some(1));
    let error = |text: &str| rows_with(text.as_bytes(), &options).unwrap_err().report();
    insta::assert_snapshot!(error("a,b\n1,2\n3,4\n5,oops\n"), @r#"
    expected `int` in column `b`, found `oops` in row 2 in `$[2].b` at line 4 column 3

    hint: types are inferred from the first rows: give this one, `schema={"b": str}`, or name what stands for nothing, `missing=["oops"]`
    "#);
    assert!(error("a\n1\n1.5\n").contains("`schema={\"a\": float}`"));
    assert!(error("a\n1.5\nx\n").starts_with("expected `float` in column `a`, found `x` in row 1"));
    assert!(error("a\ntrue\n2\n").starts_with("expected `bool` in column `a`, found `2` in row 1"));
    let missing = options.clone().missing(vec!["NA".to_owned()]);
    let read = rows_with(b"a\n1\nNA\n\"NA\"\n", &missing);
    assert!(read.unwrap_err().to_string().contains("found `NA` in row 2"));
    assert_eq!(shown(&rows_with(b"a\n1\nNA\n", &missing).unwrap()[1]), r#"{"a": null}"#);
}

#[test]
fn a_schema_fixes_types_and_names_columns_that_are_there() {
    let types = |name: &str, kind| Options::default().types(vec![(name.to_owned(), kind)]);
    let read = rows_with(b"a,b\n1,2\n", &types("a", ColumnType::Text)).unwrap();
    assert_eq!(shown(&read[0]), r#"{"a": "1", "b": 2}"#);
    insta::assert_snapshot!(rows_with(b"a,b\n1,2\n", &types("c", ColumnType::Int)).unwrap_err().report(), @r"
    the schema names a column `c` that the file does not have

    hint: it has `a`, `b`
    ");
}

#[test]
fn a_header_may_be_given_or_missing() {
    let none = Options::default().header(Header::None);
    assert_eq!(
        shown(&rows_with(b"1,x\n", &none).unwrap()[0]),
        r#"{"column_1": 1, "column_2": "x"}"#
    );
    let names = Options::default().header(Header::Names(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(shown(&rows_with(b"1,x\n", &names).unwrap()[0]), r#"{"a": 1, "b": "x"}"#);
    assert!(rows_with(b"1,x,2\n", &names).unwrap_err().to_string().contains("3 fields"));
}

#[test]
fn rows_of_a_piece_know_where_they_are() {
    let table = Table {
        columns: vec![Column { name: "a".to_owned(), kind: ColumnType::Int }],
        ..Table::default()
    };
    let mut reader = Reader::with_table(&b"\n1\n2\nx\n"[..], table, 100, 50);
    let error = reader.read_columns().unwrap_err().to_string();
    assert_eq!(
        error,
        "expected `int` in column `a`, found `x` in row 102 in `$[102].a` at line 53 column 1"
    );
}

#[test]
fn what_has_no_place_in_a_field_is_refused() {
    let write = |rows: &[Value]| {
        let mut writer = Writer::new(Vec::new(), Dialect::default());
        rows.iter().try_for_each(|row| row.emit(&mut writer))?;
        writer.finish().map(|bytes| String::from_utf8(bytes).unwrap())
    };
    let map = |entries: &[(&str, Value)]| -> Value { entries.iter().cloned().collect() };
    let first = map(&[("a", 1.into()), ("b", Value::Null)]);
    let cases = [
        (vec![first.clone(), map(&[("b", "x".into()), ("a", 2.into())])], Ok("a,b\n1,\n2,x\n")),
        (vec![first.clone(), map(&[("a", 2.into())])], Ok("a,b\n1,\n2,\n")),
        (vec![Value::Null, 1.into()], Ok("value\n\"\"\n1\n")),
        (vec![Value::from_iter([1, 2])], Ok("column_1,column_2\n1,2\n")),
        (vec![], Ok("")),
        (
            vec![first.clone(), map(&[("c", 1.into())])],
            Err("row 1 has a column `c` that the first one has not"),
        ),
        (
            vec![map(&[("a", Value::from_iter([1]))])],
            Err("a field of CSV holds one value, found a list in column `a` of row 0"),
        ),
        (vec![map(&[])], Err("row 0 has no columns")),
        (
            vec![Value::from_iter([1, 2]), Value::from_iter([1])],
            Err("row 1 has fewer than 2 fields"),
        ),
    ];
    for (rows, expected) in cases {
        let written = write(&rows).map_err(|error| error.to_string());
        assert_eq!(written.as_deref().map_err(String::as_str), expected);
    }
}

/// Texts in which what matters to CSV is frequent.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just('"'),
            Just(','),
            Just('\n'),
            Just('\r'),
            Just('a'),
            Just('1'),
            Just(' '),
            any::<char>(),
        ],
        0..8,
    )
    .prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn fields_are_those_that_the_crate_csv_finds(document in proptest::collection::vec(text(), 0..6)) {
        let document = document.concat();
        // It has another word for an open quote, and takes a mark off.
        let is_open = document.matches('"').count() % 2 == 1;
        prop_assume!(!is_open && !document.starts_with('\u{feff}'));
        let mut theirs = Vec::new();
        let mut builder = csv::ReaderBuilder::new();
        for record in builder.has_headers(false).flexible(true).from_reader(document.as_bytes()).records() {
            theirs.push(record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>());
        }
        let widest = theirs.iter().map(Vec::len).max().unwrap_or(0);
        prop_assume!(theirs.iter().all(|record| record.len() == widest));
        let names: Vec<_> = (0..widest).map(|at| format!("c{at}")).collect();
        let types = names.iter().map(|name| (name.clone(), ColumnType::Text)).collect();
        let options = Options::default()
            .header(Header::Names(names.clone())).types(types).delimiter(Some(b','));
        let ours = match rows_with(document.as_bytes(), &options) {
            Ok(rows) => rows,
            // A quote within a field that is not quoted does not open one.
            Err(error) => { prop_assert!(error.to_string().contains("quote")); return Ok(()) }
        };
        prop_assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            let fields = names.iter().map(|name| match ours.get(name.as_str()) {
                Some(Value::Text(text)) => text.to_string(),
                _ => String::new(),
            });
            prop_assert_eq!(&fields.collect::<Vec<_>>(), theirs);
        }
    }

    #[test]
    fn what_is_written_reads_back(
        rows in proptest::collection::vec((text(), any::<i64>(), any::<f64>(), proptest::option::of(text())), 1..8)
    ) {
        let mut writer = Writer::new(Vec::new(), Dialect::default());
        let rows: Vec<Value> = rows.into_iter().map(|(text, int, float, maybe)| {
            let maybe = maybe.map_or(Value::Null, Value::from);
            Value::from_iter([("t", text.into()), ("i", int.into()), ("f", float.into()), ("m", maybe)])
        }).collect();
        for row in &rows {
            row.emit(&mut writer).unwrap();
        }
        let bytes = writer.finish().unwrap();
        let types = vec![
            ("t".to_owned(), ColumnType::Text), ("f".to_owned(), ColumnType::Float),
            ("m".to_owned(), ColumnType::Text),
        ];
        let options = Options::default().types(types);
        prop_assert_eq!(infer(&bytes[..], &options).unwrap().columns.len(), 4);
        let read = rows_with(&bytes, &options).unwrap();
        prop_assert_eq!(format!("{read:?}"), format!("{rows:?}"));
    }
}
