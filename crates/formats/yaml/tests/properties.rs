//! What is written reads back, by every schema; and no text makes the reader do anything but read
//! or refuse.

use cannery_core::{Graph, Limits, Value, ValueBuilder};
use cannery_yaml::{ReadOptions, Schema, from_str, to_string, to_value};
use proptest::prelude::*;

fn read(text: &str, schema: Schema) -> cannery_core::Result<Value> {
    let mut builder = ValueBuilder::new(Limits::default());
    from_str(text, &ReadOptions::default().schema(schema), &mut builder)?;
    builder.finish()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_written_reads_back(value in cannery_testing::any_plain_value()) {
        let text = to_string(&value).unwrap();
        let back = to_value(&text);
        prop_assert!(back.as_ref().is_ok_and(|back| *back == value), "{text}\n{back:?}\n{value:?}");
    }

    #[test]
    fn every_schema_reads_the_same(value in cannery_testing::any_plain_value()) {
        let text = to_string(&value).unwrap();
        let back = read(&text, Schema::Legacy);
        prop_assert!(back.as_ref().is_ok_and(|back| *back == value), "{text}\n{back:?}\n{value:?}");
    }

    #[test]
    fn no_text_is_taken_for_something_else(text in "[-+.0-9:_eExXoObBaAfFnNtTyY~<=? ]{0,6}|\\PC{0,8}|[ \\n\\t#:a'\"-]{0,12}") {
        let value = Value::List(vec![Value::Text(text.as_str().into())]);
        let written = to_string(&value).unwrap();
        for schema in [Schema::Core, Schema::Legacy, Schema::Json] {
            let back = read(&written, schema);
            prop_assert!(back.as_ref().is_ok_and(|back| *back == value), "{written}{back:?}");
        }
    }

    #[test]
    fn what_is_read_can_be_written_and_read_again(text in "[-\\[\\]{}:,?&*!|>#'\"a-c1 \\n]{0,40}") {
        let Ok(first) = to_value(&text) else { return Ok(()) };
        let Ok(written) = to_string(&first) else { return Ok(()) };
        let again = to_value(&written);
        let equal = again.as_ref().is_ok_and(|again| same(again, &first));
        prop_assert!(equal, "{text}\n--\n{written}\n--\n{again:?}\n{first:?}");
    }
}

/// The same values with the same parts shared; anchors without aliases are no difference.
fn same(a: &Value, b: &Value) -> bool {
    let graph = |value| Graph::from_source(value, Limits::default()).unwrap();
    cannery_testing::isomorphic(&graph(a), &graph(b))
}

#[test]
fn control_characters_stand_for_themselves_nowhere() {
    for (text, offset) in
        [("\"a\u{b}\"", 2), ("'\0'", 1), ("a # \u{1}", 4), ("\u{7}", 0), ("- a\n---\n# \u{1b}", 10)]
    {
        let error = read(text, Schema::Core).unwrap_err();
        assert!(error.message().starts_with("the control character"), "{text:?}: {error}");
        assert_eq!(error.pos().map(|pos| pos.offset), Some(offset), "{text:?}");
    }
    assert_eq!(to_value("\"\\v\t\"").unwrap(), Value::from("\u{b}\t"));
}

#[test]
fn quotes_inside_plain_scalars_are_no_quotes_when_brackets_are_measured() {
    let x = || Value::from("x");
    for (text, items) in [
        ("[a&', ']:']", vec!["a&'", "]:"]),
        ("[a!', ']:']", vec!["a!'", "]:"]),
        ("[a?', ']:']", vec!["a?'", "]:"]),
        ("[a:', ']:']", vec!["a:'", "]:"]),
    ] {
        let items = items.into_iter().map(Value::from).collect();
        assert_eq!(to_value(text).unwrap(), Value::List(items), "{text}");
    }
    for text in ["['a]:']: x", "[&b ']:']: x", "[\"a\":']:']: x", "[a: ']:']: x", "[? ']:']: x"] {
        let found = to_value(text).unwrap();
        assert!(matches!(&found, Value::Map(entries) if entries[0].1 == x()), "{text}: {found:?}");
    }
}
